//! The client end: binds to a carrier, submits with a window, tells everything as events.
//!
//! States: connecting → binding → open → draining → unbinding → closed; a lost connection leads from any of them to closed.
//! Invariants: every token given to [`Client::submit`] comes back exactly once as [`Event::Submitted`], [`Event::TimedOut`] or in
//! [`Event::Closed`] (a late answer may follow a time-out); [`Event::Closed`] is always the last event; a deliver_sm is answered only by
//! [`Client::ack`], so that the caller can commit first.

mod actor;
mod answer;
mod bad_input;
mod bind;
mod deliver;
mod event;
mod late;
mod submit;

pub use bad_input::BadInput;
pub use bind::{BindConfig, BindError, BindMode, SMPP_3_4, SMPP_5_0, Tls};
pub use deliver::{Deliver, NetworkError};
pub use event::{Event, EventReceiver, SubmitOutcome};
pub use submit::{Address, Body, Sar, Submit};

use crate::session::{DEFAULT_MAX_PDU, Link, LinkLimits};
use actor::{Actor, Order};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

/// The session is over; nothing was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the SMPP session is closed")]
pub struct Closed;

/// What the actor and its handles both see.
#[derive(Debug)]
pub(crate) struct Shared {
    outstanding: AtomicUsize,
    open: AtomicBool,
}

/// A handle to an open session; clones share it. When the last is dropped the session is unbound gracefully.
#[derive(Debug, Clone)]
pub struct Client {
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Shared>,
    window: usize,
    version: Option<u8>,
}

/// Connects, with TLS where that is asked for, binds and starts the session.
pub async fn connect(config: &BindConfig) -> Result<(Client, EventReceiver), BindError> {
    let deadline = tokio::time::Instant::now() + config.bind_timeout;
    let connected = tokio::time::timeout_at(deadline, TcpStream::connect(&config.addr)).await;
    let stream = connected.map_err(|_| BindError::Timeout)?.map_err(BindError::Connect)?;
    // Writes are already whole batches; waiting for more would only delay the last of them.
    stream.set_nodelay(true).map_err(BindError::Connect)?;
    let Some(Tls { config: tls, server_name }) = &config.tls else {
        let (reader, writer) = stream.into_split();
        return connect_over(reader, writer, config).await;
    };
    let handshake = TlsConnector::from(Arc::clone(tls)).connect(server_name.clone(), stream);
    let stream = tokio::time::timeout_at(deadline, handshake).await;
    let (reader, writer) = tokio::io::split(stream.map_err(|_| BindError::Timeout)?.map_err(BindError::Tls)?);
    connect_over(reader, writer, config).await
}

/// Binds and starts the session over a connection that exists already (encrypted, a test's pipe).
pub async fn connect_over<R, W>(reader: R, writer: W, config: &BindConfig) -> Result<(Client, EventReceiver), BindError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let limits = LinkLimits { max_pdu: DEFAULT_MAX_PDU, high_water: usize::MAX };
    let mut link = Link::new(reader, writer, limits);
    let bound = tokio::time::timeout(config.bind_timeout, bind::bind(&mut link, config)).await;
    let version = bound.map_err(|_| BindError::Timeout)??;
    let (orders, orders_in) = mpsc::unbounded_channel();
    let (events, events_in) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared { outstanding: AtomicUsize::new(0), open: AtomicBool::new(true) });
    tokio::spawn(Actor::new(link, config.clone(), orders_in, events, Arc::clone(&shared)).run());
    Ok((Client { orders, shared, window: config.window, version }, EventReceiver::new(events_in)))
}

impl Client {
    /// Queues a message; the outcome comes as an event with the same `token`. The caller keeps within [`Client::free`].
    pub fn submit(&self, token: u64, submit: Submit) -> Result<(), Closed> {
        if !self.is_open() {
            return Err(Closed);
        }
        self.shared.outstanding.fetch_add(1, Ordering::AcqRel);
        self.orders.send(Order::Submit(token, Box::new(submit))).map_err(|_| {
            self.shared.outstanding.fetch_sub(1, Ordering::AcqRel);
            Closed
        })
    }

    /// How many more messages fit into the window now.
    pub fn free(&self) -> usize {
        self.window.saturating_sub(self.shared.outstanding.load(Ordering::Acquire))
    }

    /// The version that the carrier named when it was bound (`sc_interface_version`), such as 0x34.
    pub fn peer_version(&self) -> Option<u8> {
        self.version
    }

    /// The size of the window, as configured.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Answers a deliver_sm (or data_sm) by its `sequence` with `status`, 0 being ESME_ROK. One that is unknown or was answered is ignored.
    pub fn ack(&self, sequence: u32, status: u32) {
        // A closed session has nobody to answer; the carrier will deliver again.
        let _ = self.orders.send(Order::Ack { sequence, status });
    }

    /// Waits for answers in flight up to `drain_timeout`, unbinds, and returns when the session is over.
    pub async fn unbind(self) {
        self.shared.open.store(false, Ordering::Release);
        if self.orders.send(Order::Unbind).is_ok() {
            self.orders.closed().await;
        }
    }

    /// Whether submits are still taken.
    pub fn is_open(&self) -> bool {
        self.shared.open.load(Ordering::Acquire) && !self.orders.is_closed()
    }
}
