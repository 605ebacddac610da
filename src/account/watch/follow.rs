//! One mailbox as it changes: a look that ends once all is reported, or a selection that stays.
//!
//! ```text
//!   SELECT with the state known ──> events ──> Resumed, or the view is complete ──> NOOP with the state of now
//!                                     │                                               └─ OK: in step ──> a look ends
//!                                     └── left out (a slow reader), another UIDVALIDITY ──> ends: to be looked into again
//! ```
//!
//! A state counts once a command that was submitted after it was read has completed: all that it
//! covers is before that in the stream.
//!
//! In: an account, a mailbox, what is known of it. Out: changes and states, to the watch's task.

use std::time::Duration;

use tokio::sync::mpsc::Sender as ChannelSender;
use tokio::time::{Instant, timeout_at};

use super::change::ChangeKind;
use super::key::MailboxKey;
use super::ledger::Delta;
use super::task::Note;
use crate::account::Account;
use crate::client::{Mailbox, Select};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    CloseReason, CommandId, Event, EventKind, Flags, MailboxName, MailboxState, ModSeq, Uid, UidSet, ViewSync,
};

/// What to look into, and how.
pub(super) struct Follow {
    pub(super) key: MailboxKey,
    pub(super) name: MailboxName,
    /// What is known of it; without that the messages that are there already are not reported.
    pub(super) state: Option<MailboxState>,
    pub(super) flags: bool,
    /// It goes on until the connection ends.
    pub(super) stays: bool,
}

/// How following a mailbox has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All that there was has been reported.
    InStep,
    /// Not all of it: to be looked into again.
    Again,
    /// The server contradicts itself: to be looked into again, but not at once.
    Later,
    Failed(Error),
}

/// The watch has gone: there is no use for what follows.
struct Gone;

type Noted<T> = std::result::Result<T, Gone>;

/// How long a look waits for the next event.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// The pause between two states: to read one takes time in the number of messages, and it is sent
/// behind a NOOP.
const PAUSE: Duration = Duration::from_secs(5);
const NOT_IN_STEP: &str = "the server does not report what the mailbox has";

/// Follows a mailbox, and reports its end.
pub(super) async fn follow(account: Account, what: Follow, notes: ChannelSender<Note>) {
    let key = what.key.clone();
    let ended = match run(&account, what, &notes).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => Ended::Failed(error),
        Err(Gone) => return,
    };
    _ = notes.send(Note::Ended(key, ended)).await;
}

async fn run(account: &Account, what: Follow, notes: &ChannelSender<Note>) -> Noted<Result<Ended>> {
    let view = if what.flags { ViewSync::Flags } else { ViewSync::Uids };
    let select = Select::new(what.name.clone()).read_only().view_sync(view);
    let select = match what.state.clone() {
        Some(state) => select.resume(state),
        None => select,
    };
    let (mailbox, mut events) = match account.follow(select).await {
        Ok(followed) => followed,
        Err(error) => return Ok(Err(error)),
    };
    let flagless = what.state.as_ref().filter(|_| what.flags).map(without_flags).unwrap_or_default();
    let mut stream = Stream::new(&what, notes, flagless);
    loop {
        let due = stream.mark_state(&mailbox, Instant::now());
        // A mailbox that is followed may be silent for ever.
        let until = due.or_else(|| (!what.stays).then(|| Instant::now() + PATIENCE));
        let event = match until {
            Some(until) => timeout_at(until, events.next()).await,
            None => Ok(events.next().await),
        };
        let event = match event {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(Err(CloseReason::Eof.into())),
            Err(_) if due.is_some() => continue,
            Err(_) => {
                return Ok(Err(Error::new(ErrorKind::Timeout, NOT_IN_STEP).about(Some(&what.name), None)));
            }
        };
        if let Some(ended) = stream.take(event, &mailbox).await? {
            return Ok(ended);
        }
    }
}

/// What a mailbox's events come to.
struct Stream<'a> {
    what: &'a Follow,
    notes: &'a ChannelSender<Note>,
    /// All that happened before the selection has been reported.
    caught_up: bool,
    /// There is more than the last state covered.
    changed: bool,
    /// Messages that have arrived and whose flags were not known then.
    flagless: UidSet,
    /// The NOOP behind this state.
    mark: Option<(CommandId, MailboxState)>,
    /// No state is read before this.
    next_mark: Instant,
}

impl<'a> Stream<'a> {
    fn new(what: &'a Follow, notes: &'a ChannelSender<Note>, flagless: UidSet) -> Self {
        let (mark, next_mark) = (None, Instant::now());
        Self { what, notes, caught_up: false, changed: true, flagless, mark, next_mark }
    }

    /// Reads the state, and submits the command behind which it counts; or says when it is to be
    /// read.
    fn mark_state(&mut self, mailbox: &Mailbox, now: Instant) -> Option<Instant> {
        if !self.caught_up || !self.changed || self.mark.is_some() {
            return None;
        }
        if now < self.next_mark {
            return Some(self.next_mark);
        }
        self.next_mark = now + PAUSE;
        if let Some(state) = mailbox.state() {
            self.mark = Some((mailbox.sender().noop().detach(), state));
            self.changed = false;
        }
        None
    }

    async fn take(&mut self, event: Event, mailbox: &Mailbox) -> Noted<Option<Result<Ended>>> {
        let is_here = event.is_in(mailbox);
        match event.kind {
            EventKind::Lagged(_) => return Ok(Some(Ok(Ended::Again))),
            EventKind::Closed { reason, .. } => return Ok(Some(Err(reason.into()))),
            EventKind::Completed { .. } => return self.complete(event.cause, true).await,
            EventKind::Failed { .. } => return self.complete(event.cause, false).await,
            EventKind::Status(_)
            | EventKind::MailboxCreated(_)
            | EventKind::MailboxRenamed { .. }
            | EventKind::MailboxDeleted
            | EventKind::NotificationsLost { .. } => self.send(Note::Hint).await?,
            kind if is_here => return self.take_change(kind, mailbox).await,
            _ => {}
        }
        Ok(None)
    }

    /// An event of this selection.
    async fn take_change(&mut self, kind: EventKind, mailbox: &Mailbox) -> Noted<Option<Result<Ended>>> {
        let reports = self.caught_up || self.what.state.is_some();
        match kind {
            EventKind::Resumed { .. } => self.caught_up = true,
            EventKind::Ready { .. } if self.what.state.is_none() => self.caught_up = true,
            EventKind::Arrived { uid, flags, .. } if reports => {
                let flags = flags.or_else(|| known_flags(mailbox, uid));
                if flags.is_none() && self.what.flags {
                    self.flagless.insert(uid);
                }
                self.report(ChangeKind::Arrived { uid, flags }, None).await?;
            }
            EventKind::FlagsChanged { uid: Some(uid), flags, mod_seq, .. } if reports && self.what.flags => {
                self.report(ChangeKind::FlagsChanged { uid, flags }, mod_seq).await?;
            }
            EventKind::Expunged { uid: Some(uid), .. } if reports => {
                self.report(ChangeKind::Expunged { uid }, None).await?;
            }
            EventKind::UidValidityChanged { uid_validity } => {
                self.send(Note::Delta(self.what.key.clone(), None, Delta::Reset(uid_validity))).await?;
                return Ok(Some(Ok(Ended::Again)));
            }
            EventKind::Contradiction { .. } if reports => return Ok(Some(Ok(Ended::Later))),
            EventKind::SelectionEnded => return Ok(Some(Ok(Ended::Again))),
            _ => {}
        }
        Ok(None)
    }

    /// A command has ended: perhaps the one behind which a state counts.
    async fn complete(&mut self, id: Option<CommandId>, ok: bool) -> Noted<Option<Result<Ended>>> {
        let Some((_, state)) = self.mark.take_if(|(mark, _)| Some(*mark) == id) else { return Ok(None) };
        if !ok {
            self.changed = true;
            return Ok(None);
        }
        // The view has read their flags since: to it that was no change.
        for uid in std::mem::take(&mut self.flagless).iter() {
            if let Some(flags) = state.flags_of(uid).filter(|flags| !flags.is_empty()).cloned() {
                let delta = Delta::Change(ChangeKind::FlagsChanged { uid, flags });
                self.send(Note::Delta(self.what.key.clone(), None, delta)).await?;
            }
        }
        self.send(Note::Delta(self.what.key.clone(), None, Delta::InStep(state))).await?;
        Ok((!self.what.stays && !self.changed).then_some(Ok(Ended::InStep)))
    }

    async fn report(&mut self, kind: ChangeKind, mod_seq: Option<ModSeq>) -> Noted<()> {
        self.changed = true;
        self.send(Note::Delta(self.what.key.clone(), mod_seq, Delta::Change(kind))).await
    }

    async fn send(&self, note: Note) -> Noted<()> {
        self.notes.send(note).await.map_err(|_| Gone)
    }
}

/// What the view knows of the flags of a message.
fn known_flags(mailbox: &Mailbox, uid: Uid) -> Option<Flags> {
    let snapshot = mailbox.snapshot();
    snapshot.flags(snapshot.seq(uid)?)
}

/// Messages of which no flags are known: an earlier run may have ended before it had read them.
fn without_flags(state: &MailboxState) -> UidSet {
    state.flags.iter().fold(state.uids.clone(), |rest, (_, uids)| rest.difference(uids))
}
