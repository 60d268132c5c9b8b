//! What an answer says of the message.

use std::time::Duration;

use serde_json::Value;

use super::{AnswerRules, ERROR, ID, scalar, tidy};

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// The header that the rules name.
    pub message_id: Option<String>,
    /// Retry-After, when it is a number of seconds.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, under this id.
    Accepted(String),
    /// Refused for good, with this code.
    Refused(String),
    /// Refused for now: try again.
    Temporary(String),
    /// Not taken, with this code: wait, at least so long when it says so.
    Throttled(String, Option<Duration>),
    /// It may have been taken or not.
    Unclear(&'static str),
}

/// Reads an answer.
pub fn read(rules: &AnswerRules, reply: &Reply) -> Verdict {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let at = |pointer: &String| body.as_ref().and_then(|b| b.pointer(pointer)).and_then(scalar);
    let status = reply.status;
    let good = if rules.statuses.is_empty() { (200..300).contains(&status) } else { rules.statuses.contains(&status) };
    let found = rules.success_pointer.as_ref().map(at);
    let agreed = found.as_ref().is_none_or(|found| *found == rules.success_value);
    let told = rules.error_pointer.as_ref().and_then(at).map(|code| tidy(&code, ERROR)).filter(|c| !c.is_empty());
    let succeeded = good && agreed;
    if succeeded {
        let id = match (&rules.message_id_pointer, &rules.message_id_header) {
            (Some(pointer), _) => at(pointer),
            (None, Some(_)) => reply.message_id.clone(),
            // A body that has a code is no id.
            (None, None) if told.is_some() => None,
            (None, None) => std::str::from_utf8(&reply.body).ok().filter(|t| t.len() <= ID * 2).map(str::to_owned),
        };
        match id.map(|id| tidy(&id, ID)).filter(|id| !id.is_empty()) {
            Some(id) => return Verdict::Accepted(id),
            None if told.is_none() => return Verdict::Unclear("answer_without_id"),
            // A provider that answers 200 to everything tells by its code what it is.
            None => {}
        }
    }
    let code = told.clone().unwrap_or_else(|| status.to_string());
    let named = |codes: &[String]| codes.contains(&code) || codes.contains(&status.to_string());
    if named(&rules.definitive_codes) {
        return Verdict::Refused(code);
    }
    let asks_to_wait = status == 429 || (500..600).contains(&status) && reply.retry_after.is_some();
    if asks_to_wait || named(&rules.throttling_codes) {
        return Verdict::Throttled(code, reply.retry_after);
    }
    if named(&rules.temporary_codes) {
        return Verdict::Temporary(code);
    }
    match status {
        // The body says both that it worked and, by a code that nobody knows, something else.
        200..300 if succeeded && found.is_some() => Verdict::Unclear("answer_without_id"),
        // Of a 2xx only a code, or a success value that is another, refuses; a page of some proxy does not.
        200..300 if told.is_some() || found.is_some_and(|found| found.is_some()) => Verdict::Refused(code),
        408 | 100..300 | 500.. => Verdict::Unclear("answer_unclear"),
        // A redirection is not followed.
        _ => Verdict::Refused(code),
    }
}
