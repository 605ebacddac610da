//! The true state of one mailbox: its messages, the UIDs of expunged ones, and IMAP's counters.
//!
//! In: changes, each of which returns its effect. The [`World`](super::world::World) notifies the
//! sessions of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::annotations::Notes;
use super::mime::Content;
use crate::types::{Flag, Flags, ModSeq, Timestamp};
use crate::wire::request::Change;

/// Identifies a mailbox as long as it exists, even when renamed.
pub(crate) type MailboxId = u64;

/// One message in one mailbox. It is immutable: a change of flags makes another one with the same
/// UID.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: Flags,
    pub(crate) mod_seq: u64,
    pub(crate) internal_date: Timestamp,
    /// When it was added to this mailbox (RFC 8514).
    pub(crate) saved: Timestamp,
    /// The same for all copies (RFC 8474 section 5.1).
    pub(crate) email_id: Arc<str>,
    pub(crate) thread_id: Arc<str>,
    pub(crate) content: Arc<Content>,
    /// Its annotations.
    pub(crate) notes: Notes,
}

/// A message without a UID yet.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub(crate) flags: Flags,
    pub(crate) internal_date: Timestamp,
    pub(crate) email_id: Arc<str>,
    pub(crate) thread_id: Arc<str>,
    pub(crate) content: Arc<Content>,
    pub(crate) notes: Notes,
}

/// A mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub(crate) uid_validity: u32,
    /// Its MAILBOXID (RFC 8474 section 4).
    pub(crate) object_id: String,
    pub(crate) uid_next: u32,
    pub(crate) highest_mod_seq: u64,
    /// It keeps no mod-sequences, as clients see it (NOMODSEQ, RFC 7162 section 3.1.2.2).
    pub(crate) no_mod_seq: bool,
    pub(crate) messages: BTreeMap<u32, Arc<Message>>,
    /// UIDs of expunged messages, by the mod-sequence of the expunge (RFC 7162 section 5.3).
    expunged: Vec<(u64, u32)>,
    /// Special uses such as `\Sent` (RFC 6154).
    pub(crate) special_use: Vec<&'static str>,
    /// Who has which rights, apart from the owner (RFC 4314).
    pub(crate) rights: BTreeMap<String, String>,
    /// Annotations (RFC 5464), by their names in small letters.
    pub(crate) annotations: BTreeMap<String, Bytes>,
    /// What authorizes URLs of its messages (RFC 4467 section 4); `None` until one is made.
    pub(crate) url_key: Option<String>,
    /// No session has had messages from this UID on as recent (RFC 3501 section 2.3.2).
    pub(crate) recent_from: u32,
    /// Keywords that any message has had.
    keywords: Flags,
}

impl Mailbox {
    pub(crate) fn new(uid_validity: u32, object_id: String) -> Self {
        Self {
            uid_validity,
            object_id,
            uid_next: 1,
            // RFC 7162 section 3.1.2.1: never 0 where mod-sequences are kept.
            highest_mod_seq: 1,
            no_mod_seq: false,
            messages: BTreeMap::new(),
            expunged: Vec::new(),
            special_use: Vec::new(),
            rights: BTreeMap::new(),
            annotations: BTreeMap::new(),
            url_key: None,
            recent_from: 1,
            keywords: Flags::new(),
        }
    }

    /// The flags defined here: the system flags and all keywords in use.
    pub(crate) fn known_flags(&self) -> Flags {
        let mut flags = Flags::from([Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft]);
        flags.extend(self.keywords.iter());
        flags
    }

    fn next_mod_seq(&mut self) -> u64 {
        self.highest_mod_seq += 1;
        self.highest_mod_seq
    }

    /// Adds the keywords; true if one of them is new.
    fn learn(&mut self, flags: &Flags) -> bool {
        let before = self.keywords.len();
        self.keywords.extend(flags.iter().filter(|flag| matches!(flag, Flag::Keyword(_))));
        self.keywords.len() > before
    }

    /// Adds a message, with the next UID. `None`: there are no more UIDs.
    pub(crate) fn add(&mut self, new: NewMessage, saved: Timestamp) -> Option<Arc<Message>> {
        let uid = self.uid_next;
        self.uid_next = self.uid_next.checked_add(1)?;
        self.learn(&new.flags);
        let mod_seq = self.next_mod_seq();
        let NewMessage { flags, internal_date, email_id, thread_id, content, notes } = new;
        let message =
            Message { uid, flags, mod_seq, internal_date, saved, email_id, thread_id, content, notes };
        let message = Arc::new(message);
        self.messages.insert(uid, message.clone());
        Some(message)
    }

    /// Changes flags of these messages. Returns each that exists, whether it changed, and whether a
    /// keyword is new to the mailbox. All messages changed together get the same mod-sequence.
    pub(crate) fn change(
        &mut self,
        uids: &[u32],
        change: Change,
        flags: &Flags,
    ) -> (Vec<(Arc<Message>, bool)>, bool) {
        let mut mod_seq = None;
        let mut all = Vec::new();
        for uid in uids {
            let Some(message) = self.messages.get(uid) else { continue };
            let after = changed(&message.flags, change, flags);
            if after == message.flags {
                all.push((message.clone(), false));
                continue;
            }
            let mod_seq = *mod_seq.get_or_insert_with(|| {
                self.highest_mod_seq += 1;
                self.highest_mod_seq
            });
            let message = Arc::new(Message { flags: after, mod_seq, ..Message::clone(message) });
            self.messages.insert(*uid, message.clone());
            all.push((message, true));
        }
        let new_keyword = !all.is_empty() && change != Change::Remove && self.learn(flags);
        (all, new_keyword)
    }

    /// Removes these messages; returns those that existed, in ascending order, and the mod-sequence
    /// of the expunge.
    pub(crate) fn remove(&mut self, uids: &[u32]) -> (Vec<Arc<Message>>, u64) {
        let mut uids = uids.to_vec();
        uids.sort_unstable();
        uids.dedup();
        let removed: Vec<_> = uids.iter().filter_map(|uid| self.messages.remove(uid)).collect();
        if removed.is_empty() {
            return (removed, self.highest_mod_seq);
        }
        let mod_seq = self.next_mod_seq();
        self.expunged.extend(removed.iter().map(|message| (mod_seq, message.uid)));
        (removed, mod_seq)
    }

    /// UIDs of messages expunged after this mod-sequence.
    pub(crate) fn expunged_since(&self, mod_seq: u64) -> impl Iterator<Item = u32> {
        let from = self.expunged.partition_point(|(at, _)| *at <= mod_seq);
        self.expunged.iter().skip(from).map(|(_, uid)| *uid)
    }

    /// The mod-sequence as clients see it.
    pub(crate) fn mod_seq(&self) -> Option<ModSeq> {
        ModSeq::new(self.highest_mod_seq).filter(|_| !self.no_mod_seq)
    }

    /// The counters and messages are these, and nothing is known of what was expunged.
    pub(crate) fn restore(&mut self, uid_next: u32, highest_mod_seq: u64, messages: Vec<Message>) {
        self.expunged.clear();
        (self.uid_next, self.highest_mod_seq) = (uid_next, highest_mod_seq);
        self.recent_from = self.recent_from.min(uid_next);
        self.messages = messages.into_iter().map(|message| (message.uid, Arc::new(message))).collect();
    }

    /// Sets another UIDVALIDITY and new UIDs from 1 on, and drops what was recorded for old UIDs.
    pub(crate) fn renumber(&mut self, uid_validity: u32) {
        self.uid_validity = uid_validity;
        self.expunged.clear();
        self.uid_next = 1;
        self.recent_from = 1;
        for (_, message) in std::mem::take(&mut self.messages) {
            let (uid, mod_seq) = (self.uid_next, self.next_mod_seq());
            self.uid_next += 1;
            self.messages.insert(uid, Arc::new(Message { uid, mod_seq, ..Message::clone(&message) }));
        }
    }

    /// The count and the total size of the messages with this flag.
    pub(crate) fn with_flag(&self, flag: &Flag) -> (u32, u64) {
        let of = self.messages.values().filter(|message| message.flags.contains(flag));
        of.fold((0, 0), |(count, size), message| (count + 1, size + message.size()))
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn size(&self) -> u64 {
        self.messages.values().map(|message| message.size()).sum()
    }
}

impl Message {
    pub(crate) fn size(&self) -> u64 {
        u64::from(self.content.size())
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        self.content.bytes()
    }

    /// The content for a message of another mailbox.
    pub(crate) fn copied(&self) -> NewMessage {
        NewMessage {
            flags: self.flags.clone(),
            internal_date: self.internal_date,
            email_id: self.email_id.clone(),
            thread_id: self.thread_id.clone(),
            content: self.content.clone(),
            notes: self.notes.copied(),
        }
    }
}

/// The flags after a STORE (RFC 9051 section 6.4.6).
fn changed(before: &Flags, change: Change, flags: &Flags) -> Flags {
    match change {
        Change::Replace => flags.clone(),
        Change::Add => {
            let mut after = before.clone();
            after.extend(flags.iter());
            after
        }
        Change::Remove => before.iter().filter(|flag| !flags.contains(flag)).collect(),
    }
}
