//! Consent with its time and source.

use super::*;
use crate::{
    clock::Timestamp,
    contacts::{Consent, Contact, Filter, list},
};

const TITLES: &str = "Phone,Consent,Consent date,Consent source\n";

async fn contacts(stage: &Stage) -> Vec<Contact> {
    let window = Window { limit: 200, after: None };
    let mut all = list(stage.db.read(), &stage.scope, &Filter::default(), window, None).await.unwrap().rows;
    all.sort_by_key(|contact| contact.phone);
    all
}

fn told(contact: &Contact) -> (Consent, Option<String>, Option<&str>) {
    (contact.consent, contact.consent_at.map(|at| at.to_string()), contact.consent_source.as_deref())
}

#[tokio::test]
async fn a_row_may_tell_when_consent_was_given_and_where() {
    for stage in stages().await {
        let rows = "+447400100001,yes,21.03.2024 10:15,shop in Leeds\n+447400100002,no,,\n+447400100003,,2024-01-01,web\n\
            +447400100004,yes,2999-01-01,\n+447400100005,yes,soon,\n+447400100006,perhaps,,\n";
        let done = import(&stage, &format!("{TITLES}{rows}"), MergeType::Update).await;
        assert_eq!(five(done.counts), [3, 0, 0, 0, 3]);
        let all = contacts(&stage).await;
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap().to_string());
        assert_eq!(told(&all[0]), (Consent::Given, at("2024-03-21T10:15:00Z"), Some("shop in Leeds")));
        let now = Some(stage.clock.now().to_string());
        assert_eq!(told(&all[1]), (Consent::Refused, now, Some(done.id.to_string().as_str())));
        assert_eq!(told(&all[2]), (Consent::Unknown, None, None), "no statement, no time of it");
        let (refused, _) =
            super::super::errors(stage.db.read(), &stage.scope, done.id, Window { limit: 9, after: None })
                .await
                .unwrap();
        let fields: Vec<_> = refused.iter().map(|e| (e.code.as_str(), e.field.as_deref().unwrap())).collect();
        assert_eq!(
            fields,
            [("invalid_time", "consent_at"), ("invalid_time", "consent_at"), ("invalid_consent", "consent")]
        );
    }
}

#[tokio::test]
async fn an_older_statement_never_replaces_a_newer_one() {
    for (merge, then) in [
        (MergeType::Update, "2024-05-05T00:00:00Z"),
        (MergeType::Replace, "2024-05-05T00:00:00Z"),
        (MergeType::FillEmpty, "2024-01-01T00:00:00Z"),
        (MergeType::Skip, "2024-01-01T00:00:00Z"),
    ] {
        for stage in stages().await {
            let row = |phone: u8, rest: &str| format!("{TITLES}+44740010000{phone},{rest}\n");
            import(&stage, &row(1, "yes,2024-01-01,first"), MergeType::Update).await;
            import(&stage, &row(1, "no,2023-12-31,older"), merge).await;
            import(&stage, &row(1, "yes,2023-12-31,older"), merge).await;
            assert_eq!(told(&contacts(&stage).await[0]).2, Some("first"), "{merge:?}");
            import(&stage, &row(1, "yes,2024-05-05,newer"), merge).await;
            let at = Some(then.parse::<Timestamp>().unwrap().to_string());
            assert_eq!(told(&contacts(&stage).await[0]).1, at, "{merge:?}");
            // Refused is for good, whatever a file says later.
            import(&stage, &row(2, "no,2024-01-01,letter"), MergeType::Update).await;
            import(&stage, &row(2, "yes,2025-01-01,dream"), merge).await;
            let all = contacts(&stage).await;
            assert_eq!(
                (all[1].consent, all[1].consent_source.as_deref()),
                (Consent::Refused, Some("letter")),
                "{merge:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_is_taken_whatever_the_merge_type() {
    for merge in [MergeType::Skip, MergeType::FillEmpty, MergeType::Update, MergeType::Replace] {
        for stage in stages().await {
            let row = |phone: u8, rest: &str| format!("+44740010000{phone},{rest}\n");
            let known = [
                row(1, "yes,2024-01-01,form"),
                row(2, "yes,2024-01-01,form"),
                row(3, "yes,2024-01-01,form"),
                row(4, ",,"),
            ];
            import(&stage, &format!("{TITLES}{}", known.concat()), MergeType::Update).await;
            let said = [
                row(1, "no,2024-02-01,letter"),
                row(2, "stop,,"),
                row(3, "no,2023-12-31,older"),
                row(4, "no,2024-02-01,call"),
            ];
            let file = format!("{TITLES}{}", said.concat());
            assert_eq!(five(import(&stage, &file, merge).await.counts), [0, 3, 1, 0, 0], "{merge:?}");
            let all = contacts(&stage).await;
            let consents: Vec<Consent> = all.iter().map(|contact| contact.consent).collect();
            assert_eq!(consents, [Consent::Refused, Consent::Refused, Consent::Given, Consent::Refused], "{merge:?}");
            assert_eq!(told(&all[0]).2, Some("letter"), "{merge:?}");
            assert_eq!(stage.count("contact_consents").await, 6, "{merge:?}: each is written down");
            assert_eq!(five(import(&stage, &file, merge).await.counts), [0, 0, 4, 0, 0], "{merge:?} again");
        }
    }
}
