//! The OpenAPI document: the contract. utoipa collects it from the handlers; what utoipa cannot say is added here,
//! once for every operation: the errors each can answer, the pages' names, the examples.

mod errors;
#[cfg(test)]
mod lint;
mod schemas;

use domain::scope::Scopes;
use utoipa::openapi::{
    Components, Info, OpenApi, OpenApiBuilder, Server,
    path::{Operation, PathItem},
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};
use utoipa_actix_web::{AppExt, scope};

pub(crate) use errors::as_parameter;
#[cfg(test)]
pub(crate) use lint::check_documented;
pub(crate) use schemas::example_of;

use crate::{shared::problem::Problem, v1};

const ABOUT: &str = "\
Send SMS in bulk: import contacts, write a text, launch a campaign, follow every message and every cent.

**Begin.** Send `Authorization: Bearer crl_test_…` with a token of your account. A test account has a simulated carrier \
and play money, and is otherwise the same.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`; `/problems` explains each. A refused body \
tells every faulty field by JSON pointer in `errors`.

**Lists** are `{data, has_more, next_cursor}`; send `next_cursor` as `after` for the next page.

**Sending twice** is prevented by `Idempotency-Key`: the same key and body has one effect and one answer.

**Values.** Money is `{\"amount\": \"12.340000\", \"currency\": \"EUR\"}`, a decimal string; times are RFC 3339 in UTC; \
numbers are E.164; countries ISO 3166 alpha-2. Later versions may add fields and enum values: ignore what you do not know.";

const TAGS: &[(&str, &str)] = &[
    ("Account", "The account behind the token, and its settings."),
    ("API tokens", "What programs show to act for the account."),
    ("Templates", "Texts with markers, kept under a name."),
    ("Senders", "What recipients see as the sender."),
    ("Contact fields", "The account's own fields of a contact."),
    ("Contacts", "Whom to send to."),
    ("Groups", "Lists of contacts."),
    ("Contact jobs", "Work on many contacts: clean-ups, duplicates."),
    ("Trash", "Deleted contacts and groups that can be restored."),
    ("Imports", "Reading contacts from files."),
    ("Exports", "Contacts, the blacklist and unsubscribes as tables for spreadsheets."),
    ("Blacklist", "Numbers that are never sent to."),
    ("Unsubscribes", "Numbers that want nothing more from one sender."),
    ("Campaigns", "One text to many contacts."),
    ("Messages", "Single messages, and every message that was sent."),
    ("Inbound messages", "What subscribers write to the account's senders."),
    ("Balance", "Money: what there is, and where it went."),
    ("Rates", "What a message costs."),
    ("Reports", "What was delivered, where, at what cost."),
    ("Events", "Everything that happened, in order."),
    ("Carriers", "For the operator: the ways out, and how their connections are."),
    ("Routes", "For the operator: which carrier a message goes to."),
    ("Ported numbers", "For the operator: numbers whose operator is another than that of their prefix."),
    ("Operator", "For the operator: looking into any account's messages."),
];

/// The document.
pub fn openapi() -> OpenApi {
    let (_, mut api) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(base())
        .service(scope::scope("/v1").configure(v1::routes))
        .split_for_parts();
    schemas::mend(&mut api);
    errors::document(&mut api);
    drop_unused_tags(&mut api);
    api
}

fn base() -> OpenApi {
    let mut info = Info::new("Carillon", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let scopes: String = Scopes::ALL.iter().map(|(name, what)| format!("\n- `{name}`: {what}")).collect();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("crl_live_… or crl_test_…")
        .description(Some(format!("An API token. Each operation names the scope it needs:\n{scopes}")))
        .build();
    let scopes: String = Scopes::OPERATOR.iter().map(|(name, what)| format!("\n- `{name}`: {what}")).collect();
    let operator = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("crl_op_…")
        .description(Some(format!(
            "A token of whoever runs the platform, made with `carillon admin operator-tokens create`. Operations under \
             `/v1/admin` take no other, and no other operation takes it. Each names the scope it needs:\n{scopes}"
        )))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("operator", SecurityScheme::Http(operator));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut problem = Vec::new();
    domain::schema::add::<Problem>(&mut problem);
    components.schemas.extend(problem);
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(TAGS.iter().map(|(name, what)| TagBuilder::new().name(*name).description(Some(*what)).build())))
        .components(Some(components))
        .build()
}

/// Every operation, with its method in lower case and its path.
fn operations_mut(api: &mut OpenApi) -> impl Iterator<Item = (&'static str, &str, &mut Operation)> {
    api.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, post, put, patch, delete, .. } = item;
        [("get", get), ("post", post), ("put", put), ("patch", patch), ("delete", delete)]
            .into_iter()
            .filter_map(|(method, operation)| Some((method, path.as_str(), operation.as_mut()?)))
    })
}

fn drop_unused_tags(api: &mut OpenApi) {
    let used: Vec<String> = operations_mut(api).flat_map(|(_, _, o)| o.tags.clone().unwrap_or_default()).collect();
    if let Some(tags) = &mut api.tags {
        tags.retain(|t| used.contains(&t.name));
    }
}
