//! What a carrier sends to a bound client: any octets at all. The session ends; every token comes back once; the word
//! that it is closed is the last.
#![no_main]

use std::{collections::BTreeSet, time::Duration};

use libfuzzer_sys::fuzz_target;
use smpp::client::{self, Address, BindConfig, Event, Submit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TOKENS: std::ops::Range<u64> = 1..4;
/// bind_transceiver_resp, ESME_ROK, sequence 1.
const BOUND: [u8; 17] = [0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0];

async fn play(octets: &[u8]) {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let (reader, writer) = tokio::io::split(near);
    let config = BindConfig { system_id: "fuzz".into(), deliver_limit: 8, ..BindConfig::default() };
    far.write_all(&BOUND).await.unwrap();
    let (client, mut events) = client::connect_over(reader, writer, &config).await.unwrap();
    for token in TOKENS {
        client
            .submit(
                token,
                Submit { dest: Address { addr: "447400123456".into(), ton: 1, npi: 1 }, ..Submit::default() },
            )
            .unwrap();
    }
    // What the client writes first is its bind; the submits follow before the carrier says anything.
    let mut heard = vec![0; 64];
    let _ = far.read(&mut heard).await;
    tokio::task::yield_now().await;
    let _ = far.write_all(octets).await;
    let _ = far.shutdown().await;
    let (mut open, mut closed) = (TOKENS.collect::<BTreeSet<u64>>(), false);
    while let Some(event) = events.recv().await {
        assert!(!closed, "{event:?} after the end");
        match event {
            Event::Submitted { token, .. } | Event::TimedOut { token } => assert!(open.remove(&token)),
            Event::Late { .. } | Event::Congestion { .. } | Event::BadInput(_) => {}
            Event::Deliver(deliver) => client.ack(deliver.sequence, 0),
            Event::Closed { in_flight, not_written, .. } => {
                closed = true;
                for token in in_flight.into_iter().chain(not_written) {
                    assert!(open.remove(&token));
                }
            }
        }
    }
    assert!(closed && open.is_empty(), "{open:?} were forgotten");
}

fuzz_target!(|octets: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(8), play(octets)).await.expect("it hangs") });
});
