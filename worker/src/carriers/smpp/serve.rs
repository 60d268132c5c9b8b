//! One connection: feed it and take what it tells until it closes. After a shutdown has begun nothing new is marked;
//! what is under way has the drain time, then what the carrier has nothing of goes back to the queue.

use std::{pin::pin, time::Duration};

use domain::jobs::Queue;
use smpp::client::{Client, EventReceiver};
use tokio::time::Instant;

use super::pump::{FAREWELL, Pump};

/// How often an idle pump looks for chunks by itself; a nudge makes it look at once.
const IDLE: Duration = Duration::from_millis(250);

impl Pump {
    /// Serves one connection until it closes, or, after a shutdown has begun, until nothing is under way or its time
    /// is over. What the connection was given and has not answered is doubtful then.
    pub(super) async fn serve(&mut self, client: Client, mut events: EventReceiver) {
        let mut batch = Vec::new();
        self.answered_at = Instant::now();
        let (mut drain_until, mut part_until): (Option<Instant>, Option<Instant>) = (None, None);
        let wake = self.shared.wake.clone();
        // Kept from turn to turn, so that a nudge during a statement is not missed.
        let mut nudge = pin!(wake.nudged(Queue::MessagesDeliver));
        loop {
            if self.shared.stopping() && part_until.is_none() {
                let until = *drain_until.get_or_insert_with(|| Instant::now() + self.shared.config.drain);
                if Instant::now() >= until {
                    self.release();
                }
                if self.flights.is_empty() || Instant::now() >= until {
                    part_until = Some(Instant::now() + FAREWELL);
                    tokio::spawn(client.clone().unbind());
                }
            }
            // Without a recorder nothing may leave: its answer would be lost.
            if self.claims.ended() || part_until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            if part_until.is_none() && self.submits() {
                self.hand_over(&client);
                if self.health.stands_back() {
                    self.release();
                    self.claims.give_back_idle().await;
                } else if !self.shared.stopping() {
                    self.refill(&client).await;
                }
            }
            let throttled = self.not_before.saturating_duration_since(Instant::now());
            self.health.turn(client.window().saturating_sub(client.free()), throttled);
            self.slowed.tell(self.pace.reduced());
            let next_turn = self.next_turn();
            tokio::select! {
                biased;
                n = events.recv_many(&mut batch, 2000) => {
                    if n == 0 {
                        tracing::error!(carrier = self.carrier.name, "a connection ended without a word");
                        break;
                    }
                    let mut closed = false;
                    for event in batch.drain(..) {
                        closed |= self.take(event, &client);
                    }
                    if closed {
                        break;
                    }
                    if self.flights.is_empty() {
                        self.claims.all_settled(client.window());
                    }
                }
                done = self.claims.next_recorded() => {
                    let Some(done) = done else { break };
                    self.claims.recorded(done);
                    self.claims.give_back_drained().await;
                }
                () = &mut nudge => {
                    nudge.set(wake.nudged(Queue::MessagesDeliver));
                    self.claims.nudged();
                }
                () = tokio::time::sleep_until(next_turn) => {}
            }
        }
        let settled = self.flights.lose();
        self.settle(settled);
    }

    /// When there may be something to do without an event.
    fn next_turn(&self) -> Instant {
        let now = Instant::now();
        let paused = (!self.ready.is_empty()).then(|| self.not_before.max(self.pace.next())).filter(|at| *at > now);
        let later = self.later.first().map(|(at, _)| (*at).max(self.not_before));
        paused.into_iter().chain(later).chain(self.claims.next_look()).fold(now + IDLE, Instant::min)
    }
}
