//! What is known about a number: country, region, operator, line type and, by [`zones`], time zones. Looked up in
//! compiled-in tables, nothing is asked.
//!
//! The operator is the one the range was issued to; who has a ported number is told elsewhere. An unknown operator is
//! normal, and so is an unknown region: few countries tie numbers that receive SMS to a place (+1, China, Mexico, Brazil,
//! Argentina and some more).

use std::sync::LazyLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType};
use serde::{Deserialize, Serialize};

use super::{Country, Msisdn, prefixes::PrefixTable, zones};

static OPERATORS: LazyLock<PrefixTable> = LazyLock::new(|| PrefixTable::load(include_str!("../../data/operators.tsv")));
static REGIONS: LazyLock<PrefixTable> = LazyLock::new(|| PrefixTable::load(include_str!("../../data/regions.tsv")));

/// What kind of line a numbering plan gives a number to (the names of libphonenumber).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// A mobile line.
    Mobile,
    /// The plan does not tell the two apart (all of +1).
    FixedLineOrMobile,
    /// A landline.
    FixedLine,
    /// Internet telephony.
    Voip,
    /// Follows a person from line to line (+44 70 …).
    Personal,
    /// A pager.
    Pager,
    /// Free for the caller.
    TollFree,
    /// Dear for the caller.
    PremiumRate,
    /// Cost shared by caller and callee.
    SharedCost,
    /// One number for a whole company.
    Uan,
    /// A voicemail box.
    Voicemail,
    /// Not a number of the plan.
    Unknown,
}

impl LineType {
    /// Whether SMS can arrive at such a line. Landlines and service numbers cannot; internet, personal and pager lines
    /// may.
    pub const fn may_receive_sms(self) -> bool {
        match self {
            Self::Mobile | Self::FixedLineOrMobile | Self::Voip | Self::Personal | Self::Pager => true,
            Self::FixedLine | Self::TollFree | Self::PremiumRate | Self::SharedCost => false,
            Self::Uan | Self::Voicemail | Self::Unknown => false,
        }
    }
}

impl From<PhoneNumberType> for LineType {
    fn from(kind: PhoneNumberType) -> Self {
        match kind {
            PhoneNumberType::Mobile => Self::Mobile,
            PhoneNumberType::FixedLineOrMobile => Self::FixedLineOrMobile,
            PhoneNumberType::FixedLine => Self::FixedLine,
            PhoneNumberType::VoIP => Self::Voip,
            PhoneNumberType::PersonalNumber => Self::Personal,
            PhoneNumberType::Pager => Self::Pager,
            PhoneNumberType::TollFree => Self::TollFree,
            PhoneNumberType::PremiumRate => Self::PremiumRate,
            PhoneNumberType::SharedCost => Self::SharedCost,
            PhoneNumberType::UAN => Self::Uan,
            PhoneNumberType::VoiceMail => Self::Voicemail,
            PhoneNumberType::Unknown => Self::Unknown,
        }
    }
}

/// What the numbering plans say about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberInfo {
    /// `None` for international networks (+88x) and for numbers of no plan.
    pub country: Option<Country>,
    /// The state, province or other large part of the country, in English, where the number is tied to one.
    pub region: Option<&'static str>,
    /// The operator the range was issued to, in English; `None` is normal.
    pub operator: Option<&'static str>,
    /// What kind of line it is.
    pub line_type: LineType,
    /// The key of the time zones it may be in; see [`zones`].
    pub zones: Option<&'static str>,
}

/// Country, region, operator, line type and time zones in one go; one microsecond, up to four for +1 (an import asks this of every
/// row).
pub fn describe(number: Msisdn) -> NumberInfo {
    let operator = operator_of(number);
    let Some(phone) = split(number) else {
        return NumberInfo { country: None, region: None, operator, line_type: LineType::Unknown, zones: None };
    };
    let kind = kind_of(&phone);
    let region = if is_tied(&phone, kind) { REGIONS.find(number.as_u64()) } else { None };
    let (country, line_type) = classified(&phone, kind);
    NumberInfo { country, region, operator, line_type, zones: zones::key_of(number, &phone, kind) }
}

/// The library's word for the kind of line.
pub(super) fn kind_of(phone: &PhoneNumber) -> PhoneNumberType {
    PHONE_NUMBER_UTIL.get_number_type(phone)
}

/// Whether a number of this kind is tied to a place.
pub(super) fn is_tied(phone: &PhoneNumber, kind: PhoneNumberType) -> bool {
    PHONE_NUMBER_UTIL.is_number_geographical_by_country_code_and_type(kind, phone.country_code)
}

/// The country a number belongs to, from the whole number and never from the calling code alone (+1 and +7 are
/// several).
pub fn country_of(number: Msisdn) -> Option<Country> {
    describe(number).country
}

/// The kind of line by the numbering plan.
pub fn line_type(number: Msisdn) -> LineType {
    describe(number).line_type
}

/// The operator the number's range was issued to, by the longest prefix; `None` is normal (many countries publish
/// nothing).
pub fn operator_of(number: Msisdn) -> Option<&'static str> {
    OPERATORS.find(number.as_u64())
}

/// Country and line type of a number. `LineType::Unknown` if and only if the number is not valid: the library's
/// `is_valid_number` is the same question asked again, so it is not asked.
pub(super) fn classify(number: &PhoneNumber) -> (Option<Country>, LineType) {
    classified(number, kind_of(number))
}

fn classified(number: &PhoneNumber, kind: PhoneNumberType) -> (Option<Country>, LineType) {
    if kind == PhoneNumberType::Unknown {
        return (None, LineType::Unknown);
    }
    (PHONE_NUMBER_UTIL.get_region_for_number(number).and_then(Country::from_region), kind.into())
}

/// The library's form of an E.164 number, without its parser (which costs more than all the rest): only the calling
/// code has to be found, and calling codes are prefix-free. `None` if no calling code fits.
pub(super) fn split(number: Msisdn) -> Option<PhoneNumber> {
    let digits = number.as_u64();
    let length = digits.ilog10() + 1;
    (1..=3_u32).find_map(|code_length| {
        let unit = 10_u64.checked_pow(length.checked_sub(code_length)?)?;
        let country_code = i32::try_from(digits / unit).ok()?;
        PHONE_NUMBER_UTIL.get_region_for_country_code(country_code)?;
        let national_number = digits % unit;
        // Zeros in front of the national number are part of it (Italy, Ivory Coast, Gabon …) and lost in an integer.
        let national_length = national_number.checked_ilog10().map_or(0, |log| log + 1);
        let zeros = length.checked_sub(code_length)?.checked_sub(national_length)?;
        let mut phone = PhoneNumber { country_code, national_number, ..PhoneNumber::default() };
        if zeros > 0 {
            phone.italian_leading_zero = Some(true);
            phone.number_of_leading_zeros = i32::try_from(zeros).ok().filter(|&n| n > 1);
        }
        Some(phone)
    })
}
