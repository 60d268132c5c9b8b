//! Nudges between processes, over PostgreSQL's LISTEN and NOTIFY: a process that only takes requests passes its nudges on, and
//! those with pumps hear them, so that a message accepted elsewhere leaves at once and not at the next look.
//!
//! Invariants: only a hint passes, never data, and whoever hears nothing looks by itself; a nudge is passed on after the
//! commit it tells of; nudges of the same moments go as one.

use std::{pin::pin, time::Duration};

use sea_orm::sqlx::postgres::PgListener;

use super::{Queue, Wake};
use crate::{
    db::{Db, Sql},
    vals,
};

const CHANNEL: &str = "carillon_nudges";
/// How long after a nudge the next one is passed on.
const APART: Duration = Duration::from_millis(5);
/// The pause after the database could not be listened to.
const AWAY: Duration = Duration::from_secs(1);

/// Passes nudges for the pumps on, for ever.
pub async fn pass_on(db: Db, wake: Wake) {
    let queue = Queue::MessagesDeliver;
    let mut nudge = pin!(wake.nudged(queue));
    loop {
        nudge.as_mut().await;
        nudge.set(wake.nudged(queue));
        if let Err(e) = db.writer().run("SELECT pg_notify($1, $2)", vals![CHANNEL, queue.name()]).await {
            tracing::debug!(error = %e, "a nudge was not passed on; the pumps look by themselves");
        }
        tokio::time::sleep(APART).await;
    }
}

/// Hears the nudges of other processes, for ever. Does nothing on SQLite, which one process has for itself.
pub async fn listen(db: Db, wake: Wake) {
    if db.is_sqlite() {
        return;
    }
    loop {
        match PgListener::connect_with(db.writer().get_postgres_connection_pool()).await {
            Ok(mut listener) => {
                if let Err(e) = hear(&mut listener, &wake).await {
                    tracing::warn!(error = %e, "nudges of other processes are not heard; trying again");
                }
            }
            Err(e) => tracing::warn!(error = %e, "nudges of other processes cannot be listened to; trying again"),
        }
        tokio::time::sleep(AWAY).await;
    }
}

async fn hear(listener: &mut PgListener, wake: &Wake) -> Result<(), sea_orm::sqlx::Error> {
    listener.listen(CHANNEL).await?;
    loop {
        // None: the connection was lost, and made again; what was missed may have been a nudge.
        let heard = listener.try_recv().await?;
        let told = heard.as_ref().map(|nudge| nudge.payload());
        for queue in Queue::ALL.into_iter().filter(|queue| told.is_none_or(|told| told == queue.name())) {
            wake.nudge(queue);
        }
    }
}
