//! One schema text for two databases. SQLite tables are STRICT, so that a float or a text can never slip into a column
//! of integers.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Runs every statement of `text`; lines beginning with `--` are comments. A statement that begins with `[postgres]` or `[sqlite]` runs only there.
pub async fn run(manager: &SchemaManager<'_>, text: &str) -> Result<(), DbErr> {
    let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    for statement in statements(text) {
        let statement = statement.as_str();
        let statement = match (statement.strip_prefix("[postgres]"), statement.strip_prefix("[sqlite]")) {
            (Some(_), _) if sqlite => continue,
            (_, Some(_)) if !sqlite => continue,
            (Some(s), _) | (_, Some(s)) => s.trim(),
            _ => statement,
        };
        let statement = if sqlite { to_sqlite(statement) } else { to_postgres(statement) };
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// A statement ends with `;` at the end of a line, outside a `$$` body.
fn statements(text: &str) -> Vec<String> {
    let (mut all, mut current, mut in_body) = (Vec::new(), String::new(), false);
    for line in text.lines().filter(|l| !l.trim_start().starts_with("--")) {
        in_body ^= line.matches("$$").count() % 2 == 1;
        current.push_str(line);
        current.push('\n');
        if !in_body && line.trim_end().ends_with(';') {
            all.push(std::mem::take(&mut current).trim().trim_end_matches(';').to_owned());
        }
    }
    all
}

/// `) PARTITIONED` at the end of a table becomes a clustered table on SQLite and a range-partitioned one on PostgreSQL.
fn to_sqlite(statement: &str) -> String {
    let mut s = statement.to_owned();
    for (from, to) in [
        (" UUID", " BLOB"),
        (" JSONB", " TEXT"),
        (" BIGINT", " INTEGER"),
        (" BYTEA", " BLOB"),
        (" BOOLEAN", " INTEGER"),
    ] {
        s = s.replace(from, to);
    }
    if let Some(head) = s.strip_suffix(") PARTITIONED") {
        return format!("{head}) STRICT, WITHOUT ROWID");
    }
    if s.starts_with("CREATE TABLE") { format!("{s} STRICT") } else { s }
}

fn to_postgres(statement: &str) -> String {
    let s = statement.to_owned();
    let Some(head) = s.strip_suffix(") PARTITIONED") else { return s };
    let words: Vec<&str> = head.split_whitespace().collect();
    let (table, key) = (words.get(2).copied().unwrap_or_default(), words.get(4).copied().unwrap_or_default());
    format!("{head}) PARTITION BY RANGE ({key}); CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
}

/// Declares a step whose `up` is one text. Steps are not undone: a mistake is mended by a later step.
macro_rules! step {
    ($text:expr) => {
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Step;

        #[sea_orm_migration::async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Step {
            async fn up(
                &self,
                manager: &sea_orm_migration::prelude::SchemaManager,
            ) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::schema::run(manager, $text).await
            }
        }
    };
}
pub(crate) use step;
