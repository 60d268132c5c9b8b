//! Every magic number does what its row says, over the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::*;
use smpp::client::{BindConfig, Body, Event, Submit, SubmitOutcome, connect};
use smpp::receipt::{MessageState, ReceiptText};
use smpp::simulator::log::Outcome;
use smpp::simulator::magic;
use smpp::status::{ESME_RINVDSTADR, ESME_RMSGQFUL, ESME_RSUBMITFAIL, ESME_RTHROTTLED};
use std::collections::BTreeSet;

/// A message from a sender that can be answered.
fn from_number(dest: &str, text: &str) -> Submit {
    let mut submit = message(dest, text);
    submit.source.addr = "447700900000".into();
    submit
}

/// What one message led to, in order, in short words.
async fn story(dest: &str) -> Vec<String> {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let config = BindConfig { response_timeout: ms(500), ..bind_to(simulator.local_addr) };
    let (client, mut events) = connect(&config).await.unwrap();
    client.submit(1, from_number(dest, "Hello")).unwrap();
    let mut told = Vec::new();
    let mut seen = all(&client, &mut events, ms(800)).await;
    if seen.iter().any(|event| matches!(event, Event::Closed { .. })) {
        let (again, mut events) = connect(&config).await.unwrap();
        seen.extend(all(&again, &mut events, ms(300)).await);
    }
    let id = log.read().submits().next().unwrap().message_id.clone();
    for event in seen {
        told.push(match event {
            Event::Submitted { outcome: SubmitOutcome::Accepted { message_id }, .. } => {
                assert_eq!(Some(message_id), id);
                "accepted".to_owned()
            }
            Event::Submitted { outcome: SubmitOutcome::Refused { status, .. }, .. } => smpp::status::name(status),
            Event::TimedOut { token: 1 } => "timed out".to_owned(),
            Event::Late { token: 1, outcome: SubmitOutcome::Accepted { .. } } => "late".to_owned(),
            Event::Closed { reason, in_flight, not_written } => {
                assert!(reason.contains("reset"), "{reason}");
                assert_eq!((in_flight, not_written), (vec![1], vec![]));
                "closed".to_owned()
            }
            Event::Deliver(deliver) if !deliver.is_receipt => {
                assert_eq!((deliver.source.as_str(), deliver.dest.as_str()), (dest, "447700900000"));
                match deliver.message.as_slice() {
                    [5, 0, 3, reference, total, part, ..] => format!("{part} of {total} {reference}"),
                    text => String::from_utf8_lossy(text).into_owned(),
                }
            }
            Event::Deliver(deliver) => {
                let text = ReceiptText::parse(&deliver.message);
                let state = text.state.unwrap();
                assert_eq!(deliver.message_state, Some(state.tlv()));
                assert_eq!(deliver.receipted_message_id, text.id);
                assert_eq!(deliver.network_error_code.map(|error| format!("{:03}", error.code)), text.error);
                let whose = if deliver.receipted_message_id == id { "" } else { " unknown id" };
                let error =
                    text.error.filter(|error| error != "000").map_or(String::new(), |error| format!(" {error}"));
                format!("{}{error}{whose}", state.text())
            }
            other => panic!("{other:?}"),
        });
    }
    told
}

#[tokio::test]
async fn every_number_does_what_its_row_says() {
    let rows: [(&str, &[&str]); 31] = [
        ("+12015550100", &["accepted", "DELIVRD"]),
        ("+12015550101", &["accepted", "UNDELIV 001"]),
        ("+12015550102", &["accepted", "EXPIRED 002"]),
        ("+12015550103", &["accepted", "REJECTD 003"]),
        ("+12015550104", &["ESME_RINVDSTADR"]),
        ("+12015550105", &["ESME_RSUBMITFAIL"]),
        ("+12015550106", &["ESME_RTHROTTLED"]),
        ("+12015550107", &["ESME_RMSGQFUL"]),
        ("+12015550108", &["accepted", "DELIVRD"]),
        ("+12015550109", &["timed out"]),
        ("+12015550110", &["DELIVRD", "timed out"]),
        ("+12015550111", &["accepted", "DELIVRD", "DELIVRD"]),
        ("+12015550112", &["DELIVRD", "accepted"]),
        ("+12015550113", &["accepted"]),
        ("+12015550114", &["accepted", "ENROUTE", "DELIVRD"]),
        ("+12015550115", &["accepted", "DELIVRD", "ENROUTE"]),
        ("+12015550116", &["accepted", "DELIVRD unknown id", "DELIVRD"]),
        ("+12015550117", &["closed", "DELIVRD"]),
        ("+12015550119", &["accepted", "DELIVRD"]),
        ("+12015550120", &["accepted", "DELETED 004"]),
        ("+12015550121", &["accepted", "UNKNOWN 005"]),
        ("+12015550122", &["accepted", "ACCEPTD"]),
        ("+12015550124", &["accepted", "DELIVRD", "Hello"]),
        ("+12015550125", &["accepted", "DELIVRD", "STOP"]),
        ("+12015550126", &["accepted", "DELIVRD", "START"]),
        ("+12015550127", &["accepted", "DELIVRD", "3 of 3 42", "2 of 3 42", "1 of 3 42"]),
        ("+12015550128", &["accepted", "DELIVRD", "Yes", "Yes"]),
        ("+12015550129", &["timed out"]),
        ("+12015550130", &["ESME_RX_R_APPN"]),
        ("+12015550131", &["accepted", "DELIVRD"]),
        ("+12015550132", &["ESME_RSUBMITFAIL"]),
    ];
    let more = [("+12015550123", ["timed out", "late", "DELIVRD"])];
    let mut tasks = Vec::new();
    for (number, expected) in rows.iter().copied().chain(more.iter().map(|(number, told)| (*number, &told[..]))) {
        tasks.push((number, expected.to_vec(), tokio::spawn(story(number))));
    }
    let mut tested: BTreeSet<&str> = BTreeSet::from(["+12015550118"]);
    for (number, expected, task) in tasks {
        assert_eq!(task.await.unwrap(), expected, "{number}");
        tested.insert(number);
    }
    let known: BTreeSet<&str> = magic::TABLE.iter().map(|row| row.number).collect();
    assert_eq!(tested, known, "a number has no test");
}

#[tokio::test]
async fn refusals_end_after_the_tries_of_the_same_message() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    let mut outcomes = Vec::new();
    for (token, (number, text)) in (0..).zip([
        ("+12015550106", "one"),
        ("+12015550106", "two"),
        ("+12015550106", "one"),
        ("+12015550106", "one"),
        ("+12015550106", "one"),
        ("+12015550107", "one"),
        ("+12015550107", "one"),
    ]) {
        client.submit(token, message(number, text)).unwrap();
        loop {
            match next(&mut events).await {
                Event::Submitted { outcome: SubmitOutcome::Refused { status, .. }, .. } => break outcomes.push(status),
                Event::Submitted { .. } => break outcomes.push(0),
                Event::Deliver(deliver) => client.ack(deliver.sequence, 0),
                other => panic!("{other:?}"),
            }
        }
    }
    let throttled = ESME_RTHROTTLED;
    assert_eq!(outcomes, [throttled, throttled, throttled, 0, throttled, ESME_RMSGQFUL, 0]);
    assert_eq!((ESME_RINVDSTADR, ESME_RSUBMITFAIL), (0x0B, 0x45));
}

#[tokio::test]
async fn the_second_part_fails_by_udh_and_by_sar() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    for part in 1..=3u8 {
        let mut submit = message("+12015550118", "");
        submit.esm_class = 0x40;
        submit.body = Body::ShortMessage(vec![5, 0, 3, 77, 3, part, b'x']);
        submit.user_message_reference = Some(u16::from(part));
        client.submit(u64::from(part), submit).unwrap();
        let mut submit = message("+12015550118", "x");
        submit.sar = Some(smpp::client::Sar { reference: 9, total: 3, sequence: part });
        submit.user_message_reference = Some(u16::from(part));
        client.submit(u64::from(part) + 10, submit).unwrap();
    }
    let states: BTreeSet<(u16, u8)> = all(&client, &mut events, ms(200))
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Deliver(deliver) => Some((deliver.user_message_reference.unwrap(), deliver.message_state.unwrap())),
            _ => None,
        })
        .collect();
    let (delivered, undeliverable) = (MessageState::Delivered.tlv(), MessageState::Undeliverable.tlv());
    assert_eq!(states, BTreeSet::from([(1, delivered), (2, undeliverable), (3, delivered)]));
}

#[tokio::test]
async fn receipts_come_only_when_asked_for() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    for (token, (number, wanted)) in
        (0..).zip([("+12015550100", 0), ("+12015550100", 2), ("+12015550101", 0), ("+12015550101", 2)])
    {
        let mut submit = message(number, "Hello");
        submit.registered_delivery = wanted;
        client.submit(token, submit).unwrap();
    }
    let seen = all(&client, &mut events, ms(200)).await;
    let states: Vec<_> =
        seen.iter().filter_map(|event| if let Event::Deliver(d) = event { d.message_state } else { None }).collect();
    assert_eq!(states, [MessageState::Undeliverable.tlv()]);
    assert!(log.read().submits().all(|line| line.outcome == Outcome::Accepted));
}

#[tokio::test]
async fn replies_come_to_numbers_only_and_an_echo_part_by_part() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    client.submit(1, message("+12015550124", "to a name")).unwrap();
    let mut long = from_number("+12015550124", "");
    long.body = Body::Payload(vec![b'x'; 300]);
    client.submit(2, long).unwrap();
    let mut part = from_number("+12015550124", "part");
    (part.data_coding, part.sar) = (3, Some(smpp::client::Sar { reference: 9, total: 2, sequence: 2 }));
    client.submit(3, part.clone()).unwrap();
    let seen = all(&client, &mut events, ms(300)).await;
    let replies: Vec<_> = seen
        .iter()
        .filter_map(|e| if let Event::Deliver(d) = e { Some(d) } else { None })
        .filter(|d| !d.is_receipt)
        .collect();
    let told: Vec<_> = replies.iter().map(|d| (d.message.len(), d.data_coding, d.sar)).collect();
    assert_eq!(told, [(300, 0, None), (4, 3, part.sar)]);
}
