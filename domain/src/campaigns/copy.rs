//! A new draft from an old campaign: the same again, or to those whom it did not reach.

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::{Audience, Campaign, Content, MAX_NUMBERS, Status, create, queries};
use crate::{
    db::Sql,
    error::{Code, Error, Result},
    ids::{CampaignId, GroupId},
    messages,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

fn content(campaign: &Campaign, name: String, audience: Audience) -> Result<Content> {
    Ok(Content {
        name,
        description: campaign.description.clone(),
        sender: campaign.sender.clone(),
        template_id: campaign.template_id,
        text: campaign.text.clone(),
        split_mode: serde_json::from_value(campaign.split_mode.clone().into())
            .map_err(|e| Error::internal(e.to_string()))?,
        audience,
        send_at: None,
        external_id: None,
        metadata: campaign.metadata.clone(),
    })
}

fn named(campaign: &Campaign, suffix: &str) -> String {
    let head: String = campaign.name.chars().take(180).collect();
    format!("{head} ({suffix})")
}

/// A draft with the same content, to be launched now or later.
///
/// # Errors
/// `not_found`; `invalid_request` when something it names is gone.
pub async fn copy(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let campaign = queries::get(tx, scope, id).await?;
    let content = content(&campaign, named(&campaign, "copy"), campaign.audience()?)?;
    create(tx, scope, &content, Some(id)).await
}

/// A draft to those whose message ended in one of these statuses: contacts through a hidden group made for it, bare
/// numbers one by one.
///
/// # Errors
/// `not_found`; `conflict` while the campaign is on its way; `empty_audience` when nobody ended so.
pub async fn resend(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: CampaignId,
    statuses: &[messages::Status],
) -> Result<Campaign> {
    let campaign = queries::get(tx, scope, id).await?;
    if !matches!(campaign.status, Status::Completed | Status::Cancelled | Status::Finishing) {
        return Err(Error::new(
            Code::Conflict,
            format!("The campaign is {}; its recipients are known once all is handed over.", campaign.status),
        ));
    }
    let now = scope.clock().now();
    let group = GroupId::new(now);
    let list = serde_json::json!(statuses);
    let wanted = if sea_orm::ConnectionTrait::get_database_backend(tx) == sea_orm::DbBackend::Postgres {
        "status IN (SELECT jsonb_array_elements_text($2::jsonb))"
    } else {
        "status IN (SELECT value FROM json_each($2))"
    };
    tx.run(
        "INSERT INTO groups (id, account_id, name, description, hidden, stop_list, created_at, updated_at, version) VALUES ($1, $2, $3, NULL, $4, $5, $6, $6, 1)",
        vals![group, scope.account(), format!("{} {group}", named(&campaign, "resend")), true, false, now],
    )
    .await?;
    let contacts = tx
        .run(
            &format!(
                "INSERT INTO contact_groups (group_id, contact_id, added_at) SELECT $3, m.contact_id, $4 FROM messages m JOIN contacts c ON c.id = m.contact_id \
                 WHERE m.campaign_id = $1 AND m.{wanted}"
            ),
            vals![id, list.clone(), group, now],
        )
        .await?;
    let sql = format!(
        "SELECT phone FROM messages WHERE campaign_id = $1 AND contact_id IS NULL AND {wanted} ORDER BY phone LIMIT $3"
    );
    let phones: Vec<i64> = tx.column(&sql, vals![id, list, i64::try_from(MAX_NUMBERS).unwrap_or(i64::MAX)]).await?;
    let phones: Vec<Msisdn> = phones.into_iter().filter_map(|p| Msisdn::try_from(p).ok()).collect();
    if contacts == 0 && phones.is_empty() {
        return Err(Error::new(
            Code::EmptyAudience,
            format!(
                "No message of the campaign ended as {}.",
                statuses.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
            ),
        ));
    }
    let group_ids = if contacts == 0 {
        tx.run("DELETE FROM groups WHERE id = $1", vals![Uuid::from(group.0)]).await?;
        Vec::new()
    } else {
        vec![group]
    };
    let audience = Audience { group_ids, phones, ..Audience::default() };
    create(tx, scope, &content(&campaign, named(&campaign, "resend"), audience)?, Some(id)).await
}
