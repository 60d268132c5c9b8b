//! Moving messages: claim chunks, mark a window, submit it, settle answers, give chunks back.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    carriers::{Carrier, SmppSettings},
    ids::{ChunkId, MessageId},
    jobs::Queue,
    messages::{
        Reference,
        window::{self, Outgoing},
    },
};
use smpp::{
    client::{self, BindConfig, BindMode, Client, Event, EventReceiver, SubmitOutcome},
    receipt::ReceiptIdCodec,
    status::{self, Class},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Instant,
};

use super::{
    encode,
    flight::{Flights, PartAnswer, Settled},
    receipts,
    recorder::{self, Item},
};
use crate::{Shared, metrics::METRICS};

/// How often an idle pump looks for chunks by itself; a nudge makes it look at once.
const IDLE: Duration = Duration::from_millis(250);
/// The longest pause after the carrier asked us to slow down.
const SLOWEST: Duration = Duration::from_secs(5);

/// A claimed chunk.
struct OpenChunk {
    id: ChunkId,
    /// Read, not yet marked.
    waiting: VecDeque<Outgoing>,
    /// Marked, not yet recorded.
    open: usize,
    /// Whether a commit may have happened that we were not told of: its lease is let run out, so that the sweep finds
    /// what it marked. It is never given back as clean.
    lost: bool,
}

struct Pump {
    shared: Shared,
    carrier: Carrier,
    settings: SmppSettings,
    owner: String,
    codec: ReceiptIdCodec,
    chunks: Vec<OpenChunk>,
    flights: Flights,
    /// Parts to submit, in order: of marked messages, of throttled ones, of those a lost connection never took.
    ready: VecDeque<u64>,
    /// The chunks whose lease is to be renewed.
    leased: Arc<Mutex<HashSet<ChunkId>>>,
    items: UnboundedSender<Item>,
    recorded: UnboundedReceiver<Vec<ChunkId>>,
    reference: u16,
    not_before: Instant,
    slow: Duration,
}

/// Keeps a bind connected and fed until a shutdown; then drains it.
pub async fn pump(shared: Shared, carrier: Carrier, settings: SmppSettings, owner: String) {
    let (items, to_record) = unbounded_channel();
    let (done, recorded) = unbounded_channel();
    let recorder = tokio::spawn(recorder::run(shared.clone(), carrier.clone(), to_record, done));
    let leased = Arc::new(Mutex::new(HashSet::new()));
    let heart = tokio::spawn(heartbeat(shared.clone(), owner.clone(), leased.clone()));
    let codec = receipts::codec(settings.receipt_ids);
    let mut pump = Pump {
        shared,
        carrier,
        settings,
        owner,
        codec,
        chunks: Vec::new(),
        flights: Flights::default(),
        ready: VecDeque::new(),
        leased,
        items,
        recorded,
        reference: 0,
        not_before: Instant::now(),
        slow: Duration::ZERO,
    };
    pump.connected_for_ever().await;
    // What no connection took goes back; the rest is doubtful. Then the recorder is let run dry.
    let ready: HashSet<u64> = pump.ready.drain(..).collect();
    for settled in pump.flights.abandon(|token| !ready.contains(&token)) {
        pump.settle(Some(settled));
    }
    let Pump { shared, owner, mut chunks, items, mut recorded, .. } = pump;
    drop(items);
    let _ = recorder.await;
    while let Ok(done) = recorded.try_recv() {
        count_down(&mut chunks, &done);
    }
    heart.abort();
    // A chunk with messages that were not recorded keeps its lease, and ends in doubt when that ends.
    let clean: Vec<ChunkId> = chunks.iter().filter(|c| c.open == 0 && !c.lost).map(|c| c.id).collect();
    if let Err(e) = window::finish(&shared.db, &owner, &clean).await {
        tracing::warn!(error = %e, "chunks were not given back; their leases end by themselves");
    }
}

/// Renews the leases of open chunks, apart from the pump, so that a slow statement never costs one.
async fn heartbeat(shared: Shared, owner: String, leased: Arc<Mutex<HashSet<ChunkId>>>) {
    loop {
        tokio::time::sleep(shared.config.lease / 3).await;
        let ids: Vec<ChunkId> = leased.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        if ids.is_empty() {
            continue;
        }
        let until = shared.scope.clock.now().plus(shared.config.lease);
        if let Err(e) = window::renew(&shared.db, &owner, &ids, until).await {
            tracing::warn!(error = %e, "leases of chunks were not renewed");
        }
    }
}

fn count_down(chunks: &mut [OpenChunk], done: &[ChunkId]) {
    for id in done {
        if let Some(chunk) = chunks.iter_mut().find(|c| c.id == *id) {
            chunk.open = chunk.open.saturating_sub(1);
        }
    }
}

impl Pump {
    /// Connects, serves, and connects again with a growing, jittered pause.
    async fn connected_for_ever(&mut self) {
        let mut wait = Duration::from_millis(100);
        while !self.shared.stopping() {
            let config = self.bind_config();
            match client::connect(&config).await {
                Ok((client, events)) => {
                    tracing::info!(carrier = self.carrier.name, bind = self.owner, "bound");
                    wait = Duration::from_millis(100);
                    METRICS.binds.inc();
                    self.serve(client, events).await;
                    METRICS.binds.dec();
                }
                Err(e) => {
                    tracing::warn!(carrier = self.carrier.name, error = %e, retry_ms = wait.as_millis(), "the carrier cannot be bound");
                    wait = (wait * 2).min(Duration::from_secs(30));
                }
            }
            self.give_back_waiting().await;
            if !self.shared.stopping() {
                self.shared.pause(wait / 2 + jitter(wait / 2)).await;
            }
        }
    }

    fn bind_config(&self) -> BindConfig {
        let s = &self.settings;
        BindConfig {
            addr: s.address.clone(),
            system_id: s.system_id.clone(),
            password: s.password.clone(),
            system_type: s.system_type.clone(),
            mode: BindMode::Transceiver,
            enquire_link_interval: Duration::from_secs(s.enquire_link_seconds),
            response_timeout: Duration::from_secs(s.response_seconds),
            window: s.window,
            ..BindConfig::default()
        }
    }

    /// Serves one connection until it closes.
    async fn serve(&mut self, client: Client, mut events: EventReceiver) {
        let mut batch = Vec::new();
        let mut unbinding: Option<Instant> = None;
        loop {
            if self.shared.stopping()
                && unbinding.is_none()
                && (self.flights.is_empty() || self.ready.len() == self.flights_waiting())
            {
                unbinding = Some(Instant::now());
                tokio::spawn(client.clone().unbind());
            }
            if unbinding.is_none() {
                self.hand_over(&client);
                if !self.shared.stopping() && self.refill(&client).await {
                    self.hand_over(&client);
                }
            }
            let nudge = self.shared.wake.clone();
            let throttled = self.not_before > Instant::now() && !self.ready.is_empty();
            let idle = if throttled { self.not_before - Instant::now() } else { IDLE };
            tokio::select! {
                biased;
                n = events.recv_many(&mut batch, 2000) => {
                    if n == 0 {
                        return;
                    }
                    let mut closed = false;
                    for event in batch.drain(..) {
                        closed |= self.take(event, &client);
                    }
                    if closed {
                        return;
                    }
                }
                Some(done) = self.recorded.recv() => {
                    count_down(&mut self.chunks, &done);
                    self.finish_drained().await;
                }
                () = nudge.nudged(Queue::MessagesDeliver) => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    /// Parts that wait for a place, when nothing else is under way.
    fn flights_waiting(&self) -> usize {
        if self.flights.is_empty() { 0 } else { usize::MAX }
    }

    /// Submits ready parts as far as the window has room.
    fn hand_over(&mut self, client: &Client) {
        if self.not_before > Instant::now() {
            return;
        }
        while client.free() > 0 {
            let Some(token) = self.ready.pop_front() else { break };
            let Some(submit) = self.flights.submit(token) else { continue };
            if client.submit(token, submit).is_err() {
                self.ready.push_front(token); // closed: the next connection takes it
                break;
            }
            METRICS.submitted.inc();
        }
    }

    /// Claims and marks as much as the window has room for; true when something was marked.
    async fn refill(&mut self, client: &Client) -> bool {
        if !self.ready.is_empty() || self.not_before > Instant::now() {
            return false;
        }
        let room = client.free();
        if room == 0 {
            return false;
        }
        if self.chunks.iter().map(|c| c.waiting.len()).sum::<usize>() < room {
            self.claim().await;
        }
        let mut marked = false;
        let mut room = room;
        let order: Vec<ChunkId> = self.chunks.iter().filter(|c| !c.waiting.is_empty()).map(|c| c.id).collect();
        for id in order {
            let Some(chunk) = self.chunks.iter_mut().find(|c| c.id == id) else { continue };
            let mut slice: Vec<Outgoing> = Vec::new();
            while let Some(next) = chunk.waiting.front() {
                let parts = usize::try_from(next.parts).unwrap_or(1).max(1);
                // A message longer than the whole window may begin when the window is empty.
                if parts > room && !(slice.is_empty() && room == client.window()) {
                    break;
                }
                room = room.saturating_sub(parts);
                slice.extend(chunk.waiting.pop_front());
                if room == 0 {
                    break;
                }
            }
            if slice.is_empty() {
                break;
            }
            marked |= self.mark(id, slice).await;
            if room == 0 {
                break;
            }
        }
        self.finish_drained().await;
        marked
    }

    async fn claim(&mut self) {
        let until = self.shared.scope.clock.now().plus(self.shared.config.lease);
        let claimed =
            match window::claim(&self.shared.db, &self.shared.scope, self.carrier.id, &self.owner, until, 2).await {
                Ok(claimed) => claimed,
                Err(e) => {
                    tracing::warn!(carrier = self.carrier.name, error = %e, "chunks cannot be claimed");
                    return;
                }
            };
        for chunk in claimed {
            self.leased.lock().unwrap_or_else(PoisonError::into_inner).insert(chunk.id);
            // A chunk whose messages cannot be read is given back by `finish_drained`, and claimed again.
            let waiting = window::waiting(&self.shared.db, &self.shared.scope, chunk.id).await.unwrap_or_default();
            match self.chunks.iter_mut().find(|c| c.id == chunk.id) {
                // Lost before, and its lease has run out: the sweep has seen to what was marked then.
                Some(known) => (known.waiting, known.lost) = (waiting.into(), false),
                None => self.chunks.push(OpenChunk { id: chunk.id, waiting: waiting.into(), open: 0, lost: false }),
            }
        }
    }

    async fn mark(&mut self, chunk: ChunkId, slice: Vec<Outgoing>) -> bool {
        let ids: Vec<MessageId> = slice.iter().map(|m| m.id).collect();
        let marked = match window::mark(&self.shared.db, &self.shared.scope, chunk, &self.owner, &ids).await {
            Ok(Some(marked)) => marked.into_iter().collect::<HashSet<_>>(),
            Ok(None) => {
                // Paused, cancelled or another's: what is not marked is no longer ours to send.
                if let Some(chunk) = self.chunks.iter_mut().find(|c| c.id == chunk) {
                    chunk.waiting.clear();
                }
                return false;
            }
            Err(e) => {
                // The commit may have happened: what it marked is found by the sweep once the lease ends, never sent here.
                tracing::warn!(carrier = self.carrier.name, error = %e, "a window cannot be marked");
                if let Some(chunk) = self.chunks.iter_mut().find(|c| c.id == chunk) {
                    chunk.waiting.clear();
                    chunk.lost = true;
                }
                self.leased.lock().unwrap_or_else(PoisonError::into_inner).remove(&chunk);
                return false;
            }
        };
        if let Some(chunk) = self.chunks.iter_mut().find(|c| c.id == chunk) {
            chunk.open += marked.len();
        }
        for message in slice.into_iter().filter(|m| marked.contains(&m.id)) {
            self.reference = self.reference.wrapping_add(1);
            match encode::submits(&self.settings, &message, self.reference) {
                Ok(submits) => self.ready.extend(self.flights.add(chunk, message, submits)),
                Err(why) => {
                    let answer = domain::messages::Answer::Refused { error: why };
                    let settled = domain::messages::Submitted { message: message.id, answer, parts: Vec::new() };
                    self.settle(Some((settled, chunk)));
                }
            }
        }
        true
    }

    /// Takes one event of the connection; true when it has closed.
    fn take(&mut self, event: Event, client: &Client) -> bool {
        match event {
            Event::Submitted { token, outcome } => self.answered(token, outcome),
            Event::TimedOut { token } => {
                let settled = self.flights.answer(token, PartAnswer::Doubtful("no_answer"));
                self.settle(settled);
            }
            Event::Late { token, outcome } => {
                let settled = self.flights.late(token, self.read_outcome(outcome));
                self.settle(settled);
            }
            Event::Deliver(deliver) => {
                let receipt = if deliver.is_receipt { receipts::read(&deliver, self.codec) } else { None };
                match receipt {
                    Some(receipt) => {
                        let _ = self.items.send(Item::Receipt(receipt, client.clone(), deliver.sequence));
                    }
                    None if deliver.is_receipt => {
                        tracing::warn!(
                            carrier = self.carrier.name,
                            "a receipt names no message or no state; acknowledged and dropped"
                        );
                        client.ack(deliver.sequence, status::ESME_ROK);
                    }
                    // Messages from subscribers are not taken yet: the carrier keeps them.
                    None => client.ack(deliver.sequence, status::ESME_RX_T_APPN),
                }
            }
            Event::Closed { reason, in_flight, not_written } => {
                tracing::warn!(
                    carrier = self.carrier.name,
                    reason,
                    in_flight = in_flight.len(),
                    not_written = not_written.len(),
                    "the connection to the carrier is closed"
                );
                for token in in_flight {
                    let settled = self.flights.answer(token, PartAnswer::Doubtful("connection_lost"));
                    self.settle(settled);
                }
                for token in not_written.into_iter().rev() {
                    self.ready.push_front(token);
                }
                return true;
            }
        }
        false
    }

    fn answered(&mut self, token: u64, outcome: SubmitOutcome) {
        if let SubmitOutcome::Refused { status } = &outcome
            && status::classify(*status) == Class::Throttling
        {
            // No attempt is used up: the carrier did not take it. The bind slows down and tries again.
            self.slow = (self.slow * 2).clamp(Duration::from_millis(100), SLOWEST);
            self.not_before = Instant::now() + self.slow;
            self.ready.push_back(token);
            return;
        }
        self.slow = Duration::ZERO;
        let answer = self.read_outcome(outcome);
        match &answer {
            PartAnswer::Accepted(_) => METRICS.accepted.inc(),
            _ => METRICS.refused.inc(),
        }
        let settled = self.flights.answer(token, answer);
        self.settle(settled);
    }

    fn read_outcome(&self, outcome: SubmitOutcome) -> PartAnswer {
        match outcome {
            SubmitOutcome::Accepted { message_id } => PartAnswer::Accepted(Reference {
                canonical: self.codec.answer(&message_id).to_string(),
                raw: message_id,
            }),
            SubmitOutcome::Refused { status } => PartAnswer::Refused(status::name(status)),
        }
    }

    fn settle(&mut self, settled: Option<Settled>) {
        if let Some((submitted, chunk)) = settled {
            let _ = self.items.send(Item::Answer(submitted, chunk));
        }
    }

    /// Gives back chunks with nothing left to mark and nothing under way.
    async fn finish_drained(&mut self) {
        self.chunks.retain(|c| !(c.lost && c.open == 0));
        let drained: Vec<ChunkId> =
            self.chunks.iter().filter(|c| c.waiting.is_empty() && c.open == 0).map(|c| c.id).collect();
        self.give_back(&drained).await;
    }

    /// Without a connection, chunks with nothing under way go to other binds.
    async fn give_back_waiting(&mut self) {
        while let Ok(done) = self.recorded.try_recv() {
            count_down(&mut self.chunks, &done);
        }
        self.chunks.retain(|c| !(c.lost && c.open == 0));
        let idle: Vec<ChunkId> = self.chunks.iter().filter(|c| c.open == 0).map(|c| c.id).collect();
        self.give_back(&idle).await;
    }

    async fn give_back(&mut self, ids: &[ChunkId]) {
        if ids.is_empty() {
            return;
        }
        match window::finish(&self.shared.db, &self.owner, ids).await {
            Ok(()) => {
                let mut leased = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
                for id in ids {
                    leased.remove(id);
                }
                drop(leased);
                self.chunks.retain(|c| !ids.contains(&c.id));
            }
            Err(e) => tracing::warn!(error = %e, "chunks were not given back; trying again"),
        }
    }
}

/// A part of `most`, at random, so that many binds do not come back at once.
fn jitter(most: Duration) -> Duration {
    let mut byte = [0u8];
    domain::ids::fill_random(&mut byte);
    most * u32::from(byte[0]) / 255
}
