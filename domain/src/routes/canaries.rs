//! Whether canaries leave messages for each other: those of one priority share the same hundred per cent, as far as a
//! message can be for all of them. Pure.

use std::collections::BTreeSet;

use sea_orm::FromQueryResult;

use crate::{ids::AccountId, senders::Class};

/// What of a canary decides whom it competes with.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Canary {
    pub account_id: Option<AccountId>,
    /// Its account is a test environment, which takes no route that does not name it.
    pub test: bool,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub sender_class: Option<Class>,
    /// In hundredths of a per cent.
    pub canary: i64,
}

/// The largest share that all of them together take of any kind of message.
pub(super) fn heaviest(canaries: &[Canary]) -> i64 {
    let general: Vec<&Canary> = canaries.iter().filter(|c| c.account_id.is_none()).collect();
    let accounts: BTreeSet<(AccountId, bool)> = canaries.iter().filter_map(|c| Some((c.account_id?, c.test))).collect();
    let of_accounts = accounts.into_iter().map(|(account, test)| {
        let own = canaries.iter().filter(|c| c.account_id == Some(account));
        let others = general.iter().copied().filter(|_| !test);
        of_one(&own.chain(others).collect::<Vec<_>>())
    });
    of_accounts.fold(of_one(&general), i64::max)
}

/// The same of canaries that are all for one account.
fn of_one(canaries: &[&Canary]) -> i64 {
    let sum = |some: &[&Canary]| some.iter().map(|c| c.canary).sum();
    let by_class = |some: &[&Canary]| by(some, |c| c.sender_class, &sum);
    let by_operator = |some: &[&Canary]| by(some, |c| c.operator.clone(), &by_class);
    by(canaries, |c| c.country.clone(), &by_operator)
}

/// The largest sum over the values that a condition can have: those that are named, each with what asks for none, and any other.
fn by<V: Ord>(all: &[&Canary], of: impl Fn(&Canary) -> Option<V>, sum: &dyn Fn(&[&Canary]) -> i64) -> i64 {
    let mut values: Vec<Option<V>> =
        all.iter().filter_map(|c| of(c)).collect::<BTreeSet<V>>().into_iter().map(Some).collect();
    values.push(None);
    let sums = values.into_iter().map(|value| {
        let fits = |c: &&&Canary| of(c).is_none_or(|wanted| Some(&wanted) == value.as_ref());
        sum(&all.iter().filter(fits).copied().collect::<Vec<_>>())
    });
    sums.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(share: i64, country: Option<&str>, operator: Option<&str>) -> Canary {
        let country = country.map(str::to_owned);
        let operator = operator.map(str::to_owned);
        Canary { account_id: None, test: false, country, operator, sender_class: None, canary: share }
    }

    #[test]
    fn only_canaries_of_the_same_messages_add_up() {
        assert_eq!(heaviest(&[]), 0);
        let general = canary(4000, None, None);
        let (british, french) = (canary(5000, Some("GB"), None), canary(3000, Some("FR"), None));
        assert_eq!(heaviest(&[british.clone(), french.clone()]), 5000);
        assert_eq!(heaviest(&[british.clone(), french.clone(), general.clone()]), 9000);
        let class = |share, class| Canary { sender_class: Some(class), ..canary(share, None, None) };
        let (ee, o2) = (canary(2000, None, Some("EE")), canary(1000, Some("GB"), Some("O2")));
        assert_eq!(heaviest(&[british, french, ee, o2, class(1, Class::Numeric), class(2, Class::ShortCode)]), 7002);
    }

    #[test]
    fn an_account_takes_its_own_and_the_general_ones_and_a_test_environment_its_own_alone() {
        let of = |n, test, share| Canary {
            account_id: Some(AccountId(uuid::Uuid::from_u128(n))),
            test,
            ..canary(share, None, None)
        };
        let general = canary(4000, None, None);
        assert_eq!(heaviest(&[of(1, false, 7000), of(2, false, 6000)]), 7000);
        assert_eq!(heaviest(&[of(1, false, 7000), of(2, false, 6000), general.clone()]), 11_000);
        assert_eq!(heaviest(&[of(1, true, 7000), general]), 7000);
    }
}
