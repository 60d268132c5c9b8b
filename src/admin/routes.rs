//! `carillon admin routes`: which messages take which carrier.

use clap::{Args, Subcommand};
use domain::{
    carriers,
    db::{Db, Window},
    ids::{AccountId, RouteId},
    money::{Currency, Money},
    routes::{self, Change, Filter, NewRoute},
    scope::OperatorScope,
    senders::Class,
};

use crate::Failure;

/// What is done with them.
#[derive(Subcommand)]
pub enum Command {
    /// Make a route.
    Create(New),
    /// List routes, the last made first.
    List,
    /// Take a route again.
    Enable {
        /// Its id.
        id: RouteId,
    },
    /// Keep a route, but take it no more.
    Disable {
        /// Its id.
        id: RouteId,
    },
    /// Delete a route. Messages keep the way that they took.
    Delete {
        /// Its id.
        id: RouteId,
    },
}

/// A new route.
#[derive(Args)]
pub struct New {
    /// The carrier, by name.
    carrier: String,
    /// What it is called; `to` and the carrier's name when left out.
    #[arg(long)]
    name: Option<String>,
    /// Only messages of this account.
    #[arg(long)]
    account: Option<AccountId>,
    /// Only messages to this country, ISO code.
    #[arg(long)]
    country: Option<String>,
    /// Only messages to this operator.
    #[arg(long)]
    operator: Option<String>,
    /// Only messages of such senders: alphanumeric, numeric or short_code.
    #[arg(long)]
    sender_class: Option<Class>,
    /// 0 to 1000, lower goes first.
    #[arg(long, default_value_t = 100)]
    priority: i64,
    /// 0 to 1000, the share among routes of one priority.
    #[arg(long, default_value_t = 100)]
    weight: i64,
    /// The share it takes before all others of its priority, in hundredths of a per cent.
    #[arg(long)]
    canary: Option<i64>,
    /// What the carrier takes for a segment, such as 0.012.
    #[arg(long)]
    cost: Option<String>,
    /// Of the cost, ISO 4217.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// Make it, but do not take it yet.
    #[arg(long)]
    disabled: bool,
}

/// How many routes are read at once.
const PAGE: usize = 200;

/// Carries a command out and prints its outcome.
pub async fn run(db: &Db, scope: &OperatorScope, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(new) => {
            let cost = match &new.cost {
                Some(cost) => Some(Money { amount: cost.parse()?, currency: new.currency.parse::<Currency>()? }),
                None => None,
            };
            let tx = db.begin().await?;
            let carrier = carriers::by_name(&tx, scope, &new.carrier).await?;
            let new = NewRoute {
                name: new.name.unwrap_or_else(|| format!("to {}", carrier.name)),
                carrier: carrier.id,
                account: new.account,
                country: new.country,
                operator: new.operator,
                sender_class: new.sender_class,
                priority: new.priority,
                weight: new.weight,
                canary: new.canary,
                cost,
                enabled: !new.disabled,
            };
            let route = routes::create(&tx, scope, new).await?;
            tx.commit().await?;
            println!("{} {}", route.id, route.name);
        }
        Command::List => {
            let mut after = None;
            loop {
                let window = Window { limit: PAGE, after };
                let (page, more) = routes::list(db.read(), scope, Filter::default(), window).await?;
                page.iter().for_each(|route| println!("{}", line(route)));
                after = page.last().map(|route| route.id);
                if !more {
                    break;
                }
            }
        }
        Command::Enable { id } => turn(db, scope, id, true).await?,
        Command::Disable { id } => turn(db, scope, id, false).await?,
        Command::Delete { id } => {
            let tx = db.begin().await?;
            routes::delete(&tx, scope, id, None).await?;
            tx.commit().await?;
            println!("{id}  deleted");
        }
    }
    Ok(())
}

async fn turn(db: &Db, scope: &OperatorScope, id: RouteId, enabled: bool) -> Result<(), Failure> {
    let tx = db.begin().await?;
    let change = Change { enabled: Some(enabled), ..Change::default() };
    let route = routes::update(&tx, scope, id, None, change).await?;
    tx.commit().await?;
    println!("{}", line(&route));
    Ok(())
}

/// A route in a line: its id, whether it is on, its order, where it leads, and what messages it is for.
fn line(route: &routes::Route) -> String {
    let state = if route.enabled { "enabled" } else { "disabled" };
    let down = if route.carrier_down { " (down)" } else { "" };
    let account = route.account_id.map(|id| id.to_string());
    let class = route.sender_class.map(|class| class.to_string());
    let only: Vec<&str> =
        [&account, &route.country, &route.operator, &class].into_iter().filter_map(Option::as_deref).collect();
    let only = if only.is_empty() { "any message".to_owned() } else { only.join(", ") };
    let (priority, weight, carrier, name) = (route.priority, route.weight, &route.carrier_name, &route.name);
    format!("{}  {state}  priority {priority}, weight {weight}  {carrier}{down}  {only}  {name}", route.id)
}
