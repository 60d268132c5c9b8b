//! `/v1/trash`: deleted contacts and groups, until they are restored or purged.

mod contacts;
mod groups;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(contacts::routes).configure(groups::routes);
}
