//! Reading the `{id}` of a path. What is no id of the right kind is simply not found.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{Code, Error};

use super::problem::Failure;

/// The `{id}` of the path: `Id(id): Id<TemplateId>`.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(part(req, "id").map(Self))
    }
}

/// A named part of the path, for paths with more than one.
pub fn part<T: FromStr>(req: &HttpRequest, name: &str) -> Result<T, Failure> {
    let text = req.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|_| {
        let text = text.chars().take(40).collect::<String>();
        Failure(Error::new(Code::NotFound, format!("There is nothing with the id {text:?} in this account.")))
    })
}
