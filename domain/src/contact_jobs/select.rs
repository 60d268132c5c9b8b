//! The next rows of a selection after the checkpoint.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{Job, PIECE, Selection, count};
use crate::{
    contacts::{self, filter},
    db::{Sql, ids_json, ids_list},
    error::Result,
    ids::ContactId,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// Somebody who is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    /// The contact, unless the number is none.
    pub contact: Option<ContactId>,
    pub phone: Msisdn,
}

/// A piece of a walk.
pub(super) struct Page {
    pub picked: Vec<Picked>,
    /// Rows looked at.
    pub scanned: i64,
    /// The walk and the row to go on after; `None` when this was the last piece.
    pub next: Option<(i64, Option<Uuid>)>,
}

#[derive(FromQueryResult)]
struct Row {
    at: Uuid,
    contact_id: Option<ContactId>,
    phone: i64,
    picked: bool,
}

/// The next piece. Rows that are looked at and not meant are read too, so that a piece costs the same however few are
/// meant.
pub(super) async fn page(conn: &impl ConnectionTrait, scope: &AccountScope, job: &Job) -> Result<Page> {
    let after = job.after.unwrap_or(Uuid::nil());
    let limit = count(PIECE);
    let rows: Vec<Row> = match &job.selection {
        Selection::Filter { filter: asked } => {
            let tree = filter::read_at(conn, scope, asked, "/filter", job.created_at).await?;
            let ids = filter::ids(conn, scope, &tree, job.after.map(ContactId), PIECE).await?;
            let next = ids.last().filter(|_| ids.len() == PIECE).map(|last| (job.phase, Some(last.0)));
            let rows = contacts::several(conn, scope, &ids).await?;
            let picked = rows.into_iter().map(|c| Picked { contact: Some(c.id), phone: c.phone }).collect();
            return Ok(Page { picked, scanned: count(ids.len()), next });
        }
        Selection::Contacts { contact_ids } => {
            let sql = format!(
                "SELECT id AS at, id AS contact_id, phone, 1 = 1 AS picked FROM contacts \
                 WHERE account_id = $1 AND id > $2 AND id IN {} ORDER BY id LIMIT $3",
                ids_list(conn.get_database_backend(), 4)
            );
            let ids = ids_json(contact_ids.iter().map(|id| id.0));
            conn.all(&sql, vals![scope.account(), after, limit, ids]).await?
        }
        Selection::Group { group_id, only_here } => {
            let picked = if *only_here {
                "COALESCE((SELECT 1 FROM contact_groups o WHERE o.contact_id = m.contact_id AND o.group_id <> m.group_id \
                 LIMIT 1), 0) = 0"
            } else {
                "1 = 1"
            };
            // Members first: PostgreSQL would rather walk all contacts beside them.
            let sql = format!(
                "SELECT c.id AS at, c.id AS contact_id, c.phone, {picked} AS picked FROM \
                 (SELECT group_id, contact_id FROM contact_groups WHERE group_id = $1 AND contact_id > $2 \
                  ORDER BY contact_id LIMIT $4) m \
                 CROSS JOIN contacts c WHERE c.id = m.contact_id AND c.account_id = $3 ORDER BY m.contact_id"
            );
            conn.all(&sql, vals![*group_id, after, scope.account(), limit]).await?
        }
        Selection::Campaign { campaign_id, statuses } => {
            // Words of an enum: nothing of the request stands in the text. By number: who became a contact since is one.
            let words: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
            let sql = format!(
                "SELECT m.id AS at, c.id AS contact_id, m.phone, m.status IN ({}) AS picked FROM \
                 (SELECT id, phone, status FROM messages WHERE campaign_id = $1 AND id > $2 AND account_id = $3 \
                  ORDER BY id LIMIT $4) m \
                 LEFT JOIN contacts c ON c.account_id = $3 AND c.phone = m.phone ORDER BY m.id",
                words.join(", ")
            );
            conn.all(&sql, vals![*campaign_id, after, scope.account(), limit]).await?
        }
        Selection::Undelivered { last, group_id, .. } => {
            let member = match group_id {
                None => "$6 IS NULL",
                Some(_) => {
                    "COALESCE((SELECT 1 FROM contact_groups g WHERE g.group_id = $6 AND g.contact_id = t.contact_id), 0) = 1"
                }
            };
            let sql = format!(
                "SELECT t.contact_id AS at, c.id AS contact_id, c.phone, \
                 t.seen = $5 AND t.reached = 0 AND {member} AS picked FROM \
                 (SELECT contact_id, seen, reached FROM contact_job_tallies WHERE job_id = $1 AND contact_id > $2 \
                  ORDER BY contact_id LIMIT $4) t \
                 JOIN contacts c ON c.id = t.contact_id AND c.account_id = $3 ORDER BY t.contact_id"
            );
            let values = vals![job.id, after, scope.account(), limit, i64::from(*last), group_id.map(|id| id.0)];
            return tallied(conn, &sql, values, job, after).await;
        }
        Selection::Duplicates { .. } => Vec::new(), // walked by `duplicates`
    };
    let next = rows.last().filter(|_| rows.len() == PIECE).map(|last| (job.phase, Some(last.at)));
    Ok(cut(rows, next))
}

/// A piece of the tallies: contacts that are gone since leave fewer rows than were looked at.
async fn tallied(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<sea_orm::Value>,
    job: &Job,
    after: Uuid,
) -> Result<Page> {
    let end = "SELECT contact_id FROM contact_job_tallies WHERE job_id = $1 AND contact_id > $2 ORDER BY contact_id \
        LIMIT 1 OFFSET $3";
    let end: Option<Uuid> = conn.scalar(end, vals![job.id, after, count(PIECE).saturating_sub(1)]).await?;
    let rows: Vec<Row> = conn.all(sql, values).await?;
    Ok(cut(rows, end.map(|end| (job.phase, Some(end)))))
}

fn cut(rows: Vec<Row>, next: Option<(i64, Option<Uuid>)>) -> Page {
    let scanned = count(rows.len());
    let meant = rows.into_iter().filter(|row| row.picked);
    let picked = meant.filter_map(|Row { at: _, contact_id, phone, picked: _ }| {
        Some(Picked { contact: contact_id, phone: Msisdn::try_from(phone).ok()? })
    });
    Page { picked: picked.collect(), scanned, next }
}
