//! Contacts in the trash.

use actix_web::{delete, get, post, web::Data};
use domain::{
    Error,
    clock::Timestamp,
    contacts,
    ids::ContactId,
    scope::AccountScope,
    trash::{self, Restored, TrashedContact as Row},
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::{Json, NoBody},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
    v1::contacts::{self as contact_api, Contact, asked_phone},
};

/// The routes of contacts.
pub(super) fn routes(config: &mut ServiceConfig) {
    // the literal paths before those with `{id}`
    config.service(list_contacts).service(restore_contacts).service(purge_contacts);
    config.service(get_contact).service(restore_contact).service(purge_contact);
}

/// A contact in the trash.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "contact": crate::openapi::example_of(&<Contact as utoipa::PartialSchema>::schema()),
    "trashed_at": "2026-11-21T10:00:00.000000Z",
    "purge_at": "2026-12-21T10:00:00.000000Z"
}))]
pub struct TrashedContact {
    /// The contact as it was; its groups are those that it joins again when it is restored.
    pub contact: Contact,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// When it is purged; until then it can be restored.
    pub purge_at: Timestamp,
}

async fn shown(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    rows: Vec<Row>,
) -> domain::Result<Vec<TrashedContact>> {
    let times: Vec<(Timestamp, Timestamp)> = rows.iter().map(|row| (row.trashed_at, row.purge_at)).collect();
    let contacts = rows.into_iter().map(|row| (row.group_ids, row.contact)).collect();
    let contacts = contacts::shown_in(conn, scope, contacts).await?.into_iter().map(Contact::from);
    let one = |(contact, (trashed_at, purge_at))| TrashedContact { contact, trashed_at, purge_at };
    Ok(contacts.zip(times).map(one).collect())
}

/// Contacts of the trash to restore or to purge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}))]
pub struct TrashContacts {
    /// 1 to 10,000 contacts.
    pub contact_ids: Vec<ContactId>,
}

/// A contact that was not restored, and the one that stands in its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "taken_by": "con_01kb0000000000000000000000"}))]
pub struct TrashedContactTaken {
    /// The contact in the trash.
    pub id: ContactId,
    /// The contact that has its number or external id.
    pub taken_by: ContactId,
}

/// What became of contacts that were to be restored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"restored": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"], "taken": [], "not_found": []}))]
pub struct TrashRestored {
    /// Contacts that are back.
    pub restored: Vec<ContactId>,
    /// Contacts whose number or external id another contact has by now; they stay in the trash.
    pub taken: Vec<TrashedContactTaken>,
    /// Ids that are not in the trash.
    pub not_found: Vec<ContactId>,
}

impl From<Restored> for TrashRestored {
    fn from(done: Restored) -> Self {
        let Restored { restored, taken, not_found } = done;
        let taken = taken.into_iter().map(|(id, taken_by)| TrashedContactTaken { id, taken_by }).collect();
        Self { restored, taken, not_found }
    }
}

/// How many contacts were purged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"purged": 1}))]
pub struct TrashPurged {
    /// Contacts that were in the trash and are gone.
    pub purged: u64,
}

/// Which contacts of the trash to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListTrashedContacts {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only contacts of this number; there may be several.
    pub phone: Option<String>,
}

/// List contacts in the trash
///
/// In the order of their making. For example, `GET /v1/trash/contacts?phone=%2B447400123456`.
#[utoipa::path(
    operation_id = "trash.list_contacts",
    tag = "Trash",
    security(("bearer" = ["contacts:read"])),
    params(ListTrashedContacts),
    responses((status = OK, description = "A page of contacts in the trash.", body = Page<TrashedContact>)),
)]
#[get("/trash/contacts")]
async fn list_contacts(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListTrashedContacts>,
) -> Result<Reply<Page<TrashedContact>>, Failure> {
    let ListTrashedContacts { limit, after, phone } = asked;
    let window = window::<ContactId>(limit, after.as_deref())?;
    let (rows, more) = trash::list_contacts(app.db.read(), &scope, asked_phone(phone)?, window).await?;
    let next_cursor = rows.last().filter(|_| more).map(|row| row.contact.id.to_string());
    Ok(Reply::ok(Page { data: shown(app.db.read(), &scope, rows).await?, has_more: more, next_cursor }))
}

/// Get a contact in the trash
///
/// For example, `GET /v1/trash/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "trash.get_contact",
    tag = "Trash",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactId, Path)),
    responses((status = OK, description = "The contact in the trash.", body = TrashedContact)),
)]
#[get("/trash/contacts/{id}")]
async fn get_contact(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactId>,
) -> Result<Reply<TrashedContact>, Failure> {
    let row = trash::get_contact(app.db.read(), &scope, id).await?;
    let contact = shown(app.db.read(), &scope, vec![row]).await?.pop();
    Ok(Reply::ok(contact.ok_or_else(|| Error::internal("a contact is not shown"))?))
}

/// Restore a contact
///
/// With its id, values, consents and those of its groups that are there. When another contact has its number or external
/// id by now, it is refused with `already_exists` and that contact's id: there are never two contacts of one number. For
/// example, `POST /v1/trash/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b/restore`.
#[utoipa::path(
    operation_id = "trash.restore_contact",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactId, Path), Key),
    responses((status = OK, description = "The contact, restored.", body = Contact)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/trash/contacts/{id}/restore")]
async fn restore_contact(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactId>,
    key: Key,
    _: NoBody,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = trash::restore_contact(tx, &scope, id).await?;
        let (contact, version) = contact_api::shown(tx, &scope, row).await?;
        Ok(Reply::ok(contact).tagged(version))
    })
    .await
}

/// Restore several contacts
///
/// Each that can be; the others are told and stay in the trash. Of several with one number the one made last comes back.
/// For example, `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
#[utoipa::path(
    operation_id = "trash.restore_contacts",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = OK, description = "What became of each.", body = TrashRestored)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/trash/contacts/restore")]
async fn restore_contacts(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(TrashContacts { contact_ids }): Json<TrashContacts>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        Ok(Reply::ok(TrashRestored::from(trash::restore_contacts(tx, &scope, &contact_ids).await?)))
    })
    .await
}

/// Purge a contact
///
/// Deletes it for good, with its statements of consent. For example,
/// `DELETE /v1/trash/contacts/con_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "trash.purge_contact",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/trash/contacts/{id}")]
async fn purge_contact(app: Data<App>, Auth(scope): Auth, Id(id): Id<ContactId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    trash::get_contact(&tx, &scope, id).await?;
    trash::purge_contacts(&tx, &scope, &[id]).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Purge several contacts
///
/// Deletes contacts of the trash for good, with their statements of consent; others are left alone. For example,
/// `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
#[utoipa::path(
    operation_id = "trash.purge_contacts",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = OK, description = "How many are gone.", body = TrashPurged)),
)]
#[post("/trash/contacts/purge")]
async fn purge_contacts(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(TrashContacts { contact_ids }): Json<TrashContacts>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        Ok(Reply::ok(TrashPurged { purged: trash::purge_trashed(tx, &scope, &contact_ids).await? }))
    })
    .await
}
