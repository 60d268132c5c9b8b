//! Reads.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{clock::Timestamp, db::Sql, error::Result, ids::OperatorTokenId, scope::OperatorScope, vals};

/// A token, without its secret.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Token {
    pub id: OperatorTokenId,
    /// What it is used for.
    pub description: String,
    /// The end of the secret, to tell tokens apart.
    pub hint: String,
    /// What it may do: a JSON list of scopes.
    pub scopes: serde_json::Value,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Every token, newest first; revoked and expired ones too.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(conn: &impl ConnectionTrait, _: &OperatorScope) -> Result<Vec<Token>> {
    let sql = "SELECT id, description, hint, scopes, expires_at, revoked_at, last_used_at FROM operator_tokens ORDER BY id DESC";
    Ok(conn.all(sql, vals![]).await?)
}
