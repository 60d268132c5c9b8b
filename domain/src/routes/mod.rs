//! Routes: which carrier a message goes to. A route says what messages it is for (account, country, operator, kind of
//! sender) and which carrier they take, with a priority, a weight or a canary's share, and a cost.
//!
//! [`choose`] is the rule, pure and the same for sending and explaining; [`Routing`] is what of the routes concerns one
//! account, read once a request or job. Where no route matches, the account's own carrier is taken.
//!
//! Invariants: the choice depends on the routes, the message's facts and its id alone, so it can be repeated; a test
//! environment takes only routes that name it, so that no test reaches a real carrier by a general route; a route whose
//! carrier is off is not taken, and one whose carrier is down only when there is no other.

mod canaries;
mod choose;
mod delete;
mod explain;
mod queries;
mod routing;
#[cfg(test)]
mod tests;
mod write;

pub use choose::{Facts, Mismatch, Rule, choose, hash};
pub use delete::delete;
pub use explain::{Considered, explain};
pub use queries::{Filter, Route, find, list, passed_over};
pub use routing::{Lane, Routing};
pub use write::{Change, NewRoute, create, update};
