//! Reading contact jobs.

use sea_orm::ConnectionTrait;

use super::Job;
use crate::{
    db::{Sql, Window},
    error::{Error, Result},
    ids::ContactJobId,
    scope::AccountScope,
    vals,
};

/// One job.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactJobId) -> Result<Job> {
    let sql = "SELECT * FROM contact_jobs WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("contact job"))
}

/// A page of jobs, oldest first; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<ContactJobId>,
) -> Result<(Vec<Job>, bool)> {
    let sql = "SELECT * FROM contact_jobs WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let after = window.after.map_or(uuid::Uuid::nil(), |id| id.0);
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(sql, vals![scope.account(), after, more]).await?))
}
