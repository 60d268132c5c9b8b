//! The last messages to each contact's number: the account's messages are walked once, newest first, and tallied beside the
//! job. By number, as the outcomes that filters know: what was sent before the contact was made, or while the number was
//! another contact's, says as much of the number.
//!
//! Messages have no index by contact, which would cost every message that is sent; a walk by their ids costs the same for
//! one contact as for a million, and no memory.

use std::time::Duration;

use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{Job, Outcome};
use crate::{clock::Timestamp, db::Sql, error::Result, ids::uuid_floor, messages::Status, scope::AccountScope, vals};

/// Messages of one step.
const MESSAGES: i64 = 5_000;

/// Tallies the next messages; the walk over the contacts comes after the last.
pub(super) async fn step(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    job: &Job,
    last: u32,
    statuses: &[Status],
    days: u32,
) -> Result<Outcome> {
    #[derive(FromQueryResult)]
    struct Reached {
        at: Option<Uuid>,
        n: i64,
    }
    let before = job.after.unwrap_or(Uuid::max());
    let back = Duration::from_secs(u64::from(days).saturating_mul(86_400));
    let since = uuid_floor(Timestamp(job.created_at.minus(back).0.max(0)));
    let window = "SELECT id, phone, status FROM messages WHERE account_id = $2 AND id < $3 AND id >= $4 \
        ORDER BY id DESC LIMIT $5";
    // MIN(uuid) does not exist: the last row of the page is the oldest.
    let sql = format!(
        "SELECT (SELECT id FROM ({window}) w ORDER BY id LIMIT 1) AS at, (SELECT COUNT(*) FROM ({window}) v) AS n WHERE $1 = $1"
    );
    let values = vals![job.id, scope.account(), before, since, MESSAGES];
    let Reached { at, n } = tx.one(&sql, values.clone()).await?.unwrap_or(Reached { at: None, n: 0 });
    // What never left says nothing of the number.
    let words = |list: &mut dyn Iterator<Item = &Status>| {
        list.map(|status| format!("'{status}'")).collect::<Vec<_>>().join(", ")
    };
    let told =
        words(&mut Status::ALL.iter().filter(|s| s.is_final() && !matches!(s, Status::Skipped | Status::Cancelled)));
    let failed = words(&mut statuses.iter());
    // A scalar sub-select: each number is looked up by its index, where a join may read all contacts for every page.
    let sql = format!(
        "INSERT INTO contact_job_tallies (job_id, contact_id, seen, reached) \
         SELECT $1, r.contact_id, COUNT(*), SUM(CASE WHEN r.status IN ({failed}) THEN 0 ELSE 1 END) FROM \
         (SELECT p.contact_id, p.status, ROW_NUMBER() OVER (PARTITION BY p.contact_id ORDER BY p.id DESC) AS place FROM \
          (SELECT w.id, (SELECT c.id FROM contacts c WHERE c.account_id = $2 AND c.phone = w.phone) AS contact_id, \
           w.status FROM ({window}) w) p \
          WHERE p.contact_id IS NOT NULL AND p.status IN ({told})) r \
         WHERE r.place + COALESCE((SELECT t.seen FROM contact_job_tallies t \
          WHERE t.job_id = $1 AND t.contact_id = r.contact_id), 0) <= $6 GROUP BY r.contact_id \
         ON CONFLICT (job_id, contact_id) DO UPDATE SET seen = contact_job_tallies.seen + excluded.seen, \
         reached = contact_job_tallies.reached + excluded.reached"
    );
    let mut values = values;
    values.push(i64::from(last).into());
    tx.run(&sql, values).await?;
    let next = match at {
        Some(at) if n == MESSAGES => (0, Some(at)),
        _ => (1, None),
    };
    Ok(Outcome { scanned: n, matched: 0, changed: 0, next: Some(next) })
}
