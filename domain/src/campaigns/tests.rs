//! The walk over an audience with segments: everybody once, nobody twice, whatever lies between.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::{Audience, audience::Cursor, segments::Meant};
use crate::{
    contact_segments, groups,
    ids::SegmentId,
    phone::Msisdn,
    testing::{Stage, stages, write_tx},
};

async fn segment(stage: &Stage, name: &str, filter: serde_json::Value) -> SegmentId {
    let filter = serde_json::from_value(filter).unwrap();
    let new = contact_segments::New { name: name.into(), description: None, filter };
    write_tx!(stage, tx => contact_segments::create(&tx, &stage.scope, new)).unwrap().id
}

async fn walked(stage: &Stage, audience: &Audience) -> (Vec<u64>, usize) {
    let meant = Meant::now(stage.db.read(), &stage.scope, audience).await.unwrap();
    let (mut met, mut pages, mut cursor) = (Vec::new(), 0, Some(Cursor::Contact(Uuid::nil())));
    while let Some(at) = cursor {
        let page = audience.page(stage.db.read(), &stage.scope, "ACME", &meant, at, None).await.unwrap();
        met.extend(page.recipients.iter().map(|r| r.phone.as_u64() - 447_400_000_000));
        cursor = page.next;
        pages += 1;
    }
    (met, pages)
}

#[tokio::test]
async fn segments_and_groups_meet_everybody_once() {
    for stage in stages().await {
        stage.many_contacts(11_000).await;
        let rare = segment(&stage, "Rare", json!({"field": "first_name", "equals": "rare"})).await;
        let few = segment(&stage, "Few", json!({"field": "phone", "starts_with": "4474000060"})).await;
        let group = groups::New { name: "G".into(), ..groups::New::default() };
        let group = write_tx!(stage, tx => groups::create(&tx, &stage.scope, group)).unwrap().id;
        let members = [3_u128, 2_000, 10_999].map(|n| crate::ids::ContactId(Uuid::from_u128(n)));
        write_tx!(stage, tx => groups::add(&tx, &stage.scope, group, &members)).unwrap();

        let audience = Audience { segment_ids: vec![rare], ..Audience::default() };
        let (met, pages) = walked(&stage, &audience).await;
        assert_eq!((met, pages), (vec![2_000, 4_000, 6_000, 8_000, 10_000], 3));
        let number = |n: i64| Msisdn::try_from(447_400_000_000 + n).unwrap();
        let audience = Audience {
            segment_ids: vec![rare, few],
            group_ids: vec![group],
            phones: vec![number(5), number(6_000), number(20_000)],
            ..Audience::default()
        };
        let (met, _) = walked(&stage, &audience).await;
        let mut wanted: BTreeSet<u64> = (6_000..=6_099).collect();
        wanted.extend([2_000, 4_000, 8_000, 10_000, 3, 10_999, 5, 20_000]);
        assert_eq!(met.len(), wanted.len(), "nobody twice");
        assert_eq!(met.iter().copied().collect::<BTreeSet<_>>(), wanted);
        let less = Audience { exclude_segment_ids: vec![rare], exclude_group_ids: vec![group], ..audience };
        let (met, _) = walked(&stage, &less).await;
        let mut wanted: BTreeSet<u64> = (6_001..=6_099).collect();
        wanted.extend([5, 20_000]);
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), wanted);
        let everybody = segment(&stage, "All", json!({"field": "country", "equals": "GB"})).await;
        let (met, pages) = walked(&stage, &Audience { segment_ids: vec![everybody], ..Audience::default() }).await;
        assert_eq!((met, pages), ((1..=11_000).collect(), 12));

        write_tx!(stage, tx => contact_segments::delete(&tx, &stage.scope, rare, None)).unwrap();
        let error = Meant::now(stage.db.read(), &stage.scope, &less).await.unwrap_err();
        assert_eq!(error.faults[0].pointer, "/audience/segment_ids/0");
        write_tx!(stage, tx => crate::trash::group(&tx, &stage.scope, group, None)).unwrap();
    }
}
