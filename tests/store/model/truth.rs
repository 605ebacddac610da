//! What has to be of the messages with one subject.

use std::collections::BTreeMap;

use super::{DOOMED, FLAGS};

#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    /// How many have come to be.
    born: usize,
    /// How many the user has made of it, besides; and those that may be there, too.
    copies: usize,
    extra: usize,
    /// How many the user has removed, or written others in place of.
    removed: usize,
    replaced: usize,
    /// Which one of them has which flags is not followed.
    is_copied: bool,
    /// What was to be done to it may be lost: others have moved it, or its mailbox has gone.
    is_shaky: bool,
    /// It may be gone.
    is_lost: bool,
    /// `None`: either.
    flags: BTreeMap<String, Option<bool>>,
}

impl Truth {
    pub(super) fn new() -> Self {
        let flags = FLAGS.into_iter().chain(["\\Answered"]).map(|flag| (flag.to_owned(), Some(false)));
        Self { born: 1, flags: flags.collect(), ..Self::default() }
    }

    /// Whether there may be so many.
    pub(super) fn allows(&self, count: usize) -> bool {
        let gone = self.removed + self.replaced;
        let least = match (self.is_lost, self.is_shaky) {
            (true, _) => 0,
            // What is copied may be gone before.
            (false, true) => usize::from(gone == 0 && self.born > 0),
            (false, false) => (self.born + self.copies).saturating_sub(gone),
        };
        let removed = if self.is_shaky { 0 } else { self.removed };
        let most = (self.born + self.copies).saturating_sub(removed) + self.extra;
        (least.min(most)..=most).contains(&count)
    }

    /// The flags of which it is known, of the only one.
    pub(super) fn known(&self) -> impl Iterator<Item = (&String, bool)> {
        let known = self.flags.iter().filter_map(|(flag, has)| Some((flag, (*has)?)));
        known.filter(|_| !self.is_copied)
    }

    /// The user has set or cleared one.
    pub(super) fn mark(&mut self, flag: &str, has: bool) {
        self.flags.insert(flag.to_owned(), (!self.is_shaky).then_some(has));
    }

    /// Others have.
    pub(super) fn answer(&mut self, has: bool) {
        let known = self.flags.entry("\\Answered".to_owned()).or_default();
        *known = known.map(|_| has);
    }

    /// It is in this mailbox, or goes there.
    pub(super) fn pass(&mut self, mailbox: &str) {
        if mailbox == DOOMED {
            self.is_lost = true;
            self.shake();
        }
    }

    /// What is queued for it may be lost.
    pub(super) fn shake(&mut self) {
        self.is_shaky = true;
        let ours = self.flags.iter_mut().filter(|(flag, _)| FLAGS.contains(&flag.as_str()));
        ours.for_each(|(_, has)| *has = None);
    }

    /// Others have removed one, or it was lost.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// It is as it was in a backup: perhaps one more.
    pub(super) fn restored(&mut self, is_back: bool) {
        self.shake();
        self.flags.values_mut().for_each(|has| *has = None);
        self.extra += usize::from(is_back);
        self.is_copied |= is_back;
    }

    /// The user has made one more of it.
    pub(super) fn copy(&mut self) {
        self.copies += 1;
        self.is_copied = true;
    }

    /// The user has removed one.
    pub(super) fn remove(&mut self) {
        self.removed += 1;
    }

    /// Another is written in its place: it stays, if that is removed before it is at the server.
    pub(super) fn replace(&mut self) {
        self.replaced += 1;
    }

    /// The user has given up something that was to be done to it, and may have been done.
    pub(super) fn drop(&mut self, what: &str) {
        match what {
            "flags" => self.flags.values_mut().for_each(|has| *has = None),
            // It may be back in a mailbox that is to go; and copies of it are not made either.
            "move" | "append" | "copy" => self.is_lost = true,
            "expunge" => self.extra += 1,
            _ => {}
        }
    }
}
