//! An import's progress as server-sent events: the row is looked at twice a second, so it does not matter which process
//! runs the import.

use std::{collections::VecDeque, time::Duration};

use actix_web::{
    HttpResponse,
    web::{Bytes, Data},
};
use domain::{
    ids::ImportId,
    imports::{self, Counts, Import as Row, Kind},
    scope::AccountScope,
};
use futures_util::{Stream, stream::unfold};
use serde::Serialize;

use super::{ImportProgress, shown};
use crate::{App, v1::blacklist};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks without news after which a comment keeps the connection open.
const QUIET: u32 = 30;

struct Watch {
    app: Data<App>,
    scope: AccountScope,
    id: ImportId,
    told: Option<(Counts, Option<i64>)>,
    quiet: u32,
    waiting: VecDeque<Bytes>,
    over: bool,
}

/// The answer that goes on until the import has ended.
pub(in crate::v1) fn stream(app: Data<App>, scope: AccountScope, id: ImportId) -> HttpResponse {
    streaming(events(app, scope, id))
}

/// An answer of server-sent events.
pub(in crate::v1) fn streaming(events: impl Stream<Item = Result<Bytes, actix_web::Error>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        // proxies that collect answers would hold the events back
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

/// The events until the import has ended or cannot be read.
fn events(app: Data<App>, scope: AccountScope, id: ImportId) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let watch = Watch { app, scope, id, told: None, quiet: 0, waiting: VecDeque::new(), over: false };
    unfold(watch, |mut watch| async move {
        loop {
            if let Some(event) = watch.waiting.pop_front() {
                return Some((Ok(event), watch));
            }
            if watch.over {
                return None;
            }
            if watch.told.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            if let Err(error) = watch.look().await {
                // The client connects again and goes on from the row.
                tracing::warn!(%error, "a progress stream ended early");
                return None;
            }
        }
    })
}

impl Watch {
    async fn look(&mut self) -> domain::Result<()> {
        let row = imports::get(self.app.db.read(), &self.scope, self.id).await?;
        let now = (row.counts, row.total);
        if self.told != Some(now) {
            self.told = Some(now);
            self.quiet = 0;
            self.waiting.push_back(event("progress", &ImportProgress::of(&row)));
        } else {
            self.quiet += 1;
            if self.quiet.is_multiple_of(QUIET) {
                self.waiting.push_back(Bytes::from_static(b": still here\n\n"));
            }
        }
        if row.status.is_final() {
            self.end(row).await?;
        }
        Ok(())
    }

    async fn end(&mut self, row: Row) -> domain::Result<()> {
        self.over = true;
        let name = row.status.as_str();
        let (db, scope) = (self.app.db.read(), &self.scope);
        let last = match row.kind {
            Kind::Contacts => event(name, &shown(db, scope, row).await?),
            Kind::Blacklist => event(name, &blacklist::imports::shown(db, scope, row).await?),
        };
        self.waiting.push_back(last);
        Ok(())
    }
}

/// One event.
pub(in crate::v1) fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
