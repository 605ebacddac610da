//! Connections that stay with a mailbox: all watches of an account, and the store that it is
//! attached to, together have all but one of its connections, or the only one.
//!
//! In: how many connections there may be. Out: leave to keep one, which lasts until it is dropped.
//! What no one keeps is leased for a while and serves all.

use std::sync::atomic::Ordering;

use super::Account;

/// Leave to keep a connection.
pub(crate) struct Stay(Account);

impl Stay {
    /// If there is one more for it.
    pub(crate) fn one_of(account: &Account) -> Option<Self> {
        let most = most(account);
        let is_free = |stays| (stays < most).then_some(stays + 1);
        account.stays().fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_free).ok()?;
        Some(Self(account.clone()))
    }

    /// How many of its connections an account leaves to all that do not stay.
    pub(super) fn others(account: &Account) -> usize {
        account.max_connections().saturating_sub(account.stays().load(Ordering::Relaxed))
    }

    /// Whether more stay than may: the server takes fewer connections than it did.
    pub(crate) fn are_too_many(account: &Account) -> bool {
        account.stays().load(Ordering::Relaxed) > most(account)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.stays().fetch_sub(1, Ordering::Relaxed);
    }
}

fn most(account: &Account) -> usize {
    account.max_connections().saturating_sub(1).max(1)
}
