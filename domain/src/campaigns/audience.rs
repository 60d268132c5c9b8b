//! Who a campaign goes to: groups, segments, contacts and bare numbers, less excluded groups and segments. Walked in
//! pages of 1,000 in the order of contact ids, so that a million recipients cost no more memory than a thousand, and a
//! walk can be resumed.
//!
//! Invariant: a walk keeps to the segments as they were when it began, and to its moment ([`Meant`]).

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::segments::Meant;
use crate::{
    blacklist,
    contacts::filter::{self, Writer},
    db::{Sql, ids_json, ids_list, lookup},
    error::{Faults, Result},
    groups,
    ids::{CampaignId, ContactId, GroupId, SegmentId},
    messages::{Recipient, Skip, Values},
    phone::Msisdn,
    ported_numbers,
    scope::AccountScope,
    unsubscribes,
};

/// The most groups of one kind.
pub const MAX_GROUPS: usize = 50;
/// The most segments of one kind.
pub const MAX_SEGMENTS: usize = 10;
/// The most contacts or bare numbers told one by one; more belong in a group.
pub const MAX_NUMBERS: usize = 10_000;
/// Recipients a page.
pub(super) const PAGE: usize = 1000;
/// Contacts that a page with segments looks through: a segment of few would otherwise be sought to the end of all contacts
/// for each page of the many others.
const LOOKED_THROUGH: i64 = 5000;

/// Who is sent to. A contact in several of these is sent to once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({
    "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"], "contact_ids": [], "phones": ["+447400123456"], "exclude_group_ids": []
}))]
pub struct Audience {
    /// Members of these groups. Texts have the values that a contact has in the group only, where it has some; of
    /// several groups, the one that is named first goes before the others.
    pub group_ids: Vec<GroupId>,
    /// These contacts.
    pub contact_ids: Vec<ContactId>,
    /// These numbers, whether or not they are contacts.
    pub phones: Vec<Msisdn>,
    /// Members of these groups are left out.
    pub exclude_group_ids: Vec<GroupId>,
    /// Contacts of these segments, as they match when the campaign is prepared; at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segment_ids: Vec<SegmentId>,
    /// Contacts of these segments are left out; at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_segment_ids: Vec<SegmentId>,
}

/// Where a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// After this contact.
    Contact(Uuid),
    /// After so many numbers; all contacts are done.
    Number(usize),
}

/// One page of a walk.
pub(super) struct Page {
    pub recipients: Vec<Recipient>,
    /// `None` when this page was the last.
    pub next: Option<Cursor>,
}

impl Audience {
    /// Checks sizes and that every group and contact is the account's.
    ///
    /// # Errors
    /// When the database cannot be read; faults are noted in `faults`.
    pub async fn check(&self, conn: &impl ConnectionTrait, scope: &AccountScope, faults: &mut Faults) -> Result<()> {
        let Self { group_ids, contact_ids, phones, exclude_group_ids, segment_ids, exclude_segment_ids } = self;
        if group_ids.is_empty() && contact_ids.is_empty() && phones.is_empty() && segment_ids.is_empty() {
            faults.add("/audience", "required", "must name a group, a segment, a contact or a number");
        }
        for (name, len, max) in [
            ("group_ids", group_ids.len(), MAX_GROUPS),
            ("exclude_group_ids", exclude_group_ids.len(), MAX_GROUPS),
            ("segment_ids", segment_ids.len(), MAX_SEGMENTS),
            ("exclude_segment_ids", exclude_segment_ids.len(), MAX_SEGMENTS),
            ("contact_ids", contact_ids.len(), MAX_NUMBERS),
            ("phones", phones.len(), MAX_NUMBERS),
        ] {
            if len > max {
                faults.add(format!("/audience/{name}"), "too_many", format!("must have at most {max} entries"));
            }
        }
        let ids = |groups: &[GroupId]| groups.iter().map(|g| g.0).collect::<Vec<_>>();
        let segments = |segments: &[SegmentId]| segments.iter().map(|s| s.0).collect::<Vec<_>>();
        for (name, table, wanted) in [
            ("group_ids", "groups", ids(group_ids)),
            ("exclude_group_ids", "groups", ids(exclude_group_ids)),
            ("segment_ids", "contact_segments", segments(segment_ids)),
            ("exclude_segment_ids", "contact_segments", segments(exclude_segment_ids)),
            ("contact_ids", "contacts", contact_ids.iter().map(|c| c.0).collect()),
        ] {
            if wanted.is_empty() {
                continue;
            }
            let sql = format!(
                "SELECT id FROM {table} WHERE account_id = $2 AND id IN {}",
                ids_list(conn.get_database_backend(), 1)
            );
            let known: std::collections::HashSet<Uuid> = conn
                .column(&sql, crate::vals![ids_json(wanted.iter().copied()), scope.account()])
                .await?
                .into_iter()
                .collect();
            for (place, _) in wanted.iter().enumerate().filter(|(_, id)| !known.contains(id)).take(10) {
                faults.add(
                    format!("/audience/{name}/{place}"),
                    "not_found",
                    "there is no such resource in this account",
                );
            }
        }
        Ok(())
    }

    /// How many there are at most: one in several groups or segments counts in each, and who is skipped counts too.
    pub(super) async fn at_most(
        &self,
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        meant: &Meant,
    ) -> Result<i64> {
        let list = ids_list(conn.get_database_backend(), 1);
        let sql = format!("SELECT COUNT(*) FROM contact_groups WHERE group_id IN {list}");
        let members: Option<i64> =
            conn.scalar(&sql, crate::vals![ids_json(self.group_ids.iter().map(|g| g.0))]).await?;
        let mut members = members.unwrap_or(0);
        for segment in &meant.include {
            members = members.saturating_add(filter::count(conn, scope, segment).await?);
        }
        let named = self.contact_ids.len() + self.phones.len();
        Ok(members.saturating_add(i64::try_from(named).unwrap_or(i64::MAX)))
    }

    /// The page after `cursor`. `campaign` is the one whose messages are being written, if any.
    pub(super) async fn page(
        &self,
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        sender: &str,
        meant: &Meant,
        cursor: Cursor,
        campaign: Option<CampaignId>,
    ) -> Result<Page> {
        match cursor {
            Cursor::Contact(after) => self.contacts(conn, scope, sender, meant, after).await,
            Cursor::Number(done) => self.numbers(conn, scope, sender, done, campaign).await,
        }
    }

    /// Contacts after an id. Each source gives its own first 1,000 by an index, and their union is cut again: a page
    /// costs the same at the end of a large group as at its beginning. (CROSS JOIN is also SQLite's word for "in this
    /// order".)
    async fn contacts(
        &self,
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        sender: &str,
        meant: &Meant,
        after: Uuid,
    ) -> Result<Page> {
        #[derive(FromQueryResult)]
        struct Row {
            id: ContactId,
            phone: i64,
            consent: String,
            blacklisted: bool,
            unsubscribed: bool,
            stopped: bool,
            excluded: bool,
            ported: Option<String>,
            first_name: Option<String>,
            last_name: Option<String>,
            patronymic: Option<String>,
            birth_date: Option<String>,
            sex: Option<String>,
            email: Option<String>,
            company: Option<String>,
            link: Option<String>,
            comment: Option<String>,
            fields: serde_json::Value,
            time_zone: Option<String>,
        }
        let backend = conn.get_database_backend();
        let until = if meant.include.is_empty() { None } else { end_of_look(conn, scope, after).await? };
        let mut writer = Writer {
            backend,
            values: crate::vals![scope.account(), after, ids_json(self.exclude_group_ids.iter().map(|g| g.0)), sender],
        };
        let until_sql = until.map(|until| writer.bind(until));
        let within = |id: &str| until_sql.as_ref().map(|until| format!(" AND {id} <= {until}")).unwrap_or_default();
        let mut sources = Vec::new();
        for group in &self.group_ids {
            let group = writer.bind(*group);
            sources.push(format!(
                "SELECT * FROM (SELECT contact_id AS id FROM contact_groups WHERE group_id = {group} AND contact_id > $2{} ORDER BY contact_id LIMIT {PAGE}) s",
                within("contact_id")
            ));
        }
        for segment in &meant.include {
            let (condition, within) = (writer.tree(segment), within("c.id"));
            sources.push(format!(
                "SELECT * FROM (SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.id > $2{within} AND ({condition}) ORDER BY c.id LIMIT {PAGE}) s"
            ));
        }
        if !self.contact_ids.is_empty() {
            writer.values.push(ids_json(self.contact_ids.iter().map(|c| c.0)));
            sources.push(format!(
                "SELECT id FROM contacts WHERE account_id = $1 AND id > $2{} AND id IN {}",
                within("id"),
                ids_list(backend, writer.values.len())
            ));
        }
        if !self.phones.is_empty() {
            writer.values.push(self.phones_json(&self.phones));
            let source = phones_source(backend, writer.values.len());
            sources.push(format!(
                "SELECT c.id FROM {source} CROSS JOIN contacts c WHERE c.account_id = $1 AND c.phone = x.phone AND c.id > $2{}",
                within("c.id")
            ));
        }
        let left_out: Vec<String> =
            meant.exclude.iter().map(|segment| format!(" OR ({})", writer.tree(segment))).collect();
        let in_groups = if self.exclude_group_ids.is_empty() {
            "$3 <> $3".to_owned()
        } else {
            format!(
                "COALESCE((SELECT 1 FROM contact_groups cg WHERE cg.contact_id = c.id AND cg.group_id IN {} LIMIT 1), 0) = 1",
                ids_list(backend, 3)
            )
        };
        let excluded = format!("COALESCE({in_groups}{}, FALSE)", left_out.concat());
        // Scalar sub-selects, since PostgreSQL would make a table of all members of an EXISTS, for every page.
        let sql = format!(
            "SELECT c.id, c.phone, c.consent, {} AS blacklisted, {} AS unsubscribed, {} AS stopped, {} AS excluded, {} AS ported, \
             c.first_name, c.last_name, c.patronymic, c.birth_date, c.sex, c.email, c.company, c.link, c.comment, c.fields, c.time_zone \
             FROM (SELECT id FROM ({}) all_of ORDER BY id LIMIT {PAGE}) u {} ORDER BY c.id",
            blacklist::has("$1", "c.phone"),
            unsubscribes::has("$1", "c.phone", "$4"),
            groups::stops("$1", "c.id"),
            excluded,
            ported_numbers::of("c.phone"),
            sources.join(" UNION "),
            lookup(backend, "contacts", "c", "c.id = u.id AND c.account_id = $1"),
        );
        let rows: Vec<Row> = conn.all(&sql, writer.values).await?;
        let ends = rows.first().zip(rows.last()).map(|(first, last)| (first.id, last.id));
        let mut in_group = match ends {
            Some(ends) => groups::between(conn, &self.group_ids, ends).await?,
            None => HashMap::new(),
        };
        let full = rows.len() == PAGE;
        let last = rows.last().map(|r| r.id.0);
        let next = match (last, until) {
            (Some(last), _) if full => Some(Cursor::Contact(last)),
            (_, Some(until)) => Some(Cursor::Contact(until)),
            _ if self.phones.is_empty() => None,
            _ => Some(Cursor::Number(0)),
        };
        let recipients = rows.into_iter().filter(|r| !r.excluded).filter_map(|r| {
            let Row {
                id,
                phone,
                consent,
                blacklisted,
                unsubscribed,
                stopped,
                excluded: _,
                ported,
                first_name,
                last_name,
                patronymic,
                birth_date,
                sex,
                email,
                company,
                link,
                comment,
                fields,
                time_zone,
            } = r;
            let mut values =
                Values { first_name, last_name, patronymic, birth_date, sex, email, company, link, comment, fields };
            if let Some(overrides) = in_group.remove(&id) {
                groups::over(&mut values, overrides);
            }
            let phone = Msisdn::try_from(phone).ok()?;
            Some(Recipient {
                phone,
                contact: Some((id, values)),
                zone: time_zone.and_then(|name| name.parse().ok()),
                ported,
                given: BTreeMap::new(),
                stop: Skip::known(blacklisted, unsubscribed, stopped, Some(&consent)),
            })
        });
        Ok(Page { recipients: recipients.collect(), next })
    }

    /// Numbers that no contact's page has had: while messages are written that is asked of the messages themselves, since
    /// contacts may come and go meanwhile.
    async fn numbers(
        &self,
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        sender: &str,
        done: usize,
        campaign: Option<CampaignId>,
    ) -> Result<Page> {
        #[derive(FromQueryResult)]
        struct Row {
            phone: i64,
            blacklisted: bool,
            unsubscribed: bool,
            ported: Option<String>,
        }
        let mut seen = std::collections::HashSet::new();
        let all: Vec<Msisdn> = self.phones.iter().copied().filter(|p| seen.insert(*p)).collect();
        let slice: Vec<Msisdn> = all.iter().copied().skip(done).take(PAGE).collect();
        let had = if campaign.is_some() {
            "$2 = $2 AND x.phone NOT IN (SELECT m.phone FROM messages m WHERE m.campaign_id = $4)"
        } else {
            "NOT EXISTS (SELECT 1 FROM contacts c WHERE c.account_id = $2 AND c.phone = x.phone)"
        };
        let sql = format!(
            "SELECT x.phone, {} AS blacklisted, {} AS unsubscribed, {} AS ported FROM {} WHERE {had} ORDER BY x.phone",
            blacklist::has("$2", "x.phone"),
            unsubscribes::has("$2", "x.phone", "$3"),
            ported_numbers::of("x.phone"),
            phones_source(conn.get_database_backend(), 1)
        );
        let mut values = crate::vals![self.phones_json(&slice), scope.account(), sender];
        values.extend(campaign.map(Value::from));
        let rows: Vec<Row> = conn.all(&sql, values).await?;
        let recipients = rows.into_iter().filter_map(|Row { phone, blacklisted, unsubscribed, ported }| {
            Some(Recipient {
                phone: Msisdn::try_from(phone).ok()?,
                contact: None,
                zone: None,
                ported,
                given: BTreeMap::new(),
                stop: Skip::known(blacklisted, unsubscribed, false, None),
            })
        });
        let reached = done + slice.len();
        Ok(Page { recipients: recipients.collect(), next: (reached < all.len()).then_some(Cursor::Number(reached)) })
    }

    fn phones_json(&self, phones: &[Msisdn]) -> Value {
        serde_json::Value::Array(phones.iter().map(|p| serde_json::json!({ "phone": p.as_u64() })).collect()).into()
    }
}

/// The last contact that a page after this one looks at; `None` when that is the end of all.
async fn end_of_look(conn: &impl ConnectionTrait, scope: &AccountScope, after: Uuid) -> Result<Option<Uuid>> {
    let sql = format!(
        "SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET {}",
        LOOKED_THROUGH - 1
    );
    Ok(conn.scalar(&sql, crate::vals![scope.account(), after]).await?)
}

fn phones_source(backend: sea_orm::DbBackend, n: usize) -> String {
    crate::db::Records::new(&[("phone", crate::db::Field::Int)], Vec::new()).source(backend, n, "x")
}
