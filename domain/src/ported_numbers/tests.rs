//! Ported numbers on a real database: what the operator says, and what of it contacts show.

use serde_json::json;

use super::*;
use crate::{
    Code,
    contacts::{self, Contact, ContactFilter, New, filter},
    db::Window,
    ids::ContactId,
    scope::OperatorScope,
    testing::{Stage, stages, write_tx},
};

fn operator(stage: &Stage) -> OperatorScope {
    OperatorScope { clock: stage.clock.clone() }
}

fn number(text: &str) -> Msisdn {
    text.parse().unwrap()
}

async fn say(stage: &Stage, numbers: &[(&str, Option<&str>)]) -> crate::Result<Put> {
    let numbers: Vec<_> = numbers.iter().map(|(phone, to)| (number(phone), to.map(str::to_owned))).collect();
    write_tx!(stage, tx => put(&tx, &operator(stage), &numbers))
}

async fn listed(stage: &Stage, of: Option<&str>, limit: usize) -> Vec<(String, String)> {
    let filter = Filter { operator: of.map(str::to_owned) };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let window = Window { limit, after };
        let (page, more) = list(stage.db.read(), &operator(stage), &filter, window).await.unwrap();
        after = page.last().map(|row| i64::from(row.phone));
        all.extend(page.into_iter().map(|row| (row.phone.to_string(), row.operator)));
        if !more {
            return all;
        }
    }
}

const A: &str = "+447400100001";
const B: &str = "+447400100002";
const C: &str = "+447400100003";

#[tokio::test]
async fn numbers_are_stored_changed_listed_and_taken_back() {
    for stage in stages().await {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<_>>();
        assert_eq!(say(&stage, &[(B, Some("EE")), (A, Some(" O2 "))]).await.unwrap(), Put { stored: 2, removed: 0 });
        assert_eq!(listed(&stage, None, 1).await, pairs(&[(A, "O2"), (B, "EE")]));
        assert_eq!(listed(&stage, Some("EE"), 10).await, pairs(&[(B, "EE")]));
        // Of a number that is named twice the last word counts, and the same again is no fault.
        for _ in 0..2 {
            say(&stage, &[(A, Some("EE")), (C, Some("O2")), (A, Some("Vodafone")), (B, None)]).await.unwrap();
            assert_eq!(listed(&stage, None, 2).await, pairs(&[(A, "Vodafone"), (C, "O2")]));
        }
        assert_eq!(find(stage.db.read(), &operator(&stage), number(A)).await.unwrap().operator, "Vodafone");
        write_tx!(stage, tx => remove(&tx, &operator(&stage), number(A))).unwrap();
        let gone = write_tx!(stage, tx => remove(&tx, &operator(&stage), number(A))).unwrap_err();
        assert_eq!(gone.code, Code::NotFound);
        let faults = say(&stage, &[(A, Some("O2")), (B, Some(" "))]).await.unwrap_err().faults;
        assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/numbers/1/operator", "required"));
        assert_eq!(say(&stage, &[]).await.unwrap_err().faults[0].code, "invalid_count");
        assert_eq!(listed(&stage, None, 9).await, pairs(&[(C, "O2")]), "all or none");
    }
}

#[tokio::test]
async fn the_list_of_a_country_replaces_what_it_does_not_have() {
    for stage in stages().await {
        let foreign = "+380501235821";
        say(&stage, &[(A, Some("EE")), (B, Some("EE")), (foreign, Some("Kyivstar"))]).await.unwrap();
        stage.clock.advance(std::time::Duration::from_secs(60));
        let began = stage.clock.now();
        let mut file = Reader::new("operator,phone\nO2,+447400100002\n,447400100003\n".as_bytes()).unwrap();
        let piece = file.piece().unwrap();
        assert_eq!(piece, [(number(B), Some("O2".to_owned())), (number(C), None)]);
        assert!(file.piece().unwrap().is_empty());
        write_tx!(stage, tx => put(&tx, &operator(&stage), &piece)).unwrap();
        let gone = write_tx!(stage, tx => forget_unseen(&tx, &operator(&stage), "44", began)).unwrap();
        assert_eq!(gone, 1);
        let left: Vec<String> = listed(&stage, None, 9).await.into_iter().map(|(phone, _)| phone).collect();
        assert_eq!(left, [foreign, B]);
    }
}

#[test]
fn a_file_that_is_no_list_is_refused_with_its_line() {
    let refused = |text: &'static str| match Reader::new(text.as_bytes()).map(|mut file| file.piece()) {
        Err(error) | Ok(Err(error)) => error.detail,
        Ok(Ok(piece)) => panic!("{piece:?}"),
    };
    assert!(refused("number,operator\n").contains("phone and operator"));
    assert!(refused("phone,operator,date\n").contains("phone and operator"));
    assert!(refused("phone,operator\n+447400100001,O2\n12,O2\n").contains("line 3"));
    assert!(refused("phone,operator\n+447400100001\n").contains("line"));
}

async fn contact(stage: &Stage, phone: &str) -> ContactId {
    stage.clock.advance(std::time::Duration::from_secs(1)); // the order of ids is that of making
    let new = New { phone: phone.into(), ..New::default() };
    write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap().id
}

async fn found(stage: &Stage, condition: serde_json::Value) -> Vec<ContactId> {
    let asked: ContactFilter = serde_json::from_value(condition).unwrap();
    let tree = filter::read(stage.db.read(), &stage.scope, &asked, "/filter").await.unwrap();
    let window = Window { limit: 100, after: None };
    let rows: Vec<Contact> = filter::list(stage.db.read(), &stage.scope, &tree, window, None).await.unwrap().rows;
    rows.into_iter().map(|contact| contact.id).collect()
}

#[tokio::test]
async fn contacts_are_of_the_operator_that_has_their_number() {
    for stage in stages().await {
        let (a, b) = (contact(&stage, A).await, contact(&stage, B).await);
        let issued = contacts::get(stage.db.read(), &stage.scope, a).await.unwrap().operator.unwrap();
        let of = |name: &str| json!({"field": "operator", "equals": name});
        assert_eq!(found(&stage, of(&issued)).await, [a, b]);
        say(&stage, &[(A, Some("Österreich Mobil"))]).await.unwrap();
        assert_eq!(found(&stage, of(&issued)).await, [b]);
        assert_eq!(found(&stage, of("öSTERREICH mobil")).await, [a], "whatever the case");
        assert_eq!(found(&stage, json!({"not": of(&issued)})).await, [a]);
        assert_eq!(found(&stage, json!({"field": "operator", "starts_with": "österr"})).await, [a]);
        let plain = contacts::Filter { operator: Some("Österreich Mobil".into()), ..contacts::Filter::default() };
        let window = Window { limit: 100, after: None };
        let rows = contacts::list(stage.db.read(), &stage.scope, &plain, window, None).await.unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [a]);

        let shown = contacts::shown(stage.db.read(), &stage.scope, rows).await.unwrap();
        assert_eq!((shown[0].contact.operator.as_deref(), shown[0].ported), (Some("Österreich Mobil"), true));
        let other = contacts::get(stage.db.read(), &stage.scope, b).await.unwrap();
        let other = contacts::shown(stage.db.read(), &stage.scope, vec![other]).await.unwrap();
        assert_eq!((other[0].contact.operator.as_deref(), other[0].ported), (Some(issued.as_str()), false));

        let everybody = filter::Tree::everything();
        let is = contacts::statistics::statistics(stage.db.read(), &stage.scope, &everybody, stage.clock.now());
        let mut operators: Vec<_> =
            is.await.unwrap().operators.into_iter().map(|share| (share.operator.unwrap(), share.count)).collect();
        operators.sort();
        assert_eq!(operators, [(issued.clone(), 1), ("Österreich Mobil".to_owned(), 1)]);

        // A change of the contact does not make the operator its own.
        let patch = contacts::Patch { metadata: [("a".to_owned(), Some("b".to_owned()))].into(), ..Default::default() };
        write_tx!(stage, tx => contacts::update(&tx, &stage.scope, a, patch, None)).unwrap();
        say(&stage, &[(A, None)]).await.unwrap();
        assert_eq!(found(&stage, of(&issued)).await, [a, b], "ported back");
    }
}
