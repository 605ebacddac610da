//! Internal commands: filling in the view, polling, logging out when the last handle is dropped.
//!
//! They are commands like any other, without a token: their results go to the engine.

use crate::command::{Messages, Store};
use crate::engine::selection::sync::look_back::Look;
use crate::types::{
    Answer, CommandId, IncrementalSet, MailboxName, RangeCollector, SelectionId, Uid, UidSet,
};
use crate::view::View;

/// How many ranges of UIDs are kept of an answer, about: more than any mailbox has can't add up.
const MAX_RANGES: usize = 4 << 20;

/// What one of the engine's own commands is for.
#[derive(Debug)]
pub(crate) enum InternalCommand {
    /// `UID SEARCH`: the UIDs of all messages, or of a window of them.
    FindUids(RangeCollector<Uid>),
    /// `UID FETCH n:* (FLAGS)`, `FETCH a:b (UID)`: UIDs of messages that arrived, or that a search
    /// could not name.
    Learn,
    /// `UID FETCH … (FLAGS)`: flags that the view lacks; the flags before are those of an earlier
    /// selection. With the messages whose flags were received.
    FillFlags(IncrementalSet<Uid>),
    /// `UID FETCH … (FLAGS) (CHANGEDSINCE n)`: what has changed since an earlier selection.
    Changes,
    /// `UID FETCH … (FLAGS)`: flags after a silent STORE where those before were unknown; with the
    /// STORE, if it may have caused a difference, and the messages whose flags were received.
    Flags(Option<(CommandId, Box<Store>)>, IncrementalSet<Uid>),
    /// IDLE of the engine's own accord.
    Idle,
    /// NOOP, where IDLE is not to be had.
    Poll,
    /// NOTIFY, after the server has forgotten it.
    Notify,
    /// `LIST (SUBSCRIBED)` or LSUB: whether this mailbox is still subscribed to.
    Subscription { mailbox: MailboxName, found: bool },
    /// `UID FETCH … (FLAGS)`: what may have changed unseen between two IDLEs.
    Look(Look),
    /// STATUS of a mailbox that was deselected under NOTIFY, when this selection ended.
    DeselectedMailbox(SelectionId),
    /// LOGOUT, when the last handle has gone.
    Logout,
}

impl InternalCommand {
    /// Whether it asks for what the view lacks.
    pub(crate) fn fills(&self) -> bool {
        matches!(self, Self::FindUids(_) | Self::Learn | Self::FillFlags(_) | Self::Changes)
    }

    /// Keeps this command's answer.
    pub(crate) fn received(&mut self, answer: &Answer) {
        match (self, answer) {
            (Self::Look(look), answer) => look.received(answer),
            // Where it is the answer it says so (RFC 5258 section 3.1).
            (Self::Subscription { mailbox, found }, Answer::List(entry)) => {
                *found |= entry.name == *mailbox && entry.has("\\Subscribed");
            }
            (Self::Subscription { mailbox, found }, Answer::Lsub(entry)) => {
                *found |= entry.name == *mailbox;
            }
            (Self::FillFlags(reported) | Self::Flags(_, reported), Answer::Fetch(row))
                if row.flags().is_some() && reported.ranges() <= MAX_RANGES =>
            {
                row.uid().into_iter().for_each(|uid| reported.insert(uid));
            }
            (Self::FindUids(found), answer) if found.ranges() <= MAX_RANGES => match answer {
                Answer::Search(result) => found.add_set(&result.numbers.0),
                Answer::ESearch(result) => result.all.iter().for_each(|all| found.add_set(&all.0)),
                _ => {}
            },
            _ => {}
        }
    }
}

/// What a command of the engine's own was about when it was sent, and how that ended.
pub(in crate::engine) struct QueryOutcome {
    pub(in crate::engine) messages: Option<Messages>,
    /// The view's generation when it was sent.
    pub(in crate::engine) generation: u64,
    /// How many messages had gone when it was sent.
    pub(in crate::engine) removed: u64,
    pub(in crate::engine) ok: bool,
    /// It was answered BAD.
    pub(in crate::engine) bad: bool,
    /// It was answered, and not all of the answer could be read.
    pub(in crate::engine) unread: bool,
    /// The server has dealt with those from this UID on, and no more at once (RFC 9738 section
    /// 3.1).
    pub(in crate::engine) from: Option<Uid>,
}

impl QueryOutcome {
    /// Those of these messages that the server has dealt with.
    pub(in crate::engine) fn dealt_with(&self, uids: &UidSet) -> UidSet {
        self.from.map_or_else(|| uids.clone(), |from| uids.intersection(&UidSet::from(from..)))
    }

    /// Whether the lowest message that a server with a limit has dealt with is one of those that
    /// were asked for, and known.
    pub(in crate::engine) fn got_on(&self, view: &View) -> bool {
        let known = self.from.and_then(|uid| view.seq(uid).map(|seq| (seq, uid)));
        known.is_some_and(|(seq, uid)| match &self.messages {
            Some(Messages::Seqs(set)) => set.contains(seq),
            Some(Messages::Uids(set)) => set.contains(uid),
            _ => false,
        })
    }
}
