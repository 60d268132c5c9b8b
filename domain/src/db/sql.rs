//! Plain SQL over sea-orm's connections: the same text with `$1` placeholders on both databases.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, TryGetable, Value};

/// The values of a statement, in order: `vals![scope.account(), "x", 3_i64]`.
#[macro_export]
macro_rules! vals {
    ($($v:expr),* $(,)?) => { vec![$(sea_orm::Value::from($v)),*] };
}

/// Statements by text, on anything that is a connection or a transaction.
#[allow(async_fn_in_trait, reason = "used within the workspace only; the futures are Send where the connection is")]
pub trait Sql: ConnectionTrait + Sized {
    /// Runs a statement and tells how many rows it touched.
    fn run(&self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64, DbErr>> + Send
    where
        Self: Sync,
    {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        async move { Ok(self.execute_raw(statement).await?.rows_affected()) }
    }
    /// Every row as `T`.
    fn all<T: FromQueryResult + Send>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<T>, DbErr>> + Send
    where
        Self: Sync,
    {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        async move { self.query_all_raw(statement).await?.iter().map(|row| T::from_query_result(row, "")).collect() }
    }
    /// The first row as `T`, if there is one.
    fn one<T: FromQueryResult + Send>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<T>, DbErr>> + Send
    where
        Self: Sync,
    {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        async move { self.query_one_raw(statement).await?.map(|row| T::from_query_result(&row, "")).transpose() }
    }
    /// The first column of every row.
    fn column<T: TryGetable + Send>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<T>, DbErr>> + Send
    where
        Self: Sync,
    {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        async move { self.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect() }
    }
    /// The first column of the first row, if there is one.
    fn scalar<T: TryGetable + Send>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<T>, DbErr>> + Send
    where
        Self: Sync,
    {
        let statement = Statement::from_sql_and_values(self.get_database_backend(), sql, values);
        async move { self.query_one_raw(statement).await?.map(|row| row.try_get_by_index(0)).transpose() }
    }
}

impl<C: ConnectionTrait> Sql for C {}

/// Cuts a query result of `limit + 1` rows into a page: the rows and whether there are more.
pub fn page_bounds<T>(mut rows: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    (rows, more)
}
