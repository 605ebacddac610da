//! Commands in flight that ask the same: whose is the first answer?
//!
//! The oldest one's (DESIGN: claims), and the next answer is the next one's. That is right as long as the younger command is
//! not the first to end; RFC 9051 section 5.5 leaves that to the server. Then what went to the older one may have been the
//! younger one's, and its result is no whole one.
//!
//! In: answers that one command got and others had asked for too; tagged responses. Out: the error of a command that may have
//! been robbed so. From then on the server is given one such command at a time.

use super::Engine;
use crate::command::{Effect, Hears, Names};
use crate::error::{Error, Sent};
use crate::types::{Answer, CommandId, Scattered, Seq, Uid, UidSet, Untagged};
use crate::view::View;

/// How many younger commands are asked about each answer: with thousands that ask the same it is to cost no more than with a
/// few.
pub(super) const MOST: usize = 16;

/// What an older command got that this one had asked for too, and has not got since.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    to: Vec<CommandId>,
    uids: Scattered<Uid>,
    seqs: Scattered<Seq>,
    names: Names,
}

impl Lost {
    fn add(&mut self, heard: &Untagged, to: CommandId) {
        if !self.to.contains(&to) {
            self.to.push(to);
        }
        match heard.answer() {
            Answer::Fetch(row) => match (row.uid(), row.seq()) {
                (Some(uid), _) => self.uids.insert(uid),
                (None, Some(seq)) => self.seqs.insert(seq),
                (None, None) => {}
            },
            Answer::List(entry) | Answer::Lsub(entry) => self.names.insert(&entry.name),
            _ => {}
        }
    }

    /// Such an answer has come to it after all.
    pub(super) fn found(&mut self, heard: &Untagged) {
        match heard.answer() {
            Answer::Fetch(row) => match (row.uid(), row.seq()) {
                (Some(uid), _) => self.uids.remove(uid),
                (None, Some(seq)) => self.seqs.remove(seq),
                (None, None) => {}
            },
            Answer::List(entry) | Answer::Lsub(entry) => self.names.remove(&entry.name),
            _ => {}
        }
    }

    /// Whether there is nothing of it that a server still has to tell: of messages that have gone it has not.
    fn is_nothing(&self, view: Option<&View>) -> bool {
        let known = view.map(View::uids).filter(|known| !known.is_empty());
        let there = |known: UidSet| !known.intersection(&self.uids.to_set()).is_empty();
        let uids = self.uids.is_empty() || known.is_some_and(|known| !there(known));
        uids && self.seqs.is_empty() && self.names.is_empty()
    }
}

/// Whether two commands may ask for the same answer of this kind.
pub(super) fn have_rivals(kind: Hears) -> bool {
    kind.overlaps(Hears::FETCH) || kind.overlaps(Hears::LIST) || kind.overlaps(Hears::LSUB)
}

impl Engine {
    /// An answer goes to its owner, and these have asked for the same.
    pub(super) fn note_rivals(&mut self, heard: &Untagged, owner: CommandId, rivals: &[CommandId]) {
        for id in rivals {
            if let Some(flight) = self.flights.get_mut(id).filter(|f| matches!(f.class.effect, Effect::None))
            {
                flight.lost.get_or_insert_default().add(heard, owner);
            }
        }
    }

    /// The error of a command that ends before one that got what it had asked for.
    pub(super) fn robbed(&mut self, id: CommandId) -> Option<Error> {
        let flight = self.flights.get(&id).filter(|f| f.own.is_none())?;
        let lost =
            flight.lost.as_ref().filter(|lost| !lost.is_nothing(self.selection.as_ref().map(|s| &s.view)))?;
        let older = lost.to.iter().copied().find(|to| self.flights.contains_key(to))?;
        let message =
            format!("the server answered it before {older}, which may have got rows that were its own");
        let error = Error::protocol(message).in_command(flight.job.name()).sent(Sent::Fully);
        tracing::warn!(command = %id, "the server does not answer in order: it is given one such command at a time");
        self.session.out_of_order = true;
        Some(error)
    }
}
