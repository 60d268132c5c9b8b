//! What utoipa cannot say about schemas: pages get a name and refer to their rows, what is always sent is `required`,
//! and a schema's example is shown wherever the schema is a body: where a resource has just been made, with what `x-new`
//! says otherwise, and as the last event of a stream of progress.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::openapi::{Array, Content, OpenApi, Ref, RefOr, Schema, path::Operation};

/// Names the fields in which what has just been made differs from the example of its schema; not in the document.
const NEW: &str = "x-new";

const PREFIX: &str = "#/components/schemas/";

/// Mends the document in place.
pub(super) fn mend(api: &mut OpenApi) {
    name_pages(api);
    require_what_is_sent(api);
    show_examples(api);
    describe_ids(api);
}

/// `Page_Template`, which inlines its rows, becomes `TemplatePage`, which refers to `Template`.
fn name_pages(api: &mut OpenApi) {
    let Some(components) = &mut api.components else { return };
    let pages: Vec<String> = components.schemas.keys().filter(|n| n.starts_with("Page_")).cloned().collect();
    for old in &pages {
        let row = old.trim_start_matches("Page_");
        if let Some(RefOr::T(Schema::Object(mut page))) = components.schemas.remove(old) {
            let mut rows = Array::new(Ref::from_schema_name(row));
            rows.description = Some("The rows of this page.".to_owned());
            page.properties.insert("data".to_owned(), RefOr::T(Schema::Array(rows)));
            components.schemas.insert(format!("{row}Page"), RefOr::T(Schema::Object(page)));
        }
    }
    for (_, _, operation) in super::operations_mut(api) {
        for content in answers(operation) {
            if let Some(row) = name_of(content).and_then(|n| n.strip_prefix("Page_")) {
                content.schema = Some(Ref::from_schema_name(format!("{row}Page")).into());
            }
        }
    }
}

/// A field of an answer is always there, null or not; only what is also a request may leave fields out.
fn require_what_is_sent(api: &mut OpenApi) {
    let mut asked = BTreeSet::new();
    for (_, _, operation) in super::operations_mut(api) {
        for content in questions(operation) {
            asked.extend(name_of(content).map(str::to_owned));
        }
    }
    let Some(components) = &mut api.components else { return };
    loop {
        let more: Vec<String> = asked
            .iter()
            .filter_map(|name| components.schemas.get(name))
            .flat_map(references)
            .filter(|name| !asked.contains(name))
            .collect();
        if more.is_empty() {
            break;
        }
        asked.extend(more);
    }
    for (name, schema) in &mut components.schemas {
        if let (RefOr::T(Schema::Object(object)), false) = (schema, asked.contains(name)) {
            object.required = object.properties.keys().cloned().collect();
        }
    }
}

/// Puts the example of a schema beside every body of that schema; a page's is made of its row's.
fn show_examples(api: &mut OpenApi) {
    let mut examples: BTreeMap<String, Value> = BTreeMap::new();
    for (name, schema) in api.components.iter().flat_map(|c| &c.schemas) {
        examples.extend(example_of(schema).map(|example| (name.clone(), example)));
    }
    let pages: Vec<(String, Value)> = examples
        .iter()
        .map(|(row, one)| (format!("{row}Page"), json!({"data": [one], "has_more": false, "next_cursor": null})))
        .collect();
    examples.extend(pages);
    for (_, _, operation) in super::operations_mut(api) {
        let example = |content: &Content| name_of(content).and_then(|n| examples.get(n)).cloned();
        let bodies = questions(operation).into_iter().filter(|content| is_bare(content));
        bodies.for_each(|content| content.example = example(content));
        let new = operation.extensions.as_mut().and_then(|all| all.remove(NEW));
        let bodies = answers(operation).into_iter().filter(|content| is_bare(content));
        bodies.for_each(|content| content.example = example(content));
        if let Some(Value::Object(new)) = new {
            for content in made(operation) {
                if let Some(Value::Object(example)) = &mut content.example {
                    example.extend(new.clone());
                }
            }
        }
    }
    show_streams(api);
}

fn is_bare(content: &Content) -> bool {
    content.example.is_none() && content.examples.is_empty()
}

/// A stream of progress ends with what the path before `/progress` gives.
fn show_streams(api: &mut OpenApi) {
    let mut resources: BTreeMap<String, Value> = BTreeMap::new();
    for (method, path, operation) in super::operations_mut(api) {
        let example = answers(operation).into_iter().find_map(|content| content.example.clone());
        resources.extend(example.filter(|_| method == "get").map(|example| (path.to_owned(), example)));
    }
    for (_, path, operation) in super::operations_mut(api) {
        let Some(last) = path.strip_suffix("/progress").and_then(|path| resources.get(path)) else { continue };
        let part = |name: &str| last.get(name).cloned().unwrap_or_default();
        let status = part("status");
        let (status, progress) = (status.as_str().unwrap_or_default(), part("progress"));
        let events = format!("event: progress\ndata: {progress}\n\nevent: {status}\ndata: {last}\n\n");
        for content in answers(operation).into_iter().filter(|content| is_bare(content)) {
            content.example = Some(Value::from(events.clone()));
        }
    }
}

/// The example that a schema gives of itself.
pub(crate) fn example_of(schema: &RefOr<Schema>) -> Option<Value> {
    match schema {
        RefOr::T(Schema::Object(o)) => o.example.as_ref().or(o.examples.first()).cloned(),
        RefOr::T(Schema::OneOf(o)) => o.example.as_ref().or(o.examples.first()).cloned(),
        _ => None,
    }
}

/// A path's `{id}` needs no words in each handler.
fn describe_ids(api: &mut OpenApi) {
    for (_, _, operation) in super::operations_mut(api) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && parameter.description.is_none()
                && parameter.name == "id"
            {
                parameter.description = Some("Its id.".to_owned());
            }
        }
    }
}

fn questions(operation: &mut Operation) -> Vec<&mut Content> {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return Vec::new() };
    body.content.values_mut().filter_map(own).collect()
}

fn answers(operation: &mut Operation) -> Vec<&mut Content> {
    let responses = operation.responses.responses.values_mut().filter_map(own);
    responses.flat_map(|r| r.content.values_mut().filter_map(own)).collect()
}

/// The bodies of answers that tell of something made or begun.
fn made(operation: &mut Operation) -> Vec<&mut Content> {
    let responses = operation.responses.responses.iter_mut();
    let responses = responses.filter(|(status, _)| matches!(status.as_str(), "201" | "202"));
    responses.filter_map(|(_, r)| own(r)).flat_map(|r| r.content.values_mut().filter_map(own)).collect()
}

fn own<T>(item: &mut RefOr<T>) -> Option<&mut T> {
    match item {
        RefOr::T(item) => Some(item),
        RefOr::Ref(_) => None,
    }
}

/// The name of the schema a body refers to.
fn name_of(content: &Content) -> Option<&str> {
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => reference.ref_location.strip_prefix(PREFIX),
        RefOr::T(_) => None,
    }
}

/// The names of the schemas a schema refers to.
fn references(schema: &RefOr<Schema>) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(
                    map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(PREFIX)).map(str::to_owned),
                );
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::to_value(schema).unwrap_or_default(), &mut found);
    found
}
