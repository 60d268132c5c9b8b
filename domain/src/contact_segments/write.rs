//! Making, changing and deleting segments.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{LIMIT, MAX_DESCRIPTION, MAX_NAME, Segment, queries};
use crate::{
    contacts::{ContactFilter, filter},
    db::{Sql, expect_version, or_exists},
    error::{Code, Error, Faults, Result},
    ids::SegmentId,
    scope::AccountScope,
    vals,
};

/// What a new segment is made of.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// Unique in the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Which contacts.
    pub filter: ContactFilter,
}

/// What to change; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// A new name.
    pub name: Option<String>,
    /// A new description, or none.
    pub description: Option<Option<String>>,
    /// Another filter, whole.
    pub filter: Option<ContactFilter>,
}

const TAKEN: &str = "Another segment has this name already.";

async fn check(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    name: &str,
    description: Option<&str>,
    given: Option<&ContactFilter>,
) -> Result<()> {
    let mut faults = Faults::default();
    faults.text("/name", name, MAX_NAME);
    faults.optional_text("/description", description, MAX_DESCRIPTION);
    faults.check()?;
    if let Some(given) = given {
        filter::read(conn, scope, given, "/filter").await?;
    }
    Ok(())
}

fn json(filter: &ContactFilter) -> Result<serde_json::Value> {
    serde_json::to_value(filter).map_err(|e| Error::internal(e.to_string()))
}

/// Makes a segment.
///
/// # Errors
/// `invalid_request` with the place in the filter; `already_exists`; `limit_reached`.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: New) -> Result<Segment> {
    let New { name, description, filter } = new;
    check(tx, scope, &name, description.as_deref(), Some(&filter)).await?;
    let count = "SELECT COUNT(*) FROM contact_segments WHERE account_id = $1";
    if tx.scalar::<i64>(count, vals![scope.account()]).await?.unwrap_or(0) >= LIMIT {
        return Err(Error::new(Code::LimitReached, format!("An account may have {LIMIT} segments; delete one first.")));
    }
    let now = scope.clock().now();
    let id = SegmentId::new(now);
    tx.run(
        "INSERT INTO contact_segments (id, account_id, name, description, filter, created_at, updated_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1)",
        vals![id, scope.account(), name, description, json(&filter)?, now],
    )
    .await
    .map_err(|e| or_exists(e, TAKEN))?;
    queries::get(tx, scope, id).await
}

/// Changes a segment. `expected` is the version the caller has read. Campaigns that are prepared already keep the filter
/// that they began with.
///
/// # Errors
/// `not_found`, `invalid_request`, `already_exists`, `version_mismatch`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: SegmentId,
    patch: Patch,
    expected: Option<i64>,
) -> Result<Segment> {
    let segment = queries::get(tx, scope, id).await?;
    let Patch { name, description, filter } = patch;
    let name = name.unwrap_or(segment.name);
    let description = description.unwrap_or(segment.description);
    check(tx, scope, &name, description.as_deref(), filter.as_ref()).await?;
    let filter = json(filter.as_ref().unwrap_or(&segment.filter))?;
    let sql = "UPDATE contact_segments SET name = $3, description = $4, filter = $5, updated_at = $6, \
               version = version + 1 WHERE account_id = $1 AND id = $2 AND version = $7";
    let now = scope.clock().now();
    let values = vals![scope.account(), id, name, description, filter, now, expected.unwrap_or(segment.version)];
    if tx.run(sql, values).await.map_err(|e| or_exists(e, TAKEN))? == 0 {
        return Err(Error::new(Code::VersionMismatch, "The segment has changed since it was read."));
    }
    queries::get(tx, scope, id).await
}

/// Deletes a segment; no contact is touched. A campaign that names it and is not prepared yet will be refused, or fail,
/// with the segment told. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: SegmentId,
    expected: Option<i64>,
) -> Result<()> {
    expect_version(queries::get(tx, scope, id).await?.version, expected)?;
    tx.run("DELETE FROM contact_segments WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
