//! `/v1/events`: everything that happened to the account, in one order.

mod shapes;

use actix_web::{get, web::Data};
use domain::events::{self, Event as Row, Place};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use shapes::Event;

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
/// and sees nothing twice. `type` is `message.` and the new state, or `campaign.`, `import.` or `sender.` and what became
/// of it; it tells what `data` holds. For example, `GET /v1/events?after=1042-1`.
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
