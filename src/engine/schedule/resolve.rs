//! Sequence numbers between submission and sending: what they meant then is what is sent now (RFC
//! 9051 section 2.3.1.2), or the UIDs that they stood for.

use crate::command::{Class, Effect, Messages, ResponseKinds, Session};
use crate::engine::schedule::admission::Verdict;
use crate::engine::selection::Selected;
use crate::engine::selection::access::uid_validity_error;
use crate::engine::submit::selection_handle::{SelectionHandle, SubmitFacts};
use crate::engine::submit::shared::Submission;
use crate::error::{Error, Result};
use crate::types::{Seq, SeqSet, SnapshotRange, Uid, UidSet};
use crate::view::{View, renumber};

/// What the numbers and UIDs of a command that waits depend on.
pub(in crate::engine) struct Numbering<'a> {
    pub(in crate::engine) selected: &'a Selected,
    pub(in crate::engine) session: &'a Session,
    /// Sequence numbers may shift at any time (RFC 5465 section 5.3).
    pub(in crate::engine) numbers_move: bool,
}

impl Numbering<'_> {
    /// Whether it needs UIDs that are not known yet: those of its numbers, or where an open range
    /// ends.
    pub(in crate::engine) fn needs_unknown_uids(&self, next: &mut Submission) -> bool {
        let (by_uid, changes) = (self.must_name_uids(next), !next.class.reads_only);
        let Some(messages) = next.job.messages() else { return false };
        let view = self.selected.view();
        let of_numbers = by_uid && messages.by_number() && view.is_none_or(|view| view.unknown().is_some());
        let lacks_last = |view: &View| view.unknown().is_some_and(|(_, last)| last.get() == view.len());
        let lacks = of_numbers || changes && messages.is_open() && view.is_none_or(lacks_last);
        // With another UIDVALIDITY it fails, whatever the UIDs are.
        lacks && !matches!(self.uid_validity_verdict(next), Verdict::Fail(_))
    }

    /// Whether its numbers are sent as UIDs where these are known: some servers renumber while a
    /// command by number runs, or before they report it (against RFC 9051 section 7.5.1). A user's
    /// own command says whether it has such a form; the engine's own ask for UIDs.
    fn may_name_uids(next: &Submission) -> bool {
        (next.class.ours || next.class.uid_form) && next.origin.is_user()
    }

    /// Whether this command can't name messages by number: it has no such form, the session has no
    /// numbers (RFC 9586 section 3), or they may shift while it is on its way.
    fn must_name_uids(&self, next: &Submission) -> bool {
        next.class.by_uid || self.session.is_enabled("UIDONLY") || self.numbers_move
    }

    /// Makes numbers mean what they meant when the command was submitted, and UIDs of them where
    /// the command has no form by number.
    pub(in crate::engine) fn settle(&mut self, next: &mut Submission) -> Result<()> {
        let (form, then, changes) = (self.form_of(next), next.then, !next.class.reads_only);
        let class = &next.class;
        let reads = class.ours
            && class.answered_by.overlaps(ResponseKinds::FETCH)
            && matches!(class.effect, Effect::None);
        if next.selection_handle.is_none() && (next.class.in_mailbox || next.job.messages().is_some()) {
            // It would hit whatever is selected just now.
            return Err(Error::invalid("it is about a mailbox's messages: submit it through that `Mailbox`"));
        }
        let Some(messages) = next.job.messages() else { return Ok(()) };
        match messages {
            Messages::Seqs(set) => *messages = self.settled(set, form, then)?,
            Messages::SnapshotRange(slots) => *messages = self.found(slots, form)?,
            Messages::Uids(set) if (changes || self.numbers_move) && set.names_last() => {
                match self.last_named(set) {
                    Ok(named) => *messages = named.into(),
                    Err(error) if self.numbers_move => return Err(error),
                    // A lone `*` names no other message than was meant.
                    Err(_) => {}
                }
            }
            Messages::Uids(set) if changes && set.is_open() => *messages = self.ended(set, reads)?.into(),
            Messages::Saved(saved) => self.selected.check_saved(saved)?,
            Messages::Uids(_) => {}
        }
        Ok(())
    }

    /// `*` may be another message by the time it arrives (RFC 5465 section 5.2): the last one is
    /// named by its UID.
    fn last_named(&self, set: &UidSet) -> Result<UidSet> {
        let mut named = set.difference(&Uid::new(u32::MAX).into_iter().collect());
        let view = self.selected.view();
        if let Some((view, last)) = view.and_then(|view| Some((view, Seq::new(view.len())?))) {
            named.insert(view.uid(last).ok_or_else(no_uid)?);
        }
        Ok(named)
    }

    /// `n:*` names the last message even where its UID is below n (RFC 9051 section 9, seq-range):
    /// what changes messages names the last one that is known, or where the server says that they
    /// end.
    fn ended(&self, set: &UidSet, reads: bool) -> Result<UidSet> {
        let selection = self.selected.current();
        let last = selection.map_or(0, |s| s.view().len());
        let Some((selection, last)) = selection.zip(Seq::new(last)) else { return Ok(UidSet::new()) };
        let end =
            selection.view().uid(last).or_else(|| selection.last_below_uid_next()).ok_or_else(|| {
                let (what, or) = if reads {
                    (
                        r"BODY[] sets \Seen: it would change",
                        ", or read without `marking_seen` (BODY.PEEK[]), which changes nothing",
                    )
                } else {
                    ("it would change", "")
                };
                let why = "all messages from a UID on, and the UID of the last one is not known";
                Error::invalid(format!("{what} {why}: name that UID as well{or}"))
            })?;
        Ok(Uid::new(1).map_or_else(UidSet::new, |first| set.within(first, end)))
    }

    /// Whether the UIDs that a command names are of the mailbox's UIDVALIDITY (RFC 9051 section
    /// 2.3.1.1): a state from which the selection resumes may be older, and the server may change
    /// it at any time.
    pub(in crate::engine) fn uid_validity_verdict(&self, next: &mut Submission) -> Verdict {
        let Some(uid_validity) = next.then.uid_validity else { return Verdict::Go };
        if !names_uids(next.job.messages().map(|messages| &*messages), &next.class) {
            return Verdict::Go;
        }
        let is = |selection_handle: &SelectionHandle| {
            next.selection_handle.as_ref().is_some_and(|mine| mine.id() == selection_handle.id())
        };
        let reported = match (self.selected.current(), self.selected.opening_handle()) {
            (Some(selection), _) if is(selection.handle()) => selection.uid_validity(),
            // Until it is reported to be the same.
            (_, Some(opening))
                if is(opening) && self.selected.opening_uid_validity() != Some(uid_validity) =>
            {
                return Verdict::Wait;
            }
            _ => return Verdict::Go,
        };
        if reported == Some(uid_validity) { Verdict::Go } else { Verdict::fail(uid_validity_error()) }
    }

    /// The messages that a waiting command names, as it would be sent now. UIDs of numbers are kept
    /// until the view changes: a long set is not built again for each answer meanwhile.
    pub(in crate::engine) fn named_now(&self, next: &mut Submission) -> Option<Messages> {
        let (form, then) = (self.form_of(next), next.then);
        // Those of another selection mean nothing in this view.
        let is_this = |selection_handle: &SelectionHandle| {
            next.selection_handle.as_ref().is_some_and(|mine| mine.id() == selection_handle.id())
        };
        let generation =
            self.selected.current().filter(|s| is_this(s.handle())).map(|s| s.view().generation());
        if let Some((of, uids)) = &next.named
            && Some(*of) == generation
        {
            return Some(uids.clone().into());
        }
        let settled = match next.job.messages()? {
            Messages::Seqs(set) => self.settled(set, form, then).unwrap_or_else(|_| set.clone().into()),
            // If they can't be found, it fails as soon as it may go.
            Messages::SnapshotRange(slots) => {
                self.found(slots, form).unwrap_or_else(|_| SeqSet::all().into())
            }
            which @ (Messages::Uids(_) | Messages::Saved(_)) => return Some(which.clone()),
        };
        next.named = match &settled {
            Messages::Uids(uids) if Self::may_name_uids(next) => generation.zip(Some(uids.clone())),
            _ => None,
        };
        Some(settled)
    }

    fn settled(&self, set: &SeqSet, form: Form, then: SubmitFacts) -> Result<Messages> {
        let Some(selection) = self.selected.current() else {
            // Behind a SELECT that has not been answered: nothing can have moved yet.
            return if form == Form::Uids { Err(no_uid()) } else { Ok(set.clone().into()) };
        };
        let view = selection.view();
        let gone = view.removed_since(if then.opened { then.removed } else { 0 });
        let gone = gone.ok_or_else(|| Error::invalid("the sequence numbers are too old to be corrected"))?;
        let before = view.len().saturating_add(u32::try_from(gone.len()).unwrap_or(0));
        let had = if then.opened { then.exists } else { before };
        if let Some(beyond) = set.last().filter(|last| !set.is_open() && last.get() > had) {
            // A server answers BAD to all of it (RFC 9051 section 9, seq-number).
            return Err(Error::invalid(format!("there is no message {beyond}: the mailbox had {had}")));
        }
        let settled = if gone.is_empty() && !set.is_open() { set.clone() } else { renumber(set, had, gone) };
        form.write(view, &settled)
    }

    /// Which those are now that a snapshot numbered, of those that are still there.
    fn found(&self, slots: &SnapshotRange, form: Form) -> Result<Messages> {
        let view = self.selected.view();
        let found = view.and_then(|view| Some((view, view.seqs_of_slots(slots)?)));
        let (view, seqs) = found.ok_or_else(|| {
            Error::invalid("what these numbers of a snapshot stand for can't be known in this selection")
        })?;
        form.write(view, &seqs)
    }

    fn form_of(&self, next: &Submission) -> Form {
        match (self.must_name_uids(next), Self::may_name_uids(next)) {
            (true, true) => Form::Uids,
            (true, false) => Form::EachUid,
            (false, true) => Form::UidsIfKnown,
            (false, false) => Form::Numbers,
        }
    }
}

/// How messages that are meant by number go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Numbers,
    UidsIfKnown,
    Uids,
    /// By UID, and no message whose UID is not known lies among them.
    EachUid,
}

impl Form {
    fn write(self, view: &View, seqs: &SeqSet) -> Result<Messages> {
        let uids = match self {
            Self::Numbers => None,
            Self::UidsIfKnown | Self::Uids => view.uids_of(seqs),
            Self::EachUid => seqs.iter().map(|seq| view.uid(seq)).collect(),
        };
        match uids {
            Some(uids) => Ok(Messages::Uids(uids)),
            None if matches!(self, Self::Uids | Self::EachUid) => Err(no_uid()),
            None => Ok(seqs.clone().into()),
        }
    }
}

fn no_uid() -> Error {
    Error::invalid("the UIDs of these sequence numbers are not known yet, and the command needs them")
}

/// Whether a command names messages by UIDs, which mean others with another UIDVALIDITY.
pub(in crate::engine) fn names_uids(messages: Option<&Messages>, class: &Class) -> bool {
    class.names_uids
        || matches!(messages, Some(Messages::Uids(set)) if !Messages::independent_of_uid_validity(set))
}
