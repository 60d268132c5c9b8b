//! The client against the simulator: the ordinary life of a session.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::*;
use smpp::client::{
    Address, BindConfig, BindError, BindMode, Body, Event, SMPP_3_4, SMPP_5_0, Sar, Submit, SubmitOutcome, connect,
};
use smpp::receipt::{MessageState, ReceiptText};
use smpp::simulator::log::{Line, Outcome};
use smpp::simulator::{Simulator, SimulatorConfig};
use smpp::status::{ESME_RINVBNDSTS, ESME_RINVDSTADR, ESME_RINVPASWD, ESME_RINVSYSID, ESME_RX_R_APPN, ESME_RX_T_APPN};
use std::collections::BTreeSet;

#[tokio::test]
async fn bind_submit_receipt_unbind() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    let mut submit = message("+447700900001", "Hello");
    submit.user_message_reference = Some(513);
    client.submit(7, submit).unwrap();
    let Event::Submitted { token: 7, outcome: SubmitOutcome::Accepted { message_id } } = next(&mut events).await else {
        panic!("not accepted")
    };
    let deliver = next_deliver(&mut events).await;
    assert!(deliver.is_receipt);
    assert_eq!((deliver.source.as_str(), deliver.dest.as_str()), ("+447700900001", "Carillon"));
    assert_eq!(deliver.receipted_message_id.as_ref(), Some(&message_id));
    assert_eq!(deliver.message_state, Some(MessageState::Delivered.tlv()));
    assert_eq!(deliver.network_error_code.unwrap().code, 0);
    assert_eq!(deliver.user_message_reference, Some(513));
    let text = ReceiptText::parse(&deliver.message);
    assert_eq!((text.id, text.state), (Some(message_id.clone()), Some(MessageState::Delivered)));
    assert_eq!(text.text.as_deref(), Some("Hello"));
    client.ack(deliver.sequence, 0);
    client.clone().unbind().await;
    assert!(!client.is_open());
    assert!(client.submit(8, message("1", "x")).is_err());
    let Event::Closed { reason, in_flight, not_written } = next(&mut events).await else { panic!("not closed") };
    assert_eq!((reason.as_str(), in_flight.len(), not_written.len()), ("unbound", 0, 0));
    assert_eq!(events.recv().await, None);
    simulator.shutdown().await;

    let lines = log.read().lines;
    let ops: Vec<&str> = lines
        .iter()
        .map(|line| match line {
            Line::Submit(_) => "submit",
            Line::Bind { .. } => "bind",
            Line::Unbind { .. } => "unbind",
            Line::Receipt { .. } => "receipt",
            Line::ReceiptAck { status: Some(0), .. } => "receipt_ack",
            Line::ReceiptAck { .. } => "receipt_ack refused",
            Line::Reply { .. } => "reply",
            Line::ReplyAck { .. } => "reply_ack",
        })
        .collect();
    assert_eq!(ops, ["bind", "submit", "receipt", "receipt_ack", "unbind"]);
    let Line::Submit(line) = &lines[1] else { panic!() };
    assert_eq!(
        (line.message_id.as_ref(), line.text_hex.as_str(), line.umr),
        (Some(&message_id), "48656c6c6f", Some(513))
    );
    assert_eq!((line.outcome, line.status, line.udh.as_ref(), line.sar), (Outcome::Accepted, Some(0), None, None));
}

#[tokio::test]
async fn what_the_bind_refuses() {
    let config = SimulatorConfig { system_id: Some("me".into()), password: Some("right".into()), ..quick(None) };
    let simulator = Simulator::start(config).await.unwrap();
    let as_whom = |system_id: &str, password: &str| BindConfig {
        system_id: system_id.to_owned(),
        password: password.to_owned(),
        ..bind_to(simulator.local_addr)
    };
    assert!(matches!(connect(&as_whom("you", "right")).await, Err(BindError::Refused(ESME_RINVSYSID))));
    assert!(matches!(connect(&as_whom("me", "wrong")).await, Err(BindError::Refused(ESME_RINVPASWD))));
    assert!(matches!(connect(&as_whom("me", "much too long")).await, Err(BindError::Protocol(_))));
    let (client, _events) = connect(&as_whom("me", "right")).await.unwrap();
    client.unbind().await;
    let addr = simulator.local_addr;
    simulator.shutdown().await;
    assert!(matches!(connect(&bind_to(addr)).await, Err(BindError::Connect(_))));
}

#[tokio::test]
async fn a_listener_that_never_answers_the_bind_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = BindConfig { bind_timeout: ms(100), ..bind_to(listener.local_addr().unwrap()) };
    assert!(matches!(connect(&config).await, Err(BindError::Timeout)));
}

#[tokio::test]
async fn the_window_counts_what_is_unanswered() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) =
        connect(&BindConfig { window: 3, response_timeout: ms(200), ..bind_to(simulator.local_addr) }).await.unwrap();
    assert_eq!((client.window(), client.free()), (3, 3));
    client.submit(1, message("+12015550109", "silent")).unwrap();
    client.submit(2, message("+447700900001", "answered")).unwrap();
    assert_eq!(client.free(), 1);
    assert!(matches!(next(&mut events).await, Event::Submitted { token: 2, .. }));
    assert_eq!(client.free(), 2);
    // A message that cannot be encoded takes its place and gives it back.
    client.submit(3, message(&"9".repeat(30), "long")).unwrap();
    let refused = loop {
        match next(&mut events).await {
            Event::Deliver(deliver) => client.ack(deliver.sequence, 0),
            other => break other,
        }
    };
    assert_eq!(
        refused,
        Event::Submitted { token: 3, outcome: SubmitOutcome::Refused { status: ESME_RINVDSTADR, detail: None } }
    );
    let rest = all(&client, &mut events, ms(500)).await;
    assert!(rest.contains(&Event::TimedOut { token: 1 }));
    assert_eq!(client.free(), 3);
    assert_eq!(log.read().submits().count(), 2);
}

#[tokio::test]
async fn sequence_numbers_wrap_under_load() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let config = BindConfig { first_sequence: 0x7FFF_FFFF - 50, window: 1_000, ..bind_to(simulator.local_addr) };
    let (client, mut events) = connect(&config).await.unwrap();
    for token in 0..500 {
        client.submit(token, message("+447700900001", "wrap")).unwrap();
    }
    let seen = all(&client, &mut events, ms(300)).await;
    let tokens: BTreeSet<u64> =
        seen.iter().filter_map(|e| if let Event::Submitted { token, .. } = e { Some(*token) } else { None }).collect();
    let ids: BTreeSet<&String> = seen
        .iter()
        .filter_map(|e| match e {
            Event::Submitted { outcome: SubmitOutcome::Accepted { message_id }, .. } => Some(message_id),
            _ => None,
        })
        .collect();
    assert_eq!((tokens.len(), ids.len()), (500, 500));
    assert_eq!(seen.iter().filter(|e| matches!(e, Event::Deliver(_))).count(), 500);
}

#[tokio::test]
async fn long_messages_payloads_and_headers_arrive_as_sent() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    let mut with_udh = message("+447700900001", "");
    with_udh.esm_class = 0x40;
    with_udh.body = Body::ShortMessage([&[5, 0, 3, 9, 2, 1][..], b"part"].concat());
    let mut with_sar = message("+447700900001", "part");
    with_sar.sar = Some(Sar { reference: 700, total: 3, sequence: 2 });
    let mut with_payload = message("+447700900001", "");
    with_payload.body = Body::Payload(vec![b'x'; 65_000]);
    with_payload.validity_period = Some("000001000000000R".to_owned());
    for (token, submit) in (1..).zip([with_udh, with_sar, with_payload]) {
        client.submit(token, submit).unwrap();
    }
    all(&client, &mut events, ms(300)).await;
    let log = log.read();
    let lines: Vec<_> = log.submits().collect();
    assert_eq!((lines[0].udh.as_deref(), lines[0].text_hex.as_str()), (Some("050003090201"), "70617274"));
    assert_eq!(lines[1].sar.map(|sar| (sar.reference, sar.total, sar.sequence)), Some((700, 3, 2)));
    assert_eq!((lines[2].text_hex.len(), lines[2].validity_period.as_str()), (130_000, "000001000000000R"));
}

#[tokio::test]
async fn a_transmitter_gets_no_receipts_and_a_receiver_may_not_submit() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (sender, mut sender_events) = bound_as(&simulator, BindMode::Transmitter).await;
    let (receiver, mut receiver_events) = bound_as(&simulator, BindMode::Receiver).await;
    sender.submit(1, message("+447700900001", "Hello")).unwrap();
    assert!(matches!(next(&mut sender_events).await, Event::Submitted { token: 1, .. }));
    let deliver = next_deliver(&mut receiver_events).await;
    receiver.ack(deliver.sequence, 0);
    receiver.submit(2, message("+447700900001", "Hello")).unwrap();
    let refused =
        Event::Submitted { token: 2, outcome: SubmitOutcome::Refused { status: ESME_RINVBNDSTS, detail: None } };
    assert_eq!(next(&mut receiver_events).await, refused);
    assert!(all(&sender, &mut sender_events, ms(100)).await.is_empty());
    assert_eq!(log.read().submits().count(), 1);
}

#[tokio::test]
async fn receipts_are_kept_while_nobody_is_bound() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (sender, mut events) = bound_as(&simulator, BindMode::Transmitter).await;
    for token in 0..5 {
        sender.submit(token, message("+447700900001", "Hello")).unwrap();
    }
    all(&sender, &mut events, ms(200)).await;
    assert_eq!((simulator.receipts_kept(), count_receipts(&log.read())), (5, 0));
    let (receiver, mut events) = bound_as(&simulator, BindMode::Receiver).await;
    assert_eq!(all(&receiver, &mut events, ms(200)).await.len(), 5);
    assert_eq!(simulator.receipts_kept(), 0);
}

#[tokio::test]
async fn receipts_refused_or_unanswered_come_again() {
    let log = TempLog::new();
    let config = SimulatorConfig { receipt_retry: ms(300), ..quick(Some(&log.0)) };
    let simulator = Simulator::start(config).await.unwrap();
    let (client, mut events) = bound(&simulator).await;
    client.submit(1, message("+447700900001", "Hello")).unwrap();
    next(&mut events).await;
    let first = next_deliver(&mut events).await;
    client.ack(first.sequence, ESME_RX_T_APPN);
    // Not answered at all this time.
    let second = next_deliver(&mut events).await;
    let third = next_deliver(&mut events).await;
    // The connection goes before the answer.
    simulator.reset_connections();
    let Event::Closed { .. } = next(&mut events).await else { panic!("not closed") };
    let (client, mut events) = bound(&simulator).await;
    let fourth = next_deliver(&mut events).await;
    client.ack(fourth.sequence, 0);
    assert!(all(&client, &mut events, ms(500)).await.is_empty());
    for again in [second, third, fourth] {
        assert_eq!(again.receipted_message_id, first.receipted_message_id);
    }
    assert_eq!(simulator.receipts_kept(), 0);
}

#[tokio::test]
async fn unbind_waits_for_answers_in_flight() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    client.submit(1, message("+12015550108", "slow")).unwrap();
    client.unbind().await;
    assert!(matches!(next(&mut events).await, Event::Submitted { token: 1, outcome: SubmitOutcome::Accepted { .. } }));
}

#[tokio::test]
async fn dropping_the_client_unbinds() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    drop(client);
    assert!(matches!(next(&mut events).await, Event::Closed { reason, .. } if reason == "unbound"));
    let (client, events) = bound(&simulator).await;
    drop(events);
    tokio::time::timeout(PATIENCE, client.unbind()).await.unwrap();
}

#[tokio::test]
async fn the_receipt_window_is_bounded() {
    let log = TempLog::new();
    let config = SimulatorConfig { receipt_window: 10, ..quick(Some(&log.0)) };
    let simulator = Simulator::start(config).await.unwrap();
    let (client, mut events) = bound(&simulator).await;
    for token in 0..100 {
        client.submit(token, message("+447700900001", "Hello")).unwrap();
    }
    let mut unanswered = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(ms(200), events.recv()).await {
        if let Event::Deliver(deliver) = event {
            unanswered.push(deliver.sequence);
        }
    }
    assert_eq!(unanswered.len(), 10);
    for sequence in unanswered {
        client.ack(sequence, 0);
    }
    assert_eq!(all(&client, &mut events, ms(200)).await.len(), 90);
}

#[tokio::test]
async fn message_ids_are_unique_across_restarts() {
    let log = TempLog::new();
    for _ in 0..3 {
        let simulator = simulator(&log).await;
        let (client, mut events) = bound(&simulator).await;
        for token in 0..200 {
            client.submit(token, message("+447700900001", "Hello")).unwrap();
        }
        all(&client, &mut events, ms(100)).await;
        simulator.shutdown().await;
    }
    let log = log.read();
    let ids: BTreeSet<_> = log.submits().filter_map(|line| line.message_id.as_ref()).collect();
    assert_eq!(ids.len(), 600);
}

/// An answer that came is in the log already: whoever reads the log later finds at least what was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_written_before_the_answer() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    let (mut sent, mut answered) = (0, 0);
    while answered < 3_000 {
        while sent < 3_000 && client.free() > 0 {
            client.submit(sent, message("+447700900001", "Hello")).unwrap();
            sent += 1;
        }
        let mut batch = Vec::new();
        events.recv_many(&mut batch, 200).await;
        let log = log.read();
        let logged: BTreeSet<&str> = log.submits().filter_map(|line| line.message_id.as_deref()).collect();
        for event in batch {
            match event {
                Event::Submitted { outcome: SubmitOutcome::Accepted { message_id }, .. } => {
                    assert!(logged.contains(message_id.as_str()));
                    answered += 1;
                }
                Event::Deliver(deliver) => client.ack(deliver.sequence, 0),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(log.read().torn, 0);
}

/// Both ends with far more to write than their buffers hold: neither may wait for the other to read.
#[tokio::test]
async fn a_flood_does_not_lock_up() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let config = BindConfig { window: 50_000, response_timeout: ms(60_000), ..bind_to(simulator.local_addr) };
    let (client, mut events) = connect(&config).await.unwrap();
    for token in 0..50_000 {
        client.submit(token, message("+447700900001", &"x".repeat(250))).unwrap();
    }
    let (mut answered, mut receipts) = (0, 0);
    while answered < 50_000 || receipts < 50_000 {
        match next(&mut events).await {
            Event::Submitted { .. } => answered += 1,
            Event::Deliver(deliver) => {
                receipts += 1;
                client.ack(deliver.sequence, 0);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log.read().submits().count(), 50_000);
}

#[tokio::test]
async fn the_version_is_asked_for_and_told() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    for (asked, told) in [(SMPP_3_4, 0x34), (SMPP_5_0, 0x50)] {
        let config = BindConfig { interface_version: asked, ..bind_to(simulator.local_addr) };
        let (client, _events) = connect(&config).await.unwrap();
        assert_eq!(client.peer_version(), Some(told));
        client.unbind().await;
    }
    let asked: Vec<u8> = log
        .read()
        .lines
        .iter()
        .filter_map(
            |line| if let Line::Bind { interface_version, .. } = line { Some(*interface_version) } else { None },
        )
        .collect();
    assert_eq!(asked, [0x34, 0x50]);
}

#[tokio::test]
async fn what_a_carrier_adds_to_its_answers_is_told() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let config = BindConfig { interface_version: SMPP_5_0, ..bind_to(simulator.local_addr) };
    let (client, mut events) = connect(&config).await.unwrap();
    client.submit(1, message("+12015550130", "refused with words")).unwrap();
    let detail = Some("permanent network error; Blocked by the operator".to_owned());
    let outcome = SubmitOutcome::Refused { status: ESME_RX_R_APPN, detail };
    assert_eq!(next(&mut events).await, Event::Submitted { token: 1, outcome });
    for token in [2, 3] {
        client.submit(token, message("+12015550131", "busy")).unwrap();
    }
    let told: Vec<Event> = all(&client, &mut events, ms(300)).await;
    assert_eq!(told.first(), Some(&Event::Congestion { state: 95 }));
    let times = told.iter().filter(|event| matches!(event, Event::Congestion { .. })).count();
    assert_eq!(times, 1, "only when it changes: {told:?}");
}

#[tokio::test]
async fn what_is_submitted_is_what_comes() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let (client, mut events) = bound(&simulator).await;
    let submit = Submit {
        source: Address { addr: "4444".to_owned(), ton: 6, npi: 9 },
        dest: Address { addr: "447700900001".to_owned(), ton: 2, npi: 8 },
        service_type: "CMT".to_owned(),
        data_coding: 3,
        priority_flag: 3,
        registered_delivery: 0,
        validity_period: Some("261121215604000+".to_owned()),
        body: Body::Payload(vec![b'x'; 300]),
        ..Submit::default()
    };
    client.submit(1, submit).unwrap();
    next(&mut events).await;
    let log = log.read();
    let line = log.submits().next().unwrap();
    assert_eq!((line.source.as_str(), line.source_ton, line.source_npi), ("4444", 6, 9));
    assert_eq!((line.dest.as_str(), line.dest_ton, line.dest_npi), ("447700900001", 2, 8));
    assert_eq!((line.service_type.as_str(), line.priority_flag, line.data_coding), ("CMT", 3, 3));
    assert_eq!((line.validity_period.as_str(), line.registered_delivery), ("261121215604000+", 0));
    assert_eq!((line.payload, line.text_hex.len()), (true, 600));
}
