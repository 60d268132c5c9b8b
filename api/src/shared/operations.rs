//! The operations, read from the OpenAPI document: which exist, which token and scope each needs, which query parameters it
//! knows. The document is the one place where this is declared; the front door, the metrics and the tests read it here.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use utoipa::openapi::{OpenApi, path::ParameterIn};

use crate::openapi::as_parameter;

/// One operation of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its operationId, such as `campaigns.launch`.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path, such as `/v1/campaigns/{id}/launch`.
    pub path: String,
    /// What its `security` names; `None`: open to everyone.
    pub security: Option<Security>,
    /// The query parameters it knows.
    pub query: BTreeSet<String>,
}

/// What a token must be and have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// Whether the token must be the operator's, rather than an account's.
    pub operator: bool,
    /// The scope it must have.
    pub scope: String,
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// An operation.
    Operation(&'a Operation),
    /// The path exists, with these methods.
    OtherMethods(Vec<Method>),
    /// Nothing of the document.
    Nothing,
}

/// Every operation.
#[derive(Debug, Default)]
pub struct Operations {
    /// By path, split at the slashes; a segment in braces stands for any.
    paths: Vec<(Vec<String>, Vec<Operation>)>,
}

impl Operations {
    /// Reads the document.
    pub fn of(api: &OpenApi) -> Self {
        let mut paths = Vec::new();
        for (path, item) in &api.paths.paths {
            let methods = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            let operations = methods.into_iter().filter_map(|(method, operation)| {
                let operation = operation.as_ref()?;
                Some(Operation {
                    id: operation.operation_id.clone().unwrap_or_default(),
                    method,
                    path: path.clone(),
                    security: security_of(operation),
                    query: operation
                        .parameters
                        .iter()
                        .flatten()
                        .filter_map(as_parameter)
                        .filter(|p| p.parameter_in == ParameterIn::Query)
                        .map(|p| p.name.clone())
                        .collect(),
                })
            });
            paths.push((path.split('/').map(str::to_owned).collect(), operations.collect()));
        }
        Self { paths }
    }

    /// What a request leads to. A path that is written out wins over one with a parameter.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let asked: Vec<&str> = path.split('/').collect();
        let best = self
            .paths
            .iter()
            .filter_map(|(segments, operations)| {
                let fits = segments.len() == asked.len()
                    && segments.iter().zip(&asked).all(|(s, a)| s == a || is_parameter(s) && !a.is_empty());
                let operation = operations.iter().find(|o| o.method == *method);
                let parameters = segments.iter().filter(|s| is_parameter(s)).count();
                fits.then_some((operation.is_none(), parameters, operation, operations))
            })
            .min_by_key(|(missing, parameters, ..)| (*missing, *parameters));
        match best {
            Some((_, _, Some(operation), _)) => Found::Operation(operation),
            Some((_, _, None, operations)) => {
                Found::OtherMethods(operations.iter().map(|o| o.method.clone()).collect())
            }
            None => Found::Nothing,
        }
    }

    /// Every operation, in the order of the document.
    pub fn all(&self) -> impl Iterator<Item = &Operation> {
        self.paths.iter().flat_map(|(_, operations)| operations)
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// `security(("bearer" = ["templates:read"]))` names the scope of an account's token, `("operator" = […])` of the
/// operator's.
pub(crate) fn security_of(operation: &utoipa::openapi::path::Operation) -> Option<Security> {
    let value = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let list: Vec<BTreeMap<String, Vec<String>>> = serde_json::from_value(value).ok()?;
    let named = |scheme: &str| list.iter().find_map(|all| all.get(scheme)?.first().cloned());
    let (account, operator) = (named("bearer"), named("operator"));
    let is_operator = account.is_none();
    account.or(operator).map(|scope| Security { operator: is_operator, scope })
}
