//! What moves with messages that change their state: the counts of their campaign, the money of their hold, and the event.
//!
//! Invariant: what all batches of a campaign share is locked last and in this order, counts by campaign, then account by
//! account its balance (where something is given back) and its holds, so that it is locked for as short as can be and
//! nobody waits in a circle.

use std::collections::{BTreeMap, HashMap};

use sea_orm::DatabaseTransaction;
use serde::Serialize;

use super::Status;
use crate::{
    balance::{self, Capture},
    clock::Timestamp,
    db::{Columns, Writes},
    error::{Error, Result},
    events,
    ids::{AccountId, CampaignId, HoldId, JournalId, MessageId},
    money::Micros,
    vals,
};

/// Sums over a batch.
#[derive(Default)]
pub(super) struct Tally {
    counts: BTreeMap<(CampaignId, &'static str), i64>,
    money: BTreeMap<(AccountId, HoldId), Flow>,
    told: BTreeMap<AccountId, Vec<Told>>,
}

/// What the event tells of one step.
#[derive(Serialize)]
pub(super) struct Told {
    id: MessageId,
    to: String,
    status: &'static str,
    reason: Option<String>,
    campaign_id: Option<CampaignId>,
}

impl Told {
    pub fn new(id: MessageId, phone: i64, campaign_id: Option<CampaignId>, to: Status, reason: Option<String>) -> Self {
        Self { id, to: format!("+{phone}"), status: to.as_str(), reason, campaign_id }
    }
}

/// What a batch does to one hold.
pub(super) struct Flow {
    /// The journal row of what is captured.
    pub charge: JournalId,
    /// The journal row of what is given back.
    pub refund: JournalId,
    captures: u64,
    captured: Micros,
    released: Micros,
    refunded: Micros,
}

impl Flow {
    pub fn capture(&mut self, price: Micros) -> Result<()> {
        self.captured = add(self.captured, price)?;
        self.captures += 1;
        Ok(())
    }
    pub fn release(&mut self, price: Micros) -> Result<()> {
        self.released = add(self.released, price)?;
        Ok(())
    }
    pub fn refund(&mut self, price: Micros) -> Result<()> {
        self.refunded = add(self.refunded, price)?;
        Ok(())
    }
}

fn add(a: Micros, b: Micros) -> Result<Micros> {
    a.checked_add(b).ok_or_else(|| Error::internal("sum of prices out of range"))
}

impl Tally {
    /// Counts a step of one message.
    pub fn count(&mut self, campaign: Option<CampaignId>, from: Status, to: Status) {
        if let Some(campaign) = campaign.filter(|_| from.counted() != to.counted()) {
            *self.counts.entry((campaign, from.counted().as_str())).or_default() -= 1;
            *self.counts.entry((campaign, to.counted().as_str())).or_default() += 1;
        }
    }

    /// Tells of a step.
    pub fn tell(&mut self, account: AccountId, step: Told) {
        self.told.entry(account).or_default().push(step);
    }

    /// What happens to a hold.
    pub fn flow(&mut self, now: Timestamp, account: AccountId, hold: HoldId) -> &mut Flow {
        self.money.entry((account, hold)).or_insert_with(|| Flow {
            charge: JournalId::new(now),
            refund: JournalId::new(now),
            captures: 0,
            captured: Micros::ZERO,
            released: Micros::ZERO,
            refunded: Micros::ZERO,
        })
    }

    /// Writes all of it: the last of a transaction.
    pub async fn write(self, tx: &DatabaseTransaction, now: Timestamp) -> Result<()> {
        let Self { counts, money, told } = self;
        let mut writes = Writes::new(tx);
        for (account, items) in &told {
            events::add(&mut writes, now, *account, events::MESSAGES_MOVED, "", HashMap::from([("items", items)]))?;
        }
        count(&mut writes, counts);
        writes.run(tx).await?;
        pay(tx, now, money).await
    }
}

/// Moves the counts of campaigns; also used when messages are written.
pub(super) fn count(writes: &mut Writes, counts: BTreeMap<(CampaignId, &'static str), i64>) {
    let counts: Vec<_> = counts.into_iter().filter(|(_, n)| *n != 0).collect();
    if counts.is_empty() {
        return;
    }
    let backend = writes.backend();
    let columns = Columns::new()
        .ids("campaign", counts.iter().map(|((campaign, _), _)| campaign.0))
        .texts("status", counts.iter().map(|((_, status), _)| *status))
        .ints("n", counts.iter().map(|(_, n)| *n));
    let sql = format!(
        "INSERT INTO campaign_counts (campaign_id, status, messages) SELECT x.campaign, x.status, x.n FROM {} WHERE true \
         ORDER BY x.campaign, x.status \
         ON CONFLICT (campaign_id, status) DO UPDATE SET messages = campaign_counts.messages + excluded.messages",
        columns.source(backend, 1, "x")
    );
    writes.add(sql, columns.after(backend, vals![]));
}

async fn pay(tx: &DatabaseTransaction, now: Timestamp, money: BTreeMap<(AccountId, HoldId), Flow>) -> Result<()> {
    let mut accounts: BTreeMap<AccountId, Vec<(HoldId, Flow)>> = BTreeMap::new();
    for ((account, hold), flow) in money {
        accounts.entry(account).or_default().push((hold, flow));
    }
    for (account, flows) in accounts {
        if flows.iter().any(|(_, flow)| flow.released > Micros::ZERO || flow.refunded > Micros::ZERO) {
            balance::lock_holds(tx, account, flows.iter().map(|(hold, _)| *hold)).await?;
        }
        let captured = flows.iter().filter(|(_, flow)| flow.captures > 0);
        let captures: Vec<Capture> =
            captured.map(|(hold, flow)| Capture { hold: *hold, charge: flow.charge, amount: flow.captured }).collect();
        if !captures.is_empty() {
            balance::capture(tx, now, account, &captures).await?;
        }
        for (hold, flow) in flows {
            if flow.released > Micros::ZERO {
                balance::release(tx, now, account, hold, flow.released, "not sent").await?;
            }
            if flow.refunded > Micros::ZERO {
                balance::refund(tx, now, account, hold, flow.refund, flow.refunded).await?;
            }
        }
    }
    Ok(())
}
