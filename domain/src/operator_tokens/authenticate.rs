//! From a secret to the operator's scope.

use std::{net::IpAddr, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use crate::{
    clock::{Clock, Timestamp},
    db::Sql,
    error::{Code, Error, Result},
    ids::OperatorTokenId,
    scope::{OperatorScope, Scopes},
    tokens::{Secret, require_network},
    vals,
};

/// Who is asking, and what they may.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The whole platform.
    pub scope: OperatorScope,
    /// What the token lets them do.
    pub scopes: Scopes,
    /// The token.
    pub token: OperatorTokenId,
}

/// Finds the token. `from` is the client's address, as for an account's token.
///
/// # Errors
/// `unauthorized` when the secret is not valid, `address_not_allowed`.
pub async fn authenticate(
    conn: &impl ConnectionTrait,
    clock: &Clock,
    secret: &Secret,
    from: Option<IpAddr>,
) -> Result<Authenticated> {
    #[derive(FromQueryResult)]
    struct Row {
        id: OperatorTokenId,
        scopes: serde_json::Value,
        networks: serde_json::Value,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
    }
    let unknown = || Error::new(Code::Unauthorized, "The token does not exist, is revoked or has expired.");
    let sql = "SELECT id, scopes, networks, expires_at, revoked_at FROM operator_tokens WHERE hash = $1";
    let Row { id, scopes, networks, expires_at, revoked_at } =
        conn.one(sql, vals![secret.hash()]).await?.ok_or_else(unknown)?;
    if revoked_at.is_some() || expires_at.is_some_and(|t| t <= clock.now()) {
        return Err(unknown());
    }
    let words = |list: serde_json::Value| {
        serde_json::from_value::<Vec<String>>(list).map_err(|e| Error::internal(format!("operator token {id}: {e}")))
    };
    require_network(&words(networks)?, from)?;
    Ok(Authenticated { scope: OperatorScope { clock: clock.clone() }, scopes: Scopes::new(words(scopes)?), token: id })
}

/// Notes the last use, at most once a minute.
///
/// # Errors
/// When the database refuses.
pub async fn used(tx: &DatabaseTransaction, now: Timestamp, token: OperatorTokenId) -> Result<()> {
    tx.run(
        "UPDATE operator_tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        vals![token, now, now.minus(Duration::from_secs(60))],
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::testing::{stages, write_tx};

    #[tokio::test]
    async fn a_token_lives_from_its_making_to_its_end() {
        for stage in stages().await {
            let operator = OperatorScope { clock: stage.clock.clone() };
            let new = NewToken {
                description: "console".into(),
                scopes: vec!["carriers:read".into()],
                networks: vec!["192.0.2.0/24".into()],
                expires_at: Some(stage.clock.now().plus(Duration::from_secs(100))),
            };
            let (id, secret) = write_tx!(stage, tx => create(&tx, &operator, new.clone())).unwrap();
            let ask = |secret: Secret, from: &'static str| {
                let (db, clock) = (stage.db.clone(), stage.clock.clone());
                async move { authenticate(db.read(), &clock, &secret, from.parse().ok()).await }
            };
            let who = ask(secret.clone(), "192.0.2.7").await.unwrap();
            assert_eq!(who.token, id);
            assert!(who.scopes.allow("carriers:read") && !who.scopes.allow("carriers:write"));
            let code = |outcome: Result<Authenticated>| outcome.unwrap_err().code;
            assert_eq!(code(ask(secret.clone(), "198.51.100.1").await), Code::AddressNotAllowed);
            assert_eq!(code(ask(Secret::generate_operator(), "192.0.2.7").await), Code::Unauthorized);
            stage.clock.advance(Duration::from_millis(1)); // the order of ids is that of time
            let (other, second) = write_tx!(stage, tx => create(&tx, &operator, new)).unwrap();
            write_tx!(stage, tx => revoke(&tx, &operator, other)).unwrap();
            assert_eq!(code(ask(second, "192.0.2.7").await), Code::Unauthorized);
            stage.clock.advance(Duration::from_secs(100));
            assert_eq!(code(ask(secret, "192.0.2.7").await), Code::Unauthorized);
            let rows = list(stage.db.read(), &operator).await.unwrap();
            assert_eq!(
                rows.iter().map(|r| (r.id, r.revoked_at.is_some())).collect::<Vec<_>>(),
                [(other, true), (id, false)]
            );
        }
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_at_once() {
        let stage = stages().await.remove(0);
        let operator = OperatorScope { clock: stage.clock.clone() };
        let new = NewToken {
            description: " ".into(),
            scopes: vec!["campaigns:write".into()],
            networks: vec!["nowhere".into()],
            expires_at: Some(stage.clock.now()),
        };
        let error = write_tx!(stage, tx => create(&tx, &operator, new)).unwrap_err();
        let pointers: Vec<_> = error.faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(pointers, ["/description", "/scopes/0", "/networks/0", "/expires_at"]);
    }
}
