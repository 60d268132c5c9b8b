//! What answers, in every order, make of a message.

use super::*;
use domain::ids::{ChunkId, MessageId};

fn start(parts: usize) -> (Flights, Vec<u64>) {
    let mut flights = Flights::default();
    let id = MessageId::new(Timestamp(0));
    let message = Outgoing {
        id,
        chunk_id: ChunkId::new(Timestamp(0)),
        phone: 1,
        sender: "A".into(),
        split_mode: "udh".into(),
        parts: 1,
        text: String::new(),
        valid_until: Some(Timestamp(10_000_000)),
    };
    let tokens = flights.add(Claim::default(), message, vec![Submit::default(); parts]).unwrap();
    (flights, tokens)
}
fn accepted(id: &str) -> PartAnswer {
    PartAnswer::Accepted(Reference { canonical: id.into(), raw: id.into() })
}

#[test]
fn settles_with_the_last_part() {
    let (mut flights, t) = start(2);
    assert_eq!(flights.answer(t[0], accepted("a")).map(|s| s.0.answer), None);
    let (settled, _) = flights.answer(t[1], accepted("b")).unwrap();
    assert_eq!((settled.answer, settled.parts.len()), (Answer::Accepted, 2));
    assert!(flights.is_empty());
}

#[test]
fn one_refused_part_refuses_the_message() {
    let (mut flights, t) = start(2);
    flights.answer(t[0], accepted("a"));
    let (settled, _) = flights.answer(t[1], PartAnswer::Refused("ESME_RINVDSTADR".into())).unwrap();
    assert_eq!(settled.answer, Answer::Refused { error: "ESME_RINVDSTADR".into(), part: Some(2) });
}

#[test]
fn a_late_answer_resolves_a_doubt() {
    let (mut flights, t) = start(2);
    flights.answer(t[0], accepted("a"));
    let (settled, _) = flights.answer(t[1], PartAnswer::Doubtful("no_answer")).unwrap();
    assert_eq!(settled.answer, Answer::Doubt { reason: "no_answer" });
    let (settled, _) = flights.late(t[1], accepted("b")).unwrap();
    assert_eq!((settled.answer, settled.parts.len()), (Answer::Accepted, 2));
}

#[test]
fn a_late_answer_counts_no_claim_down_again() {
    let (mut flights, t) = start(1);
    let (_, claim) = flights.answer(t[0], PartAnswer::Doubtful("no_answer")).unwrap();
    assert_eq!(claim, Some(Claim::default()));
    assert_eq!(flights.late(t[0], accepted("a")).unwrap().1, None);
    assert!(flights.late(t[0], accepted("a")).is_none(), "and comes once");
}

#[test]
fn what_was_never_handed_over_is_unsent() {
    let (mut flights, _) = start(2);
    assert_eq!(flights.release()[0].0.answer, Answer::Unsent);
    assert!(flights.is_empty());
    let (mut flights, t) = start(2);
    flights.handed_over(t[0]);
    assert!(flights.release().is_empty());
    assert_eq!(flights.abandon()[0].0.answer, Answer::Doubt { reason: "interrupted" });
    let (mut flights, t) = start(1);
    flights.handed_over(t[0]);
    flights.put_back(t[0]);
    assert!(flights.submit(t[0], Timestamp(0)).is_some(), "what the carrier did not take is submitted again");
    assert_eq!(flights.release()[0].0.answer, Answer::Unsent);
}

#[test]
fn a_message_that_the_carrier_has_in_part_stays() {
    let (mut flights, t) = start(2);
    flights.handed_over(t[0]);
    flights.answer(t[0], accepted("a"));
    assert!(flights.release().is_empty());
    assert!(flights.submit(t[1], Timestamp(0)).is_some(), "its other part is sent by the next connection");
}

#[test]
fn a_refused_message_does_not_wait_for_its_other_parts() {
    let (mut flights, t) = start(2);
    flights.handed_over(t[0]);
    flights.answer(t[0], PartAnswer::Refused("ESME_RINVDSTADR".into()));
    assert!(matches!(flights.release()[0].0.answer, Answer::Refused { .. }));
}

#[test]
fn a_lost_connection_makes_doubtful_what_it_was_given() {
    let (mut flights, t) = start(2);
    flights.handed_over(t[0]);
    assert!(flights.lose().is_empty(), "one part waits");
    flights.handed_over(t[1]);
    assert_eq!(flights.lose()[0].0.answer, Answer::Doubt { reason: "connection_lost" });
}

#[test]
fn refusals_for_now_are_counted_by_part() {
    let (mut flights, t) = start(2);
    assert_eq!((flights.refused_for_now(t[0]), flights.refused_for_now(t[0])), (1, 2));
    assert_eq!(flights.refused_for_now(t[1]), 1);
}

#[test]
fn a_message_without_parts_is_not_taken_up() {
    let (mut flights, _) = start(1);
    let message = start(1).0.open.into_values().next().unwrap().message;
    assert!(flights.add(Claim::default(), message, Vec::new()).is_none());
}

#[test]
fn what_is_over_is_not_submitted_unless_the_carrier_has_a_part_of_it() {
    let (mut flights, t) = start(2);
    let (early, late) = (Timestamp(4_000_000), Timestamp(10_000_000));
    assert_eq!(flights.submit(t[0], early).unwrap().validity_period.as_deref(), Some("000000000006000R"));
    assert!(flights.over(t[0], early).is_none());
    flights.handed_over(t[0]);
    flights.put_back(t[0]);
    let (settled, claim) = flights.over(t[1], late).unwrap();
    assert_eq!((settled.answer, claim), (Answer::Over, Some(Claim::default())));
    assert!(flights.is_empty() && flights.submit(t[0], late).is_none());
    let (mut flights, t) = start(2);
    flights.handed_over(t[0]);
    assert!(flights.over(t[1], late).is_none(), "half a message helps nobody");
    assert_eq!(flights.submit(t[1], late).unwrap().validity_period.as_deref(), Some("000000000001000R"));
}

#[test]
fn what_was_put_off_is_told_once() {
    let (mut flights, t) = start(2);
    flights.note(t[1], "ESME_RTHROTTLED", Timestamp(1));
    flights.note(t[1], "ESME_RTHROTTLED", Timestamp(5));
    flights.answer(t[0], accepted("a"));
    let (doubt, _) = flights.answer(t[1], PartAnswer::Doubtful("no_answer")).unwrap();
    let told: Vec<_> =
        doubt.put_off.iter().map(|p| (p.part, p.error.as_str(), p.times, p.first_at.0, p.last_at.0)).collect();
    assert_eq!(told, [(2, "ESME_RTHROTTLED", 2, 1, 5)]);
    let (late, _) = flights.late(t[1], accepted("b")).unwrap();
    assert_eq!((late.answer, late.put_off.len()), (Answer::Accepted, 0));

    let (mut flights, t) = start(1);
    flights.note(t[0], "ESME_RMSGQFUL", Timestamp(1));
    let (unsent, _) = flights.release().pop().unwrap();
    assert_eq!((unsent.answer, unsent.put_off.len()), (Answer::Unsent, 1), "also of what goes back in line");

    let (mut flights, t) = start(1);
    flights.note(t[0], "ESME_RMSGQFUL", Timestamp(1));
    let (over, _) = flights.over(t[0], Timestamp(10_000_000)).unwrap();
    assert_eq!((over.answer, over.put_off.len()), (Answer::Over, 1));
}
