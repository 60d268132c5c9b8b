//! Messages: what was sent to whom, in which state, at what price. The states are told in [`status`].
//!
//! A message belongs to a chunk of up to 1,000; pumps claim chunks under a lease ([`window`]), carriers' answers and
//! receipts come back in batches ([`record`]), time does the rest ([`sweep`]). Every change of state goes through
//! [`moves`], or [`straight`] where nothing is to be decided; counts, money and events move with it ([`tally`]).

mod answered;
mod backlog;
mod batch;
mod cancel;
pub mod chunks;
pub mod doubts;
mod fail_over;
pub mod frequency;
mod list;
mod moves;
mod notes;
mod parts;
mod plan;
mod priority;
mod queries;
mod record;
mod reroute;
mod resend;
mod send;
mod status;
pub mod stop;
mod straight;
pub mod sweep;
mod tally;
mod terms;
mod trace;
pub mod validity;
mod weekdays;
pub mod window;
mod write;

pub use answered::{Answered, Asked, answered};
pub use backlog::{Backlog, backlog};
pub use batch::{Addressee, SentBatch, send_batch};
pub use cancel::cancel;
pub use list::{Filter, Listed, list};
pub use notes::PutOff;
pub use plan::{Draft, Letter, Outcome, Piece, Recipient, Skip, Values};
pub use priority::Priority;
pub use queries::{Message, Part, get, parts_of};
pub use record::{Answer, MOST_RAW, Patience, Receipt, Recorded, Reference, Submitted, receive, record};
pub use reroute::Passes;
pub use resend::Resend;
pub use send::{Letterhead, Request, Sent, cost, plan, recipients, send};
pub use status::{ReceiptState, Status, verdict};
pub use terms::Terms;
pub use trace::{Attempt, CameReceipt, Doubt, Line, Trace, TracedPart, Try, TryOutcome, WaitingReceipt, owner, trace};
pub use write::{Home, Mailing, Portions, Written, count, write};
