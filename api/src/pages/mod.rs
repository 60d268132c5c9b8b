//! What is not `/v1`: the document and its readers, the catalogue of errors, health and numbers.

mod html;
mod problems;
mod reference;

use actix_web::{
    HttpResponse, Resource, Route,
    http::header,
    web::{self, Data, ServiceConfig},
};
use domain::{Code, Error, db::Sql, vals};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{App, shared::problem::Failure};

/// Pages made once.
#[derive(Debug)]
pub struct Pages {
    json: String,
    reference: String,
}

impl Pages {
    /// Renders them.
    pub fn new(document: &OpenApi) -> Self {
        let value = serde_json::to_value(document).unwrap_or_default();
        Self { json: document.to_pretty_json().unwrap_or_default(), reference: reference::render(&value) }
    }
}

/// Swagger UI, with every file inside the program.
pub fn swagger() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/openapi.json"]).try_it_out_enabled(true))
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    for path in ["/", "/docs"] {
        let to_docs =
            || async { HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, "/docs/")).finish() };
        config.service(only_get(path, web::get().to(to_docs)));
    }
    config
        .service(only_get("/openapi.json", web::get().to(document)))
        .service(only_get("/reference", web::get().to(reading)))
        .service(only_get("/problems", web::get().to(problems::list)))
        .service(only_get("/problems/{code}", web::get().to(problems::one)))
        .service(only_get("/healthz", web::get().to(healthz)))
        .service(only_get("/readyz", web::get().to(readyz)))
        .service(only_get("/metrics", web::get().to(metrics)));
}

/// A resource, unlike a bare route, answers other methods with 405.
fn only_get(path: &str, get: Route) -> Resource {
    web::resource(path).route(get)
}

async fn document(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(app.pages.json.clone())
}

async fn reading(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(app.pages.reference.clone())
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// The database answers, and its schema is the one this program knows.
async fn readyz(app: Data<App>) -> Result<HttpResponse, Failure> {
    let unavailable =
        |e: String| Error { source: Some(e.into()), ..Error::new(Code::Unavailable, "The database is not ready.") };
    let steps = app.db.read().scalar::<i64>("SELECT COUNT(*) FROM seaql_migrations", vals![]).await;
    let steps = steps.map_err(|e| unavailable(e.to_string()))?.unwrap_or(0);
    if usize::try_from(steps).unwrap_or(0) < app.config.schema_steps {
        return Err(unavailable(format!("{steps} migrations of {}", app.config.schema_steps)).into());
    }
    Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ready"})))
}

async fn metrics(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.page())
}
