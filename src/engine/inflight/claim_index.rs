//! An index from a response to the commands that may claim it, so that routing costs no more with
//! ten thousand commands in flight than with ten. (A claim is a command's rule which responses are
//! its own.)
//!
//! In: commands as they go out and as they end; a response. Out: sets of those that have to be
//! asked for their claim, each in the order of sending; the rest would say no. It also answers
//! whether a raw command, whose answers are not known, may be sent beside those in flight.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::command::{ClaimScope, Class, Messages, ResponseKinds};
use crate::engine::inflight::command::InFlightCommand;
use crate::engine::inflight::message_index::{Entry, MessageIndex, take_out};
use crate::types::{Answer, Code, CommandId, Uid, UidSet, Untagged};

/// Commands in flight by what they may claim.
#[derive(Debug, Default)]
pub(super) struct ClaimIndex {
    /// The library's commands and barriers, by kind of response; nothing where there are none.
    kinds: [Option<Box<Claimers>>; ResponseKinds::KINDS],
    /// Users' own, by the keywords that they name. In boxes, since a map has room for many from the
    /// start, and keeps it.
    keywords: BTreeMap<&'static str, Box<Claimers>>,
}

/// Commands that may claim responses of one kind.
#[derive(Debug, Default)]
struct Claimers {
    /// Whose answers can be about any message or mailbox.
    any: BTreeSet<Entry>,
    messages: MessageIndex,
    /// By the mailbox's name in small letters and one spelling, for servers that have their own
    /// mind about these.
    mailboxes: BTreeMap<String, BTreeSet<Entry>>,
}

impl ClaimIndex {
    pub(super) fn add(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.put(id, flight, true);
    }

    pub(super) fn remove(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.put(id, flight, false);
    }

    fn put(&mut self, id: CommandId, flight: &InFlightCommand, is_in: bool) {
        let (entry, class, messages) =
            ((flight.order, id), &flight.submission.class, flight.messages.as_ref());
        if class.claims_by_keyword() {
            for keyword in class.keywords {
                let claimers = self.keywords.entry(keyword).or_default();
                claimers.put(entry, &scope_of(keyword, class, messages), messages, is_in);
                if claimers.is_empty() {
                    self.keywords.remove(keyword);
                }
            }
            return;
        }
        for kind in class.answered_by.kinds() {
            if let Some(place) = self.kinds.get_mut(kind) {
                let claimers = place.get_or_insert_default();
                claimers.put(entry, &class.about, messages, is_in);
                if claimers.is_empty() {
                    *place = None;
                }
            }
        }
    }

    /// Gives those that may have removed some of these messages.
    pub(super) fn of_removed(&self, uids: &UidSet, mut route: impl FnMut(&BTreeSet<Entry>)) {
        let messages = Messages::Uids(uids.clone());
        for kind in ResponseKinds::EXPUNGE.kinds().filter_map(|kind| self.kinds.get(kind)?.as_deref()) {
            kind.messages.overlapping(Some(&messages), &mut route);
        }
    }

    /// The command that may claim this response, if no other can: nearly always there is one of a
    /// kind.
    pub(super) fn only(&self, kinds: ResponseKinds) -> Option<CommandId> {
        let mut kinds = kinds.kinds();
        let kind = kinds.next().filter(|_| self.keywords.is_empty())?;
        kinds.next().is_none().then(|| self.kinds.get(kind)?.as_deref()?.only())?
    }

    /// Gives those that listen for this kind of response, or for one of this name.
    pub(super) fn of(
        &self,
        kinds: ResponseKinds,
        response: &Untagged,
        mut route: impl FnMut(&BTreeSet<Entry>),
    ) {
        for claimers in kinds.kinds().filter_map(|kind| self.kinds.get(kind)?.as_deref()) {
            claimers.of(response, &mut route);
        }
        if !self.keywords.is_empty()
            && let Some(claimers) = self.keywords.get(keyword_of(response))
        {
            claimers.of(response, route);
        }
    }

    /// Whether a command and one in flight may claim the same responses, since one of them is a
    /// user's own: what that one asks for is not known. `names_same`: whether a command in flight
    /// may name some of the same messages.
    pub(super) fn is_ambiguous(
        &self,
        next: &Class,
        messages: Option<&Messages>,
        names_same: impl Fn(CommandId) -> bool,
    ) -> bool {
        if next.claims_by_keyword() {
            return next.keywords.iter().any(|keyword| {
                let kind = ResponseKinds::of_keyword(keyword);
                // The answer of an extension is left to the commands that ask for it; ESEARCH names
                // its command.
                if kind == ResponseKinds::OTHER || *keyword == "ESEARCH" {
                    return false;
                }
                let scope = scope_of(keyword, next, messages);
                let may_meet = |claimers: &Claimers| claimers.may_meet(&scope, messages, &names_same);
                self.keywords.get(keyword).map(Box::as_ref).is_some_and(may_meet)
                    || kind.kinds().filter_map(|kind| self.kinds.get(kind)?.as_deref()).any(may_meet)
            });
        }
        !self.keywords.is_empty()
            && self.keywords.iter().any(|(keyword, claimers)| {
                let is_shared =
                    *keyword != "ESEARCH" && next.answered_by.overlaps(ResponseKinds::of_keyword(keyword));
                is_shared && claimers.may_meet(&next.about, messages, &names_same)
            })
    }
}

impl Claimers {
    fn put(&mut self, entry: Entry, scope: &ClaimScope, messages: Option<&Messages>, is_in: bool) {
        match scope {
            ClaimScope::Anything if is_in => drop(self.any.insert(entry)),
            ClaimScope::Anything => drop(take_out(&mut self.any, &entry)),
            ClaimScope::Messages if is_in => self.messages.add(entry, messages),
            ClaimScope::Messages => self.messages.remove(entry, messages),
            ClaimScope::Mailbox(name) => put_under(&mut self.mailboxes, name.folded(), entry, is_in),
        }
    }

    fn is_empty(&self) -> bool {
        self.any.is_empty() && self.messages.is_empty() && self.mailboxes.is_empty()
    }

    fn only(&self) -> Option<CommandId> {
        let mut all = self.any.iter().chain(self.messages.all());
        let (_, only) = all.next().filter(|_| self.mailboxes.is_empty())?;
        all.next().is_none().then_some(*only)
    }

    /// Gives those that may claim this response.
    fn of(&self, response: &Untagged, mut route: impl FnMut(&BTreeSet<Entry>)) {
        route(&self.any);
        if !self.mailboxes.is_empty() {
            match response.answer().mailbox() {
                Some(name) => self.mailboxes.get(&name.folded()).into_iter().for_each(&mut route),
                None => self.mailboxes.values().for_each(&mut route),
            }
        }
        match response.answer() {
            Answer::Fetch(row) => self.messages.about(row.seq(), row.uid(), &mut route),
            Answer::Expunge { seq, uid } => self.messages.about(Some(*seq), *uid, &mut route),
            // A command that claims these names all of them, so the first one among them.
            Answer::Vanished { uids, .. } => self.messages.about(None, uids.first(), &mut route),
            Answer::Status(status) => self.messages.about(None, copied(status.code.as_ref()), &mut route),
            _ => self.messages.about(None, None, &mut route),
        }
    }

    /// Whether one of them may claim what a command of this scope may.
    fn may_meet(
        &self,
        scope: &ClaimScope,
        messages: Option<&Messages>,
        names_same: impl Fn(CommandId) -> bool,
    ) -> bool {
        match scope {
            ClaimScope::Anything => !self.is_empty(),
            ClaimScope::Messages => {
                let mut meet = !self.any.is_empty() || !self.mailboxes.is_empty();
                self.messages.overlapping(messages, |set| {
                    meet = meet || set.iter().any(|(_, id)| names_same(*id));
                });
                meet
            }
            ClaimScope::Mailbox(name) => {
                !self.any.is_empty()
                    || !self.messages.is_empty()
                    || self.mailboxes.contains_key(&name.folded())
            }
        }
    }
}

/// What the answers with this keyword to a user's own command are about.
fn scope_of(keyword: &str, class: &Class, messages: Option<&Messages>) -> ClaimScope {
    let is_of_messages = matches!(keyword, "FETCH" | "EXPUNGE" | "VANISHED" | "COPYUID");
    if is_of_messages && messages.is_some() { ClaimScope::Messages } else { class.about.clone() }
}

/// The keyword by which users' own commands ask for such a response.
pub(super) fn keyword_of(response: &Untagged) -> &str {
    match response.answer() {
        Answer::Fetch(_) => "FETCH",
        Answer::List(_) => "LIST",
        Answer::Status(status) if matches!(status.code, Some(Code::CopyUid(_))) => "COPYUID",
        _ => response.name(),
    }
}

/// One of the messages that a COPYUID names.
fn copied(code: Option<&Code>) -> Option<Uid> {
    if let Some(Code::CopyUid(reported)) = code { reported.from().first() } else { None }
}

fn put_under<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<Entry>>, key: K, entry: Entry, is_in: bool) {
    match sets.entry(key) {
        Slot::Occupied(mut set) if !is_in => {
            set.get_mut().remove(&entry);
            if set.get().is_empty() {
                set.remove();
            }
        }
        set => drop(set.or_default().insert(entry)),
    }
}
