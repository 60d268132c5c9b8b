//! A new draft from an old campaign: the same again, or to those whom it did not reach.

use sea_orm::DatabaseTransaction;

use super::{Audience, Campaign, Content, MAX_NUMBERS, Status, create, queries};
use crate::{
    error::{Code, Error, Result},
    groups,
    ids::CampaignId,
    messages,
    phone::Msisdn,
    scope::AccountScope,
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
        validity_seconds: campaign.validity_seconds,
        pacing: campaign.pacing()?,
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
    let mut after = None;
    let (mut group_ids, mut phones) = (Vec::new(), Vec::new());
    loop {
        let filter =
            messages::Filter { campaign: Some(id), statuses: statuses.to_vec(), after, ..messages::Filter::default() };
        let messages::Listed { rows: page, next } = messages::list(tx, scope, &filter, 1000, None).await?;
        let contacts: Vec<_> = page.iter().filter_map(|m| m.contact_id).collect();
        if group_ids.is_empty() && !contacts.is_empty() {
            let name = format!("Resend of {id}, {}", scope.clock().now());
            group_ids.push(
                groups::create(tx, scope, groups::New { name, hidden: true, ..groups::New::default() }).await?.id,
            );
        }
        for group in &group_ids {
            groups::add(tx, scope, *group, &contacts).await?;
        }
        phones.extend(page.iter().filter(|m| m.contact_id.is_none()).filter_map(|m| Msisdn::try_from(m.phone).ok()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    phones.truncate(MAX_NUMBERS);
    if group_ids.is_empty() && phones.is_empty() {
        let words: Vec<_> = statuses.iter().map(|s| s.as_str()).collect();
        return Err(Error::new(
            Code::EmptyAudience,
            format!("No message of the campaign ended as {}.", words.join(", ")),
        ));
    }
    let audience = Audience { group_ids, phones, ..Audience::default() };
    create(tx, scope, &content(&campaign, named(&campaign, "resend"), audience)?, Some(id)).await
}
