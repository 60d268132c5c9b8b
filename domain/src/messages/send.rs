//! Sending a text to one number or a list (MSG-01, MSG-02, MSG-03, MSG-06).

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    Draft, Home, Letter, Outcome, Recipient, Skip, Status, Terms, Values,
    write::{Written, write},
};
use crate::{
    balance, blacklist,
    clock::Timestamp,
    db::{Columns, Sql},
    error::Result,
    groups,
    ids::{BatchId, ContactId, HoldId},
    jobs::{self, Queue},
    money::{Currency, Micros},
    phone::Msisdn,
    scope::AccountScope,
};

/// What a send says of its messages beside text and recipients.
#[derive(Debug, Clone)]
pub struct Letterhead {
    /// When to send; a past time or none sends now.
    pub send_at: Option<Timestamp>,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
}

/// A send, checked: what to whom, once per number.
pub struct Request {
    pub letter: Letter,
    pub to: Vec<Msisdn>,
    pub head: Letterhead,
}

/// What a send became.
pub struct Sent {
    pub batch: BatchId,
    pub drafts: Vec<Draft>,
    pub written: Written,
    pub send_at: Timestamp,
    pub currency: Currency,
    /// The state of those to be sent: queued, or scheduled for later.
    pub waiting: Status,
}

/// Looks up who these numbers are: contact, blacklist, stop lists. One query whatever their number (≤ 1,000).
///
/// # Errors
/// When the database cannot be read.
pub async fn recipients(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    numbers: &[Msisdn],
) -> Result<Vec<Recipient>> {
    #[derive(FromQueryResult)]
    struct Known {
        n: i64,
        contact_id: Option<ContactId>,
        consent: Option<String>,
        blacklisted: bool,
        stopped: bool,
        first_name: Option<String>,
        last_name: Option<String>,
        patronymic: Option<String>,
        birth_date: Option<String>,
        sex: Option<String>,
        email: Option<String>,
        company: Option<String>,
        link: Option<String>,
        comment: Option<String>,
        fields: Option<serde_json::Value>,
    }
    let backend = conn.get_database_backend();
    let columns = Columns::new()
        .ints("n", numbers.iter().enumerate().map(|(n, _)| i64::try_from(n).ok()))
        .ints("phone", numbers.iter().map(|number| i64::from(*number)));
    let sql = format!(
        "SELECT x.n, c.id AS contact_id, c.consent, {} AS blacklisted, {} AS stopped, \
         c.first_name, c.last_name, c.patronymic, c.birth_date, c.sex, c.email, c.company, c.link, c.comment, c.fields \
         FROM {} LEFT JOIN contacts c ON c.account_id = $1 AND c.phone = x.phone ORDER BY x.n",
        blacklist::has("$1", "x.phone"),
        groups::stops("c.id"),
        columns.source(backend, 2, "x")
    );
    let known: Vec<Known> = conn.all(&sql, columns.after(backend, crate::vals![scope.account()])).await?;
    let of: HashMap<i64, Known> = known.into_iter().map(|k| (k.n, k)).collect();
    let all = numbers.iter().enumerate().map(|(n, number)| {
        let Some(k) = i64::try_from(n).ok().and_then(|n| of.get(&n)) else {
            return Recipient { phone: *number, contact: None, stop: None };
        };
        let values = |k: &Known| Values {
            first_name: k.first_name.clone(),
            last_name: k.last_name.clone(),
            patronymic: k.patronymic.clone(),
            birth_date: k.birth_date.clone(),
            sex: k.sex.clone(),
            email: k.email.clone(),
            company: k.company.clone(),
            link: k.link.clone(),
            comment: k.comment.clone(),
            fields: k.fields.clone().unwrap_or_default(),
        };
        let stop = Skip::known(k.blacklisted, k.stopped, k.consent.as_deref());
        Recipient { phone: *number, contact: k.contact_id.map(|id| (id, values(k))), stop }
    });
    Ok(all.collect())
}

/// What would become of a send: the dry run, and the first half of the real one.
///
/// # Errors
/// What [`Terms::load`] refuses.
pub async fn plan(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    letter: &Letter,
    to: &[Msisdn],
) -> Result<(Terms, Vec<Draft>)> {
    let terms = Terms::load(conn, scope).await?;
    let mut seen = HashSet::new();
    let once: Vec<Msisdn> = to.iter().copied().filter(|n| seen.insert(*n)).collect();
    let drafts = recipients(conn, scope, &once).await?.iter().map(|r| letter.draft(&terms, r)).collect();
    Ok((terms, drafts))
}

/// Sends: writes the messages, holds their money and wakes the pumps. A send for later holds nothing yet.
///
/// # Errors
/// What [`plan`] refuses; `insufficient_funds`.
pub async fn send(tx: &DatabaseTransaction, scope: &AccountScope, request: &Request) -> Result<Sent> {
    let Request { letter, to, head } = request;
    let now = scope.clock().now();
    let (terms, drafts) = plan(tx, scope, letter, to).await?;
    let send_at = head.send_at.filter(|at| *at > now);
    let batch = BatchId::new(now);
    let home = Home {
        account: scope.account(),
        campaign: None,
        batch: Some(batch),
        hold: HoldId::new(now),
        currency: terms.deck.currency.clone(),
        send_at: send_at.unwrap_or(now),
        priority: 1,
        chunk_status: if send_at.is_some() { "scheduled" } else { "ready" },
        external_id: head.external_id.clone(),
        metadata: head.metadata.clone(),
    };
    let written = write(tx, now, &home, letter, &terms.routing, &drafts).await?;
    if written.sending > 0 && send_at.is_none() {
        balance::hold(tx, now, scope.account(), home.hold, written.cost).await?;
        for carrier in &written.carriers {
            jobs::enqueue(tx, now, Queue::MessagesDeliver, carrier.0).await?;
        }
    }
    let waiting = if send_at.is_some() { Status::Scheduled } else { Status::Queued };
    Ok(Sent { batch, drafts, written, send_at: home.send_at, currency: home.currency, waiting })
}

/// The cost of drafts, for estimates.
pub fn cost(drafts: &[Draft]) -> Option<Micros> {
    Micros::checked_sum(drafts.iter().filter_map(|d| match &d.outcome {
        Outcome::Send(p) => Some(p.unit_price.checked_mul(p.segments).unwrap_or(Micros(i64::MAX))),
        Outcome::Skip(_) => None,
    }))
}
