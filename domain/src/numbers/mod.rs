//! Numbers: what stands against sending to one, whoever and whatever put it there.
//!
//! Invariant: what is told here is what sends and campaigns skip for: the same lists are asked.

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    accounts, blacklist,
    clock::Timestamp,
    contacts::Consent,
    db::Sql,
    error::Result,
    hours::Zone,
    ids::{ContactId, GroupId},
    messages::frequency,
    phone::{self, Msisdn},
    scope::AccountScope,
    unsubscribes, vals,
};

/// Unsubscribes that are told of one number.
pub const MAX_UNSUBSCRIBES: usize = 200;

/// One thing that stands against sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The number is on the blacklist.
    Blacklisted(blacklist::Entry),
    /// Its contact is in a group that is a stop list.
    StopList {
        /// The contact.
        contact: ContactId,
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
        /// Since when it is in it.
        since: Timestamp,
    },
    /// Its contact has refused.
    ConsentRefused {
        /// The contact.
        contact: ContactId,
        /// When.
        at: Option<Timestamp>,
        /// Where it comes from.
        source: Option<String>,
    },
    /// It wants nothing from one sender; others may send.
    Unsubscribed(unsubscribes::Unsubscribe),
    /// The account may not send to its country.
    CountryNotEnabled {
        /// ISO 3166 alpha-2.
        country: String,
    },
    /// It is in the account's quiet hours: campaigns wait for their end.
    QuietHours {
        /// When they end.
        until: Timestamp,
    },
    /// Campaigns have written to it as often as the account's caps allow.
    FrequencyCap {
        /// From when on they may again.
        until: Timestamp,
    },
}

/// All that stands against sending to a number, what holds for every sender first.
///
/// # Errors
/// When the database refuses.
pub async fn blocks(conn: &impl ConnectionTrait, scope: &AccountScope, number: Msisdn) -> Result<Vec<Block>> {
    #[derive(FromQueryResult)]
    struct Contact {
        id: ContactId,
        consent: Consent,
        consent_at: Option<Timestamp>,
        consent_source: Option<String>,
        time_zone: Option<String>,
    }
    #[derive(FromQueryResult)]
    struct Stop {
        id: GroupId,
        name: String,
        added_at: Timestamp,
    }
    let digits = i64::from(number);
    let mut blocks = Vec::new();
    let sql = "SELECT * FROM blacklist WHERE account_id = $1 AND phone = $2";
    let listed: Option<blacklist::Entry> = conn.one(sql, vals![scope.account(), digits]).await?;
    blocks.extend(listed.map(Block::Blacklisted));
    let sql =
        "SELECT id, consent, consent_at, consent_source, time_zone FROM contacts WHERE account_id = $1 AND phone = $2";
    let mut set: Option<Tz> = None;
    if let Some(contact) = conn.one::<Contact>(sql, vals![scope.account(), digits]).await? {
        set = contact.time_zone.and_then(|name| name.parse().ok());
        if contact.consent == Consent::Refused {
            let Contact { id, consent_at: at, consent_source: source, .. } = contact;
            blocks.push(Block::ConsentRefused { contact: id, at, source });
        }
        let sql = "SELECT g.id, g.name, m.added_at FROM contact_groups m JOIN groups g ON g.id = m.group_id \
            WHERE g.account_id = $1 AND m.contact_id = $2 AND g.stop_list ORDER BY g.id";
        for Stop { id, name, added_at } in conn.all::<Stop>(sql, vals![scope.account(), contact.id]).await? {
            blocks.push(Block::StopList { contact: contact.id, group: id, name, since: added_at });
        }
    }
    let country = phone::describe(number).country.map(phone::Country::code);
    let account = accounts::find(conn, scope).await?;
    blocks.extend(country.filter(|c| !account.countries.allow(c)).map(|country| Block::CountryNotEnabled { country }));
    if let Some(quiet) = &account.quiet_hours {
        let (now, own) = (scope.clock().now(), account.time_zone.parse().unwrap_or(Tz::UTC));
        let zone = match quiet.clock {
            Zone::Account => own,
            Zone::Recipient => set.unwrap_or_else(|| phone::zone_of(&phone::time_zones_of(number), own, now)),
        };
        blocks.extend(quiet.until(now, zone).map(|until| Block::QuietHours { until }));
    }
    blocks
        .extend(frequency::over_until(conn, scope, &account, number).await?.map(|until| Block::FrequencyCap { until }));
    let sql = "SELECT * FROM unsubscribes WHERE account_id = $1 AND phone = $2 ORDER BY id LIMIT $3";
    let most = i64::try_from(MAX_UNSUBSCRIBES).unwrap_or(i64::MAX);
    let pairs: Vec<unsubscribes::Unsubscribe> = conn.all(sql, vals![scope.account(), digits, most]).await?;
    blocks.extend(pairs.into_iter().map(Block::Unsubscribed));
    Ok(blocks)
}
