//! Many rows in one bind: a JSON array that PostgreSQL unpacks with `jsonb_to_recordset` and SQLite with `json_each`.
//!
//! Invariant: a UUID travels as 32 hex digits and a time as an integer, so that both databases read what they stored;
//! `tests/db` shows the round trip.

use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use crate::vals;

/// The type of one field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A UUID: 32 hex digits in the JSON.
    Id,
    /// Text, or null.
    Text,
    /// A 64-bit integer, or null; also times and money.
    Int,
    /// A JSON value, stored as such.
    Json,
}

/// Rows to be bound as one parameter and read in SQL like a table.
pub struct Records {
    fields: &'static [(&'static str, Field)],
    rows: Vec<serde_json::Value>,
}

impl Records {
    /// A list of rows of this shape.
    pub fn new(fields: &'static [(&'static str, Field)], rows: Vec<serde_json::Value>) -> Self {
        Self { fields, rows }
    }
    /// The FROM item, named `alias`, of parameter number `n`.
    pub fn source(&self, backend: DbBackend, n: usize, alias: &str) -> String {
        let list = |f: &dyn Fn(&str, Field) -> String| {
            self.fields.iter().map(|(name, kind)| f(name, *kind)).collect::<Vec<_>>().join(", ")
        };
        if backend == DbBackend::Postgres {
            let columns = list(&|name, kind| {
                let ty = match kind {
                    Field::Id => "uuid",
                    Field::Text => "text",
                    Field::Int => "bigint",
                    Field::Json => "jsonb",
                };
                format!("{name} {ty}")
            });
            return format!("jsonb_to_recordset(${n}::jsonb) AS {alias}({columns})");
        }
        let columns = list(&|name, kind| match kind {
            Field::Id => format!("unhex(value->>'$.{name}') AS {name}"),
            Field::Json => format!("value->'$.{name}' AS {name}"),
            Field::Text | Field::Int => format!("value->>'$.{name}' AS {name}"),
        });
        format!("(SELECT {columns} FROM json_each(${n})) AS {alias}")
    }
    /// The parameter itself.
    pub fn value(self) -> Value {
        serde_json::Value::Array(self.rows).into()
    }
}

/// A sub-select of the ids bound as parameter number `n` by [`ids_json`]: `id IN (…)`.
pub fn ids_list(backend: DbBackend, n: usize) -> String {
    if backend == DbBackend::Postgres {
        // Cheaper than reading JSON, and taken for few rows: the planner then looks each up by an index.
        format!("(SELECT unnest(string_to_array(translate(${n}::text, '[\"]', ''), ',')::uuid[]))")
    } else {
        format!("(SELECT unhex(value) FROM json_each(${n}))")
    }
}

/// The same as a FROM item, named `alias`, with the column `id`.
pub fn ids_source(backend: DbBackend, n: usize, alias: &str) -> String {
    if backend == DbBackend::Postgres {
        format!("unnest(string_to_array(translate(${n}::text, '[\"]', ''), ',')::uuid[]) AS {alias}(id)")
    } else {
        format!("(SELECT unhex(value) AS id FROM json_each(${n})) AS {alias}")
    }
}

/// Whether `column`, by which its table is cut into months, is one of the ids bound from parameter number `n` on by
/// [`spanned`]: PostgreSQL then reads the months between the least and the greatest by one index scan each.
pub fn in_span(backend: DbBackend, column: &str, n: usize) -> String {
    if backend == DbBackend::Postgres {
        format!(
            "{column} = ANY (string_to_array(translate(${n}::text, '[\"]', ''), ',')::uuid[]) AND {column} BETWEEN ${} AND ${}",
            n + 1,
            n + 2
        )
    } else {
        // No months here; the two other binds are named all the same, since both databases get the same ones.
        format!("{column} IN {} AND ${} <= ${}", ids_list(backend, n), n + 1, n + 2)
    }
}

/// The three binds for [`in_span`].
pub fn spanned(ids: &[Uuid]) -> Vec<Value> {
    let (least, greatest) = (ids.iter().min().copied(), ids.iter().max().copied());
    vals![ids_json(ids.iter().copied()), least.unwrap_or_default(), greatest.unwrap_or_default()]
}

/// The bind for [`ids_list`] and [`ids_source`]: a JSON array of hex digits.
pub fn ids_json(ids: impl IntoIterator<Item = Uuid>) -> Value {
    let mut list = String::from("[");
    for id in ids {
        list.push_str(if list.len() == 1 { "\"" } else { ",\"" });
        list.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        list.push('"');
    }
    list.push(']');
    list.into()
}

/// For each row so far, the rows of a table that `condition` picks by an index: a nested loop in this order on both
/// databases, whatever the statistics of a table that grows under our hands say.
pub fn lookup(backend: DbBackend, table: &str, alias: &str, condition: &str) -> String {
    if backend == DbBackend::Postgres {
        format!("CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) {alias}")
    } else {
        format!("CROSS JOIN {table} {alias} ON {condition}")
    }
}
