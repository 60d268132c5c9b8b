//! The errors of every operation. A handler names in `x-errors` the codes that are its own; what every operation can
//! answer, or every operation of its shape, is added here.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Code, Error};
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    example::ExampleBuilder,
    path::{Operation, Parameter, ParameterIn},
};

use crate::shared::{
    operations::security_of,
    problem::{PROBLEM_JSON, Problem},
};

pub(super) const OWN: &str = "x-errors";

/// Adds the problem responses.
pub(super) fn document(api: &mut OpenApi) {
    let mut shared = BTreeMap::new();
    for (method, path, operation) in super::operations_mut(api) {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        let codes = codes(method, path, operation);
        for code in Code::ALL.iter().filter(|c| codes.contains(c.as_str())) {
            by_status.entry(code.status()).or_default().push(*code);
        }
        for (status, codes) in by_status {
            let name: Vec<String> = codes.iter().map(|c| pascal(c.as_str())).collect();
            let name = name.join("Or");
            let reference = RefOr::Ref(Ref::from_response_name(&name));
            operation.responses.responses.insert(status.to_string(), reference);
            shared.entry(name).or_insert_with(|| response(&codes));
        }
    }
    if let Some(components) = &mut api.components {
        components.responses.extend(shared.into_iter().map(|(name, r)| (name, RefOr::T(r))));
    }
}

/// Every code an operation can answer.
fn codes(method: &str, path: &str, operation: &Operation) -> BTreeSet<String> {
    let own = operation.extensions.as_ref().and_then(|e| e.get(OWN)).and_then(|v| v.as_array()).into_iter().flatten();
    let mut all: BTreeSet<String> = own.filter_map(|v| v.as_str()).map(str::to_owned).collect();
    let mut add = |codes: &[Code]| all.extend(codes.iter().map(|c| c.as_str().to_owned()));
    add(&[Code::UnknownParameter, Code::Internal, Code::Unavailable]);
    if security_of(operation).is_some() {
        add(&[Code::Unauthorized, Code::AddressNotAllowed, Code::WrongToken, Code::ScopeMissing, Code::QuotaExceeded]);
        if !path.starts_with("/v1/admin/") {
            add(&[Code::AccountSuspended]);
        }
    }
    if path.contains('{') {
        add(&[Code::NotFound]);
    }
    if matches!(method, "post" | "put" | "patch") {
        add(&[Code::MalformedJson, Code::InvalidRequest, Code::UnsupportedMediaType, Code::BodyTooLarge]);
    }
    let query = |p: &Parameter| p.parameter_in == ParameterIn::Query;
    if operation.parameters.iter().flatten().filter_map(as_parameter).any(query) {
        add(&[Code::InvalidParameter]);
    }
    for parameter in operation.parameters.iter().flatten().filter_map(as_parameter) {
        match (&parameter.parameter_in, parameter.name.as_str()) {
            (ParameterIn::Query, "after") => add(&[Code::InvalidCursor]),
            (ParameterIn::Header, "If-Match") => add(&[Code::VersionMismatch]),
            (ParameterIn::Header, "Idempotency-Key") => {
                add(&[Code::IdempotencyInFlight, Code::IdempotencyKeyReused, Code::IdempotencyKeyMissing]);
            }
            _ => {}
        }
    }
    all
}

/// The parameter itself; none of ours is a reference.
pub(crate) fn as_parameter(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

fn response(codes: &[Code]) -> Response {
    let text: Vec<String> = codes.iter().map(|c| format!("`{c}`: {}. {}", c.title(), c.help())).collect();
    let examples = codes.iter().map(|code| {
        let problem = Problem::new(&Error::new(*code, code.help()), "/v1/…", "req_01kazsw6e3f8e9xq2m4r7t5v0b");
        let value = serde_json::to_value(problem).unwrap_or_default();
        (code.as_str(), RefOr::T(ExampleBuilder::new().summary(code.title()).value(Some(value)).build()))
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    ResponseBuilder::new().description(text.join("\n\n")).content(PROBLEM_JSON, content).build()
}

fn pascal(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect()
}
