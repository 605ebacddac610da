//! A look at one mailbox: its rows are made as the server has it; or the same as long as it stays
//! selected.
//!
//! ```text
//!   rows ──> SELECT with the state known ──> first page, if no rows ──> the view is complete
//!     ^                                                                     │ differences
//!     ├── transactions: differences, the last with the cursor <─────────────┘
//!     └── windows: the contents that rows lack, newest first; differences meanwhile
//! ```
//!
//! The view believes a QRESYNC answer only if the counts agree, and is complete only once the
//! server has listed all messages: so what it lacks is gone. Flags of rows come from the view
//! alone, in its order, never from a FETCH that may be older.
//!
//! In: an account, a mailbox as it was left. Out: rows, and a cursor that covers only what is in
//! them.

use std::time::Duration;

use rusqlite::Transaction;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::complete::{Complete, PATIENCE, changes_asked, complete, late, newest_left};
use super::contents::Windows;
use super::known::{Known, of_diff};
use super::race::{Either, race};
use super::task::Note;
use super::traits::{readable, traits, traits_of};
use crate::account::{Account, Counts, Events, MailboxKey};
use crate::client::{Mailbox, Select};
use crate::error::{Error, ErrorKind};
use crate::store::database::{Database, Durability};
use crate::store::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use crate::store::ids::OperationId;
use crate::store::operations;
use crate::store::rows::content::{self, NewContent};
use crate::store::rows::mailbox::{self, Cursor, Kept};
use crate::store::rows::message::{self, Difference, Fetched};
use crate::types::{EventKind, Flags, Message, Uid, UidValidity, ViewSync};
use crate::view::Snapshot;

/// Messages of the first page of a mailbox of which nothing is known.
const FIRST_PAGE: u32 = 100;
/// Differences that are stored in one transaction.
const MAX_BATCH: usize = 2_000;
/// The pause between two cursors of a mailbox that stays selected: to read one takes time in the
/// number of messages.
const PAUSE: Duration = Duration::from_secs(5);
/// How soon a look follows one that was cut off.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a look keeps a connection for which others wait before it begins again behind them.
const TURN: Duration = Duration::from_secs(10);

/// How a look has ended.
#[derive(Debug)]
pub(in crate::store) enum Outcome {
    InStep,
    /// To be looked into again at once.
    Again,
    /// It has this UIDVALIDITY, and the listing has another one: to be looked into after the next.
    Unlisted(UidValidity),
    /// Not before the next sweep.
    Failed(StoreError),
    /// The server does not let this mailbox be read, and says so. Not before the next sweep either.
    Refused,
    /// The account has ended.
    Closed,
}

impl Outcome {
    /// It will be the same the next time.
    fn refused(self) -> Self {
        if let Self::Failed(_) = self { Self::Refused } else { self }
    }
}

/// What a look needs.
pub(super) struct Look {
    pub(super) account: Account,
    pub(super) database: Database,
    pub(super) account_id: i64,
    pub(super) key: MailboxKey,
    pub(super) kept: Kept,
    /// What the last STATUS said.
    pub(super) counts: Option<String>,
    /// The UIDVALIDITY that counts, whatever that said.
    pub(super) believed: Option<UidValidity>,
    /// Asks a selection that stays for a round; `None`: it ends once all is stored.
    pub(super) rounds: Option<watch::Receiver<u64>>,
    pub(super) notes: UnboundedSender<Note>,
    /// Whether all that was found is in the rows.
    pub(super) is_whole: bool,
    /// How many messages of the mailbox waited for their UIDs when the look began.
    pub(super) awaited: usize,
}

/// Looks into a mailbox, and reports the end.
pub(super) async fn look(mut look: Look) {
    // One that stays would keep them from changing for ever.
    let held = match look.rounds {
        Some(_) => None,
        None => Some(look.database.structure(look.account_id).hold().await),
    };
    let outcome = match look.run().await {
        Ok(outcome) => outcome,
        Err(error) => look.fail(&error).await,
    };
    drop(held);
    if let Outcome::Again = outcome {
        // A server that ends each selection at once is not asked without a pause.
        sleep(AGAIN).await;
    }
    _ = look.notes.send(Note::Ended(look.key.clone(), outcome));
}

impl Look {
    /// Notes why the mailbox is not in step.
    async fn fail(&self, error: &StoreError) -> Outcome {
        let (id, why) = (self.kept.id, error.to_string());
        // Without room for this it is said next time.
        _ = self.database.write(Durability::Process, move |file| mailbox::failed(file, id, &why)).await;
        match error.imap().map(Error::kind) {
            Some(ErrorKind::SelectionEnded) => Outcome::Again,
            Some(ErrorKind::Closed) if self.account.has_ended() => Outcome::Closed,
            Some(ErrorKind::No) if !error.is_transient() => Outcome::Refused,
            _ => Outcome::Failed(error.clone()),
        }
    }

    async fn run(&mut self) -> StoreResult<Outcome> {
        let id = self.kept.id;
        // What is asked for before the SELECT is answered by what follows it.
        let round = self.rounds.as_mut().map(|rounds| *rounds.borrow_and_update());
        let (mut known, sent) =
            self.database.read(move |file| Ok((Known::read(file, id)?, operations::sent(file, id)?))).await?;
        let select = Select::new(self.kept.name.clone()).read_only().view_sync(ViewSync::Flags);
        let select = match known.state(self.kept.uid_validity, self.kept.mod_seq) {
            Some(state) => select.resume(state),
            None => select,
        };
        let (mailbox, mut events) = match self.rounds {
            Some(_) => {
                let (mailbox, events) = self.account.follow(select).await?;
                (mailbox, Some(events))
            }
            None => (self.account.mailbox(select).await?, None),
        };
        let uid_validity = mailbox.uid_validity();
        if uid_validity.is_none() {
            let what =
                format!("{}: the server gives no UIDVALIDITY: its messages can't be kept", self.kept.name);
            let error = StoreError::new(StoreErrorKind::Server, what);
            return Ok(self.fail(&error).await.refused());
        }
        if uid_validity != self.kept.uid_validity {
            if let Some(now) = uid_validity.filter(|_| self.kept.uid_validity.is_some())
                && !self.is_listed_so(now)
                && self.believed != Some(now)
            {
                return Ok(Outcome::Unlisted(now));
            }
            let exists = mailbox.exists();
            self.write(move |file| mailbox::reset(file, id, uid_validity, exists)).await?;
            known = self.database.read(move |file| Known::read(file, id)).await?;
            // What was counted in another mailbox says nothing of this one.
            (self.kept.mod_seq, self.kept.counts) = (None, None);
            self.kept.uid_validity = uid_validity;
        }
        self.awaited = self.waiting().await?;
        // Asked for at once, and read below.
        let newest = known
            .newest()
            .map(|uid| (uid, mailbox.fetch(uid, content::traits(&mailbox.sender().capabilities()))));
        if known.is_empty() && mailbox.exists() > 0 {
            self.first_page(&mailbox).await?;
            // Rows that are there are no news, and their flags may be older than the view's.
            known = self.database.read(move |file| Known::read(file, id)).await?;
        }
        // What has arrived in the rows since the SELECT, by another connection, is reported by now.
        mailbox.sender().noop().await?;
        let complete = complete(&mailbox).await?;
        let newest = match newest {
            Some((uid, asked)) => match readable(traits_of(&mailbox, uid, asked).await)? {
                rows if rows.is_empty() => newest_left(&mailbox, &known, &complete.snapshot).await?,
                rows => rows,
            },
            None => Vec::new(),
        };
        if self.went_back(&mailbox) || self.is_other(newest).await? {
            self.verify(&mailbox, &known).await?;
            self.write(move |file| mailbox::distrust(file, id)).await?;
            return Ok(Outcome::Again);
        }
        let differences = known.differences(&complete.snapshot);
        drop(known);
        self.commit(differences, &complete, Some(sent)).await?;
        self.finish(&mailbox, events.as_mut(), complete.snapshot, round).await
    }

    /// Contents, and what changes meanwhile; and on, if the mailbox stays selected.
    async fn finish(
        &mut self,
        mailbox: &Mailbox,
        mut events: Option<&mut Events>,
        mut committed: Snapshot,
        mut asked: Option<u64>,
    ) -> StoreResult<Outcome> {
        let (mut next_cursor, mut has_cursor) = (Instant::now() + PAUSE, true);
        let (mut windows, began) = (Windows::default(), Instant::now());
        loop {
            let more = self.window(mailbox, &mut windows).await?;
            let now = mailbox.snapshot();
            let is_other = mailbox.uid_validity() != self.kept.uid_validity;
            if is_other || mailbox.has_ended() {
                return Ok(Outcome::Again);
            }
            // With flags that are still asked for, a message would be passed over for good.
            if now.is_complete() && now.flags_unknown() == 0 {
                let differences = of_diff(&committed.diff(&now));
                if !differences.is_empty() {
                    has_cursor = false;
                    self.store(differences).await?;
                }
                committed = now;
            }
            if more && self.rounds.is_none() && self.is_to_yield(began) {
                return Ok(Outcome::Again);
            }
            if more {
                continue;
            }
            if self.lacking(&windows).await? > 0 {
                // They may have been expunged, which is reported by the next answer.
                mailbox.sender().noop().await?;
                let complete = complete(mailbox).await?;
                self.store(of_diff(&committed.diff(&complete.snapshot))).await?;
                (committed, has_cursor) = (complete.snapshot, false);
                match self.lacking(&windows).await? {
                    // What has arrived meanwhile is asked for.
                    0 => continue,
                    count => return Err(self.not_sent(count)),
                }
            }
            // What was left out of the rows may be what waits.
            if self.is_whole {
                self.settle_waiting().await?;
            }
            let awaited = std::mem::take(&mut self.awaited);
            if awaited > 0 && self.waiting().await? < awaited {
                // What waited for UIDs of this mailbox can be sent. If none has come, it is tried
                // again after its pause: not at once, which would lead to this look again.
                self.database.announce_queued();
            }
            // Contents belong to it.
            if let Some(round) = asked.take() {
                _ = self.notes.send(Note::Rounded(round));
            }
            if !has_cursor && (events.is_none() || Instant::now() >= next_cursor) {
                let complete = complete(mailbox).await?;
                let differences = of_diff(&committed.diff(&complete.snapshot));
                self.commit(differences, &complete, None).await?;
                (committed, next_cursor, has_cursor) = (complete.snapshot, Instant::now() + PAUSE, true);
                continue;
            }
            let Some(events) = events.as_deref_mut() else { return Ok(Outcome::InStep) };
            let until = (!has_cursor).then_some(next_cursor);
            match self.wait(events, until).await {
                Waited::Changed => {}
                Waited::Round(round) => {
                    committed = self.round(mailbox, &committed).await?;
                    (asked, windows) = (Some(round), Windows::default());
                }
                Waited::Ended => return Ok(Outcome::Again),
            }
        }
    }

    /// Whether somebody waits for the end of this look: it goes on after them.
    fn is_to_yield(&self, began: Instant) -> bool {
        self.database.structure(self.account_id).is_wanted()
            || began.elapsed() >= TURN && self.account.is_short()
    }

    /// All that the server did before this is stored.
    async fn round(&mut self, mailbox: &Mailbox, committed: &Snapshot) -> StoreResult<Snapshot> {
        let id = self.kept.id;
        // Against the rows: what arrived while something of ours did was left out. They are read
        // before the snapshot: what comes to be in them later may not be in it, and is not gone.
        let read = move |file: &Transaction<'_>| Ok((Known::read(file, id)?, operations::sent(file, id)?));
        let (known, sent) = self.database.read(read).await?;
        // The server reports before its answer what has changed, but for what it hides.
        mailbox.sender().noop().await?;
        changes_asked(mailbox).await?;
        let complete = complete(mailbox).await?;
        self.store(of_diff(&committed.diff(&complete.snapshot))).await?;
        self.is_whole = true;
        self.commit(known.differences(&complete.snapshot), &complete, Some(sent)).await?;
        Ok(complete.snapshot)
    }

    /// Waits until something may have changed, a round is asked for, or the time has come.
    async fn wait(&mut self, events: &mut Events, until: Option<Instant>) -> Waited {
        let Some(rounds) = &mut self.rounds else { return Waited::Ended };
        if rounds.has_changed().unwrap_or(false) {
            return Waited::Round(*rounds.borrow_and_update());
        }
        let asked = async {
            match until {
                Some(until) => match race(rounds.changed(), sleep_until(until)).await {
                    Either::First(changed) => changed.map(|()| true),
                    Either::Second(()) => Ok(false),
                },
                None => rounds.changed().await.map(|()| true),
            }
        };
        let event = match race(events.next(), asked).await {
            Either::First(event) => event,
            Either::Second(Ok(false)) => return Waited::Changed,
            Either::Second(Ok(true)) => return Waited::Round(*rounds.borrow_and_update()),
            Either::Second(Err(_)) => return Waited::Ended,
        };
        match event.map(|event| event.kind) {
            None
            | Some(
                EventKind::Closed { .. } | EventKind::SelectionEnded | EventKind::UidValidityChanged { .. },
            ) => Waited::Ended,
            Some(
                EventKind::Status(_)
                | EventKind::MailboxCreated(_)
                | EventKind::MailboxRenamed { .. }
                | EventKind::MailboxDeleted
                | EventKind::NotificationsLost { .. },
            ) => {
                _ = self.notes.send(Note::Hint);
                Waited::Changed
            }
            Some(_) => Waited::Changed,
        }
    }

    /// Whether the last listing has the mailbox with this UIDVALIDITY: it may have another name by
    /// now, and this be a new one in its place, which a listing tells apart.
    fn is_listed_so(&self, now: UidValidity) -> bool {
        let counts = counts_of(self.counts.as_deref());
        counts.and_then(|counts| counts.uid_validity()).is_none_or(|listed| listed == now)
    }

    /// Whether the server was restored from a backup: then known UIDs may be those of other
    /// messages.
    fn went_back(&self, mailbox: &Mailbox) -> bool {
        let counts = counts_of(self.kept.counts.as_deref());
        let before = counts.and_then(|counts| counts.uid_next());
        let is_lower = before.zip(mailbox.uid_next()).is_some_and(|(before, now)| now < before);
        is_lower || self.kept.mod_seq.zip(mailbox.highest_mod_seq()).is_some_and(|(before, now)| now < before)
    }

    /// Whether the newest known message is another one at the server: so much has come since it was
    /// restored that no number is lower.
    async fn is_other(&self, newest: Vec<Message>) -> StoreResult<bool> {
        let id = self.kept.id;
        let is_other = move |file: &Transaction<'_>| {
            for row in &newest {
                let known = row.uid().map_or(Ok(None), |uid| message::by_uid(file, id, uid))?;
                if known.is_some_and(|known| !message::is_same(file, known, row).unwrap_or(true)) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.database.read(is_other).await
    }

    /// Rows go that are not of the messages that have their UIDs now.
    async fn verify(&self, mailbox: &Mailbox, known: &Known) -> StoreResult<()> {
        let id = self.kept.id;
        for uids in known.windows(MAX_BATCH) {
            let rows = timeout(PATIENCE, traits(mailbox, uids)).await.map_err(|_| late(mailbox))?;
            let rows = readable(rows)?;
            self.write(move |file| rows.iter().try_for_each(|row| message::verify(file, id, row))).await?;
        }
        Ok(())
    }

    /// The newest messages, with flags: there is something to be seen before all is listed.
    async fn first_page(&self, mailbox: &Mailbox) -> StoreResult<()> {
        let items = content::items(&mailbox.sender().capabilities()).flags();
        let rows = mailbox.fetch(mailbox.newest(FIRST_PAGE), items);
        // What did not come is asked for later.
        let rows = match timeout(PATIENCE, rows).await.map_err(|_| late(mailbox))? {
            Ok(rows) => rows,
            Err(error) if error.kind() == ErrorKind::Incomplete || error.refuses_messages() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let fetched: Vec<Fetched> =
            rows.iter().filter_map(|row| fetched(row, row.flags().cloned())).collect();
        let (account, id) = (self.account_id, self.kept.id);
        self.write(move |file| message::fill(file, account, id, &fetched)).await
    }

    /// Stores differences in batches.
    async fn store(&mut self, differences: Vec<Difference>) -> StoreResult<()> {
        let id = self.kept.id;
        for batch in batches(differences) {
            self.is_whole &= self.write(move |file| message::apply(file, id, &batch)).await?;
        }
        Ok(())
    }

    /// Stores differences, the last of them with the cursor; `sent` are operations that the server
    /// had done before the snapshot was taken: it shows what has become of them.
    async fn commit(
        &mut self,
        mut differences: Vec<Difference>,
        complete: &Complete,
        sent: Option<Vec<OperationId>>,
    ) -> StoreResult<()> {
        let rest = differences.split_off(differences.len().saturating_sub(MAX_BATCH));
        self.store(differences).await?;
        let id = self.kept.id;
        // Only what STATUS said before the look is surely in the rows.
        let counts = self.counts.clone().filter(|_| sent.is_some());
        let cursor = Cursor {
            uid_validity: self.kept.uid_validity,
            mod_seq: complete.mod_seq,
            at_server: complete.snapshot.len(),
            counts,
            is_whole: self.is_whole,
        };
        self.is_whole = self
            .write(move |file| {
                let is_whole = message::apply(file, id, &rest)? && cursor.is_whole;
                mailbox::set_cursor(file, id, &Cursor { is_whole, ..cursor })?;
                operations::finish_sent(file, &sent.unwrap_or_default())?;
                Ok(is_whole)
            })
            .await?;
        Ok(())
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        self.database.write_behind(job).await
    }
}

/// Counts as the file has them.
pub(super) fn counts_of(text: Option<&str>) -> Option<Counts> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

enum Waited {
    Changed,
    Round(u64),
    Ended,
}

pub(super) fn fetched(row: &Message, flags: Option<Flags>) -> Option<Fetched> {
    let uid: Uid = row.uid()?;
    Some(Fetched { uid, flags, content: NewContent::of(row)? })
}

fn batches(differences: Vec<Difference>) -> Vec<Vec<Difference>> {
    let mut batches = Vec::new();
    let mut rest = differences.into_iter().peekable();
    while rest.peek().is_some() {
        batches.push(rest.by_ref().take(MAX_BATCH).collect());
    }
    batches
}
