//! Tags of languages in the letters in which BCP 47 writes them, so that `EN` and `en` are one.
//!
//! Pure.

/// Small letters; two letters after the first subtag are a region and large, four are a script and begin with a large one,
/// unless a subtag of one letter stands before (RFC 5646, 2.1.1).
pub fn canonical(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    let mut extended = false;
    for (place, subtag) in tag.split('-').enumerate() {
        let mut subtag = subtag.to_ascii_lowercase();
        if place > 0 {
            out.push('-');
            if !extended && subtag.len() == 2 {
                subtag.make_ascii_uppercase();
            } else if !extended && subtag.len() == 4 {
                subtag.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
            }
        }
        extended |= subtag.len() == 1;
        out.push_str(&subtag);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_one_form() {
        for (tag, wanted) in [
            ("EN", "en"),
            ("En-gb", "en-GB"),
            ("en-GB", "en-GB"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("DE-ch-1996", "de-CH-1996"),
            ("EN-ca-X-CA", "en-CA-x-ca"),
            ("\u{444}\u{440}", "\u{444}\u{440}"),
            ("", ""),
        ] {
            assert_eq!(canonical(tag), wanted);
        }
    }
}
