//! The emergency stop of one account: what it has queued stops within one window, waits, and goes on or is cancelled.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::harness::{App, Client, Stage, numbers, stays, until};

const WINDOW: usize = 10;

/// Makes the demo's carrier slow, so that there is time to stop.
fn slow(stage: &Stage) {
    until("it is bound", || (stage.judge().binds() == 2).then_some(()));
    let before = stage.judge().binds();
    let settings = json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1, "window": WINDOW, "parts_per_second": 40});
    stage.admin(&["carriers", "set", "simulator", &settings.to_string()]);
    until("it is bound again", || (stage.judge().binds() > before).then_some(()));
}

fn id_of(app: &Client) -> String {
    app.read("/v1/account")["id"].as_str().unwrap().to_owned()
}

fn status(stage: &Stage, account: &str, status: &str) {
    stage.admin(&["accounts", "status", account, status]);
}

/// A campaign of 400 that is on its way.
fn on_its_way(stage: &Stage, app: &App) -> String {
    slow(stage);
    let group = app.group("Everybody", &numbers(0, 400));
    let campaign = app.draft_to(&group, "Hello");
    app.launch(&campaign).ok(202);
    until("some have left", || (stage.judge().taken().len() >= 30).then_some(()));
    campaign
}

both! {
    fn a_suspended_account_stops_within_a_window_and_goes_on(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let account = id_of(&app);
        let (other, theirs) = stage.account("Other", "10.00", &["--countries", "*"]);
        stage.admin(&["senders", "grant", &other, "CARILLON"]);
        let campaign = on_its_way(&stage, &app);
        let single = app.post("/v1/messages", &json!({"to": ["+447400199999"], "sender": "CARILLON", "text": "Later", "priority": "bulk"})).ok(202);
        let single = single["messages"][0]["id"].as_str().unwrap().to_owned();
        status(&stage, &account, "suspended");
        let then = stage.judge().taken().len();
        stays(Duration::from_secs(2), "no more than a window leaves", || stage.judge().taken().len() <= then + WINDOW);
        let stopped = stage.judge().taken().len();
        assert!(stopped < 300, "{stopped} had left before");
        // Others go on meanwhile.
        let others = app.with_token(&theirs);
        let theirs = others.sent("+447400188888", "Not stopped");
        others.message_until(&theirs, "delivered");
        stays(Duration::from_secs(1), "it stays stopped", || stage.judge().taken().len() == stopped + 1);
        assert!(app.held() > 0, "the money of what waits is held");
        assert_eq!(app.campaign(&campaign)["status"], "sending");
        app.send(&["+447400100001"], "x").refused(403, "account_suspended");
        // What becomes ready while it is suspended waits too.
        stage.sql("UPDATE chunks SET status = 'ready', stopped_at = NULL WHERE status = 'paused'");
        until("a pump stops it", || (stage.count("SELECT COUNT(*) FROM chunks WHERE status IN ('ready', 'claimed')") == 0).then_some(()));
        assert_eq!(stage.judge().taken().len(), stopped + 1);
        status(&stage, &account, "active");
        let done = app.campaign_until(&campaign, "completed");
        assert_eq!(done["messages"]["delivered"], 400, "{done}");
        app.message_until(&single, "delivered");
        let judge = stage.judge();
        let once: BTreeSet<String> = judge.taken().iter().map(|s| s.dest.clone()).collect();
        assert_eq!((judge.taken().len(), once.len()), (402, 402), "each once");
        app.audited();
        assert_eq!(app.held(), 0);
    }

    fn what_a_suspended_account_has_waiting_can_be_cancelled(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let account = id_of(&app);
        let campaign = on_its_way(&stage, &app);
        status(&stage, &account, "suspended");
        until("its pump has given it back", || {
            (stage.count("SELECT COUNT(*) FROM chunks WHERE status IN ('ready', 'claimed')") == 0).then_some(())
        });
        stage.admin(&["accounts", "cancel-waiting", &account]);
        let done = app.campaign_until(&campaign, "completed");
        let (sent, cancelled) = (done["messages"]["delivered"].as_u64().unwrap(), done["messages"]["cancelled"].as_u64().unwrap());
        assert!(sent >= 30 && cancelled > 0 && sent + cancelled == 400, "{done}");
        until("the rest is released", || (app.held() == 0).then_some(()));
        status(&stage, &account, "active");
        app.audited();
        let cancelled: Value = app.read(&format!("/v1/messages?campaign_id={campaign}&status=cancelled&limit=1"));
        assert_eq!(cancelled["data"][0]["reason"], "cancelled", "{cancelled}");
        assert_eq!(stage.judge().taken().len(), usize::try_from(sent).unwrap());
        app.message_until(&app.sent("+447400177777", "Again"), "delivered");
    }
}
