//! The way out of a pump: claim chunks, mark a window of their messages, submit it, give chunks back.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
    time::Duration,
};

use domain::{
    ids::{ChunkId, MessageId},
    messages::{
        Answer, Submitted,
        window::{self, Outgoing},
    },
    traces::TARGET,
};
use smpp::client::Client;
use tokio::time::Instant;
use tracing::{Instrument, field::Empty, info_span};

use super::{
    chunks::{Claim, Slice},
    encode,
    pump::Pump,
};
use crate::metrics::METRICS;

/// How long after a look that found nothing the next one may be; a nudge makes it at once.
const LOOK: Duration = Duration::from_millis(50);

/// How long after a claim the next one may be: single sends that come in a stream are taken many at a time.
const APART: Duration = Duration::from_millis(8);

impl Pump {
    /// Submits ready parts as far as the window has room; their number.
    pub(super) fn hand_over(&mut self, client: &Client) -> u64 {
        let (now, mut parts) = (Instant::now(), 0);
        if self.not_before > now {
            return parts;
        }
        while let Some((_, token)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.pop_first();
            self.ready.push_back(token);
        }
        while client.free() > 0 && self.open_places(client) > 0 && self.pace.allows(now) {
            let Some(token) = self.ready.pop_front() else { break };
            let at = self.shared.scope.clock.now();
            if let Some(over) = self.flights.over(token, at) {
                self.settle([over]);
                continue;
            }
            let Some(submit) = self.flights.submit(token, at) else { continue }; // settled meanwhile
            if client.submit(token, submit).is_err() {
                self.ready.push_front(token); // closed: the next connection takes it
                break;
            }
            self.flights.handed_over(token);
            self.pace.sent();
            METRICS.submitted.with_label_values(&[&self.carrier.name]).inc();
            parts += 1;
        }
        parts
    }

    /// How many parts more may be unanswered.
    fn open_places(&self, client: &Client) -> usize {
        let unanswered = client.window().saturating_sub(client.free());
        self.pace.window().saturating_sub(unanswered)
    }

    /// Claims and marks as much as the window has room for, and submits it.
    pub(super) async fn refill(&mut self, client: &Client) {
        let window = client.window().min(self.pace.window()).min(self.pace.room());
        // What is marked and not recorded would be in doubt if we died now: never more than a window of it.
        let free = self.open_places(client).min(window.saturating_sub(self.chunks.open()));
        let held_up = self.not_before > Instant::now() || self.later.len() >= window;
        if free == 0 || held_up || !self.ready.is_empty() {
            return;
        }
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
        if !slices.is_empty() {
            let span = info_span!(
                target: TARGET,
                parent: None,
                "carriers.window",
                otel.kind = "producer",
                carillon.carrier = self.carrier.name,
                carillon.messages = Empty,
                carillon.parts = Empty,
            );
            self.submit(slices, client).instrument(span).await;
        }
        self.finish_drained().await;
    }

    /// Marks messages and submits them.
    async fn submit(&mut self, slices: Vec<Slice>, client: &Client) {
        let marked = self.mark(slices).await;
        let parts = self.hand_over(client);
        tracing::Span::current().record("carillon.messages", marked).record("carillon.parts", parts);
    }

    async fn claim(&mut self, room: usize, more_urgent_than: Option<i64>) {
        let until = self.shared.scope.clock.now().plus(self.shared.config.lease);
        let (db, scope, room) = (&self.shared.db, &self.shared.scope, i64::try_from(room).unwrap_or(i64::MAX));
        let claimed = window::claim(db, scope, self.carrier.id, &self.owner, until, room, more_urgent_than).await;
        let claimed = claimed.unwrap_or_else(|e| {
            tracing::warn!(carrier = self.carrier.name, error = %e, "chunks cannot be claimed");
            Vec::new()
        });
        self.look_at = Instant::now() + if claimed.is_empty() { LOOK } else { APART };
        self.look_next = Instant::now() + APART;
        if claimed.is_empty() {
            return;
        }
        let ids: Vec<ChunkId> = claimed.iter().map(|chunk| chunk.id).collect();
        self.leased.lock().unwrap_or_else(PoisonError::into_inner).extend(&ids);
        // Chunks whose messages cannot be read are given back by `finish_drained`, and claimed again.
        let waiting = window::waiting(&self.shared.db, &self.shared.scope, &ids).await.unwrap_or_default();
        let mut of: HashMap<ChunkId, Vec<Outgoing>> = HashMap::new();
        for message in waiting {
            of.entry(message.chunk_id).or_default().push(message);
        }
        for chunk in claimed {
            self.chunks.add(&chunk, of.remove(&chunk.id).unwrap_or_default());
        }
    }

    /// Marks messages and makes their parts ready; the number of messages.
    async fn mark(&mut self, slices: Vec<Slice>) -> usize {
        let chunks: Vec<ChunkId> = slices.iter().map(|s| s.chunk).collect();
        let ids: Vec<MessageId> = slices.iter().flat_map(|s| &s.messages).map(|m| m.id).collect();
        let marked = match window::mark(&self.shared.db, &self.shared.scope, &self.owner, &chunks, &ids).await {
            Ok(marked) => marked,
            Err(e) => {
                // The commit may have happened: what it marked is found by the sweep once the lease ends, never sent here.
                tracing::warn!(carrier = self.carrier.name, error = %e, "a window cannot be marked");
                for slice in slices {
                    self.lose(slice.claim);
                }
                return 0;
            }
        };
        let messages: HashSet<MessageId> = marked.messages.into_iter().collect();
        for Slice { claim, chunk, messages: wanted } in slices {
            if !marked.chunks.contains(&chunk) {
                self.chunks.stop(claim); // paused, cancelled or another's
                continue;
            }
            let mine: Vec<Outgoing> = wanted.into_iter().filter(|m| messages.contains(&m.id)).collect();
            self.chunks.marked(claim, mine.len());
            for message in mine {
                self.take_up(claim, message);
            }
        }
        messages.len()
    }

    /// Makes the PDUs of a marked message ready.
    fn take_up(&mut self, claim: Claim, message: Outgoing) {
        self.reference = self.reference.wrapping_add(1);
        let id = message.id;
        let tokens = encode::submits(&self.settings, &message, self.reference).and_then(|submits| {
            self.flights.add(claim, message, submits).ok_or_else(|| "no part, or too many".to_owned())
        });
        match tokens {
            Ok(tokens) => self.ready.extend(tokens),
            Err(error) => {
                let answer = Answer::Refused { error };
                self.settle([(Submitted { message: id, answer, parts: Vec::new() }, Some(claim))]);
            }
        }
    }

    /// Lets the lease of a claim run out.
    pub(super) fn lose(&mut self, claim: Claim) {
        if let Some(chunk) = self.chunks.lose(claim) {
            self.leased.lock().unwrap_or_else(PoisonError::into_inner).remove(&chunk);
        }
    }

    /// Gives back chunks with nothing left to mark and nothing under way.
    pub(super) async fn finish_drained(&mut self) {
        let drained = self.chunks.drained();
        self.give_back(&drained).await;
    }

    /// Without a connection, chunks with nothing under way go to other binds.
    pub(super) async fn give_back_idle(&mut self) {
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
}
