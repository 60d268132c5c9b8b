//! Writing answers and receipts, a batch at a time, apart from the pump, so that the window is refilled while the
//! database works. Receipts are acknowledged when their transaction has committed.

use std::time::Duration;

use domain::{
    carriers::Carrier,
    ids::ChunkId,
    messages::{self, Answer, Receipt, Submitted},
};
use smpp::client::Client;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::{Shared, metrics::METRICS};

/// The most of one batch: large enough that a million messages cost a few thousand journal rows, small enough that a
/// transaction takes tens of milliseconds.
const BATCH: usize = 1000;
/// How long a small batch waits for more.
const LINGER: Duration = Duration::from_millis(20);

/// What there is to record.
pub enum Item {
    /// A settled message of a chunk.
    Answer(Submitted, ChunkId),
    /// A receipt, to be acknowledged on its connection by its sequence number.
    Receipt(Receipt, Client, u32),
}

/// Records until the channel is closed and empty. Tells the pump of each chunk's recorded messages. A database that is
/// gone stops it here: nothing is acknowledged, nothing forgotten, until it is back or the worker ends.
pub async fn run(
    shared: Shared,
    carrier: Carrier,
    mut items: UnboundedReceiver<Item>,
    done: UnboundedSender<Vec<ChunkId>>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while items.recv_many(&mut batch, BATCH).await > 0 {
        if batch.len() < BATCH / 2 {
            let more = BATCH - batch.len();
            tokio::time::sleep(LINGER).await;
            for _ in 0..more {
                let Ok(item) = items.try_recv() else { break };
                batch.push(item);
            }
        }
        let (mut answers, mut chunks, mut receipts, mut acks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for item in batch.drain(..) {
            match item {
                Item::Answer(answer, chunk) => {
                    if matches!(answer.answer, Answer::Doubt { .. }) {
                        METRICS.in_doubt.inc();
                    }
                    answers.push(answer);
                    chunks.push(chunk);
                }
                Item::Receipt(receipt, client, sequence) => {
                    receipts.push(receipt);
                    acks.push((client, sequence));
                }
            }
        }
        if !store(&shared, &carrier, &answers, &receipts).await {
            return; // the worker ends without a database: its leases end, and what was marked is in doubt
        }
        for (client, sequence) in acks {
            client.ack(sequence, smpp::status::ESME_ROK);
        }
        if done.send(chunks).is_err() {
            return;
        }
    }
}

/// Tries until it is stored; false when the worker stops meanwhile and the database stays away.
async fn store(shared: &Shared, carrier: &Carrier, answers: &[Submitted], receipts: &[Receipt]) -> bool {
    let mut wait = Duration::from_millis(50);
    let mut after_stop = 0;
    loop {
        match messages::record(&shared.db, &shared.scope, carrier.id, &shared.config.patience, answers, receipts).await
        {
            Ok(recorded) => {
                METRICS.receipts.inc_by(recorded.receipts_applied);
                METRICS.receipts_parked.inc_by(recorded.receipts_parked);
                return true;
            }
            Err(e) => {
                tracing::warn!(carrier = carrier.name, error = %e, answers = answers.len(), receipts = receipts.len(), "recording failed; trying again");
                after_stop += u32::from(shared.stopping());
                if after_stop > 20 {
                    return false;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(2));
            }
        }
    }
}
