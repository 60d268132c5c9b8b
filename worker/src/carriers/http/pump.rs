//! The pump of one HTTP carrier: from claimed messages to requests, from answers to the recorder.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use domain::{
    carriers::{
        Carrier, HttpSettings,
        http::{
            self,
            answer::{self, Verdict},
            template::{self, Values},
        },
    },
    clock::Timestamp,
    jobs::Queue,
    messages::{Answer, PutOff, Reference, Submitted, window::Outgoing},
    segments::{self, Encoding, SplitMode},
    traces::TARGET,
};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tracing::{field::Empty, info_span};

use super::client::{self, Outcome};
use crate::{
    Shared,
    carriers::{
        chunks::Claim,
        claims::Claims,
        health::Health,
        numbers::{Bound, Slowed},
        pace::Pace,
    },
    metrics::METRICS,
};

/// How often an idle pump looks for chunks by itself; a nudge makes it look at once.
const IDLE: Duration = Duration::from_millis(250);
/// The first pause after a throttled or an unsent request; it doubles with each, to the longest.
const FIRST: Duration = Duration::from_millis(500);
const SLOWEST: Duration = Duration::from_secs(30);
/// The longest that a provider may ask us to wait.
const ASKED: Duration = Duration::from_secs(300);
/// How often a message is sent that the provider cannot take just now.
const TRIES: u32 = 5;

/// A marked message.
#[derive(Debug, Clone)]
struct Flight {
    claim: Claim,
    message: Outgoing,
    /// How often the provider could not take it just then.
    refusals: u32,
    /// The same and throttling, for its trace.
    put_off: Vec<PutOff>,
}

impl Flight {
    /// Keeps that the provider did not take it just then, and why.
    fn note(&mut self, code: &str, now: Timestamp) {
        PutOff::count(&mut self.put_off, 1, code, now);
    }
}

/// The state of one carrier.
struct Pump {
    shared: Shared,
    carrier: Carrier,
    settings: HttpSettings,
    agent: ureq::Agent,
    callback_url: String,
    claims: Claims,
    /// Marked, to be sent.
    ready: VecDeque<Flight>,
    /// Refused for now, with the time of the next try.
    later: Vec<(Instant, Flight)>,
    calls: JoinSet<Outcome>,
    under_way: HashMap<Id, Flight>,
    pace: Pace,
    slowed: Slowed,
    not_before: Instant,
    slow: Duration,
    health: Health,
    /// Counts the carrier as one connection, for as long as it can be reached.
    bound: Option<Bound>,
}

/// Sends what waits for a carrier until a shutdown; then lets what is under way come to its end.
pub async fn pump(shared: Shared, carrier: Carrier, settings: HttpSettings, owner: String, health: Health) {
    let path = http::callback_path(&shared.config.keys, carrier.id).unwrap_or_default();
    let public_url = shared.config.public_url.trim_end_matches('/').to_owned();
    if settings.uses("callback_url") && (public_url.is_empty() || path.is_empty()) {
        let error = "the carrier has {{callback_url}}, and worker.public_url is not set: nothing is sent";
        tracing::error!(carrier = carrier.name, error);
        health.failed(error);
        health.backing_off(SLOWEST);
        return shared.stopped().await;
    }
    let now = Instant::now();
    let mut pump = Pump {
        agent: client::agent(&settings, shared.config.private_carriers),
        callback_url: format!("{public_url}{path}"),
        // The provider splits a text itself.
        claims: Claims::new(&shared, &carrier, &owner, Arc::new(|_| 1)),
        ready: VecDeque::new(),
        later: Vec::new(),
        calls: JoinSet::new(),
        under_way: HashMap::new(),
        pace: Pace::new(settings.parts_per_second.map(f64::from), settings.concurrency, now),
        not_before: now,
        slowed: Slowed::of(&carrier),
        slow: Duration::ZERO,
        shared,
        bound: Some(Bound::to(&carrier)),
        carrier,
        settings,
        health,
    };
    pump.health.connected();
    pump.run().await;
    pump.abandon();
    pump.claims.end().await;
}

impl Pump {
    /// Runs until a shutdown and the end of what is under way, or of the time for it.
    async fn run(&mut self) {
        let mut until: Option<Instant> = None;
        let wake = self.shared.wake.clone();
        // Kept from turn to turn, so that a nudge during a statement is not missed.
        let mut nudge = pin!(wake.nudged(Queue::MessagesDeliver));
        loop {
            // Without a recorder nothing may leave: its answer would be lost.
            if self.claims.ended() {
                return;
            }
            if self.shared.stopping() {
                let until = *until.get_or_insert_with(|| Instant::now() + self.shared.config.drain);
                if self.calls.is_empty() || Instant::now() >= until {
                    return;
                }
            } else if self.health.stands_back() {
                self.stand_back().await;
            } else {
                self.refill().await;
                self.send();
            }
            let paused = self.not_before.saturating_duration_since(Instant::now());
            self.health.turn(self.calls.len(), paused);
            self.slowed.tell(self.pace.reduced());
            let turn = self.next_turn();
            tokio::select! {
                Some(ended) = self.calls.join_next_with_id() => {
                    self.take(ended);
                    if self.calls.is_empty() && self.ready.is_empty() && self.later.is_empty() {
                        self.claims.all_settled(self.settings.concurrency);
                    }
                }
                done = self.claims.next_recorded() => {
                    let Some(done) = done else { return };
                    self.claims.recorded(done);
                    // While it waits, what is not marked may go another way.
                    if paused.is_zero() { self.claims.give_back_drained().await } else { self.claims.give_back_idle().await }
                }
                () = &mut nudge => {
                    nudge.set(wake.nudged(Queue::MessagesDeliver));
                    self.claims.nudged();
                }
                () = tokio::time::sleep_until(turn) => {}
            }
        }
    }

    /// When there may be something to do without an event.
    fn next_turn(&self) -> Instant {
        let now = Instant::now();
        let next = (!self.ready.is_empty()).then(|| self.not_before.max(self.pace.next())).filter(|at| *at > now);
        let later = self.later.iter().map(|(at, _)| (*at).max(self.not_before));
        next.into_iter()
            .chain(later)
            .chain(self.claims.next_look())
            .fold(now + IDLE, Instant::min)
            .max(now + Duration::from_millis(1))
    }

    /// Claims and marks as much as there is room for.
    async fn refill(&mut self) {
        let window = self.settings.concurrency.min(self.pace.room());
        // What is marked and not recorded would be in doubt if we died now.
        let free = window.saturating_sub(self.claims.open());
        if free > 0 && self.not_before <= Instant::now() && self.ready.is_empty() {
            let marked = self.claims.take(free, window).await;
            self.ready.extend(marked.into_iter().map(|(claim, message)| Flight {
                claim,
                message,
                refusals: 0,
                put_off: Vec::new(),
            }));
        }
    }

    /// Gives back what is not under way, for other routes to take.
    async fn stand_back(&mut self) {
        let later = std::mem::take(&mut self.later).into_iter().map(|(_, flight)| flight);
        for flight in std::mem::take(&mut self.ready).into_iter().chain(later) {
            self.settle(&flight, Answer::Unsent, Vec::new());
        }
        self.claims.give_back_idle().await;
    }

    /// Begins requests as far as there is room.
    fn send(&mut self) {
        let now = Instant::now();
        if self.not_before > now {
            // What is marked need not wait here: a pause may be long, and a cancellation should find it.
            for flight in std::mem::take(&mut self.ready) {
                self.settle(&flight, Answer::Unsent, Vec::new());
            }
            return;
        }
        let due = self.later.extract_if(.., |(at, _)| *at <= now).map(|(_, flight)| flight);
        self.ready.extend(due);
        while self.calls.len() < self.settings.concurrency && self.pace.allows(now) {
            let Some(flight) = self.ready.pop_front() else { break };
            let at = self.shared.scope.clock.now();
            if flight.message.valid_until.is_some_and(|until| until <= at) {
                self.settle(&flight, Answer::Over, Vec::new());
                continue;
            }
            let values = match self.values(&flight.message, at) {
                Ok(values) => values,
                Err(error) => {
                    self.settle(&flight, Answer::Refused { error, part: None }, Vec::new());
                    continue;
                }
            };
            let request = template::request(&self.settings, &values);
            let (agent, id_header) = (self.agent.clone(), self.settings.answer.message_id_header.clone());
            let span = info_span!(
                target: TARGET,
                parent: None,
                "carriers.request",
                otel.kind = "client",
                otel.status_code = Empty,
                carillon.carrier = self.carrier.name,
                carillon.message_id = %flight.message.id,
                http.request.method = request.method,
                http.response.status_code = Empty,
            );
            let call = self.calls.spawn_blocking(move || {
                let outcome = span.in_scope(|| client::call(&agent, request, id_header.as_deref()));
                match &outcome {
                    Outcome::Answered(reply) => span.record("http.response.status_code", reply.status),
                    Outcome::Unsent(_) | Outcome::Lost(_) => span.record("otel.status_code", "ERROR"),
                };
                outcome
            });
            self.under_way.insert(call.id(), flight);
            self.pace.sent();
        }
    }

    fn values(&self, message: &Outgoing, now: Timestamp) -> Result<Values, String> {
        let mode: SplitMode = serde_json::from_value(message.split_mode.clone().into()).map_err(|e| e.to_string())?;
        let measure = segments::measure(&message.text, mode, None);
        let text = match mode {
            SplitMode::Cut => {
                let parts =
                    segments::split(&message.text, mode, None).map_err(|e| format!("{} segments", e.segments))?;
                let part = parts.into_iter().next().ok_or("no part")?;
                // What was cut is the beginning of the text: as many characters as the part has.
                let kept = match part.encoding {
                    Encoding::Gsm7 => segments::decode_gsm7(&part.body),
                    Encoding::Ucs2 => segments::decode_ucs2(&part.body),
                };
                message.text.chars().take(kept.chars().count()).collect()
            }
            SplitMode::Udh8 | SplitMode::Udh16 | SplitMode::Sar | SplitMode::Payload => message.text.clone(),
        };
        Ok(Values {
            to: message.phone.to_string(),
            from: message.sender.clone(),
            text,
            message_id: message.id.to_string(),
            callback_url: self.callback_url.clone(),
            segments: measure.segments,
            encoding: measure.encoding.as_str(),
            validity_seconds: message.valid_until.map(|until| now.until(until).as_secs().max(1)),
        })
    }

    /// Takes the end of a request.
    fn take(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = ended.unwrap_or_else(|e| (e.id(), Outcome::Lost("a fault of ours".to_owned())));
        let Some(flight) = self.under_way.remove(&id) else { return };
        let now = Instant::now();
        // What never had a connection was handed to nobody.
        if !matches!(outcome, Outcome::Unsent(_)) {
            METRICS.submitted.with_label_values(&[&self.carrier.name]).inc();
        }
        match outcome {
            Outcome::Answered(reply) => {
                self.health.connected();
                self.bound.get_or_insert_with(|| Bound::to(&self.carrier));
                let verdict = answer::read(&self.settings.answer, &reply);
                if !matches!(verdict, Verdict::Throttled(..)) {
                    self.health.answered(matches!(verdict, Verdict::Temporary(_) | Verdict::Unclear(_)));
                }
                if !matches!(verdict, Verdict::Throttled(..)) {
                    self.slow = Duration::ZERO;
                    self.pace.answered(now);
                }
                self.judge(flight, verdict);
            }
            Outcome::Unsent(error) => {
                tracing::warn!(carrier = self.carrier.name, error, "the carrier cannot be reached");
                self.health.answered(true);
                self.wait(None);
                self.bound = None;
                self.health.failed(&error);
                self.health.backing_off(self.not_before.saturating_duration_since(now));
                self.settle(&flight, Answer::Unsent, Vec::new());
            }
            Outcome::Lost(error) => {
                tracing::warn!(carrier = self.carrier.name, error, "the answer to a request was lost");
                self.health.answered(true);
                self.health.failed(&error);
                self.settle(&flight, Answer::Doubt { reason: "no_answer" }, Vec::new());
            }
        }
    }

    fn judge(&mut self, mut flight: Flight, verdict: Verdict) {
        match verdict {
            Verdict::Accepted(id) => {
                METRICS.accepted.with_label_values(&[&self.carrier.name]).inc();
                let reference = Reference { canonical: id.clone(), raw: id };
                self.settle(&flight, Answer::Accepted, vec![(1, reference)]);
            }
            Verdict::Temporary(code) if flight.refusals + 1 < TRIES => {
                flight.note(&code, self.shared.scope.clock.now());
                let pause = Duration::from_secs(1 << flight.refusals);
                flight.refusals += 1;
                self.later.push((Instant::now() + pause, flight));
            }
            Verdict::Refused(error) | Verdict::Temporary(error) => {
                METRICS.refused.with_label_values(&[&self.carrier.name]).inc();
                self.settle(&flight, Answer::Refused { error, part: None }, Vec::new());
            }
            Verdict::Throttled(code, after) => {
                flight.note(&code, self.shared.scope.clock.now());
                self.wait(after);
                if self.pace.throttled(Instant::now()) {
                    let requests_per_second = self.pace.room();
                    tracing::warn!(
                        carrier = self.carrier.name,
                        requests_per_second,
                        "the carrier asks for less: it is slowed down"
                    );
                }
                self.settle(&flight, Answer::Unsent, Vec::new());
            }
            Verdict::Unclear(reason) => self.settle(&flight, Answer::Doubt { reason }, Vec::new()),
        }
    }

    /// Pauses for as long as was asked, or longer each time. Answers of one moment make one pause.
    fn wait(&mut self, asked: Option<Duration>) {
        let now = Instant::now();
        if self.not_before <= now {
            self.slow = (self.slow * 2).clamp(FIRST, SLOWEST);
        }
        let pause = asked.map_or(self.slow, |asked| asked.clamp(FIRST, ASKED));
        self.not_before = self.not_before.max(now + pause);
    }

    fn settle(&self, flight: &Flight, answer: Answer, parts: Vec<(i64, Reference)>) {
        let submitted = Submitted { message: flight.message.id, answer, parts, put_off: flight.put_off.clone() };
        self.claims.settle(submitted, Some(flight.claim));
    }

    /// Gives up all that is marked: what is under way is doubtful, the rest unsent.
    fn abandon(&mut self) {
        for flight in std::mem::take(&mut self.under_way).into_values() {
            self.settle(&flight, Answer::Doubt { reason: "interrupted" }, Vec::new());
        }
        let later = std::mem::take(&mut self.later).into_iter().map(|(_, flight)| flight);
        for flight in std::mem::take(&mut self.ready).into_iter().chain(later) {
            self.settle(&flight, Answer::Unsent, Vec::new());
        }
    }
}
