//! What each merge type does.

use super::*;
use crate::{
    contact_fields,
    contacts::{Column, Consent, Contact, Filter, list},
    groups,
    testing::write_tx,
};

const FIRST: &str = "Phone,First name,Last name,Consent\n+447400100001,Anna,,no\n+447400100002,,Brown,\n";
const SECOND: &str = "Phone,First name,Last name,Consent\n+447400100001,Anne,Smith,yes\n+447400100002,,Green,yes\n";

async fn contacts(stage: &Stage) -> Vec<Contact> {
    list(stage.db.read(), &stage.scope, &Filter::default(), Window { limit: 200, after: None }, None)
        .await
        .unwrap()
        .rows
}

fn names(contact: &Contact) -> [&str; 2] {
    [Column::FirstName, Column::LastName].map(|c| contact.profile.get(c).unwrap_or("-"))
}

#[tokio::test]
async fn each_type_keeps_its_word() {
    for (merge, counts, expected) in [
        (MergeType::Skip, [0, 0, 2, 0, 0], [["Anna", "-"], ["-", "Brown"]]),
        (MergeType::Update, [0, 2, 0, 0, 0], [["Anne", "Smith"], ["-", "Green"]]),
        (MergeType::Replace, [0, 2, 0, 0, 0], [["Anne", "Smith"], ["-", "Green"]]),
        (MergeType::FillEmpty, [0, 2, 0, 0, 0], [["Anna", "Smith"], ["-", "Brown"]]),
    ] {
        for stage in stages().await {
            assert_eq!(five(import(&stage, FIRST, MergeType::Update).await.counts), [2, 0, 0, 0, 0]);
            assert_eq!(five(import(&stage, SECOND, merge).await.counts), counts, "{merge:?}");
            let all = contacts(&stage).await;
            assert_eq!([names(&all[0]), names(&all[1])], expected, "{merge:?}");
            assert_eq!(all[0].consent, Consent::Refused, "{merge:?}: an import never revives an opt-out");
            let given = if merge == MergeType::Skip { Consent::Unknown } else { Consent::Given };
            assert_eq!(all[1].consent, given, "{merge:?}");
            // The same again changes nothing.
            assert_eq!(five(import(&stage, SECOND, merge).await.counts), [0, 0, 2, 0, 0], "{merge:?} again");
        }
    }
}

#[tokio::test]
async fn empty_cells_clear_only_when_replacing_and_only_mapped_columns() {
    for stage in stages().await {
        import(&stage, "Phone,First name,Company\n+447400100001,Anna,Acme\n", MergeType::Update).await;
        let emptied = "Phone,First name\n+447400100001,\n";
        assert_eq!(five(import(&stage, emptied, MergeType::Update).await.counts), [0, 0, 1, 0, 0]);
        assert_eq!(five(import(&stage, emptied, MergeType::Replace).await.counts), [0, 1, 0, 0, 0]);
        let all = contacts(&stage).await;
        assert_eq!(all[0].profile.get(Column::FirstName), None);
        assert_eq!(all[0].profile.get(Column::Company), Some("Acme"));
        assert_eq!(all[0].version, 2);
    }
}

#[tokio::test]
async fn own_fields_are_typed_and_groups_are_filled_whatever_the_type() {
    for stage in stages().await {
        for (key, kind) in [("visits", contact_fields::FieldType::Number), ("vip", contact_fields::FieldType::Boolean)]
        {
            let new = contact_fields::New { key: key.into(), title: key.into(), kind, choices: Vec::new() };
            write_tx!(stage, tx => contact_fields::create(&tx, &stage.scope, new)).unwrap();
        }
        let mapping: std::collections::BTreeMap<String, String> =
            [("phone", "Phone"), ("fields.visits", "visits"), ("fields.vip", "3")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        let csv = "Phone,Visits,VIP\n+447400100001,\"1,5\",да\n+447400100002,many,no\n+447400100003,,\n";
        let order = || Order {
            mapping: Some(mapping.clone()),
            groups: vec!["A".into(), "B".into(), "A".into()],
            merge: MergeType::Skip,
            ..Order::default()
        };
        let queued = accept(&stage, csv.as_bytes(), "a.csv", order()).await.unwrap();
        let done = finish(&stage, &queued).await;
        assert_eq!(five(done.counts), [2, 0, 0, 0, 1]);
        let (refused, _) =
            super::super::errors(stage.db.read(), &stage.scope, done.id, Window { limit: 10, after: None })
                .await
                .unwrap();
        assert_eq!((refused[0].line, refused[0].field.as_deref()), (3, Some("fields.visits")));
        assert_eq!(refused[0].value.as_deref(), Some("many"));
        let all = contacts(&stage).await;
        assert_eq!(serde_json::json!(all[0].fields), serde_json::json!({ "visits": 1.5, "vip": true }));
        assert_eq!(done.group_ids.len(), 2);
        let again = accept(&stage, csv.as_bytes(), "a.csv", order()).await.unwrap();
        assert_eq!(again.group_ids, done.group_ids, "groups of these names are found again");
        write_tx!(stage, tx => groups::remove(&tx, &stage.scope, done.group_ids[0], &[all[0].id])).unwrap();
        finish(&stage, &again).await;
        let group = groups::get(stage.db.read(), &stage.scope, done.group_ids[0]).await.unwrap();
        assert_eq!(group.contacts, 2, "skipped contacts join the groups too");
    }
}

#[tokio::test]
async fn an_external_id_is_never_given_to_two() {
    for stage in stages().await {
        import(&stage, "Phone,Customer ID\n+447400100001,c1\n", MergeType::Update).await;
        let csv = "Phone,Customer ID\n+447400100002,c1\n+447400100003,c2\n+447400100004,c2\n+447400100001,c1\n";
        let done = import(&stage, csv, MergeType::Update).await;
        assert_eq!(five(done.counts), [1, 0, 1, 0, 2]);
        let (refused, _) =
            super::super::errors(stage.db.read(), &stage.scope, done.id, Window { limit: 10, after: None })
                .await
                .unwrap();
        assert_eq!(
            refused.iter().map(|e| (e.line, e.code.as_str())).collect::<Vec<_>>(),
            [(2, "external_id_taken"), (4, "external_id_taken")]
        );
    }
}

#[tokio::test]
async fn a_time_zone_that_the_number_tells_sets_none() {
    for stage in stages().await {
        let zones = async |stage: &Stage| {
            let all = contacts(stage).await;
            all.iter().map(|c| c.profile.get(Column::TimeZone).unwrap_or("-").to_owned()).collect::<Vec<_>>()
        };
        let file = |ua: &str, us: &str| format!("Phone,Time zone\n+380501235821,{ua}\n+12015550123,{us}\n");
        let first = file("Europe/Kyiv", "america/denver");
        assert_eq!(five(import(&stage, &first, MergeType::Update).await.counts), [2, 0, 0, 0, 0]);
        assert_eq!(zones(&stage).await, ["-", "America/Denver"]);
        for merge in MergeType::ALL {
            assert_eq!(five(import(&stage, &first, *merge).await.counts), [0, 0, 2, 0, 0], "{merge:?}: nothing new");
        }
        let home = file("Europe/Kyiv", "America/New_York");
        assert_eq!(five(import(&stage, &home, MergeType::FillEmpty).await.counts), [0, 0, 2, 0, 0]);
        assert_eq!(five(import(&stage, &home, MergeType::Update).await.counts), [0, 1, 1, 0, 0]);
        assert_eq!(zones(&stage).await, ["-", "-"], "given back to the number");
        let away = file("Asia/Tokyo", "");
        assert_eq!(five(import(&stage, &away, MergeType::FillEmpty).await.counts), [0, 1, 1, 0, 0]);
        assert_eq!(zones(&stage).await, ["Asia/Tokyo", "-"]);
        assert_eq!(five(import(&stage, &file("", ""), MergeType::Replace).await.counts), [0, 1, 1, 0, 0]);
        assert_eq!(zones(&stage).await, ["-", "-"]);
        let wrong = import(&stage, &file("Kyiv", "EST5"), MergeType::Update).await;
        assert_eq!(wrong.counts.invalid, 2);
    }
}
