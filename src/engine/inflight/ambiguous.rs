//! Commands in flight that ask for the same data: finds where an answer may have gone to the wrong
//! one, and fails the one that may lack it.
//!
//! The first answer goes to the oldest command (ARCHITECTURE.md, section 7), the next to the next.
//! That is right as long as the younger command is not the first to end (RFC 9051 section 5.5
//! leaves that to the server), the older one is not refused, no message's row is routed to it
//! twice, and the younger one does not get a part of the items alone. Else a response routed to the
//! older one may have been the younger one's, and its result is incomplete. (If the older one got
//! one row of a message and the younger one none, the message was expunged in between: the EXPUNGE
//! follows.)
//!
//! In: answers that one command received and others had asked for too; tagged responses. Out: the
//! error of a command whose answers may have been diverted so. Once a server has answered out of
//! order it is given one such command at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::{Effect, ItemSet, NameSet, ResponseKinds, RowItems};
use crate::engine::inflight::InFlight;
use crate::engine::inflight::named_messages::NamedMessages;
use crate::error::{Error, ErrorKind, Sent};
use crate::types::{Answer, CommandId, Message, Untagged};
use crate::view::View;

/// How many younger commands are asked about each answer: with thousands that ask the same it is to
/// cost no more than with a few.
pub(super) const MAX_DIVERTED: usize = 16;

/// Of a command that got what younger ones had asked for too: which ones.
#[derive(Debug, Default)]
pub(super) struct Contested {
    refused: RefusedFlag,
    /// At most [`MAX_DIVERTED`].
    by: Vec<CommandId>,
}

/// Whether a command that got what others had asked for too was refused; shared with these.
#[derive(Clone, Debug, Default)]
struct RefusedFlag(Arc<AtomicBool>);

impl RefusedFlag {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What an older command got that this one had asked for too, and has not got since.
#[derive(Debug, Default)]
pub(super) struct DivertedAnswers {
    to: Vec<(CommandId, RefusedFlag)>,
    rows: Vec<DivertedRows>,
    names: NameSet,
    /// The result of a search, which names nothing.
    found: bool,
    /// Of these messages the older one got a further row since.
    twice: NamedMessages,
    /// Of these it has got something itself, but not all that the older one got.
    partly: NamedMessages,
    /// One of its lines was answered before the older one, and of these it had nothing then.
    early: NamedMessages,
}

/// Rows that had the same of what was asked for.
#[derive(Debug)]
struct DivertedRows {
    items: ItemSet,
    /// The row had flags alone and more was asked for: if no other items follow, it was not the
    /// answer.
    flags_alone: bool,
    messages: NamedMessages,
}

/// How many kinds of rows are kept apart; of further kinds all items must be received.
const MAX_KINDS: usize = 8;

impl DivertedAnswers {
    fn add(&mut self, response: &Untagged, items: RowItems, to: CommandId, refused: &RefusedFlag) {
        if self.to.iter().all(|(other, _)| *other != to) {
            self.to.push((to, refused.clone()));
        }
        match response.answer() {
            Answer::Fetch(row) => self.rows_with(items).messages.insert(row.seq(), row.uid()),
            Answer::List(entry) | Answer::Lsub(entry) => self.names.insert(&entry.name),
            Answer::MailboxStatus(status) => self.names.insert(&status.name),
            answer => self.found |= is_found(answer),
        }
    }

    /// The rows with what was asked for of such a row, or with more where there are too many kinds.
    fn rows_with(&mut self, RowItems { asked, flags_alone, .. }: RowItems) -> &mut DivertedRows {
        let place = self.rows.iter().position(|rows| rows.items == asked);
        let place = place.unwrap_or_else(|| {
            if self.rows.len() < MAX_KINDS {
                let messages = NamedMessages::default();
                self.rows.push(DivertedRows { items: asked, flags_alone, messages });
            }
            self.rows.len() - 1
        });
        let rows = &mut self.rows[place];
        rows.items = rows.items.union(asked);
        rows.flags_alone &= flags_alone;
        rows
    }

    /// It has received such an answer after all.
    pub(super) fn found(&mut self, response: &Untagged, items: RowItems) {
        match response.answer() {
            Answer::Fetch(row) => {
                let all = items.asked.union(items.received);
                let mut lacks = false;
                for rows in self.rows.iter_mut().filter(|rows| rows.messages.contains(row.seq(), row.uid())) {
                    if rows.items.is_subset_of(all) {
                        rows.messages.remove(row.seq(), row.uid());
                    } else {
                        lacks = true;
                    }
                }
                if lacks && !all.is_empty() && !items.flags_alone {
                    self.partly.insert(row.seq(), row.uid());
                } else if !lacks {
                    for messages in [&mut self.twice, &mut self.partly, &mut self.early] {
                        messages.remove(row.seq(), row.uid());
                    }
                }
            }
            Answer::List(entry) | Answer::Lsub(entry) => self.names.remove(&entry.name),
            Answer::MailboxStatus(status) => self.names.remove(&status.name),
            answer => self.found &= !is_found(answer),
        }
    }

    /// The older one gets a further row of a message, with these items again. Flags come unasked,
    /// too, so they count only if this one had asked for nothing else.
    fn again(&mut self, row: &Message, repeated: ItemSet) {
        let counts = |rows: &DivertedRows| {
            repeated.has_data() || !rows.items.has_data() && rows.items.overlaps(repeated)
        };
        if self.answers().any(|rows| counts(rows) && rows.messages.contains(row.seq(), row.uid())) {
            self.twice.insert(row.seq(), row.uid());
        }
    }

    /// A line of it was answered before an older command: what has not come by now does not come,
    /// unless another line names it.
    fn line_ended_early(&mut self) {
        for rows in self.rows.iter().filter(|rows| !rows.flags_alone) {
            self.early.extend(&rows.messages);
        }
    }

    /// The rows each of which may have been an answer by itself.
    fn answers(&self) -> impl Iterator<Item = &DivertedRows> {
        self.rows.iter().filter(|rows| !rows.flags_alone)
    }

    /// Whether the server has nothing of it left to send: of messages that are gone it sends
    /// nothing.
    fn is_nothing(&self, view: Option<&View>) -> bool {
        let gone = self.answers().all(|rows| rows.messages.are_gone(view));
        gone && self.partly.is_empty() && self.names.is_empty() && !self.found
    }
}

/// Whether it says which messages were found.
fn is_found(answer: &Answer) -> bool {
    matches!(answer, Answer::Search(_) | Answer::ESearch(_) | Answer::Sort(_) | Answer::Thread(_))
}

/// Whether two commands may ask for the same answer of this kind.
pub(super) fn may_be_contested(kind: ResponseKinds) -> bool {
    kind.overlaps(
        ResponseKinds::FETCH
            .and(ResponseKinds::LIST)
            .and(ResponseKinds::LSUB)
            .and(ResponseKinds::STATUS)
            .and(ResponseKinds::SEARCH)
            .and(ResponseKinds::SORT)
            .and(ResponseKinds::THREAD),
    )
}

impl InFlight {
    /// A row repeats for its owner one of a message that others had asked for too. The answer of
    /// one message in two rows, each with other items, repeats nothing.
    pub(super) fn note_again(&mut self, response: &Untagged, repeated: ItemSet, owner: CommandId) {
        let Answer::Fetch(row) = response.answer() else { return };
        let Some(contested) = self.entries.get(&owner).and_then(|entry| entry.contested.as_ref()) else {
            return;
        };
        for id in contested.by.clone() {
            if let Some(lost) = self.entries.get_mut(&id).and_then(|entry| entry.lost.as_mut()) {
                lost.again(row, repeated);
            }
        }
    }

    /// An answer is routed to its owner, and these have asked for the same.
    pub(super) fn note_contested(
        &mut self,
        response: &Untagged,
        owner: CommandId,
        contested_by: &[CommandId],
    ) {
        if contested_by.is_empty() {
            return;
        }
        let Some(entry) = self.entries.get_mut(&owner) else { return };
        let contested = entry.contested.get_or_insert_default();
        for id in contested_by {
            if contested.by.len() < MAX_DIVERTED && !contested.by.contains(id) {
                contested.by.push(*id);
            }
        }
        let refused = contested.refused.clone();
        for id in contested_by {
            if let Some(entry) =
                self.entries.get_mut(id).filter(|f| matches!(f.submission.class.effect, Effect::None))
            {
                let items = entry.submission.job.items_of(response);
                entry.lost.get_or_insert_default().add(response, items, owner, &refused);
            }
        }
    }

    /// One of several lines of a command was answered. If one that got what this one had asked for
    /// too is in flight still, the server does not answer in order.
    pub(super) fn note_line_ended(&mut self, id: CommandId) {
        let lost = self.entries.get(&id).and_then(|entry| entry.lost.as_ref());
        if lost.is_none_or(|lost| lost.to.iter().all(|(to, _)| !self.has(*to))) {
            return;
        }
        if let Some(lost) = self.entries.get_mut(&id).and_then(|entry| entry.lost.as_mut()) {
            lost.line_ended_early();
        }
    }

    /// A command was refused: what it got may have been others'.
    pub(crate) fn refuse(&self, id: CommandId) {
        if let Some(contested) = self.entries.get(&id).and_then(|entry| entry.contested.as_ref()) {
            contested.refused.set();
        }
    }

    /// The error of a command whose answers may have gone to an older one. `Protocol`: it ends
    /// before that one, or one of its lines does, so the server does not answer in order.
    /// `Incomplete`: the older one was refused or got two rows of a message, or this one got only
    /// some of a message's items.
    pub(super) fn check_diverted(&self, id: CommandId, view: Option<&View>) -> Option<Error> {
        let entry = self.entries.get(&id).filter(|entry| !entry.is_internal())?;
        let lost = entry.lost.as_ref().filter(|lost| !lost.is_nothing(view))?;
        let error = |kind, message| Some(Error::new(kind, message).with_sent(Sent::Fully));
        if let Some((older, _)) = lost.to.iter().find(|(to, _)| self.has(*to)) {
            let message =
                format!("the server answered it before {older}, which may have got rows that were its own");
            return error(ErrorKind::Protocol, message);
        }
        if !lost.early.are_gone(view) {
            let message = "the server answered one of its lines before an older command, which may have got rows that \
                           were its own";
            return error(ErrorKind::Protocol, message.to_owned());
        }
        let message = if let Some((refused, _)) = lost.to.iter().find(|(_, refused)| refused.get()) {
            format!("{refused} was refused, which had got rows that may have been its own")
        } else if !lost.twice.are_gone(view) {
            "rows of the same messages went twice to an older command: one of them may have been its own"
                .to_owned()
        } else if !lost.partly.is_empty() {
            "some items of its messages went to an older command, and may have been its own".to_owned()
        } else {
            return None;
        };
        error(ErrorKind::Incomplete, message)
    }
}
