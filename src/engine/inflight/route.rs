//! Claims: whose answer a response is (ARCHITECTURE.md, section 7).
//!
//! In: an untagged response that is in the view already. Out: it is in the slot of the command that
//! claims it, or is handed back; for a detached command, the event to report.

use crate::command::{Claim, ClaimScope, Effect, Match, Messages, ResponseKinds};
use crate::engine::events::data_event;
use crate::engine::inflight::InFlight;
use crate::engine::inflight::ambiguous::{MAX_DIVERTED, may_be_contested};
use crate::engine::inflight::command::InFlightCommand;
use crate::engine::submit::{InternalCommand, Origin};
use crate::types::{Answer, Code, CommandId, Event, Limits, ListEntry, Uid, UidSet, Untagged};
use crate::view::View;

/// How well a response fits a command, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// All that it holds was asked for.
    Whole,
    /// The same, and more was asked for that it could have and lacks: COPYUID of some messages of a
    /// MOVE.
    Some,
    /// It holds something that was asked for.
    Part,
    /// It belongs to no such command, unless there is no other: an untagged COPYUID to a COPY.
    Stopgap,
}

impl Fit {
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Some)
    }
}

/// What has become of a response.
pub(crate) enum Routed {
    /// No command claims it.
    Unclaimed(Untagged),
    /// It is this command's, and in its result.
    Claimed(CommandId),
    /// The same, and since the token is detached, it is reported so.
    Detached(CommandId, Event),
}

impl InFlight {
    /// Gives a response to the command that claims it. `claimed` is called before that.
    pub(crate) fn route(
        &mut self,
        mut response: Untagged,
        view: Option<&View>,
        limits: &Limits,
        claimed: impl FnOnce(CommandId, &mut Untagged),
    ) -> Routed {
        let mut contested_by = Vec::new();
        let Some((_, id)) = self.claimer(&response, view, &mut contested_by) else {
            return Routed::Unclaimed(response);
        };
        claimed(id, &mut response);
        match self.receive(id, response, &contested_by, limits) {
            Some(event) => Routed::Detached(id, event),
            None => Routed::Claimed(id),
        }
    }

    /// Of a VANISHED of these messages: the parts that commands get, which have named them, and
    /// what no command has named. A server may report in one response what several of ours removed,
    /// and others besides.
    pub(crate) fn parts_of_removed(
        &self,
        uids: UidSet,
        view: Option<&View>,
        response: &Untagged,
    ) -> Vec<UidSet> {
        let is_claimed_whole = |part: &UidSet| {
            let part = vanished(response, part);
            self.claimer(&part, view, &mut Vec::new()).is_some_and(|(fit, _)| fit.is_whole())
        };
        let (mut parts, mut given) = (Vec::new(), UidSet::new());
        if !is_claimed_whole(&uids) {
            for part in self.named_of_removed(&uids) {
                let part = part.difference(&part.intersection(&given));
                if !part.is_empty() && is_claimed_whole(&part) {
                    part.ranges().for_each(|range| given.insert_range(range));
                    parts.push(part);
                }
            }
        }
        parts.extend(Some(uids.difference(&given)).filter(|rest| !rest.is_empty()));
        parts
    }

    /// Whether a LIST that this command has received is a change all the same.
    pub(crate) fn lists_change(&self, id: CommandId, entry: &ListEntry, lsub: bool) -> bool {
        // What is not subscribed to is no answer to the engine's own question what is.
        let asks = matches!(self.internal(id), Some(InternalCommand::Subscription { .. }));
        // To SELECT, an old name says what became of the name given.
        let is_renamed = self.opens(id).is_none() && entry.renamed_from().is_some();
        asks && !lsub && !entry.has("\\Subscribed") || is_renamed
    }

    /// Gives a response to the command that has claimed it; those in `contested_by` had asked for
    /// the same. What it is to be reported as, if it belongs to a command without a token.
    fn receive(
        &mut self,
        id: CommandId,
        mut response: Untagged,
        contested_by: &[CommandId],
        limits: &Limits,
    ) -> Option<Event> {
        self.note_contested(&response, id, contested_by);
        let mut entry = self.entries.get_mut(&id)?;
        if entry.contested.is_some() || entry.lost.is_some() {
            let items = entry.submission.job.items_of(&response);
            if let Some(lost) = &mut entry.lost {
                lost.found(&response, items);
            }
            let repeated = items.asked.intersection(items.received);
            if !repeated.is_empty() {
                self.note_again(&response, repeated, id);
                entry = self.entries.get_mut(&id)?;
            }
        }
        if !entry.submission.job.trim(&mut response) || entry.is_left_out(&response) {
            return None;
        }
        if let Origin::Internal(internal) = &mut entry.submission.origin {
            internal.received(response.answer());
        }
        let (sent, has_secret) = (entry.sent(), response.has_secret());
        let back = entry.submission.job.receive(response, limits, sent);
        entry.left_out |= back.is_some() && has_secret;
        self.note_fed(id);
        back.filter(|back| !back.answer().is_change()).map(|back| data_event(back, Some(id)))
    }

    /// What was given back found no room among the events: the command's result ends there.
    pub(crate) fn overrun(&mut self, id: CommandId, limits: &Limits) {
        self.entries.get_mut(&id).into_iter().for_each(|entry| entry.submission.job.overrun(limits));
    }

    /// The oldest command among those that it fits best, and how well. Where it fits a younger one
    /// just as well, that is added to `contested_by`.
    fn claimer(
        &self,
        response: &Untagged,
        view: Option<&View>,
        contested_by: &mut Vec<CommandId>,
    ) -> Option<(Fit, CommandId)> {
        let kind = ResponseKinds::of(response.answer());
        // How many younger ones are asked yet.
        let mut left = if may_be_contested(kind) { MAX_DIVERTED } else { 0 };
        if let Some(owner) = response.owner() {
            let asked =
                self.entries.get(&owner).is_some_and(|f| f.submission.class.answered_by.overlaps(kind));
            return asked.then_some((Fit::Whole, owner));
        }
        if let Some(only) = self.index.claimers.only(kind) {
            let fit = self.entries.get(&only).and_then(|entry| entry.fit_of(response, view));
            #[cfg(test)]
            assert_eq!(fit.map(|_| only), self.claimer_of_all(response, view, kind), "others may claim it");
            return Some((fit?, only));
        }
        // A better fit before a lesser one, an older command before a younger one.
        let mut best: Option<((Fit, u64), CommandId)> = None;
        self.index.claimers.of(kind, response, |set| {
            for (order, id) in set {
                if best.is_some_and(|(best, _)| best < (Fit::Whole, *order)) {
                    // None of the younger ones can do better.
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                }
                let Some(fit) = self.entries.get(id).and_then(|entry| entry.fit_of(response, view)) else {
                    continue;
                };
                let rank = (fit, *order);
                let (better, worse) = match best {
                    Some((best, other)) if best < rank => ((best, other), Some((rank, *id))),
                    other => ((rank, *id), other),
                };
                best = Some(better);
                let younger = worse.filter(|((fit, _), other)| fit.is_whole() && *other != better.1);
                contested_by.extend(younger.map(|(_, other)| other));
            }
        });
        let claimer = best.map(|((fit, _), id)| (fit, id));
        #[cfg(test)]
        assert_eq!(
            claimer.map(|(_, id)| id),
            self.claimer_of_all(response, view, kind),
            "the index has left somebody out"
        );
        claimer
    }

    /// Whether a command asks for all that this STATUS response has.
    pub(crate) fn asks_for_status(&self, response: &Untagged) -> bool {
        let asks = |f: &InFlightCommand| {
            f.begun
                && (f.submission.class.answered_by == ResponseKinds::EVERYTHING
                    || f.submission.job.claims(response) == Claim::Whole)
        };
        let mut any = false;
        self.index.claimers.of(ResponseKinds::STATUS, response, |set| {
            any |= set.iter().filter_map(|(_, id)| self.entries.get(id)).any(|entry| asks(entry));
        });
        any
    }
}

/// A VANISHED of these messages alone.
pub(crate) fn vanished(response: &Untagged, uids: &UidSet) -> Untagged {
    let mut response = response.clone();
    *response.answer_mut() = Answer::Vanished { earlier: false, uids: uids.clone() };
    response
}

impl InFlightCommand {
    /// How well this response fits the command, if it does.
    pub(super) fn fit_of(&self, response: &Untagged, view: Option<&View>) -> Option<Fit> {
        // What came before its first byte was written answers something else.
        if !self.begun || self.tags.is_empty() || self.is_below(response, view) {
            return None;
        }
        if self.submission.class.claims_by_keyword() && !self.may_claim(response) {
            return None;
        }
        let fit = match self.submission.job.claims(response) {
            Claim::No => return None,
            Claim::Whole => Fit::Whole,
            Claim::Part => Fit::Part,
        };
        match response.answer() {
            Answer::Status(status) => Some(match (&status.code, fit) {
                (Some(Code::CopyUid(copied)), Fit::Whole) if self.names_more(&copied.from(), view) => {
                    Fit::Some
                }
                (Some(Code::CopyUid(_)), Fit::Part)
                    if !matches!(self.submission.class.effect, Effect::Move) =>
                {
                    Fit::Stopgap
                }
                _ => fit,
            }),
            _ => Some(fit),
        }
    }

    /// Whether this response can be one of a user's own command, whatever that claims: rows, copied
    /// and expunged messages only of those that it names, and no state of the selection.
    fn may_claim(&self, response: &Untagged) -> bool {
        let names =
            |uids: &UidSet| self.messages.as_ref().is_some_and(|messages| messages.claims(uids) != Claim::No);
        match response.answer() {
            Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) | Answer::Enabled(_) => false,
            Answer::Status(status) => {
                matches!(&status.code, Some(Code::CopyUid(copied)) if names(&copied.from()))
            }
            Answer::Fetch(row) => {
                let messages = self.messages.as_ref();
                messages.is_some_and(|messages| messages.matches(row) != Match::No)
            }
            Answer::Expunge { uid, .. } => uid.is_some_and(|uid| names(&uid.into())),
            Answer::Vanished { uids, .. } => names(uids),
            answer => match (&self.submission.class.about, answer.mailbox()) {
                (ClaimScope::Mailbox(mine), Some(named)) => mine.folded() == named.folded(),
                _ => true,
            },
        }
    }

    /// Whether it names existing messages beside these. Each of several lines has its own answer:
    /// messages behind these are named by a later line.
    fn names_more(&self, these: &UidSet, view: Option<&View>) -> bool {
        let (Some(view), Some(Messages::Uids(set))) = (view, &self.messages) else { return false };
        let mut more = set.difference(these);
        if let Some(last) = these.last().filter(|_| self.has_several_lines()) {
            more = more.intersection(&UidSet::from(Uid::MIN..=last));
        }
        view.has_any_of(&more)
    }

    /// Whether a row answers a user's own command only because `n:*` names the last message, too.
    fn is_left_out(&self, response: &Untagged) -> bool {
        let Answer::Fetch(row) = response.answer() else { return false };
        self.submission.class.claims_by_keyword()
            && self.messages.as_ref().is_some_and(|messages| messages.leave_out(row))
    }

    /// Whether a row is of a message below `n:*` that was not the last one at any time since that
    /// was sent: only the last is named by `n:*`, too.
    fn is_below(&self, response: &Untagged, view: Option<&View>) -> bool {
        let (Answer::Fetch(row), Some(messages)) = (response.answer(), &self.messages) else {
            return false;
        };
        let Some(view) = view.filter(|_| messages.leave_out(row)) else { return false };
        let seq = row.seq().or_else(|| view.seq(row.uid()?));
        let since = view.ever().saturating_sub(self.at_start.ever);
        // Some of those that came since may have gone: then a few more are taken for the last.
        seq.is_some_and(|seq| u64::from(seq.get()) < u64::from(view.len()).saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inflight::claim_index::keyword_of;

    impl InFlightCommand {
        /// Whether it claims responses of this kind, or with this keyword.
        fn may_claim_kind(&self, kind: ResponseKinds, response: &Untagged) -> bool {
            let class = &self.submission.class;
            match class.claims_by_keyword() {
                true => class.keywords.contains(&keyword_of(response)),
                false => class.answered_by.overlaps(kind),
            }
        }
    }

    impl InFlight {
        /// The same by asking all: so that each test of the engine is one of the index, too.
        pub(super) fn claimer_of_all(
            &self,
            response: &Untagged,
            view: Option<&View>,
            kind: ResponseKinds,
        ) -> Option<CommandId> {
            let all = self.entries.iter().filter(|(_, f)| f.may_claim_kind(kind, response));
            let ranked = all.filter_map(|(id, f)| Some((f.fit_of(response, view)?, f.order, *id)));
            ranked.min().map(|(.., id)| id)
        }
    }
}
