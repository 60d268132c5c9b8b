//! `carillon admin ported-numbers`: numbers whose operator is another than that of their prefix.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Subcommand;
use domain::{
    db::Db,
    phone::Msisdn,
    ported_numbers::{self, Reader},
    scope::OperatorScope,
};

use crate::Failure;

/// What is done with them.
#[derive(Subcommand)]
pub enum Command {
    /// Read a list: CSV with the columns phone and operator; an empty operator is the one of the prefix again.
    Import {
        /// The file.
        file: PathBuf,
        /// The list is the whole of the country with this calling code: its numbers that the list does not have are ported
        /// no more.
        #[arg(long, value_name = "CODE", value_parser = calling_code)]
        whole: Option<String>,
    },
    /// Show which operator has a number.
    Get {
        /// The number, such as +447400123456.
        phone: Msisdn,
    },
    /// Say that a number is with the operator of its prefix.
    Delete {
        /// The number, such as +447400123456.
        phone: Msisdn,
    },
}

fn calling_code(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let good =
        (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    good.then(|| digits.to_owned()).ok_or_else(|| "must be a calling code, such as 44".to_owned())
}

/// Carries a command out and prints its outcome.
pub async fn run(db: &Db, scope: &OperatorScope, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import { file, whole } => {
            let opened = File::open(&file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
            let mut reader = Reader::new(BufReader::new(opened))?;
            let (began, mut stored, mut removed) = (scope.clock.now(), 0, 0);
            loop {
                let piece = reader.piece()?;
                if piece.is_empty() {
                    break;
                }
                let tx = db.begin().await?;
                let done = ported_numbers::put(&tx, scope, &piece).await?;
                tx.commit().await?;
                stored += done.stored;
                removed += done.removed;
            }
            if let Some(code) = whole {
                if stored == 0 {
                    return Err("the list has no numbers, so it is not the whole of a country".into());
                }
                loop {
                    let tx = db.begin().await?;
                    let gone = ported_numbers::forget_unseen(&tx, scope, &code, began).await?;
                    tx.commit().await?;
                    removed += gone;
                    if gone == 0 {
                        break;
                    }
                }
            }
            println!("{stored} stored, {removed} removed");
        }
        Command::Get { phone } => {
            let ported = ported_numbers::find(db.read(), scope, phone).await?;
            println!("{}  {}  {}", ported.phone, ported.operator, ported.updated_at);
        }
        Command::Delete { phone } => {
            let tx = db.begin().await?;
            ported_numbers::remove(&tx, scope, phone).await?;
            tx.commit().await?;
            println!("{phone}  deleted");
        }
    }
    Ok(())
}
