//! What ties the parts of one long message together, in a header or in `sar_msg_ref_num`.
//!
//! Invariant: a handset joins parts by sender, reference and number of parts, so messages of one sender to one number that
//! are under way together have different references, whichever binds they take: all pumps of a process count together. It
//! begins anywhere, so that a restart, or another process, does not count the same numbers again.

use std::sync::{
    LazyLock,
    atomic::{AtomicU16, Ordering},
};

use domain::ids::{self, MessageId};

static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let mut begin = [0; 2];
    ids::fill_random(&mut begin);
    AtomicU16::new(u16::from_be_bytes(begin))
});

/// The next reference; the 255 after it differ from it in their last octet too, which is all that a short header has.
pub fn next() -> u16 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A number that is a message's own: the last octets of its id, which are random.
pub fn of(id: MessageId) -> u16 {
    let [.., high, low] = *id.0.as_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn pumps_that_count_at_once_get_different_references() {
        let pumps: Vec<_> = (0..4).map(|_| thread::spawn(|| (0..64).map(|_| next()).collect::<Vec<_>>())).collect();
        let all: Vec<u16> = pumps.into_iter().flat_map(|pump| pump.join().unwrap()).collect();
        let short: HashSet<u8> = all.iter().map(|reference| reference.to_be_bytes()[1]).collect();
        assert_eq!((all.iter().collect::<HashSet<_>>().len(), short.len()), (256, 256), "{all:?}");
    }
}
