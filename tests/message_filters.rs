//! The list of messages: its conditions, sent as parameters or kept as a filter.

use serde_json::json;

both! {
    fn a_saved_filter_lists_as_its_conditions_do(stage) {
        let app = stage.start();
        for (to, text) in [("+447400100001", "Table for two"), ("+447400100002", "Table for four"), ("+12015550100", "Table for two")] {
            let id = app.sent(to, text);
            app.message_until(&id, "delivered");
        }
        let listed = |query: &str| {
            let all = app.pages(&format!("/v1/messages?{query}"));
            all.iter().map(|m| m["to"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed("text=Table%20for%20two"), ["+12015550100", "+447400100001"]);
        assert_eq!(listed("text_contains=FOUR"), ["+447400100002"]);
        assert_eq!(listed("sender_contains=rill").len(), 3);
        assert_eq!(listed("sender_contains=_").len(), 0);
        assert_eq!(listed("weekday=1,2,3,4,5,6,7").len(), 3);

        let conditions = json!({"country": "GB", "text_contains": "for", "status": "delivered,undelivered"});
        let made = app.post("/v1/message-filters", &json!({"name": "Britain", "conditions": conditions})).ok(201);
        assert_eq!(made["conditions"], conditions);
        let id = made["id"].as_str().unwrap();
        assert_eq!(listed(&format!("filter={id}")), ["+447400100002", "+447400100001"]);
        // others narrow, the same name stands in
        assert_eq!(listed(&format!("filter={id}&text=Table%20for%20two")), ["+447400100001"]);
        assert_eq!(listed(&format!("filter={id}&country=US")), ["+12015550100"]);
        let page = app.read(&format!("/v1/messages?filter={id}&limit=1"));
        assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(true)));

        let path = format!("/v1/message-filters/{id}");
        let changed = app.patch(&path, &json!({"conditions": {"country": "US"}})).ok(200);
        assert_eq!((&changed["name"], &changed["conditions"]), (&json!("Britain"), &json!({"country": "US"})));
        assert_eq!(listed(&format!("filter={id}")), ["+12015550100"]);
        assert_eq!(app.read(&path), changed);
        assert_eq!(app.pages("/v1/message-filters"), [changed]);
        app.post("/v1/message-filters", &json!({"name": "Britain", "conditions": {"country": "GB"}})).refused(409, "already_exists");
        let stale = app.ask("PATCH", &path).header("if-match", "\"7.0000000000000000\"").json(&json!({"name": "Two"})).go();
        stale.refused(412, "version_mismatch");
        assert_eq!(app.delete(&path).status, 204);
        app.get(&path).refused(404, "not_found");
        app.get(&format!("/v1/messages?filter={id}")).refused(404, "not_found");
    }

    fn what_cannot_be_listed_with_cannot_be_saved(stage) {
        let app = stage.start();
        let cases = [
            ("status", "sideways"),
            ("weekday", "0"),
            ("weekday", "monday"),
            ("to", "none"),
            ("to_contains", "7%"),
            ("country", "uk"),
        ];
        for (name, value) in cases {
            let problem = app.get(&format!("/v1/messages?{name}={}", value.replace('%', "%25"))).refused(400, "invalid_parameter");
            assert!(problem["detail"].as_str().unwrap().starts_with(name), "{problem}");
            let body = json!({"name": "Wrong", "conditions": {name: value}});
            let problem = app.post("/v1/message-filters", &body).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], json!(format!("/conditions/{name}")), "{problem}");
        }
        app.get("/v1/messages?created_from=yesterday").refused(400, "invalid_parameter");
        let save = |conditions| app.post("/v1/message-filters", &json!({"name": "Wrong", "conditions": conditions}));
        for wrong in [json!({}), json!({"country": null}), json!({"limit": "5"}), json!({"created_from": "yesterday"}), json!({"campaign_id": "msg_1"})] {
            save(wrong).refused(422, "invalid_request");
        }
        let two = save(json!({"country": "UK", "weekday": "8"})).refused(422, "invalid_request");
        assert_eq!(two["errors"].as_array().unwrap().len(), 2, "{two}");
        assert!(app.pages("/v1/message-filters").is_empty());
    }
}
