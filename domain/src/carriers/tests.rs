//! Carriers on both databases: sealed passwords, changes, deletion, health.

use std::time::Duration;

use super::{health::*, *};
use crate::{
    db::Sql,
    error::Code,
    ids::CarrierId,
    scope::OperatorScope,
    secrets::Keyring,
    testing::{Stage, stages, write_tx},
    vals,
};

fn keys() -> Keyring {
    Keyring::parse(&Keyring::generate()).unwrap()
}

fn operator(stage: &Stage) -> OperatorScope {
    OperatorScope { clock: stage.clock.clone() }
}

fn settings(password: &str) -> SmppSettings {
    SmppSettings {
        address: "127.0.0.1:2775".into(),
        system_id: "me".into(),
        password: password.into(),
        ..SmppSettings::default()
    }
}

async fn made(stage: &Stage, keys: &Keyring, name: &str, password: &str) -> Carrier {
    let new = NewCarrier { name: name.into(), enabled: true, settings: settings(password).into() };
    write_tx!(stage, tx => create(&tx, &operator(stage), keys, new)).unwrap()
}

async fn stored_text(stage: &Stage) -> String {
    let sql =
        "SELECT CAST(config AS TEXT) || COALESCE(password_sealed, '') || COALESCE(client_key_sealed, '') FROM carriers";
    stage.db.read().column::<String>(sql, vals![]).await.unwrap().concat()
}

#[tokio::test]
async fn a_password_is_sealed_and_opened_only_with_its_key() {
    for stage in stages().await {
        let keys = keys();
        let row = made(&stage, &keys, "a", "opensesa").await;
        assert!(!stored_text(&stage).await.contains("opensesa"));
        assert_eq!(row.settings(&keys).unwrap(), settings("opensesa").into());
        assert_eq!(row.shown().unwrap(), settings("").into());
        assert!(row.has_password());
        assert!(row.settings(&self::keys()).is_err());
        let change = Change { enabled: Some(false), ..Change::default() };
        let row = write_tx!(stage, tx => update(&tx, &operator(&stage), &self::keys(), row.id, None, change)).unwrap();
        assert_eq!((row.enabled, row.settings(&keys).unwrap().secret()), (false, "opensesa"), "kept without its key");
        let clear = Change {
            settings: SmppChange { password: Some(String::new()), ..SmppChange::default() },
            ..Change::default()
        };
        let row = write_tx!(stage, tx => update(&tx, &operator(&stage), &keys, row.id, None, clear)).unwrap();
        assert!(!row.has_password());
    }
}

/// A certificate and its key.
fn identity() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["me".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[tokio::test]
async fn the_key_of_a_certificate_is_sealed_and_stays_with_it() {
    for stage in stages().await {
        let (keys, operator) = (keys(), operator(&stage));
        let ((certificate, key), (other, other_key)) = (identity(), identity());
        let tls = |certificate: Option<&String>, key: Option<&String>| {
            Some(TlsSettings {
                client_certificate: certificate.cloned(),
                client_key: key.cloned(),
                ..TlsSettings::default()
            })
        };
        let with = SmppSettings { tls: tls(Some(&certificate), Some(&key)), ..settings("opensesa") };
        let new = NewCarrier { name: "a".into(), enabled: true, settings: with.clone().into() };
        let row = write_tx!(stage, tx => create(&tx, &operator, &keys, new)).unwrap();
        let (text, sealed) = (stored_text(&stage).await, row.client_key_sealed.clone().unwrap());
        assert!(!text.contains("PRIVATE KEY") && !sealed.contains("PRIVATE KEY"), "{text}");
        assert_eq!(row.settings(&keys).unwrap(), with.clone().into());
        assert_eq!(row.shown().unwrap().client_key(), None);
        let set = async |tls: Option<TlsSettings>| {
            let settings = SmppChange { tls: Some(tls), ..SmppChange::default() };
            let change = Change { settings, ..Change::default() };
            write_tx!(stage, tx => update(&tx, &operator, &keys, row.id, None, change))
        };
        let known = |row: &Carrier| row.settings(&keys).unwrap().client_key().map(str::to_owned);
        let same = set(tls(Some(&certificate), None)).await.unwrap();
        assert_eq!((same.version, known(&same)), (1, Some(key.clone())), "nothing has changed");
        for wrong in [tls(Some(&other), None), tls(Some(&other), Some(&key)), tls(None, Some(&key))] {
            let error = set(wrong).await.unwrap_err();
            assert_eq!(error.faults[0].pointer, "/settings/tls/client_key", "{error}");
        }
        let changed = set(tls(Some(&other), Some(&other_key))).await.unwrap();
        assert_eq!(known(&changed), Some(other_key));
        // A new first key seals anew, both secrets.
        let (first, second) = (Keyring::generate(), Keyring::generate());
        let keys = Keyring::parse(&first).unwrap();
        let row = write_tx!(stage, tx => upsert(&tx, &operator, &keys, "a", with.clone(), true)).unwrap();
        let both = Keyring::parse(&format!("{second},{first}")).unwrap();
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &both)).unwrap(), 2);
        let alone = Keyring::parse(&second).unwrap();
        let read = find(stage.db.read(), &operator, row.id).await.unwrap();
        assert_eq!(read.settings(&alone).unwrap(), with.into());
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &alone)).unwrap(), 0);
        let tls = set(None).await.unwrap();
        assert_eq!((tls.has_password(), tls.client_key_sealed), (true, None));
    }
}

#[tokio::test]
async fn a_carrier_that_only_receives_is_down() {
    for stage in stages().await {
        let (keys, operator) = (keys(), operator(&stage));
        let separate = SmppSettings { bind_mode: BindMode::Separate, binds: 1, ..settings("") };
        let row = write_tx!(stage, tx => upsert(&tx, &operator, &keys, "a", separate, true)).unwrap();
        let seen = async || binds(stage.db.read(), &operator, &row).await.unwrap();
        let kinds: Vec<_> = seen().await.iter().map(|b| (b.n, b.kind, b.window_size)).collect();
        assert_eq!(kinds, [(0, BindKind::Transmitter, 500), (1, BindKind::Receiver, 0)]);
        let say = async |n: usize, state| {
            let now = stage.clock.now();
            let known = seen().await[n].clone();
            let bind = Bind {
                state,
                owner: Some("w".into()),
                since: Some(now),
                interface_version: Some("3.4".into()),
                ..known
            };
            write_tx!(stage, tx => report(&tx, &stage.system, &[(row.id, bind)])).unwrap();
        };
        say(0, BindState::BackingOff).await;
        say(1, BindState::Connected).await;
        assert_eq!(state(true, &seen().await), CarrierState::Down);
        say(0, BindState::Connected).await;
        say(1, BindState::BackingOff).await;
        let seen = seen().await;
        assert_eq!(state(true, &seen), CarrierState::Degraded);
        assert_eq!((seen[1].kind, seen[0].interface_version.as_deref()), (BindKind::Receiver, Some("3.4")));
    }
}

#[tokio::test]
async fn what_an_earlier_version_stored_is_read_and_then_sealed() {
    for stage in stages().await {
        let id = CarrierId::new(stage.clock.now());
        let config =
            serde_json::json!({"address": "127.0.0.1:2775", "system_id": "me", "password": "opensesa", "binds": 3});
        let tx = stage.db.begin().await.unwrap();
        let sql = "INSERT INTO carriers (id, name, kind, config, enabled, created_at, updated_at, version) VALUES ($1, 'old', 'smpp', $2, $3, $4, $4, 7)";
        tx.run(sql, vals![id, config, true, stage.clock.now()]).await.unwrap();
        tx.commit().await.unwrap();
        let (first, second) = (Keyring::generate(), Keyring::generate());
        let keys = Keyring::parse(&first).unwrap();
        let read = async || find(stage.db.read(), &operator(&stage), id).await.unwrap();
        assert!(!any_sealed(stage.db.read(), &stage.system).await.unwrap());
        assert_eq!(read().await.settings(&keys).unwrap().secret(), "opensesa");
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &keys)).unwrap(), 1);
        assert!(!stored_text(&stage).await.contains("opensesa"));
        let row = read().await;
        let seen = row.settings(&keys).unwrap();
        assert_eq!((seen.secret(), seen.binds(), row.version), ("opensesa", 3, 7), "no connection is made anew");
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &keys)).unwrap(), 0);
        // A new key comes first, then alone.
        let both = Keyring::parse(&format!("{second},{first}")).unwrap();
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &both)).unwrap(), 1);
        let alone = Keyring::parse(&second).unwrap();
        assert_eq!(read().await.settings(&alone).unwrap().secret(), "opensesa");
        // A lost key stops nothing else.
        assert_eq!(write_tx!(stage, tx => seal_all(&tx, &stage.system, &self::keys())).unwrap(), 0);
        assert!(any_sealed(stage.db.read(), &stage.system).await.unwrap());
    }
}

#[tokio::test]
async fn a_change_that_changes_nothing_keeps_the_version() {
    for stage in stages().await {
        let (keys, operator) = (keys(), operator(&stage));
        let row = made(&stage, &keys, "a", "opensesa").await;
        for settings in [SmppChange::default(), SmppChange::to(settings("opensesa"))] {
            let same = Change { enabled: Some(true), settings, ..Change::default() };
            let now = write_tx!(stage, tx => update(&tx, &operator, &keys, row.id, Some(1), same)).unwrap();
            assert_eq!(now.version, 1);
        }
        let other = write_tx!(stage, tx => upsert(&tx, &operator, &keys, "a", settings("changed"), true)).unwrap();
        assert_eq!((other.id, other.version), (row.id, 2));
        let stale = Change { enabled: Some(false), ..Change::default() };
        let error = write_tx!(stage, tx => update(&tx, &operator, &keys, row.id, Some(1), stale)).unwrap_err();
        assert_eq!(error.code, Code::VersionMismatch);
    }
}

#[tokio::test]
async fn a_carrier_goes_only_when_nothing_uses_it() {
    for stage in stages().await {
        let (keys, operator) = (keys(), operator(&stage));
        let row = made(&stage, &keys, "a", "").await;
        let delete = async || write_tx!(stage, tx => delete(&tx, &operator, row.id, None));
        let set = async |carrier: Option<CarrierId>| {
            let tx = stage.db.begin().await.unwrap();
            tx.run("UPDATE accounts SET carrier_id = $1", vals![carrier]).await.unwrap();
            tx.commit().await.unwrap();
        };
        set(Some(row.id)).await;
        let error = delete().await.unwrap_err();
        assert!(error.code == Code::Conflict && error.detail.contains("an account"), "{error}");
        set(None).await;
        delete().await.unwrap();
        assert_eq!(delete().await.unwrap_err().code, Code::NotFound);
    }
}

#[tokio::test]
async fn health_is_what_workers_last_said_until_it_is_stale() {
    for stage in stages().await {
        let row = made(&stage, &keys(), "a", "").await;
        let operator = operator(&stage);
        let read = async || {
            let binds = binds(stage.db.read(), &operator, &row).await.unwrap();
            (state(true, &binds), binds)
        };
        assert_eq!(read().await.0, CarrierState::Unknown);
        let now = stage.clock.now();
        let bind = |n, state, error: Option<&str>| Bind {
            n,
            kind: BindKind::Transceiver,
            state,
            interface_version: None,
            owner: Some(format!("w.{n}")),
            since: Some(now),
            retry_at: None,
            window_size: 500,
            window_used: 3,
            throttled_until: None,
            tripped_until: None,
            last_error: error.map(str::to_owned),
            last_error_at: error.map(|_| now),
            reported_at: None,
        };
        let say = async |binds: Vec<Bind>| {
            let binds: Vec<_> = binds.into_iter().map(|bind| (row.id, bind)).collect();
            write_tx!(stage, tx => report(&tx, &stage.system, &binds)).unwrap();
        };
        say(vec![bind(0, BindState::BackingOff, Some("refused")), bind(1, BindState::BackingOff, None)]).await;
        assert_eq!(read().await.0, CarrierState::Down);
        say(vec![bind(0, BindState::Connected, None)]).await;
        let (state_now, seen) = read().await;
        assert_eq!(state_now, CarrierState::Degraded);
        assert_eq!(
            (seen[0].state, seen[0].last_error.as_deref(), seen[0].reported_at),
            (BindState::Connected, Some("refused"), Some(now))
        );
        say(vec![bind(1, BindState::Connected, None)]).await;
        assert_eq!(read().await.0, CarrierState::Up);
        write_tx!(stage, tx => forget(&tx, &stage.system, row.id, 1, "another")).unwrap();
        assert_eq!(read().await.0, CarrierState::Up, "another owner's word stays");
        write_tx!(stage, tx => forget(&tx, &stage.system, row.id, 1, "w.1")).unwrap();
        assert_eq!(read().await.1[1].state, BindState::Unassigned);
        stage.clock.advance(STALE + Duration::from_secs(1));
        let (state_now, seen) = read().await;
        assert_eq!((state_now, seen[0].state, seen[0].window_used), (CarrierState::Unknown, BindState::Silent, 0));
        let off = Carrier { enabled: false, ..row.clone() };
        let seen = binds(stage.db.read(), &operator, &off).await.unwrap();
        assert_eq!((seen[0].state, state(false, &seen)), (BindState::Unassigned, CarrierState::Disabled));
    }
}
