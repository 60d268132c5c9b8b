//! Making or changing a contact by the integrator's own id.

use actix_web::{HttpRequest, put, web::Data};
use domain::{Code, Error, contacts};

use super::{Contact, ContactPatch, shown};
use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        json::Json,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// Tries: who makes the same contact at the same moment is met by then.
const TRIES: u32 = 3;

/// Make or change a contact by your own id
///
/// A merge patch upon the contact with this `external_id`: what is left out stays, null clears. When there is none, the
/// contact with the `phone` of the request gets the id (unless it has another one: 409); when there is none of that either,
/// it is made (201), for which `phone` is required. The same request again changes nothing and answers 200; the same
/// consent stated again keeps its time. For example, `PUT /v1/contacts/by-external-id/crm-17` with
/// `{"phone": "+447400123456", "first_name": "Anna"}`.
#[utoipa::path(
    operation_id = "contacts.upsert",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(
        ("external_id" = String, Path, description = "Your id of the person, at most 200 characters, percent-encoded; spaces around it do not count.", example = "crm-17"),
        IfMatch,
    ),
    responses(
        (status = OK, description = "The contact, changed or as it was.", body = Contact),
        (status = CREATED, description = "The contact, made.", body = Contact),
    ),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[put("/contacts/by-external-id/{external_id}")]
pub(super) async fn upsert(
    app: Data<App>,
    Auth(scope): Auth,
    req: HttpRequest,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ContactPatch>,
) -> Result<Answer, Failure> {
    let unreadable = |_| Error::field("/external_id", "invalid", "must be percent-encoded UTF-8");
    let external_id: String = req.match_info().load().map_err(unreadable)?;
    let same = |given: &Option<String>| given.as_deref().map(str::trim) == Some(external_id.trim());
    if patch.external_id.as_ref().is_some_and(|given| !same(given)) {
        return Err(Error::field("/external_id", "not_allowed", "must be left out, or be that of the address").into());
    }
    let patch = contacts::Patch::from(patch);
    let mut tried = 1;
    loop {
        let tx = app.db.begin().await?;
        match contacts::upsert(&tx, &scope, &external_id, patch.clone(), expected).await {
            Ok((row, made)) => {
                let (contact, version) = shown(&tx, &scope, row).await?;
                let reply = if made { Reply::created(contact) } else { Reply::ok(contact) };
                tx.commit().await?;
                return Ok(reply.tagged(version).render()?.0);
            }
            Err(error) if tried < TRIES && expected.is_none() && raced(&error) => {
                drop(tx.rollback().await);
                tried += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether another request may have made or changed the same contact between our look and our write.
fn raced(error: &Error) -> bool {
    matches!(error.code, Code::AlreadyExists | Code::VersionMismatch)
}
