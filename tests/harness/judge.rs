//! The simulator's log, the judge of what was really handed over.

use std::{collections::HashMap, path::Path};

use smpp::simulator::log::{Line, Log, Outcome, SubmitLine};

/// A log as it is now.
pub struct Judge(Log);

impl Judge {
    /// Reads it.
    pub fn read(path: &Path) -> Self {
        Self(Log::read(path).unwrap())
    }

    /// Every line.
    pub fn lines(&self) -> &[Line] {
        &self.0.lines
    }

    /// The submits that the carrier took, answered or not.
    pub fn taken(&self) -> Vec<&SubmitLine> {
        self.0.submits().filter(|s| s.outcome != Outcome::Refused).collect()
    }

    /// Of these, the ones to a number.
    pub fn taken_by(&self, number: &str) -> usize {
        let digits = number.trim_start_matches('+');
        self.taken().iter().filter(|s| s.dest.trim_start_matches('+') == digits).count()
    }

    /// Every submit to a number, refused ones too.
    pub fn tries(&self, number: &str) -> Vec<&SubmitLine> {
        let digits = number.trim_start_matches('+');
        self.0.submits().filter(|s| s.dest.trim_start_matches('+') == digits).collect()
    }

    /// How many they are.
    pub fn tried(&self, number: &str) -> usize {
        self.tries(number).len()
    }

    /// Receipts sent to a number, by state.
    pub fn receipts(&self, number: &str) -> Vec<String> {
        let digits = number.trim_start_matches('+');
        let receipt = |line: &Line| match line {
            Line::Receipt { dest, stat, .. } if dest.trim_start_matches('+') == digits => Some(stat.clone()),
            _ => None,
        };
        self.0.lines.iter().filter_map(receipt).collect()
    }

    /// How many receipts were sent, to anybody.
    pub fn receipts_sent(&self) -> usize {
        self.0.lines.iter().filter(|l| matches!(l, Line::Receipt { .. })).count()
    }

    /// How many of them were acknowledged with ESME_ROK.
    pub fn receipts_acknowledged(&self) -> usize {
        self.0.lines.iter().filter(|l| matches!(l, Line::ReceiptAck { status: Some(0), .. })).count()
    }

    /// How many binds there were.
    pub fn binds(&self) -> usize {
        self.0.lines.iter().filter(|l| matches!(l, Line::Bind { .. })).count()
    }

    /// The numbers that were sent to, `+…`.
    pub fn numbers(&self) -> std::collections::BTreeSet<String> {
        self.taken().iter().map(|s| format!("+{}", s.dest.trim_start_matches('+'))).collect()
    }

    /// Fails when the same part of the same text went to a number twice.
    pub fn nothing_twice(&self) {
        let mut seen: HashMap<(String, String, String), usize> = HashMap::new();
        for submit in self.taken() {
            // The last octet of the header is the part's number; the reference may differ.
            let part = submit.udh.as_ref().and_then(|u| u.get(u.len() - 2..)).unwrap_or_default().to_owned();
            let part = submit.sar.map_or(part, |s| s.sequence.to_string());
            *seen.entry((submit.dest.clone(), part, submit.text_hex.clone())).or_default() += 1;
        }
        let twice: Vec<_> = seen.into_iter().filter(|(_, n)| *n > 1).collect();
        assert!(twice.is_empty(), "sent more than once: {twice:?}");
    }
}
