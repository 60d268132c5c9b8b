//! The request and the responses of imports.

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    files::DateOrder,
    groups::Named,
    ids::{FileId, GroupId, ImportId},
    imports::{Counts, Import as Row, ImportStatus, MergeType, RowError},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A file to import, as the parts of a form.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read as a stream")]
pub struct ImportUpload {
    /// The table: CSV, TXT, XLSX or XLS, at most 64 MiB and a million rows. Either this or `file_id`.
    #[schema(value_type = Option<String>, format = Binary)]
    pub file: Option<String>,
    /// A table that `POST /v1/files` has stored. Either this or `file`.
    #[schema(example = "fil_01kazsw6e3f8e9xq2m4r7t5v0b")]
    pub file_id: Option<FileId>,
    /// JSON object from contact field to column: its title, or its 1-based number as a string. Fields are `phone`
    /// (required), `first_name`, `last_name`, `patronymic`, `birth_date`, `sex`, `email`, `company`, `link`, `comment`,
    /// `language`, `time_zone`, `external_id`, `consent`, `consent_at`, `consent_source` and `fields.<key>`; and for a whole name in one
    /// column `full_name` (`Anna Smith`) or `full_name_family_first` (`Щукин Пётр Иванович`). Left out, it is guessed.
    #[schema(example = "{\"phone\": \"Mobile phone\", \"first_name\": \"First name\", \"fields.city\": \"City\"}")]
    pub mapping: Option<String>,
    /// Names of groups to put the contacts into, separated by commas or as a JSON list; missing groups are made. Case does
    /// not count.
    #[schema(example = "Regulars, Leeds")]
    pub groups: Option<String>,
    /// Ids of groups to put the contacts into, separated by commas or as a JSON list; at most 20 with `groups`.
    #[schema(example = "grp_01kazsw6e3f8e9xq2m4r7t5v0b")]
    pub group_ids: Option<String>,
    /// What happens to contacts that exist; `update`, if left out.
    pub merge: Option<MergeType>,
    /// ISO 3166 alpha-2: bare digits that are a mobile number of this country are read so, before any other reading.
    #[schema(example = "GB")]
    pub default_country: Option<String>,
    /// Whether the first row holds titles: `true`, `false` or `auto`.
    #[schema(example = "auto")]
    pub header: Option<String>,
    /// The character between the cells of a text file; `tab` is one too. Found out, if left out.
    #[schema(example = ";")]
    pub separator: Option<String>,
    /// The encoding of a text file, such as `utf-8` or `windows-1251`. Found out, if left out.
    #[schema(example = "windows-1251")]
    pub encoding: Option<String>,
    /// The sheet of a workbook: its name, or its number from 1 among the visible ones. Left out, it is the first that has
    /// rows; the preview names them all. A text has none.
    #[schema(example = "Customers")]
    pub sheet: Option<String>,
    /// What comes first in dates with slashes whose year is last, such as `02/03/1990`. Left out, it is what the first 50
    /// rows prove by a date that has one reading only, else the day.
    pub date_order: Option<DateOrder>,
}

/// A group that an import fills.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "Regulars"}))]
pub struct ImportGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// How far an import is.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"done": 1045, "total": 1045}))]
pub struct ImportProgress {
    /// Rows that are done.
    pub done: i64,
    /// Rows in the file; null until they have been counted.
    pub total: Option<i64>,
}

impl ImportProgress {
    pub(in crate::v1) fn of(row: &Row) -> Self {
        Self { done: row.counts.done, total: row.total }
    }
}

/// What became of the rows; `rows` is the sum of `created`, `updated`, `unchanged`, `duplicates` and `invalid`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "rows": 1045, "created": 975, "updated": 0, "unchanged": 0, "duplicates": 60, "invalid": 10, "ambiguous": 0
}))]
pub struct ImportCounts {
    /// Rows read so far.
    pub rows: i64,
    /// Contacts made.
    pub created: i64,
    /// Contacts changed.
    pub updated: i64,
    /// Contacts that had the same values, or that the merge type leaves alone.
    pub unchanged: i64,
    /// Rows whose number stands in the file before; the first row of a number wins.
    pub duplicates: i64,
    /// Rows refused; `errors` tells each.
    pub invalid: i64,
    /// Accepted rows whose digits had two valid readings.
    pub ambiguous: i64,
}

impl From<Counts> for ImportCounts {
    fn from(counts: Counts) -> Self {
        let Counts { done, created, updated, unchanged, duplicates, invalid, ambiguous } = counts;
        Self { rows: done, created, updated, unchanged, duplicates, invalid, ambiguous }
    }
}

/// A row of the file that was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "line": 17, "code": "phone_too_short", "detail": "fewer than 7 digits", "field": "phone", "value": "12345"
}))]
pub struct ImportError {
    /// The line of the text file, the row of the sheet, or the place in a list of numbers between separators.
    pub line: i64,
    /// A stable word, such as `phone_invalid`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// The contact field, or null when it is about the whole row.
    pub field: Option<String>,
    /// What stood there, at most 100 characters.
    pub value: Option<String>,
}

impl From<RowError> for ImportError {
    fn from(row: RowError) -> Self {
        let RowError { line, code, detail, field, value } = row;
        Self { line, code, detail, field, value }
    }
}

/// What ended a failed import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "file_broken", "detail": "the packed data is damaged. The 2000 rows before it are imported."}))]
pub struct ImportFailure {
    /// A stable word, such as `file_broken`.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

macro_rules! import_shape {
    ($(#[$meta:meta])* $name:ident { $($(#[$emeta:meta])* $errors:ident)? }) => {
        #[derive(Debug, Serialize, ToSchema)]
        $(#[$meta])*
        pub struct $name {
            /// Its id.
            pub id: ImportId,
            /// Where it stands.
            pub status: ImportStatus,
            /// The name of the file.
            pub file_name: String,
            /// What happens to contacts that exist.
            pub merge: MergeType,
            /// Contact field to column, as sent or as guessed.
            pub mapping: BTreeMap<String, String>,
            /// The groups that it fills.
            pub groups: Vec<ImportGroup>,
            /// How far it is.
            pub progress: ImportProgress,
            /// What became of the rows so far; null while it is queued.
            pub result: Option<ImportCounts>,
            $($(#[$emeta])* pub $errors: Vec<ImportError>,)?
            /// What ended it, when it failed.
            pub error: Option<ImportFailure>,
            /// When it was accepted.
            pub created_at: Timestamp,
            /// When a worker first took it.
            pub started_at: Option<Timestamp>,
            /// When it ended.
            pub finished_at: Option<Timestamp>,
        }

        impl $name {
            pub(super) fn new(row: Row, named: &[Named] $(, $errors: Vec<RowError>)?) -> Self {
                let progress = ImportProgress::of(&row);
                let Row { id, file_name, status, merge, mapping, group_ids, counts, error, created_at, started_at, finished_at, .. } = row;
                let name = |id: GroupId| named.iter().find(|g| g.id == id).map(|g| ImportGroup { id, name: g.name.clone() });
                Self {
                    id,
                    status,
                    file_name,
                    merge,
                    mapping: serde_json::from_value(mapping).unwrap_or_default(),
                    groups: group_ids.into_iter().filter_map(name).collect(),
                    progress,
                    result: (status != ImportStatus::Queued).then(|| counts.into()),
                    $($errors: $errors.into_iter().map(ImportError::from).collect(),)?
                    error: error.map(|(code, detail)| ImportFailure { code, detail }),
                    created_at,
                    started_at,
                    finished_at,
                }
            }
        }
    };
}

import_shape! {
    /// An import of contacts from a file.
    #[schema(example = json!({
        "id": "imp_01kazsw6e3f8e9xq2m4r7t5v0b",
        "status": "completed",
        "file_name": "people.csv",
        "merge": "update",
        "mapping": {"phone": "Mobile phone", "first_name": "First name", "fields.city": "City"},
        "groups": [{"id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "Regulars"}],
        "progress": {"done": 3, "total": 3},
        "result": {"rows": 3, "created": 1, "updated": 0, "unchanged": 0, "duplicates": 1, "invalid": 1, "ambiguous": 0},
        "errors": [{"line": 4, "code": "phone_too_short", "detail": "fewer than 7 digits", "field": "phone", "value": "12345"}],
        "error": null,
        "created_at": "2026-11-21T10:00:00.000000Z",
        "started_at": "2026-11-21T10:00:00.100000Z",
        "finished_at": "2026-11-21T10:00:00.300000Z"
    }))]
    Import {
        /// The first 100 refused rows; the rest are at `/errors`.
        errors
    }
}

import_shape! {
    /// An import in a list: without its errors.
    #[schema(example = json!({
        "id": "imp_01kazsw6e3f8e9xq2m4r7t5v0b",
        "status": "queued",
        "file_name": "people.csv",
        "merge": "update",
        "mapping": {"phone": "Mobile phone"},
        "groups": [],
        "progress": {"done": 0, "total": null},
        "result": null,
        "error": null,
        "created_at": "2026-11-21T10:00:00.000000Z",
        "started_at": null,
        "finished_at": null
    }))]
    ImportSummary {}
}
