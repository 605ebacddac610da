//! Looking into mailboxes, and making, renaming or deleting them, one after the other.
//!
//! ```text
//!   looks, bodies ──> hold ──────────────────> dropped
//!   RENAME, DELETE ──> change: waits for them ──> alone ──> dropped
//!                         └── a look with more to do ends after its window
//! ```
//!
//! Dovecot, with Maildir, loses the UIDs of a mailbox that is renamed while another session opens
//! it: all that is queued for its messages would be lost. Of our own sessions none does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::time::timeout;

/// How long those that hold it may keep mailboxes from being changed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The mailboxes of an account.
#[derive(Debug, Default)]
pub(super) struct Structure {
    lock: Arc<RwLock<()>>,
    /// How many wait until they are alone.
    wanted: AtomicUsize,
    /// Grows before mailboxes change, and once the rows have it: odd in between.
    changes: AtomicU64,
}

impl Structure {
    /// The mailboxes stay where they are as long as this is held.
    pub(super) async fn hold(&self) -> OwnedRwLockReadGuard<()> {
        self.lock.clone().read_owned().await
    }

    /// No mailbox is looked into as long as this is held, unless a look takes too long.
    pub(super) async fn change(&self) -> Changing<'_> {
        let wanted = Wanted::of(&self.wanted);
        let alone = timeout(PATIENCE, self.lock.clone().write_owned()).await.ok();
        drop(wanted);
        self.changes.fetch_add(1, Ordering::SeqCst);
        Changing { changes: &self.changes, alone }
    }

    /// A listing during which this has changed, or is odd, may be from before a change or after it.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Whether somebody waits until no one holds it.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst) > 0
    }
}

/// Mailboxes are being made, renamed or deleted.
pub(super) struct Changing<'a> {
    changes: &'a AtomicU64,
    /// `None`: somebody looks into mailboxes meanwhile.
    alone: Option<OwnedRwLockWriteGuard<()>>,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        // Before a look, or a listing, can begin.
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.alone = None;
    }
}

struct Wanted<'a>(&'a AtomicUsize);

impl<'a> Wanted<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_changes_mailboxes_is_alone_and_does_not_wait_for_ever() {
        let structure = Arc::new(Structure::default());
        let (first, second) = (structure.hold().await, structure.hold().await);
        let waits = tokio::spawn({
            let structure = structure.clone();
            async move { structure.change().await.alone.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(structure.is_wanted() && !waits.is_finished());
        drop((first, second));
        assert!(waits.await.expect("no panic"));
        assert!(!structure.is_wanted());
        let held = structure.hold().await;
        let changing = structure.change().await;
        assert!(changing.alone.is_none(), "after a while");
        assert_eq!(structure.changes(), 3, "odd meanwhile");
        drop(changing);
        assert_eq!(structure.changes(), 4);
        assert!(!structure.is_wanted());
        drop(held);
        assert!(structure.change().await.alone.is_some());
    }
}
