//! Charts as SVG: horizontal bars with their names and figures.
//!
//! Pure. Invariants: every text is escaped; a chart has a title and a description, so that it can be read aloud.

use std::fmt::Write;

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// How long it is.
    pub count: i64,
}

/// Bars that are drawn; what is left is one bar more.
const MOST: usize = 20;
const WIDTH: i64 = 640;
const NAMES: i64 = 180;
const FIGURES: i64 = 90;
const ROW: i64 = 26;
const HEAD: i64 = 44;

/// Draws bars from the top to the bottom.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let total: i64 = bars.iter().map(|bar| bar.count).sum();
    let mut drawn: Vec<Bar> = bars.iter().take(MOST).cloned().collect();
    let rest: i64 = bars.iter().skip(MOST).map(|bar| bar.count).sum();
    if rest > 0 {
        drawn.push(Bar { name: format!("{} others", bars.len() - MOST), count: rest });
    }
    let longest = drawn.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let height = HEAD + ROW * i64::try_from(drawn.len()).unwrap_or(0) + 10;
    let told: Vec<String> = drawn.iter().map(|bar| format!("{}: {}", bar.name, bar.count)).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\" font-family=\"sans-serif\" font-size=\"13\">\
         <title id=\"title\">{}</title><desc id=\"desc\">{}</desc>\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\
         <text x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"bold\" fill=\"#1b1f24\">{}</text>",
        escaped(title),
        escaped(&told.join("; ")),
        escaped(title)
    );
    for (place, Bar { name, count }) in (0_i64..).zip(&drawn) {
        let (top, room) = (HEAD + place * ROW, WIDTH - NAMES - FIGURES - 32);
        let width = (i128::from(*count) * i128::from(room) / i128::from(longest)).max(i128::from(*count > 0));
        let short: String =
            if name.chars().count() > 26 { name.chars().take(25).chain(['…']).collect() } else { name.clone() };
        // Tenths of a percent, in whole numbers.
        let share = if total > 0 { i128::from(*count) * 1000 / i128::from(total) } else { 0 };
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1b1f24\">{}</text>\
             <rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"18\" rx=\"2\" fill=\"#2f6fb3\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#57606a\">{count} ({}.{} %)</text>",
            16 + NAMES - 8,
            top + 14,
            escaped(&short),
            16 + NAMES,
            top,
            i128::from(16 + NAMES + 6) + width,
            top + 14,
            share / 10,
            share % 10,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A text between tags or quotes. Characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, count: i64) -> Bar {
        Bar { name: name.into(), count }
    }

    #[test]
    fn texts_stay_texts() {
        let svg = bars("A & \"B\"", &[bar("<script>alert('x')</script>\u{1}", 3), bar("", 0)]);
        assert!(!svg.contains("<script") && !svg.contains('\u{1}'));
        assert!(svg.contains("<title id=\"title\">A &amp; &quot;B&quot;</title>"));
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }

    #[test]
    fn the_longest_bar_is_whole_and_what_is_left_is_one() {
        let many: Vec<Bar> = (0..25).map(|n| bar(&format!("Name {n}"), 100 - n)).collect();
        let svg = bars("Many", &many);
        assert!(svg.contains("5 others"));
        assert_eq!(svg.matches("<rect").count(), 22, "paper, 20 bars and the rest");
        // The rest (78+…+76) is the longest bar here.
        let rest: i64 = (20..25).map(|n| 100 - n).sum();
        assert!(svg.contains(&format!("{rest} (")) && svg.contains("width=\"338\""));
        assert!(bars("None", &[]).contains("None"));
    }
}
