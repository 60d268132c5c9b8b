//! Saying which numbers are ported.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::queries;
use crate::{
    contact_fields::composed,
    db::{Columns, Sql},
    error::{Faults, Result},
    phone::Msisdn,
    scope::OperatorScope,
    vals,
};

/// Numbers of one request.
pub const MAX_PUT: usize = 10_000;
/// Characters of an operator's name.
pub const MAX_OPERATOR: usize = 100;
/// Numbers of one statement.
const PIECE: usize = 2_000;

/// What became of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Put {
    /// Numbers that are ported now, whether or not they were before.
    pub stored: u64,
    /// Numbers that were ported and are not any more.
    pub removed: u64,
}

/// Stores which operator has each of these numbers now; `None`: the one of its prefix again. Of a number that is named
/// twice the last word counts. The same again changes nothing but the moment at which it was said.
///
/// # Errors
/// `invalid_request` for too many numbers and for names that are empty or too long.
pub async fn put(tx: &DatabaseTransaction, scope: &OperatorScope, numbers: &[(Msisdn, Option<String>)]) -> Result<Put> {
    let mut faults = Faults::default();
    if numbers.is_empty() || numbers.len() > MAX_PUT {
        faults.add("/numbers", "invalid_count", format!("must have 1 to {MAX_PUT} numbers"));
    }
    for (place, (_, operator)) in numbers.iter().enumerate() {
        if let Some(operator) = operator {
            faults.text(&format!("/numbers/{place}/operator"), operator, MAX_OPERATOR);
        }
    }
    faults.check()?;
    // In the order of the numbers, so that two requests do not wait for each other in a circle.
    let last: BTreeMap<i64, Option<String>> = numbers
        .iter()
        .map(|(phone, operator)| (i64::from(*phone), operator.as_deref().map(|name| composed(name.trim()))))
        .collect();
    let (mut ported, mut back) = (Vec::new(), Vec::new());
    for (phone, operator) in last {
        match operator {
            Some(operator) => ported.push((phone, operator)),
            None => back.push(phone),
        }
    }
    let (backend, now) = (tx.get_database_backend(), scope.clock.now());
    let mut done = Put::default();
    for piece in ported.chunks(PIECE) {
        let columns = Columns::new()
            .ints("phone", piece.iter().map(|(phone, _)| *phone))
            .texts("operator", piece.iter().map(|(_, operator)| operator.as_str()));
        let sql = format!(
            "INSERT INTO ported_numbers (phone, operator, updated_at) SELECT x.phone, x.operator, $1 FROM {} WHERE true \
             ORDER BY x.phone ON CONFLICT (phone) DO UPDATE SET operator = excluded.operator, updated_at = excluded.updated_at",
            columns.source(backend, 2, "x")
        );
        done.stored += tx.run(&sql, columns.after(backend, vals![now])).await?;
    }
    for piece in back.chunks(PIECE) {
        let columns = Columns::new().ints("phone", piece.iter().copied());
        let sql = format!(
            "DELETE FROM ported_numbers WHERE phone IN (SELECT x.phone FROM {})",
            columns.source(backend, 1, "x")
        );
        done.removed += tx.run(&sql, columns.after(backend, vals![])).await?;
    }
    Ok(done)
}

/// Says that a number is with the operator of its prefix.
///
/// # Errors
/// `not_found` for one that is not ported.
pub async fn remove(tx: &DatabaseTransaction, scope: &OperatorScope, phone: Msisdn) -> Result<()> {
    let known = queries::find(tx, scope, phone).await?;
    tx.run("DELETE FROM ported_numbers WHERE phone = $1", vals![i64::from(known.phone)]).await?;
    Ok(())
}
