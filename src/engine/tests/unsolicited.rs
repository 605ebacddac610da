//! What the model server reports of the selected mailbox: unsolicited changes, and rows; and when
//! it may.

use super::client_knowledge::Note;
use super::commands::{Named, fields_of};
use super::mailboxes::{Numbered, encoded, header_of, item_text};
use super::order::let_expunge_through;
use super::server::{Idling, Server};

impl Server {
    /// Whether an EXPUNGE may be sent now (RFC 9051 section 7.5.1): not when no command is in
    /// progress (one is from its last byte to its tagged response, IDLE from its `+`), nor while a
    /// FETCH, STORE or SEARCH by number runs.
    pub(super) fn may_expunge(&self) -> bool {
        if self.watching.immediately {
            // RFC 5465 section 5.3: at any time.
            return !self.is_opening();
        }
        let idle = (self.idling == Idling::On).then_some(None);
        let in_progress = self.tasks.iter().map(|task| Some(&task.cmd)).chain(idle);
        let_expunge_through(in_progress) && !self.is_opening()
    }

    /// A SELECT or CLOSE is being answered: the mailbox before it is not reported any more.
    pub(super) fn is_opening(&self) -> bool {
        self.tasks.iter().any(|task| task.cmd.changes_selection() && task.todo.is_some())
    }

    /// EXISTS, at any time (RFC 9051 section 7.4.1), for some or all of the messages that came.
    pub(super) fn report_exists(&mut self, most: usize) -> bool {
        if self.is_opening() {
            return false;
        }
        let Some(session) = &mut self.session else { return false };
        let new =
            self.folders[session.folder].messages.iter().filter(|m| m.uid > session.up_to).take(most.max(1));
        let new: Vec<Numbered> =
            new.map(|m| Numbered { uid: m.uid, flags: m.flags, dirty: true, gone: false }).collect();
        let Some(last) = new.last() else { return false };
        session.up_to = last.uid;
        let uids = new.iter().map(|m| m.uid).collect();
        session.numbered.extend(new);
        let count = session.numbered.len();
        self.say(format!("* {count} EXISTS"), Note::Grew(uids));
        true
    }

    /// Flags of a message, at any time (RFC 9051 section 7.5.2); of one that changed if there is
    /// one.
    pub(super) fn report_flags(&mut self, which: u16, only_changes: bool) -> bool {
        let Some(session) = self.session.as_ref().filter(|_| !self.is_opening()) else { return false };
        let (dirty, known): (Vec<&Numbered>, _) =
            session.numbered.iter().filter(|m| !m.gone).partition(|m| m.dirty);
        let some = if dirty.is_empty() && !only_changes { known } else { dirty };
        let Some(uid) = some.get(usize::from(which) % some.len().max(1)).map(|m| m.uid) else { return false };
        let mut names = if self.kind.sends_uids { vec!["UID", "FLAGS"] } else { vec!["FLAGS"] };
        if self.has_mods() {
            names.push("MODSEQ");
            self.highest_row = self.highest_row.max(self.mods_of(uid).unwrap_or(0));
        }
        self.say_row(uid, &names);
        true
    }

    /// EXPUNGE of a message that another session has removed.
    pub(super) fn report_expunge(&mut self, which: u16) -> bool {
        if !self.may_expunge() {
            return false;
        }
        let Some(session) = &self.session else { return false };
        let gone: Vec<u32> = session.numbered.iter().filter(|m| m.gone).map(|m| m.uid).collect();
        let first = usize::from(which) % gone.len().max(1);
        let Some(uid) = gone.get(first) else { return false };
        if self.says_vanished() {
            self.say_vanished(&gone[first..gone.len().min(first + 1 + usize::from(which) % 3)]);
        } else {
            self.say_expunge(*uid);
        }
        true
    }

    /// All unreported changes. Whether any could be reported.
    pub(super) fn report_all(&mut self) -> bool {
        let mut some = false;
        while !self.is_opening() && !self.has_reported_counts() {
            self.report_counts();
            some = true;
        }
        while self.report_expunge(0) || self.report_exists(usize::MAX) || self.report_flags(0, true) {
            some = true;
        }
        some
    }

    pub(super) fn say_expunge(&mut self, uid: u32) {
        let Some(session) = &mut self.session else { return };
        let Some(at) = session.numbered.iter().position(|m| m.uid == uid) else { return };
        session.numbered.remove(at);
        let seq = u32::try_from(at + 1).unwrap();
        self.say(format!("* {seq} EXPUNGE"), Note::Expunged(seq));
    }

    /// A FETCH row of a message with these items.
    pub(super) fn say_row(&mut self, uid: u32, items: &[&str]) {
        let mods = self.mods_of(uid);
        let Some(session) = &mut self.session else { return };
        let folder = session.folder;
        let Some(at) = session.numbered.iter().position(|m| m.uid == uid) else { return };
        let has_flags = items.contains(&"FLAGS");
        session.numbered[at].dirty &= !has_flags;
        let flags = session.numbered[at].flags;
        let note = if has_flags { Note::Flags(folder, uid, flags) } else { Note::Nothing };
        let text = |item: &&str| match (*item, mods) {
            ("MODSEQ", mods) => mods.map(|mods| format!("MODSEQ ({mods})")),
            (item, _) => match fields_of(item) {
                Some(fields) => Some(self.fields_text(item, &fields, folder, uid)),
                None => Some(item_text(item, folder, uid, flags)),
            },
        };
        let items: Vec<String> = items.iter().filter_map(text).collect();
        self.say(format!("* {} FETCH ({})", at + 1, items.join(" ")), note);
    }

    /// Some fields of a header. The names may come in another spelling and order: they mean the
    /// same.
    fn fields_text(&self, item: &str, fields: &[String], folder: usize, uid: u32) -> String {
        let text = header_of(folder, uid, fields.len());
        let name = match self.kind.respells {
            true => format!("BODY[HEADER.FIELDS ({})]", fields.join(" ")),
            false => item.replace(".PEEK", ""),
        };
        format!("{name} {{{}}}\r\n{text}", text.len())
    }

    /// A mailbox, as LIST and SELECT report it.
    pub(super) fn say_listed(&mut self, name: &str) {
        let (plain, other) =
            (encoded(name), if name == "INBOX" { "inbox".to_owned() } else { format!("\"{name}\"") });
        let name = match self.kind.respells {
            true => format!("{other} (\"OLDNAME\" ({plain}))"),
            false => plain,
        };
        self.say(format!("* LIST () \"/\" {name}"), Note::Nothing);
    }

    pub(super) fn is_numbered(&self, uid: u32) -> bool {
        self.session.iter().flat_map(|s| &s.numbered).any(|m| m.uid == uid)
    }

    pub(super) fn is_gone(&self, uid: u32) -> bool {
        self.session.iter().flat_map(|s| &s.numbered).any(|m| m.uid == uid && m.gone)
    }

    /// The messages of the session's snapshot that are named. By UID those that are not there are
    /// passed over (RFC 9051 section 6.4.9), by number too (RFC 2180 section 4.1.2 and many
    /// servers).
    pub(super) fn resolve(&self, which: &Named) -> Vec<u32> {
        let Some(session) = &self.session else { return Vec::new() };
        let last = u32::try_from(session.numbered.len()).unwrap();
        let last_uid = session.numbered.last().map_or(0, |m| m.uid);
        let named = |at: usize, uid: u32| {
            if which.by_uid {
                which.has(uid, last_uid)
            } else {
                which.has(u32::try_from(at + 1).unwrap(), last)
            }
        };
        session.numbered.iter().enumerate().filter(|(at, m)| named(*at, m.uid)).map(|(_, m)| m.uid).collect()
    }
}
