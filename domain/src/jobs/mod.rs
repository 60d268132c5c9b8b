//! Waking the worker: a job row of apalis, written in the transaction whose work it announces, and a nudge inside the
//! process, and [`between`] processes, so that nobody waits for the next poll.
//!
//! Invariants: a job carries an id and nothing else, since the row it points at is the truth; a lost or doubled job
//! does no harm, because handlers are idempotent and a sweep enqueues what is overdue.

pub mod between;
pub(crate) mod runs;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, futures::Notified};
use uuid::Uuid;

use crate::{clock::Timestamp, db::Sql, error::Result, ids, vals};

/// The queues. The names are stored, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Read an uploaded file into contacts.
    ContactsImport,
    /// Work on many contacts.
    ContactJobs,
    /// Write contacts or a list into a table.
    ExportsRun,
    /// Freeze a campaign's messages, hold its money and hand its chunks to the pumps.
    CampaignsPrepare,
    /// Chunks are ready: wake the pumps of their carrier.
    MessagesDeliver,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 5] =
        [Self::ContactsImport, Self::ContactJobs, Self::ExportsRun, Self::CampaignsPrepare, Self::MessagesDeliver];
    /// The name in the job table.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContactsImport => "contacts.import",
            Self::ContactJobs => "contacts.jobs",
            Self::ExportsRun => "exports.run",
            Self::CampaignsPrepare => "campaigns.prepare",
            Self::MessagesDeliver => "messages.deliver",
        }
    }
}

/// What a job carries: the row to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The import, contact job, export, campaign or carrier.
    pub id: Uuid,
}

/// Writes a job in the caller's transaction. `id` is the row it is about.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue(tx: &DatabaseTransaction, now: Timestamp, queue: Queue, id: Uuid) -> Result<()> {
    let body = serde_json::to_vec(&Job { id }).map_err(|e| crate::Error::internal(e.to_string()))?;
    let job_id = ids::encode(ids::uuid_v7(now)).to_ascii_uppercase(); // a ULID: the same 48 bits of time
    let sql = if tx.get_database_backend() == DbBackend::Postgres {
        "INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
         VALUES ($1, $2, $3, 'Pending', 0, 25, now(), 0, ''::hstore)"
    } else {
        "INSERT INTO Jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
         VALUES ($1, $2, $3, 'Pending', 0, 25, strftime('%s', 'now'), 0, '{}')"
    };
    tx.run(sql, vals![job_id, queue.name(), body]).await?;
    Ok(())
}

/// Nudges between the parts of one process. Every nudge is only a hint: each listener also looks by itself.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    imports: Arc<Notify>,
    contact_jobs: Arc<Notify>,
    exports: Arc<Notify>,
    campaigns: Arc<Notify>,
    messages: Arc<Notify>,
    events: Arc<Notify>,
}

impl Wake {
    /// Says, after commit, that a queue has work.
    pub fn nudge(&self, queue: Queue) {
        self.of(queue).notify_waiters();
    }
    /// Resolves at the next nudge of the queue after this call, awaited or not.
    pub fn nudged(&self, queue: Queue) -> Notified<'_> {
        self.of(queue).notified()
    }
    /// Says, after commit, that events wait for their place in the stream.
    pub fn nudge_events(&self) {
        self.events.notify_one();
    }
    /// Resolves when events wait.
    pub async fn events_nudged(&self) {
        self.events.notified().await;
    }
    fn of(&self, queue: Queue) -> &Notify {
        match queue {
            Queue::ContactsImport => &self.imports,
            Queue::ContactJobs => &self.contact_jobs,
            Queue::ExportsRun => &self.exports,
            Queue::CampaignsPrepare => &self.campaigns,
            Queue::MessagesDeliver => &self.messages,
        }
    }
}
