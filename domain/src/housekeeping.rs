//! What has expired goes, in pieces; on PostgreSQL the months ahead get their partitions; done jobs are purged, since
//! apalis keeps them for ever; the planner is told of tables that grew. And whether there is work that all of what may come
//! later makes way for ([`busy`]).

use sea_orm::{ConnectionTrait, DbBackend};

use crate::{
    db::{Db, Sql},
    error::Result,
    idempotency, imports,
    messages::frequency,
    scope::SystemScope,
    uploads, vals,
};

/// One round; tells how many rows went.
///
/// # Errors
/// When the database refuses; what was deleted stays deleted.
pub async fn run(db: &Db, scope: &SystemScope) -> Result<u64> {
    let now = scope.clock.now();
    let hour_ago = now.minus(std::time::Duration::from_secs(3600));
    let mut gone = 0;
    let tx = db.begin().await?;
    gone += idempotency::sweep(&tx, now).await?;
    gone += uploads::sweep(&tx, scope).await?;
    gone += imports::purge(&tx, scope).await?;
    gone += frequency::purge(&tx, now).await?;
    gone += tx.run("DELETE FROM leases WHERE until < $1", vals![hour_ago]).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        gone += tx
            .run(
                "DELETE FROM apalis.jobs WHERE status IN ('Done', 'Killed') AND done_at < now() - interval '1 hour'",
                vals![],
            )
            .await?;
        for table in ["messages", "message_texts", "message_parts", "message_notes", "events"] {
            tx.run("SELECT carillon_partitions($1, 2)", vals![table]).await?;
        }
    } else {
        gone += tx
            .run(
                "DELETE FROM Jobs WHERE status IN ('Done', 'Killed') AND done_at < strftime('%s', 'now') - 3600",
                vals![],
            )
            .await?;
    }
    tx.commit().await?;
    analyze(db).await?;
    Ok(gone)
}

/// Whether messages are with the pumps or wait for them, a campaign is being prepared or a file is imported: work that people wait for, and
/// that what may come later makes way for.
///
/// # Errors
/// When the database cannot be read.
pub async fn busy(conn: &impl ConnectionTrait) -> Result<bool> {
    // Each by a partial index that has only such rows.
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM chunks WHERE lease_owner IS NOT NULL) \
               OR EXISTS (SELECT 1 FROM chunks WHERE status = 'ready') \
               OR EXISTS (SELECT 1 FROM campaigns WHERE finished_at IS NULL AND status <> 'draft' AND status = 'preparing') \
               OR EXISTS (SELECT 1 FROM imports WHERE status IN ('queued', 'running') AND lease_owner IS NOT NULL)";
    Ok(conn.scalar::<i32>(sql, vals![]).await?.is_some())
}

/// Tells PostgreSQL of tables that have grown much since it looked. It does so by itself, but after a minute or more: a
/// new month's partition, or what was just imported, would be read by plans made for an empty table until then. One cheap
/// look when nothing has grown.
///
/// # Errors
/// When the database refuses.
pub async fn analyze(db: &Db) -> Result<()> {
    if db.is_sqlite() {
        return Ok(());
    }
    let grown: Vec<String> = db
        .read()
        .column(
            "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables WHERE schemaname = current_schema() \
             AND n_mod_since_analyze > 500 AND n_mod_since_analyze > n_live_tup * 0.6 LIMIT 20",
            vals![],
        )
        .await?;
    for table in grown {
        let tx = db.begin().await?;
        // A sample of some thousand rows tells sizes well enough, at a tenth of the price; autovacuum looks closer later.
        tx.run("SET LOCAL default_statistics_target = 20", vals![]).await?;
        tx.run(&format!("ANALYZE {table}"), vals![]).await?;
        tx.commit().await?;
    }
    Ok(())
}
