//! `/v1/admin/routes`: which carrier a message goes to.

mod shapes;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    ids::{AccountId, CarrierId, RouteId},
    routes::{self, Filter, Route as Row},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use shapes::{NewRoute, Route, RoutePatch};

use crate::{
    App,
    shared::{
        auth::Operator,
        conditional::IfMatch,
        idempotency::Key,
        json::Json,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(update).service(delete);
}

/// Which routes to list; every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRoutes {
    /// Only those to this carrier.
    pub carrier_id: Option<CarrierId>,
    /// Only those of this account alone.
    pub account_id: Option<AccountId>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List routes
///
/// Newest first. For example, `GET /v1/admin/routes?carrier_id=car_01kazsw6e3f8e9xq2m4r7t5v0b` lists what leads to one
/// carrier.
#[utoipa::path(
    operation_id = "admin_routes.list",
    tag = "Routes",
    security(("operator" = ["routes:read"])),
    params(ListRoutes),
    responses((status = OK, description = "A page of routes.", body = Page<Route>)),
)]
#[get("/admin/routes")]
async fn list(
    app: Data<App>,
    Operator(scope): Operator,
    Query(asked): Query<ListRoutes>,
) -> Result<Reply<Page<Route>>, Failure> {
    let ListRoutes { carrier_id, account_id, limit, after } = asked;
    let filter = Filter { carrier: carrier_id, account: account_id };
    let rows = routes::list(app.db.read(), &scope, filter, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create a route
///
/// Messages that are written from now on may take it: of the routes that match a message, those of the lowest
/// `priority` share by `weight`, after a canary has taken its share. A message that no route matches goes to its
/// account's own carrier. A route without `account_id` is for live accounts only; a test environment must be named. For
/// example, the body below sends everything to Britain one way.
#[utoipa::path(
    operation_id = "admin_routes.create",
    tag = "Routes",
    security(("operator" = ["routes:write"])),
    params(Key),
    responses((status = CREATED, description = "The route.", body = Route)),
)]
#[post("/admin/routes")]
async fn create(
    app: Data<App>,
    Operator(scope): Operator,
    key: Key,
    Json(new): Json<NewRoute>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = routes::create(tx, &scope, new.into()).await?;
        let version = row.version;
        Ok(Reply::created(Route::from(row)).tagged(version))
    })
    .await
}

/// Get a route
///
/// For example, `GET /v1/admin/routes/rte_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "admin_routes.get",
    tag = "Routes",
    security(("operator" = ["routes:read"])),
    params(("id" = RouteId, Path)),
    responses((status = OK, description = "The route.", body = Route)),
)]
#[get("/admin/routes/{id}")]
async fn get(app: Data<App>, Operator(scope): Operator, Id(id): Id<RouteId>) -> Result<Reply<Route>, Failure> {
    let row = routes::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(Route::from(row)).tagged(version))
}

/// Change a route
///
/// Only what is sent is changed; null clears a condition. Messages that are written already keep their way. For
/// example, `{"enabled": false}` takes the route out of use, `{"country": null}` opens it to every country.
#[utoipa::path(
    operation_id = "admin_routes.update",
    tag = "Routes",
    security(("operator" = ["routes:write"])),
    params(("id" = RouteId, Path), IfMatch),
    responses((status = OK, description = "The route as it is now.", body = Route)),
)]
#[patch("/admin/routes/{id}")]
async fn update(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<RouteId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<RoutePatch>,
) -> Result<Reply<Route>, Failure> {
    let tx = app.db.begin().await?;
    let row = routes::update(&tx, &scope, id, expected, patch.into()).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Route::from(row)).tagged(version))
}

/// Delete a route
///
/// Messages that took it are not touched, and keep its id. For example,
/// `DELETE /v1/admin/routes/rte_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "admin_routes.delete",
    tag = "Routes",
    security(("operator" = ["routes:write"])),
    params(("id" = RouteId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/admin/routes/{id}")]
async fn delete(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<RouteId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    routes::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
