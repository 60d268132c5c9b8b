//! What must hold of the whole document.

use actix_web::http::Method;
use serde_json::Value;

use crate::shared::operations::{Found, Operations};

/// Operations without a scope, because their address is signed.
const OPEN: [&str; 2] = ["carrier_callbacks.receive", "exports.download"];

fn document() -> Value {
    serde_json::to_value(super::openapi()).unwrap()
}

/// Fails when an operation answered with a code that the document does not tell of.
pub fn check_documented(operations: &Operations, method: &Method, path: &str, code: &str) {
    let Found::Operation(operation) = operations.find(method, path) else { return };
    let document = document();
    let spec = &document["paths"][&operation.path][method.as_str().to_lowercase()];
    let told = spec["responses"].as_object().unwrap().values().filter_map(|r| r["$ref"].as_str()).any(|r| {
        let pointer = r.trim_start_matches('#');
        document.pointer(pointer).unwrap()["content"]["application/problem+json"]["examples"].get(code).is_some()
    });
    assert!(told, "{} answered {code}, which its x-errors do not name", operation.id);
}

#[test]
fn every_operation_is_told_whole() {
    let document = document();
    let mut faults = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let mut wants = |holds: bool, what: &str| {
                if !holds {
                    faults.push(format!("{method} {path} ({id}): {what}"));
                }
            };
            wants(id.contains('.'), "operationId is not resource.verb");
            wants(operation["summary"].is_string(), "no summary");
            let text = operation["description"].as_str().unwrap_or_default();
            wants(text.contains('`'), "the description has no example in backticks");
            wants(operation["tags"].as_array().is_some_and(|t| t.len() == 1), "not exactly one tag");
            let scheme = if path.starts_with("/v1/admin/") { "operator" } else { "bearer" };
            let security = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
            let scope = security.first().and_then(|s| s[scheme][0].as_str());
            let open = OPEN.contains(&id);
            let named = scope.is_some() && security.len() == 1;
            wants(
                named != open,
                &format!("not exactly one scope of {scheme} in security, or open without being named here"),
            );
            let always: &[&str] = if open { &["500"] } else { &["401", "403", "429", "500"] };
            for status in always {
                wants(operation["responses"][*status].is_object(), &format!("no response {status}"));
            }
            let pages = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str();
            if pages.is_some_and(|name| name.ends_with("Page")) {
                for name in ["limit", "after"] {
                    let known = operation["parameters"].as_array().into_iter().flatten().any(|p| p["name"] == name);
                    wants(known, &format!("a list without {name}: name its query struct in params(…)"));
                }
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = &parameter["name"];
                wants(parameter["description"].is_string(), &format!("the parameter {name} has no description"));
            }
            let request = operation["requestBody"]["content"].as_object().into_iter().flatten();
            let answers = operation["responses"].as_object().into_iter().flatten();
            let answers = answers.flat_map(|(_, r)| r["content"].as_object().into_iter().flatten());
            for (kind, content) in request.chain(answers) {
                let is_json = kind == "application/json";
                let given = content["example"] != Value::Null || content["examples"].is_object();
                wants(given, &format!("a body of {kind} without an example"));
                wants(!is_json || content["schema"]["$ref"].is_string(), "a body without a named schema");
            }
            wants(operation["x-new"] == Value::Null, "x-new stays in the document");
            for status in ["201", "202"] {
                let example = &operation["responses"][status]["content"]["application/json"]["example"];
                let ended = example["finished_at"] != Value::Null || example["status"] == "completed";
                wants(!ended, &format!("the example of {status} has ended already: give x-new"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_reference_dangles_and_no_schema_is_anonymous() {
    fn walk<'a>(value: &'a Value, at: &str, see: &mut impl FnMut(&str, &'a Value)) {
        see(at, value);
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, &format!("{at}/{k}"), see)),
            Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| walk(v, &format!("{at}/{i}"), see)),
            _ => {}
        }
    }
    let document = document();
    let mut faults = Vec::new();
    walk(&document, "", &mut |at, value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str)
            && document.pointer(reference.trim_start_matches('#')).is_none()
        {
            faults.push(format!("{at}: {reference} leads nowhere"));
        }
        let named = at.strip_prefix("/components/schemas/").is_some_and(|name| !name.contains('/'));
        if !named && value["type"] == "object" && value["properties"].is_object() {
            faults.push(format!("{at}: an anonymous object"));
        }
        if value["format"] == "decimal" {
            faults.push(format!("{at}: generators turn format decimal into a float"));
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if schema.get("type").is_none() && schema.get("oneOf").is_none() && schema.get("allOf").is_none() {
            faults.push(format!("{name}: any"));
        }
        if name.contains("Page_") || name.contains('<') {
            faults.push(format!("{name}: a generator's name"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn own_errors_are_codes() {
    let document = document();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for code in operation[super::errors::OWN].as_array().into_iter().flatten() {
                let known = domain::Code::ALL.iter().any(|c| c.as_str() == code);
                assert!(known, "{}: {code} is no code", operation["operationId"]);
            }
        }
    }
}
