//! The jobs: apalis polls a queue and calls a handler with the id of a row.
//!
//! Invariants: handlers are idempotent and take leases on their rows, since a job may come twice; a failed job is tried
//! again by apalis, and by the sweep that finds its row overdue; worker names are unique per boot, because apalis
//! never gives a killed worker's jobs to the same name.

mod at_most;

use std::{io, time::Duration};

use apalis::prelude::{BackendExt, BoxDynError, Data, Monitor, WorkerBuilder};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use domain::{
    campaigns, contact_jobs,
    db::Db,
    exports,
    ids::{CampaignId, ContactJobId, ExportId, ImportId},
    imports,
    jobs::{Job, Queue},
    traces::TARGET,
};
use tracing::{field::Empty, info_span};

use self::at_most::AtMost;
use crate::{Shared, traces::traced};

/// How often a queue is polled. Nobody waits for it who sends: pumps are nudged.
const POLL: Duration = Duration::from_millis(400);

/// Makes apalis's own tables. `SqliteStorage::setup` would switch off `synchronous`, so only its migrations are run.
///
/// # Errors
/// When the database refuses.
pub async fn migrate(db: &Db) -> domain::Result<()> {
    let failed = |e: String| domain::Error::internal(format!("the job tables cannot be made: {e}"));
    if db.is_sqlite() {
        let pool = db.writer().get_sqlite_connection_pool();
        SqliteStorage::<()>::migrations().run(pool).await.map_err(|e| failed(e.to_string()))
    } else {
        PostgresStorage::<()>::setup(db.writer().get_postgres_connection_pool())
            .await
            .map_err(|e| failed(e.to_string()))
    }
}

/// Runs every queue until a shutdown. A queue that ends for an error of the database is started again.
pub async fn run(shared: Shared) {
    /// One worker a queue, on either storage: their types differ, their settings do not.
    macro_rules! register {
        ($monitor:ident, $storage:ident, $config:path, $pool:expr, $($queue:expr => $handler:path, $at_once:literal;)*) => {$({
            let (shared, pool) = (shared.clone(), $pool.clone());
            let limit = AtMost::new($at_once); // outlives the restarts of its worker
            $monitor = $monitor.register(move |boot| {
                let config = <$config>::default()
                    .queue($queue.name())
                    .batch_size(1) // a larger buffer would run jobs twice: it sends no heartbeat
                    .heartbeat_interval(shared.config.lease / 3)
                    .missed_heartbeats(3);
                let name = format!("{}.{}.{boot}", shared.name, $queue.name());
                let backend = $storage::<Job>::new(&pool).with_config(config).poll_with_interval(POLL);
                WorkerBuilder::new(name.as_str()).backend(backend).data(shared.clone()).layer(limit.clone()).build($handler)
            });
        })*};
    }
    let mut monitor = Monitor::new().should_restart(|_, _| true).shutdown_timeout(shared.config.drain);
    if shared.db.is_sqlite() {
        let pool = shared.db.writer().get_sqlite_connection_pool();
        register!(monitor, SqliteStorage, apalis_sqlite::Config, pool,
            Queue::ContactsImport => import, 2; Queue::ContactJobs => contact_job, 2; Queue::ExportsRun => export, 2; Queue::CampaignsPrepare => prepare, 2; Queue::MessagesDeliver => deliver, 4;);
    } else {
        let pool = shared.db.writer().get_postgres_connection_pool();
        register!(monitor, PostgresStorage, apalis_postgres::Config, pool,
            Queue::ContactsImport => import, 2; Queue::ContactJobs => contact_job, 2; Queue::ExportsRun => export, 2; Queue::CampaignsPrepare => prepare, 2; Queue::MessagesDeliver => deliver, 4;);
    }
    let stop = shared.clone();
    let signal = async move {
        stop.stopped().await;
        io::Result::Ok(())
    };
    if let Err(e) = monitor.run_with_signal(signal).await {
        tracing::error!(error = %e, "the job queues ended");
    }
}

/// Reads an uploaded file into contacts.
async fn import(job: Job, shared: Data<Shared>) -> Result<(), BoxDynError> {
    let id = ImportId(job.id);
    let span = info_span!(target: TARGET, parent: None, "imports.run", otel.kind = "consumer", otel.status_code = Empty, carillon.import_id = %id);
    traced(span, imports::run(&shared.db, &shared.scope, id, &shared.name)).await?;
    know_sizes(&shared).await;
    Ok(())
}

/// What has grown much is read by plans for what it was, unless PostgreSQL is told.
async fn know_sizes(shared: &Shared) {
    if let Err(e) = domain::housekeeping::analyze(&shared.db).await {
        tracing::warn!(error = %e, "PostgreSQL was not told what has grown; it finds out by itself");
    }
}

/// Works on many contacts.
async fn contact_job(job: Job, shared: Data<Shared>) -> Result<(), BoxDynError> {
    let id = ContactJobId(job.id);
    let span = info_span!(target: TARGET, parent: None, "contact_jobs.run", otel.kind = "consumer", otel.status_code = Empty, carillon.contact_job_id = %id);
    Ok(traced(span, contact_jobs::run(&shared.db, &shared.scope, id, &shared.name)).await?)
}

/// Writes contacts or a list into a table.
async fn export(job: Job, shared: Data<Shared>) -> Result<(), BoxDynError> {
    let id = ExportId(job.id);
    let span = info_span!(target: TARGET, parent: None, "exports.run", otel.kind = "consumer", otel.status_code = Empty, carillon.export_id = %id);
    Ok(traced(span, exports::run(&shared.db, &shared.scope, id, &shared.name)).await?)
}

/// Freezes a campaign and hands it to the pumps.
async fn prepare(job: Job, shared: Data<Shared>) -> Result<(), BoxDynError> {
    // A name of this run alone: apalis may give the job out again while it runs, also to this very process, and two runs
    // under one name would be at the same page. The lease is short enough that a campaign whose worker was killed goes on
    // within ten seconds.
    let run = format!("{}/{}", shared.name, domain::ids::encode(domain::ids::uuid_v7(shared.scope.clock.now())));
    let id = CampaignId(job.id);
    let span = info_span!(target: TARGET, parent: None, "campaigns.prepare", otel.kind = "consumer", otel.status_code = Empty, carillon.campaign_id = %id);
    know_sizes(&shared).await;
    traced(span, campaigns::prepare(&shared.db, &shared.scope, id, &run, shared.config.lease * 3 / 2)).await?;
    shared.wake.nudge(Queue::MessagesDeliver);
    Ok(())
}

/// Wakes the pumps of this process: they find what is ready by themselves.
async fn deliver(_: Job, shared: Data<Shared>) -> Result<(), BoxDynError> {
    shared.wake.nudge(Queue::MessagesDeliver);
    Ok(())
}
