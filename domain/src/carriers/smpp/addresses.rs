//! Types of numbers and numbering plans, where a carrier wants others than the usual ones.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{error::Faults, senders::Class};

/// Type of number and numbering plan indicator (SMPP 3.4 §5.2.5, §5.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ton": 5, "npi": 0}))]
pub struct AddressType {
    /// Type of number: 0 unknown, 1 international, 2 national, 3 network specific, 4 subscriber, 5 alphanumeric, 6 abbreviated.
    #[schema(minimum = 0, maximum = 6)]
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 E.164, 3 data, 4 telex, 6 land mobile, 8 national, 9 private, 10 ERMES, 14 Internet, 18 WAP.
    #[schema(minimum = 0, maximum = 18)]
    pub npi: u8,
}

/// Types of senders by their class, and of recipients; null is the usual one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"alphanumeric": null, "numeric": null, "short_code": {"ton": 6, "npi": 0}, "destination": null}))]
pub struct AddressTypes {
    /// Senders with letters: 5 and 0.
    pub alphanumeric: Option<AddressType>,
    /// Senders that are phone numbers: 1 and 1.
    pub numeric: Option<AddressType>,
    /// Senders that are short codes: 3 and 1.
    pub short_code: Option<AddressType>,
    /// Recipients: 1 and 1.
    pub destination: Option<AddressType>,
}

/// The numbering plans of SMPP 3.4 §5.2.6.
const PLANS: [u8; 10] = [0, 1, 3, 4, 6, 8, 9, 10, 14, 18];

const fn usual(ton: u8, npi: u8) -> AddressType {
    AddressType { ton, npi }
}

impl AddressTypes {
    /// The type of a sender of this class.
    pub fn sender(&self, class: Class) -> AddressType {
        match class {
            Class::Alphanumeric => self.alphanumeric.unwrap_or(usual(5, 0)),
            Class::Numeric => self.numeric.unwrap_or(usual(1, 1)),
            Class::ShortCode => self.short_code.unwrap_or(usual(3, 1)),
        }
    }
    /// The type of recipients.
    pub fn destination(&self) -> AddressType {
        self.destination.unwrap_or(usual(1, 1))
    }

    pub(super) fn check(&self, faults: &mut Faults, at: &str) {
        let Self { alphanumeric, numeric, short_code, destination } = self;
        let all = [
            ("alphanumeric", alphanumeric),
            ("numeric", numeric),
            ("short_code", short_code),
            ("destination", destination),
        ];
        for (name, kind) in all {
            let Some(AddressType { ton, npi }) = kind else { continue };
            if *ton > 6 {
                faults.add(format!("{at}/{name}/ton"), "out_of_range", "must be 0 to 6");
            }
            if !PLANS.contains(npi) {
                faults.add(format!("{at}/{name}/npi"), "out_of_range", "must be 0, 1, 3, 4, 6, 8, 9, 10, 14 or 18");
            }
        }
    }
}
