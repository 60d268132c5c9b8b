//! Keeping a text under a name.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel};

use super::{Template, check};
use crate::{
    db::or_exists,
    error::{Faults, Result},
    ids::TemplateId,
    scope::AccountScope,
};

/// What the caller says.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// Unique within the account.
    pub name: String,
    /// The text with its markers.
    pub body: String,
}

/// Makes a template.
///
/// # Errors
/// When a value is not valid, or the name is taken.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: NewTemplate) -> Result<Template> {
    let NewTemplate { name, body } = new;
    let mut faults = Faults::default();
    check_name(&mut faults, &name);
    check_body(&mut faults, &body);
    faults.check()?;
    check(tx, scope, &body).await?;
    let now = scope.clock().now();
    let row = Template {
        id: TemplateId::new(now),
        account_id: scope.account(),
        name,
        body,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    row.into_active_model().insert(tx).await.map_err(|e| or_exists(e, NAME_TAKEN))
}

pub(super) const NAME_TAKEN: &str = "A template of this name exists already; choose another name or change that one.";

/// The body's own faults, told beside others; what its markers mean is looked at once it is there.
pub(super) fn check_body(faults: &mut Faults, body: &str) {
    if body.trim().is_empty() {
        faults.add("/body", "required", "must not be empty");
    }
}

pub(super) fn check_name(faults: &mut Faults, name: &str) {
    faults.text("/name", name, 200);
}
