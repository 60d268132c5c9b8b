//! The demo account: what a newcomer finds in an empty database. A live account and its test environment, both funded
//! with play money and both routed to the simulator.

use domain::{
    accounts::{self, Countries, Mode, NewAccount, Status},
    balance::{self, Bucket},
    carriers,
    clock::Clock,
    db::{Db, Sql},
    ids::AccountId,
    money::{Currency, Micros, Money},
    rates,
    scope::{AccountScope, OperatorScope, Scopes},
    senders,
    tokens::{self, NewToken, Secret},
    vals,
};

use crate::{Failure, serve::SIMULATOR};

const STARTER_RATES: &[u8] = include_bytes!("../domain/data/starter_rates.csv");

/// The tokens, shown once.
pub struct Demo {
    live: Secret,
    test: Secret,
}

/// Makes the demo account when the database has no account; `None` when it has one.
pub async fn seed(db: &Db, operator: &OperatorScope, token: Option<&str>) -> Result<Option<Demo>, Failure> {
    if db.read().scalar::<i32>("SELECT 1 FROM accounts LIMIT 1", vals![]).await?.is_some() {
        return Ok(None);
    }
    let given = token.and_then(Secret::parse);
    let secret = |mode: Mode| given.clone().filter(|s| s.mode() == mode).unwrap_or_else(|| Secret::generate(mode));
    let demo = Demo { live: secret(Mode::Live), test: secret(Mode::Test) };
    let eur: Currency = "EUR".parse()?;
    let tx = db.begin().await?;
    let carrier = match carriers::by_name(&tx, operator, SIMULATOR).await {
        Ok(carrier) => Some(carrier.id),
        Err(_) => None,
    };
    let deck = rates::create_deck(&tx, operator, "starter", &eur).await?;
    rates::import(&tx, operator, deck, &rates::parse_csv(STARTER_RATES, operator.clock.now())?).await?;
    let account = |mode: Mode, live: Option<AccountId>| NewAccount {
        name: if mode == Mode::Live { "Demo".into() } else { "Demo (test)".into() },
        mode,
        live_account_id: live,
        status: Status::Active,
        default_country: None,
        rate_deck_id: Some(deck),
        carrier_id: carrier,
        countries: Countries::all(),
        refund_on: Vec::new(),
    };
    let live = accounts::create(&tx, operator, account(Mode::Live, None)).await?;
    let test = accounts::create(&tx, operator, account(Mode::Test, Some(live.id))).await?;
    for (account, secret, amount) in [(live.id, &demo.live, 1_000), (test.id, &demo.test, 1_000_000)] {
        let scope = AccountScope::new(account, None, secret.mode() == Mode::Live, Clock::clone(&operator.clock));
        let token = NewToken {
            description: "Demo".into(),
            scopes: vec![Scopes::ALL[0].0.to_owned()],
            networks: Vec::new(),
            requests_per_minute: None,
            expires_at: None,
        };
        tokens::seed(&tx, &scope, token, secret).await?;
        let money = Money::new(Micros(amount * 1_000_000), &eur);
        balance::top_up(&tx, operator, account, &money, Bucket::Purchased, "demo", Some("demo balance")).await?;
        senders::grant(&tx, operator, account, "CARILLON").await?;
    }
    tx.commit().await?;
    Ok(Some(demo))
}

/// What is printed at the start.
pub fn greeting(base: &str, demo: Option<&Demo>) -> String {
    let Some(Demo { live, test }) = demo else {
        return format!("Carillon is at {base}, Swagger UI at {base}/docs");
    };
    let (live, test) = (live.expose(), test.expose());
    format!(
        "Carillon is at {base}, Swagger UI at {base}/docs

An empty database: a demo account was made. Its tokens are shown this once.
  test  {test}
  live  {live}   (in this demo the live account goes to the simulator too)

Try:
  export TOKEN={test}
  curl -s {base}/v1/balance -H \"Authorization: Bearer $TOKEN\"
  curl -s {base}/v1/messages -H \"Authorization: Bearer $TOKEN\" -H \"Idempotency-Key: first\" -H \"Content-Type: application/json\" \\
       -d '{{\"to\": [\"+12015550100\"], \"sender\": \"CARILLON\", \"text\": \"Hello from Carillon\"}}'
  curl -s {base}/v1/messages -H \"Authorization: Bearer $TOKEN\""
    )
}
