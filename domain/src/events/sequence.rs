//! Giving committed events their place in the stream.

use crate::{
    db::{Db, Sql},
    error::Result,
    vals,
};

/// Numbers up to 1,000 events that have no place yet and tells how many it numbered. The counter's row lock makes two
/// sequencers take turns; rows of open transactions are not seen, so their events come after.
///
/// # Errors
/// When the database refuses; nothing is numbered then.
pub async fn sequence(db: &Db) -> Result<u64> {
    let waiting: Option<i32> = db.read().scalar("SELECT 1 FROM events WHERE seq IS NULL LIMIT 1", vals![]).await?;
    if waiting.is_none() {
        return Ok(0);
    }
    let tx = db.begin().await?;
    tx.run("UPDATE event_sequence SET last = last WHERE one = 1", vals![]).await?; // takes the row's lock first
    let numbered = tx
        .run(
            "UPDATE events SET seq = (SELECT last FROM event_sequence) + n.place FROM \
             (SELECT id, row_number() OVER (ORDER BY id) AS place FROM (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT 1000) AS new) AS n \
             WHERE events.id = n.id",
            vals![],
        )
        .await?;
    tx.run("UPDATE event_sequence SET last = last + $1", vals![i64::try_from(numbered).unwrap_or(i64::MAX)]).await?;
    tx.commit().await?;
    Ok(numbered)
}
