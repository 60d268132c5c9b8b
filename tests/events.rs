//! The stream of events: order, ids that stay, and that each type is as the document says.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use serde_json::{Value, json};

use crate::harness::{check_event, event_types, merged, numbers, until};

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

/// A workbook that breaks off after more rows than are looked at when it is accepted.
fn broken() -> Vec<u8> {
    let cell = |text: &str| format!("<row><c t=\"inlineStr\"><is><t>{text}</t></is></c></row>");
    let rows: String = numbers(0, 3000).iter().map(|number| cell(number)).collect();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        ("_rels/.rels", r#"<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.to_owned()),
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>".to_owned()),
        ("xl/_rels/workbook.xml.rels", r#"<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#.to_owned()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{rows}<row></wrong>")),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

both! {
    fn events_tell_each_transition_once_in_order_with_ids_that_stay(stage) {
        let app = stage.start();
        let group = app.group("Everybody", &crate::harness::numbers(0, 120));
        let id = app.draft(json!({"text": "Hello", "audience": {"group_ids": [group], "phones": ["+12015550101", "+12015550104", "+12015550111"]}}));
        app.launch(&id).ok(202);
        app.campaign_until(&id, "completed");
        let single = app.sent("+447400155555", "One more");
        app.message_until(&single, "delivered");
        let all = until("the last event has its place", || {
            let all = app.events();
            let told = |kind: &str| all.iter().any(|e| e["type"] == kind);
            let last = all.iter().any(|e| e["data"]["id"] == json!(single) && e["type"] == "message.delivered");
            (told("campaign.completed") && last).then_some(all)
        });
        assert_eq!(app.events(), all, "read twice, the same");
        let ids: BTreeSet<&str> = all.iter().map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), all.len(), "ids are unique");
        let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for event in &all {
            of.entry(event["data"]["id"].as_str().unwrap()).or_default().push(event["type"].as_str().unwrap());
        }
        let campaign = of.remove(id.as_str()).unwrap();
        of.retain(|subject, _| !subject.starts_with("imp_"));
        assert_eq!(campaign.first(), Some(&"campaign.launched"));
        assert_eq!(campaign.get(1), Some(&"campaign.started"));
        assert_eq!(campaign.last(), Some(&"campaign.completed"));
        assert_eq!(of.len(), 124, "every message");
        for (message, told) in of {
            let status = app.message(message)["status"].as_str().unwrap().to_owned();
            let (last, before) = told.split_last().unwrap();
            assert_eq!(*last, format!("message.{status}"), "{message}: {told:?}");
            let wanted: &[&str] = if status == "rejected" { &[] } else { &["message.sent"] };
            // A receipt that comes before its answer may end a message at once.
            assert!(before == wanted || before.is_empty(), "{message}: {told:?}");
        }
        // Reading on from any place gives the rest, and from the last nothing.
        for place in [0, 1, 57, all.len() - 1] {
            let cursor = all[place]["cursor"].as_str().unwrap();
            let rest = app.read(&format!("/v1/events?limit=200&after={cursor}"));
            let wanted = &all[place + 1..all.len().min(place + 201)];
            assert_eq!(rest["data"].as_array().unwrap(), wanted);
        }
    }

    fn every_type_is_seen_and_is_as_the_document_says(stage) {
        stage
            .set("CARILLON_SIMULATOR__BINDS", 1)
            .set("CARILLON_SIMULATOR__WINDOW", 5)
            .set("CARILLON_WORKER__RECEIPT_HOURS", 0.001) // 3.6 s
            .set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.0004); // 1.4 s
        let _simulator = stage.simulator(50);
        let app = stage.start();
        until("it is bound", || (stage.judge().binds() == 1).then_some(()));
        let settings = json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1, "window": 5});
        let settings = merged(settings, json!({"response_seconds": 1}));
        stage.admin(&["carriers", "set", "simulator", &settings.to_string()]);
        until("it is bound again", || (stage.judge().binds() == 2).then_some(()));

        // sent, delivered, undelivered, expired, rejected, in doubt and unknown, no report, failed
        let ends = ["00", "01", "02", "03", "09", "13", "20"].map(magic);
        app.send(&ends.each_ref().map(String::as_str), "Every outcome").ok(202);
        let now = domain::clock::Clock::system().now();
        let at = |seconds: i64| json!(domain::clock::Timestamp(now.0 + seconds * 1_000_000));
        let later = |seconds: i64| {
            let body = json!({"to": ["+447400100001"], "sender": "CARILLON", "text": "Later", "send_at": at(seconds)});
            app.post("/v1/messages", &body).ok(202)["messages"][0]["id"].as_str().unwrap().to_owned()
        };
        later(1); // queued when its time comes
        let never = later(3600);
        app.post(&format!("/v1/messages/{never}/cancel"), &json!({})).ok(200);

        for (verb, value) in [("approve", "ACME"), ("reject", "ACMETWO")] {
            let made = app.post("/v1/senders", &json!({"value": value})).ok(201);
            let id = made["id"].as_str().unwrap();
            let reason: &[&str] = if verb == "reject" { &["--reason", "no papers"] } else { &[] };
            stage.admin(&[&["senders", verb, id], reason].concat());
        }

        let number = app.post("/v1/senders", &json!({"value": "447400900000"})).ok(201);
        stage.admin(&["senders", "approve", number["id"].as_str().unwrap()]);
        let asking = json!({"to": [magic("25")], "sender": "447400900000", "text": "Will you come?"});
        app.post("/v1/messages", &asking).ok(202);

        // Everybody of a stop list: nobody is left, which shows while it is prepared.
        let stopped = app.group("Stopped", &numbers(0, 1200));
        app.patch(&format!("/v1/groups/{stopped}"), &json!({"stop_list": true})).ok(200);
        let nobody = app.draft_to(&stopped, "Hello");
        app.launch(&nobody).ok(202);
        app.campaign_until(&nobody, "failed");
        let import = app.import("broken.xlsx", &broken(), &[]);
        assert_eq!(import["status"], "failed", "{import}");

        let group = app.group("Everybody", &numbers(2000, 300));
        // One without a receipt: the campaign waits, all handed over, for a while.
        let audience = json!({"group_ids": [group], "phones": [magic("13")]});
        let id = app.draft(json!({"text": "Hello", "audience": audience}));
        app.launch(&id).ok(202);
        app.campaign_until(&id, "sending");
        app.step(&id, "pause").ok(200);
        app.step(&id, "resume").ok(200);
        app.campaign_until(&id, "completed");
        let id = app.draft_to(&group, "Hello again");
        app.patch(&format!("/v1/campaigns/{id}"), &json!({"send_at": at(3600)})).ok(200);
        app.launch(&id).ok(202);
        app.step(&id, "cancel").ok(200);

        // Whom campaigns have written to often enough is skipped when the next one would leave.
        app.patch("/v1/account", &json!({"frequency_caps": [{"messages": 1, "days": 90}]})).ok(200);
        for _ in 0..2 {
            let id = app.draft(json!({"text": "Once is enough", "audience": {"phones": ["+447400199999"]}}));
            app.launch(&id).ok(202);
            app.campaign_until(&id, "completed");
        }

        let mut missing: BTreeSet<String> = event_types().into_iter().collect();
        let mut events: Vec<Value> = Vec::new();
        let end = std::time::Instant::now() + crate::harness::PATIENCE;
        while !missing.is_empty() && std::time::Instant::now() < end {
            events = app.events();
            for event in &events {
                missing.remove(event["type"].as_str().unwrap());
            }
        }
        assert!(missing.is_empty(), "never seen: {missing:?}");
        let schemas: BTreeSet<&str> = events.iter().map(check_event).collect();
        assert_eq!(schemas.len(), 7, "{schemas:?}");
    }
}
