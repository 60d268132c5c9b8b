//! The text of receipts and the ids in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpp::receipt::{MessageState, ReceiptIdCodec, ReceiptText};

fuzz_target!(|octets: &[u8]| {
    let receipt = ReceiptText::parse(octets);
    if let Some(state) = receipt.state {
        assert_eq!(MessageState::from_tlv(state.tlv()), Some(state));
        assert_eq!(MessageState::from_text(state.text()), Some(state));
    }
    for (name, codec) in ReceiptIdCodec::ALL {
        assert_eq!(ReceiptIdCodec::from_name(name), Some(codec));
        let id = receipt.id.clone().unwrap_or_else(|| String::from_utf8_lossy(octets).into_owned());
        let canonical = codec.answer(&id);
        assert_eq!(codec.answer(&canonical), canonical, "{name}: a canonical id stays so");
        let _ = codec.receipt(&id);
    }
});
