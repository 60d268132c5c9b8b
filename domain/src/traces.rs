//! Traces: what every part of the program agrees on about the spans that an OpenTelemetry collector may be sent.
//!
//! Invariants: a span is made with this target, or it never leaves the program; it has ids, names of operations, counts
//! and statuses, never a text, a number, a path or an error's words. Where no collector is set, such a span is refused
//! where it is made, at the cost of one look at a flag.

/// The target of these spans, and of nothing else: the log leaves them out.
pub const TARGET: &str = "carillon.traces";
