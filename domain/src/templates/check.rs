//! The one place that decides whether a text is a template of an account.

use sea_orm::ConnectionTrait;

use super::text::{Marker, Template};
use crate::{
    contact_fields,
    error::{Code, Error, Result},
    scope::AccountScope,
};

/// Reads a text as a template and checks that every custom marker is a contact field of the account.
///
/// # Errors
/// `invalid_template` with the place of the fault; `unknown_marker` naming it.
pub async fn check(conn: &impl ConnectionTrait, scope: &AccountScope, body: &str) -> Result<Template> {
    let template = Template::parse(body).map_err(|e| {
        let code = if e.code == "unknown_marker" { Code::UnknownMarker } else { Code::InvalidTemplate };
        Error::new(code, format!("At character {}: {}.", e.position + 1, e.detail))
    })?;
    let wanted: Vec<&str> = template
        .markers()
        .filter_map(|m| if let Marker::Custom(key) = m { Some(key.as_str()) } else { None })
        .collect();
    if wanted.is_empty() {
        return Ok(template);
    }
    let fields = contact_fields::all(conn, scope).await?;
    if let Some(unknown) = wanted.iter().find(|key| !fields.iter().any(|f| f.key == **key)) {
        let known: Vec<&str> = fields.iter().map(|f| f.key.as_str()).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        return Err(Error::new(
            Code::UnknownMarker,
            format!(
                "{{{{fields.{unknown}}}}} names no contact field of this account; defined are: {known}. Make it under /v1/contact-fields first."
            ),
        ));
    }
    Ok(template)
}

/// The markers a body uses, each once, in order of appearance; none for a text that is no template.
pub fn markers(body: &str) -> Vec<String> {
    let mut names = Vec::new();
    for marker in Template::parse(body).iter().flat_map(Template::markers) {
        let name = marker.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
