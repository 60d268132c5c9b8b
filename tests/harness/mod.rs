//! What the integration tests stand on.
//!
//! A [`Stage`] is a database of its own and the settings of a server. [`Stage::start`] runs `carillon serve` on it and
//! gives an [`App`]: a process and a [`Client`] with the demo account's token. Nothing sleeps to wait: [`until`] polls
//! with a deadline. Everything is stopped and removed when it goes out of scope, also when a test fails.

mod client;
mod collector;
mod databases;
mod judge;
mod process;
mod proxy;
mod schema;
mod scripted;
mod stage;
mod tls;

use std::time::{Duration, Instant};

pub use client::{Answer, Client, merged, micros, numbers};
pub use collector::{Collector, attribute};
pub use judge::Judge;
pub use process::{App, Process};
pub use proxy::{Proxy, Towards};
pub use schema::{check_event, event_types};
pub use scripted::Scripted;
pub use stage::{Stage, TOKEN, bare};
pub use tls::{Authority, TlsFront};

/// How long a test waits for what should take a moment.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until `look` finds something.
#[track_caller]
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// The same with a deadline of its own.
#[track_caller]
pub fn within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {patience:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Looks for a while that something stays as it is: for what must *not* happen.
#[track_caller]
pub fn stays(time: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        assert!(holds(), "{what} did not stay so");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Makes each test on both databases: a function takes the [`Stage`] it plays on.
macro_rules! both {
    ($($(#[$meta:meta])* fn $name:ident($stage:ident) $body:block)+) => {
        $(
            $(#[$meta])*
            #[allow(unused_mut, reason = "some tests set the stage up first")]
            fn $name(mut $stage: $crate::harness::Stage) $body
        )+
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::harness::Stage::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                if let Some(stage) = $crate::harness::Stage::postgres() {
                    super::$name(stage);
                }
            })+
        }
    };
}
