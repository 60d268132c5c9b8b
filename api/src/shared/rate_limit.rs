//! Requests per minute and token. Permits are leased from the database in blocks, so the limit holds across processes.
//!
//! State: what is left of this process's leases in the current minute. Losing it loses at most one block a token.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{clock::Timestamp, operator_tokens, tokens};
use uuid::Uuid;

use super::auth::Bearer;
use crate::App;

const MINUTE: Duration = Duration::from_secs(60);

/// Leased permits by token.
#[derive(Debug, Default)]
pub struct Permits(Mutex<HashMap<Uuid, Lease>>, tokio::sync::Mutex<()>);

#[derive(Debug, Clone, Copy)]
struct Lease {
    minute: Timestamp,
    left: i64,
    /// The database had no more to give in this minute.
    dry: bool,
    /// How many this process has used.
    used: i64,
}

/// Where a token stands, for the response's headers.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Requests a minute.
    pub limit: i64,
    /// What is left as far as this process knows.
    pub remaining: i64,
    /// Seconds until the next minute.
    pub reset: u64,
    /// Whether this request was let through.
    pub allowed: bool,
}

impl Permits {
    /// Takes one permit.
    pub async fn take(&self, app: &App, bearer: Bearer, limit: i64) -> domain::Result<Standing> {
        let token = bearer.id();
        let now = app.clock.now();
        let minute = Timestamp(now.0 - now.0.rem_euclid(60_000_000));
        let standing = |lease: Lease, allowed| Standing {
            limit,
            remaining: if lease.dry { lease.left } else { limit.saturating_sub(lease.used).max(0) },
            reset: now.until(minute.plus(MINUTE)).as_secs() + 1,
            allowed,
        };
        loop {
            if let Some((lease, allowed)) = self.take_local(token, minute) {
                return Ok(standing(lease, allowed));
            }
            // One at a time: those that come meanwhile find what the first one leased.
            let _alone = self.1.lock().await;
            if let Some((lease, allowed)) = self.take_local(token, minute) {
                return Ok(standing(lease, allowed));
            }
            let tx = app.db.begin().await?;
            match bearer {
                Bearer::Account(token) => tokens::used(&tx, now, token).await?,
                Bearer::Operator(token) => operator_tokens::used(&tx, now, token).await?,
            }
            let got = tokens::lease(&tx, token, minute, limit).await?;
            tx.commit().await?;
            self.add(token, minute, got);
        }
    }

    /// A permit from what was leased; `None` when the database must be asked.
    fn take_local(&self, token: Uuid, minute: Timestamp) -> Option<(Lease, bool)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lease = all.get_mut(&token).filter(|l| l.minute == minute)?;
        if lease.left > 0 {
            lease.left -= 1;
            lease.used += 1;
            return Some((*lease, true));
        }
        lease.dry.then_some((*lease, false))
    }

    fn add(&self, token: Uuid, minute: Timestamp, got: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > 10_000 {
            all.retain(|_, l| l.minute == minute);
        }
        let fresh = Lease { minute, left: 0, dry: false, used: 0 };
        let lease = all.entry(token).or_insert(fresh);
        if lease.minute != minute {
            *lease = fresh;
        }
        lease.left += got;
        lease.dry = got == 0;
    }
}
