//! Which messages a command is about: UIDs, or numbers as they are at the moment of submission.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{RangeFrom, RangeFull, RangeInclusive, RangeToInclusive};

use super::saved::SavedSearch;
use super::search_result::SearchResult;
use super::session::Session;
use super::{Claim, Flow};
use crate::types::{Message, Seq, SeqSet, SnapshotRange, Uid, UidSet};

/// The messages that a command names.
///
/// There is no conversion from a bare integer: use a [`Uid`] or a [`Seq`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Messages {
    /// By UID. An open range (`uid..`) means the messages up to the last: a command that only reads
    /// is sent as `n:*`, and its answer leaves out the last message where its UID is below n; a
    /// command that changes messages ends at the last known UID, else below UIDNEXT if no message
    /// has arrived since that was sent, else it is refused.
    Uids(UidSet),
    /// By sequence number, as they are at the moment of submission: if messages are expunged before
    /// the command is sent, the engine corrects the numbers. They are sent as UIDs where the UIDs
    /// are known, since some servers renumber before they report it; UIDs ascend with the numbers,
    /// so a range stays one range. A number beyond the last message is an error, and nothing is
    /// sent; [`Mailbox::newest`](crate::Mailbox::newest) and
    /// [`Snapshot::seqs`](crate::Snapshot::seqs) never name such a number.
    Seqs(SeqSet),
    /// The messages that had these numbers in a [`Snapshot`](crate::Snapshot), whatever their
    /// numbers are now; of those that still exist. They are sent as UIDs as other numbers are. From
    /// [`Snapshot::seqs`](crate::Snapshot::seqs).
    SnapshotRange(SnapshotRange),
    /// The result of a search that the server has saved: `$`. From
    /// [`Mailbox::save`](crate::Mailbox::save).
    Saved(SavedSearch),
}

impl Messages {
    /// Whether none are named. A command on none completes at once, without being sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Uids(set) => set.is_empty(),
            Self::Seqs(set) => set.is_empty(),
            Self::SnapshotRange(slots) => slots.ends.is_none(),
            Self::Saved(_) => false,
        }
    }

    /// Whether these UIDs mean the same under any UIDVALIDITY: all messages, the last one, or none.
    pub(crate) fn independent_of_uid_validity(set: &UidSet) -> bool {
        matches!(set.raw(), [] | [(1 | u32::MAX, u32::MAX)])
    }

    /// Whether they are named by number, as the class of a command needs to know.
    pub(crate) fn by_number(&self) -> bool {
        matches!(self, Self::Seqs(_) | Self::SnapshotRange(_))
    }

    /// Whether `*` is named by itself among UIDs.
    pub(crate) fn names_last(&self) -> bool {
        matches!(self, Self::Uids(set) if set.names_last())
    }

    /// Whether they go on to the last message, whichever that is.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Uids(set) => set.is_open(),
            Self::Seqs(set) => set.is_open(),
            Self::SnapshotRange(_) | Self::Saved(_) => false,
        }
    }

    /// Whether `n:*` names this row's message only because it is the last one: UIDs from n on don't
    /// mean it.
    pub(crate) fn leave_out(&self, row: &Message) -> bool {
        let Self::Uids(set) = self else { return false };
        set.goes_on_to_last() && row.uid().is_some_and(|uid| !set.contains(uid))
    }

    /// Whether this row is about one of them: what a command claims of the rows of FETCH hangs on
    /// that.
    ///
    /// ```
    /// # use imap_duplex::command::{Claim, Match, Messages};
    /// # use imap_duplex::types::{Answer, Untagged};
    /// fn claims(which: &Messages, response: &Untagged) -> Claim {
    ///     let Answer::Fetch(row) = response.answer() else { return Claim::No };
    ///     match which.matches(row) {
    ///         Match::No => Claim::No,
    ///         Match::Surely => Claim::Whole,
    ///         _ => Claim::Part,
    ///     }
    /// }
    /// # let _ = claims;
    /// ```
    #[must_use]
    pub fn matches(&self, row: &Message) -> Match {
        let (contained, open) = match self {
            Self::Uids(set) => (row.uid().map(|uid| set.contains(uid)), set.is_open()),
            Self::Seqs(set) => (row.seq().map(|seq| set.contains(seq)), set.is_open()),
            // Made numbers or UIDs before it is sent.
            Self::SnapshotRange(_) => (None, false),
            // Which they are is the server's knowledge.
            Self::Saved(_) => return Match::Perhaps,
        };
        match contained {
            Some(true) => Match::Surely,
            // `n:*` names the last message even where its UID is below n (RFC 9051 section 9,
            // seq-range).
            Some(false) if open => Match::Perhaps,
            Some(false) => Match::No,
            None => Match::Undetermined,
        }
    }

    /// Whether both may name the same message.
    pub(crate) fn may_overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Uids(a), Self::Uids(b)) => a.is_open() || b.is_open() || !a.intersection(b).is_empty(),
            (Self::Seqs(a), Self::Seqs(b)) => a.is_open() || b.is_open() || !a.intersection(b).is_empty(),
            _ => true,
        }
    }

    /// Whether the set names the messages with these UIDs, which were expunged or copied: what a
    /// command claims of VANISHED and COPYUID hangs on that.
    ///
    /// ```
    /// # use imap_duplex::command::{Claim, Messages};
    /// # use imap_duplex::types::{Answer, Untagged};
    /// fn claims(which: &Messages, response: &Untagged) -> Claim {
    ///     match response.answer() {
    ///         Answer::Vanished { uids, .. } => which.claims(uids),
    ///         _ => Claim::No,
    ///     }
    /// }
    /// # let _ = claims;
    /// ```
    #[must_use]
    pub fn claims(&self, gone: &UidSet) -> Claim {
        match self {
            Self::Uids(set) if set.intersection(gone) == *gone => Claim::Whole,
            Self::Saved(_) => Claim::Part,
            _ => Claim::No,
        }
    }

    /// Whether so many are named that a line of this many bytes may not hold them. How many ranges
    /// the numbers of a snapshot take is known only once they are resolved.
    pub(crate) fn needs_several_lines(&self, bytes: usize) -> bool {
        const MAX_RANGE: usize = "4294967294:4294967295,".len();
        let ranges = match self {
            Self::Uids(set) => set.raw().len(),
            Self::Seqs(set) => set.raw().len(),
            Self::SnapshotRange(_) => return true,
            Self::Saved(_) => return false,
        };
        ranges > 1 && ranges > bytes / MAX_RANGE
    }

    /// The highest number of a set; `u32::MAX` of one that goes on to the last message.
    fn last_number(&self) -> Option<u32> {
        let ranges = match self {
            Self::Uids(set) => set.raw(),
            Self::Seqs(set) => set.raw(),
            Self::SnapshotRange(_) | Self::Saved(_) => &[],
        };
        ranges.last().map(|&(_, last)| last)
    }

    fn split(&self, bytes: usize) -> VecDeque<Self> {
        match self {
            Self::Uids(set) => set.split(bytes).into_iter().map(Self::Uids).collect(),
            Self::Seqs(set) => set.split(bytes).into_iter().map(Self::Seqs).collect(),
            Self::SnapshotRange(_) | Self::Saved(_) => VecDeque::from([self.clone()]),
        }
    }
}

/// Whether a row is about a message of a set: see [`Messages::matches`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Match {
    /// It is about another message.
    No,
    /// It is about one of them.
    Surely,
    /// It is if that is the mailbox's last message, or in the server's saved result.
    Perhaps,
    /// The row lacks the number by which the set names messages.
    Undetermined,
}

impl Default for Messages {
    fn default() -> Self {
        Self::Uids(UidSet::new())
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uids(set) => fmt::Display::fmt(set, f),
            Self::Seqs(set) => fmt::Display::fmt(set, f),
            Self::SnapshotRange(_) => f.write_str("numbers of a snapshot"),
            Self::Saved(_) => f.write_str("$"),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident, |$value:ident| $set:expr;)*) => {$(
        impl From<$from> for Messages {
            fn from($value: $from) -> Self {
                Self::$variant($set)
            }
        }
    )*};
}

from! {
    Uid => Uids, |uid| uid.into();
    &[Uid] => Uids, |uids| uids.into();
    Vec<Uid> => Uids, |uids| uids.into();
    &Vec<Uid> => Uids, |uids| uids.into();
    UidSet => Uids, |set| set;
    &UidSet => Uids, |set| set.clone();
    RangeFrom<Uid> => Uids, |range| range.into();
    RangeInclusive<Uid> => Uids, |range| range.into();
    RangeToInclusive<Uid> => Uids, |range| range.into();
    RangeFull => Uids, |range| range.into();
    SearchResult => Uids, |found| found.into_uids();
    &SearchResult => Uids, |found| found.uids().clone();
    SavedSearch => Saved, |saved| saved;
    &SavedSearch => Saved, |saved| saved.clone();
    Seq => Seqs, |seq| seq.into();
    SeqSet => Seqs, |set| set;
    &SeqSet => Seqs, |set| set.clone();
    RangeFrom<Seq> => Seqs, |range| range.into();
    RangeInclusive<Seq> => Seqs, |range| range.into();
    RangeToInclusive<Seq> => Seqs, |range| range.into();
    &[Seq] => Seqs, |seqs| seqs.into();
    Vec<Seq> => Seqs, |seqs| seqs.into();
    &Vec<Seq> => Seqs, |seqs| seqs.into();
}

impl<const N: usize> From<[Uid; N]> for Messages {
    fn from(uids: [Uid; N]) -> Self {
        Self::Uids(uids.into())
    }
}

impl<const N: usize> From<[Seq; N]> for Messages {
    fn from(seqs: [Seq; N]) -> Self {
        Self::Seqs(seqs.into())
    }
}

/// A set cut into lines that no server finds too long (RFC 2683 section 3.2.1.5), and which of the
/// lines have ended: a row of a message that only those named answers another command.
///
/// ```
/// use imap_duplex::command::{Claim, Class, Command, Flow, Line, Match, MessageChunks, Messages, Session};
/// use imap_duplex::types::{Answer, Done, Untagged};
/// use imap_duplex::Result;
///
/// /// `FETCH (PREVIEW)` (RFC 8970) of any number of messages: how many have one.
/// struct Previews { which: Messages, chunks: MessageChunks }
///
/// impl Command for Previews {
///     type Item = ();
///     type Output = usize;
///     fn name(&self) -> &str { "FETCH" }
///     fn class(&self) -> Class { Class::query().answered_by(&["FETCH"]).expunge_free().uid_form() }
///     fn messages(&mut self) -> Option<&mut Messages> { Some(&mut self.which) }
///     fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
///         let (chunk, flow) = self.chunks.next(&self.which, session);
///         line.command("FETCH", &chunk).open().atom("PREVIEW").close();
///         Ok(flow)
///     }
///     fn line_ended(&mut self, at: usize) { self.chunks.line_ended(at) }
///     fn claims(&self, response: &Untagged) -> Claim {
///         let Answer::Fetch(row) = response.answer() else { return Claim::No };
///         let is_preview = row.extra_items().any(|name| name == "PREVIEW");
///         match self.chunks.matches(&self.which, row) {
///             Match::Surely if is_preview => Claim::Whole,
///             Match::No => Claim::No,
///             _ => Claim::Part,
///         }
///     }
///     fn item(_: Untagged) -> Option<()> { Some(()) }
///     fn finish(self, _: Done, rows: Vec<()>) -> Result<usize> { Ok(rows.len()) }
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MessageChunks {
    rest: Option<VecDeque<Messages>>,
    /// From where to where the lines without a tagged response go, if there are several. They
    /// adjoin: what lies between two lines belongs to the second.
    pending: VecDeque<(u32, u32)>,
    /// The numbers of the lines that have ended, one range where they end in order.
    ended: UidSet,
}

impl MessageChunks {
    /// The next piece of the set for a line, and what follows the line. Of a set that fits one line
    /// it is the whole.
    #[must_use]
    pub fn next(&mut self, which: &Messages, session: &Session) -> (Messages, Flow) {
        self.next_of(which, session.command_line)
    }

    pub(super) fn next_of(&mut self, which: &Messages, bytes: usize) -> (Messages, Flow) {
        let is_first = self.rest.is_none();
        let rest = self.rest.get_or_insert_with(|| which.split(bytes));
        let piece = rest.pop_front().unwrap_or_default();
        let flow = if rest.is_empty() { Flow::Last } else { Flow::More };
        if !is_first || flow == Flow::More {
            let ended_last = self.ended.raw().last().map(|&(_, last)| last);
            let from = self.pending.back().map(|&(_, last)| last).max(ended_last).unwrap_or(0);
            self.pending.push_back((from.saturating_add(1), piece.last_number().unwrap_or(u32::MAX)));
        }
        (piece, flow)
    }

    /// The line at this place among those without a tagged response has got its own: see
    /// [`Command::line_ended`](super::Command::line_ended).
    pub fn line_ended(&mut self, at: usize) {
        if let Some((first, last)) = self.pending.remove(at) {
            self.ended.insert_raw(first, last);
        }
    }

    /// Whether a row is about a message of the set that a line without a tagged response may name.
    #[must_use]
    pub fn matches(&self, which: &Messages, row: &Message) -> Match {
        let number = match which {
            Messages::Uids(_) => row.uid().map(Uid::get),
            _ => row.seq().map(Seq::get),
        };
        match which.matches(row) {
            Match::Surely if number.is_some_and(|number| self.has_ended(number)) => {
                // The last line may go on to the last message, wherever that is.
                if which.is_open() && !self.has_ended(u32::MAX) { Match::Perhaps } else { Match::No }
            }
            Match::Perhaps if which.is_open() && self.has_ended(u32::MAX) => Match::No,
            holds => holds,
        }
    }

    fn has_ended(&self, number: u32) -> bool {
        let place = self.ended.raw().partition_point(|&(_, last)| last < number);
        self.ended.raw().get(place).is_some_and(|&(first, _)| first <= number)
    }

    /// Whether a line has been made since it was last started.
    pub(super) fn has_begun(&self) -> bool {
        self.rest.is_some()
    }

    /// Starts over, for a command that names the same messages in several lines.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sets_become_several_lines() {
        let which = Messages::Uids((1..2000).step_by(2).filter_map(Uid::new).collect());
        let mut pieces = MessageChunks::default();
        let mut all = UidSet::new();
        loop {
            let (piece, flow) = pieces.next_of(&which, 500);
            let Messages::Uids(set) = &piece else { panic!("still UIDs") };
            assert!(set.to_string().len() <= 500);
            all.union_with(set);
            if flow == Flow::Last {
                break;
            }
        }
        assert_eq!(Messages::Uids(all), which);
    }

    #[test]
    fn rows_of_lines_that_have_ended_are_not_held() {
        let which = Messages::Uids((1..=199).step_by(2).filter_map(Uid::new).collect());
        let row = |uid| Message { uid: Uid::new(uid), ..Message::default() };
        let mut pieces = MessageChunks::default();
        let mut ends = Vec::new();
        while {
            let (piece, flow) = pieces.next_of(&which, 60);
            ends.push(piece.last_number().unwrap());
            flow == Flow::More
        } {}
        assert!(ends.len() > 4);
        for (line, end) in ends.iter().enumerate() {
            assert_eq!(pieces.matches(&which, &row(*end)), Match::Surely, "line {line}");
        }
        // The second line, then the first: the places are those among the lines that are left.
        pieces.line_ended(1);
        assert_eq!(pieces.matches(&which, &row(1)), Match::Surely);
        assert_eq!(pieces.matches(&which, &row(ends[1])), Match::No);
        pieces.line_ended(0);
        assert_eq!(pieces.matches(&which, &row(1)), Match::No);
        assert_eq!(pieces.matches(&which, &row(ends[1] + 2)), Match::Surely);
        assert_eq!(pieces.ended.raw(), [(1, ends[1])]);
    }

    #[test]
    fn the_last_message_is_held_until_the_open_line_has_ended() {
        let mut uids: UidSet = (1..=199).step_by(2).filter_map(Uid::new).collect();
        uids.union_with(&(Uid::new(300).unwrap()..).into());
        let which = Messages::Uids(uids);
        let row = |uid| Message { uid: Uid::new(uid), ..Message::default() };
        let mut pieces = MessageChunks::default();
        let mut lines = 1;
        while pieces.next_of(&which, 60).1 == Flow::More {
            lines += 1;
        }
        for _ in 1..lines {
            pieces.line_ended(0);
        }
        assert_eq!(pieces.matches(&which, &row(1)), Match::Perhaps);
        assert_eq!(pieces.matches(&which, &row(400)), Match::Surely);
        pieces.line_ended(0);
        assert_eq!(pieces.matches(&which, &row(1)), Match::No);
        assert_eq!(pieces.matches(&which, &row(400)), Match::No);
    }
}
