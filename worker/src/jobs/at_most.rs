//! A limit on the jobs of one queue that run at once. apalis itself takes every job that it finds.
//!
//! Invariant: a job is taken from the queue only when there is a place for it, so that the others are left to other
//! workers; a place is free again when its job has ended, however it ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apalis::prelude::{Layer, Service};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

type Acquire = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// The limit of one queue.
#[derive(Debug, Clone)]
pub struct AtMost(Arc<Semaphore>);

impl AtMost {
    /// As many places.
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }
}

impl<S> Layer<S> for AtMost {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, places: self.0.clone(), asked: None, place: None }
    }
}

/// A service with a limit: ready when it has a place.
pub struct Limited<S> {
    inner: S,
    places: Arc<Semaphore>,
    asked: Option<Acquire>,
    place: Option<OwnedSemaphorePermit>,
}

impl<S, Request> Service<Request> for Limited<S>
where
    S: Service<Request, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.place.is_none() {
            let places = self.places.clone();
            let asked = self.asked.get_or_insert_with(|| Box::pin(places.acquire_owned()));
            self.place = ready!(asked.as_mut().poll(cx)).ok(); // the semaphore is never closed
            self.asked = None;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let place = self.place.take();
        let work = self.inner.call(request);
        Box::pin(async move {
            let outcome = work.await;
            drop(place);
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::poll_fn};

    use super::*;
    use tokio::sync::oneshot;

    /// A job that ends when it is told to.
    struct Until;

    impl Service<oneshot::Receiver<()>> for Until {
        type Response = ();
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<(), Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, end: oneshot::Receiver<()>) -> Self::Future {
            Box::pin(async move {
                let _ = end.await;
                Ok(())
            })
        }
    }

    async fn is_ready(service: &mut Limited<Until>) -> bool {
        poll_fn(|cx| Poll::Ready(service.poll_ready(cx).is_ready())).await
    }

    #[tokio::test]
    async fn no_more_jobs_are_taken_than_there_are_places() {
        let mut service = AtMost::new(2).layer(Until);
        let mut running = Vec::new();
        for _ in 0..2 {
            assert!(is_ready(&mut service).await);
            let (end, ended) = oneshot::channel();
            running.push((end, service.call(ended)));
        }
        assert!(!is_ready(&mut service).await);
        let (end, job) = running.remove(0);
        end.send(()).unwrap();
        job.await.unwrap();
        assert!(is_ready(&mut service).await, "an ended job frees its place");
        drop(running);
        let (_end, ended) = oneshot::channel();
        drop(service.call(ended));
        assert!(is_ready(&mut service).await, "and so does one that is given up");
    }
}
