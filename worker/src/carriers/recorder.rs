//! Writing answers, receipts and messages from subscribers, a batch at a time, apart from the pump, so that the window
//! is refilled while the database works. What came from the carrier is acknowledged when its transaction has committed.
//!
//! Invariants: a database that is gone stops everything here, nothing is acknowledged and nothing forgotten; one answer
//! or receipt that the database refuses for its content is cut out of its batch, so that the others go on.

use std::{sync::Arc, time::Duration};

use domain::{
    carriers::Carrier,
    inbound_messages::{self, Delivery},
    jobs::Queue,
    messages::{self, Answer, Patience, Receipt, Submitted},
    traces::TARGET,
};
use smpp::client::Client;
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender},
};
use tracing::{field::Empty, info_span};

use super::{
    chunks::Claim,
    store::{self, Piece},
};
use crate::{Shared, metrics::METRICS, traces::traced};

/// The most of one batch: large enough that a million messages cost a few thousand journal rows, small enough that a
/// transaction takes tens of milliseconds.
const BATCH: usize = 1000;
/// How long a small batch waits for more, unless the pump waits for it.
const LINGER: Duration = Duration::from_millis(40);
/// How long after the drain of a shutdown the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What there is to record.
pub enum Item {
    /// A settled message, and the claim to be told of it.
    Answer(Submitted, Option<Claim>),
    /// A receipt, to be acknowledged on its connection by its sequence number.
    Receipt(Receipt, Client, u32),
    /// A message from a subscriber or a part of one, to be acknowledged likewise.
    Inbound(Delivery, Client, u32),
}

/// What a batch came to, claim by claim.
#[derive(Debug, Default)]
pub struct Done {
    /// One for each recorded message.
    pub recorded: Vec<Claim>,
    /// One for each message that the database will not take: its claim is lost.
    pub left: Vec<Claim>,
}

/// Records until the channel is closed and empty, and tells the pump. Ends early when a shutdown is over and the
/// database is still away: its leases end then, and what was marked is in doubt.
pub async fn run(
    shared: Shared,
    carrier: Carrier,
    items: UnboundedReceiver<Item>,
    done: UnboundedSender<Done>,
    hurry: Arc<Notify>,
) {
    let over = async {
        shared.stopped().await;
        tokio::time::sleep(shared.config.drain + LAST_WORDS).await;
    };
    tokio::select! {
        () = record(&shared, &carrier, items, done, &hurry) => {}
        () = over => tracing::error!(carrier = carrier.name, "answers and receipts were not recorded before the end"),
    }
}

async fn record(
    shared: &Shared,
    carrier: &Carrier,
    mut items: UnboundedReceiver<Item>,
    done: UnboundedSender<Done>,
    hurry: &Notify,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while items.recv_many(&mut batch, BATCH).await > 0 {
        if batch.len() < BATCH / 2 {
            let more = BATCH - batch.len();
            let _ = tokio::time::timeout(LINGER, hurry.notified()).await;
            for _ in 0..more {
                let Ok(item) = items.try_recv() else { break };
                batch.push(item);
            }
        }
        let (mut answers, mut claims, mut receipts, mut acks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut deliveries = Vec::new();
        for item in batch.drain(..) {
            match item {
                Item::Answer(answer, claim) => {
                    if matches!(answer.answer, Answer::Doubt { .. }) {
                        METRICS.lost_answers.with_label_values(&[&carrier.name]).inc();
                    }
                    answers.push(answer);
                    claims.push(claim);
                }
                Item::Receipt(receipt, client, sequence) => {
                    receipts.push(receipt);
                    acks.push((client, sequence));
                }
                Item::Inbound(delivery, client, sequence) => {
                    deliveries.push(delivery);
                    acks.push((client, sequence));
                }
            }
        }
        let left = write(shared, carrier, &answers, &receipts).await;
        receive(shared, carrier, &deliveries).await;
        for (client, sequence) in acks {
            client.ack(sequence, smpp::status::ESME_ROK); // also one that nobody can store: it would come for ever
        }
        let mut told = Done::default();
        for (n, claim) in claims.into_iter().enumerate() {
            if let Some(claim) = claim {
                if left.contains(&n) { told.left.push(claim) } else { told.recorded.push(claim) }
            }
        }
        if done.send(told).is_err() {
            return;
        }
    }
}

/// How long the carrier may take; for receipts not at all where none are asked for.
fn patience(shared: &Shared, carrier: &Carrier) -> Patience {
    let asked = carrier.shown().map_or(true, |settings| settings.asks_for_receipts());
    let known = shared.config.patience;
    if asked { known } else { Patience { receipt: Duration::ZERO, ..known } }
}

/// Writes a batch, however long it takes; gives the places of the answers that were left.
async fn write(shared: &Shared, carrier: &Carrier, answers: &[Submitted], receipts: &[Receipt]) -> Vec<usize> {
    let patience = patience(shared, carrier);
    let attempt = |piece: Piece| {
        let answers = answers.get(piece.answers).unwrap_or_default();
        let receipts = receipts.get(piece.receipts).unwrap_or_default();
        async move {
            let patience = &patience;
            let span = info_span!(
                target: TARGET,
                parent: None,
                "carriers.record",
                otel.status_code = Empty,
                carillon.carrier = carrier.name,
                carillon.answers = answers.len(),
                carillon.receipts = receipts.len(),
            );
            let work = messages::record(&shared.db, &shared.scope, carrier.id, patience, answers, receipts);
            let written = traced(span, work).await;
            match &written {
                Ok(recorded) => {
                    let came = u64::try_from(receipts.len()).unwrap_or(0);
                    METRICS.receipts.with_label_values(&[&carrier.name]).inc_by(came);
                    METRICS.receipts_parked.with_label_values(&[&carrier.name]).inc_by(recorded.receipts_parked);
                    if recorded.led_on > 0 {
                        METRICS.led_on.with_label_values(&[&carrier.name]).inc_by(recorded.led_on);
                        shared.wake.nudge(Queue::MessagesDeliver);
                    }
                }
                Err(e) => {
                    let (answers, receipts) = (answers.len(), receipts.len());
                    tracing::warn!(carrier = carrier.name, error = %e, answers, receipts, "recording failed");
                }
            }
            written.map(drop)
        }
    };
    let whole = Piece { answers: 0..answers.len(), receipts: 0..receipts.len() };
    let refused = store::store(whole, attempt).await;
    for piece in &refused {
        let what = if piece.answers.is_empty() { "receipt" } else { "answer" };
        tracing::error!(carrier = carrier.name, what, "dropped: the database refuses it for its content");
    }
    refused.into_iter().flat_map(|piece| piece.answers).collect()
}

/// Stores a batch, however long it takes; one that the database refuses for its content is left out and told in the log.
async fn receive(shared: &Shared, carrier: &Carrier, deliveries: &[Delivery]) {
    if deliveries.is_empty() {
        return;
    }
    let attempt = |piece: Piece| {
        let deliveries = deliveries.get(piece.receipts).unwrap_or_default();
        async move {
            let span = info_span!(
                target: TARGET,
                parent: None,
                "carriers.receive",
                otel.status_code = Empty,
                carillon.carrier = carrier.name,
                carillon.deliveries = deliveries.len(),
            );
            let work = inbound_messages::receive(&shared.db, &shared.scope, carrier.id, deliveries);
            let received = traced(span, work).await;
            match &received {
                Ok(received) => {
                    METRICS.inbound.with_label_values(&[&carrier.name]).inc_by(received.messages);
                    METRICS.inbound_unattributed.with_label_values(&[&carrier.name]).inc_by(received.unattributed);
                    METRICS.inbound_repeated.with_label_values(&[&carrier.name]).inc_by(received.repeated);
                }
                Err(e) => {
                    let deliveries = deliveries.len();
                    tracing::warn!(carrier = carrier.name, error = %e, deliveries, "inbound messages were not stored");
                }
            }
            received.map(drop)
        }
    };
    let whole = Piece { answers: 0..0, receipts: 0..deliveries.len() };
    for _ in store::store(whole, attempt).await {
        tracing::error!(
            carrier = carrier.name,
            "an inbound message is dropped: the database refuses it for its content"
        );
    }
}
