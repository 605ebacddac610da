//! Routing of what is heard: state and view first, then whose it is, then the events.
//!
//! In: responses in wire order. Out: each to the command that asked for it, or to the event stream, or
//! to both if it is an answer and a change (ARCHITECTURE.md, section 7).

use std::time::Instant;

use bytes::Bytes;

use crate::command::Hears;
use crate::engine::inflight::route::kind_of_keyword;
use crate::engine::{Engine, LAST_WORDS, excerpt};
use crate::types::{
    Answer, Code, CommandId, Event, EventKind, Flag, MailboxName, Place, Seq, Status, StatusResponse,
    Untagged,
};
use crate::wire::{Response, Unparsable};

/// How many extensions are known as enabled: more than there are. A server could name others without end.
const MOST_ENABLED: usize = 100;

/// How many limits may be told apart before one of the commands that they are of has ended.
const MOST_LIMITS_TOLD: usize = 16;

impl Engine {
    /// A response has come; and its bytes if [`wants_raw`](Self::wants_raw) says so.
    pub(crate) fn handle(&mut self, mut response: Response, raw: Option<Bytes>, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        if self.greeting.is_none() && !matches!(response, Response::Untagged(_)) {
            // No IMAP server begins so: it is POP3, or what else begins with a word or a plus.
            let text = match response {
                Response::Tagged { tag, status } => format!("{tag} {status}"),
                Response::Continuation { text } => format!("+{}", String::from_utf8_lossy(&text)),
                Response::Untagged(_) => String::new(),
            };
            return self.hear_foreign(text);
        }
        self.leave_secrets_out(&mut response);
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

    /// Not IMAP, or a server that has no time for us: what it said is all that there is to tell.
    fn hear_foreign(&mut self, text: String) {
        self.foreign = !text.starts_with('*');
        self.greeting = Some(StatusResponse::new(Status::Bye, None, text.clone()));
        self.bye = Some(StatusResponse::new(Status::Bye, None, text));
    }

    /// A response has come that can't be read.
    pub(crate) fn handle_unreadable(&mut self, bytes: &Bytes, why: &Unparsable, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        if self.greeting.is_none() {
            return self.hear_foreign(String::from_utf8_lossy(&excerpt(bytes)).into_owned());
        }
        let kind = why.keyword.as_deref().map_or(Hears::NOTHING, kind_of_keyword);
        let keyword = why.keyword.as_deref().unwrap_or_default();
        let kept = self.excerpt_without_secrets(bytes);
        self.missed.add(kind, keyword, &kept);
        let error = format!("{} (at byte {})", why.message, why.at);
        let place = self.place();
        self.tell(Event::new(EventKind::Unparsed { bytes: kept, error }).at(place));
        if bytes.starts_with(b"*") {
            self.miss_change(kind);
        }
        // A line with a tag of ours always ends that command.
        let first = bytes.split(|byte| *byte <= b' ').next().unwrap_or_default();
        let tag = String::from_utf8_lossy(first);
        if self.answered_by(&tag).is_some() {
            self.handle_unreadable_end(&tag, now);
        }
    }

    /// What can't be read may have told of messages: it must not be taken for known.
    fn miss_change(&mut self, kind: Hears) {
        if !matches!(kind, Hears::FETCH | Hears::EXPUNGE | Hears::NOTHING) {
            return;
        }
        if let Some(opening) = &mut self.opening {
            opening.earlier.miss();
        }
        let Some(selection) = &mut self.selection else { return };
        if kind == Hears::EXPUNGE && selection.may_begin_anew() {
            let exists = selection.view.len();
            self.contradicted("it told of messages that are gone, and not which".into(), exists);
        } else {
            selection.in_step.stay();
        }
    }

    /// Whether mailbox names come in UTF-8 from here on.
    pub(crate) fn is_utf8(&self) -> bool {
        self.session.is_utf8()
    }

    /// Whether raw bytes of each response are wanted.
    pub(crate) fn wants_raw(&self) -> bool {
        self.roster.raw_listeners > 0
    }

    fn handle_untagged(&mut self, mut heard: Untagged, now: Instant) {
        heard.set_place(self.place_of(heard.answer()));
        match heard.answer() {
            Answer::Status(status) => {
                let mut status = status.clone();
                if heard.has_secret() {
                    self.blank(&mut status);
                }
                self.hear_status(heard, &status, now);
            }
            Answer::Capability(all) => {
                let all = all.clone();
                self.learn_capabilities(all);
                self.deliver(heard);
            }
            Answer::Enabled(names) => {
                let names = names.clone();
                let (claimer, back) = self.give(heard);
                // Believed only as the answer to an ENABLE of ours.
                if claimer.is_some() {
                    for name in names {
                        if self.session.enabled.len() < MOST_ENABLED && !self.session.is_enabled(&name) {
                            self.session.enabled.push(name);
                        }
                    }
                } else if let Some(back) = back {
                    self.tell(Event::new(EventKind::Data(back.into_answer())));
                }
            }
            Answer::Fetch(_) => self.hear_row(heard),
            Answer::Exists(count) => self.hear_exists(*count, heard),
            Answer::Recent(_) => {
                // Only of use with SELECT; the recent flag of a message comes with its flags.
                self.deliver_or_drop(heard);
            }
            Answer::Expunge { seq, .. } => self.hear_expunge(*seq, heard),
            Answer::Vanished { earlier, uids } => {
                let (earlier, uids) = (*earlier, uids.clone());
                if earlier {
                    self.hear_vanished_earlier(&uids, heard);
                } else {
                    self.hear_vanished(&uids, heard);
                }
            }
            Answer::List(entry) | Answer::Lsub(entry) => {
                let entry = entry.clone();
                self.hear_list(&entry, heard);
            }
            Answer::MailboxStatus(_) => self.hear_counts(heard),
            Answer::Metadata(told) => {
                let told = told.clone();
                self.hear_metadata(told, heard);
            }
            Answer::ESearch(found) => {
                let owner = found.tag.as_deref().and_then(|tag| self.shared.owner(tag));
                heard.set_owner(owner);
                self.deliver(heard);
            }
            _ => self.deliver(heard),
        }
    }

    /// The mailbox that a response is about: the one that it names, else the selected one, else none.
    fn place_of(&self, answer: &Answer) -> Option<Place> {
        let named = |name: &MailboxName| Some(Place { mailbox: name.clone(), selection: None });
        match answer {
            Answer::List(entry) | Answer::Lsub(entry) => named(&entry.name),
            Answer::MailboxStatus(status) => named(&status.name),
            Answer::Acl(acl) => named(&acl.mailbox),
            Answer::ListRights(rights) => named(&rights.mailbox),
            Answer::MyRights(rights) => named(&rights.mailbox),
            Answer::QuotaRoot(roots) => named(&roots.mailbox),
            Answer::Metadata(told) => told.mailbox.as_ref().and_then(named),
            Answer::Status(_)
            | Answer::Flags(_)
            | Answer::Exists(_)
            | Answer::Recent(_)
            | Answer::Expunge { .. }
            | Answer::Vanished { .. }
            | Answer::Fetch(_)
            | Answer::Search(_)
            | Answer::ESearch(_)
            | Answer::Sort(_)
            | Answer::Thread(_)
            | Answer::UidBatches(_) => self.place(),
            _ => None,
        }
    }

    fn hear_status(&mut self, heard: Untagged, status: &StatusResponse, now: Instant) {
        self.hear_code(status);
        if self.greeting.is_none() {
            self.greeting = Some(status.clone());
            if status.status == Status::Bye {
                self.bye = Some(status.clone());
            }
            return;
        }
        if status.status == Status::Bye {
            self.bye.get_or_insert_with(|| status.clone());
            self.last_words.get_or_insert(now + LAST_WORDS);
            return;
        }
        let is_alert = status.code == Some(Code::Alert);
        if status.code == Some(Code::NotificationOverflow) && self.notifications_lost(now) {
            return;
        }
        if let Some(Code::UidValidity(era)) = &status.code
            && !self.is_opening()
            && let Some(selection) = &mut self.selection
            && selection.uid_validity != *era
            && era.is_some()
        {
            let exists = selection.view.len();
            self.begin_anew("UIDVALIDITY changed while the mailbox was selected".into(), exists, *era);
            return;
        }
        let mut told_elsewhere = is_alert || matches!(status.code, Some(Code::Capability(_) | Code::Closed));
        if let Some(selection) = self.selection.as_ref().filter(|_| !self.is_opening()) {
            // Numbers that go with changes, which are told by themselves: known to the handles, no news.
            if let Some(Code::UidNext(told)) = &status.code {
                selection.set_uid_next(*told);
            }
            told_elsewhere |= matches!(status.code, Some(Code::HighestModSeq(_) | Code::UidNext(_)));
        }
        if let Some(Code::InProgress(progress)) = &status.code
            && let Some(owner) = progress.tag.as_deref().and_then(|tag| self.shared.owner(tag))
            && let Some(flight) = self.flights.get(&owner)
        {
            // RFC 9585 section 4: it is about this command alone, and no news.
            return flight.job.progress(progress);
        }
        if let Some(Code::MessageLimit { .. }) = status.code
            && self.flights.values().any(|f| f.begun && f.may_be_limited())
        {
            // No more than a server that says it in earnest has in flight, whose texts may be long.
            if self.limits_told.len() < MOST_LIMITS_TOLD {
                self.limits_told.push_back((status.clone(), self.sent_so_far));
            } else {
                // Whose it is can't be kept track of: none of them may pass for whole.
                let told = StatusResponse { text: String::new(), ..status.clone() };
                let all = self.flights.values_mut().filter(|f| f.begun && f.may_be_limited());
                for flight in all {
                    flight.limited.get_or_insert_with(|| told.clone());
                }
            }
            return;
        }
        // Of a mailbox that has no handle any more, as with its messages.
        told_elsewhere |= self.stray_selection
            && matches!(
                status.code,
                Some(Code::HighestModSeq(_) | Code::UidNext(_) | Code::UidValidity(_) | Code::NoModSeq)
            );
        let (_, back) = self.give(heard);
        if let Some(heard) = back.filter(|_| !told_elsewhere) {
            let place = heard.place().cloned();
            self.tell(Event::new(EventKind::Notice(status.clone())).at(place));
        }
    }

    /// News of messages, and no mailbox is selected here. After BAD to a SELECT the server may still speak of the
    /// one before, which has no handle any more; else it is data like any other.
    pub(in crate::engine) fn hear_unselected(&mut self, heard: Untagged) {
        if !self.stray_selection {
            self.deliver(heard);
        }
    }

    fn hear_exists(&mut self, count: u32, heard: Untagged) {
        if self.is_opening() {
            self.hear_opening(&heard);
            self.deliver_or_drop(heard);
            return;
        }
        if self.is_too_large(count) {
            return;
        }
        let Some(selection) = &mut self.selection else { return self.hear_unselected(heard) };
        match selection.view.exists(count) {
            Ok(grown) => {
                selection.changed |= grown;
                let place = heard.place().cloned();
                self.deliver_or_drop(heard);
                if grown {
                    self.tell(Event::new(EventKind::Exists { count }).at(place));
                    self.count_changed();
                }
            }
            Err(_) => {
                let what = format!("{count} EXISTS, and {} messages are known", selection.view.len());
                self.contradicted(what, count);
            }
        }
    }

    fn hear_expunge(&mut self, seq: Seq, mut heard: Untagged) {
        let Some(selection) = &mut self.selection else {
            self.opening_shrinks(1);
            return self.hear_unselected(heard);
        };
        match selection.view.expunge(seq) {
            Ok(entry) => {
                let was_deleted = entry.flags.as_ref().is_some_and(|f| f.contains(&Flag::Deleted));
                selection.changed = true;
                let place = heard.place().cloned();
                *heard.answer_mut() = Answer::Expunge { seq, uid: entry.uid };
                let sure = entry.uid.is_some();
                let claimer = self.deliver_or_drop(heard);
                let cause = claimer.filter(|id| sure && (was_deleted || self.names_messages(*id)));
                self.told_removal(entry.uid);
                let kind = EventKind::Removed { seq: Some(seq), uid: entry.uid };
                self.tell(Event::new(kind).at(place).caused_by(cause));
                self.numbers_moved();
                self.count_changed();
            }
            Err(_) => {
                let exists = selection.view.len();
                self.contradicted(format!("{seq} EXPUNGE, and {exists} messages are known"), exists);
            }
        }
    }

    /// Whether a command names the messages that it removes, so that their going is surely its doing.
    pub(in crate::engine) fn names_messages(&self, id: CommandId) -> bool {
        self.flights.get(&id).is_some_and(|f| f.messages.is_some()) && !self.uses_saved(id)
    }
}
