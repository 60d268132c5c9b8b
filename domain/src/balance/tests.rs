//! The ledger against a small model, and against itself in races, on a real database.

use std::collections::BTreeMap;

use super::{Bucket, Capture, audit, balance, capture, hold, lock_holds, refund, release, top_up};
use crate::{
    Code,
    clock::Timestamp,
    ids::{HoldId, JournalId},
    money::{Currency, Micros, Money},
    scope::OperatorScope,
    testing::{Stage, stages, write_tx},
};

fn eur(micros: i64) -> Money {
    Money::new(Micros(micros), &Currency("EUR".into()))
}

async fn add(stage: &Stage, micros: i64, bucket: Bucket, key: &str) -> bool {
    let operator = OperatorScope { clock: stage.clock.clone() };
    write_tx!(stage, tx => top_up(&tx, &operator, stage.scope.account(), &eur(micros), bucket, key, None)).unwrap()
}

/// A generator whose sequences are the same in every run: a failure can be met again by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// What the ledger should be: two buckets and what is left of each hold, by bucket.
#[derive(Default, Debug)]
struct Model {
    purchased: i64,
    granted: i64,
    holds: BTreeMap<HoldId, (i64, i64)>,
    charged: i64,
}

impl Model {
    fn held(&self) -> i64 {
        self.holds.values().map(|(g, p)| g + p).sum()
    }
}

fn of(hold: HoldId, amount: i64) -> Capture {
    Capture { hold, charge: JournalId::new(Timestamp(0)), amount: Micros(amount) }
}

#[tokio::test]
async fn random_sequences_agree_with_a_model() {
    for stage in stages().await {
        for seed in 0..4 {
            run_sequence(&stage, seed).await;
        }
    }
}

async fn run_sequence(stage: &Stage, seed: u64) {
    let scope = stage.stranger().await;
    let (stage, account) = (&Stage::like(stage, &scope), scope.account());
    let (mut dice, mut model) = (Dice(seed), Model::default());
    add(stage, 1_000_000, Bucket::Purchased, "first").await;
    model.purchased = 1_000_000;
    for step in 0..80 {
        let now = stage.clock.now();
        let some_hold = model.holds.keys().nth(usize::try_from(dice.roll(8)).unwrap()).copied();
        match (dice.roll(6), some_hold) {
            (0, _) => {
                let (amount, granted) = (1 + dice.roll(500_000), dice.roll(2) == 0);
                add(stage, amount, if granted { Bucket::Granted } else { Bucket::Purchased }, &format!("{step}")).await;
                *(if granted { &mut model.granted } else { &mut model.purchased }) += amount;
            }
            (1 | 2, _) => {
                let (id, amount) = (HoldId::new(now), dice.roll(700_000));
                let held = write_tx!(stage, tx => hold(&tx, now, account, id, Micros(amount)));
                assert_eq!(held.is_ok(), amount <= model.purchased + model.granted, "seed {seed} step {step}");
                match held {
                    Ok(()) => {
                        let granted = amount.min(model.granted);
                        (model.granted, model.purchased) =
                            (model.granted - granted, model.purchased - (amount - granted));
                        model.holds.insert(id, (granted, amount - granted));
                    }
                    Err(e) => assert_eq!(e.code, Code::InsufficientFunds),
                }
            }
            (3, Some(id)) => {
                let (g, p) = model.holds[&id];
                let amount = dice.roll(u64::try_from(g + p + 1).unwrap());
                write_tx!(stage, tx => capture(&tx, now, account, &[of(id, amount)])).unwrap();
                let granted = amount.min(g);
                model.holds.insert(id, (g - granted, p - (amount - granted)));
                model.charged += amount;
            }
            (4, Some(id)) => {
                let (g, p) = model.holds[&id];
                let amount = dice.roll(u64::try_from(g + p + 1).unwrap());
                write_tx!(stage, tx => release(&tx, now, account, id, Micros(amount), "test")).unwrap();
                let purchased = amount.min(p);
                model.holds.insert(id, (g - (amount - purchased), p - purchased));
                (model.purchased, model.granted) = (model.purchased + purchased, model.granted + amount - purchased);
            }
            (5, Some(id)) if model.charged > 0 => {
                let amount = 1 + dice.roll(u64::try_from(model.charged).unwrap());
                write_tx!(stage, tx => refund(&tx, now, account, id, JournalId::new(now), Micros(amount))).unwrap();
                (model.purchased, model.charged) = (model.purchased + amount, model.charged - amount);
            }
            _ => {}
        }
        let now = balance(stage.db.read(), &stage.scope).await.unwrap();
        assert_eq!(
            (now.purchased.0, now.granted.0, now.held.0),
            (model.purchased, model.granted, model.held()),
            "seed {seed} step {step}"
        );
    }
    // Charges without messages would fail I4 and I6, which the integration tests check.
    for check in audit(&stage.db, &stage.scope).await.unwrap().checks.iter().filter(|c| !["I4", "I6"].contains(&c.id)) {
        assert_eq!(check.broken, 0, "seed {seed}: {} {}", check.id, check.rule);
    }
}

#[tokio::test]
async fn of_racing_holds_exactly_those_that_are_funded_succeed() {
    for stage in stages().await {
        add(&stage, 20_000_000, Bucket::Purchased, "funds").await;
        let races = (0..40).map(|_| {
            let (db, clock, account) = (stage.db.clone(), stage.clock.clone(), stage.scope.account());
            tokio::spawn(async move {
                let now = clock.now();
                let tx = db.begin().await.unwrap();
                let held = hold(&tx, now, account, HoldId::new(now), Micros(1_000_000)).await;
                if held.is_ok() {
                    tx.commit().await.unwrap();
                }
                held.is_ok()
            })
        });
        let races: Vec<_> = races.collect();
        let mut won = 0;
        for race in races {
            won += i32::from(race.await.unwrap());
        }
        assert_eq!(won, 20);
        let now = balance(stage.db.read(), &stage.scope).await.unwrap();
        assert_eq!((now.available().0, now.held.0), (0, 20_000_000));
        assert!(audit(&stage.db, &stage.scope).await.unwrap().ok());
    }
}

#[tokio::test]
async fn what_is_earned_waits_for_nobody_who_spends() {
    for stage in stages().await.into_iter().filter(|stage| !stage.db.is_sqlite()) {
        add(&stage, 10, Bucket::Purchased, "funds").await;
        let (now, account) = (stage.clock.now(), stage.scope.account());
        let id = HoldId::new(now);
        write_tx!(stage, tx => hold(&tx, now, account, id, Micros(4))).unwrap();
        let spends = stage.db.begin().await.unwrap();
        hold(&spends, now, account, HoldId::new(now), Micros(3)).await.unwrap();
        let earns = async { write_tx!(stage, tx => capture(&tx, now, account, &[of(id, 2)])) };
        tokio::time::timeout(std::time::Duration::from_secs(5), earns).await.expect("it waits").unwrap();
        spends.commit().await.unwrap();
        let after = balance(stage.db.read(), &stage.scope).await.unwrap();
        assert_eq!((after.available().0, after.held.0), (3, 5));
    }
}

#[tokio::test]
async fn holds_captures_and_releases_that_race_never_wait_in_a_circle() {
    for stage in stages().await {
        add(&stage, 1_000, Bucket::Purchased, "funds").await;
        let (now, account) = (stage.clock.now(), stage.scope.account());
        let holds: Vec<HoldId> = (0..4).map(|_| HoldId::new(now)).collect();
        for id in &holds {
            write_tx!(stage, tx => hold(&tx, now, account, *id, Micros(100))).unwrap();
        }
        let races = (0..32_usize).map(|n| {
            let (db, holds) = (stage.db.clone(), holds.clone());
            tokio::spawn(async move {
                let tx = db.begin().await.unwrap();
                // In every order, as batches come.
                let (one, other) = (holds[n % 4], holds[(n + 1 + n / 8) % 4]);
                if n % 2 == 0 {
                    lock_holds(&tx, account, [one, other].into_iter()).await.unwrap();
                    capture(&tx, now, account, &[of(other, 2)]).await.unwrap();
                    release(&tx, now, account, one, Micros(1), "test").await.unwrap();
                    hold(&tx, now, account, HoldId::new(now), Micros(1)).await.unwrap();
                } else if one == other {
                    capture(&tx, now, account, &[of(one, 4)]).await.unwrap();
                } else {
                    capture(&tx, now, account, &[of(one, 2), of(other, 2)]).await.unwrap();
                }
                tx.commit().await.unwrap();
            })
        });
        let races: Vec<_> = races.collect();
        for race in races {
            race.await.unwrap();
        }
        let after = balance(stage.db.read(), &stage.scope).await.unwrap();
        assert_eq!((after.available().0, after.held.0), (600, 400 - 16 * 2 - 16 * 4));
    }
}

#[tokio::test]
async fn a_repeated_key_adds_nothing_and_a_repeated_hold_holds_nothing() {
    for stage in stages().await {
        assert!(add(&stage, 5, Bucket::Purchased, "once").await);
        assert!(!add(&stage, 5, Bucket::Purchased, "once").await);
        let (now, account) = (stage.clock.now(), stage.scope.account());
        let id = HoldId::new(now);
        for _ in 0..2 {
            write_tx!(stage, tx => hold(&tx, now, account, id, Micros(3))).unwrap();
        }
        let after = balance(stage.db.read(), &stage.scope).await.unwrap();
        assert_eq!((after.available().0, after.held.0), (2, 3));
        let over = write_tx!(stage, tx => capture(&tx, now, account, &[of(id, 4)]));
        assert_eq!(over.unwrap_err().code, Code::Internal, "a hold never gives more than it has");
    }
}

#[tokio::test]
async fn the_first_posting_fixes_the_currency() {
    for stage in stages().await {
        add(&stage, 5, Bucket::Purchased, "eur").await;
        let operator = OperatorScope { clock: stage.clock.clone() };
        let usd = Money::new(Micros(5), &Currency("USD".into()));
        let refused =
            write_tx!(stage, tx => top_up(&tx, &operator, stage.scope.account(), &usd, Bucket::Purchased, "usd", None));
        assert_eq!(refused.unwrap_err().code, Code::InvalidRequest);
    }
}
