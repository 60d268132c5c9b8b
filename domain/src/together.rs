//! Work that concurrent callers do together: while one batch runs, what comes meanwhile becomes the next one. A caller
//! who is alone waits for nobody; sixty-four at once share a transaction and its fsync.
//!
//! State: for each key, what waits for its runner; a key is there exactly while a runner is. Invariants: items of one
//! key are taken in the order they came; a batch begins when the one before has ended, and has what came until its
//! transaction began, which makes batches large when the disk is slow or the database busy; a runner is a task of its own, so that a caller who goes away takes nothing with it; every caller gets an
//! answer, or `None` when the batch broke.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{runtime::Handle, sync::oneshot};

/// One item, and who waits for what becomes of it.
type Waiting<I, O> = (I, oneshot::Sender<O>);

/// What waits, by key.
type Lines<K, I, O> = Arc<Mutex<HashMap<K, VecDeque<Waiting<I, O>>>>>;

/// Batches by key.
#[derive(Debug)]
pub struct Together<K, I, O> {
    waiting: Lines<K, I, O>,
    most: usize,
    /// Where batches run: beside the threads that answer HTTP, whose turns are long.
    home: Option<Handle>,
}

/// Ends the turn of a runner, also when it breaks: those who wait learn of it, and the next caller begins anew.
struct Turn<K: Eq + Hash, I, O> {
    waiting: Lines<K, I, O>,
    key: K,
    over: bool,
}

impl<K: Eq + Hash, I, O> Drop for Turn<K, I, O> {
    fn drop(&mut self) {
        if !self.over {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        }
    }
}

impl<K, I, O> Together<K, I, O>
where
    K: Clone + Eq + Hash + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
{
    /// Batches of at most `most` items, which run on the runtime that this is called on; where there is none, on that of
    /// their callers.
    pub fn new(most: usize) -> Self {
        Self { waiting: Arc::default(), most, home: Handle::try_current().ok() }
    }

    /// Has `item` worked on by `run`, together with what others of this key bring at the same time; gives its outcome.
    /// `run` is given what `begin` gave, for which others may be waited for, and the items that are there by then; it answers
    /// each in its place. Must be called on a tokio runtime.
    pub async fn join<B, G, R, F>(&self, key: K, item: I, begin: B, run: R) -> Option<O>
    where
        B: Fn() -> G + Send + 'static,
        G: Future<Output: Send> + Send + 'static,
        R: Fn(G::Output, Vec<I>) -> F + Send + 'static,
        F: Future<Output = Vec<O>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let alone = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let alone = !waiting.contains_key(&key);
            waiting.entry(key.clone()).or_default().push_back((item, answer));
            alone
        };
        if alone {
            let runner = work_off(Arc::clone(&self.waiting), key, self.most, begin, run);
            match &self.home {
                Some(home) => drop(home.spawn(runner)),
                None => drop(tokio::spawn(runner)),
            }
        }
        answered.await.ok()
    }
}

/// Runs batch after batch until nothing waits.
async fn work_off<K, I, O, B, G, R, F>(waiting: Lines<K, I, O>, key: K, most: usize, begin: B, run: R)
where
    K: Eq + Hash,
    O: Send + 'static,
    B: Fn() -> G,
    G: Future,
    R: Fn(G::Output, Vec<I>) -> F,
    F: Future<Output = Vec<O>> + Send + 'static,
{
    let mut turn = Turn { waiting, key, over: false };
    while turn.goes_on() {
        let begun = begin().await;
        let (items, callers) = turn.take(most);
        for (caller, outcome) in callers.into_iter().zip(run(begun, items).await) {
            let _ = caller.send(outcome); // one that went away
        }
    }
}

impl<K: Eq + Hash, I, O> Turn<K, I, O> {
    /// Whether anything waits. When nothing does the turn is over, under the lock that the next caller needs to begin one.
    fn goes_on(&mut self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.over = waiting.get(&self.key).is_none_or(VecDeque::is_empty);
        if self.over {
            waiting.remove(&self.key);
        }
        !self.over
    }

    /// What waits now, up to `most`: only a turn takes from its line, so it is as much as when it was asked, or more.
    fn take(&mut self, most: usize) -> (Vec<I>, Vec<oneshot::Sender<O>>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = waiting.get_mut(&self.key) else { return Default::default() };
        let count = line.len().min(most);
        line.drain(..count).unzip()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_comes_meanwhile_is_the_next_batch() {
        let together: Together<u8, u32, (u32, usize)> = Together::new(8);
        let one = |n: u32| {
            let run = |(), items: Vec<u32>| async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                let size = items.len();
                items.into_iter().map(|n| (n * 2, size)).collect()
            };
            together.join(1, n, || std::future::ready(()), run)
        };
        let all = futures_of((0..21).map(one).collect()).await;
        let sizes: Vec<_> = all.iter().map(|o| o.unwrap().1).collect();
        assert_eq!(sizes.iter().filter(|s| **s == 8).count(), 16, "no more than eight at a time: {sizes:?}");
        assert!(all.iter().enumerate().all(|(n, o)| o.unwrap().0 == u32::try_from(n).unwrap() * 2), "each its own");
        assert_eq!(one(7).await, Some((14, 1)), "one alone");
    }

    #[tokio::test]
    async fn a_runner_that_breaks_holds_up_nobody() {
        let together: Together<(), bool, bool> = Together::new(8);
        let begin = || std::future::ready(());
        let run = |(), items: Vec<bool>| async move {
            assert!(items.iter().all(|good| *good), "a bad one");
            items
        };
        assert_eq!(together.join((), false, begin, run).await, None);
        assert_eq!(together.join((), true, begin, run).await, Some(true));
    }

    #[tokio::test]
    async fn what_comes_while_a_batch_waits_to_begin_is_in_it() {
        let together: Together<(), u32, usize> = Together::new(8);
        let begin = || tokio::time::sleep(Duration::from_millis(20));
        let run = |(), items: Vec<u32>| async move { items.iter().map(|_| items.len()).collect() };
        let sizes = futures_of((0..5).map(|n| together.join((), n, begin, run)).collect()).await;
        assert_eq!(sizes, [Some(5); 5]);
    }

    async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
        let mut all: Vec<_> = futures.into_iter().map(Box::pin).collect();
        let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
        std::future::poll_fn(|cx| {
            for (future, slot) in all.iter_mut().zip(&mut done) {
                if slot.is_none()
                    && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
                {
                    *slot = Some(output);
                }
            }
            if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        done.into_iter().flatten().collect()
    }
}
