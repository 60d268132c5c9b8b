//! The ways in: the REST API, its document and its pages.
//!
//! A request goes through [`shared::front`] to a handler of [`v1`], which reads through the domain's queries and writes
//! through its verbs. Nothing is kept in memory but leased permits, whose loss costs nothing.

pub mod openapi;
mod pages;
pub mod shared;
#[cfg(test)]
mod test_app;
#[cfg(test)]
mod tests;
pub mod v1;

use std::{future::Future, net::TcpListener, sync::Arc};

use actix_web::{
    HttpServer,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web,
};
use domain::{clock::Clock, db::Db, jobs::Wake, secrets::Keyring, tokens::Lookups};
use ipnet::IpNet;
use utoipa_actix_web::{AppExt, scope};

use shared::{
    front,
    idempotency::InFlight,
    metrics::{CarrierCounters, Metrics},
    operations::Operations,
    rate_limit::Permits,
};

/// What the operator sets.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// How many requests a token may make in a minute, unless it has a limit of its own.
    pub requests_per_minute: i64,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Threads that serve requests.
    pub threads: usize,
    /// What seals and opens carriers' passwords.
    pub keys: Keyring,
    /// How many migrations the database must have had for `/readyz`.
    pub schema_steps: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            requests_per_minute: 6000,
            trusted_proxies: Vec::new(),
            threads: 2,
            keys: Keyring::default(),
            schema_steps: 0,
        }
    }
}

/// What every handler can reach, as `Data<App>`.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Real time.
    pub clock: Clock,
    /// Nudges to the worker in the same process.
    pub wake: Wake,
    /// What the operator set.
    pub config: ApiConfig,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// The operations of the document.
    pub operations: Operations,
    /// Leased permits of the rate limit.
    pub permits: Permits,
    /// Idempotency keys being worked on.
    pub in_flight: InFlight,
    /// Looks up who is asking.
    pub tokens: Lookups,
    /// Sends that share a transaction.
    pub sends: v1::messages::Sends,
    pages: pages::Pages,
}

impl App {
    /// Puts the state together; `registry` is where the numbers of this process are collected, `receipts` what a worker in it
    /// counts receipts with.
    ///
    /// # Errors
    /// When the registry has the API's numbers already.
    pub fn new(
        db: Db,
        clock: Clock,
        wake: Wake,
        config: ApiConfig,
        registry: prometheus::Registry,
        carriers: Option<CarrierCounters>,
    ) -> Result<Self, prometheus::Error> {
        let document = openapi::openapi();
        Ok(Self {
            tokens: Lookups::new(db.clone()),
            db,
            clock,
            wake,
            config,
            metrics: Metrics::new(registry, carriers)?,
            operations: Operations::of(&document),
            permits: Permits::default(),
            in_flight: InFlight::default(),
            sends: v1::messages::Sends::new(v1::messages::MOST_TOGETHER),
            pages: pages::Pages::new(&document),
        })
    }
}

/// The whole application, for the server and for tests.
pub fn application(
    app: web::Data<App>,
) -> actix_web::App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = actix_web::Error, InitError = ()>,
> {
    actix_web::App::new()
        .app_data(app)
        .wrap(from_fn(front::front))
        .into_utoipa_app()
        .service(scope::scope("/v1").configure(v1::routes))
        .into_app()
        .service(pages::swagger())
        .configure(pages::routes)
        .default_service(web::to(front::nothing))
}

/// Serves until `shutdown` resolves, then lets running requests finish.
///
/// # Errors
/// When the server cannot run on the listener.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let threads = app.config.threads.max(1);
    let app = web::Data::from(app);
    let server = HttpServer::new(move || application(app.clone()))
        .workers(threads)
        .shutdown_timeout(20)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    tokio::spawn(async move {
        shutdown.await;
        handle.stop(true).await;
    });
    server.await
}
