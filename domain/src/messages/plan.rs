//! From a text and a recipient to what would be sent, skipped and charged. Estimates, dry runs and real sends all come
//! through here, which is why an estimate equals its charge.

use std::{borrow::Cow, collections::BTreeMap};

use chrono_tz::Tz;

use crate::{
    ids::ContactId,
    messages::Terms,
    money::Micros,
    phone::{Msisdn, NumberInfo, describe},
    segments::{self, Encoding, SplitMode},
    senders,
    templates::text::{Field, Marker, Template},
};

/// Why a recipient is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// The number is on the account's blacklist.
    Blacklisted,
    /// The number wants nothing more from this sender.
    Unsubscribed,
    /// The contact is in a group that is a stop list.
    StopList,
    /// The contact refused to be sent to.
    ConsentRefused,
    /// The account may not send to the country.
    CountryNotEnabled,
    /// The deck has no price for the destination.
    NoRate,
    /// No route leads there, and the account has no carrier of its own.
    NoRoute,
    /// The rendered text has more segments than the account allows.
    TextTooLong,
    /// The rendered text is empty.
    EmptyText,
    /// A campaign would write to the number more often than the account allows. Known when it would leave, not before.
    FrequencyCap,
    /// No allowed hour of the campaign lies outside the account's quiet hours. Known when it is placed, not before.
    QuietHours,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Blacklisted,
        Self::Unsubscribed,
        Self::StopList,
        Self::ConsentRefused,
        Self::CountryNotEnabled,
        Self::NoRate,
        Self::NoRoute,
        Self::TextTooLong,
        Self::EmptyText,
        Self::FrequencyCap,
        Self::QuietHours,
    ];
    /// What is known against sending to somebody before a text is looked at.
    pub(crate) fn known(
        blacklisted: bool,
        unsubscribed: bool,
        stop_listed: bool,
        consent: Option<&str>,
    ) -> Option<Self> {
        match (blacklisted, unsubscribed, stop_listed, consent) {
            (true, ..) => Some(Self::Blacklisted),
            (_, true, ..) => Some(Self::Unsubscribed),
            (.., true, _) => Some(Self::StopList),
            (.., Some("refused")) => Some(Self::ConsentRefused),
            _ => None,
        }
    }
    /// The text in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blacklisted => "blacklisted",
            Self::Unsubscribed => "unsubscribed",
            Self::StopList => "stop_list",
            Self::ConsentRefused => "consent_refused",
            Self::CountryNotEnabled => "country_not_enabled",
            Self::NoRate => "no_rate",
            Self::NoRoute => "no_route",
            Self::TextTooLong => "text_too_long",
            Self::EmptyText => "empty_text",
            Self::FrequencyCap => "frequency_cap",
            Self::QuietHours => "quiet_hours",
        }
    }
}

/// What markers read of a contact.
#[derive(Debug, Clone, Default, sea_orm::FromQueryResult)]
pub struct Values {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub patronymic: Option<String>,
    pub birth_date: Option<String>,
    pub sex: Option<String>,
    pub email: Option<String>,
    pub company: Option<String>,
    pub link: Option<String>,
    pub comment: Option<String>,
    pub fields: serde_json::Value,
}

/// Somebody to be sent to.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub phone: Msisdn,
    pub contact: Option<(ContactId, Values)>,
    /// The time zone that was set for the contact; none: what the number tells.
    pub zone: Option<Tz>,
    /// The operator that the number was ported to.
    pub ported: Option<String>,
    /// What the send itself gives for markers, by their names; it goes before what the contact has.
    pub given: BTreeMap<String, String>,
    /// Set when it is known beforehand that nothing may be sent.
    pub stop: Option<Skip>,
}

/// A recipient with all that was decided.
#[derive(Debug, Clone)]
pub struct Draft {
    pub phone: Msisdn,
    pub contact: Option<ContactId>,
    pub country: Option<String>,
    /// The operator that has the number, also a ported one.
    pub operator: Option<Cow<'static, str>>,
    /// The time zone that was set for the contact; none: what the number tells.
    pub zone: Option<Tz>,
    pub outcome: Outcome,
}

/// What will become of a recipient.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A message goes out.
    Send(Piece),
    /// Nothing goes out, and why.
    Skip(Skip),
}

/// The frozen message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub encoding: Encoding,
    /// Segments billed.
    pub segments: i64,
    /// PDUs submitted.
    pub parts: i64,
    /// Price of a segment.
    pub unit_price: Micros,
    /// The carrier's price of a segment as the deck has it, where known; a route that tells it rules.
    pub unit_cost: Option<Micros>,
}

/// What is sent to everybody of one send.
#[derive(Debug, Clone)]
pub struct Letter {
    pub sender: String,
    pub template: Template,
    pub split_mode: SplitMode,
    /// For how long it is worth sending; none: as long as the carrier keeps it.
    pub validity_seconds: Option<i64>,
}

impl Piece {
    /// What it costs: price × segments; `None` beyond what money can be.
    pub fn price(&self) -> Option<Micros> {
        self.unit_price.checked_mul(self.segments)
    }
}

impl Letter {
    /// Decides what becomes of one recipient.
    pub fn draft(&self, terms: &Terms, to: &Recipient) -> Draft {
        let NumberInfo { country, operator, .. } = describe(to.phone);
        let country = country.map(|c| c.code());
        let operator = to.ported.clone().map(Cow::Owned).or(operator.map(Cow::Borrowed));
        let outcome = match to.stop {
            Some(stop) => Outcome::Skip(stop),
            None => self.outcome(terms, to, country.as_deref(), operator.as_deref()),
        };
        let contact = to.contact.as_ref().map(|(id, _)| *id);
        Draft { phone: to.phone, contact, country, operator, zone: to.zone, outcome }
    }

    fn outcome(&self, terms: &Terms, to: &Recipient, country: Option<&str>, operator: Option<&str>) -> Outcome {
        if !terms.allows(country) {
            return Outcome::Skip(Skip::CountryNotEnabled);
        }
        let Some(rate) = terms.deck.rate(to.phone, country, operator) else {
            return Outcome::Skip(Skip::NoRate);
        };
        if !terms.routing.reaches(country, operator, senders::Class::of(&self.sender)) {
            return Outcome::Skip(Skip::NoRoute);
        }
        let text = self.template.render(|marker| value(marker, to, country, operator));
        if text.trim().is_empty() {
            return Outcome::Skip(Skip::EmptyText);
        }
        let measure = segments::measure(&text, self.split_mode, None);
        let segments = i64::from(measure.segments);
        if segments > terms.max_segments {
            return Outcome::Skip(Skip::TextTooLong);
        }
        let parts = if self.split_mode == SplitMode::Payload { 1 } else { segments };
        Outcome::Send(Piece {
            text,
            encoding: measure.encoding,
            segments,
            parts,
            unit_price: rate.price,
            unit_cost: rate.cost,
        })
    }
}

fn value<'a>(
    marker: &Marker,
    to: &'a Recipient,
    country: Option<&'a str>,
    operator: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    if !to.given.is_empty()
        && let Some(given) = to.given.get(&marker.to_string())
    {
        return Some(Cow::Borrowed(given));
    }
    let contact = to.contact.as_ref().map(|(_, values)| values);
    let of = |pick: fn(&Values) -> Option<&str>| contact.and_then(pick).map(Cow::Borrowed);
    match marker {
        Marker::Builtin(Field::Phone) => Some(to.phone.to_string().into()),
        Marker::Builtin(Field::Country) => country.map(Cow::Borrowed),
        Marker::Builtin(Field::Operator) => operator.map(Cow::Borrowed),
        Marker::Builtin(Field::FirstName) => of(|v| v.first_name.as_deref()),
        Marker::Builtin(Field::LastName) => of(|v| v.last_name.as_deref()),
        Marker::Builtin(Field::Patronymic) => of(|v| v.patronymic.as_deref()),
        Marker::Builtin(Field::BirthDate) => of(|v| v.birth_date.as_deref()),
        Marker::Builtin(Field::Sex) => of(|v| v.sex.as_deref()),
        Marker::Builtin(Field::Email) => of(|v| v.email.as_deref()),
        Marker::Builtin(Field::Company) => of(|v| v.company.as_deref()),
        Marker::Builtin(Field::Link) => of(|v| v.link.as_deref()),
        Marker::Builtin(Field::Comment) => of(|v| v.comment.as_deref()),
        Marker::Custom(key) => match contact?.fields.get(key)? {
            serde_json::Value::String(s) => Some(Cow::Borrowed(s)),
            serde_json::Value::Null => None,
            other => Some(other.to_string().into()),
        },
    }
}
