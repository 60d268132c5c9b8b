//! `/v1/admin`: what the operator of the platform does, with a token of the operator. The recipe is that of `/v1`, with
//! `security(("operator" = ["things:read"]))`, the argument `Operator(scope): Operator`, and a scope of
//! `Scopes::OPERATOR`.

pub mod carriers;
pub mod doubts;
pub mod inbound_messages;
pub mod messages;
pub mod ported_numbers;
pub mod routes;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every resource of `/v1/admin`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(carriers::routes)
        .configure(doubts::routes)
        .configure(inbound_messages::routes)
        .configure(messages::routes)
        .configure(ported_numbers::routes)
        .configure(routes::routes);
}
