//! What kind of sender a value is, told from the value alone. Pure: no database, no clock.
//!
//! Invariant: the class a report shows is the one the carrier was told (its type of number): both come from here.

/// The fewest digits of a number that can be called from anywhere; a shorter one is a short code.
const NUMBER: usize = 7;

crate::text_enum! {
    /// What kind of sender a value is. Carriers and countries price and permit them differently.
    pub enum Class("SenderClass") {
        /// A name: it has something besides digits.
        Alphanumeric = "alphanumeric",
        /// A telephone number of 7 digits or more.
        Numeric = "numeric",
        /// A number of 6 digits or fewer, which a network gives to a service.
        ShortCode = "short_code",
    }
}

impl Class {
    /// The class of a value; a plus sign before digits changes nothing.
    pub fn of(value: &str) -> Self {
        let digits = value.trim_start_matches('+');
        let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        match numeric {
            false => Self::Alphanumeric,
            true if digits.len() >= NUMBER => Self::Numeric,
            true => Self::ShortCode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn a_value_has_the_class_of_its_form() {
        for name in ["CARILLON", "Shop24", "24-7", "", "+"] {
            assert_eq!(Class::of(name), Class::Alphanumeric, "{name}");
        }
        for number in ["447400123456", "+447400123456", "1234567"] {
            assert_eq!(Class::of(number), Class::Numeric, "{number}");
        }
        for code in ["444", "123456"] {
            assert_eq!(Class::of(code), Class::ShortCode, "{code}");
        }
    }
}
