//! An integrator: HTTP, and the steps that many tests share.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};

use super::until;

/// A base address and a token.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    pub base: String,
    pub token: String,
}

/// A request being put together.
pub struct Ask<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Ask<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    /// Adds an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
    /// Adds a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into_bytes())
    }
    /// Adds a body of any kind.
    pub fn body(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", kind)
    }
    /// Sends it; the connection must hold.
    #[track_caller]
    pub fn go(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        self.attempt().unwrap_or_else(|e| panic!("{asked}: {e}"))
    }
    /// Sends it to a server that may be gone.
    pub fn attempt(self) -> Result<Answer, ureq::Error> {
        let Self { client, method, path, headers, body } = self;
        let mut request = Request::builder().method(method.as_str()).uri(format!("{}{path}", client.base));
        if !client.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", client.token));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = match body {
            Some(body) => client.agent.run(request.body(body)?)?,
            None => client.agent.run(request.body(())?)?,
        };
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec()?;
        let status = parts.status.as_u16();
        super::schema::check(&method, &path, status, &body);
        Ok(Answer { asked: format!("{method} {path}"), status, headers: parts.headers, body })
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
    /// A header's text, empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{}: {text}", self.asked);
        self.json()
    }
    /// The problem of a refusal, which must be one that an integrator can work with.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        let asked = &self.asked;
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{asked}: {text}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{asked}");
        assert!(domain::Code::ALL.iter().any(|c| c.as_str() == code && c.status() == status), "{code} is no code");
        assert_eq!(problem["status"], json!(status), "{asked}: {text}");
        assert_eq!(problem["type"], json!(format!("/problems/{code}")), "{asked}: {text}");
        for field in ["title", "detail", "instance", "request_id"] {
            assert!(problem[field].as_str().is_some_and(|t| !t.is_empty()), "{asked}: {field} in {text}");
        }
        assert_eq!(problem["request_id"].as_str().unwrap(), self.header("request-id"), "{asked}");
        assert!(problem["errors"].is_array() && problem["retryable"].is_boolean(), "{asked}: {text}");
        problem
    }
}

/// The first object with the second one's fields put over it.
pub fn merged(mut into: Value, from: Value) -> Value {
    if let (Some(object), Value::Object(from)) = (into.as_object_mut(), from) {
        object.extend(from);
    }
    into
}

/// The micro-units of an amount as the API writes it, which always has six decimals.
pub fn micros(money: &Value) -> i64 {
    let text = money["amount"].as_str().unwrap_or_else(|| panic!("no money: {money}"));
    assert_eq!(text.split_once('.').unwrap_or_else(|| panic!("{text}")).1.len(), 6, "{text}");
    text.replace('.', "").parse().unwrap()
}

/// British mobile numbers, each only once for the same `from`.
pub fn numbers(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|n| format!("+4474001{n:05}")).collect()
}

impl Client {
    /// A client of this server.
    pub fn new(base: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections_per_host(16)
            .timeout_global(Some(Duration::from_secs(60)));
        Self { agent: config.build().into(), base: base.to_owned(), token: token.to_owned() }
    }
    /// The same server with another token; an empty one sends none.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }
    /// Begins a request.
    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask { client: self, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
    }
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).go()
    }
    /// What is at a path that must be there.
    #[track_caller]
    pub fn read(&self, path: &str) -> Value {
        self.get(path).ok(200)
    }
    /// A POST with a new `Idempotency-Key`.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let key = domain::ids::encode(domain::ids::uuid_v7(domain::clock::Clock::system().now()));
        self.ask("POST", path).key(&key).json(body).go()
    }
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask("PATCH", path).json(body).go()
    }
    pub fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).go()
    }
    /// Everything of a list, page by page.
    #[track_caller]
    pub fn pages(&self, path: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self.read(&format!("{path}{mark}limit=200{after}"));
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] == json!(false) {
                return all;
            }
            after = format!("&after={}", page["next_cursor"].as_str().unwrap());
        }
    }

    /// Uploads a table of contacts; the form's other parts are `fields`.
    pub fn upload(&self, file_name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        self.upload_to("/v1/contacts/imports", file_name, content, fields)
    }
    /// The same to another resource.
    pub fn upload_to(&self, to: &str, file_name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        self.form(to, Some((file_name, content)), fields)
    }
    /// A form, perhaps with a file.
    pub fn form(&self, to: &str, file: Option<(&str, &[u8])>, fields: &[(&str, &str)]) -> Answer {
        let boundary = "carillon-boundary-7f3a";
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        if let Some((file_name, content)) = file {
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend_from_slice(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        self.ask("POST", to).body(&format!("multipart/form-data; boundary={boundary}"), body).go()
    }
    /// Uploads a table and waits for the end of its import.
    #[track_caller]
    pub fn import(&self, file_name: &str, content: &[u8], fields: &[(&str, &str)]) -> Value {
        let import = self.upload(file_name, content, fields).ok(202);
        let path = format!("/v1/contacts/imports/{}", import["id"].as_str().unwrap());
        until("the import ends", || {
            Some(self.read(&path)).filter(|i| i["status"] == "completed" || i["status"] == "failed")
        })
    }
    /// A new group with a contact for each number, by way of an import; its id.
    #[track_caller]
    pub fn group(&self, name: &str, phones: &[String]) -> String {
        let rows: String = phones.iter().enumerate().map(|(n, p)| format!("{p},Name{n}\n")).collect();
        let import = self.import("people.csv", format!("phone,first_name\n{rows}").as_bytes(), &[("groups", name)]);
        assert_eq!(import["status"], "completed", "{import}");
        assert_eq!(import["result"]["rows"], json!(phones.len()), "{import}");
        assert_eq!(import["result"]["invalid"], 0, "{import}");
        import["groups"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Makes a draft; `content` goes over a sender and a name. Its id.
    #[track_caller]
    pub fn draft(&self, content: Value) -> String {
        let body = merged(json!({"name": "November", "sender": "CARILLON"}), content);
        self.post("/v1/campaigns", &body).ok(201)["id"].as_str().unwrap().to_owned()
    }
    /// A draft of a text to a group.
    #[track_caller]
    pub fn draft_to(&self, group: &str, text: &str) -> String {
        self.draft(json!({"text": text, "audience": {"group_ids": [group]}}))
    }
    /// Launches; the answer.
    pub fn launch(&self, id: &str) -> Answer {
        self.post(&format!("/v1/campaigns/{id}/launch"), &json!({}))
    }
    /// A verb of a campaign.
    pub fn step(&self, id: &str, verb: &str) -> Answer {
        self.post(&format!("/v1/campaigns/{id}/{verb}"), &json!({}))
    }
    pub fn campaign(&self, id: &str) -> Value {
        self.read(&format!("/v1/campaigns/{id}"))
    }
    /// Waits until a campaign is in this state.
    #[track_caller]
    pub fn campaign_until(&self, id: &str, status: &str) -> Value {
        let mut last = Value::Null;
        until(&format!("{id} is {status}"), || {
            let now = self.campaign(id);
            let here = now["status"].as_str() == Some(status);
            let ended = !now["finished_at"].is_null() && !here;
            assert!(!ended, "ended otherwise than {status}: {now}");
            if now != last {
                last = now.clone();
            }
            here.then_some(now)
        })
    }
    /// Waits until a campaign has come to its end.
    #[track_caller]
    pub fn finished(&self, id: &str) -> Value {
        until(&format!("{id} comes to its end"), || Some(self.campaign(id)).filter(|c| !c["finished_at"].is_null()))
    }
    /// Every message of a campaign.
    pub fn messages_of(&self, campaign: &str) -> Vec<Value> {
        self.pages(&format!("/v1/messages?campaign_id={campaign}"))
    }

    /// Sends a text to numbers; the answer.
    pub fn send(&self, to: &[&str], text: &str) -> Answer {
        self.post("/v1/messages", &json!({"to": to, "sender": "CARILLON", "text": text}))
    }
    /// Sends a text to a number; the message's id.
    #[track_caller]
    pub fn sent(&self, to: &str, text: &str) -> String {
        self.send(&[to], text).ok(202)["messages"][0]["id"].as_str().unwrap().to_owned()
    }
    pub fn message(&self, id: &str) -> Value {
        self.read(&format!("/v1/messages/{id}"))["message"].clone()
    }
    /// Waits until a message is in this state.
    #[track_caller]
    pub fn message_until(&self, id: &str, status: &str) -> Value {
        let mut seen = String::new();
        super::within(super::PATIENCE, &format!("{id} is {status}"), || {
            let now = self.message(id);
            now["status"].as_str().unwrap_or_default().clone_into(&mut seen);
            (seen == status).then_some(now)
        })
    }

    /// Spendable money in micro-units.
    pub fn available(&self) -> i64 {
        micros(&self.read("/v1/balance")["available"])
    }
    /// Held money in micro-units.
    pub fn held(&self) -> i64 {
        micros(&self.read("/v1/balance")["held"])
    }
    /// The ledger must add up.
    #[track_caller]
    pub fn audited(&self) {
        let audit = self.read("/v1/balance/audit");
        assert_eq!(audit["ok"], true, "{audit:#}");
    }
    /// Every event from the beginning, in order.
    pub fn events(&self) -> Vec<Value> {
        self.pages("/v1/events")
    }
    /// How many there are of each list that a refusal must not change.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        ["campaigns", "messages", "contacts", "groups", "contacts/imports", "templates", "contact-fields", "blacklist"]
            .into_iter()
            .map(|list| (list, self.pages(&format!("/v1/{list}")).len()))
            .collect()
    }
}
