//! Routes on both databases: what concerns an account, and carriers that are off or down.

mod ways;

use std::time::Duration;

use super::*;
use crate::{
    carriers::{
        self, NewCarrier, SmppSettings,
        health::{Bind, BindState},
    },
    db::{Sql, Window},
    error::Code,
    ids::{AccountId, CarrierId, MessageId},
    money::{Currency, Micros, Money},
    scope::{AccountScope, OperatorScope},
    secrets::Keyring,
    senders::Class,
    testing::{Stage, stages, write_tx},
};

fn operator(stage: &Stage) -> OperatorScope {
    OperatorScope { clock: stage.clock.clone() }
}

async fn carrier(stage: &Stage, name: &str) -> CarrierId {
    let settings = SmppSettings { address: "127.0.0.1:2775".into(), system_id: "me".into(), ..SmppSettings::default() };
    let new = NewCarrier { name: name.into(), enabled: true, settings: settings.into() };
    write_tx!(stage, tx => carriers::create(&tx, &operator(stage), &Keyring::default(), new)).unwrap().id
}

fn to(carrier: CarrierId) -> NewRoute {
    NewRoute {
        name: "r".into(),
        carrier,
        account: None,
        country: None,
        operator: None,
        sender_class: None,
        priority: 100,
        weight: 100,
        canary: None,
        cost: None,
        enabled: true,
    }
}

async fn made(stage: &Stage, new: NewRoute) -> Route {
    write_tx!(stage, tx => create(&tx, &operator(stage), new)).unwrap()
}

/// The same account, as if it were live.
fn live(stage: &Stage) -> AccountScope {
    AccountScope::new(stage.scope.account(), None, true, stage.clock.clone())
}

fn euros(micros: i64) -> Option<Money> {
    Some(Money { amount: Micros(micros), currency: Currency("EUR".into()) })
}

async fn lane(stage: &Stage, scope: &AccountScope, own: Option<CarrierId>) -> Option<(CarrierId, bool)> {
    let routing = Routing::load(stage.db.read(), scope, own).await.unwrap();
    let id = MessageId::new(stage.clock.now());
    let lane = routing.lane(Some("GB"), None, Class::Alphanumeric, hash(id));
    assert_eq!(lane.is_some(), routing.reaches(Some("GB"), None, Class::Alphanumeric));
    lane.map(|lane| (lane.carrier, lane.route.is_some()))
}

#[tokio::test]
async fn a_live_account_takes_general_routes_and_a_test_one_only_its_own() {
    for stage in stages().await {
        let (own, general, named) =
            (carrier(&stage, "own").await, carrier(&stage, "general").await, carrier(&stage, "named").await);
        let (live, test) = (live(&stage), stage.scope.clone());
        assert_eq!(lane(&stage, &live, Some(own)).await, Some((own, false)));
        assert_eq!(lane(&stage, &live, None).await, None);
        made(&stage, to(general)).await;
        assert_eq!(lane(&stage, &live, Some(own)).await, Some((general, true)));
        assert_eq!(lane(&stage, &live, None).await, Some((general, true)));
        assert_eq!(lane(&stage, &test, Some(own)).await, Some((own, false)));
        let stranger = stage.stranger().await;
        made(&stage, NewRoute { account: Some(stranger.account()), priority: 1, ..to(named) }).await;
        assert_eq!(lane(&stage, &test, Some(own)).await, Some((own, false)), "a stranger's route is nobody else's");
        assert_eq!(lane(&stage, &stranger, Some(own)).await, Some((named, true)));
    }
}

#[tokio::test]
async fn a_carrier_that_is_off_is_not_taken_and_one_that_is_down_is_the_last() {
    for stage in stages().await {
        let (a, b) = (carrier(&stage, "a").await, carrier(&stage, "b").await);
        let scope = live(&stage);
        made(&stage, NewRoute { priority: 1, ..to(a) }).await;
        made(&stage, NewRoute { priority: 2, ..to(b) }).await;
        let first = async || lane(&stage, &scope, None).await.map(|(carrier, _)| carrier);
        assert_eq!(first().await, Some(a), "nothing is known of its connections");
        let say_of = async |state, tripped_until| {
            let bind = Bind {
                kind: carriers::health::BindKind::Transceiver,
                interface_version: None,
                n: 0,
                state,
                owner: Some("w".into()),
                since: Some(stage.clock.now().minus(Duration::from_secs(60))),
                retry_at: None,
                window_size: 1,
                window_used: 0,
                throttled_until: None,
                tripped_until,
                last_error: None,
                last_error_at: None,
                reported_at: None,
            };
            write_tx!(stage, tx => carriers::health::report(&tx, &stage.system, &[(a, bind)])).unwrap();
        };
        let say = async |state| say_of(state, None).await;
        say(BindState::BackingOff).await;
        assert_eq!(first().await, Some(b));
        say(BindState::Connected).await;
        assert_eq!(first().await, Some(a));
        say_of(BindState::Connected, Some(stage.clock.now().plus(Duration::from_secs(20)))).await;
        assert_eq!(first().await, Some(b), "it answers with faults");
        stage.clock.advance(Duration::from_secs(20));
        assert_eq!(first().await, Some(a), "its rest is over");
        say(BindState::Binding).await;
        assert_eq!(first().await, Some(b));
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(first().await, Some(a), "what was said long ago says nothing");
        let off = carriers::Change { enabled: Some(false), ..carriers::Change::default() };
        write_tx!(stage, tx => carriers::update(&tx, &operator(&stage), &Keyring::default(), a, None, off)).unwrap();
        assert_eq!(first().await, Some(b));
    }
}

#[tokio::test]
async fn what_is_wrong_of_a_route_is_told_at_once() {
    for stage in stages().await {
        let known = carrier(&stage, "a").await;
        made(&stage, NewRoute { cost: euros(20_000), ..to(known) }).await;
        let now = stage.clock.now();
        let bad = NewRoute {
            name: " ".into(),
            account: Some(AccountId::new(now)),
            country: Some("gb".into()),
            operator: Some(String::new()),
            priority: -1,
            weight: 1001,
            canary: Some(0),
            cost: Some(Money { amount: Micros(-1), currency: Currency("USD".into()) }),
            ..to(CarrierId::new(now))
        };
        let error = write_tx!(stage, tx => create(&tx, &operator(&stage), bad)).unwrap_err();
        let pointers: Vec<_> = error.faults.iter().map(|f| f.pointer.as_str()).collect();
        let expected = [
            "/name",
            "/carrier_id",
            "/account_id",
            "/country",
            "/operator",
            "/priority",
            "/weight",
            "/canary_basis_points",
            "/cost/amount",
            "/cost/currency",
        ];
        assert_eq!(pointers, expected);
    }
}

#[tokio::test]
async fn an_operator_that_no_number_is_of_is_refused_by_name() {
    for stage in stages().await {
        let a = carrier(&stage, "a").await;
        let of = |name: &str| NewRoute { operator: Some(name.into()), ..to(a) };
        for (name, told) in [("Nobody Mobile", "to be of Nobody Mobile"), ("vodafone ", "did you mean Vodafone?")] {
            let error = write_tx!(stage, tx => create(&tx, &operator(&stage), of(name))).unwrap_err();
            let fault = error.faults.first().unwrap();
            assert_eq!(fault.pointer, "/operator");
            assert!(fault.detail.contains(told), "{fault:?}");
        }
        made(&stage, of("Vodafone")).await;
        // One that numbers were ported to is known by that.
        let tx = stage.db.begin().await.unwrap();
        let sql = "INSERT INTO ported_numbers (phone, operator, updated_at) VALUES (447400100001, 'Nobody Mobile', 0)";
        tx.run(sql, crate::vals![]).await.unwrap();
        tx.commit().await.unwrap();
        made(&stage, of("Nobody Mobile")).await;
    }
}

#[tokio::test]
async fn canaries_leave_each_other_their_share() {
    for stage in stages().await {
        let a = carrier(&stage, "a").await;
        let canary = |share, country: &str| NewRoute { canary: Some(share), country: Some(country.into()), ..to(a) };
        made(&stage, canary(6000, "GB")).await;
        made(&stage, canary(6000, "FR")).await;
        made(&stage, NewRoute { priority: 1, ..canary(6000, "GB") }).await;
        let refused = async |new: NewRoute| {
            let error = write_tx!(stage, tx => create(&tx, &operator(&stage), new)).unwrap_err();
            let fault = error.faults.into_iter().next().unwrap();
            assert_eq!((fault.pointer.as_str(), fault.code), ("/canary_basis_points", "out_of_range"));
            fault.detail
        };
        let detail = refused(canary(4001, "GB")).await;
        assert!(detail.contains("10001"), "{detail}");
        refused(NewRoute { country: None, ..canary(5000, "GB") }).await;
        // What is off takes nothing, until it is turned on.
        let off = made(&stage, NewRoute { enabled: false, ..canary(5000, "GB") }).await;
        let on = || Change { enabled: Some(true), ..Change::default() };
        let error = write_tx!(stage, tx => update(&tx, &operator(&stage), off.id, None, on())).unwrap_err();
        assert_eq!(error.faults.len(), 1, "{error:?}");
        let smaller = Change { canary: Some(Some(4000)), ..on() };
        let row = write_tx!(stage, tx => update(&tx, &operator(&stage), off.id, None, smaller)).unwrap();
        // Its own share counts once.
        let renamed = Change { name: Some("other".into()), ..Change::default() };
        write_tx!(stage, tx => update(&tx, &operator(&stage), row.id, None, renamed)).unwrap();
        // The account of the stage is a test environment: general canaries are not for it.
        let own = NewRoute { account: Some(stage.scope.account()), ..canary(10_000, "GB") };
        made(&stage, own).await;
    }
}

#[tokio::test]
async fn a_route_is_changed_explained_and_deleted() {
    for stage in stages().await {
        let (a, scope, operator) = (carrier(&stage, "a").await, live(&stage), operator(&stage));
        let row = made(&stage, NewRoute { country: Some("FR".into()), cost: euros(20_000), ..to(a) }).await;
        let facts = Facts {
            account: scope.account(),
            livemode: true,
            country: Some("GB"),
            operator: None,
            sender_class: Class::Numeric,
        };
        let told = async || {
            let all = explain(stage.db.read(), &scope, &facts, 5).await.unwrap();
            all.into_iter().map(|c| (c.route.id, c.mismatch, c.rank)).collect::<Vec<_>>()
        };
        assert_eq!(told().await, [(row.id, Some(Mismatch::Country), None)]);
        let change = Change { country: Some(None), cost: Some(None), ..Change::default() };
        let row = write_tx!(stage, tx => update(&tx, &operator, row.id, Some(1), change)).unwrap();
        assert_eq!((row.version, row.country.as_deref(), row.cost), (2, None, None));
        assert_eq!(told().await, [(row.id, None, Some(1))]);
        let error = write_tx!(stage, tx => delete(&tx, &operator, row.id, Some(1))).unwrap_err();
        assert_eq!(error.code, Code::VersionMismatch);
        let error = write_tx!(stage, tx => carriers::delete(&tx, &operator, a, None)).unwrap_err();
        assert!(error.detail.contains("a route"), "{error}");
        write_tx!(stage, tx => delete(&tx, &operator, row.id, Some(2))).unwrap();
        let page = list(stage.db.read(), &operator, Filter::default(), Window { limit: 5, after: None }).await.unwrap();
        assert!(page.0.is_empty());
        write_tx!(stage, tx => carriers::delete(&tx, &operator, a, None)).unwrap();
    }
}
