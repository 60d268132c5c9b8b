//! The way out of a pump: claim chunks, mark as many messages as may be under way, give chunks back.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
    time::Duration,
};

use domain::{
    ids::{ChunkId, MessageId},
    messages::window::{self, Outgoing},
};
use tokio::time::Instant;

use super::pump::{Flight, Pump};
use crate::carriers::smpp::chunks::{Claim, Slice};

/// How long after a look that found nothing the next one may be; a nudge makes it at once.
const LOOK: Duration = Duration::from_millis(250);
/// How long after a claim the next one may be.
const APART: Duration = Duration::from_millis(8);

impl Pump {
    /// Claims and marks as much as there is room for.
    pub(super) async fn refill(&mut self) {
        let window = self.settings.concurrency.min(self.pace.room());
        // What is marked and not recorded would be in doubt if we died now.
        let free = window.saturating_sub(self.chunks.open());
        if free == 0 || self.not_before > Instant::now() || !self.ready.is_empty() {
            return;
        }
        if self.look_at <= Instant::now() {
            let waiting = self.chunks.waiting();
            if waiting < free {
                self.claim((window * 2).saturating_sub(waiting), None).await;
            } else if let Some(priority) = self.chunks.overtaken_below(free) {
                self.claim(free, Some(priority)).await;
            }
        }
        let slices = self.chunks.slices(free, window);
        if !slices.is_empty() {
            self.mark(slices).await;
        }
        self.finish_drained().await;
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
        if claimed.is_empty() {
            return;
        }
        let ids: Vec<ChunkId> = claimed.iter().map(|chunk| chunk.id).collect();
        self.leased.lock().unwrap_or_else(PoisonError::into_inner).extend(&ids);
        // Chunks whose messages cannot be read are given back by `finish_drained`, and claimed again.
        let waiting = self.whole(&ids).await.unwrap_or_else(|e| {
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

    /// The waiting messages of chunks, each one part: the provider splits a text itself.
    async fn whole(&self, chunks: &[ChunkId]) -> domain::Result<Vec<Outgoing>> {
        let (db, scope) = (&self.shared.db, &self.shared.scope);
        let mut waiting = window::waiting(db, scope, chunks).await?;
        let long: Vec<MessageId> = waiting.iter().filter(|m| m.parts > 1).map(|m| m.id).collect();
        if !long.is_empty() {
            window::make_whole(db, scope, &long).await?;
        }
        waiting.iter_mut().for_each(|m| m.parts = 1);
        Ok(waiting)
    }

    /// Marks messages and makes them ready.
    async fn mark(&mut self, slices: Vec<Slice>) {
        let chunks: Vec<ChunkId> = slices.iter().map(|s| s.chunk).collect();
        let ids: Vec<MessageId> = slices.iter().flat_map(|s| &s.messages).map(|m| m.id).collect();
        let marked = match window::mark(&self.shared.db, &self.shared.scope, &self.owner, &chunks, &ids).await {
            Ok(marked) => marked,
            Err(e) => {
                // The commit may have happened: what it marked is found by the sweep once the lease ends, never sent here.
                tracing::warn!(carrier = self.carrier.name, error = %e, "messages cannot be marked");
                for slice in slices {
                    self.lose(slice.claim);
                }
                return;
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
            self.ready.extend(mine.into_iter().map(|message| Flight { claim, message, refusals: 0 }));
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
        let ids = if self.not_before > Instant::now() { self.chunks.idle() } else { self.chunks.drained() };
        if ids.is_empty() {
            return;
        }
        match window::finish(&self.shared.db, &self.owner, &ids).await {
            Ok(()) => {
                let mut leased = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
                for id in &ids {
                    leased.remove(id);
                }
                drop(leased);
                self.chunks.remove(&ids);
            }
            Err(e) => tracing::warn!(error = %e, "chunks were not given back; trying again"),
        }
    }
}
