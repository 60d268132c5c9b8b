//! What the segments of an audience mean: their filters at one moment.
//!
//! A launched campaign stores them when its preparation begins (`campaigns.segments`), so that a worker that goes on after
//! a crash, or a segment that is changed or deleted meanwhile, does not make it go to others halfway. An estimate reads
//! them as they are.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::{Audience, Campaign};
use crate::{
    clock::Timestamp,
    contact_segments::{self, Segment},
    contacts::{ContactFilter, Tree},
    db::{Db, Sql},
    error::{Error, Result},
    ids::SegmentId,
    scope::AccountScope,
    vals,
};

/// The segments of an audience, checked.
#[derive(Debug, Default)]
pub(super) struct Meant {
    pub include: Vec<Tree>,
    pub exclude: Vec<Tree>,
}

/// The same as stored.
#[derive(Debug, Serialize, Deserialize)]
struct Frozen {
    at: i64,
    segments: Vec<FrozenSegment>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FrozenSegment {
    id: SegmentId,
    name: String,
    filter: ContactFilter,
}

impl Frozen {
    /// As they are now.
    async fn now(conn: &impl ConnectionTrait, scope: &AccountScope, audience: &Audience) -> Result<Self> {
        let ids: Vec<SegmentId> = audience.segment_ids.iter().chain(&audience.exclude_segment_ids).copied().collect();
        let known = contact_segments::named(conn, scope, &ids).await?;
        for (name, wanted) in
            [("segment_ids", &audience.segment_ids), ("exclude_segment_ids", &audience.exclude_segment_ids)]
        {
            for (place, id) in wanted.iter().enumerate() {
                if !known.iter().any(|segment| segment.id == *id) {
                    let detail = format!("names the segment {id}, which was deleted; change the audience");
                    return Err(Error::field(format!("/audience/{name}/{place}"), "not_found", detail));
                }
            }
        }
        let segments = known.into_iter().map(|Segment { id, name, filter, .. }| FrozenSegment { id, name, filter });
        Ok(Self { at: scope.clock().now().0, segments: segments.collect() })
    }

    async fn meant(self, conn: &impl ConnectionTrait, scope: &AccountScope, audience: &Audience) -> Result<Meant> {
        let Self { at, segments } = self;
        let mut meant = Meant::default();
        for FrozenSegment { id, name, filter } in segments {
            let (at, now) = (Timestamp(at), scope.clock().now());
            let segment = Segment { id, name, description: None, filter, created_at: now, updated_at: now, version: 0 };
            let tree = contact_segments::tree(conn, scope, &segment, at).await?;
            if audience.exclude_segment_ids.contains(&id) {
                meant.exclude.push(tree.clone());
            }
            if audience.segment_ids.contains(&id) {
                meant.include.push(tree);
            }
        }
        Ok(meant)
    }
}

impl Meant {
    /// What the segments mean now.
    ///
    /// # Errors
    /// `invalid_request` for a segment that is gone, `conflict` for one whose filter names what is gone.
    pub async fn now(conn: &impl ConnectionTrait, scope: &AccountScope, audience: &Audience) -> Result<Self> {
        if audience.segment_ids.is_empty() && audience.exclude_segment_ids.is_empty() {
            return Ok(Self::default());
        }
        Frozen::now(conn, scope, audience).await?.meant(conn, scope, audience).await
    }

    /// What they meant when the preparation of this campaign began; its first run stores it.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub async fn frozen(db: &Db, scope: &AccountScope, campaign: &Campaign, audience: &Audience) -> Result<Self> {
        if audience.segment_ids.is_empty() && audience.exclude_segment_ids.is_empty() {
            return Ok(Self::default());
        }
        let tx = db.begin().await?;
        let sql = "SELECT segments FROM campaigns WHERE account_id = $1 AND id = $2";
        let stored: Option<Option<serde_json::Value>> = tx.scalar(sql, vals![scope.account(), campaign.id]).await?;
        if stored.flatten().is_none() {
            let json = serde_json::to_value(Frozen::now(&tx, scope, audience).await?);
            let json = json.map_err(|e| Error::internal(e.to_string()))?;
            // Of two runs at once the first decides.
            let sql = "UPDATE campaigns SET segments = $3 WHERE account_id = $1 AND id = $2 AND segments IS NULL";
            tx.run(sql, vals![scope.account(), campaign.id, json]).await?;
        }
        let stored: Option<Option<serde_json::Value>> = tx.scalar(sql, vals![scope.account(), campaign.id]).await?;
        tx.commit().await?;
        let frozen: Frozen = serde_json::from_value(stored.flatten().unwrap_or_default())
            .map_err(|e| Error::internal(format!("segments of {}: {e}", campaign.id)))?;
        frozen.meant(db.read(), scope, audience).await
    }
}
