//! Sending a text to one number or a list (MSG-01, MSG-02, MSG-03, MSG-06).

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{Draft, Home, Letter, Mailing, Outcome, Priority, Recipient, Skip, Status, Terms, Values, write::write};
use crate::{
    accounts::Account,
    balance, blacklist,
    clock::Timestamp,
    db::{Columns, Sql, Writes},
    error::{Error, Result},
    groups,
    ids::{BatchId, ContactId, HoldId, MessageId},
    money::{Currency, Micros},
    phone::Msisdn,
    ported_numbers,
    scope::AccountScope,
    unsubscribes,
};

/// The most messages looked up and written at once.
pub(super) const PAGE: usize = 1000;

/// What a send says of its messages beside text and recipients.
#[derive(Debug, Clone)]
pub struct Letterhead {
    /// When to send; a past time or none sends now.
    pub send_at: Option<Timestamp>,
    /// The lane.
    pub priority: Priority,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
}

/// A send, checked: what to whom, once per number.
pub struct Request {
    pub letter: Letter,
    pub to: Vec<Msisdn>,
    pub head: Letterhead,
}

impl Request {
    /// Its numbers, each once.
    fn numbers(&self) -> Vec<Msisdn> {
        let mut seen = HashSet::new();
        self.to.iter().copied().filter(|n| seen.insert(*n)).collect()
    }
}

/// What a send became.
pub struct Sent {
    pub batch: BatchId,
    pub drafts: Vec<Draft>,
    /// One id per draft, in order.
    pub ids: Vec<MessageId>,
    /// What the messages to be sent cost.
    pub cost: Micros,
    pub send_at: Timestamp,
    pub currency: Currency,
    /// The state of those to be sent: queued, or scheduled for later.
    pub waiting: Status,
}

/// Looks up who these numbers are to their senders: contact, blacklist, unsubscribes, stop lists. One query whatever their number (≤ 1,000).
///
/// # Errors
/// When the database cannot be read.
pub async fn recipients(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    numbers: &[(Msisdn, &str)],
) -> Result<Vec<Recipient>> {
    #[derive(FromQueryResult)]
    struct Known {
        n: i64,
        contact_id: Option<ContactId>,
        consent: Option<String>,
        blacklisted: bool,
        unsubscribed: bool,
        stopped: bool,
        ported: Option<String>,
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
        .ints("phone", numbers.iter().map(|(number, _)| i64::from(*number)))
        .texts("sender", numbers.iter().map(|(_, sender)| *sender));
    let sql = format!(
        "SELECT x.n, c.id AS contact_id, c.consent, {} AS blacklisted, {} AS unsubscribed, {} AS stopped, {} AS ported, \
         c.first_name, c.last_name, c.patronymic, c.birth_date, c.sex, c.email, c.company, c.link, c.comment, c.fields \
         FROM {} LEFT JOIN contacts c ON c.account_id = $1 AND c.phone = x.phone ORDER BY x.n",
        blacklist::has("$1", "x.phone"),
        unsubscribes::has("$1", "x.phone", "x.sender"),
        groups::stops("$1", "c.id"),
        ported_numbers::of("x.phone"),
        columns.source(backend, 2, "x")
    );
    let known: Vec<Known> = conn.all(&sql, columns.after(backend, crate::vals![scope.account()])).await?;
    let of: HashMap<i64, Known> = known.into_iter().map(|k| (k.n, k)).collect();
    let all = numbers.iter().enumerate().map(|(n, (number, _))| {
        let Some(k) = i64::try_from(n).ok().and_then(|n| of.get(&n)) else {
            return Recipient {
                phone: *number,
                contact: None,
                zone: None,
                ported: None,
                given: BTreeMap::new(),
                stop: None,
            };
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
        let stop = Skip::known(k.blacklisted, k.unsubscribed, k.stopped, k.consent.as_deref());
        let contact = k.contact_id.map(|id| (id, values(k)));
        // No send waits for hours, so nothing asks for a zone.
        Recipient { phone: *number, contact, zone: None, ported: k.ported.clone(), given: BTreeMap::new(), stop }
    });
    Ok(all.collect())
}

/// What would become of these sends of an account, as it has just been read: the dry run, and the first half of the real one.
///
/// # Errors
/// What [`Terms::of`] refuses.
pub async fn plan(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    account: Account,
    requests: &[Request],
) -> Result<(Terms, Vec<Vec<Draft>>)> {
    let terms = Terms::of(conn, scope, account).await?;
    let once: Vec<Vec<Msisdn>> = requests.iter().map(Request::numbers).collect();
    let senders = requests.iter().map(|request| request.letter.sender.as_str());
    let all: Vec<(Msisdn, &str)> =
        senders.zip(&once).flat_map(|(sender, numbers)| numbers.iter().map(move |number| (*number, sender))).collect();
    let mut known = Vec::with_capacity(all.len());
    for page in all.chunks(PAGE) {
        known.extend(recipients(conn, scope, page).await?);
    }
    let mut known = known.iter();
    let drafts = requests.iter().zip(&once).map(|(request, numbers)| {
        known.by_ref().take(numbers.len()).map(|to| request.letter.draft(&terms, to)).collect()
    });
    let drafts = drafts.collect();
    Ok((terms, drafts))
}

/// Sends, each request what it says, all or none: `writes` get the messages and the hold of their money. What is sent now
/// shares chunks and one hold; a send for later has its own, and holds nothing yet. The pumps are to be nudged after the
/// commit.
///
/// # Errors
/// What [`plan`] refuses; `insufficient_funds` when the money does not suffice for all of them.
pub async fn send(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    account: Account,
    requests: &[Request],
    writes: &mut Writes,
) -> Result<Vec<Sent>> {
    let now = scope.clock().now();
    let (terms, drafts) = plan(tx, scope, account, requests).await?;
    let mut all: Vec<Sent> = requests
        .iter()
        .zip(drafts)
        .map(|(request, drafts)| {
            let later = request.head.send_at.filter(|at| *at > now);
            let cost = cost(&drafts).ok_or_else(|| Error::internal("cost out of range"))?;
            Ok(Sent {
                batch: BatchId::new(now),
                ids: Vec::with_capacity(drafts.len()),
                cost,
                send_at: later.unwrap_or(now),
                currency: terms.deck.currency.clone(),
                waiting: if later.is_some() { Status::Scheduled } else { Status::Queued },
                drafts,
            })
        })
        .collect::<Result<_>>()?;
    let hold = HoldId::new(now);
    for (priority, places) in together(requests, &all) {
        let Some(first) = places.first().and_then(|place| all.get(*place)) else { continue };
        let later = first.waiting == Status::Scheduled;
        let home = Home {
            account: scope.account(),
            campaign: None,
            hold: if later { HoldId::new(now) } else { hold },
            currency: first.currency.clone(),
            send_at: first.send_at,
            priority: priority.lane(),
            chunk_status: if later { "scheduled" } else { "ready" },
            portions: super::Portions::default(),
        };
        let of = |place: &usize| Some((requests.get(*place)?, all.get(*place)?));
        let mailings: Vec<Mailing<'_>> = places
            .iter()
            .filter_map(of)
            .map(|(Request { letter, head, .. }, sent)| Mailing {
                batch: Some(sent.batch),
                letter,
                external_id: head.external_id.as_deref(),
                metadata: &head.metadata,
                drafts: &sent.drafts,
            })
            .collect();
        let mut ids = write(writes, now, &home, &terms.routing, &mailings)?.ids.into_iter();
        for place in places {
            if let Some(sent) = all.get_mut(place) {
                sent.ids.extend(ids.by_ref().take(sent.drafts.len()));
            }
        }
    }
    let costs = all.iter().filter(|sent| sent.waiting == Status::Queued).map(|sent| sent.cost);
    let due = Micros::checked_sum(costs).ok_or_else(|| Error::internal("cost out of range"))?;
    let sends = |sent: &Sent| sent.drafts.iter().any(|d| matches!(d.outcome, Outcome::Send(_)));
    if all.iter().any(|sent| sent.waiting == Status::Queued && sends(sent)) {
        balance::hold_new(tx, writes, now, scope.account(), hold, due).await?;
    }
    Ok(all)
}

/// Which sends are written together, by their places: those of a lane for now, up to a chunk's worth; each for later alone.
fn together(requests: &[Request], all: &[Sent]) -> Vec<(Priority, Vec<usize>)> {
    let mut groups: Vec<(Priority, Vec<usize>)> = Vec::new();
    let mut now: BTreeMap<i64, (Priority, Vec<usize>, usize)> = BTreeMap::new();
    for (place, (request, sent)) in requests.iter().zip(all).enumerate() {
        let priority = request.head.priority;
        if sent.waiting == Status::Scheduled {
            groups.push((priority, vec![place]));
            continue;
        }
        let (_, places, size) = now.entry(priority.lane()).or_insert_with(|| (priority, Vec::new(), 0));
        if *size + sent.drafts.len() > PAGE && !places.is_empty() {
            groups.push((priority, std::mem::take(places)));
            *size = 0;
        }
        *size += sent.drafts.len();
        places.push(place);
    }
    groups.extend(now.into_values().map(|(priority, places, _)| (priority, places)));
    groups
}

/// The cost of drafts, for estimates.
pub fn cost(drafts: &[Draft]) -> Option<Micros> {
    Micros::checked_sum(drafts.iter().filter_map(|d| match &d.outcome {
        Outcome::Send(p) => Some(p.price().unwrap_or(Micros(i64::MAX))),
        Outcome::Skip(_) => None,
    }))
}
