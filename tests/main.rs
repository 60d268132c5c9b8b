//! Integration tests: the real program as a process of its own, spoken to over HTTP only, on SQLite and on PostgreSQL.
//!
//! One file per capability. `both!` makes every test twice, in the modules `sqlite` and `postgres`; the second half runs
//! when `CARILLON_TEST_POSTGRES` names a server on which databases may be made. See `harness`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod harness;

mod admin;
mod batches;
mod blacklist;
mod campaigns;
mod contact_jobs;
mod contacts;
mod contract;
mod crashes;
mod delivery;
mod doubts;
mod events;
mod exports;
mod frequency;
mod http_carriers;
mod imports;
mod inbound_messages;
mod main_job;
mod message_filters;
mod messages;
mod money;
mod network;
mod numbers;
mod pacing;
mod ported_numbers;
mod process;
mod quick_add;
mod quiet_hours;
mod routes;
mod security;
mod smpp_carriers;
mod traces;
mod trash;
mod unsubscribes;
mod validity;
