//! Lists: `{data, has_more, next_cursor}`, asked with `limit` (1 to 200, default 50) and `after`.
//!
//! The cursor is the id of the last row seen; clients treat it as opaque. A resource's query struct has `limit:
//! Option<u32>` and `after: Option<String>` beside its filters, and turns them into a window with [`window`].

use std::{
    fmt::Display,
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{Code, Error, db::Window};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::problem::Failure;

const DEFAULT: u32 = 50;
const MAX: u32 = 200;

/// The query of a request: `Query(asked): Query<ListTemplates>`. Unknown parameters are refused by the front door.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            serde_urlencoded::from_str(req.query_string())
                .map(Self)
                .map_err(|e| Failure(Error::new(Code::UnknownParameter, format!("The query cannot be read: {e}.")))),
        )
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
    /// What to send as `after` for the next page; null when there is none.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of what a query gave; `cursor` reads a row's id.
    pub fn new<R, C: Display>((rows, has_more): (Vec<R>, bool), cursor: impl Fn(&R) -> C) -> Self
    where
        T: From<R>,
    {
        let next_cursor = rows.last().filter(|_| has_more).map(|row| cursor(row).to_string());
        Self { data: rows.into_iter().map(T::from).collect(), has_more, next_cursor }
    }
}

/// The window that `limit` and `after` ask for.
pub fn window<C: FromStr>(limit: Option<u32>, after: Option<&str>) -> Result<Window<C>, Failure> {
    let limit = limit.unwrap_or(DEFAULT);
    if !(1..=MAX).contains(&limit) {
        return Err(Error::new(Code::UnknownParameter, format!("limit must be from 1 to {MAX}.")).into());
    }
    let after = after.map(|text| {
        text.parse().map_err(|_| Error::new(Code::InvalidCursor, "after must be the next_cursor of an earlier page."))
    });
    Ok(Window { limit: usize::try_from(limit).unwrap_or(1), after: after.transpose()? })
}
