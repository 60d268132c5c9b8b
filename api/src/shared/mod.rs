//! What every resource gets for free. A request passes [`front`], is read by [`json`], [`path`] and [`idempotency`],
//! and is answered by [`reply`] or a [`problem`].

pub mod auth;
pub mod conditional;
pub mod front;
pub mod idempotency;
pub mod json;
pub mod metrics;
pub mod operations;
pub mod paging;
pub mod path;
pub mod problem;
pub mod progress;
pub mod rate_limit;
pub mod reply;
mod strict;
pub mod svg;
pub mod traces;
