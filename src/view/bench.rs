//! Access for `benches/` to the view, which is private; `wire::bench` explains the design.

use super::View;
use crate::types::{Flag, Flags, MailboxName, Message, ModSeq, Place, SelectionId, Seq, Uid, UidSet};

/// A view.
#[derive(Debug)]
pub struct Mailbox {
    view: View,
    place: Place,
}

impl Mailbox {
    /// A mailbox with this many messages, with the UIDs and flags of all; each tenth UID is unused.
    #[must_use]
    pub fn filled(count: u32) -> Self {
        let mut mailbox = Self::unfilled(count);
        mailbox.fill();
        for (n, seq) in (1..=count).filter_map(Seq::new).enumerate() {
            mailbox.flag(seq, n % 3 != 0);
        }
        mailbox
    }

    /// A mailbox with this many messages, whose UIDs and flags are unknown.
    #[must_use]
    pub fn unfilled(count: u32) -> Self {
        let place = Place { mailbox: MailboxName::from("INBOX"), selection: Some(SelectionId(1)) };
        Self { view: View::opened(count), place }
    }

    /// Sets the UIDs of all messages.
    ///
    /// # Panics
    /// If the view refuses them.
    pub fn fill(&mut self) {
        let uids: UidSet =
            (1..).filter(|n| n % 10 != 0).filter_map(Uid::new).take(self.len() as usize).collect();
        assert!(self.view.fill(&uids).is_ok());
    }

    /// The count of messages.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.view.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// EXPUNGE.
    pub fn expunge(&mut self, seq: Seq) -> bool {
        self.view.expunge(seq).is_ok()
    }

    /// EXISTS with `more` additional messages.
    ///
    /// # Panics
    /// If the view refuses them.
    pub fn grow(&mut self, more: u32) {
        assert!(self.view.exists(self.len() + more).is_ok());
    }

    /// VANISHED; returns the count of messages expunged.
    pub fn vanished(&mut self, uids: &UidSet) -> usize {
        self.view.vanished(uids).len()
    }

    /// FETCH with flags.
    pub fn flag(&mut self, seq: Seq, seen: bool) {
        let flags = if seen { Flags::from(Flag::Seen) } else { Flags::new() };
        let row =
            Message { seq: Some(seq), flags: Some(flags), mod_seq: ModSeq::new(7), ..Message::default() };
        self.view.learn(&row);
    }

    /// The UID of a sequence number.
    #[must_use]
    pub fn uid(&self, seq: Seq) -> Option<Uid> {
        self.view.uid(seq)
    }

    /// The sequence number of a UID.
    #[must_use]
    pub fn seq(&self, uid: Uid) -> Option<Seq> {
        self.view.seq(uid)
    }

    /// A snapshot.
    #[must_use]
    pub fn snapshot(&self) -> super::Snapshot {
        self.view.snapshot(self.place.clone(), None, None)
    }

    /// The memory for its messages, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.view.mirror.messages.bytes()
    }
}
