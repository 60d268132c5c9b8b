//! The progress of work in the background as server-sent events: `progress` whenever it changes, and one last event, named
//! as the status, when the work is over.
//!
//! The row is looked at twice a second, so it does not matter which process does the work. A stream that breaks off is no
//! loss: the client connects again and goes on from the row.

use std::time::Duration;

use actix_web::{HttpResponse, web::Bytes};
use futures_util::{Stream, stream::unfold};
use serde::Serialize;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks without news after which a comment keeps the connection open.
const QUIET: u32 = 30;

/// What a look at the work has found.
pub struct Seen<P> {
    /// How far it is.
    pub progress: P,
    /// Its last event, once it is over.
    pub last: Option<Event>,
}

/// One event.
pub struct Event(String);

impl Event {
    /// The event of this name.
    pub fn new(name: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
        Self(format!("event: {name}\ndata: {data}\n\n"))
    }
}

/// What the client has been told.
struct Told<P> {
    progress: Option<P>,
    quiet: u32,
    over: bool,
}

/// The answer that goes on until a look finds the work over, or fails.
pub fn stream<P, F>(look: impl Fn() -> F + 'static) -> HttpResponse
where
    P: Serialize + PartialEq + 'static,
    F: Future<Output = domain::Result<Seen<P>>> + 'static,
{
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        // proxies that collect answers would hold the events back
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events(look))
}

fn events<P, F>(look: impl Fn() -> F) -> impl Stream<Item = Result<Bytes, actix_web::Error>>
where
    P: Serialize + PartialEq,
    F: Future<Output = domain::Result<Seen<P>>>,
{
    let nothing = Told { progress: None, quiet: 0, over: false };
    unfold((look, nothing), |(look, mut told)| async move {
        while !told.over {
            if told.progress.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            match look().await {
                Ok(seen) => {
                    if let Some(news) = told.news(seen) {
                        return Some((Ok(news), (look, told)));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a progress stream ended early");
                    return None;
                }
            }
        }
        None
    })
}

impl<P: Serialize + PartialEq> Told<P> {
    /// What there is to tell of the work as it stands now.
    fn news(&mut self, Seen { progress, last }: Seen<P>) -> Option<Bytes> {
        let mut text = String::new();
        if self.progress.as_ref() == Some(&progress) {
            self.quiet += 1;
            if self.quiet.is_multiple_of(QUIET) {
                text.push_str(": still here\n\n");
            }
        } else {
            text.push_str(&Event::new("progress", &progress).0);
            (self.progress, self.quiet) = (Some(progress), 0);
        }
        if let Some(Event(last)) = last {
            text.push_str(&last);
            self.over = true;
        }
        (!text.is_empty()).then(|| Bytes::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_and_signs_of_life_are_told() {
        let mut told = Told { progress: None, quiet: 0, over: false };
        let mut look = |progress: u32, last: Option<Event>| told.news(Seen { progress, last });
        assert_eq!(look(1, None).unwrap(), "event: progress\ndata: 1\n\n");
        for _ in 1..QUIET {
            assert_eq!(look(1, None), None);
        }
        assert_eq!(look(1, None).unwrap(), ": still here\n\n");
        let end = || Some(Event::new("completed", &[7]));
        assert_eq!(look(2, end()).unwrap(), "event: progress\ndata: 2\n\nevent: completed\ndata: [7]\n\n");
        assert!(told.over);
    }

    #[actix_web::test]
    async fn a_stream_ends_with_the_work_or_with_a_failed_look() {
        use futures_util::StreamExt;
        let over = events(|| async { Ok(Seen { progress: 1, last: Some(Event::new("failed", &0)) }) });
        let told: Vec<_> = over.map(|event| event.unwrap()).collect().await;
        assert_eq!(told, ["event: progress\ndata: 1\n\nevent: failed\ndata: 0\n\n"]);
        let broken = events(|| async { Err::<Seen<u32>, _>(domain::Error::internal("away")) });
        assert_eq!(broken.count().await, 0);
    }
}
