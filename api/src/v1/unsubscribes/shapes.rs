//! The request and the responses of imports of unsubscribes.

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    ids::{FileId, ImportId},
    imports::{Counts, Import as Row, ImportStatus, RowError},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::imports::{ImportError, ImportFailure, ImportProgress};

/// A file of unsubscribes, as the parts of a form.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read as a stream")]
pub struct UnsubscribeUpload {
    /// The table: CSV, TXT, XLSX or XLS, at most 64 MiB and a million rows. Either this or `file_id`.
    #[schema(value_type = Option<String>, format = Binary)]
    pub file: Option<String>,
    /// A table that `POST /v1/files` has stored. Either this or `file`.
    #[schema(example = "fil_01kazsw6e3f8e9xq2m4r7t5v0b")]
    pub file_id: Option<FileId>,
    /// JSON object from `phone` (required), `sender` and `reason` to a column: its title, or its 1-based number as a
    /// string. Left out, it is guessed.
    #[schema(example = "{\"phone\": \"Mobile phone\", \"sender\": \"Brand\", \"reason\": \"Why\"}")]
    pub mapping: Option<String>,
    /// One of the account's senders, whatever its case, for every row that does not name one itself. Required unless
    /// `sender` is mapped to a column.
    #[schema(example = "CARILLON")]
    pub sender: Option<String>,
    /// Why, at most 500 characters, for every row that does not say it itself.
    #[schema(example = "by the link in a mail")]
    pub reason: Option<String>,
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
}

/// What became of the rows; `rows` is the sum of `added`, `present`, `duplicates` and `invalid`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"rows": 1045, "added": 970, "present": 5, "duplicates": 60, "invalid": 10, "ambiguous": 0}))]
pub struct UnsubscribeImportCounts {
    /// Rows read so far.
    pub rows: i64,
    /// Pairs of number and sender that are new.
    pub added: i64,
    /// Pairs of number and sender that were there already; they keep their reason and source.
    pub present: i64,
    /// Rows whose number and sender stand in the file before; the first row of a pair wins.
    pub duplicates: i64,
    /// Rows refused; `errors` tells each.
    pub invalid: i64,
    /// Accepted rows whose digits had two valid readings.
    pub ambiguous: i64,
}

impl From<Counts> for UnsubscribeImportCounts {
    fn from(counts: Counts) -> Self {
        let Counts { done, created, updated: _, unchanged, duplicates, invalid, ambiguous } = counts;
        Self { rows: done, added: created, present: unchanged, duplicates, invalid, ambiguous }
    }
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
            /// `phone`, `sender` and `reason` to column, as sent or as guessed.
            pub mapping: BTreeMap<String, String>,
            /// The sender, for every row that does not name one itself; as the account writes it.
            pub sender: Option<String>,
            /// Why, for every row that does not say it itself.
            pub reason: Option<String>,
            /// How far it is.
            pub progress: ImportProgress,
            /// What became of the rows so far; null while it is queued.
            pub result: Option<UnsubscribeImportCounts>,
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
            pub(super) fn new(row: Row $(, $errors: Vec<RowError>)?) -> Self {
                let progress = ImportProgress::of(&row);
                let Row { id, file_name, status, mapping, settings, counts, error, created_at, started_at, finished_at, .. } = row;
                Self {
                    id,
                    status,
                    file_name,
                    mapping: serde_json::from_value(mapping).unwrap_or_default(),
                    sender: settings.sender,
                    reason: settings.reason,
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
    /// An import of unsubscribes from a file.
    #[schema(example = json!({
        "id": "imp_01kazsw6e3f8e9xq2m4r7t5v0b",
        "status": "completed",
        "file_name": "optouts.csv",
        "mapping": {"phone": "Mobile phone"},
        "sender": "CARILLON",
        "reason": "by the link in a mail",
        "progress": {"done": 3, "total": 3},
        "result": {"rows": 3, "added": 1, "present": 0, "duplicates": 1, "invalid": 1, "ambiguous": 0},
        "errors": [{"line": 4, "code": "phone_too_short", "detail": "fewer than 7 digits", "field": "phone", "value": "12345"}],
        "error": null,
        "created_at": "2026-11-21T10:00:00.000000Z",
        "started_at": "2026-11-21T10:00:00.100000Z",
        "finished_at": "2026-11-21T10:00:00.300000Z"
    }))]
    UnsubscribeImport {
        /// The first 100 refused rows; the rest are at `/errors`.
        errors
    }
}

import_shape! {
    /// An import of unsubscribes in a list: without its errors.
    #[schema(example = json!({
        "id": "imp_01kazsw6e3f8e9xq2m4r7t5v0b",
        "status": "queued",
        "file_name": "optouts.csv",
        "mapping": {"phone": "Mobile phone"},
        "sender": "CARILLON",
        "reason": null,
        "progress": {"done": 0, "total": null},
        "result": null,
        "error": null,
        "created_at": "2026-11-21T10:00:00.000000Z",
        "started_at": null,
        "finished_at": null
    }))]
    UnsubscribeImportSummary {}
}
