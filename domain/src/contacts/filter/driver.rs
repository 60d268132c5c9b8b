//! What a filter is walked by. It is chosen here and not left to the planner, whose statistics know little of one account.
//!
//! A condition that must hold of every contact and has an index may lead ([`super::leads`]), when what it finds is few: that
//! is counted first, up to a bound. Else it is the members of one group, or all contacts of the account.
//!
//! Invariant: whatever leads, the contacts are those of a plain walk over the account.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::{compile::Writer, leads, tree::Tree};
use crate::{
    db::{ids_json, ids_source, lookup},
    error::Result,
    ids::{ContactId, GroupId},
    scope::AccountScope,
};

/// What is done with a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Some rows in the order of ids.
    Walk,
    /// All rows, in any order.
    Count,
}

/// The part of a filter that it is walked by.
enum Driver<'a> {
    Account,
    /// All rows of the table as they lie, on SQLite: what is a large part of them is read several times faster so than by an
    /// index, whose rows lie apart.
    Table,
    /// Members of one group, by their own key (group, contact), which is in the order of ids already.
    Group(GroupId),
    /// What a search found, or the owners of some external ids.
    Found(Vec<Uuid>),
    /// What a search finds, when it is too much to be named.
    Search(&'a str),
    /// Numbers from one to another, both included; none lies in two of these.
    Numbers(Vec<(i64, i64)>),
}

/// How a filter is run: by what, and the conditions beside.
pub(super) struct Plan<'a> {
    backend: DbBackend,
    what: Use,
    driver: Driver<'a>,
    parts: Vec<&'a Tree>,
    /// The ids that the time of making leaves: from the one on, below the other.
    made: (Option<Uuid>, Option<Uuid>),
}

/// FROM and WHERE of a filter, and the column that is the id in the order of the walk.
pub(super) struct Selected {
    pub from: String,
    pub condition: String,
    pub key: &'static str,
}

impl<'a> Plan<'a> {
    /// Chooses what to walk by.
    pub async fn of(conn: &impl ConnectionTrait, scope: &AccountScope, tree: &'a Tree, what: Use) -> Result<Self> {
        let mut parts = tree.conjuncts();
        let driver = Self::driver(conn, scope, &mut parts, what).await?;
        let made = parts
            .iter()
            .copied()
            .map(leads::made)
            .reduce(|(from, to), (later, sooner)| (from.max(later), [to, sooner].into_iter().flatten().min()));
        Ok(Self { backend: conn.get_database_backend(), what, driver, parts, made: made.unwrap_or_default() })
    }

    /// These contacts, and of them those that match.
    pub fn of_these(backend: DbBackend, tree: &'a Tree, ids: &[ContactId]) -> Self {
        let driver = Driver::Found(ids.iter().map(|id| id.0).collect());
        Self { backend, what: Use::Count, driver, parts: tree.conjuncts(), made: (None, None) }
    }

    /// Takes what leads out of the parts.
    async fn driver(
        conn: &impl ConnectionTrait,
        scope: &AccountScope,
        parts: &mut Vec<&'a Tree>,
        what: Use,
    ) -> Result<Driver<'a>> {
        if let Some((place, words)) =
            parts.iter().copied().enumerate().find_map(|(place, part)| Some((place, leads::external_ids(part)?)))
        {
            parts.remove(place);
            return Ok(Driver::Found(leads::owners(conn, scope, words).await?));
        }
        for (place, spans) in
            parts.iter().copied().enumerate().filter_map(|(place, part)| Some((place, leads::numbers(part)?)))
        {
            if leads::are_few(conn, scope, &spans).await? {
                parts.remove(place);
                return Ok(Driver::Numbers(spans));
            }
        }
        if let Some((place, term)) =
            parts.iter().copied().enumerate().find_map(|(place, part)| Some((place, leads::term(part)?)))
        {
            if let Some(found) = leads::found(conn, scope, term).await? {
                parts.remove(place);
                return Ok(Driver::Found(found));
            }
            if what == Use::Count {
                parts.remove(place);
                return Ok(Driver::Search(term));
            }
        }
        let all_rows = what == Use::Count && conn.get_database_backend() == DbBackend::Sqlite;
        let one_group = parts.iter().position(|part| leads::one_group(part).is_some());
        let group = one_group.and_then(|place| parts.get(place).copied()).and_then(leads::one_group);
        // A value in a group leads to its members, and is still to be compared.
        if let Some(group) = group.or_else(|| parts.iter().copied().find_map(leads::within)) {
            if all_rows && leads::are_many(conn, "contact_groups WHERE group_id", group).await? {
                return Ok(Driver::Table);
            }
            if let Some(place) = one_group {
                parts.remove(place);
            }
            return Ok(Driver::Group(group));
        }
        if all_rows && leads::are_many(conn, "contacts WHERE account_id", scope.account()).await? {
            return Ok(Driver::Table);
        }
        Ok(Driver::Account)
    }

    /// Where a walk may look at many that are not meant: the FROM and WHERE of all that it looks at, and their id. `None` when all
    /// are meant, or they are few. `$1` is the account.
    pub fn looked_at(&self, writer: &mut Writer) -> Option<Selected> {
        if self.parts.is_empty() {
            return None;
        }
        let (from, mut condition, key) = match self.driver {
            Driver::Account => ("contacts c", "c.account_id = $1".to_owned(), "c.id"),
            Driver::Group(group) => {
                ("contact_groups m", format!("m.group_id = {}", writer.bind(group)), "m.contact_id")
            }
            Driver::Table | Driver::Found(_) | Driver::Search(_) | Driver::Numbers(_) => return None,
        };
        condition.push_str(&self.made(writer, key));
        Some(Selected { from: from.to_owned(), condition, key })
    }

    /// What the time of making says of the ids.
    fn made(&self, writer: &mut Writer, key: &str) -> String {
        let (from, to) = self.made;
        let from = from.map(|id| format!(" AND {key} >= {}", writer.bind(id)));
        let to = to.map(|id| format!(" AND {key} < {}", writer.bind(id)));
        from.unwrap_or_default() + &to.unwrap_or_default()
    }

    /// FROM and WHERE. `$1` is the account.
    pub fn selected(&self, writer: &mut Writer) -> Selected {
        let backend = self.backend;
        let contact = |id: &str| format!("c.id = {id} AND c.account_id = $1");
        let (mut conditions, from, key) = match &self.driver {
            Driver::Account => (vec!["c.account_id = $1".to_owned()], "contacts c".to_owned(), "c.id"),
            Driver::Table => (vec!["c.account_id = $1".to_owned()], "contacts c NOT INDEXED".to_owned(), "c.id"),
            Driver::Group(group) => {
                let group = format!("m.group_id = {}", writer.bind(*group));
                // A walk stops after some rows, so it goes from member to contact; a count needs all and is joined at will.
                let from = if self.what == Use::Walk || backend == DbBackend::Sqlite {
                    format!("contact_groups m {}", lookup(backend, "contacts", "c", &contact("m.contact_id")))
                } else {
                    format!("contact_groups m JOIN contacts c ON {}", contact("m.contact_id"))
                };
                (vec![group], from, "m.contact_id")
            }
            Driver::Found(ids) => {
                writer.values.push(ids_json(ids.iter().copied()));
                let source = ids_source(backend, writer.values.len(), "x");
                (Vec::new(), format!("{source} {}", lookup(backend, "contacts", "c", &contact("x.id"))), "c.id")
            }
            Driver::Search(term) => {
                let (from, condition) = leads::having(writer, term);
                let join = if backend == DbBackend::Sqlite { "CROSS JOIN" } else { "JOIN" };
                (vec![condition], format!("{from} {join} contacts c ON {}", contact("cs.contact_id")), "c.id")
            }
            Driver::Numbers(spans) => {
                // The plus keeps SQLite from the index of ids, which the page's beginning and order would lead it to.
                let key = if backend == DbBackend::Sqlite { "+c.id" } else { "c.id" };
                (Vec::new(), leads::numbered(writer, spans), key)
            }
        };
        conditions.extend(self.parts.iter().map(|part| format!("({})", writer.tree(part))));
        if conditions.is_empty() {
            conditions.push("1 = 1".to_owned());
        }
        Selected { from, condition: conditions.join(" AND ") + &self.made(writer, key), key }
    }
}
