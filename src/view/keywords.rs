//! Sets of keywords by number: a mailbox has many messages and few combinations.
//!
//! In: the keywords of a row. Out: a number for the packed entry, and the keywords of a number.
//! Snapshots share the table; a number is never reassigned within one generation of the table, so
//! that it means the same in a snapshot and in the view. Sets that no message has any more are
//! removed from time to time. What a server can make the table hold is limited: beyond the limit
//! the flags of a message are "not known".

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::entry::{MAX_SETS, PackedMessage};
use super::tree::{Item, Summary, Tree};

type Names = Arc<[Arc<str>]>;

/// The approximate memory that all sets may take.
const MAX_KEYWORD_BYTES: usize = 64 << 20;
/// The approximate overhead of a set and of each of its keywords.
const COST: usize = 64;
/// A sweep visits each message, so it waits for this many new sets, and for a sixteenth of the
/// messages.
const SWEEP: usize = 1024;
/// How many of the last sets are recognised without their names being read.
const RECENT: usize = 4;

#[derive(Clone, Default)]
struct Set {
    number: u32,
    names: Option<Names>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Last(u32);

impl Summary for Last {
    fn add(&mut self, later: &Self) {
        self.0 = self.0.max(later.0);
    }
}

impl Item for Set {
    type Summary = Last;

    fn summary(&self) -> Last {
        Last(self.number)
    }
}

/// The sets in use, or formerly in use, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// In ascending order.
    sets: Tree<Set>,
    /// Numbers of different generations can't be compared.
    generation: u32,
}

impl Table {
    pub(super) fn get(&self, number: u32) -> Option<Names> {
        if number == 0 {
            return None;
        }
        let set = self.sets.get(self.sets.find(|last| last.0 >= number)?)?;
        set.names.clone().filter(|_| set.number == number)
    }

    /// Whether a number means the same set in both tables, given that both have the same epoch.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.generation == other.generation
    }
}

/// The inverse, the number of each set. Only the view needs it, not snapshots.
#[derive(Debug, Default)]
pub(super) struct Interner {
    numbers: HashMap<Box<str>, u32>,
    /// The last number assigned.
    last: u32,
    bytes: usize,
    /// The count of new sets since the last sweep, and of those that it left.
    new: usize,
    left: usize,
    /// The last sets looked up, the latest first: adjacent rows often share a few.
    recent: Vec<(Names, u32)>,
}

/// The same key for equal sets: keywords are compared without case and order.
fn key(names: &Names) -> Box<str> {
    let mut names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.join("\0").into()
}

fn cost(names: &Names) -> usize {
    COST + names.iter().map(|name| 2 * name.len() + COST).sum::<usize>()
}

impl Interner {
    /// The number of this set, if it has one.
    pub(super) fn known(&mut self, names: &Names) -> Option<u32> {
        if let Some((_, number)) = self.recent.iter().find(|(recent, _)| Arc::ptr_eq(recent, names)) {
            return Some(*number);
        }
        let number = *self.numbers.get(&key(names))?;
        self.remember(names, number);
        Some(number)
    }

    /// Assigns this set a number; `None` if there is no room.
    pub(super) fn add(&mut self, table: &mut Table, names: &Names) -> Option<u32> {
        self.new += 1;
        if self.last >= MAX_SETS || self.bytes + cost(names) > MAX_KEYWORD_BYTES {
            return None;
        }
        self.last += 1;
        self.bytes += cost(names);
        table.sets.push(Set { number: self.last, names: Some(names.clone()) });
        self.numbers.insert(key(names), self.last);
        self.remember(names, self.last);
        Some(self.last)
    }

    fn remember(&mut self, names: &Names, number: u32) {
        self.recent.truncate(RECENT - 1);
        self.recent.insert(0, (names.clone(), number));
    }

    /// Whether a sweep is due, for this many messages.
    pub(super) fn is_due(&self, messages: usize) -> bool {
        // A sweep rewrites the sets that are left, so it waits for as many new ones.
        self.new >= SWEEP.max(messages / 16).max(self.left)
    }

    /// Removes the sets that no message has. When numbers run short, all are reassigned.
    pub(super) fn sweep(&mut self, table: &mut Table, messages: &mut Tree<PackedMessage>) {
        let live: HashSet<u32> = messages.iter().map(PackedMessage::keywords).collect();
        let mut sets: Vec<Set> =
            table.sets.iter().filter(|set| live.contains(&set.number)).cloned().collect();
        if self.last > MAX_SETS / 4 * 3 {
            let mut renumbered = HashMap::new();
            for (set, number) in sets.iter_mut().zip(1..) {
                renumbered.insert(set.number, number);
                set.number = number;
            }
            table.generation += 1;
            self.last = renumbered.values().copied().max().unwrap_or(0);
            messages.update_range(0..messages.len(), |_, entry| {
                entry.set_keywords(renumbered.get(&entry.keywords()).copied().unwrap_or(0));
            });
        }
        let names = || sets.iter().filter_map(|set| Some((set.names.as_ref()?, set.number)));
        self.bytes = names().map(|(names, _)| cost(names)).sum();
        self.numbers = names().map(|(names, number)| (key(names), number)).collect();
        (self.new, self.left, self.recent) = (0, sets.len(), Vec::new());
        table.sets = sets.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Flag, Flags};

    fn set(n: u32) -> Flags {
        Flags::from([Flag::new("$all"), Flag::new(&format!("k{n}"))])
    }

    /// Sets these keywords for the only message, and sweeps when due.
    fn give(
        interner: &mut Interner,
        table: &mut Table,
        messages: &mut Tree<PackedMessage>,
        flags: &Flags,
    ) -> Option<u32> {
        let names = flags.shared_keywords().unwrap();
        if interner.is_due(messages.len()) {
            interner.sweep(table, messages);
        }
        let number = interner.known(names).or_else(|| interner.add(table, names));
        messages.update(0, |entry| entry.set_flags(number.map(|number| (flags, number))));
        number
    }

    #[test]
    fn weeks_of_changing_keywords_leave_nothing_behind() {
        let (mut interner, mut table) = (Interner::default(), Table::default());
        let mut messages: Tree<PackedMessage> = [PackedMessage::new(1, false)].into_iter().collect();
        let first = give(&mut interner, &mut table, &mut messages, &set(0)).unwrap();
        let snapshot = table.clone();
        for n in 1..100_000 {
            let number = give(&mut interner, &mut table, &mut messages, &set(n)).unwrap();
            let names = table.get(number);
            assert_eq!(Flags::from_bits(0, names), set(n));
            assert!(table.sets.len() <= SWEEP + 1 && interner.numbers.len() <= SWEEP + 1);
        }
        assert!(interner.bytes <= (SWEEP + 1) * cost(set(99_999).shared_keywords().unwrap()));
        assert_eq!(table.get(first), None, "it was swept out");
        assert_eq!(Flags::from_bits(0, snapshot.get(first)), set(0), "the snapshot keeps what it had");
    }

    #[test]
    fn equal_sets_have_one_number() {
        let (mut interner, mut table) = (Interner::default(), Table::default());
        let a = Flags::from([Flag::new("$Junk"), Flag::new("b")]);
        let b = Flags::from([Flag::new("B"), Flag::new("$junk")]);
        let number = interner.add(&mut table, a.shared_keywords().unwrap());
        assert_eq!(interner.known(b.shared_keywords().unwrap()), number);
    }

    #[test]
    fn what_was_swept_out_is_not_known_any_more() {
        let (mut interner, mut table) = (Interner::default(), Table::default());
        let flags = set(1);
        let names = flags.shared_keywords().unwrap();
        let number = interner.add(&mut table, names);
        assert_eq!(interner.known(names), number);
        interner.sweep(&mut table, &mut Tree::default());
        assert_eq!((interner.known(names), interner.bytes), (None, 0), "else its number would name nothing");
    }

    #[test]
    fn numbers_are_reassigned_before_they_run_out() {
        let (mut interner, mut table) = (Interner::default(), Table::default());
        let mut messages: Tree<PackedMessage> = [PackedMessage::new(1, false)].into_iter().collect();
        interner.last = MAX_SETS / 4 * 3;
        let high = give(&mut interner, &mut table, &mut messages, &set(0)).unwrap();
        let old = table.clone();
        interner.sweep(&mut table, &mut messages);
        assert!(!old.is_like(&table));
        let low = messages.get(0).unwrap().keywords();
        assert_eq!((low, interner.last), (1, 1));
        assert_eq!(table.get(low), old.get(high));
        assert_eq!(interner.known(set(0).shared_keywords().unwrap()), Some(1));
    }

    #[test]
    fn what_a_server_makes_us_keep_is_bounded() {
        let (mut interner, mut table) = (Interner::default(), Table::default());
        let long = "x".repeat(1 << 20);
        let named = |n: u32| Flags::from(Flag::new(&format!("{long}{n}")));
        let given = (0..64).filter(|n| {
            let flags = named(*n);
            interner.add(&mut table, flags.shared_keywords().unwrap()).is_some()
        });
        assert_eq!(given.count(), 31, "of 2 MiB each, text and key");
    }
}
