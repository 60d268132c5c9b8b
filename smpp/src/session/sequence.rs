//! Sequence numbers of the requests this end sends (SMPP 3.4 §3.2.4).
//!
//! Invariant: 1 ..= 0x7FFFFFFF, wrapping to 1; a number still in use is never given out again.

/// The largest sequence number (SMPP 3.4 §3.2.4).
pub const MAX_SEQUENCE: u32 = 0x7FFF_FFFF;

/// Gives out sequence numbers.
#[derive(Debug)]
pub struct Sequence {
    next: u32,
}

impl Sequence {
    /// Starts at `first`; anything outside 1 ..= [`MAX_SEQUENCE`] starts at 1.
    pub fn starting_at(first: u32) -> Self {
        Self { next: if (1..=MAX_SEQUENCE).contains(&first) { first } else { 1 } }
    }

    /// The next number for which `in_use` is false.
    pub fn take(&mut self, in_use: impl Fn(u32) -> bool) -> u32 {
        loop {
            let number = self.next;
            self.next = if number >= MAX_SEQUENCE { 1 } else { number + 1 };
            // Far fewer requests are open than there are numbers, so this ends.
            if !in_use(number) {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_to_one_and_skips_what_is_in_use() {
        let mut sequence = Sequence::starting_at(MAX_SEQUENCE);
        assert_eq!(sequence.take(|_| false), MAX_SEQUENCE);
        assert_eq!(sequence.take(|number| number < 4), 4);
        assert_eq!(Sequence::starting_at(0).take(|_| false), 1);
        assert_eq!(Sequence::starting_at(u32::MAX).take(|_| false), 1);
    }
}
