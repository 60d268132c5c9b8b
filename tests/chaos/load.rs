//! What is sent meanwhile: one campaign after the other and single sends, by a customer who repeats a request with the
//! same `Idempotency-Key` until it is answered. Every number is sent to once, so the carrier's log tells by the number.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::Client;

/// The recipients of a campaign.
const RECIPIENTS: usize = 1000;
/// Longer than one part of UCS-2 or GSM-7.
const LONG: &str = "This single send is longer than one part has room for, so that a kill can come between its two parts: \
                    the carrier then has the one and not the other, and the message must not be called sent, nor be charged.";

/// What the customer was promised, and the load itself while it runs.
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    client: Client,
    stop: AtomicBool,
    /// Requests that were answered with success.
    answered: AtomicUsize,
    /// Requests that were not answered, or with a status of 500 and above: these are repeated.
    repeated: AtomicUsize,
    numbers: Arc<AtomicUsize>,
    promised: Mutex<Promised>,
}

/// What was accepted.
#[derive(Debug, Default)]
pub struct Promised {
    /// Numbers, and the parts each is to get.
    pub parts: BTreeMap<String, usize>,
    pub campaigns: Vec<String>,
}

impl Load {
    /// Starts sending; `numbers` counts those that were used.
    pub fn start(client: &Client, numbers: &Arc<AtomicUsize>) -> Self {
        let shared = Arc::new(Shared {
            client: client.clone(),
            stop: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            repeated: AtomicUsize::new(0),
            numbers: numbers.clone(),
            promised: Mutex::default(),
        });
        let (campaigns, singles) = (shared.clone(), shared.clone());
        let threads = vec![thread::spawn(move || campaigns.campaigns()), thread::spawn(move || singles.singles())];
        Self { shared, threads }
    }

    /// Requests answered with success so far.
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Ends when what was begun is promised; what was, and how many requests had to be repeated.
    pub fn stop(self) -> (Promised, usize) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let promised = std::mem::take(&mut *self.shared.promised.lock().unwrap());
        (promised, self.shared.repeated.load(Ordering::SeqCst))
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn new_numbers(&self, count: usize) -> Vec<String> {
        let first = self.numbers.fetch_add(count, Ordering::SeqCst);
        (first..first + count).map(|n| format!("+447400{:06}", 100_000 + n)).collect()
    }

    /// One intent, asked for until it is answered.
    fn insist(&self, path: &str, body: &Value) -> Value {
        let key = domain::ids::encode(domain::ids::uuid_v7(domain::clock::Clock::system().now()));
        loop {
            match self.client.ask("POST", path).key(&key).json(body).attempt() {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    return answer.json();
                }
                // 409: the first attempt runs still.
                Ok(answer) if answer.status < 500 && !matches!(answer.status, 409 | 429) => {
                    panic!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body))
                }
                _ => {
                    self.repeated.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// The next campaign begins when little of the one before is left.
    fn campaigns(&self) {
        while !self.stopping() {
            let phones = self.new_numbers(RECIPIENTS);
            let draft = json!({
                "name": "Chaos", "sender": "CARILLON", "text": "Our shop is open until nine tonight.",
                "audience": {"phones": phones},
            });
            let id = self.insist("/v1/campaigns", &draft)["id"].as_str().unwrap().to_owned();
            let launched = self.insist(&format!("/v1/campaigns/{id}/launch"), &json!({}));
            assert_eq!(launched["id"], json!(id), "{launched}");
            let mut promised = self.promised.lock().unwrap();
            promised.parts.extend(phones.into_iter().map(|phone| (phone, 1)));
            promised.campaigns.push(id.clone());
            drop(promised);
            while !self.stopping() && !self.nearly_sent(&id) {
                thread::sleep(Duration::from_millis(200));
            }
        }
    }

    fn nearly_sent(&self, campaign: &str) -> bool {
        let Ok(answer) = self.client.ask("GET", &format!("/v1/campaigns/{campaign}")).attempt() else { return false };
        let now = answer.json();
        let left = now["messages"]["queued"].as_u64().unwrap_or(0);
        answer.status == 200 && !matches!(now["status"].as_str(), Some("preparing")) && left < RECIPIENTS as u64 / 4
    }

    fn singles(&self) {
        let texts = [("Your code is 4711.", 1), (LONG, 2)];
        for (text, parts) in texts.into_iter().cycle() {
            if self.stopping() {
                break;
            }
            let to = self.new_numbers(3);
            let sent = self.insist("/v1/messages", &json!({"to": to, "sender": "CARILLON", "text": text}));
            let made: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|m| m["to"].as_str().unwrap()).collect();
            assert_eq!(made, to, "{sent}");
            self.promised.lock().unwrap().parts.extend(to.into_iter().map(|phone| (phone, parts)));
            thread::sleep(Duration::from_millis(100));
        }
    }
}
