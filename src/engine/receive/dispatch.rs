//! Routing of responses: state and view first, then the owner, then the events.
//!
//! In: responses in wire order. Out: each to the command that asked for it, or to the event stream,
//! or to both if it is an answer and a change (ARCHITECTURE.md, section 7).

use std::time::Instant;

use bytes::Bytes;

use crate::command::ResponseKinds;
use crate::engine::Engine;
use crate::engine::events::excerpt::excerpt;
use crate::types::{Answer, Code, Event, EventKind, Flag, Place, Seq, Status, StatusResponse, Untagged};
use crate::wire::{Response, Unparsable};

/// How many extensions are known as enabled: more than there are. A server could name others
/// without end.
const MAX_ENABLED: usize = 100;

impl Engine {
    /// A response has come; and its bytes if [`wants_raw`](Self::wants_raw) says so.
    pub(crate) fn handle(&mut self, mut response: Response, raw: Option<Bytes>, now: Instant) {
        if self.closed().is_some() {
            return;
        }
        if self.lifecycle.greeting().is_none() && !matches!(response, Response::Untagged(_)) {
            // No IMAP server begins so: it is POP3, or what else begins with a word or a plus.
            let text = match response {
                Response::Tagged { tag, status } => format!("{tag} {status}"),
                Response::Continuation { text } => format!("+{}", String::from_utf8_lossy(&text)),
                Response::Untagged(_) => String::new(),
            };
            return self.lifecycle.on_non_imap(text);
        }
        self.secrets.take_out_of(&mut response);
        match response {
            Response::Tagged { tag, status } => self.handle_tagged(&tag, status, now),
            Response::Continuation { text } => self.handle_continuation(&text, now),
            Response::Untagged(mut untagged) => {
                if let Some(raw) = raw {
                    untagged.set_raw(raw);
                }
                self.handle_untagged(untagged, now);
            }
        }
    }

    /// A response has come that can't be read.
    pub(crate) fn handle_unreadable(&mut self, bytes: &Bytes, why: &Unparsable, now: Instant) {
        if self.closed().is_some() {
            return;
        }
        if self.lifecycle.greeting().is_none() {
            return self.lifecycle.on_non_imap(String::from_utf8_lossy(&excerpt(bytes)).into_owned());
        }
        let kind = why.keyword.as_deref().map_or(ResponseKinds::NOTHING, ResponseKinds::of_keyword);
        let keyword = why.keyword.as_deref().unwrap_or_default();
        let kept = self.secrets.excerpt(bytes);
        self.inflight.note_unparsed(kind, keyword, &kept);
        let error = format!("{} (at byte {})", why.message, why.at);
        let place = self.place();
        self.report(Event::new(EventKind::Unparsed { bytes: kept, error }).at(place));
        if bytes.starts_with(b"*") {
            self.on_unparsed_change(kind);
        }
        // A line with a tag of ours always ends that command.
        let first = bytes.split(|byte| *byte <= b' ').next().unwrap_or_default();
        let tag = String::from_utf8_lossy(first);
        if self.answered_by(&tag).is_some() {
            self.handle_unreadable_end(&tag, now);
        }
    }

    /// What can't be read may have been about messages, of which nothing is known then.
    fn on_unparsed_change(&mut self, kind: ResponseKinds) {
        if !matches!(kind, ResponseKinds::FETCH | ResponseKinds::EXPUNGE | ResponseKinds::NOTHING) {
            return;
        }
        self.selected.miss_opening_data();
        let Some(selection) = self.selected.current_mut() else { return };
        let exists = selection.view().len();
        if selection.on_unparsed(kind == ResponseKinds::EXPUNGE) {
            self.resync("it reported that messages are gone, and not which".into(), exists, None);
        }
    }

    /// Whether mailbox names come in UTF-8 from here on.
    pub(crate) fn is_utf8(&self) -> bool {
        self.session.is_utf8()
    }

    /// Whether raw bytes of each response are wanted.
    pub(crate) fn wants_raw(&self) -> bool {
        self.inflight.wants_raw()
    }

    fn handle_untagged(&mut self, mut response: Untagged, now: Instant) {
        response.set_place(self.place_of(response.answer()));
        match response.answer() {
            Answer::Status(status) => {
                let mut status = status.clone();
                if response.has_secret() {
                    self.secrets.blank(&mut status);
                }
                self.on_status(response, &status, now);
            }
            Answer::Capability(all) => {
                let all = all.clone();
                self.on_capabilities(all);
                self.deliver(response);
            }
            Answer::Enabled(names) => {
                let names = names.clone();
                let (claimer, back) = self.route(response);
                // Believed only as the answer to an ENABLE of ours.
                let is_ours = |id| self.inflight.class(id).is_some_and(|class| class.ours);
                if claimer.is_some_and(is_ours) {
                    for name in names {
                        if self.session.enabled.len() < MAX_ENABLED && !self.session.is_enabled(&name) {
                            self.session.enabled.push(name);
                        }
                    }
                } else if let Some(back) = back {
                    self.report(Event::new(EventKind::Data(back.into_answer())));
                }
            }
            Answer::Fetch(_) => self.on_fetch(response),
            Answer::Exists(count) => self.on_exists(*count, response),
            Answer::Recent(_) => {
                // Only of use with SELECT; the recent flag of a message is among its flags.
                self.route_or_discard(response);
            }
            Answer::Expunge { seq, .. } => self.on_expunge(*seq, response),
            Answer::Vanished { earlier, uids } => {
                let (earlier, uids) = (*earlier, uids.clone());
                if earlier {
                    // It never moves numbers (RFC 7162 section 3.2.10.1).
                    if !self.selected.on_vanished_earlier(&uids) {
                        self.deliver(response);
                    }
                } else {
                    self.on_vanished(&uids, response);
                }
            }
            Answer::List(entry) | Answer::Lsub(entry) => {
                let entry = entry.clone();
                self.on_list(&entry, response);
            }
            Answer::MailboxStatus(_) => self.on_mailbox_status(response),
            Answer::Metadata(reported) => {
                let reported = reported.clone();
                self.on_metadata(reported, response);
            }
            Answer::ESearch(found) => {
                let owner = found.tag.as_deref().and_then(|tag| self.scheduler.shared().owner(tag));
                response.set_owner(owner);
                self.deliver(response);
            }
            _ => self.deliver(response),
        }
    }

    /// The mailbox that a response is about: the one that it names, else the selected one, else
    /// none.
    fn place_of(&self, answer: &Answer) -> Option<Place> {
        if answer.is_about_selected() {
            return self.place();
        }
        answer.mailbox().map(|name| Place { mailbox: name.clone(), selection: None })
    }

    fn on_status(&mut self, response: Untagged, status: &StatusResponse, now: Instant) {
        self.on_code(status);
        if self.lifecycle.greeting().is_none() {
            return self.lifecycle.on_greeting(status.clone());
        }
        if status.status == Status::Bye {
            return self.lifecycle.on_bye(status, now);
        }
        let is_alert = status.code == Some(Code::Alert);
        if status.code == Some(Code::NotificationOverflow) && self.on_notify_overflow(now) {
            return;
        }
        if let Some(Code::UidValidity(uid_validity)) = &status.code
            && !self.is_opening()
            && let Some(selection) = self.selected.current()
            && selection.uid_validity() != *uid_validity
            && uid_validity.is_some()
        {
            let exists = selection.view().len();
            self.resync("UIDVALIDITY changed while the mailbox was selected".into(), exists, *uid_validity);
            return;
        }
        let mut reported_elsewhere =
            is_alert || matches!(status.code, Some(Code::Capability(_) | Code::Closed));
        if let Some(selection) = self.selected.current().filter(|_| !self.is_opening()) {
            // Numbers that accompany changes, which are reported by themselves: stored for the
            // handles, no event.
            if let Some(Code::UidNext(reported)) = &status.code {
                selection.set_uid_next(*reported);
            }
            reported_elsewhere |= matches!(status.code, Some(Code::HighestModSeq(_) | Code::UidNext(_)));
        }
        if let Some(Code::InProgress(progress)) = &status.code
            && let Some(owner) = progress.tag.as_deref().and_then(|tag| self.scheduler.shared().owner(tag))
            && self.inflight.progress(owner, progress)
        {
            // RFC 9585 section 4: it is about this command alone, and no event.
            return;
        }
        if let Some(Code::MessageLimit { .. }) = status.code
            && self.inflight.note_limit(status)
        {
            return;
        }
        // Of a mailbox that has no handle any more, as with its messages.
        reported_elsewhere |= self.selected.is_orphaned()
            && matches!(
                status.code,
                Some(Code::HighestModSeq(_) | Code::UidNext(_) | Code::UidValidity(_) | Code::NoModSeq)
            );
        let (_, back) = self.route(response);
        if let Some(response) = back.filter(|_| !reported_elsewhere) {
            let place = response.place().cloned();
            self.report(Event::new(EventKind::Notice(status.clone())).at(place));
        }
    }

    /// A change of messages while no mailbox is selected here. After BAD to a SELECT the server may
    /// still report the mailbox before, which has no handle any more; else it is data like any
    /// other.
    pub(in crate::engine) fn on_unselected_data(&mut self, response: Untagged) {
        if !self.selected.is_orphaned() {
            self.deliver(response);
        }
    }

    fn on_exists(&mut self, count: u32, response: Untagged) {
        if self.is_opening() {
            self.selected.on_opening_data(&response);
            self.route_or_discard(response);
            return;
        }
        if self.is_too_large(count) {
            return;
        }
        let Some(selection) = self.selected.current_mut() else { return self.on_unselected_data(response) };
        match selection.exists(count) {
            Ok(grown) => {
                let place = response.place().cloned();
                self.route_or_discard(response);
                if grown {
                    self.report(Event::new(EventKind::Exists { count }).at(place));
                    self.on_count_changed();
                }
            }
            Err(_) => {
                let what = format!("{count} EXISTS, and {} messages are known", selection.view().len());
                self.resync(what, count, None);
            }
        }
    }

    fn on_expunge(&mut self, seq: Seq, mut response: Untagged) {
        let Some(selection) = self.selected.current_mut() else {
            self.selected.on_unselected_removal(1);
            return self.on_unselected_data(response);
        };
        match selection.expunge(seq) {
            Ok(entry) => {
                let was_deleted = entry.flags.as_ref().is_some_and(|f| f.contains(&Flag::Deleted));
                let place = response.place().cloned();
                *response.answer_mut() = Answer::Expunge { seq, uid: entry.uid };
                let sure = entry.uid.is_some();
                let claimer = self.route_or_discard(response);
                let cause = claimer.filter(|id| sure && (was_deleted || self.inflight.names_messages(*id)));
                let kind = EventKind::Expunged { seq: Some(seq), uid: entry.uid };
                self.report(Event::new(kind).at(place).caused_by(cause));
                self.on_numbers_shifted();
                self.on_count_changed();
            }
            Err(_) => {
                let exists = selection.view().len();
                self.resync(format!("{seq} EXPUNGE, and {exists} messages are known"), exists, None);
            }
        }
    }
}
