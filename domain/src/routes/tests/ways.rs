//! Ways that lead on: a message that its carrier refused, and messages that wait for a carrier that is passed over.

use super::*;
use crate::{
    balance,
    db::Writes,
    ids::{HoldId, MessageId},
    messages::{
        Answer, Draft, Home, Letter, Mailing, Outcome, Passes, Patience, Piece, Portions, Submitted, record, window,
        write,
    },
    phone::Msisdn,
    segments::{Encoding, SplitMode},
    templates::text::Template,
};

/// Messages of the stage's account, whose money is held, in ready chunks of the carriers that routing gives them.
async fn queued(stage: &Stage, count: u64) -> Vec<MessageId> {
    let routing = Routing::load(stage.db.read(), &stage.scope, None).await.unwrap();
    let now = stage.clock.now();
    let amount = Micros(i64::try_from(count).unwrap());
    let (hold, price) = (HoldId::new(now), Money::new(amount, &Currency("EUR".into())));
    let bucket = balance::Bucket::Purchased;
    write_tx!(stage, tx => balance::top_up(&tx, &operator(stage), stage.scope.account(), &price, bucket, "paid", None))
        .unwrap();
    write_tx!(stage, tx => balance::hold(&tx, now, stage.scope.account(), hold, price.amount)).unwrap();
    let letter = Letter {
        sender: "SHOP".into(),
        template: Template::parse("Hello").unwrap(),
        split_mode: SplitMode::default(),
        validity_seconds: None,
    };
    let piece = Piece {
        text: "Hello".into(),
        encoding: Encoding::Gsm7,
        segments: 1,
        parts: 1,
        unit_price: Micros(1),
        unit_cost: None,
    };
    let draft = |n: u64| Draft {
        phone: Msisdn::from_u64(447_400_000_000 + n).unwrap(),
        contact: None,
        country: Some("GB".into()),
        operator: None,
        zone: None,
        outcome: Outcome::Send(piece.clone()),
    };
    let home = Home {
        account: stage.scope.account(),
        campaign: None,
        hold,
        currency: Currency("EUR".into()),
        send_at: now,
        priority: 5,
        chunk_status: "ready",
        portions: Portions::default(),
    };
    let drafts: Vec<Draft> = (1..=count).map(draft).collect();
    let mailing =
        Mailing { batch: None, letter: &letter, external_id: None, metadata: &serde_json::json!({}), drafts: &drafts };
    let tx = stage.db.begin().await.unwrap();
    let mut writes = Writes::new(&tx);
    let written = write(&mut writes, now, &home, &routing, &[mailing]).unwrap();
    writes.run(&tx).await.unwrap();
    tx.commit().await.unwrap();
    written.ids
}

#[tokio::test]
async fn a_refused_message_waits_for_the_slot_that_its_chunk_was_moved_to() {
    for stage in stages().await {
        let account = Some(stage.scope.account());
        let (first, second) = (carrier(&stage, "first").await, carrier(&stage, "second").await);
        made(&stage, NewRoute { account, priority: 1, ..to(first) }).await;
        made(&stage, NewRoute { account, priority: 2, ..to(second) }).await;
        let (ids, now) = (queued(&stage, 1).await, stage.clock.now());
        let until = now.plus(Duration::from_secs(60));
        let claim =
            async |carrier| window::claim(&stage.db, &stage.system, carrier, "pump", until, 10, None).await.unwrap();
        let claimed = claim(first).await;
        let chunks: Vec<_> = claimed.iter().map(|chunk| chunk.id).collect();
        assert_eq!(chunks.len(), 1);
        let marked = window::mark(&stage.db, &stage.system, "pump", &chunks, &ids).await.unwrap();
        assert_eq!(marked.messages, ids);
        // The campaign's hours were changed while the carrier thought about it.
        let later = now.plus(Duration::from_secs(3600));
        let tx = stage.db.begin().await.unwrap();
        tx.run("UPDATE chunks SET send_at = $1", crate::vals![later]).await.unwrap();
        tx.commit().await.unwrap();
        let answer = Answer::Refused { error: "ESME_RINVDSTADR".into(), part: None };
        let refused = Submitted { message: ids[0], answer, parts: Vec::new(), put_off: Vec::new() };
        let hour = Duration::from_secs(3600);
        let patience = Patience { in_doubt: hour, receipt: hour, settle: hour };
        let recorded = record(&stage.db, &stage.system, first, &patience, &[refused], &[]).await.unwrap();
        assert_eq!(recorded.led_on, 1);
        assert!(claim(second).await.is_empty(), "not before its hour");
        stage.clock.advance(hour);
        let chunks: Vec<_> = claim(second).await.iter().map(|chunk| chunk.id).collect();
        assert_eq!(chunks.len(), 1);
        // A carrier that has taken another part of it is not left, and the refused part is told.
        window::mark(&stage.db, &stage.system, "pump", &chunks, &ids).await.unwrap();
        let answer = Answer::Refused { error: "ESME_RINVDSTADR".into(), part: Some(1) };
        let refused = Submitted { message: ids[0], answer, parts: Vec::new(), put_off: Vec::new() };
        let recorded = record(&stage.db, &stage.system, second, &patience, &[refused], &[]).await.unwrap();
        assert_eq!((recorded.led_on, recorded.moved), (0, 1));
        let sql = "SELECT status || ' ' || reason || ' ' || error FROM messages";
        let ended = stage.db.read().scalar::<String>(sql, crate::vals![]).await.unwrap();
        assert_eq!(ended.as_deref(), Some("failed part_1_of_1_refused ESME_RINVDSTADR"));
    }
}

/// What a carrier's connection tells: that it answers with faults, or is well.
async fn say(stage: &Stage, carrier: CarrierId, ill: bool) {
    let bind = Bind {
        kind: carriers::health::BindKind::Transceiver,
        interface_version: None,
        n: 0,
        state: BindState::Connected,
        owner: Some("w".into()),
        since: Some(stage.clock.now()),
        retry_at: None,
        window_size: 1,
        window_used: 0,
        throttled_until: None,
        tripped_until: ill.then(|| stage.clock.now().plus(Duration::from_secs(30))),
        last_error: None,
        last_error_at: None,
        reported_at: None,
    };
    write_tx!(stage, tx => carriers::health::report(&tx, &stage.system, &[(carrier, bind)])).unwrap();
}

async fn waiting(stage: &Stage, carrier: CarrierId) -> i64 {
    let sql = "SELECT COUNT(*) FROM messages m JOIN chunks k ON k.id = m.chunk_id AND k.carrier_id = m.carrier_id AND k.status = 'ready' \
               WHERE m.carrier_id = $1 AND m.status = 'queued'";
    stage.db.read().scalar(sql, crate::vals![carrier]).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_waits_for_a_carrier_with_faults_takes_another_route_but_what_may_have_left_stays() {
    for stage in stages().await {
        let account = Some(stage.scope.account());
        let (first, second) = (carrier(&stage, "first").await, carrier(&stage, "second").await);
        made(&stage, NewRoute { account, priority: 1, ..to(first) }).await;
        let ids = queued(&stage, 5).await;
        let mut passes = Passes::default();
        assert_eq!(passes.step(&stage.db, &stage.system).await.unwrap(), 0, "it is well");
        say(&stage, first, true).await;
        assert_eq!(passes.step(&stage.db, &stage.system).await.unwrap(), 0, "there is no other way");
        let route = made(&stage, NewRoute { account, priority: 2, ..to(second) }).await;
        let tx = stage.db.begin().await.unwrap();
        let (sql, now) = (
            "INSERT INTO message_resends (message_id, carrier_id, reason, resent_at) VALUES ($1, $2, 'no_answer', $3)",
            stage.clock.now(),
        );
        tx.run(sql, crate::vals![ids[0], first, now]).await.unwrap();
        let sql = "INSERT INTO message_attempts (message_id, attempt, carrier_id, error, ended_at) VALUES ($1, 1, $2, 'no', $3)";
        tx.run(sql, crate::vals![ids[1], second, now]).await.unwrap();
        tx.run("UPDATE messages SET status = 'submitting' WHERE id = $1", crate::vals![ids[2]]).await.unwrap();
        tx.run("UPDATE chunks SET status = 'paused'", crate::vals![]).await.unwrap();
        tx.commit().await.unwrap();
        let mut step = async || {
            stage.clock.advance(Duration::from_secs(10));
            let mut moved = 0;
            for _ in 0..3 {
                moved += passes.step(&stage.db, &stage.system).await.unwrap();
            }
            moved
        };
        assert_eq!(step().await + step().await, 0, "its owner has paused it");
        say(&stage, first, true).await;
        let tx = stage.db.begin().await.unwrap();
        tx.run("UPDATE chunks SET status = 'ready'", crate::vals![]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(step().await, 2);
        assert_eq!((waiting(&stage, first).await, waiting(&stage, second).await), (2, 2));
        let sizes = "SELECT messages FROM chunks ORDER BY id";
        assert_eq!(stage.db.read().column::<i64>(sizes, crate::vals![]).await.unwrap(), [3, 2]);
        let moved = "SELECT COUNT(*) FROM messages m JOIN message_notes n ON n.message_id = m.id AND n.kind = 'moved' WHERE m.route_id = $1";
        assert_eq!(stage.db.read().scalar::<i64>(moved, crate::vals![route.id]).await.unwrap(), Some(2));
        assert_eq!(step().await, 0);
        // When the second is ill too, what waits for it stays: the first is not well yet.
        say(&stage, second, true).await;
        say(&stage, first, true).await;
        assert_eq!(step().await, 0);
        say(&stage, first, false).await;
        assert_eq!(step().await, 2);
        let left = "SELECT status FROM chunks WHERE messages = 0";
        assert_eq!(stage.db.read().column::<String>(left, crate::vals![]).await.unwrap(), ["done"]);
    }
}
