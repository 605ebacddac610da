//! The model server's NOTIFY (RFC 5465): changes of the selected mailbox at once, and of other
//! mailboxes by STATUS.

use std::collections::BTreeSet;

use super::client_knowledge::Note;
use super::commands::Cmd;
use super::mailboxes::encoded;
use super::server::Server;

/// A mailbox, its messages, and its next UID.
pub(super) type Counts = (String, u32, u32);

/// What NOTIFY has asked for.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// EXPUNGE may come at any time (section 5.3).
    pub(super) immediately: bool,
    others: bool,
    /// Other mailboxes with unreported arrivals or removals.
    changed: BTreeSet<usize>,
}

impl Server {
    /// NOTIFY replaces the one before (section 3.1).
    pub(super) fn watch(&mut self, immediately: bool, others: bool) {
        self.watching = Watching { immediately, others, changed: BTreeSet::new() };
    }

    /// Messages arrived in a mailbox or were removed.
    pub(super) fn note_change(&mut self, folder: usize) {
        let selected = self.session.as_ref().is_some_and(|s| s.folder == folder);
        if self.watching.others && !selected {
            self.watching.changed.insert(folder);
        }
    }

    /// STATUS of a mailbox that is not selected, at any time (sections 5.1 and 5.2).
    pub(super) fn report_counts(&mut self) {
        if self.is_opening() {
            return;
        }
        let Some(folder) = self.watching.changed.pop_first() else { return };
        if self.session.as_ref().is_some_and(|s| s.folder == folder) {
            return;
        }
        let folder = &self.folders[folder];
        let (count, next) = (u32::try_from(folder.messages.len()).unwrap(), folder.next);
        let counts = format!("MESSAGES {count} UIDNEXT {next} UIDVALIDITY {}", folder.uid_validity);
        let (line, name) = (format!("* STATUS {} ({counts})", encoded(&folder.name)), folder.name.clone());
        self.say(line, Note::Counts((name, count, next)));
    }

    /// Whether it has reported all other mailboxes.
    pub(super) fn has_reported_counts(&self) -> bool {
        self.watching.changed.is_empty()
    }

    /// While numbers may move at any time, a client uses none, nor `*` (sections 5.2 and 5.3).
    pub(super) fn check_watching(&self, tag: &str, cmd: &Cmd) {
        if self.watching.immediately {
            assert!(!cmd.is_by_number(), "{tag} {cmd:?} uses numbers, which may move at any time");
            // What only reads may say `n:*` by UID: who asks leaves the last message out if it is
            // below n.
            let reads = matches!(cmd, Cmd::Fetch { .. });
            assert!(
                reads || !cmd.named().is_some_and(|named| named.is_open()),
                "{tag} {cmd:?} names the last message"
            );
        }
    }
}
