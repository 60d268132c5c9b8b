//! Messages from subscribers: from a deliver_sm to the domain's delivery, and into the database by the way of receipts.

use domain::{
    carriers::Carrier,
    clock::Timestamp,
    inbound_messages::{self, Delivery, Sar},
    traces::TARGET,
};
use smpp::client::Deliver;
use tracing::{field::Empty, info_span};

use super::{
    receipts::{ADDRESS, clean},
    store::{self, Piece},
};
use crate::{Shared, metrics::METRICS, traces::traced};

/// UDHI of esm_class (SMPP 3.4 §5.2.12): the text begins with a user data header.
const UDH_INDICATOR: u8 = 0x40;

/// A delivery that is no receipt.
pub fn read(deliver: &Deliver, received_at: Timestamp) -> Delivery {
    let sar = deliver.sar.map(|smpp::client::Sar { reference, total, sequence }| Sar { reference, total, sequence });
    Delivery {
        source: clean(&deliver.source, ADDRESS),
        recipient: clean(&deliver.dest, ADDRESS),
        data_coding: deliver.data_coding,
        has_header: deliver.esm_class & UDH_INDICATOR != 0,
        body: deliver.message.clone(),
        sar,
        received_at,
    }
}

/// Stores a batch, however long it takes; one that the database refuses for its content is left out and told in the log.
pub async fn record(shared: &Shared, carrier: &Carrier, deliveries: &[Delivery]) {
    if deliveries.is_empty() {
        return;
    }
    let attempt = |piece: Piece| {
        let deliveries = deliveries.get(piece.receipts).unwrap_or_default();
        async move {
            let span = info_span!(
                target: TARGET,
                parent: None,
                "carriers.receive",
                otel.status_code = Empty,
                carillon.carrier = carrier.name,
                carillon.deliveries = deliveries.len(),
            );
            let work = inbound_messages::receive(&shared.db, &shared.scope, carrier.id, deliveries);
            let received = traced(span, work).await;
            match &received {
                Ok(received) => {
                    METRICS.inbound.with_label_values(&[&carrier.name]).inc_by(received.messages);
                    METRICS.inbound_unattributed.with_label_values(&[&carrier.name]).inc_by(received.unattributed);
                    METRICS.inbound_repeated.with_label_values(&[&carrier.name]).inc_by(received.repeated);
                }
                Err(e) => {
                    let deliveries = deliveries.len();
                    tracing::warn!(carrier = carrier.name, error = %e, deliveries, "inbound messages were not stored");
                }
            }
            received.map(drop)
        }
    };
    let whole = Piece { answers: 0..0, receipts: 0..deliveries.len() };
    for _ in store::store(whole, attempt).await {
        tracing::error!(
            carrier = carrier.name,
            "an inbound message is dropped: the database refuses it for its content"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_as_it_came_but_for_its_addresses() {
        let deliver = Deliver {
            source: "+4474001\x0100001".into(),
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
