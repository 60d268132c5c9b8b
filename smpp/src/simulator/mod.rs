//! A carrier to test against: a server of SMPP 3.4 and 5.0 that accepts everything, sends receipts, and misbehaves on request.
//!
//! Ordinary numbers are delivered; the numbers of [`magic::TABLE`] fail, each in its own documented way (`docs/simulator.md`).
//! States: listening → shut down. Invariants: a submit_sm is in the log before it is answered ([`log`]); message ids are unique across restarts;
//! a receipt is kept until a bind of its system answers it with ESME_ROK, as long as the simulator runs.

mod ids;
pub mod log;
pub mod magic;
mod message;
mod receipts;
mod replies;
mod session;

use crate::client::BindMode;
use crate::server::{BindRequest, Outbox, ServerConfig, Service, serve};
use crate::status::{ESME_RINVPASWD, ESME_RINVSYSID, ESME_RSYSERR};
use ids::{Attempts, Ids};
use log::{Line, Writer};
use receipts::Receipts;
use session::SimulatorSession;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 takes a free one. Default 127.0.0.1:2775.
    pub listen: SocketAddr,
    /// Where the log is appended; none is written without a path.
    pub log: Option<PathBuf>,
    /// From a submit to its receipt. Default 1 s.
    pub receipt_delay: Duration,
    /// The only system_id accepted; any when absent.
    pub system_id: Option<String>,
    /// The only password accepted; any when absent.
    pub password: Option<String>,
    /// Receipts unanswered at a time on one bind. Default 1,000.
    pub receipt_window: usize,
    /// After which an unanswered or refused receipt is sent again. Default 30 s.
    pub receipt_retry: Duration,
    /// The slow answer of +12015550108. Default 5 s.
    pub slow_answer: Duration,
    /// The late answer of +12015550123. Default 65 s.
    pub late_answer: Duration,
    /// The late receipt of +12015550119. Default 30 s.
    pub late_receipt: Duration,
    /// Silence of the client after which an enquire_link is sent. Default 60 s.
    pub enquire_link_interval: Duration,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 2775)),
            log: None,
            receipt_delay: Duration::from_secs(1),
            system_id: None,
            password: None,
            receipt_window: 1_000,
            receipt_retry: Duration::from_secs(30),
            slow_answer: Duration::from_secs(5),
            late_answer: Duration::from_secs(65),
            late_receipt: Duration::from_secs(30),
            enquire_link_interval: Duration::from_secs(60),
        }
    }
}

/// What all binds share, under one lock that is never held across an await.
struct State {
    log: Writer,
    receipts: Receipts,
    ids: Ids,
    attempts: Attempts,
    next_bind: u64,
    outboxes: Vec<Outbox>,
}

struct Inner {
    config: SimulatorConfig,
    state: Mutex<State>,
    wake: Notify,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as whole as before it: every change is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The simulator; see [`Simulator::start`].
pub struct Simulator {
    inner: Arc<Inner>,
}

/// A running simulator. Dropping it shuts it down.
pub struct SimulatorHandle {
    /// Where it listens.
    pub local_addr: SocketAddr,
    inner: Arc<Inner>,
    shutdown: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _guard: DropGuard,
}

impl Simulator {
    /// Opens the log, listens, and serves in the background.
    pub async fn start(config: SimulatorConfig) -> io::Result<SimulatorHandle> {
        let state = State {
            log: Writer::open(config.log.as_deref())?,
            receipts: Receipts::new(config.receipt_window, config.receipt_retry),
            ids: Ids::starting_at(unix_micros()),
            attempts: Attempts::default(),
            next_bind: 0,
            outboxes: Vec::new(),
        };
        let listener = TcpListener::bind(config.listen).await?;
        let local_addr = listener.local_addr()?;
        let server_config = ServerConfig {
            system_id: "Simulator".to_owned(),
            deliver_timeout: config.receipt_retry,
            enquire_link_interval: config.enquire_link_interval,
            ..ServerConfig::default()
        };
        let inner = Arc::new(Inner { config, state: Mutex::new(state), wake: Notify::new() });
        let shutdown = CancellationToken::new();
        let simulator = Arc::new(Self { inner: Arc::clone(&inner) });
        let server = tokio::spawn(serve(listener, simulator, server_config, shutdown.clone()));
        tokio::spawn(send_receipts(Arc::clone(&inner), shutdown.clone()));
        let guard = shutdown.clone().drop_guard();
        Ok(SimulatorHandle { local_addr, inner, shutdown, server, _guard: guard })
    }
}

impl SimulatorHandle {
    /// Stops listening and ends all connections.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        let _ = self.server.await;
    }

    /// Resets every connection that is open, as a carrier's restart would.
    pub fn reset_connections(&self) {
        for outbox in self.inner.state().outboxes.drain(..) {
            outbox.reset();
        }
    }

    /// Receipts and replies not yet answered with ESME_ROK: waiting for their time, for a bind or for their answer.
    pub fn receipts_kept(&self) -> usize {
        self.inner.state().receipts.kept()
    }
}

impl Service for Simulator {
    type Session = SimulatorSession;

    async fn bind(&self, request: BindRequest, outbox: Outbox) -> Result<SimulatorSession, u32> {
        let config = &self.inner.config;
        if config.system_id.as_ref().is_some_and(|expected| *expected != request.system_id) {
            return Err(ESME_RINVSYSID);
        }
        if config.password.as_ref().is_some_and(|expected| *expected != request.password) {
            return Err(ESME_RINVPASWD);
        }
        let system_id: Arc<str> = Arc::from(request.system_id);
        let mut state = self.inner.state();
        state.next_bind += 1;
        let (id, at) = (state.next_bind, unix_micros());
        state.outboxes.retain(|outbox| !outbox.is_closed());
        state.outboxes.push(outbox.clone());
        let State { log, receipts, .. } = &mut *state;
        let mode = match request.mode {
            BindMode::Transmitter => "transmitter",
            BindMode::Receiver => "receiver",
            BindMode::Transceiver => "transceiver",
        };
        let BindRequest { system_type, interface_version, .. } = request;
        let line = Line::Bind {
            at,
            bind: id,
            system_id: system_id.to_string(),
            mode: mode.to_owned(),
            system_type,
            interface_version,
        };
        let mut logged = log.push(&line).and_then(|()| log.write());
        if request.mode.receives() {
            logged = logged.and_then(|()| receipts.bind(&system_id, id, outbox.clone(), at, log));
        }
        drop(state);
        logged.map_err(|error| {
            tracing::error!(%error, "the simulator's log cannot be written");
            ESME_RSYSERR
        })?;
        Ok(SimulatorSession {
            inner: Arc::clone(&self.inner),
            system_id,
            id,
            mode: request.mode,
            outbox,
            version: interface_version,
        })
    }
}

/// Sends receipts when their time comes.
async fn send_receipts(inner: Arc<Inner>, shutdown: CancellationToken) {
    loop {
        let due = inner.state().receipts.next_due();
        tokio::select! {
            () = async { match due { Some(due) => tokio::time::sleep_until(due).await, None => std::future::pending().await } } => {}
            () = inner.wake.notified() => {}
            () = shutdown.cancelled() => return,
        }
        let mut state = inner.state();
        let State { receipts, log, .. } = &mut *state;
        if let Err(error) = receipts.tick(Instant::now(), unix_micros(), log) {
            tracing::error!(%error, "the simulator's log cannot be written");
        }
    }
}

/// Unix time in microseconds, by the real clock: the log is evidence, and evidence does not follow a test clock.
#[allow(clippy::disallowed_methods, reason = "the log tells real time")]
fn unix_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
