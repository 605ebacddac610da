//! The order in which the servers of SRV records are tried (RFC 2782).
//!
//! In: priorities and weights, a source of numbers. Out: lowest priority first; of one priority the
//! first is drawn by weight, then the next of the rest.

use std::collections::BTreeMap;

/// What a record asks for, and the rest of it.
#[derive(Debug)]
pub(super) struct Weighted<T> {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) what: T,
}

/// `draw(n)`: a number from 0 to n.
pub(super) fn in_order<T>(records: Vec<Weighted<T>>, mut draw: impl FnMut(u32) -> u32) -> Vec<T> {
    let mut by_priority: BTreeMap<u16, Vec<Weighted<T>>> = BTreeMap::new();
    for record in records {
        by_priority.entry(record.priority).or_default().push(record);
    }
    let mut ordered = Vec::new();
    for mut rest in by_priority.into_values() {
        // Those without a weight stand first, so that they have a small chance.
        rest.sort_by_key(|record| record.weight);
        while !rest.is_empty() {
            let sum = rest.iter().map(|record| u32::from(record.weight)).sum();
            let drawn = draw(sum);
            let mut so_far = 0;
            let at = rest.iter().position(|record| {
                so_far += u32::from(record.weight);
                so_far >= drawn
            });
            ordered.push(rest.remove(at.unwrap_or_default()).what);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(all: &[(u16, u16, char)]) -> Vec<Weighted<char>> {
        all.iter().map(|&(priority, weight, what)| Weighted { priority, weight, what }).collect()
    }

    #[test]
    fn priorities_come_first_and_weights_decide_within_one() {
        let all = || records(&[(20, 0, 'z'), (10, 60, 'a'), (10, 10, 'b'), (10, 0, 'c')]);
        // Sorted by weight: c 0, b 10, a 60; 0 to 70 is drawn from.
        for (drawn, expected) in [
            ([0, 0, 0, 0], "cbaz"),
            ([1, 0, 0, 0], "bcaz"),
            ([10, 0, 0, 0], "bcaz"),
            ([11, 0, 0, 0], "acbz"),
            ([70, 10, 0, 0], "abcz"),
        ] {
            let mut draws = drawn.into_iter();
            let ordered = in_order(all(), |sum| draws.next().unwrap_or_default().min(sum));
            assert_eq!(ordered.iter().collect::<String>(), expected, "{drawn:?}");
        }
        assert!(in_order(Vec::<Weighted<char>>::new(), |_| 0).is_empty());
        let most = records(&[(0, u16::MAX, 'a'), (0, u16::MAX, 'b')]);
        assert_eq!(in_order(most, |sum| sum), ['b', 'a']);
    }

    #[test]
    fn over_many_draws_the_share_is_that_of_the_weights() {
        let mut state = 1_u64;
        let mut draw = |sum: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from((state >> 33) % (u64::from(sum) + 1)).unwrap()
        };
        let firsts =
            (0..10_000).filter(|_| in_order(records(&[(1, 75, 'a'), (1, 25, 'b')]), &mut draw)[0] == 'a');
        let count = firsts.count();
        assert!((7_200..7_800).contains(&count), "{count}");
    }
}
