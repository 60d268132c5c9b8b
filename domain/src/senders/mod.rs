//! Senders: what recipients see as the sender of a message.
//!
//! States: `pending` → `approved` or `rejected` (with a reason), decided by the operator, who may change a decision.
//!
//! Invariants: a value is unique within its account, whatever its case; only an approved one may be sent from; what
//! the [`rules`] refuse is never asked for.

mod class;
mod create;
mod decide;
mod delete;
mod entity;
mod queries;
mod rules;

pub use class::Class;
pub use create::create;
pub use decide::{Decision, decide, grant};
pub use delete::delete;
pub use entity::{Entity, Model as Sender, Status};
pub use queries::{find, list, owners, pending, require_approved, values};
pub use rules::check;
