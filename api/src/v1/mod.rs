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
//! 6. add `.configure(things::routes)` below, literal paths before those with `{id}`.

pub mod blacklist;
pub mod contact_fields;
pub mod contacts;
pub mod groups;
pub mod imports;
pub mod templates;
#[cfg(test)]
mod tests_contacts;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every resource of `/v1`.
pub fn routes(config: &mut ServiceConfig) {
    // the literal `/contacts/imports` before `/contacts/{id}`
    config.configure(imports::routes).configure(contacts::routes).configure(contact_fields::routes);
    config.configure(groups::routes).configure(blacklist::routes);
    config.configure(templates::routes);
}
