//! What is kept of one message, in twenty octets, and what is known of many together.
//!
//! ```text
//!   uid       slot      mod_seq            flags
//!   [ 32 ]    [ 32 ]    [ 32 ] [ 32 ]      [ keywords: 21 | doubted | changed | fresh | told | system: 7 ]
//! ```

use super::tree::{Item, Summary};
use crate::types::{Flags, ModSeq, Uid};

/// The `\Seen` bit of [`Flags::bits`].
const SEEN: u32 = 1;
const SYSTEM: u32 = 0x7f;
/// The flags have been told, be it that there are none.
const TOLD: u32 = 0x80;
/// Came after the mailbox was opened, and nobody has been told of its UID yet.
const FRESH: u32 = 0x100;
/// Its flags changed before its UID was known.
const CHANGED: u32 = 0x200;
/// Its flags are in doubt, and were asked by its number.
const DOUBTED: u32 = 0x400;
/// What is not about the flags as they are.
const ASIDE: u32 = FRESH | CHANGED | DOUBTED;
/// Where the number of the set of keywords begins.
const KEYWORDS: u32 = 11;
/// The largest number that a set of keywords can have.
pub(super) const MOST_SETS: u32 = u32::MAX >> KEYWORDS;

/// One message. All zero is a message of which nothing is known; a slot is never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackedMessage {
    uid: u32,
    pub(super) slot: u32,
    /// In two halves: whole, it would cost four octets more in each entry, for its alignment.
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

    /// A mod-sequence only grows (RFC 7162 section 3.1.1).
    pub(super) fn raise_mod_seq(&mut self, told: ModSeq) {
        if self.mod_seq() < Some(told) {
            let (high, low) = (told.get() >> 32, told.get() & u64::from(u32::MAX));
            self.mod_seq = [high, low].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.flags & FRESH != 0
    }

    /// Whether it was fresh; it is not any more.
    pub(super) fn take_fresh(&mut self) -> bool {
        let fresh = self.is_fresh();
        self.flags &= !FRESH;
        fresh
    }

    /// Its flags changed before its UID was known.
    pub(super) fn set_changed(&mut self) {
        self.flags |= CHANGED;
    }

    pub(super) fn is_changed(&self) -> bool {
        self.flags & CHANGED != 0
    }

    /// Its flags are in doubt, and asked by its number; or no longer.
    pub(super) fn set_doubted(&mut self, doubted: bool) {
        self.flags = self.flags & !DOUBTED | if doubted { DOUBTED } else { 0 };
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.flags & DOUBTED != 0
    }

    /// That has been told.
    pub(super) fn unset_changed(&mut self) {
        self.flags &= !CHANGED;
    }

    /// The system flags and the number of the set of keywords, if flags have been told.
    pub(super) fn flags(&self) -> Option<(u8, u32)> {
        let system = (self.flags & SYSTEM).to_le_bytes()[0];
        (self.flags & TOLD != 0).then_some((system, self.keywords()))
    }

    /// The number of its set of keywords; 0 for none.
    pub(super) fn keywords(&self) -> u32 {
        self.flags >> KEYWORDS
    }

    /// Takes these flags, with the number of their set of keywords; `None` forgets those that were.
    pub(super) fn set_flags(&mut self, flags: Option<(&Flags, u32)>) {
        let told = flags.map_or(0, |(flags, keywords)| {
            TOLD | u32::from(flags.bits()) & SYSTEM | keywords.min(MOST_SETS) << KEYWORDS
        });
        self.flags = self.flags & ASIDE | told;
    }

    /// The same flags; their set of keywords has another number now.
    pub(super) fn set_keywords(&mut self, keywords: u32) {
        self.flags = self.flags & (ASIDE | TOLD | SYSTEM) | keywords.min(MOST_SETS) << KEYWORDS;
    }

    /// What was known by number alone can't be said of this message any more.
    pub(super) fn forget(&mut self) {
        self.set_flags(None);
        self.flags &= !(CHANGED | DOUBTED);
        self.mod_seq = [0, 0];
    }

    /// Whether both have the same flags, given that both have their keywords from the same table.
    pub(super) fn has_flags_of(&self, other: &Self) -> bool {
        (self.flags ^ other.flags) & !ASIDE == 0
    }
}

/// What is known of several messages together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// How many have no UID yet.
    pub(super) untold: u32,
    /// How many are fresh, and have a UID now: they are to be told.
    pub(super) arrived: u32,
    /// How many have no flags yet.
    pub(super) flagless: u32,
    /// How many are known not to be `\Seen`.
    pub(super) unseen: u32,
    /// The highest UID among them; 0 if none has been told. UIDs ascend, so it is the last one that
    /// was told.
    pub(super) last_uid: u32,
    /// The slot of the last one.
    pub(super) last_slot: u32,
}

impl Summary for Totals {
    fn add(&mut self, later: &Self) {
        self.untold += later.untold;
        self.arrived += later.arrived;
        self.flagless += later.flagless;
        self.unseen += later.unseen;
        self.last_uid = self.last_uid.max(later.last_uid);
        self.last_slot = self.last_slot.max(later.last_slot);
    }
}

impl Item for PackedMessage {
    type Summary = Totals;

    fn summary(&self) -> Totals {
        let (told, untold) = (self.flags & TOLD != 0, self.uid == 0);
        Totals {
            untold: untold.into(),
            arrived: (!untold && self.is_fresh()).into(),
            flagless: (!told).into(),
            unseen: (told && self.flags & SEEN == 0).into(),
            last_uid: self.uid,
            last_slot: self.slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Flag;

    #[test]
    fn what_goes_in_comes_out() {
        assert_eq!(size_of::<PackedMessage>(), 20);
        let mut entry = PackedMessage::new(7, true);
        assert_eq!((entry.uid(), entry.flags(), entry.mod_seq()), (None, None, None));
        entry.set_uid(Uid::MAX);
        let flags = Flags::from([Flag::Seen, Flag::Wildcard]);
        entry.set_flags(Some((&flags, MOST_SETS)));
        entry.raise_mod_seq(ModSeq::MAX);
        entry.raise_mod_seq(ModSeq::MIN);
        assert_eq!(entry.flags(), Some((flags.bits(), MOST_SETS)));
        assert_eq!((entry.uid(), entry.mod_seq(), entry.slot), (Some(Uid::MAX), Some(ModSeq::MAX), 7));
        assert!(entry.take_fresh() && !entry.take_fresh() && !entry.is_changed());
        entry.set_changed();
        entry.set_flags(Some((&flags, 5)));
        entry.set_doubted(true);
        assert!(entry.is_changed() && entry.is_doubted() && !entry.is_fresh());
        entry.set_keywords(MOST_SETS);
        entry.set_doubted(false);
        assert!(!entry.is_doubted());
        assert_eq!((entry.is_changed(), entry.flags()), (true, Some((flags.bits(), MOST_SETS))));
        entry.forget();
        assert_eq!((entry.flags(), entry.mod_seq(), entry.uid()), (None, None, Some(Uid::MAX)));
        assert!(!entry.is_changed());
    }
}
