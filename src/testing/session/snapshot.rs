//! A session's view of its selected mailbox: the messages by sequence number, as reported to the
//! client.
//!
//! It changes only when a [`Notification`] is sent, so that the client's sequence numbers hold. A
//! message that others have expunged keeps its number and its content until then (RFC 2180 section
//! 4.1.1).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::testing::annotations::Notes;
use crate::testing::mailbox::{Mailbox, MailboxId, Message};
use crate::testing::mime::Content;
use crate::testing::notification::Notification;
use crate::testing::search::Candidate;
use crate::types::{Flags, MailboxName, Timestamp, Uid, UidSet};
use crate::wire::request::{End, Numbers};

use super::context::Context;

/// One message of the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) message: Arc<Message>,
    /// `\Recent` in this session.
    pub(crate) recent: bool,
    /// Expunged, but not yet reported.
    pub(crate) expunged: bool,
}

/// The selected mailbox.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) mailbox: MailboxId,
    pub(crate) name: MailboxName,
    pub(crate) read_only: bool,
    /// In the order of their sequence numbers, which is that of their UIDs.
    pub(crate) rows: Vec<Row>,
    /// Unreported removals, in order.
    pub(crate) held: Vec<u32>,
    /// Changes by others that concern messages not in the snapshot, and those messages: the client
    /// wants none of them (RFC 5465 section 3.1).
    pub(crate) deferred: VecDeque<Notification>,
    /// A change of flags was never reported, because the client did not want it.
    pub(crate) has_unreported: bool,
    /// `$` (RFC 9051 section 6.4.4.1).
    pub(crate) saved: UidSet,
    /// Results that are kept up to date (RFC 5267 section 4.3).
    pub(crate) contexts: Vec<Context>,
    /// A message has come, changed or gone since they were.
    pub(crate) is_changed: bool,
}

/// A sequence number names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchNumber;

impl Snapshot {
    /// The mailbox's current state; messages from this UID on are recent.
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
            expunged: false,
        };
        let rows = held.messages.values().map(row).collect();
        Self {
            mailbox: id,
            name,
            read_only,
            rows,
            held: Vec::new(),
            deferred: VecDeque::new(),
            has_unreported: false,
            saved: UidSet::new(),
            contexts: Vec::new(),
            is_changed: false,
        }
    }

    /// Marks the message at this position as expunged but unreported.
    pub(crate) fn hold(&mut self, at: usize) {
        if let Some(row) = self.rows.get_mut(at).filter(|row| !row.expunged) {
            self.is_changed = true;
            row.expunged = true;
            self.held.push(row.message.uid);
        }
    }

    /// Applies a change by others to the message at this position, without a response.
    pub(crate) fn learn(&mut self, at: usize, notification: Notification) {
        match (notification, self.rows.get_mut(at)) {
            (Notification::Changed { message, .. }, Some(row)) => {
                row.message = message;
                (self.has_unreported, self.is_changed) = (true, true);
            }
            (Notification::Expunged { .. }, _) => self.hold(at),
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

    /// The position of the message with this UID.
    pub(crate) fn find(&self, uid: u32) -> Option<usize> {
        self.rows.binary_search_by_key(&uid, |row| row.message.uid).ok()
    }

    /// The sequence number of the message at this position.
    pub(crate) fn seq(at: usize) -> u32 {
        u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// Of these positions the ones whose messages have no later mod-sequence than this, or have
    /// been expunged; and those that have, with their UIDs (RFC 7162 section 3.1.3).
    pub(crate) fn unchanged_since(
        &self,
        places: Vec<usize>,
        since: Option<u64>,
    ) -> (Vec<usize>, Vec<(usize, u32)>) {
        let (mut unchanged, mut changed) = (Vec::new(), Vec::new());
        for at in places {
            let later = |row: &&Row| !row.expunged && since.is_some_and(|since| row.message.mod_seq > since);
            match self.row(at).filter(later) {
                Some(row) => changed.push((at, row.message.uid)),
                None => unchanged.push(at),
            }
        }
        (unchanged, changed)
    }

    /// The positions of the messages that these numbers name, in ascending order. A sequence number
    /// beyond the last is an error (RFC 9051 section 9, `seq-number`), a missing UID is not
    /// (section 6.4.9).
    pub(crate) fn places(&self, numbers: &Numbers, uid: bool) -> Result<Vec<usize>, NoSuchNumber> {
        let Numbers::Ranges(ranges) = numbers else {
            // RFC 5182 section 2.1: expunged messages leave the result, reported or not.
            let there = |at: &usize| self.row(*at).is_some_and(|row| !row.expunged);
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

    /// The UIDs of the messages at these positions.
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

/// A message with its sequence number, for SEARCH and SORT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered<'a> {
    pub(crate) seq: u32,
    pub(crate) row: &'a Row,
    /// How well it fits, up to 100.
    pub(crate) relevancy: u8,
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

    fn relevancy(&self) -> u8 {
        self.relevancy
    }

    fn content(&self) -> &Content {
        &self.row.message.content
    }

    fn notes(&self) -> &Notes {
        &self.row.message.notes
    }
}
