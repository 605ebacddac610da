//! Claims: whose answer a response is (ARCHITECTURE.md, section 7), and what becomes of it if it is nobody's.
//!
//! In: an untagged response of which the view has learned already. Out: it goes to the command that asked for it, or to the
//! event stream.

use crate::command::{Claim, Effect, Messages, ResponseKinds};
use crate::engine::inflight::ambiguous::{MOST, may_be_contested};
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
    pub(in crate::engine) fn deliver(&mut self, response: Untagged) {
        let (_, back) = self.route(response);
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
        self.flush_deferred_of(&event);
        self.report(event);
    }

    /// Gives a response to its command, if it has one; it is told as a change anyway. Whose it was.
    pub(in crate::engine) fn route_or_discard(&mut self, response: Untagged) -> Option<CommandId> {
        self.route(response).0
    }

    /// Gives a response to the command that claims it. Whose it is, and the response if it is nobody's.
    pub(in crate::engine) fn route(
        &mut self,
        mut response: Untagged,
    ) -> (Option<CommandId>, Option<Untagged>) {
        let mut contested_by = Vec::new();
        let Some((_, id)) = self.claimer(&response, &mut contested_by) else { return (None, Some(response)) };
        self.note_contested(&response, id, &contested_by);
        if let Some(opening) = self.opening.as_ref().filter(|o| o.id == id) {
            response.set_place(Some(opening.selection_handle.place.clone()));
            self.on_opening_data(&response);
        }
        let Some(mut flight) = self.inflight.get_mut(&id) else { return (None, Some(response)) };
        if flight.contested.is_some() && flight.job.repeats(&response) {
            self.note_again(&response, id);
            match self.inflight.get_mut(&id) {
                Some(again) => flight = again,
                None => return (None, Some(response)),
            }
        }
        if let Some(lost) = &mut flight.lost {
            lost.found(&response);
        }
        if !flight.job.trim(&mut response) {
            return (Some(id), None);
        }
        if let Some(own) = &mut flight.own {
            own.received(response.answer());
        }
        let change = is_change(response.answer());
        let (sent, has_secret) = (flight.sent(), response.has_secret());
        let back = flight.job.hear(response, &self.settings.limits, sent);
        flight.left_out |= has_secret && back.is_some();
        if let Some(back) = back
            && let Some(event) = data_event(id, back).filter(|_| !change)
        {
            self.flush_deferred_of(&event);
            if !self.report_row(event)
                && let Some(flight) = self.inflight.get_mut(&id)
            {
                flight.job.overrun(&self.settings.limits);
            }
        }
        (Some(id), None)
    }

    /// Whether some command claims the whole of it.
    pub(in crate::engine) fn is_claimed_whole(&self, response: &Untagged) -> bool {
        self.claimer(response, &mut Vec::new()).is_some_and(|(fit, _)| fit.is_whole())
    }

    /// The oldest command among those that it fits best, and how well. Where it fits a younger one just as well, that is added
    /// to the rivals.
    fn claimer(&self, response: &Untagged, contested_by: &mut Vec<CommandId>) -> Option<(Fit, CommandId)> {
        let kind = kind_of(response.answer());
        // How many younger ones are asked yet.
        let mut left = if may_be_contested(kind) { MOST } else { 0 };
        let asked =
            |id: &CommandId| self.inflight.get(id).is_some_and(|f| f.class.answered_by.overlaps(kind));
        if let Some(owner) = response.owner() {
            return Some(owner).filter(asked).map(|owner| (Fit::Whole, owner));
        }
        // A better fit before a lesser one, an older command before a younger one.
        let mut best: Option<((Fit, u64), CommandId)> = None;
        self.roster.claimers.of(kind, response, |set| {
            for (order, id) in set {
                if best.is_some_and(|(best, _)| best < (Fit::Whole, *order)) {
                    // None of the younger ones can do better.
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                }
                let Some(fit) = self.fit_of(id, response) else { continue };
                let rank = (fit, *order);
                let (better, worse) = match best {
                    Some((best, other)) if best < rank => ((best, other), Some((rank, *id))),
                    other => ((rank, *id), other),
                };
                best = Some(better);
                let rival = worse.filter(|((fit, _), other)| fit.is_whole() && *other != better.1);
                contested_by.extend(rival.map(|(_, other)| other));
            }
        });
        let claimer = best.map(|((fit, _), id)| (fit, id));
        #[cfg(test)]
        assert_eq!(
            claimer.map(|(_, id)| id),
            self.claimer_of_all(response, kind),
            "the index has left somebody out"
        );
        claimer
    }

    /// How well this response fits that command, if it does.
    fn fit_of(&self, id: &CommandId, response: &Untagged) -> Option<Fit> {
        let fit = match self.claim_of(id, response) {
            Claim::No => return None,
            Claim::Whole => Fit::Whole,
            Claim::Part => Fit::Part,
        };
        match response.answer() {
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
        let (Some(flight), Some(selection)) = (self.inflight.get(id), &self.selection) else { return false };
        let Some(Messages::Uids(set)) = &flight.messages else { return false };
        let mut more = set.difference(these);
        if let Some(last) = these.last().filter(|_| flight.has_several_lines()) {
            more = more.intersection(&UidSet::from(Uid::MIN..=last));
        }
        selection.view.has_any_of(&more)
    }

    fn is_move(&self, id: &CommandId) -> bool {
        self.inflight.get(id).is_some_and(|f| matches!(f.class.effect, Effect::Move))
    }

    fn claim_of(&self, id: &CommandId, response: &Untagged) -> Claim {
        // What came before its first byte was written answers something else.
        let asks = |f: &&InFlightCommand| f.begun && !f.tags.is_empty() && !self.awaits_resend(*id);
        let flight = self.inflight.get(id).filter(asks).filter(|f| !self.is_below(f, response));
        flight.map_or(Claim::No, |f| f.job.claims(response))
    }

    /// Whether a row is of a message below `n:*` that was not the last one at any time since that was sent: only the last is
    /// named by `n:*`, too.
    fn is_below(&self, flight: &InFlightCommand, response: &Untagged) -> bool {
        let (Answer::Fetch(row), Some(messages)) = (response.answer(), &flight.messages) else {
            return false;
        };
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
    fn claimer_of_all(&self, response: &Untagged, kind: ResponseKinds) -> Option<CommandId> {
        let listens = |f: &InFlightCommand| {
            f.class.answered_by.overlaps(kind) || f.class.keywords.contains(&response.name())
        };
        let all = self.inflight.iter().filter(|(_, f)| listens(f));
        let ranked = all.filter_map(|(id, flight)| Some((self.fit_of(id, response)?, flight.order, *id)));
        ranked.min().map(|(.., id)| id)
    }
}

fn kind_of(answer: &Answer) -> ResponseKinds {
    match answer {
        Answer::Status(status) if status.code.is_some() => ResponseKinds::CODES.and(ResponseKinds::SELECT),
        Answer::Capability(_) => ResponseKinds::CAPABILITY,
        Answer::Enabled(_) => ResponseKinds::ENABLED,
        Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) => ResponseKinds::SELECT,
        Answer::List(_) => ResponseKinds::LIST.and(ResponseKinds::SELECT),
        Answer::Lsub(_) => ResponseKinds::LSUB,
        Answer::MailboxStatus(_) => ResponseKinds::STATUS,
        Answer::Search(_) | Answer::ESearch(_) | Answer::Sort(_) | Answer::Thread(_) => ResponseKinds::SEARCH,
        Answer::Expunge { .. } => ResponseKinds::EXPUNGE,
        Answer::Vanished { earlier: false, .. } => ResponseKinds::EXPUNGE,
        Answer::Vanished { earlier: true, .. } => ResponseKinds::SELECT.and(ResponseKinds::FETCH),
        Answer::Fetch(_) => ResponseKinds::FETCH,
        Answer::Id(_) => ResponseKinds::ID,
        // Barriers of users hear everything; each of these bits would do.
        _ => ResponseKinds::OTHER,
    }
}

pub(in crate::engine) fn kind_of_keyword(keyword: &str) -> ResponseKinds {
    match keyword {
        "FETCH" | "UIDFETCH" => ResponseKinds::FETCH,
        "LIST" | "XLIST" => ResponseKinds::LIST,
        "LSUB" => ResponseKinds::LSUB,
        "STATUS" => ResponseKinds::STATUS,
        "SEARCH" | "ESEARCH" | "SORT" | "THREAD" => ResponseKinds::SEARCH,
        "FLAGS" | "EXISTS" | "RECENT" => ResponseKinds::SELECT,
        "EXPUNGE" | "VANISHED" => ResponseKinds::EXPUNGE,
        "ID" => ResponseKinds::ID,
        "ENABLED" => ResponseKinds::ENABLED,
        "CAPABILITY" => ResponseKinds::CAPABILITY,
        _ => ResponseKinds::OTHER,
    }
}
