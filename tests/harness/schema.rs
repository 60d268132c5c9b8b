//! Every answer against the document: what is answered is what is documented, field for field.
//!
//! Invariants: stricter than JSON Schema. A field that the schema does not name is a fault, as is a word of a schema
//! that this reader does not know.

use std::sync::OnceLock;

use serde_json::Value;

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap())
}

/// Words of a schema that constrain nothing here: ids and times are read by the tests themselves.
const SILENT: &[&str] =
    &["description", "example", "examples", "format", "pattern", "title", "default", "propertyNames"];

/// The schema of the body that an operation answers with this status, when it answers JSON.
fn schema_of(method: &str, path: &str, status: u16) -> Option<&'static Value> {
    let segments: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let fits = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        let same = |(t, s): (&&str, &&str)| t == s || t.starts_with('{');
        wanted.len() == segments.len() && wanted.iter().zip(&segments).all(same)
    };
    let paths = document()["paths"].as_object().unwrap();
    // A literal path goes before one with `{id}`.
    let (_, item) = paths.iter().filter(|(t, _)| fits(t)).min_by_key(|(t, _)| t.matches('{').count())?;
    let answer = &item.get(method.to_lowercase())?["responses"][status.to_string()];
    assert!(!answer.is_null(), "{method} {path}: the document knows no answer {status}");
    answer["content"].get("application/json").map(|content| &content["schema"])
}

/// Fails when a JSON answer is not what the document says.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, body: &[u8]) {
    if !(200..300).contains(&status) || !path.starts_with("/v1/") {
        return;
    }
    let Some(schema) = schema_of(method, path, status) else { return };
    let body: Value = serde_json::from_slice(body).unwrap();
    if let Err(fault) = fits(schema, &body, "") {
        panic!("{method} {path}: the answer is not as documented: {fault}\n{body:#}");
    }
}

/// Fails when an event is not what its type's schema says; gives the name of that schema.
#[track_caller]
pub fn check_event(event: &Value) -> &'static str {
    let kind = event["type"].as_str().unwrap();
    let schema = &document()["components"]["schemas"]["Event"];
    let place = schema["discriminator"]["mapping"][kind].as_str().unwrap_or_else(|| panic!("{kind} is not documented"));
    let mapped = document().pointer(place.trim_start_matches('#')).unwrap();
    fits(mapped, event, "").unwrap_or_else(|fault| panic!("{kind}: {fault}\n{event:#}"));
    place.rsplit('/').next().unwrap()
}

/// Every type of event that the document knows.
pub fn event_types() -> Vec<String> {
    let mapping = &document()["components"]["schemas"]["Event"]["discriminator"]["mapping"];
    mapping.as_object().unwrap().keys().cloned().collect()
}

fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let words = schema.as_object().ok_or_else(|| format!("{at}: the schema is no object"))?;
    if let Some(place) = words.get("$ref").and_then(Value::as_str) {
        return fits(document().pointer(place.trim_start_matches('#')).unwrap(), value, at);
    }
    for (word, told) in words {
        match word.as_str() {
            "type" => is_type(told, value).then_some(()).ok_or_else(|| format!("{at}: {value} is no {told}"))?,
            "enum" => {
                let known = told.as_array().unwrap().contains(value);
                known.then_some(()).ok_or_else(|| format!("{at}: {value} is none of {told}"))?;
            }
            "properties" => properties(schema, value, at)?,
            "required" => {
                let missing = told.as_array().unwrap().iter().find(|name| value.get(name.as_str().unwrap()).is_none());
                missing.map_or(Ok(()), |name| Err(format!("{at}: {name} is missing")))?;
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(told, item, &format!("{at}/{n}"))?;
                }
            }
            "additionalProperties" if *told == false => {} // no field is passed over here anyway
            "additionalProperties" => {
                for (name, item) in value.as_object().into_iter().flatten() {
                    fits(told, item, &format!("{at}/{name}"))?;
                }
            }
            "oneOf" => {
                let told: Vec<_> = told.as_array().unwrap().iter().map(|one| fits(one, value, at)).collect();
                let faults: Vec<&String> = told.iter().filter_map(|one| one.as_ref().err()).collect();
                let one = told.len() - faults.len() == 1;
                one.then_some(())
                    .ok_or_else(|| format!("{at}: fits {} of its schemas: {faults:?}", told.len() - faults.len()))?;
            }
            "minimum" => within(at, value, told, |v, bound| v >= bound)?,
            "maximum" => within(at, value, told, |v, bound| v <= bound)?,
            "maxItems" => {
                let count = value.as_array().map_or(0, Vec::len);
                (count as u64 <= told.as_u64().unwrap()).then_some(()).ok_or_else(|| format!("{at}: {count} items"))?;
            }
            "discriminator" => {
                let kind = value[told["propertyName"].as_str().unwrap()].as_str().unwrap_or_default();
                told["mapping"].get(kind).map(|_| ()).ok_or_else(|| format!("{at}: {kind:?} is not mapped"))?;
            }
            word if SILENT.contains(&word) => {}
            word => return Err(format!("{at}: a schema says {word}, which this check does not know")),
        }
    }
    Ok(())
}

fn properties(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (name, item) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(one) => fits(one, item, &format!("{at}/{name}"))?,
            None if schema["additionalProperties"].is_object() => {}
            None => return Err(format!("{at}: {name} is not documented")),
        }
    }
    Ok(())
}

fn within(at: &str, value: &Value, bound: &Value, holds: impl Fn(f64, f64) -> bool) -> Result<(), String> {
    let holds = value.as_f64().is_none_or(|v| holds(v, bound.as_f64().unwrap()));
    holds.then_some(()).ok_or_else(|| format!("{at}: {value} is beyond {bound}"))
}

fn is_type(told: &Value, value: &Value) -> bool {
    let one = |word: &Value| match word.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    told.as_array().map_or_else(|| one(told), |words| words.iter().any(one))
}
