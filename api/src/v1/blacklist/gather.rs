//! Many numbers at once: the members of a group, the recipients of a campaign.

use actix_web::{post, web::Data};
use domain::{
    blacklist::{self, Gathered},
    ids::{CampaignId, GroupId},
    messages::Status,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    shared::{auth::Auth, json::Json, path::Id, problem::Failure, reply::Reply},
};

/// Why the members of a group are put on the blacklist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "left the club"}))]
pub struct BlacklistGroup {
    /// Why, at most 500 characters; kept with each number.
    pub reason: Option<String>,
}

/// Which recipients of a campaign are put on the blacklist, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"statuses": ["undelivered", "rejected"], "reason": "not reached in November"}))]
pub struct BlacklistCampaign {
    /// The states in which their messages ended, at least one, all of them final.
    pub statuses: Vec<Status>,
    /// Why, at most 500 characters; kept with each number.
    pub reason: Option<String>,
}

/// What became of the numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"added": 974, "present": 1}))]
pub struct BlacklistAdded {
    /// Numbers that are new on the blacklist.
    pub added: u64,
    /// Numbers that were there already; they keep their reason and source.
    pub present: u64,
}

impl From<Gathered> for BlacklistAdded {
    fn from(gathered: Gathered) -> Self {
        let Gathered { added, present } = gathered;
        Self { added, present }
    }
}

/// Put a group on the blacklist
///
/// Every member that the group has now, of any number; who joins later is not listed (make the group a stop list for
/// that). The numbers are written in pieces, and the answer comes after the last: at once for a few thousand, up to a
/// minute for a million. Done again it adds only what is missing, so a lost answer does no harm. For example,
/// `POST /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist` with `{"reason": "left the club"}`.
#[utoipa::path(
    operation_id = "blacklist.add_group",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = GroupId, Path)),
    responses((status = OK, description = "How many are new on the list, and how many were there.", body = BlacklistAdded)),
)]
#[post("/groups/{id}/blacklist")]
pub(super) async fn add_group(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    Json(asked): Json<BlacklistGroup>,
) -> Result<Reply<BlacklistAdded>, Failure> {
    let BlacklistGroup { reason } = asked;
    Ok(Reply::ok(blacklist::add_group(&app.db, &scope, id, reason.as_deref()).await?.into()))
}

/// Put recipients of a campaign on the blacklist
///
/// Those whose message has ended in one of `statuses`: numbers that are dead or refuse are then not paid for again. For
/// a campaign that is still on its way, those that have ended so far. Written in pieces, and safely done again, as for a
/// group. For example, `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist` with the body below.
#[utoipa::path(
    operation_id = "blacklist.add_campaign",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = CampaignId, Path)),
    responses((status = OK, description = "How many are new on the list, and how many were there.", body = BlacklistAdded)),
)]
#[post("/campaigns/{id}/blacklist")]
pub(super) async fn add_campaign(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    Json(asked): Json<BlacklistCampaign>,
) -> Result<Reply<BlacklistAdded>, Failure> {
    let BlacklistCampaign { statuses, reason } = asked;
    let gathered = blacklist::add_campaign(&app.db, &scope, id, &statuses, reason.as_deref()).await?;
    Ok(Reply::ok(gathered.into()))
}
