//! `/v1/admin/ported-numbers`: numbers whose operator is another than that of their prefix.

use actix_web::{HttpRequest, delete, get, post, web::Data};
use domain::{
    Error,
    clock::Timestamp,
    phone::Msisdn,
    ported_numbers::{self, Filter, PortedNumber as Row, Put},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Operator,
        idempotency::Key,
        json::Json,
        paging::{Page, Query, window},
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
    v1::contacts::asked_phone,
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(put).service(get).service(delete);
}

/// A ported number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"phone": "+447400123456", "operator": "O2", "updated_at": "2026-11-21T10:00:00.000000Z"}))]
pub struct PortedNumber {
    /// The number, E.164.
    pub phone: String,
    /// The operator that has it now.
    pub operator: String,
    /// When this was last said.
    pub updated_at: Timestamp,
}

impl From<Row> for PortedNumber {
    fn from(Row { phone, operator, updated_at }: Row) -> Self {
        Self { phone: phone.to_string(), operator, updated_at }
    }
}

/// Which operator has a number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "+447400123456", "operator": "O2"}))]
pub struct Porting {
    /// The number, international.
    pub phone: Msisdn,
    /// The operator that has it now, as routes and rates name it, 1 to 100 characters; null: the one of its prefix again.
    pub operator: Option<String>,
}

/// Which operators have which numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"numbers": [{"phone": "+447400123456", "operator": "O2"}, {"phone": "+447400123457", "operator": null}]}))]
pub struct Portings {
    /// 1 to 10,000 numbers; of one that is named twice the last word counts.
    #[schema(min_items = 1, max_items = 10000)]
    pub numbers: Vec<Porting>,
}

/// What became of numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"stored": 1, "removed": 1}))]
pub struct PortingsStored {
    /// Numbers that are ported now, whether or not they were before.
    pub stored: u64,
    /// Numbers that were ported and are not any more.
    pub removed: u64,
}

/// Which ported numbers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListPortedNumbers {
    /// Only those that this operator has now.
    pub operator: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// The number of the path. Unescaped here: many clients send the plus as %2B.
fn number(req: &HttpRequest) -> Result<Msisdn, Failure> {
    let raw: String = req.match_info().load().map_err(|_| Error::not_found("number"))?;
    Ok(asked_phone("phone", Some(raw))?.ok_or_else(|| Error::not_found("number"))?)
}

/// List ported numbers
///
/// By number. For example, `GET /v1/admin/ported-numbers?operator=O2`.
#[utoipa::path(
    operation_id = "admin_ported_numbers.list",
    tag = "Ported numbers",
    security(("operator" = ["numbers:read"])),
    params(ListPortedNumbers),
    responses((status = OK, description = "A page of ported numbers.", body = Page<PortedNumber>)),
)]
#[get("/admin/ported-numbers")]
async fn list(
    app: Data<App>,
    Operator(scope): Operator,
    Query(asked): Query<ListPortedNumbers>,
) -> Result<Reply<Page<PortedNumber>>, Failure> {
    let ListPortedNumbers { operator, limit, after } = asked;
    let filter = Filter { operator };
    let rows = ported_numbers::list(app.db.read(), &scope, &filter, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.phone.as_u64())))
}

/// Say which operators have ported numbers
///
/// Up to 10,000 numbers a request, all or none; the same request again changes nothing. From then on messages to such a
/// number are priced by the rate of its operator and take the routes for it, contacts show it with `ported`, and filters,
/// figures and reports count it there. Messages that are written keep what they were priced and routed by. Lists of
/// millions are read by `carillon admin ported-numbers import`. For example, the body below says that one number is with
/// O2, and that another one is back with the operator of its prefix.
#[utoipa::path(
    operation_id = "admin_ported_numbers.put",
    tag = "Ported numbers",
    security(("operator" = ["numbers:write"])),
    params(Key),
    responses((status = OK, description = "What became of the numbers.", body = PortingsStored)),
)]
#[post("/admin/ported-numbers")]
async fn put(
    app: Data<App>,
    Operator(scope): Operator,
    key: Key,
    Json(asked): Json<Portings>,
) -> Result<Answer, Failure> {
    let numbers: Vec<_> = asked.numbers.into_iter().map(|Porting { phone, operator }| (phone, operator)).collect();
    key.run(&app, &scope, async |tx| {
        let Put { stored, removed } = ported_numbers::put(tx, &scope, &numbers).await?;
        Ok(Reply::ok(PortingsStored { stored, removed }))
    })
    .await
}

/// Look a ported number up
///
/// 404 `not_found` for a number that is not ported: its operator is the one of its prefix. For example,
/// `GET /v1/admin/ported-numbers/+447400123456`.
#[utoipa::path(
    operation_id = "admin_ported_numbers.get",
    tag = "Ported numbers",
    security(("operator" = ["numbers:read"])),
    params(("phone" = String, Path, description = "The number in international form, with or without the plus.", example = "+447400123456")),
    responses((status = OK, description = "The operator that has it.", body = PortedNumber)),
    extensions(("x-errors" = json!(["invalid_parameter", "not_found"]))),
)]
#[get("/admin/ported-numbers/{phone}")]
async fn get(app: Data<App>, Operator(scope): Operator, req: HttpRequest) -> Result<Reply<PortedNumber>, Failure> {
    Ok(Reply::ok(ported_numbers::find(app.db.read(), &scope, number(&req)?).await?.into()))
}

/// Say that a number is not ported
///
/// Its operator is the one of its prefix again. For example, `DELETE /v1/admin/ported-numbers/+447400123456`.
#[utoipa::path(
    operation_id = "admin_ported_numbers.delete",
    tag = "Ported numbers",
    security(("operator" = ["numbers:write"])),
    params(("phone" = String, Path, description = "The number in international form, with or without the plus.", example = "+447400123456")),
    responses((status = NO_CONTENT, description = "It is with the operator of its prefix.")),
    extensions(("x-errors" = json!(["invalid_parameter", "not_found"]))),
)]
#[delete("/admin/ported-numbers/{phone}")]
async fn delete(app: Data<App>, Operator(scope): Operator, req: HttpRequest) -> Result<NoContent, Failure> {
    let number = number(&req)?;
    let tx = app.db.begin().await?;
    ported_numbers::remove(&tx, &scope, number).await?;
    tx.commit().await?;
    Ok(NoContent)
}
