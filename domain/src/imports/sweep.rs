//! Finding imports that nobody works on.

use super::WORK;
use crate::{db::Db, error::Result, scope::SystemScope};

/// Announces again the imports whose lease has expired or that were never begun, and tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<usize> {
    WORK.announce_overdue(db, system.clock.now()).await
}
