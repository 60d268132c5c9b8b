//! The request and the response of exports.

use domain::{
    clock::Timestamp,
    contacts::filter::ContactFilter,
    exports::{Export as Row, ExportStatus, Format, Kind, Order},
    ids::{ContactId, ExportId, GroupId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A table to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "contacts", "format": "csv", "separator": ";", "fields": ["phone", "first_name", "fields.city", "groups"],
    "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]
}))]
pub struct NewExport {
    /// What it is a table of.
    pub kind: Kind,
    /// How it is written.
    pub format: Format,
    /// The character between the cells of CSV: `;` (which Excel expects in most of Europe), `,`, `|` or `tab`; `;`, if left
    /// out.
    pub separator: Option<String>,
    /// Fields, each a column, in this order; all of them, if left out. Of contacts: `phone`, `first_name`, `last_name`,
    /// `patronymic`, `birth_date`, `sex`, `email`, `company`, `link`, `comment`, `language`, `external_id`, `consent`,
    /// `consent_at`, `consent_source`, `country`, `region`, `operator`, `line_type`, `time_zone`, `groups` (their names), `created_at`, `id`
    /// and `fields.<key>`. Of the blacklist: `phone`, `reason`, `source`, `source_id`, `created_at`, `id`. Of unsubscribes
    /// these and `sender`.
    pub fields: Option<Vec<String>>,
    /// Only contacts in any of these groups, at most 50; nobody comes twice.
    pub group_ids: Option<Vec<GroupId>>,
    /// Only these contacts, at most 10,000; ids that are not of the account are passed over.
    pub contact_ids: Option<Vec<ContactId>>,
    /// Only contacts that match, as of the moment of this request. Only one of `group_ids`, `contact_ids` and `filter`.
    pub filter: Option<ContactFilter>,
}

impl From<NewExport> for Order {
    fn from(new: NewExport) -> Self {
        let NewExport { kind, format, separator, fields, group_ids, contact_ids, filter } = new;
        Self { kind, format, separator, fields, group_ids, contact_ids, filter }
    }
}

/// How far an export is.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"done": 2000, "total": 10000}))]
pub struct ExportProgress {
    /// Rows that are written.
    pub done: i64,
    /// Rows that there are; null until they have been counted.
    pub total: Option<i64>,
}

/// Where the file is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "url": "/v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b/5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592/contacts-2026-11-21-100000.xlsx",
    "expires_at": "2026-11-22T10:00:00.000000Z"
}))]
pub struct ExportDownload {
    /// The address, on the host of the API. It is signed and needs no token: whoever has it has the file.
    pub url: String,
    /// When the file is deleted: 24 hours after the export was completed.
    pub expires_at: Option<Timestamp>,
}

/// What ended a failed export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "internal", "detail": "Something went wrong on our side; ask for the export again."}))]
pub struct ExportFailure {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

/// A table of contacts, of the blacklist or of unsubscribes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "exp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "kind": "contacts",
    "format": "xlsx",
    "fields": ["phone", "first_name", "fields.city", "groups"],
    "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"],
    "filter": null,
    "status": "completed",
    "progress": {"done": 975, "total": 975},
    "file_name": "contacts-2026-11-21-100000.xlsx",
    "bytes": 48211,
    "download": {
        "url": "/v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b/5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592/contacts-2026-11-21-100000.xlsx",
        "expires_at": "2026-11-22T10:00:00.000000Z"
    },
    "error": null,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "started_at": "2026-11-21T10:00:00.100000Z",
    "finished_at": "2026-11-21T10:00:00.300000Z"
}))]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// What it is a table of.
    pub kind: Kind,
    /// How it is written.
    pub format: Format,
    /// The fields of its columns.
    pub fields: Vec<String>,
    /// The groups that it is narrowed to.
    pub group_ids: Vec<GroupId>,
    /// The filter that it is narrowed to.
    pub filter: Option<ContactFilter>,
    /// Where it stands.
    pub status: ExportStatus,
    /// How far it is.
    pub progress: ExportProgress,
    /// The name of its file.
    pub file_name: String,
    /// The size of its file, once there is one.
    pub bytes: Option<i64>,
    /// Where the file is; null before it is completed, and after the file has expired.
    pub download: Option<ExportDownload>,
    /// What ended it, when it failed.
    pub error: Option<ExportFailure>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Export {
    pub(super) fn new(row: Row, address: Option<String>) -> Self {
        let Row {
            id,
            account: _,
            kind,
            status,
            settings,
            file_name,
            file: _,
            bytes,
            done,
            total,
            error,
            created_at,
            started_at,
            finished_at,
            expires_at,
            version: _,
        } = row;
        Self {
            id,
            kind,
            format: settings.format,
            fields: settings.fields,
            group_ids: settings.group_ids,
            filter: settings.filter,
            status,
            progress: ExportProgress { done, total },
            file_name,
            bytes,
            download: address.map(|url| ExportDownload { url, expires_at }),
            error: error.map(|(code, detail)| ExportFailure { code, detail }),
            created_at,
            started_at,
            finished_at,
        }
    }
}
