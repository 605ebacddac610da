//! What FETCH and NOTIFY ask of each message: how that is written, and which items of a row were
//! asked for.

use super::{Line, Session};
use crate::error::{Error, Result};
use crate::types::{Message, Section};

/// What to fetch of each message. The UID is always included.
///
/// ```
/// use imap_duplex::command::Items;
/// use imap_duplex::types::Section;
/// let overview = Items::envelope().flags().size();
/// let whole = Items::section(Section::Full);          // leaves \Seen alone
/// let both = overview.and(whole);
/// # let _ = both;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Items {
    pub(super) flags: bool,
    internal_date: bool,
    size: bool,
    pub(super) mod_seq: bool,
    envelope: bool,
    body_structure: bool,
    sections: Vec<Wanted>,
    marks_seen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    section: Section,
    /// Where it begins, and how many bytes at most.
    part: Option<(u32, u32)>,
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

    /// The envelope: the main header fields, read by the server.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// for row in inbox.fetch(inbox.newest(20), Items::envelope()).await? {
    ///     println!("{:?}", row.envelope().and_then(|envelope| envelope.subject()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn envelope() -> Self {
        Self { envelope: true, ..Self::default() }
    }

    /// The whole message: [`Section::Full`], without setting `\Seen`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// for row in inbox.fetch(inbox.newest(1), Items::body()).await? {
    ///     println!("{:?} bytes", row.body().map(|message| message.len()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn body() -> Self {
        Self::section(Section::Full)
    }

    /// This section of the message, whole, without setting `\Seen`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # use imap_duplex::types::Section;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let headers = inbox.fetch(inbox.newest(20), Items::section(Section::Header)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn section(section: Section) -> Self {
        Self { sections: vec![Wanted { section, part: None }], ..Self::default() }
    }

    /// At most `length` bytes of this section, from `origin` on (RFC 9051 section 6.4.5.1).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # use imap_duplex::types::Section;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// // The first two kibibytes of the text, for a preview.
    /// let rows = inbox.fetch(inbox.newest(20), Items::partial(Section::Text, 0, 2048)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn partial(section: Section, origin: u32, length: u32) -> Self {
        Self { sections: vec![Wanted { section, part: Some((origin, length)) }], ..Self::default() }
    }

    /// And the flags.
    pub fn flags(mut self) -> Self {
        self.flags = true;
        self
    }

    /// And when the server received it.
    pub fn internal_date(mut self) -> Self {
        self.internal_date = true;
        self
    }

    /// And its size in bytes.
    pub fn size(mut self) -> Self {
        self.size = true;
        self
    }

    /// And the mod-sequence of its last change; needs CONDSTORE (RFC 7162).
    pub fn mod_seq(mut self) -> Self {
        self.mod_seq = true;
        self
    }

    /// And the tree of its MIME parts.
    pub fn body_structure(mut self) -> Self {
        self.body_structure = true;
        self
    }

    /// And all that the other one names.
    pub fn and(mut self, other: Self) -> Self {
        self.flags |= other.flags;
        self.internal_date |= other.internal_date;
        self.size |= other.size;
        self.mod_seq |= other.mod_seq;
        self.envelope |= other.envelope;
        self.body_structure |= other.body_structure;
        self.marks_seen |= other.marks_seen;
        for wanted in other.sections {
            if !self.sections.contains(&wanted) {
                self.sections.push(wanted);
            }
        }
        self
    }

    /// Fetching a section sets `\Seen`, as reading the message would.
    pub fn marking_seen(mut self) -> Self {
        self.marks_seen = true;
        self
    }

    /// Whether fetching them sets `\Seen`.
    pub(super) fn sets_seen(&self) -> bool {
        self.marks_seen && !self.sections.is_empty()
    }

    /// Whether NOTIFY can ask for this item of new messages (RFC 5465 section 5.2).
    pub(super) fn check_notify(&self, session: &Session) -> Result<()> {
        if self.mod_seq && !session.can("CONDSTORE") && !session.can("QRESYNC") {
            return Err(Error::unsupported("the server keeps no mod-sequences (CONDSTORE)"));
        }
        if self.sets_seen() {
            return Err(Error::invalid("NOTIFY can't mark new messages as seen"));
        }
        let is_everywhere = |section: &Section| {
            matches!(section, Section::Full | Section::Header | Section::HeaderFields(_) | Section::Text)
        };
        if self.sections.iter().all(|wanted| is_everywhere(&wanted.section)) {
            Ok(())
        } else {
            Err(Error::invalid("NOTIFY can't ask for a part that new messages may not have"))
        }
    }

    /// Whether more was asked for than the UID, flags and the mod-sequence.
    pub(super) fn asks_data(&self) -> bool {
        let simple = self.internal_date || self.size || self.envelope || self.body_structure;
        simple || !self.sections.is_empty()
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
            line.word(if self.marks_seen { "BODY" } else { "BODY.PEEK" });
            line.section(&wanted.section);
            if let Some((origin, length)) = wanted.part {
                line.partial(origin, length);
            }
        }
        line.close();
    }

    pub(super) fn is_uid_alone(&self) -> bool {
        *self == Self::default()
    }

    /// The place of this section among those asked for; and whether it is the very piece of it.
    fn place_of(&self, section: &Section, origin: Option<u32>) -> Option<(usize, bool)> {
        let is_it = |w: &Wanted| w.part.map(|(from, _)| from) == origin;
        let asked = || self.sections.iter().enumerate().filter(|(_, w)| w.section == *section);
        let very = asked().find(|(_, w)| is_it(w)).map(|(place, _)| (place, true));
        // Some servers omit the origin of a partial section, or send the origin of the whole.
        very.or_else(|| asked().next().map(|(place, _)| (place, false)))
    }

    /// The row's items, FLAGS, UID and MODSEQ aside, which servers add unasked: `each` is called
    /// with the item's place among those that were asked for and whether it is exactly what was
    /// asked for, or with `None` if it was not asked for. Loops, since a chain of iterators costs
    /// each row of flags a hundred instructions more.
    pub(super) fn each_place(&self, row: &Message, mut each: impl FnMut(Option<(usize, bool)>)) {
        let simple = [
            (row.internal_date().is_some(), self.internal_date),
            (row.size().is_some(), self.size),
            (row.envelope().is_some(), self.envelope),
            (row.body_structure().is_some(), self.body_structure),
        ];
        let behind = simple.len();
        for (place, (is_there, wanted)) in simple.into_iter().enumerate() {
            if is_there {
                each(wanted.then_some((place, true)));
            }
        }
        for data in row.sections() {
            let place = self.place_of(&data.section, data.origin);
            each(place.map(|(place, very)| (behind + place, very)));
        }
        for name in row.extra_items() {
            // A date that can't be parsed is kept as it was written, and still counts as an answer.
            let is_date = self.internal_date && name.eq_ignore_ascii_case("INTERNALDATE");
            each(is_date.then_some((0, true)));
        }
    }
}
