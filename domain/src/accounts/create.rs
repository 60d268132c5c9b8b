//! Opening an account, by the operator.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel};

use super::{Account, Countries, Mode, Status, Words};
use crate::{
    error::{Faults, Result},
    ids::{AccountId, CarrierId, DeckId},
    scope::OperatorScope,
};

/// What the operator says about a new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// What its owner calls it.
    pub name: String,
    /// Live or test.
    pub mode: Mode,
    /// The live account, for a test environment.
    pub live_account_id: Option<AccountId>,
    /// What it may do.
    pub status: Status,
    /// ISO 3166 alpha-2: how national numbers are read.
    pub default_country: Option<String>,
    /// What it pays.
    pub rate_deck_id: Option<DeckId>,
    /// The carrier its messages go to.
    pub carrier_id: Option<CarrierId>,
    /// Where it may send.
    pub countries: Countries,
    /// Final statuses whose charge is given back.
    pub refund_on: Vec<String>,
}

/// Opens an account in UTC, English, with at most ten segments a message; the owner may change these.
///
/// # Errors
/// When the name is empty or the country not two capital letters.
pub async fn create(tx: &DatabaseTransaction, scope: &OperatorScope, new: NewAccount) -> Result<Account> {
    let now = scope.clock.now();
    let mut faults = Faults::default();
    faults.text("/name", &new.name, 200);
    super::update::check_country(&mut faults, new.default_country.as_deref());
    faults.check()?;
    let NewAccount {
        name,
        mode,
        live_account_id,
        status,
        default_country,
        rate_deck_id,
        carrier_id,
        countries,
        refund_on,
    } = new;
    let row = Account {
        id: AccountId::new(now),
        name,
        mode,
        live_account_id,
        status,
        default_country,
        time_zone: "UTC".to_owned(),
        language: "en".to_owned(),
        currency: None,
        rate_deck_id,
        carrier_id,
        countries,
        refund_on: Words(refund_on),
        max_segments: 10,
        trash_days: 30,
        quiet_hours: None,
        frequency_caps: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    Ok(row.into_active_model().insert(tx).await?)
}
