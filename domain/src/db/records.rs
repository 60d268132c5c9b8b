//! Many rows in one bind: a JSON array that PostgreSQL unpacks with `jsonb_to_recordset` and SQLite with `json_each`.
//!
//! Invariant: a UUID travels as 32 hex digits and a time as an integer, so that both databases read what they stored;
//! `tests/db` shows the round trip.

use sea_orm::{DbBackend, Value};
use uuid::Uuid;

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
        format!("(SELECT value::uuid FROM jsonb_array_elements_text(${n}::jsonb))")
    } else {
        format!("(SELECT unhex(value) FROM json_each(${n}))")
    }
}

/// The bind for [`ids_list`].
pub fn ids_json(ids: impl IntoIterator<Item = Uuid>) -> Value {
    serde_json::Value::Array(ids.into_iter().map(|id| id.simple().to_string().into()).collect()).into()
}
