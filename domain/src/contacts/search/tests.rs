//! Search over both databases: at once for single changes, soon for bulk, never another account's.

use serde_json::json;

use super::gather;
use crate::{
    contacts::{self, Column, Filter, Tree, filter},
    db::{Sql, Window},
    error::Result,
    testing::{Stage, stages, write_tx},
    vals,
};

async fn found(stage: &Stage, term: &str) -> Vec<u64> {
    let sought = Filter { search: Some(super::sought(term)), ..Filter::default() };
    let window = Window { limit: 100, after: None };
    let contacts::Listed { rows, next } =
        contacts::list(stage.db.read(), &stage.scope, &sought, window, None).await.unwrap();
    let more = next.is_some();
    let counted = filter::count(stage.db.read(), &stage.scope, &sought.tree()).await.unwrap();
    assert_eq!(counted > 100, more);
    assert!(more || usize::try_from(counted).unwrap() == rows.len());
    rows.iter().map(|row| row.phone.as_u64()).collect()
}

async fn read_all(stage: &Stage) {
    while gather(&stage.db).await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_single_change_is_found_at_once() {
    for stage in stages().await {
        let new = contacts::New {
            phone: "+447400123456".into(),
            columns: vec![(Column::FirstName, "Zoë".into()), (Column::LastName, "Ångström".into())],
            ..contacts::New::default()
        };
        let made = write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap();
        for term in ["zoe", "ANGSTROM", "zoë ång", "m zo", "400123", "+44 7400 12-34-56", "07400 123", "0044/7400"] {
            assert_eq!(found(&stage, term).await, [447_400_123_456], "{term}");
        }
        assert!(found(&stage, "07401").await.is_empty());
        assert!(found(&stage, "zoe\nm").await.is_empty() && found(&stage, "anna").await.is_empty());
        let patch = contacts::Patch { columns: vec![(Column::FirstName, Some("Anna".into()))], ..Default::default() };
        let changed: Result<_> = write_tx!(stage, tx => contacts::update(&tx, &stage.scope, made.id, patch, None));
        changed.unwrap();
        assert_eq!((found(&stage, "anna").await.len(), found(&stage, "zoe").await.len()), (1, 0));
        read_all(&stage).await;
        assert_eq!(found(&stage, "anna").await.len(), 1);
        let other = Stage::like(&stage, &stage.stranger().await);
        assert!(found(&other, "anna").await.is_empty(), "another account's");
        write_tx!(stage, tx => crate::trash::contact(&tx, &stage.scope, made.id, None)).unwrap();
        assert!(found(&stage, "anna").await.is_empty(), "the text is still there, but no contact");
        read_all(&stage).await;
        assert_eq!((stage.count("contact_search").await, stage.count("contact_search_queue").await), (0, 0));
    }
}

#[tokio::test]
async fn what_is_written_in_bulk_is_found_once_it_has_been_read() {
    for stage in stages().await {
        stage.many_contacts(4_500).await;
        assert!(found(&stage, "rare").await.is_empty());
        read_all(&stage).await;
        assert_eq!(found(&stage, "rare").await, [447_400_002_000, 447_400_004_000]);
        assert_eq!(found(&stage, "0002000").await, [447_400_002_000]);
        // More than a search names one by one: still whole and in order.
        let many = found(&stage, "many").await;
        assert_eq!(many, (447_400_000_001..=447_400_000_100).collect::<Vec<u64>>());
        let tree: Tree = Filter { search: Some("many".into()), ..Filter::default() }.tree();
        assert_eq!(filter::count(stage.db.read(), &stage.scope, &tree).await.unwrap(), 4_498);
        let both =
            json!({"all": [{"field": "search", "contains": "MANY"}, {"field": "phone", "starts_with": "44740000444"}]});
        let both = serde_json::from_value(both).unwrap();
        let both = filter::read(stage.db.read(), &stage.scope, &both, "").await.unwrap();
        assert_eq!(filter::count(stage.db.read(), &stage.scope, &both).await.unwrap(), 10);

        let tx = stage.db.begin().await.unwrap();
        tx.run("UPDATE contacts SET first_name = 'Seldom' WHERE first_name = 'Rare'", vals![]).await.unwrap();
        tx.run("DELETE FROM contacts WHERE phone = 447400002000", vals![]).await.unwrap();
        tx.commit().await.unwrap();
        read_all(&stage).await;
        assert_eq!(found(&stage, "seldom").await, [447_400_004_000]);
        assert!(found(&stage, "rare").await.is_empty());
        assert_eq!(stage.count("contact_search").await, 4_499);
    }
}
