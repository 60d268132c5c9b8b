//! Caps as they are kept by the transaction that marks.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::{
    accounts::{self, Change, FrequencyCap, FrequencyCaps},
    clock::Timestamp,
    db::Sql,
    ids::{CampaignId, ChunkId, MessageId},
    messages::window::{self, Marked},
    testing::{Stage, stages, write_tx},
    vals,
};

const DAY: Duration = Duration::from_secs(86_400);

async fn cap(stage: &Stage, caps: &[(i64, i64)]) {
    let caps = caps.iter().map(|(messages, days)| FrequencyCap { messages: *messages, days: *days }).collect();
    let change = Change { frequency_caps: Some(Some(FrequencyCaps(caps))), ..Change::default() };
    write_tx!(stage, tx => accounts::update(&tx, &stage.scope, None, change)).unwrap();
}

/// A chunk that `me` has claimed, with a message to each of these numbers.
struct Claimed {
    id: ChunkId,
    campaign: Option<CampaignId>,
    messages: Vec<MessageId>,
}

async fn claimed(stage: &Stage, single: bool, phones: &[i64]) -> Claimed {
    let now = stage.clock.now();
    let id = ChunkId::new(now);
    let campaign = (!single).then(|| CampaignId::new(now));
    let tx = stage.db.begin().await.unwrap();
    if let Some(campaign) = campaign {
        tx.run(
            "INSERT INTO campaigns (id, account_id, name, status, sender, split_mode, audience, metadata, created_at, updated_at, version) \
             VALUES ($1, $2, 'N', 'sending', 'ACME', 'udh', $3, $3, $4, $4, 1)",
            vals![campaign, stage.scope.account(), json!({}), now],
        )
        .await
        .unwrap();
        let n = i64::try_from(phones.len()).unwrap();
        let sql = "INSERT INTO campaign_counts (campaign_id, status, messages) VALUES ($1, 'queued', $2)";
        tx.run(sql, vals![campaign, n]).await.unwrap();
    }
    tx.run(
        "INSERT INTO chunks (id, account_id, campaign_id, carrier_id, status, priority, send_at, messages, lease_owner, lease_until, created_at) \
         VALUES ($1, $2, $3, $4, 'claimed', 5, $5, 1, 'me', $5, $5)",
        vals![id, stage.scope.account(), campaign, Uuid::nil(), now],
    )
    .await
    .unwrap();
    let mut messages = Vec::new();
    for phone in phones {
        let message = MessageId::new(now);
        tx.run(
            "INSERT INTO messages (id, account_id, campaign_id, chunk_id, phone, sender, encoding, split_mode, segments, parts, unit_price, currency, \
             status, send_at, metadata, created_at) VALUES ($1, $2, $3, $4, $5, 'ACME', 'gsm7', 'udh', 1, 1, 0, 'EUR', 'queued', $6, $7, $6)",
            vals![message, stage.scope.account(), campaign, id, *phone, now, json!({})],
        )
        .await
        .unwrap();
        messages.push(message);
    }
    tx.commit().await.unwrap();
    Claimed { id, campaign, messages }
}

async fn mark(stage: &Stage, of: &[&Claimed]) -> Marked {
    let chunks: Vec<ChunkId> = of.iter().map(|c| c.id).collect();
    let messages: Vec<MessageId> = of.iter().flat_map(|c| c.messages.clone()).collect();
    window::mark(&stage.db, &stage.system, "me", &chunks, &messages).await.unwrap()
}

/// What became of the messages of a chunk: how many have each status and reason.
async fn fate(stage: &Stage, of: &Claimed) -> Vec<(String, i64)> {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        word: String,
        n: i64,
    }
    let sql = "SELECT COALESCE(reason, status) AS word, COUNT(*) AS n FROM messages WHERE chunk_id = $1 GROUP BY 1 ORDER BY 1";
    let rows: Vec<Row> = stage.db.read().all(sql, vals![of.id]).await.unwrap();
    rows.into_iter().map(|row| (row.word, row.n)).collect()
}

fn words(fate: &[(&str, i64)]) -> Vec<(String, i64)> {
    fate.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

#[tokio::test]
async fn two_campaigns_at_once_write_to_each_number_once() {
    for stage in stages().await {
        cap(&stage, &[(1, 1)]).await;
        let phones: Vec<i64> = (0..300).map(|n| 447_400_100_000 + n).collect();
        let back: Vec<i64> = phones.iter().rev().copied().collect();
        let (one, two) = (claimed(&stage, false, &phones).await, claimed(&stage, false, &back).await);
        let (of_one, of_two) = ([&one], [&two]);
        let (a, b) = tokio::join!(mark(&stage, &of_one), mark(&stage, &of_two));
        assert_eq!(a.messages.len() + b.messages.len(), 300);
        let (first, second) = (a.messages.len(), b.messages.len());
        assert!(first == 0 || second == 0, "one after the other: {first} and {second}");
        let loser = if first == 0 { &one } else { &two };
        assert_eq!(fate(&stage, loser).await, words(&[("frequency_cap", 300)]));
        let sql = "SELECT messages FROM campaign_counts WHERE campaign_id = $1 AND status = 'skipped'";
        assert_eq!(stage.db.read().scalar::<i64>(sql, vals![loser.campaign]).await.unwrap(), Some(300));
        assert_eq!(stage.count("campaign_sends").await, 300);
        assert_eq!(stage.count("events").await, 1, "the skips are told");
        // In one mark, too.
        let (one, two) = (claimed(&stage, false, &[1, 2]).await, claimed(&stage, false, &[2, 3]).await);
        assert_eq!(mark(&stage, &[&one, &two]).await.messages.len(), 3);
    }
}

#[tokio::test]
async fn a_message_counts_once_and_its_day_rolls_away() {
    for stage in stages().await {
        cap(&stage, &[(1, 1), (2, 3)]).await;
        let again = async || {
            let chunk = claimed(&stage, false, &[447_400_100_001]).await;
            !mark(&stage, &[&chunk]).await.messages.is_empty()
        };
        let first = claimed(&stage, false, &[447_400_100_001]).await;
        assert_eq!(mark(&stage, &[&first]).await.messages, first.messages);
        // It comes back unsent and is marked again: it is its own send that it meets.
        stage.db.writer().run("UPDATE messages SET status = 'queued'", vals![]).await.unwrap();
        assert_eq!(mark(&stage, &[&first]).await.messages, first.messages);
        assert!(!again().await, "one a day");
        stage.clock.advance(DAY);
        assert!(again().await, "the second in three days");
        stage.clock.advance(DAY);
        assert!(!again().await, "a third would be one too many");
        stage.clock.advance(DAY);
        assert!(again().await, "the first has rolled away");
        assert_eq!(stage.count("campaign_sends").await, 3);
    }
}

#[tokio::test]
async fn single_sends_neither_count_nor_wait_and_what_may_have_left_is_not_skipped() {
    for stage in stages().await {
        cap(&stage, &[(1, 90)]).await;
        let phone = [447_400_100_001];
        let single = claimed(&stage, true, &phone).await;
        let campaign = claimed(&stage, false, &phone).await;
        assert_eq!(mark(&stage, &[&single, &campaign]).await.messages.len(), 2);
        assert_eq!(stage.count("campaign_sends").await, 1);
        let single = claimed(&stage, true, &phone).await;
        assert_eq!(mark(&stage, &[&single]).await.messages.len(), 1, "a code may come at any time");
        // Its first submission was lost before there was a cap.
        let second = claimed(&stage, false, &phone).await;
        let sql =
            "INSERT INTO message_resends (message_id, carrier_id, reason, resent_at) VALUES ($1, $2, 'no_answer', 0)";
        stage.db.writer().run(sql, vals![second.messages[0], Uuid::nil()]).await.unwrap();
        assert_eq!(mark(&stage, &[&second]).await.messages, second.messages);
        // Without caps nothing is counted.
        let change = Change { frequency_caps: Some(Some(FrequencyCaps(Vec::new()))), ..Change::default() };
        write_tx!(stage, tx => accounts::update(&tx, &stage.scope, None, change)).unwrap();
        let free = claimed(&stage, false, &phone).await;
        assert_eq!(mark(&stage, &[&free]).await.messages, free.messages);
        assert_eq!(stage.count("campaign_sends").await, 2);
    }
}

#[tokio::test]
async fn what_no_cap_looks_at_is_forgotten() {
    for stage in stages().await {
        cap(&stage, &[(1, 1)]).await;
        for _ in 0..2 {
            let chunk = claimed(&stage, false, &[1, 2, 3]).await;
            mark(&stage, &[&chunk]).await;
            stage.clock.advance(DAY * 60);
        }
        let purge = async |now: Timestamp| write_tx!(stage, tx => super::purge(&tx, now)).unwrap();
        assert_eq!((purge(stage.clock.now()).await, purge(stage.clock.now()).await), (3, 0));
        assert_eq!(stage.count("campaign_sends").await, 3);
    }
}
