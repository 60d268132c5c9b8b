//! The look at a file before it is imported: how it is read, its titles, what its columns probably feed, its first rows.

use std::{fs::File, io::BufReader};

use super::{
    Kind, Order, Suggestion, Upload, plan,
    reader::{self, LIMITS},
    senders::Senders,
    suggest::{self, Known},
};
use crate::{
    contact_fields::{self, ContactField},
    contacts,
    db::Db,
    error::{Code, Error, Faults, Result},
    files::{self, DateOrder, FileError, Format, Options, Row, Table, open_source},
    phone::Rule,
    scope::AccountScope,
    senders, uploads,
};

/// What it tells.
pub(super) struct Looked {
    pub titles: Titles,
    pub suggestions: Vec<Suggestion>,
    pub suggested: plan::Mapping,
    /// The account's rule for bare digits; the order's country comes before it.
    pub rule: Rule,
    pub file_name: String,
    /// The account's own fields.
    pub fields: Vec<ContactField>,
    /// The account's senders, and the one of the order as the account writes it; of unsubscribes alone.
    pub senders: Option<Vec<String>>,
    pub sender: Option<String>,
}

/// The table before its rows.
pub(super) struct Titles {
    pub format: Format,
    pub encoding: Option<&'static str>,
    pub separator: Option<u8>,
    pub header: Vec<String>,
    pub has_header: bool,
    pub is_list: bool,
    /// The visible sheets of a workbook.
    pub sheets: Vec<String>,
    /// The one that is read.
    pub sheet: Option<String>,
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
    let (senders, sender) = match kind {
        Kind::Contacts | Kind::Blacklist => (None, None),
        Kind::Unsubscribes => {
            let all = senders::values(db.read(), scope).await?;
            let sender = order.sender.as_deref().map(|given| known(&all, given)).transpose()?;
            (Some(all), sender)
        }
    };
    let known = Known { fields: fields.clone(), senders: senders.clone() };
    let reading = order.default_country.map_or(rule, Rule::ImportCountry);
    let (encoding, sheet) = (order.encoding.clone(), order.sheet.clone());
    let options = Options { header: order.header, separator: order.separator, encoding, sheet };
    let name = file_name.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let again = file.try_clone()?;
        let table = open_source(Box::new(BufReader::new(file)), &name, &LIMITS, &options)?;
        let suggestions = suggest::suggest(kind, &table, &reading, &known);
        let suggested = suggest::mapping(&table, &suggestions);
        let first = table.peek(suggest::LOOK);
        let dates = DateOrder::proved(first.iter().flat_map(|row| &row.cells).map(String::as_str));
        let Table { format, encoding, separator, header, has_header, is_list, sheets, sheet, .. } = table;
        let options = Options { header: Some(has_header), ..options };
        let count = whole && format == Format::Csv;
        let rows = if count { Some(reader::count(again, &name, &options)?) } else { None };
        let titles =
            Titles { format, encoding, separator, header, has_header, is_list, sheets, sheet, dates, first, rows };
        Ok((titles, suggestions, suggested))
    });
    let (titles, suggestions, suggested) =
        opened.await.map_err(|e| Error::internal(e.to_string()))?.map_err(refused)?;
    Ok(Looked { titles, suggestions, suggested, rule, file_name, fields, senders, sender })
}

/// The sender that all rows are about, as the account writes it.
fn known(all: &[String], given: &str) -> Result<String> {
    let unknown = || Error::field("/sender", "not_found", "there is no such sender in this account");
    Senders::new(all, None).find(given).map(str::to_owned).ok_or_else(unknown)
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

pub(super) fn unreadable(error: std::io::Error) -> Error {
    Error::internal(format!("reading an upload: {error}"))
}

fn refused(error: FileError) -> Error {
    if error.code == files::Code::SheetUnknown {
        return Error::field("/sheet", "unknown_sheet", error.detail);
    }
    let place = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    Error::new(Code::FileRefused, format!("{}: {}{place}.", error.code(), error.detail.trim_end_matches('.')))
}
