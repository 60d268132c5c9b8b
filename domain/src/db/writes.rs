//! Writes that go to the database together: one statement on PostgreSQL, whose cost for small batches is the way there and
//! back; one after the other on SQLite, which has no such way.
//!
//! Invariant: none of them reads what another of them wrote, and the order in which they happen is not known.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Value};

use super::Sql;

/// Statements that write, gathered.
#[derive(Debug)]
pub struct Writes {
    backend: DbBackend,
    all: Vec<(String, Vec<Value>)>,
}

impl Writes {
    /// None yet; they are for this transaction's database.
    pub fn new(tx: &DatabaseTransaction) -> Self {
        Self { backend: tx.get_database_backend(), all: Vec::new() }
    }

    /// Which database they are for.
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// One more: an INSERT, an UPDATE or a DELETE that gives nothing back.
    pub fn add(&mut self, sql: impl Into<String>, values: Vec<Value>) {
        self.all.push((sql.into(), values));
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// When the database refuses one: the transaction is to be rolled back.
    pub async fn run(self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        if self.backend != DbBackend::Postgres || self.all.len() < 2 {
            for (sql, values) in self.all {
                tx.run(&sql, values).await?;
            }
            return Ok(());
        }
        let (mut with, mut binds) = (String::from("WITH "), Vec::new());
        let last = self.all.len() - 1;
        for (place, (sql, values)) in self.all.into_iter().enumerate() {
            let sql = moved(&sql, binds.len());
            match place {
                _ if place == last => with.push_str(&sql),
                _ => with.push_str(&format!("w{place} AS ({sql}){} ", if place + 1 == last { "" } else { "," })),
            }
            binds.extend(values);
        }
        tx.run(&with, binds).await.map(drop)
    }
}

/// The statement with its placeholders counted on from `by`.
fn moved(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut out = String::with_capacity(sql.len() + 16);
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(end);
        out.push('$');
        match number.parse::<usize>() {
            Ok(number) => out.push_str(&(number + by).to_string()),
            Err(_) => out.push_str(number),
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::stages, vals};

    #[test]
    fn placeholders_count_on() {
        assert_eq!(moved("SELECT $1, $12::text, 'a$' || $3", 5), "SELECT $6, $17::text, 'a$' || $8");
        assert_eq!(moved("DELETE FROM t", 5), "DELETE FROM t");
    }

    #[tokio::test]
    async fn all_are_written_or_none() {
        for stage in stages().await {
            let tx = stage.db.begin().await.unwrap();
            tx.run("CREATE TABLE written (n BIGINT PRIMARY KEY, t TEXT)", vals![]).await.unwrap();
            tx.run("INSERT INTO written VALUES (1, 'a'), (2, 'b')", vals![]).await.unwrap();
            let mut writes = Writes::new(&tx);
            writes.add("INSERT INTO written (n, t) VALUES ($1, $2)", vals![3_i64, "c"]);
            writes.add("UPDATE written SET t = $2 WHERE n = $1", vals![1_i64, "d"]);
            writes.add("DELETE FROM written WHERE n = $1", vals![2_i64]);
            writes.run(&tx).await.unwrap();
            let left: Vec<String> = tx.column("SELECT t FROM written ORDER BY n", vals![]).await.unwrap();
            assert_eq!(left, ["d", "c"]);
            tx.commit().await.unwrap();
            let tx = stage.db.begin().await.unwrap();
            let mut writes = Writes::new(&tx);
            writes.add("INSERT INTO written (n, t) VALUES ($1, $2)", vals![4_i64, "e"]);
            writes.add("INSERT INTO written (n, t) VALUES ($1, $2)", vals![3_i64, "taken"]);
            assert!(writes.run(&tx).await.is_err());
            tx.rollback().await.unwrap();
            let count = stage.db.read().scalar::<i64>("SELECT COUNT(*) FROM written", vals![]).await.unwrap();
            assert_eq!(count, Some(2));
        }
    }
}
