//! Consent to be written to, and the proof behind it: every statement, kept as it was made.
//!
//! Invariants: only an explicit change of the contact itself turns `refused` into anything else; an import, a merge and
//! a new contact of a number that refused never do. Whatever changes a consent writes a statement in the same
//! transaction; a statement is never changed after.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use crate::{
    clock::Timestamp,
    db::{Columns, Sql, Window},
    error::Result,
    ids::{ConsentId, ContactId, TokenId},
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

crate::text_enum! {
    /// Whether the person agreed to be written to.
    pub enum Consent {
        /// Nobody has said.
        Unknown = "unknown",
        /// The person agreed.
        Given = "given",
        /// The person refused or opted out.
        Refused = "refused",
    }
}

impl Consent {
    /// Reads a cell of a file: the stored words, and yes and no in several languages.
    pub fn from_cell(cell: &str) -> Option<Self> {
        cell.trim().to_lowercase().parse().ok().or_else(|| {
            crate::contact_fields::boolean_word(cell).map(|yes| if yes { Self::Given } else { Self::Refused })
        })
    }
}

/// A statement of consent in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// What was said.
    pub status: Consent,
    /// When; now, if not told.
    pub at: Option<Timestamp>,
    /// Where it comes from, such as `web form`.
    pub source: Option<String>,
}

/// What to change of a consent: a merge patch. A new `status` is a new statement, of now and `api` unless it says
/// otherwise; without one, time and source of the present statement are corrected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentPatch {
    /// What was said.
    pub status: Option<Consent>,
    /// When; the inner `None` is not known.
    pub at: Option<Option<Timestamp>>,
    /// Where it comes from; the inner `None` is not known.
    pub source: Option<Option<String>>,
}

/// A consent with its time and source, as a contact has it.
pub(super) type Stated = (Consent, Option<Timestamp>, Option<String>);

impl ConsentPatch {
    /// The consent after the change.
    pub(super) fn over(self, before: Stated, now: Timestamp) -> Stated {
        let Self { status, at, source } = self;
        let (at_before, source_before) = match status {
            Some(_) => (Some(now), Some("api".to_owned())),
            None => (before.1, before.2),
        };
        match status.unwrap_or(before.0) {
            Consent::Unknown => (Consent::Unknown, None, None),
            status => (status, at.unwrap_or(at_before), source.unwrap_or(source_before)),
        }
    }
}

/// A statement as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Statement {
    /// Its id.
    pub id: ConsentId,
    /// What was said.
    pub status: Consent,
    /// When it was said.
    pub stated_at: Option<Timestamp>,
    /// Where it comes from.
    pub source: Option<String>,
    /// The API token by which it came.
    pub token_id: Option<TokenId>,
    /// When it was written down.
    pub recorded_at: Timestamp,
}

/// Who said what.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub contact: ContactId,
    pub phone: Msisdn,
    pub status: Consent,
    pub at: Option<Timestamp>,
    pub source: Option<String>,
}

/// Writes statements down.
pub(crate) async fn note(tx: &DatabaseTransaction, scope: &AccountScope, said: &[Said]) -> Result<()> {
    if said.is_empty() {
        return Ok(());
    }
    let now = scope.clock().now();
    // A microsecond apart: statements of one contact stay in their order.
    let id = |place| ConsentId::new(now.plus(Duration::from_micros(place))).0;
    let columns = Columns::new()
        .ids("id", (0_u64..).take(said.len()).map(id))
        .ids("contact_id", said.iter().map(|s| s.contact.0))
        .ints("phone", said.iter().map(|s| i64::from(s.phone)))
        .texts("status", said.iter().map(|s| s.status.as_str()))
        .ints("stated_at", said.iter().map(|s| s.at.map(|at| at.0)))
        .some_texts("source", said.iter().map(|s| s.source.as_deref()));
    let sql = format!(
        "INSERT INTO contact_consents (id, account_id, contact_id, phone, status, stated_at, source, token_id, recorded_at) \
         SELECT x.id, $1, x.contact_id, x.phone, x.status, x.stated_at, x.source, $2, $3 FROM {} WHERE true",
        columns.source(tx.get_database_backend(), 4, "x")
    );
    let values = vals![scope.account(), scope.token(), now];
    tx.run(&sql, columns.after(tx.get_database_backend(), values)).await?;
    Ok(())
}

/// A page of the statements of a contact, oldest first; and whether there are more.
///
/// # Errors
/// `not_found` for the contact.
pub async fn consents(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: ContactId,
    window: Window<ConsentId>,
) -> Result<(Vec<Statement>, bool)> {
    super::get(conn, scope, id).await?;
    let sql = "SELECT id, status, stated_at, source, token_id, recorded_at FROM contact_consents \
        WHERE account_id = $1 AND contact_id = $2 AND id > $3 ORDER BY id LIMIT $4";
    let after = window.after.map_or(uuid::Uuid::nil(), |id| id.0);
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(sql, vals![scope.account(), id, after, more]).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_without_a_status_corrects_and_one_with_it_states_anew() {
        let (then, now) = (Timestamp(1), Timestamp(2));
        let before = || (Consent::Refused, Some(then), Some("call".to_owned()));
        let patch = |patch: ConsentPatch| patch.over(before(), now);
        assert_eq!(patch(ConsentPatch::default()), before());
        let source = ConsentPatch { source: Some(Some("letter".into())), ..ConsentPatch::default() };
        assert_eq!(patch(source), (Consent::Refused, Some(then), Some("letter".into())));
        let cleared = ConsentPatch { source: Some(None), ..ConsentPatch::default() };
        assert_eq!(patch(cleared), (Consent::Refused, Some(then), None));
        let given = ConsentPatch { status: Some(Consent::Given), ..ConsentPatch::default() };
        assert_eq!(patch(given), (Consent::Given, Some(now), Some("api".into())));
        let unknown = ConsentPatch { status: Some(Consent::Unknown), ..ConsentPatch::default() };
        assert_eq!(patch(unknown), (Consent::Unknown, None, None));
    }
}
