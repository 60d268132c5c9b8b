//! Contacts from any pasted text.

use actix_web::{post, web::Data};
use domain::{
    Error,
    contacts::{self, Added, MAX_TEXT},
    ids::{ContactId, GroupId},
    phone::{self, Country, Found, Rule, UnknownCountry},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::Json,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// A text with phone numbers in it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "text": "Anna 07400 123456, Bob +44 7400 123457; meeting on 21.11.2026, order 12345",
    "default_country": "GB", "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"], "dry_run": true
}))]
pub struct QuickAdd {
    /// Any text, at most 200,000 characters and 10,000 numbers.
    pub text: String,
    /// ISO 3166 alpha-2: whose national numbers are understood; the account's default country, if left out.
    pub default_country: Option<String>,
    /// Up to 100 groups to put the contacts into, those that exist too.
    #[serde(default)]
    pub group_ids: Vec<GroupId>,
    /// Only tell what was found.
    #[serde(default)]
    pub dry_run: bool,
}

/// A number that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "phone": "+447400123456", "text": "07400 123456", "start": 5, "length": 12, "country": "GB", "new": true,
    "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b"
}))]
pub struct QuickAddFound {
    /// The number, E.164.
    pub phone: String,
    /// What stood in the text.
    pub text: String,
    /// Where it begins, in characters from 0.
    pub start: usize,
    /// How many characters it has there.
    pub length: usize,
    /// Its country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Whether its contact is new; in a dry run, whether it would be.
    pub new: bool,
    /// Its contact; null in a dry run when there is none yet.
    pub contact_id: Option<ContactId>,
}

/// What was found, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "created": 1, "existing": 0,
    "found": [{
        "phone": "+447400123456", "text": "07400 123456", "start": 5, "length": 12, "country": "GB", "new": true,
        "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b"
    }]
}))]
pub struct QuickAdded {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Contacts made; in a dry run, that would be made.
    pub created: usize,
    /// Numbers that had a contact already.
    pub existing: usize,
    /// The numbers, in the order of the text, each once.
    pub found: Vec<QuickAddFound>,
}

/// Add contacts from any text
///
/// Numbers in any writing are picked out of a pasted text; dates, times, prices and the numbers of orders, invoices and
/// cards are left alone. A number is added once; a contact that exists stays as it is, but joins the groups. With `dry_run`
/// nothing is changed, and the answer tells what was found where. For example,
/// `{"text": "Anna 07400 123456, order 12345", "default_country": "GB"}`.
#[utoipa::path(
    operation_id = "contacts.quick_add",
    tag = "Contacts",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = OK, description = "What was found, and what became of it.", body = QuickAdded)),
)]
#[post("/contacts/quick-add")]
pub(super) async fn quick_add(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(asked): Json<QuickAdd>,
) -> Result<Answer, Failure> {
    let QuickAdd { text, default_country, group_ids, dry_run } = asked;
    if text.chars().count() > MAX_TEXT {
        return Err(Error::field("/text", "too_long", format!("must have at most {MAX_TEXT} characters")).into());
    }
    let country = match default_country {
        Some(code) => {
            let unknown = |e: UnknownCountry| Error::field("/default_country", "invalid_country", e.to_string());
            Some(code.parse::<Country>().map_err(unknown)?)
        }
        None => match contacts::rule(app.db.read(), &scope).await? {
            Rule::AccountCountry(country) | Rule::ImportCountry(country) => Some(country),
            Rule::None => None,
        },
    };
    // A long text takes longer than a thread of requests should be held.
    let looked = tokio::task::spawn_blocking(move || {
        let found = phone::find_in_text(&text, country);
        (text, found)
    });
    let (text, found) = looked.await.map_err(|e| Error::internal(e.to_string()))?;
    key.run(&app, &scope, async |tx| {
        let added = contacts::quick_add(tx, &scope, found, &group_ids, dry_run).await?;
        Ok(Reply::ok(told(&text, added, dry_run)))
    })
    .await
}

fn told(text: &str, added: Vec<Added>, dry_run: bool) -> QuickAdded {
    let created = added.iter().filter(|one| one.new).count();
    let existing = added.len().saturating_sub(created);
    // Places in characters, counted on from the one before: they come in the order of the text.
    let (mut bytes, mut characters) = (0, 0);
    let count = |from: usize, to: usize| text.get(from..to).map_or(0, |part| part.chars().count());
    let found = added.into_iter().map(|Added { found: Found { number, start, end }, contact, new }| {
        characters += count(bytes, start);
        bytes = start;
        QuickAddFound {
            phone: number.to_string(),
            text: text.get(start..end).unwrap_or_default().to_owned(),
            start: characters,
            length: count(start, end),
            country: phone::country_of(number).map(|country| country.code().to_owned()),
            new,
            contact_id: contact,
        }
    });
    QuickAdded { dry_run, created, existing, found: found.collect() }
}
