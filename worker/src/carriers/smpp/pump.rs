//! One bind from its first connection to its end: connect, serve ([`super::serve`]), connect again, settle what is left.

use std::{
    collections::{BTreeSet, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use domain::carriers::{
    BindMode::{Separate, Transceiver},
    Carrier, SmppSettings,
    smpp::InterfaceVersion,
};
use domain::messages::window::Outgoing;
use smpp::{
    client::{self, BindConfig, BindMode, SMPP_3_4, SMPP_5_0, Tls},
    receipt::ReceiptIdCodec,
};
use tokio::time::Instant;

use super::{
    encode,
    flight::{Flights, Settled},
    receipts, tls,
};
use crate::{
    Shared,
    carriers::{
        claims::Claims,
        health::Health,
        numbers::{Bound, Slowed},
        pace::Pace,
        quota::Quota,
    },
};

/// How long the connection may be away before messages that the carrier has nothing of go back to the queue.
const AWAY: Duration = Duration::from_secs(3);
/// The longest pause between two tries to connect.
const SLOWEST: Duration = Duration::from_secs(30);
/// How long the carrier may take to part.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);

/// The state of one bind; [`super::feed`] and [`super::answers`] have their parts of it.
pub struct Pump {
    pub(super) shared: Shared,
    pub(super) carrier: Carrier,
    pub(super) settings: SmppSettings,
    pub(super) owner: String,
    /// What the connection is for.
    mode: BindMode,
    tls: Option<Tls>,
    pub(super) codec: ReceiptIdCodec,
    pub(super) claims: Claims,
    pub(super) flights: Flights,
    /// Parts to submit, in order: of marked messages, of throttled ones, of those a lost connection never took.
    pub(super) ready: VecDeque<u64>,
    /// Parts that the carrier could not take just then, by the time of their next try.
    pub(super) later: BTreeSet<(Instant, u64)>,
    /// How fast the carrier may be sent to.
    pub(super) pace: Pace,
    pub(super) slowed: Slowed,
    /// The pause that the carrier has asked for, and how it grows.
    pub(super) not_before: Instant,
    pub(super) slow: Duration,
    /// When this connection answered a submit last, or was made.
    pub(super) answered_at: Instant,
    /// Temporary refusals since the carrier last took or refused a part for good.
    pub(super) ailing: u32,
    /// How busy the carrier says that it is, 0 to 100.
    pub(super) congestion: u8,
    pub(super) health: Health,
}

/// Keeps a bind connected and fed until a shutdown; then drains it.
pub async fn pump(
    shared: Shared,
    carrier: Carrier,
    settings: SmppSettings,
    n: u32,
    owner: String,
    (health, quota): (Health, Option<Arc<Quota>>),
) {
    let mode = match settings.bind_mode {
        Separate if settings.is_receiver(n) => BindMode::Receiver,
        Separate => BindMode::Transmitter,
        Transceiver => BindMode::Transceiver,
    };
    let tls = match tls::of(&settings, address(&settings, mode)) {
        Ok(tls) => tls,
        Err(error) => {
            tracing::error!(carrier = carrier.name, error, "the carrier cannot be bound");
            health.failed(&error);
            health.backing_off(SLOWEST);
            return shared.stopped().await;
        }
    };
    let codec = receipts::codec(settings.receipt_ids);
    // One connection alone may use all of the limit that the worker has.
    let limit = settings.parts_per_second.map(f64::from);
    let pace = Pace::new(limit, settings.window, Instant::now()).within(quota);
    let validity = settings.validity_format;
    let of = settings.clone();
    let parts = Arc::new(move |message: &Outgoing| encode::parts(&of, message));
    let mut pump = Pump {
        claims: Claims::new(&shared, &carrier, &owner, parts),
        slowed: Slowed::of(&carrier),
        shared,
        carrier,
        settings,
        owner,
        mode,
        tls,
        codec,
        flights: Flights::new(validity),
        ready: VecDeque::new(),
        later: BTreeSet::new(),
        pace,
        not_before: Instant::now(),
        slow: Duration::ZERO,
        answered_at: Instant::now(),
        ailing: 0,
        congestion: 0,
        health,
    };
    pump.connected_for_ever().await;
    // What the carrier has nothing of goes back; the rest is doubtful. Then the recorder is let run dry.
    let settled = pump.flights.abandon();
    pump.settle(settled);
    pump.claims.end().await;
}

impl Pump {
    /// Connects, serves, and connects again with a growing, jittered pause, until a shutdown or the recorder's end.
    async fn connected_for_ever(&mut self) {
        let first = Duration::from_millis(100);
        let (mut wait, mut away_since) = (first, Instant::now());
        loop {
            let config = self.bind_config();
            self.health.binding();
            match self.meanwhile(away_since, client::connect(&config)).await {
                Some(Ok((client, events))) => {
                    tracing::info!(carrier = self.carrier.name, bind = self.owner, "bound");
                    wait = first;
                    let bound = Bound::to(&self.carrier);
                    self.health.connected();
                    self.health.speaks(client.peer_version());
                    self.congestion = 0;
                    self.serve(client, events).await;
                    drop(bound);
                    self.health.backing_off(wait);
                    away_since = Instant::now();
                }
                Some(Err(e)) => {
                    tracing::warn!(carrier = self.carrier.name, error = %e, retry_ms = wait.as_millis(), "the carrier cannot be bound");
                    wait = (wait * 2).min(SLOWEST);
                    self.health.failed(&e.to_string());
                    self.health.backing_off(wait);
                }
                None => return,
            }
            self.claims.give_back_idle().await;
            let pause = tokio::time::sleep(wait / 2 + jitter(wait / 2));
            if self.meanwhile(away_since, pause).await.is_none() {
                return;
            }
        }
    }

    /// Does `work` without a connection. What was marked before waits for [`AWAY`]; then it goes back to the queue,
    /// where other binds and a cancellation find it. `None` when the pump is to end.
    async fn meanwhile<T>(&mut self, away_since: Instant, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let stop = self.shared.clone();
        let mut stopped = pin!(stop.stopped());
        loop {
            if self.claims.ended() {
                return None;
            }
            let patience = away_since + AWAY;
            let waiting = !self.flights.is_empty() && Instant::now() < patience;
            tokio::select! {
                biased;
                () = &mut stopped => return None,
                done = self.claims.next_recorded() => {
                    self.claims.recorded(done?);
                    self.claims.give_back_idle().await;
                }
                () = tokio::time::sleep_until(patience), if waiting => self.release(),
                outcome = &mut work => {
                    if Instant::now() >= patience {
                        self.release();
                    }
                    return Some(outcome);
                }
            }
        }
    }

    fn bind_config(&self) -> BindConfig {
        let s = &self.settings;
        BindConfig {
            addr: address(s, self.mode).to_owned(),
            system_id: s.system_id.clone(),
            password: s.password.clone(),
            system_type: s.system_type.clone(),
            mode: self.mode,
            interface_version: match s.interface_version {
                InterfaceVersion::V34 => SMPP_3_4,
                InterfaceVersion::V50 => SMPP_5_0,
            },
            tls: self.tls.clone(),
            enquire_link_interval: Duration::from_secs(s.enquire_link_seconds),
            response_timeout: Duration::from_secs(s.response_seconds),
            // The pump itself has waited for the answers before it unbinds.
            drain_timeout: FAREWELL / 3,
            window: s.window,
            ..BindConfig::default()
        }
    }

    /// Whether messages go out by this connection.
    pub(super) fn submits(&self) -> bool {
        self.mode.submits()
    }

    /// Messages that the carrier has nothing of go back to the queue.
    pub(super) fn release(&mut self) {
        let settled = self.flights.release();
        if !settled.is_empty() {
            tracing::info!(carrier = self.carrier.name, messages = settled.len(), "marked messages go back unsent");
        }
        self.settle(settled);
    }

    /// Hands settled messages to the recorder.
    pub(super) fn settle(&self, settled: impl IntoIterator<Item = Settled>) {
        for (submitted, claim) in settled {
            self.claims.settle(submitted, claim);
        }
    }
}

/// Where a connection of this kind is made to.
fn address(settings: &SmppSettings, mode: BindMode) -> &str {
    let receiver = settings.receiver_address.as_deref().filter(|_| mode == BindMode::Receiver);
    receiver.unwrap_or(&settings.address)
}

/// A part of `most`, at random, so that many binds do not come back at once.
fn jitter(most: Duration) -> Duration {
    let mut byte = [0u8];
    domain::ids::fill_random(&mut byte);
    most * u32::from(byte[0]) / 255
}
