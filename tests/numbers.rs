//! The numbers for Prometheus: every one that the dashboard asks for is there and documented, and they are right.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Client, Process, Stage, until};

const DASHBOARD: &str = include_str!("../deploy/grafana/carillon.json");
const MANUAL: &str = include_str!("../docs/operations.md");

/// The names of our numbers in what the dashboard asks.
fn asked_for() -> BTreeSet<String> {
    fn questions(of: &Value, into: &mut Vec<String>) {
        match of {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if ["expr", "query", "definition"].contains(&name.as_str()) => {
                            into.push(text.clone());
                        }
                        value => questions(value, into),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| questions(item, into)),
            _ => {}
        }
    }
    let mut asked = Vec::new();
    questions(&serde_json::from_str(DASHBOARD).unwrap(), &mut asked);
    let words = asked.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("carillon_")).map(str::to_owned).collect()
}

fn page(client: &Client) -> String {
    String::from_utf8(client.get("/metrics").body).unwrap()
}

/// A number of the simulator's carrier, when it is shown.
fn of_the_carrier(page: &str, name: &str) -> Option<f64> {
    let series = format!("{name}{{carrier=\"simulator\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

#[test]
fn every_number_is_in_the_manual() {
    for name in asked_for() {
        let documented = name.trim_end_matches("_bucket");
        assert!(MANUAL.contains(&format!("`{documented}")), "{documented} is not in docs/operations.md");
    }
}

#[test]
fn a_worker_by_itself_shows_its_numbers() {
    let Some(mut stage) = Stage::postgres() else { return };
    let _simulator = stage.simulator(50);
    stage.start().terminate();
    stage.set("CARILLON_WORKER__LISTEN", "127.0.0.1:0");
    let mut worker = Process::spawn("worker", stage.command(&["worker"]), stage.path("worker.log"));
    let line = worker.line_with("worker running");
    let client = Client::new(line.rsplit(' ').next().unwrap(), "");
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(client.get("/v1/messages").status, 404);
    until("both connections are counted", || {
        (of_the_carrier(&page(&client), "carillon_carrier_binds") == Some(2.0)).then_some(())
    });
}

both! {
    fn the_dashboard_asks_for_numbers_that_are_there(stage) {
        let app = stage.start();
        let names = asked_for();
        assert!(names.len() >= 14, "{names:?}");
        // At once, before anything was sent: a carrier that is known has all its numbers.
        until("every number is shown", || {
            let page = page(&app);
            let shown = |name: &str| page.lines().any(|l| l.starts_with(name) && l[name.len()..].starts_with(['{', ' ']));
            let missing: Vec<_> = names.iter().filter(|name| !shown(name)).collect();
            println!("missing: {missing:?}");
            missing.is_empty().then_some(())
        });
    }

    fn the_numbers_of_a_carrier_are_right(stage) {
        stage.set("CARILLON_SIMULATOR__WINDOW", 5).set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.003); // 11 s
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let number = |name: &str| of_the_carrier(&page(&app), name);
        until("both connections are up", || (number("carillon_carrier_binds") == Some(2.0)).then_some(()));
        until("their windows are told", || (number("carillon_carrier_window_size") == Some(10.0)).then_some(()));
        let to = ["+447400100001", "+447400100002", "+12015550104"]; // the last is refused
        let sent = app.send(&to, "Counted").ok(202);
        let path = format!("/v1/messages?batch_id={}", sent["batch_id"].as_str().unwrap());
        until("all are final", || app.pages(&path).iter().all(|m| !m["done_at"].is_null()).then_some(()));
        let counted = ["parts_submitted", "parts_accepted", "parts_refused", "receipts_received", "messages_in_doubt"];
        until("all is counted", || {
            let counts = counted.map(|name| number(&format!("carillon_{name}_total")));
            (counts == [3.0, 2.0, 1.0, 2.0, 0.0].map(Some)).then_some(())
        });
        // One that is never answered is in a window, and then in doubt.
        app.sent("+12015550109", "Never answered");
        until("the window has it", || (number("carillon_carrier_window_used") == Some(1.0)).then_some(()));
        app.sent("+12015550117", "The connection is reset");
        until("a doubt is told", || {
            let lost = number("carillon_messages_in_doubt_total")?;
            (lost >= 1.0 && number("carillon_carrier_in_doubt")? >= 1.0).then_some(())
        });
        // What no connection takes grows old. Nobody listens on port 1.
        let nowhere = json!({"address": "127.0.0.1:1", "system_id": "carillon"});
        stage.admin(&["carriers", "set", "simulator", &nowhere.to_string()]);
        until("no connection is left", || (number("carillon_carrier_binds") == Some(0.0)).then_some(()));
        app.sent("+447400100003", "Waits");
        crate::harness::within(Duration::from_secs(20), "it grows old", || {
            (number("carillon_carrier_queue_age_seconds")? >= 1.0).then_some(())
        });
    }
}
