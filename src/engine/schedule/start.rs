//! Whether the command that waits first starts now: its messages are resolved, then admission
//! decides.
//!
//! In: what is in flight and what is selected. Out: the command that starts, with its messages as
//! they are named now; or one that can't be sent, and why.

use crate::command::{Effect, Messages, Session};
use crate::engine::inflight::InFlight;
use crate::engine::schedule::admission::{Verdict, admit};
use crate::engine::schedule::resolve::Resolved;
use crate::engine::schedule::{Queue, Scheduler};
use crate::engine::selection::{Selected, read_only};
use crate::engine::submit::{InternalCommand, Submission};
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::CommandId;

/// What decides which command starts.
pub(crate) struct StartFacts<'a> {
    pub(crate) selected: &'a Selected,
    pub(crate) inflight: &'a InFlight,
    pub(crate) session: &'a Session,
    /// Sequence numbers may shift at any time (RFC 5465 section 5.3).
    pub(crate) numbers_move: bool,
    /// IDLEs in flight that have been left.
    pub(crate) idles_left: usize,
}

/// What becomes of the command that waits first.
pub(crate) enum Start {
    /// It waits, or there is none.
    Nothing,
    /// What it needs is asked before it.
    Later,
    Go(Box<Submission>),
    /// It may never go.
    Refused(Box<Submission>, Error),
    /// It might go, but there is nothing to send: its messages have gone, or can't be named.
    Unsent(Box<Submission>, Result<()>),
}

impl Scheduler {
    /// Takes the command that is next, if it may go. `holds`: whether bytes of a command wait to be
    /// written.
    pub(crate) fn start_next(&mut self, facts: &StartFacts<'_>, holds: impl Fn(CommandId) -> bool) -> Start {
        let Some((mut next, from)) = self.next() else { return Start::Nothing };
        if next.is_withdrawn() {
            return Start::Refused(next, withdrawn());
        }
        if from == Queue::Users && facts.needs_unknown_uids(&mut next) {
            // Those that ask for something else ask for UIDs when that has ended.
            let asked = facts.selected.opening().is_some()
                || facts.inflight.internals().any(|(internal, _)| internal.fills());
            let asking = self.take_internal(InternalCommand::fills);
            if asking.is_some() || asked {
                self.put_back(next, from);
                let Some(asking) = asking else { return Start::Nothing };
                self.put_back(asking, from);
                return Start::Later;
            }
        }
        let resolved = facts.resolve(&mut next);
        match facts.verdict(&mut next, resolved.named.as_ref(), holds) {
            Verdict::Go => {
                self.on_start(from);
                facts.settle(next, resolved)
            }
            Verdict::Wait => {
                self.put_back(next, from);
                Start::Nothing
            }
            Verdict::Fail(error) => Start::Refused(next, *error),
        }
    }
}

impl StartFacts<'_> {
    fn verdict(
        &self,
        next: &mut Submission,
        messages: Option<&Messages>,
        holds: impl Fn(CommandId) -> bool,
    ) -> Verdict {
        if matches!(next.class.effect, Effect::Logout) {
            // It keeps its place, and waits for no answer but those on which further lines of a
            // command hang.
            return if self.inflight.has_more_lines() { Verdict::Wait } else { Verdict::Go };
        }
        if next.sent_before != Sent::No && holds(next.id) {
            // The server has not waited for the rest of its first line.
            return Verdict::Wait;
        }
        let verdict = admit(next, messages, self);
        let (changes, reads_only) = (next.class.changes_messages, next.class.reads_only);
        match (verdict, &next.selection_handle) {
            (Verdict::Go, Some(handle)) if changes && self.selected.is_read_only(handle) => {
                Verdict::fail(read_only(handle))
            }
            (Verdict::Go, _) if !reads_only && self.selected.awaits_saved(messages) => Verdict::Wait,
            (Verdict::Go, _) => self.uid_validity_verdict(next),
            (verdict, _) => verdict,
        }
    }

    /// It may go: its messages are what they have been resolved to, if there are any.
    fn settle(&self, mut next: Box<Submission>, resolved: Resolved) -> Start {
        let asks_by_number = next.is_sync_query() && next.job.messages().is_some_and(|m| m.by_number());
        if let Err(error) = self.name_messages(&mut next, resolved) {
            return Start::Unsent(next, Err(error));
        }
        let messages = next.job.messages().map(|messages| &*messages);
        // A question for UIDs whose numbers could be made UIDs has its answer.
        let is_answered = asks_by_number && matches!(messages, Some(Messages::Uids(_)));
        if is_answered || messages.is_some_and(Messages::is_empty) {
            return Start::Unsent(next, Ok(()));
        }
        Start::Go(next)
    }
}

/// The error of a command that is taken back.
pub(crate) fn withdrawn() -> Error {
    Error::new(ErrorKind::Cancelled, "withdrawn before it was sent")
}
