//! `carillon admin operator-tokens`: what is shown to `/v1/admin`.

use clap::Subcommand;
use domain::{clock::Timestamp, db::Db, ids::OperatorTokenId, operator_tokens, scope::OperatorScope};

use super::words;
use crate::Failure;

/// What is done with them.
#[derive(Subcommand)]
pub enum Command {
    /// Make a token and print it once.
    Create {
        /// What it is for.
        #[arg(long, default_value = "made by the operator")]
        description: String,
        /// Scopes separated by commas, such as carriers:read,routes:write; * is everything.
        #[arg(long, default_value = "*")]
        scopes: String,
        /// Networks it may be used from, separated by commas, such as 192.0.2.0/24; any when left out.
        #[arg(long, default_value = "")]
        networks: String,
        /// When it ends, RFC 3339; never when left out.
        #[arg(long)]
        expires_at: Option<Timestamp>,
    },
    /// List tokens, without their secrets.
    List,
    /// End a token at once and for good.
    Revoke {
        /// Its id.
        id: OperatorTokenId,
    },
}

/// Carries a command out and prints its outcome.
pub async fn run(db: &Db, scope: &OperatorScope, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { description, scopes, networks, expires_at } => {
            let new = operator_tokens::NewToken {
                description,
                scopes: words(&scopes),
                networks: words(&networks),
                expires_at,
            };
            let tx = db.begin().await?;
            let (id, secret) = operator_tokens::create(&tx, scope, new).await?;
            tx.commit().await?;
            println!("{id}  {}", secret.expose());
        }
        Command::List => {
            for token in operator_tokens::list(db.read(), scope).await? {
                let operator_tokens::Token { id, description, hint, scopes, expires_at, revoked_at, last_used_at } =
                    token;
                let state = match (revoked_at, expires_at) {
                    (Some(at), _) => format!("revoked {at}"),
                    (None, Some(at)) => format!("expires {at}"),
                    (None, None) => "valid".to_owned(),
                };
                let used = last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {at}"));
                println!("{id}  …{hint}  {state}  {used}  {scopes}  {description}");
            }
        }
        Command::Revoke { id } => {
            let tx = db.begin().await?;
            operator_tokens::revoke(&tx, scope, id).await?;
            tx.commit().await?;
            println!("{id}  revoked");
        }
    }
    Ok(())
}
