//! The tree against a plain `Vec`.

use proptest::prelude::*;

use super::node::{BRANCH, LEAF};
use super::*;

/// A number; the sum has the count of odd ones, and a polynomial over all in order, so that a sum
/// in the wrong order is detected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Number(u32);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    odd: usize,
    count: u32,
    order: u32,
}

impl Item for Number {
    type Summary = Sum;

    fn summary(&self) -> Sum {
        Sum { odd: (self.0 % 2) as usize, count: 1, order: self.0 }
    }
}

impl Summary for Sum {
    fn add(&mut self, later: &Self) {
        self.odd += later.odd;
        self.count += later.count;
        self.order = self.order.wrapping_mul(31u32.wrapping_pow(later.count)).wrapping_add(later.order);
    }
}

fn sum(items: &[Number]) -> Sum {
    items.iter().fold(Sum::default(), |mut sum, item| {
        sum.add(&item.summary());
        sum
    })
}

fn numbers(range: Range<u32>) -> Vec<Number> {
    range.map(Number).collect()
}

/// Checks the invariants of each node; returns the items.
fn check(tree: &Tree<Number>) -> Vec<Number> {
    fn node(child: &Child<Number>, height: usize, is_root: bool, all: &mut Vec<Number>) {
        let start = all.len();
        match &child.node {
            Node::Leaf(leaf) => {
                assert_eq!(height, 0, "all leaves are equally deep");
                all.extend_from_slice(leaf.items());
                assert!(!leaf.items().is_empty() && leaf.items().len() <= LEAF);
            }
            Node::Branch(children) => {
                assert!((2..=BRANCH).contains(&children.len()));
                children.iter().for_each(|child| node(child, height - 1, false, all));
            }
        }
        assert!(is_root || !child.is_meagre(), "half full at the least");
        assert_eq!((child.count, child.summary), (all.len() - start, sum(&all[start..])));
    }
    let mut all = Vec::new();
    if let Some(root) = &tree.root {
        node(root, tree.height, true, &mut all);
    }
    assert_eq!(tree.len(), all.len());
    all
}

#[derive(Clone, Debug)]
enum Change {
    Push(u32),
    Insert(usize, u32),
    Remove(usize),
    Update(usize, u32),
    RemoveRange(usize, usize),
    RemoveRanges(Vec<usize>),
    UpdateRange(usize, usize),
    Extend(u32),
    Truncate(usize),
    Snapshot,
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..3000usize;
    prop_oneof![
        4 => any::<u32>().prop_map(Change::Push),
        4 => (at.clone(), any::<u32>()).prop_map(|(i, x)| Change::Insert(i, x)),
        4 => at.clone().prop_map(Change::Remove),
        2 => (at.clone(), any::<u32>()).prop_map(|(i, x)| Change::Update(i, x)),
        2 => (at.clone(), 0..400usize).prop_map(|(i, n)| Change::RemoveRange(i, n)),
        1 => proptest::collection::vec(1..40usize, 0..20).prop_map(Change::RemoveRanges),
        1 => (at.clone(), 0..400usize).prop_map(|(i, n)| Change::UpdateRange(i, n)),
        3 => (0..900u32).prop_map(Change::Extend),
        1 => at.prop_map(Change::Truncate),
        2 => Just(Change::Snapshot),
    ]
}

fn apply(tree: &mut Tree<Number>, plain: &mut Vec<Number>, change: Change) {
    let len = plain.len();
    match change {
        Change::Push(x) => {
            tree.push(Number(x));
            plain.push(Number(x));
        }
        Change::Insert(i, x) => {
            tree.insert(i, Number(x));
            plain.insert(i.min(len), Number(x));
        }
        Change::Remove(i) => {
            let removed = (i < len).then(|| plain.remove(i));
            assert_eq!(tree.remove(i), removed);
        }
        Change::Update(i, x) => {
            let before = tree.update(i, |n| std::mem::replace(n, Number(x)));
            assert_eq!(before, plain.get_mut(i).map(|n| std::mem::replace(n, Number(x))));
        }
        Change::RemoveRange(i, n) => {
            tree.remove_range(i..i + n);
            plain.drain(i.min(len)..(i + n).min(len));
        }
        Change::RemoveRanges(steps) => {
            let (mut at, mut ranges) = (0, Vec::new());
            for pair in steps.chunks_exact(2) {
                ranges.push(at + pair[0]..at + pair[0] + pair[1]);
                at += pair[0] + pair[1];
            }
            ranges.retain(|range| range.end <= len);
            tree.remove_ranges(&ranges);
            ranges.into_iter().rev().for_each(|range| drop(plain.drain(range)));
        }
        Change::UpdateRange(i, n) => {
            tree.update_range(i..i + n, |at, x| x.0 ^= u32::try_from(at).unwrap());
            let some = plain.iter_mut().enumerate().skip(i).take(n);
            some.for_each(|(at, x)| x.0 ^= u32::try_from(at).unwrap());
        }
        Change::Extend(n) => {
            tree.extend(numbers(0..n));
            plain.extend(numbers(0..n));
        }
        Change::Truncate(i) => {
            tree.truncate(i);
            plain.truncate(i);
        }
        Change::Snapshot => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_vec_does(start in 0..3000u32, changes in proptest::collection::vec(change(), 1..40)) {
        let mut plain = numbers(0..start);
        let mut tree: Tree<Number> = plain.iter().copied().collect();
        let mut kept = Vec::new();
        for change in changes {
            if let Change::Snapshot = change {
                kept.push((tree.clone(), plain.clone()));
            }
            apply(&mut tree, &mut plain, change);
            prop_assert_eq!(&check(&tree), &plain);
            // The way to a leaf is remembered, and must not lead astray behind the next change.
            let at = plain.len() / 2;
            prop_assert_eq!(tree.seek(at).map(|(item, _)| item), plain.get(at));
        }
        prop_assert!(tree.iter().eq(plain.iter()));
        prop_assert!(tree.iter().rev().eq(plain.iter().rev()));
        let (third, len) = (plain.len() / 3, plain.len());
        prop_assert!(tree.range(third..2 * third).eq(&plain[third..2 * third]));
        prop_assert_eq!(tree.before(third), sum(&plain[..third]));
        prop_assert_eq!(tree.get(third), plain.get(third));
        prop_assert_eq!(tree.get(len), None);
        prop_assert_eq!(tree.seek(len), None);
        for at in 0..len {
            let previous = at.checked_sub(1).map(|previous| &plain[previous]);
            prop_assert_eq!(tree.seek(at), Some((&plain[at], previous)));
        }
        let odd = plain.iter().enumerate().filter(|(_, n)| n.0 % 2 == 1).map(|(at, _)| at);
        for (nth, at) in odd.enumerate() {
            prop_assert_eq!(tree.find(|sum| sum.odd > nth), Some(at));
        }
        prop_assert_eq!(tree.find(|sum| sum.odd > len), None);
        for (tree, plain) in kept {
            prop_assert_eq!(check(&tree), plain, "untouched by what came later");
        }
    }

    #[test]
    fn cut_apart_and_put_together(len in 0..40_000usize, at in 0..40_000usize, more in 0..3000u32) {
        let plain = numbers(0..u32::try_from(len).unwrap());
        let tree: Tree<Number> = plain.iter().copied().collect();
        let (left, right) = tree.clone().split_at(at);
        prop_assert_eq!(check(&left), &plain[..at.min(len)]);
        prop_assert_eq!(check(&right), &plain[at.min(len)..]);
        let middle: Tree<Number> = numbers(0..more).into_iter().collect();
        let whole = left.concat(middle).concat(right);
        prop_assert_eq!(check(&whole).len(), len + more as usize);
        let mut again = whole;
        again.remove_range(at.min(len)..at.min(len) + more as usize);
        prop_assert_eq!(check(&again), plain);
    }

    #[test]
    fn a_walk_finds_what_differs(
        len in 0..20_000u32,
        removed in proptest::collection::vec(0..20_000usize, 0..30),
        changed in proptest::collection::vec(0..20_000usize, 0..10),
        added in 0..200u32,
    ) {
        // The key is the number without its lowest bit.
        let old: Tree<Number> = (0..len).map(|n| Number(n * 2)).collect();
        let mut new = old.clone();
        for at in &removed {
            new.remove(*at);
        }
        for at in &changed {
            new.update(*at, |n| n.0 |= 1);
        }
        new.extend((len..len + added).map(|n| Number(n * 2)));
        for (old, new) in [(&old, &new), (&new, &old)] {
            let (mut found, mut looked) = (Vec::new(), 0);
            walk(old, new, |a, b| (a.0 / 2).cmp(&(b.0 / 2)), |step| {
                looked += 1;
                match step {
                    Step::Both(i, a, j, b) => {
                        assert_eq!((old.get(i), new.get(j)), (Some(a), Some(b)));
                        if a != b {
                            found.push((Some(*a), Some(*b)));
                        }
                    }
                    Step::Old(i, a) => {
                        assert_eq!(old.get(i), Some(a));
                        found.push((Some(*a), None));
                    }
                    Step::New(j, b) => {
                        assert_eq!(new.get(j), Some(b));
                        found.push((None, Some(*b)));
                    }
                }
            });
            let mut keys: std::collections::BTreeMap<u32, (Option<Number>, Option<Number>)> = Default::default();
            old.iter().for_each(|n| keys.entry(n.0 / 2).or_default().0 = Some(*n));
            new.iter().for_each(|n| keys.entry(n.0 / 2).or_default().1 = Some(*n));
            let differ: Vec<_> = keys.into_values().filter(|(a, b)| a != b).collect();
            prop_assert_eq!(found, differ);
            let capacity = (removed.len() + changed.len() + 2) * 6 * LEAF + added as usize;
            prop_assert!(looked <= capacity, "{} items looked at, {} allowed", looked, capacity);
        }
    }
}

/// Deterministic random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }
}

#[test]
fn a_million_changes() {
    let (mut tree, mut plain, mut random) = (Tree::default(), Vec::new(), Random(7));
    let mut kept: Vec<(Tree<Number>, Vec<Number>)> = Vec::new();
    for n in 0..1_000_000u32 {
        // Grows and shrinks alternately, so that every height occurs.
        let grows = if n / 50_000 % 2 == 0 { 6 } else { 3 };
        let change = match random.below(10) {
            dice if dice < grows && dice % 2 == 0 => Change::Push(n),
            dice if dice < grows => Change::Insert(random.below(plain.len()), n),
            9 => Change::Update(random.below(plain.len()), n),
            _ => Change::Remove(random.below(plain.len())),
        };
        apply(&mut tree, &mut plain, change);
        if n % 40_000 == 0 {
            assert_eq!(check(&tree), plain);
            kept.push((tree.clone(), plain.clone()));
        }
    }
    assert_eq!(check(&tree), plain);
    kept.into_iter()
        .for_each(|(tree, plain)| assert_eq!(check(&tree), plain, "untouched by what came later"));
}

#[test]
fn what_grows_at_its_end_is_packed() {
    let mut tree = Tree::default();
    (0..20_000).for_each(|n| tree.push(Number(n)));
    let leaves = tree.iter().len().div_ceil(LEAF);
    assert_eq!(check(&tree), numbers(0..20_000));
    assert!(tree.leaves() <= leaves + leaves / BRANCH + 2, "{} leaves for {leaves}", tree.leaves());
}

#[test]
fn emptied_it_is_as_new() {
    let mut tree: Tree<Number> = numbers(0..5000).into_iter().collect();
    (0..5000).for_each(|_| assert!(tree.remove(0).is_some()));
    assert!(tree.len() == 0 && tree.root.is_none() && tree.height == 0);
    assert_eq!((tree.remove(0), tree.summary(), tree.find(|_| true)), (None, Sum::default(), None));
    tree.remove_range(0..9);
    tree.push(Number(1));
    assert_eq!(check(&tree), [Number(1)]);
}
