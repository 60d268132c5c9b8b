//! How a text would go on the air: characters, segments, and what the encoding costs.

use actix_web::post;
use domain::{
    segments::{self, Encoding, SplitMode},
    templates,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shared::{auth::Auth, json::Json, problem::Failure, reply::Reply};

/// A text to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Price 5€ – “today only”", "split_mode": "udh"}))]
pub struct PreviewRequest {
    /// The text, at most 5,000 characters; markers are counted as they are written.
    pub text: String,
    /// How a long text is sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
}

/// How a text goes on the air.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "encoding": "ucs2", "characters": 23, "units": 23, "segments": 1, "per_segment": [23], "remaining_in_last": 47, "approximate": false,
    "warning": null,
    "ucs2_characters": [{"char": "–", "position": 9, "count": 1, "replacement": "-"}],
    "saving": {"segments_now": 1, "segments_after": 1, "text": "Price 5€ - \"today only\""}
}))]
pub struct Preview {
    /// The cheapest encoding that holds the text.
    pub encoding: Encoding,
    /// Characters.
    pub characters: u32,
    /// Septets (GSM-7, where `€` and others count two) or 16-bit units (UCS-2).
    pub units: u32,
    /// Segments billed.
    pub segments: u32,
    /// Units of each segment.
    pub per_segment: Vec<u32>,
    /// Units that still fit into the last segment.
    pub remaining_in_last: u32,
    /// True when the text has markers: their values decide.
    pub approximate: bool,
    /// Set above three segments: what to mind.
    pub warning: Option<String>,
    /// The characters that force UCS-2, in order of appearance.
    pub ucs2_characters: Vec<Ucs2Character>,
    /// What replacing them would save; null for GSM-7.
    pub saving: Option<Saving>,
}

/// A character that GSM-7 does not have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"char": "–", "position": 9, "count": 1, "replacement": "-"}))]
pub struct Ucs2Character {
    /// The character.
    pub char: String,
    /// Where it first stands, in characters from 0.
    pub position: u32,
    /// How often it stands in the text.
    pub count: u32,
    /// What would do in GSM-7; null when nothing does.
    pub replacement: Option<String>,
}

/// What cheaper characters would save.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"segments_now": 2, "segments_after": 1, "text": "Price 5€ - \"today only\""}))]
pub struct Saving {
    /// Segments as the text is.
    pub segments_now: u32,
    /// Segments with every replacement made.
    pub segments_after: u32,
    /// The text with every replacement made.
    pub text: String,
}

/// Preview a text
///
/// Counts characters and segments, tells the encoding, names each character that forces UCS-2 and what replacing it
/// would save. Nothing is sent. For example, `{"text": "Price 5€ – “today only”"}`.
#[utoipa::path(
    operation_id = "messages.preview",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    responses((status = OK, description = "How the text goes on the air.", body = Preview)),
)]
#[post("/messages/preview")]
pub(super) async fn preview(Auth(_scope): Auth, Json(asked): Json<PreviewRequest>) -> Result<Reply<Preview>, Failure> {
    let PreviewRequest { text, split_mode } = asked;
    let mut faults = domain::error::Faults::default();
    faults.optional_text("/text", Some(&text), templates::MAX_BODY);
    faults.check()?;
    let segments::Measure { encoding, units, characters, segments, per_segment, remaining_in_last } =
        segments::measure(&text, split_mode, None);
    let saving = (encoding == Encoding::Ucs2).then(|| {
        let segments::Saving { now, after } = segments::saving(&text, split_mode);
        Saving { segments_now: now, segments_after: after, text: segments::replace_ucs2(&text) }
    });
    let ucs2_characters = segments::ucs2_characters(&text).into_iter().map(|c| {
        let segments::Ucs2Char { character, position, count, replacement } = c;
        Ucs2Character { char: character.to_string(), position, count, replacement: replacement.map(str::to_owned) }
    });
    Ok(Reply::ok(Preview {
        encoding,
        characters,
        units,
        segments,
        per_segment,
        remaining_in_last,
        approximate: !templates::markers(&text).is_empty(),
        warning: (segments > 3).then(|| {
            format!("{segments} segments are billed for each recipient, and some phones show a long text in pieces.")
        }),
        ucs2_characters: ucs2_characters.collect(),
        saving,
    }))
}
