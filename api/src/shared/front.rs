//! The front door: every request passes here once on its way in and once on its way out.
//!
//! In: a request id; HEAD becomes GET; the operation is looked up; the token, its limit, its scope and the query's
//! parameter names are checked. Out: every error becomes a problem; headers, metrics and the access log are written.
//!
//! Invariant: the access log has ids and operations only, never a path, a query or a body, which may hold numbers.

use std::time::Instant;

use actix_web::{
    HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use domain::{Code, Error, clock::Timestamp, ids};
use tracing::Instrument;

use super::{
    auth::{self, Caller},
    operations::{Found, Operation},
    problem::{Failure, PROBLEM_JSON, Problem, of_status},
    rate_limit::Standing,
    traces,
};
use crate::App;

/// The operationId of the request being served.
#[derive(Debug, Clone)]
pub struct OperationId(pub String);

/// What is known of a request before its handler runs, and told in the response.
#[derive(Default)]
struct Visit {
    request_id: String,
    path: String,
    operation: Option<String>,
    /// Whose, for the log.
    account: Option<String>,
    /// The operator's token, for the log.
    operator: Option<String>,
    standing: Option<Standing>,
    /// The methods of a path, when it was asked with another.
    allow: Option<String>,
}

/// The middleware.
pub async fn front<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let Some(app) = req.app_data::<web::Data<App>>().cloned() else {
        return Err(Failure(Error::internal("the server was built without its state")).into());
    };
    let mut visit =
        Visit { request_id: request_id(&req, app.clock.now()), path: req.path().to_owned(), ..Visit::default() };
    let span = traces::span(&visit.request_id, req.headers());
    let response = pass(&app, req, next, &mut visit).instrument(span.clone()).await?;
    let mut response = leave(response, &visit);
    let status = response.status();
    write_headers(status, response.headers_mut(), &visit);
    let (status, took) = (status.as_u16(), started.elapsed());
    let operation = visit.operation.as_deref().unwrap_or("other");
    app.metrics.answered(operation, status, took);
    traces::answered(&span, operation, visit.account.as_deref(), status);
    tracing::info!(
        request_id = visit.request_id,
        account = visit.account,
        operator = visit.operator,
        operation,
        status,
        ms = took.as_secs_f64() * 1000.0,
        "request"
    );
    Ok(response)
}

/// To the handler, when nothing speaks against it.
async fn pass<B: MessageBody + 'static>(
    app: &App,
    mut req: ServiceRequest,
    next: Next<B>,
    visit: &mut Visit,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    Ok(match enter(app, &mut req, visit).await {
        Ok(None) => {
            let span = tracing::info_span!("request", id = %visit.request_id, operation = visit.operation.as_deref());
            next.call(req).instrument(span).await?.map_into_boxed_body()
        }
        Ok(Some(response)) => ServiceResponse::new(req.into_parts().0, response),
        // not `req.into_response`, which would forget the error
        Err(e) => ServiceResponse::new(req.into_parts().0, HttpResponse::from_error(Failure(e))),
    })
}

/// Everything that is checked before a handler runs. `Some` answers at once.
async fn enter(app: &App, req: &mut ServiceRequest, visit: &mut Visit) -> Result<Option<HttpResponse>, Error> {
    if req.method() == Method::HEAD {
        // The server leaves the body out by itself.
        req.head_mut().method = Method::GET;
    }
    match app.operations.find(req.method(), req.path()) {
        Found::Nothing => Ok(None),
        Found::OtherMethods(methods) => {
            let allow = allow(&methods);
            visit.allow = Some(allow.clone());
            if req.method() == Method::OPTIONS {
                return Ok(Some(HttpResponse::NoContent().finish()));
            }
            Err(Error::new(Code::MethodNotAllowed, format!("This path knows {allow}.")))
        }
        Found::Operation(operation) => {
            visit.operation = Some(operation.id.clone());
            req.extensions_mut().insert(OperationId(operation.id.clone()));
            if let Some(security) = &operation.security {
                let who = auth::authenticate(app, req).await?;
                match &who {
                    Caller::Account(who) => visit.account = Some(who.scope.account().to_string()),
                    Caller::Operator(who) => visit.operator = Some(who.token.to_string()),
                }
                let limit = who.requests_per_minute().unwrap_or(app.config.requests_per_minute);
                let standing = app.permits.take(app, who.bearer(), limit).await?;
                visit.standing = Some(standing);
                if !standing.allowed {
                    let detail = format!("The token may make {limit} requests a minute.");
                    return Err(Error::new(Code::QuotaExceeded, detail));
                }
                auth::permit(&who, operation, security)?;
                auth::remember(who, req);
            }
            // Who calls an operation that is open to everyone did not read the document.
            if operation.security.is_some() {
                check_query(operation, req.query_string())?;
            }
            Ok(None)
        }
    }
}

/// Refuses parameters that the operation does not declare.
fn check_query(operation: &Operation, query: &str) -> Result<(), Error> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|e| Error::new(Code::UnknownParameter, format!("The query cannot be read: {e}.")))?;
    for (name, value) in pairs {
        if !operation.query.contains(&name) {
            let known = operation.query.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            let detail = format!("{:?} is not a parameter of this operation; it knows: {known}.", ids::short(&name));
            return Err(Error::new(Code::UnknownParameter, detail));
        }
        if value.contains('\0') {
            return Err(Error::parameter(&name, "control_character", "must not have the character U+0000"));
        }
    }
    Ok(())
}

/// Turns every error into a problem.
fn leave(response: ServiceResponse<BoxBody>, visit: &Visit) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(PROBLEM_JSON.as_bytes()));
    if !(status.is_client_error() || status.is_server_error()) || is_problem {
        return response;
    }
    let problem = match response.response().error() {
        Some(e) => match e.as_error::<Failure>() {
            Some(Failure(e)) => told(e, visit),
            None => told(&of_status(status, &format!("{e}.")), visit),
        },
        None => told(&of_status(status, ""), visit),
    };
    let (req, old) = response.into_parts();
    let mut new = problem.response();
    if let Some(allow) = old.headers().get(header::ALLOW) {
        new.headers_mut().insert(header::ALLOW, allow.clone());
    }
    if problem.retryable && problem.status != 500 {
        // 429 replaces this by the seconds until the next minute
        new.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    ServiceResponse::new(req, new)
}

fn told(e: &Error, visit: &Visit) -> Problem {
    if e.code.status() >= 500 {
        tracing::error!(request_id = visit.request_id, operation = visit.operation, error = %e, "failed");
    }
    Problem::new(e, &visit.path, &visit.request_id)
}

fn write_headers(status: StatusCode, headers: &mut HeaderMap, visit: &Visit) {
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("request-id", &visit.request_id);
    set("x-content-type-options", "nosniff");
    if status == StatusCode::UNAUTHORIZED {
        set("www-authenticate", "Bearer realm=\"carillon\"");
    }
    if let Some(standing) = &visit.standing {
        let Standing { limit, remaining, reset, allowed } = standing;
        set("ratelimit-policy", &format!("\"default\";q={limit};w=60"));
        set("ratelimit", &format!("\"default\";r={remaining};t={reset}"));
        set("cache-control", "private, no-cache");
        if !allowed {
            set("retry-after", &reset.to_string());
        }
    }
    if let Some(allow) = &visit.allow {
        set("allow", allow);
    }
}

/// The `Allow` header of a path with these methods.
fn allow(methods: &[Method]) -> String {
    let mut all: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if all.contains(&"GET") {
        all.push("HEAD");
    }
    all.push("OPTIONS");
    all.join(", ")
}

/// The client's own id when it is short and plain, else a new one.
fn request_id(req: &ServiceRequest, now: Timestamp) -> String {
    let sent = req.headers().get("request-id").and_then(|v| v.to_str().ok());
    let plain = |s: &&str| {
        (8..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    sent.filter(plain).map_or_else(|| format!("req_{}", ids::encode(ids::uuid_v7(now))), str::to_owned)
}

/// What answers a path that nothing else does.
pub async fn nothing() -> Result<HttpResponse, Failure> {
    Err(Error::new(Code::NotFound, "There is no such path; the operations are listed at /docs.").into())
}
