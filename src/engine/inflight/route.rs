//! Claims: whose answer a response is (ARCHITECTURE.md, section 7), and what becomes of it if it is nobody's.
//!
//! In: an untagged response of which the view has learned already. Out: it goes to the command that asked for it, or to the
//! event stream.

use crate::command::{Claim, Effect, Hears, Messages};
use crate::engine::inflight::ambiguous::{MOST, have_rivals};
use crate::engine::inflight::completion::is_change;
use crate::engine::inflight::entry::InFlightCommand;
use crate::engine::submit::slot::data_event;
use crate::engine::write::secrets::left_out;
use crate::engine::{Engine, excerpt};
use crate::types::{Answer, Code, CommandId, Event, EventKind, StatusResponse, Uid, UidSet, Untagged};

/// How well a response fits a command; the best comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// All that it holds was asked for.
    Whole,
    /// The same, and more was asked for that it could tell and does not: COPYUID of some messages of a MOVE.
    Some,
    /// It holds something that was asked for.
    Part,
    /// It belongs to no such command, unless there is no other: an untagged COPYUID to a COPY.
    Stopgap,
}

impl Fit {
    fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Some)
    }
}

impl Engine {
    /// Gives a response to its command; else it is data on the event stream.
    pub(in crate::engine) fn deliver(&mut self, heard: Untagged) {
        let (_, back) = self.give(heard);
        let Some(back) = back else { return };
        let event = match back.answer() {
            // Told as changes of capabilities; what was enabled is known to who asked for it.
            Answer::Capability(_) => return,
            Answer::Other => EventKind::Unknown {
                name: back.name().to_owned(),
                bytes: back.raw().map(excerpt).unwrap_or_default(),
            },
            answer => EventKind::Data(answer.clone()),
        };
        let event = left_out(&back).unwrap_or(event);
        let place = back.place().cloned();
        let event = Event::new(event).at(place);
        self.tell_before(&event);
        self.tell(event);
    }

    /// Gives a response to its command, if it has one; it is told as a change anyway. Whose it was.
    pub(in crate::engine) fn deliver_or_drop(&mut self, heard: Untagged) -> Option<CommandId> {
        self.give(heard).0
    }

    /// Gives a response to the command that claims it. Whose it is, and the response if it is nobody's.
    pub(in crate::engine) fn give(&mut self, mut heard: Untagged) -> (Option<CommandId>, Option<Untagged>) {
        let mut rivals = Vec::new();
        let Some((_, id)) = self.claimer(&heard, &mut rivals) else { return (None, Some(heard)) };
        self.note_rivals(&heard, id, &rivals);
        if let Some(opening) = self.opening.as_ref().filter(|o| o.id == id) {
            heard.set_place(Some(opening.seat.place.clone()));
            self.hear_opening(&heard);
        }
        let Some(mut flight) = self.flights.get_mut(&id) else { return (None, Some(heard)) };
        if flight.contested.is_some() && flight.job.repeats(&heard) {
            self.note_again(&heard, id);
            match self.flights.get_mut(&id) {
                Some(again) => flight = again,
                None => return (None, Some(heard)),
            }
        }
        if let Some(lost) = &mut flight.lost {
            lost.found(&heard);
        }
        if !flight.job.trim(&mut heard) {
            return (Some(id), None);
        }
        if let Some(own) = &mut flight.own {
            own.heard(heard.answer());
        }
        let change = is_change(heard.answer());
        let (sent, has_secret) = (flight.sent(), heard.has_secret());
        let back = flight.job.hear(heard, &self.settings.limits, sent);
        flight.left_out |= has_secret && back.is_some();
        if let Some(back) = back
            && let Some(event) = data_event(id, back).filter(|_| !change)
        {
            self.tell_before(&event);
            if !self.tell_row(event)
                && let Some(flight) = self.flights.get_mut(&id)
            {
                flight.job.overrun(&self.settings.limits);
            }
        }
        (Some(id), None)
    }

    /// Whether some command claims the whole of it.
    pub(in crate::engine) fn is_claimed_whole(&self, heard: &Untagged) -> bool {
        self.claimer(heard, &mut Vec::new()).is_some_and(|(fit, _)| fit.is_whole())
    }

    /// The oldest command among those that it fits best, and how well. Where it fits a younger one just as well, that is added
    /// to the rivals.
    fn claimer(&self, heard: &Untagged, rivals: &mut Vec<CommandId>) -> Option<(Fit, CommandId)> {
        let kind = kind_of(heard.answer());
        // How many younger ones are asked yet.
        let mut left = if have_rivals(kind) { MOST } else { 0 };
        let asked = |id: &CommandId| self.flights.get(id).is_some_and(|f| f.class.hears.overlaps(kind));
        if let Some(owner) = heard.owner() {
            return Some(owner).filter(asked).map(|owner| (Fit::Whole, owner));
        }
        // A better fit before a lesser one, an older command before a younger one.
        let mut best: Option<((Fit, u64), CommandId)> = None;
        self.roster.claimers.of(kind, heard, |set| {
            for (order, id) in set {
                if best.is_some_and(|(best, _)| best < (Fit::Whole, *order)) {
                    // None of the younger ones can do better.
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                }
                let Some(fit) = self.fit_of(id, heard) else { continue };
                let rank = (fit, *order);
                let (better, worse) = match best {
                    Some((best, other)) if best < rank => ((best, other), Some((rank, *id))),
                    other => ((rank, *id), other),
                };
                best = Some(better);
                let rival = worse.filter(|((fit, _), other)| fit.is_whole() && *other != better.1);
                rivals.extend(rival.map(|(_, other)| other));
            }
        });
        let claimer = best.map(|((fit, _), id)| (fit, id));
        #[cfg(test)]
        assert_eq!(
            claimer.map(|(_, id)| id),
            self.claimer_of_all(heard, kind),
            "the index has left somebody out"
        );
        claimer
    }

    /// How well this response fits that command, if it does.
    fn fit_of(&self, id: &CommandId, heard: &Untagged) -> Option<Fit> {
        let fit = match self.claim_of(id, heard) {
            Claim::No => return None,
            Claim::Whole => Fit::Whole,
            Claim::Part => Fit::Part,
        };
        match heard.answer() {
            Answer::Status(StatusResponse { code: Some(Code::CopyUid(copied)), .. }) => Some(match fit {
                Fit::Whole if self.names_more(id, &copied.from()) => Fit::Some,
                Fit::Part if !self.is_move(id) => Fit::Stopgap,
                fit => fit,
            }),
            _ => Some(fit),
        }
    }

    /// Whether this command names messages that are there, beside these. Of several lines each is answered by itself: what is named
    /// behind these, a later line names.
    fn names_more(&self, id: &CommandId, these: &UidSet) -> bool {
        let (Some(flight), Some(selection)) = (self.flights.get(id), &self.selection) else { return false };
        let Some(Messages::Uids(set)) = &flight.messages else { return false };
        let mut more = set.difference(these);
        if let Some(last) = these.last().filter(|_| flight.has_several_lines()) {
            more = more.intersection(&UidSet::from(Uid::MIN..=last));
        }
        selection.view.has_any_of(&more)
    }

    fn is_move(&self, id: &CommandId) -> bool {
        self.flights.get(id).is_some_and(|f| matches!(f.class.effect, Effect::Move))
    }

    fn claim_of(&self, id: &CommandId, heard: &Untagged) -> Claim {
        // What came before its first byte was written answers something else.
        let asks = |f: &&InFlightCommand| f.begun && !f.tags.is_empty() && !self.is_unsaid(*id);
        let flight = self.flights.get(id).filter(asks).filter(|f| !self.is_below(f, heard));
        flight.map_or(Claim::No, |f| f.job.claims(heard))
    }

    /// Whether a row is of a message below `n:*` that was not the last one at any time since that was sent: only the last is
    /// named by `n:*`, too.
    fn is_below(&self, flight: &InFlightCommand, heard: &Untagged) -> bool {
        let (Answer::Fetch(row), Some(messages)) = (heard.answer(), &flight.messages) else { return false };
        let Some(selection) = self.selection.as_ref().filter(|_| messages.leave_out(row)) else {
            return false;
        };
        let seq = row.seq().or_else(|| selection.view.seq(row.uid()?));
        let since = selection.ever().saturating_sub(flight.ever);
        // Some of those that came since may have gone: then a few more are taken for the last.
        seq.is_some_and(|seq| u64::from(seq.get()) < u64::from(selection.view.len()).saturating_sub(since))
    }
}

#[cfg(test)]
impl Engine {
    /// The same by asking all: so that each test of the engine is one of the index, too.
    fn claimer_of_all(&self, heard: &Untagged, kind: Hears) -> Option<CommandId> {
        let listens =
            |f: &InFlightCommand| f.class.hears.overlaps(kind) || f.class.hears_names.contains(&heard.name());
        let all = self.flights.iter().filter(|(_, f)| listens(f));
        let ranked = all.filter_map(|(id, flight)| Some((self.fit_of(id, heard)?, flight.order, *id)));
        ranked.min().map(|(.., id)| id)
    }
}

fn kind_of(answer: &Answer) -> Hears {
    match answer {
        Answer::Status(status) if status.code.is_some() => Hears::CODES.and(Hears::SELECT),
        Answer::Capability(_) => Hears::CAPABILITY,
        Answer::Enabled(_) => Hears::ENABLED,
        Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) => Hears::SELECT,
        Answer::List(_) => Hears::LIST.and(Hears::SELECT),
        Answer::Lsub(_) => Hears::LSUB,
        Answer::MailboxStatus(_) => Hears::STATUS,
        Answer::Search(_) | Answer::ESearch(_) | Answer::Sort(_) | Answer::Thread(_) => Hears::SEARCH,
        Answer::Expunge { .. } => Hears::EXPUNGE,
        Answer::Vanished { earlier: false, .. } => Hears::EXPUNGE,
        Answer::Vanished { earlier: true, .. } => Hears::SELECT.and(Hears::FETCH),
        Answer::Fetch(_) => Hears::FETCH,
        Answer::Id(_) => Hears::ID,
        // Barriers of users hear everything; each of these bits would do.
        _ => Hears::OTHER,
    }
}

pub(in crate::engine) fn kind_of_keyword(keyword: &str) -> Hears {
    match keyword {
        "FETCH" | "UIDFETCH" => Hears::FETCH,
        "LIST" | "XLIST" => Hears::LIST,
        "LSUB" => Hears::LSUB,
        "STATUS" => Hears::STATUS,
        "SEARCH" | "ESEARCH" | "SORT" | "THREAD" => Hears::SEARCH,
        "FLAGS" | "EXISTS" | "RECENT" => Hears::SELECT,
        "EXPUNGE" | "VANISHED" => Hears::EXPUNGE,
        "ID" => Hears::ID,
        "ENABLED" => Hears::ENABLED,
        "CAPABILITY" => Hears::CAPABILITY,
        _ => Hears::OTHER,
    }
}
