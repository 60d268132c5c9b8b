//! [`parse`]: from a raw text to a number we can send to.
//!
//! Bare digits may have two readings, national and international. Which one wins depends on where the default country
//! comes from: a file's own country is a statement about its numbers (national wins), an account's country only a habit
//! (international wins). Measured on a world-wide list, national first with a wrong country misreads one number in
//! seven.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, ValidationError,
    get_national_significant_number_owned,
};

use super::{
    Country, LineType, Msisdn, PhoneError,
    clean::{Cleaned, clean},
    describe::classify,
    msisdn::MIN_DIGITS,
};

/// Numbers of the simulator (docs and sandbox): +1 201 555 0100 to 0199, of the range reserved for fiction. Always
/// accepted.
pub const SIMULATOR_NUMBERS: std::ops::RangeInclusive<u64> = 12_015_550_100..=12_015_550_199;

/// How to read digits without `+` or `00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// International, there is nothing else to go by.
    None,
    /// The default country of an import: a valid national number that can receive SMS wins, else international.
    ImportCountry(Country),
    /// The default country of the account: international wins, else national.
    AccountCountry(Country),
}

/// A number that may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The number.
    pub number: Msisdn,
    /// The digits had two different valid readings and the rule chose one; imports count these. A landline is a valid
    /// reading too: what was meant may be a number we would have refused.
    pub ambiguous: bool,
}

/// A reading that names an existing number.
#[derive(Clone, Copy)]
struct Reading {
    number: Msisdn,
    line_type: LineType,
}

impl Reading {
    fn receives_sms(&self) -> bool {
        self.line_type.may_receive_sms()
    }
}

/// Reads what a person or a file gives as a phone number. Only numbers that exist in the numbering plan of their
/// country pass, and only lines that may receive SMS (CON-04). About three microseconds.
///
/// # Errors
/// `phone_empty`, `phone_too_short`, `phone_too_long`, `phone_invalid`; `phone_not_mobile` for a valid landline or
/// service number;
/// `phone_no_country` for a national form when there is no default country.
pub fn parse(raw: &str, rule: &Rule) -> Result<Parsed, PhoneError> {
    let Cleaned { international, digits } = clean(raw)?;
    let (country, national_wins) = match *rule {
        _ if international => return accept(read_international(&digits)?, false),
        Rule::None if digits.starts_with('0') && digits.len() >= MIN_DIGITS => return Err(PhoneError::no_country()),
        Rule::None => return accept(read_international(&digits)?, false),
        Rule::ImportCountry(country) => (country, true),
        Rule::AccountCountry(country) => (country, false),
    };
    match (read(&digits, Some(country)), read_international(&digits)) {
        (Ok(national), Ok(other)) if national.number == other.number => accept(national, false),
        (Ok(national), Ok(other)) => {
            let wins = national_wins && (national.receives_sms() || is_trunk_form(&digits, country));
            // The other reading may be a landline: then only one can be meant.
            let chosen = if wins || !other.receives_sms() { national } else { other };
            accept(chosen, true)
        }
        (Ok(only), Err(_)) | (Err(_), Ok(only)) => accept(only, false),
        (Err(national), Err(_)) => Err(national),
    }
}

/// `8 (9xx) xxx-xx-xx`: eleven digits that begin with the trunk prefix of +7 countries. Nobody there means Vietnam
/// (+84) by it.
fn is_trunk_form(digits: &str, country: Country) -> bool {
    digits.len() == 11 && digits.starts_with('8') && country.dialling_code() == 7
}

fn accept(reading: Reading, ambiguous: bool) -> Result<Parsed, PhoneError> {
    if !reading.receives_sms() {
        return Err(PhoneError::not_mobile("a landline or service number cannot receive SMS".into()));
    }
    Ok(Parsed { number: reading.number, ambiguous })
}

fn read_international(digits: &str) -> Result<Reading, PhoneError> {
    if digits.len() < MIN_DIGITS {
        return Err(PhoneError::too_short(format!("fewer than {MIN_DIGITS} digits")));
    }
    read(&format!("+{digits}"), None)
}

fn read(text: &str, country: Option<Country>) -> Result<Reading, PhoneError> {
    let phone = PHONE_NUMBER_UTIL.parse(text, country.map(Country::region)).map_err(|error| match error {
        ParseError::InvalidCountryCode => PhoneError::invalid("no country has this calling code".into()),
        ParseError::NotANumber(_) => PhoneError::invalid("not a phone number".into()),
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneError::too_short("too few digits".into()),
        ParseError::TooLongNsn => PhoneError::too_long("too many digits".into()),
    })?;
    let national = get_national_significant_number_owned(&phone);
    let number: Msisdn = format!("+{}{national}", phone.country_code).parse()?;
    let (_, line_type) = classify(&phone);
    if SIMULATOR_NUMBERS.contains(&number.as_u64()) {
        return Ok(Reading { number, line_type: LineType::FixedLineOrMobile });
    }
    if line_type == LineType::Unknown { Err(why_invalid(&phone)) } else { Ok(Reading { number, line_type }) }
}

fn why_invalid(phone: &PhoneNumber) -> PhoneError {
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(phone) {
        // Possible only inside its own city, that is, without the area code.
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            PhoneError::too_short("too few digits for its country".into())
        }
        Err(ValidationError::TooLong) => PhoneError::too_long("too many digits for its country".into()),
        Err(ValidationError::InvalidCountryCode) => PhoneError::invalid("no country has this calling code".into()),
        Err(ValidationError::InvalidLength) | Ok(NumberLengthType::IsPossible) => {
            PhoneError::invalid("no such number in the numbering plan of its country".into())
        }
    }
}
