//! Accepting an export: everything that can be refused is refused here.

use sea_orm::DatabaseTransaction;

use super::{
    Export, Format, Kind, MAX_CONTACTS, MAX_GROUPS, MAX_OPEN, Settings,
    contacts::FIELDS,
    lists::{BLACKLIST_FIELDS, UNSUBSCRIBE_FIELDS},
    queries,
};
use crate::{
    contact_fields::{self, ContactField},
    contacts::{
        self,
        filter::{self, ContactFilter},
    },
    db::Sql,
    error::{Code, Error, Faults, Result},
    groups,
    ids::{ContactId, ExportId, GroupId},
    jobs::{self, Queue},
    scope::AccountScope,
    vals,
};

/// Fields that an export may have: the built-in ones and all that an account may define.
const MAX_FIELDS: usize = 250;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// What it is a table of.
    pub kind: Kind,
    /// How it is written.
    pub format: Format,
    /// The character between the cells of text; a semicolon when absent.
    pub separator: Option<String>,
    /// Fields in the order of the columns; all of them when absent.
    pub fields: Option<Vec<String>>,
    /// Only members of any of these groups.
    pub group_ids: Option<Vec<GroupId>>,
    /// Only these contacts.
    pub contact_ids: Option<Vec<ContactId>>,
    /// Only contacts that match.
    pub filter: Option<ContactFilter>,
}

/// Queues an export. The caller nudges [`Queue::ExportsRun`] after the commit.
///
/// # Errors
/// `invalid_request` with every fault; `limit_reached` when too many wait or run.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, order: Order) -> Result<Export> {
    let Order { kind, format, separator, fields, group_ids, contact_ids, filter } = order;
    let mut faults = Faults::default();
    let separator = read_separator(format, separator.as_deref(), &mut faults);
    let own = if kind == Kind::Contacts { contact_fields::all(tx, scope).await? } else { Vec::new() };
    let fields = columns(kind, fields, &own, &mut faults);
    check_whose(tx, scope, kind, group_ids.as_deref(), contact_ids.as_deref(), filter.is_some(), &mut faults).await?;
    faults.check()?;
    if let Some(filter) = &filter {
        filter::read(tx, scope, filter, "/filter").await?;
    }
    let sql = "SELECT COUNT(*) FROM exports WHERE account_id = $1 AND status IN ('queued', 'running')";
    if tx.scalar::<i64>(sql, vals![scope.account()]).await?.unwrap_or(0) >= MAX_OPEN {
        let detail = format!("{MAX_OPEN} exports wait or run already; ask again when one of them has ended.");
        return Err(Error::new(Code::LimitReached, detail));
    }
    let now = scope.clock().now();
    let id = ExportId::new(now);
    let file_name = format!("{kind}-{}.{format}", now.utc().format("%Y-%m-%d-%H%M%S"));
    let titles = fields.clone();
    let settings =
        Settings { format, separator, fields, titles, group_ids: group_ids.unwrap_or_default(), contact_ids, filter };
    let settings = serde_json::to_value(settings).map_err(|e| Error::internal(e.to_string()))?;
    tx.run(
        "INSERT INTO exports (id, account_id, kind, status, settings, file_name, done, created_at, version) \
         VALUES ($1, $2, $3, 'queued', $4, $5, 0, $6, 1)",
        vals![id, scope.account(), kind.as_str(), settings, file_name, now],
    )
    .await?;
    jobs::enqueue(tx, now, Queue::ExportsRun, id.0).await?;
    queries::get(tx, scope, id).await
}

fn read_separator(format: Format, given: Option<&str>, faults: &mut Faults) -> u8 {
    let found = match given {
        None | Some(";") => b';',
        Some(",") => b',',
        Some("|") => b'|',
        Some("tab" | "\t") => b'\t',
        Some(_) => {
            faults.add("/separator", "invalid", "must be ; or , or | or tab");
            b';'
        }
    };
    if given.is_some() && format == Format::Xlsx {
        faults.add("/separator", "not_allowed", "is only for csv");
    }
    found
}

/// The fields asked for; they are the titles of their columns, too, so that an import knows them without doubt.
fn columns(kind: Kind, asked: Option<Vec<String>>, own: &[ContactField], faults: &mut Faults) -> Vec<String> {
    let built_in: &[&str] = match kind {
        Kind::Contacts => &FIELDS,
        Kind::Blacklist => &BLACKLIST_FIELDS,
        Kind::Unsubscribes => &UNSUBSCRIBE_FIELDS,
    };
    let all = || {
        let own = own.iter().map(|field| format!("fields.{}", field.key));
        built_in.iter().map(|name| (*name).to_owned()).chain(own).collect()
    };
    let fields: Vec<String> = asked.unwrap_or_else(all);
    if fields.is_empty() || fields.len() > MAX_FIELDS {
        faults.add("/fields", "invalid_count", format!("must name 1 to {MAX_FIELDS} fields"));
        return Vec::new();
    }
    for (place, name) in fields.iter().enumerate() {
        if fields.iter().take(place).any(|other| other == name) {
            faults.add(format!("/fields/{place}"), "duplicate", "is named twice");
        }
        let is_known = match (name.strip_prefix("fields."), name.strip_prefix("metadata.")) {
            (Some(key), _) => own.iter().any(|field| field.key == key),
            (None, Some(key)) => kind == Kind::Contacts && contacts::can_be_pair(key),
            (None, None) => built_in.contains(&name.as_str()),
        };
        if !is_known {
            let mut known: Vec<&str> = built_in.to_vec();
            if kind == Kind::Contacts {
                known.extend(["fields.<key>", "metadata.<key>"]);
            }
            let detail = format!("must be one of: {}", known.join(", "));
            faults.add(format!("/fields/{place}"), "unknown_field", detail);
        }
    }
    fields
}

async fn check_whose(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    kind: Kind,
    group_ids: Option<&[GroupId]>,
    contact_ids: Option<&[ContactId]>,
    filtered: bool,
    faults: &mut Faults,
) -> Result<()> {
    let ways = [group_ids.is_some(), contact_ids.is_some(), filtered];
    if ways.iter().filter(|way| **way).count() > 1 {
        faults.add("", "exclusive", "must have only one of group_ids, contact_ids and filter");
    }
    if kind != Kind::Contacts {
        if filtered {
            faults.add("/filter", "not_allowed", "is only for contacts");
        }
        if group_ids.is_some() {
            faults.add("/group_ids", "not_allowed", "is only for contacts");
        }
        if contact_ids.is_some() {
            faults.add("/contact_ids", "not_allowed", "is only for contacts");
        }
        return Ok(());
    }
    // None of them is not all: a list that came out empty must not become everybody.
    if group_ids.is_some_and(|ids| ids.is_empty() || ids.len() > MAX_GROUPS) {
        faults.add("/group_ids", "invalid_count", format!("must have 1 to {MAX_GROUPS} groups"));
    } else if let Some(group_ids) = group_ids {
        let known = groups::named(tx, scope, group_ids).await?;
        for (place, id) in group_ids.iter().enumerate() {
            if !known.iter().any(|group| group.id == *id) {
                faults.add(format!("/group_ids/{place}"), "not_found", "is not a group of this account");
            }
        }
    }
    if contact_ids.is_some_and(|ids| ids.is_empty() || ids.len() > MAX_CONTACTS) {
        faults.add("/contact_ids", "invalid_count", format!("must have 1 to {MAX_CONTACTS} ids"));
    }
    Ok(())
}
