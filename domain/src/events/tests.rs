//! The order of the stream, on a real database.

use serde_json::json;

use super::{Kind, MESSAGES_MOVED, Place, list, record, sequence};
use crate::testing::{Stage, stages};

async fn kinds(stage: &Stage, after: Place) -> Vec<String> {
    list(stage.db.read(), &stage.scope, after, 100).await.unwrap().0.into_iter().map(|e| e.kind).collect()
}

#[tokio::test]
async fn a_transaction_that_commits_later_comes_later_and_is_not_lost() {
    for stage in stages().await {
        if stage.db.is_sqlite() {
            continue; // one writer: a second transaction cannot be open
        }
        let account = stage.scope.account();
        let first = stage.db.begin().await.unwrap();
        record(&first, stage.clock.now(), account, Kind::CampaignStarted, "x", json!({})).await.unwrap();
        stage.clock.advance(std::time::Duration::from_secs(1));
        let second = stage.db.begin().await.unwrap();
        record(&second, stage.clock.now(), account, Kind::CampaignPaused, "x", json!({})).await.unwrap();
        second.commit().await.unwrap();
        assert_eq!(sequence(&stage.db).await.unwrap(), 1);
        let seen = list(stage.db.read(), &stage.scope, Place::default(), 100).await.unwrap().0;
        assert_eq!(seen.len(), 1);
        first.commit().await.unwrap();
        assert_eq!(sequence(&stage.db).await.unwrap(), 1);
        assert_eq!(kinds(&stage, Place::default()).await, ["campaign.paused", "campaign.started"]);
        assert_eq!(
            kinds(&stage, seen[0].place).await,
            ["campaign.started"],
            "a reader who had seen the second misses nothing"
        );
    }
}

#[tokio::test]
async fn racing_sequencers_give_each_event_one_place() {
    for stage in stages().await {
        for n in 0..50 {
            let tx = stage.db.begin().await.unwrap();
            record(&tx, stage.clock.now(), stage.scope.account(), Kind::CampaignPaused, "x", json!({ "n": n }))
                .await
                .unwrap();
            tx.commit().await.unwrap();
            stage.clock.advance(std::time::Duration::from_millis(2));
        }
        let races: Vec<_> = (0..4)
            .map(|_| {
                tokio::spawn({
                    let db = stage.db.clone();
                    async move { sequence(&db).await.unwrap() }
                })
            })
            .collect();
        let mut numbered = 0;
        for race in races {
            numbered += race.await.unwrap();
        }
        assert_eq!(numbered, 50);
        let seen = list(stage.db.read(), &stage.scope, Place::default(), 100).await.unwrap().0;
        let seen: Vec<i64> = seen.iter().filter_map(|e| e.data["n"].as_i64()).collect();
        assert_eq!(seen, (0..50).collect::<Vec<i64>>());
    }
}

#[tokio::test]
async fn a_batch_is_expanded_with_stable_ids_and_read_on_from_within() {
    for stage in stages().await {
        let tx = stage.db.begin().await.unwrap();
        let items = json!({ "items": [{ "status": "sent" }, { "status": "delivered" }, { "status": "failed" }] });
        record(&tx, stage.clock.now(), stage.scope.account(), MESSAGES_MOVED, "", items).await.unwrap();
        tx.commit().await.unwrap();
        sequence(&stage.db).await.unwrap();
        let (page, more) = list(stage.db.read(), &stage.scope, Place::default(), 2).await.unwrap();
        assert!(more && page[0].id.ends_with("_1") && page[1].kind == "message.delivered");
        assert_eq!(kinds(&stage, page[1].place).await, ["message.failed"]);
        let stranger = stage.stranger().await;
        assert!(list(stage.db.read(), &stranger, Place::default(), 100).await.unwrap().0.is_empty());
    }
}
