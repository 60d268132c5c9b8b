//! `/v1/events`: everything that happened to the account, in one order.

use actix_web::{get, web::Data};
use domain::{
    clock::Timestamp,
    events::{self, Event as Row, Place},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        paging::{Page, Query, window},
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "evt_01kazsw6e3f8e9xq2m4r7t5v0b_1",
    "type": "message.delivered",
    "cursor": "1042-1",
    "created_at": "2026-11-21T10:00:00.000000Z",
    "data": {"id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "status": "delivered", "reason": null, "campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b"}
}))]
pub struct Event {
    /// Its id, the same whenever it is read.
    pub id: String,
    /// What happened: `message.` and the new status, or `campaign.launched`, `.started`, `.paused`, `.resumed`, `.finishing`, `.completed`,
    /// `.cancelled`, `.failed`, or `import.completed`, `.failed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its place in the stream: send it as `after` to read on.
    pub cursor: String,
    /// When.
    pub created_at: Timestamp,
    /// What a reader needs to act without asking back.
    #[schema(value_type = std::collections::BTreeMap<String, Option<String>>)]
    pub data: serde_json::Value,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        let Row { id, kind, created_at, data, place } = row;
        Self { id, kind, cursor: place.to_string(), created_at, data }
    }
}

/// Where to read on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `cursor` of the last event you have seen; from the beginning when left out.
    pub after: Option<String>,
}

/// List events
///
/// Oldest first, in the order in which they took effect; a reader that goes on from its last `cursor` misses nothing
/// and sees nothing twice. For example, `GET /v1/events?after=1042-1`.
#[utoipa::path(
    operation_id = "events.list",
    tag = "Events",
    security(("bearer" = ["events:read"])),
    params(ListEvents),
    responses((status = OK, description = "A page of events.", body = Page<Event>)),
)]
#[get("/events")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListEvents>,
) -> Result<Reply<Page<Event>>, Failure> {
    let ListEvents { limit, after } = asked;
    let asked = window::<Place>(limit, Some(after.as_deref().unwrap_or("0-0")))?;
    let rows = events::list(app.db.read(), &scope, asked.after.unwrap_or_default(), asked.limit).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.place)))
}
