//! Which message a subscriber answers.
//!
//! Invariant: only a sender of digits can be answered, which is what the index `messages_answerable` holds.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use crate::{
    db::{Columns, Sql, ids_json, ids_list},
    error::Result,
    ids::{AccountId, CampaignId, CarrierId, MessageId, uuid_floor},
    phone::Msisdn,
    scope::SystemScope,
    vals,
};

/// How long after it was written a message can be answered.
const MEMORY: Duration = Duration::from_secs(90 * 86_400);

/// A message from a subscriber.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub phone: Option<Msisdn>,
    /// What it was sent to.
    pub sender: &'a str,
    /// Whose it is, where that is known; else whoever sent last over the carrier.
    pub account: Option<AccountId>,
}

/// The message that is answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub message: MessageId,
    pub account: AccountId,
    pub campaign: Option<CampaignId>,
}

/// The last message of the past 90 days that went to each number from each sender.
///
/// # Errors
/// When the database cannot be read.
pub async fn answered(
    tx: &DatabaseTransaction,
    scope: &SystemScope,
    carrier: CarrierId,
    asked: &[Asked<'_>],
) -> Result<Vec<Option<Answered>>> {
    #[derive(FromQueryResult)]
    struct Last {
        n: i64,
        message_id: Option<MessageId>,
    }
    #[derive(FromQueryResult)]
    struct Of {
        id: MessageId,
        account_id: AccountId,
        campaign_id: Option<CampaignId>,
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ints("n", (0_i64..).zip(asked).map(|(n, _)| n))
        .ints("phone", asked.iter().map(|a| a.phone.map(i64::from)))
        .texts("sender", asked.iter().map(|a| a.sender))
        .ids("account", asked.iter().map(|a| a.account.map(|id| id.0)));
    // As the index says it.
    let answerable =
        if backend == DbBackend::Postgres { "m.sender ~ '^[0-9]+$'" } else { "m.sender NOT GLOB '*[^0-9]*'" };
    let sql = format!(
        "SELECT x.n, (SELECT m.id FROM messages m WHERE m.phone = x.phone AND m.sender = x.sender AND {answerable} AND m.id >= $2 \
         AND (m.account_id = x.account OR (x.account IS NULL AND m.carrier_id = $1)) \
         AND m.status NOT IN ('scheduled', 'queued', 'cancelled', 'skipped') ORDER BY m.id DESC LIMIT 1) AS message_id FROM {}",
        columns.source(backend, 3, "x")
    );
    let floor = uuid_floor(scope.clock.now().minus(MEMORY));
    let last: Vec<Last> = tx.all(&sql, columns.after(backend, vals![carrier, floor])).await?;
    let sql = format!("SELECT id, account_id, campaign_id FROM messages WHERE id IN {}", ids_list(backend, 1));
    let ids = ids_json(last.iter().filter_map(|l| l.message_id).map(|id| id.0));
    let of: HashMap<MessageId, Of> = tx.all::<Of>(&sql, vals![ids]).await?.into_iter().map(|of| (of.id, of)).collect();
    let mut all = vec![None; asked.len()];
    for Last { n, message_id } in last {
        let found = message_id.and_then(|id| of.get(&id));
        if let (Some(place), Some(Of { id, account_id, campaign_id })) =
            (usize::try_from(n).ok().and_then(|n| all.get_mut(n)), found)
        {
            *place = Some(Answered { message: *id, account: *account_id, campaign: *campaign_id });
        }
    }
    Ok(all)
}
