//! Money: an estimate is its charge to the micro-unit, racing debits, refunds, and a ledger that adds up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{App, Client, Stage, micros, numbers, until};

/// An account of its own with an approved sender, and a server.
fn account(stage: &Stage, money: &str, more: &[&str]) -> App {
    stage.start().terminate();
    let (id, token) = stage.account("Acme", money, more);
    stage.admin(&["senders", "grant", &id, "CARILLON"]);
    stage.start().with_token_of(&token)
}

fn deck(stage: &Stage, name: &str, csv: &str) {
    let file = stage.path(name);
    std::fs::write(&file, csv).unwrap();
    stage.admin(&["rates", "import", file.to_str().unwrap(), "--deck", name]);
}

both! {
    fn an_estimate_is_its_charge_in_every_encoding_and_split_mode(stage) {
        let app = stage.start();
        let phones = ["+447400100001", "+12015550100", "+380501235821", "+79031444842", "+33612345678", "+3725123456"];
        let gsm = "Price 5€ [today] only. ".to_owned();
        let ucs2 = "Ціна 5€ – «лише сьогодні» 😀. ".to_owned();
        let texts = [gsm.clone(), gsm.repeat(20), ucs2.clone(), ucs2.repeat(9)];
        let mut campaigns = Vec::new();
        let mut segments: BTreeMap<i64, usize> = BTreeMap::new();
        for mode in ["udh", "udh16", "sar", "payload", "cut"] {
            for text in &texts {
                let before = app.available() + app.held();
                let id = app.draft(json!({"text": text, "split_mode": mode, "audience": {"phones": phones}}));
                let estimate = app.step(&id, "estimate").ok(200);
                assert_eq!(estimate["messages"], phones.len(), "{estimate}");
                campaigns.push((id, estimate, before));
            }
        }
        let start = app.available();
        for (id, ..) in &campaigns {
            app.launch(id).ok(202);
        }
        let mut total = 0;
        for (id, estimate, _) in &campaigns {
            let campaign = app.campaign_until(id, "completed");
            let messages = app.messages_of(id);
            let sum: i64 = messages.iter().map(|m| micros(&m["cost"])).sum();
            let parts: i64 = messages.iter().map(|m| m["segments"].as_i64().unwrap()).sum();
            assert_eq!((micros(&estimate["cost"]), estimate["segments"].as_i64().unwrap()), (sum, parts), "{id}");
            assert_eq!(micros(&campaign["cost"]), sum);
            for m in &messages {
                assert_eq!(micros(&m["cost"]), micros(&m["unit_price"]) * m["segments"].as_i64().unwrap(), "{m}");
                *segments.entry(m["segments"].as_i64().unwrap()).or_default() += 1;
            }
            let countries = estimate["by_country"].as_array().unwrap();
            assert_eq!(countries.iter().map(|c| micros(&c["cost"])).sum::<i64>(), sum);
            total += sum;
        }
        assert!(segments.len() >= 3, "one and many segments: {segments:?}");
        assert_eq!((start - app.available(), app.held()), (total, 0));
        app.audited();
    }

    fn campaigns_of_two_accounts_in_the_same_batches_pay_each_its_own(stage) {
        let _simulator = stage.simulator(50);
        let acme = account(&stage, "500.00", &["--countries", "*"]);
        let (other, token) = stage.account("Other", "500.00", &["--countries", "*"]);
        stage.admin(&["senders", "grant", &other, "CARILLON"]);
        let other = acme.with_token(&token);
        let texts = ["Hello".to_owned(), "Hello, and much more than goes into one message. ".repeat(6)];
        let drafts = |app: &Client, from: usize| -> Vec<String> {
            let draft = |(n, text): (usize, &String)| {
                app.draft(json!({"text": text, "audience": {"phones": numbers(from + 1000 * n, 700)}}))
            };
            texts.iter().enumerate().map(draft).collect()
        };
        let campaigns = [(&*acme, drafts(&acme, 10_000)), (&other, drafts(&other, 20_000))];
        for (app, ids) in &campaigns {
            for id in ids {
                app.launch(id).ok(202);
            }
        }
        for (app, ids) in &campaigns {
            let done: Vec<Value> = ids.iter().map(|id| app.campaign_until(id, "completed")).collect();
            let cost: i64 = done.iter().map(|campaign| micros(&campaign["cost"])).sum();
            assert!(done.iter().all(|campaign| campaign["messages"] == json!({"delivered": 700})), "{done:?}");
            assert_eq!((500_000_000 - app.available(), app.held()), (cost, 0));
            app.audited();
            let told = app.events();
            for kind in ["message.sent", "message.delivered"] {
                let about = told.iter().filter(|event| event["type"] == kind).map(|event| event["data"]["id"].to_string());
                let about: Vec<String> = about.collect();
                assert_eq!((about.len(), BTreeSet::from_iter(&about).len()), (1400, 1400), "{kind}");
            }
        }
        stage.judge().nothing_twice();
    }

    fn the_narrowest_rate_rules_and_prices_freeze_at_the_launch(stage) {
        stage.start().terminate();
        deck(&stage, "fine", "country,operator,prefix,price\nGB,,,0.050000\nGB,,447400,0.012345\nUS,,,0.000001\n");
        let app = account(&stage, "5.00", &["--countries", "*", "--deck", "fine"]);
        let id = app.draft(json!({"text": "Hello", "audience": {"phones": ["+447400100001", "+447500100001", "+12015550100"]}}));
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!(micros(&estimate["cost"]), 12_345 + 50_000 + 1);
        app.launch(&id).ok(202);
        app.campaign_until(&id, "completed");
        assert_eq!((app.available(), app.held()), (5_000_000 - 62_346, 0));
        let prices: Vec<i64> = app.pages("/v1/rates").iter().map(|r| micros(&r["price"])).collect();
        assert_eq!(prices.len(), 3);
        app.audited();
    }

    fn racing_debits_with_funds_for_half(stage) {
        const SENDS: usize = 40;
        stage.start().terminate();
        deck(&stage, "round", "country,price\nGB,0.10\n");
        let app = account(&stage, "2.00", &["--countries", "GB", "--deck", "round"]);
        let outcomes: Vec<u16> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..8)
                .map(|t| {
                    let app = &app;
                    s.spawn(move || {
                        (0..SENDS / 8)
                            .map(|n| {
                                let answer = app.send(&[&format!("+4474001{:05}", t * 100 + n)], "Race");
                                if answer.status != 202 {
                                    answer.refused(402, "insufficient_funds");
                                }
                                answer.status
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|s| **s == 202).count(), SENDS / 2);
        until("all are final", || {
            let all = app.pages("/v1/messages");
            assert_eq!(all.len(), SENDS / 2);
            all.iter().all(|m| m["status"] == "delivered").then_some(())
        });
        assert_eq!((app.available(), app.held()), (0, 0));
        app.audited();
    }

    fn racing_campaigns_share_a_balance_that_never_goes_below_zero(stage) {
        stage.start().terminate();
        deck(&stage, "round", "country,price\nGB,0.10\n");
        let app = account(&stage, "2.50", &["--countries", "GB", "--deck", "round"]);
        // Each costs 1.00: two of four can be paid.
        let ids: Vec<String> = (0..4)
            .map(|n| app.draft(json!({"text": "Race", "audience": {"phones": crate::harness::numbers(n * 10, 10)}})))
            .collect();
        let statuses: Vec<u16> = std::thread::scope(|s| {
            let threads: Vec<_> = ids.iter().map(|id| s.spawn(|| app.launch(id).status)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let mut completed = 0;
        for (id, status) in ids.iter().zip(statuses) {
            if status == 402 {
                assert_eq!(app.campaign(id)["status"], "draft");
                continue;
            }
            let campaign = app.finished(id);
            if campaign["status"] == "completed" {
                completed += 1;
            } else {
                assert_eq!(campaign["error"]["code"], "insufficient_funds", "{campaign}");
            }
        }
        assert_eq!(completed, 2);
        assert_eq!((app.available(), app.held()), (500_000, 0));
        app.audited();
    }

    fn what_is_refunded_is_what_was_charged_once(stage) {
        let app = account(&stage, "5.00", &["--countries", "*", "--refund-on", "undelivered,expired"]);
        let long = "In two parts. ".repeat(12);
        let sent = app.send(&["+12015550100", "+12015550101", "+12015550102", "+12015550111"], &long).ok(202);
        let price = micros(&sent["messages"][0]["cost"]);
        let ids: Vec<&str> = sent["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
        for (id, status, cost) in [(ids[0], "delivered", price), (ids[1], "undelivered", 0), (ids[2], "expired", 0), (ids[3], "delivered", price)] {
            let message = app.message_until(id, status);
            assert_eq!((message["segments"].as_i64().unwrap(), micros(&message["cost"])), (2, cost), "{message}");
        }
        assert_eq!((app.available(), app.held()), (5_000_000 - 2 * price, 0));
        let refunded: i64 = app.pages("/v1/balance/entries?kind=refund").iter().map(|e| micros(&e["available"])).sum();
        assert_eq!(refunded, 2 * price);
        app.audited();
    }

    fn given_money_is_spent_first_and_a_payment_counts_once(stage) {
        stage.start().terminate();
        deck(&stage, "round", "country,price\nGB,0.10\n");
        let (id, token) = stage.account("Acme", "1.00", &["--countries", "GB", "--deck", "round"]);
        stage.admin(&["senders", "grant", &id, "CARILLON"]);
        stage.admin(&["top-up", &id, "0.25", "--key", "bonus", "--granted"]);
        assert!(stage.admin(&["top-up", &id, "1.00", "--key", "first"]).contains("nothing was added"));
        stage.run(&["admin", "top-up", &id, "1.00", "--key", "dollars", "--currency", "USD"]).unwrap_err();
        stage.run(&["admin", "top-up", &id, "-1.00", "--key", "below"]).unwrap_err();
        let app = stage.start().with_token_of(&token);
        let balance = app.read("/v1/balance");
        let all = |b: &Value| ["available", "held", "purchased", "granted"].map(|k| micros(&b[k]));
        assert_eq!(all(&balance), [1_250_000, 0, 1_000_000, 250_000]);
        let sent = app.sent("+447400100001", "One");
        app.message_until(&sent, "delivered");
        assert_eq!(all(&app.read("/v1/balance")), [1_150_000, 0, 1_000_000, 150_000]);
        for n in 2..4 {
            app.message_until(&app.sent(&format!("+44740010000{n}"), "More"), "delivered");
        }
        assert_eq!(all(&app.read("/v1/balance")), [950_000, 0, 950_000, 0]);
        let moved: i64 = app.pages("/v1/balance/entries").iter().map(|e| micros(&e["available"])).sum();
        assert_eq!(moved, 950_000, "the statement adds up to the balance");
        app.audited();
    }
}
