//! One mailbox as it changes: a look that ends once all is reported, or a selection that stays.
//!
//! ```text
//!   SELECT with the state known ──> events ──> Resumed, or the view is complete ──> NOOP with the state of now
//!                                     │                                               └─ OK: in step ──> a look ends
//!                                     └── left out (a slow reader), another UIDVALIDITY ──> ends: to be looked into again
//! ```
//!
//! A state counts once a command that was submitted after it was read has completed: all that it
//! covers is before that in the stream, and what was reported meanwhile is added to it.
//!
//! In: an account, a mailbox, what is known of it. Out: changes and states, to the watch's task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

pub(super) use self::control::Control;
use self::control::{Leaving, recheck};
use super::arrivals::{Arrivals, first_state, known_flags, read_sample, without_flags};
use super::change::ChangeKind;
use super::key::MailboxKey;
use super::ledger::{Delta, Sample, apply_to_state};
use super::lend::wanted_elsewhere;
use super::output::Room;
use super::task::{Note, Notes};
use crate::account::Account;
use crate::account::connection::Events;
use crate::client::{Mailbox, Select, Token};
use crate::command::{Fetch, Items};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    CloseReason, CommandId, Event, EventKind, Flags, MailboxName, MailboxState, ModSeq, Uid, UidSet,
    UidValidity, ViewSync,
};

/// What to look into, and how.
pub(super) struct Follow {
    pub(super) key: MailboxKey,
    pub(super) name: MailboxName,
    /// What is known of it; without that the messages that are there already are not reported.
    pub(super) state: Option<MailboxState>,
    /// Without a state: they are reported all the same.
    pub(super) whole: bool,
    pub(super) flags: bool,
    /// What is fetched of messages that arrive.
    pub(super) items: Option<Items>,
    /// Messages by which it is recognised under another name, if it is to be.
    pub(super) sample: Option<Sample>,
    /// It goes on until the connection ends.
    pub(super) stays: Option<Arc<Control>>,
    /// For messages that are on their way to the program.
    pub(super) room: Room,
    /// Counts twice each note: while it is odd the program has not read what came before.
    pub(super) notes: AtomicU64,
}

/// How following a mailbox has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All that there was has been reported.
    InStep,
    /// Not all of it: to be looked into again.
    Again,
    /// The same, since its connection is wanted for other things.
    Yielded,
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
/// How many changes may be reported before the command behind a state has ended.
const MAX_SINCE_MARK: usize = 4096;
const NOT_IN_STEP: &str = "the server does not report what the mailbox has";

/// Follows a mailbox, and reports its end.
pub(super) async fn follow(account: Account, what: Box<Follow>, notes: Notes) {
    let key = what.key.clone();
    let ended = match run(&account, what, &notes).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => Ended::Failed(error),
        Err(Gone) => return,
    };
    _ = notes.send(Note::Ended(key, ended)).await;
}

async fn run(account: &Account, mut what: Box<Follow>, notes: &Notes) -> Noted<Result<Ended>> {
    let view = if what.flags { ViewSync::Flags } else { ViewSync::Uids };
    let flagless = what.state.as_ref().filter(|_| what.flags).map(without_flags).unwrap_or_default();
    let select = Select::new(what.name.clone()).read_only().view_sync(view);
    let is_known = what.state.is_some();
    let before = what.state.as_ref().map(|state| (state.uid_validity, state.highest_mod_seq));
    let select = match what.state.take() {
        Some(state) => select.resume(state),
        None => select,
    };
    // In boxes: what is over soon, or comes rarely, is not to take room for as long as it is
    // silent.
    let (mailbox, mut events) = match Box::pin(account.follow(select)).await {
        Ok(followed) => followed,
        Err(error) => return Ok(Err(error)),
    };
    let is_rewound = before.is_some_and(|before| is_rewound(before, &mailbox));
    let arrivals = Arrivals::new(what.items.take());
    let control = what.stays.as_deref();
    let _leaving = Leaving::of(&mailbox, control);
    let mut stream = Stream::new(&what, notes, is_known, flagless, arrivals);
    tokio::select! {
        ended = attend(&mut stream, is_rewound, &mailbox, &mut events) => ended,
        () = wanted_elsewhere(account, &what) => Ok(Ok(Ended::Yielded)),
    }
}

/// Reports what happens in the mailbox, until that is to end.
async fn attend(
    stream: &mut Stream<'_>,
    is_rewound: bool,
    mailbox: &Mailbox,
    events: &mut Events,
) -> Noted<Result<Ended>> {
    if is_rewound {
        stream.send(Note::Delta(stream.what.key.clone(), Delta::Rewound)).await?;
    }
    loop {
        let due = stream.mark_state(mailbox, Instant::now());
        let mut event = events.try_next().map(Box::new);
        if event.is_none() {
            if !stream.arrivals.is_empty()
                && let Err(error) = Box::pin(stream.report_arrivals(mailbox)).await?
            {
                return Ok(Err(error));
            }
            // A mailbox that is followed may be silent for ever.
            let until = due.or_else(|| (!stream.stays()).then(|| Instant::now() + PATIENCE));
            event = tokio::select! {
                event = next(events) => match event {
                    Some(event) => Some(event),
                    None => return Ok(Err(CloseReason::Eof.into())),
                },
                () = at(until) => None,
                since = recheck(stream.what.stays.as_deref()) => match since {
                    Some(since) => {
                        let changes = Fetch::new(.., Items::new().flags()).changed_since(since);
                        // What has changed comes as events.
                        mailbox.submit(changes).detach();
                        continue;
                    }
                    None => return Ok(Ok(Ended::Again)),
                },
            };
        }
        match event {
            Some(event) => {
                if let Some(ended) = Box::pin(stream.take(*event, mailbox)).await? {
                    return Ok(ended);
                }
            }
            None if due.is_some() => {}
            None => {
                return Ok(Err(
                    Error::new(ErrorKind::Timeout, NOT_IN_STEP).about(Some(&stream.what.name), None)
                ));
            }
        }
    }
}

/// In a box, as above.
async fn next(events: &mut Events) -> Option<Box<Event>> {
    events.next().await.map(Box::new)
}

async fn at(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// A state, and the commands behind which it counts.
struct Mark {
    noop: CommandId,
    state: MailboxState,
    sample: Option<Token<Fetch>>,
}

/// What a mailbox's events come to.
struct Stream<'a> {
    what: &'a Follow,
    notes: &'a Notes,
    /// It was known before: what has happened since is reported.
    is_known: bool,
    /// All that happened before the selection has been reported.
    caught_up: bool,
    /// There is more than the last state covered.
    changed: bool,
    /// Messages that have arrived and whose flags were not known then.
    flagless: UidSet,
    arrivals: Arrivals,
    sample: Option<Sample>,
    mark: Option<Box<Mark>>,
    /// What has been reported since the state was read: it is in none that is older.
    since_mark: Vec<ChangeKind>,
    /// No state is read before this.
    next_mark: Instant,
}

impl<'a> Stream<'a> {
    fn new(what: &'a Follow, notes: &'a Notes, is_known: bool, flagless: UidSet, arrivals: Arrivals) -> Self {
        Self {
            what,
            notes,
            is_known,
            caught_up: false,
            changed: true,
            flagless,
            arrivals,
            sample: what.sample.clone(),
            mark: None,
            since_mark: Vec::new(),
            next_mark: Instant::now(),
        }
    }

    fn stays(&self) -> bool {
        self.what.stays.is_some()
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
            if let Some(control) = &self.what.stays {
                control.set_reported(mailbox.reported_mod_seq());
            }
            let sample = self.sample.as_ref().and_then(|sample| read_sample(sample, &state.uids, mailbox));
            let mark = Mark { noop: mailbox.sender().noop().detach(), state, sample };
            self.mark = Some(Box::new(mark));
            self.changed = false;
            self.since_mark.clear();
        }
        None
    }

    async fn take(&mut self, event: Event, mailbox: &Mailbox) -> Noted<Option<Result<Ended>>> {
        let is_here = event.is_in(mailbox);
        let is_arrival = matches!(event.kind, EventKind::Arrived { .. } | EventKind::Exists { .. });
        if (!is_arrival || self.arrivals.is_full())
            && let Err(error) = self.report_arrivals(mailbox).await?
        {
            return Ok(Some(Err(error)));
        }
        match event.kind {
            EventKind::Lagged(_) => return Ok(Some(Ok(Ended::Again))),
            EventKind::Closed { reason, .. } => return Ok(Some(Err(reason.into()))),
            EventKind::Completed { .. } => return self.complete(event.cause, true).await,
            EventKind::Failed { .. } => return self.complete(event.cause, false).await,
            EventKind::Status(status) => self.send(Note::Reported(Some(status.name))).await?,
            EventKind::MailboxCreated(_)
            | EventKind::MailboxRenamed { .. }
            | EventKind::MailboxDeleted
            | EventKind::MailboxSubscribed { .. }
            | EventKind::NotificationsLost { .. } => self.send(Note::Reported(None)).await?,
            kind if is_here => return self.take_change(kind, mailbox).await,
            _ => {}
        }
        Ok(None)
    }

    /// An event of this selection.
    async fn take_change(&mut self, kind: EventKind, mailbox: &Mailbox) -> Noted<Option<Result<Ended>>> {
        let reports = self.caught_up || self.is_known;
        match kind {
            EventKind::Ready { .. } if mailbox.uid_validity().is_none() => {
                return Ok(Some(Err(no_uid_validity(self.what))));
            }
            EventKind::Resumed { .. } => self.catch_up(mailbox).await?,
            EventKind::Ready { .. } if !self.is_known => {
                self.report_known(mailbox).await?;
                self.report_whole(mailbox).await?;
                self.catch_up(mailbox).await?;
            }
            EventKind::Arrived { uid, flags, .. } if reports => {
                self.arrived(uid, flags, mailbox);
            }
            EventKind::FlagsChanged { uid: Some(uid), flags, mod_seq, .. } if reports && self.what.flags => {
                self.report(ChangeKind::FlagsChanged { uid, flags }, mod_seq).await?;
            }
            EventKind::Expunged { uid: Some(uid), .. } if reports => {
                self.report(ChangeKind::Expunged { uid }, None).await?;
            }
            // Its UIDs say nothing about those of before, nor those of before about these.
            EventKind::UidValidityChanged { uid_validity: None } => {
                return Ok(Some(Err(no_uid_validity(self.what))));
            }
            EventKind::UidValidityChanged { uid_validity } => {
                self.send(Note::Delta(self.what.key.clone(), Delta::Reset(uid_validity))).await?;
                return Ok(Some(Ok(Ended::Again)));
            }
            // Before that the view compares all by itself.
            EventKind::Contradiction { .. } if self.caught_up => return Ok(Some(Ok(Ended::Later))),
            EventKind::SelectionEnded => return Ok(Some(Ok(Ended::Again))),
            _ => {}
        }
        Ok(None)
    }

    fn arrived(&mut self, uid: Uid, flags: Option<Flags>, mailbox: &Mailbox) {
        let flags = flags.or_else(|| known_flags(mailbox, uid));
        if flags.is_none() && self.what.flags {
            self.flagless.insert(uid);
        }
        self.changed = true;
        self.arrivals.push(uid, flags);
    }

    /// All messages of a mailbox whose UIDVALIDITY was not known before it was selected.
    async fn report_whole(&mut self, mailbox: &Mailbox) -> Noted<()> {
        let (true, Some(uid_validity)) = (self.what.whole && !self.caught_up, mailbox.uid_validity()) else {
            return Ok(());
        };
        self.send(Note::Delta(self.what.key.clone(), Delta::Begin(uid_validity))).await?;
        for uid in mailbox.snapshot().uids().iter() {
            self.arrived(uid, None, mailbox);
        }
        Ok(())
    }

    /// What a mailbox of which nothing was known has, where that is not reported itself: all that
    /// happens then counts from there on.
    async fn report_known(&mut self, mailbox: &Mailbox) -> Noted<()> {
        let (false, Some(uid_validity)) = (self.what.whole || self.caught_up, mailbox.uid_validity()) else {
            return Ok(());
        };
        let state = first_state(mailbox, uid_validity);
        self.send(Note::Known(self.what.key.clone(), state)).await
    }

    /// All that happened before the selection has been reported.
    async fn catch_up(&mut self, mailbox: &Mailbox) -> Noted<()> {
        if !std::mem::replace(&mut self.caught_up, true)
            && let Some(control) = &self.what.stays
        {
            control.caught_up.store(true, Ordering::Relaxed);
            self.send(Note::Followed(self.what.key.clone(), mailbox.sender())).await?;
        }
        Ok(())
    }

    /// Reports messages that have arrived, with what was asked for of them.
    async fn report_arrivals(&mut self, mailbox: &Mailbox) -> Noted<Result<()>> {
        while !self.arrivals.is_empty() {
            match Box::pin(self.arrivals.take(mailbox)).await {
                Ok(arrived) => {
                    for kind in arrived {
                        self.report(kind, None).await?;
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    /// A command has ended: perhaps the one behind which a state counts.
    async fn complete(&mut self, id: Option<CommandId>, ok: bool) -> Noted<Option<Result<Ended>>> {
        let Some(mark) = self.mark.take_if(|mark| Some(mark.noop) == id) else { return Ok(None) };
        let Mark { state, sample, .. } = *mark;
        if !ok {
            self.changed = true;
            return Ok(None);
        }
        let (mut state, is_whole) = self.arrivals.without_withheld(state);
        for kind in self.since_mark.drain(..) {
            apply_to_state(&mut state, &kind);
        }
        // The view has read their flags since: to it that was no change.
        for uid in std::mem::take(&mut self.flagless).iter() {
            if let Some(flags) = state.flags_of(uid).filter(|flags| !flags.is_empty()).cloned() {
                let delta = Delta::Change(ChangeKind::FlagsChanged { uid, flags }, None);
                self.send(Note::Delta(self.what.key.clone(), delta)).await?;
            }
        }
        // It was sent before the NOOP, and has ended. Without it the mailbox is not recognised
        // under another name, which is reported as a new one.
        let rows = match sample {
            Some(sample) => sample.await.ok(),
            None => None,
        };
        let sample = rows.map(|rows| super::arrivals::sample_of(&rows));
        if sample.is_some() {
            self.sample.clone_from(&sample);
        }
        self.send(Note::Delta(self.what.key.clone(), Delta::InStep(state, sample))).await?;
        if !is_whole {
            return Ok(Some(Ok(Ended::Later)));
        }
        Ok((!self.stays() && !self.changed).then_some(Ok(Ended::InStep)))
    }

    async fn report(&mut self, kind: ChangeKind, mod_seq: Option<ModSeq>) -> Noted<()> {
        self.changed = true;
        if self.mark.is_some() {
            self.since_mark.push(kind.without_message());
            // Another state is read then.
            self.mark.take_if(|_| self.since_mark.len() > MAX_SINCE_MARK);
        }
        self.noted(async {
            let place = self.what.room.place(&kind).await;
            let delta = Delta::Change(kind, mod_seq);
            self.notes.send(Note::Delivered(self.what.key.clone(), delta, place)).await
        })
        .await
    }

    async fn send(&self, note: Note) -> Noted<()> {
        self.noted(self.notes.send(note)).await
    }

    async fn noted(&self, send: impl Future<Output = bool>) -> Noted<()> {
        self.what.notes.fetch_add(1, Ordering::Relaxed);
        let is_there = send.await;
        self.what.notes.fetch_add(1, Ordering::Relaxed);
        if is_there { Ok(()) } else { Err(Gone) }
    }
}

/// Whether the mailbox has got lower mod-sequences since it was known, as when it was restored.
fn is_rewound((uid_validity, mod_seq): (UidValidity, Option<ModSeq>), mailbox: &Mailbox) -> bool {
    mailbox.uid_validity() == Some(uid_validity)
        && mailbox.highest_mod_seq().is_some_and(|now| Some(now) < mod_seq)
}

fn no_uid_validity(what: &Follow) -> Error {
    let why = "the server gives the mailbox no UIDVALIDITY: its UIDs can't be compared with those of later";
    Error::unsupported(why).about(Some(&what.name), None)
}

mod control;
