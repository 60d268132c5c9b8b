//! `POST /v1/contacts/search`: contacts by a filter, which is too large for a query.

use actix_web::{post, web::Data};
use domain::{
    contacts::{ContactFilter, Tree, filter},
    scope::AccountScope,
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Contact, REACH, page};
use crate::{
    App,
    shared::{
        auth::Auth,
        json::Json,
        paging::{Page, Query, window},
        problem::Failure,
        reply::Reply,
    },
};

/// Which page of what is found.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchContacts {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// What to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "filter": {"all": [
        {"field": "country", "equals": "GB"},
        {"field": "birth_date", "anniversary_within_days": 7},
        {"not": {"field": "last_outcome", "any_of": ["undelivered", "rejected"]}}
    ]},
    "count": true
}))]
pub struct ContactSearch {
    /// Which contacts; all of them, if left out.
    pub filter: Option<ContactFilter>,
    /// Whether to count all that match, which reads every one of them: of a million contacts about a second.
    #[serde(default)]
    pub count: bool,
}

/// A page of the contacts that were found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "data": [{
        "id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "phone": "+447400123456", "country": "GB", "region": null,
        "operator": "Three", "line_type": "mobile", "first_name": "Anna", "last_name": null, "patronymic": null, "birth_date": "1990-11-25",
        "sex": "female", "email": null, "company": null, "link": null, "comment": null, "language": "en",
        "external_id": null, "consent": {"status": "unknown", "at": null, "source": null}, "fields": {"city": "Leeds"},
        "metadata": {}, "group_ids": [], "created_at": "2026-11-21T10:00:00.000000Z",
        "updated_at": "2026-11-21T10:00:00.000000Z"
    }],
    "has_more": true,
    "next_cursor": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "count": 1203
}))]
pub struct ContactsFound {
    /// The contacts, in the order of their making.
    pub data: Vec<Contact>,
    /// Whether there are more.
    pub has_more: bool,
    /// What to send as `after` for the next page; null when there is none.
    pub next_cursor: Option<String>,
    /// How many match in all, exactly; null unless `count` asked for it.
    pub count: Option<i64>,
}

/// Reads a filter of a request, which stands at `/filter`; without one it is all contacts.
pub(super) async fn tree(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    given: Option<&ContactFilter>,
) -> domain::Result<Tree> {
    match given {
        Some(given) => filter::read(conn, scope, given, "/filter").await,
        None => Ok(Tree::everything()),
    }
}

/// Search contacts by a filter
///
/// Gives the contacts that match a filter, in the order of their making, a page at a time, and how many they are when
/// `count` asks for it. A filter is `all`, `any` or `not` of filters, or a comparison of a field; docs/contacts-and-imports.md
/// has every field and comparison. What is wrong in it is told with its place, such as `/filter/all/0/equals`. For example,
/// `{"filter": {"all": [{"field": "fields.city", "any_of": ["Leeds", "York"]}, {"field": "age", "gte": 18}]}}`.
///
/// What must hold of every contact and has an index is looked up: a whole number or its beginning, `external_id`, one `group`,
/// `created_at` and `search`. For the rest contacts are looked through, 20,000 a page at most: such a page may be short or
/// empty and still have `has_more`; go on with its `next_cursor`.
#[utoipa::path(
    operation_id = "contacts.search",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    params(SearchContacts),
    responses((status = OK, description = "A page of what was found.", body = ContactsFound)),
)]
#[post("/contacts/search")]
pub(super) async fn search(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<SearchContacts>,
    Json(search): Json<ContactSearch>,
) -> Result<Reply<ContactsFound>, Failure> {
    let SearchContacts { limit, after } = asked;
    let ContactSearch { filter: given, count } = search;
    let conn = app.db.read();
    let tree = tree(conn, &scope, given.as_ref()).await?;
    let listed = filter::list(conn, &scope, &tree, window(limit, after.as_deref())?, Some(REACH)).await?;
    let count = if count { Some(filter::count(conn, &scope, &tree).await?) } else { None };
    let Page { data, has_more, next_cursor } = page(conn, &scope, listed).await?;
    Ok(Reply::ok(ContactsFound { data, has_more, next_cursor, count }))
}
