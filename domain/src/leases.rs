//! Who may do a thing that one process at a time does: hold a bind of a carrier, sweep. A lease ends by itself when
//! its owner stops renewing it. Workers also take one each that nobody else wants, to be counted.

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

/// The name of the lease by which a worker is counted.
fn presence(worker: &str) -> String {
    format!("worker/{worker}")
}

/// Says that a worker is there, for so long; tells how many are, this one among them.
///
/// # Errors
/// When the database refuses.
pub async fn attend(db: &Db, scope: &SystemScope, worker: &str, lasts: Duration) -> Result<u32> {
    take(db, scope, &presence(worker), worker, lasts).await?;
    let now = scope.clock.now();
    let all: Vec<Timestamp> = db.read().column("SELECT until FROM leases WHERE name LIKE 'worker/%'", vals![]).await?;
    let long_gone = now.minus(lasts * 10);
    if all.iter().any(|until| *until < long_gone) {
        let tx = db.begin().await?;
        tx.run("DELETE FROM leases WHERE name LIKE 'worker/%' AND until < $1", vals![long_gone]).await?;
        tx.commit().await?;
    }
    let there = all.iter().filter(|until| **until >= now).count();
    Ok(u32::try_from(there).unwrap_or(u32::MAX).max(1))
}

/// Says that a worker leaves.
///
/// # Errors
/// When the database refuses.
pub async fn leave(db: &Db, scope: &SystemScope, worker: &str) -> Result<()> {
    give_back(db, scope, &presence(worker), worker).await
}
