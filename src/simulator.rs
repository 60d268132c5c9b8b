//! The simulator, as a process of its own or inside `serve`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use smpp::simulator::{Simulator, SimulatorConfig, SimulatorHandle};

use crate::Failure;

/// The options of `carillon simulator`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Write every submit, receipt and bind to this file, before it is answered.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Milliseconds from a submit to its receipt.
    #[arg(long, default_value_t = 1000)]
    receipt_delay_ms: u64,
    /// The only system_id that may bind; any when left out.
    #[arg(long)]
    system_id: Option<String>,
    /// The only password that may bind; any when left out.
    #[arg(long)]
    password: Option<String>,
}

/// Runs until a signal.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { listen, log, receipt_delay_ms, system_id, password } = arguments;
    let stop = crate::serve::signal();
    let config = SimulatorConfig {
        listen: *listen,
        log: log.clone(),
        receipt_delay: Duration::from_millis(*receipt_delay_ms),
        system_id: system_id.clone(),
        password: password.clone(),
        ..SimulatorConfig::default()
    };
    let handle = Simulator::start(config).await.map_err(|e| format!("the simulator cannot listen on {listen}: {e}"))?;
    println!("SMPP simulator on {}", handle.local_addr);
    stop.await;
    handle.shutdown().await;
    Ok(())
}

/// Starts one inside this process.
pub async fn inside(listen: SocketAddr, receipt_delay: Duration) -> Result<SimulatorHandle, Failure> {
    let config = SimulatorConfig { listen, receipt_delay, ..SimulatorConfig::default() };
    Ok(Simulator::start(config).await.map_err(|e| format!("the simulator cannot listen on {listen}: {e}"))?)
}
