//! Sending a text to one number or a list, and its dry run. Sends of one account that come at the same time share a
//! transaction: what is stored durably costs them one fsync together.

use actix_web::{post, web::Data};
use domain::{
    Error,
    clock::Timestamp,
    db::Writes,
    idempotency,
    ids::{AccountId, MessageId},
    jobs::Queue,
    messages::{self, Draft, Outcome, Status},
    money::{Micros, Money},
    scope::AccountScope,
    together::Together,
};

use sea_orm::{DatabaseTransaction, DbErr};

use super::{
    reader::Reader,
    shapes::{MessageEstimate, NewMessage, SentMessage, SentMessages},
};
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::{Intent, KEEP_MONEY, RequiredKey, enter, leave},
        json::Json,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The most numbers of one send.
pub(super) const MAX_RECIPIENTS: usize = 100;

/// A send that waits for those that came at the same time.
#[derive(Debug)]
pub struct Posting {
    scope: AccountScope,
    intent: Intent,
    new: NewMessage,
}

/// Sends that share a transaction, by account: what comes while some are worked on goes into the next one.
pub type Sends = Together<AccountId, Posting, Result<Answer, Error>>;

/// The most sends of one transaction.
pub const MOST_TOGETHER: usize = 128;

/// A transaction that has been begun, unless the database refused.
type Begun = Result<DatabaseTransaction, DbErr>;

/// Sends together; when that cannot be (the money does not suffice for all, one of them cannot be stored), each alone.
/// Without a transaction all are refused: one after the other would only wait for the database again.
async fn post(app: &App, begun: Begun, postings: Vec<Posting>) -> Vec<Result<Answer, Error>> {
    if let Err(e) = begun {
        tracing::error!(error = %e, sends = postings.len(), "no transaction");
        let Error { code, detail, .. } = e.into();
        return postings.iter().map(|_| Err(Error::new(code, detail.clone()))).collect();
    }
    match post_joint(app, begun, &postings).await {
        Ok(answers) => return answers,
        Err(e) if postings.len() == 1 => return vec![Err(e)],
        Err(e) => tracing::debug!(error = %e, sends = postings.len(), "not together: each alone"),
    }
    let mut answers = Vec::with_capacity(postings.len());
    for posting in postings {
        let alone = post_joint(app, app.db.begin().await, &[posting]).await;
        let lost = || Err(Error::internal("a send without an answer"));
        answers.push(alone.map_or_else(Err, |mut answers| answers.pop().unwrap_or_else(lost)));
    }
    answers
}

/// Sends of one account in one transaction: a refusal of one is its own, an error is everybody's.
async fn post_joint(app: &App, begun: Begun, postings: &[Posting]) -> domain::Result<Vec<Result<Answer, Error>>> {
    let tx = begun?;
    match post_in(&tx, app.clock.now(), postings).await {
        Ok(answers) => {
            tx.commit().await?;
            app.wake.nudge(Queue::MessagesDeliver);
            Ok(answers)
        }
        Err(e) => {
            // Awaited, since the locks of the keys last as long as the transaction.
            tx.rollback().await?;
            Err(e)
        }
    }
}

async fn post_in(
    tx: &DatabaseTransaction,
    now: Timestamp,
    postings: &[Posting],
) -> domain::Result<Vec<Result<Answer, Error>>> {
    let Some(Posting { scope, .. }) = postings.first() else { return Ok(Vec::new()) };
    let intents: Vec<&Intent> = postings.iter().map(|p| &p.intent).collect();
    let mut answers = enter(tx, now, scope, &intents).await?;
    let mut reader = Reader::new(tx, scope);
    let (mut places, mut requests) = (Vec::new(), Vec::new());
    for (place, (posting, answer)) in postings.iter().zip(&mut answers).enumerate() {
        if answer.is_some() {
            continue;
        }
        match reader.read(&posting.new).await {
            Ok(request) => {
                places.push(place);
                requests.push(request);
            }
            Err(e) if e.code.status() < 500 => *answer = Some(Err(e)),
            Err(e) => return Err(e),
        }
    }
    if !requests.is_empty() {
        let mut kept = Vec::with_capacity(requests.len());
        let account = reader.account().await?.clone();
        let mut writes = Writes::new(tx);
        let sent = messages::send(tx, scope, account, &requests, &mut writes).await?;
        for (place, sent) in places.into_iter().zip(sent) {
            kept.push((place, Reply::accepted(told(&sent)).render()?));
        }
        let stored =
            kept.iter().filter_map(|(place, (answer, body))| Some((*intents.get(*place)?, answer, body.clone())));
        leave(&mut writes, now, scope, stored.collect(), KEEP_MONEY);
        writes.run(tx).await.map_err(idempotency::or_in_flight)?;
        for (place, (answer, _)) in kept {
            if let Some(slot) = answers.get_mut(place) {
                *slot = Some(Ok(answer));
            }
        }
    }
    Ok(answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| Err(Error::internal("a send without an answer"))))
        .collect())
}

/// What is answered to a send.
fn told(done: &messages::Sent) -> SentMessages {
    SentMessages {
        batch_id: done.batch,
        send_at: done.send_at,
        cost: Money::new(done.cost, &done.currency),
        messages: sent(&done.drafts, Some(&done.ids), done.waiting, &done.currency),
    }
}

fn sent(
    drafts: &[Draft],
    ids: Option<&[MessageId]>,
    waiting: Status,
    currency: &domain::money::Currency,
) -> Vec<SentMessage> {
    let one = |(place, draft): (usize, &Draft)| {
        let (status, reason, segments, cost) = match &draft.outcome {
            Outcome::Send(p) => (waiting, None, p.segments, p.price().unwrap_or_default()),
            Outcome::Skip(skip) => (Status::Skipped, Some(skip.as_str().to_owned()), 0, Micros::ZERO),
        };
        let id = ids.and_then(|ids| ids.get(place)).copied();
        SentMessage { id, to: draft.phone, status, reason, segments, cost: Money::new(cost, currency) }
    };
    drafts.iter().enumerate().map(one).collect()
}

/// Send messages
///
/// Sends a text to up to 100 numbers, now or at `send_at`. Each different number gets one message; numbers on the
/// blacklist and the like are skipped, told why and not charged. The answer comes once the messages are stored and
/// their money is held. For example, the body below sends one text to two numbers.
#[utoipa::path(
    operation_id = "messages.send",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(RequiredKey),
    responses((status = ACCEPTED, description = "They are on their way.", body = SentMessages)),
    extensions(("x-errors" = json!([
        "account_suspended", "insufficient_funds", "invalid_sender", "invalid_template", "no_rate", "no_route", "sender_not_approved", "unknown_marker"
    ]))),
)]
#[post("/messages")]
pub(super) async fn send(
    app: Data<App>,
    Auth(scope): Auth,
    key: RequiredKey,
    Json(new): Json<NewMessage>,
) -> Result<Answer, Failure> {
    let intent = key.intent();
    let _held = app.in_flight.hold(&scope, &intent)?;
    let account = scope.account();
    let (db, runner) = (app.db.clone(), app.clone().into_inner());
    let begin = move || {
        let db = db.clone();
        async move { db.begin().await }
    };
    let run = move |begun, postings| {
        let app = runner.clone();
        async move { post(&app, begun, postings).await }
    };
    let answer = app.sends.join(account, Posting { scope, intent, new }, begin, run).await;
    Ok(answer.unwrap_or_else(|| Err(Error::internal("the send broke off")))?)
}

/// Estimate a send
///
/// The dry run of `POST /v1/messages`: the same body, nothing sent, and the cost equal to the later charge. For
/// example, the body below tells what two messages would cost.
#[utoipa::path(
    operation_id = "messages.estimate",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    responses((status = OK, description = "What would be sent, skipped and charged.", body = MessageEstimate)),
    extensions(("x-errors" = json!([
        "account_suspended", "invalid_sender", "invalid_template", "no_rate", "no_route", "sender_not_approved", "unknown_marker"
    ]))),
)]
#[post("/messages/estimate")]
pub(super) async fn estimate(
    app: Data<App>,
    Auth(scope): Auth,
    Json(new): Json<NewMessage>,
) -> Result<Reply<MessageEstimate>, Failure> {
    let mut reader = Reader::new(app.db.read(), &scope);
    let request = reader.read(&new).await?;
    let account = reader.account().await?.clone();
    let (terms, drafts) = messages::plan(app.db.read(), &scope, account, &[request]).await?;
    let drafts = drafts.into_iter().next().unwrap_or_default();
    let cost = messages::cost(&drafts).unwrap_or(Micros(i64::MAX));
    let currency = &terms.deck.currency;
    Ok(Reply::ok(MessageEstimate {
        cost: Money::new(cost, currency),
        messages: sent(&drafts, None, Status::Queued, currency),
    }))
}
