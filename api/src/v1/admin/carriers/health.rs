//! How a carrier's connections are.

use actix_web::{get, web::Data};
use domain::{
    carriers::{
        self,
        health::{Bind, BindKind, BindState, CarrierState},
    },
    clock::Timestamp,
    ids::CarrierId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    shared::{auth::Operator, path::Id, problem::Failure, reply::Reply},
};

/// How a carrier is, as its workers last said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b",
    "state": "degraded",
    "connected": 1,
    "warnings": [],
    "binds": [
        {
            "n": 0, "kind": "transceiver", "state": "connected", "interface_version": "3.4", "owner": "worker-4711-01kazsw6e3f8e9xq2m4r7t5v0b.0.3", "since": "2026-11-21T10:00:00.000000Z", "retry_at": null,
            "window_size": 500, "window_used": 120, "throttled_until": null, "tripped_until": null, "last_error": null, "last_error_at": null,
            "reported_at": "2026-11-21T10:05:00.000000Z"
        },
        {
            "n": 1, "kind": "transceiver", "state": "backing_off", "interface_version": null, "owner": "worker-4711-01kazsw6e3f8e9xq2m4r7t5v0b.1.3", "since": "2026-11-21T10:04:40.000000Z",
            "retry_at": "2026-11-21T10:05:12.000000Z", "window_size": 500, "window_used": 0, "throttled_until": null, "tripped_until": null,
            "last_error": "the carrier refused the bind: ESME_RBINDFAIL", "last_error_at": "2026-11-21T10:04:56.000000Z",
            "reported_at": "2026-11-21T10:05:00.000000Z"
        }
    ]
}))]
pub struct CarrierHealth {
    /// The carrier.
    pub carrier_id: CarrierId,
    /// How its connections are, taken together.
    pub state: CarrierState,
    /// How many connections are up.
    pub connected: i64,
    /// What should not be so although it works, such as a certificate that is not checked.
    pub warnings: Vec<String>,
    /// Every connection that it should have, in order.
    pub binds: Vec<CarrierBind>,
}

/// How one connection to a carrier is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "n": 0, "kind": "transceiver", "state": "connected", "interface_version": "3.4", "owner": "worker-4711-01kazsw6e3f8e9xq2m4r7t5v0b.0.3", "since": "2026-11-21T10:00:00.000000Z", "retry_at": null,
    "window_size": 500, "window_used": 120, "throttled_until": null, "tripped_until": null, "last_error": null, "last_error_at": null,
    "reported_at": "2026-11-21T10:05:00.000000Z"
}))]
pub struct CarrierBind {
    /// Its number, from 0.
    pub n: i64,
    /// What it is for.
    pub kind: BindKind,
    /// How it is.
    pub state: BindState,
    /// The version of SMPP that the carrier named when it was bound, such as `3.4`; null: it named none, or it is not SMPP.
    pub interface_version: Option<String>,
    /// The worker that holds it.
    pub owner: Option<String>,
    /// Since when it is connected, or not.
    pub since: Option<Timestamp>,
    /// When it is tried again, in the state `backing_off`.
    pub retry_at: Option<Timestamp>,
    /// How many submits may be unanswered.
    pub window_size: i64,
    /// How many are, to within two seconds.
    pub window_used: i64,
    /// Until when the carrier has asked us to wait; null: it has not.
    pub throttled_until: Option<Timestamp>,
    /// Until when new messages take other routes, where there are some, since half of its answers were faults; null: it is
    /// well.
    pub tripped_until: Option<Timestamp>,
    /// The last thing that went wrong; kept while the connection is up again.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// When the worker last said all this: at each change of state, and every ten seconds.
    pub reported_at: Option<Timestamp>,
}

impl From<Bind> for CarrierBind {
    fn from(row: Bind) -> Self {
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
            reported_at,
        } = row;
        Self {
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
            reported_at,
        }
    }
}

/// Get a carrier's health
///
/// Each connection with its state, its window, its last error and when it is tried again, from what the workers report
/// at each change and every ten seconds. For example, `GET /v1/admin/carriers/car_01kazsw6e3f8e9xq2m4r7t5v0b/health`.
#[utoipa::path(
    operation_id = "admin_carriers.health",
    tag = "Carriers",
    security(("operator" = ["carriers:read"])),
    params(("id" = CarrierId, Path)),
    responses((status = OK, description = "How its connections are.", body = CarrierHealth)),
)]
#[get("/admin/carriers/{id}/health")]
pub(super) async fn health(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<CarrierId>,
) -> Result<Reply<CarrierHealth>, Failure> {
    let carrier = carriers::find(app.db.read(), &scope, id).await?;
    let binds = carriers::health::binds(app.db.read(), &scope, &carrier).await?;
    let connected = binds.iter().filter(|bind| bind.state == BindState::Connected).count();
    Ok(Reply::ok(CarrierHealth {
        carrier_id: carrier.id,
        state: carriers::health::state(carrier.enabled, &binds),
        connected: i64::try_from(connected).unwrap_or(i64::MAX),
        warnings: carrier.shown()?.warnings(),
        binds: binds.into_iter().map(CarrierBind::from).collect(),
    }))
}
