//! Which values can be senders at all. Pure: no database, no clock.
//!
//! Alphanumeric: 1 to 11 Latin letters, digits, punctuation and spaces, with at least one letter. Numeric: 3 to 15
//! digits. GSM's basic table bounds the characters, since carriers drop or replace others.

/// Names that only their owners may use, in the folded form of [`fold`]: state bodies, emergency and payment services
/// and firms that are imitated most. The operator may still grant one, upon documents.
const RESERVED: &[&str] = &[
    "police",
    "ambulance",
    "fire",
    "gov",
    "govuk",
    "government",
    "bank",
    "visa",
    "mastercard",
    "paypal",
    "apple",
    "google",
    "amazon",
    "facebook",
    "whatsapp",
    "telegram",
    "viber",
    "microsoft",
    "netflix",
    "dhl",
    "fedex",
    "ups",
    "hmrc",
    "nhs",
    "irs",
    "usps",
    "europol",
    "interpol",
];

/// Words that tell the recipient nothing.
const MEANINGLESS: &[&str] = &["sms", "info", "test", "sender", "message", "notice", "alert", "unknown", "null"];

/// Numbers of services that a subscriber must be able to trust.
const SERVICE_NUMBERS: &[&str] =
    &["000", "100", "101", "102", "103", "104", "110", "111", "112", "113", "115", "118", "119", "900", "911", "999"];

/// Why an account may not ask for a value; `None` when it may.
pub fn check(value: &str) -> Option<String> {
    check_form(value).or_else(|| check_meaning(value))
}

/// Why a value cannot be shown by networks; `None` when it can.
pub(super) fn check_form(value: &str) -> Option<String> {
    if value.is_empty() || value.trim() != value {
        return Some("must not be empty, nor begin or end with a space".to_owned());
    }
    if value.bytes().all(|b| b.is_ascii_digit()) {
        let fits = (3..=15).contains(&value.len());
        return (!fits).then(|| "must have 3 to 15 digits when it is a number".to_owned());
    }
    if let Some(c) = value.chars().find(|c| !is_allowed(*c)) {
        return Some(format!(
            "must not have the character {c:?}: only Latin letters, digits, space and . , - _ & ' ! ? / + : ( ) are shown by every carrier"
        ));
    }
    if value.chars().count() > 11 {
        return Some("must have at most 11 characters, as every network cuts longer ones".to_owned());
    }
    if !value.bytes().any(|b| b.is_ascii_alphabetic()) {
        return Some("must have at least one letter, or be a number of 3 to 15 digits without a plus sign".to_owned());
    }
    None
}

/// Why a value that can be shown would still mislead.
fn check_meaning(value: &str) -> Option<String> {
    if SERVICE_NUMBERS.contains(&value) {
        return Some("is the number of a public service".to_owned());
    }
    let folded = fold(value);
    if folded.chars().count() < 2 || folded.chars().all(|c| folded.starts_with(c)) {
        return Some("is meaningless: name the firm or the service, not one character again and again".to_owned());
    }
    if MEANINGLESS.iter().any(|word| fold(word) == folded) {
        return Some("is meaningless: recipients cannot tell who writes".to_owned());
    }
    if let Some(name) = RESERVED.iter().find(|name| fold(name) == folded) {
        return Some(format!("looks like {name:?}, which is reserved for its owner"));
    }
    None
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " .,-_&'!?/+:()".contains(c)
}

/// What a reader takes it for: letters only differ from look-alike digits to a machine, and signs are overlooked.
pub(super) fn fold(value: &str) -> String {
    value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_lowercase() {
            '0' => 'o',
            '1' | 'i' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            '8' => 'b',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_names_and_numbers_pass() {
        for good in ["CARILLON", "Acme Ltd.", "A&B", "447400123456", "12345", "Shop24", "H&M", "O'Neill", "Bankside"] {
            assert_eq!(check(good), None, "{good}");
        }
    }

    #[test]
    fn rules_refuse() {
        let bad = [
            ("", "empty"),
            (" Acme", "space"),
            ("Acme Limited Co", "11"),
            ("Ácme", "character"),
            ("Асме", "character"),
            ("12", "3 to 15"),
            ("1234567890123456", "3 to 15"),
            ("900", "public service"),
            ("7777777", "meaningless"),
            ("+4474001234", "letter"),
            ("...", "letter"),
            ("A", "meaningless"),
            ("aaaa", "meaningless"),
            ("SMS", "meaningless"),
            ("PayPal", "reserved"),
            ("PAYPA1", "reserved"),
            ("B4NK", "reserved"),
            ("G-O-V", "reserved"),
        ];
        for (value, why) in bad {
            let told = check(value).unwrap_or_default();
            assert!(told.contains(why), "{value}: {told:?} does not say {why:?}");
        }
    }
}
