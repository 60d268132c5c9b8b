//! How a carrier's connections are: workers report what they hold, the operator and the routing read it.
//!
//! Nothing else depends on these rows: a report that is lost is made again within [`EVERY`], and one that is older than
//! [`STALE`] is of a worker that is gone.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;

use super::Carrier;
use crate::{
    clock::Timestamp,
    db::{Field, Records, Sql},
    error::Result,
    ids::CarrierId,
    scope::{OperatorScope, SystemScope},
    vals,
};

/// How often a worker reports at least.
pub const EVERY: Duration = Duration::from_secs(10);
/// How old a report may be before its worker counts as gone.
pub const STALE: Duration = Duration::from_secs(30);

crate::text_enum! {
    /// How a connection to a carrier is.
    pub enum BindState("BindState") {
        /// No worker holds it: the carrier is off, or was just made, or no worker runs.
        Unassigned = "unassigned",
        /// A worker is connecting and logging in.
        Binding = "binding",
        /// It is up.
        Connected = "connected",
        /// It could not be made, or was lost; it is tried again at `retry_at`.
        BackingOff = "backing_off",
        /// Its worker has said nothing for 30 seconds.
        Silent = "silent",
    }
}

crate::text_enum! {
    /// How the connections of a carrier are, taken together.
    pub enum CarrierState("CarrierState") {
        /// The carrier is off.
        Disabled = "disabled",
        /// Every connection is up and well.
        Up = "up",
        /// Some connections are not up, or answer with faults.
        Degraded = "degraded",
        /// No connection is up.
        Down = "down",
        /// No worker has said anything of it yet, or lately.
        Unknown = "unknown",
    }
}

crate::text_enum! {
    /// What a connection to a carrier is for.
    pub enum BindKind("BindKind") {
        /// Messages go out by it and receipts come in; also the one of an HTTP carrier.
        Transceiver = "transceiver",
        /// Messages go out by it.
        Transmitter = "transmitter",
        /// Receipts and messages from subscribers come in by it.
        Receiver = "receiver",
    }
}

/// How a carrier is, by its connections. Without one that submits it is down, whatever it may receive.
pub fn state(enabled: bool, binds: &[Bind]) -> CarrierState {
    let count = |state: BindState| binds.iter().filter(|bind| bind.state == state).count();
    match count(BindState::Connected) {
        _ if !enabled => CarrierState::Disabled,
        n if n == binds.len() && binds.iter().all(|bind| bind.tripped_until.is_none()) => CarrierState::Up,
        n if n > 0 && !binds.iter().any(|b| b.state == BindState::Connected && b.kind != BindKind::Receiver) => {
            CarrierState::Down
        }
        0 if count(BindState::Unassigned) + count(BindState::Silent) == binds.len() => CarrierState::Unknown,
        0 => CarrierState::Down,
        _ => CarrierState::Degraded,
    }
}

/// What is known of one connection.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Bind {
    /// Its number within the carrier, from 0.
    pub n: i64,
    /// What it is for.
    pub kind: BindKind,
    pub state: BindState,
    /// The version of SMPP that the carrier named when it was bound, such as `3.4`; none: it named none.
    pub interface_version: Option<String>,
    /// The worker that holds it.
    pub owner: Option<String>,
    /// Since when it is connected, or not.
    pub since: Option<Timestamp>,
    /// When the next connection is tried.
    pub retry_at: Option<Timestamp>,
    /// How many submits may be unanswered.
    pub window_size: i64,
    /// How many are.
    pub window_used: i64,
    /// Until when the carrier has asked us to wait.
    pub throttled_until: Option<Timestamp>,
    /// Until when routing passes it over, since it answers with faults.
    pub tripped_until: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    /// When the worker last said all this.
    pub reported_at: Option<Timestamp>,
}

const FIELDS: &[(&str, Field)] = &[
    ("carrier", Field::Id),
    ("n", Field::Int),
    ("owner", Field::Text),
    ("state", Field::Text),
    ("kind", Field::Text),
    ("version", Field::Text),
    ("since", Field::Int),
    ("retry", Field::Int),
    ("size", Field::Int),
    ("used", Field::Int),
    ("throttled", Field::Int),
    ("tripped", Field::Int),
    ("error", Field::Text),
    ("error_at", Field::Int),
];

/// Writes what a worker knows of the connections it holds, in one statement.
///
/// # Errors
/// When the database refuses.
pub async fn report(tx: &DatabaseTransaction, scope: &SystemScope, binds: &[(CarrierId, Bind)]) -> Result<()> {
    let rows = binds.iter().map(|(carrier, bind)| {
        let Bind {
            n,
            kind,
            state,
            interface_version,
            owner,
            since,
            retry_at,
            window_size,
            window_used,
            throttled_until,
            tripped_until,
            last_error,
            last_error_at,
            reported_at: _,
        } = bind;
        json!({
            "carrier": carrier.0.simple().to_string(), "n": n, "owner": owner, "state": state, "since": since.map(|t| t.0),
            "retry": retry_at.map(|t| t.0), "size": window_size, "used": window_used, "throttled": throttled_until.map(|t| t.0),
            "tripped": tripped_until.map(|t| t.0),
            "kind": kind, "version": interface_version, "error": last_error, "error_at": last_error_at.map(|t| t.0),
        })
    });
    let records = Records::new(FIELDS, rows.collect());
    let sql = format!(
        "INSERT INTO carrier_binds (carrier_id, n, owner, state, since, retry_at, window_size, window_used, throttled_until, tripped_until, last_error, last_error_at, kind, interface_version, reported_at) \
         SELECT x.carrier, x.n, x.owner, x.state, x.since, x.retry, x.size, x.used, x.throttled, x.tripped, x.error, x.error_at, x.kind, x.version, $2 FROM {} WHERE true \
         ON CONFLICT (carrier_id, n) DO UPDATE SET owner = excluded.owner, state = excluded.state, since = excluded.since, \
         retry_at = excluded.retry_at, window_size = excluded.window_size, window_used = excluded.window_used, \
         throttled_until = excluded.throttled_until, tripped_until = excluded.tripped_until, last_error = COALESCE(excluded.last_error, carrier_binds.last_error), \
         last_error_at = COALESCE(excluded.last_error_at, carrier_binds.last_error_at), \
         kind = excluded.kind, interface_version = excluded.interface_version, reported_at = excluded.reported_at",
        records.source(tx.get_database_backend(), 1, "x")
    );
    tx.run(&sql, vals![records.value(), scope.clock.now()]).await?;
    Ok(())
}

/// Forgets a connection that its owner has given up; another owner's stays.
///
/// # Errors
/// When the database refuses.
pub async fn forget(tx: &DatabaseTransaction, _: &SystemScope, carrier: CarrierId, n: i64, owner: &str) -> Result<()> {
    let sql = "DELETE FROM carrier_binds WHERE carrier_id = $1 AND n = $2 AND owner = $3";
    tx.run(sql, vals![carrier, n, owner]).await?;
    Ok(())
}

/// Every connection that a carrier should have, in order.
///
/// # Errors
/// When the database cannot be read.
pub async fn binds(conn: &impl ConnectionTrait, scope: &OperatorScope, carrier: &Carrier) -> Result<Vec<Bind>> {
    let sql = "SELECT n, kind, state, interface_version, owner, since, retry_at, window_size, window_used, throttled_until, tripped_until, last_error, \
               last_error_at, reported_at \
               FROM carrier_binds WHERE carrier_id = $1";
    let known: Vec<Bind> = conn.all(sql, vals![carrier.id]).await?;
    let mut known: HashMap<i64, Bind> = known.into_iter().map(|bind| (bind.n, bind)).collect();
    let settings = carrier.shown()?;
    let fresh = scope.clock.now().minus(STALE);
    let bind = |place| match known.remove(&i64::from(place)) {
        Some(bind) if bind.reported_at.is_some_and(|at| at >= fresh) => {
            Bind { tripped_until: bind.tripped_until.filter(|until| *until > scope.clock.now()), ..bind }
        }
        Some(bind) if carrier.enabled => Bind {
            state: BindState::Silent,
            retry_at: None,
            window_used: 0,
            throttled_until: None,
            tripped_until: None,
            ..bind
        },
        // Of a carrier that is off, a last word that crossed the end of its connection says nothing.
        _ => Bind {
            n: i64::from(place),
            kind: settings.bind_kind(place),
            state: BindState::Unassigned,
            interface_version: None,
            owner: None,
            since: None,
            retry_at: None,
            window_size: i64::try_from(settings.window(place)).unwrap_or(i64::MAX),
            window_used: 0,
            throttled_until: None,
            tripped_until: None,
            last_error: None,
            last_error_at: None,
            reported_at: None,
        },
    };
    Ok((0..settings.binds()).map(bind).collect())
}
