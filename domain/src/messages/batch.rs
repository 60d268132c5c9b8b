//! One text to many, each with values of their own: the send of up to 10,000 that a campaign would be too much for.
//!
//! Invariants: a batch is one transaction and one hold, whatever its number of chunks; every addressee has an outcome in
//! its place.

use std::collections::BTreeMap;

use sea_orm::DatabaseTransaction;

use super::{
    Draft, Home, Letter, Mailing, Priority, Recipient, Status, Terms, cost,
    send::{PAGE, recipients},
    write::write,
};
use crate::{
    balance,
    clock::Timestamp,
    db::Writes,
    error::{Error, Result},
    ids::{BatchId, HoldId, MessageId},
    money::{Currency, Micros},
    phone::Msisdn,
    scope::AccountScope,
};

/// One number with what is its own.
#[derive(Debug, Clone)]
pub struct Addressee {
    pub number: Msisdn,
    /// Values of markers, by their names.
    pub values: BTreeMap<String, String>,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
}

/// What a batch became.
pub struct SentBatch {
    pub batch: BatchId,
    /// One for each addressee, in order, with the id of its message.
    pub drafts: Vec<(Draft, MessageId)>,
    /// What the messages to be sent cost.
    pub cost: Micros,
    pub send_at: Timestamp,
    pub currency: Currency,
    /// The state of those to be sent: queued, or scheduled for later.
    pub waiting: Status,
}

/// Sends `letter` to every addressee, now or at `send_at`. The numbers must differ from one another. The pumps are to be
/// nudged after the commit.
///
/// # Errors
/// What [`Terms::load`] refuses; `insufficient_funds`.
pub async fn send_batch(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    letter: &Letter,
    send_at: Option<Timestamp>,
    priority: Priority,
    addressees: &[Addressee],
) -> Result<SentBatch> {
    let now = scope.clock().now();
    let terms = Terms::load(tx, scope).await?;
    let later = send_at.filter(|at| *at > now);
    let (batch, hold) = (BatchId::new(now), HoldId::new(now));
    let mut sent = SentBatch {
        batch,
        drafts: Vec::with_capacity(addressees.len()),
        cost: Micros::ZERO,
        send_at: later.unwrap_or(now),
        currency: terms.deck.currency.clone(),
        waiting: if later.is_some() { Status::Scheduled } else { Status::Queued },
    };
    let mut sending = 0;
    for page in addressees.chunks(PAGE) {
        let numbers: Vec<(Msisdn, &str)> = page.iter().map(|to| (to.number, letter.sender.as_str())).collect();
        let known = recipients(tx, scope, &numbers).await?;
        let drafts: Vec<Draft> = page
            .iter()
            .zip(known)
            .map(|(to, known)| letter.draft(&terms, &Recipient { given: to.values.clone(), ..known }))
            .collect();
        let mailings: Vec<Mailing<'_>> = page
            .iter()
            .zip(&drafts)
            .map(|(to, draft)| Mailing {
                batch: Some(batch),
                letter,
                external_id: to.external_id.as_deref(),
                metadata: &to.metadata,
                drafts: std::slice::from_ref(draft),
            })
            .collect();
        let home = Home {
            account: scope.account(),
            campaign: None,
            // What is sent later holds its money chunk by chunk.
            hold: if later.is_some() { HoldId::new(now) } else { hold },
            currency: sent.currency.clone(),
            send_at: sent.send_at,
            priority: priority.lane(),
            chunk_status: if later.is_some() { "scheduled" } else { "ready" },
            portions: super::Portions::default(),
        };
        let mut writes = Writes::new(tx);
        let written = write(&mut writes, now, &home, &terms.routing, &mailings)?;
        writes.run(tx).await?;
        sending += written.sending;
        sent.cost = cost(&drafts)
            .and_then(|cost| sent.cost.checked_add(cost))
            .ok_or_else(|| Error::internal("cost out of range"))?;
        sent.drafts.extend(drafts.into_iter().zip(written.ids));
    }
    if later.is_none() && sending > 0 {
        balance::hold(tx, now, scope.account(), hold, sent.cost).await?;
    }
    Ok(sent)
}
