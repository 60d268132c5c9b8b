//! What is not `/v1`: the document and its readers, the catalogue of errors, health and numbers.

use actix_web::{
    HttpResponse,
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
}

impl Pages {
    /// Renders them.
    pub fn new(document: &OpenApi) -> Self {
        Self { json: document.to_json().unwrap_or_default() }
    }
}

/// Swagger UI, with every file inside the program.
pub fn swagger() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/openapi.json"]).try_it_out_enabled(true))
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    for (path, to) in [("/", "/docs/"), ("/docs", "/docs/")] {
        config.route(
            path,
            web::get().to(move || async move {
                HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, to)).finish()
            }),
        );
    }
    config
        .route("/openapi.json", web::get().to(document))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics));
}

async fn document(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(app.pages.json.clone())
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
