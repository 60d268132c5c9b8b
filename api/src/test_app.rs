//! The application in one process over a fresh SQLite database, and actors that speak to it.

use std::{sync::Arc, time::Duration};

use actix_http::Request;
use actix_web::{
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::{Method, StatusCode, header::HeaderMap},
    test,
    web::{Bytes, Data},
};
use domain::{
    accounts::{self, Account, Countries, Mode, NewAccount, Status},
    clock::{Clock, Timestamp},
    db::Db,
    jobs::Wake,
    operator_tokens,
    scope::{AccountScope, OperatorScope},
    secrets::Keyring,
    tokens::{self, NewToken, Secret},
};
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;
use serde_json::Value;

use crate::{ApiConfig, App, application};

/// The application and its database, which is deleted with it.
pub struct TestApp<S> {
    service: S,
    pub app: Arc<App>,
    pub clock: Clock,
    pub operator: OperatorScope,
    place: Place,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// The status and the problem's code.
    pub fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
    /// A header's text, empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
}

/// A request being put together.
pub struct Ask<'a, S> {
    to: &'a TestApp<S>,
    request: test::TestRequest,
}

/// A database of the test's own: a SQLite file, or one on the PostgreSQL server that `CARILLON_TEST_POSTGRES` names.
struct Place {
    url: String,
    server: Option<String>,
    name: String,
}

impl Place {
    async fn new() -> Self {
        let name = format!("carillon_api_{}", domain::ids::uuid_v7(Clock::system().now()).simple());
        let Ok(server) = std::env::var("CARILLON_TEST_POSTGRES") else {
            let url = format!("sqlite://{}", std::env::temp_dir().join(&name).display());
            return Self { url, server: None, name };
        };
        let url = format!("{server}/{name}");
        let postgres = Db::open(&format!("{server}/postgres"), 1).await.unwrap();
        postgres.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self { url, server: Some(server), name }
    }
    async fn remove(self, app: Arc<App>) {
        let Some(server) = self.server else {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(std::env::temp_dir().join(format!("{}{end}", self.name)));
            }
            return;
        };
        app.db.writer().clone().close().await.unwrap();
        let postgres = Db::open(&format!("{server}/postgres"), 1).await.unwrap();
        postgres.writer().execute_unprepared(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.unwrap();
    }
}

/// Starts an application with a clock that stands still. End the test with [`TestApp::stop`].
pub async fn start()
-> TestApp<impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = actix_web::Error>> {
    let clock = Clock::fixed(Timestamp(1_795_255_200_000_000));
    let place = Place::new().await;
    let db = Db::open(&place.url, 4).await.unwrap();
    migrations::Migrator::up(db.writer(), None).await.unwrap();
    job_tables(&db).await;
    let keys = Keyring::parse(&Keyring::generate()).unwrap();
    let config = ApiConfig { keys, ..ApiConfig::default() };
    let app = App::new(db, clock.clone(), Wake::default(), config, prometheus::Registry::new(), None).unwrap();
    let app = Arc::new(app);
    let service = test::init_service(application(Data::from(app.clone()))).await;
    TestApp { service, app, operator: OperatorScope { clock: clock.clone() }, clock, place }
}

/// What the worker's own migration would make: where jobs are announced.
async fn job_tables(db: &Db) {
    let tables: &[&str] = if db.is_sqlite() {
        &["CREATE TABLE Jobs (id TEXT, job_type TEXT, job BLOB, status TEXT, attempts INTEGER, max_attempts INTEGER, \
           run_at INTEGER, priority INTEGER, metadata TEXT)"]
    } else {
        &[
            "CREATE EXTENSION IF NOT EXISTS hstore",
            "CREATE SCHEMA apalis",
            "CREATE TABLE apalis.jobs (id TEXT, job_type TEXT, job BYTEA, status TEXT, attempts INT, max_attempts INT, \
             run_at TIMESTAMPTZ, priority INT, metadata hstore)",
        ]
    };
    for sql in tables {
        db.writer().execute_unprepared(sql).await.unwrap();
    }
}

impl<S> TestApp<S> {
    /// Removes the database.
    pub async fn stop(self) {
        let Self { service, app, place, .. } = self;
        drop(service);
        place.remove(app).await;
    }
    /// A new account in test mode.
    pub async fn account(&self, status: Status) -> Account {
        let tx = self.app.db.begin().await.unwrap();
        let new = NewAccount {
            name: "Acme".to_owned(),
            mode: Mode::Test,
            live_account_id: None,
            status,
            default_country: Some("GB".to_owned()),
            rate_deck_id: None,
            carrier_id: None,
            countries: Countries::all(),
            refund_on: Vec::new(),
        };
        let account = accounts::create(&tx, &self.operator, new).await.unwrap();
        tx.commit().await.unwrap();
        account
    }
    /// A token of the account with these scopes.
    pub async fn token(&self, account: &Account, scopes: &[&str]) -> String {
        self.token_with(account, scopes, |_| {}).await
    }
    /// The same with other settings.
    pub async fn token_with(&self, account: &Account, scopes: &[&str], change: impl FnOnce(&mut NewToken)) -> String {
        let mut new = NewToken {
            description: "tests".to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            networks: Vec::new(),
            requests_per_minute: None,
            expires_at: None,
        };
        change(&mut new);
        let secret = Secret::generate(Mode::Test);
        let tx = self.app.db.begin().await.unwrap();
        tokens::seed(&tx, &self.scope(account), new, &secret).await.unwrap();
        tx.commit().await.unwrap();
        secret.expose().to_owned()
    }
    /// An account with a token that may do everything.
    pub async fn owner(&self) -> (Account, String) {
        let account = self.account(Status::Active).await;
        let token = self.token(&account, &["*"]).await;
        (account, token)
    }
    /// A token of the operator with these scopes.
    pub async fn operator_token(&self, scopes: &[&str]) -> String {
        let new = operator_tokens::NewToken {
            description: "tests".to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            networks: Vec::new(),
            expires_at: None,
        };
        let tx = self.app.db.begin().await.unwrap();
        let (_, secret) = operator_tokens::create(&tx, &self.operator, new).await.unwrap();
        tx.commit().await.unwrap();
        secret.expose().to_owned()
    }
    /// The account's rows.
    pub fn scope(&self, account: &Account) -> AccountScope {
        AccountScope::new(account.id, None, false, self.clock.clone())
    }
    /// Moves the clock.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
    /// Begins a request; an empty token sends none.
    pub fn ask(&self, method: &str, path: &str, token: &str) -> Ask<'_, S> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = test::TestRequest::with_uri(path).method(method).peer_addr("127.0.0.1:4000".parse().unwrap());
        if !token.is_empty() {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        Ask { to: self, request }
    }
}

impl<B: MessageBody, S> Ask<'_, S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.insert_header((name, value));
        self
    }
    /// Adds a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.set_json(body);
        self
    }
    /// Adds a body of any kind.
    pub fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.request = self.request.insert_header(("content-type", kind)).set_payload(body);
        self
    }
    /// Sends it. Checks what every answer must have, and that a refusal is one the document tells of.
    pub async fn send(self) -> Seen {
        let request = self.request.to_request();
        let (method, path) = (request.method().clone(), request.path().to_owned());
        let response = self.to.service.call(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.ok().unwrap();
        let seen = Seen { status, headers, body };
        assert!(!seen.header("request-id").is_empty(), "{method} {path}: no Request-Id");
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(seen.header("content-type"), "application/problem+json", "{method} {path}");
            assert_eq!(seen.json()["request_id"], seen.header("request-id"));
            crate::openapi::check_documented(&self.to.app.operations, &method, &path, &seen.problem().1);
        }
        seen
    }
}
