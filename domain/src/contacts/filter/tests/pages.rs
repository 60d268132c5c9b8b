//! Pages: whatever a filter is walked by, and however few contacts a page may look at, they hold what a plain reading finds.

use super::*;

/// A condition that may lead: few or many numbers, external ids, a time of making, a group, a search.
fn leading(dice: &mut Dice, groups: &[GroupId], all: &[Known]) -> Value {
    let some = |dice: &mut Dice| &all[usize::try_from(dice.roll(150)).unwrap()].contact;
    let phone = |dice: &mut Dice| some(dice).phone.to_string();
    match dice.roll(7) {
        0 => {
            let (phone, digits) = (phone(dice), usize::try_from(dice.roll(11)).unwrap());
            json!({"field": "phone", "starts_with": phone[..=digits + 1]})
        }
        1 => json!({"field": "phone", "any_of": [phone(dice), phone(dice), phone(dice), "+447400999999"]}),
        2 => json!({"field": "external_id", "any_of": ["id-7", "id-8", "id-9", "nobody"]}),
        3 => {
            let (a, b) = (some(dice).created_at, some(dice).created_at);
            json!({"field": "created_at", "between": [a.min(b).to_string(), a.max(b).to_string()]})
        }
        4 => json!({"field": "created_at", dice.one(&["lt", "lte", "gt", "gte"]): some(dice).created_at.to_string()}),
        5 => json!({"field": "group", "equals": groups[usize::try_from(dice.roll(3)).unwrap()]}),
        _ => json!({"field": "search", "contains": dice.one(&["anna", "+4474001", "6123", "елка", "1000"])}),
    }
}

#[tokio::test]
async fn pages_are_complete_whatever_leads_and_however_few_they_look_at() {
    for stage in stages().await {
        let mut dice = Dice(23);
        let (group_ids, all) = populate(&stage, &mut dice).await;
        let stranger = stage.stranger().await;
        let other = Stage::like(&stage, &stranger);
        for n in 0..20 {
            let new = New { phone: format!("+44740011{n:04}"), ..New::default() };
            write_tx!(other, tx => contacts::create(&tx, &other.scope, new)).unwrap();
        }
        // Of few contacts among many, a count goes by the account's index; of many, by the table.
        assert_eq!(count(stage.db.read(), &stranger, &Tree::everything()).await.unwrap(), 20);
        let (mut short, mut found_some) = (0, 0);
        for round in 0..200 {
            let mut parts = vec![leading(&mut dice, &group_ids, &all)];
            for _ in 0..dice.roll(3) {
                parts.push(match dice.roll(2) {
                    0 => leading(&mut dice, &group_ids, &all),
                    _ => random_condition(&mut dice, &group_ids, stage.clock.now()),
                });
            }
            let filter = json!({ "all": parts });
            let tree = match read(stage.db.read(), &stage.scope, &written(filter.clone()), "").await {
                Ok(tree) => tree,
                Err(e) if e.faults.iter().all(|f| matches!(f.code, "invalid_range" | "too_short")) => continue,
                Err(e) => panic!("{filter}: {:?}", e.faults),
            };
            let wanted: Vec<ContactId> = all.iter().filter(|k| k.matches(&tree)).map(|k| k.contact.id).collect();
            found_some += usize::from(!wanted.is_empty());
            let counted = count(stage.db.read(), &stage.scope, &tree).await.unwrap();
            assert_eq!(counted, i64::try_from(wanted.len()).unwrap(), "round {round}: {filter}");
            for reach in [None, Some(2), Some(15), Some(60), Some(1000)] {
                let limit = usize::try_from(1 + dice.roll(30)).unwrap();
                let (mut met, mut after, mut pages) = (Vec::new(), None, 0);
                loop {
                    let window = Window { limit, after };
                    let page = list(stage.db.read(), &stage.scope, &tree, window, reach).await.unwrap();
                    assert!(page.rows.len() <= limit);
                    met.extend(page.rows.iter().map(|c| c.id));
                    pages += 1;
                    assert!(page.next.is_none() || page.next > after, "round {round}: {filter}: a page goes on");
                    if reach.is_none_or(|reach| reach > 150) {
                        assert!(page.next.is_none() || page.rows.len() == limit);
                    }
                    short += usize::from(page.next.is_some() && page.rows.len() < limit);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(met, wanted, "round {round}, reach {reach:?}, limit {limit}: {filter}");
                assert!(pages <= 2 + all.len(), "round {round}: {filter}: {pages} pages");
            }
        }
        assert!(
            short > 100 && found_some > 80,
            "the pages say something: {short} short, {found_some} filters find some"
        );
    }
}
