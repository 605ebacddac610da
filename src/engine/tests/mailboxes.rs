//! The true mailboxes of the model server, the session's snapshot of one, and what happens to them:
//! by the session's own commands, and by other sessions.

use super::server::Server;

/// The flags of the model, as bits in this order.
pub(super) const FLAGS: [&str; 6] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Work"];
pub(super) const SEEN: u8 = 1;
pub(super) const DELETED: u8 = 8;

#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) uid_validity: u32,
    pub(super) next: u32,
    pub(super) messages: Vec<Mail>,
    /// The highest mod-sequence.
    pub(super) last: u64,
    /// What was expunged, and at which mod-sequence.
    pub(super) removed: Vec<(u32, u64)>,
    /// It has mod-sequences that last (RFC 7162 section 3.1.2.2).
    pub(super) keeps_mods: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Mail {
    pub(super) uid: u32,
    pub(super) flags: u8,
    /// When it came or changed last.
    pub(super) mods: u64,
}

impl Folder {
    /// A mailbox with so many messages, with gaps between their UIDs.
    pub(super) fn new(name: &str, uid_validity: u32, size: u8) -> Self {
        let messages = (1..=size).map(|n| Mail { uid: u32::from(n) * 3, flags: n % 8, mods: u64::from(n) });
        Self {
            name: name.to_owned(),
            uid_validity,
            next: u32::from(size) * 3 + 2,
            messages: messages.collect(),
            last: u64::from(size) + 1,
            removed: Vec::new(),
            keeps_mods: true,
        }
    }
}

/// A message of the session's snapshot: reported by EXISTS, and not yet by EXPUNGE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered {
    pub(super) uid: u32,
    /// As they are, or as they were when it was expunged.
    pub(super) flags: u8,
    /// Another session has changed them, which this one has not received.
    pub(super) dirty: bool,
    /// Expunged, which this session has not received.
    pub(super) gone: bool,
}

/// The mailbox that the session has selected.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) folder: usize,
    pub(super) read_only: bool,
    pub(super) numbered: Vec<Numbered>,
    /// The highest UID that EXISTS has counted.
    pub(super) up_to: u32,
}

impl Server {
    /// A new message; its UID.
    pub(super) fn put(&mut self, folder: usize, flags: u8) -> u32 {
        self.note_change(folder);
        let folder = &mut self.folders[folder];
        let uid = folder.next;
        folder.next += 1;
        let mods = folder.tick();
        folder.messages.push(Mail { uid, flags, mods });
        uid
    }

    /// The session's own change of flags.
    pub(super) fn change(&mut self, uid: u32, to: impl Fn(u8) -> u8) {
        let Some(session) = &mut self.session else { return };
        let folder = &mut self.folders[session.folder];
        let numbered = session.numbered.iter_mut().filter(|m| m.uid == uid && !m.gone);
        numbered.for_each(|m| m.flags = to(m.flags));
        let Some(at) = folder.messages.iter().position(|m| m.uid == uid) else { return };
        let flags = to(folder.messages[at].flags);
        if flags != folder.messages[at].flags {
            let mods = folder.tick();
            folder.messages[at] = Mail { uid, flags, mods };
        }
    }

    /// Takes a message out of the selected mailbox.
    pub(super) fn remove_from_selected(&mut self, uid: u32) {
        if let Some(folder) = self.session.as_ref().map(|s| s.folder) {
            self.remove(folder, uid);
        }
    }

    /// Whether the session knows all that there is to know of its mailbox.
    pub(super) fn is_all_reported(&self) -> bool {
        let of_others = self.has_reported_counts();
        of_others
            && self.session.as_ref().is_none_or(|session| {
                let new = self.folders[session.folder].messages.iter().any(|m| m.uid > session.up_to);
                !new && session.numbered.iter().all(|m| !m.dirty && !m.gone)
            })
    }

    pub(super) fn remove(&mut self, folder: usize, uid: u32) {
        self.note_change(folder);
        let all = &mut self.folders[folder];
        if let Some(at) = all.messages.iter().position(|m| m.uid == uid) {
            all.messages.remove(at);
            let mods = all.tick();
            all.removed.push((uid, mods));
        }
        if let Some(session) = self.session.as_mut().filter(|s| s.folder == folder) {
            session.numbered.iter_mut().filter(|m| m.uid == uid).for_each(|m| m.gone = true);
        }
    }

    /// Another session changes the flags of a message.
    pub(super) fn other_flags(&mut self, folder: usize, which: u16, flags: u8) {
        let folder = folder % 2;
        let all = &mut self.folders[folder];
        let at = usize::from(which) % all.messages.len().max(1);
        let Some(Mail { uid, flags: before, .. }) = all.messages.get(at).copied() else { return };
        if flags != before {
            let mods = all.tick();
            all.messages[at] = Mail { uid, flags, mods };
        }
        if let Some(session) = self.session.as_mut().filter(|s| s.folder == folder) {
            for m in session.numbered.iter_mut().filter(|m| m.uid == uid) {
                m.dirty |= m.flags != flags;
                m.flags = flags;
            }
        }
    }

    /// Another session removes a message.
    pub(super) fn other_expunge(&mut self, folder: usize, which: u16) {
        let messages = &self.folders[folder % 2].messages;
        let Some(mail) = messages.get(usize::from(which) % messages.len().max(1)).copied() else { return };
        self.remove(folder % 2, mail.uid);
    }
}

/// The name of the second mailbox.
pub(super) const WORK: &str = "Wörk";

/// A mailbox's name as IMAP4rev1 writes it (RFC 3501 section 5.1.3).
pub(super) fn encoded(name: &str) -> String {
    name.replace('ö', "&APY-")
}

/// Flags by their names.
pub(super) fn bits(names: &[String]) -> u8 {
    let bit = |name: &String| {
        let at = FLAGS.iter().position(|flag| flag.eq_ignore_ascii_case(name));
        1 << at.unwrap_or_else(|| panic!("the programs set no {name}"))
    };
    names.iter().fold(0, |all, name| all | bit(name))
}

/// The names of flags.
pub(super) fn names(bits: u8) -> Vec<&'static str> {
    FLAGS.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0).map(|(_, name)| *name).collect()
}

/// How large a message is: different for each message of each mailbox.
pub(super) fn size_of(folder: usize, uid: u32) -> u32 {
    10_000 * (u32::try_from(folder).unwrap() + 1) + uid
}

/// The body of a message, which says which one it is; some are long enough to be read while they
/// come.
pub(super) fn body_of(folder: usize, uid: u32) -> String {
    let long = if uid.is_multiple_of(4) { "A1 OK done\r\n".repeat(400) } else { String::new() };
    format!("Subject: {folder}/{uid}\r\n\r\n* 1 EXPUNGE\r\n{long}")
}

/// Some fields of a message's header, so many: which says which message it is, and how many were
/// asked for.
pub(super) fn header_of(folder: usize, uid: u32, fields: usize) -> String {
    format!("Subject: {folder}/{uid} of {fields}\r\n\r\n")
}

/// One item of a FETCH row.
pub(super) fn item_text(item: &str, folder: usize, uid: u32, flags: u8) -> String {
    match item {
        "UID" => format!("UID {uid}"),
        "FLAGS" => format!("FLAGS ({})", names(flags).join(" ")),
        "RFC822.SIZE" => format!("RFC822.SIZE {}", size_of(folder, uid)),
        "ENVELOPE" => format!("ENVELOPE (NIL \"{folder}/{uid}\" NIL NIL NIL NIL NIL NIL NIL \"<{uid}@x>\")"),
        "BODY[]" => {
            let body = body_of(folder, uid);
            format!("BODY[] {{{}}}\r\n{body}", body.len())
        }
        other => panic!("the programs don't fetch {other}"),
    }
}
