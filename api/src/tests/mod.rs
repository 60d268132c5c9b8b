//! What every resource gets for free, shown on templates; and what is special to tokens, senders and the account.

mod front;
mod idempotency;
mod operator;
mod resources;
mod server;
mod tokens;
