//! `/v1/contact-fields`: the account's own fields of a contact.

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    contact_fields::{self, ContactField as Row, FieldType},
    ids::ContactFieldId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        idempotency::Key,
        json::{Json, given},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(update).service(delete).service(replace_choice);
}

/// A field of contacts that the account defined itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "fld_01kazsw6e3f8e9xq2m4r7t5v0b",
    "key": "size",
    "title": "T-shirt size",
    "type": "choice",
    "choices": ["S", "M", "L"],
    "created_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct ContactField {
    /// Its id.
    pub id: ContactFieldId,
    /// What templates (`{{fields.size}}`), requests and imports (`fields.size`) call it.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What may be chosen; empty unless the type is `choice`.
    pub choices: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Row> for ContactField {
    fn from(row: Row) -> Self {
        let Row { id, key, title, kind, choices, created_at, version: _ } = row;
        Self { id, key, title, kind, choices, created_at }
    }
}

/// A contact field to define.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "size", "title": "T-shirt size", "type": "choice", "choices": ["S", "M", "L"]}))]
pub struct NewContactField {
    /// 1 to 40 of a-z, 0-9 and _, beginning with a letter; unique within the account, and it never changes.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub key: String,
    /// What people call it, at most 100 characters.
    pub title: String,
    /// What values it takes; it never changes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// For the type `choice`: 1 to 200 choices.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What to change of a contact field; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"choices": ["S", "M", "L", "XL"]}))]
pub struct ContactFieldPatch {
    /// A new title.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// New choices. Values that contacts have already stay, even when their choice is gone.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub choices: Option<Vec<String>>,
}

/// Which choice to replace, and by what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "M", "to": "Medium"}))]
pub struct ContactFieldChoice {
    /// One of the field's choices, as it is written there.
    pub from: String,
    /// What takes its place, 1 to 100 characters: a new choice, or another of the field's, so that the two become one.
    /// Null: the choice goes, and contacts that had it have no value.
    pub to: Option<String>,
}

/// A contact field whose choice was replaced.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "field": {
        "id": "fld_01kazsw6e3f8e9xq2m4r7t5v0b",
        "key": "size",
        "title": "T-shirt size",
        "type": "choice",
        "choices": ["S", "Medium", "L"],
        "created_at": "2026-11-21T10:00:00.000000Z"
    },
    "contacts_changed": 42
}))]
pub struct ContactFieldReplaced {
    /// The field as it is now.
    pub field: ContactField,
    /// Contacts that had the choice.
    pub contacts_changed: u64,
}

/// Which contact fields to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListContactFields {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List contact fields
///
/// Oldest first; `GET /v1/contact-fields?limit=200` gives all there can be.
#[utoipa::path(
    operation_id = "contact_fields.list",
    tag = "Contact fields",
    security(("bearer" = ["contacts:read"])),
    params(ListContactFields),
    responses((status = OK, description = "A page of contact fields.", body = Page<ContactField>)),
)]
#[get("/contact-fields")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListContactFields>,
) -> Result<Reply<Page<ContactField>>, Failure> {
    let ListContactFields { limit, after } = asked;
    let window = window::<ContactFieldId>(limit, after.as_deref())?;
    // An account has at most 200, so the page is cut from all.
    let mut rows = contact_fields::all(app.db.read(), &scope).await?;
    rows.retain(|row| window.after.is_none_or(|after| row.id > after));
    Ok(Reply::ok(Page::new(window.cut(rows), |row: &Row| row.id)))
}

/// Define a contact field
///
/// An account may define 200. For example, `{"key": "city", "title": "City", "type": "text"}`; then contacts take
/// `{"fields": {"city": "Paris"}}`, templates `{{fields.city}}` and imports map a column to `fields.city`.
#[utoipa::path(
    operation_id = "contact_fields.create",
    tag = "Contact fields",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = CREATED, description = "The contact field.", body = ContactField)),
    extensions(("x-errors" = json!(["already_exists", "limit_reached"]))),
)]
#[post("/contact-fields")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(new): Json<NewContactField>,
) -> Result<Answer, Failure> {
    let NewContactField { key: name, title, kind, choices } = new;
    let new = contact_fields::New { key: name, title, kind, choices };
    key.run(&app, &scope, async |tx| {
        let row = contact_fields::create(tx, &scope, new).await?;
        let version = row.version;
        Ok(Reply::created(ContactField::from(row)).tagged(version))
    })
    .await
}

/// Get a contact field
///
/// For example, `GET /v1/contact-fields/fld_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "contact_fields.get",
    tag = "Contact fields",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactFieldId, Path)),
    responses((status = OK, description = "The contact field.", body = ContactField)),
)]
#[get("/contact-fields/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<ContactFieldId>) -> Result<Reply<ContactField>, Failure> {
    let row = contact_fields::get(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(ContactField::from(row)).tagged(version))
}

/// Change a contact field
///
/// Title and choices can change, key and type cannot. New `choices` rule what can be set from now on; values that
/// contacts have stay, also where their choice is gone (`choices/replace` changes them too). For example, `{"title": "Shirt size"}`.
#[utoipa::path(
    operation_id = "contact_fields.update",
    tag = "Contact fields",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactFieldId, Path), IfMatch),
    responses((status = OK, description = "The contact field as it is now.", body = ContactField)),
)]
#[patch("/contact-fields/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactFieldId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ContactFieldPatch>,
) -> Result<Reply<ContactField>, Failure> {
    let ContactFieldPatch { title, choices } = patch;
    let tx = app.db.begin().await?;
    let row = contact_fields::update(&tx, &scope, id, contact_fields::Patch { title, choices }, expected).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(ContactField::from(row)).tagged(version))
}

/// Delete a contact field
///
/// Its values leave every contact too, also those in the trash and those that hold in one group only; this cannot be
/// undone. For example, `DELETE /v1/contact-fields/fld_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "contact_fields.delete",
    tag = "Contact fields",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactFieldId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/contact-fields/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactFieldId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    contact_fields::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Replace a choice
///
/// In the list and in every contact that has it, also in the trash and where it holds in one group only, in one
/// transaction. Rename one by a new name: `{"from": "M", "to": "Medium"}`; make two one by a name that is there; take one
/// away, with its values, by null: `{"from": "XS", "to": null}`. The last choice cannot be taken away. `from` may also be a
/// value whose choice has gone from the list by a change of it: `to` is then null or a choice that is there.
#[utoipa::path(
    operation_id = "contact_fields.replace_choice",
    tag = "Contact fields",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactFieldId, Path), IfMatch, Key),
    responses((status = OK, description = "The contact field as it is now.", body = ContactFieldReplaced)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/contact-fields/{id}/choices/replace")]
async fn replace_choice(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactFieldId>,
    IfMatch(expected): IfMatch,
    key: Key,
    Json(ContactFieldChoice { from, to }): Json<ContactFieldChoice>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let (row, contacts_changed) =
            contact_fields::replace_choice(tx, &scope, id, &from, to.as_deref(), expected).await?;
        Ok(Reply::ok(ContactFieldReplaced { field: row.into(), contacts_changed }))
    })
    .await
}
