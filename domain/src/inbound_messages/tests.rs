//! Deliveries of a carrier: parts, repeats, whose they are, and what is told of them.

use std::time::Duration;

use super::{
    Delivery, Filter, InboundMessage, REPEAT, Received, Sar, WAIT, end_incomplete, list, receive, unattributed,
};
use crate::{
    db::{Sql, Window},
    ids::{CarrierId, ContactId, MessageId, SenderId},
    scope::{AccountScope, OperatorScope},
    testing::{Stage, stages},
    vals,
};

const SENDER: &str = "447400900000";
const SUBSCRIBER: &str = "447400100001";

fn delivery(stage: &Stage, body: &[u8]) -> Delivery {
    Delivery {
        source: format!("+{SUBSCRIBER}"),
        national: false,
        recipient: SENDER.to_owned(),
        data_coding: 0,
        has_header: false,
        body: body.to_vec(),
        sar: None,
        received_at: stage.clock.now(),
    }
}

/// Part `n` of `total` with an 8-bit reference.
fn part(stage: &Stage, reference: u8, total: u8, n: u8, text: &[u8]) -> Delivery {
    let body = [&[5, 0, 3, reference, total, n], text].concat();
    Delivery { has_header: true, ..delivery(stage, &body) }
}

async fn owns(stage: &Stage, scope: &AccountScope, value: &str) {
    let id = SenderId::new(stage.clock.now());
    let sql = "INSERT INTO senders (id, account_id, value, status, created_at, version) VALUES ($1, $2, $3, 'approved', $4, 1)";
    stage.db.writer().run(sql, vals![id, scope.account(), value, stage.clock.now()]).await.unwrap();
}

/// A message that the account has sent.
async fn sent(stage: &Stage, scope: &AccountScope, carrier: CarrierId, phone: &str, sender: &str) -> MessageId {
    let id = MessageId::new(stage.clock.now());
    let sql = "INSERT INTO messages (id, account_id, phone, sender, encoding, split_mode, segments, parts, unit_price, currency, status, carrier_id, \
               send_at, metadata, created_at) VALUES ($1, $2, $3, $4, 'gsm7', 'udh', 1, 1, 0, 'EUR', 'sent', $5, $6, $7, $6)";
    let phone: i64 = phone.parse().unwrap();
    let values = vals![id, scope.account(), phone, sender, carrier, stage.clock.now(), serde_json::json!({})];
    stage.db.writer().run(sql, values).await.unwrap();
    stage.clock.advance(Duration::from_millis(5));
    id
}

async fn take(stage: &Stage, carrier: CarrierId, deliveries: &[Delivery]) -> Received {
    receive(&stage.db, &stage.system, carrier, deliveries).await.unwrap()
}

async fn all(stage: &Stage, scope: &AccountScope) -> Vec<InboundMessage> {
    let window = Window { limit: 100, after: None };
    let (mut rows, more) = list(stage.db.read(), scope, &Filter::default(), window).await.unwrap();
    assert!(!more);
    rows.reverse();
    rows
}

fn texts(rows: &[InboundMessage]) -> Vec<(&str, bool)> {
    rows.iter().map(|m| (m.body.as_str(), m.complete)).collect()
}

#[tokio::test]
async fn a_message_is_the_owners_with_its_contact_and_what_it_answers_and_is_told() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, SENDER).await;
        let contact = ContactId::new(stage.clock.now());
        let sql = "INSERT INTO contacts (id, account_id, phone, consent, fields, metadata, created_at, updated_at, version) \
                   VALUES ($1, $2, $3, 'unknown', $4, $4, $5, $5, 1)";
        let phone: i64 = SUBSCRIBER.parse().unwrap();
        let values = vals![contact, stage.scope.account(), phone, serde_json::json!({}), stage.clock.now()];
        stage.db.writer().run(sql, values).await.unwrap();
        sent(&stage, &stage.scope, carrier, SUBSCRIBER, SENDER).await;
        let last = sent(&stage, &stage.scope, CarrierId::new(stage.clock.now()), SUBSCRIBER, SENDER).await;
        sent(&stage, &stage.scope, carrier, SUBSCRIBER, "CARILLON").await;
        let received = take(&stage, carrier, &[delivery(&stage, b"Yes"), delivery(&stage, b"")]).await;
        assert_eq!(received, Received { messages: 2, unattributed: 0, repeated: 0 });
        let rows = all(&stage, &stage.scope).await;
        assert_eq!(texts(&rows), [("Yes", true), ("", true)]);
        assert_eq!((rows[0].contact_id, rows[0].message_id), (Some(contact), Some(last)));
        assert_eq!((rows[0].from().as_str(), rows[0].recipient.as_str()), ("+447400100001", SENDER));
        let told: Vec<serde_json::Value> = stage
            .db
            .read()
            .column("SELECT data FROM events WHERE type = 'message.received' ORDER BY subject", vals![])
            .await
            .unwrap();
        assert_eq!(
            (told.len(), &told[0]["text"], &told[0]["message_id"]),
            (2, &"Yes".into(), &last.to_string().into())
        );
        let stranger = stage.stranger().await;
        assert!(all(&stage, &stranger).await.is_empty());
    }
}

#[tokio::test]
async fn without_one_owner_the_last_to_send_over_the_carrier_is_asked_and_else_nobody() {
    for stage in stages().await {
        let (carrier, other) = (CarrierId::new(stage.clock.now()), CarrierId::new(stage.clock.now()));
        let stranger = stage.stranger().await;
        sent(&stage, &stranger, carrier, SUBSCRIBER, SENDER).await;
        sent(&stage, &stage.scope, other, SUBSCRIBER, SENDER).await;
        take(&stage, carrier, &[delivery(&stage, b"without an owner")]).await;
        for scope in [&stage.scope, &stranger] {
            owns(&stage, scope, SENDER).await;
        }
        take(&stage, other, &[delivery(&stage, b"with two owners")]).await;
        assert_eq!(texts(&all(&stage, &stranger).await), [("without an owner", true)]);
        assert_eq!(texts(&all(&stage, &stage.scope).await), [("with two owners", true)]);
        let nobody = Delivery { source: "+447400100002".into(), ..delivery(&stage, b"two owners, neither sent") };
        let named = Delivery { source: "Bank".into(), recipient: "4444".into(), ..delivery(&stage, b"from a name") };
        let received = take(&stage, carrier, &[nobody, named]).await;
        assert_eq!(received, Received { messages: 2, unattributed: 2, repeated: 0 });
        let operator = OperatorScope { clock: stage.clock.clone() };
        let window = Window { limit: 1, after: None };
        let (page, more) = unattributed(stage.db.read(), &operator, window).await.unwrap();
        assert_eq!((page[0].from().as_str(), page[0].body.as_str(), more), ("Bank", "from a name", true));
        let window = Window { limit: 1, after: Some(page[0].id) };
        let (page, more) = unattributed(stage.db.read(), &operator, window).await.unwrap();
        assert_eq!((page[0].body.as_str(), more), ("two owners, neither sent", false));
        assert_eq!(stage.count("events").await, 2, "what is nobody's is told to nobody");
    }
}

#[tokio::test]
async fn parts_are_joined_in_any_order_and_known_when_they_come_again() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, SENDER).await;
        // The emoji lies on both sides of the cut.
        let units: Vec<u8> = "Добре 👍".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let (head, tail) = units.split_at(units.len() - 2);
        let ucs2 = |n, octets| Delivery { data_coding: 8, ..part(&stage, 7, 2, n, octets) };
        assert_eq!(take(&stage, carrier, &[ucs2(2, tail)]).await.messages, 0);
        assert_eq!(take(&stage, carrier, &[ucs2(2, tail)]).await.repeated, 1, "a part that waits came again");
        assert_eq!(take(&stage, carrier, &[ucs2(1, head)]).await.messages, 1);
        assert_eq!(take(&stage, carrier, &[ucs2(1, head), ucs2(2, tail)]).await.repeated, 2, "also after it is whole");
        // The same reference with another text is another message; sar_* and UDH do not mix; two at once do not either.
        let sar = |n, text: &[u8]| Delivery {
            sar: Some(Sar { reference: 7, total: 2, sequence: n }),
            ..delivery(&stage, text)
        };
        let batch = [
            part(&stage, 7, 2, 1, b"gsm "),
            sar(1, b"sar "),
            Delivery { source: "447400100009".into(), ..part(&stage, 7, 2, 1, b"other ") },
            part(&stage, 7, 2, 2, b"one"),
            sar(2, b"two"),
            Delivery { source: "447400100009".into(), ..part(&stage, 7, 2, 2, b"three") },
        ];
        assert_eq!(take(&stage, carrier, &batch).await, Received { messages: 3, unattributed: 0, repeated: 0 });
        let rows = all(&stage, &stage.scope).await;
        let mut found = texts(&rows);
        found.sort_unstable();
        assert_eq!(found, [("gsm one", true), ("other three", true), ("sar two", true), ("Добре 👍", true)]);
        assert!(rows.iter().all(|m| m.parts == 2));
        // What was remembered is forgotten in time.
        stage.clock.advance(WAIT + Duration::from_secs(1));
        assert_eq!(end_incomplete(&stage.db, &stage.system).await.unwrap(), 0);
        assert_eq!(stage.count("inbound_parts").await, 0);
    }
}

#[tokio::test]
async fn what_never_becomes_whole_is_kept_as_it_is() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, SENDER).await;
        take(&stage, carrier, &[part(&stage, 1, 4, 1, b"one "), part(&stage, 1, 4, 4, b" four")]).await;
        // The reference is used again before the first message is whole.
        take(&stage, carrier, &[part(&stage, 2, 2, 1, b"lost "), part(&stage, 2, 2, 1, b"found ")]).await;
        take(&stage, carrier, &[part(&stage, 2, 2, 2, b"again")]).await;
        assert_eq!(end_incomplete(&stage.db, &stage.system).await.unwrap(), 0, "it is waited for");
        stage.clock.advance(WAIT);
        assert_eq!(end_incomplete(&stage.db, &stage.system).await.unwrap(), 1);
        let rows = all(&stage, &stage.scope).await;
        let mut found = texts(&rows);
        found.sort_unstable();
        assert_eq!(found, [("found again", true), ("lost …", false), ("one …… four", false)]);
        assert!(rows.iter().filter(|m| !m.complete).all(|m| m.keyword.is_none()));
        assert_eq!(stage.count("inbound_parts").await, 0);
    }
}

#[tokio::test]
async fn parts_that_are_too_many_do_not_wait() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, SENDER).await;
        let sql = "INSERT INTO inbound_parts (carrier_id, source, recipient, tie, part, data_coding, body, done, received_at) \
                   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $3) \
                   SELECT $1, 'x' || CAST(i AS TEXT), '447400900000', 'udh8/1/2', 1, 0, '41', 1 = 0, $2 + i FROM n";
        let values = vals![carrier, stage.clock.now(), super::MOST_PARTS];
        stage.db.writer().run(sql, values).await.unwrap();
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(take(&stage, carrier, &[part(&stage, 1, 2, 1, b"new")]).await.messages, 1, "the oldest");
        assert_eq!(stage.count("inbound_parts").await, super::MOST_PARTS);
    }
}

#[tokio::test]
async fn a_delivery_made_again_counts_on_the_first() {
    for stage in stages().await {
        let (carrier, other) = (CarrierId::new(stage.clock.now()), CarrierId::new(stage.clock.now()));
        owns(&stage, &stage.scope, SENDER).await;
        let twice = [delivery(&stage, b"Yes"), delivery(&stage, b"Yes"), delivery(&stage, b"yes")];
        assert_eq!(take(&stage, carrier, &twice).await, Received { messages: 2, unattributed: 0, repeated: 1 });
        take(&stage, other, &[delivery(&stage, b"Yes")]).await;
        // Each repeat is compared with the one before it.
        for _ in 0..3 {
            stage.clock.advance(REPEAT);
            assert_eq!(take(&stage, carrier, &[delivery(&stage, b"Yes")]).await.repeated, 1);
        }
        stage.clock.advance(REPEAT + Duration::from_micros(1));
        assert_eq!(take(&stage, carrier, &[delivery(&stage, b"Yes")]).await.messages, 1, "written anew");
        let rows = all(&stage, &stage.scope).await;
        let told: Vec<(&str, i64)> = rows.iter().map(|m| (m.body.as_str(), m.deliveries)).collect();
        assert_eq!(told.len(), 4);
        assert_eq!(told.iter().filter(|t| **t == ("Yes", 5)).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn a_list_narrows() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, SENDER).await;
        owns(&stage, &stage.scope, "4444").await;
        let first = stage.clock.now();
        for (source, recipient, body) in
            [("447400100001", SENDER, "a"), ("447400100002", SENDER, "Stop"), ("447400100001", "4444", "c")]
        {
            let message =
                Delivery { source: source.into(), recipient: recipient.into(), ..delivery(&stage, body.as_bytes()) };
            take(&stage, carrier, &[message]).await;
            stage.clock.advance(Duration::from_secs(10));
        }
        let found = async |filter: Filter| {
            let (rows, _) =
                list(stage.db.read(), &stage.scope, &filter, Window { limit: 9, after: None }).await.unwrap();
            rows.into_iter().map(|m| m.body).collect::<Vec<_>>()
        };
        assert_eq!(found(Filter::default()).await, ["c", "Stop", "a"]);
        let from = Some("+447400100001".parse().unwrap());
        assert_eq!(found(Filter { from, ..Filter::default() }).await, ["c", "a"]);
        assert_eq!(found(Filter { to: Some("4444".into()), ..Filter::default() }).await, ["c"]);
        assert_eq!(found(Filter { keyword: Some(super::Keyword::Stop), ..Filter::default() }).await, ["Stop"]);
        let second = first.plus(Duration::from_secs(10));
        let (received_from, received_to) = (Some(second), Some(second.plus(Duration::from_secs(10))));
        assert_eq!(found(Filter { received_from, received_to, ..Filter::default() }).await, ["Stop"]);
    }
}

#[tokio::test]
async fn a_stop_to_a_shared_sender_is_for_the_account_and_a_start_undoes_both() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        let stranger = stage.stranger().await;
        owns(&stage, &stage.scope, SENDER).await;
        let lists = async || (stage.count("unsubscribes").await, stage.count("blacklist").await);
        take(&stage, carrier, &[delivery(&stage, b"stop")]).await;
        assert_eq!(lists().await, (1, 0));
        owns(&stage, &stranger, SENDER).await;
        sent(&stage, &stage.scope, carrier, SUBSCRIBER, SENDER).await;
        take(&stage, carrier, &[delivery(&stage, b"STOP"), delivery(&stage, b"stop it")]).await;
        assert_eq!(lists().await, (1, 1));
        let listed: bool = stage
            .db
            .read()
            .scalar("SELECT account_id = $1 AND source = 'stop_reply' FROM blacklist", vals![stage.scope.account()])
            .await
            .unwrap()
            .unwrap();
        assert!(listed);
        take(&stage, carrier, &[delivery(&stage, b"Start")]).await;
        assert_eq!(lists().await, (0, 0));
        // What the account has listed itself, no reply takes away.
        let tx = stage.db.begin().await.unwrap();
        crate::blacklist::add(&tx, &stage.scope, "+447400100001", None).await.unwrap();
        crate::unsubscribes::add(&tx, &stage.scope, "+447400100001", SENDER, None).await.unwrap();
        tx.commit().await.unwrap();
        stage.clock.advance(REPEAT * 2);
        take(&stage, carrier, &[delivery(&stage, b"stop"), delivery(&stage, b"start")]).await;
        assert_eq!(lists().await, (1, 1));
    }
}

#[tokio::test]
async fn a_stop_is_obeyed_in_whatever_form_the_number_comes() {
    for stage in stages().await {
        let carrier = CarrierId::new(stage.clock.now());
        owns(&stage, &stage.scope, "46700900900").await;
        let to = sent(&stage, &stage.scope, carrier, "46701235555", "46700900900").await;
        for (source, national) in [("0701235555", true), ("0046701235555", false), ("0701235555", false)] {
            let recipient = "46700900900".to_owned();
            let from = |body: &[u8]| Delivery {
                source: source.into(),
                national,
                recipient: recipient.clone(),
                ..delivery(&stage, body)
            };
            take(&stage, carrier, &[from(b"STOP")]).await;
            let phone: Option<i64> = stage.db.read().scalar("SELECT phone FROM unsubscribes", vals![]).await.unwrap();
            assert_eq!(phone, Some(46_701_235_555), "{source}");
            take(&stage, carrier, &[from(b"START")]).await;
            assert_eq!(stage.count("unsubscribes").await, 0);
            stage.clock.advance(REPEAT * 2);
        }
        let rows = all(&stage, &stage.scope).await;
        assert!(rows.iter().all(|m| m.message_id == Some(to) && m.from() == "+46701235555"), "{rows:?}");
    }
}
