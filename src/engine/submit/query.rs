//! What the engine asks of the selected mailbox for its view, and how such a query has ended.
//!
//! In: rows and search results of the answer. Out: what the query was about, and what was reported.

use crate::command::{Messages, Store};
use crate::types::{
    Answer, CommandId, Flags, IncrementalSet, ModSeq, RangeCollector, SelectionId, Uid, UidSet,
};
use crate::view::View;

/// How many ranges of UIDs are kept of an answer, about: more than any mailbox has can't add up.
const MAX_RANGES: usize = 4 << 20;

/// A query for the view.
#[derive(Debug)]
pub(crate) enum Query {
    /// `UID SEARCH`: the UIDs of all messages, or of a window of them.
    Uids(RangeCollector<Uid>),
    /// `UID FETCH n:* (FLAGS)`, `FETCH a:b (UID)`: UIDs that arrived, or that a search did not
    /// yield.
    Rows,
    /// `UID FETCH … (FLAGS)`: flags that the view lacks; what they were before is of an earlier
    /// selection. With the messages whose flags were reported.
    MissingFlags(IncrementalSet<Uid>),
    /// `UID FETCH … (FLAGS) (CHANGEDSINCE n)`: what has changed since an earlier selection.
    ChangesSince,
    /// `UID FETCH … (FLAGS)`: what flags messages have after a silent STORE of flags not known
    /// before. With the STORE, if it may have made the change, and the messages whose flags were
    /// reported.
    VerifyStore(Option<(CommandId, Box<Store>)>, IncrementalSet<Uid>),
    /// `UID FETCH … (FLAGS)`: what may have changed unreported between two IDLEs.
    LookBack(Look),
}

impl Query {
    /// Whether it asks for what the view lacks: there is one such query at most.
    pub(crate) fn fills(&self) -> bool {
        !matches!(self, Self::VerifyStore(..) | Self::LookBack(_))
    }

    /// Keeps what its answer reports.
    pub(super) fn received(&mut self, answer: &Answer) {
        match (self, answer) {
            (Self::LookBack(look), Answer::Fetch(row)) => look.highest = look.highest.max(row.mod_seq()),
            (Self::MissingFlags(reported) | Self::VerifyStore(_, reported), Answer::Fetch(row))
                if row.flags().is_some() && reported.ranges() <= MAX_RANGES =>
            {
                row.uid().into_iter().for_each(|uid| reported.insert(uid));
            }
            (Self::Uids(found), answer) if found.ranges() <= MAX_RANGES => match answer {
                Answer::Search(result) => found.add_set(result.numbers.0.clone()),
                Answer::ESearch(result) => result.all.iter().for_each(|all| found.add_set(all.0.clone())),
                _ => {}
            },
            _ => {}
        }
    }
}

/// A query for changes of flags.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// If the answer reports all changes since an earlier one: the last message that was known
    /// then.
    since: Option<Option<Uid>>,
    /// The last message that is known as it is sent.
    last: Option<Uid>,
    /// The highest mod-sequence that was reported before it is sent, or in the answer.
    highest: Option<ModSeq>,
}

impl Look {
    /// For all changes since an earlier query, for which this was the last known message.
    /// `reported`: the highest mod-sequence so far.
    pub(crate) fn since(before: Option<Uid>, last: Option<Uid>, reported: Option<ModSeq>) -> Self {
        Self { since: Some(before), last, highest: reported }
    }

    pub(crate) fn is_since(&self) -> bool {
        self.since.is_some()
    }

    pub(crate) fn last(&self) -> Option<Uid> {
        self.last
    }

    /// Up to this the answer has all changes: what the server has reported it also finds.
    pub(crate) fn highest(&self) -> Option<ModSeq> {
        self.highest
    }

    /// Whether a row of the answer reports a change.
    pub(crate) fn is_change(&self, uid: Option<Uid>, before: Option<&Flags>, now: &Flags) -> bool {
        match before {
            Some(before) => !before.is_same_but_recent(now),
            // Of a message that arrived later they are read for the first time.
            None => self.since.flatten().zip(uid).is_some_and(|(last, uid)| uid <= last),
        }
    }
}

/// What a query was about when it was sent, and how it ended.
pub(crate) struct QueryFacts {
    /// The selection in which it was sent.
    pub(crate) selection: Option<SelectionId>,
    pub(crate) messages: Option<Messages>,
    /// The view's generation when it was sent.
    pub(crate) generation: u64,
    /// How many messages had been removed when it was sent.
    pub(crate) removed: u64,
    pub(crate) ok: bool,
    /// It was answered BAD.
    pub(crate) bad: bool,
    /// It was answered, and not all of the answer could be read.
    pub(crate) unread: bool,
    /// The server has dealt with those from this UID on, and no more at once (RFC 9738 section
    /// 3.1).
    pub(crate) from: Option<Uid>,
}

impl QueryFacts {
    /// Those of these messages that the server has dealt with.
    pub(crate) fn dealt_with(&self, uids: &UidSet) -> UidSet {
        self.from.map_or_else(|| uids.clone(), |from| uids.intersection(&UidSet::from(from..)))
    }

    /// Whether the lowest message that a server with a limit has dealt with was asked for, and is
    /// known.
    pub(crate) fn got_on(&self, view: &View) -> bool {
        let known = self.from.and_then(|uid| view.seq(uid).map(|seq| (seq, uid)));
        known.is_some_and(|(seq, uid)| match &self.messages {
            Some(Messages::Seqs(set)) => set.contains(seq),
            Some(Messages::Uids(set)) => set.contains(uid),
            _ => false,
        })
    }
}
