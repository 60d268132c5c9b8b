//! What a launch would send, skip and charge, to the micro-unit.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{Audience, Campaign, audience::Cursor, segments::Meant};
use crate::{
    error::{Code, Error, Result},
    messages::{Draft, Letter, Outcome, Skip, Terms},
    money::{Currency, Micros},
    scope::AccountScope,
    segments::{Encoding, SplitMode},
    senders, templates,
};

/// The sums of a walk over the audience.
#[derive(Debug, Clone)]
pub struct Estimate {
    pub currency: Currency,
    pub messages: i64,
    pub segments: i64,
    pub cost: Micros,
    /// Messages in UCS-2, which take more segments.
    pub ucs2_messages: i64,
    pub skipped: BTreeMap<Skip, i64>,
    /// Messages, segments and cost by country.
    pub by_country: BTreeMap<String, (i64, i64, Micros)>,
    /// A country of each skip for want of a price or a permission, for the sentence of a refusal.
    pub unpriced: Option<String>,
}

impl Estimate {
    pub(super) fn new(currency: Currency) -> Self {
        Self {
            currency,
            messages: 0,
            segments: 0,
            cost: Micros::ZERO,
            ucs2_messages: 0,
            skipped: BTreeMap::new(),
            by_country: BTreeMap::new(),
            unpriced: None,
        }
    }

    pub(super) fn add(&mut self, draft: &Draft) -> Result<()> {
        let too_large =
            || Error::new(Code::LimitReached, "The cost is larger than the ledger can hold; send to fewer at a time.");
        match &draft.outcome {
            Outcome::Skip(skip) => {
                *self.skipped.entry(*skip).or_default() += 1;
                if matches!(skip, Skip::NoRate | Skip::NoRoute | Skip::CountryNotEnabled) && self.unpriced.is_none() {
                    self.unpriced = Some(draft.country.clone().unwrap_or_else(|| "an unknown country".to_owned()));
                }
            }
            Outcome::Send(piece) => {
                let price = piece.unit_price.checked_mul(piece.segments).ok_or_else(too_large)?;
                self.cost = self.cost.checked_add(price).ok_or_else(too_large)?;
                self.messages += 1;
                self.segments += piece.segments;
                self.ucs2_messages += i64::from(piece.encoding == Encoding::Ucs2);
                let of = self.by_country.entry(draft.country.clone().unwrap_or_default()).or_default();
                *of = (of.0 + 1, of.1 + piece.segments, of.2.checked_add(price).ok_or_else(too_large)?);
            }
        }
        Ok(())
    }

    /// Ok when somebody would be sent to, else the refusal that says why nobody is.
    pub(super) fn require_somebody(&self) -> Result<()> {
        if self.messages > 0 {
            return Ok(());
        }
        let country = self.unpriced.clone().unwrap_or_default();
        let most = self.skipped.iter().max_by_key(|(_, n)| **n).map(|(skip, _)| *skip);
        Err(match most {
            None => Error::new(
                Code::EmptyAudience,
                "The audience has no contact: add contacts to the groups, or name other groups.",
            ),
            Some(Skip::NoRate) => Error::new(
                Code::NoRate,
                format!("The account's rate deck has no price for {country}: ask the operator, or leave it out."),
            ),
            Some(Skip::NoRoute) => Error::new(
                Code::NoRoute,
                format!("No carrier takes messages to {country}: ask the operator for a route."),
            ),
            Some(Skip::CountryNotEnabled) => Error::new(
                Code::CountryNotEnabled,
                format!("Sending to {country} is off for this account: ask the operator to enable it."),
            ),
            Some(Skip::TextTooLong) => {
                Error::new(Code::TextTooLong, "The text has more segments than the account allows: shorten it.")
            }
            Some(Skip::EmptyText) => Error::new(
                Code::EmptyText,
                "The text is empty for every recipient: write a text or give the markers defaults.",
            ),
            Some(skip) => Error::new(
                Code::EmptyAudience,
                format!("Nobody of the audience may be sent to; most are skipped as {}.", skip.as_str()),
            ),
        })
    }
}

/// The letter of a campaign: its text parsed and its markers known, its sender in order.
pub(super) async fn letter(conn: &impl ConnectionTrait, scope: &AccountScope, campaign: &Campaign) -> Result<Letter> {
    let text = match (&campaign.text, campaign.template_id) {
        (Some(text), _) => text.clone(),
        (None, Some(id)) => templates::find(conn, scope, id).await?.body,
        (None, None) => return Err(Error::new(Code::EmptyText, "The campaign has neither text nor template.")),
    };
    let template = templates::check(conn, scope, &text).await?;
    senders::require_approved(conn, scope, &campaign.sender).await?;
    let split_mode: SplitMode =
        serde_json::from_value(campaign.split_mode.clone().into()).map_err(|e| Error::internal(e.to_string()))?;
    let validity_seconds = campaign.validity_seconds;
    Ok(Letter { sender: campaign.sender.clone(), template, split_mode, validity_seconds })
}

/// Walks the whole audience without writing anything.
///
/// # Errors
/// What a launch would refuse at once, but for money and an empty audience, which the figures show.
pub async fn estimate(conn: &impl ConnectionTrait, scope: &AccountScope, campaign: &Campaign) -> Result<Estimate> {
    let letter = letter(conn, scope, campaign).await?;
    let terms = Terms::load(conn, scope).await?;
    walk(conn, scope, &campaign.audience()?, &letter, &terms, usize::MAX).await.map(|(sums, _)| sums)
}

/// Sums up to `pages` pages with somebody on them, and tells whether that was all.
pub(super) async fn walk(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    audience: &Audience,
    letter: &Letter,
    terms: &Terms,
    pages: usize,
) -> Result<(Estimate, bool)> {
    let meant = Meant::now(conn, scope, audience).await?;
    let mut sums = Estimate::new(terms.deck.currency.clone());
    let mut cursor = Some(Cursor::Contact(Uuid::nil()));
    let mut left = pages;
    while let Some(at) = cursor.filter(|_| left > 0) {
        let page = audience.page(conn, scope, &letter.sender, &meant, at, None).await?;
        // The walk goes from contacts to bare numbers by a page that may have nobody: it does not count.
        left -= usize::from(!page.recipients.is_empty() || matches!(page.next, Some(Cursor::Contact(_))));
        for recipient in &page.recipients {
            sums.add(&letter.draft(terms, recipient))?;
        }
        cursor = page.next;
    }
    Ok((sums, cursor.is_none()))
}
