//! What the owner may change: how numbers and times are read, how long a message may be, when and how often campaigns
//! may write to a number.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QuerySelect, Set};

use super::{Account, Entity, FrequencyCaps, QuietHours, Status};
use crate::{
    db::{Sql, expect_version},
    error::{Error, Faults, Result},
    ids::AccountId,
    messages,
    money::Currency,
    phone,
    scope::{AccountScope, OperatorScope},
    vals,
};

/// A merge patch: what is `None` stays. An inner `None` clears it, as does an empty list of caps.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// ISO 3166 alpha-2.
    pub default_country: Option<Option<String>>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// 1 to 255.
    pub max_segments: Option<i64>,
    /// 1 to 365.
    pub trash_days: Option<i64>,
    /// When campaigns leave people alone.
    pub quiet_hours: Option<Option<QuietHours>>,
    /// How often campaigns may write to a number.
    pub frequency_caps: Option<Option<FrequencyCaps>>,
}

/// Changes the account of the scope; `expected` is the version the caller read.
///
/// # Errors
/// When a value is not valid, or the account has changed since `expected`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    expected: Option<i64>,
    change: Change,
) -> Result<Account> {
    let Change { default_country, time_zone, language, max_segments, trash_days, quiet_hours, frequency_caps } = change;
    let mut faults = Faults::default();
    check_country(&mut faults, default_country.as_ref().and_then(Option::as_deref));
    if time_zone.as_ref().is_some_and(|z| z.parse::<chrono_tz::Tz>().is_err()) {
        faults.add("/time_zone", "invalid", "must be an IANA time zone, such as Europe/Paris");
    }
    if language.as_ref().is_some_and(|l| !is_language(l)) {
        faults.add("/language", "invalid", "must be a BCP 47 language, such as en or pt-BR");
    }
    if max_segments.is_some_and(|n| !(1..=255).contains(&n)) {
        faults.add("/max_segments", "out_of_range", "must be from 1 to 255");
    }
    if trash_days.is_some_and(|n| !(1..=365).contains(&n)) {
        faults.add("/trash_days", "out_of_range", "must be from 1 to 365");
    }
    if let Some(Some(quiet)) = &quiet_hours {
        quiet.check(&mut faults);
    }
    if let Some(Some(caps)) = &frequency_caps {
        caps.check(&mut faults);
    }
    faults.check()?;
    let row = Entity::find_by_id(scope.account())
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| Error::not_found("account"))?;
    expect_version(row.version, expected)?;
    let version = row.version + 1;
    let mut row = row.into_active_model();
    if let Some(country) = default_country {
        row.default_country = Set(country);
    }
    if let Some(zone) = time_zone {
        row.time_zone = Set(zone);
    }
    if let Some(language) = language {
        row.language = Set(language);
    }
    if let Some(n) = max_segments {
        row.max_segments = Set(n);
    }
    if let Some(n) = trash_days {
        row.trash_days = Set(n);
    }
    if let Some(quiet) = quiet_hours {
        row.quiet_hours = Set(quiet);
    }
    if let Some(caps) = frequency_caps {
        row.frequency_caps = Set(caps.filter(|caps| !caps.0.is_empty()));
    }
    row.updated_at = Set(scope.clock().now());
    row.version = Set(version);
    Ok(row.update(tx).await?)
}

pub(super) fn check_country(faults: &mut Faults, country: Option<&str>) {
    let Some(code) = country else { return };
    match code.parse::<phone::Country>() {
        Err(unknown) => faults.add("/default_country", "invalid", unknown.to_string()),
        Ok(known) if known.code() != code => faults.add("/default_country", "invalid", "must be in capital letters"),
        Ok(_) => {}
    }
}

/// The shape of a BCP 47 tag: a language of 2 or 3 letters, then subtags of 2 to 8 letters and digits.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && tag.len() <= 35
        && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Fixes the account's currency at its first posting.
///
/// # Errors
/// `not_found`; `invalid_request` when it is fixed to another.
pub async fn fix_currency(
    tx: &DatabaseTransaction,
    _: &OperatorScope,
    id: AccountId,
    currency: &Currency,
) -> Result<()> {
    let sql = "UPDATE accounts SET currency = COALESCE(currency, $2) WHERE id = $1 RETURNING currency";
    let fixed: String =
        tx.scalar(sql, vals![id, currency.0.as_str()]).await?.ok_or_else(|| Error::not_found("account"))?;
    if fixed == currency.0 {
        return Ok(());
    }
    Err(Error::field("/currency", "mismatch", format!("must be {fixed}, the account's currency")))
}

/// Sets what an account may do. What is queued stops with its suspension, and goes on with its end.
///
/// # Errors
/// `not_found`.
pub async fn set_status(tx: &DatabaseTransaction, scope: &OperatorScope, id: AccountId, status: Status) -> Result<()> {
    let sql = "UPDATE accounts SET status = $2, updated_at = $3, version = version + 1 WHERE id = $1";
    let now = scope.clock.now();
    if tx.run(sql, vals![id, status.as_str(), now]).await? == 0 {
        return Err(Error::not_found("account"));
    }
    match status {
        Status::Suspended | Status::Closed => messages::stop::stop(tx, now, id).await,
        Status::Test | Status::Active => messages::stop::go_on(tx, now, id).await,
    }
}

#[cfg(test)]
mod tests {
    use super::is_language;

    #[test]
    fn languages() {
        for good in ["en", "pt-BR", "zh-Hant-TW", "fil"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "e", "english", "EN", "en_GB", "en-", "en-x"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}
