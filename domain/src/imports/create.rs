//! Accepting an import: everything that can be refused is refused here, before anything is written.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path};

use serde_json::json;

use super::{
    Import, Kind, MAX_GROUPS, MergeType, Settings, Suggestion, plan, queries,
    reader::{self, LIMITS},
    suggest,
};
use crate::{
    blacklist,
    contact_fields::{self, ContactField},
    contacts,
    db::{Db, Sql},
    error::{Code, Error, Faults, Result},
    files::{self, DateOrder, FileError, Format, Options, Row, Table, open_source},
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
    /// What comes first in dates with slashes; found out when absent.
    pub date_order: Option<DateOrder>,
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
    let Looked { titles, suggested, rule, file_name, fields, .. } = look(db, scope, kind, upload, &order, true).await?;
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
        ..
    } = order;
    let mapping = mapping.unwrap_or(suggested);
    let columns = plan::resolve(kind, &mapping, &titles.header, &fields)?;
    let account_country = match rule {
        Rule::AccountCountry(country) => Some(country),
        Rule::None | Rule::ImportCountry(_) => None,
    };
    let types = fields.into_iter().filter(|f| mapping.contains_key(&format!("fields.{}", f.key)));
    let settings = Settings {
        header: titles.has_header,
        separator,
        encoding,
        default_country,
        account_country,
        reason,
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

/// What a look at the file tells.
pub(super) struct Looked {
    pub titles: Titles,
    pub suggestions: Vec<Suggestion>,
    pub suggested: plan::Mapping,
    /// The account's rule for bare digits; the order's country comes before it.
    pub rule: Rule,
    pub file_name: String,
    /// The account's own fields.
    pub fields: Vec<ContactField>,
}

/// The table before its rows.
pub(super) struct Titles {
    pub format: Format,
    pub encoding: Option<&'static str>,
    pub separator: Option<u8>,
    pub header: Vec<String>,
    pub has_header: bool,
    pub is_list: bool,
    /// What comes first in dates, as the first rows prove.
    pub dates: Option<DateOrder>,
    /// The first rows.
    pub first: Vec<Row>,
    /// How many rows there are; of a workbook only its import counts them, which takes longer.
    pub rows: Option<u64>,
}

/// Opens the file for its titles and, where `whole` is said, reads a text through: what is wrong anywhere is told before
/// anything is stored. On a thread where reading may block.
pub(super) async fn look(
    db: &Db,
    scope: &AccountScope,
    kind: Kind,
    upload: Upload<'_>,
    order: &Order,
    whole: bool,
) -> Result<Looked> {
    check_reading(order)?;
    let (file, file_name) = match upload {
        Upload::At(path) => (File::open(path).map_err(unreadable)?, order.file_name.clone()),
        Upload::Stored(id) => {
            let stored = uploads::get(db.read(), scope, id).await?;
            (uploads::fetch(db.read(), scope, id).await?, stored.name)
        }
    };
    let rule = contacts::rule(db.read(), scope).await?;
    let fields = contact_fields::all(db.read(), scope).await?;
    let own = fields.clone();
    let reading = order.default_country.map_or(rule, Rule::ImportCountry);
    let options = Options { header: order.header, separator: order.separator, encoding: order.encoding.clone() };
    let name = file_name.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let again = file.try_clone()?;
        let table = open_source(Box::new(BufReader::new(file)), &name, &LIMITS, &options)?;
        let suggestions = suggest::suggest(kind, &table, &reading, &own);
        let suggested = suggest::mapping(&table, &suggestions);
        let first = table.peek(suggest::LOOK);
        let dates = DateOrder::proved(first.iter().flat_map(|row| &row.cells).map(String::as_str));
        let Table { format, encoding, separator, header, has_header, is_list, .. } = table;
        let options = Options { header: Some(has_header), ..options };
        let count = whole && format == Format::Csv;
        let rows = if count { Some(reader::count(again, &name, &options)?) } else { None };
        let titles = Titles { format, encoding, separator, header, has_header, is_list, dates, first, rows };
        Ok((titles, suggestions, suggested))
    });
    let (titles, suggestions, suggested) =
        opened.await.map_err(|e| Error::internal(e.to_string()))?.map_err(refused)?;
    Ok(Looked { titles, suggestions, suggested, rule, file_name, fields })
}

/// What is told of how the text is written must be possible.
fn check_reading(order: &Order) -> Result<()> {
    let mut faults = Faults::default();
    if order.encoding.as_deref().is_some_and(|label| !files::is_encoding(label)) {
        faults.add("/encoding", "unknown_encoding", "must be the name of an encoding, such as utf-8 or windows-1251");
    }
    if order.separator.is_some_and(|separator| !files::can_separate(separator)) {
        let detail = "must not be a letter, a digit, a quote, a space or a plus: cells are made of these";
        faults.add("/separator", "invalid", detail);
    }
    faults.check()
}

fn unreadable(error: std::io::Error) -> Error {
    Error::internal(format!("reading an upload: {error}"))
}

fn refused(error: FileError) -> Error {
    let place = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    Error::new(Code::FileRefused, format!("{}: {}{place}.", error.code(), error.detail.trim_end_matches('.')))
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
