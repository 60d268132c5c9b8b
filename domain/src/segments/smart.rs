//! Cheaper spelling without a change of words (TPL-05): typographic marks become plain ones, and `€` becomes `E`, each
//! only where it makes the message smaller.

use std::borrow::Cow;

use super::{Encoding, SplitMode, measure, ucs2::typographic};

/// Replaces typographic quotes, dashes, spaces, ellipsis and the like by their GSM-7 equivalents.
///
/// Only if the whole text is GSM-7 afterwards: in a text that stays UCS-2 (Cyrillic, emoji) the marks cost nothing,
/// `...` would even cost more than `…`, so it is left as it was written.
pub fn smart_encode(text: &str) -> Cow<'_, str> {
    if Encoding::of(text) == Encoding::Gsm7 {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match typographic(c) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(c),
        }
    }
    let size = |text: &str| measure(text, SplitMode::default(), None).segments;
    // Seventy `…` fit one UCS-2 segment; two hundred and ten dots do not fit one of GSM-7.
    let helps = Encoding::of(&plain) == Encoding::Gsm7 && size(&plain) <= size(text);
    if helps { Cow::Owned(plain) } else { Cow::Borrowed(text) }
}

/// Replaces every `€` (two septets) by `E` (one) if the message would otherwise spill into another segment; with `cut`,
/// if it would otherwise be cut. A UCS-2 text is left alone: there `€` costs no more than `E`.
pub fn euro_to_e(text: &str, mode: SplitMode) -> Cow<'_, str> {
    if !text.contains('€') || Encoding::of(text) == Encoding::Ucs2 {
        return Cow::Borrowed(text);
    }
    // `cut` always counts one segment; what spills there shows when counted as if split.
    let mode = if mode == SplitMode::Cut { SplitMode::Udh8 } else { mode };
    let cheaper = text.replace('€', "E");
    let saves = measure(&cheaper, mode, None).segments < measure(text, mode, None).segments;
    if saves { Cow::Owned(cheaper) } else { Cow::Borrowed(text) }
}
