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
use domain::{
    Code, Error,
    db::Window,
    error::Faults,
    phone::{Country, UnknownCountry},
};
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
        ready(read(req.query_string()).map(Self).map_err(Failure))
    }
}

/// Reads a query, or names each parameter that cannot be read.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let whole = match serde_urlencoded::from_str(query) {
        Ok(asked) => return Ok(asked),
        Err(e) => e.to_string(),
    };
    // serde does not say which one it was, so each is read by itself.
    let mut faults = Faults::default();
    for pair in query.split('&') {
        let Err(e) = serde_urlencoded::from_str::<T>(pair) else { continue };
        let e = e.to_string();
        let names: Vec<(String, String)> = serde_urlencoded::from_str(pair).unwrap_or_default();
        if let Some((name, _)) = names.first().filter(|_| !e.starts_with("missing field")) {
            faults.add(format!("/{name}"), "invalid", wanted(&e));
        }
    }
    let named = |start: &str| whole.strip_prefix(start)?.strip_suffix('`');
    if let Some(name) = named("duplicate field `") {
        faults.add(format!("/{name}"), "duplicate", "must not be given twice");
    }
    if let Some(name) = named("missing field `") {
        faults.add(format!("/{name}"), "required", "is required");
    }
    faults.check().map_err(Error::of_parameters)?;
    Err(Error::new(Code::InvalidParameter, format!("The query cannot be read: {whole}.")))
}

/// What would be right, where the library says only what is wrong.
fn wanted(e: &str) -> String {
    match e {
        "provided string was not `true` or `false`" => "must be true or false".to_owned(),
        e if e.contains("digit") || e.contains("number too") || e.contains("empty string") => {
            "must be a whole number".to_owned()
        }
        e => format!("is not valid: {e}"),
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

/// The code of a country that a list is narrowed to, in either case.
pub fn asked_country(code: Option<String>) -> Result<Option<String>, Failure> {
    let unknown = |e: UnknownCountry| Error::parameter("country", "invalid_country", e.to_string());
    let country = code.map(|code| code.trim().parse::<Country>()).transpose().map_err(unknown)?;
    Ok(country.map(Country::code))
}

/// The window that `limit` and `after` ask for.
pub fn window<C: FromStr>(limit: Option<u32>, after: Option<&str>) -> Result<Window<C>, Failure> {
    let limit = limit.unwrap_or(DEFAULT);
    if !(1..=MAX).contains(&limit) {
        return Err(Error::parameter("limit", "out_of_range", format!("must be from 1 to {MAX}")).into());
    }
    let after = after.map(|text| {
        text.parse().map_err(|_| Error::new(Code::InvalidCursor, "after must be the next_cursor of an earlier page."))
    });
    Ok(Window { limit: usize::try_from(limit).unwrap_or(1), after: after.transpose()? })
}

#[cfg(test)]
mod tests {
    use domain::ids::GroupId;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Inner {
        group_id: Option<GroupId>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Asked {
        #[serde(flatten)]
        inner: Inner,
        limit: Option<u32>,
        count: Option<bool>,
        name: Option<String>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Required {
        name: String,
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        fn refused<T: DeserializeOwned + std::fmt::Debug>(query: &str) -> Vec<String> {
            let e = read::<T>(query).unwrap_err();
            assert_eq!(e.code, Code::InvalidParameter);
            e.faults.iter().map(|f| format!("{} {}", f.pointer, f.detail)).collect()
        }
        let asked = refused::<Asked>;
        assert!(read::<Asked>("name=a&limit=1&count=true").is_ok());
        for limit in ["x", "-1", "", "99999999999", "1.5"] {
            assert_eq!(asked(&format!("name=a&limit={limit}")), ["/limit must be a whole number"]);
        }
        let two = ["/count must be true or false", "/limit must be a whole number"];
        assert_eq!(asked("name=a&count=1&limit=x"), two);
        assert_eq!(asked("name=a&name=b"), ["/name must not be given twice"]);
        assert_eq!(refused::<Required>("limit=1"), ["/name is required"]);
        let told = asked("name=a&group_id=cmp_1");
        assert!(
            told.len() == 1 && told[0].starts_with("/group_id is not valid: \"cmp_1\" is not the id of"),
            "{told:?}"
        );
    }
}
