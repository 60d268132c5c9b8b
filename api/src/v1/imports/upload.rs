//! Receiving the form of an import. The file goes to a temporary file as it comes and is never in memory as a whole; that
//! file is gone when the request ends, however it ends.

use std::collections::BTreeMap;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{HttpMessage, HttpRequest, web::Payload};
use domain::{
    Code, Error,
    ids::{FileId, GroupId},
    imports::{Kind, Order, Upload},
    uploads,
};
use futures_util::StreamExt;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::shared::problem::Failure;

/// The longest part that is not the file.
const MAX_PART: usize = 64 * 1024;
/// Characters of a file name that are kept.
const MAX_NAME: usize = 200;

/// What was sent: the order, and the table or where it is stored.
pub(in crate::v1) struct Received {
    pub order: Order,
    source: Source,
}

enum Source {
    Sent(NamedTempFile),
    Stored(FileId),
}

impl Received {
    /// Where the table is.
    pub fn upload(&self) -> Upload<'_> {
        match &self.source {
            Source::Sent(file) => Upload::At(file.path()),
            Source::Stored(id) => Upload::Stored(*id),
        }
    }
}

/// Begins to read the form of a request.
fn form(req: &HttpRequest, payload: Payload) -> Result<Multipart, Failure> {
    if !req.content_type().eq_ignore_ascii_case("multipart/form-data") {
        return Err(Error::new(Code::UnsupportedMediaType, "Send Content-Type: multipart/form-data.").into());
    }
    Ok(Multipart::new(req.headers(), payload))
}

/// Reads the whole form of an import or its preview.
pub(in crate::v1) async fn receive(req: &HttpRequest, payload: Payload, kind: Kind) -> Result<Received, Failure> {
    let mut form = form(req, payload)?;
    let (mut source, mut order, mut seen) = (None, Order::default(), Vec::new());
    while let Some(part) = form.next().await {
        let mut part = part.map_err(broken)?;
        let name = part.name().unwrap_or_default().to_owned();
        if seen.contains(&name) {
            return Err(Error::field(format!("/{name}"), "duplicate", "is sent twice").into());
        }
        if matches!(name.as_str(), "file" | "file_id") && source.is_some() {
            return Err(Error::field(format!("/{name}"), "duplicate", "must not come with the other of the two").into());
        }
        if name == "file" {
            order.file_name = file_name(&part);
            source = Some(Source::Sent(save(&mut part).await?));
        } else {
            let text = text(&mut part, &name).await?;
            let text = text.trim();
            if name == "file_id" && !text.is_empty() {
                let id = text.parse().map_err(|_| Error::field("/file_id", "invalid", "must be the id of a file"))?;
                source = Some(Source::Stored(id));
            } else if !text.is_empty() {
                set(&mut order, kind, &name, text)?;
            }
        }
        seen.push(name);
    }
    let missing = || Error::field("/file", "required", "is required: the table, or the file_id of one that is stored");
    Ok(Received { order, source: source.ok_or_else(missing)? })
}

/// Reads a form that is a file and nothing else: its name and what it holds.
pub(in crate::v1) async fn receive_file(
    req: &HttpRequest,
    payload: Payload,
) -> Result<(String, NamedTempFile), Failure> {
    let mut form = form(req, payload)?;
    let mut file = None;
    while let Some(part) = form.next().await {
        let mut part = part.map_err(broken)?;
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            return Err(Error::field(format!("/{name}"), "unknown_field", "is not a part of this form").into());
        }
        if file.is_some() {
            return Err(Error::field("/file", "duplicate", "is sent twice").into());
        }
        file = Some((file_name(&part), save(&mut part).await?));
    }
    Ok(file.ok_or_else(|| Error::field("/file", "required", "is required"))?)
}

fn broken(error: MultipartError) -> Failure {
    Error::field("", "invalid_multipart", format!("is not a form that can be read: {error}")).into()
}

fn file_name(part: &Field) -> String {
    let given = part.content_disposition().and_then(|d| d.get_filename()).unwrap_or_default();
    // Some clients send the whole path.
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let skip = name.chars().count().saturating_sub(MAX_NAME); // the end has the extension
    let name: String = name.chars().skip(skip).collect();
    if name.is_empty() { "upload".to_owned() } else { name }
}

async fn save(part: &mut Field) -> Result<NamedTempFile, Failure> {
    let failed = |e: std::io::Error| Failure(Error::internal(format!("storing an upload: {e}")));
    let file = NamedTempFile::new().map_err(failed)?;
    let mut to = tokio::fs::File::create(file.path()).await.map_err(failed)?;
    let mut bytes = 0_u64;
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(broken)?;
        bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if bytes > uploads::MAX_BYTES {
            return Err(Error::new(Code::BodyTooLarge, "The file is larger than 64 MiB.").into());
        }
        to.write_all(&chunk).await.map_err(failed)?;
    }
    to.flush().await.map_err(failed)?;
    Ok(file)
}

async fn text(part: &mut Field, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        bytes.extend_from_slice(&chunk.map_err(broken)?);
        if bytes.len() > MAX_PART {
            return Err(Error::field(format!("/{name}"), "too_long", "must have at most 64 KiB").into());
        }
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    Ok(text.ok_or_else(|| Error::field(format!("/{name}"), "invalid", "must be text in UTF-8"))?)
}

fn set(order: &mut Order, kind: Kind, name: &str, text: &str) -> Result<(), Error> {
    let refuse = |code, detail: String| Error::field(format!("/{name}"), code, detail);
    // Parts that only one kind of import has.
    let known = match name {
        "groups" | "group_ids" | "merge" | "date_order" => kind == Kind::Contacts,
        "reason" => matches!(kind, Kind::Blacklist | Kind::Unsubscribes),
        "sender" => kind == Kind::Unsubscribes,
        _ => true,
    };
    match name {
        _ if !known => return Err(refuse("unknown_field", "is not a part of this form".to_owned())),
        "mapping" => {
            let mapping: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| {
                let example = "{\"phone\": \"Mobile phone\", \"first_name\": \"2\"}";
                refuse("invalid", format!("must be a JSON object of strings, such as {example}"))
            })?;
            order.mapping = Some(mapping);
        }
        "groups" => order.groups = group_names(text),
        "group_ids" => {
            let read =
                |id: &String| id.parse::<GroupId>().map_err(|_| refuse("invalid", "must be ids of groups".to_owned()));
            order.group_ids = group_names(text).iter().map(read).collect::<Result<_, _>>()?;
        }
        "merge" => order.merge = text.parse().map_err(|e| refuse("invalid", format!("{e}")))?,
        "date_order" => order.date_order = Some(text.parse().map_err(|e| refuse("invalid", format!("{e}")))?),
        "reason" => order.reason = Some(text.to_owned()),
        "sender" => order.sender = Some(text.to_owned()),
        "default_country" => {
            let unknown = |_| refuse("invalid_country", "must be an ISO 3166 alpha-2 code, such as GB".to_owned());
            order.default_country = Some(text.parse().map_err(unknown)?);
        }
        "header" => {
            order.header = match text {
                "auto" => None,
                "true" => Some(true),
                "false" => Some(false),
                _ => return Err(refuse("invalid", "must be true, false or auto".to_owned())),
            };
        }
        "separator" => order.separator = separator(text).map_err(|detail| refuse("invalid", detail))?,
        "sheet" => order.sheet = Some(text.to_owned()),
        "encoding" => order.encoding = (text != "auto").then(|| text.to_owned()),
        _ => return Err(refuse("unknown_field", "is not a part of this form".to_owned())),
    }
    Ok(())
}

/// A JSON list, or names or ids between commas.
fn group_names(text: &str) -> Vec<String> {
    let listed: Option<Vec<String>> = serde_json::from_str(text).ok();
    let names = listed.unwrap_or_else(|| text.split(',').map(str::to_owned).collect());
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn separator(text: &str) -> Result<Option<u8>, String> {
    match text {
        "auto" => Ok(None),
        "tab" | "\\t" => Ok(Some(b'\t')),
        one if one.len() == 1 => Ok(one.bytes().next()),
        _ => Err("must be one ASCII character, tab or auto".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_as_a_list_or_between_commas() {
        assert_eq!(group_names("A, B,,"), ["A", "B"]);
        assert_eq!(group_names(r#"["A, B", "C"]"#), ["A, B", "C"]);
    }

    #[test]
    fn separators_are_one_character() {
        assert_eq!(separator(";"), Ok(Some(b';')));
        assert_eq!(separator("tab"), Ok(Some(b'\t')));
        assert!(separator(";;").is_err());
    }
}
