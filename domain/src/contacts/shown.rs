//! What a contact is shown with beside its own row: its groups, the time zone whose clock counts for it, and the operator
//! that its number was ported to.
//!
//! Invariant: the zone that is shown is the one that hours by the recipient's clock go by, as of now.

use std::{borrow::Cow, collections::HashMap};

use chrono_tz::Tz;
use sea_orm::ConnectionTrait;

use super::{Column, Contact, queries};
use crate::{
    accounts,
    clock::Timestamp,
    error::Result,
    ids::{ContactId, GroupId},
    phone, ported_numbers,
    scope::AccountScope,
};

/// A contact as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The contact; its operator is the one that has the number now.
    pub contact: Contact,
    /// The groups it is in.
    pub group_ids: Vec<GroupId>,
    /// The zone whose clock counts for it; `None` where its number tells none, and none was set.
    pub time_zone: Option<String>,
    /// Whether its number is ported.
    pub ported: bool,
}

/// Contacts with what is shown beside them.
///
/// # Errors
/// When the database refuses.
pub async fn shown(conn: &impl ConnectionTrait, scope: &AccountScope, contacts: Vec<Contact>) -> Result<Vec<Shown>> {
    let ids: Vec<ContactId> = contacts.iter().map(|contact| contact.id).collect();
    let mut groups: HashMap<ContactId, Vec<GroupId>> = queries::memberships(conn, scope, &ids).await?;
    let with_groups = contacts.into_iter().map(|contact| (groups.remove(&contact.id).unwrap_or_default(), contact));
    shown_in(conn, scope, with_groups.collect()).await
}

/// The same, where the groups are known.
///
/// # Errors
/// When the database refuses.
pub async fn shown_in(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    mut contacts: Vec<(Vec<GroupId>, Contact)>,
) -> Result<Vec<Shown>> {
    let ported = ported_numbers::fill(conn, contacts.iter_mut().map(|(_, contact)| contact)).await?;
    let clock = Clock::of(conn, scope, contacts.iter().map(|(_, contact)| contact)).await?;
    let shown = contacts.into_iter().zip(ported).map(|((group_ids, contact), ported)| {
        let time_zone = clock.zone(&contact).map(Cow::into_owned);
        Shown { contact, group_ids, time_zone, ported }
    });
    Ok(shown.collect())
}

/// Tells which zone counts for contacts of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    own: Tz,
    now: Timestamp,
}

impl Clock {
    /// Reads the account's zone, if one of these contacts needs it.
    pub async fn of(
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        contacts: impl IntoIterator<Item = &Contact>,
    ) -> Result<Self> {
        let needs = |contact: &Contact| {
            contact.profile.get(Column::TimeZone).is_none()
                && key(contact).is_some_and(|key| phone::is_of_several(&key))
        };
        let now = scope.clock().now();
        match contacts.into_iter().any(needs) {
            true => Self::read(conn, scope, now).await,
            false => Ok(Self { own: Tz::UTC, now }),
        }
    }

    /// Reads the account's zone, for the clocks of a moment.
    pub async fn read(conn: &impl ConnectionTrait, scope: &AccountScope, now: Timestamp) -> Result<Self> {
        let own = accounts::find(conn, scope).await?.time_zone.parse().unwrap_or(Tz::UTC);
        Ok(Self { own, now })
    }

    /// The zone that counts for a contact.
    pub fn zone<'a>(&self, contact: &'a Contact) -> Option<Cow<'a, str>> {
        let set = contact.profile.get(Column::TimeZone).map(Cow::Borrowed);
        set.or_else(|| Some(Cow::Borrowed(self.told(&key(contact)?))))
    }

    /// The zone that a key of zones tells.
    pub fn told(&self, key: &str) -> &'static str {
        phone::zone_of_key(key, self.own, self.now).name()
    }
}

/// The key of the zones of its number, also of a contact that an earlier version has written.
fn key(contact: &Contact) -> Option<Cow<'_, str>> {
    let stored = contact.number_zones.as_deref().map(Cow::Borrowed);
    stored.or_else(|| phone::describe(contact.phone).zones.map(Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        contacts::{New, Patch, create, filter, get, statistics::statistics, update},
        db::Window,
        testing::{Stage, stages, write_tx},
    };

    async fn made(stage: &Stage, phone: &str) -> ContactId {
        let new = New { phone: phone.into(), ..New::default() };
        stage.clock.advance(std::time::Duration::from_secs(1)); // the order of ids is that of making
        write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap().id
    }

    async fn set(stage: &Stage, id: ContactId, zone: Option<&str>) {
        let patch = Patch { columns: vec![(Column::TimeZone, zone.map(str::to_owned))], ..Patch::default() };
        write_tx!(stage, tx => update(&tx, &stage.scope, id, patch, None)).unwrap();
    }

    async fn live_in(stage: &Stage, zone: &str) {
        let change = accounts::Change { time_zone: Some(zone.into()), ..accounts::Change::default() };
        write_tx!(stage, tx => accounts::update(&tx, &stage.scope, None, change)).unwrap();
    }

    async fn zone(stage: &Stage, id: ContactId) -> Option<String> {
        let contact = get(stage.db.read(), &stage.scope, id).await.unwrap();
        shown(stage.db.read(), &stage.scope, vec![contact]).await.unwrap().remove(0).time_zone
    }

    async fn found(stage: &Stage, condition: serde_json::Value) -> Vec<ContactId> {
        let filter = serde_json::from_value(condition).unwrap();
        let tree = filter::read(stage.db.read(), &stage.scope, &filter, "/filter").await.unwrap();
        let window = Window { limit: 100, after: None };
        let listed = filter::list(stage.db.read(), &stage.scope, &tree, window, None).await.unwrap();
        assert_eq!(
            filter::count(stage.db.read(), &stage.scope, &tree).await.unwrap(),
            i64::try_from(listed.rows.len()).unwrap()
        );
        listed.rows.into_iter().map(|contact| contact.id).collect()
    }

    #[tokio::test]
    async fn the_zone_is_the_one_that_was_set_or_what_the_number_and_the_account_tell() {
        for stage in stages().await {
            live_in(&stage, "Europe/London").await;
            let us = made(&stage, "+12015550123").await;
            let ua = made(&stage, "+380501235821").await;
            let ru = made(&stage, "+79123450689").await;
            assert_eq!(zone(&stage, us).await.as_deref(), Some("America/New_York"));
            assert_eq!(zone(&stage, ua).await.as_deref(), Some("Europe/Kyiv"));
            let middle = zone(&stage, ru).await.unwrap();
            assert!(middle.starts_with("Asia/"), "a middle one of the eleven hours of Russia: {middle}");
            let at = |zone: &str| json!({"field": "time_zone", "equals": zone});
            assert_eq!(found(&stage, at(&middle)).await, [ru]);
            assert_eq!(found(&stage, at("europe/moscow")).await, []);

            live_in(&stage, "Europe/Moscow").await;
            assert_eq!(zone(&stage, ru).await.as_deref(), Some("Europe/Moscow"), "the account's own is among them");
            assert_eq!(found(&stage, at("Europe/Moscow")).await, [ru]);
            assert_eq!(found(&stage, at(&middle)).await, []);
            let several = json!({"field": "time_zone", "any_of": ["Europe/Moscow", "Europe/Kyiv"]});
            assert_eq!(found(&stage, several.clone()).await, [ua, ru]);
            assert_eq!(found(&stage, json!({"not": several})).await, [us]);

            set(&stage, us, Some("America/Denver")).await;
            set(&stage, ru, Some("Asia/Omsk")).await;
            assert_eq!(zone(&stage, us).await.as_deref(), Some("America/Denver"));
            assert_eq!(found(&stage, at("America/Denver")).await, [us]);
            assert_eq!(found(&stage, at("America/New_York")).await, []);
            assert_eq!(found(&stage, at("Europe/Moscow")).await, [], "what was set goes before what several tell");
            assert_eq!(found(&stage, json!({"field": "time_zone", "exists": true})).await, [us, ua, ru]);

            set(&stage, ru, None).await;
            let everybody = filter::Tree::everything();
            let is = statistics(stage.db.read(), &stage.scope, &everybody, stage.clock.now()).await.unwrap();
            let mut zones: Vec<_> = is.time_zones.iter().map(|s| (s.value.as_deref().unwrap(), s.count)).collect();
            zones.sort_unstable();
            assert_eq!(zones, [("America/Denver", 1), ("Europe/Kyiv", 1), ("Europe/Moscow", 1)]);

            set(&stage, us, None).await;
            assert_eq!(zone(&stage, us).await.as_deref(), Some("America/New_York"), "given back to the number");
        }
    }

    #[tokio::test]
    async fn what_an_earlier_version_wrote_is_shown_before_it_is_looked_up() {
        for stage in stages().await {
            let ua = made(&stage, "+380501235821").await;
            let forget = "UPDATE contacts SET number_zones = NULL";
            write_tx!(stage, tx => crate::db::Sql::run(&tx, forget, crate::vals![])).unwrap();
            assert_eq!(zone(&stage, ua).await.as_deref(), Some("Europe/Kyiv"));
        }
    }
}
