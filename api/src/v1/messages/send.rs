//! Sending a text to one number or a list, and its dry run.

use actix_web::{post, web::Data};
use domain::{
    Code, Error, contacts,
    ids::MessageId,
    jobs::Queue,
    messages::{self, Draft, Letter, Letterhead, Outcome, Request, Status},
    money::{Micros, Money},
    phone,
    scope::AccountScope,
    senders, templates,
};
use sea_orm::ConnectionTrait;

use super::shapes::{MessageEstimate, NewMessage, SentMessage, SentMessages};
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::{KEEP_MONEY, RequiredKey},
        json::Json,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The most numbers of one send.
const MAX_RECIPIENTS: usize = 100;

/// Reads a send: its numbers, its text, its sender, with every fault told at once.
async fn read(conn: &impl ConnectionTrait, scope: &AccountScope, new: NewMessage) -> domain::Result<Request> {
    let NewMessage { to, sender, text, template_id, split_mode, send_at, default_country, external_id, metadata } = new;
    let mut faults = domain::error::Faults::default();
    if to.is_empty() || to.len() > MAX_RECIPIENTS {
        faults.add(
            "/to",
            "out_of_range",
            format!("must have 1 to {MAX_RECIPIENTS} numbers; send more with a campaign"),
        );
    }
    let rule = match default_country.as_deref().map(str::parse::<phone::Country>) {
        Some(Ok(country)) => phone::Rule::ImportCountry(country),
        Some(Err(_)) => {
            faults.add("/default_country", "invalid", "must be an ISO 3166 alpha-2 code such as GB");
            phone::Rule::None
        }
        None => contacts::rule(conn, scope).await?,
    };
    let mut numbers = Vec::with_capacity(to.len());
    for (place, raw) in to.iter().take(MAX_RECIPIENTS).enumerate() {
        match phone::parse(raw, &rule) {
            Ok(parsed) => numbers.push(parsed.number),
            Err(e) => faults.add(format!("/to/{place}"), e.code, e.detail),
        }
    }
    faults.optional_text("/external_id", external_id.as_deref(), 200);
    if send_at.is_some_and(|at| at > scope.clock().now().plus(std::time::Duration::from_secs(366 * 86_400))) {
        faults.add("/send_at", "too_late", "must be within a year");
    }
    let body = match (text, template_id) {
        (Some(text), None) => Some(text),
        (None, Some(id)) => match templates::find(conn, scope, id).await {
            Ok(template) => Some(template.body),
            Err(_) => {
                faults.add("/template_id", "not_found", "there is no such template in this account");
                None
            }
        },
        (Some(_), Some(_)) => {
            faults.add("/text", "exclusive", "must not be given beside template_id");
            None
        }
        (None, None) => {
            faults.add("/text", "required", "must be given, or template_id");
            None
        }
    };
    faults.check()?;
    if let Some(why) = senders::check(&sender) {
        return Err(Error::new(Code::InvalidSender, format!("The sender {why}.")));
    }
    senders::require_approved(conn, scope, &sender).await?;
    let template = templates::check(conn, scope, body.as_deref().unwrap_or_default()).await?;
    let metadata = crate::v1::metadata(metadata)?;
    Ok(Request {
        letter: Letter { sender, template, split_mode },
        to: numbers,
        head: Letterhead { send_at, external_id, metadata },
    })
}

fn sent(
    drafts: &[Draft],
    ids: Option<&[MessageId]>,
    waiting: Status,
    currency: &domain::money::Currency,
) -> Vec<SentMessage> {
    let one = |(place, draft): (usize, &Draft)| {
        let (status, reason, segments, cost) = match &draft.outcome {
            Outcome::Send(p) => (waiting, None, p.segments, p.unit_price.checked_mul(p.segments).unwrap_or_default()),
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
    RequiredKey(key): RequiredKey,
    Json(new): Json<NewMessage>,
) -> Result<Answer, Failure> {
    let answer = key
        .kept(KEEP_MONEY)
        .run(&app, &scope, async |tx| {
            let request = read(tx, &scope, new).await?;
            let done = messages::send(tx, &scope, &request).await?;
            let currency = &done.currency;
            Ok(Reply::accepted(SentMessages {
                batch_id: done.batch,
                send_at: done.send_at,
                cost: Money::new(done.written.cost, currency),
                messages: sent(&done.drafts, Some(&done.written.ids), done.waiting, currency),
            }))
        })
        .await?;
    app.wake.nudge(Queue::MessagesDeliver);
    Ok(answer)
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
    let request = read(app.db.read(), &scope, new).await?;
    let (terms, drafts) = messages::plan(app.db.read(), &scope, &request.letter, &request.to).await?;
    let cost = messages::cost(&drafts).unwrap_or(Micros(i64::MAX));
    let currency = &terms.deck.currency;
    Ok(Reply::ok(MessageEstimate {
        cost: Money::new(cost, currency),
        messages: sent(&drafts, None, Status::Queued, currency),
    }))
}
