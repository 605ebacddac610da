//! Sequence numbers between submission and sending: what they meant then is what is sent now (RFC
//! 9051 section 2.3.1.2), or the UIDs that they stood for.
//!
//! In: a waiting command, the view, the removals since it was submitted. Out: the messages that it
//! names now, or why they can't be named.

use crate::command::{Class, Effect, Messages, ResponseKinds};
use crate::engine::schedule::admission::Verdict;
use crate::engine::schedule::start::StartFacts;
use crate::engine::selection::uid_validity_error;
use crate::engine::submit::{Submission, SubmitFacts};
use crate::error::{Error, Result};
use crate::types::{Seq, SeqSet, SnapshotRange, Uid, UidSet};
use crate::view::{View, renumber};

/// Which messages a waiting command names now.
#[derive(Default)]
pub(super) struct Resolved {
    /// Where they can't be found out, those that they may be; `None` if it names none.
    pub(super) named: Option<Messages>,
    /// Why they can't.
    error: Option<Error>,
}

impl StartFacts<'_> {
    /// Whether it needs UIDs that are not known yet: those of its numbers, or where an open range
    /// ends.
    pub(super) fn needs_unknown_uids(&self, next: &mut Submission) -> bool {
        let (by_uid, changes) = (self.must_name_uids(next), !next.class.reads_only);
        let Some(messages) = next.job.messages() else { return false };
        let view = self.selected.view();
        let of_numbers = by_uid && messages.by_number() && view.is_none_or(|view| view.unknown().is_some());
        let lacks_last = |view: &View| view.unknown().is_some_and(|(_, last)| last.get() == view.len());
        let names_end = changes && messages.is_open() || self.has_no_last() && messages.names_last();
        let lacks = of_numbers || names_end && view.is_none_or(lacks_last);
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
    /// numbers (RFC 9586 section 3), or they may shift while it is on its way, or between its lines
    /// (RFC 9051 section 7.5.1).
    fn must_name_uids(&self, next: &mut Submission) -> bool {
        let may_shift = next.class.may_expunge && Self::may_name_uids(next);
        let line = self.session.command_line;
        next.class.by_uid
            || self.session.is_enabled("UIDONLY")
            || self.numbers_move
            || may_shift && next.job.messages().is_some_and(|which| which.needs_several_lines(line))
    }

    /// Whether `*` can't be used in this session (RFC 9586 section 3).
    fn has_no_last(&self) -> bool {
        self.session.is_enabled("UIDONLY")
    }

    /// Puts the messages, as they are to be named, into a command that is about to start.
    pub(super) fn name_messages(&self, next: &mut Submission, resolved: Resolved) -> Result<()> {
        if next.selection_handle.is_none() && (next.class.in_mailbox || resolved.named.is_some()) {
            return Err(outside_mailbox());
        }
        let (class, changes) = (&next.class, !next.class.reads_only);
        let has_no_last = self.numbers_move || self.has_no_last();
        let reads = class.ours
            && class.answered_by.overlaps(ResponseKinds::FETCH)
            && matches!(class.effect, Effect::None);
        let (Some(messages), Resolved { named: Some(named), error }) = (next.job.messages(), resolved) else {
            return Ok(());
        };
        match messages {
            Messages::Seqs(_) | Messages::SnapshotRange(_) => *messages = error.map_or(Ok(named), Err)?,
            Messages::Uids(set) if (changes || has_no_last) && set.names_last() => {
                match self.last_named(set) {
                    Ok(named) => *messages = named.into(),
                    Err(error) if has_no_last => return Err(error),
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
        // `*` is the largest number in a set.
        let mut named = set.difference(&Uid::new(u32::MAX).into_iter().collect());
        let view = self.selected.view();
        if let Some((view, last)) = view.and_then(|view| Some((view, Seq::new(view.len())?))) {
            named.insert(view.uid(last).ok_or_else(no_last_uid)?);
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
                        "; or read without `marking_seen` (BODY.PEEK[]), which changes nothing",
                    )
                } else {
                    ("it would change", "")
                };
                let why = "all messages from a UID on, and the UID of the last one is not known";
                Error::invalid(format!("{what} {why}"))
                    .advise(format!("give the range an end, or wait for `Mailbox::ready`{or}"))
            })?;
        Ok(Uid::new(1).map_or_else(UidSet::new, |first| set.within(first, end)))
    }

    /// Whether the UIDs that a command names are of the mailbox's UIDVALIDITY (RFC 9051 section
    /// 2.3.1.1): a state from which the selection resumes may be older, and the server may change
    /// it at any time.
    pub(super) fn uid_validity_verdict(&self, next: &mut Submission) -> Verdict {
        let Some(uid_validity) = next.then.uid_validity else { return Verdict::Go };
        if !names_uids(next.job.messages().map(|messages| &*messages), &next.class) {
            return Verdict::Go;
        }
        let reported = match (self.selected.current(), self.selected.opening_handle()) {
            (Some(selection), _) if next.is_in(selection.handle()) => selection.uid_validity(),
            // Until it is reported to be the same.
            (_, Some(opening)) if next.is_in(opening) => match self.selected.opening_uid_validity() {
                Some(reported) if reported == uid_validity => return Verdict::Go,
                _ => return Verdict::Wait,
            },
            _ => return Verdict::Go,
        };
        if reported == Some(uid_validity) { Verdict::Go } else { Verdict::fail(uid_validity_error()) }
    }

    /// Numbers mean what they meant when the command was submitted, and become UIDs where it has
    /// such a form. These are kept until the view changes: a long set is not built again for each
    /// answer meanwhile.
    pub(super) fn resolve(&self, next: &mut Submission) -> Resolved {
        let (form, then) = (self.form_of(next), next.then);
        // Those of another selection mean nothing in this view.
        let current = self.selected.current().filter(|open| next.is_in(open.handle()));
        let generation = current.map(|open| open.view().generation());
        if let Some((of, uids)) = &next.named
            && Some(*of) == generation
        {
            return Resolved { named: Some(uids.clone().into()), error: None };
        }
        let (found, otherwise) = match next.job.messages().map(|messages| &*messages) {
            Some(Messages::Seqs(set)) => (self.renumbered(set, form, then), set.clone().into()),
            Some(Messages::SnapshotRange(slots)) => (self.in_snapshot(slots, form), SeqSet::all().into()),
            named => return Resolved { named: named.cloned(), error: None },
        };
        next.named = match &found {
            Ok(Messages::Uids(uids)) if Self::may_name_uids(next) => generation.zip(Some(uids.clone())),
            _ => None,
        };
        match found {
            Ok(named) => Resolved { named: Some(named), error: None },
            // It fails as soon as it may go.
            Err(error) => Resolved { named: Some(otherwise), error: Some(error) },
        }
    }

    fn renumbered(&self, set: &SeqSet, form: Form, then: SubmitFacts) -> Result<Messages> {
        let Some(selection) = self.selected.current() else {
            // Behind a SELECT that has not been answered: nothing can have moved yet.
            return if form == Form::Uids { Err(no_uid()) } else { Ok(set.clone().into()) };
        };
        let view = selection.view();
        let gone = view.removed_since(if then.opened { then.removed } else { 0 });
        let gone = gone.ok_or_else(too_old)?;
        let before = view.len().saturating_add(u32::try_from(gone.len()).unwrap_or(0));
        let had = if then.opened { then.exists } else { before };
        if let Some(beyond) = set.last().filter(|last| !set.is_open() && last.get() > had) {
            // A server answers BAD to all of it (RFC 9051 section 9, seq-number).
            let why = format!("there is no message {beyond}: there were {had} when this was submitted");
            return Err(Error::invalid(why));
        }
        let settled = if gone.is_empty() && !set.is_open() { set.clone() } else { renumber(set, had, gone) };
        form.write(view, &settled)
    }

    /// The messages of a snapshot's range that are still there, by their numbers now.
    fn in_snapshot(&self, slots: &SnapshotRange, form: Form) -> Result<Messages> {
        let view = self.selected.view();
        let found = view.and_then(|view| Some((view, view.seqs_of_slots(slots)?)));
        let (view, seqs) = found.ok_or_else(|| {
            Error::invalid("what these numbers of a snapshot stand for can't be known in this selection")
        })?;
        form.write(view, &seqs)
    }

    fn form_of(&self, next: &mut Submission) -> Form {
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

/// A command about messages that would hit whatever is selected by the time it is sent.
pub(crate) fn outside_mailbox() -> Error {
    Error::invalid("it is about a mailbox's messages: submit it through that `Mailbox`")
}

fn too_old() -> Error {
    Error::invalid("messages were removed since these sequence numbers were given, and which is not known")
        .advise("name the messages by UID")
}

fn no_uid() -> Error {
    Error::invalid("the UIDs of these sequence numbers are not known yet, and the command needs them")
        .advise("`Mailbox::ready` waits for them")
}

fn no_last_uid() -> Error {
    Error::invalid("`*` stands for the last message, whose UID is not known yet")
        .advise("`Mailbox::ready` waits for it")
}

/// Whether a command names messages by UIDs, which mean others with another UIDVALIDITY.
fn names_uids(messages: Option<&Messages>, class: &Class) -> bool {
    class.names_uids
        || matches!(messages, Some(Messages::Uids(set)) if !Messages::independent_of_uid_validity(set))
}

/// Messages have gone though none may go while a command names them by number (RFC 9051 section
/// 7.5.1): what has not been written would hit others.
pub(crate) fn shifted_numbers(messages: Option<&Messages>, _: &Class) -> Option<Error> {
    let why = "its numbers stand for other messages now: the server removed some out of turn";
    matches!(messages, Some(Messages::Seqs(_))).then(|| Error::invalid(why))
}

/// UIDVALIDITY has changed: UIDs that have not been written would name other messages.
pub(crate) fn other_uids(messages: Option<&Messages>, class: &Class) -> Option<Error> {
    names_uids(messages, class).then(uid_validity_error)
}
