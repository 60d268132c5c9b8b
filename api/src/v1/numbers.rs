//! `/v1/numbers`: what stands against sending to a number.

use actix_web::{HttpRequest, get, web::Data};
use domain::{
    clock::Timestamp,
    ids::{ContactId, GroupId},
    numbers::{self, Block as Row},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::contacts::asked_phone;
use crate::{
    App,
    shared::{auth::Auth, problem::Failure, reply::Reply},
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(blocks);
}

domain::text_enum! {
    /// What stands against sending: the `reason` with which messages are skipped for it. For `quiet_hours` those of campaigns
    /// wait, until they are over.
    pub enum BlockReason {
        /// The number is on the blacklist.
        Blacklisted = "blacklisted",
        /// Its contact is in a group that is a stop list.
        StopList = "stop_list",
        /// Its contact has refused to be written to.
        ConsentRefused = "consent_refused",
        /// The account may not send to its country.
        CountryNotEnabled = "country_not_enabled",
        /// It wants nothing from one sender.
        Unsubscribed = "unsubscribed",
        /// It is in the account's quiet hours: campaigns wait.
        QuietHours = "quiet_hours",
        /// Campaigns have written to it as often as the account's caps allow.
        FrequencyCap = "frequency_cap",
    }
}

/// One thing that stands against sending to a number. What does not apply is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "reason": "blacklisted",
    "since": "2026-11-21T10:00:00.000000Z",
    "source": "campaign",
    "source_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "text": "not reached in November",
    "id": "blk_01kazsw6e3f8e9xq2m4r7t5v0b",
    "contact_id": null,
    "group_id": null,
    "group_name": null,
    "sender": null,
    "country": null,
    "until": null
}))]
pub struct Block {
    /// What it is.
    pub reason: BlockReason,
    /// Since when.
    pub since: Option<Timestamp>,
    /// How it came: the source of the blacklist entry, the unsubscribe or the consent.
    pub source: Option<String>,
    /// The id of what it came from, such as an import, a campaign or an inbound message.
    pub source_id: Option<String>,
    /// Why, in people's words.
    pub text: Option<String>,
    /// The id of the blacklist entry or the unsubscribe: delete it, and this is no more.
    pub id: Option<String>,
    /// The contact that has refused, or is in the group.
    pub contact_id: Option<ContactId>,
    /// The group that is a stop list.
    pub group_id: Option<GroupId>,
    /// Its name.
    pub group_name: Option<String>,
    /// The one sender that it holds for; null: for all.
    pub sender: Option<String>,
    /// The country that may not be sent to, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// When it ends by itself, as `quiet_hours` and `frequency_cap` do.
    pub until: Option<Timestamp>,
}

impl Block {
    fn of(reason: BlockReason) -> Self {
        Self {
            reason,
            since: None,
            source: None,
            source_id: None,
            text: None,
            id: None,
            contact_id: None,
            group_id: None,
            group_name: None,
            sender: None,
            country: None,
            until: None,
        }
    }
}

impl From<Row> for Block {
    fn from(row: Row) -> Self {
        match row {
            Row::Blacklisted(entry) => Self {
                since: Some(entry.created_at),
                source: Some(entry.source.to_string()),
                source_id: entry.source_id,
                text: entry.reason,
                id: Some(entry.id.to_string()),
                ..Self::of(BlockReason::Blacklisted)
            },
            Row::StopList { contact, group, name, since } => Self {
                since: Some(since),
                contact_id: Some(contact),
                group_id: Some(group),
                group_name: Some(name),
                ..Self::of(BlockReason::StopList)
            },
            Row::ConsentRefused { contact, at, source } => {
                Self { since: at, source, contact_id: Some(contact), ..Self::of(BlockReason::ConsentRefused) }
            }
            Row::CountryNotEnabled { country } => {
                Self { country: Some(country), ..Self::of(BlockReason::CountryNotEnabled) }
            }
            Row::Unsubscribed(pair) => Self {
                since: Some(pair.created_at),
                source: Some(pair.source.to_string()),
                source_id: pair.source_id,
                text: pair.reason,
                id: Some(pair.id.to_string()),
                sender: Some(pair.sender),
                ..Self::of(BlockReason::Unsubscribed)
            },
            Row::QuietHours { until } => Self { until: Some(until), ..Self::of(BlockReason::QuietHours) },
            Row::FrequencyCap { until } => Self { until: Some(until), ..Self::of(BlockReason::FrequencyCap) },
        }
    }
}

/// Whether a number can be sent to, and what stands against it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"phone": "+447400123456", "blocked": true, "blocks": [{
    "reason": "blacklisted",
    "since": "2026-11-21T10:00:00.000000Z",
    "source": "campaign",
    "source_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "text": "not reached in November",
    "id": "blk_01kazsw6e3f8e9xq2m4r7t5v0b",
    "contact_id": null,
    "group_id": null,
    "group_name": null,
    "sender": null,
    "country": null,
    "until": null
}]}))]
pub struct NumberBlocks {
    /// The number, E.164.
    pub phone: String,
    /// Whether no sender of the account can send to it. An unsubscribe blocks one sender only, quiet hours and caps hold back
    /// campaigns only.
    pub blocked: bool,
    /// All that stands against it, what holds for every sender first; of unsubscribes at most 200.
    pub blocks: Vec<Block>,
}

/// Tell why a number is blocked
///
/// Everything for which sends and campaigns skip the number, with dates and sources: the blacklist, groups that are stop
/// lists, a refused consent, a country that is not enabled, unsubscribes from single senders; and what holds back campaigns
/// for now, with the moment at which it ends: quiet hours and frequency caps. A number that nothing stands against has no
/// blocks. For example, `GET /v1/numbers/+447400123456/blocks`.
#[utoipa::path(
    operation_id = "numbers.blocks",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:read"])),
    params(("phone" = String, Path, description = "The number in international form, with or without the plus.")),
    responses((status = OK, description = "What stands against sending to it.", body = NumberBlocks)),
    extensions(("x-errors" = json!(["invalid_parameter"]))),
)]
#[get("/numbers/{phone}/blocks")]
async fn blocks(app: Data<App>, Auth(scope): Auth, req: HttpRequest) -> Result<Reply<NumberBlocks>, Failure> {
    // Unescaped here: many clients send the plus as %2B.
    let raw: String = req.match_info().load().map_err(|_| domain::Error::not_found("number"))?;
    let phone = asked_phone("phone", Some(raw))?.ok_or_else(|| domain::Error::not_found("number"))?;
    let rows = numbers::blocks(app.db.read(), &scope, phone).await?;
    let in_part = |row: &Row| matches!(row, Row::Unsubscribed(_) | Row::QuietHours { .. } | Row::FrequencyCap { .. });
    let blocked = rows.iter().any(|row| !in_part(row));
    Ok(Reply::ok(NumberBlocks {
        phone: phone.to_string(),
        blocked,
        blocks: rows.into_iter().map(Block::from).collect(),
    }))
}
