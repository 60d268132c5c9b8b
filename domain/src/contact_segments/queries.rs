//! Reading segments.

use sea_orm::ConnectionTrait;

use super::Segment;
use crate::{
    clock::Timestamp,
    contacts::{Tree, filter},
    db::{Sql, Window, ids_json, ids_list},
    error::{Code, Error, Result},
    ids::SegmentId,
    scope::AccountScope,
    vals,
};

const COLUMNS: &str = "id, name, description, filter, created_at, updated_at, version";

/// One segment.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: SegmentId) -> Result<Segment> {
    let sql = format!("SELECT {COLUMNS} FROM contact_segments WHERE account_id = $1 AND id = $2");
    conn.one(&sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("segment"))
}

/// A page of segments in order of creation, perhaps of one name; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    name: Option<&str>,
    window: Window<SegmentId>,
) -> Result<(Vec<Segment>, bool)> {
    let mut sql = format!("SELECT {COLUMNS} FROM contact_segments WHERE account_id = $1");
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    if let Some(after) = window.after {
        values.push(after.into());
        sql.push_str(&format!(" AND id > ${}", values.len()));
    }
    if let Some(name) = name {
        values.push(name.into());
        sql.push_str(&format!(" AND name = ${}", values.len()));
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// Those of `ids` that are in the account, in order of creation.
///
/// # Errors
/// When the database refuses.
pub async fn named(conn: &impl ConnectionTrait, scope: &AccountScope, ids: &[SegmentId]) -> Result<Vec<Segment>> {
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!("SELECT {COLUMNS} FROM contact_segments WHERE account_id = $1 AND id IN {list} ORDER BY id");
    Ok(conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?)
}

/// What a segment means at this moment.
///
/// # Errors
/// `conflict` when its filter names something that is gone since it was stored.
pub async fn tree(conn: &impl ConnectionTrait, scope: &AccountScope, segment: &Segment, at: Timestamp) -> Result<Tree> {
    filter::read_at(conn, scope, &segment.filter, "/filter", at).await.map_err(|e| match e.code {
        Code::InvalidRequest => {
            let why: Vec<String> = e.faults.iter().map(|f| format!("{} {}", f.pointer, f.detail)).collect();
            let detail = format!(
                "The filter of the segment {} ({}) is valid no longer: {}. Change the segment.",
                segment.id,
                segment.name,
                why.join("; ")
            );
            Error::new(Code::Conflict, detail)
        }
        _ => e,
    })
}
