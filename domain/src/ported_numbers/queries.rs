//! Reading ported numbers: for the operator, and for whatever asks for the operator of numbers.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::PortedNumber;
use crate::{
    contacts::Contact,
    db::{Columns, Sql, Window, lookup},
    error::{Code, Error, Result},
    phone::Msisdn,
    scope::OperatorScope,
    vals,
};

/// The operator that has a number now, as a scalar sub-select: null for one that is not ported. It costs a look into the
/// table's key, so statements that read many numbers anyway just add it.
pub(crate) fn of(phone: &str) -> String {
    format!("(SELECT pn.operator FROM ported_numbers pn WHERE pn.phone = {phone})")
}

/// The ported numbers `pn` of contacts `c`, for what reads them all.
pub(crate) const JOIN: &str = "LEFT JOIN ported_numbers pn ON pn.phone = c.phone";

/// Whether any number is ported, for statements that had rather not look.
pub(crate) async fn any(conn: &impl ConnectionTrait) -> Result<bool> {
    Ok(conn.scalar::<i32>("SELECT 1 FROM ported_numbers LIMIT 1", vals![]).await?.is_some())
}

/// Puts the operators of ported numbers into contacts that are to be shown; tells of each whether it is ported. One
/// statement, however many there are.
pub(crate) async fn fill<'a>(
    conn: &impl ConnectionTrait,
    contacts: impl Iterator<Item = &'a mut Contact>,
) -> Result<Vec<bool>> {
    #[derive(FromQueryResult)]
    struct Row {
        phone: i64,
        operator: String,
    }
    let contacts: Vec<&mut Contact> = contacts.collect();
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let backend = conn.get_database_backend();
    let numbers = Columns::new().ints("phone", contacts.iter().map(|contact| i64::from(contact.phone)));
    let sql = format!(
        "SELECT pn.phone, pn.operator FROM {} {}",
        numbers.source(backend, 1, "x"),
        lookup(backend, "ported_numbers", "pn", "pn.phone = x.phone")
    );
    let rows: Vec<Row> = conn.all(&sql, numbers.after(backend, vals![])).await?;
    let ported: HashMap<i64, String> = rows.into_iter().map(|Row { phone, operator }| (phone, operator)).collect();
    let put = |contact: &mut Contact| match ported.get(&i64::from(contact.phone)) {
        Some(operator) => {
            contact.operator = Some(operator.clone());
            true
        }
        None => false,
    };
    Ok(contacts.into_iter().map(put).collect())
}

/// Which ported numbers a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that this operator has now.
    pub operator: Option<String>,
}

/// One page, by number, and whether there are more. `window.after` is the last number of the page before.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    _: &OperatorScope,
    filter: &Filter,
    window: Window<i64>,
) -> Result<(Vec<PortedNumber>, bool)> {
    let Filter { operator } = filter;
    let mut values = vals![window.after.unwrap_or(0), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    let narrowed = operator.as_ref().map_or("", |_| " AND operator = $3");
    values.extend(operator.clone().map(sea_orm::Value::from));
    let sql = format!(
        "SELECT phone, operator, updated_at FROM ported_numbers WHERE phone > $1{narrowed} ORDER BY phone LIMIT $2"
    );
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// One ported number.
///
/// # Errors
/// `not_found` for one that is not.
pub async fn find(conn: &impl ConnectionTrait, _: &OperatorScope, phone: Msisdn) -> Result<PortedNumber> {
    let sql = "SELECT phone, operator, updated_at FROM ported_numbers WHERE phone = $1";
    let row = conn.one(sql, vals![i64::from(phone)]).await?;
    row.ok_or_else(|| Error::new(Code::NotFound, format!("{phone} is not a ported number.")))
}
