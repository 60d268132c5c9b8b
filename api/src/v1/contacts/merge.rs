//! Making one contact of several.

use std::collections::BTreeMap;

use actix_web::{post, web::Data};
use domain::{
    contacts::{self, Merge},
    ids::ContactId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Contact, shown};
use crate::{
    App,
    shared::{auth::Auth, idempotency::Key, json::Json, problem::Failure, reply::Answer, reply::Reply},
};

/// Contacts to merge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "survivor_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "contact_ids": ["con_01kb0000000000000000000000"],
    "prefer": {"email": "con_01kb0000000000000000000000"}
}))]
pub struct ContactMerge {
    /// The contact that stays, with its number.
    pub survivor_id: ContactId,
    /// 1 to 100 contacts that become it, in the order in which they fill what it lacks.
    pub contact_ids: Vec<ContactId>,
    /// Whose value of a field is taken instead, by the name of the field: `first_name`, `fields.city`.
    #[serde(default)]
    pub prefer: BTreeMap<String, ContactId>,
}

/// What a merge did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "contact": crate::openapi::example_of(&<Contact as utoipa::PartialSchema>::schema()), "merged": 1
}))]
pub struct ContactMerged {
    /// The survivor as it is now.
    pub contact: Contact,
    /// Contacts that were merged now; those that were merged into it before do not count.
    pub merged: usize,
}

/// Merge contacts
///
/// For one person under several numbers. The survivor keeps its number and its values; what it lacks is filled from the
/// others, in their order, and `prefer` takes a field from one of them instead. It joins all their groups. The most
/// restrictive holds: when one has refused, it has refused; when one's number is on the blacklist or unsubscribed from a
/// sender, its number is too. The others go to the trash, and their messages are listed as the survivor's; one that is
/// restored from there is a contact of its own again. The same merge again changes nothing. For example,
/// `{"survivor_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "contact_ids": ["con_01kb0000000000000000000000"]}`; for many sets
/// at once see `POST /v1/contact-jobs`.
#[utoipa::path(
    operation_id = "contacts.merge",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = OK, description = "The survivor.", body = ContactMerged)),
    extensions(("x-errors" = json!(["not_found", "conflict"]))),
)]
#[post("/contacts/merge")]
pub(super) async fn merge(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(asked): Json<ContactMerge>,
) -> Result<Answer, Failure> {
    let ContactMerge { survivor_id, contact_ids, prefer } = asked;
    let order = Merge { survivor: survivor_id, others: contact_ids, prefer };
    key.run(&app, &scope, async |tx| {
        let (row, merged) = contacts::merge(tx, &scope, order).await?;
        let (contact, version) = shown(tx, &scope, row).await?;
        Ok(Reply::ok(ContactMerged { contact, merged }).tagged(version))
    })
    .await
}
