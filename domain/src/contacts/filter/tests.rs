//! Filters: what is refused and where; and that both databases find what a plain reading of the filter finds.

mod pages;

use std::ops::RangeBounds;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{
    fold::{simple, writings},
    read::Reader,
    tree::Condition,
    *,
};
use crate::{
    clock::Timestamp,
    contact_fields::{self, ContactField, FieldType},
    contacts::{self, Column, Contact, New, outcomes},
    db::{Sql, Window},
    groups,
    ids::{ContactId, GroupId},
    testing::{Stage, stages, write_tx},
    vals,
};

fn written(filter: Value) -> ContactFilter {
    serde_json::from_value(filter).unwrap()
}

fn refused(filter: Value) -> Vec<(String, &'static str)> {
    let field = |key: &str, kind| ContactField {
        id: crate::ids::ContactFieldId::new(Timestamp(0)),
        key: key.into(),
        title: key.into(),
        kind,
        choices: Vec::new(),
        created_at: Timestamp(0),
        version: 1,
    };
    let own = [field("city", FieldType::Text), field("score", FieldType::Number), field("vip", FieldType::Boolean)];
    let mut reader = Reader::new(&own, Timestamp(0), Tz::UTC);
    let tree = reader.tree(&written(filter), "/filter", 1);
    let faults = reader.faults.check().err().map(|e| e.faults).unwrap_or_default();
    assert_eq!(tree.is_none(), !faults.is_empty(), "{faults:?}");
    faults.into_iter().map(|f| (f.pointer, f.code)).collect()
}

#[test]
fn a_refusal_names_the_place_and_the_reason() {
    let one = |filter: Value, pointer: &str, code| assert_eq!(refused(filter), [(pointer.to_owned(), code)]);
    one(json!({}), "/filter", "required");
    one(json!({"equals": "x"}), "/filter", "required");
    one(json!({"all": []}), "/filter/all", "required");
    one(json!({"all": [{"field": "sex", "exists": true}], "field": "sex", "exists": true}), "/filter", "exclusive");
    one(json!({"all": [{"field": "sex", "exists": true}], "exists": true}), "/filter", "exclusive");
    one(json!({"field": "shoe_size", "equals": 1}), "/filter/field", "unknown_field");
    one(json!({"any": [{"field": "fields.town", "exists": true}]}), "/filter/any/0/field", "unknown_field");
    one(json!({"field": "sex"}), "/filter", "invalid_comparison");
    one(json!({"field": "sex", "equals": "male", "exists": true}), "/filter", "invalid_comparison");
    one(json!({"not": {"field": "birth_date", "contains": "1990"}}), "/filter/not/contains", "invalid_comparison");
    one(json!({"field": "sex", "any_of": ["male", "m"]}), "/filter/any_of/1", "invalid_choice");
    one(json!({"field": "country", "equals": "UK"}), "/filter/equals", "invalid_country");
    one(json!({"field": "time_zone", "equals": "Denver"}), "/filter/equals", "invalid_time_zone");
    one(json!({"field": "time_zone", "contains": "Denver"}), "/filter/contains", "invalid_comparison");
    one(json!({"field": "phone", "equals": "12"}), "/filter/equals", "phone_too_short");
    one(json!({"field": "phone", "starts_with": "+44 7"}), "/filter/starts_with", "invalid_digits");
    one(json!({"field": "fields.score", "gt": "a lot"}), "/filter/gt", "invalid_number");
    one(json!({"field": "fields.vip", "equals": 1}), "/filter/equals", "invalid_boolean");
    one(json!({"field": "age", "gte": -1}), "/filter/gte", "invalid_number");
    one(json!({"field": "birth_date", "between": ["1990-02-30", "1991-01-01"]}), "/filter/between/0", "invalid_date");
    one(json!({"field": "birth_date", "between": ["1990-01-01"]}), "/filter/between", "invalid_count");
    one(json!({"field": "age", "between": [30, 20]}), "/filter/between", "invalid_range");
    one(
        json!({"field": "birth_date", "anniversary_within_days": 366}),
        "/filter/anniversary_within_days",
        "invalid_number",
    );
    one(json!({"field": "created_at", "gt": "2026-11-22"}), "/filter/gt", "invalid_moment");
    one(json!({"field": "group", "equals": "VIP"}), "/filter/equals", "invalid_id");
    one(json!({"field": "first_name", "equals": ""}), "/filter/equals", "required");
    let of = |field: &str| json!({"field": format!("groups.grp_01kazsw6e3f8e9xq2m4r7t5v0b.{field}"), "exists": true});
    assert_eq!(refused(of("fields.city")), []);
    for field in ["language", "external_id", "phone", "fields.town", "groups.grp_01kazsw6e3f8e9xq2m4r7t5v0b.sex", ""] {
        one(of(field), "/filter/field", "unknown_field");
    }
    one(json!({"field": "groups.VIP.first_name", "exists": true}), "/filter/field", "unknown_field");
    one(json!({"field": "first_name", "contains": "x".repeat(MAX_TEXT + 1)}), "/filter/contains", "too_long");
    one(json!({"field": "operator", "any_of": vec!["x"; MAX_VALUES + 1]}), "/filter/any_of", "invalid_count");
    let deep = (0..MAX_DEPTH).fold(json!({"field": "sex", "exists": true}), |inner, _| json!({ "not": inner }));
    assert_eq!(refused(deep.clone()), []);
    one(json!({ "not": deep }), &format!("/filter{}", "/not".repeat(MAX_DEPTH)), "too_deep");
    let many = |n: usize| json!({ "all": vec![json!({"field": "sex", "exists": true}); n] });
    assert_eq!(refused(many(MAX_CONDITIONS)), []);
    one(many(MAX_CONDITIONS + 9), &format!("/filter/all/{MAX_CONDITIONS}"), "too_many");
    let all = refused(json!({"all": [{"field": "sex", "equals": "m"}, {"field": "x", "exists": true}]}));
    assert_eq!(all.len(), 2, "every fault is told: {all:?}");
}

/// A generator of numbers that is the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.roll(of.len().try_into().unwrap())).unwrap()]
    }
}

const NAMES: &[&str] = &[
    "Анна",
    "АННА",
    "Анна-Мария",
    "anna",
    "José",
    "josé",
    "Straße",
    "STRASSE",
    "ΣΊΣΥΦΟΣ",
    "Σίσυφος",
    "a*b",
    "A?b",
    "[x]",
    "Ёлка",
    "x.y",
    "i",
    "İ",
    "Jose\u{301}",
    "50%_",
    "new\nline",
];
const DAYS: &[&str] =
    &["1990-02-28", "1988-02-29", "2000-12-31", "1991-01-01", "1999-11-25", "1985-11-22", "2001-11-29", "1970-06-15"];
const NUMBERS: &[&str] = &["0", "-3", "12.5", "12.50", "0.1", "999999999999999", "7", "100"];
const SENDERS: &[&str] = &["ACME", "acme", "Shop"];
const OUTCOME_WORDS: &[&str] = &["delivered", "undelivered", "no_report", "rejected"];

/// A contact with all that a filter can ask of it.
struct Known {
    contact: Contact,
    groups: Vec<GroupId>,
    /// Values that hold in one group only.
    there: Vec<(GroupId, serde_json::Map<String, Value>)>,
    stop: bool,
    hidden: bool,
    blacklisted: bool,
    unsubscribed: Vec<String>,
    outcome: Option<(String, i64, i64)>,
}

fn same(a: &str, b: &str) -> bool {
    writings(b).iter().any(|b| a.chars().map(simple).eq(b.chars().map(simple)))
}

impl Known {
    fn matches(&self, tree: &Tree) -> bool {
        match tree {
            Tree::All(parts) => parts.iter().all(|part| self.matches(part)),
            Tree::Any(parts) => parts.iter().any(|part| self.matches(part)),
            Tree::Not(inner) => !self.matches(inner),
            Tree::Is(Condition { operand, test }) => self.holds(operand, test),
        }
    }
    fn value(&self, operand: &Operand) -> Option<Value> {
        let c = &self.contact;
        let text = |t: &Option<String>| t.clone().map(Value::from);
        match operand {
            Operand::Text("country") => text(&c.country),
            Operand::Text("region") => text(&c.region),
            Operand::Text("operator") | Operand::Operator => text(&c.operator),
            Operand::Text("line_type") => text(&c.line_type),
            Operand::Text("consent") => Some(c.consent.as_str().into()),
            Operand::Text("consent_source") => text(&c.consent_source),
            Operand::Text(column) => c.profile.get(Column::by_name(column).unwrap()).map(Value::from),
            Operand::Moment("created_at") => Some(c.created_at.0.into()),
            Operand::Moment("updated_at") => Some(c.updated_at.0.into()),
            Operand::Moment(_) => c.consent_at.map(|at| at.0.into()),
            Operand::TimeZone => c.profile.get(Column::TimeZone).map(Value::from).or_else(|| text(&c.number_zones)),
            Operand::Phone => Some(i64::from(c.phone).into()),
            Operand::Custom(key) => c.fields.get(key).cloned(),
            Operand::Metadata(key) => c.metadata.get(key).cloned(),
            Operand::Outcome("status") => self.outcome.as_ref().map(|o| o.0.clone().into()),
            Operand::Outcome("at") => self.outcome.as_ref().map(|o| o.1.into()),
            Operand::Outcome(_) => self.outcome.as_ref().map(|o| o.2.into()),
            Operand::InGroup(group, _) if !self.groups.contains(group) => None,
            Operand::InGroup(group, inner) => {
                let key = match inner.as_ref() {
                    Operand::Custom(key) => format!("fields.{key}"),
                    Operand::Text(column) => (*column).to_owned(),
                    other => panic!("{other:?}"),
                };
                let there = self.there.iter().find(|(id, _)| id == group).and_then(|(_, values)| values.get(&key));
                there.cloned().or_else(|| self.value(inner))
            }
            Operand::Groups => (!self.groups.is_empty()).then_some(true.into()),
            Operand::Unsubscribed => (!self.unsubscribed.is_empty()).then_some(true.into()),
            Operand::Search => Some(contacts::search::text_of(c).into()),
            Operand::Flag(Flag::StopList) => Some(self.stop.into()),
            Operand::Flag(Flag::HiddenGroup) => Some(self.hidden.into()),
            Operand::Flag(Flag::Blacklisted) => Some(self.blacklisted.into()),
        }
    }
    fn holds(&self, operand: &Operand, test: &Test) -> bool {
        let value = self.value(operand);
        let day = || value.as_ref()?.as_str()?.parse::<NaiveDate>().ok();
        let text = value.as_ref().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let letters = |t: &str| t.chars().map(simple).collect::<String>();
        match test {
            Test::Exists(yes) => value.is_some() == *yes,
            Test::Texts(texts) => text.is_some_and(|is| texts.iter().any(|t| same(&is, t))),
            Test::Contains(part) if *operand == Operand::Search => text.is_some_and(|is| is.contains(part)),
            Test::Contains(part) => {
                text.is_some_and(|is| writings(part).iter().any(|part| letters(&is).contains(&letters(part))))
            }
            Test::StartsWith(part) => {
                text.is_some_and(|is| writings(part).iter().any(|part| letters(&is).starts_with(&letters(part))))
            }
            Test::Words(words) if *operand == Operand::Unsubscribed => {
                words.iter().any(|word| self.unsubscribed.contains(word))
            }
            Test::Zones(zones, keys) => {
                let set = self.contact.profile.get(Column::TimeZone).is_some();
                text.is_some_and(|is| zones.contains(&is) || (!set && keys.contains(&is.as_str())))
            }
            Test::Words(words) => text.is_some_and(|is| words.contains(&is)),
            Test::Integers(spans) => value
                .and_then(|v| v.as_i64())
                .is_some_and(|is| spans.iter().any(|span| (span.from, span.to).contains(&is))),
            Test::Numbers(spans) => value
                .and_then(|v| v.to_string().parse::<rust_decimal::Decimal>().ok())
                .is_some_and(|is| spans.iter().any(|span| (span.from, span.to).contains(&is))),
            Test::Days(spans) => day().is_some_and(|is| spans.iter().any(|span| (span.from, span.to).contains(&is))),
            Test::Season(season) => day().is_some_and(|is| {
                let is = is.format("%m-%d").to_string();
                if season.wraps() { is >= season.from || is <= season.to } else { is >= season.from && is <= season.to }
            }),
            Test::Truth(yes) => value.and_then(|v| v.as_bool()) == Some(*yes),
            Test::Members(ids) => self.groups.iter().any(|group| ids.contains(group)),
        }
    }
}

fn random_contact(dice: &mut Dice, groups: &[GroupId], n: u64) -> New {
    let mut columns = Vec::new();
    for (column, among) in [
        (Column::FirstName, NAMES),
        (Column::LastName, NAMES),
        (Column::BirthDate, DAYS),
        (Column::Sex, &["male", "female"][..]),
        (Column::Language, &["fr", "FR", "pt-BR"][..]),
        (Column::TimeZone, &["Europe/London", "America/Denver", "Asia/Tokyo"][..]),
        (Column::Comment, NAMES),
    ] {
        if dice.roll(3) > 0 {
            columns.push((column, dice.one(among).to_owned()));
        }
    }
    if !n.is_multiple_of(3) {
        columns.push((Column::ExternalId, format!("id-{n}")));
    }
    let mut fields = serde_json::Map::new();
    if dice.roll(3) > 0 {
        fields.insert("city".into(), dice.one(NAMES).into());
        fields.insert("score".into(), dice.one(NUMBERS).into());
    }
    if dice.roll(3) > 0 {
        fields.insert("vip".into(), (dice.roll(2) == 0).into());
        fields.insert("renewal".into(), dice.one(DAYS).into());
    }
    let consent = (dice.roll(3) > 0).then(|| contacts::NewConsent {
        status: dice.one(&[&contacts::Consent::Given, &contacts::Consent::Refused]).to_owned(),
        at: None,
        source: None,
    });
    let prefix = dice.one(&["4474001", "336123", "49151234"]);
    New {
        phone: format!("+{prefix}{:05}", 10_000 + n),
        columns,
        fields,
        consent,
        metadata: if dice.roll(2) == 0 {
            [("plan".to_owned(), dice.one(NAMES).to_owned())].into()
        } else {
            Default::default()
        },
        group_ids: groups.iter().copied().filter(|_| dice.roll(3) == 0).collect(),
    }
}

fn random_condition(dice: &mut Dice, groups: &[GroupId], now: Timestamp) -> Value {
    let moment = |dice: &mut Dice| Timestamp(now.0 - i64::try_from(dice.roll(9)).unwrap() * 86_400_000_000).to_string();
    let name = dice.one(&[
        "first_name",
        "fields.city",
        "metadata.plan",
        "comment",
        "language",
        "operator",
        "region",
        "time_zone",
        "sex",
        "country",
        "line_type",
        "consent",
        "external_id",
        "phone",
        "fields.score",
        "age",
        "failures_in_row",
        "birth_date",
        "fields.renewal",
        "created_at",
        "consent_at",
        "last_outcome_at",
        "last_outcome",
        "fields.vip",
        "stop_list",
        "hidden_group",
        "blacklisted",
        "group",
        "unsubscribed_from",
        "search",
    ]);
    let differs = ["first_name", "comment", "birth_date", "age", "sex"].contains(&name) || name.starts_with("fields.");
    let field = match dice.roll(2) {
        0 if differs => format!("groups.{}.{name}", groups[usize::try_from(dice.roll(3)).unwrap()]),
        _ => name.to_owned(),
    };
    let (_, kind) = fields::find(&field, &own_fields()).unwrap();
    let word = *kind
        .comparisons()
        .get(usize::try_from(dice.roll(kind.comparisons().len().try_into().unwrap())).unwrap())
        .unwrap();
    use fields::Kind;
    let value = |dice: &mut Dice| match kind {
        Kind::Text => json!(dice.one(NAMES)),
        Kind::Exact => json!(dice.one(SENDERS)),
        Kind::Word(words) => json!(dice.one(words)),
        Kind::Country => json!(dice.one(&["gb", "FR", "DE"])),
        Kind::TimeZone => json!(dice.one(&["europe/london", "Europe/Paris", "America/Denver", "Asia/Tokyo"])),
        Kind::Phone => json!(format!("+44740011{:04}", dice.roll(300))),
        Kind::Number => json!(dice.one(NUMBERS)),
        Kind::Age => json!(20 + dice.roll(20)),
        Kind::Count => json!(dice.roll(4)),
        Kind::Date => json!(dice.one(DAYS)),
        Kind::Moment => json!(moment(dice)),
        Kind::Truth | Kind::Flag => json!(dice.roll(2) == 0),
        Kind::Groups => json!(groups[usize::try_from(dice.roll(3)).unwrap()]),
        Kind::Search => json!(null),
    };
    let given = match word {
        "exists" => json!(dice.roll(2) == 0),
        "any_of" => json!([value(dice), value(dice), value(dice)]),
        "contains" if kind == Kind::Search => {
            json!(
                dice.one(&["АНН", "jose", "Josè", "tras", "ss", "елка", "[x]", "50%_", "a*b", "0011", "\\x\"y", "мар"])
            )
        }
        "contains" | "starts_with" if kind == Kind::Phone => json!(dice.one(&["44", "+336", "10", "7400110"])),
        "contains" | "starts_with" => {
            json!(
                dice.one(&["ан", "А", "*", "?", "ss", "ß", "Sσ", "σ", "strass", "[", "o", "É", ".", "%", "N\n", "-м"])
            )
        }
        "within_next_days" | "within_last_days" => json!(dice.roll(12_000)),
        "anniversary_within_days" => json!(dice.roll(120)),
        "between" => {
            let (a, b) = (value(dice), value(dice));
            // Whichever way round reads.
            let tried = json!({"field": field, "between": [a, b]});
            let mut reader = Reader::new(&[], now, Tz::UTC);
            let ok = field.contains("fields.") || reader.tree(&written(tried), "", 1).is_some();
            if ok { json!([a, b]) } else { json!([b, a]) }
        }
        _ => value(dice),
    };
    json!({ "field": field, word: given })
}

fn own_fields() -> Vec<ContactField> {
    [("city", FieldType::Text), ("score", FieldType::Number), ("vip", FieldType::Boolean), ("renewal", FieldType::Date)]
        .into_iter()
        .map(|(key, kind)| ContactField {
            id: crate::ids::ContactFieldId::new(Timestamp(0)),
            key: key.into(),
            title: key.into(),
            kind,
            choices: Vec::new(),
            created_at: Timestamp(0),
            version: 1,
        })
        .collect()
}

fn random_filter(dice: &mut Dice, groups: &[GroupId], now: Timestamp, depth: u64) -> Value {
    match dice.roll(3 + depth) {
        0 if depth < 4 => {
            let parts: Vec<Value> = (0..=dice.roll(3)).map(|_| random_filter(dice, groups, now, depth + 1)).collect();
            if dice.roll(2) == 0 { json!({ "all": parts }) } else { json!({ "any": parts }) }
        }
        1 if depth < 4 => json!({ "not": random_filter(dice, groups, now, depth + 1) }),
        _ => random_condition(dice, groups, now),
    }
}

/// 150 contacts with all that they may have, and what is known of them.
async fn populate(stage: &Stage, dice: &mut Dice) -> (Vec<GroupId>, Vec<Known>) {
    let mut group_ids = Vec::new();
    for (name, hidden, stop_list) in [("A", false, false), ("B", true, false), ("C", false, true)] {
        let new = groups::New { name: name.into(), hidden, stop_list, ..groups::New::default() };
        group_ids.push(write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap().id);
    }
    for field in own_fields() {
        let new = contact_fields::New { key: field.key, title: field.title, kind: field.kind, choices: Vec::new() };
        write_tx!(stage, tx => contact_fields::create(&tx, &stage.scope, new)).unwrap();
    }
    let mut all = Vec::new();
    for n in 0..150 {
        let new = random_contact(dice, &group_ids, n);
        let groups = new.group_ids.clone();
        stage.clock.advance(std::time::Duration::from_secs(3600));
        let tx = stage.db.begin().await.unwrap();
        let contact = contacts::create(&tx, &stage.scope, new).await.unwrap();
        let phone = i64::from(contact.phone);
        let blacklisted = dice.roll(5) == 0;
        let now = stage.clock.now();
        if blacklisted {
            let sql =
                "INSERT INTO blacklist (id, account_id, phone, source, created_at) VALUES ($1, $2, $3, 'api', $4)";
            tx.run(sql, vals![contact.id.0, stage.scope.account(), phone, now]).await.unwrap();
        }
        let unsubscribed: Vec<String> =
            SENDERS.iter().filter(|_| dice.roll(6) == 0).map(|sender| (*sender).to_owned()).collect();
        for sender in &unsubscribed {
            let sql = "INSERT INTO unsubscribes (id, account_id, phone, sender, source, created_at) VALUES ($1, $2, $3, $4, 'api', $5)";
            let id = crate::ids::uuid_v7(now);
            tx.run(sql, vals![id, stage.scope.account(), phone, sender.as_str(), now]).await.unwrap();
        }
        let outcome = (dice.roll(2) == 0).then(|| {
            let at = now.0 - i64::try_from(dice.roll(9)).unwrap() * 86_400_000_000;
            (dice.one(OUTCOME_WORDS).to_owned(), at, i64::try_from(dice.roll(4)).unwrap())
        });
        if let Some((status, at, failures)) = &outcome {
            let sql =
                "INSERT INTO contact_outcomes (account_id, phone, status, at, failures) VALUES ($1, $2, $3, $4, $5)";
            tx.run(sql, vals![stage.scope.account(), phone, status.as_str(), *at, *failures]).await.unwrap();
        }
        let mut there = Vec::new();
        for group in &groups {
            if dice.roll(2) == 0 {
                continue;
            }
            let mut values = serde_json::Map::new();
            for (key, value) in [
                ("first_name", json!(dice.one(NAMES))),
                ("birth_date", json!(dice.one(DAYS))),
                ("fields.city", json!(dice.one(NAMES))),
                ("fields.score", dice.one(NUMBERS).parse::<serde_json::Number>().unwrap().into()),
                ("fields.vip", json!(dice.roll(2) == 0)),
            ] {
                if dice.roll(2) == 0 {
                    values.insert(key.to_owned(), value);
                }
            }
            let sql = "UPDATE contact_groups SET overrides = $3 WHERE group_id = $1 AND contact_id = $2";
            tx.run(sql, vals![*group, contact.id, Value::Object(values.clone())]).await.unwrap();
            there.push((*group, values));
        }
        tx.commit().await.unwrap();
        let (stop, hidden) = (groups.contains(&group_ids[2]), groups.contains(&group_ids[1]));
        all.push(Known { contact, groups, there, stop, hidden, blacklisted, unsubscribed, outcome });
    }
    all.sort_by_key(|known| known.contact.id);
    (group_ids, all)
}

#[tokio::test]
async fn both_databases_find_what_a_plain_reading_finds() {
    for stage in stages().await {
        let mut dice = Dice(7);
        let (group_ids, all) = populate(&stage, &mut dice).await;
        let stranger = stage.stranger().await;
        let other = Stage::like(&stage, &stranger);
        let new = New { phone: "+447400110000".into(), ..New::default() };
        write_tx!(other, tx => contacts::create(&tx, &other.scope, new)).unwrap();
        let now = stage.clock.now();
        let (mut found_some, mut found_few) = (0, 0);
        for round in 0..600 {
            let filter = random_filter(&mut dice, &group_ids, now, 0);
            let tree = match read(stage.db.read(), &stage.scope, &written(filter.clone()), "").await {
                Ok(tree) => tree,
                // Bounds the wrong way round, and a term of two letters, are as random as the rest.
                Err(e) if e.faults.iter().all(|f| matches!(f.code, "invalid_range" | "too_short")) => continue,
                Err(e) => panic!("{filter}: {:?}", e.faults),
            };
            let wanted: Vec<ContactId> =
                all.iter().filter(|known| known.matches(&tree)).map(|known| known.contact.id).collect();
            found_some += usize::from(!wanted.is_empty());
            found_few += usize::from(wanted.len() < all.len());
            let found = ids(stage.db.read(), &stage.scope, &tree, None, 1000).await.unwrap();
            assert_eq!(found, wanted, "round {round}: {filter}");
            let (odd, even): (Vec<_>, Vec<_>) =
                all.iter().map(|known| known.contact.id).partition(|id| id.0.as_u128() % 2 == 1);
            let mut picked: Vec<ContactId> = Vec::new();
            for half in [odd, even] {
                picked.extend(among(stage.db.read(), &stage.scope, &tree, &half).await.unwrap());
            }
            picked.sort_unstable();
            assert_eq!(picked, wanted, "round {round}: {filter}");
            let counted = count(stage.db.read(), &stage.scope, &tree).await.unwrap();
            assert_eq!(counted, i64::try_from(wanted.len()).unwrap(), "round {round}: {filter}");
        }
        assert!(found_some > 250 && found_few > 400, "the filters say something: {found_some}, {found_few}");
    }
}

#[tokio::test]
async fn a_walk_in_pieces_meets_each_contact_once() {
    for stage in stages().await {
        let (group_ids, all) = populate(&stage, &mut Dice(3)).await;
        let there = format!("groups.{}.birth_date", group_ids[1]);
        for filter in [
            json!({"field": "country", "equals": "GB"}),
            json!({"field": "group", "equals": group_ids[0]}),
            json!({"field": there, "exists": true}),
        ] {
            let tree = read(stage.db.read(), &stage.scope, &written(filter), "").await.unwrap();
            let wanted: Vec<ContactId> = all.iter().filter(|k| k.matches(&tree)).map(|k| k.contact.id).collect();
            assert!(wanted.len() > 20);
            let (mut met, mut after) = (Vec::new(), None);
            loop {
                let piece = ids(stage.db.read(), &stage.scope, &tree, after, 7).await.unwrap();
                after = piece.last().copied();
                met.extend_from_slice(&piece);
                if piece.len() < 7 {
                    break;
                }
            }
            assert_eq!(met, wanted);
            let window = Window { limit: 5, after: Some(met[0]) };
            let page = list(stage.db.read(), &stage.scope, &tree, window, None).await.unwrap();
            assert_eq!(page.rows.iter().map(|c| c.id).collect::<Vec<_>>(), met[1..6]);
            assert_eq!(page.next, Some(met[5]));
        }
        let gone = GroupId::new(Timestamp(0));
        let filter = json!({"any": [{"field": "group", "any_of": [group_ids[0], gone]}]});
        let error = read(stage.db.read(), &stage.scope, &written(filter), "/filter").await.unwrap_err();
        assert_eq!((error.faults[0].pointer.as_str(), error.faults[0].code), ("/filter/any/0/any_of/1", "not_found"));
    }
}

#[tokio::test]
async fn outcomes_are_read_from_the_stream_once() {
    for stage in stages().await {
        let told = async |items: &[(&str, &str)]| {
            let tx = stage.db.begin().await.unwrap();
            let items: Vec<Value> = items.iter().map(|(to, status)| json!({"to": to, "status": status})).collect();
            let data = json!({ "items": items });
            crate::events::record(
                &tx,
                stage.clock.now(),
                stage.scope.account(),
                crate::events::MESSAGES_MOVED,
                "",
                data,
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            crate::events::sequence(&stage.db).await.unwrap();
            stage.clock.advance(std::time::Duration::from_secs(60));
        };
        told(&[("+447400110001", "sent"), ("+447400110001", "undelivered"), ("+447400110002", "delivered")]).await;
        told(&[("+447400110001", "expired"), ("+447400110002", "no_report"), ("+447400110003", "cancelled")]).await;
        assert_eq!(outcomes::gather(&stage.db).await.unwrap(), 2);
        assert_eq!(outcomes::gather(&stage.db).await.unwrap(), 0);
        told(&[("+447400110001", "rejected"), ("+447400110002", "failed")]).await;
        told(&[("+447400110001", "no_report")]).await;
        while outcomes::gather(&stage.db).await.unwrap() > 0 {}
        #[derive(sea_orm::FromQueryResult, Debug, PartialEq)]
        struct Row {
            phone: i64,
            status: String,
            failures: i64,
        }
        let row = |phone, status: &str, failures| Row { phone, status: status.into(), failures };
        let sql = "SELECT phone, status, failures FROM contact_outcomes WHERE account_id = $1 ORDER BY phone";
        let rows: Vec<Row> = stage.db.read().all(sql, vals![stage.scope.account()]).await.unwrap();
        assert_eq!(rows, [row(447_400_110_001, "no_report", 3), row(447_400_110_002, "failed", 1)]);
    }
}

#[tokio::test]
async fn figures_are_sums_of_the_same_contacts() {
    for stage in stages().await {
        let (group_ids, all) = populate(&stage, &mut Dice(11)).await;
        let now = stage.clock.now();
        let filter = json!({"not": {"field": "country", "equals": "DE"}});
        let tree = read(stage.db.read(), &stage.scope, &written(filter), "").await.unwrap();
        let mine: Vec<&Known> = all.iter().filter(|known| known.matches(&tree)).collect();
        let is = contacts::statistics::statistics(stage.db.read(), &stage.scope, &tree, now).await.unwrap();
        let number =
            |holds: &dyn Fn(&Known) -> bool| i64::try_from(mine.iter().filter(|known| holds(known)).count()).unwrap();
        assert_eq!(is.total, number(&|_| true));
        for list in [&is.countries, &is.line_types, &is.languages, &is.sexes, &is.ages, &is.consents] {
            assert_eq!(list.iter().map(|share| share.count).sum::<i64>(), is.total);
        }
        let share = |list: &[contacts::statistics::Share], value: Option<&str>| {
            list.iter().find(|share| share.value.as_deref() == value).map_or(0, |share| share.count)
        };
        for sex in [Some("male"), Some("female"), None] {
            let wanted = number(&|known| known.contact.profile.get(Column::Sex) == sex);
            assert!(wanted > 0);
            assert_eq!(share(&is.sexes, sex), wanted);
        }
        assert_eq!(share(&is.countries, Some("FR")), number(&|known| known.contact.country.as_deref() == Some("FR")));
        let born = |known: &Known| known.contact.profile.get(Column::BirthDate).map(str::to_owned);
        assert_eq!(share(&is.ages, None), number(&|known| born(known).is_none()));
        // Of the dates that are given, these are of people of 25 to 34 in November 2026 (the clock moves on by days only).
        let young = number(&|known| {
            born(known).is_some_and(|day| ["1999-11-25", "2000-12-31", "2001-11-29"].contains(&day.as_str()))
        });
        assert_eq!(share(&is.ages, Some("25-34")) + share(&is.ages, Some("18-24")), young);
        let first = is.groups.iter().find(|group| group.id == group_ids[0]).unwrap();
        assert_eq!((first.name.as_str(), first.count), ("A", number(&|known| known.groups.contains(&group_ids[0]))));
        assert_eq!(is.operators.iter().map(|share| share.count).sum::<i64>(), is.total);
        assert_eq!(is.regions.iter().map(|share| share.count).sum::<i64>(), is.total);
    }
}
