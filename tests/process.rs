//! The process: configuration that contradicts itself, the demo, health, roles apart, the end.

use std::time::Duration;

use serde_json::json;

use crate::harness::{App, Client, Process, Stage, TOKEN, bare, until};

/// What a start that must fail says.
fn refused(stage: &Stage) -> String {
    let error = stage.run(&["serve"]).unwrap_err();
    let last = error.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("carillon: ") && !error.contains("panicked"), "{error}");
    last
}

#[test]
fn contradictions_stop_the_start_with_a_sentence() {
    let cases = [
        ("CARILLON_API__LISTEN", "0.0.0.0:0", "CARILLON_DEMO_TOKEN is for trying things out"),
        ("CARILLON_DEMO_TOKEN", "secret", "CARILLON_DEMO_TOKEN must be"),
        ("DATABASE_URL", "mysql://root@localhost/x", "database_url must begin with"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/x", "database cannot be opened"),
        ("CARILLON_SIMULATOR__LISTEN", "0.0.0.0:0", "simulator.listen must be a loopback address"),
        ("CARILLON_API__LISTEN", "here", "configuration cannot be read"),
        ("CARILLON_API__LISTEM", "127.0.0.1:0", "configuration cannot be read"),
        ("CARILLON_WORKER__LEASE_SECONDS", "0", "lease_seconds must be at least 1"),
        ("CARILLON_WORKER__IN_DOUBT_HOURS", "-1", "must be zero or more"),
        ("CARILLON_CONNECTIONS", "0", "connections must be 1 to 500"),
        ("CARILLON_LOG__FORMAT", "xml", "log.format must be text or json"),
        ("CARILLON_TRACES__ENDPOINT", "collector:4318", "traces.endpoint must begin with"),
        ("CARILLON_TRACES__SAMPLE_RATIO", "1.5", "sample_ratio must be 0 to 1"),
        ("CARILLON_API__TRUSTED_PROXIES", "[\"everywhere\"]", "trusted_proxies"),
        ("CARILLON_CONFIG", "/nowhere.toml", "does not exist"),
    ];
    for (name, value, told) in cases {
        let mut stage = Stage::sqlite();
        let mut command = stage.set(name, value).command(&["serve"]);
        if name == "DATABASE_URL" {
            command.env(name, value);
        }
        let mut process = Some(Process::spawn("serve", command, stage.path("serve.log")));
        let log = until(&format!("{name}={value} stops the start"), || {
            let ended = process.as_mut().unwrap().ended()?;
            assert!(!ended.success(), "{name}={value} started");
            Some(process.take().unwrap().log_text())
        });
        let said = log.lines().last().unwrap_or_default();
        assert!(said.starts_with("carillon: ") && said.contains(told), "{name}={value} said: {log}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stage = Stage::sqlite();
    stage.set("CARILLON_API__LISTEN", taken.local_addr().unwrap());
    assert!(refused(&stage).contains("the API cannot listen on 127.0.0.1:"));
}

#[test]
fn with_no_configuration_at_all_it_runs_in_the_current_directory() {
    let home = tempfile::tempdir().unwrap();
    let mut command = bare();
    // The one thing that must be set where tests run beside each other: the port.
    std::fs::write(home.path().join("other.toml"), "[api]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    command.current_dir(home.path()).args(["--config", "other.toml"]).env("CARILLON_DEMO_TOKEN", TOKEN);
    let app = App::start(Process::spawn("serve", command, home.path().join("log")));
    assert_eq!(app.read("/v1/account")["livemode"], false);
    assert!(home.path().join("carillon-data/carillon.db").exists());
    let id = app.sent("+12015550100", "Hello from Carillon");
    app.message_until(&id, "delivered");
}

#[test]
fn parts_of_the_platform_on_other_hosts_need_postgres() {
    let stage = Stage::sqlite();
    for role in ["api", "worker"] {
        let error = stage.run(&[role]).unwrap_err();
        assert!(error.contains("which SQLite cannot") && error.contains("carillon serve"), "{error}");
    }
}

#[test]
fn two_apis_and_two_workers_share_a_postgres() {
    let Some(mut stage) = Stage::postgres() else { return };
    let _simulator = stage.simulator(50);
    // `serve` makes the demo account and connects the carrier; the roles then share what it left.
    stage.start().terminate();
    let start = |role: &'static str, said: &str, n: usize| {
        let mut process = Process::spawn(role, stage.command(&[role]), stage.path(&format!("{role}{n}.log")));
        let line = process.line_with(said);
        (process, line)
    };
    let mut workers: Vec<_> = (0..2).map(|n| start("worker", "worker running", n)).collect();
    let apis: Vec<_> = (0..2).map(|n| start("api", "API on http://", n)).collect();
    let clients: Vec<Client> =
        apis.iter().map(|(_, line)| Client::new(line.rsplit(' ').next().unwrap(), TOKEN)).collect();
    let (one, two) = (&clients[0], &clients[1]);
    let group = one.group("Everybody", &crate::harness::numbers(0, 1200));
    let id = two.draft_to(&group, "Hello {{first_name}}");
    let path = format!("/v1/campaigns/{id}/launch");
    // The same launch at both doors at once has one effect.
    std::thread::scope(|s| {
        for client in &clients {
            s.spawn(|| {
                let answer = client.ask("POST", &path).key("same").json(&json!({})).go();
                assert!([202, 409].contains(&answer.status), "{answer:?}");
            });
        }
    });
    until("it is sending", || (stage.judge().taken().len() > 10).then_some(()));
    // One worker dies; the other takes over.
    workers.remove(0).0.kill();
    let done = crate::harness::within(Duration::from_secs(90), "all but the doubtful are final", || {
        let now = one.campaign(&id);
        let count = |status: &str| now["messages"][status].as_i64().unwrap_or(0);
        (count("delivered") + count("in_doubt") == 1200).then_some(now)
    });
    stage.judge().nothing_twice();
    assert!(done["messages"]["delivered"].as_i64().unwrap() > 0, "{done}");
    two.audited();
}

#[test]
fn workers_share_the_binds_of_a_carrier() {
    let Some(mut stage) = Stage::postgres() else { return };
    let _simulator = stage.simulator(50);
    stage.set("CARILLON_SIMULATOR__BINDS", 4);
    let app = stage.start();
    let operator = app.with_token(&stage.operator("*"));
    let carrier = operator.read("/v1/admin/carriers")["data"][0]["id"].as_str().unwrap().to_owned();
    // Connections that are up, by the worker that holds them.
    let held = || {
        let health = operator.read(&format!("/v1/admin/carriers/{carrier}/health"));
        let mut by = std::collections::BTreeMap::<String, usize>::new();
        for bind in health["binds"].as_array().unwrap().iter().filter(|bind| bind["state"] == "connected") {
            let worker = bind["owner"].as_str().unwrap().split('.').next().unwrap();
            *by.entry(worker.to_owned()).or_default() += 1;
        }
        by.into_values().collect::<Vec<_>>()
    };
    until("the first has all", || (held() == [4]).then_some(()));
    let other = Process::spawn("worker", stage.command(&["worker"]), stage.path("other.log"));
    until("each has half", || (held() == [2, 2]).then_some(()));
    let ids: Vec<String> = (0..20).map(|n| app.sent(&format!("+4474001000{n:02}"), "Hello")).collect();
    ids.iter().for_each(|id| drop(app.message_until(id, "delivered")));
    other.kill();
    until("the first has all again", || (held() == [4]).then_some(()));
    stage.judge().nothing_twice();
    app.audited();
}

both! {
    fn the_demo_is_made_in_an_empty_database_only(stage) {
        let deck = stage.path("deck.csv");
        std::fs::write(&deck, "country,price\nGB,0.04\n").unwrap();
        stage.admin(&["rates", "import", deck.to_str().unwrap(), "--deck", "starter"]);
        stage.admin(&["accounts", "create", "--name", "Acme"]);
        let app = stage.start();
        app.get("/v1/account").refused(401, "unauthorized");
        let listed = stage.admin(&["accounts", "list"]);
        assert!(listed.contains("Acme") && !listed.contains("Demo"), "{listed}");
    }

    fn a_restart_keeps_everything_and_greets_without_a_token(stage) {
        let app = stage.start();
        let id = app.sent("+447400100001", "Before");
        app.message_until(&id, "delivered");
        let balance = app.read("/v1/balance");
        let (status, took) = app.terminate();
        assert!(status.success() && took < Duration::from_secs(10), "{status} {took:?}");
        stage.unset("CARILLON_DEMO_TOKEN");
        let mut process = Process::spawn("serve", stage.command(&["serve"]), stage.path("serve.log"));
        let greeting = process.line_with("http://");
        assert!(!greeting.contains("crl_"), "{greeting}");
        let base = greeting.split([' ', ',']).find(|w| w.starts_with("http://")).unwrap().to_owned();
        let app = Client::new(&base, TOKEN);
        assert_eq!(app.read("/v1/balance"), balance);
        assert_eq!(app.message(&id)["status"], "delivered");
    }

    fn health_readiness_and_numbers_need_no_token(stage) {
        let app = stage.start();
        let nobody = app.with_token("");
        nobody.get("/healthz").ok(200);
        nobody.get("/readyz").ok(200);
        let id = app.sent("+447400100001", "Counted");
        app.message_until(&id, "delivered");
        let metrics = String::from_utf8(nobody.get("/metrics").body).unwrap();
        let value = |name: &str| -> f64 {
            let line = metrics.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {metrics}"));
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(value("carillon_parts_submitted_total") >= 1.0);
        assert!(value("carillon_parts_accepted_total") >= 1.0);
        assert!(value("carillon_carrier_binds") >= 1.0);
    }

    fn migrate_may_be_run_at_any_time(stage) {
        stage.run(&["migrate"]).unwrap();
        stage.run(&["migrate"]).unwrap();
        let app = stage.start();
        stage.run(&["migrate"]).unwrap();
        app.get("/v1/balance").ok(200);
    }
}
