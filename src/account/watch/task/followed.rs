//! Mailboxes that are followed, as the watch's task sees them; and how far all of them are.
//!
//! In: what the tasks that follow report, what sweeps count. Out: NOTIFY on their connections, what
//! is asked for once more, the status of the watch.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Note, SOON, SOON_AGAIN, WatchTask};
use crate::account::watch::follow::Control;
use crate::account::watch::key::MailboxKey;
use crate::client::Sender;

/// How many sweeps in a row find that a mailbox that is followed lacks something before it is
/// compared: its events may be on their way.
const BEHIND: u32 = 2;

/// A mailbox that is followed.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) control: Arc<Control>,
    /// Its connection, once it is up to date.
    pub(super) sender: Option<Sender>,
    /// How many sweeps in a row have found something that it lacks.
    behind: u32,
    /// All that was reported of it is in the state that was delivered last.
    in_step: bool,
    /// When it was compared with what is there, by being selected.
    compared_at: Option<Instant>,
}

impl WatchTask {
    /// A mailbox is up to date and stays so: on its connection the others are watched, too.
    pub(super) fn on_followed(&mut self, key: MailboxKey, sender: Sender) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        (followed.sender, followed.compared_at) = (Some(sender.clone()), Some(Instant::now()));
        if !self.is_swept && !self.sweeping {
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
        if self.notified.is_some() || !sender.capabilities().has("NOTIFY") {
            return;
        }
        self.notified = Some(key.clone());
        let (notify, own) = (self.watch.selection.notify(), self.own.clone());
        self.tasks.spawn(async move {
            let ok = sender.notify(notify).await.is_ok();
            // Without the watch's task nobody wants to know.
            _ = own.send(Note::Notified(key, ok)).await;
        });
    }

    pub(super) fn on_notified(&mut self, key: MailboxKey, ok: bool) {
        if self.notified.as_ref() != Some(&key) {
            return;
        }
        let followed = self.followed.get(&key).filter(|_| ok);
        if let Some(followed) = followed {
            followed.control.notified.store(true, Ordering::Relaxed);
            // What has changed before is not reported.
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
        self.ladder.on_notify(followed.is_some());
        self.notified = followed.is_some().then_some(key);
    }

    /// Mailboxes of which more is there than the server has reported are compared.
    pub(super) fn compare_followed(&mut self) {
        let ledger = self.shared.ledger();
        let soon = self.next_sweep.min(Instant::now() + SOON_AGAIN.min(self.watch.interval));
        for (key, followed) in self.followed.iter_mut() {
            let state = ledger.head(key).and_then(|head| head.state.as_ref());
            let (Some(state), Some(_)) = (state, &followed.sender) else { continue };
            let Some(counts) = self.plan.counts(key) else {
                // Nothing but its own events says what is there, and these may be wrong.
                if followed.compared_at.is_some_and(|at| at.elapsed() >= self.watch.compare_flags) {
                    followed.control.recheck(None);
                }
                continue;
            };
            let is_ahead = counts.is_ahead_of(state, followed.control.reported());
            let difference = (counts.clone(), state.uids.len());
            if !is_ahead {
                // What is lacking once more is compared once more.
                self.compared.remove(key);
            }
            if !is_ahead || self.compared.get(key) == Some(&difference) {
                followed.behind = 0;
                continue;
            }
            followed.behind += 1;
            if followed.behind >= BEHIND {
                // Once for these counts and as many messages: the counts may be wrong.
                self.compared.insert(key.clone(), difference);
                followed.control.recheck(counts.changes_alone(state));
            } else {
                self.next_sweep = soon;
            }
        }
    }

    /// A connection was lost: what has changed since is not known before another sweep.
    pub(super) fn on_lost(&mut self) {
        (self.is_swept, self.sweep_counts) = (false, false);
        if self.followed.is_empty() && self.watch.followed.is_empty() {
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
    }

    /// How far all is, for whoever waits for that.
    pub(super) fn publish(&self) {
        let followed = self.followed.values().filter(|followed| !followed.in_step).count();
        let behind = self.plan.behind() + followed;
        self.shared.progress.publish(self.plan.len(), behind, self.is_swept);
    }

    /// Something has changed in a mailbox, or it is in step again.
    pub(super) fn on_delta(&mut self, key: &MailboxKey, in_step: bool) {
        let before = match self.followed.get_mut(key) {
            Some(followed) => std::mem::replace(&mut followed.in_step, in_step),
            None => !in_step && self.plan.has_changed(key),
        };
        if before && !in_step {
            // Delivering it may take as long as the program likes.
            self.publish();
        }
    }
}
