//! What FETCH and NOTIFY ask of each message: how that is written, and which items of a row were
//! asked for.

mod chain;
mod extension;

use std::ops::Deref;

pub use chain::ItemChain;
use chain::Wanted;

use super::{Line, Session};
use crate::error::{Error, Result};
use crate::types::{Message, Section};

/// What to fetch of each message. The UID is always included.
///
/// Each item both begins and continues a list: `Items::flags()` and `Items::envelope().flags()`.
/// (The second is a method of [`ItemChain`], to which this type dereferences, because Rust has no
/// function that is called in both ways.)
///
/// ```
/// use imap_duplex::command::Items;
/// use imap_duplex::types::Section;
/// let overview = Items::envelope().flags().size();
/// let whole = Items::section(Section::Full);          // leaves \Seen alone
/// let both = overview.and(whole);
/// # let _ = both;
/// ```
///
/// An item of an extension that the server lacks is refused, unsent, with
/// [`Unsupported`](crate::ErrorKind::Unsupported): `imap.capabilities().has("PREVIEW")` says in
/// advance what there is. The row has an accessor for each item: [`Message`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Items(ItemChain);

/// How many items have a place of their own, before the sections and extensions.
const SIMPLE: usize = 4;

impl Deref for Items {
    type Target = ItemChain;

    fn deref(&self) -> &ItemChain {
        &self.0
    }
}

impl Items {
    /// The UID alone.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let rows = inbox.fetch(inbox.newest(100), Items::new().flags().size()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// And all that the other one names.
    pub fn and(mut self, other: Self) -> Self {
        self.0.merge(other.0);
        self
    }

    /// Fetching a section sets `\Seen`, as reading the message would.
    pub fn marking_seen(mut self) -> Self {
        self.0.marks_seen = true;
        self
    }
}

impl ItemChain {
    /// Whether fetching them sets `\Seen`.
    pub(super) fn sets_seen(&self) -> bool {
        self.marks_seen && (!self.sections.is_empty() || self.extensions.iter().any(|item| item.is_content()))
    }

    /// Whether the server has all of these items, and whether they can be written.
    pub(super) fn check(&self, session: &Session) -> Result<()> {
        if self.mod_seq && !session.can("CONDSTORE") && !session.can("QRESYNC") {
            return Err(Error::unsupported("the server keeps no mod-sequences (CONDSTORE)"));
        }
        self.sections.iter().try_for_each(Wanted::check)?;
        self.extensions.iter().try_for_each(|item| item.check(session))
    }

    /// Whether NOTIFY can ask for this item of new messages (RFC 5465 section 5.2).
    pub(super) fn check_notify(&self, session: &Session) -> Result<()> {
        self.check(session)?;
        if self.sets_seen() {
            return Err(Error::invalid("NOTIFY can't mark new messages as seen"));
        }
        let is_everywhere = |section: &Section| {
            matches!(section, Section::Full | Section::Header | Section::HeaderFields(_) | Section::Text)
        };
        let of_extensions = self.extensions.iter().filter_map(|item| item.section());
        if self.sections.iter().map(|wanted| &wanted.section).chain(of_extensions).all(is_everywhere) {
            Ok(())
        } else {
            Err(Error::invalid("NOTIFY can't ask for a part that new messages may not have"))
        }
    }

    /// Whether a row may be as large as its message is.
    #[cfg(feature = "account")]
    pub(crate) fn may_be_large(&self) -> bool {
        self.sections.iter().any(Wanted::is_whole) || self.extensions.iter().any(|item| item.is_content())
    }

    /// Whether more was asked for than the UID, flags and the mod-sequence.
    pub(super) fn asks_data(&self) -> bool {
        let simple = self.internal_date || self.size || self.envelope || self.body_structure;
        simple || !self.sections.is_empty() || !self.extensions.is_empty()
    }

    /// Whether flags were asked for that the row has, or the UID alone, and nothing else is there.
    pub(super) fn has_plain(&self, row: &Message) -> bool {
        match row.flags() {
            Some(_) => self.flags,
            None => row.uid().is_some() && self.is_uid_alone(),
        }
    }

    pub(super) fn encode(&self, line: &mut Line, by_uid: bool) {
        line.open();
        let simple = [
            // A UID FETCH is answered with the UID anyway (RFC 9051 section 6.4.9).
            (!by_uid || self.is_uid_alone(), "UID"),
            (self.flags, "FLAGS"),
            (self.internal_date, "INTERNALDATE"),
            (self.size, "RFC822.SIZE"),
            (self.mod_seq, "MODSEQ"),
            (self.envelope, "ENVELOPE"),
            (self.body_structure, "BODYSTRUCTURE"),
        ];
        for (_, name) in simple.iter().filter(|(wanted, _)| *wanted) {
            line.word(name);
        }
        for wanted in &self.sections {
            wanted.encode(line, if self.marks_seen { "BODY" } else { "BODY.PEEK" });
        }
        for item in &self.extensions {
            item.encode(line, self.marks_seen);
        }
        line.close();
    }

    pub(super) fn is_uid_alone(&self) -> bool {
        *self == Self::default()
    }

    /// How many places there are for items, FLAGS, UID and MODSEQ aside.
    pub(super) fn places(&self) -> usize {
        SIMPLE + self.sections.len() + self.extensions.len()
    }

    /// Whether the item with this place was asked for.
    pub(super) fn asks_place(&self, place: usize) -> bool {
        let simple = [self.internal_date, self.size, self.envelope, self.body_structure];
        simple.get(place).copied().unwrap_or(place < self.places())
    }

    /// Whether the row has all that was asked for. With more items than bits it may not say so.
    pub(super) fn is_whole(&self, row: &Message) -> bool {
        if self.flags && row.flags().is_none()
            || self.mod_seq && row.mod_seq().is_none()
            || self.internal_date && row.internal_date().is_none()
            || self.size && row.size().is_none()
            || self.envelope && row.envelope().is_none()
            || self.body_structure && row.body_structure().is_none()
        {
            return false;
        }
        if self.places() == SIMPLE {
            return true;
        }
        let bit = |place: usize| u32::try_from(place).ok().and_then(|place| 1u64.checked_shl(place));
        let Some(behind) = bit(self.places()) else { return false };
        let mut lacking = behind - (1 << SIMPLE);
        self.each_place(row, |place| {
            lacking &= !place.and_then(|(place, _)| bit(place)).unwrap_or(0);
        });
        lacking == 0
    }

    /// The row's items, FLAGS, UID and MODSEQ aside, which servers add unasked: `each` is called
    /// with the item's place among those that were asked for and whether it is exactly what was
    /// asked for, or with `None` if it was not asked for. Loops, since a chain of iterators costs
    /// each row of flags a hundred instructions more.
    pub(super) fn each_place(&self, row: &Message, mut each: impl FnMut(Option<(usize, bool)>)) {
        let simple: [_; SIMPLE] = [
            (row.internal_date().is_some(), self.internal_date),
            (row.size().is_some(), self.size),
            (row.envelope().is_some(), self.envelope),
            (row.body_structure().is_some(), self.body_structure),
        ];
        for (place, (is_there, wanted)) in simple.into_iter().enumerate() {
            if is_there {
                each(wanted.then_some((place, true)));
            }
        }
        for data in row.sections() {
            let place = chain::place_of(self.sections.iter().enumerate(), &data.section, data.origin);
            each(place.map(|(place, very)| (SIMPLE + place, very)));
        }
        if row.has_extensions() {
            self.each_extension(row, SIMPLE + self.sections.len(), each);
        }
    }
}
