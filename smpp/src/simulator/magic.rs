//! The numbers that misbehave, each in its own documented way.
//!
//! Invariant: one table, looked up by the exact full number; `docs/simulator.md` reproduces it and a test compares. Every other number is delivered.

use crate::receipt::MessageState::{
    self, Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Undeliverable, Unknown,
};
use crate::status::{ESME_RINVDSTADR, ESME_RMSGQFUL, ESME_RSUBMITFAIL, ESME_RTHROTTLED, ESME_RX_R_APPN};

/// How the submit_sm is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// ESME_ROK at once.
    Accept,
    /// This status, always.
    Refuse(u32),
    /// This status so many times for the same message, then ESME_ROK; after that it begins anew.
    RefuseFirst(u32, u32),
    /// ESME_ROK after `slow_answer` (5 s).
    Slow,
    /// ESME_ROK after `late_answer` (65 s).
    Late,
    /// None.
    Silent,
    /// This status, with this delivery_failure_reason and this additional_status_info_text.
    RefuseWith(u32, u8, &'static str),
    /// ESME_ROK with this congestion_state, in sessions of SMPP 5.0.
    Busy(u8),
    /// The first try of a message is neither answered nor taken further; the next is answered with ESME_ROK.
    SilentFirst,
    /// ESME_ROK, but the receipt first.
    AfterReceipt,
    /// None; the TCP connection is reset.
    Reset,
}

/// When a receipt is sent, counted from the submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After so many times `receipt_delay`.
    Delay(u32),
    /// After `late_receipt` (30 s).
    Late,
    /// `receipt_delay` after the slow or late answer.
    AfterAnswer,
}

/// One receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub state: MessageState,
    /// The `err` field and `network_error_code`, 0 ..= 999.
    pub error: u16,
    pub when: When,
    /// Carries an id that was never given out.
    pub unknown_id: bool,
}

/// What the subscriber writes back, twice `receipt_delay` after the submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    None,
    /// What came, part by part.
    Echo,
    /// This text.
    Text(&'static str),
    /// The same delivery two times, as after a lost acknowledgement.
    Twice(&'static str),
    /// A long text in UCS-2 with an 8-bit reference, its last part first.
    LongLastFirst(&'static str),
}

/// The long reply: three parts.
pub const LONG: &str = "Дякую, усе отримав. Приїду завтра о восьмій ранку, якщо не затримають на роботі. \
    Передайте, будь ласка, що документи вже в мене, а ключ лежить там, де ми домовились минулого разу.";

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Magic {
    /// E.164 with the plus sign.
    pub number: &'static str,
    pub answer: Answer,
    pub receipts: &'static [Step],
    /// Receipts of the second part of a long message, where it fares differently.
    pub second_part: Option<&'static [Step]>,
    pub reply: Reply,
    pub description: &'static str,
}

const fn step(state: MessageState, error: u16, delays: u32) -> Step {
    Step { state, error, when: When::Delay(delays), unknown_id: false }
}

const DELIVERED: &[Step] = &[step(Delivered, 0, 1)];
const DELIVERED_AFTER_ANSWER: &[Step] =
    &[Step { state: Delivered, error: 0, when: When::AfterAnswer, unknown_id: false }];

const fn row(number: &'static str, answer: Answer, receipts: &'static [Step], description: &'static str) -> Magic {
    Magic { number, answer, receipts, second_part: None, reply: Reply::None, description }
}

const fn replying(number: &'static str, reply: Reply, description: &'static str) -> Magic {
    Magic { number, answer: Answer::Accept, receipts: DELIVERED, second_part: None, reply, description }
}

/// What every number without a row does.
pub const ORDINARY: Magic = row("", Answer::Accept, DELIVERED, "Delivered.");

/// Every number that has a row, in order.
pub const TABLE: &[Magic] = &[
    row("+12015550100", Answer::Accept, DELIVERED, "Delivered."),
    row(
        "+12015550101",
        Answer::Accept,
        &[step(Undeliverable, 1, 1)],
        "Undelivered: receipt UNDELIV, err 001 (absent subscriber).",
    ),
    row("+12015550102", Answer::Accept, &[step(Expired, 2, 1)], "Expired: receipt EXPIRED, err 002."),
    row(
        "+12015550103",
        Answer::Accept,
        &[step(Rejected, 3, 1)],
        "Rejected after acceptance: receipt REJECTD, err 003.",
    ),
    row("+12015550104", Answer::Refuse(ESME_RINVDSTADR), &[], "Refused at submit: ESME_RINVDSTADR."),
    row("+12015550105", Answer::Refuse(ESME_RSUBMITFAIL), &[], "Refused at submit: ESME_RSUBMITFAIL."),
    row(
        "+12015550106",
        Answer::RefuseFirst(ESME_RTHROTTLED, 2),
        DELIVERED,
        "ESME_RTHROTTLED on the first two tries of a message, then delivered.",
    ),
    row(
        "+12015550107",
        Answer::RefuseFirst(ESME_RMSGQFUL, 1),
        DELIVERED,
        "ESME_RMSGQFUL on the first try of a message, then delivered.",
    ),
    row("+12015550108", Answer::Slow, DELIVERED_AFTER_ANSWER, "Slow answer (5 s), then delivered."),
    row("+12015550109", Answer::Silent, &[], "No answer ever and no receipt."),
    row("+12015550110", Answer::Silent, DELIVERED, "No answer, but a DELIVRD receipt comes."),
    row(
        "+12015550111",
        Answer::Accept,
        &[step(Delivered, 0, 1), step(Delivered, 0, 1)],
        "Delivered; the receipt comes twice.",
    ),
    row(
        "+12015550112",
        Answer::AfterReceipt,
        &[step(Delivered, 0, 0)],
        "Delivered; the receipt comes before the answer to the submit.",
    ),
    row("+12015550113", Answer::Accept, &[], "Accepted; no receipt ever."),
    row(
        "+12015550114",
        Answer::Accept,
        &[step(Enroute, 0, 1), step(Delivered, 0, 2)],
        "Receipt ENROUTE, then DELIVRD.",
    ),
    row(
        "+12015550115",
        Answer::Accept,
        &[step(Delivered, 0, 1), step(Enroute, 0, 2)],
        "Receipt DELIVRD, then ENROUTE (out of order).",
    ),
    row(
        "+12015550116",
        Answer::Accept,
        &[Step { state: Delivered, error: 0, when: When::Delay(1), unknown_id: true }, step(Delivered, 0, 1)],
        "Delivered; a receipt for an id never given out comes besides the right one.",
    ),
    row(
        "+12015550117",
        Answer::Reset,
        DELIVERED,
        "Connection reset without an answer after the message was taken; the receipt comes after the next bind.",
    ),
    Magic {
        number: "+12015550118",
        answer: Answer::Accept,
        receipts: DELIVERED,
        second_part: Some(&[step(Undeliverable, 1, 1)]),
        reply: Reply::None,
        description: "The second part of a long message is UNDELIV, err 001; all other parts are delivered.",
    },
    row(
        "+12015550119",
        Answer::Accept,
        &[Step { state: Delivered, error: 0, when: When::Late, unknown_id: false }],
        "Delivered; the receipt comes late (30 s).",
    ),
    row("+12015550120", Answer::Accept, &[step(Deleted, 4, 1)], "Deleted: receipt DELETED, err 004."),
    row("+12015550121", Answer::Accept, &[step(Unknown, 5, 1)], "Unknown: receipt UNKNOWN, err 005."),
    row("+12015550122", Answer::Accept, &[step(Accepted, 0, 1)], "Receipt ACCEPTD only; no final receipt ever."),
    row(
        "+12015550123",
        Answer::Late,
        DELIVERED_AFTER_ANSWER,
        "Late answer (65 s, after the usual time-out of 60 s), then delivered.",
    ),
    replying(
        "+12015550124",
        Reply::Echo,
        "Delivered; the subscriber writes the same text back, in the same encoding and the same parts.",
    ),
    replying("+12015550125", Reply::Text("STOP"), "Delivered; the subscriber writes `STOP`."),
    replying("+12015550126", Reply::Text("START"), "Delivered; the subscriber writes `START`."),
    replying(
        "+12015550127",
        Reply::LongLastFirst(LONG),
        "Delivered; the subscriber writes a long text in UCS-2, whose three parts come last first.",
    ),
    replying(
        "+12015550128",
        Reply::Twice("Yes"),
        "Delivered; the subscriber writes `Yes`, which is delivered twice, as after a lost acknowledgement.",
    ),
    row(
        "+12015550129",
        Answer::SilentFirst,
        DELIVERED,
        "No answer to the first try of a message, which goes no further; the next try is delivered.",
    ),
    row(
        "+12015550130",
        Answer::RefuseWith(ESME_RX_R_APPN, 2, "Blocked by the operator"),
        &[],
        "Refused at submit: ESME_RX_R_APPN, with `delivery_failure_reason` 2 and a text in `additional_status_info_text`.",
    ),
    row(
        "+12015550131",
        Answer::Busy(95),
        DELIVERED,
        "Delivered; in a session of SMPP 5.0 the answer has `congestion_state` 95.",
    ),
    row(
        "+12015550132",
        Answer::RefuseFirst(ESME_RSUBMITFAIL, 1),
        DELIVERED,
        "ESME_RSUBMITFAIL on the first try of a message, then delivered: the second try is another carrier's.",
    ),
];

/// The row of `dest`, with or without its plus sign; [`ORDINARY`] for every number that has none.
pub fn lookup(dest: &str) -> &'static Magic {
    let digits = dest.strip_prefix('+').unwrap_or(dest);
    // Nearly all numbers leave here.
    if !digits.starts_with("12015550") {
        return &ORDINARY;
    }
    TABLE.iter().find(|row| row.number.strip_prefix('+') == Some(digits)).unwrap_or(&ORDINARY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_full_numbers_are_magic() {
        assert_eq!(lookup("+12015550101").receipts[0].state, Undeliverable);
        assert_eq!(lookup("12015550101"), lookup("+12015550101"));
        for ordinary in ["+120155501010", "+5550101", "0101", "0012015550101", "+12015550199", "+442015550101", "", "+"]
        {
            assert_eq!(lookup(ordinary), &ORDINARY, "{ordinary}");
        }
    }

    #[test]
    fn numbers_are_in_order_and_in_the_reserved_range() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.number, format!("+120155501{index:02}"));
        }
    }

    /// The page that users read is the table that runs.
    #[test]
    fn the_documentation_lists_every_number_as_it_is() {
        let page = include_str!("../../../docs/simulator.md");
        for Magic { number, description, .. } in TABLE {
            let line = format!("| `{number}` | {description} |");
            assert!(page.contains(&line), "docs/simulator.md lacks the line:\n{line}");
        }
        assert_eq!(page.matches("| `+12015550").count(), TABLE.len(), "docs/simulator.md lists a number without a row");
    }
}
