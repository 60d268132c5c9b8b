//! A TCP proxy between a worker and a carrier that does what networks do: delay, silence, resets, foreign octets, and
//! connections that break in the middle of a PDU. A fault hits the connections that are open; silence and latency also
//! those that are made while they last.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::broadcast,
    time::Instant,
};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    Worker,
    Carrier,
}

#[derive(Debug, Clone)]
enum Fault {
    Reset,
    /// Octets that the carrier never sent.
    Garbage(Vec<u8>),
    /// So many more octets in this direction, then a reset.
    Cut(Towards, usize),
}

#[derive(Debug, Default)]
struct Weather {
    silent: AtomicBool,
    latency_ms: AtomicU64,
    accepted: AtomicU64,
}

/// A running proxy; it ends with its owner.
pub struct Proxy {
    pub address: SocketAddr,
    weather: Arc<Weather>,
    faults: broadcast::Sender<Fault>,
    _runtime: Runtime,
}

impl Proxy {
    /// Listens, and forwards each connection to `carrier`.
    pub fn to(carrier: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, faults, carrier) = (Arc::new(Weather::default()), broadcast::Sender::new(16), carrier.to_owned());
        let (their_weather, their_faults) = (weather.clone(), faults.clone());
        runtime.spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                their_weather.accepted.fetch_add(1, Ordering::SeqCst);
                let Ok(carrier) = TcpStream::connect(&carrier).await else { continue };
                let _ = (worker.set_nodelay(true), carrier.set_nodelay(true));
                tokio::spawn(forward(worker, carrier, their_weather.clone(), their_faults.subscribe()));
            }
        });
        Self { address, weather, faults, _runtime: runtime }
    }

    /// Delays every octet, both ways.
    pub fn latency(&self, time: Duration) {
        self.weather.latency_ms.store(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// Swallows everything, both ways, and keeps the connections open: half-open, as after a router's restart.
    pub fn silent(&self, silent: bool) {
        self.weather.silent.store(silent, Ordering::SeqCst);
    }

    /// Resets every connection.
    pub fn reset(&self) {
        let _ = self.faults.send(Fault::Reset);
    }

    /// Puts foreign octets into what the worker reads.
    pub fn garbage(&self, octets: &[u8]) {
        let _ = self.faults.send(Fault::Garbage(octets.to_vec()));
    }

    /// Lets so many more octets through in one direction, then resets.
    pub fn cut(&self, towards: Towards, octets: usize) {
        let _ = self.faults.send(Fault::Cut(towards, octets));
    }

    /// How many connections were made to it.
    pub fn accepted(&self) -> u64 {
        self.weather.accepted.load(Ordering::SeqCst)
    }
}

/// What waits to be forwarded in one direction.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<(Instant, Vec<u8>)>,
    /// The sender has closed; the receiver is told once nothing waits.
    closing: bool,
    left: Option<usize>,
}

impl Lane {
    fn take(&mut self, read: std::io::Result<usize>, buffer: &[u8], weather: &Weather) {
        let octets = buffer.get(..read.unwrap_or(0)).unwrap_or_default();
        if weather.silent.load(Ordering::SeqCst) {
            return; // also that the other side is gone
        }
        self.closing |= octets.is_empty();
        let due = Instant::now() + Duration::from_millis(weather.latency_ms.load(Ordering::SeqCst));
        self.waiting.push_back((due, octets.to_vec()));
    }

    fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// Writes what is due; false when the connection is to end.
    async fn give(&mut self, to: &mut TcpStream) -> bool {
        while self.due().is_some_and(|due| due <= Instant::now()) {
            let Some((_, mut octets)) = self.waiting.pop_front() else { break };
            if let Some(left) = &mut self.left {
                octets.truncate(*left);
                *left -= octets.len();
            }
            if to.write_all(&octets).await.is_err() || self.left == Some(0) {
                return false;
            }
        }
        !(self.closing && self.waiting.is_empty())
    }
}

async fn forward(
    mut worker: TcpStream,
    mut carrier: TcpStream,
    weather: Arc<Weather>,
    mut faults: broadcast::Receiver<Fault>,
) {
    let (mut to_carrier, mut to_worker) = (Lane::default(), Lane::default());
    let (mut from_worker, mut from_carrier) = (vec![0; 16_384], vec![0; 16_384]);
    let mut reset = false;
    loop {
        let due = [to_carrier.due(), to_worker.due()].into_iter().flatten().min();
        let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
        tokio::select! {
            read = worker.read(&mut from_worker), if !to_carrier.closing => {
                let gone = matches!(read, Ok(0) | Err(_));
                to_carrier.take(read, &from_worker, &weather);
                if gone && weather.silent.load(Ordering::SeqCst) {
                    return; // the worker has given up a silent connection
                }
            }
            read = carrier.read(&mut from_carrier), if !to_worker.closing => {
                let gone = matches!(read, Ok(0) | Err(_));
                to_worker.take(read, &from_carrier, &weather);
                to_worker.closing |= gone;
            }
            fault = faults.recv() => match fault {
                Ok(Fault::Garbage(octets)) => to_worker.waiting.push_back((Instant::now(), octets)),
                Ok(Fault::Cut(Towards::Worker, octets)) => to_worker.left = Some(octets),
                Ok(Fault::Cut(Towards::Carrier, octets)) => to_carrier.left = Some(octets),
                Ok(Fault::Reset) | Err(_) => reset = true,
            },
            () = tokio::time::sleep_until(due) => {}
        }
        let silent = weather.silent.load(Ordering::SeqCst);
        let open = to_carrier.give(&mut carrier).await && to_worker.give(&mut worker).await;
        reset |= to_carrier.left == Some(0) || to_worker.left == Some(0);
        if reset {
            let _ = (worker.set_zero_linger(), carrier.set_zero_linger());
        }
        if reset || (!open && !silent) {
            return;
        }
    }
}
