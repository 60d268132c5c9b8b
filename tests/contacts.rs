//! Contacts by a filter: what is found over HTTP, also by what became of their messages.

use serde_json::json;

use crate::harness::until;

both! {
    fn the_outcome_of_the_last_message_is_found_soon_after_it(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let (fine, dead) = ("+447400100001", "+12015550101"); // the second is undelivered by the simulator's table
        app.group("Everybody", &[fine.to_owned(), dead.to_owned(), "+447400100003".to_owned()]);
        let sent = app.post("/v1/messages", &json!({"to": [fine, dead], "sender": "CARILLON", "text": "Hello"})).ok(202);
        for message in sent["messages"].as_array().unwrap() {
            let status = if message["to"] == fine { "delivered" } else { "undelivered" };
            app.message_until(message["id"].as_str().unwrap(), status);
        }
        let found = |filter: serde_json::Value| {
            let seen = app.post("/v1/contacts/search", &json!({"filter": filter, "count": true})).ok(200);
            let phones: Vec<String> =
                seen["data"].as_array().unwrap().iter().map(|c| c["phone"].as_str().unwrap().to_owned()).collect();
            assert_eq!(seen["count"].as_u64(), Some(phones.len() as u64));
            phones
        };
        let failed = || found(json!({"field": "last_outcome", "any_of": ["undelivered", "rejected"]}));
        until("the outcomes are read", || (failed() == [dead]).then_some(()));
        assert_eq!(found(json!({"field": "last_outcome", "equals": "delivered"})), [fine]);
        assert_eq!(found(json!({"field": "last_outcome", "exists": false})), ["+447400100003"]);
        assert_eq!(found(json!({"field": "failures_in_row", "gte": 1})), [dead]);
        assert_eq!(found(json!({"field": "last_outcome_at", "within_last_days": 1})), [fine, dead]);
    }
}
