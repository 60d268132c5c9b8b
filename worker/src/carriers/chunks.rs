//! The chunks that a pump has claimed, the most urgent first.
//!
//! Each claim has a number of its own, since the same chunk may be claimed again while answers of an earlier claim are
//! still on their way. Invariants: an answer counts down the claim it was marked under and no other; a lost claim is
//! never given back as clean, its lease runs out and the sweep finds what it marked.

use std::collections::VecDeque;

use domain::{
    ids::ChunkId,
    messages::window::{Chunk, Outgoing},
};

/// The number of a claim; unique in its pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Claim(u64);

/// A claimed chunk.
#[derive(Debug)]
struct OpenChunk {
    id: ChunkId,
    claim: Claim,
    priority: i64,
    /// Read, not yet marked.
    waiting: VecDeque<Outgoing>,
    /// Marked, not yet recorded.
    open: usize,
    /// Something may be marked that will never be recorded here.
    lost: bool,
}

/// Messages of one claim that are to be marked together.
#[derive(Debug)]
pub struct Slice {
    pub claim: Claim,
    pub chunk: ChunkId,
    pub messages: Vec<Outgoing>,
}

/// All of a pump's claims.
#[derive(Debug, Default)]
pub struct Chunks {
    last: Claim,
    all: Vec<OpenChunk>,
}

fn parts(message: &Outgoing) -> usize {
    usize::try_from(message.parts).unwrap_or(1).max(1)
}

impl Chunks {
    /// Takes up a claimed chunk. An earlier claim of it has lost its lease: the sweep has seen to what it marked.
    pub fn add(&mut self, chunk: &Chunk, waiting: Vec<Outgoing>) -> Claim {
        self.last = Claim(self.last.0 + 1);
        self.all.retain(|c| c.id != chunk.id);
        let (id, priority, claim) = (chunk.id, chunk.priority, self.last);
        self.all.push(OpenChunk { id, claim, priority, waiting: waiting.into(), open: 0, lost: false });
        self.all.sort_by_key(|c| (c.priority, c.claim));
        claim
    }

    /// Messages read and not yet marked.
    pub fn waiting(&self) -> usize {
        self.all.iter().map(|c| c.waiting.len()).sum()
    }

    /// Messages marked and not yet recorded.
    pub fn open(&self) -> usize {
        self.all.iter().map(|c| c.open).sum()
    }

    /// The priority that chunks elsewhere must undercut to overtake what waits here and would go next into `room`: the least
    /// urgent of it. `None` when nothing waits, or nothing can be more urgent.
    pub fn overtaken_below(&self, room: usize) -> Option<i64> {
        let (mut ahead, mut lane) = (0, None);
        for chunk in self.all.iter().filter(|c| !c.waiting.is_empty()) {
            lane = Some(chunk.priority);
            ahead += chunk.waiting.len();
            if ahead >= room {
                break;
            }
        }
        lane.filter(|lane| *lane > 0)
    }

    /// Takes what is to be marked now into a window of which `free` places are. Marking costs a transaction, so while
    /// answers trickle in, it waits for a quarter of the window, unless all that is most urgent fits as it is.
    pub fn slices(&mut self, free: usize, window: usize) -> Vec<Slice> {
        let Some(leading) = self.all.iter().find(|c| !c.waiting.is_empty()).map(|c| c.priority) else {
            return Vec::new();
        };
        let enough = free >= (window / 4).max(1);
        if !enough {
            let ahead = self.all.iter().filter(|c| c.priority == leading).flat_map(|c| &c.waiting).map(parts);
            if ahead.sum::<usize>() > free {
                return Vec::new();
            }
        }
        let (mut slices, mut room) = (Vec::new(), free);
        for chunk in self.all.iter_mut().filter(|c| enough || c.priority == leading) {
            let mut messages = Vec::new();
            while let Some(next) = chunk.waiting.front().map(parts) {
                // A message longer than the whole window may begin when the window is empty.
                let alone = room == window && messages.is_empty();
                if next > room && !alone {
                    break;
                }
                room = room.saturating_sub(next);
                messages.extend(chunk.waiting.pop_front());
            }
            if !messages.is_empty() {
                slices.push(Slice { claim: chunk.claim, chunk: chunk.id, messages });
            }
            if room == 0 || !chunk.waiting.is_empty() {
                break;
            }
        }
        slices
    }

    /// Notes how many messages of a claim were marked.
    pub fn marked(&mut self, claim: Claim, count: usize) {
        if let Some(chunk) = self.find(claim) {
            chunk.open += count;
        }
    }

    /// What is not marked is no longer ours to send.
    pub fn stop(&mut self, claim: Claim) {
        if let Some(chunk) = self.find(claim) {
            chunk.waiting.clear();
        }
    }

    /// Something of this claim will not be recorded; gives the chunk whose lease must not be renewed any more.
    pub fn lose(&mut self, claim: Claim) -> Option<ChunkId> {
        let chunk = self.find(claim)?;
        chunk.waiting.clear();
        chunk.lost = true;
        Some(chunk.id)
    }

    /// One recorded message for each.
    pub fn count_down(&mut self, claims: &[Claim]) {
        for claim in claims {
            if let Some(chunk) = self.find(*claim) {
                chunk.open = chunk.open.saturating_sub(1);
            }
        }
    }

    /// Chunks to be given back: nothing left to mark, nothing under way.
    pub fn drained(&mut self) -> Vec<ChunkId> {
        self.clean(|c| c.waiting.is_empty())
    }

    /// Chunks that may be given back: nothing under way.
    pub fn idle(&mut self) -> Vec<ChunkId> {
        self.clean(|_| true)
    }

    fn clean(&mut self, wanted: impl Fn(&OpenChunk) -> bool) -> Vec<ChunkId> {
        self.all.retain(|c| !(c.lost && c.open == 0));
        self.all.iter().filter(|c| c.open == 0 && wanted(c)).map(|c| c.id).collect()
    }

    /// Forgets chunks that were given back.
    pub fn remove(&mut self, ids: &[ChunkId]) {
        self.all.retain(|c| !ids.contains(&c.id));
    }

    fn find(&mut self, claim: Claim) -> Option<&mut OpenChunk> {
        self.all.iter_mut().find(|c| c.claim == claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{clock::Timestamp, ids::MessageId};

    fn chunk(priority: i64) -> Chunk {
        Chunk { id: ChunkId::new(Timestamp(0)), priority, send_at: Timestamp(0), messages: 0 }
    }
    fn messages(count: usize, parts: i64) -> Vec<Outgoing> {
        let message = || Outgoing {
            id: MessageId::new(Timestamp(0)),
            chunk_id: ChunkId::new(Timestamp(0)),
            phone: 1,
            sender: "A".into(),
            split_mode: "udh".into(),
            parts,
            valid_until: None,
            text: String::new(),
        };
        std::iter::repeat_with(message).take(count).collect()
    }
    fn sizes(slices: &[Slice]) -> Vec<(Claim, usize)> {
        slices.iter().map(|s| (s.claim, s.messages.len())).collect()
    }

    #[test]
    fn the_urgent_go_first_and_at_once() {
        let mut chunks = Chunks::default();
        let bulk = chunks.add(&chunk(5), messages(2000, 1));
        assert_eq!(sizes(&chunks.slices(100, 100)), [(bulk, 100)], "an empty window is filled");
        assert!(chunks.slices(24, 100).is_empty(), "less than a quarter is not worth a transaction");
        assert_eq!(chunks.overtaken_below(24), Some(5));
        let urgent = chunks.add(&chunk(1), messages(1, 1));
        assert_eq!(sizes(&chunks.slices(2, 100)), [(urgent, 1)], "one urgent message waits for nobody");
        chunks.add(&chunk(1), messages(30, 1));
        assert_eq!(chunks.overtaken_below(24), Some(1), "enough that is urgent is here: only what is more so");
        assert_eq!(chunks.overtaken_below(40), Some(5));
        assert!(chunks.slices(24, 100).is_empty());
        assert_eq!(sizes(&chunks.slices(40, 100)).iter().map(|(_, n)| *n).collect::<Vec<_>>(), [30, 10]);
    }

    #[test]
    fn the_rest_goes_without_waiting_for_a_quarter() {
        let mut chunks = Chunks::default();
        let claim = chunks.add(&chunk(5), messages(3, 1));
        assert!(chunks.slices(2, 100).is_empty());
        assert_eq!(sizes(&chunks.slices(3, 100)), [(claim, 3)]);
        assert!(chunks.slices(100, 100).is_empty());
    }

    #[test]
    fn a_message_longer_than_the_window_begins_alone() {
        let mut chunks = Chunks::default();
        let claim = chunks.add(&chunk(5), messages(2, 8));
        assert!(chunks.slices(3, 4).is_empty());
        assert_eq!(sizes(&chunks.slices(4, 4)), [(claim, 1)]);
    }

    #[test]
    fn answers_count_down_their_own_claim_only() {
        let mut chunks = Chunks::default();
        let chunk = chunk(1);
        let first = chunks.add(&chunk, messages(2, 1));
        chunks.marked(first, 2);
        assert_eq!(chunks.lose(first), Some(chunk.id));
        let second = chunks.add(&chunk, messages(1, 1));
        chunks.slices(10, 10);
        chunks.marked(second, 1);
        chunks.count_down(&[first, first]);
        assert!(chunks.drained().is_empty(), "the second claim's message is still under way");
        chunks.count_down(&[second]);
        assert_eq!(chunks.drained(), [chunk.id]);
    }

    #[test]
    fn a_lost_claim_is_not_given_back() {
        let mut chunks = Chunks::default();
        let claim = chunks.add(&chunk(1), messages(1, 1));
        chunks.marked(claim, 1);
        chunks.lose(claim);
        chunks.count_down(&[claim]);
        assert!(chunks.idle().is_empty() && chunks.waiting() == 0);
    }
}
