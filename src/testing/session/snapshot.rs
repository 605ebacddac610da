//! A session's view of its selected mailbox: which number is which message, as it has been told.
//!
//! It changes only when a [`Responder`] is told, so that the client's numbers hold. A message that
//! others have expunged keeps its number and its content until then (RFC 2180 section 4.1.1).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::testing::mailbox::{Mailbox, MailboxId, Message};
use crate::testing::mime::Content;
use crate::testing::responder::Responder;
use crate::testing::search::Candidate;
use crate::types::{Flags, MailboxName, Timestamp, Uid, UidSet};
use crate::wire::request::{End, Numbers};

/// One message of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) message: Arc<Message>,
    /// `\Recent` in this session.
    pub(crate) recent: bool,
    /// Expunged, which is not told yet.
    pub(crate) gone: bool,
}

/// The selected mailbox.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) mailbox: MailboxId,
    pub(crate) name: MailboxName,
    pub(crate) read_only: bool,
    /// In the order of their numbers, which is that of their UIDs.
    pub(crate) rows: Vec<Row>,
    /// Removals that are known and not told, in their order.
    pub(crate) held: Vec<u32>,
    /// What others did to messages that are not here yet, and those messages: the client wants to
    /// hear of none (RFC 5465 section 3.1).
    pub(crate) unheard: VecDeque<Responder>,
    /// A change of flags was never told, as the client did not want to hear of it.
    pub(crate) missed: bool,
    /// `$` (RFC 9051 section 6.4.4.1).
    pub(crate) saved: UidSet,
}

/// Why numbers name nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchNumber;

impl Snapshot {
    /// The mailbox as it is now; messages from this UID on are recent.
    pub(crate) fn new(
        id: MailboxId,
        name: MailboxName,
        read_only: bool,
        held: &Mailbox,
        recent_from: u32,
    ) -> Self {
        let row = |message: &Arc<Message>| Row {
            message: message.clone(),
            recent: message.uid >= recent_from,
            gone: false,
        };
        let rows = held.messages.values().map(row).collect();
        Self {
            mailbox: id,
            name,
            read_only,
            rows,
            held: Vec::new(),
            unheard: VecDeque::new(),
            missed: false,
            saved: UidSet::new(),
        }
    }

    /// The message that stands here is gone, which is not told yet.
    pub(crate) fn hold(&mut self, at: usize) {
        if let Some(row) = self.rows.get_mut(at).filter(|row| !row.gone) {
            row.gone = true;
            self.held.push(row.message.uid);
        }
    }

    /// What others did to the message that stands here, without a word to the client.
    pub(crate) fn learn(&mut self, at: usize, responder: Responder) {
        match (responder, self.rows.get_mut(at)) {
            (Responder::Changed { message, .. }, Some(row)) => {
                row.message = message;
                self.missed = true;
            }
            (Responder::Gone { .. }, _) => self.hold(at),
            _ => {}
        }
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn recent(&self) -> u32 {
        u32::try_from(self.rows.iter().filter(|row| row.recent).count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn last_uid(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.message.uid)
    }

    /// Where the message with this UID stands.
    pub(crate) fn find(&self, uid: u32) -> Option<usize> {
        self.rows.binary_search_by_key(&uid, |row| row.message.uid).ok()
    }

    /// The number of the message that stands here.
    pub(crate) fn seq(at: usize) -> u32 {
        u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// Where the messages stand that these numbers name, in ascending order. A number beyond the
    /// last is an error (RFC 9051 section 9, `seq-number`), a UID that is nobody's is not (section
    /// 6.4.9).
    pub(crate) fn places(&self, numbers: &Numbers, uid: bool) -> Result<Vec<usize>, NoSuchNumber> {
        let Numbers::Ranges(ranges) = numbers else {
            // RFC 5182 section 2.1: what is expunged is no longer in it, told or not.
            let there = |at: &usize| self.row(*at).is_some_and(|row| !row.gone);
            return Ok(self.saved.iter().filter_map(|uid| self.find(uid.get())).filter(there).collect());
        };
        let last = if uid { self.last_uid() } else { self.count() };
        let value = |end: &End| match end {
            End::Number(number) => *number,
            End::Last => last,
        };
        let mut set = UidSet::new();
        for (a, b) in ranges {
            let (a, b) = (value(a).min(value(b)), value(a).max(value(b)));
            if !uid && (a == 0 || b > last) {
                return Err(NoSuchNumber);
            }
            set.insert_raw(a.max(1), b);
        }
        let mut places = Vec::new();
        for &(first, end) in set.raw() {
            let (from, to) = if uid {
                let at = |uid: u32| self.rows.partition_point(|row| row.message.uid < uid);
                (at(first), end.checked_add(1).map_or(self.rows.len(), at))
            } else {
                (index(first - 1), index(end))
            };
            places.extend(from..to);
        }
        Ok(places)
    }

    /// The UIDs of the messages that stand here.
    pub(crate) fn uids(&self, places: &[usize]) -> Vec<u32> {
        places.iter().filter_map(|at| Some(self.row(*at)?.message.uid)).collect()
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// These UIDs as a set.
pub(crate) fn uid_set(uids: impl IntoIterator<Item = u32>) -> UidSet {
    uids.into_iter().filter_map(Uid::new).collect()
}

/// A message with its number, for SEARCH and SORT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered<'a> {
    pub(crate) seq: u32,
    pub(crate) row: &'a Row,
}

impl Candidate for Numbered<'_> {
    fn seq(&self) -> u32 {
        self.seq
    }

    fn uid(&self) -> u32 {
        self.row.message.uid
    }

    fn flags(&self) -> &Flags {
        &self.row.message.flags
    }

    fn recent(&self) -> bool {
        self.row.recent
    }

    fn internal_date(&self) -> Timestamp {
        self.row.message.internal_date
    }

    fn saved(&self) -> Option<Timestamp> {
        Some(self.row.message.saved)
    }

    fn mod_seq(&self) -> u64 {
        self.row.message.mod_seq
    }

    fn email_id(&self) -> &str {
        &self.row.message.email_id
    }

    fn thread_id(&self) -> Option<&str> {
        Some(&self.row.message.thread_id)
    }

    fn content(&self) -> &Content {
        &self.row.message.content
    }
}
