//! The server end: accepts binds and hands requests to a handler, one read burst at a time.
//!
//! States of a connection: open → bound → closed (SMPP 3.4 §2.2). Invariants: before a successful bind nothing but bind, enquire_link and
//! unbind is served; a burst is handed over whole, so that a handler can write once (a log, a transaction) and then answer all; the
//! connection is not read while the handler works, nor while a peer leaves a megabyte of answers unread.

mod connection;
mod outbox;

pub use crate::client::BindMode;
pub use outbox::Outbox;

use rusmpp::Pdu;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Limits and times of a server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Our name in bind_resp, at most 15 ASCII characters. Default `Carillon`.
    pub system_id: String,
    /// How long a connection may stay unbound. Default 30 s.
    pub bind_timeout: Duration,
    /// Silence after which an enquire_link is sent. Default 60 s.
    pub enquire_link_interval: Duration,
    /// How long it may stay unanswered. Default 30 s.
    pub enquire_link_timeout: Duration,
    /// How long a deliver_sm may stay unanswered. Default 30 s.
    pub deliver_timeout: Duration,
    /// Connections at a time; more are closed at once. Default 1,000.
    pub max_connections: usize,
    /// Largest PDU taken, in octets. Default [`crate::session::DEFAULT_MAX_PDU`].
    pub max_pdu: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            system_id: "Carillon".to_owned(),
            bind_timeout: Duration::from_secs(30),
            enquire_link_interval: Duration::from_secs(60),
            enquire_link_timeout: Duration::from_secs(30),
            deliver_timeout: Duration::from_secs(30),
            max_connections: 1_000,
            max_pdu: crate::session::DEFAULT_MAX_PDU,
        }
    }
}

/// Who asks to bind.
#[derive(Clone)]
pub struct BindRequest {
    pub peer: SocketAddr,
    pub system_id: String,
    pub password: String,
    pub system_type: String,
    pub mode: BindMode,
    /// What is asked for, such as 0x34.
    pub interface_version: u8,
}

/// Without the password, which must not reach a log.
impl std::fmt::Debug for BindRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { peer, system_id, password: _, system_type, mode, interface_version } = self;
        let mut out = f.debug_struct("BindRequest");
        out.field("peer", peer).field("system_id", system_id).field("system_type", system_type).field("mode", mode);
        out.field("interface_version", interface_version);
        out.finish_non_exhaustive()
    }
}

/// A request from a bound peer, other than those of the session itself.
#[derive(Debug)]
pub struct Request {
    /// Names the request in [`Outbox::reply`].
    pub sequence: u32,
    pub pdu: Pdu,
}

/// What became of a deliver_sm sent by [`Outbox::deliver`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub token: u64,
    /// The `command_status` of its answer; `None` when none came within `deliver_timeout`.
    pub status: Option<u32>,
}

/// Decides who may bind and makes the handler of each bind.
pub trait Service: Send + Sync + 'static {
    type Session: Session;

    /// Authenticates; an error is the `command_status` of the refusal. What goes into `outbox` already now follows the bind_resp.
    fn bind(&self, request: BindRequest, outbox: Outbox) -> impl Future<Output = Result<Self::Session, u32>> + Send;
}

/// The handler of one bind.
pub trait Session: Send + 'static {
    /// All requests of one read burst, in order. Each wants an [`Outbox::reply`], now or later.
    fn requests(&mut self, batch: Vec<Request>) -> impl Future<Output = ()> + Send;

    /// Answers to deliveries, in order of coming.
    fn delivered(&mut self, batch: Vec<Delivered>) -> impl Future<Output = ()> + Send;

    /// The connection is over. `undelivered`: tokens of deliveries without an answer, in order of sending.
    fn closed(&mut self, reason: &str, undelivered: Vec<u64>) -> impl Future<Output = ()> + Send;
}

/// Accepts connections until `shutdown`, then ends those that are open and returns when the last handler has been told.
pub async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    config: ServerConfig,
    shutdown: CancellationToken,
) {
    let config = Arc::new(config);
    let slots = Arc::new(Semaphore::new(config.max_connections));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = open.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "an SMPP connection failed");
                }
                continue;
            }
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: trying again at once would only burn the processor.
                tracing::warn!(%error, "accepting an SMPP connection failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            tracing::warn!(%peer, "too many SMPP connections");
            continue;
        };
        let (service, config, shutdown) = (Arc::clone(&service), Arc::clone(&config), shutdown.clone());
        open.spawn(async move {
            connect(stream, peer, service, &config, shutdown).await;
            drop(slot);
        });
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn connect<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<S>,
    config: &ServerConfig,
    shutdown: CancellationToken,
) {
    // Writes are already whole batches.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let (reader, writer) = stream.into_split();
    let ended = connection::run(reader, writer, peer, service, config, shutdown).await;
    if ended.reset
        && let Ok(stream) = ended.reader.reunite(ended.writer)
    {
        // Closing with linger 0 sends RST instead of FIN.
        if let Err(error) = stream.set_zero_linger() {
            tracing::debug!(%error, "SO_LINGER");
        }
    }
}
