//! `/problems` and `/problems/{code}`: where a problem's `type` leads. HTML for people, JSON for programs.

use actix_web::{HttpRequest, HttpResponse, http::header};
use domain::{Code, Error};
use serde_json::{Value, json};

use super::html::{escape, page};
use crate::shared::{path::part, problem::Failure};

/// The catalogue.
pub async fn list(req: HttpRequest) -> HttpResponse {
    if wants_json(&req) {
        return HttpResponse::Ok().json(json!({"data": Code::ALL.iter().map(|c| entry(*c)).collect::<Vec<_>>()}));
    }
    let rows: String = Code::ALL
        .iter()
        .map(|c| {
            format!("<tr><td><a href=\"/problems/{c}\"><code>{c}</code></a><td>{}<td>{}", c.status(), escape(c.title()))
        })
        .collect();
    let body = format!("<h1>Errors</h1><table><tr><th>Code<th>Status<th>Meaning{rows}</table>");
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page("Carillon: errors", &body))
}

/// One code.
pub async fn one(req: HttpRequest) -> Result<HttpResponse, Failure> {
    let name: String = part(&req, "code")?;
    let code = Code::ALL.iter().copied().find(|c| c.as_str() == name);
    let code = code.ok_or_else(|| Error::new(Code::NotFound, "There is no such error code; /problems lists them."))?;
    if wants_json(&req) {
        return Ok(HttpResponse::Ok().json(entry(code)));
    }
    let retry =
        if code.retryable() { "The same request may succeed later." } else { "The same request will fail again." };
    let body = format!(
        "<nav><a href=\"/problems\">All errors</a></nav><h1>{}</h1><p class=\"path\"><code>{code}</code> · HTTP {}</p>\
         <p>{}</p><p>{retry}</p>",
        escape(code.title()),
        code.status(),
        escape(code.help()),
    );
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page(code.title(), &body)))
}

fn entry(code: Code) -> Value {
    json!({
        "type": format!("/problems/{code}"),
        "code": code,
        "status": code.status(),
        "title": code.title(),
        "detail": code.help(),
        "retryable": code.retryable(),
    })
}

fn wants_json(req: &HttpRequest) -> bool {
    let accept = req.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.contains("json") && !accept.contains("text/html")
}
