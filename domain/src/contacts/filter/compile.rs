//! A [`Tree`] as SQL over `contacts c`.
//!
//! Invariants: a condition may be NULL where a value is missing and counts as false then, so `not` is `IS NOT TRUE`;
//! memberships and outcomes are scalar sub-selects, since PostgreSQL would make a table of them for every statement;
//! texts that are compared by their order are compared by their bytes on both databases.

use std::ops::Bound;

use sea_orm::{DbBackend, Value};

use super::{
    days::Season,
    fold::{self, Place},
    tree::{Condition, Flag, Operand, Span, Test, Tree},
};
use crate::{
    blacklist,
    db::{ids_json, ids_list},
    groups, ported_numbers,
};

/// Builds a statement and gathers what it binds.
pub(crate) struct Writer {
    pub backend: DbBackend,
    pub values: Vec<Value>,
}

impl Writer {
    fn postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }

    /// Binds a value and gives its placeholder.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The condition of a tree.
    pub fn tree(&mut self, tree: &Tree) -> String {
        match tree {
            Tree::All(parts) if parts.is_empty() => "1 = 1".to_owned(),
            Tree::Any(parts) if parts.is_empty() => "1 = 0".to_owned(),
            Tree::All(parts) => self.joined(parts, " AND "),
            Tree::Any(parts) => self.joined(parts, " OR "),
            Tree::Not(inner) => format!("({}) IS NOT TRUE", self.tree(inner)),
            Tree::Is(condition) => self.condition(condition),
        }
    }

    fn joined(&mut self, parts: &[Tree], word: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| format!("({})", self.tree(part))).collect();
        parts.join(word)
    }

    fn condition(&mut self, Condition { operand, test }: &Condition) -> String {
        match (operand, test) {
            (Operand::Flag(flag), Test::Truth(yes)) => {
                let so = flag_is(*flag);
                if *yes { so } else { format!("NOT ({so})") }
            }
            (Operand::Groups, Test::Exists(yes)) => {
                is_some("SELECT 1 FROM contact_groups cg WHERE cg.contact_id = c.id", *yes)
            }
            (Operand::Groups, Test::Members(ids)) => {
                self.values.push(ids_json(ids.iter().map(|id| id.0)));
                let list = ids_list(self.backend, self.values.len());
                let members = "SELECT 1 FROM contact_groups cg WHERE cg.contact_id = c.id AND cg.group_id IN";
                is_some(&format!("{members} {list}"), true)
            }
            (Operand::Unsubscribed, Test::Exists(yes)) => is_some(UNSUBSCRIBED, *yes),
            (Operand::Unsubscribed, Test::Words(senders)) => {
                let list = self.list(senders);
                is_some(&format!("{UNSUBSCRIBED} AND un.sender IN ({list})"), true)
            }
            (Operand::Search, Test::Contains(term)) => {
                let term = self.bind(term.as_str());
                let has = if self.postgres() { "strpos" } else { "instr" };
                is_some(
                    &format!(
                        "SELECT 1 FROM contact_search cs WHERE cs.contact_id = c.id AND {has}(cs.text, {term}) > 0"
                    ),
                    true,
                )
            }
            (Operand::TimeZone, Test::Zones(zones, keys)) => {
                let set = self.list(zones);
                let keys: String = keys.iter().map(|key| format!(", {}", self.bind(*key))).collect();
                format!("(c.time_zone IN ({set}) OR (c.time_zone IS NULL AND c.number_zones IN ({set}{keys})))")
            }
            (operand, test) => {
                let value = self.value(operand, test);
                self.compared(&value, test)
            }
        }
    }

    /// What is compared, as an expression of the test's type.
    fn value(&mut self, operand: &Operand, test: &Test) -> String {
        match operand {
            Operand::Text(column) | Operand::Moment(column) => format!("c.{column}"),
            Operand::Phone if matches!(test, Test::Integers(_)) => "c.phone".to_owned(),
            Operand::Phone => "CAST(c.phone AS TEXT)".to_owned(),
            Operand::Operator => format!("COALESCE({}, c.operator)", ported_numbers::of("c.phone")),
            Operand::TimeZone => "COALESCE(c.time_zone, c.number_zones)".to_owned(),
            Operand::Outcome(column) => format!(
                "(SELECT o.{column} FROM contact_outcomes o WHERE o.account_id = c.account_id AND o.phone = c.phone)"
            ),
            Operand::Custom(key) => self.json("c.fields", key, test),
            Operand::InGroup(group, inner) => {
                let key = match inner.as_ref() {
                    Operand::Text(column) => (*column).to_owned(),
                    Operand::Custom(key) => format!("fields.{key}"),
                    _ => return "NULL".to_owned(), // `fields` gives no other
                };
                let (there, everywhere) = (self.json("ig.overrides", &key, test), self.value(inner, test));
                let group = self.bind(*group);
                format!(
                    "(SELECT COALESCE({there}, {everywhere}) FROM contact_groups ig \
                     WHERE ig.group_id = {group} AND ig.contact_id = c.id)"
                )
            }
            Operand::Metadata(key) => {
                let key = self.bind(key.as_str());
                if self.postgres() {
                    format!("(c.metadata->>{key})")
                } else {
                    format!("(SELECT value FROM json_each(c.metadata) WHERE key = {key})")
                }
            }
            Operand::Groups | Operand::Unsubscribed | Operand::Search | Operand::Flag(_) => "NULL".to_owned(),
        }
    }

    /// The value of a key, which is letters, digits, `_` and points, of an object.
    fn json(&self, object: &str, key: &str, test: &Test) -> String {
        let value = if self.postgres() { format!("{object}->>'{key}'") } else { format!("{object}->>'$.\"{key}\"'") };
        match test {
            Test::Numbers(_) if self.postgres() => {
                format!("CASE WHEN jsonb_typeof({object}->'{key}') = 'number' THEN ({value})::numeric END")
            }
            Test::Numbers(_) => {
                format!("CASE WHEN json_type({object}, '$.\"{key}\"') IN ('integer', 'real') THEN {value} END")
            }
            _ => format!("({value})"),
        }
    }

    fn compared(&mut self, value: &str, test: &Test) -> String {
        match test {
            Test::Exists(true) => format!("{value} IS NOT NULL"),
            Test::Exists(false) => format!("{value} IS NULL"),
            Test::Words(words) => {
                let list = self.list(words);
                format!("{value} IN ({list})")
            }
            Test::Texts(texts) => self.texts(value, texts),
            Test::Contains(text) => self.part(value, text, Place::Anywhere),
            Test::StartsWith(text) => self.part(value, text, Place::Start),
            Test::Integers(spans) => self.spans(value, spans, |w, n| w.bind(*n)),
            Test::Numbers(spans) => self.spans(value, spans, |w, n| {
                let kind = if w.postgres() { "NUMERIC" } else { "REAL" };
                let text = w.bind(n.to_string());
                format!("CAST({text} AS {kind})")
            }),
            Test::Days(spans) => {
                let value = self.by_bytes(value);
                self.spans(&value, spans, |w, day| w.bind(day.to_string()))
            }
            Test::Season(season) => self.season(value, season),
            Test::Truth(yes) if self.postgres() => format!("{value} = '{yes}'"),
            Test::Truth(yes) => format!("{value} = {}", i32::from(*yes)),
            Test::Members(_) | Test::Zones(..) => "1 = 0".to_owned(),
        }
    }

    /// A text to be compared by its order.
    pub fn by_bytes(&self, value: &str) -> String {
        if self.postgres() { format!("({value}) COLLATE \"C\"") } else { value.to_owned() }
    }

    fn list(&mut self, words: &[String]) -> String {
        words.iter().map(|word| self.bind(word.as_str())).collect::<Vec<_>>().join(", ")
    }

    fn like(&mut self, value: &str, pattern: &str) -> String {
        let operator = if self.postgres() { "~" } else { "GLOB" };
        let pattern = self.bind(pattern);
        format!("{value} {operator} {pattern}")
    }

    /// A part of a text, whatever its case.
    fn part(&mut self, value: &str, text: &str, place: Place) -> String {
        let writings = fold::writings(text);
        if self.postgres() && writings.len() > 1 {
            return self.like(value, &fold::any_of(&writings, place));
        }
        let backend = self.backend;
        let patterns = writings.iter().map(|text| fold::pattern(backend, text, place));
        let each: Vec<String> = patterns.map(|pattern| self.like(value, &pattern)).collect();
        format!("({})", each.join(" OR "))
    }

    /// One of the texts, whatever their case. A length is cheaper to compare than letters, so it goes first; PostgreSQL would take
    /// two conditions the other way round.
    fn texts(&mut self, value: &str, texts: &[String]) -> String {
        let texts: Vec<String> = texts.iter().flat_map(|text| fold::writings(text)).collect();
        if self.postgres() && texts.len() > 1 {
            return self.like(value, &fold::any_of(&texts, Place::Whole));
        }
        let each: Vec<String> = texts
            .iter()
            .map(|text| {
                let length = text.chars().count();
                let like = self.like(value, &fold::pattern(self.backend, text, Place::Whole));
                format!("CASE WHEN length({value}) = {length} THEN {like} END")
            })
            .collect();
        format!("({})", each.join(" OR "))
    }

    fn spans<T: PartialEq>(
        &mut self,
        value: &str,
        spans: &[Span<T>],
        bind: impl Fn(&mut Self, &T) -> String,
    ) -> String {
        // Single values together: an index on the number finds each of them.
        let mut singles = Vec::new();
        let mut each = Vec::new();
        for Span { from, to } in spans {
            if let (Bound::Included(a), Bound::Included(b)) = (from, to)
                && a == b
            {
                singles.push(bind(self, a));
                continue;
            }
            let mut parts = Vec::new();
            for (bound, open, closed) in [(from, ">", ">="), (to, "<", "<=")] {
                match bound {
                    Bound::Included(end) => parts.push(format!("{value} {closed} {}", bind(self, end))),
                    Bound::Excluded(end) => parts.push(format!("{value} {open} {}", bind(self, end))),
                    Bound::Unbounded => {}
                }
            }
            each.push(format!("({})", parts.join(" AND ")));
        }
        if !singles.is_empty() {
            each.push(format!("{value} IN ({})", singles.join(", ")));
        }
        match each.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", each.join(" OR ")),
        }
    }

    fn season(&mut self, value: &str, season: &Season) -> String {
        let day = self.by_bytes(&format!("substr({value}, 6, 5)"));
        let (from, to) = (self.bind(season.from.as_str()), self.bind(season.to.as_str()));
        let word = if season.wraps() { "OR" } else { "AND" };
        format!("({day} >= {from} {word} {day} <= {to})")
    }
}

const UNSUBSCRIBED: &str = "SELECT 1 FROM unsubscribes un WHERE un.account_id = c.account_id AND un.phone = c.phone";

fn is_some(select: &str, yes: bool) -> String {
    let so = format!("COALESCE(({select} LIMIT 1), 0)");
    if yes { format!("{so} = 1") } else { format!("{so} = 0") }
}

fn flag_is(flag: Flag) -> String {
    match flag {
        Flag::StopList => groups::stops("c.account_id", "c.id"),
        Flag::HiddenGroup => is_some(
            "SELECT 1 FROM contact_groups cg JOIN groups g ON g.id = cg.group_id WHERE cg.contact_id = c.id AND g.hidden",
            true,
        ),
        Flag::Blacklisted => blacklist::has("c.account_id", "c.phone"),
    }
}
