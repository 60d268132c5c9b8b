//! SMPP carriers by their settings: TLS, kinds of connections, versions, and each octet that a setting decides, against the
//! log of the simulator.

use serde_json::{Value, json};

use crate::harness::{Authority, Client, Stage, TlsFront, merged, micros, numbers, stays, until, within};
use smpp::simulator::log::{Line, SubmitLine};
use std::{collections::BTreeSet, time::Duration};

/// A number that is delivered.
const TO: &str = "+447400100001";

/// Gives the demo's carrier other settings, as an operator would; the path of the carrier.
fn carrier(stage: &Stage, more: Value) -> String {
    let settings = json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1});
    let made = stage.admin(&["carriers", "set", "simulator", &merged(settings, more).to_string()]);
    format!("/v1/admin/carriers/{}", made.split_whitespace().next().unwrap())
}

/// The health of a carrier once its connections are as `states` say.
fn health(operator: &Client, carrier: &str, states: &[&str]) -> Value {
    until(&format!("the connections are {states:?}"), || {
        let health = operator.read(&format!("{carrier}/health"));
        let seen: Vec<&str> =
            health["binds"].as_array().unwrap().iter().map(|b| b["state"].as_str().unwrap()).collect();
        (seen == states).then_some(health)
    })
}

/// The error of a carrier that cannot be bound, once it is told.
fn error(operator: &Client, carrier: &str, words: &str) -> String {
    until(&format!("{words} is told"), || {
        let health = operator.read(&format!("{carrier}/health"));
        let error = health["binds"][0]["last_error"].as_str()?.to_owned();
        (health["state"] == "down" && error.contains(words)).then_some(error)
    })
}

/// What was submitted to a number, in order.
fn submits(stage: &Stage, to: &str) -> Vec<SubmitLine> {
    let digits = to.trim_start_matches('+');
    stage.judge().taken().into_iter().filter(|s| s.dest.trim_start_matches('+') == digits).cloned().collect()
}

both! {
    fn tls_binds_with_the_right_authority_and_name_alone(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (right, wrong) = (Authority::new("Right"), Authority::new("Wrong"));
        let front = TlsFront::before(stage.simulator_address(), &right.issue("carrier.test"), None);
        let tls = |more: Value| json!({"address": front.address, "tls": merged(json!({"ca_certificates": right.pem, "server_name": "carrier.test"}), more)});

        let path = carrier(&stage, tls(json!({})));
        let up = health(&operator, &path, &["connected"]);
        assert_eq!(up["warnings"], json!([]));
        app.message_until(&app.sent(TO, "Encrypted"), "delivered");

        carrier(&stage, tls(json!({"ca_certificates": wrong.pem})));
        let told = error(&operator, &path, "UnknownIssuer");
        assert!(told.starts_with("TLS with the carrier failed: "), "{told}");
        carrier(&stage, tls(json!({"server_name": "other.test"})));
        error(&operator, &path, "not valid for name");
        // The system does not trust it either, and neither is the address its name.
        carrier(&stage, json!({"address": front.address, "tls": {}}));
        error(&operator, &path, "invalid peer certificate");

        carrier(&stage, json!({"address": front.address, "tls": {"verify": false}}));
        let careless = health(&operator, &path, &["connected"]);
        assert!(careless["warnings"][0].as_str().unwrap().contains("tls.verify is false"), "{careless}");

        let bad = json!({"settings": {"tls": {"ca_certificates": "no PEM"}}});
        let refused = operator.patch(&path, &bad).refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "/settings/tls/ca_certificates");
        operator.patch(&path, &json!({"settings": {"tls": null, "address": stage.simulator_address()}})).ok(200);
        assert_eq!(health(&operator, &path, &["connected"])["warnings"], json!([]));
    }

    fn a_carrier_may_want_our_certificate(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (servers, clients) = (Authority::new("Servers"), Authority::new("Clients"));
        let front = TlsFront::before(stage.simulator_address(), &servers.issue("127.0.0.1"), Some(&clients));
        let tls = json!({"ca_certificates": servers.pem});
        let path = carrier(&stage, json!({"address": front.address, "tls": tls}));
        error(&operator, &path, "ertificate");
        let me = clients.issue("carillon");
        let shown = merged(tls, json!({"client_certificate": me.certificate}));
        let with = merged(shown.clone(), json!({"client_key": me.key}));
        operator.patch(&path, &json!({"settings": {"tls": shown}})).refused(422, "invalid_request");
        let answer = operator.patch(&path, &json!({"settings": {"tls": with}}));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(answer.ok(200)["settings"]["tls"]["client_certificate"], json!(me.certificate));
        assert!(!text.contains("PRIVATE KEY"), "the key is not shown");
        health(&operator, &path, &["connected"]);
        // The key stays with its certificate.
        operator.patch(&path, &json!({"settings": {"tls": shown, "window": 9}})).ok(200);
        until("it is bound anew", || {
            let health = operator.read(&format!("{path}/health"));
            (health["binds"][0]["window_size"] == 9 && health["state"] == "up").then_some(())
        });
        app.message_until(&app.sent(TO, "With a certificate"), "delivered");
    }

    fn transmitters_and_receivers_go_each_their_way(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let path = carrier(&stage, json!({"bind_mode": "transmitter_receiver", "binds": 2}));
        let up = health(&operator, &path, &["connected"; 4]);
        let kinds: Vec<&str> = up["binds"].as_array().unwrap().iter().map(|b| b["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["transmitter", "transmitter", "receiver", "receiver"]);
        app.message_until(&app.sent(TO, "By a transmitter"), "delivered");
        let modes = |wanted: &str| -> Vec<u64> {
            let judge = stage.judge();
            let of = |line: &Line| match line {
                Line::Bind { bind, mode, .. } if mode == wanted => Some(*bind),
                _ => None,
            };
            judge.lines().iter().filter_map(of).collect()
        };
        assert!(modes("transmitter").contains(&submits(&stage, TO)[0].bind));
        let receipts: Vec<u64> = stage.judge().lines().iter().filter_map(|l| if let Line::Receipt { bind, .. } = l { Some(*bind) } else { None }).collect();
        assert!(receipts.len() == 1 && modes("receiver").contains(&receipts[0]), "{receipts:?}");

        // Without a receiver messages still leave; their receipts wait at the carrier.
        carrier(&stage, json!({"bind_mode": "transmitter_receiver", "receiver_address": "127.0.0.1:1"}));
        let away = until("the receiver is away", || {
            let health = operator.read(&format!("{path}/health"));
            let is = |n: usize, state: &str| health["binds"][n]["state"] == state;
            (is(0, "connected") && is(1, "backing_off")).then_some(health)
        });
        assert_eq!((&away["state"], &away["binds"][1]["kind"]), (&json!("degraded"), &json!("receiver")));
        let id = app.sent("+447400100002", "No receiver");
        app.message_until(&id, "sent");
        stays(Duration::from_millis(500), "it waits for its receipt", || app.message(&id)["status"] == "sent");
        carrier(&stage, json!({"bind_mode": "transmitter_receiver"}));
        app.message_until(&id, "delivered");
        app.audited();
    }

    fn every_setting_is_in_the_octets(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let path = carrier(&stage, json!({
            "system_type": "GW", "service_type": "CMT", "priority_flag": 2, "validity_format": "absolute", "registered_delivery": "failures",
            "addresses": {"alphanumeric": {"ton": 0, "npi": 9}, "destination": {"ton": 2, "npi": 8}}, "gsm7_alphabet": "latin1",
            "gsm7_data_coding": 3, "ucs2_data_coding": 24, "long_messages": "sar", "interface_version": "5.0",
        }));
        let up = until("it speaks 5.0", || {
            let health = operator.read(&format!("{path}/health"));
            (health["binds"][0]["interface_version"] == "5.0").then_some(health)
        });
        assert_eq!(up["state"], "up", "{up}");
        let last = stage.judge().lines().iter().rev().find_map(|l| match l {
            Line::Bind { system_type, interface_version, .. } => Some((system_type.clone(), *interface_version)),
            _ => None,
        });
        assert_eq!(last, Some(("GW".to_owned(), 0x50)));
        let send = |to: &str, text: &str| {
            let body = json!({"to": [to], "sender": "CARILLON", "text": text, "validity_seconds": 3600});
            let sent = app.post("/v1/messages", &body).ok(202);
            let id = sent["messages"][0]["id"].as_str().unwrap().to_owned();
            app.message_until(&id, "sent");
            (id, submits(&stage, to))
        };
        let (_, latin) = send(TO, "Ol\u{e9} @");
        let [part] = latin.as_slice() else { panic!("{latin:?}") };
        assert_eq!((part.source_ton, part.source_npi, part.dest_ton, part.dest_npi), (0, 9, 2, 8));
        assert_eq!((part.service_type.as_str(), part.priority_flag, part.registered_delivery), ("CMT", 2, 2));
        assert_eq!((part.data_coding, part.text_hex.as_str()), (3, "4f6ce92040"));
        assert!(part.validity_period.len() == 16 && part.validity_period.ends_with("000+"), "{part:?}");
        // A sign that ISO 8859-1 lacks.
        let (_, euro) = send("+447400100002", "5 \u{20ac}");
        assert_eq!((euro[0].data_coding, euro[0].text_hex.as_str()), (24, "0035002020ac"));
        // As long as it is charged for, and its own way of tying parts.
        let (id, long) = send("+447400100003", &"\u{20ac}".repeat(80));
        assert_eq!(long.iter().map(|s| s.sar.map(|s| (s.sequence, s.total))).collect::<Vec<_>>(), [Some((1, 2)), Some((2, 2))]);
        assert!(long.iter().all(|s| s.udh.is_none() && s.data_coding == 24));
        let known = app.read(&format!("/v1/messages/{id}"));
        assert_eq!((&known["message"]["segments"], known["parts"].as_array().map(Vec::len)), (&json!(1), Some(2)), "{known}");

        let silent = json!({"registered_delivery": "all", "long_messages": "payload"});
        carrier(&stage, silent);
        until("it is bound anew", || {
            let health = operator.read(&format!("{path}/health"));
            (health["binds"][0]["interface_version"] == "3.4" && health["state"] == "up").then_some(())
        });
        let text = "A long text in two parts. ".repeat(8);
        let id = app.sent("+447400100004", &text);
        let message = app.message_until(&id, "delivered");
        let whole = submits(&stage, "+447400100004");
        assert!(whole.len() == 1 && whole[0].payload && whole[0].udh.is_none(), "{whole:?}");
        assert_eq!((message["segments"].as_i64(), micros(&message["cost"])), (Some(2), 2 * micros(&message["unit_price"])));
        app.audited();
    }

    fn long_messages_have_unlike_references_on_all_connections_and_after_a_change(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let path = carrier(&stage, json!({"binds": 2, "window": 8, "long_messages": "udh16"}));
        health(&operator, &path, &["connected"; 2]);
        let text = "A long text in two parts. ".repeat(8);
        // The connections that took them, and how many different references they had.
        let send = |from: usize| {
            let batches = numbers(from, 80);
            for to in batches.chunks(10) {
                app.send(&to.iter().map(String::as_str).collect::<Vec<_>>(), &text).ok(202);
            }
            until("all parts are taken", || {
                let judge = stage.judge();
                let taken: Vec<SubmitLine> = judge.taken().into_iter().cloned().collect();
                (taken.len() == (from + 80) * 2).then_some(taken)
            })
        };
        let distinct = |taken: &[SubmitLine]| -> BTreeSet<String> {
            taken.iter().map(|s| s.udh.as_ref().unwrap()[..10].to_owned()).collect()
        };
        let first = send(0);
        assert_eq!(first.iter().map(|s| s.bind).collect::<BTreeSet<_>>().len(), 2, "both connections");
        assert_eq!(distinct(&first).len(), 80);
        operator.patch(&path, &json!({"settings": {"window": 9}})).ok(200);
        until("it is bound anew", || {
            let health = operator.read(&format!("{path}/health"));
            (health["binds"][0]["window_size"] == 9 && health["state"] == "up").then_some(())
        });
        assert_eq!(distinct(&send(80)).len(), 160);
    }

    fn one_throttled_answer_of_an_idle_carrier_does_not_hold_up_a_batch(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let path = carrier(&stage, json!({"parts_per_second": 200}));
        health(&operator, &path, &["connected"]);
        app.message_until(&app.sent("+12015550106", "Throttled twice"), "delivered");
        until("the pace is told", || {
            let page = String::from_utf8(app.get("/metrics").body).unwrap();
            let series = "carillon_carrier_pace_parts_per_second{carrier=\"simulator\"} ";
            let pace: u32 = page.lines().find_map(|line| line.strip_prefix(series)?.parse().ok())?;
            (100..200).contains(&pace).then_some(())
        });
        let log = std::fs::read_to_string(stage.path("serve.log")).unwrap();
        assert!(log.lines().any(|l| l.contains("WARN") && l.contains("slowed down") && l.contains("simulator")), "{log}");
        let to = numbers(0, 100);
        app.send(&to.iter().map(String::as_str).collect::<Vec<_>>(), "After it").ok(202);
        // A part a second would take a minute and a half.
        within(Duration::from_secs(10), "all are taken", || (stage.judge().taken().len() == 101).then_some(()));
    }

    fn what_a_carrier_says_of_a_refusal_is_kept(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        carrier(&stage, json!({"interface_version": "5.0"}));
        let message = app.message_until(&app.sent("+12015550130", "Refused with words"), "rejected");
        assert_eq!(message["error"], "ESME_RX_R_APPN: permanent network error; Blocked by the operator", "{message}");
        app.message_until(&app.sent("+12015550131", "Busy"), "delivered");
    }
}
