//! Many rows in few binds, for what every message goes through: an array a column on PostgreSQL (`unnest`), which costs
//! it half of what reading JSON does; one JSON text on SQLite. [`super::Records`] is for what is wider and rarer.
//!
//! Invariants: columns are of one length, since each is made from the same rows; a null and an empty text are one, as
//! are a null and the nil UUID (arrays of nulls cannot be bound).

use std::{borrow::Cow, fmt::Write};

use sea_orm::{DbBackend, Value};
use uuid::Uuid;

/// What stands for a null among integers.
const NO_INT: i64 = i64::MIN;

/// The values of one column.
#[derive(Debug, Clone)]
enum Column<'a> {
    Ids(Vec<Uuid>),
    Texts(Vec<Cow<'a, str>>),
    Ints(Vec<i64>),
    Json(Vec<String>),
}

/// Rows to be bound and read in SQL like a table, built a column at a time.
#[derive(Debug, Clone, Default)]
pub struct Columns<'a> {
    columns: Vec<(&'static str, Column<'a>)>,
}

impl<'a> Columns<'a> {
    /// No column yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// A column of UUIDs, or of nulls.
    #[must_use]
    pub fn ids<I: Into<Option<Uuid>>>(self, name: &'static str, values: impl IntoIterator<Item = I>) -> Self {
        self.with(name, Column::Ids(values.into_iter().map(|v| v.into().unwrap_or(Uuid::nil())).collect()))
    }
    /// A column of texts.
    #[must_use]
    pub fn texts<T: Into<Cow<'a, str>>>(self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.with(name, Column::Texts(values.into_iter().map(Into::into).collect()))
    }
    /// A column of texts, or of nulls.
    #[must_use]
    pub fn some_texts<T: Into<Cow<'a, str>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        self.texts(name, values.into_iter().map(|v| v.map_or(Cow::Borrowed(""), Into::into)))
    }
    /// A column of 64-bit integers, or of nulls; also of times and money.
    #[must_use]
    pub fn ints<I: Into<Option<i64>>>(self, name: &'static str, values: impl IntoIterator<Item = I>) -> Self {
        self.with(name, Column::Ints(values.into_iter().map(|v| v.into().unwrap_or(NO_INT)).collect()))
    }

    /// A column of JSON values.
    #[must_use]
    pub fn json<'b>(self, name: &'static str, values: impl IntoIterator<Item = &'b serde_json::Value>) -> Self {
        self.with(name, Column::Json(values.into_iter().map(ToString::to_string).collect()))
    }

    /// Without the columns that are null in every row: for a statement that names its columns by [`Self::names`].
    #[must_use]
    pub fn without_nulls(mut self) -> Self {
        self.columns.retain(|(_, column)| match column {
            Column::Ids(v) => v.iter().any(|id| !id.is_nil()),
            Column::Texts(v) => v.iter().any(|text| !text.is_empty()),
            Column::Ints(v) => v.iter().any(|n| *n != NO_INT),
            Column::Json(_) => true,
        });
        self
    }

    /// The names of the columns, in a list.
    pub fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn with(mut self, name: &'static str, column: Column<'a>) -> Self {
        self.columns.push((name, column));
        self
    }

    /// The FROM item, named `alias`. Its placeholders are `$n` and on, and come after all others of the statement.
    pub fn source(&self, backend: DbBackend, n: usize, alias: &str) -> String {
        let list = |f: &dyn Fn(usize, &str, &Column<'a>) -> String| {
            self.columns.iter().enumerate().map(|(place, (name, c))| f(place, name, c)).collect::<Vec<_>>().join(", ")
        };
        if backend == DbBackend::Postgres {
            let values = list(&|_, name, column| match column {
                Column::Ids(_) => format!("NULLIF({name}, '{}'::uuid) AS {name}", Uuid::nil()),
                Column::Texts(_) => format!("NULLIF({name}, '') AS {name}"),
                Column::Ints(_) => format!("NULLIF({name}, {NO_INT}) AS {name}"),
                Column::Json(_) => format!("{name}::jsonb AS {name}"),
            });
            // Side by side in a list of columns, a row at a time; in FROM each would first be written into a table of its own.
            let arrays = list(&|place, name, column| {
                let kind = match column {
                    Column::Ids(_) => "uuid",
                    Column::Texts(_) | Column::Json(_) => "text",
                    Column::Ints(_) => "bigint",
                };
                format!("unnest(${}::{kind}[]) AS {name}", n + place)
            });
            return format!("(SELECT {values} FROM (SELECT {arrays}) AS u) AS {alias}");
        }
        let columns = list(&|place, name, column| match column {
            Column::Ids(_) => format!("unhex(value->>{place}) AS {name}"),
            Column::Json(_) => format!("value->{place} AS {name}"),
            Column::Texts(_) | Column::Ints(_) => format!("value->>{place} AS {name}"),
        });
        format!("(SELECT {columns} FROM json_each(${n})) AS {alias}")
    }

    /// The binds of a statement: `others`, and after them what [`Self::source`] reads.
    pub fn after(&self, backend: DbBackend, mut others: Vec<Value>) -> Vec<Value> {
        if backend == DbBackend::Postgres {
            others.extend(self.columns.iter().map(|(_, column)| column.array()));
        } else {
            others.push(self.text().into());
        }
        others
    }

    /// A JSON array of one array a row.
    fn text(&self) -> String {
        let rows = self.columns.first().map_or(0, |(_, c)| c.len());
        let mut text = String::with_capacity(rows * self.columns.len() * 16 + 2);
        text.push('[');
        for row in 0..rows {
            text.push_str(if row == 0 { "[" } else { ",[" });
            for (place, (_, column)) in self.columns.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                column.write(row, &mut text);
            }
            text.push(']');
        }
        text.push(']');
        text
    }
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Ids(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::Ints(v) => v.len(),
            Self::Json(v) => v.len(),
        }
    }

    fn write(&self, row: usize, text: &mut String) {
        let written = match self {
            Self::Ids(v) => v.get(row).filter(|id| !id.is_nil()).map(|id| write!(text, "\"{}\"", id.simple())),
            Self::Ints(v) => v.get(row).filter(|n| **n != NO_INT).map(|n| write!(text, "{n}")),
            Self::Json(v) => v.get(row).map(|json| write!(text, "{json}")),
            Self::Texts(v) => {
                v.get(row).filter(|s| !s.is_empty()).map(|s| write!(text, "{}", serde_json::Value::from(&**s)))
            }
        };
        if written.is_none() {
            text.push_str("null");
        }
    }

    fn array(&self) -> Value {
        match self {
            Self::Ids(v) => v.clone().into(),
            Self::Texts(v) => v.iter().map(|s| s.clone().into_owned()).collect::<Vec<String>>().into(),
            Self::Ints(v) => v.clone().into(),
            Self::Json(v) => v.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_nulls_are_left_out() {
        let columns = Columns::new()
            .ids("a", [Uuid::nil(), Uuid::max()])
            .ids("b", [Uuid::nil(), Uuid::nil()])
            .some_texts("c", [None::<&str>, None])
            .texts("d", ["", "x"])
            .ints("e", [None, None])
            .ints("f", [0, 1])
            .json("g", &[serde_json::json!({}), serde_json::json!({})]);
        assert_eq!(columns.without_nulls().names(), "a, d, f, g");
    }
}
