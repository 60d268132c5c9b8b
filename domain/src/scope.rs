//! Who is asking. Every query starts from a scope, and a scope is made only by authentication or by the worker.
//!
//! Invariant: the one way to a row of an account is an [`AccountScope`] of that account; another account's id is
//! therefore simply not found.

use crate::{
    clock::Clock,
    ids::{AccountId, TokenId},
};

/// What a token may do: a resource and a verb, such as `campaigns:write`; `*` is everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Every scope there is, with what it lets a token do.
    pub const ALL: [(&'static str, &'static str); 19] = [
        ("*", "everything"),
        ("account:read", "read the account's settings"),
        ("account:write", "change the account's settings"),
        ("balance:read", "read the balance, the ledger and the rates"),
        ("blacklist:read", "read the blacklist and unsubscribes"),
        ("blacklist:write", "change the blacklist and unsubscribes"),
        ("campaigns:read", "read campaigns"),
        ("campaigns:write", "make, launch and stop campaigns"),
        ("contacts:read", "read contacts, groups, fields and imports"),
        ("contacts:write", "change contacts, groups and fields; import"),
        ("events:read", "read the event stream"),
        ("exports:read", "read exports and download their files"),
        ("exports:write", "export contacts, the blacklist and unsubscribes"),
        ("messages:read", "read messages and reports"),
        ("messages:write", "send and cancel messages"),
        ("templates:read", "read templates and senders"),
        ("templates:write", "change templates, ask for senders"),
        ("tokens:read", "list API tokens"),
        ("tokens:write", "make, rotate and revoke API tokens"),
    ];
    /// Every scope of an operator's token, with what it lets the token do.
    pub const OPERATOR: [(&'static str, &'static str); 9] = [
        ("*", "everything"),
        ("carriers:read", "read carriers and how their connections are"),
        ("carriers:write", "make, change and delete carriers"),
        ("messages:read", "trace any account's message, list messages in doubt"),
        ("messages:write", "resolve messages in doubt"),
        ("numbers:read", "look ported numbers up"),
        ("numbers:write", "say which numbers are ported"),
        ("routes:read", "read routes"),
        ("routes:write", "make, change and delete routes"),
    ];
    /// Takes a list as stored.
    pub fn new(list: Vec<String>) -> Self {
        Self(list)
    }
    /// Whether this list grants `wanted`.
    pub fn allow(&self, wanted: &str) -> bool {
        self.0.iter().any(|s| s == "*" || s == wanted)
    }
    /// The list itself.
    pub fn list(&self) -> &[String] {
        &self.0
    }
}

/// The rows of one account. A test environment is an account of its own, so there is no mode beside the id.
#[derive(Debug, Clone)]
pub struct AccountScope {
    account: AccountId,
    token: Option<TokenId>,
    livemode: bool,
    clock: Clock,
}

impl AccountScope {
    /// For authentication (with the token that was shown) and for the worker (without).
    pub fn new(account: AccountId, token: Option<TokenId>, livemode: bool, clock: Clock) -> Self {
        Self { account, token, livemode, clock }
    }
    /// The account whose rows these are.
    pub fn account(&self) -> AccountId {
        self.account
    }
    /// The token that was shown, if a request made this scope.
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }
    /// False for a test environment.
    pub fn livemode(&self) -> bool {
        self.livemode
    }
    /// The clock that rules this request or job.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// Whoever runs the platform: the admin command, or a request with an operator token. Sees every account.
#[derive(Debug, Clone)]
pub struct OperatorScope {
    /// The clock that rules this command or request.
    pub clock: Clock,
}

/// The worker and its schedules: moves rows of every account by their own rules.
#[derive(Debug, Clone)]
pub struct SystemScope {
    /// The clock that rules this job.
    pub clock: Clock,
}

impl SystemScope {
    /// Narrows to one account, for a job that works on its rows.
    pub fn of(&self, account: AccountId, livemode: bool) -> AccountScope {
        AccountScope::new(account, None, livemode, self.clock.clone())
    }
}
