//! Messages from subscribers, by the simulator's numbers that write back: stored before they are acknowledged, joined,
//! attributed, told.

use serde_json::{Value, json};

use crate::harness::{App, Stage, until};
use smpp::simulator::{log::Line, magic::LONG};

/// A sender that can be answered.
const NUMBER: &str = "447400900000";

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

/// Gives the demo account a sender of digits.
fn numeric_sender(stage: &Stage, app: &App) {
    let made = app.post("/v1/senders", &json!({"value": NUMBER})).ok(201);
    stage.admin(&["senders", "approve", made["id"].as_str().unwrap()]);
}

/// Sends a text from the number; the message's id.
fn sent(app: &App, to: &str, text: &str, mode: &str) -> String {
    let body = json!({"to": [to], "sender": NUMBER, "text": text, "split_mode": mode});
    app.post("/v1/messages", &body).ok(202)["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// What a number wrote, oldest first, once there are so many.
fn written(app: &App, from: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/inbound-messages?from={}", from.replace('+', "%2B"));
    until(&format!("{from} has written {count}"), || {
        let mut all = app.pages(&path);
        all.reverse();
        assert!(all.len() <= count, "{all:?}");
        (all.len() == count).then_some(all)
    })
}

both! {
    fn what_subscribers_write_is_listed_told_and_tied_to_what_they_answer(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        numeric_sender(&stage, &app);
        let contact = app.post("/v1/contacts", &json!({"phone": magic("28")})).ok(201)["id"].clone();
        let id = sent(&app, &magic("28"), "Will you come?", "udh");
        let reply = &written(&app, &magic("28"), 1)[0];
        assert_eq!([&reply["from"], &reply["to"], &reply["text"]], [&json!(magic("28")), &json!(NUMBER), &json!("Yes")]);
        assert_eq!([&reply["message_id"], &reply["contact_id"]], [&json!(id), &contact]);
        assert_eq!([&reply["complete"], &reply["parts"]], [&json!(true), &json!(1)]);
        // It was delivered twice and acknowledged both times.
        let at = format!("/v1/inbound-messages/{}", reply["id"].as_str().unwrap());
        until("the second delivery is counted", || (app.read(&at)["deliveries"] == 2).then_some(()));
        until("both are acknowledged", || (acknowledged(&stage) == 2).then_some(()));
        let told = until("it has its place in the stream", || {
            let told: Vec<_> = app.events().into_iter().filter(|e| e["type"] == "message.received").collect();
            (!told.is_empty()).then_some(told)
        });
        assert_eq!((told.len(), &told[0]["data"]["id"], &told[0]["data"]["text"]), (1, &reply["id"], &json!("Yes")));

        // A name cannot be answered.
        let nobody = app.sent(&magic("24"), "No reply to a name");
        app.message_until(&nobody, "delivered");
        app.get("/v1/inbound-messages/inb_01kazsw6e3f8e9xq2m4r7t5v0b").refused(404, "not_found");
        app.get("/v1/inbound-messages?keyword=hello").refused(400, "invalid_parameter");
        let (_, token) = stage.account("Other", "0", &[]);
        let other = app.with_token(&token);
        assert!(other.pages("/v1/inbound-messages").is_empty());
        other.get(&at).refused(404, "not_found");
        assert_eq!(app.pages("/v1/inbound-messages").len(), 1);
    }

    fn long_replies_come_whole_in_every_encoding_and_way_of_splitting(stage) {
        let app = stage.start();
        numeric_sender(&stage, &app);
        sent(&app, &magic("27"), "Where are you?", "udh");
        let reply = &written(&app, &magic("27"), 1)[0];
        assert_eq!((&reply["text"], &reply["parts"], &reply["encoding"]), (&json!(LONG), &json!(3), &json!("ucs2")));
        let plain = "Ünïcode? No: GSM has {these} and €. ".replace('ï', "i").repeat(6);
        let cyrillic = "Ціна 5 € – лише сьогодні. ".repeat(6);
        let mut count = 0;
        for text in [plain.trim_end(), cyrillic.trim_end()] {
            for mode in ["udh", "udh16", "sar", "payload"] {
                let id = sent(&app, &magic("24"), &format!("{mode} {text}"), mode);
                count += 1;
                let all = written(&app, &magic("24"), count);
                let reply = all.last().unwrap();
                assert_eq!((&reply["text"], &reply["message_id"]), (&json!(format!("{mode} {text}")), &json!(id)));
                assert_eq!(reply["complete"], true);
            }
        }
    }

    fn what_is_nobodys_is_kept_for_the_operator(stage) {
        let app = stage.start();
        numeric_sender(&stage, &app);
        let senders = app.pages("/v1/senders");
        let id = senders.iter().find(|s| s["value"] == NUMBER).unwrap()["id"].as_str().unwrap().to_owned();
        let operator = app.with_token(&stage.operator("messages:read"));
        assert!(operator.pages("/v1/admin/inbound-messages").is_empty());
        sent(&app, &magic("25"), "Hello", "udh");
        written(&app, &magic("25"), 1);
        // The sender is taken away, and the message was not sent over this carrier: nobody is left.
        app.delete(&format!("/v1/senders/{id}")).ok(204);
        stage.sql("UPDATE messages SET phone = 12015550199");
        stage.sql("UPDATE inbound_messages SET account_id = NULL");
        let kept = operator.pages("/v1/admin/inbound-messages");
        assert_eq!((kept.len(), &kept[0]["from"], &kept[0]["to"]), (1, &json!(magic("25")), &json!(NUMBER)));
        assert!(app.pages("/v1/inbound-messages").is_empty());
        app.get("/v1/admin/inbound-messages").refused(403, "wrong_token");
    }
}

/// Replies that were answered with ESME_ROK.
fn acknowledged(stage: &Stage) -> usize {
    stage.judge().lines().iter().filter(|line| matches!(line, Line::ReplyAck { status: Some(0), .. })).count()
}
