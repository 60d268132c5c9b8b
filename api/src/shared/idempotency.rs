//! `Idempotency-Key`: the same request twice has one effect and one answer.
//!
//! Invariants: the answer commits with the effect; a refusal is not stored, so the key can be used again; while a
//! request with the key runs, another gets 409.

use std::{
    collections::HashSet,
    future::{Ready, ready},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{StatusCode, header::HeaderName},
};
use domain::{
    Code, Error,
    clock::Timestamp,
    db::Writes,
    idempotency::{self, Owner, Slot, Stored, Taken},
};
use sea_orm::DatabaseTransaction;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterIn},
    },
};

use super::{
    conditional::header_param,
    front::OperationId,
    json::BodyHash,
    problem::Failure,
    reply::{Answer, Reply},
};
use crate::App;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const DAY: Duration = Duration::from_secs(86_400);

/// How long the answers of requests that move money are kept.
pub const KEEP_MONEY: Duration = Duration::from_secs(30 * 86_400);

/// The key of a POST, if it has one: `key: Key`, then `key.run(…)`.
#[derive(Debug)]
pub struct Key {
    req: HttpRequest,
    key: Option<String>,
    keep: Duration,
}

/// The key of a POST that spends or sends: `RequiredKey(key): RequiredKey`.
#[derive(Debug)]
pub struct RequiredKey(pub Key);

/// Keys being worked on in this process: SQLite's stand-in for advisory locks.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<HashSet<[u8; 32]>>);

/// One key being worked on, as long as this lives.
#[derive(Debug)]
pub struct Held<'a>(&'a InFlight, [u8; 32]);

impl InFlight {
    /// Notes that a request with this key runs.
    ///
    /// # Errors
    /// `idempotency_in_flight` when another does.
    pub fn hold(&self, owner: &impl Owner, intent: &Intent) -> Result<Held<'_>, Error> {
        let digest = intent.slot(owner).digest();
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        fresh.then(|| Held(self, digest)).ok_or_else(idempotency::in_flight)
    }
}

/// What a request with a key wants, apart from its connection: what requests that share a transaction bring.
#[derive(Debug)]
pub struct Intent {
    operation: String,
    key: String,
    fingerprint: Vec<u8>,
}

impl Intent {
    fn slot(&self, owner: &impl Owner) -> Slot<'_> {
        Slot { account: owner.owner(), operation: &self.operation, key: &self.key }
    }
}

/// Takes the slots of intents for the length of the transaction, and tells those that are decided already: a first
/// answer to be repeated, or a refusal. `None`: do it, and [`leave`] the answer.
///
/// # Errors
/// When the database refuses.
pub async fn enter(
    tx: &DatabaseTransaction,
    now: Timestamp,
    owner: &impl Owner,
    intents: &[&Intent],
) -> domain::Result<Vec<Option<Result<Answer, Error>>>> {
    let slots: Vec<Slot<'_>> = intents.iter().map(|intent| intent.slot(owner)).collect();
    let decided = intents.iter().zip(idempotency::take(tx, now, &slots).await?).map(|(intent, taken)| match taken {
        Taken::Elsewhere => Some(Err(idempotency::in_flight())),
        Taken::Answered(stored) => Some(replay(stored, &intent.fingerprint)),
        Taken::Free => None,
    });
    Ok(decided.collect())
}

/// Stores answers in their slots, each with the body that a replay shows.
pub fn leave(
    writes: &mut Writes,
    now: Timestamp,
    owner: &impl Owner,
    answers: Vec<(&Intent, &Answer, String)>,
    keep: Duration,
) {
    let stored = |(intent, answer, body): (&'_ Intent, &Answer, String)| {
        let (fingerprint, status) = (intent.fingerprint.clone(), i64::from(answer.status.as_u16()));
        Stored { fingerprint, status, body }
    };
    let answers: Vec<_> = answers.into_iter().map(|a| (a.0.slot(owner), stored(a))).collect();
    idempotency::store(writes, now, &answers, keep);
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Key {
    /// Keeps the answer longer or shorter than the usual 24 hours.
    pub fn kept(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }

    /// Runs `effect` in a transaction and commits it, or repeats the answer of the first request with this key. What
    /// follows the commit, such as a nudge, is plain code after this call (see [`Answer::replayed`]).
    pub async fn run<T: Serialize>(
        &self,
        app: &App,
        scope: &impl Owner,
        effect: impl AsyncFnOnce(&DatabaseTransaction) -> domain::Result<Reply<T>>,
    ) -> Result<Answer, Failure> {
        let Some(key) = &self.key else {
            let tx = app.db.begin().await?;
            let (answer, _) = effect(&tx).await?.render()?;
            tx.commit().await?;
            return Ok(answer);
        };
        let intent = self.intent(key);
        let _held = app.in_flight.hold(scope, &intent)?;
        let now = app.clock.now();
        let tx = app.db.begin().await?;
        if let Some(answered) = enter(&tx, now, scope, &[&intent]).await?.pop().flatten() {
            return Ok(answered?);
        }
        let (answer, body) = match effect(&tx).await.and_then(Reply::render) {
            Ok(done) => done,
            Err(e) => {
                // Awaited, since the lock of the key lasts as long as the transaction: the key may be used again at once.
                tx.rollback().await?;
                return Err(e.into());
            }
        };
        let mut writes = Writes::new(&tx);
        leave(&mut writes, now, scope, vec![(&intent, &answer, body)], self.keep);
        writes.run(&tx).await.map_err(idempotency::or_in_flight)?;
        tx.commit().await?;
        Ok(answer)
    }

    /// What the request wants, apart from its connection.
    fn intent(&self, key: &str) -> Intent {
        let operation = self.req.extensions().get::<OperationId>().map(|o| o.0.clone()).unwrap_or_default();
        Intent { operation, key: key.to_owned(), fingerprint: self.fingerprint() }
    }

    /// SHA-256 over method, path and body.
    fn fingerprint(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.req.method().as_str());
        hash.update([0]);
        hash.update(self.req.path());
        hash.update([0]);
        if let Some(BodyHash(body)) = self.req.extensions().get::<BodyHash>() {
            hash.update(body);
        }
        hash.finalize().to_vec()
    }
}

fn replay(stored: Stored, fingerprint: &[u8]) -> Result<Answer, Error> {
    let Stored { fingerprint: first, status, body } = stored;
    if first != fingerprint {
        let detail = "This Idempotency-Key was used for another request; make a new key for a new request.";
        return Err(Error::new(Code::IdempotencyKeyReused, detail));
    }
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    Ok(Answer { status, body, etag: None, replayed: true })
}

impl FromRequest for Key {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = req.headers().get(HEADER).map(|v| {
            let good = (1..=255).contains(&v.len()) && v.as_bytes().iter().all(u8::is_ascii_graphic);
            let detail = "An Idempotency-Key has 1 to 255 visible ASCII characters, without spaces.";
            v.to_str().ok().filter(|_| good).map(str::to_owned).ok_or(Error::new(Code::IdempotencyKeyMissing, detail))
        });
        ready(key.transpose().map(|key| Self { req: req.clone(), key, keep: DAY }).map_err(Failure))
    }
}

impl RequiredKey {
    /// What the request wants, apart from its connection.
    pub fn intent(&self) -> Intent {
        self.0.intent(self.0.key.as_deref().unwrap_or_default())
    }
}

impl FromRequest for RequiredKey {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let detail = "This operation spends or sends: send an Idempotency-Key header, new for each intent.";
        ready(Key::from_request(req, payload).into_inner().and_then(|key| match key.key {
            Some(_) => Ok(Self(key)),
            None => Err(Error::new(Code::IdempotencyKeyMissing, detail).into()),
        }))
    }
}

fn param(required: Required) -> Vec<Parameter> {
    let text = "A name of your own for this intent, such as a UUID: the same request with the same key has one effect \
                and gets the first answer again, with `Idempotent-Replayed: true`.";
    vec![header_param(&HEADER, text, "b7f5b1d2-5d0c-4f8e-9a55-0c8d4b6f2a10", required)]
}

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        param(Required::False)
    }
}

impl IntoParams for RequiredKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        param(Required::True)
    }
}
