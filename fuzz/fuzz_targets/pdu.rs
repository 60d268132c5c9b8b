//! Octets of a TCP stream, cut into PDUs: however they are dealt out, the same PDUs come, and none of them panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpp::session::{Frame, FrameError};
use tokio_util::bytes::BytesMut;

const LIMIT: usize = 2048;
type Cut = (Vec<(u32, u32, Vec<u8>)>, Option<FrameError>);

/// Cuts what comes in pieces of `step` octets.
fn cut(octets: &[u8], step: usize) -> Cut {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in octets.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match Frame::cut(&mut buffer, LIMIT) {
                Ok(Some(frame)) => {
                    frames.push((frame.status, frame.sequence, frame.body().to_vec()));
                    let _ = frame.decode();
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(buffer.len() < LIMIT);
    }
    (frames, None)
}

fuzz_target!(|octets: &[u8]| {
    let whole = cut(octets, 1024);
    for step in [1, 7, 64] {
        assert_eq!(cut(octets, step), whole);
    }
});
