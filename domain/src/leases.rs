//! Who may do a thing that one process at a time does: hold a bind of a carrier, sweep. A lease ends by itself when
//! its owner stops renewing it.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    db::{Db, Sql},
    error::Result,
    scope::SystemScope,
    vals,
};

/// Takes or renews a lease for `owner`; false when another owner has it.
///
/// # Errors
/// When the database refuses.
pub async fn take(db: &Db, scope: &SystemScope, name: &str, owner: &str, lasts: Duration) -> Result<bool> {
    let now = scope.clock.now();
    #[derive(sea_orm::FromQueryResult)]
    struct Held {
        owner: String,
        until: Timestamp,
    }
    let held: Option<Held> = db.read().one("SELECT owner, until FROM leases WHERE name = $1", vals![name]).await?;
    match held {
        Some(h) if h.owner != owner && h.until >= now => return Ok(false),
        // Ours, with more than half of its time left: nothing to write.
        Some(h) if h.owner == owner && now.until(h.until) > lasts / 2 => return Ok(true),
        _ => {}
    }
    let tx = db.begin().await?;
    let taken = tx
        .run(
            "INSERT INTO leases (name, owner, until) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE leases.owner = $2 OR leases.until < $4",
            vals![name, owner, now.plus(lasts), now],
        )
        .await?;
    tx.commit().await?;
    Ok(taken == 1)
}

/// Gives a lease back, if `owner` has it.
///
/// # Errors
/// When the database refuses.
pub async fn give_back(db: &Db, _: &SystemScope, name: &str, owner: &str) -> Result<()> {
    let tx = db.begin().await?;
    tx.run("DELETE FROM leases WHERE name = $1 AND owner = $2", vals![name, owner]).await?;
    tx.commit().await?;
    Ok(())
}
