//! What the server and other clients do.

use std::time::Duration;

use imap_duplex::types::{Code, Flag, Uid, UidValidity};

use super::{DOOMED, History, MAILBOXES, message, subject_of};

/// What may be cut off or delayed.
const COMMANDS: [&str; 14] = [
    "SELECT",
    "EXAMINE",
    "LIST",
    "STATUS",
    "UID FETCH",
    "UID STORE",
    "UID MOVE",
    "UID COPY",
    "UID EXPUNGE",
    "APPEND",
    "CREATE",
    "RENAME",
    "DELETE",
    "NOOP",
];

impl History {
    pub(super) fn deliver(&mut self, mailbox: &str) {
        let subject = self.subject();
        self.note(format!("server: {subject} arrives in {mailbox}"));
        self.truth(&subject).pass(mailbox);
        self.world.server.deliver(mailbox, message(&subject));
    }

    /// A message at the server.
    fn any_at_server(&mut self) -> Option<(String, Uid, String)> {
        let all: Vec<(String, Uid, String)> = self
            .world
            .server
            .mailboxes()
            .into_iter()
            .filter_map(|name| self.world.server.mailbox(name))
            .flat_map(|mailbox| {
                let name = mailbox.name.to_string();
                let messages = mailbox.messages.into_iter();
                messages.map(move |message| (name.clone(), message.uid, subject_of(&message.bytes)))
            })
            .collect();
        self.dice.pick(&all).cloned()
    }

    pub(super) fn others_flag(&mut self) {
        let Some((mailbox, uid, subject)) = self.any_at_server() else { return };
        let answered = self.dice.roll(2) == 0;
        self.note(format!("server: {subject} in {mailbox} answered: {answered}"));
        if answered {
            self.world.server.add_flags(mailbox, uid, Flag::Answered);
        } else {
            self.world.server.remove_flags(mailbox, uid, Flag::Answered);
        }
        self.truth(&subject).answer(answered);
    }

    pub(super) fn others_expunge(&mut self) {
        let Some((mailbox, uid, subject)) = self.any_at_server() else { return };
        self.note(format!("server: {subject} in {mailbox} is expunged"));
        self.world.server.expunge(mailbox, uid);
        self.truth(&subject).lose();
    }

    /// Another client moves a message: what was queued for it is lost.
    pub(super) fn others_move(&mut self) {
        let Some((mailbox, uid, subject)) = self.any_at_server() else { return };
        let target = MAILBOXES[self.dice.roll(4)];
        self.note(format!("server: {subject} moves from {mailbox} to {target}"));
        let there = self.world.server.mailbox(mailbox.as_str()).expect("listed");
        let found = there.message(uid).expect("it is there").clone();
        self.world.server.deliver_with(target, found.bytes, found.flags, Some(found.internal_date));
        self.world.server.expunge(mailbox, uid);
        self.truth(&subject).shake();
    }

    /// A mailbox gets another UIDVALIDITY, and its messages other UIDs.
    pub(super) fn renumber(&mut self) {
        let mailbox = ["INBOX", "Work", "Archive"][self.dice.roll(3)];
        self.next += 1;
        let validity = 4_000_000_000 + u32::try_from(self.next).expect("few");
        self.note(format!("server: {mailbox} gets UIDVALIDITY {validity}"));
        self.world.server.change_uid_validity(mailbox, UidValidity::new(validity).expect("not zero"));
    }

    /// Another client renames a mailbox, while messages come and go in it.
    pub(super) fn others_rename(&mut self) {
        let is_there = |name: &str| self.world.server.mailbox(name).is_some();
        let (from, to) = match (is_there("Other"), is_there("Another")) {
            (true, false) => ("Other", "Another"),
            (false, true) => ("Another", "Other"),
            _ => return,
        };
        self.note(format!("server: {from} is renamed to {to}"));
        self.world.server.rename(from, to);
        if self.dice.roll(2) == 0 {
            self.deliver(to);
        }
    }

    /// Another client deletes a mailbox and makes it again.
    pub(super) fn others_make_again(&mut self) {
        self.note(format!("server: {DOOMED} is deleted and made again"));
        self.world.server.delete(DOOMED);
        self.world.server.create(DOOMED);
        if self.dice.roll(2) == 0 {
            self.deliver(DOOMED);
        }
    }

    /// A backup is made, or put back: what has come since is lost, and its UIDs are given again.
    pub(super) fn restore(&mut self) {
        let Some(backup) = self.backup.take() else {
            let name = ["INBOX", "Work", "Archive"][self.dice.roll(3)];
            self.note(format!("server: a backup of {name} is made"));
            self.backup = self.world.server.mailbox(name);
            return;
        };
        let now = self.world.server.mailbox(backup.name.clone()).expect("it stays");
        if now.uid_validity != backup.uid_validity {
            return;
        }
        self.note(format!("server: the backup of {} is put back", backup.name));
        for message in &now.messages {
            let truth = self.truth(&subject_of(&message.bytes));
            truth.restored(false);
            if backup.message(message.uid).is_none() {
                truth.lose();
            }
        }
        for message in &backup.messages {
            let is_back = now.message(message.uid).is_none();
            self.truth(&subject_of(&message.bytes)).restored(is_back);
        }
        self.world.server.restore(&backup);
    }

    /// An answer is cut off, comes late, or is a NO.
    pub(super) fn disturb(&mut self) {
        let command = COMMANDS[self.dice.roll(COMMANDS.len())];
        let hook = self.world.server.on(command);
        match self.dice.roll(4) {
            0 | 1 => {
                let bytes = self.dice.roll(300);
                self.note(format!("server: an answer to {command} ends after {bytes} bytes"));
                hook.cut_after(bytes);
            }
            2 => {
                self.note(format!("server: {command} takes a while"));
                hook.delay(Duration::from_secs(3));
            }
            _ if ["UID STORE", "UID MOVE", "UID COPY", "APPEND", "UID EXPUNGE"].contains(&command) => {
                let is_for_good = self.dice.roll(2) == 0;
                self.note(format!("server: {command} is refused, for good: {is_for_good}"));
                if is_for_good {
                    hook.no("never");
                } else {
                    hook.no_with(Code::InUse, "not now");
                }
            }
            _ => {
                self.note(format!("server: {command} is refused for now"));
                hook.no_with(Code::Unavailable, "not now");
            }
        }
    }
}
