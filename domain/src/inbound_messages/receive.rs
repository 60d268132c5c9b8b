//! Taking deliveries of a carrier: parts are joined, repeats are known, what is whole is attributed, stored and told.
//!
//! One transaction a batch, and one at a time for a carrier: two parts of a message may come on two connections at once,
//! and so may a message and its repeat.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{
    Delivery, Encoding, Keyword, REPEAT, WAIT,
    delivery::number,
    obey::obey,
    parts::{self, Arrived, Joined},
};
use crate::{
    clock::Timestamp,
    db::{Columns, Db, Sql, lookup},
    error::Result,
    events::{self, InboundMessageEventData, Kind},
    ids::{AccountId, CampaignId, CarrierId, ContactId, InboundMessageId, MessageId},
    messages::{self, Asked},
    scope::SystemScope,
    senders, vals,
};

/// What a batch came to, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages stored.
    pub messages: u64,
    /// Of these, nobody's.
    pub unattributed: u64,
    /// Deliveries that were known already.
    pub repeated: u64,
}

/// A message that is not stored yet.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    /// Both addresses without a plus.
    pub subscriber: String,
    pub sender: String,
    pub text: String,
    pub encoding: Encoding,
    pub parts: i64,
    pub complete: bool,
    /// `None` for what came in parts.
    pub fingerprint: Option<String>,
    pub received_at: Timestamp,
}

/// A message on its way into the table.
pub(super) struct New {
    pub id: InboundMessageId,
    pub whole: Whole,
    pub keyword: Option<Keyword>,
    pub deliveries: i64,
    pub last_at: Timestamp,
    pub account: Option<AccountId>,
    /// How many accounts may send from the sender.
    pub owners: usize,
    pub answers: Option<(MessageId, Option<CampaignId>)>,
    pub contact: Option<ContactId>,
}

/// Stores a batch. The carrier is answered after this has returned.
///
/// # Errors
/// When the database refuses; then nothing is stored and the batch may be tried again.
pub async fn receive(db: &Db, scope: &SystemScope, carrier: CarrierId, deliveries: &[Delivery]) -> Result<Received> {
    let tx = db.begin().await?;
    alone(&tx, carrier).await?;
    let (mut wholes, mut arrived) = (Vec::new(), Vec::new());
    for delivery in deliveries {
        let Delivery { data_coding, received_at, .. } = *delivery;
        let (subscriber, sender) = (delivery.subscriber(), delivery.sender());
        match delivery.read() {
            (Some(tie), body) => arrived.push(Arrived { subscriber, sender, tie, data_coding, body, received_at }),
            (None, body) => {
                let encoding = Encoding::of(data_coding, body);
                wholes.push(Whole {
                    subscriber,
                    sender,
                    text: encoding.text(body),
                    encoding,
                    parts: 1,
                    complete: true,
                    fingerprint: Some(delivery.fingerprint()),
                    received_at,
                });
            }
        }
    }
    let in_parts = !arrived.is_empty();
    let Joined { wholes: joined, repeated } = parts::join(&tx, carrier, arrived).await?;
    wholes.extend(joined);
    if in_parts && let Some(until) = parts::overfull(&tx, carrier).await? {
        wholes.extend(parts::end_until(&tx, carrier, until).await?);
    }
    let received = store(&tx, scope, carrier, wholes).await?;
    tx.commit().await?;
    Ok(Received { repeated: received.repeated + repeated, ..received })
}

/// Messages whose other parts did not come: kept as they are. Tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn end_incomplete(db: &Db, scope: &SystemScope) -> Result<u64> {
    let until = scope.clock.now().minus(WAIT);
    let sql = "SELECT DISTINCT carrier_id FROM inbound_parts WHERE received_at <= $1";
    let carriers: Vec<CarrierId> = db.read().column(sql, vals![until]).await?;
    let mut ended = 0;
    for carrier in carriers {
        let tx = db.begin().await?;
        alone(&tx, carrier).await?;
        let wholes = parts::end_until(&tx, carrier, until).await?;
        ended += store(&tx, scope, carrier, wholes).await?.messages;
        tx.commit().await?;
    }
    Ok(ended)
}

/// One transaction at a time for a carrier's inbound messages. SQLite has one writer anyway.
async fn alone(tx: &DatabaseTransaction, carrier: CarrierId) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.run("SELECT pg_advisory_xact_lock(hashtext($1))", vals![format!("inbound.{carrier}")]).await?;
    }
    Ok(())
}

async fn store(
    tx: &DatabaseTransaction,
    scope: &SystemScope,
    carrier: CarrierId,
    mut wholes: Vec<Whole>,
) -> Result<Received> {
    if wholes.is_empty() {
        return Ok(Received::default());
    }
    wholes.sort_by_key(|whole| whole.received_at);
    let (mut new, repeated) = unknown(tx, carrier, wholes).await?;
    attribute(tx, scope, carrier, &mut new).await?;
    contacts(tx, &mut new).await?;
    insert(tx, carrier, &new).await?;
    for message in &new {
        tell(tx, scope, message).await?;
        obey(tx, scope, message).await?;
    }
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let unattributed = count(new.iter().filter(|m| m.account.is_none()).count());
    Ok(Received { messages: count(new.len()), unattributed, repeated })
}

/// Those that were not delivered a moment ago; the others are counted on the first.
async fn unknown(tx: &DatabaseTransaction, carrier: CarrierId, wholes: Vec<Whole>) -> Result<(Vec<New>, u64)> {
    #[derive(FromQueryResult)]
    struct Known {
        id: InboundMessageId,
        fingerprint: String,
        last_at: Timestamp,
    }
    /// A message that repeats may be of.
    struct Seen {
        last_at: Timestamp,
        times: i64,
        /// Its row, or its place among the new ones.
        at: Result<InboundMessageId, usize>,
    }
    let prints: Vec<&str> = wholes.iter().filter_map(|w| w.fingerprint.as_deref()).collect();
    let mut seen: HashMap<String, Seen> = HashMap::new();
    if !prints.is_empty() {
        let backend = tx.get_database_backend();
        let columns = Columns::new().texts("print", prints.iter().copied());
        let sql = format!(
            "SELECT m.id, m.fingerprint, m.last_at FROM {} {} ORDER BY m.last_at",
            columns.source(backend, 2, "x"),
            lookup(backend, "inbound_messages", "m", "m.carrier_id = $1 AND m.fingerprint = x.print")
        );
        let known: Vec<Known> = tx.all(&sql, columns.after(backend, vals![carrier])).await?;
        seen.extend(
            known
                .into_iter()
                .map(|Known { id, fingerprint, last_at }| (fingerprint, Seen { last_at, times: 0, at: Ok(id) })),
        );
    }
    let (mut new, mut repeated) = (Vec::<New>::new(), 0);
    for whole in wholes {
        let at = whole.received_at;
        if let Some(print) = &whole.fingerprint {
            if let Some(seen) = seen.get_mut(print).filter(|seen| at <= seen.last_at.plus(REPEAT)) {
                seen.last_at = seen.last_at.max(at);
                seen.times += 1;
                repeated += 1;
                continue;
            }
            seen.insert(print.clone(), Seen { last_at: at, times: 0, at: Err(new.len()) });
        }
        // By the time it came, a microsecond apart: the order of ids is the order of arrival.
        let place = u64::try_from(new.len()).unwrap_or(0);
        let id = InboundMessageId::new(at.plus(Duration::from_micros(place)));
        let keyword = whole.complete.then(|| Keyword::read(&whole.text)).flatten();
        new.push(New {
            id,
            whole,
            keyword,
            deliveries: 1,
            last_at: at,
            account: None,
            owners: 0,
            answers: None,
            contact: None,
        });
    }
    for Seen { last_at, times, at } in seen.into_values().filter(|seen| seen.times > 0) {
        match at {
            Ok(id) => {
                let sql = "UPDATE inbound_messages SET deliveries = deliveries + $2, last_at = $3 WHERE id = $1";
                tx.run(sql, vals![id, times, last_at]).await?;
            }
            Err(place) => {
                if let Some(message) = new.get_mut(place) {
                    (message.deliveries, message.last_at) = (1 + times, last_at);
                }
            }
        }
    }
    Ok((new, repeated))
}

/// Finds whose each message is, and what it answers.
async fn attribute(tx: &DatabaseTransaction, scope: &SystemScope, carrier: CarrierId, new: &mut [New]) -> Result<()> {
    let values: Vec<&str> = new.iter().map(|m| m.whole.sender.as_str()).collect();
    let owners = senders::owners(tx, scope, &values).await?;
    let asked: Vec<Asked<'_>> = new
        .iter()
        .map(|m| {
            let account = match owners.get(&m.whole.sender).map(Vec::as_slice) {
                Some([one]) => Some(*one),
                _ => None,
            };
            Asked { phone: number(&m.whole.subscriber), sender: &m.whole.sender, account }
        })
        .collect();
    let answered = messages::answered(tx, scope, carrier, &asked).await?;
    let found: Vec<_> = asked.iter().map(|asked| asked.account).zip(answered).collect();
    for (message, (account, answered)) in new.iter_mut().zip(found) {
        message.owners = owners.get(&message.whole.sender).map_or(0, Vec::len);
        message.account = account.or(answered.as_ref().map(|a| a.account));
        message.answers = answered.map(|a| (a.message, a.campaign));
    }
    Ok(())
}

/// Finds the contacts that the messages are from.
async fn contacts(tx: &DatabaseTransaction, new: &mut [New]) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Found {
        n: i64,
        id: ContactId,
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ints("n", (0_i64..).zip(new.iter()).map(|(n, _)| n))
        .ids("account", new.iter().map(|m| m.account.map(|a| a.0)))
        .ints("phone", new.iter().map(|m| number(&m.whole.subscriber).map(i64::from)));
    let sql = format!(
        "SELECT x.n, c.id FROM {} {}",
        columns.source(backend, 1, "x"),
        lookup(backend, "contacts", "c", "c.account_id = x.account AND c.phone = x.phone")
    );
    for Found { n, id } in tx.all::<Found>(&sql, columns.after(backend, vals![])).await? {
        if let Some(message) = usize::try_from(n).ok().and_then(|n| new.get_mut(n)) {
            message.contact = Some(id);
        }
    }
    Ok(())
}

async fn insert(tx: &DatabaseTransaction, carrier: CarrierId, new: &[New]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("id", new.iter().map(|m| m.id.0))
        .ids("account", new.iter().map(|m| m.account.map(|a| a.0)))
        .texts("source", new.iter().map(|m| m.whole.subscriber.as_str()))
        .ints("phone", new.iter().map(|m| number(&m.whole.subscriber).map(i64::from)))
        .texts("recipient", new.iter().map(|m| m.whole.sender.as_str()))
        .texts("body", new.iter().map(|m| m.whole.text.as_str()))
        .texts("encoding", new.iter().map(|m| m.whole.encoding.as_str()))
        .some_texts("keyword", new.iter().map(|m| m.keyword.map(Keyword::as_str)))
        .ints("parts", new.iter().map(|m| m.whole.parts))
        .ints("complete", new.iter().map(|m| i64::from(m.whole.complete)))
        .ints("deliveries", new.iter().map(|m| m.deliveries))
        .ints("last", new.iter().map(|m| m.last_at.0))
        .some_texts("print", new.iter().map(|m| m.whole.fingerprint.as_deref()))
        .ids("contact", new.iter().map(|m| m.contact.map(|c| c.0)))
        .ids("message", new.iter().map(|m| m.answers.map(|(id, _)| id.0)))
        .ids("campaign", new.iter().map(|m| m.answers.and_then(|(_, c)| c).map(|c| c.0)))
        .ints("received", new.iter().map(|m| m.whole.received_at.0));
    let sql = format!(
        "INSERT INTO inbound_messages (id, account_id, carrier_id, source, phone, recipient, body, encoding, keyword, parts, complete, deliveries, \
         last_at, fingerprint, contact_id, message_id, campaign_id, received_at) \
         SELECT x.id, x.account, $1, x.source, x.phone, x.recipient, COALESCE(x.body, ''), x.encoding, x.keyword, x.parts, x.complete = 1, x.deliveries, \
         x.last, x.print, x.contact, x.message, x.campaign, x.received FROM {}",
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![carrier])).await?;
    Ok(())
}

/// Tells the account of a message.
async fn tell(tx: &DatabaseTransaction, scope: &SystemScope, message: &New) -> Result<()> {
    let New { id, whole, keyword, account, answers, contact, .. } = message;
    let Some(account) = *account else { return Ok(()) };
    let data = InboundMessageEventData {
        id: *id,
        from: shown(&whole.subscriber),
        to: whole.sender.clone(),
        text: whole.text.clone(),
        keyword: *keyword,
        complete: whole.complete,
        contact_id: *contact,
        message_id: answers.map(|(id, _)| id),
        campaign_id: answers.and_then(|(_, campaign)| campaign),
        received_at: whole.received_at,
    };
    events::record(tx, scope.clock.now(), account, Kind::MessageReceived, &id.to_string(), data).await?;
    Ok(())
}

/// A subscriber's address: E.164 where it is a number, else as it came.
pub(super) fn shown(address: &str) -> String {
    number(address).map_or_else(|| address.to_owned(), |phone| phone.to_string())
}
