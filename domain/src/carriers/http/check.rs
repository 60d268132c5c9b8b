//! What is wrong with settings, all of it at once.

use serde_json::Value;

use super::{AnswerRules, AuthenticationKind, BodyFormat, HttpSettings, Method, ReceiptRules, template};
use crate::error::Faults;

/// Headers that the program writes itself.
const OWN_HEADERS: [&str; 6] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"];

impl HttpSettings {
    /// Notes every wrong value; pointers begin with `at`. Whether a secret is there is asked by `has_secret`, since one
    /// that stays is not at hand.
    pub fn check(&self, faults: &mut Faults, at: &str, has_secret: bool) {
        let p = |name: &str| format!("{at}/{name}");
        self.check_url(faults, &p("url"));
        if self.headers.len() > 20 {
            faults.add(p("headers"), "too_many", "must be at most 20");
        }
        for (name, value) in &self.headers {
            let place = format!("{at}/headers/{}", super::escaped(name));
            header_name(faults, &place, name);
            if value.len() > 2000 || !value.bytes().all(|b| (0x20..0x7F).contains(&b)) {
                faults.add(place, "invalid", "must be at most 2,000 visible ASCII characters");
            }
        }
        for (place, text) in self.texts() {
            for marker in template::markers(text).filter(|m| !template::MARKERS.contains(m)) {
                let known = template::MARKERS.join(", ");
                faults.add(
                    format!("{at}{place}"),
                    "unknown_marker",
                    format!("has {{{{{marker}}}}}; known are {known}"),
                );
            }
        }
        self.check_body(faults, &p("body"));
        self.check_authentication(faults, &p("authentication"), has_secret);
        let mut range = |name: &str, value: u64, max: u64| {
            if !(1..=max).contains(&value) {
                faults.add(p(name), "out_of_range", format!("must be 1 to {max}"));
            }
        };
        range("timeout_seconds", self.timeout_seconds, 120);
        range("concurrency", u64::try_from(self.concurrency).unwrap_or(u64::MAX), 100);
        if let Some(limit) = self.parts_per_second {
            range("parts_per_second", u64::from(limit), 10_000);
        }
        self.answer.check(faults, &p("answer"));
        if let Some(receipt) = &self.receipt {
            receipt.check(faults, &p("receipt"));
        }
    }

    fn check_url(&self, faults: &mut Faults, at: &str) {
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        let host = rest.and_then(|r| r.split(['/', '?']).next()).unwrap_or_default();
        let plain = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        if !plain {
            faults.add(
                at,
                "invalid",
                "must be https://host/… or http://host/…, without a marker or a user in the host",
            );
        }
        let bare = template::fill(&self.url, |_| String::new());
        if self.url.len() > 2000 || !bare.bytes().all(|b| (0x21..0x7F).contains(&b)) || bare.contains('#') {
            faults.add(at, "invalid", "must be at most 2,000 characters of ASCII, without spaces and without #");
        }
    }

    fn check_body(&self, faults: &mut Faults, at: &str) {
        if self.method == Method::Get && !self.body.is_empty() {
            faults.add(at, "invalid", "must be empty with GET: put the values into the URL");
        }
        if serde_json::to_vec(&self.body).map_or(0, |b| b.len()) > 16 * 1024 {
            faults.add(at, "too_long", "must have at most 16 KiB");
        }
        if self.body_format == BodyFormat::Form {
            for (key, value) in self.body.iter().filter(|(_, v)| super::scalar(v).is_none()) {
                let what = if value == &Value::Null { "null" } else { "a list or an object" };
                faults.add(
                    format!("{at}/{}", super::escaped(key)),
                    "invalid",
                    format!("is {what}, which a form cannot have"),
                );
            }
        }
    }

    fn check_authentication(&self, faults: &mut Faults, at: &str, has_secret: bool) {
        let auth = &self.authentication;
        match auth.kind {
            AuthenticationKind::None | AuthenticationKind::Bearer => {}
            AuthenticationKind::Basic => {
                faults.text(&format!("{at}/user"), &auth.user, 200);
                if auth.user.contains(':') {
                    faults.add(format!("{at}/user"), "invalid", "must not have a colon");
                }
            }
            AuthenticationKind::Header => {
                header_name(faults, &format!("{at}/header"), &auth.header);
            }
        }
        if auth.kind != AuthenticationKind::None && !has_secret {
            faults.add(format!("{at}/secret"), "required", "must not be empty");
        }
        if let Some(secret) = &auth.secret {
            let visible = auth.kind == AuthenticationKind::Basic || secret.bytes().all(|b| (0x20..0x7F).contains(&b));
            if secret.chars().count() > 2000 || !visible || secret.chars().any(char::is_control) {
                let place = format!("{at}/secret");
                faults.add(place, "invalid", "must be at most 2,000 characters, of ASCII in a header");
            }
        }
    }
}

impl AnswerRules {
    fn check(&self, faults: &mut Faults, at: &str) {
        let p = |name: &str| format!("{at}/{name}");
        if self.statuses.len() > 20 || !self.statuses.iter().all(|s| (200..300).contains(s)) {
            faults.add(p("statuses"), "out_of_range", "must be at most 20 statuses, each 200 to 299");
        }
        let pointers = [
            ("success_pointer", &self.success_pointer),
            ("message_id_pointer", &self.message_id_pointer),
            ("error_pointer", &self.error_pointer),
        ];
        for (name, value) in pointers {
            if let Some(value) = value {
                pointer(faults, &p(name), value);
            }
        }
        if self.success_pointer.is_some() != self.success_value.is_some() {
            faults.add(p("success_value"), "required", "must come together with success_pointer");
        }
        if self.message_id_pointer.is_some() && self.message_id_header.is_some() {
            faults.add(p("message_id_header"), "invalid", "must not come together with message_id_pointer");
        }
        faults.optional_text(&p("success_value"), self.success_value.as_deref(), 200);
        faults.optional_text(&p("message_id_header"), self.message_id_header.as_deref(), 100);
        for (name, codes) in [
            ("temporary_codes", &self.temporary_codes),
            ("throttling_codes", &self.throttling_codes),
            ("definitive_codes", &self.definitive_codes),
        ] {
            if codes.len() > 200 || codes.iter().any(|c| c.is_empty() || c.chars().count() > super::ERROR) {
                faults.add(p(name), "invalid", "must be at most 200 codes of 1 to 64 characters");
            }
        }
    }
}

impl ReceiptRules {
    fn check(&self, faults: &mut Faults, at: &str) {
        let p = |name: &str| format!("{at}/{name}");
        let given = |value: &Option<String>| value.clone().unwrap_or_else(|| "/".to_owned());
        for (name, value) in [
            ("items_pointer", self.items_pointer.clone().unwrap_or_default()),
            ("message_id_pointer", self.message_id_pointer.clone()),
            ("status_pointer", self.status_pointer.clone()),
            ("error_pointer", given(&self.error_pointer)),
            ("to_pointer", given(&self.to_pointer)),
        ] {
            // An empty items_pointer is the whole body, which may be an array.
            if name != "items_pointer" || !value.is_empty() {
                pointer(faults, &p(name), &value);
            }
        }
        if self.statuses.is_empty() || self.statuses.len() > 200 {
            faults.add(p("statuses"), "required", "must have 1 to 200 words");
        }
    }
}

fn pointer(faults: &mut Faults, at: &str, value: &str) {
    if !value.starts_with('/') || value.len() > 200 {
        faults.add(at, "invalid", "must be a JSON pointer such as /messages/0/id, at most 200 characters");
    }
}

fn header_name(faults: &mut Faults, at: &str, name: &str) {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        faults.add(at, "invalid", "must be a header name of at most 100 characters");
    } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        faults.add(at, "invalid", "is a header that is written by the program: see authentication and body_format");
    }
}
