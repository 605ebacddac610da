//! A mailbox whose SELECT has not been answered, and what the server has reported of it so far.
//!
//! In: untagged data up to SELECT's OK. Out: how the mailbox was when it was opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::submit::SelectionHandle;
use crate::types::{
    Answer, Code, CommandId, Flags, HeapSize, MailboxProperties, Message, ModSeq, RangeCollector,
    StatusResponse, Uid, UidSet, UidValidity, Untagged,
};

pub(super) struct Opening {
    pub(super) id: CommandId,
    pub(super) handle: Arc<SelectionHandle>,
    /// Some of its SELECT has been written.
    pub(super) has_begun: bool,
    /// It is an EXAMINE.
    pub(super) read_only: bool,
    /// Its SELECT has parameters: it may be refused for them alone.
    pub(super) with_params: bool,
    /// The server has answered it before it had all of it, so it has done nothing.
    pub(super) cut_short: bool,
    pub(super) reported: SelectResponses,
    pub(super) qresync: QresyncData,
}

/// What SELECT reports of the mailbox.
#[derive(Default)]
pub(super) struct SelectResponses {
    pub(super) exists: Option<u32>,
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) uid_next: Option<Uid>,
    /// How many have arrived since that was reported.
    arrived: u32,
    /// Since then the count has fallen without EXPUNGE: others may have arrived as well.
    fell: bool,
    pub(super) highest_mod_seq: Option<ModSeq>,
    pub(super) read_only: Option<bool>,
    pub(super) properties: MailboxProperties,
}

impl SelectResponses {
    /// No message that arrives has a UID below this: each that arrived since UIDNEXT has taken one.
    pub(super) fn first_new(&self) -> Option<Uid> {
        Uid::new(self.uid_next?.get().saturating_add(self.arrived))
    }

    /// How many messages there were when UIDNEXT was sent, if that is sure.
    pub(super) fn below_uid_next(&self) -> Option<u64> {
        let exists = self.exists.unwrap_or(0);
        (!self.fell).then(|| u64::from(exists.saturating_sub(self.arrived)))
    }

    /// EXISTS. The first one counts all that there were before UIDNEXT, wherever that stands.
    fn set_exists(&mut self, count: u32) {
        if let Some(before) = self.exists.filter(|_| self.uid_next.is_some()) {
            self.arrived = self.arrived.saturating_add(count.saturating_sub(before));
            self.fell |= count < before;
        }
        self.exists = Some(count);
    }
}

impl Opening {
    pub(super) fn new(
        id: CommandId,
        handle: Arc<SelectionHandle>,
        read_only: bool,
        with_params: bool,
        with_qresync: bool,
    ) -> Self {
        let (reported, qresync) = (SelectResponses::default(), QresyncData::new(with_qresync));
        let (has_begun, cut_short) = (false, false);
        Self { id, handle, has_begun, read_only, with_params, cut_short, reported, qresync }
    }

    /// The UIDVALIDITY, once it has been reported.
    pub(super) fn uid_validity(&self) -> Option<UidValidity> {
        self.reported.uid_validity
    }

    /// What was reported so far was of another mailbox.
    pub(super) fn forget_reported(&mut self) {
        (self.reported, self.qresync) = (SelectResponses::default(), QresyncData::new(self.qresync.asked));
    }

    pub(super) fn on_data(&mut self, response: &Untagged) {
        let reported = &mut self.reported;
        match response.answer() {
            Answer::Exists(count) => reported.set_exists(*count),
            Answer::Status(status) => match &status.code {
                Some(Code::UidValidity(uid_validity)) => reported.uid_validity = *uid_validity,
                Some(Code::UidNext(uid)) => {
                    (reported.uid_next, reported.arrived, reported.fell) = (*uid, 0, false);
                }
                Some(Code::HighestModSeq(mod_seq)) => reported.highest_mod_seq = *mod_seq,
                // One that was reported was of the mailbox before.
                Some(Code::NoModSeq) => reported.highest_mod_seq = None,
                _ => {}
            },
            answer => reported.properties.learn(answer),
        }
    }

    /// A status response, tagged or not, in which its SELECT may have been answered.
    pub(super) fn on_status(&mut self, status: &StatusResponse) {
        self.reported.properties.learn_status(status);
    }

    /// So many messages are gone.
    pub(super) fn on_removed(&mut self, by: u64) {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        self.reported.exists = self.reported.exists.map(|exists| exists.saturating_sub(by));
        self.qresync.miss();
    }
}

/// What a SELECT with QRESYNC reports before its OK (RFC 7162 section 3.2.5).
#[derive(Debug, Default)]
pub(super) struct QresyncData {
    /// It was asked for.
    pub(super) asked: bool,
    vanished: RangeCollector<Uid>,
    pub(super) rows: BTreeMap<Uid, (Flags, Option<ModSeq>)>,
    /// How many bytes of memory the rows take.
    held: usize,
    /// Something of it could not be read, or was too much: it is not all that there is.
    pub(super) missed: bool,
}

impl QresyncData {
    fn new(asked: bool) -> Self {
        Self { asked, ..Self::default() }
    }

    /// `VANISHED (EARLIER)`, of those messages that were known: of others it may name billions.
    pub(super) fn vanished(&mut self, uids: &UidSet, known: &UidSet) {
        self.vanished.add_set(uids.intersection(known));
    }

    /// A row, as long as all of them take so many bytes of memory at most.
    pub(super) fn row(&mut self, row: &Message, most: usize) {
        /// Its place in a tree whose nodes are half full at least.
        const PLACE: usize = 2 * size_of::<(Uid, (Flags, Option<ModSeq>))>();
        self.held = self.held.saturating_add(PLACE + row.flags().map_or(0, HeapSize::heap_size));
        match row.uid().zip(row.flags()) {
            Some((uid, flags)) if self.held <= most => {
                self.rows.insert(uid, (flags.clone(), row.mod_seq()));
            }
            _ => self.missed = true,
        }
    }

    /// No change was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.vanished.clone().finish().is_empty()
    }

    /// Something may have been reported that could not be read.
    pub(super) fn miss(&mut self) {
        self.missed = true;
    }

    /// The messages that there are now, if those were known and nothing was missed.
    pub(super) fn apply_to(&self, known: &UidSet) -> UidSet {
        let mut uids = known.difference(&self.vanished.clone().finish());
        uids.extend(self.rows.keys().copied());
        uids
    }
}
