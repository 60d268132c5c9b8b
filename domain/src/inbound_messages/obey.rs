//! Doing what a subscriber's word asks for.
//!
//! The rule of a stop: it is for the sender that was answered. A sender that several accounts have cannot be told apart
//! by the subscriber, so a stop to it is for the account, as `stop all` is to any. A start undoes what stops did, for the
//! sender that was answered and for the account, and touches nothing that the account itself has listed.

use sea_orm::DatabaseTransaction;

use super::{Keyword, delivery::number, receive::New};
use crate::{blacklist, error::Result, scope::SystemScope, unsubscribes};

/// Carries out the word of a message that is an account's.
pub(super) async fn obey(tx: &DatabaseTransaction, scope: &SystemScope, message: &New) -> Result<()> {
    let New { id, whole, keyword, account, owners, .. } = message;
    let (Some(keyword), Some(account)) = (*keyword, *account) else { return Ok(()) };
    let Some(phone) = number(&whole.subscriber) else {
        let keyword = keyword.as_str();
        tracing::warn!(inbound_message = %id, keyword, "a subscriber's word is not obeyed: its address is no number");
        return Ok(());
    };
    let scope = scope.of(account, true); // the mode decides nothing here
    let shared = *owners > 1;
    match keyword {
        Keyword::Stop if !shared => {
            unsubscribes::stop(tx, &scope, phone, &whole.sender, *id).await?;
        }
        Keyword::Stop | Keyword::StopAll => blacklist::stop(tx, &scope, phone, *id).await?,
        Keyword::Start => {
            unsubscribes::start(tx, &scope, phone, &whole.sender).await?;
            blacklist::start(tx, &scope, phone).await?;
        }
    }
    Ok(())
}
