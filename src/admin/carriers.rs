//! `carillon admin carriers`: the ways out.

use clap::Subcommand;
use domain::{
    carriers::{self, HttpSettings, Settings, SmppSettings},
    db::Db,
    scope::{OperatorScope, SystemScope},
};

use crate::{Failure, config::Config, keys};

/// What is done with them.
#[derive(Subcommand)]
pub enum Command {
    /// Make a carrier or change its settings.
    Set {
        /// Its name.
        name: String,
        /// The settings as JSON, such as {"address": "smpp.example.com:2775", "system_id": "me", "password": "secret"}.
        settings: String,
        /// The settings are those of an HTTP carrier, as `http` of the API has them.
        #[arg(long)]
        http: bool,
        /// Keep it, but use it no more.
        #[arg(long)]
        disabled: bool,
    },
    /// List carriers.
    List,
    /// Show a carrier's settings and how its connections are.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete a carrier that nothing uses.
    Delete {
        /// Its name.
        name: String,
    },
}

/// Carries a command out and prints its outcome.
pub async fn run(db: &Db, config: &Config, scope: &OperatorScope, command: Command) -> Result<(), Failure> {
    match command {
        Command::Set { name, settings, http, disabled } => {
            let settings: Settings = if http {
                serde_json::from_str(&settings).map(|s: HttpSettings| s.into())
            } else {
                serde_json::from_str(&settings).map(|s: SmppSettings| s.into())
            }
            .map_err(|e| format!("the settings cannot be read: {e}"))?;
            let keys = keys::load(config, db, &SystemScope { clock: scope.clock.clone() }).await?;
            let tx = db.begin().await?;
            let carrier = carriers::upsert(&tx, scope, &keys, &name, settings, !disabled).await?;
            tx.commit().await?;
            println!("{} {}", carrier.id, carrier.name);
        }
        Command::List => {
            for carrier in carriers::all(db.read(), &SystemScope { clock: scope.clock.clone() }).await? {
                let (state, settings) = (if carrier.enabled { "enabled" } else { "disabled" }, carrier.shown()?);
                println!("{}  {state}  {}  {}", carrier.id, settings.address(), carrier.name);
            }
        }
        Command::Show { name } => {
            let carrier = carriers::by_name(db.read(), scope, &name).await?;
            println!("{}  {}", carrier.id, if carrier.enabled { "enabled" } else { "disabled" });
            let shown = match carrier.shown()? {
                Settings::Smpp(smpp) => serde_json::to_string_pretty(&smpp)?,
                Settings::Http(http) => serde_json::to_string_pretty(&http)?,
            };
            println!("{shown}");
            for warning in carrier.shown()?.warnings() {
                println!("warning: {warning}");
            }
            for bind in carriers::health::binds(db.read(), scope, &carrier).await? {
                let since = bind.since.map(|at| format!(" since {at}")).unwrap_or_default();
                let retry = bind.retry_at.map(|at| format!(", next try {at}")).unwrap_or_default();
                let error = bind.last_error.map(|e| format!(", last error: {e}")).unwrap_or_default();
                let (used, size) = (bind.window_used, bind.window_size);
                println!("bind {}: {}{since}{retry}, window {used} of {size}{error}", bind.n, bind.state);
            }
        }
        Command::Delete { name } => {
            let tx = db.begin().await?;
            let carrier = carriers::by_name(&tx, scope, &name).await?;
            carriers::delete(&tx, scope, carrier.id, None).await?;
            tx.commit().await?;
            println!("{}  deleted", carrier.id);
        }
    }
    Ok(())
}
