//! What changes in a store, for a user interface: coalesced, bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::Serialize;
use tokio::sync::watch;

use crate::store::database::Database;
use crate::store::error::StoreResult;
use crate::store::handle::Store;
use crate::store::ids::{MailboxId, MessageId, RowIds as _};

/// Rows of the log that are read at a time.
const BATCH: i64 = 10_000;

/// What has changed, taken together since the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreChange {
    /// Up to here: for [`Store::changes`], to go on from it.
    pub seq: i64,
    /// Messages that a mailbox has now, and had not.
    pub added: BTreeMap<MailboxId, BTreeSet<MessageId>>,
    /// Messages that a mailbox had, and has no longer.
    pub removed: BTreeMap<MailboxId, BTreeSet<MessageId>>,
    /// Messages with other flags.
    pub updated: BTreeMap<MailboxId, BTreeSet<MessageId>>,
    /// Mailboxes that are new, have another name, are gone, or are in step now.
    pub mailboxes: BTreeSet<MailboxId>,
    /// So much has changed that the log does not have it any more: all is to be read again.
    pub everything: bool,
}

impl StoreChange {
    fn add(&mut self, kind: &str, mailbox: Option<MailboxId>, message: Option<MessageId>) {
        let Some(mailbox) = mailbox else { return };
        let Some(message) = message else {
            self.mailboxes.insert(mailbox);
            return;
        };
        let is_in = |of: &BTreeMap<MailboxId, BTreeSet<MessageId>>| {
            of.get(&mailbox).is_some_and(|messages| messages.contains(&message))
        };
        match kind {
            "added" => {
                // It was there before, and is there now.
                if take(&mut self.removed, mailbox, message) {
                    self.updated.entry(mailbox).or_default().insert(message);
                } else {
                    self.added.entry(mailbox).or_default().insert(message);
                }
            }
            "removed" => {
                take(&mut self.updated, mailbox, message);
                if !take(&mut self.added, mailbox, message) {
                    self.removed.entry(mailbox).or_default().insert(message);
                }
            }
            _ if is_in(&self.added) => {}
            _ => _ = self.updated.entry(mailbox).or_default().insert(message),
        }
    }

    /// Whether nothing has changed after all.
    fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.updated.is_empty()
            && self.mailboxes.is_empty()
            && !self.everything
    }
}

/// Whether it was there.
fn take(from: &mut BTreeMap<MailboxId, BTreeSet<MessageId>>, mailbox: MailboxId, message: MessageId) -> bool {
    let Some(messages) = from.get_mut(&mailbox) else { return false };
    let found = messages.remove(&message);
    if messages.is_empty() {
        from.remove(&mailbox);
    }
    found
}

type Step = Pin<Box<dyn Future<Output = (watch::Receiver<i64>, Stepped)> + Send>>;

/// How a step of the stream has ended.
enum Stepped {
    /// There is something to be read.
    Changed,
    Read(StoreResult<StoreChange>),
    Closed,
}

/// What changes in a store; from [`Store::changes`]. It is a [`Stream`] too.
pub struct StoreChanges {
    database: Database,
    since: i64,
    /// What it waits for; kept between two polls, so that it is woken.
    step: Option<Step>,
}

impl Store {
    /// What changes from now on; or, with a number that [`StoreChange::seq`] has given, what has
    /// changed since then, also while the program was not running. However much changes while
    /// no one reads, it is taken together, and the memory it takes is bounded.
    ///
    /// Another program that reads the store sees its changes by asking again.
    #[must_use]
    pub fn changes(&self, since: Option<i64>) -> StoreChanges {
        let mut last = self.database.last_change();
        let now = *last.borrow_and_update();
        let since = since.unwrap_or(now);
        if since != now {
            last.mark_changed();
        }
        StoreChanges { database: self.database.clone(), since, step: Some(wait(last)) }
    }
}

fn wait(mut last: watch::Receiver<i64>) -> Step {
    Box::pin(async move {
        let stepped = if last.changed().await.is_ok() { Stepped::Changed } else { Stepped::Closed };
        (last, stepped)
    })
}

impl StoreChanges {
    /// The next changes, taken together; `None` once the store is closed, which it is not as long
    /// as this is there. Cancel-safe.
    pub async fn next(&mut self) -> Option<StoreResult<StoreChange>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Whether all that has changed so far was read: [`next`](Self::next) waits for what is to
    /// come. Changes that undo each other are read and not reported, so `next` may wait where this
    /// was not so before.
    #[must_use]
    pub fn is_current(&self) -> bool {
        *self.database.last_change().borrow() == self.since
    }

    fn read(&self, last: watch::Receiver<i64>) -> Step {
        let (database, since) = (self.database.clone(), self.since);
        Box::pin(async move { (last, Stepped::Read(database.read(move |file| read(file, since)).await)) })
    }
}

fn read(file: &rusqlite::Transaction<'_>, since: i64) -> Result<StoreChange, crate::store::error::Fault> {
    let mut change = StoreChange { seq: since, ..StoreChange::default() };
    // Each by itself is found at once; both together are looked for in all rows.
    let mut ends = file.prepare_cached(
        "SELECT ifnull((SELECT min(seq) FROM change), 0), ifnull((SELECT max(seq) FROM change), 0)",
    )?;
    let (first, last): (i64, i64) = ends.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if since > last || since.saturating_add(1) < first {
        (change.seq, change.everything) = (last, true);
        return Ok(change);
    }
    let mut find = file.prepare_cached(
        "SELECT seq, kind, mailbox, message FROM change WHERE seq > ? ORDER BY seq LIMIT ?",
    )?;
    let mut rows = find.query([since, BATCH])?;
    while let Some(row) = rows.next()? {
        change.seq = row.get(0)?;
        change.add(row.get_ref(1)?.as_str().unwrap_or_default(), row.optional_id(2)?, row.optional_id(3)?);
    }
    Ok(change)
}

impl Stream for StoreChanges {
    type Item = StoreResult<StoreChange>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(step) = &mut self.step else { return Poll::Ready(None) };
            let Poll::Ready((mut last, stepped)) = step.as_mut().poll(cx) else { return Poll::Pending };
            let read = match stepped {
                Stepped::Changed => {
                    let reading = self.read(last);
                    self.step = Some(reading);
                    continue;
                }
                Stepped::Read(read) => read,
                Stepped::Closed => {
                    self.step = None;
                    return Poll::Ready(None);
                }
            };
            let change = match read {
                Ok(change) => change,
                Err(error) => {
                    self.step = Some(wait(last));
                    return Poll::Ready(Some(Err(error)));
                }
            };
            if change.seq != self.since {
                // There may be more than one batch.
                last.mark_changed();
            }
            (self.since, self.step) = (change.seq, Some(wait(last)));
            if !change.is_empty() {
                return Poll::Ready(Some(Ok(change)));
            }
        }
    }
}

impl fmt::Debug for StoreChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreChanges").field("since", &self.since).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_message_are_taken_together() {
        let (a, b, one) = (MailboxId(1), MailboxId(2), MessageId(7));
        let of = |log: &[(&str, MailboxId)]| {
            let mut change = StoreChange::default();
            log.iter().for_each(|(kind, mailbox)| change.add(kind, Some(*mailbox), Some(one)));
            let name = |of: &BTreeMap<MailboxId, BTreeSet<MessageId>>| -> Vec<i64> {
                of.keys().map(|mailbox| mailbox.0).collect()
            };
            (name(&change.added), name(&change.removed), name(&change.updated))
        };
        assert_eq!(of(&[("added", a), ("updated", a)]), (vec![1], vec![], vec![]));
        assert_eq!(of(&[("added", a), ("removed", a)]), (vec![], vec![], vec![]));
        assert_eq!(of(&[("updated", a), ("removed", a)]), (vec![], vec![1], vec![]));
        assert_eq!(of(&[("removed", a), ("added", b)]), (vec![2], vec![1], vec![]));
        assert_eq!(of(&[("removed", a), ("added", a)]), (vec![], vec![], vec![1]));
    }
}
