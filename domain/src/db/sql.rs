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

/// The part of a list that is asked for: so many rows after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window<C> {
    /// How many rows at most.
    pub limit: usize,
    /// The last row of the page before.
    pub after: Option<C>,
}

impl<C> Window<C> {
    /// What to ask the database for: one row more, which tells whether there are more.
    pub fn fetch(&self) -> u64 {
        u64::try_from(self.limit.saturating_add(1)).unwrap_or(u64::MAX)
    }
    /// The rows of the page, and whether there are more.
    pub fn cut<T>(&self, rows: Vec<T>) -> (Vec<T>, bool) {
        page_bounds(rows, self.limit)
    }
}

/// Refuses a change that was made upon another version than the row has now. `None`: the caller did not say.
///
/// # Errors
/// [`Code::VersionMismatch`](crate::Code::VersionMismatch).
pub fn expect_version(is: i64, expected: Option<i64>) -> crate::Result<()> {
    if expected.is_none_or(|e| e == is) {
        return Ok(());
    }
    Err(crate::Error::new(
        crate::Code::VersionMismatch,
        "If-Match names another version; read the resource again and repeat the change.",
    ))
}

/// Turns the refusal of a unique constraint into `already_exists` with this sentence; other errors stay what they are.
pub fn or_exists(e: DbErr, detail: &str) -> crate::Error {
    match e.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => crate::Error::new(crate::Code::AlreadyExists, detail),
        _ => e.into(),
    }
}
