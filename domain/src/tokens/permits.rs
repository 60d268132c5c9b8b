//! Permits of a token's rate limit, leased in blocks so that the limit holds across processes without a write for each
//! request.
//!
//! Invariant: within one minute, no more permits are leased by all processes together than the limit.

use std::time::Duration;

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::{clock::Timestamp, db::Sql, error::Result, ids::TokenId, vals};

/// Notes the token's last use, at most once a minute.
///
/// # Errors
/// When the database refuses.
pub async fn used(tx: &DatabaseTransaction, now: Timestamp, token: TokenId) -> Result<()> {
    tx.run(
        "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        vals![token, now, now.minus(Duration::from_secs(60))],
    )
    .await?;
    Ok(())
}

/// Leases permits of the minute that begins at `minute` for a token of any kind: a block, one when no whole block is
/// left, else none.
///
/// # Errors
/// When the database refuses.
pub async fn lease(tx: &DatabaseTransaction, token: Uuid, minute: Timestamp, limit: i64) -> Result<i64> {
    let block = (limit / 20).max(1);
    for wanted in [block, 1] {
        let sql = "INSERT INTO rate_windows (token_id, window_start, leased) VALUES ($1, $2, $3) \
                   ON CONFLICT (token_id) DO UPDATE SET window_start = excluded.window_start, \
                   leased = CASE WHEN rate_windows.window_start < excluded.window_start THEN 0 \
                   ELSE rate_windows.leased END + excluded.leased \
                   WHERE rate_windows.window_start < excluded.window_start \
                   OR rate_windows.window_start = excluded.window_start \
                   AND rate_windows.leased + excluded.leased <= $4";
        if tx.run(sql, vals![token, minute, wanted, limit]).await? > 0 {
            return Ok(wanted);
        }
        if block == 1 {
            break;
        }
    }
    Ok(0)
}
