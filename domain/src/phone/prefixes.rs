//! [`PrefixTable`]: longest-prefix lookup over the data files (operators, regions, time zones).
//!
//! Invariants: `starts` is sorted and holds no value twice; slot `i` covers the numbers from `starts[i]` up to the next
//! start. Nested prefixes are flattened into disjoint ranges once, at load, so that a lookup is ONE binary search
//! instead of one per prefix length. Keys are the first nine digits of a number (the longest prefix of the data), which
//! fit a `u32`.

/// Digits of a key. No prefix in the data is longer; a longer one would be ignored (a test watches the data files).
const KEY_DIGITS: usize = 9;

/// A table from E.164 prefix to a text.
pub(super) struct PrefixTable {
    starts: Vec<u32>,
    /// Index into `values` for the range that begins at the same position of `starts`; `None` where no prefix covers.
    slots: Vec<Option<u16>>,
    values: Vec<&'static str>,
}

impl PrefixTable {
    /// Reads `value<TAB>prefix prefix …` lines; `#` begins a comment. Malformed lines are skipped: the data is compiled
    /// in and counted by a test, so there is nobody to report to at run time.
    pub(super) fn load(data: &'static str) -> Self {
        let mut values = Vec::new();
        let mut ranges: Vec<(u32, u32, u16)> = Vec::new();
        for (value, prefixes) in data.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')) {
            let Ok(value_index) = u16::try_from(values.len()) else { break };
            values.push(value);
            ranges.extend(prefixes.split(' ').filter_map(range).map(|(start, end)| (start, end, value_index)));
        }
        // Outer ranges before the inner ones that begin at the same key.
        ranges.sort_unstable_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let (starts, slots) = flatten(&ranges);
        Self { starts, slots, values }
    }

    /// The value of the longest prefix of a number given as E.164 digits; a few dozen nanoseconds.
    pub(super) fn find(&self, digits: u64) -> Option<&'static str> {
        let key = key(digits)?;
        let after = self.starts.partition_point(|&start| start <= key);
        let slot = self.slots.get(after.checked_sub(1)?).copied().flatten()?;
        self.values.get(usize::from(slot)).copied()
    }

    /// Every value, in the order of the file.
    pub(super) fn values(&self) -> &[&'static str] {
        &self.values
    }
}

/// The first nine digits, padded with zeros on the right.
fn key(digits: u64) -> Option<u32> {
    let mut key = digits;
    if key == 0 {
        return None;
    }
    while key >= 1_000_000_000 {
        key /= 10;
    }
    while key < 100_000_000 {
        key *= 10;
    }
    u32::try_from(key).ok()
}

/// The keys a prefix covers, end excluded.
fn range(prefix: &str) -> Option<(u32, u32)> {
    let missing = KEY_DIGITS.checked_sub(prefix.len())?;
    let unit = 10_u32.checked_pow(u32::try_from(missing).ok()?)?;
    let start = prefix.parse::<u32>().ok()?.checked_mul(unit)?;
    Some((start, start.checked_add(unit)?))
}

/// Turns nested ranges (sorted by start, outer first) into disjoint ones: a stack holds the ranges we are inside of.
fn flatten(ranges: &[(u32, u32, u16)]) -> (Vec<u32>, Vec<Option<u16>>) {
    let mut flat: Vec<(u32, Option<u16>)> = Vec::new();
    let mut inside: Vec<(u32, u16)> = Vec::new();
    let mut mark = |start: u32, value: Option<u16>| match flat.last_mut() {
        Some(last) if last.0 == start => last.1 = value,
        Some(last) if last.1 == value => {}
        _ => flat.push((start, value)),
    };
    for &(start, end, value) in ranges {
        while let Some(&(inner_end, _)) = inside.last().filter(|(inner_end, _)| *inner_end <= start) {
            inside.pop();
            mark(inner_end, inside.last().map(|&(_, outer)| outer));
        }
        mark(start, Some(value));
        inside.push((end, value));
    }
    while let Some((end, _)) = inside.pop() {
        mark(end, inside.last().map(|&(_, outer)| outer));
    }
    flat.into_iter().unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_gaps_have_no_value() {
        let table = PrefixTable::load("# title\na\t44 7912\nb\t4479 447\nc\t44791 44791234\n");
        let found: Vec<_> = [
            441_000_000,
            447_000_000,
            447_900_000,
            447_912_000,
            447_912_349_999,
            447_920_000,
            79_120_000_000,
            79_130_000_000,
            33,
        ]
        .into_iter()
        .map(|n| table.find(n))
        .collect();
        let expected = [Some("a"), Some("b"), Some("b"), Some("c"), Some("c"), Some("b"), Some("a"), None, None];
        assert_eq!(found, expected);
    }

    #[test]
    fn agrees_with_a_plain_search_over_the_data() {
        let operators = agrees(include_str!("../../data/operators.tsv"));
        let regions = agrees(include_str!("../../data/regions.tsv"));
        assert!(operators > 29_000 && regions > 25_000, "{operators} and {regions}");
    }

    /// Tells how many prefixes there are.
    fn agrees(data: &'static str) -> usize {
        let table = PrefixTable::load(data);
        let plain: std::collections::HashMap<&str, &str> = data
            .lines()
            .filter_map(|l| l.split_once('\t'))
            .flat_map(|(name, prefixes)| prefixes.split(' ').map(move |p| (p, name)))
            .collect();
        assert!(plain.keys().all(|p| p.len() <= KEY_DIGITS));
        for prefix in plain.keys() {
            let number = format!("{prefix:0<12}");
            let expected = (1..=9).rev().find_map(|n| number.get(..n).and_then(|p| plain.get(p)).copied());
            assert_eq!(table.find(number.parse().unwrap()), expected, "{number}");
        }
        plain.len()
    }
}
