//! `/v1/admin/inbound-messages`: what subscribers wrote to senders that are no account's.

use actix_web::{get, web::Data};
use domain::{
    clock::Timestamp,
    ids::{CarrierId, InboundMessageId},
    inbound_messages::{self, InboundMessage as Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Operator,
        paging::{Page, Query, window},
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

/// A message from a subscriber that is no account's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "inb_01kazsw6e3f8e9xq2m4r7t5v0b", "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "from": "+447400123456", "to": "4444",
    "text": "Hello?", "received_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct UnattributedMessage {
    /// Its id.
    pub id: InboundMessageId,
    /// The carrier that delivered it.
    pub carrier_id: CarrierId,
    /// Whom it is from: E.164, or the address as it came.
    pub from: String,
    /// What it was sent to.
    pub to: String,
    /// Its text.
    pub text: String,
    /// When it came.
    pub received_at: Timestamp,
}

impl From<Row> for UnattributedMessage {
    fn from(row: Row) -> Self {
        let from = row.from();
        let Row { id, carrier_id, recipient, body, received_at, .. } = row;
        Self { id, carrier_id, from, to: recipient, text: body, received_at }
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListUnattributed {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List messages that are nobody's
///
/// What subscribers wrote to a number that no account may send from, or that several may and none has sent to them from.
/// Newest first. Give the number to an account, and what comes from then on is that account's. For example,
/// `GET /v1/admin/inbound-messages?limit=10`.
#[utoipa::path(
    operation_id = "admin_inbound_messages.list",
    tag = "Operator",
    security(("operator" = ["messages:read"])),
    params(ListUnattributed),
    responses((status = OK, description = "A page of messages.", body = Page<UnattributedMessage>)),
)]
#[get("/admin/inbound-messages")]
async fn list(
    app: Data<App>,
    Operator(scope): Operator,
    Query(asked): Query<ListUnattributed>,
) -> Result<Reply<Page<UnattributedMessage>>, Failure> {
    let ListUnattributed { limit, after } = asked;
    let rows = inbound_messages::unattributed(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}
