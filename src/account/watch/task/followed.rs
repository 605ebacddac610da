//! Mailboxes that are followed, as the watch's task sees them; and how far all of them are.
//!
//! In: what the tasks that follow report, what sweeps count. Out: NOTIFY on their connections, what
//! is asked for once more, the status of the watch.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::{Note, SOON, SOON_AGAIN, WatchTask};
use crate::account::AccountState;
use crate::account::stay::Stay;
use crate::account::watch::follow::Control;
use crate::account::watch::key::MailboxKey;
use crate::client::Sender;
use crate::types::MailboxName;

/// How many sweeps in a row find that a mailbox that is followed lacks something before it is
/// compared: its events may be on their way.
const BEHIND: u32 = 2;
/// How often the only connection of an account is taken at most, to follow a mailbox.
const AGAIN: Duration = Duration::from_secs(5);
/// Of so many mailboxes one is followed that can be, where the user names none.
const MAX_TRIED: usize = 8;

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

/// NOTIFY on the connection of a mailbox, where it is in force or was asked for.
pub(super) struct Notified {
    key: MailboxKey,
    /// The mailboxes that it names.
    names: Vec<MailboxName>,
    number: u64,
}

impl Notified {
    pub(super) fn is_of(&self, key: &MailboxKey) -> bool {
        self.key == *key
    }
}

impl Followed {
    /// Whether all that is known of it has been delivered.
    pub(super) fn is_in_step(&self) -> bool {
        self.in_step
    }
}

impl WatchTask {
    /// A mailbox is up to date and stays so: on its connection the others are watched, too.
    pub(super) fn on_followed(&mut self, key: MailboxKey, sender: Sender) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        (followed.sender, followed.compared_at) = (Some(sender.clone()), Some(Instant::now()));
        if !self.is_swept && !self.sweeping {
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
        if self.notified.is_none() && sender.capabilities().has("NOTIFY") {
            self.notify(key, sender);
        }
    }

    /// Asks the server to report what changes in the mailboxes that are there now.
    fn notify(&mut self, key: MailboxKey, sender: Sender) {
        let names = self.names_to_notify();
        let (notify, own) = (self.watch.selection.notify(&names), self.own.clone());
        let control = self.followed.get(&key).map(|followed| followed.control.clone());
        self.notifies += 1;
        let number = self.notifies;
        self.notified = Some(Notified { key, names, number });
        self.tasks.spawn(async move {
            let ok = sender.notify(notify).await.is_ok();
            // Whether anything else is asked for since or not, it ends with the selection.
            control.iter().filter(|_| ok).for_each(|of| of.notified.store(true, Ordering::Relaxed));
            // Without the watch's task no one wants to know.
            _ = own.send(Note::Notified(number, ok)).await;
        });
    }

    fn names_to_notify(&self) -> Vec<MailboxName> {
        self.watch.selection.to_name(self.plan.names().map(|(_, name)| name))
    }

    /// Mailboxes have come or gone.
    pub(super) fn renew_notify(&mut self) {
        let Some(before) = &self.notified else { return };
        if before.names == self.names_to_notify() {
            return;
        }
        let key = before.key.clone();
        if let Some(sender) = self.followed.get(&key).and_then(|followed| followed.sender.clone()) {
            self.notify(key, sender);
        }
    }

    /// What becomes of one that was asked for on an earlier selection, or with other names, says
    /// nothing about that of now.
    pub(super) fn on_notified(&mut self, number: u64, ok: bool) {
        if self.notified.as_ref().is_none_or(|notified| notified.number != number) {
            return;
        }
        if ok {
            // What has changed before is not reported.
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        } else {
            self.notified = None;
        }
        self.ladder.on_notify(ok);
    }

    /// Follows what is wanted most, as far as connections allow: one of them is left to others. The
    /// only one is lent to them, and not taken while somebody waits for it.
    pub(super) fn follow_wanted(&mut self, now: Instant) {
        // The server may take fewer connections than it did.
        if Stay::are_too_many(&self.account) {
            self.stays.pop();
        }
        for followed in
            self.followed.values().rev().take(self.followed.len().saturating_sub(self.stays.len()))
        {
            followed.control.give_up();
        }
        let is_only = self.account.max_connections() == 1;
        if is_only && (self.looks > 0 || now < self.next_follow || self.account.status().now().waiting > 0) {
            return;
        }
        while self.may_follow()
            && let Some(key) = self.most_wanted(is_only)
        {
            let followed = Followed { in_step: self.plan.is_left(&key), ..Followed::default() };
            let control = followed.control.clone();
            self.followed.insert(key.clone(), followed);
            self.next_follow = now + AGAIN;
            self.spawn(key, Some(control));
        }
        // What this watch does not need another one may have.
        let kept = self.followed.len().max(usize::from(is_only && self.plan.len() > 0));
        self.stays.truncate(kept);
    }

    fn may_follow(&mut self) -> bool {
        if self.followed.len() >= self.stays.len() {
            self.stays.extend(Stay::one_of(&self.account));
        }
        self.followed.len() < self.stays.len()
    }

    /// The next one to follow: of those that the user names, else INBOX, else any. `in_turn`:
    /// others that have changed come first.
    fn most_wanted(&mut self, in_turn: bool) -> Option<MailboxKey> {
        let inbox = MailboxName::INBOX;
        let mut wanted: Vec<MailboxKey> = match &self.watch.followed[..] {
            [] if self.followed.is_empty() => self.plan.key(&inbox).cloned().into_iter().collect(),
            named => named.iter().filter_map(|name| self.plan.key(name).cloned()).collect(),
        };
        if self.watch.followed.is_empty() && self.followed.is_empty() {
            wanted.extend(self.plan.names().map(|(key, _)| key.clone()).take(MAX_TRIED));
        }
        if in_turn && let Some(first) = self.plan.first_due() {
            wanted.retain(|key| key == first);
        }
        wanted.into_iter().find(|key| self.plan.follow(key))
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

    /// The account does something else.
    pub(super) fn on_state(&mut self, state: &AccountState) {
        // One that is parked again, for other credentials, is worth another word.
        self.has_reported &= matches!(state, AccountState::Parked { .. });
        let was_connected =
            std::mem::replace(&mut self.is_connected, matches!(state, AccountState::Connected));
        // Idle is an account that has closed a connection which it does not need.
        if was_connected && !matches!(state, AccountState::Connected | AccountState::Idle) {
            self.on_lost();
            if self.followed.is_empty() {
                // Else once it is followed again.
                self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
            }
        }
    }

    /// A connection was lost: what has changed since is not known before another sweep.
    pub(super) fn on_lost(&mut self) {
        (self.is_swept, self.sweep_counts) = (false, false);
    }

    /// The network is another one, or the machine was asleep: what there was to report is not. A
    /// sweep that is under way may have passed it.
    pub(super) fn on_wake(&mut self) {
        self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        if self.sweeping {
            self.sweep_counts = false;
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
