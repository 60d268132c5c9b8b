//! Contacts, their fields and groups, and the blacklist, on a real database.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::*;
use crate::{
    Code, Result, blacklist,
    contact_fields::{self, FieldType},
    db::{Sql, Window},
    groups,
    testing::{Stage, stages, write_tx},
    trash, vals,
};

async fn contact(stage: &Stage, phone: &str) -> Result<Contact> {
    write_tx!(stage, tx => create(&tx, &stage.scope, New { phone: phone.into(), ..New::default() }))
}

async fn field(stage: &Stage, key: &str, kind: FieldType, choices: &[&str]) -> Result<contact_fields::ContactField> {
    let choices = choices.iter().map(|c| (*c).to_owned()).collect();
    let new = contact_fields::New { key: key.into(), title: key.into(), kind, choices };
    write_tx!(stage, tx => contact_fields::create(&tx, &stage.scope, new))
}

fn object(value: serde_json::Value) -> Map<String, serde_json::Value> {
    super::object(value)
}

#[tokio::test]
async fn a_contact_is_made_read_changed_and_deleted() {
    for stage in stages().await {
        field(&stage, "city", FieldType::Text, &[]).await.unwrap();
        let group = groups::New { name: "VIP".into(), ..groups::New::default() };
        let group = write_tx!(stage, tx => groups::create(&tx, &stage.scope, group)).unwrap();
        let new = New {
            phone: "0033 6 12 34 56 78".into(),
            columns: vec![(Column::FirstName, "Anna".into()), (Column::ExternalId, "c-1".into())],
            fields: object(json!({ "city": "Paris" })),
            consent: Some(NewConsent { status: Consent::Given, at: None, source: Some("web form".into()) }),
            metadata: BTreeMap::from([("crm".into(), "7".into())]),
            group_ids: vec![group.id],
        };
        let made = write_tx!(stage, tx => create(&tx, &stage.scope, new.clone())).unwrap();
        assert_eq!((made.phone.to_string().as_str(), made.country.as_deref()), ("+33612345678", Some("FR")));
        assert_eq!(made.line_type.as_deref(), Some("mobile"));
        assert_eq!(made.consent_at, Some(stage.clock.now()));
        assert_eq!(groups_of(stage.db.read(), &stage.scope, made.id).await.unwrap(), [group.id]);
        assert_eq!(groups::get(stage.db.read(), &stage.scope, group.id).await.unwrap().contacts, 1);

        let again = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap_err();
        assert!(again.code == Code::AlreadyExists && again.detail.contains(&made.id.to_string()), "{again}");

        let patch = Patch {
            columns: vec![(Column::FirstName, None), (Column::Company, Some("Acme".into()))],
            fields: object(json!({ "city": null })),
            metadata: BTreeMap::from([("crm".into(), None), ("tier".into(), Some("gold".into()))]),
            ..Patch::default()
        };
        let changed = write_tx!(stage, tx => update(&tx, &stage.scope, made.id, patch.clone(), Some(1))).unwrap();
        assert_eq!((changed.profile.get(Column::FirstName), changed.version), (None, 2));
        assert_eq!(json!([changed.fields, changed.metadata]), json!([{}, { "tier": "gold" }]));
        let late = write_tx!(stage, tx => update(&tx, &stage.scope, made.id, Patch::default(), Some(1))).unwrap_err();
        assert_eq!(late.code, Code::VersionMismatch);
        let same = write_tx!(stage, tx => update(&tx, &stage.scope, made.id, patch, None)).unwrap();
        assert_eq!(same.version, 2, "a change that changes nothing leaves the version");

        let stranger = stage.stranger().await;
        assert_eq!(get(stage.db.read(), &stranger, made.id).await.unwrap_err().code, Code::NotFound);
        write_tx!(stage, tx => trash::contact(&tx, &stage.scope, made.id, Some(2))).unwrap();
        assert_eq!(stage.count("contact_groups").await, 0);
    }
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    for stage in stages().await {
        field(&stage, "size", FieldType::Choice, &["S", "M"]).await.unwrap();
        let new = New {
            phone: "12".into(),
            columns: vec![(Column::Email, "nobody".into())],
            fields: object(json!({ "size": "XL", "shoe": 42 })),
            group_ids: vec![GroupIdOf::new(stage.clock.now())],
            ..New::default()
        };
        let error = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap_err();
        let mut told: Vec<_> = error.faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("/email", "invalid_email"),
                ("/fields/shoe", "unknown_field"),
                ("/fields/size", "invalid_choice"),
                ("/group_ids/0", "not_found"),
                ("/phone", "phone_too_short"),
            ]
        );
    }
}

use crate::ids::GroupId as GroupIdOf;

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    for stage in stages().await {
        for phone in ["+33612345678", "+447400100001", "+447400100002"] {
            stage.clock.advance(std::time::Duration::from_secs(1));
            contact(&stage, phone).await.unwrap();
        }
        let british = Filter { country: Some("GB".into()), ..Filter::default() };
        let page = |filter: Filter, after, limit| {
            let stage = &stage;
            async move { list(stage.db.read(), &stage.scope, &filter, Window { limit, after }, None).await.unwrap() }
        };
        let Listed { rows: first, next } = page(british.clone(), None, 1).await;
        assert_eq!(next, Some(first[0].id));
        let Listed { rows: second, next } = page(british, next, 1).await;
        assert!(next.is_none() && second[0].phone.to_string() == "+447400100002");
        let one = Filter { phone: Some("+33612345678".parse().unwrap()), ..Filter::default() };
        assert_eq!(page(one, None, 10).await.rows.len(), 1);
        let late = Filter { created_after: Some(stage.clock.now()), ..Filter::default() };
        assert_eq!(page(late, None, 10).await.rows.len(), 1);
    }
}

#[tokio::test]
async fn fields_keep_to_their_rules_and_take_their_values_along() {
    for stage in stages().await {
        let size = field(&stage, "size", FieldType::Choice, &["S", "M"]).await.unwrap();
        assert_eq!(field(&stage, "size", FieldType::Text, &[]).await.unwrap_err().code, Code::AlreadyExists);
        for key in ["Size", "9x", "phone", "email", ""] {
            assert_eq!(field(&stage, key, FieldType::Text, &[]).await.unwrap_err().code, Code::InvalidRequest, "{key}");
        }
        assert!(field(&stage, "x", FieldType::Choice, &[]).await.is_err());
        let new = New { phone: "+447400100001".into(), fields: object(json!({ "size": "m" })), ..New::default() };
        let made = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap();
        assert_eq!(json!(made.fields), json!({ "size": "M" }));
        let patch = contact_fields::Patch { title: Some("T-shirt".into()), choices: None };
        let changed =
            write_tx!(stage, tx => contact_fields::update(&tx, &stage.scope, size.id, patch, Some(1))).unwrap();
        assert_eq!((changed.title.as_str(), changed.version), ("T-shirt", 2));
        write_tx!(stage, tx => contact_fields::delete(&tx, &stage.scope, size.id, Some(2))).unwrap();
        assert_eq!(json!(get(stage.db.read(), &stage.scope, made.id).await.unwrap().fields), json!({}));
        assert!(contact_fields::all(stage.db.read(), &stage.scope).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn members_are_added_copied_moved_and_removed_in_sets() {
    for stage in stages().await {
        let mut ids = Vec::new();
        for phone in ["+447400100001", "+447400100002", "+447400100003"] {
            ids.push(contact(&stage, phone).await.unwrap().id);
        }
        let make = |name: &str| groups::New { name: name.into(), ..groups::New::default() };
        let a = write_tx!(stage, tx => groups::create(&tx, &stage.scope, make("A"))).unwrap().id;
        let b = write_tx!(stage, tx => groups::create(&tx, &stage.scope, make("B"))).unwrap().id;
        let twice = write_tx!(stage, tx => groups::create(&tx, &stage.scope, make("A"))).unwrap_err();
        assert!(twice.code == Code::AlreadyExists && twice.detail.contains(&a.to_string()));
        let unknown = crate::ids::ContactId::new(stage.clock.now());
        let named = [ids[0], ids[1], unknown, ids[0]];
        let added = write_tx!(stage, tx => groups::add(&tx, &stage.scope, a, &named)).unwrap();
        assert_eq!(added, groups::Changed { changed: 2, unchanged: 0, not_found: vec![unknown] });
        let again = write_tx!(stage, tx => groups::add(&tx, &stage.scope, a, &ids)).unwrap();
        assert_eq!((again.changed, again.unchanged), (1, 2));
        let copied = write_tx!(stage, tx => groups::copy(&tx, &stage.scope, a, b, Some(&ids[..1]))).unwrap();
        assert_eq!(copied.changed, 1);
        let moved = write_tx!(stage, tx => groups::move_to(&tx, &stage.scope, a, b, None)).unwrap();
        assert_eq!(moved.changed, 3);
        let count = |id| {
            let stage = &stage;
            async move { groups::get(stage.db.read(), &stage.scope, id).await.unwrap().contacts }
        };
        assert_eq!((count(a).await, count(b).await), (0, 3));
        let removed = write_tx!(stage, tx => groups::remove(&tx, &stage.scope, b, &ids[..2])).unwrap();
        assert_eq!((removed.changed, count(b).await), (2, 1));
        let same = write_tx!(stage, tx => groups::copy(&tx, &stage.scope, b, b, None)).unwrap_err();
        assert_eq!(same.faults[0].pointer, "/to_group_id");
        write_tx!(stage, tx => trash::group(&tx, &stage.scope, b, None)).unwrap();
        assert_eq!((stage.count("contacts").await, stage.count("contact_groups").await), (3, 0));
    }
}

#[tokio::test]
async fn the_blacklist_holds_a_number_once() {
    for stage in stages().await {
        let add = |phone: &'static str, reason: Option<&str>| {
            let (stage, reason) = (&stage, reason.map(str::to_owned));
            async move { write_tx!(stage, tx => blacklist::add(&tx, &stage.scope, phone, reason)) }
        };
        let (entry, new) = add("+44 7400 100001", Some("asked to stop")).await.unwrap();
        assert!(new);
        let (same, new) = add("+447400100001", None).await.unwrap();
        assert_eq!((same, new), (entry.clone(), false));
        assert_eq!(add("nonsense", None).await.unwrap_err().faults[0].pointer, "/phone");
        let asked = [447_400_100_001, 447_400_100_002];
        let found = blacklist::blacklisted(stage.db.read(), &stage.scope, &asked).await.unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [447_400_100_001]);
        let stranger = stage.stranger().await;
        assert!(blacklist::blacklisted(stage.db.read(), &stranger, &asked).await.unwrap().is_empty());
        write_tx!(stage, tx => blacklist::remove(&tx, &stage.scope, entry.id)).unwrap();
        let left: i64 = stage.db.read().scalar("SELECT COUNT(*) FROM blacklist", vals![]).await.unwrap().unwrap();
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn every_statement_of_consent_is_kept() {
    for stage in stages().await {
        let given = NewConsent { status: Consent::Given, at: None, source: Some("web form".into()) };
        let new = New { phone: "+447400100001".into(), consent: Some(given), ..New::default() };
        let made = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap();
        let change = async |consent: Option<Option<ConsentPatch>>| {
            stage.clock.advance(std::time::Duration::from_secs(1));
            let patch = Patch { consent, ..Patch::default() };
            write_tx!(stage, tx => update(&tx, &stage.scope, made.id, patch, None))
        };
        let refused = ConsentPatch { status: Some(Consent::Refused), ..ConsentPatch::default() };
        let after = change(Some(Some(refused))).await.unwrap();
        assert_eq!((after.consent, after.consent_source.as_deref()), (Consent::Refused, Some("api")));
        let words = ConsentPatch { source: Some(Some("phone call".into())), ..ConsentPatch::default() };
        let after = change(Some(Some(words))).await.unwrap();
        assert_eq!((after.consent, after.consent_source.as_deref()), (Consent::Refused, Some("phone call")));
        change(None).await.unwrap();
        let late = ConsentPatch {
            at: Some(Some(stage.clock.now().plus(std::time::Duration::from_secs(7200)))),
            ..ConsentPatch::default()
        };
        assert_eq!(change(Some(Some(late))).await.unwrap_err().faults[0].pointer, "/consent/at");
        assert_eq!(change(Some(None)).await.unwrap().consent, Consent::Unknown);
        // What nobody has said has neither time nor source: they are refused, not lost.
        let source = || Some(Some("letter".to_owned()));
        let of_nothing = ConsentPatch { source: source(), ..ConsentPatch::default() };
        let of_unknown = ConsentPatch { status: Some(Consent::Unknown), source: source(), ..ConsentPatch::default() };
        for patch in [of_nothing, of_unknown] {
            assert_eq!(change(Some(Some(patch))).await.unwrap_err().faults[0].pointer, "/consent/source");
        }
        let at = Some(stage.clock.now());
        let unknown = NewConsent { status: Consent::Unknown, at, source: Some("letter".into()) };
        let new = New { phone: "+447400100009".into(), consent: Some(unknown), ..New::default() };
        let lost = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap_err();
        let pointers: Vec<&str> = lost.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/consent/at", "/consent/source"]);
        let patch = Patch {
            phone: Some("+447400100009".into()),
            consent: Some(Some(ConsentPatch { at: Some(at), ..ConsentPatch::default() })),
            ..Patch::default()
        };
        let lost = write_tx!(stage, tx => upsert(&tx, &stage.scope, "crm-9", patch, None)).unwrap_err();
        assert_eq!(lost.faults[0].pointer, "/consent/at");
        let all = Window { limit: 10, after: None };
        let (said, more) = consents(stage.db.read(), &stage.scope, made.id, all).await.unwrap();
        let told: Vec<_> = said.iter().map(|s| (s.status, s.source.as_deref(), s.stated_at.is_some())).collect();
        let expected = [
            (Consent::Given, Some("web form"), true),
            (Consent::Refused, Some("api"), true),
            (Consent::Refused, Some("phone call"), true),
            (Consent::Unknown, None, false),
        ];
        assert_eq!((told.as_slice(), more), (expected.as_slice(), false));
        let next = Window { limit: 2, after: Some(said[1].id) };
        assert_eq!(consents(stage.db.read(), &stage.scope, made.id, next).await.unwrap().0, said[2..]);
        let stranger = stage.stranger().await;
        let lost = consents(stage.db.read(), &stranger, made.id, next).await.unwrap_err();
        assert_eq!(lost.code, Code::NotFound);
    }
}

#[tokio::test]
async fn a_replaced_choice_takes_its_values_along() {
    for stage in stages().await {
        let size = field(&stage, "size", FieldType::Choice, &["S", "M", "L"]).await.unwrap();
        let sized = async |phone: &str, size: &str| {
            let new = New { phone: phone.into(), fields: object(json!({ "size": size })), ..New::default() };
            write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap()
        };
        let (m, l) = (sized("+447400100001", "M").await, sized("+447400100002", "L").await);
        let group = groups::New { name: "A".into(), ..groups::New::default() };
        let group = write_tx!(stage, tx => groups::create(&tx, &stage.scope, group)).unwrap().id;
        write_tx!(stage, tx => groups::add(&tx, &stage.scope, group, &[l.id])).unwrap();
        let here =
            groups::Change { contact: Some(l.id), fields: object(json!({ "size": "M" })), ..groups::Change::default() };
        write_tx!(stage, tx => groups::set(&tx, &stage.scope, group, vec![here])).unwrap();
        let bin = sized("+447400100003", "M").await;
        write_tx!(stage, tx => trash::contact(&tx, &stage.scope, bin.id, None)).unwrap();
        let replace = async |from: &str, to: Option<&str>| write_tx!(stage, tx => contact_fields::replace_choice(&tx, &stage.scope, size.id, from, to, None));
        let (field, changed) = replace("M", Some("Medium")).await.unwrap();
        assert_eq!((field.choices.as_slice(), changed), (["S", "Medium", "L"].map(String::from).as_slice(), 1));
        let fields = async |id| json!(get(stage.db.read(), &stage.scope, id).await.unwrap().fields);
        assert_eq!(fields(m.id).await, json!({ "size": "Medium" }));
        let all = Window { limit: 10, after: None };
        let members = groups::members(stage.db.read(), &stage.scope, group, true, all).await.unwrap().0;
        assert_eq!(json!(members[0].overrides), json!({ "fields.size": "Medium" }));
        let back = write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, bin.id)).unwrap();
        assert_eq!(json!(back.fields), json!({ "size": "Medium" }));
        // Into one that is there: the two become one.
        assert_eq!(replace("L", Some("Medium")).await.unwrap().0.choices, ["S", "Medium"]);
        assert_eq!(fields(l.id).await, json!({ "size": "Medium" }));
        write_tx!(stage, tx => trash::contact(&tx, &stage.scope, bin.id, None)).unwrap();
        assert_eq!(replace("Medium", None).await.unwrap().0.choices, ["S"]);
        assert_eq!(fields(m.id).await, json!({}));
        assert!(groups::members(stage.db.read(), &stage.scope, group, true, all).await.unwrap().0.is_empty());
        let back = write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, bin.id)).unwrap();
        assert_eq!(json!(back.fields), json!({}));
        assert_eq!(replace("XL", None).await.unwrap_err().faults[0].pointer, "/from");
        assert_eq!(replace("S", None).await.unwrap_err().faults[0].pointer, "/choices", "a choice has choices");
        // Values whose choice went by a change of the list, wherever they lie.
        let choose = async |choices: &[&str]| {
            let choices = Some(choices.iter().map(|c| (*c).to_owned()).collect());
            let patch = contact_fields::Patch { title: None, choices };
            write_tx!(stage, tx => contact_fields::update(&tx, &stage.scope, size.id, patch, None)).unwrap()
        };
        choose(&["S", "M", "XS"]).await;
        let (old, gone) = (sized("+447400100004", "M").await, sized("+447400100005", "XS").await);
        write_tx!(stage, tx => trash::contact(&tx, &stage.scope, gone.id, None)).unwrap();
        choose(&["S", "L"]).await;
        assert_eq!(replace("M", Some("Medium")).await.unwrap_err().faults[0].pointer, "/to", "that is no choice");
        let (field, changed) = replace("M", Some("L")).await.unwrap();
        assert_eq!((field.choices.as_slice(), changed), (["S", "L"].map(String::from).as_slice(), 1));
        assert_eq!(fields(old.id).await, json!({ "size": "L" }));
        assert_eq!(replace("M", Some("L")).await.unwrap_err().faults[0].pointer, "/from", "nobody has it any more");
        assert_eq!(replace("XS", None).await.unwrap().1, 0, "it lay in the trash");
        let back = write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, gone.id)).unwrap();
        assert_eq!(json!(back.fields), json!({}));
    }
}

#[tokio::test]
async fn what_is_not_yet_cannot_have_been() {
    for stage in stages().await {
        let new = |column, value: &str| New {
            phone: "+447400100001".into(),
            columns: vec![(column, value.into())],
            ..New::default()
        };
        for (column, value, code) in [
            (Column::BirthDate, "2098-01-01", "in_future"),
            (Column::Link, "javascript:alert(1)", "invalid_link"),
            (Column::Link, "example.com", "invalid_link"),
        ] {
            let error = write_tx!(stage, tx => create(&tx, &stage.scope, new(column, value))).unwrap_err();
            assert_eq!(error.faults[0].code, code, "{value}");
        }
        write_tx!(stage, tx => create(&tx, &stage.scope, new(Column::Link, "https://example.com/anna"))).unwrap();
    }
}

#[tokio::test]
async fn quick_add_does_not_forget_what_was_refused_before_the_trash() {
    for stage in stages().await {
        let refused = NewConsent { status: Consent::Refused, at: None, source: Some("letter".into()) };
        let new = New { phone: "+447400100001".into(), consent: Some(refused), ..New::default() };
        let made = write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap();
        write_tx!(stage, tx => crate::trash::contact(&tx, &stage.scope, made.id, None)).unwrap();
        let text = "+447400100001 and +447400100002";
        let found = || crate::phone::find_in_text(text, None);
        let dry = write_tx!(stage, tx => quick_add(&tx, &stage.scope, found(), &[], true)).unwrap();
        assert!(dry.iter().all(|one| one.new && one.contact.is_none()));
        let added = write_tx!(stage, tx => quick_add(&tx, &stage.scope, found(), &[], false)).unwrap();
        let mut told = Vec::new();
        for one in added {
            let contact = get(stage.db.read(), &stage.scope, one.contact.unwrap()).await.unwrap();
            told.push((contact.consent, contact.consent_source));
        }
        assert_eq!(told, [(Consent::Refused, Some("letter".to_owned())), (Consent::Unknown, None)]);
    }
}
