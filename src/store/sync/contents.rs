//! The contents of messages, in windows: what rows lack once all messages are listed.
//!
//! ```text
//!   newest that lack it ──> FETCH ──> rows ──────────────> one transaction
//!          ^                  │ NO, for some of them ──> the same in smaller windows
//!          └──────────────────┘ NO, for one; or it did not come ──> not again in this look
//!                             │ NO, not now; no connection ──> what has come is written; the look fails
//! ```
//!
//! What the server can't send now fails the look, so that it is asked for again. What it does not
//! send is missed once in each look, and after some looks left out: one message that can't be read
//! keeps back neither others nor what waits for all to be in step.
//!
//! In: a selected mailbox. Out: rows with contents; how many are still to come.

use std::collections::{BTreeSet, VecDeque};

use rusqlite::Transaction;
use tokio::time::timeout;

use super::complete::{PATIENCE, late};
use super::look::{Look, fetched};
use crate::client::{Mailbox, Rows};
use crate::command::Fetch;
use crate::error::{Error, ErrorKind};
use crate::store::error::{StoreError, StoreErrorKind, StoreResult};
use crate::store::operations;
use crate::store::rows::{content, message};
use crate::types::{Uid, UidSet};

/// Messages whose contents are fetched at a time, and stored in one transaction.
const WINDOW: usize = 250;
/// Windows that are asked for while one is read and written: with one alone the server has nothing
/// to do whenever the file takes longer.
const MAX_AHEAD: usize = 2;
/// How many windows in a row may be refused before the look fails.
const MAX_REFUSALS: u32 = 64;

/// How far a look is with contents.
pub(super) struct Windows {
    /// Asked for in this look, and not sent.
    missed: BTreeSet<Uid>,
    /// How many messages the next window has: fewer while one that can't be read is looked for.
    width: usize,
    /// Windows in a row of which nothing came.
    refusals: u32,
    /// Asked for besides, in this order.
    ahead: VecDeque<Asked>,
}

/// Contents that are asked for.
struct Asked {
    uids: Vec<Uid>,
    rows: Rows<Fetch>,
}

impl Default for Windows {
    fn default() -> Self {
        Self { missed: BTreeSet::new(), width: WINDOW, refusals: 0, ahead: VecDeque::new() }
    }
}

impl Windows {
    /// A window was refused after some of its messages, or before the first; an error: too often.
    fn on_refused(&mut self, error: Error, has_come: bool) -> StoreResult<()> {
        self.width = (self.width / 2).max(1);
        // Else that would make them wide again.
        self.ahead.clear();
        self.refusals = if has_come { 0 } else { self.refusals + 1 };
        if self.refusals > MAX_REFUSALS { Err(error.into()) } else { Ok(()) }
    }

    fn on_filled(&mut self, has_come: bool) {
        self.width = (self.width * 2).min(WINDOW);
        if has_come {
            self.refusals = 0;
        }
    }
}

impl Look {
    /// Asks for the contents of the next window, other than these and those ahead; `None`: there is
    /// none.
    async fn ask(&self, mailbox: &Mailbox, windows: &Windows, but: &[Uid]) -> StoreResult<Option<Asked>> {
        let (id, width) = (self.kept.id, windows.width);
        let ahead = windows.ahead.iter().flat_map(|asked| &asked.uids);
        let but: BTreeSet<Uid> = windows.missed.iter().chain(ahead).chain(but).copied().collect();
        let bare = move |file: &Transaction<'_>| {
            let mut uids = message::bare(file, id, width + but.len())?;
            uids.retain(|uid| !but.contains(uid));
            uids.truncate(width);
            Ok(uids)
        };
        let uids = self.database.read(bare).await?;
        if uids.is_empty() {
            return Ok(None);
        }
        let wanted: UidSet = uids.iter().copied().collect();
        let items = content::items(&mailbox.sender().capabilities());
        Ok(Some(Asked { uids, rows: mailbox.fetch(wanted, items).stream() }))
    }

    /// One window of contents; the next ones are asked for before it is read, so that the server
    /// always has something to do. Whether there was one.
    pub(super) async fn window(&self, mailbox: &Mailbox, windows: &mut Windows) -> StoreResult<bool> {
        let asked = match windows.ahead.pop_front() {
            Some(asked) => Some(asked),
            None => self.ask(mailbox, windows, &[]).await?,
        };
        let Some(Asked { uids, mut rows }) = asked else { return Ok(false) };
        while windows.width == WINDOW && windows.ahead.len() < MAX_AHEAD {
            let Some(next) = self.ask(mailbox, windows, &uids).await? else { break };
            windows.ahead.push_back(next);
        }
        let (mut window, mut refused, mut failed) = (Vec::with_capacity(uids.len()), None, None);
        loop {
            match timeout(PATIENCE, rows.next()).await.map_err(|_| late(mailbox))? {
                Some(Ok(row)) => window.extend(fetched(&row, None)),
                Some(Err(error)) if error.refuses_messages() => refused = Some(error),
                // It can send them later.
                Some(Err(error)) if error.is_transient() => failed = Some(error),
                // What could not be read of them is missing below.
                Some(Err(error)) if error.kind() == ErrorKind::Incomplete => {}
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
        }
        let come: BTreeSet<Uid> = window.iter().map(|row| row.uid).collect();
        let mut lacking: Vec<Uid> = uids.iter().copied().filter(|uid| !come.contains(uid)).collect();
        match (refused, &failed) {
            (_, Some(_)) => lacking.clear(),
            (Some(error), None) => {
                windows.on_refused(error, !come.is_empty())?;
                // One of several can't be read: the others are asked for without it.
                if uids.len() > 1 {
                    lacking.clear();
                }
            }
            (None, None) => windows.on_filled(!come.is_empty()),
        }
        windows.missed.extend(&lacking);
        let (account, id) = (self.account_id, self.kept.id);
        self.write(move |file| {
            message::fill(file, account, id, &window)?;
            message::missed(file, id, lacking.into_iter())
        })
        .await?;
        failed.map_or(Ok(true), |error| Err(error.into()))
    }

    /// How many of the contents that were missed may still come.
    pub(super) async fn lacking(&self, windows: &Windows) -> StoreResult<usize> {
        if windows.missed.is_empty() {
            return Ok(0);
        }
        let id = self.kept.id;
        let read = move |file: &Transaction<'_>| message::bare(file, id, usize::MAX);
        let bare = self.database.read(read).await?;
        Ok(bare.iter().filter(|uid| windows.missed.contains(uid)).count())
    }

    /// All contents are here: what still waits for its UID is gone, and the rest can be sent.
    pub(super) async fn settle_waiting(&self) -> StoreResult<()> {
        let id = self.kept.id;
        if self.waiting().await? > 0 {
            self.write(move |file| operations::give_up(file, id)).await?;
        }
        Ok(())
    }

    /// How many rows of this mailbox wait for a UID.
    pub(super) async fn waiting(&self) -> StoreResult<usize> {
        let id = self.kept.id;
        self.database.read(move |file| Ok(operations::waiting(file, id)?.len())).await
    }

    /// The error for messages that the server has not sent.
    pub(super) fn not_sent(&self, count: usize) -> StoreError {
        let what = format!(
            "{}: the server lists {count} messages that it did not send: they are asked for again",
            self.kept.name
        );
        StoreError::new(StoreErrorKind::Server, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Error::new(ErrorKind::No, "one of them can't be read")
    }

    #[test]
    fn windows_shrink_to_the_message_that_can_not_be_read_and_grow_again() {
        let mut windows = Windows::default();
        let widths: Vec<usize> = (0..9)
            .map(|_| {
                windows.on_refused(refused(), false).expect("not for long");
                windows.width
            })
            .collect();
        assert_eq!(widths, [125, 62, 31, 15, 7, 3, 1, 1, 1]);
        for _ in 0..9 {
            windows.on_filled(true);
        }
        assert_eq!(windows.width, WINDOW);
    }

    #[test]
    fn a_server_that_refuses_all_is_not_asked_for_each_message() {
        let mut windows = Windows::default();
        let refusals = (0..1_000).take_while(|_| windows.on_refused(refused(), false).is_ok()).count();
        assert_eq!(refusals, 64);
        windows.on_filled(true);
        windows.on_refused(refused(), false).expect("something has come since");
    }
}
