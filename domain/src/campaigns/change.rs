//! Making and changing a campaign before it is launched (and while it is scheduled).

use sea_orm::DatabaseTransaction;

use super::{Audience, Campaign, Pacing, Status, queries};
use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Code, Error, Faults, Result},
    ids::{CampaignId, TemplateId},
    messages,
    scope::AccountScope,
    segments::SplitMode,
    senders, templates, vals,
};

/// What an integrator says of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub name: String,
    pub description: Option<String>,
    pub sender: String,
    /// Exactly one of template and text.
    pub template_id: Option<TemplateId>,
    pub text: Option<String>,
    pub split_mode: SplitMode,
    pub audience: Audience,
    pub send_at: Option<Timestamp>,
    pub validity_seconds: Option<i64>,
    /// When its messages may leave.
    pub pacing: Pacing,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
}

impl Content {
    async fn check(&self, tx: &DatabaseTransaction, scope: &AccountScope) -> Result<()> {
        let Self {
            name,
            description,
            sender,
            template_id,
            text,
            split_mode: _,
            audience,
            send_at,
            validity_seconds,
            pacing,
            external_id,
            metadata: _,
        } = self;
        let mut faults = Faults::default();
        faults.text("/name", name, 200);
        faults.optional_text("/description", description.as_deref(), 2000);
        faults.optional_text("/external_id", external_id.as_deref(), 200);
        match (template_id, text) {
            (Some(_), Some(_)) => faults.add("/text", "exclusive", "must not be given beside template_id"),
            (None, None) => faults.add("/template_id", "required", "must be given, or text"),
            (Some(id), None) => {
                if templates::find(tx, scope, *id).await.is_err() {
                    faults.add("/template_id", "not_found", "there is no such template in this account");
                }
            }
            (None, Some(text)) if text.trim().is_empty() => faults.add("/text", "required", "must not be empty"),
            (None, Some(_)) => {}
        }
        messages::validity::check(&mut faults, *validity_seconds);
        pacing.check(&mut faults);
        let year = scope.clock().now().plus(std::time::Duration::from_secs(366 * 86_400));
        if send_at.is_some_and(|at| at > year) {
            faults.add("/send_at", "too_late", "must be within a year");
        }
        audience.check(tx, scope, &mut faults).await?;
        faults.check()?;
        if let Some(why) = senders::check(sender) {
            return Err(Error::new(Code::InvalidSender, format!("The sender {why}.")));
        }
        if let Some(text) = text {
            templates::check(tx, scope, text).await?;
        }
        Ok(())
    }
}

/// Makes a draft.
///
/// # Errors
/// `invalid_request` with every fault; `invalid_sender`; `invalid_template`, `unknown_marker`.
pub async fn create(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    content: &Content,
    copied_from: Option<CampaignId>,
) -> Result<Campaign> {
    content.check(tx, scope).await?;
    let now = scope.clock().now();
    let id = CampaignId::new(now);
    let Content {
        name,
        description,
        sender,
        template_id,
        text,
        split_mode,
        audience,
        send_at,
        validity_seconds,
        pacing,
        external_id,
        metadata,
    } = content.clone();
    tx.run(
        "INSERT INTO campaigns (id, account_id, name, description, status, sender, template_id, text, split_mode, audience, send_at, copied_from, \
         external_id, metadata, created_at, updated_at, version, validity_seconds, pacing) VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 1, $15, $16)",
        vals![
            id,
            scope.account(),
            name,
            description,
            sender,
            template_id,
            text,
            mode_text(split_mode),
            json(&audience)?,
            send_at,
            copied_from,
            external_id,
            metadata,
            now,
            validity_seconds,
            stored(&pacing)?
        ],
    )
    .await?;
    queries::get(tx, scope, id).await
}

/// Replaces the content of a draft or a scheduled campaign.
///
/// # Errors
/// As [`create`]; `campaign_not_draft` once it is on its way.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    campaign: &Campaign,
    content: &Content,
) -> Result<Campaign> {
    require_changeable(campaign)?;
    content.check(tx, scope).await?;
    // A scheduled campaign without a time starts now.
    let now = (campaign.status == Status::Scheduled).then(|| scope.clock().now());
    let Content {
        name,
        description,
        sender,
        template_id,
        text,
        split_mode,
        audience,
        send_at,
        validity_seconds,
        pacing,
        external_id,
        metadata,
    } = content.clone();
    tx.run(
        "UPDATE campaigns SET name = $2, description = $3, sender = $4, template_id = $5, text = $6, split_mode = $7, audience = $8, send_at = $9, \
         external_id = $10, metadata = $11, updated_at = $12, validity_seconds = $13, pacing = $14, version = version + 1 WHERE id = $1",
        vals![
            campaign.id,
            name,
            description,
            sender,
            template_id,
            text,
            mode_text(split_mode),
            json(&audience)?,
            send_at.or(now),
            external_id,
            metadata,
            scope.clock().now(),
            validity_seconds,
            stored(&pacing)?
        ],
    )
    .await?;
    queries::get(tx, scope, campaign.id).await
}

/// Deletes a draft.
///
/// # Errors
/// `campaign_not_draft` once it was launched: its messages and charges stay.
pub async fn delete(tx: &DatabaseTransaction, scope: &AccountScope, campaign: &Campaign) -> Result<()> {
    if campaign.status != Status::Draft {
        return Err(Error::new(
            Code::CampaignNotDraft,
            format!("The campaign is {}; only a draft can be deleted.", campaign.status),
        ));
    }
    tx.run("DELETE FROM campaigns WHERE id = $1 AND account_id = $2", vals![campaign.id, scope.account()]).await?;
    Ok(())
}

pub(super) fn require_changeable(campaign: &Campaign) -> Result<()> {
    if matches!(campaign.status, Status::Draft | Status::Scheduled) {
        return Ok(());
    }
    Err(Error::new(
        Code::CampaignNotDraft,
        format!("The campaign is {}; only a draft or a scheduled one can be changed or launched.", campaign.status),
    ))
}

fn mode_text(mode: SplitMode) -> String {
    serde_json::json!(mode).as_str().unwrap_or("udh").to_owned()
}

/// As it is stored: nothing where there is nothing to keep to.
fn stored(pacing: &Pacing) -> Result<Option<serde_json::Value>> {
    if pacing.is_none() { Ok(None) } else { json(pacing).map(Some) }
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|e| Error::internal(e.to_string()))
}
