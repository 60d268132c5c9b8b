//! `command_status` by name, meaning and what to do about it (SMPP 3.4 §5.1.3, 5.0 §4.7.6). Where the two versions name a
//! code differently, the name of 3.4 stands.
//!
//! Invariant: a code that is not in the table is [`Class::Definitive`], so that an unknown refusal is never repeated for ever.

/// What a refusal means for the message it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not a refusal.
    Success,
    /// The carrier asks us to slow down; no attempt is used up.
    Throttling,
    /// The carrier cannot just now; the same message may be tried again.
    Temporary,
    /// The carrier will not take this message; trying again is no use.
    Definitive,
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub code: u32,
    /// The name in the specification.
    pub name: &'static str,
    /// One line in plain words.
    pub explanation: &'static str,
    pub class: Class,
}

pub const ESME_ROK: u32 = 0x00;
pub const ESME_RINVMSGLEN: u32 = 0x01;
pub const ESME_RINVCMDLEN: u32 = 0x02;
pub const ESME_RINVCMDID: u32 = 0x03;
pub const ESME_RINVBNDSTS: u32 = 0x04;
pub const ESME_RALYBND: u32 = 0x05;
pub const ESME_RSYSERR: u32 = 0x08;
pub const ESME_RINVSRCADR: u32 = 0x0A;
pub const ESME_RINVDSTADR: u32 = 0x0B;
pub const ESME_RBINDFAIL: u32 = 0x0D;
pub const ESME_RINVPASWD: u32 = 0x0E;
pub const ESME_RINVSYSID: u32 = 0x0F;
pub const ESME_RMSGQFUL: u32 = 0x14;
pub const ESME_RINVSERTYP: u32 = 0x15;
pub const ESME_RSUBMITFAIL: u32 = 0x45;
pub const ESME_RTHROTTLED: u32 = 0x58;
pub const ESME_RINVEXPIRY: u32 = 0x62;
/// The receiver cannot take a delivery now and asks for it again later.
pub const ESME_RX_T_APPN: u32 = 0x64;
pub const ESME_RX_R_APPN: u32 = 0x66;

const fn row(code: u32, name: &'static str, class: Class, explanation: &'static str) -> Status {
    Status { code, name, explanation, class }
}

use Class::{Definitive, Success, Temporary, Throttling};

/// Every code of SMPP 3.4 §5.1.3 and 5.0 §4.7.6, in order. 0x400 to 0x4FF are the carrier's own.
pub const TABLE: &[Status] = &[
    row(0x00, "ESME_ROK", Success, "No error."),
    row(0x01, "ESME_RINVMSGLEN", Definitive, "The length of the message is invalid."),
    row(0x02, "ESME_RINVCMDLEN", Definitive, "The length of the command is invalid."),
    row(0x03, "ESME_RINVCMDID", Definitive, "The command is not known."),
    row(0x04, "ESME_RINVBNDSTS", Temporary, "The command is not allowed in the present state of the bind."),
    row(0x05, "ESME_RALYBND", Temporary, "The system is already bound."),
    row(0x06, "ESME_RINVPRTFLG", Definitive, "The priority flag is invalid."),
    row(0x07, "ESME_RINVREGDLVFLG", Definitive, "The registered delivery flag is invalid."),
    row(0x08, "ESME_RSYSERR", Temporary, "The carrier has an internal error."),
    row(0x0A, "ESME_RINVSRCADR", Definitive, "The sender is invalid."),
    row(0x0B, "ESME_RINVDSTADR", Definitive, "The destination number is invalid."),
    row(0x0C, "ESME_RINVMSGID", Definitive, "The message id is invalid."),
    row(0x0D, "ESME_RBINDFAIL", Temporary, "The bind failed."),
    row(0x0E, "ESME_RINVPASWD", Definitive, "The password is invalid."),
    row(0x0F, "ESME_RINVSYSID", Definitive, "The system id is invalid."),
    row(0x11, "ESME_RCANCELFAIL", Definitive, "The message could not be cancelled."),
    row(0x13, "ESME_RREPLACEFAIL", Definitive, "The message could not be replaced."),
    row(0x14, "ESME_RMSGQFUL", Throttling, "The carrier's queue is full."),
    row(0x15, "ESME_RINVSERTYP", Definitive, "The service type is invalid."),
    row(0x33, "ESME_RINVNUMDESTS", Definitive, "The number of destinations is invalid."),
    row(0x34, "ESME_RINVDLNAME", Definitive, "The name of the distribution list is invalid."),
    row(0x40, "ESME_RINVDESTFLAG", Definitive, "The destination flag is invalid."),
    row(0x42, "ESME_RINVSUBREP", Definitive, "Submit with replace is not supported here."),
    row(0x43, "ESME_RINVESMCLASS", Definitive, "The esm_class is invalid."),
    row(0x44, "ESME_RCNTSUBDL", Definitive, "Sending to a distribution list is not possible."),
    row(0x45, "ESME_RSUBMITFAIL", Definitive, "The carrier refused the message without saying why."),
    row(0x48, "ESME_RINVSRCTON", Definitive, "The sender's type of number is invalid."),
    row(0x49, "ESME_RINVSRCNPI", Definitive, "The sender's numbering plan is invalid."),
    row(0x50, "ESME_RINVDSTTON", Definitive, "The destination's type of number is invalid."),
    row(0x51, "ESME_RINVDSTNPI", Definitive, "The destination's numbering plan is invalid."),
    row(0x53, "ESME_RINVSYSTYP", Definitive, "The system type is invalid."),
    row(0x54, "ESME_RINVREPFLAG", Definitive, "The replace_if_present flag is invalid."),
    row(0x55, "ESME_RINVNUMMSGS", Definitive, "The number of messages is invalid."),
    row(0x58, "ESME_RTHROTTLED", Throttling, "Sent faster than the carrier allows."),
    row(0x61, "ESME_RINVSCHED", Definitive, "The scheduled delivery time is invalid."),
    row(0x62, "ESME_RINVEXPIRY", Definitive, "The validity period is invalid."),
    row(0x63, "ESME_RINVDFTMSGID", Definitive, "The predefined message is not known."),
    row(0x64, "ESME_RX_T_APPN", Temporary, "The receiver has a temporary error; try again later."),
    row(0x65, "ESME_RX_P_APPN", Definitive, "The receiver has a permanent error."),
    row(0x66, "ESME_RX_R_APPN", Definitive, "The receiver rejected the message."),
    row(0x67, "ESME_RQUERYFAIL", Definitive, "The query failed."),
    row(0xC0, "ESME_RINVOPTPARSTREAM", Definitive, "The optional part of the command is malformed."),
    row(0xC1, "ESME_ROPTPARNOTALLWD", Definitive, "An optional parameter is not allowed."),
    row(0xC2, "ESME_RINVPARLEN", Definitive, "The length of a parameter is invalid."),
    row(0xC3, "ESME_RMISSINGOPTPARAM", Definitive, "An expected optional parameter is missing."),
    row(0xC4, "ESME_RINVOPTPARAMVAL", Definitive, "The value of an optional parameter is invalid."),
    row(0xFE, "ESME_RDELIVERYFAILURE", Definitive, "The delivery failed."),
    row(0xFF, "ESME_RUNKNOWNERR", Temporary, "The carrier reports an unknown error."),
    row(0x100, "ESME_RSERTYPUNAUTH", Definitive, "The service type is not allowed to this log-in."),
    row(0x101, "ESME_RPROHIBITED", Definitive, "The command is not allowed to this log-in."),
    row(0x102, "ESME_RSERTYPUNAVAIL", Temporary, "The service type is out of service."),
    row(0x103, "ESME_RSERTYPDENIED", Definitive, "The text is not allowed with this service type."),
    row(0x104, "ESME_RINVDCS", Definitive, "The data_coding is invalid or not supported."),
    row(0x105, "ESME_RINVSRCADDRSUBUNIT", Definitive, "The sender's sub-unit is invalid."),
    row(0x106, "ESME_RINVDSTADDRSUBUNIT", Definitive, "The destination's sub-unit is invalid."),
    row(0x107, "ESME_RINVBCASTFREQINT", Definitive, "The interval of the broadcast is invalid."),
    row(0x108, "ESME_RINVBCASTALIAS_NAME", Definitive, "The alias name of the broadcast is invalid."),
    row(0x109, "ESME_RINVBCASTAREAFMT", Definitive, "The area format of the broadcast is invalid."),
    row(0x10A, "ESME_RINVNUMBCAST_AREAS", Definitive, "The number of areas of the broadcast is invalid."),
    row(0x10B, "ESME_RINVBCASTCNTTYPE", Definitive, "The content type of the broadcast is invalid."),
    row(0x10C, "ESME_RINVBCASTMSGCLASS", Definitive, "The message class of the broadcast is invalid."),
    row(0x10D, "ESME_RBCASTFAIL", Definitive, "The broadcast failed."),
    row(0x10E, "ESME_RBCASTQUERYFAIL", Definitive, "The query of a broadcast failed."),
    row(0x10F, "ESME_RBCASTCANCELFAIL", Definitive, "The broadcast could not be cancelled."),
    row(0x110, "ESME_RINVBCAST_REP", Definitive, "The number of repeats of the broadcast is invalid."),
    row(0x111, "ESME_RINVBCASTSRVGRP", Definitive, "The service group of the broadcast is invalid."),
    row(0x112, "ESME_RINVBCASTCHANIND", Definitive, "The channel indicator of the broadcast is invalid."),
];

/// The row of `code`, when SMPP knows it.
pub fn lookup(code: u32) -> Option<&'static Status> {
    TABLE.binary_search_by_key(&code, |row| row.code).ok().and_then(|index| TABLE.get(index))
}

/// The name of `code`: as specified, or `0x00000400` for a code of the carrier's own.
pub fn name(code: u32) -> String {
    lookup(code).map_or_else(|| format!("0x{code:08X}"), |row| row.name.to_owned())
}

/// One line about `code` in plain words.
pub fn explain(code: u32) -> &'static str {
    lookup(code).map_or("An error code of the carrier's own (not in SMPP).", |row| row.explanation)
}

/// What to do about `code`.
pub fn classify(code: u32) -> Class {
    lookup(code).map_or(Definitive, |row| row.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_again() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(TABLE.iter().all(|row| lookup(row.code) == Some(row)));
    }

    /// The codec was written by others from the same specifications.
    #[test]
    fn the_codec_knows_the_same_codes() {
        for code in 0..0x1000 {
            let theirs = rusmpp::CommandStatus::from(code);
            let unknown = matches!(theirs, rusmpp::CommandStatus::Other(_));
            assert_eq!(lookup(code).is_none(), unknown, "{code:#x} is {theirs:?} to the codec");
            if let Some(row) = lookup(code).filter(|row| !(0xC0..=0xC4).contains(&row.code)) {
                assert_eq!(format!("{theirs:?}").to_ascii_uppercase(), row.name.replace('_', ""));
            }
        }
    }

    #[test]
    fn the_manual_lists_every_code_as_it_is() {
        let page = include_str!("../../docs/smpp-carriers.md");
        let class = |class| match class {
            Success => "accepted",
            Throttling => "throttled",
            Temporary => "tried again",
            Definitive => "refused",
        };
        for Status { code, name, explanation, class: of } in TABLE {
            let line = format!("| `0x{code:08X}` | `{name}` | {} | {explanation} |", class(*of));
            assert!(page.contains(&line), "docs/smpp-carriers.md lacks the line:\n{line}");
        }
        assert_eq!(page.matches("| `ESME_R").count(), TABLE.len(), "docs/smpp-carriers.md lists a code without a row");
    }

    #[test]
    fn classes() {
        assert_eq!(classify(ESME_ROK), Success);
        assert_eq!(classify(ESME_RTHROTTLED), Throttling);
        assert_eq!(classify(ESME_RMSGQFUL), Throttling);
        assert_eq!(classify(ESME_RSYSERR), Temporary);
        assert_eq!(classify(ESME_RINVDSTADR), Definitive);
        assert_eq!(classify(0x0400), Definitive);
        assert_eq!(name(ESME_RTHROTTLED), "ESME_RTHROTTLED");
        assert_eq!(name(0x0400), "0x00000400");
        assert!(explain(0x0400).contains("own"));
    }
}
