//! Accepting an import: everything that can be refused is refused here, before anything is written.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{
    Import, Kind, MAX_GROUPS, MergeType, Settings,
    look::{Looked, look, unreadable},
    plan, queries,
};
use crate::{
    blacklist,
    db::{Db, Sql},
    error::{Error, Faults, Result},
    files::DateOrder,
    groups,
    ids::{FileId, GroupId, ImportId},
    jobs::{self, Queue},
    phone::{Country, Rule},
    scope::AccountScope,
    uploads, vals,
};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The name the file was uploaded under.
    pub file_name: String,
    /// Field to column title or 1-based number; suggested from the titles when absent.
    pub mapping: Option<BTreeMap<String, String>>,
    /// Names of the groups to fill; missing ones are made.
    pub groups: Vec<String>,
    /// More groups to fill, which must be there.
    pub group_ids: Vec<GroupId>,
    /// What happens to contacts that exist.
    pub merge: MergeType,
    /// Why the numbers are put on the list, where a row does not say it.
    pub reason: Option<String>,
    /// What the numbers want nothing from, where a row does not say it.
    pub sender: Option<String>,
    /// Country of the file's bare national numbers.
    pub default_country: Option<Country>,
    /// Whether the first row holds titles; found out when absent.
    pub header: Option<bool>,
    /// The ASCII character between cells; found out when absent.
    pub separator: Option<u8>,
    /// A WHATWG label of the text's encoding; found out when absent.
    pub encoding: Option<String>,
    /// What comes first in dates with slashes; found out when absent.
    pub date_order: Option<DateOrder>,
    /// The sheet of a workbook: its name, or its number from 1; the first that has rows when absent.
    pub sheet: Option<String>,
}

/// Where the table is.
#[derive(Debug, Clone, Copy)]
pub enum Upload<'a> {
    /// In a file that came with the request.
    At(&'a Path),
    /// Stored by an earlier request.
    Stored(FileId),
}

impl<'a> From<&'a Path> for Upload<'a> {
    fn from(path: &'a Path) -> Self {
        Self::At(path)
    }
}

/// Stores the upload, if it is not stored yet, and queues its import. The caller nudges [`Queue::ContactsImport`]
/// afterwards.
///
/// # Errors
/// `file_refused`, `unknown_column`, `unknown_field`, `invalid_request`; nothing is queued and no group made then.
pub async fn create<'a>(
    db: &Db,
    scope: &AccountScope,
    kind: Kind,
    upload: impl Into<Upload<'a>>,
    order: Order,
) -> Result<Import> {
    let upload = upload.into();
    if order.groups.len().saturating_add(order.group_ids.len()) > MAX_GROUPS {
        return Err(Error::field("/groups", "too_many", format!("must have at most {MAX_GROUPS} groups")));
    }
    let known = groups::named(db.read(), scope, &order.group_ids).await?;
    if let Some(unknown) = order.group_ids.iter().find(|id| known.iter().all(|group| group.id != **id)) {
        return Err(Error::field("/group_ids", "not_found", format!("{unknown} is not a group of this account")));
    }
    let mut faults = Faults::default();
    faults.optional_text("/reason", order.reason.as_deref(), blacklist::MAX_REASON);
    order.groups.iter().for_each(|name| faults.text("/groups", name, groups::MAX_NAME));
    faults.check()?;
    let Looked { titles, suggested, rule, file_name, fields, senders, sender, .. } =
        look(db, scope, kind, upload, &order, true).await?;
    let Order {
        mapping,
        groups: names,
        group_ids,
        merge,
        reason,
        default_country,
        separator,
        encoding,
        date_order,
        sheet,
        ..
    } = order;
    let mapping = mapping.unwrap_or(suggested);
    let columns = plan::resolve(kind, &mapping, &titles.header, &fields)?;
    plan::check_sender(kind, &columns, sender.as_deref())?;
    let account_country = match rule {
        Rule::AccountCountry(country) => Some(country),
        Rule::None | Rule::ImportCountry(_) => None,
    };
    let types = fields.into_iter().filter(|f| mapping.contains_key(&format!("fields.{}", f.key)));
    let settings = Settings {
        header: titles.has_header,
        separator,
        encoding,
        sheet: sheet.filter(|_| titles.sheet.is_some()),
        default_country,
        account_country,
        reason,
        sender,
        senders,
        dates: date_order.or(titles.dates),
        columns,
        keep_file: matches!(upload, Upload::Stored(_)),
        types: types.map(|f| (f.key, (f.kind.as_str().to_owned(), f.choices))).collect(),
    };
    let file = match upload {
        Upload::Stored(id) => id,
        Upload::At(path) => {
            let upload = tokio::fs::File::open(path).await.map_err(unreadable)?;
            uploads::store(db, scope, &file_name, upload, uploads::KEPT).await?
        }
    };
    let new = New {
        kind,
        file_name: &file_name,
        merge,
        names: &names,
        group_ids: &group_ids,
        mapping: json!(mapping),
        settings: &settings,
        file,
        total: titles.rows,
    };
    let id = queue(db, scope, new).await?;
    queries::get(db.read(), scope, id).await
}

/// A row of `imports` to be made.
struct New<'a> {
    kind: Kind,
    file_name: &'a str,
    merge: MergeType,
    names: &'a [String],
    group_ids: &'a [GroupId],
    mapping: serde_json::Value,
    settings: &'a Settings,
    file: FileId,
    total: Option<u64>,
}

async fn queue(db: &Db, scope: &AccountScope, new: New<'_>) -> Result<ImportId> {
    let New { kind, file_name, merge, names, group_ids, mapping, settings, file, total } = new;
    let now = scope.clock().now();
    let id = ImportId::new(now);
    let settings = serde_json::to_value(settings).map_err(|e| Error::internal(e.to_string()))?;
    let tx = db.begin().await?;
    let mut groups: Vec<GroupId> = groups::ensure(&tx, scope, names).await?.into_iter().map(|g| g.id).collect();
    for group in group_ids {
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    tx.run(
        "INSERT INTO imports (id, account_id, file_id, file_name, status, merge, mapping, options, group_ids, done, \
         total, created, updated, unchanged, duplicates, invalid, ambiguous, created_at, version, kind) \
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, 0, $11, 0, 0, 0, 0, 0, 0, $9, 1, $10)",
        vals![
            id,
            scope.account(),
            file,
            file_name,
            merge.as_str(),
            mapping,
            settings,
            json!(groups),
            now,
            kind.as_str(),
            total.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX))
        ],
    )
    .await?;
    jobs::enqueue(&tx, now, Queue::ContactsImport, id.0).await?;
    tx.commit().await?;
    Ok(id)
}
