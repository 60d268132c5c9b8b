//! Templates, answers, receipts and presets, by example.

use serde_json::{Value, json};

use super::{
    HttpSettings,
    answer::{Reply, Verdict, read},
    presets, receipts,
    template::{Request, Values, request},
};
use crate::{error::Faults, messages::ReceiptState};

fn settings(more: Value) -> HttpSettings {
    let mut all = json!({"url": "https://api.example.com/send"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn values(text: &str) -> Values {
    Values {
        to: "447400123456".into(),
        from: "A&B".into(),
        text: text.into(),
        message_id: "msg_1".into(),
        callback_url: "https://sms.example.com/cb".into(),
        segments: 2,
        encoding: "gsm7",
        validity_seconds: None,
    }
}

fn faults(settings: &HttpSettings, has_secret: bool) -> Vec<String> {
    let mut faults = Faults::default();
    settings.check(&mut faults, "/http", has_secret);
    faults.check().err().map(|e| e.faults.into_iter().map(|f| f.pointer).collect()).unwrap_or_default()
}

#[test]
fn a_value_never_changes_the_shape_of_a_request() {
    let nasty = "\",\"to\":\"+1\"}&From=x\r\n{{from}} ü";
    let json =
        settings(json!({"body": {"t": "<{{text}}>", "n": "{{segments}}", "deep": [{"to": "{{to}}"}], "k": true}}));
    let body: Value = serde_json::from_str(&request(&json, &values(nasty)).body.unwrap()).unwrap();
    assert_eq!(body, json!({"t": format!("<{nasty}>"), "n": 2, "deep": [{"to": "+447400123456"}], "k": true}));
    let form = settings(json!({"body_format": "form", "body": {"From": "{{from}}", "Body": "{{text}}", "n": 1}}));
    let body = request(&form, &values(nasty)).body.unwrap();
    assert_eq!(body, "Body=%22%2C%22to%22%3A%22%2B1%22%7D%26From%3Dx%0D%0A%7B%7Bfrom%7D%7D%20%C3%BC&From=A%26B&n=1");
    let get = settings(
        json!({"method": "GET", "url": "https://x.example/{{to_digits}}?t={{text}}", "headers": {"x-t": "{{text}}"}}),
    );
    let Request { method, url, headers, body } = request(&get, &values("a/b?c#d\r\nx: y"));
    assert_eq!(
        (method, url.as_str(), body),
        ("GET", "https://x.example/447400123456?t=a%2Fb%3Fc%23d%0D%0Ax%3A%20y", None)
    );
    assert_eq!(headers, [("x-t".to_owned(), "a/b?c#d??x: y".to_owned())], "no header is smuggled in");
}

#[test]
fn validity_is_told_where_there_is_one() {
    let marked =
        json!({"body": {"t": "{{text}}", "ttl": "{{validity_seconds}}", "note": "for {{validity_seconds}} s"}});
    let json = settings(marked.clone());
    let body = |of: &HttpSettings, values: &Values| request(of, values).body.unwrap();
    let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let without = values("x");
    let with = Values { validity_seconds: Some(300), ..values("x") };
    assert_eq!(read(body(&json, &with)), json!({"t": "x", "ttl": 300, "note": "for 300 s"}));
    assert_eq!(read(body(&json, &without)), json!({"t": "x", "note": "for  s"}));
    let mut form = marked;
    form["body_format"] = json!("form");
    let form = settings(form);
    assert_eq!(body(&form, &with), "note=for%20300%20s&t=x&ttl=300");
    assert_eq!(body(&form, &without), "note=for%20%20s&t=x");
}

#[test]
fn a_request_proves_who_it_is_from() {
    let with = |auth: Value| {
        let all = request(&settings(json!({"method": "GET", "authentication": auth})), &values(""));
        all.headers.first().cloned().unwrap()
    };
    assert_eq!(with(json!({"kind": "bearer", "secret": "s"})), ("authorization".into(), "Bearer s".into()));
    // RFC 7617 §2
    let basic = with(json!({"kind": "basic", "user": "Aladdin", "secret": "open sesame"}));
    assert_eq!(basic.1, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(with(json!({"kind": "header", "header": "X-Key", "secret": "s"})), ("X-Key".into(), "s".into()));
}

#[test]
fn the_secret_is_read_and_never_written_nor_shown() {
    let all = settings(json!({"authentication": {"kind": "bearer", "secret": "opensesame"}}));
    assert_eq!(all.authentication.secret.as_deref(), Some("opensesame"));
    for text in [serde_json::to_string(&all).unwrap(), format!("{all:?}"), format!("{:?}", request(&all, &values("")))]
    {
        assert!(!text.contains("opensesame"), "{text}");
    }
}

#[test]
fn wrong_settings_are_told_all_at_once() {
    assert!(faults(&settings(json!({})), false).is_empty());
    let bad = settings(json!({
        "url": "https://{{to}}.example.com/", "headers": {"Host": "x", "a b": "c"}, "body_format": "form",
        "body": {"a": "{{nobody}}", "b/c": []}, "authentication": {"kind": "basic"}, "timeout_seconds": 0, "concurrency": 101,
        "answer": {"statuses": [404], "success_pointer": "ok"},
        "receipt": {"message_id_pointer": "id", "status_pointer": "/s", "statuses": {}}
    }));
    let expected = [
        "url",
        "headers/Host",
        "headers/a b",
        "body/a",
        "body/b~1c",
        "authentication/user",
        "authentication/secret",
        "timeout_seconds",
        "concurrency",
        "answer/statuses",
        "answer/success_pointer",
        "answer/success_value",
        "receipt/message_id_pointer",
        "receipt/statuses",
    ];
    assert_eq!(faults(&bad, false), expected.map(|p| format!("/http/{p}")));
    for url in ["ftp://x/", "https://", "https://user@x/", "https://x/#f", "https://x/a b"] {
        assert_eq!(faults(&settings(json!({"url": url})), false), ["/http/url"], "{url}");
    }
}

#[test]
fn an_answer_tells_what_became_of_the_message() {
    let rules = settings(json!({"answer": {
        "success_pointer": "/ok", "success_value": "true", "message_id_pointer": "/ids/0", "error_pointer": "/code",
        "temporary_codes": ["busy", "503"], "throttling_codes": ["slow"], "definitive_codes": ["dead"]
    }}))
    .answer;
    let said = |status: u16, retry: Option<u64>, body: &str| {
        let retry_after = retry.map(std::time::Duration::from_secs);
        read(&rules, &Reply { status, message_id: None, retry_after, body: body.as_bytes().to_vec() })
    };
    let refused = |code: &str| Verdict::Refused(code.into());
    assert_eq!(said(200, None, r#"{"ok": true, "ids": [71]}"#), Verdict::Accepted("71".into()));
    assert_eq!(said(200, None, r#"{"ok": true}"#), Verdict::Unclear("answer_without_id"));
    assert_eq!(said(200, None, r#"{"ok": false}"#), refused("200"));
    assert_eq!(said(200, None, r#"{"ok": false, "code": 7}"#), refused("7"));
    assert_eq!(said(200, None, "<html>log in to the hotel's network"), Verdict::Unclear("answer_unclear"));
    assert_eq!(said(400, None, r#"{"code": "bad"}"#), refused("bad"));
    assert_eq!(said(302, None, ""), refused("302"));
    assert_eq!(said(429, None, ""), Verdict::Throttled("429".into(), None));
    assert_eq!(said(502, Some(3), ""), Verdict::Throttled("502".into(), Some(std::time::Duration::from_secs(3))));
    assert_eq!(said(400, None, r#"{"code": "slow"}"#), Verdict::Throttled("slow".into(), None));
    assert_eq!(said(503, None, ""), Verdict::Temporary("503".into()));
    assert_eq!(said(500, None, r#"{"code": "busy"}"#), Verdict::Temporary("busy".into()));
    assert_eq!(said(500, None, r#"{"code": "dead"}"#), refused("dead"));
    assert_eq!(said(500, None, ""), Verdict::Unclear("answer_unclear"));
    assert_eq!(said(408, None, ""), Verdict::Unclear("answer_unclear"));
    let reply = |body: &str| Reply { status: 201, message_id: Some("h".into()), retry_after: None, body: body.into() };
    let by = |more: Value, body: &str| read(&settings(json!({"answer": more})).answer, &reply(body));
    assert_eq!(by(json!({"message_id_header": "x-id"}), ""), Verdict::Accepted("h".into()));
    assert_eq!(by(json!({}), " 42\n"), Verdict::Accepted("42".into()), "the whole body");
}

#[test]
fn a_provider_that_answers_200_to_everything_is_judged_by_its_codes() {
    let rules = |more: Value| {
        let mut answer = json!({
            "message_id_pointer": "/id", "error_pointer": "/error/code",
            "temporary_codes": ["busy"], "throttling_codes": ["slow"], "definitive_codes": ["bad_number"]
        });
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        settings(json!({ "answer": answer })).answer
    };
    let said = |more: Value, body: &str| {
        read(&rules(more), &Reply { status: 200, message_id: None, retry_after: None, body: body.into() })
    };
    let code = |code: &str| json!({"error": {"code": code}}).to_string();
    let plain = || json!({});
    assert_eq!(said(plain(), &code("bad_number")), Verdict::Refused("bad_number".into()));
    assert_eq!(said(plain(), &code("busy")), Verdict::Temporary("busy".into()));
    assert_eq!(said(plain(), &code("slow")), Verdict::Throttled("slow".into(), None));
    assert_eq!(said(plain(), &code("other")), Verdict::Refused("other".into()));
    assert_eq!(said(plain(), "{}"), Verdict::Unclear("answer_without_id"));
    assert_eq!(said(plain(), r#"{"id": "7", "error": {"code": "0"}}"#), Verdict::Accepted("7".into()));
    // Where the body itself says that it worked, only a code that is listed says otherwise.
    let ok = |code: &str| json!({"ok": true, "error": {"code": code}}).to_string();
    let success = || json!({"success_pointer": "/ok", "success_value": "true"});
    assert_eq!(said(success(), &ok("bad_number")), Verdict::Refused("bad_number".into()));
    assert_eq!(said(success(), &ok("0")), Verdict::Unclear("answer_without_id"));
    // An id that is the whole body is not one that has a code.
    let body = json!({"message_id_pointer": null});
    assert_eq!(said(body, &code("busy")), Verdict::Temporary("busy".into()));
}

#[test]
fn call_backs_are_read_by_the_rules() {
    let rules = settings(json!({"receipt": {
        "items_pointer": "/all", "message_id_pointer": "/id", "status_pointer": "/s/v", "error_pointer": "/e", "to_pointer": "/to",
        "statuses": {"DELIVRD": "delivered", "failed": "undelivered"}
    }}))
    .receipt
    .unwrap();
    let called = receipts::read(
        &rules,
        &json!({"all": [
            {"id": 7, "s": {"v": "delivrd"}, "e": "12", "to": "+447400123456"}, {"id": "a\u{0}b", "s": {"v": "FAILED"}, "e": 12},
            {"id": "x", "s": {"v": "other"}}, {"s": {"v": "failed"}}
        ]}),
    );
    let seen: Vec<_> = called
        .receipts
        .iter()
        .map(|r| (r.reference.canonical.as_str(), r.state, r.error.as_deref(), r.phone))
        .collect();
    let expected = [
        ("7", ReceiptState::Delivered, None, Some(447_400_123_456)),
        ("ab", ReceiptState::Undeliverable, Some("12"), None),
    ];
    let raw = called.receipts[1].raw.as_deref().unwrap();
    assert!(raw.contains("\"id\":\"a") && raw.contains("\"FAILED\"") && raw.contains("\"e\":12"), "{raw}");
    assert_eq!((seen.as_slice(), called.ignored, called.unreadable), (expected.as_slice(), 1, 1));
    assert_eq!(receipts::read(&rules, &json!([])).unreadable, 1);
}

#[test]
fn every_preset_works_once_its_secret_is_there() {
    let all = presets::all().unwrap();
    assert_eq!(all.len(), 3);
    for preset in all {
        assert_eq!(faults(&preset.http, true), [""; 0], "{}", preset.name);
        assert_eq!(faults(&preset.http, false), ["/http/authentication/secret"], "{}", preset.name);
        assert!(preset.http.uses("text") && preset.http.uses("callback_url") && preset.http.receipt.is_some());
    }
    let form = presets::all().unwrap().remove(1).http;
    let body = request(&form, &values("Hi")).body.unwrap();
    assert_eq!(body, "Body=Hi&From=A%26B&StatusCallback=https%3A%2F%2Fsms.example.com%2Fcb&To=%2B447400123456");
    let rules = form.receipt.unwrap();
    let called = receipts::read(&rules, &json!({"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+1201"}));
    assert_eq!((called.receipts[0].state, called.receipts[0].phone), (ReceiptState::Delivered, Some(1201)));
}
