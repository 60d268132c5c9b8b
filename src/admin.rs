//! `carillon admin`: what the operator of the platform does. Works beside a running server, on the same database.

mod carriers;
mod operator_tokens;
mod ported_numbers;
mod routes;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{
    accounts::{self, Countries, Mode, NewAccount, Status},
    balance::{self, Bucket},
    clock::Clock,
    db::{Db, Sql},
    ids::{AccountId, DeckId, SenderId},
    money::{Currency, Money},
    rates,
    scope::{AccountScope, OperatorScope, Scopes},
    senders::{self, Decision},
    tokens::{self, NewToken},
    vals,
};

use crate::{Failure, config::Config};

/// The commands of the operator.
#[derive(Subcommand)]
pub enum Command {
    /// Accounts.
    #[command(subcommand)]
    Accounts(Accounts),
    /// API tokens.
    #[command(subcommand)]
    Tokens(Tokens),
    /// Tokens of the operator, for /v1/admin.
    #[command(subcommand)]
    OperatorTokens(operator_tokens::Command),
    /// Add money to an account.
    TopUp(TopUp),
    /// Rate decks.
    #[command(subcommand)]
    Rates(Rates),
    /// Senders that wait for a decision.
    #[command(subcommand)]
    Senders(Senders),
    /// Carriers.
    #[command(subcommand)]
    Carriers(carriers::Command),
    /// Routes: which messages take which carrier.
    #[command(subcommand)]
    Routes(routes::Command),
    /// Numbers whose operator is another than that of their prefix.
    #[command(subcommand)]
    PortedNumbers(ported_numbers::Command),
}

#[derive(Subcommand)]
pub enum Accounts {
    /// Open an account with its test environment.
    Create {
        /// Its name.
        #[arg(long)]
        name: String,
        /// Rate deck, by name; see `rates import`.
        #[arg(long, default_value = "starter")]
        deck: String,
        /// Carrier of the live account, by name; see `carriers set`. The test environment goes to the simulator.
        #[arg(long)]
        carrier: Option<String>,
        /// Countries that may be sent to: ISO codes separated by commas, or * for all.
        #[arg(long, default_value = "")]
        countries: String,
        /// How national numbers are read, ISO code.
        #[arg(long)]
        default_country: Option<String>,
        /// Final statuses whose charge is given back, separated by commas.
        #[arg(long, default_value = "")]
        refund_on: String,
    },
    /// List accounts.
    List,
    /// Set the state of an account: test, active, suspended or closed.
    Status {
        /// The account's id.
        id: AccountId,
        /// The new state.
        status: Status,
    },
}

#[derive(Subcommand)]
pub enum Tokens {
    /// Make a token of an account and print it once.
    Create {
        /// The account's id.
        account: AccountId,
        /// What it is for.
        #[arg(long, default_value = "made by the operator")]
        description: String,
        /// Scopes separated by commas; * is everything.
        #[arg(long, default_value = "*")]
        scopes: String,
    },
}

/// Add money to an account.
#[derive(Args)]
pub struct TopUp {
    /// The account's id.
    account: AccountId,
    /// A decimal, such as 50.00.
    amount: String,
    /// ISO 4217; fixed by the first top-up.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// A name of this payment: a second top-up with the same key adds nothing.
    #[arg(long)]
    key: String,
    /// Given, not paid: spent first.
    #[arg(long)]
    granted: bool,
    /// What it was for.
    #[arg(long)]
    note: Option<String>,
}

#[derive(Subcommand)]
pub enum Rates {
    /// Import a deck from a CSV with the columns country, operator, prefix, price, cost, valid_from.
    Import {
        /// The file.
        file: PathBuf,
        /// The deck's name; made when missing.
        #[arg(long)]
        deck: String,
        /// ISO 4217.
        #[arg(long, default_value = "EUR")]
        currency: String,
    },
}

#[derive(Subcommand)]
pub enum Senders {
    /// List the senders that wait.
    List,
    /// Approve one.
    Approve {
        /// Its id.
        id: SenderId,
    },
    /// Reject one, with a reason that the account is told.
    Reject {
        /// Its id.
        id: SenderId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Give an account a sender without its asking, also one that the rules reserve.
    Grant {
        /// The account's id.
        account: AccountId,
        /// The sender.
        value: String,
    },
}

/// Carries a command out and prints its outcome.
pub async fn run(db: &Db, config: &Config, command: Command) -> Result<(), Failure> {
    let scope = OperatorScope { clock: Clock::system() };
    match command {
        Command::Accounts(command) => accounts(db, &scope, command).await,
        Command::Tokens(Tokens::Create { account, description, scopes }) => {
            token(db, &scope, account, description, &scopes).await
        }
        Command::OperatorTokens(command) => operator_tokens::run(db, &scope, command).await,
        Command::TopUp(command) => top_up(db, &scope, command).await,
        Command::Rates(Rates::Import { file, deck, currency }) => {
            let text = std::fs::read(&file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
            let rows = rates::parse_csv(&text, scope.clock.now())?;
            let tx = db.begin().await?;
            let id = rates::create_deck(&tx, &scope, &deck, &currency.parse::<Currency>()?).await?;
            let n = rates::import(&tx, &scope, id, &rows).await?;
            tx.commit().await?;
            println!("{n} rates in the deck {deck} ({id})");
            Ok(())
        }
        Command::Senders(command) => senders(db, &scope, command).await,
        Command::Carriers(command) => carriers::run(db, config, &scope, command).await,
        Command::Routes(command) => routes::run(db, &scope, command).await,
        Command::PortedNumbers(command) => ported_numbers::run(db, &scope, command).await,
    }
}

async fn accounts(db: &Db, scope: &OperatorScope, command: Accounts) -> Result<(), Failure> {
    match command {
        Accounts::Create { name, deck, carrier, countries, default_country, refund_on } => {
            let tx = db.begin().await?;
            let deck_id: DeckId = tx
                .scalar("SELECT id FROM rate_decks WHERE name = $1", vals![deck.as_str()])
                .await?
                .ok_or_else(|| format!("there is no rate deck named {deck:?}: import one first"))?;
            let carrier_id = match carrier {
                Some(name) => Some(domain::carriers::by_name(&tx, scope, &name).await?.id),
                None => None,
            };
            let simulator = domain::carriers::by_name(&tx, scope, crate::serve::SIMULATOR).await.ok().map(|c| c.id);
            let countries =
                if countries.trim() == "*" { Countries::all() } else { Countries::Listed(words(&countries)) };
            let new = NewAccount {
                name: name.clone(),
                mode: Mode::Live,
                live_account_id: None,
                status: Status::Active,
                default_country,
                rate_deck_id: Some(deck_id),
                carrier_id,
                countries,
                refund_on: words(&refund_on),
            };
            let live = accounts::create(&tx, scope, new.clone()).await?;
            let test = NewAccount {
                name: format!("{name} (test)"),
                mode: Mode::Test,
                live_account_id: Some(live.id),
                carrier_id: simulator,
                countries: Countries::all(),
                ..new
            };
            let test = accounts::create(&tx, scope, test).await?;
            tx.commit().await?;
            println!("live {}\ntest {}", live.id, test.id);
            Ok(())
        }
        Accounts::List => {
            #[derive(sea_orm::FromQueryResult)]
            struct Row {
                id: AccountId,
                name: String,
                mode: String,
                status: String,
            }
            for Row { id, name, mode, status } in
                db.read().all::<Row>("SELECT id, name, mode, status FROM accounts ORDER BY id", vals![]).await?
            {
                println!("{id}  {mode}  {status}  {name}");
            }
            Ok(())
        }
        Accounts::Status { id, status } => {
            let tx = db.begin().await?;
            accounts::set_status(&tx, scope, id, status).await?;
            tx.commit().await?;
            println!("{id}  {status}");
            Ok(())
        }
    }
}

async fn token(
    db: &Db,
    scope: &OperatorScope,
    id: AccountId,
    description: String,
    scopes: &str,
) -> Result<(), Failure> {
    let account = accounts::by_id(db.read(), scope, id).await?;
    let scopes = scopes.split(',').map(|s| s.trim().to_owned()).collect();
    let new = NewToken { description, scopes, networks: Vec::new(), requests_per_minute: None, expires_at: None };
    let everything = Scopes::new(vec!["*".to_owned()]);
    let of_account = AccountScope::new(id, None, account.mode == Mode::Live, scope.clock.clone());
    let tx = db.begin().await?;
    let (token, secret) = tokens::create(&tx, &of_account, &everything, new).await?;
    tx.commit().await?;
    println!("{}  {}", token.id, secret.expose());
    Ok(())
}

/// The words of a list separated by commas.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

async fn top_up(db: &Db, scope: &OperatorScope, command: TopUp) -> Result<(), Failure> {
    let TopUp { account, amount, currency, key, granted, note } = command;
    let money = Money { amount: amount.parse()?, currency: currency.parse()? };
    let bucket = if granted { Bucket::Granted } else { Bucket::Purchased };
    let tx = db.begin().await?;
    let added = balance::top_up(&tx, scope, account, &money, bucket, &key, note.as_deref()).await?;
    tx.commit().await?;
    println!("{}", if added { "added" } else { "this key was used before; nothing was added" });
    Ok(())
}

async fn senders(db: &Db, scope: &OperatorScope, command: Senders) -> Result<(), Failure> {
    let tx = db.begin().await?;
    match command {
        Senders::List => {
            for sender in senders::pending(&tx, scope).await? {
                println!("{}  {}  {}", sender.id, sender.account_id, sender.value);
            }
        }
        Senders::Approve { id } => println!("{}", senders::decide(&tx, scope, id, Decision::Approve).await?.status),
        Senders::Reject { id, reason } => {
            println!("{}", senders::decide(&tx, scope, id, Decision::Reject(reason)).await?.status)
        }
        Senders::Grant { account, value } => println!("{}", senders::grant(&tx, scope, account, &value).await?.id),
    }
    tx.commit().await?;
    Ok(())
}
