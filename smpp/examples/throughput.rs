//! Prints submits per second through the client and the simulator on loopback, and how fast the receipts came.
//!
//! `cargo run --release -p smpp --example throughput [messages] [window]`; the log is written, receipts are asked for.

use smpp::client::{Address, BindConfig, Body, Event, Submit, SubmitOutcome, connect};
use smpp::simulator::log::Log;
use smpp::simulator::{Simulator, SimulatorConfig};
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn message(number: u64) -> Submit {
    Submit {
        source: Address { addr: "Carillon".to_owned(), ton: 5, npi: 0 },
        dest: Address { addr: format!("4477{number:08}"), ton: 1, npi: 1 },
        registered_delivery: 1,
        body: Body::ShortMessage(b"Your appointment is tomorrow at 10:30. Reply STOP to opt out.".to_vec()),
        ..Submit::default()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let total: u64 = arguments.next().map_or(Ok(300_000), |text| text.parse())?;
    let window: usize = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let log = std::env::temp_dir().join(format!("smpp-throughput-{}.jsonl", std::process::id()));
    let simulator = Simulator::start(SimulatorConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        log: Some(log.clone()),
        receipt_delay: Duration::from_millis(100),
        ..SimulatorConfig::default()
    })
    .await?;
    let config = BindConfig {
        addr: simulator.local_addr.to_string(),
        system_id: "bench".to_owned(),
        window,
        ..BindConfig::default()
    };
    let (client, mut events) = connect(&config).await?;
    let (mut sent, mut accepted, mut receipts) = (0u64, 0u64, 0u64);
    let started = Instant::now();
    let mut submitted_after = Duration::ZERO;
    let mut batch = Vec::new();
    while receipts < total {
        while sent < total && client.free() > 0 {
            client.submit(sent, message(sent))?;
            sent += 1;
        }
        events.recv_many(&mut batch, 1_024).await;
        for event in batch.drain(..) {
            match event {
                Event::Submitted { outcome: SubmitOutcome::Accepted { .. }, .. } => {
                    accepted += 1;
                    if accepted == total {
                        submitted_after = started.elapsed();
                    }
                }
                Event::Deliver(deliver) => {
                    receipts += 1;
                    client.ack(deliver.sequence, 0);
                }
                other => return Err(format!("unexpected: {other:?}").into()),
            }
        }
    }
    let all_after = started.elapsed();
    client.unbind().await;
    let logged = Log::read(&log)?.submits().count();
    std::fs::remove_file(&log)?;
    let rate = |after: Duration| u128::from(total) * 1_000_000 / after.as_micros().max(1);
    println!("{total} messages, window {window}, {logged} in the log");
    println!("submits:                {} a second ({submitted_after:?})", rate(submitted_after));
    println!("with all their receipts: {} a second ({all_after:?})", rate(all_after));
    Ok(())
}
