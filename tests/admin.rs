//! `carillon admin`: what the operator does beside a running server, on the same database.

use serde_json::json;

use crate::harness::micros;

both! {
    fn an_account_from_nothing_to_its_first_message(stage) {
        let app = stage.start();
        let deck = stage.path("deck.csv");
        std::fs::write(&deck, "country,operator,prefix,price,cost,valid_from\nGB,,,0.0400,0.0300,\nGB,,,9.0000,8.0000,2999-01-01T00:00:00Z\n").unwrap();
        let deck = deck.to_str().unwrap();
        assert!(stage.admin(&["rates", "import", deck, "--deck", "retail"]).contains("2 rates"));
        let (id, token) = stage.account("Acme", "1.00", &["--deck", "retail", "--countries", "GB", "--default-country", "GB"]);
        let acme = app.with_token(&token);
        let account = acme.read("/v1/account");
        assert_eq!(
            ["name", "mode", "status", "currency", "default_country"].map(|k| account[k].as_str().unwrap_or_default().to_owned()),
            ["Acme", "live", "active", "EUR", "GB"]
        );
        assert_eq!(account["countries"], json!(["GB"]));
        assert!(stage.admin(&["accounts", "list"]).contains(&id));
        acme.send(&["07400100001"], "Too early").refused(422, "sender_not_approved");
        let sender = acme.post("/v1/senders", &json!({"value": "ACME"})).ok(201)["id"].as_str().unwrap().to_owned();
        assert!(stage.admin(&["senders", "list"]).contains(&sender));
        let send = || acme.post("/v1/messages", &json!({"to": ["07400100001"], "sender": "ACME", "text": "Hello"}));
        send().refused(422, "sender_not_approved");
        assert_eq!(stage.admin(&["senders", "approve", &sender]).trim(), "approved");
        assert!(!stage.admin(&["senders", "list"]).contains(&sender));
        let sent = send().ok(202);
        acme.message_until(sent["messages"][0]["id"].as_str().unwrap(), "delivered");
        assert_eq!(acme.available(), 1_000_000 - 40_000, "the price of today");
        let elsewhere = json!({"to": ["+12015550100"], "sender": "ACME", "text": "Hello"});
        let skipped = acme.post("/v1/messages", &elsewhere).ok(202)["messages"][0].clone();
        assert_eq!((&skipped["status"], &skipped["reason"]), (&json!("skipped"), &json!("country_not_enabled")));
        assert_eq!(acme.available(), 1_000_000 - 40_000);
        acme.audited();
    }

    fn a_rejected_sender_is_told_why(stage) {
        let app = stage.start();
        let sender = app.post("/v1/senders", &json!({"value": "ACME"})).ok(201)["id"].as_str().unwrap().to_owned();
        stage.admin(&["senders", "reject", &sender, "--reason", "send the trade mark's papers"]);
        let seen = app.read(&format!("/v1/senders/{sender}"));
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("rejected"), &json!("send the trade mark's papers")));
    }

    fn a_suspended_account_reads_and_a_closed_one_does_nothing(stage) {
        let app = stage.start();
        let id = app.read("/v1/account")["id"].as_str().unwrap().to_owned();
        let waiting = app.draft(json!({"text": "x", "audience": {"phones": ["+447400100001"]}}));
        stage.admin(&["accounts", "status", &id, "suspended"]);
        app.get("/v1/balance").ok(200);
        app.send(&["+447400100001"], "x").refused(403, "account_suspended");
        app.launch(&waiting).refused(403, "account_suspended");
        stage.admin(&["accounts", "status", &id, "closed"]);
        app.get("/v1/balance").refused(403, "account_suspended");
        stage.admin(&["accounts", "status", &id, "active"]);
        app.send(&["+447400100001"], "x").ok(202);
    }

    fn what_is_wrong_is_told_in_a_sentence_and_changes_nothing(stage) {
        stage.start().terminate();
        let file = stage.path("bad.csv");
        std::fs::write(&file, "country,price\nGB,cheap\n").unwrap();
        let file = file.to_str().unwrap();
        let cases: [(&[&str], &str); 8] = [
            (&["accounts", "create", "--name", "X", "--deck", "unheard-of"], "no rate deck"),
            (&["accounts", "create", "--name", "X", "--carrier", "unheard-of"], "carrier"),
            (&["tokens", "create", "acc_01kazsw6e3f8e9xq2m4r7t5v0b"], "no such account"),
            (&["top-up", "acc_01kazsw6e3f8e9xq2m4r7t5v0b", "1.00", "--key", "k"], "account"),
            (&["rates", "import", file, "--deck", "bad"], "line 2"),
            (&["rates", "import", "/nowhere.csv", "--deck", "bad"], "cannot be read"),
            (&["carriers", "set", "c", "{\"addres\": \"x\"}"], "addres"),
            (&["carriers", "set", "c", "{\"address\": \"nowhere\"}"], "/address"),
        ];
        let accounts = stage.admin(&["accounts", "list"]);
        for (command, told) in cases {
            let error = stage.run(&[&["admin"], command].concat()).unwrap_err();
            assert!(error.starts_with("carillon: ") && error.contains(told), "{command:?}: {error}");
            assert!(!error.contains("panicked"), "{error}");
        }
        assert_eq!(stage.admin(&["accounts", "list"]), accounts);
    }

    fn routes_are_made_listed_turned_and_deleted(stage) {
        stage.start().terminate();
        stage.admin(&["carriers", "set", "acme", r#"{"address": "127.0.0.1:1", "system_id": "me", "password": "secret"}"#]);
        let made = stage.admin(&["routes", "create", "acme", "--country", "GB", "--priority", "5", "--cost", "0.021"]);
        let id = made.split(' ').next().unwrap();
        assert!(id.starts_with("rte_") || id.contains('_'), "{made}");
        let listed = stage.admin(&["routes", "list"]);
        assert!(listed.contains(id) && listed.contains("enabled  priority 5, weight 100  acme") && listed.contains("GB  to acme"), "{listed}");
        assert!(stage.admin(&["routes", "disable", id]).contains("disabled"));
        assert!(stage.admin(&["routes", "enable", id]).contains("enabled"));
        assert!(stage.run(&["admin", "routes", "create", "acme", "--country", "Britain"]).unwrap_err().contains("country"));
        assert!(stage.run(&["admin", "routes", "create", "nobody"]).is_err());
        stage.admin(&["routes", "delete", id]);
        assert_eq!(stage.admin(&["routes", "list"]).trim(), "");
    }

    fn two_carriers_never_mix_up_their_ids(stage) {
        let _simulator = stage.simulator(300);
        let app = stage.start();
        // A second carrier to the same simulator under another name: it has its own sessions and receipts.
        let settings = json!({"address": stage.simulator_address(), "system_id": "second", "binds": 1}).to_string();
        stage.admin(&["carriers", "set", "second", &settings]);
        let made = stage.admin(&["accounts", "create", "--name", "Acme", "--carrier", "second", "--countries", "*"]);
        let id = made.split_whitespace().nth(1).unwrap().to_owned();
        stage.admin(&["top-up", &id, "5.00", "--key", "first"]);
        stage.admin(&["senders", "grant", &id, "CARILLON"]);
        let token = stage.admin(&["tokens", "create", &id]);
        let acme = app.with_token(token.split_whitespace().nth(1).unwrap());
        let (a, b) = (app.sent("+12015550101", "By the first"), acme.sent("+12015550102", "By the second"));
        app.message_until(&a, "undelivered");
        let message = acme.message_until(&b, "expired");
        assert!(micros(&message["cost"]) > 0);
        let judge = stage.judge();
        let by = |end: &str| judge.taken().iter().find(|s| s.dest.ends_with(end)).unwrap().system_id.clone();
        assert_eq!((by("0101"), by("0102")), ("carillon".to_owned(), "second".to_owned()));
    }
}
