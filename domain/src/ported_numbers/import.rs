//! A list of a country as a file: CSV with the columns `phone` and `operator`, of any size, read a piece at a time.

use std::io::Read;

use sea_orm::DatabaseTransaction;

use super::{MAX_OPERATOR, MAX_PUT};
use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Code, Error, Result},
    phone::{Msisdn, Rule, parse},
    scope::OperatorScope,
    vals,
};

/// The rows of a file.
pub struct Reader<R> {
    csv: csv::Reader<R>,
    phone: usize,
    operator: usize,
}

fn refuse(line: u64, why: impl std::fmt::Display) -> Error {
    Error::new(Code::FileRefused, format!("line {line}: {why}"))
}

impl<R: Read> Reader<R> {
    /// Reads the titles. They must be `phone` and `operator`, in any order.
    ///
    /// # Errors
    /// `file_refused`.
    pub fn new(file: R) -> Result<Self> {
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let titles = csv.headers().map_err(|e| refuse(1, e))?;
        let place = |name: &str| titles.iter().position(|title| title.eq_ignore_ascii_case(name));
        match (place("phone"), place("operator"), titles.len()) {
            (Some(phone), Some(operator), 2) => Ok(Self { csv, phone, operator }),
            _ => Err(refuse(1, "the columns must be phone and operator")),
        }
    }

    /// The next numbers, [`MAX_PUT`] at most; none at the end. An empty operator is that of the prefix.
    ///
    /// # Errors
    /// `file_refused` with the line and the reason.
    pub fn piece(&mut self) -> Result<Vec<(Msisdn, Option<String>)>> {
        let mut piece = Vec::new();
        let mut record = csv::StringRecord::new();
        while piece.len() < MAX_PUT {
            let more = self.csv.read_record(&mut record);
            if !more.map_err(|e| refuse(e.position().map_or(0, csv::Position::line), e))? {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let raw = record.get(self.phone).unwrap_or_default();
            let number = parse(raw, &Rule::None).map_err(|e| refuse(line, format!("{raw:?}: {}", e.detail)))?.number;
            let operator = record.get(self.operator).filter(|name| !name.is_empty());
            if operator.is_some_and(|name| name.chars().count() > MAX_OPERATOR || name.chars().any(char::is_control)) {
                return Err(refuse(
                    line,
                    format!("the operator must have at most {MAX_OPERATOR} characters, none of control"),
                ));
            }
            piece.push((number, operator.map(str::to_owned)));
        }
        Ok(piece)
    }
}

/// Forgets up to 10,000 numbers that nobody has named since a moment: what a whole list of a country does not have is not
/// ported any more. `prefix` is the calling code of the country, so that others stay. Tells how many were forgotten.
///
/// # Errors
/// When the database refuses.
pub async fn forget_unseen(tx: &DatabaseTransaction, _: &OperatorScope, prefix: &str, since: Timestamp) -> Result<u64> {
    let limit = i64::try_from(MAX_PUT).unwrap_or(i64::MAX);
    let sql = "DELETE FROM ported_numbers WHERE phone IN (SELECT phone FROM ported_numbers \
        WHERE updated_at < $2 AND CAST(phone AS TEXT) LIKE $1 ORDER BY phone LIMIT $3)";
    Ok(tx.run(sql, vals![format!("{prefix}%"), since, limit]).await?)
}
