//! `/v1/contacts`: whom to send to.

mod merge;
mod quick_add;
mod search;
mod shapes;
mod statistics;
mod upsert;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    Error,
    clock::Timestamp,
    contacts::{self, Consent, Contact as Row, Filter, Listed, Statement},
    groups,
    ids::{ConsentId, ContactId, GroupId},
    phone::{self, Msisdn, Rule},
    scope::AccountScope,
    trash,
};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use quick_add::{QuickAdd, QuickAddFound, QuickAdded};
pub use search::{ContactSearch, ContactsFound};
pub(super) use shapes::object;
pub use shapes::{
    Contact, ContactConsent, ContactConsentPatch, ContactPatch, ContactStatement, FieldValue, NewContact,
    NewContactConsent,
};

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        idempotency::Key,
        json::Json,
        paging::{Page, Query, asked_country, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(search::search).service(quick_add::quick_add).service(upsert::upsert);
    config.service(statistics::figures).service(statistics::chart);
    config
        .service(list)
        .service(create)
        .service(merge::merge)
        .service(get)
        .service(update)
        .service(delete)
        .service(consents);
}

/// Which contacts to list; filters are joined by "and".
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListContacts {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only members of this group.
    pub group_id: Option<GroupId>,
    /// Only the contact with this number.
    pub phone: Option<String>,
    /// Only numbers of this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Only numbers of this operator, also ported ones.
    pub operator: Option<String>,
    /// Only the contact with this id of yours.
    pub external_id: Option<String>,
    /// Only this state of consent.
    pub consent: Option<Consent>,
    /// Only contacts made at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Only contacts made before this moment.
    pub created_before: Option<Timestamp>,
    /// Only contacts with this in a name, the number, the e-mail address, the company, your own id, an own field (but for
    /// booleans) or the comment; at least 3 letters or digits, whatever their case and accents. Numbers in any writing, as
    /// `0151 234-56`.
    #[param(min_length = 3, max_length = 200)]
    pub search: Option<String>,
}

/// Which statements of consent to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListContactStatements {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// How a contact is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteContact {
    /// True: for good, with its statements of consent. Else it goes to the trash.
    #[param(default = false)]
    pub permanently: Option<bool>,
}

/// The number of a filter. An unescaped `+` arrives as a space, so bare digits are taken as international.
pub(super) fn asked_phone(name: &str, raw: Option<String>) -> Result<Option<Msisdn>, Failure> {
    let read = |raw: String| phone::parse(raw.trim(), &Rule::None).map(|parsed| parsed.number);
    let bad = |e: phone::PhoneError| Error::parameter(name, e.code, format!("cannot be read: {}", e.detail));
    Ok(raw.map(read).transpose().map_err(bad)?)
}

/// What is searched for, folded as the texts are.
fn asked_term(raw: &str) -> Result<String, Failure> {
    let term = contacts::search::sought(raw);
    if !(contacts::search::MIN_TERM..=contacts::filter::MAX_TEXT).contains(&term.chars().count()) {
        return Err(Error::parameter("search", "invalid_length", "must have 3 to 200 letters or digits").into());
    }
    Ok(term)
}

/// One contact as it is shown, and its version.
pub(super) async fn shown(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    row: Row,
) -> domain::Result<(Contact, i64)> {
    let version = row.version;
    let shown = contacts::shown(conn, scope, vec![row]).await?.pop();
    let shown = shown.ok_or_else(|| Error::internal("a contact is not shown"))?;
    Ok((shown.into(), version))
}

/// How many contacts a page looks at when something is asked that no index serves.
pub(super) const REACH: usize = 20_000;

/// A page of contacts with the groups of each.
pub(super) async fn page(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    Listed { rows, next }: Listed,
) -> domain::Result<Page<Contact>> {
    let data = contacts::shown(conn, scope, rows).await?.into_iter().map(Contact::from).collect();
    Ok(Page { data, has_more: next.is_some(), next_cursor: next.map(|id| id.to_string()) })
}

/// List contacts
///
/// In the order of their making. For example, `GET /v1/contacts?group_id=grp_01kazsw6e3f8e9xq2m4r7t5v0b` lists the
/// members of a group, `GET /v1/contacts?phone=%2B447400123456` finds the contact of a number, and `GET /v1/contacts?search=smith` those with
/// these letters in one of their texts.
///
/// For `country`, `operator`, `consent` and what many contacts have in their texts, contacts are looked through, 20,000 a page at
/// most: such a page may be short or empty and still have `has_more`; go on with its `next_cursor`.
#[utoipa::path(
    operation_id = "contacts.list",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    params(ListContacts),
    responses((status = OK, description = "A page of contacts.", body = Page<Contact>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
#[get("/contacts")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListContacts>,
) -> Result<Reply<Page<Contact>>, Failure> {
    let ListContacts {
        limit,
        after,
        group_id,
        phone,
        country,
        operator,
        external_id,
        consent,
        created_after,
        created_before,
        search,
    } = asked;
    let conn = app.db.read();
    if let Some(id) = group_id
        && groups::named(conn, &scope, &[id]).await?.is_empty()
    {
        return Err(Error::not_found("group").into());
    }
    let filter = Filter {
        group: group_id,
        phone: asked_phone("phone", phone)?,
        country: asked_country(country)?,
        operator,
        external_id,
        consent,
        created_after,
        created_before,
        search: search.as_deref().map(asked_term).transpose()?,
    };
    let listed = contacts::list(conn, &scope, &filter, window(limit, after.as_deref())?, Some(REACH)).await?;
    Ok(Reply::ok(page(conn, &scope, listed).await?))
}

/// Create a contact
///
/// One contact per number: a second one is refused with the id of the first. Country, region, operator, line type and, unless one is
/// given, time zone follow from the number. For example, `{"phone": "+447400123456", "first_name": "Anna", "fields": {"city": "Leeds"}}`.
#[utoipa::path(
    operation_id = "contacts.create",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = CREATED, description = "The contact.", body = Contact)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/contacts")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewContact>) -> Result<Answer, Failure> {
    let new = contacts::New::from(new);
    key.run(&app, &scope, async |tx| {
        let row = contacts::create(tx, &scope, new).await?;
        let (contact, version) = shown(tx, &scope, row).await?;
        Ok(Reply::created(contact).tagged(version))
    })
    .await
}

/// Get a contact
///
/// For example, `GET /v1/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "contacts.get",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactId, Path)),
    responses((status = OK, description = "The contact.", body = Contact)),
)]
#[get("/contacts/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<ContactId>) -> Result<Reply<Contact>, Failure> {
    let row = contacts::get(app.db.read(), &scope, id).await?;
    let (contact, version) = shown(app.db.read(), &scope, row).await?;
    Ok(Reply::ok(contact).tagged(version))
}

/// Change a contact
///
/// A merge patch: what is left out stays, null clears, also inside `fields` and `metadata`. For example,
/// `{"first_name": "Anne", "company": null, "fields": {"city": null}}`; `{"time_zone": "America/Denver"}` sets the zone whose clock
/// counts for quiet hours and windows of campaigns, `{"time_zone": null}` gives it back to the number.
#[utoipa::path(
    operation_id = "contacts.update",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactId, Path), IfMatch),
    responses((status = OK, description = "The contact as it is now.", body = Contact)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[patch("/contacts/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ContactPatch>,
) -> Result<Reply<Contact>, Failure> {
    let tx = app.db.begin().await?;
    let row = contacts::update(&tx, &scope, id, patch.into(), expected).await?;
    let (contact, version) = shown(&tx, &scope, row).await?;
    tx.commit().await?;
    Ok(Reply::ok(contact).tagged(version))
}

/// List what a contact has said to being written to
///
/// Every statement of consent, oldest first, with its time, its source, when it was written down and by which API token:
/// the proof, which no change of the contact takes away. It goes only with the contact, when that is deleted for good.
/// For example, `GET /v1/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b/consents`.
#[utoipa::path(
    operation_id = "contacts.consents",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactId, Path), ListContactStatements),
    responses((status = OK, description = "A page of statements.", body = Page<ContactStatement>)),
)]
#[get("/contacts/{id}/consents")]
async fn consents(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactId>,
    Query(asked): Query<ListContactStatements>,
) -> Result<Reply<Page<ContactStatement>>, Failure> {
    let ListContactStatements { limit, after } = asked;
    let window = window::<ConsentId>(limit, after.as_deref())?;
    let rows = contacts::consents(app.db.read(), &scope, id, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Statement| row.id)))
}

/// Delete a contact
///
/// It goes to the trash, where it can be restored with its id, groups and consents for as long as the account's
/// `trash_days` say (30, unless changed), and is then purged. Until it is restored it is in no list, group, audience or
/// count, and its number may be made or imported anew, as another contact. With `permanently=true` it is purged at once.
/// The messages it received stay in the reports; a number on the blacklist stays there. For example,
/// `DELETE /v1/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "contacts.delete",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactId, Path), DeleteContact, IfMatch),
    responses((status = NO_CONTENT, description = "It is in the trash, or gone.")),
)]
#[delete("/contacts/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactId>,
    Query(asked): Query<DeleteContact>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    trash::contact(&tx, &scope, id, expected).await?;
    if asked.permanently.unwrap_or(false) {
        trash::purge_contacts(&tx, &scope, &[id]).await?;
    }
    tx.commit().await?;
    Ok(NoContent)
}
