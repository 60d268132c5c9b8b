//! The requests and the responses of campaigns.

use std::collections::BTreeMap;

use domain::{
    campaigns::{Audience, Campaign as Row, Counts, Pacing, Status},
    clock::Timestamp,
    ids::{CampaignId, TemplateId},
    messages,
    money::Money,
    segments::SplitMode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shared::json::{clearable, given};

/// A campaign: one text to an audience.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "November",
    "description": null,
    "status": "completed",
    "sender": "CARILLON",
    "template_id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "text": null,
    "split_mode": "udh",
    "audience": {"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"], "contact_ids": [], "phones": [], "exclude_group_ids": []},
    "send_at": null,
    "validity_seconds": null,
    "pacing": {"spread_minutes": 240, "window": {"from": "09:00", "to": "20:00", "weekdays": [], "zone": "recipient"}},
    "messages": {"delivered": 974, "skipped": 1},
    "progress": {"done": 975, "total": 975},
    "cost": {"amount": "118.274000", "currency": "EUR"},
    "error": null,
    "copied_from": null,
    "external_id": null,
    "metadata": {},
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:09.000000Z",
    "launched_at": "2026-11-21T10:00:02.000000Z",
    "started_at": "2026-11-21T10:00:03.000000Z",
    "finished_at": "2026-11-21T10:00:09.000000Z"
}))]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What the account calls it.
    pub name: String,
    /// A note.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Whom recipients see.
    pub sender: String,
    /// The template whose text is sent.
    pub template_id: Option<TemplateId>,
    /// The text that is sent, when there is no template.
    pub text: Option<String>,
    /// How long texts are sent.
    pub split_mode: SplitMode,
    /// Who is sent to.
    pub audience: Audience,
    /// When it starts; null: at launch.
    pub send_at: Option<Timestamp>,
    /// For how many seconds a message is worth sending; null: as long as the carrier keeps it.
    pub validity_seconds: Option<i64>,
    /// When its messages may leave; null: as fast as the carrier takes them.
    pub pacing: Option<Pacing>,
    /// Messages by status; what is being submitted counts as queued.
    pub messages: BTreeMap<String, i64>,
    /// Final messages of all.
    pub progress: Progress,
    /// What was charged so far, less refunds; null before the launch.
    pub cost: Option<Money>,
    /// Why it failed.
    pub error: Option<CampaignError>,
    /// The campaign it is a copy of.
    pub copied_from: Option<CampaignId>,
    /// Your own id.
    pub external_id: Option<String>,
    /// Your own notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed state or content.
    pub updated_at: Timestamp,
    /// When it was launched.
    pub launched_at: Option<Timestamp>,
    /// When its first message could leave.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
}

/// How far a long work is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"done": 975, "total": 975}))]
pub struct Progress {
    /// What is done.
    pub done: i64,
    /// What there is to do, as far as known.
    pub total: i64,
}

/// Why a campaign failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "insufficient_funds", "detail": "This costs 120.000000 EUR and 20.000000 EUR are available: top up at least 100.000000 EUR."}))]
pub struct CampaignError {
    /// A code of the catalogue.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
}

impl From<(Row, Counts)> for Campaign {
    fn from((row, counts): (Row, Counts)) -> Self {
        let audience = row.audience().unwrap_or_default();
        let pacing = row.pacing().ok().filter(|pacing| !pacing.is_none());
        let Row {
            id,
            account_id: _,
            name,
            description,
            status,
            sender,
            template_id,
            text,
            split_mode,
            audience: _,
            send_at,
            validity_seconds,
            pacing: _,
            currency,
            hold_id: _,
            error_code,
            error_detail,
            copied_from,
            external_id,
            metadata,
            created_at,
            updated_at,
            launched_at,
            started_at,
            finished_at,
            version: _,
        } = row;
        let Counts { by_status, cost } = counts;
        let is_final = |word: &str| word.parse::<messages::Status>().is_ok_and(messages::Status::is_final);
        let done = by_status.iter().filter(|(status, _)| is_final(status)).map(|(_, n)| n).sum();
        Self {
            id,
            name,
            description,
            status,
            sender,
            template_id,
            text,
            split_mode: serde_json::from_value(split_mode.into()).unwrap_or_default(),
            audience,
            send_at,
            validity_seconds,
            pacing,
            progress: Progress { done, total: by_status.values().sum() },
            messages: by_status,
            cost: currency.map(|currency| Money { amount: cost, currency }),
            error: error_code.zip(error_detail).map(|(code, detail)| CampaignError { code, detail }),
            copied_from,
            external_id,
            metadata: serde_json::from_value(metadata).unwrap_or_default(),
            created_at,
            updated_at,
            launched_at,
            started_at,
            finished_at,
        }
    }
}

/// A campaign to make. It is a draft until it is launched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "November",
    "sender": "CARILLON",
    "template_id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "audience": {"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]},
    "split_mode": "udh"
}))]
pub struct NewCampaign {
    /// What to call it, at most 200 characters.
    pub name: String,
    /// A note, at most 2,000 characters.
    pub description: Option<String>,
    /// Whom recipients see: an approved sender.
    pub sender: String,
    /// The template whose text is sent; or give `text`.
    pub template_id: Option<TemplateId>,
    /// The text with markers; or give `template_id`.
    pub text: Option<String>,
    /// How long texts are sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
    /// Who is sent to.
    pub audience: Audience,
    /// When to start, once launched; a past time starts at launch.
    pub send_at: Option<Timestamp>,
    /// For how many seconds a message is worth sending once it is written at the start, 60 to 259,200 (three days). What
    /// has not left by then, also because the campaign is paused, is not sent and not charged; the carrier is told what
    /// remains. Left out: as long as the carrier keeps it.
    #[schema(minimum = 60, maximum = 259_200)]
    pub validity_seconds: Option<i64>,
    /// When its messages may leave: spread over a period, in allowed hours; as fast as the carrier takes them when left out.
    pub pacing: Option<Pacing>,
    /// Your own id, at most 200 characters.
    pub external_id: Option<String>,
    /// Your own notes: at most 50.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What to change of a draft or a scheduled campaign; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "November, second try", "send_at": "2026-11-28T09:00:00Z"}))]
pub struct CampaignPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// A new note; null clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Another sender.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub sender: Option<String>,
    /// Another template; null clears it, when `text` is given.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<TemplateId>)]
    pub template_id: Option<Option<TemplateId>>,
    /// Another text; null clears it, when `template_id` is given.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub text: Option<Option<String>>,
    /// Another way to send long texts.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub split_mode: Option<SplitMode>,
    /// Another audience, whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
    /// Another time; null starts at launch.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<Timestamp>)]
    pub send_at: Option<Option<Timestamp>>,
    /// Another validity, 60 to 259,200 seconds; null: as long as the carrier keeps it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<i64>, minimum = 60, maximum = 259_200)]
    pub validity_seconds: Option<Option<i64>>,
    /// Another pacing, whole; null: as fast as the carrier takes them.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<Pacing>)]
    pub pacing: Option<Option<Pacing>>,
    /// Your own id; null clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub external_id: Option<Option<String>>,
    /// Your own notes, whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// To whom to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"statuses": ["undelivered", "expired"]}))]
pub struct Resend {
    /// The statuses in which the messages ended; undelivered, expired, rejected and failed when left out.
    #[serde(default = "unreached")]
    pub statuses: Vec<messages::Status>,
}

fn unreached() -> Vec<messages::Status> {
    use messages::Status::{Expired, Failed, Rejected, Undelivered};
    vec![Undelivered, Expired, Rejected, Failed]
}
