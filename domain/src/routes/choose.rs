//! Which routes a message takes, in order. Pure: no database, no clock.
//!
//! Of the routes that match, those of the lowest priority number come first. Within one priority a canary takes its
//! share of the messages first, and is not taken by the others; the rest goes to one route by weight, and behind it
//! stand the others, cheapest first. Weight 0 is a reserve; when all weights are 0 the cheapest comes first. At last,
//! routes whose carrier is down go behind those whose carrier is up. The first of the list is the one to take; the
//! others are what a fail-over would try.

use crate::{
    ids::{AccountId, CarrierId, MessageId, RouteId},
    money::Micros,
    senders::Class,
};

crate::text_enum! {
    /// Why a route is not for a message.
    pub enum Mismatch("RouteMismatch") {
        /// The route is off.
        RouteDisabled = "route_disabled",
        /// The route is of another account.
        Account = "account",
        /// A test environment takes only routes that name it.
        TestEnvironment = "test_environment",
        /// The route is for another country.
        Country = "country",
        /// The route is for another operator.
        Operator = "operator",
        /// The route is for another kind of sender.
        SenderClass = "sender_class",
        /// The route's carrier is off.
        CarrierDisabled = "carrier_disabled",
    }
}

/// What of a route decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: RouteId,
    pub carrier: CarrierId,
    pub enabled: bool,
    /// For messages of this account only; none: of any live account.
    pub account: Option<AccountId>,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub sender_class: Option<Class>,
    /// Lower goes first.
    pub priority: i64,
    /// The share among the routes of one priority.
    pub weight: i64,
    /// The share it takes before all others of its priority, in hundredths of a per cent.
    pub canary: Option<i64>,
    pub cost: Option<Micros>,
    /// Whether the carrier is on.
    pub carrier_enabled: bool,
    /// Whether workers hold connections of the carrier and none of them is up.
    pub carrier_down: bool,
}

/// What of a message decides.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub account: AccountId,
    pub livemode: bool,
    pub country: Option<&'a str>,
    pub operator: Option<&'a str>,
    pub sender_class: Class,
}

impl Rule {
    /// Why this route is not for the message; `None` when it is.
    pub fn mismatch(&self, facts: &Facts<'_>) -> Option<Mismatch> {
        let other = |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_some_and(|w| Some(w) != is);
        if !self.enabled {
            return Some(Mismatch::RouteDisabled);
        }
        match self.account {
            Some(account) if account != facts.account => return Some(Mismatch::Account),
            None if !facts.livemode => return Some(Mismatch::TestEnvironment),
            _ => {}
        }
        if other(&self.country, facts.country) {
            return Some(Mismatch::Country);
        }
        if other(&self.operator, facts.operator) {
            return Some(Mismatch::Operator);
        }
        if self.sender_class.is_some_and(|class| class != facts.sender_class) {
            return Some(Mismatch::SenderClass);
        }
        (!self.carrier_enabled).then_some(Mismatch::CarrierDisabled)
    }
}

/// The number of a message that weights and canaries are drawn with: the same for ever, and evenly spread.
pub fn hash(message: MessageId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *message.0.as_bytes();
    mixed(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

/// The finalizer of SplitMix64.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// A number below `range` from the hash; 0 when there is no range.
fn draw(hash: u64, range: i64) -> i64 {
    let range = u64::try_from(range).unwrap_or(0);
    i64::try_from(hash.checked_rem(range).unwrap_or(0)).unwrap_or(0)
}

/// The routes of a message, the one to take first, each carrier once. Empty when none matches.
pub fn choose<'a>(rules: &'a [Rule], facts: &Facts<'_>, hash: u64) -> Vec<&'a Rule> {
    let mut matching: Vec<&Rule> = rules.iter().filter(|rule| rule.mismatch(facts).is_none()).collect();
    matching.sort_by_key(|rule| (rule.priority, rule.id));
    let mut chosen: Vec<&Rule> = Vec::with_capacity(matching.len());
    for group in matching.chunk_by(|a, b| a.priority == b.priority) {
        // Each priority draws anew, or the canary of one would take the same messages as that of the next.
        let seed = mixed(hash ^ u64::try_from(group.first().map_or(0, |r| r.priority)).unwrap_or(0));
        chosen.extend(ordered(group, seed));
    }
    chosen.sort_by_key(|rule| rule.carrier_down);
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|rule| seen.insert(rule.carrier));
    chosen
}

/// The routes of one priority in order.
fn ordered<'a>(group: &[&'a Rule], hash: u64) -> Vec<&'a Rule> {
    let mut list = Vec::with_capacity(group.len());
    let mut point = draw(hash, 10_000);
    for rule in group {
        let Some(share) = rule.canary else { continue };
        if (0..share).contains(&point) {
            list.push(*rule);
            break;
        }
        point -= share;
    }
    let mut others: Vec<&Rule> = group.iter().copied().filter(|rule| rule.canary.is_none()).collect();
    let mut point = draw(mixed(hash), others.iter().map(|rule| rule.weight).sum());
    let heavy = others.iter().position(|rule| {
        let hit = (0..rule.weight).contains(&point);
        point -= rule.weight;
        hit
    });
    if let Some(place) = heavy {
        list.push(others.remove(place));
    }
    others.sort_by_key(|rule| (rule.cost.is_none(), rule.cost, rule.id));
    list.extend(others);
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Timestamp;

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    /// A route for everything, to the carrier of its own number.
    fn rule(n: u128) -> Rule {
        Rule {
            id: RouteId(id(n)),
            carrier: CarrierId(id(n)),
            enabled: true,
            account: None,
            country: None,
            operator: None,
            sender_class: None,
            priority: 10,
            weight: 100,
            canary: None,
            cost: None,
            carrier_enabled: true,
            carrier_down: false,
        }
    }

    fn facts() -> Facts<'static> {
        let account = AccountId(id(77));
        Facts { account, livemode: true, country: Some("GB"), operator: Some("EE"), sender_class: Class::Alphanumeric }
    }

    fn carriers(rules: &[Rule], hash: u64) -> Vec<u128> {
        choose(rules, &facts(), hash).iter().map(|r| r.carrier.0.as_u128()).collect()
    }

    /// How often each carrier is first, of many messages.
    fn shares(rules: &[Rule]) -> std::collections::BTreeMap<u128, usize> {
        let mut shares = std::collections::BTreeMap::new();
        for n in 0..10_000 {
            let message = MessageId::new(Timestamp(1_795_000_000_000_000 + n));
            *shares.entry(carriers(rules, hash(message))[0]).or_default() += 1;
        }
        shares
    }

    #[test]
    fn each_condition_is_told_when_it_fails() {
        let facts = facts();
        let with = |change: fn(&mut Rule)| {
            let mut rule = rule(1);
            change(&mut rule);
            rule.mismatch(&facts)
        };
        assert_eq!(with(|_| {}), None);
        assert_eq!(with(|r| r.enabled = false), Some(Mismatch::RouteDisabled));
        assert_eq!(with(|r| r.account = Some(AccountId(id(1)))), Some(Mismatch::Account));
        assert_eq!(with(|r| r.account = Some(AccountId(id(77)))), None);
        assert_eq!(with(|r| r.country = Some("FR".into())), Some(Mismatch::Country));
        assert_eq!(with(|r| r.operator = Some("O2".into())), Some(Mismatch::Operator));
        assert_eq!(with(|r| r.sender_class = Some(Class::ShortCode)), Some(Mismatch::SenderClass));
        assert_eq!(with(|r| r.carrier_enabled = false), Some(Mismatch::CarrierDisabled));
        let nowhere = Facts { country: None, operator: None, ..facts };
        let british = Rule { country: Some("GB".into()), ..rule(1) };
        assert_eq!(british.mismatch(&nowhere), Some(Mismatch::Country));
    }

    #[test]
    fn a_test_environment_takes_only_routes_that_name_it() {
        let test = Facts { livemode: false, ..facts() };
        assert_eq!(rule(1).mismatch(&test), Some(Mismatch::TestEnvironment));
        assert_eq!(Rule { account: Some(test.account), ..rule(1) }.mismatch(&test), None);
    }

    #[test]
    fn priority_rules_and_the_others_stand_behind() {
        let rules = [Rule { priority: 20, ..rule(1) }, rule(2), Rule { priority: 30, ..rule(3) }];
        assert_eq!(carriers(&rules, 5), [2, 1, 3]);
        assert_eq!(carriers(&[], 5), Vec::<u128>::new());
    }

    #[test]
    fn weights_share_the_messages() {
        let rules = [Rule { weight: 300, ..rule(1) }, rule(2), Rule { weight: 0, ..rule(3) }];
        let shares = shares(&rules);
        assert!((7_300..7_700).contains(&shares[&1]) && (2_300..2_700).contains(&shares[&2]), "{shares:?}");
        assert!(!shares.contains_key(&3), "a reserve");
    }

    #[test]
    fn without_weights_the_cheapest_goes_first() {
        let cost = |n, micros| Rule { weight: 0, cost: Some(Micros(micros)), ..rule(n) };
        assert_eq!(carriers(&[cost(1, 30), cost(2, 10), Rule { weight: 0, ..rule(3) }, cost(4, 20)], 9), [2, 4, 1, 3]);
    }

    #[test]
    fn a_canary_takes_its_share_and_no_more() {
        let canary = Rule { canary: Some(500), ..rule(1) };
        let shares = shares(&[canary.clone(), rule(2)]);
        assert!((400..600).contains(&shares[&1]), "{shares:?}");
        for hash in 0..1000 {
            let list = carriers(&[canary.clone(), rule(2)], hash);
            assert!(list == [1, 2] || list == [2], "nobody fails over to a canary: {list:?}");
        }
        assert_eq!(carriers(&[Rule { canary: Some(10_000), ..rule(1) }, rule(2)], 3), [1, 2]);
    }

    #[test]
    fn a_carrier_that_is_down_is_the_last_resort() {
        let down = Rule { carrier_down: true, priority: 1, ..rule(1) };
        assert_eq!(carriers(&[down.clone(), rule(2)], 3), [2, 1]);
        assert_eq!(carriers(&[down], 3), [1]);
    }

    proptest! {
        #[test]
        fn a_choice_is_repeatable_and_names_each_carrier_once(
            hash in any::<u64>(),
            shapes in prop::collection::vec((0u128..6, 0i64..3, 0i64..4, prop::option::of(1i64..10_000), prop::option::of(0i64..5), any::<bool>()), 0..12),
        ) {
            let rules: Vec<Rule> = shapes.into_iter().zip(0u128..).map(|((carrier, priority, weight, canary, cost, down), n)| Rule {
                carrier: CarrierId(id(carrier)), priority, weight, canary, cost: cost.map(Micros), carrier_down: down, ..rule(n)
            }).collect();
            let first = carriers(&rules, hash);
            let mut reversed = rules.clone();
            reversed.reverse();
            prop_assert_eq!(&first, &carriers(&reversed, hash), "the order of the rows decides nothing");
            let once: std::collections::HashSet<_> = first.iter().collect();
            prop_assert_eq!(once.len(), first.len());
            if rules.iter().any(|r| r.canary.is_none()) {
                prop_assert!(!first.is_empty());
            }
        }
    }
}
