//! Accepting an import: everything that can be refused is refused here, before anything is written.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{Import, Kind, MAX_GROUPS, MergeType, Settings, plan, queries};
use crate::{
    blacklist, contact_fields, contacts,
    db::{Db, Sql},
    error::{Code, Error, Faults, Result},
    files::{FileError, Limits, Options, Table, open},
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
    /// What happens to contacts that exist.
    pub merge: MergeType,
    /// Why the numbers are put on the blacklist, where a row does not say it.
    pub reason: Option<String>,
    /// Country of the file's bare national numbers.
    pub default_country: Option<Country>,
    /// Whether the first row holds titles; found out when absent.
    pub header: Option<bool>,
    /// The ASCII character between cells; found out when absent.
    pub separator: Option<u8>,
    /// A WHATWG label of the text's encoding; found out when absent.
    pub encoding: Option<String>,
}

/// Stores the upload at `path` and queues its import. The caller nudges [`Queue::ContactsImport`] afterwards.
///
/// # Errors
/// `file_refused`, `unknown_column`, `unknown_field`, `invalid_request`; nothing is queued and no group made then.
pub async fn create(db: &Db, scope: &AccountScope, kind: Kind, path: &Path, order: Order) -> Result<Import> {
    let Order { file_name, mapping, groups: names, merge, reason, default_country, header, separator, encoding } =
        order;
    if names.len() > MAX_GROUPS {
        return Err(Error::field("/groups", "too_many", format!("must have at most {MAX_GROUPS} groups")));
    }
    let mut faults = Faults::default();
    faults.optional_text("/reason", reason.as_deref(), blacklist::MAX_REASON);
    faults.check()?;
    let options = Options { header, separator, encoding: encoding.clone() };
    let (table, suggested) = look(path, &file_name, kind, options).await?;
    let fields = contact_fields::all(db.read(), scope).await?;
    let mapping = mapping.unwrap_or(suggested);
    let columns = plan::resolve(kind, &mapping, &table.header, &fields)?;
    let account_country = match contacts::rule(db.read(), scope).await? {
        Rule::AccountCountry(country) => Some(country),
        Rule::None | Rule::ImportCountry(_) => None,
    };
    let types = fields.into_iter().filter(|f| mapping.contains_key(&format!("fields.{}", f.key)));
    let settings = Settings {
        header: table.has_header,
        separator,
        encoding,
        default_country,
        account_country,
        reason,
        columns,
        types: types.map(|f| (f.key, (f.kind.as_str().to_owned(), f.choices))).collect(),
    };
    let upload = tokio::fs::File::open(path).await.map_err(|e| Error::internal(format!("reading an upload: {e}")))?;
    let file = uploads::store(db, scope, &file_name, upload).await?;
    let id = queue(db, scope, kind, &file_name, merge, &names, json!(mapping), &settings, file).await?;
    queries::get(db.read(), scope, id).await
}

/// Opens the file for its titles; on a thread where reading may block.
async fn look(path: &Path, name: &str, kind: Kind, options: Options) -> Result<(Titles, plan::Mapping)> {
    let (path, name) = (path.to_owned(), name.to_owned());
    let limits = Limits { bytes: uploads::MAX_BYTES, ..Limits::default() };
    let opened = tokio::task::spawn_blocking(move || {
        let table = open(&path, &name, &limits, &options)?;
        let suggested = plan::suggest(kind, &table);
        let Table { header, has_header, .. } = table;
        Ok((Titles { header, has_header }, suggested))
    });
    opened.await.map_err(|e| Error::internal(e.to_string()))?.map_err(refused)
}

struct Titles {
    header: Vec<String>,
    has_header: bool,
}

fn refused(error: FileError) -> Error {
    let place = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    Error::new(Code::FileRefused, format!("{}: {}{place}.", error.code(), error.detail.trim_end_matches('.')))
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row, written in one place")]
async fn queue(
    db: &Db,
    scope: &AccountScope,
    kind: Kind,
    file_name: &str,
    merge: MergeType,
    names: &[String],
    mapping: serde_json::Value,
    settings: &Settings,
    file: FileId,
) -> Result<ImportId> {
    let now = scope.clock().now();
    let id = ImportId::new(now);
    let settings = serde_json::to_value(settings).map_err(|e| Error::internal(e.to_string()))?;
    let tx = db.begin().await?;
    let groups: Vec<GroupId> = groups::ensure(&tx, scope, names).await?.into_iter().map(|g| g.id).collect();
    tx.run(
        "INSERT INTO imports (id, account_id, file_id, file_name, status, merge, mapping, options, group_ids, done, \
         created, updated, unchanged, duplicates, invalid, ambiguous, created_at, version, kind) \
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, 0, 0, 0, 0, 0, 0, 0, $9, 1, $10)",
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
            kind.as_str()
        ],
    )
    .await?;
    jobs::enqueue(&tx, now, Queue::ContactsImport, id.0).await?;
    tx.commit().await?;
    Ok(id)
}
