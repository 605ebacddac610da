//! The order of an account's changes: runs of each mailbox one after the other, mailboxes beside
//! each other.
//!
//! ```text
//!   change ──> waiting ──(nothing of its mailbox is under way)──> run ──published──> to acknowledge
//! ```
//!
//! In: changes as the watch delivers them, and which runs were published. Out: which run is next,
//! which changes to acknowledge. Pure.

use std::collections::{HashMap, VecDeque};

use imap_duplex::account::{Change, ChangeKind, MailboxKey};

/// How many changes of a mailbox go into the outbox at once.
const MAX_RUN: usize = 64;
/// How many changes of a mailbox are published before the cursor moves.
const MAX_UNACKNOWLEDGED: usize = 256;

/// Changes of one mailbox, in order, with the number of the first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) first: i64,
    pub(super) changes: Vec<Change>,
}

/// What to acknowledge: a change, and up to which number it covers the outbox.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Covered {
    pub(super) change: Change,
    pub(super) number: i64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Change>,
    is_busy: bool,
    published: Option<Change>,
    /// The number of the last one that was published.
    number: i64,
    /// How many were published since the last acknowledgement.
    count: usize,
    /// The cursor is to move now.
    is_due: bool,
}

/// The changes of an account that are not done with.
#[derive(Debug)]
pub(super) struct Order {
    mailboxes: HashMap<MailboxKey, Queue>,
    waiting: usize,
    next_number: i64,
}

impl Default for Order {
    fn default() -> Self {
        Self { mailboxes: HashMap::new(), waiting: 0, next_number: 1 }
    }
}

impl Order {
    /// A change was delivered.
    pub(super) fn push(&mut self, change: Change) {
        self.waiting += 1;
        self.mailboxes.entry(change.mailbox_key().clone()).or_default().waiting.push_back(change);
    }

    /// How many changes wait to be published.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next run of this mailbox, if none of it is under way.
    pub(super) fn next(&mut self, key: &MailboxKey) -> Option<Run> {
        let queue = self.mailboxes.get_mut(key)?;
        if queue.is_busy {
            return None;
        }
        let mut changes = Vec::new();
        while changes.len() < MAX_RUN
            && let Some(change) = queue.waiting.front()
        {
            let is_step = matches!(change.kind, ChangeKind::InStep);
            if is_step && !changes.is_empty() {
                break;
            }
            self.waiting -= 1;
            let Some(change) = queue.waiting.pop_front() else { break };
            if is_step {
                // All before it is published: it moves the cursor and is no event.
                (queue.published, queue.is_due) = (Some(change), true);
            } else {
                changes.push(change);
            }
        }
        if changes.is_empty() {
            return None;
        }
        queue.is_busy = true;
        let first = self.next_number;
        self.next_number += changes.len() as i64;
        Some(Run { first, changes })
    }

    /// A run was published.
    pub(super) fn published(&mut self, run: Run) {
        let count = run.changes.len();
        let Some(last) = run.changes.into_iter().next_back() else { return };
        let Some(queue) = self.mailboxes.get_mut(last.mailbox_key()) else { return };
        queue.is_busy = false;
        queue.count += count;
        queue.is_due |= queue.count >= MAX_UNACKNOWLEDGED;
        queue.number = run.first + count as i64 - 1;
        queue.published = Some(last);
    }

    /// What to acknowledge: the last published change of each mailbox, or of those alone that are
    /// due. Mailboxes with nothing left are forgotten.
    pub(super) fn take_covered(&mut self, all: bool) -> Vec<Covered> {
        let mut covered = Vec::new();
        self.mailboxes.retain(|_, queue| {
            if (all || queue.is_due)
                && let Some(change) = queue.published.take()
            {
                covered.push(Covered { change, number: queue.number });
            }
            if all || queue.is_due {
                (queue.count, queue.is_due) = (0, false);
            }
            queue.is_busy || queue.published.is_some() || !queue.waiting.is_empty()
        });
        covered
    }

    /// Whether something was published that is not acknowledged.
    pub(super) fn has_published(&self) -> bool {
        self.mailboxes.values().any(|queue| queue.published.is_some())
    }

    /// Whether the cursor of a mailbox is to move now.
    pub(super) fn is_due(&self) -> bool {
        self.mailboxes.values().any(|queue| queue.is_due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change, as the watch stores it.
    fn change(mailbox: u32, kind: &str, uid: u32) -> Change {
        let kind = match kind {
            "in_step" => serde_json::json!("in_step"),
            kind => serde_json::json!({ kind: { "uid": uid, "flags": null } }),
        };
        serde_json::from_value(serde_json::json!({
            "mailbox": format!("M{mailbox}"), "uid_validity": 1, "mod_seq": null, "kind": kind,
            "key": format!("n:{mailbox}"), "number": uid, "count": 0,
        }))
        .expect("a change")
    }

    #[test]
    fn a_mailbox_has_one_run_under_way_and_others_go_on_beside_it() {
        let mut order = Order::default();
        for (mailbox, uid) in [(1, 1), (1, 2), (2, 1)] {
            order.push(change(mailbox, "arrived", uid));
        }
        let (one, two) = (change(1, "in_step", 9), change(2, "in_step", 9));
        let run = order.next(one.mailbox_key()).expect("a run");
        assert_eq!((run.first, run.changes.len(), order.waiting()), (1, 2, 1));
        order.push(change(1, "arrived", 3));
        assert_eq!(order.next(one.mailbox_key()), None, "its first run is under way");
        assert_eq!(order.next(two.mailbox_key()).map(|run| run.first), Some(3));
        assert!(order.take_covered(true).is_empty() && !order.has_published());
        order.published(run);
        let covered = order.take_covered(true);
        assert_eq!(covered.iter().map(|covered| covered.number).collect::<Vec<_>>(), [2]);
        assert_eq!(order.next(one.mailbox_key()).map(|run| run.first), Some(4));
    }

    #[test]
    fn a_step_moves_the_cursor_after_all_that_came_before_it() {
        let mut order = Order::default();
        let step = change(1, "in_step", 9);
        order.push(change(1, "arrived", 1));
        order.push(step.clone());
        order.push(change(1, "arrived", 2));
        let run = order.next(step.mailbox_key()).expect("a run");
        assert_eq!(run.changes.len(), 1, "not past the step");
        order.published(run);
        assert!(!order.is_due());
        let next = order.next(step.mailbox_key()).expect("a run");
        assert!(order.is_due(), "the step is due, and what follows it is under way");
        let covered = order.take_covered(false);
        assert_eq!(covered, [Covered { change: step, number: 1 }]);
        order.published(next);
        assert_eq!(order.take_covered(true).len(), 1);
        assert!(order.mailboxes.is_empty(), "nothing is kept of an idle mailbox");
    }
}
