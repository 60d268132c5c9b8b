//! Rows as JSON and back, by the columns that the database itself tells: a column that is added later is kept without
//! anybody thinking of the trash, and one that was added while a row lay here gets its default.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};

use crate::{db::Sql, error::Result, vals};

#[derive(FromQueryResult)]
struct Column {
    name: String,
    kind: String,
    preset: Option<String>,
}

/// The columns of a table.
pub(super) struct Shape {
    table: &'static str,
    postgres: bool,
    columns: Vec<Column>,
}

impl Shape {
    /// Asks the database.
    pub(super) async fn of(conn: &impl ConnectionTrait, table: &'static str) -> Result<Self> {
        let postgres = conn.get_database_backend() == DbBackend::Postgres;
        let columns = if postgres {
            let sql = "SELECT column_name::text AS name, data_type::text AS kind, \
                CASE WHEN is_nullable = 'NO' THEN column_default::text END AS preset FROM information_schema.columns \
                WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' \
                ORDER BY ordinal_position";
            conn.all(sql, vals![table]).await?
        } else {
            let sql = "SELECT name, type AS kind, CASE WHEN \"notnull\" = 1 THEN dflt_value END AS preset \
                FROM pragma_table_info($1) ORDER BY cid";
            conn.all(sql, vals![table]).await?
        };
        Ok(Self { table, postgres, columns })
    }

    /// SQL that gives a row of the table, here called `alias`, as JSON. Octets become hexadecimal digits.
    pub(super) fn json(&self, alias: &str) -> String {
        if self.postgres {
            return format!("to_jsonb({alias})");
        }
        let pairs = self.columns.iter().map(|Column { name, kind, .. }| match kind.as_str() {
            "BLOB" => format!("'{name}', iif({alias}.{name} IS NULL, NULL, hex({alias}.{name}))"),
            _ => format!("'{name}', {alias}.{name}"),
        });
        format!("json_object({})", pairs.collect::<Vec<_>>().join(", "))
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The SELECT list that gives rows of the table back from the `data` of `from`, which [`Self::unpacked`] follows in FROM.
    pub(super) fn values(&self, from: &str) -> String {
        let value = |Column { name, kind, preset }: &Column| {
            let read = match (self.postgres, kind.as_str()) {
                (true, _) => format!("r.{name}"),
                (false, "BLOB") => format!("unhex({from}.data->>'$.{name}')"),
                (false, _) => format!("{from}.data->>'$.{name}'"),
            };
            match preset {
                Some(preset) => format!("COALESCE({read}, {preset}) AS {name}"),
                None => format!("{read} AS {name}"),
            }
        };
        self.columns.iter().map(value).collect::<Vec<_>>().join(", ")
    }

    /// What comes after `from` in FROM, for [`Self::values`].
    pub(super) fn unpacked(&self, from: &str) -> String {
        let table = self.table;
        match self.postgres {
            true => format!(" CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, {from}.data) r"),
            false => String::new(),
        }
    }
}
