//! The conditions of the list of messages: its query parameters, and what a saved filter keeps.
//!
//! Invariant: one reader checks both, so a filter that could be saved can be listed with.

use domain::{
    clock::Timestamp,
    error::Faults,
    ids::{BatchId, CampaignId, ContactId},
    messages::{Filter, Status},
    phone::{Country, Msisdn},
    templates::MAX_BODY,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// The longest part of a text, a sender or a name that is looked for.
const MAX_PART: usize = 500;

/// Which messages to list: each condition narrows.
#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"status": "undelivered,expired", "country": "GB", "weekday": "6,7"}))]
pub struct MessageConditions {
    /// Only of this campaign.
    pub campaign_id: Option<CampaignId>,
    /// Only of this send.
    pub batch_id: Option<BatchId>,
    /// Only to this contact.
    pub contact_id: Option<ContactId>,
    /// Only in these states, separated by commas.
    pub status: Option<String>,
    /// Only with this reason.
    pub reason: Option<String>,
    /// Only to this number, in E.164.
    pub to: Option<String>,
    /// Only to numbers with these digits, 1 to 15.
    pub to_contains: Option<String>,
    /// Only from this sender.
    pub sender: Option<String>,
    /// Only from senders with this in them; A–Z and a–z count as the same. At most 500 characters.
    pub sender_contains: Option<String>,
    /// Only with exactly this text. At most 5,000 characters.
    pub text: Option<String>,
    /// Only with this in the text; A–Z and a–z count as the same. At most 500 characters.
    pub text_contains: Option<String>,
    /// Only to this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Only to this operator.
    pub operator: Option<String>,
    /// Only with your own id.
    pub external_id: Option<String>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made before this time.
    pub created_to: Option<Timestamp>,
    /// Only those made on these days of the week in the account's time zone, 1 = Monday … 7 = Sunday, separated by commas.
    pub weekday: Option<String>,
}

impl MessageConditions {
    /// As the domain lists by them; `at` is the JSON pointer of what holds them.
    pub fn read(self, at: &str) -> domain::Result<Filter> {
        let Self {
            campaign_id,
            batch_id,
            contact_id,
            status,
            reason,
            to,
            to_contains,
            sender,
            sender_contains,
            text,
            text_contains,
            country,
            operator,
            external_id,
            created_from,
            created_to,
            weekday,
        } = self;
        let mut faults = Faults::default();
        for (name, value, max) in [
            ("reason", &reason, MAX_PART),
            ("sender", &sender, MAX_PART),
            ("sender_contains", &sender_contains, MAX_PART),
            ("text", &text, MAX_BODY),
            ("text_contains", &text_contains, MAX_PART),
            ("operator", &operator, MAX_PART),
            ("external_id", &external_id, MAX_PART),
        ] {
            faults.optional_text(&format!("{at}/{name}"), value.as_deref(), max);
        }
        let mut wrong = |name: &str, what: &str| faults.add(format!("{at}/{name}"), "invalid", what);
        let statuses: Option<Vec<Status>> = words(status.as_deref());
        if statuses.is_none() {
            let all: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
            wrong("status", &format!("must be words of {}, separated by commas", all.join(", ")));
        }
        let weekdays: Option<Vec<i64>> = words(weekday.as_deref());
        let weekdays = weekdays.filter(|days| days.iter().all(|d| (1..=7).contains(d)));
        if weekdays.is_none() {
            wrong("weekday", "must be numbers of 1 (Monday) to 7 (Sunday), separated by commas");
        }
        let phone = to.map(|text| text.parse::<Msisdn>());
        if matches!(phone, Some(Err(_))) {
            wrong("to", "must be a number in E.164, such as +447400123456");
        }
        let digits = to_contains.map(|text| text.trim_start_matches('+').to_owned());
        if digits.as_ref().is_some_and(|d| !(1..=15).contains(&d.len()) || !d.bytes().all(|b| b.is_ascii_digit())) {
            wrong("to_contains", "must be 1 to 15 digits");
        }
        let country = country.map(|code| code.parse::<Country>());
        if let Some(Err(unknown)) = &country {
            wrong("country", &unknown.to_string());
        }
        faults.check()?;
        Ok(Filter {
            campaign: campaign_id,
            batch: batch_id,
            contact: contact_id,
            statuses: statuses.unwrap_or_default(),
            reason,
            phone: phone.and_then(Result::ok).map(i64::from),
            phone_contains: digits,
            sender,
            sender_contains,
            text,
            text_contains,
            country: country.and_then(Result::ok).map(Country::code),
            operator,
            external_id,
            created_from,
            created_to,
            weekdays: weekdays.unwrap_or_default(),
            after: None,
        })
    }

    /// These conditions, and of the saved ones those that are not among them.
    pub fn over(&self, saved: Value) -> domain::Result<Self> {
        let Value::Object(mut all) = saved else {
            return Err(domain::Error::internal("a saved filter is not an object"));
        };
        all.extend(self.given());
        serde_json::from_value(Value::Object(all))
            .map_err(|e| domain::Error::internal(format!("a saved filter cannot be read: {e}")))
    }

    /// Those that are there, by name.
    pub fn given(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut all)) => {
                all.retain(|_, value| !value.is_null());
                all
            }
            _ => Map::new(),
        }
    }
}

/// Writes only the conditions that are there.
pub fn given<S: Serializer>(conditions: &MessageConditions, s: S) -> Result<S::Ok, S::Error> {
    conditions.given().serialize(s)
}

/// Words separated by commas; none of a text that is missing.
fn words<T: std::str::FromStr>(text: Option<&str>) -> Option<Vec<T>> {
    text.into_iter().flat_map(|t| t.split(',')).map(|word| word.trim().parse().ok()).collect()
}
