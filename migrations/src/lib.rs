//! The schema, one step a file, named `m<date>_<number>_<capability>_<what>`.
//!
//! Invariants: a step that has landed is never edited; version N−1 of the program works on schema N; the same text
//! makes both schemas (see [`schema`]): UUID, BIGINT (also time in µs and money in micro-units), TEXT, JSONB, BYTEA,
//! BOOLEAN. Every index says in a comment which query it serves.

mod m20261121_000001_accounts_create;
mod m20261121_000002_contacts_create;
mod m20261121_000003_templates_create;
mod m20261121_000004_billing_create;
mod m20261121_000005_messages_create;
mod m20261121_000006_campaigns_create;
mod m20261121_000007_events_create;
mod m20261122_000101_message_filters_create;
mod m20261122_000201_blacklist_sources;
mod m20261122_000301_operator_tokens_create;
mod m20261122_000302_carriers_health;
mod m20261122_000303_routes_create;
mod m20261122_000401_messages_fillfactor;
mod m20261122_000501_inbound_messages_create;
mod m20261122_000502_unsubscribes_create;
mod m20261122_000503_messages_validity;
mod m20261122_000601_carriers_http;
mod m20261122_000701_messages_attempts;
mod m20261122_000801_campaigns_pacing;
mod m20261122_001101_contacts_outcomes;
mod m20261122_001102_segments_create;
mod m20261122_001103_contacts_search;
mod m20261122_001201_imports_errors_until;
mod m20261122_001202_exports_create;
mod m20261122_001301_contacts_consents;
mod m20261122_001302_groups_values;
mod m20261122_001303_trash_create;
mod m20261122_001304_contact_jobs_create;
mod m20261122_001401_carriers_smpp;
mod m20261122_001402_messages_resend;
mod m20261122_001403_doubts_resolved;
mod m20261122_001501_accounts_quiet_hours;
mod m20261122_001502_messages_frequency;
mod m20261122_001601_contacts_region;
mod m20261122_001701_contacts_parents;
mod m20261122_001801_contacts_parents;
mod m20261122_001901_imports_cancelled;
mod m20261122_002001_contacts_search_again;
mod m20261122_002002_contacts_operators;
mod m20261122_002101_balances_held;
mod m20261122_002201_carriers_breaker;
mod m20261122_002301_contacts_time_zone;
mod m20261122_002302_ported_numbers_create;
mod schema;

use sea_orm_migration::prelude::*;

/// Runs the steps in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_accounts_create::Step),
            Box::new(m20261121_000002_contacts_create::Step),
            Box::new(m20261121_000003_templates_create::Step),
            Box::new(m20261121_000004_billing_create::Step),
            Box::new(m20261121_000005_messages_create::Step),
            Box::new(m20261121_000006_campaigns_create::Step),
            Box::new(m20261121_000007_events_create::Step),
            Box::new(m20261122_000101_message_filters_create::Step),
            Box::new(m20261122_000201_blacklist_sources::Step),
            Box::new(m20261122_000301_operator_tokens_create::Step),
            Box::new(m20261122_000302_carriers_health::Step),
            Box::new(m20261122_000303_routes_create::Step),
            Box::new(m20261122_000401_messages_fillfactor::Step),
            Box::new(m20261122_000501_inbound_messages_create::Step),
            Box::new(m20261122_000502_unsubscribes_create::Step),
            Box::new(m20261122_000503_messages_validity::Step),
            Box::new(m20261122_000601_carriers_http::Step),
            Box::new(m20261122_000701_messages_attempts::Step),
            Box::new(m20261122_000801_campaigns_pacing::Step),
            Box::new(m20261122_001101_contacts_outcomes::Step),
            Box::new(m20261122_001102_segments_create::Step),
            Box::new(m20261122_001103_contacts_search::Step),
            Box::new(m20261122_001301_contacts_consents::Step),
            Box::new(m20261122_001302_groups_values::Step),
            Box::new(m20261122_001303_trash_create::Step),
            Box::new(m20261122_001401_carriers_smpp::Step),
            Box::new(m20261122_001402_messages_resend::Step),
            Box::new(m20261122_001403_doubts_resolved::Step),
            Box::new(m20261122_001304_contact_jobs_create::Step),
            Box::new(m20261122_001201_imports_errors_until::Step),
            Box::new(m20261122_001202_exports_create::Step),
            Box::new(m20261122_001501_accounts_quiet_hours::Step),
            Box::new(m20261122_001502_messages_frequency::Step),
            Box::new(m20261122_001601_contacts_region::Step),
            Box::new(m20261122_001701_contacts_parents::Step),
            Box::new(m20261122_001801_contacts_parents::Step),
            Box::new(m20261122_002201_carriers_breaker::Step),
            Box::new(m20261122_002001_contacts_search_again::Step),
            Box::new(m20261122_001901_imports_cancelled::Step),
            Box::new(m20261122_002002_contacts_operators::Step),
            Box::new(m20261122_002101_balances_held::Step),
            Box::new(m20261122_002301_contacts_time_zone::Step),
            Box::new(m20261122_002302_ported_numbers_create::Step),
        ]
    }
}
