//! Messages from subscribers: from a deliver_sm to the domain's delivery.

use domain::{
    clock::Timestamp,
    inbound_messages::{Delivery, Sar},
};
use smpp::client::Deliver;

use super::receipts::{ADDRESS, clean};

/// UDHI of esm_class (SMPP 3.4 §5.2.12): the text begins with a user data header.
const UDH_INDICATOR: u8 = 0x40;

/// A national number in source_addr_ton (SMPP 3.4 §5.2.5).
const NATIONAL: u8 = 2;

/// A delivery that is no receipt.
pub fn read(deliver: &Deliver, received_at: Timestamp) -> Delivery {
    let sar = deliver.sar.map(|smpp::client::Sar { reference, total, sequence }| Sar { reference, total, sequence });
    Delivery {
        source: clean(&deliver.source, ADDRESS),
        national: deliver.source_ton == NATIONAL,
        recipient: clean(&deliver.dest, ADDRESS),
        data_coding: deliver.data_coding,
        has_header: deliver.esm_class & UDH_INDICATOR != 0,
        body: deliver.message.clone(),
        sar,
        received_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_as_it_came_but_for_its_addresses() {
        let deliver = Deliver {
            source: "+4474001\x0100001".into(),
            source_ton: 2,
            dest: "4444".into(),
            esm_class: 0x40,
            data_coding: 8,
            message: vec![0, 1, 2],
            sar: Some(smpp::client::Sar { reference: 1, total: 2, sequence: 2 }),
            ..Deliver::default()
        };
        let delivery = read(&deliver, Timestamp(7));
        let wanted = Delivery {
            source: "+4474001\u{2401}00001".into(),
            national: true,
            recipient: "4444".into(),
            data_coding: 8,
            has_header: true,
            body: vec![0, 1, 2],
            sar: Some(Sar { reference: 1, total: 2, sequence: 2 }),
            received_at: Timestamp(7),
        };
        assert_eq!(delivery, wanted);
    }
}
