//! Connections of a watch that others wait for: the only one of an account is lent to whoever wants
//! one, and taken back afterwards; of several, one with which no mailbox stays is given back if the
//! program does not read what is reported.
//!
//! In: how many wait for a connection. Out: when a mailbox is to be left for them. Nothing else
//! decides it: a program may wait for a lease before it reads the next change, and the watch's task
//! for that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::follow::Follow;
use crate::account::Account;

/// How long others wait for a look that goes on: it would have to begin again.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How often it is looked whether a mailbox can be left.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until somebody wants this connection, and all are taken: at once if the program does not
/// read what is reported. The only one also if all is reported that had happened before the mailbox
/// was selected, and else after a while; of several, those stay with their mailboxes that are to.
pub(super) async fn wanted_elsewhere(account: &Account, what: &Follow) {
    let mut status = account.status();
    let (mut since, mut notes) = (None, 0);
    loop {
        let now = status.now();
        let (is_only, stays) = (now.max_connections == 1, what.stays.is_some());
        if now.waiting == 0 || now.leased < now.max_connections || stays && !is_only {
            since = None;
            if status.changed().await.is_none() {
                // The account has ended, and so do its connections.
                return std::future::pending().await;
            }
            continue;
        }
        let waited = since.get_or_insert_with(Instant::now).elapsed();
        let is_idle = what.stays.as_ref().is_some_and(|control| control.caught_up.load(Ordering::Relaxed));
        let before = std::mem::replace(&mut notes, what.notes.load(Ordering::Relaxed));
        let is_stuck = notes == before && notes % 2 == 1;
        if is_stuck || is_only && (is_idle || waited >= MAX_WAIT) {
            return;
        }
        // In a box: most of the time no one waits.
        Box::pin(sleep(PAUSE)).await;
    }
}
