//! The loop itself: load, kill, start again, look; every ten kills no more load, and the judgement.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::Cluster,
    harness::{Client, Proxy, Stage, TOKEN, within},
    judgement,
    load::Load,
    program::{Program, Target, seed},
};

const BINDS: usize = 2;
const WINDOW: usize = 100;
/// So that windows are open when a kill comes.
const LATENCY: Duration = Duration::from_millis(20);
/// The first submit after a restart, and all that waits handed over and told.
const AT_WORK: Duration = Duration::from_secs(10);
const DRAINED: Duration = Duration::from_secs(30);
/// Kills between two judgements.
const LEG: usize = 10;

/// How to run the loop.
#[derive(Debug)]
pub struct Rounds {
    pub kills: usize,
    /// What is hit, in turn.
    pub targets: Vec<Target>,
    pub pause: Range<Duration>,
    pub lease_seconds: u64,
}

/// The worst that was seen.
#[derive(Debug, Default)]
struct Worst {
    at_work: Duration,
    drained: Duration,
    in_doubt: usize,
}

impl Rounds {
    pub fn on_sqlite(&self) {
        self.run("SQLite", Stage::sqlite(), None);
    }

    pub fn on_postgres(&self) {
        match Cluster::start() {
            Some(cluster) => self.run("PostgreSQL", Stage::at(&cluster.url()), Some(cluster)),
            None => println!("left out: PostgreSQL's programs are not on this machine (./test installs them)"),
        }
    }

    fn run(&self, name: &str, mut stage: Stage, cluster: Option<Cluster>) {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        stage
            .set("CARILLON_API__LISTEN", port)
            .set("CARILLON_LOG__FILTER", "warn")
            .set("CARILLON_SIMULATOR__BINDS", BINDS)
            .set("CARILLON_SIMULATOR__WINDOW", WINDOW)
            .set("CARILLON_WORKER__LEASE_SECONDS", self.lease_seconds)
            .set("CARILLON_WORKER__SETTLE_SECONDS", 1)
            .set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.003); // 11 s
        let _simulator = stage.simulator(200);
        let network = Proxy::to(stage.simulator_address());
        network.latency(LATENCY);
        stage.set("CARILLON_SIMULATOR__ADDRESS", network.address);
        seed(&stage);
        let mut program = Program::start(&stage, cluster);
        let client = Client::new(&format!("http://{port}"), TOKEN);
        let numbers = Arc::new(AtomicUsize::new(0));
        let (mut worst, mut killed) = (Worst::default(), 0);
        while killed < self.kills {
            let (since, before) = (now(), client.available());
            let load = Load::start(&client, &numbers);
            let mut carrier = Submits::of(stage.path("simulator.jsonl"));
            at_work(&load, &mut carrier, Instant::now(), Duration::from_secs(60));
            for _ in 0..LEG.min(self.kills - killed) {
                let target = self.targets[killed % self.targets.len()];
                killed += 1;
                let pause = random(&self.pause);
                thread::sleep(pause);
                let doubtful_before = in_doubt(&stage);
                program.kill(target);
                thread::sleep(LATENCY * 5); // what was on its way
                carrier.count();
                program.start_database(target);
                let marked = if target.stops_the_worker() { marked(&stage) } else { 0 };
                let restarted = Instant::now(); // how long PostgreSQL recovers is not ours to hurry
                program.start_again(&stage);
                let took = at_work(&load, &mut carrier, restarted, AT_WORK);
                println!(
                    "{name}: kill {killed} ({target:?}) after {pause:.1?}: {marked} marked, at work again after {took:.1?}; {doubtful_before} were in doubt"
                );
                assert!(
                    marked <= BINDS * WINDOW,
                    "{marked} messages may be in doubt, of windows for {}",
                    BINDS * WINDOW
                );
                worst.at_work = worst.at_work.max(took);
                worst.in_doubt = worst.in_doubt.max(marked);
            }
            let (promised, repeated) = load.stop();
            let began = Instant::now();
            within(DRAINED, "everything is handed over and told", || {
                let waiting = client.read("/v1/messages?status=scheduled,queued,submitting,sent&limit=1");
                let prepared = promised.campaigns.iter().all(|id| client.campaign(id)["status"] != "preparing");
                (prepared && waiting["data"].as_array().unwrap().is_empty()).then_some(())
            });
            let drained = began.elapsed();
            promised.campaigns.iter().for_each(|id| drop(client.campaign_until(id, "completed")));
            within(Duration::from_secs(60), "every doubt has ended", || {
                let waiting = client.read("/v1/messages?status=in_doubt&limit=1");
                waiting["data"].as_array().unwrap().is_empty().then_some(())
            });
            let found = judgement::judge(&client, &stage.judge(), &promised, &since, before);
            worst.drained = worst.drained.max(drained);
            let judgement::Found { messages, delivered, unknown } = found;
            println!(
                "{name}: {killed} kills judged: drained in {drained:.1?}; {repeated} requests repeated; of {messages} messages {delivered} delivered, {unknown} unknown"
            );
        }
        println!("{name}: all well after {killed} kills; the worst: {worst:?}");
    }
}

/// Waits for a submit and an answered request after a restart; how long they took.
fn at_work(load: &Load, carrier: &mut Submits, since: Instant, patience: Duration) -> Duration {
    let answered = load.answered();
    let mut submits = 0;
    within(patience.saturating_sub(since.elapsed()), "it is at work again", || {
        submits += carrier.count();
        (submits > 0 && load.answered() > answered).then_some(())
    });
    since.elapsed()
}

/// Messages that were marked when their worker died: what it had not written may be with the carrier.
fn marked(stage: &Stage) -> usize {
    stage.count("SELECT COUNT(*) FROM messages WHERE status = 'submitting'")
}

fn in_doubt(stage: &Stage) -> usize {
    stage.count("SELECT COUNT(*) FROM messages WHERE status = 'in_doubt'")
}

fn random(range: &Range<Duration>) -> Duration {
    let mut octets = [0; 2];
    domain::ids::fill_random(&mut octets);
    range.start + (range.end - range.start) * u32::from(u16::from_le_bytes(octets)) / u32::from(u16::MAX)
}

fn now() -> String {
    serde_json::to_value(domain::clock::Clock::system().now()).unwrap().as_str().unwrap().to_owned()
}

/// Counts the submits that have come to the log since the last count.
struct Submits {
    log: PathBuf,
    read: u64,
}

impl Submits {
    fn of(log: PathBuf) -> Self {
        let read = log.metadata().map_or(0, |m| m.len());
        Self { log, read }
    }

    fn count(&mut self) -> usize {
        let mut file = File::open(&self.log).unwrap();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut new = Vec::new();
        file.read_to_end(&mut new).unwrap();
        let whole = new.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        new[..whole].split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"{\"op\":\"submit\"")).count()
    }
}
