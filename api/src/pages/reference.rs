//! `/reference`: the whole document as one page to read, made from the document itself.

use serde_json::{Map, Value};

use super::html::{escape, inline, markdown, page};

/// Renders the page.
pub fn render(document: &Value) -> String {
    let mut body = format!(
        "<nav><a href=\"/docs/\">Try it</a><a href=\"/openapi.json\">openapi.json</a><a href=\"/problems\">Errors</a></nav>\
         <h1>{} API</h1>{}",
        escape(text(&document["info"]["title"])),
        markdown(text(&document["info"]["description"])),
    );
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    let links = tags.iter().map(|t| text(&t["name"])).map(|t| format!("<a href=\"#{}\">{}</a>", anchor(t), escape(t)));
    body.push_str(&format!("<nav>{}<a href=\"#schemas\">Schemas</a></nav>", links.collect::<String>()));
    for tag in &tags {
        let name = text(&tag["name"]);
        body.push_str(&format!(
            "<h2 id=\"{}\">{}</h2>{}",
            anchor(name),
            escape(name),
            markdown(text(&tag["description"]))
        ));
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item).filter(|(_, o)| o["tags"][0] == *name) {
                body.push_str(&self::operation(document, method, path, operation));
            }
        }
    }
    body.push_str("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        body.push_str(&self::schema(name, schema));
    }
    page("Carillon API", &body)
}

fn operation(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let id = text(&operation["operationId"]);
    let security = &operation["security"][0];
    let needs = match (security["operator"][0].as_str(), security["bearer"][0].as_str()) {
        (Some(scope), _) => format!("needs <code>{scope}</code> of the operator"),
        (None, Some(scope)) => format!("needs <code>{scope}</code>"),
        (None, None) => "needs no token: its address is signed".to_owned(),
    };
    let mut html = format!(
        "<h3 id=\"{id}\">{}</h3><p class=\"path\"><b>{}</b><code>{}</code><br><small>{id} · {needs}</small>{}",
        escape(text(&operation["summary"])),
        method.to_uppercase(),
        escape(path),
        markdown(text(&operation["description"])),
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        let rows = parameters.iter().map(|p| {
            let required = if p["required"] == true { ", required" } else { "" };
            let (name, place) = (escape(text(&p["name"])), text(&p["in"]));
            let about = inline(text(&p["description"]));
            format!(
                "<tr><td><code>{name}</code><br><small>{place}{required}</small><td>{}<td>{about}",
                kind(&p["schema"])
            )
        });
        html.push_str(&format!("<table>{}</table>", rows.collect::<String>()));
    }
    if let Some(body) = operation.get("requestBody") {
        html.push_str("<p><b>Request</b></p>");
        html.push_str(&content(&body["content"]));
    }
    for (status, response) in entries(&operation["responses"]) {
        if let Some(reference) = response["$ref"].as_str() {
            let shared = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
            let codes = entries(&shared["content"]["application/problem+json"]["examples"]);
            let codes = codes.map(|(code, _)| format!("<a href=\"/problems/{code}\"><code>{code}</code></a>"));
            html.push_str(&format!("<p><b>{status}</b> {}</p>", codes.collect::<Vec<_>>().join(" ")));
        } else {
            html.push_str(&format!("<p><b>{status}</b> {}</p>", inline(text(&response["description"]))));
            html.push_str(&content(&response["content"]));
        }
    }
    html
}

fn content(all: &Value) -> String {
    entries(all)
        .map(|(media, content)| {
            let example = serde_json::to_string_pretty(&content["example"]).unwrap_or_default();
            let example =
                if content["example"].is_null() { String::new() } else { format!("<pre>{}</pre>", escape(&example)) };
            format!("<p>{} <small>{}</small></p>{example}", kind(&content["schema"]), escape(media))
        })
        .collect()
}

fn schema(name: &str, schema: &Value) -> String {
    let required = |field: &str| schema["required"].as_array().into_iter().flatten().any(|r| r == field);
    let rows = entries(&schema["properties"]).map(|(field, about)| {
        let optional = if required(field) { "" } else { "<br><small>may be left out</small>" };
        let text = inline(described(about));
        format!("<tr><td><code>{}</code>{optional}<td>{}<td>{text}", escape(field), kind(about))
    });
    let rows: String = rows.collect();
    let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<String> = words.map(|w| format!("<code>{}</code>", escape(w))).collect();
    let words = if schema["properties"].is_object() { String::new() } else { words.join(" ") };
    format!(
        "<h3 id=\"schema-{name}\">{name}</h3>{}<p>{words}</p>{}",
        markdown(text(&schema["description"])),
        if rows.is_empty() { kind(schema) } else { format!("<table>{rows}</table>") },
    )
}

/// A field's description; where the field may be null, it stands beside the reference.
fn described(field: &Value) -> &str {
    let choices = field["oneOf"].as_array().into_iter().flatten();
    let mut all = std::iter::once(field).chain(choices).filter_map(|v| v["description"].as_str());
    all.next_back().unwrap_or_default()
}

/// The type of a value in words, with links.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[choice].as_array() {
            return list.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    let names = match &schema["type"] {
        Value::Array(list) => list.iter().map(text).collect(),
        other => vec![text(other)],
    };
    let names: Vec<String> = names
        .into_iter()
        .map(|name| match name {
            "array" => format!("list of {}", kind(&schema["items"])),
            "object" if schema["additionalProperties"].is_object() => {
                format!("map of {}", kind(&schema["additionalProperties"]))
            }
            other => escape(other),
        })
        .collect();
    names.join(" or ")
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(k, v)| (k.as_str(), v))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
