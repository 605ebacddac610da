//! A command that was not encoded when its connection ended, on its way to another connection of
//! its account, under the same token. It was submitted through a lease, which is one user's right
//! to a connection of the pool; the heir of the lease is what takes its commands when it ends so.
//!
//! ```text
//!   Engine::close ── move_on ──> the heir of its lease ── another lease ──> Moving::submit
//!                       └── is not valid there: ends, and says why
//! ```
//!
//! In: what waits when a connection ends. Out: what stays, and why; the rest, to the heir. None is
//! lost: dropped on its way, a command fails as if it had stayed.

use std::sync::Arc;
use std::time::Instant;

use super::erased_command::ErasedCommand;
use super::given_up::too_long;
use super::lease_scope::Scope;
use super::selection_handle::SelectionHandle;
use super::shared::{Origin, Shared, Submission};
use crate::command::{Class, Effect, Messages};
use crate::engine::submit::EndCause;
use crate::error::Error;
use crate::types::{CloseReason, CommandId, MailboxName, UidValidity};

/// A command on its way to another connection.
pub(crate) struct Moving {
    job: Option<Box<dyn ErasedCommand>>,
    class: Class,
    /// The mailbox in which it is to run, and what its UIDs are of.
    place: Option<(MailboxName, UidValidity)>,
    from: Arc<Shared>,
    id: CommandId,
    /// What it ends with if it goes nowhere.
    error: Error,
}

impl Moving {
    fn new(submission: Submission, from: &Arc<Shared>, reason: &CloseReason) -> Self {
        let handle = submission.selection_handle.as_ref();
        handle.iter().for_each(|handle| handle.end(EndCause::Connection));
        let place = handle.and_then(|handle| Some((handle.place().mailbox.clone(), uid_validity(handle)?)));
        let error = Error::closed(reason).in_command(submission.job.name());
        let error = error.about(place.as_ref().map(|(mailbox, _)| mailbox), None);
        let Submission { id, job, class, .. } = submission;
        from.on_leave(id);
        Self { job: Some(job), class, place, from: from.clone(), id, error }
    }

    /// The mailbox in which it is to run.
    pub(crate) fn mailbox(&self) -> Option<&MailboxName> {
        self.place.as_ref().map(|(mailbox, _)| mailbox)
    }

    /// The same, unless it is withdrawn or its time has ended.
    pub(crate) fn still_wanted(self, now: Instant) -> Option<Self> {
        let job = self.job.as_deref()?;
        if job.cancelled() || self.class.reads_only && !job.wanted() {
            return None;
        }
        match self.from.limit_of_moving(self.id).filter(|(until, _)| *until <= now) {
            Some((_, limit)) => {
                self.fail(too_long(limit));
                None
            }
            None => Some(self),
        }
    }

    /// It ends with this.
    pub(crate) fn fail(mut self, error: Error) {
        let name = self.job.as_ref().map(|job| job.name().to_owned()).unwrap_or_default();
        self.error = error.in_command(&name).about(self.mailbox(), None);
    }

    /// Submits it on this connection, through this lease and selection.
    pub(crate) fn submit(
        mut self,
        there: &Arc<Shared>,
        scope: &Arc<Scope>,
        selection: Option<&Arc<SelectionHandle>>,
    ) {
        let now = selection.and_then(|handle| uid_validity(handle));
        if self.place.as_ref().is_some_and(|(_, before)| Some(*before) != now) {
            self.error = self.error.clone().moreover("the mailbox has another UIDVALIDITY since");
            return;
        }
        let (Some(inside), Some(mut job)) = (scope.enter(), self.job.take()) else { return };
        job.enter(inside);
        let handles = [selection.filter(|_| self.place.is_some()).cloned(), None];
        match there.take_up(job, self.class.clone(), handles, Origin::User) {
            (id, Ok(())) => self.from.on_arrive(self.id, there, id),
            (_, Err((error, job))) => (self.job, self.error) = (Some(job), error),
        }
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.from.on_lost(self.id);
            job.end(Err(self.error.clone()));
        }
    }
}

fn uid_validity(handle: &SelectionHandle) -> Option<UidValidity> {
    handle.latest()?.snapshot.uid_validity()
}

/// Hands what waits to the heirs of its leases, if it means the same on another connection. What
/// stays, and why if there is an heir. `has_lost`: a command was in flight that may have changed
/// something; none that changes something goes on behind such a one.
pub(crate) fn move_on(
    waiting: impl Iterator<Item = Box<Submission>>,
    from: &Arc<Shared>,
    reason: &CloseReason,
    mut has_lost: bool,
) -> Vec<(Box<Submission>, Option<&'static str>)> {
    let (mut stay, mut move_on) = (Vec::new(), Vec::<(Arc<Scope>, Vec<Moving>)>::new());
    for mut submission in waiting {
        let heir = submission.job.scope().filter(|scope| scope.has_heir()).cloned();
        let Some(heir) = heir.filter(|_| *reason != CloseReason::Logout && !submission.is_withdrawn()) else {
            stay.push((submission, None));
            continue;
        };
        let changes = !submission.class.reads_only;
        let behind = (has_lost && changes).then_some("what went before it may not have been done");
        match submission.why_here_alone().or(behind) {
            Some(why) => {
                has_lost |= changes;
                stay.push((submission, Some(why)));
            }
            None => {
                let moving = Moving::new(*submission, from, reason);
                match move_on.iter_mut().find(|(scope, _)| Arc::ptr_eq(scope, &heir)) {
                    Some((_, all)) => all.push(moving),
                    None => move_on.push((heir, vec![moving])),
                }
            }
        }
    }
    move_on.into_iter().for_each(|(heir, moving)| heir.hand_over(moving));
    stay
}

/// Whether a command means the same on another connection to the account.
fn means_the_same_elsewhere(class: &Class) -> bool {
    let is_lasting = matches!(
        class.effect,
        Effect::None
            | Effect::Store(_)
            | Effect::Move
            | Effect::Create(_)
            | Effect::Delete(_)
            | Effect::Rename { .. }
            | Effect::Subscribe { .. }
    );
    class.ours && !class.alone && !class.dialogue && is_lasting
}

impl Submission {
    /// Why it would not mean the same on another connection.
    fn why_here_alone(&mut self) -> Option<&'static str> {
        let reads = self.class.reads_only;
        if self.opens.is_some() || !means_the_same_elsewhere(&self.class) {
            return Some("it was about this connection");
        }
        if self.class.streams {
            return Some("its upload is a stream, which is read once");
        }
        if reads && self.job.detached() {
            return Some("its result was to be events of this connection");
        }
        let handle = self.selection_handle.as_deref();
        if handle.is_some_and(|handle| uid_validity(handle).is_none()) {
            return Some("the mailbox was not open, or has no UIDVALIDITY");
        }
        match self.job.messages() {
            Some(Messages::Saved(_)) => Some("it names a saved result ($), which this connection had"),
            Some(Messages::Seqs(_) | Messages::SnapshotRange(_)) => {
                Some("it names messages by number, which may be others now")
            }
            Some(Messages::Uids(uids)) if uids.is_open() && !reads => {
                Some("it names messages up to the last, which may be others now")
            }
            None if self.class.in_mailbox && !reads => Some("it names no messages by UID"),
            Some(Messages::Uids(_)) | None => None,
        }
    }
}
