//! The prepaid balance: a double-entry, append-only ledger, the row of spendable money that moves with it, and holds.
//!
//! Money of a customer lies in two buckets, `purchased` and `granted` (spent first), and in what holds have set apart,
//! `held`, which is their sum and has no row: a capture touches its hold alone, so that what carriers accept never
//! waits for those who send, nor they for it. Revenue, clearing, bonus and receivable are sums of postings, so that no
//! row is shared by tenants.
//!
//! A hold: open → closed, once captured + released = reserved. Each message of a hold ends in exactly one capture or
//! one release of its price.
//!
//! Invariants: I1 Σ postings = 0 per journal · I2 a bucket = Σ its postings · I3 Σ postings to held = Σ (reserved −
//! captured − released) of the holds, of which the closed ones have none · I4 a charge = Σ price × segments of its
//! messages · I7 nothing is negative · I8 a repeated key changes nothing. Locks are taken in this order: balances by
//! account, then holds.

mod audit;
mod hold;
mod ledger;
mod queries;
mod refund;
#[cfg(test)]
mod tests;
mod top_up;

pub use audit::{Audit, Check, audit};
pub use hold::{Capture, capture, hold, hold_new, lock_holds, release};
pub use ledger::{Kind, Ledger, freeze};
pub use queries::{Balance, Entry, EntryFilter, Trail, balance, charged, entries, trail};
pub use refund::refund;
pub use top_up::{Bucket, top_up};
