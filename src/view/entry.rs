//! One message in twenty bytes, and sums over many.
//!
//! ```text
//!   uid       slot      mod_seq            flags
//!   [ 32 ]    [ 32 ]    [ 32 ] [ 32 ]      [ keywords: 21 | doubted | changed | fresh | known | system: 7 ]
//! ```

use super::tree::{Item, Summary};
use crate::types::{Flags, ModSeq, Uid};

/// The `\Seen` bit of [`Flags::bits`].
const SEEN: u32 = 1;
const SYSTEM: u32 = 0x7f;
/// The flags are known, even if there are none.
const FLAGS_KNOWN: u32 = 0x80;
/// Arrived after the mailbox was opened, and its UID is unreported.
const FRESH: u32 = 0x100;
/// Its flags changed before its UID was known.
const CHANGED: u32 = 0x200;
/// Its flags are in doubt, and were queried by sequence number.
const DOUBTED: u32 = 0x400;
/// The bits other than the flags themselves.
const ASIDE: u32 = FRESH | CHANGED | DOUBTED;
/// The lowest bit of the keyword set's number.
const KEYWORDS: u32 = 11;
/// The largest number of a keyword set.
pub(super) const MAX_SETS: u32 = u32::MAX >> KEYWORDS;

/// One message. All zero is a message with nothing known; a slot is never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackedMessage {
    uid: u32,
    pub(super) slot: u32,
    /// In two halves: a `u64` would take four bytes more in each entry, for its alignment.
    mod_seq: [u32; 2],
    flags: u32,
}

impl PackedMessage {
    pub(super) fn new(slot: u32, fresh: bool) -> Self {
        Self { slot, flags: if fresh { FRESH } else { 0 }, ..Self::default() }
    }

    pub(super) fn uid(&self) -> Option<Uid> {
        Uid::new(self.uid)
    }

    pub(super) fn set_uid(&mut self, uid: Uid) {
        self.uid = uid.get();
    }

    pub(super) fn mod_seq(&self) -> Option<ModSeq> {
        ModSeq::new(u64::from(self.mod_seq[0]) << 32 | u64::from(self.mod_seq[1]))
    }

    /// Raises the mod-sequence, which only grows (RFC 7162 section 3.1.1).
    pub(super) fn raise_mod_seq(&mut self, newer: ModSeq) {
        if self.mod_seq() < Some(newer) {
            let (high, low) = (newer.get() >> 32, newer.get() & u64::from(u32::MAX));
            self.mod_seq = [high, low].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.flags & FRESH != 0
    }

    /// Whether it was fresh; clears the mark.
    pub(super) fn take_fresh(&mut self) -> bool {
        let fresh = self.is_fresh();
        self.flags &= !FRESH;
        fresh
    }

    /// Marks that its flags changed before its UID was known.
    pub(super) fn set_changed(&mut self) {
        self.flags |= CHANGED;
    }

    pub(super) fn is_changed(&self) -> bool {
        self.flags & CHANGED != 0
    }

    /// Marks that its flags are in doubt and queried by sequence number, or clears the mark.
    pub(super) fn set_doubted(&mut self, doubted: bool) {
        self.flags = self.flags & !DOUBTED | if doubted { DOUBTED } else { 0 };
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.flags & DOUBTED != 0
    }

    /// Clears the mark, once the change has been reported.
    pub(super) fn unset_changed(&mut self) {
        self.flags &= !CHANGED;
    }

    /// The system flags and the number of the keyword set, if the flags are known.
    pub(super) fn flags(&self) -> Option<(u8, u32)> {
        let system = (self.flags & SYSTEM).to_le_bytes()[0];
        (self.flags & FLAGS_KNOWN != 0).then_some((system, self.keywords()))
    }

    /// The number of its keyword set; 0 for none.
    pub(super) fn keywords(&self) -> u32 {
        self.flags >> KEYWORDS
    }

    /// Sets these flags, with the number of their keyword set; `None` makes them unknown.
    pub(super) fn set_flags(&mut self, flags: Option<(&Flags, u32)>) {
        let known = flags.map_or(0, |(flags, keywords)| {
            FLAGS_KNOWN | u32::from(flags.bits()) & SYSTEM | keywords.min(MAX_SETS) << KEYWORDS
        });
        self.flags = self.flags & ASIDE | known;
    }

    /// Keeps the flags; only the number of their keyword set changes.
    pub(super) fn set_keywords(&mut self, keywords: u32) {
        self.flags = self.flags & (ASIDE | FLAGS_KNOWN | SYSTEM) | keywords.min(MAX_SETS) << KEYWORDS;
    }

    /// Forgets what was recorded by sequence number, which may not be this message's any more.
    pub(super) fn forget(&mut self) {
        self.set_flags(None);
        self.flags &= !(CHANGED | DOUBTED);
        self.mod_seq = [0, 0];
    }

    /// Whether both have the same flags, given that their keywords are from the same table.
    pub(super) fn has_flags_of(&self, other: &Self) -> bool {
        (self.flags ^ other.flags) & !ASIDE == 0
    }
}

/// Sums over several messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Messages without UID.
    pub(super) without_uid: u32,
    /// Fresh messages whose UID is known: they are to be reported.
    pub(super) arrived: u32,
    /// Messages whose flags are unknown.
    pub(super) flagless: u32,
    /// Messages known to lack `\Seen`.
    pub(super) unseen: u32,
    /// The highest UID among them; 0 if none is known. UIDs ascend, so it is the last known one.
    pub(super) last_uid: u32,
    /// The slot of the last message.
    pub(super) last_slot: u32,
}

impl Summary for Totals {
    fn add(&mut self, later: &Self) {
        self.without_uid += later.without_uid;
        self.arrived += later.arrived;
        self.flagless += later.flagless;
        self.unseen += later.unseen;
        self.last_uid = self.last_uid.max(later.last_uid);
        self.last_slot = self.last_slot.max(later.last_slot);
    }

    fn replace(&mut self, before: &Self, after: &Self) -> bool {
        self.without_uid = self.without_uid - before.without_uid + after.without_uid;
        self.arrived = self.arrived - before.arrived + after.arrived;
        self.flagless = self.flagless - before.flagless + after.flagless;
        self.unseen = self.unseen - before.unseen + after.unseen;
        self.last_uid = self.last_uid.max(after.last_uid);
        self.last_slot = self.last_slot.max(after.last_slot);
        // What is not the highest any more may have been it.
        before.last_uid <= after.last_uid && before.last_slot <= after.last_slot
    }
}

impl Item for PackedMessage {
    type Summary = Totals;

    fn summary(&self) -> Totals {
        let (known, without_uid) = (self.flags & FLAGS_KNOWN != 0, self.uid == 0);
        Totals {
            without_uid: without_uid.into(),
            arrived: (!without_uid && self.is_fresh()).into(),
            flagless: (!known).into(),
            unseen: (known && self.flags & SEEN == 0).into(),
            last_uid: self.uid,
            last_slot: self.slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Flag;

    /// A sum that follows a change is the one that adding up gives.
    #[test]
    fn a_sum_follows_a_change_of_one_item() {
        let message = |n: u32| {
            let mut entry = PackedMessage::new(n, n.is_multiple_of(3));
            n.is_multiple_of(2).then(|| entry.set_uid(Uid::new(n * 10).unwrap()));
            let flags = if n.is_multiple_of(5) { Flags::new() } else { Flags::from(Flag::Seen) };
            entry.set_flags((!n.is_multiple_of(4)).then_some((&flags, 0)));
            entry
        };
        let mut items: Vec<PackedMessage> = (1..=30).map(message).collect();
        let sum = |items: &[PackedMessage]| {
            let mut sum = Totals::default();
            items.iter().for_each(|item| sum.add(&item.summary()));
            sum
        };
        let (mut followed, mut refused) = (sum(&items), 0);
        for n in 0..900 {
            let (at, now) = (n * 7 % 30, message(u32::try_from(n % 37 + 1).unwrap()));
            let before = std::mem::replace(&mut items[at], now);
            if !followed.replace(&before.summary(), &now.summary()) {
                refused += 1;
                followed = sum(&items);
            }
            assert_eq!(followed, sum(&items));
        }
        assert!((1..900).contains(&refused), "{refused}");
    }

    #[test]
    fn values_are_returned_as_stored() {
        assert_eq!(size_of::<PackedMessage>(), 20);
        let mut entry = PackedMessage::new(7, true);
        assert_eq!((entry.uid(), entry.flags(), entry.mod_seq()), (None, None, None));
        entry.set_uid(Uid::MAX);
        let flags = Flags::from([Flag::Seen, Flag::Wildcard]);
        entry.set_flags(Some((&flags, MAX_SETS)));
        entry.raise_mod_seq(ModSeq::MAX);
        entry.raise_mod_seq(ModSeq::MIN);
        assert_eq!(entry.flags(), Some((flags.bits(), MAX_SETS)));
        assert_eq!((entry.uid(), entry.mod_seq(), entry.slot), (Some(Uid::MAX), Some(ModSeq::MAX), 7));
        assert!(entry.take_fresh() && !entry.take_fresh() && !entry.is_changed());
        entry.set_changed();
        entry.set_flags(Some((&flags, 5)));
        entry.set_doubted(true);
        assert!(entry.is_changed() && entry.is_doubted() && !entry.is_fresh());
        entry.set_keywords(MAX_SETS);
        entry.set_doubted(false);
        assert!(!entry.is_doubted());
        assert_eq!((entry.is_changed(), entry.flags()), (true, Some((flags.bits(), MAX_SETS))));
        entry.forget();
        assert_eq!((entry.flags(), entry.mod_seq(), entry.uid()), (None, None, Some(Uid::MAX)));
        assert!(!entry.is_changed());
    }
}
