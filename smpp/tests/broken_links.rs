//! What happens when the other end is silent, gone, hostile or speaks nonsense.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod peer;

use common::*;
use peer::Peer;
use smpp::client::{BadInput, BindConfig, Event, SubmitOutcome, connect};
use smpp::simulator::log::Line;
use smpp::status::{ESME_RINVBNDSTS, ESME_RINVCMDID, ESME_RINVCMDLEN, ESME_RX_T_APPN};

const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM: u32 = 0x05;
const ENQUIRE_LINK: u32 = 0x15;
const GENERIC_NACK: u32 = 0x8000_0000;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;
const DELIVER_SM_RESP: u32 = 0x8000_0005;

#[tokio::test]
async fn a_half_open_carrier_is_noticed_by_enquire_link() {
    let (listener, config) = Peer::listen().await;
    let config = BindConfig {
        enquire_link_interval: ms(100),
        enquire_link_timeout: ms(100),
        response_timeout: ms(5_000),
        ..config
    };
    let carrier = tokio::spawn(async move {
        let mut peer = Peer::accept_bind(&listener).await;
        peer.expect(SUBMIT_SM).await;
        // One enquire_link is answered, then nothing more, though the socket stays open.
        let (_, _, sequence) = peer.expect(ENQUIRE_LINK).await;
        peer.send(ENQUIRE_LINK | GENERIC_NACK, 0, sequence, b"").await;
        tokio::time::sleep(ms(2_000)).await;
        drop(peer);
    });
    let (client, mut events) = connect(&config).await.unwrap();
    client.submit(5, message("1", "x")).unwrap();
    let Event::Closed { reason, in_flight, not_written } = next(&mut events).await else { panic!("not closed") };
    assert!(reason.contains("enquire_link"), "{reason}");
    assert_eq!((in_flight, not_written), (vec![5], vec![]));
    assert!(!client.is_open());
    carrier.abort();
}

#[tokio::test]
async fn answers_after_the_time_out_are_late() {
    let (listener, config) = Peer::listen().await;
    let config = BindConfig { response_timeout: ms(100), ..config };
    tokio::spawn(async move {
        let mut peer = Peer::accept_bind(&listener).await;
        let (_, _, first) = peer.expect(SUBMIT_SM).await;
        let (_, _, second) = peer.expect(SUBMIT_SM).await;
        tokio::time::sleep(ms(200)).await;
        peer.send(SUBMIT_SM_RESP, 0, second, b"two\0").await;
        peer.send(SUBMIT_SM_RESP, 0x45, first, b"").await;
        // Answers to nothing, and one twice, are told as such.
        peer.send(SUBMIT_SM_RESP, 0, 999, b"none\0").await;
        peer.send(SUBMIT_SM_RESP, 0, second, b"two\0").await;
        tokio::time::sleep(ms(500)).await;
    });
    let (client, mut events) = connect(&config).await.unwrap();
    client.submit(1, message("1", "x")).unwrap();
    client.submit(2, message("1", "x")).unwrap();
    assert_eq!(next(&mut events).await, Event::TimedOut { token: 1 });
    assert_eq!(next(&mut events).await, Event::TimedOut { token: 2 });
    assert_eq!(client.free(), client.window());
    let accepted = SubmitOutcome::Accepted { message_id: "two".to_owned() };
    assert_eq!(next(&mut events).await, Event::Late { token: 2, outcome: accepted });
    assert_eq!(
        next(&mut events).await,
        Event::Late { token: 1, outcome: SubmitOutcome::Refused { status: 0x45, detail: None } }
    );
    for _ in 0..2 {
        let nothing = next(&mut events).await;
        assert!(matches!(nothing, Event::BadInput(BadInput::Answer { id: SUBMIT_SM_RESP, .. })), "{nothing:?}");
    }
    assert!(matches!(next(&mut events).await, Event::Closed { in_flight, .. } if in_flight.is_empty()));
    assert_eq!(client.free(), client.window());
}

#[tokio::test]
async fn a_lost_connection_tells_every_token_once() {
    let (listener, config) = Peer::listen().await;
    tokio::spawn(async move {
        let mut peer = Peer::accept_bind(&listener).await;
        let (_, _, first) = peer.expect(SUBMIT_SM).await;
        peer.send(SUBMIT_SM_RESP, 0, first, b"one\0").await;
        tokio::time::sleep(ms(50)).await;
    });
    let (client, mut events) = connect(&config).await.unwrap();
    for token in 1..=10 {
        client.submit(token, message("1", "x")).unwrap();
    }
    assert!(matches!(next(&mut events).await, Event::Submitted { token: 1, .. }));
    let Event::Closed { mut in_flight, not_written, .. } = next(&mut events).await else { panic!("not closed") };
    in_flight.extend(not_written);
    in_flight.sort_unstable();
    assert_eq!(in_flight, (2..=10).collect::<Vec<u64>>());
    assert_eq!(events.recv().await, None);
    assert!(client.submit(11, message("1", "x")).is_err());
}

/// A peer that stops reading: what never left is told apart from what may have arrived, and the peer's bytes prove it.
#[tokio::test]
async fn what_was_never_written_is_told_apart() {
    let (near, far) = tokio::io::duplex(4_096);
    let (reader, writer) = tokio::io::split(near);
    let mut peer = Peer::over(far);
    let config = BindConfig {
        enquire_link_interval: ms(200),
        enquire_link_timeout: ms(100),
        ..bind_to(([127, 0, 0, 1], 1).into())
    };
    let (bound, ()) = tokio::join!(smpp::client::connect_over(reader, writer, &config), peer.answer_bind());
    let (client, mut events) = bound.unwrap();
    for token in 0..200 {
        client.submit(token, message("447700900001", &"x".repeat(100))).unwrap();
    }
    let Event::Closed { in_flight, not_written, .. } = next(&mut events).await else { panic!("not closed") };
    assert_eq!(in_flight.len() + not_written.len(), 200);
    let submits = peer.count_begun(SUBMIT_SM).await;
    assert_eq!(in_flight.len(), submits, "in flight is exactly what begins on the wire");
    assert!(submits > 10 && !not_written.is_empty());
    assert!(in_flight.iter().chain(&not_written).copied().eq(0..200));
}

#[tokio::test]
async fn requests_and_nonsense_from_the_carrier_are_answered_as_specified() {
    let (listener, config) = Peer::listen().await;
    let config = BindConfig { deliver_limit: 1, ..config };
    let carrier = tokio::spawn(async move {
        let mut peer = Peer::accept_bind(&listener).await;
        let body = b"\0\0\x001\0\0\x002\0\0\0\0\0\0\0\0\0\0\x02hi";
        peer.send(0x77, 0, 41, b"what").await;
        assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDID, 41));
        peer.send(DELIVER_SM, 0, 42, b"\0").await;
        assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDLEN, 42));
        // An unknown answer is never answered; the enquire_link behind it is.
        peer.send(0x8000_0077, 0, 43, b"").await;
        peer.send(ENQUIRE_LINK, 0, 44, b"").await;
        assert_eq!(peer.receive().await, (ENQUIRE_LINK | GENERIC_NACK, 0, 44));
        // The owner holds one delivery; the next is put off, not lost.
        peer.send(DELIVER_SM, 0, 45, body).await;
        peer.send(DELIVER_SM, 0, 46, body).await;
        assert_eq!(peer.receive().await, (DELIVER_SM_RESP, ESME_RX_T_APPN, 46));
        assert_eq!(peer.receive().await, (DELIVER_SM_RESP, 0, 45));
        let (_, _, sequence) = peer.expect(SUBMIT_SM).await;
        peer.send(GENERIC_NACK, 0x58, sequence, b"").await;
        // Answered already, and never asked; a nack of nobody's; an answer to no enquire_link is none of these.
        peer.send(SUBMIT_SM_RESP, 0, sequence, b"1\0").await;
        peer.send(GENERIC_NACK, 3, 0, b"").await;
        peer.send(ENQUIRE_LINK | GENERIC_NACK, 0, 99, b"").await;
        peer.send(SUBMIT_SM, 0, 48, b"").await;
        assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDID, 48));
        peer.send(0x06, 0, 47, b"").await;
        assert_eq!(peer.receive().await, (0x8000_0006, 0, 47));
    });
    let (client, mut events) = connect(&config).await.unwrap();
    // Each is told, and the session goes on.
    for bad in [
        BadInput::Request { id: 0x77 },
        BadInput::Body { id: DELIVER_SM, octets: 1 },
        BadInput::Answer { id: 0x8000_0077, status: 0, sequence: 43 },
    ] {
        assert_eq!(next(&mut events).await, Event::BadInput(bad));
    }
    let deliver = next_deliver(&mut events).await;
    assert_eq!((deliver.message.as_slice(), deliver.is_receipt), (&b"hi"[..], false));
    tokio::time::sleep(ms(100)).await;
    client.ack(deliver.sequence, 0);
    // Answering twice, or what was never asked, does nothing.
    client.ack(deliver.sequence, 0);
    client.ack(12_345, 0);
    client.submit(1, message("1", "x")).unwrap();
    let nacked = Event::Submitted { token: 1, outcome: SubmitOutcome::Refused { status: 0x58, detail: None } };
    assert_eq!(next(&mut events).await, nacked);
    let again = next(&mut events).await;
    assert!(matches!(again, Event::BadInput(BadInput::Answer { id: SUBMIT_SM_RESP, status: 0, .. })), "{again:?}");
    let nobodys = BadInput::Answer { id: GENERIC_NACK, status: 3, sequence: 0 };
    assert_eq!(next(&mut events).await, Event::BadInput(nobodys));
    assert_eq!(next(&mut events).await, Event::BadInput(BadInput::Request { id: SUBMIT_SM }));
    assert!(matches!(next(&mut events).await, Event::Closed { reason, .. } if reason == "the carrier unbound"));
    carrier.await.unwrap();
}

#[tokio::test]
async fn the_server_answers_nonsense_as_specified() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let mut peer = Peer::connect(simulator.local_addr).await;
    peer.send(SUBMIT_SM, 0, 1, b"").await;
    assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVBNDSTS, 1));
    peer.send(0x09, 0, 2, b"me\0pw\0\0\x34\0\0\0").await;
    assert_eq!(peer.receive().await, (0x8000_0009, 0, 2));
    peer.send(0x09, 0, 3, b"me\0pw\0\0\x34\0\0\0").await;
    assert_eq!(peer.receive().await, (0x8000_0009, 0x05, 3));
    peer.send(SUBMIT_SM, 0, 4, b"\xff\xff").await;
    assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDLEN, 4));
    peer.send(0x77, 0, 5, b"").await;
    assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDID, 5));
    // query_sm: known, not served.
    peer.send(0x03, 0, 6, b"id\0\0\0\0").await;
    assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDID, 6));
    peer.send(ENQUIRE_LINK, 0, 7, b"").await;
    assert_eq!(peer.receive().await, (ENQUIRE_LINK | GENERIC_NACK, 0, 7));
    // A length that cannot be: nack and the end.
    peer.send_raw(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]).await;
    assert_eq!(peer.receive().await, (GENERIC_NACK, ESME_RINVCMDLEN, 0));
    assert!(peer.at_end().await);
}

#[tokio::test]
async fn garbage_never_panics_the_server() {
    let log = TempLog::new();
    let simulator = simulator(&log).await;
    let mut random = peer::Random(0x1234_5678_9ABC_DEF1);
    for round in 0..300 {
        let mut peer = Peer::connect(simulator.local_addr).await;
        if round % 3 > 0 {
            peer.send(0x09, 0, 1, b"me\0pw\0\0\x34\0\0\0").await;
        }
        if round % 3 == 1 {
            peer.send_raw(&random.octets(300)).await;
        } else {
            for _ in 0..20 {
                let (id, status, body) = (random.command(), random.word(3), random.octets(120));
                peer.send(id, status, random.word(9), &body).await;
            }
        }
        peer.read_what_comes().await;
    }
    // It still serves.
    let (client, mut events) = bound(&simulator).await;
    client.submit(1, message("+447700900001", "still here")).unwrap();
    assert!(matches!(next(&mut events).await, Event::Submitted { token: 1, .. }));
    client.unbind().await;
    simulator.shutdown().await;
    // A connection that panicked would not have told its end.
    let lines = log.read().lines;
    let binds = lines.iter().filter(|line| matches!(line, Line::Bind { .. })).count();
    let unbinds = lines.iter().filter(|line| matches!(line, Line::Unbind { .. })).count();
    assert!(binds > 200);
    assert_eq!(binds, unbinds);
}

#[tokio::test]
async fn garbage_never_panics_the_client() {
    let mut random = peer::Random(0xFEED_FACE_CAFE_BEEF);
    for round in 0..300 {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(near);
        let mut peer = Peer::over(far);
        let config = bind_to(([127, 0, 0, 1], 1).into());
        let (bound, ()) = tokio::join!(smpp::client::connect_over(reader, writer, &config), peer.answer_bind());
        let (client, mut events) = bound.unwrap();
        for token in 0..5 {
            client.submit(token, message("1", "x")).unwrap();
        }
        if round % 3 == 1 {
            peer.send_raw(&random.octets(300)).await;
        } else {
            for _ in 0..20 {
                let (id, status, body) = (random.command(), random.word(3), random.octets(120));
                peer.send(id, status, random.word(9), &body).await;
            }
        }
        drop(peer);
        // Every token exactly once, and Closed at the end: a task that panicked would tell neither.
        let mut told = Vec::new();
        loop {
            match next(&mut events).await {
                Event::Submitted { token, .. } => told.push(token),
                Event::Closed { in_flight, not_written, .. } => {
                    told.extend(in_flight);
                    told.extend(not_written);
                    break;
                }
                _ => {}
            }
        }
        told.sort_unstable();
        assert_eq!(told, [0, 1, 2, 3, 4]);
    }
}
