//! Reading contacts.

use std::{collections::HashMap, ops::Bound};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::{
    Consent, Contact,
    filter::{self, Listed, Operand, Span, Test, Tree},
};
use crate::{
    accounts::{self, Account},
    clock::Timestamp,
    contact_fields::composed,
    db::{Sql, Window, ids_json, ids_list},
    error::{Error, Result},
    ids::{ContactId, GroupId},
    phone::{Msisdn, Rule},
    scope::AccountScope,
    vals,
};

/// What a list of contacts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Members of this group.
    pub group: Option<GroupId>,
    /// The contact with this number.
    pub phone: Option<Msisdn>,
    /// Numbers of this country.
    pub country: Option<String>,
    /// Numbers of this operator.
    pub operator: Option<String>,
    /// The contact with this id of the integrator's.
    pub external_id: Option<String>,
    /// This state of consent.
    pub consent: Option<Consent>,
    /// Made at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Made before this moment.
    pub created_before: Option<Timestamp>,
    /// Has this in one of its texts, folded.
    pub search: Option<String>,
}

impl Filter {
    /// The same in the filter language.
    pub fn tree(&self) -> Tree {
        let Self { group, phone, country, operator, external_id, consent, created_after, created_before, search } =
            self;
        let word = |column, word: &str| Tree::is(Operand::Text(column), Test::Words(vec![composed(word)]));
        let made = |span| Tree::is(Operand::Moment("created_at"), Test::Integers(vec![span]));
        let parts = [
            group.map(|group| Tree::is(Operand::Groups, Test::Members(vec![group]))),
            phone.map(|phone| Tree::is(Operand::Phone, Test::Integers(vec![Span::one(i64::from(phone))]))),
            country.as_deref().map(|country| word("country", country)),
            operator.as_deref().map(|operator| word("operator", operator)),
            external_id.as_deref().map(|id| word("external_id", id)),
            consent.map(|consent| word("consent", consent.as_str())),
            created_after.map(|at| made(Span::from(Bound::Included(at.0)))),
            created_before.map(|at| made(Span::to(Bound::Excluded(at.0)))),
            search.clone().map(|term| Tree::is(Operand::Search, Test::Contains(term))),
        ];
        Tree::All(parts.into_iter().flatten().collect())
    }
}

/// One contact.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactId) -> Result<Contact> {
    let sql = "SELECT * FROM contacts WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("contact"))
}

/// One contact, which nobody else changes until the transaction ends.
pub(super) async fn lock(tx: &DatabaseTransaction, scope: &AccountScope, id: ContactId) -> Result<Contact> {
    let lock = if tx.get_database_backend() == DbBackend::Postgres { " FOR NO KEY UPDATE" } else { "" };
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND id = $2{lock}");
    tx.one(&sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("contact"))
}

/// Those of `ids` that are contacts of the account.
pub(crate) async fn several(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    ids: &[ContactId],
) -> Result<Vec<Contact>> {
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND id IN {list} ORDER BY id");
    Ok(conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?)
}

/// The groups of each of these contacts, in order of their creation. One statement, however many there are.
///
/// # Errors
/// When the database refuses.
pub async fn memberships(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, Vec<GroupId>>> {
    #[derive(sea_orm::FromQueryResult)]
    struct Membership {
        contact_id: ContactId,
        group_id: GroupId,
    }
    let mut all: HashMap<ContactId, Vec<GroupId>> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!(
        "SELECT m.contact_id, m.group_id FROM contact_groups m JOIN groups g ON g.id = m.group_id \
         WHERE g.account_id = $1 AND m.contact_id IN {list} ORDER BY m.group_id"
    );
    let rows: Vec<Membership> = conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    for Membership { contact_id, group_id } in rows {
        all.entry(contact_id).or_default().push(group_id);
    }
    Ok(all)
}

/// The groups of a contact, in order of their creation.
///
/// # Errors
/// When the database refuses.
pub async fn groups_of(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactId) -> Result<Vec<GroupId>> {
    Ok(memberships(conn, scope, &[id]).await?.remove(&id).unwrap_or_default())
}

/// A page of contacts in order of their ids. `reach` is how many it may look at, where no index leads to those that are
/// meant; `None`: all.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    window: Window<ContactId>,
    reach: Option<usize>,
) -> Result<Listed> {
    let tree = filter::ported(conn, filter.tree()).await?;
    filter::list(conn, scope, &tree, window, reach).await
}

/// How the account reads bare digits: international first, then as numbers of its default country.
pub fn rule_of(account: &Account) -> Rule {
    account.default_country.as_deref().and_then(|c| c.parse().ok()).map_or(Rule::None, Rule::AccountCountry)
}

/// The same, of the scope's account.
///
/// # Errors
/// When the database refuses.
pub async fn rule(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Rule> {
    Ok(rule_of(&accounts::find(conn, scope).await?))
}
