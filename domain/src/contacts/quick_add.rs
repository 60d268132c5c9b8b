//! Quick add: the numbers of any pasted text become contacts.
//!
//! Invariants: a number is added once; a contact that exists stays as it is, but joins the groups; each number is told
//! with its place in the text.

use std::collections::HashMap;

use sea_orm::DatabaseTransaction;

use super::{Consent, Said, check_groups, consent, described, queries};
use crate::{
    db::{Columns, Sql, lookup},
    error::{Error, Faults, Result},
    groups,
    ids::{ContactId, GroupId},
    phone::{Found, Msisdn},
    scope::AccountScope,
    trash, vals,
};

/// Characters of a text.
pub const MAX_TEXT: usize = 200_000;
/// Numbers of a text.
pub const MAX_FOUND: usize = 10_000;
/// Contacts of one statement.
const PIECE: usize = 2_000;

/// A number that was found, and its contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Where it stands.
    pub found: Found,
    /// Its contact; `None` while it has none, since nothing was to be done.
    pub contact: Option<ContactId>,
    /// Whether the contact is (or would be) new.
    pub new: bool,
}

/// Makes contacts of these numbers and puts them, new or not, into the groups; with `dry_run` it only tells.
///
/// # Errors
/// `invalid_request` for too many numbers, and for groups that are not there.
pub async fn quick_add(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    found: Vec<Found>,
    group_ids: &[GroupId],
    dry_run: bool,
) -> Result<Vec<Added>> {
    let mut faults = Faults::default();
    if found.len() > MAX_FOUND {
        faults.add("/text", "too_many", format!("must have at most {MAX_FOUND} numbers"));
    }
    check_groups(tx, scope, group_ids, &mut faults).await?;
    faults.check()?;
    let mut added = Vec::with_capacity(found.len());
    for piece in found.chunks(PIECE) {
        let before = ids_of(tx, scope, piece).await?;
        let mut after = HashMap::new();
        if !dry_run {
            insert(tx, scope, piece.iter().map(|one| one.number).filter(|number| !before.contains_key(number))).await?;
            after = ids_of(tx, scope, piece).await?;
            let mut ids: Vec<ContactId> = after.values().copied().collect();
            ids.sort_unstable();
            for group in group_ids {
                groups::insert(tx, scope, *group, &ids).await?;
            }
        }
        added.extend(piece.iter().map(|one| Added {
            found: *one,
            contact: before.get(&one.number).or_else(|| after.get(&one.number)).copied(),
            new: !before.contains_key(&one.number),
        }));
    }
    Ok(added)
}

/// The contacts that these numbers have.
async fn ids_of(tx: &DatabaseTransaction, scope: &AccountScope, found: &[Found]) -> Result<HashMap<Msisdn, ContactId>> {
    #[derive(sea_orm::FromQueryResult)]
    struct Known {
        id: ContactId,
        phone: i64,
    }
    let backend = sea_orm::ConnectionTrait::get_database_backend(tx);
    let numbers = Columns::new().ints("phone", found.iter().map(|one| i64::from(one.number)));
    let sql = format!(
        "SELECT c.id, c.phone FROM {} {}",
        numbers.source(backend, 2, "r"),
        lookup(backend, "contacts", "c", "c.account_id = $1 AND c.phone = r.phone")
    );
    let known: Vec<Known> = tx.all(&sql, numbers.after(backend, vals![scope.account()])).await?;
    let typed = |known: Known| Some((Msisdn::try_from(known.phone).ok()?, known.id));
    Ok(known.into_iter().filter_map(typed).collect())
}

async fn insert(tx: &DatabaseTransaction, scope: &AccountScope, numbers: impl Iterator<Item = Msisdn>) -> Result<()> {
    let now = scope.clock().now();
    let rows: Vec<_> = numbers.map(|number| (ContactId::new(now), number, described(number))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    // What a contact in the trash has refused holds for the number that is added anew.
    let phones: Vec<Msisdn> = rows.iter().map(|(_, number, _)| *number).collect();
    let refused = trash::refusals(tx, scope, &phones).await?;
    let of = |number: &Msisdn| refused.get(number);
    let backend = sea_orm::ConnectionTrait::get_database_backend(tx);
    let columns = Columns::new()
        .texts("consent", rows.iter().map(|(_, n, _)| of(n).map_or(Consent::Unknown, |said| said.status).as_str()))
        .ints("consent_at", rows.iter().map(|(_, n, _)| of(n).and_then(|said| said.at).map(|at| at.0)))
        .some_texts("consent_source", rows.iter().map(|(_, n, _)| of(n).and_then(|said| said.source.as_deref())))
        .ids("id", rows.iter().map(|(id, ..)| id.0))
        .ints("phone", rows.iter().map(|(_, number, _)| i64::from(*number)))
        .some_texts("country", rows.iter().map(|(.., is)| is.country.as_deref()))
        .some_texts("region", rows.iter().map(|(.., is)| is.region))
        .some_texts("operator", rows.iter().map(|(.., is)| is.operator))
        .some_texts("line_type", rows.iter().map(|(.., is)| is.line_type.as_deref()))
        .some_texts("zones", rows.iter().map(|(.., is)| is.zones));
    let none = if backend == sea_orm::DbBackend::Postgres { "'{}'::jsonb" } else { "'{}'" };
    // In the order of the numbers, so that two that add the same ones do not wait for each other in a circle.
    let sql = format!(
        "INSERT INTO contacts (account_id, id, phone, country, region, operator, line_type, number_zones, consent, consent_at, consent_source, fields, metadata, \
         created_at, updated_at, version) \
         SELECT $1, r.id, r.phone, r.country, r.region, r.operator, r.line_type, r.zones, r.consent, r.consent_at, r.consent_source, {none}, {none}, $2, $2, 1 \
         FROM {} WHERE true ORDER BY r.phone ON CONFLICT (account_id, phone) DO NOTHING",
        columns.source(backend, 3, "r")
    );
    tx.run(&sql, columns.after(backend, vals![scope.account(), now])).await.map_err(Error::from)?;
    let ids: Vec<ContactId> =
        rows.iter().filter(|(_, number, _)| refused.contains_key(number)).map(|row| row.0).collect();
    let made = queries::several(tx, scope, &ids).await?;
    let said = made.into_iter().map(|c| Said {
        contact: c.id,
        phone: c.phone,
        status: c.consent,
        at: c.consent_at,
        source: c.consent_source,
    });
    consent::note(tx, scope, &said.collect::<Vec<Said>>()).await
}
