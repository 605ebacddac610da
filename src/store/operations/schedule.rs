//! Which operations can be sent now: those that wait for no earlier one.
//!
//! In: all operations of an account in their order. Out: those to be sent next, together. An
//! operation waits for earlier ones on the same message; and what makes, renames or deletes a
//! mailbox is alone with all that names it, and with its like. A parked one holds up what depends
//! on it, and nothing else. What may have arrived in a mailbox is looked for there: till it is
//! found, or is known not to be there, nothing else is sent there that would be taken for it.

use std::collections::BTreeSet;

use rusqlite::{Row, Transaction};

use super::Action;
use super::overlay::read;
use crate::store::error::Fault;
use crate::store::ids::{MailboxId, MessageId, OperationId, RowIds as _};

/// How many are looked at: beyond that they wait for those before.
const MAX_LOADED: i64 = 20_000;

/// An operation as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: OperationId,
    pub(super) action: Action,
    /// The action as the file has it.
    pub(super) args: String,
    pub(super) message: Option<MessageId>,
    pub(super) mailbox: Option<MailboxId>,
    pub(super) target: Option<MailboxId>,
    pub(super) state: String,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
    /// By what its message is found in the target: the Message-ID, else size and date.
    pub(super) found_by: Option<String>,
}

impl Operation {
    pub(super) fn is_parked(&self) -> bool {
        self.state == "parked"
    }

    /// Whether it may have been sent, and nothing is known of its end.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.state == "sending"
    }

    /// The mailbox in which a message arrives by it, and by what it is found there.
    fn arrival(&self) -> Option<(MailboxId, &str)> {
        let arrives = matches!(self.action, Action::Move | Action::Copy { .. } | Action::Append { .. });
        self.target.filter(|_| arrives).zip(self.found_by.as_deref())
    }

    fn messages(&self) -> impl Iterator<Item = MessageId> {
        let other = match self.action {
            Action::Copy { source } => Some(source),
            Action::Replaced { by } => Some(by),
            _ => None,
        };
        self.message.into_iter().chain(other)
    }

    pub(super) fn is_structural(&self) -> bool {
        matches!(self.action, Action::Create { .. } | Action::Rename { .. } | Action::Delete)
    }

    /// The same command for many messages.
    fn goes_with(&self, other: &Self) -> bool {
        matches!(self.action, Action::Flags { .. } | Action::Move | Action::Expunge)
            && self.action == other.action
            && self.mailbox == other.mailbox
            && self.target == other.target
    }
}

fn operation(row: &Row<'_>) -> rusqlite::Result<Operation> {
    Ok(Operation {
        id: row.id(0)?,
        action: Action::Move,
        args: row.get(1)?,
        message: row.optional_id(2)?,
        mailbox: row.optional_id(3)?,
        target: row.optional_id(4)?,
        state: row.get(5)?,
        attempts: row.get(6)?,
        error: row.get(7)?,
        found_by: row.get(8)?,
    })
}

/// All operations of an account, in their order; what a look is still to show is not among them.
pub(super) fn all(file: &Transaction<'_>, account: i64) -> Result<Vec<Operation>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT o.id, args, message, ifnull((SELECT m.mailbox FROM message m WHERE m.id = o.message), o.mailbox), \
         target, state, attempts, error, \
         (SELECT ifnull(c.message_id, c.size || ' ' || c.received) FROM message m JOIN content c ON c.id = m.content \
         WHERE m.id = o.message AND o.target IS NOT NULL) FROM operation o \
         WHERE account = ? AND state <> 'sent' ORDER BY o.id LIMIT ?",
    )?;
    let mut operations = Vec::new();
    for row in find.query_map([account, MAX_LOADED], operation)? {
        let operation = row?;
        operations.push(Operation { action: read(&operation.args)?, ..operation });
    }
    Ok(operations)
}

/// What earlier operations have laid claim to.
#[derive(Default)]
struct Claimed {
    messages: BTreeSet<MessageId>,
    /// Named by an operation.
    mailboxes: BTreeSet<MailboxId>,
    /// Made, renamed or deleted by one.
    structural: BTreeSet<MailboxId>,
    is_structural: bool,
    /// What may have arrived.
    arrivals: BTreeSet<(MailboxId, String)>,
}

impl Claimed {
    fn add(&mut self, operation: &Operation) {
        self.messages.extend(operation.messages());
        let mailboxes = operation.mailbox.into_iter().chain(operation.target);
        self.mailboxes.extend(mailboxes.clone());
        if operation.is_structural() {
            self.structural.extend(mailboxes);
            self.is_structural = true;
        }
        if let Some((target, found_by)) = operation.arrival().filter(|_| operation.is_in_doubt()) {
            self.arrivals.insert((target, found_by.to_owned()));
        }
    }

    fn holds(&self, operation: &Operation) -> bool {
        let mut mailboxes = operation.mailbox.into_iter().chain(operation.target);
        operation.messages().any(|message| self.messages.contains(&message))
            || mailboxes.clone().any(|mailbox| self.structural.contains(&mailbox))
            || !self.arrivals.is_empty()
                && operation
                    .arrival()
                    .is_some_and(|(target, found_by)| self.arrivals.contains(&(target, found_by.to_owned())))
            || operation.is_structural()
                && (self.is_structural || mailboxes.any(|mailbox| self.mailboxes.contains(&mailbox)))
    }
}

/// The first that can be sent, and all that can go with it; up to `count`. What is held has failed
/// before, and is not tried yet.
pub(super) fn next(
    operations: &[Operation],
    is_held: impl Fn(OperationId) -> bool,
    count: usize,
) -> Vec<Operation> {
    let mut claimed = Claimed::default();
    let mut next: Vec<Operation> = Vec::new();
    for operation in operations {
        let is_free = !operation.is_parked() && !is_held(operation.id) && !claimed.holds(operation);
        let belongs = next.first().is_none_or(|first| {
            first.goes_with(operation)
                && !first.is_in_doubt()
                && !operation.is_in_doubt()
                && next.len() < count
        });
        if is_free && belongs {
            next.push(operation.clone());
        }
        claimed.add(operation);
    }
    next
}

/// Of each operation, whether it waits for a parked one.
pub(super) fn waits_for_parked(operations: &[Operation]) -> Vec<bool> {
    let mut claimed = Claimed::default();
    let waits = operations.iter().map(|operation| {
        let waits = claimed.holds(operation);
        if waits || operation.is_parked() {
            claimed.add(operation);
        }
        waits
    });
    waits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Flag, Flags};

    fn operation(id: i64, action: Action, message: i64, mailbox: i64, target: i64) -> Operation {
        let mailbox_of = |number| (number > 0).then_some(MailboxId(number));
        Operation {
            id: OperationId(id),
            args: String::new(),
            action,
            message: (message > 0).then_some(MessageId(message)),
            mailbox: mailbox_of(mailbox),
            target: mailbox_of(target),
            state: "queued".to_owned(),
            attempts: 0,
            error: None,
            found_by: None,
        }
    }

    fn seen() -> Action {
        Action::Flags { add: Flag::Seen.into(), remove: Flags::new() }
    }

    fn ids(operations: &[Operation], count: usize) -> Vec<i64> {
        next(operations, |_| false, count).iter().map(|operation| operation.id.0).collect()
    }

    #[test]
    fn what_is_alike_goes_together_and_a_message_keeps_its_order() {
        let all = [
            operation(1, seen(), 1, 10, 0),
            operation(2, seen(), 2, 10, 0),
            operation(3, Action::Move, 1, 10, 11),
            operation(4, seen(), 3, 10, 0),
            operation(5, seen(), 1, 10, 0),
            operation(6, seen(), 4, 11, 0),
        ];
        assert_eq!(ids(&all, 100), [1, 2, 4]);
        assert_eq!(ids(&all, 2), [1, 2]);
        assert_eq!(ids(&all[2..], 100), [3]);
    }

    #[test]
    fn a_parked_one_holds_up_what_depends_on_it_alone() {
        let mut all = [
            operation(1, seen(), 1, 10, 0),
            operation(2, Action::Move, 1, 10, 11),
            operation(3, Action::Copy { source: MessageId(1) }, 9, 0, 11),
            operation(4, seen(), 2, 10, 0),
        ];
        all[0].state = "parked".to_owned();
        assert_eq!(ids(&all, 100), [4]);
        assert_eq!(waits_for_parked(&all), [false, true, true, false]);
    }

    #[test]
    fn one_that_is_held_holds_up_what_depends_on_it_alone() {
        let all = [
            operation(1, seen(), 1, 10, 0),
            operation(2, Action::Move, 1, 10, 11),
            operation(3, seen(), 2, 10, 0),
        ];
        let free = next(&all, |id| id == OperationId(1), 100);
        assert_eq!(free.iter().map(|operation| operation.id.0).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn mailboxes_are_made_renamed_and_deleted_alone() {
        let to = || Action::Rename { to: "b".to_owned() };
        let all = [
            operation(1, Action::Create { name: "a".to_owned() }, 0, 10, 0),
            operation(2, Action::Move, 1, 11, 10),
            operation(3, seen(), 2, 11, 0),
            operation(4, to(), 0, 12, 0),
        ];
        assert_eq!(ids(&all, 100), [1]);
        // The move waits for its target, other messages don't.
        assert_eq!(ids(&all[1..], 100), [2]);
        let mut parked = all.clone();
        parked[0].state = "parked".to_owned();
        assert_eq!(ids(&parked, 100), [3]);
        assert_eq!(waits_for_parked(&parked), [false, true, false, true]);
    }

    #[test]
    fn what_would_be_taken_for_one_in_doubt_waits() {
        let append = || Action::Append { flags: Flags::new(), date: 0 };
        let mut all = [
            operation(1, append(), 1, 10, 10),
            operation(2, append(), 2, 10, 10),
            operation(3, Action::Move, 3, 11, 10),
            operation(4, Action::Move, 4, 10, 12),
            operation(5, seen(), 5, 10, 0),
        ];
        for (operation, id) in all.iter_mut().zip(["a", "b", "a", "a", "a"]) {
            operation.found_by = Some(id.to_owned());
        }
        let free = |all: &[Operation]| -> Vec<i64> {
            let mut free = Vec::new();
            while let Some(next) = next(all, |id| id.0 == 1 || free.contains(&id.0), 1).first() {
                free.push(next.id.0);
            }
            free
        };
        assert_eq!(free(&all), [2, 3, 4, 5]);
        all[0].state = "sending".to_owned();
        assert_eq!(free(&all), [2, 4, 5]);
    }

    #[test]
    fn what_is_in_doubt_is_decided_alone() {
        let mut all = [operation(1, Action::Move, 1, 10, 11), operation(2, Action::Move, 2, 10, 11)];
        assert_eq!(ids(&all, 100), [1, 2]);
        all[0].state = "sending".to_owned();
        assert_eq!(ids(&all, 100), [1]);
        all.swap(0, 1);
        assert_eq!(ids(&all, 100), [2]);
    }
}
