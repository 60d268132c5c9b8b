//! REST, version 1. To add a resource `things`:
//!
//! 1. write `v1/things.rs` after the pattern of [`templates`]: request, response, handlers and `routes` in one file;
//! 2. each handler has `#[utoipa::path(operation_id, tag, security(("bearer" = ["things:read"])), params, responses,
//!    extensions(("x-errors" = json!([…]))))]` over `#[get("/things")]`: the scope and the query parameters are enforced
//!    from there, and codes that every operation can answer need no mention; params are the query struct (`ListThings`),
//!    `("id" = ThingId, Path)`, `IfMatch`, `Key` or `RequiredKey`; a body of `Json` is found by itself;
//! 3. give each request and response struct `#[schema(example = json!(…))]`, and each request `deny_unknown_fields`;
//! 4. arguments: `app: Data<App>`, `Auth(scope): Auth`, `Id(id): Id<ThingId>`, `Query(asked): Query<ListThings>`,
//!    `Json(new): Json<NewThing>`, `IfMatch(expected): IfMatch`, `key: Key` or `RequiredKey(key): RequiredKey`;
//! 5. a POST runs in `key.run(&app, &scope, async |tx| …)`, another write in `app.db.begin()`; reads use `app.db.read()`;
//!    while a transaction is open, nothing else is begun (SQLite has one writer); a nudge comes after the commit;
//! 6. add `.configure(things::routes)` below, literal paths before those with `{id}`.

pub mod account;
pub mod admin;
pub mod api_tokens;
pub mod balance;
pub mod blacklist;
pub mod campaigns;
pub mod carrier_callbacks;
pub mod contact_fields;
pub mod contact_jobs;
pub mod contacts;
pub mod events;
pub mod exports;
pub mod files;
pub mod groups;
pub mod imports;
pub mod inbound_messages;
pub mod message_filters;
pub mod messages;
pub mod numbers;
pub mod rates;
pub mod reports;
pub mod segments;
pub mod senders;
pub mod templates;
#[cfg(test)]
mod tests_contacts;
pub mod trash;
pub mod unsubscribes;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every resource of `/v1`.
pub fn routes(config: &mut ServiceConfig) {
    config
        // First, since paths are tried in this order, and sends are what comes most.
        .configure(messages::routes)
        .configure(account::routes)
        .configure(admin::routes)
        .configure(api_tokens::routes)
        .configure(balance::routes)
        .configure(blacklist::routes)
        .configure(campaigns::routes)
        .configure(carrier_callbacks::routes)
        .configure(contact_fields::routes)
        .configure(contact_jobs::routes)
        // the literal `/contacts/imports` before `/contacts/{id}`
        .configure(imports::routes)
        .configure(contacts::routes)
        .configure(events::routes)
        .configure(exports::routes)
        .configure(files::routes)
        .configure(groups::routes)
        .configure(inbound_messages::routes)
        .configure(message_filters::routes)
        .configure(numbers::routes)
        .configure(rates::routes)
        .configure(reports::routes)
        .configure(segments::routes)
        .configure(senders::routes)
        .configure(templates::routes)
        .configure(trash::routes)
        .configure(unsubscribes::routes);
}

/// Checks a request's `metadata` and gives it as stored: at most 50 keys of 40 characters, values of 500.
fn metadata(map: std::collections::BTreeMap<String, String>) -> domain::Result<serde_json::Value> {
    let mut faults = domain::error::Faults::default();
    if map.len() > 50 {
        faults.add("/metadata", "too_many", "must have at most 50 keys");
    }
    for (key, value) in &map {
        faults.text(&format!("/metadata/{key}"), key, 40);
        faults.optional_text(&format!("/metadata/{key}"), Some(value), 500);
    }
    faults.check()?;
    Ok(serde_json::json!(map))
}
