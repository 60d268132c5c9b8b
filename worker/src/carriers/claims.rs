//! What a pump has claimed, from the queue to the record: claim chunks, mark messages, hear what was recorded, give chunks
//! back. Pumps of every kind share it, and differ in how they send.
//!
//! States of a claim: open → drained (nothing to mark, nothing under way) → given back; or lost, and then its lease runs
//! out. Invariants: a message is given out only after it was marked `submitting` and committed; no more than the pump's
//! window is marked and not recorded, so that no more can be in doubt; nothing is given out once the recorder is gone,
//! for its answer would be lost; a lease is renewed for as long as its claim is open, and never that of a lost one.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    carriers::Carrier,
    ids::{ChunkId, MessageId},
    messages::{
        Submitted,
        window::{self, Outgoing},
    },
    traces::TARGET,
};
use tokio::{
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    task::JoinHandle,
    time::Instant,
};
use tracing::{Instrument, field::Empty, info_span};

use super::{
    chunks::{Chunks, Claim, Slice},
    recorder::{self, Done, Item},
};
use crate::Shared;

/// How long after a look that found nothing the next one may be; a nudge makes it at once.
const LOOK: Duration = Duration::from_millis(50);
/// How long after a claim the next one may be: single sends that come in a stream are taken many at a time.
const APART: Duration = Duration::from_millis(8);
/// How much longer for each message of a claim that was smaller than half a window, so that a denser stream is taken in
/// larger pieces.
const APART_EACH: Duration = Duration::from_micros(600);
/// The longest.
const APART_MOST: Duration = Duration::from_millis(60);

/// The claims of one pump, and the tasks that keep them.
pub struct Claims {
    shared: Shared,
    carrier: Carrier,
    owner: String,
    parts: PartsOf,
    chunks: Chunks,
    /// The chunks whose lease is to be renewed.
    leased: Leased,
    /// To the recorder, and what it tells.
    items: UnboundedSender<Item>,
    recorded: UnboundedReceiver<Done>,
    recorder: Companion,
    /// Tells the recorder not to wait for more.
    hurry: Arc<Notify>,
    heart: Companion,
    /// When chunks may be looked for again.
    look_at: Instant,
    /// When they may be looked for at the earliest, nudged or not.
    look_next: Instant,
}

/// How many parts the carrier makes of a message, which may be others than it was written with.
pub type PartsOf = Arc<dyn Fn(&Outgoing) -> i64 + Send + Sync>;

type Leased = Arc<Mutex<HashSet<ChunkId>>>;

/// A task that ends with its owner, also when that panics.
struct Companion(JoinHandle<()>);

impl Drop for Companion {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Claims {
    /// No claim yet; the recorder runs from now on.
    pub fn new(shared: &Shared, carrier: &Carrier, owner: &str, parts: PartsOf) -> Self {
        let (items, to_record) = unbounded_channel();
        let (done, recorded) = unbounded_channel();
        let hurry = Arc::new(Notify::new());
        let recorder = recorder::run(shared.clone(), carrier.clone(), to_record, done, hurry.clone());
        let leased = Leased::default();
        let heart = heartbeat(shared.clone(), owner.to_owned(), leased.clone());
        Self {
            shared: shared.clone(),
            carrier: carrier.clone(),
            owner: owner.to_owned(),
            parts,
            chunks: Chunks::default(),
            leased,
            items,
            recorded,
            recorder: Companion(tokio::spawn(recorder)),
            hurry,
            heart: Companion(tokio::spawn(heart)),
            look_at: Instant::now(),
            look_next: Instant::now(),
        }
    }

    /// Messages marked and not yet recorded.
    pub fn open(&self) -> usize {
        self.chunks.open()
    }

    /// Whether the recorder is gone: nothing may be sent any more.
    pub fn ended(&self) -> bool {
        self.items.is_closed()
    }

    /// Hands something to the recorder. Without one it is dropped, and the claim's lease ends in doubt.
    pub fn record(&self, item: Item) {
        let _ = self.items.send(item);
    }

    /// Hands a settled message to the recorder; with its claim, unless that was told of it before.
    pub fn settle(&self, submitted: Submitted, claim: Option<Claim>) {
        self.record(Item::Answer(submitted, claim));
    }

    /// Claims what there is room for and marks `free` places of the `window` from it; gives what may be sent now. Chunks
    /// with nothing left are given back.
    pub async fn take(&mut self, free: usize, window: usize) -> Vec<(Claim, Outgoing)> {
        if self.look_at <= Instant::now() {
            let waiting = self.chunks.waiting();
            if waiting < free {
                // Twice the window, so that the next one is at hand when this one is under way.
                self.claim((window * 2).saturating_sub(waiting), None).await;
            } else if let Some(priority) = self.chunks.overtaken_below(free) {
                self.claim(free, Some(priority)).await;
            }
        }
        let slices = self.chunks.slices(free, window);
        let marked = if slices.is_empty() { Vec::new() } else { self.mark(slices).await };
        self.give_back_drained().await;
        marked
    }

    async fn claim(&mut self, room: usize, more_urgent_than: Option<i64>) {
        let until = self.shared.scope.clock.now().plus(self.shared.config.lease);
        let (db, scope, room) = (&self.shared.db, &self.shared.scope, i64::try_from(room).unwrap_or(i64::MAX));
        let claimed = window::claim(db, scope, self.carrier.id, &self.owner, until, room, more_urgent_than).await;
        let claimed = claimed.unwrap_or_else(|e| {
            tracing::warn!(carrier = self.carrier.name, error = %e, "chunks cannot be claimed");
            Vec::new()
        });
        let messages = claimed.iter().map(|chunk| chunk.messages).sum::<i64>();
        let few = if messages * 4 < room { u32::try_from(messages).unwrap_or(0) } else { 0 };
        let apart = (APART + APART_EACH * few).min(APART_MOST);
        self.look_at = Instant::now() + if claimed.is_empty() { LOOK } else { apart };
        self.look_next = Instant::now() + apart;
        if claimed.is_empty() {
            return;
        }
        let ids: Vec<ChunkId> = claimed.iter().map(|chunk| chunk.id).collect();
        self.leased.lock().unwrap_or_else(PoisonError::into_inner).extend(&ids);
        // Chunks whose messages cannot be read are given back as drained, and claimed again.
        let waiting = self.read(&ids).await.unwrap_or_else(|e| {
            tracing::warn!(carrier = self.carrier.name, error = %e, "messages cannot be read");
            Vec::new()
        });
        let mut of: HashMap<ChunkId, Vec<Outgoing>> = HashMap::new();
        for message in waiting {
            of.entry(message.chunk_id).or_default().push(message);
        }
        for chunk in claimed {
            self.chunks.add(&chunk, of.remove(&chunk.id).unwrap_or_default());
        }
    }

    /// The waiting messages of chunks, with as many parts as the carrier makes of them.
    async fn read(&self, chunks: &[ChunkId]) -> domain::Result<Vec<Outgoing>> {
        let (db, scope) = (&self.shared.db, &self.shared.scope);
        let mut waiting = window::waiting(db, scope, chunks).await?;
        let mut others = Vec::new();
        for message in &mut waiting {
            let parts = (self.parts)(message);
            if parts != message.parts {
                message.parts = parts;
                others.push((message.id, parts));
            }
        }
        if !others.is_empty() {
            window::part(db, scope, &others).await?;
        }
        Ok(waiting)
    }

    async fn mark(&mut self, slices: Vec<Slice>) -> Vec<(Claim, Outgoing)> {
        let chunks: Vec<ChunkId> = slices.iter().map(|s| s.chunk).collect();
        let ids: Vec<MessageId> = slices.iter().flat_map(|s| &s.messages).map(|m| m.id).collect();
        let span = info_span!(
            target: TARGET,
            parent: None,
            "carriers.window",
            otel.kind = "producer",
            carillon.carrier = self.carrier.name,
            carillon.messages = Empty,
            carillon.parts = Empty,
        );
        let work = window::mark(&self.shared.db, &self.shared.scope, &self.owner, &chunks, &ids);
        let marked = match work.instrument(span.clone()).await {
            Ok(marked) => marked,
            Err(e) => {
                // The commit may have happened: what it marked is found by the sweep once the lease ends, never sent here.
                tracing::warn!(carrier = self.carrier.name, error = %e, "a window cannot be marked");
                slices.iter().for_each(|slice| self.lose(slice.claim));
                return Vec::new();
            }
        };
        let messages: HashSet<MessageId> = marked.messages.into_iter().collect();
        let mut out = Vec::with_capacity(messages.len());
        for Slice { claim, chunk, messages: wanted } in slices {
            if !marked.chunks.contains(&chunk) {
                self.chunks.stop(claim); // paused, cancelled or another's
                continue;
            }
            let before = out.len();
            out.extend(wanted.into_iter().filter(|m| messages.contains(&m.id)).map(|m| (claim, m)));
            self.chunks.marked(claim, out.len() - before);
        }
        span.record("carillon.messages", out.len());
        span.record("carillon.parts", out.iter().map(|(_, m)| m.parts).sum::<i64>());
        out
    }

    /// Everything that was given out is settled: where that fills much of the `window`, the recorder need not wait for more,
    /// since nothing comes before it has recorded. What is little waits, so that a stream of single sends shares transactions.
    pub fn all_settled(&self, window: usize) {
        if self.open() * 2 >= window {
            self.hurry.notify_one();
        }
    }

    /// What the recorder tells next; `None` when it is gone.
    pub async fn next_recorded(&mut self) -> Option<Done> {
        self.recorded.recv().await
    }

    /// Takes what the recorder told.
    pub fn recorded(&mut self, Done { recorded, left }: Done) {
        self.chunks.count_down(&recorded);
        left.iter().for_each(|claim| self.lose(*claim));
        self.chunks.count_down(&left);
    }

    /// Lets the lease of a claim run out.
    fn lose(&mut self, claim: Claim) {
        if let Some(chunk) = self.chunks.lose(claim) {
            self.leased.lock().unwrap_or_else(PoisonError::into_inner).remove(&chunk);
        }
    }

    /// Gives back chunks with nothing left to mark and nothing under way.
    pub async fn give_back_drained(&mut self) {
        let drained = self.chunks.drained();
        self.give_back(&drained).await;
    }

    /// Gives back chunks with nothing under way, while nothing can be sent: they may go another way.
    pub async fn give_back_idle(&mut self) {
        let idle = self.chunks.idle();
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
                self.chunks.remove(ids);
            }
            Err(e) => tracing::warn!(error = %e, "chunks were not given back; trying again"),
        }
    }

    /// There may be something new: the next look is as soon as may be.
    pub fn nudged(&mut self) {
        self.look_at = self.look_next.max(Instant::now());
    }

    /// The next look, where it was put off for a moment only: that is worth a turn of its own.
    pub fn next_look(&self) -> Option<Instant> {
        (self.look_at > Instant::now() && self.look_at <= self.look_next).then_some(self.look_at)
    }

    /// Lets the recorder run dry and gives back what is clean. A chunk with messages that were not recorded keeps its
    /// lease, and ends in doubt when that ends.
    pub async fn end(self) {
        let Self { shared, carrier, owner, mut chunks, items, mut recorded, mut recorder, heart, .. } = self;
        drop(items);
        if let Err(e) = (&mut recorder.0).await {
            tracing::error!(carrier = carrier.name, error = %e, "a recorder ended badly");
        }
        while let Ok(Done { recorded, left }) = recorded.try_recv() {
            chunks.count_down(&recorded);
            for claim in left {
                chunks.lose(claim);
            }
        }
        drop(heart);
        if let Err(e) = window::finish(&shared.db, &owner, &chunks.idle()).await {
            tracing::warn!(carrier = carrier.name, error = %e, "chunks were not given back; their leases end by themselves");
        }
    }
}

/// Renews the leases of open chunks, apart from the pump, so that a slow statement never costs one.
async fn heartbeat(shared: Shared, owner: String, leased: Leased) {
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
