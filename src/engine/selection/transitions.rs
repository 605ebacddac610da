//! How a selection begins and ends, and what response codes say of it: CLOSED, READ-ONLY,
//! READ-WRITE, HIGHESTMODSEQ, UIDNEXT, UIDVALIDITY.
//!
//! In: SELECT sent, withdrawn, answered; `[CLOSED]`; the end of CLOSE or of the connection. Out:
//! what is selected now, and the selection that has ended by it.

use std::sync::Arc;

use super::message_responses::Outcome;
use super::mod_sequences::ModSeqTracker;
use super::opening::{Opening, SelectResponses};
use super::sync::SyncState;
use super::{Now, Selected, Selection};
use crate::command::ResponseKinds;
use crate::engine::events::Output;
use crate::engine::inflight::InFlight;
use crate::engine::log;
use crate::engine::submit::{EndCause, HandleFacts, SelectionHandle};
use crate::error::{Error, ErrorKind};
use crate::types::{
    Answer, Code, CommandId, Event, EventKind, Status, StatusResponse, UidValidity, ViewSync,
};
use crate::view::View;

impl Selected {
    /// SELECT has been written, or is about to be; `qresync`: its parameters are those of QRESYNC,
    /// if the selection resumes from a mod-sequence.
    pub(crate) fn select(&mut self, id: CommandId, read_only: bool, qresync: bool, inflight: &InFlight) {
        let Some(handle) = inflight.opens(id).cloned() else { return };
        let with_params = inflight.has_params(id);
        let resumes = handle.resume().is_some_and(|state| state.highest_mod_seq.is_some());
        let qresync = with_params && qresync && resumes;
        self.next = Some(Box::new(Opening::new(id, handle, read_only, with_params, qresync)));
    }

    /// The SELECT is taken back before any of it has been written.
    pub(crate) fn withdraw(&mut self, id: CommandId) -> Option<Arc<SelectionHandle>> {
        let opening = self.next.take_if(|opening| opening.id == id)?;
        opening.handle.end(EndCause::NotOpened);
        Some(opening.handle)
    }

    /// Some of a command has been written.
    pub(crate) fn on_written(&mut self, id: CommandId) {
        self.next.iter_mut().filter(|opening| opening.id == id).for_each(|opening| opening.has_begun = true);
    }

    /// The SELECT was answered before it had been sent whole.
    pub(crate) fn on_select_cut_short(&mut self, id: CommandId) {
        self.next.iter_mut().filter(|opening| opening.id == id).for_each(|opening| opening.cut_short = true);
    }

    /// The server may have reported something of the opening mailbox that can't be used.
    pub(crate) fn miss_opening_data(&mut self) {
        self.next.iter_mut().for_each(|opening| opening.qresync.miss());
    }

    /// A status response: what its code says of the selected mailbox, or of the one that is being
    /// opened. The selection that has ended by it.
    pub(crate) fn on_code(&mut self, status: &StatusResponse) -> Option<Selection> {
        let is_opening = self.is_opening();
        if status.status == Status::Ok {
            self.learn_properties(status);
        }
        match (&status.code, &mut self.now, &mut self.next) {
            // What was reported until now was of the mailbox before (RFC 7162 section 3.2.11).
            (Some(Code::Closed), _, next) => {
                next.iter_mut().for_each(|opening| opening.forget_reported());
                return self.deselect();
            }
            // A NO may be about another mailbox, to which nothing can be copied.
            (Some(code @ (Code::ReadOnly | Code::ReadWrite)), now, next) if status.status == Status::Ok => {
                let read_only = *code == Code::ReadOnly;
                match (next, now) {
                    (Some(opening), _) if is_opening => opening.reported.read_only = Some(read_only),
                    (_, Now::Open(selection)) => selection.handle.update(|facts| facts.read_only = read_only),
                    _ => {}
                }
            }
            (Some(Code::HighestModSeq(reported)), Now::Open(selection), _) if !is_opening => {
                selection.set_highest_mod_seq(*reported);
            }
            (Some(Code::MessageLimit { .. }), ..) => self.miss_opening_data(),
            _ => {}
        }
        None
    }

    /// What an OK says of the properties of the mailbox that is being opened, or else of the open
    /// one.
    fn learn_properties(&mut self, status: &StatusResponse) {
        let is_opening = self.is_opening();
        match (&mut self.next, &self.now, &status.code) {
            (Some(opening), ..) if is_opening => opening.on_status(status),
            (_, Now::Open(selection), Some(code)) => {
                selection.handle.update_properties(|properties| _ = properties.learn_code(code));
            }
            _ => {}
        }
    }

    /// `FLAGS`, which may come at any time. To the mailbox that is being opened it belongs once its
    /// SELECT has claimed it.
    pub(crate) fn on_flags(&self, answer: &Answer) {
        if let Some(selection) = self.current().filter(|_| !self.is_opening()) {
            selection.handle.update_properties(|properties| properties.learn(answer));
        }
    }

    /// UIDVALIDITY in an untagged status response.
    pub(crate) fn on_uid_validity(&mut self, uid_validity: Option<UidValidity>) -> Outcome {
        match self.current().filter(|_| !self.is_opening()) {
            Some(open) if uid_validity.is_some() && open.uid_validity != uid_validity => {
                let what = "UIDVALIDITY changed while the mailbox was selected".to_owned();
                Outcome::Contradiction { what, exists: open.view.len(), uid_validity }
            }
            _ => Outcome::Nothing,
        }
    }

    /// The code of an untagged status response. Whether it is no event: it accompanies changes that
    /// are reported by themselves, or is of a mailbox that has no handle any more.
    pub(crate) fn on_untagged_code(&mut self, code: Option<&Code>) -> bool {
        let accompanies = matches!(code, Some(Code::HighestModSeq(_) | Code::UidNext(_)));
        if let Some(selection) = self.current().filter(|_| !self.is_opening()) {
            if let Some(Code::UidNext(reported)) = code {
                let ever = Some(selection.view.ever());
                selection.handle.update(|facts| (facts.uid_next, facts.ever_below) = (*reported, ever));
            }
            return accompanies;
        }
        let is_of_mailbox = accompanies || matches!(code, Some(Code::UidValidity(_) | Code::NoModSeq));
        self.is_orphaned() && is_of_mailbox
    }

    /// A response of this kind could not be read. It may have been about messages, of which nothing
    /// is known then.
    pub(crate) fn on_unparsed(&mut self, kind: ResponseKinds) -> Outcome {
        let kinds = [ResponseKinds::FETCH, ResponseKinds::EXPUNGE, ResponseKinds::NOTHING];
        if !kinds.contains(&kind) {
            return Outcome::Nothing;
        }
        self.miss_opening_data();
        let Now::Open(selection) = &mut self.now else { return Outcome::Nothing };
        if !selection.on_unparsed(kind == ResponseKinds::EXPUNGE) {
            return Outcome::Nothing;
        }
        let what = "it reported that messages are gone, and not which".to_owned();
        Outcome::contradiction(what, selection.view.len())
    }

    /// No mailbox is selected any more, neither here nor at the server.
    pub(crate) fn deselect(&mut self) -> Option<Selection> {
        self.replace(Now::Nothing)
    }

    fn replace(&mut self, now: Now) -> Option<Selection> {
        match std::mem::replace(&mut self.now, now) {
            Now::Open(selection) => {
                self.forget_saved();
                Some(*selection)
            }
            Now::Nothing | Now::Orphaned => None,
        }
    }

    /// The selection has ended here, if there is one, and the server may go on with it.
    fn orphan(&mut self) -> Option<Selection> {
        let now = if self.may_be_selected() { Now::Orphaned } else { Now::Nothing };
        self.replace(now)
    }

    /// The SELECT was refused, and will be sent again. The selection that has ended by it.
    pub(crate) fn on_retry(&mut self) -> Option<Selection> {
        self.next = None;
        self.orphan()
    }

    /// The SELECT has failed. After NO nothing is selected (RFC 9051 section 6.3.2); after BAD, or
    /// NO in place of a `+`, the mailbox before may still be, but its handles are dead all the
    /// same. The selection that has ended by it.
    pub(crate) fn on_refused(&mut self, error: &Error) -> Option<Selection> {
        let opening = self.next.take()?;
        opening.handle.refuse(error);
        self.forget_saved();
        match error.kind() {
            ErrorKind::No if !opening.cut_short => self.deselect(),
            ErrorKind::No | ErrorKind::Bad => self.orphan(),
            // Its answer could not be read: it may have succeeded.
            _ => self.replace(Now::Orphaned),
        }
    }

    /// How many messages the mailbox has that is being opened.
    pub(crate) fn opening_size(&self) -> u32 {
        self.next.as_ref().and_then(|opening| opening.reported.exists).unwrap_or(0)
    }

    /// The SELECT has succeeded. The view learns so much of it, unless the SELECT said otherwise.
    pub(crate) fn open(
        &mut self,
        id: CommandId,
        view_sync: ViewSync,
        condstore: bool,
        inflight: &mut InFlight,
        out: &mut Output,
    ) {
        let Some(opening) = self.next.take() else { return };
        let Opening { handle, read_only: examined, reported, qresync, .. } = *opening;
        let (first_new, ever_below) = (reported.first_new(), reported.below_uid_next());
        let exists = reported.exists.unwrap_or(0);
        let SelectResponses { uid_validity, uid_next, highest_mod_seq, read_only, properties, .. } = reported;
        // What was sent behind SELECT meant this UIDVALIDITY.
        inflight.set_uid_validity(handle.id(), uid_validity);
        // What the server said last, in the OK as a rule.
        let read_only = read_only.unwrap_or(examined);
        handle.update(|facts| {
            *facts = HandleFacts { read_only, examined, uid_next, ever_below, highest_mod_seq, ..*facts };
        });
        handle.set_properties(properties);
        self.look_back.begin(handle.id(), uid_validity, uid_next);
        let wanted = match handle.view_sync().unwrap_or(view_sync) {
            // What was known can't be compared with nothing.
            ViewSync::Off if handle.resume().is_some() => ViewSync::Uids,
            wanted => wanted,
        };
        let mut view = if wanted == ViewSync::Off { View::off(exists) } else { View::opened(exists) };
        view.begins_at(first_new);
        let mut selection = Box::new(Selection {
            handle,
            view,
            uid_validity,
            sync: SyncState::new(wanted),
            mod_seqs: ModSeqTracker::new(highest_mod_seq),
            unpublished: true,
            contradictions: 0,
            calm: 0,
            ready: false,
            requests: Vec::new(),
        });
        // Its size first: a number that is submitted meanwhile means nothing without it.
        selection.publish();
        selection.handle.update(|facts| facts.opened = true);
        log::selected(&selection.handle.place().mailbox, exists);
        let kind = EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only };
        selection.report_event(Event::new(kind).caused_by(Some(id)), out);
        selection.resume(highest_mod_seq, qresync, condstore, out);
        self.now = Now::Open(selection);
    }

    /// The connection has ended, and what was selected with it.
    pub(crate) fn on_connection_closed(&mut self) {
        let opening = self.next.take().map(|opening| opening.handle);
        let open = self.deselect().map(|selection| selection.handle);
        opening.into_iter().chain(open).for_each(|handle| handle.end(EndCause::Connection));
    }
}

impl Selection {
    /// It has ended, for this reason.
    pub(crate) fn on_ended(&self, by: EndCause) {
        self.handle.end(by);
        log::deselected(&self.handle.place().mailbox, by);
    }
}
