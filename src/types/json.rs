//! The JSON form of an event (feature `serde`): one flat object, for programs that read lines.
//!
//! In: an [`Event`]. Out: its fields, in a fixed order: `event` (its name), `mailbox`, `selection`,
//! `id` (the number of the command that caused it), `away` (if it happened while disconnected),
//! then the fields of its kind. Unknown values are left out; nothing is `null`. Sets of numbers and
//! response codes are text, as IMAP writes them. Data of detached commands is summarised: bodies by
//! their sizes, a message's structure by its media types.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::answer::{Answer, ESearch};
use super::close_reason::CloseReason;
use super::code::Code;
use super::envelope::{Addresses, Envelope};
use super::event::{Event, EventKind};
use super::mailbox::{ListEntry, MailboxName, MailboxStatus};
use super::message::Message;
use super::status::StatusResponse;

impl Serialize for Event {
    /// One flat object, such as
    /// `{"event":"flags_changed","mailbox":"INBOX","selection":1,"uid":4,"seq":4,"flags":["\\Seen"],"before":[]}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.put("event", self.name())?;
        fields.some("mailbox", self.mailbox().or(named(&self.kind)))?;
        fields.some("selection", self.place.as_ref().and_then(|place| place.selection))?;
        fields.some("id", self.cause)?;
        if self.while_disconnected {
            fields.put("away", &true)?;
        }
        fields.kind(&self.kind)?;
        fields.0.end()
    }
}

/// The mailbox that an event of this kind names itself.
fn named(kind: &EventKind) -> Option<&MailboxName> {
    match kind {
        EventKind::Status(status) => Some(&status.name),
        EventKind::MailboxCreated(entry) => Some(&entry.name),
        _ => None,
    }
}

/// Writes the fields of one object.
struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    /// Writes a field unless its value is unknown.
    fn some<T: Serialize>(&mut self, name: &str, value: Option<T>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(name, &value))
    }

    /// Writes a list unless it is empty.
    fn list<T: Serialize>(&mut self, name: &str, values: &[T]) -> Result<(), M::Error> {
        if values.is_empty() { Ok(()) } else { self.put(name, values) }
    }

    fn kind(&mut self, kind: &EventKind) -> Result<(), M::Error> {
        match kind {
            EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only } => {
                self.put("exists", exists)?;
                self.some("uid_validity", *uid_validity)?;
                self.some("uid_next", *uid_next)?;
                self.some("highest_mod_seq", *highest_mod_seq)?;
                self.put("read_only", read_only)
            }
            EventKind::Exists { count }
            | EventKind::Resumed { exists: count }
            | EventKind::Ready { exists: count } => self.put("exists", count),
            EventKind::Arrived { seq, uid, flags } => {
                self.put("uid", uid)?;
                self.some("seq", *seq)?;
                self.some("flags", flags.as_ref())
            }
            EventKind::Expunged { seq, uid } => {
                self.some("uid", *uid)?;
                self.some("seq", *seq)
            }
            EventKind::FlagsChanged { seq, uid, flags, before, mod_seq } => {
                self.some("uid", *uid)?;
                self.some("seq", *seq)?;
                self.put("flags", flags)?;
                self.some("before", before.as_ref())?;
                self.some("mod_seq", *mod_seq)
            }
            EventKind::UidValidityChanged { uid_validity } => self.some("uid_validity", *uid_validity),
            EventKind::SelectionEnded | EventKind::MailboxDeleted | EventKind::MailboxNoAccess => Ok(()),
            EventKind::MetadataChanged(metadata) => self.annotations("entries", metadata),
            EventKind::NotificationsLost { asked_again } => self.put("asked_again", asked_again),
            EventKind::Status(status) => self.counts(status),
            EventKind::MailboxCreated(entry) => self.entry(entry),
            EventKind::MailboxRenamed { from } => self.put("from", from),
            EventKind::MailboxSubscribed { subscribed } => self.put("subscribed", subscribed),
            EventKind::Data(answer) => self.answer(answer),
            EventKind::Completed { command, status, detached } => {
                self.put("command", command)?;
                self.status(status)?;
                self.put("detached", detached)
            }
            EventKind::Failed { command, kind, sent, reason } => {
                self.put("command", command)?;
                self.put("kind", kind)?;
                self.put("sent", sent)?;
                self.put("reason", reason)
            }
            EventKind::Alert { text } => self.put("text", text),
            EventKind::Notice(status) => self.status(status),
            EventKind::Capabilities(all) => self.put("capabilities", all),
            EventKind::Lagged(lag) => {
                self.put("events", &lag.events)?;
                self.put("mailboxes", &lag.mailboxes)?;
                self.put("others", &lag.others)
            }
            EventKind::Contradiction { what } => self.put("what", what),
            EventKind::Unknown { name, bytes } => {
                self.put("name", name)?;
                self.bytes(bytes)
            }
            EventKind::Unparsed { bytes, error } => {
                self.bytes(bytes)?;
                self.put("error", error)
            }
            EventKind::Closed { reason } => self.reason(reason),
        }
    }

    /// Bytes as ASCII text: other characters are escaped as in Rust and C, and a backslash is
    /// doubled.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), M::Error> {
        self.put("bytes", &bytes.escape_ascii().to_string())
    }

    fn status(&mut self, response: &StatusResponse) -> Result<(), M::Error> {
        self.put("status", response.status.as_str())?;
        self.code(response.code.as_ref())?;
        self.put("text", &response.text)
    }

    fn code(&mut self, code: Option<&Code>) -> Result<(), M::Error> {
        self.some("code", code.map(ToString::to_string))
    }

    /// Why the connection ended: as a sentence, and as one word.
    fn reason(&mut self, reason: &CloseReason) -> Result<(), M::Error> {
        let word = match reason {
            CloseReason::Logout => "logout",
            CloseReason::Bye(_) => "bye",
            CloseReason::Eof => "eof",
            CloseReason::Io { .. } => "io",
            CloseReason::Protocol(_) => "protocol",
            CloseReason::Limit(_) => "limit",
            CloseReason::Timeout { .. } => "timeout",
            CloseReason::Upload(_) => "upload",
            CloseReason::Dropped => "dropped",
        };
        self.put("reason", &reason.to_string())?;
        self.put("kind", word)?;
        match reason {
            CloseReason::Bye(bye) => self.code(bye.code.as_ref()),
            _ => Ok(()),
        }
    }

    /// The items of STATUS other than the name.
    fn counts(&mut self, status: &MailboxStatus) -> Result<(), M::Error> {
        self.some("messages", status.messages)?;
        self.some("recent", status.recent)?;
        self.some("uid_next", status.uid_next)?;
        self.some("uid_validity", status.uid_validity)?;
        self.some("unseen", status.unseen)?;
        self.some("deleted", status.deleted)?;
        self.some("size", status.size)?;
        self.some("highest_mod_seq", status.highest_mod_seq)?;
        self.some("deleted_storage", status.deleted_storage)?;
        self.some("append_limit", status.append_limit)?;
        self.some("mailbox_id", status.mailbox_id.as_ref())?;
        self.list("other", &status.other)
    }

    /// The items of LIST other than the name.
    fn entry(&mut self, entry: &ListEntry) -> Result<(), M::Error> {
        self.some("delimiter", entry.delimiter)?;
        self.put("attributes", &entry.attributes)?;
        self.some("old_name", entry.old_name.as_ref())?;
        self.list("child_info", &entry.child_info)?;
        self.list("extended", &entry.extended)
    }

    /// Data of a detached command: the response's name in lower case, and its content.
    fn answer(&mut self, answer: &Answer) -> Result<(), M::Error> {
        let mut name = |name: &str| self.put("answer", name);
        match answer {
            Answer::Status(status) => {
                name("status_response")?;
                self.status(status)
            }
            Answer::Capability(all) => {
                name("capability")?;
                self.put("capabilities", all)
            }
            Answer::Enabled(names) => {
                name("enabled")?;
                self.put("names", names)
            }
            Answer::Flags(flags) => {
                name("flags")?;
                self.put("flags", flags)
            }
            Answer::List(entry) => {
                name("list")?;
                self.put("name", &entry.name)?;
                self.entry(entry)
            }
            Answer::Lsub(entry) => {
                name("lsub")?;
                self.put("name", &entry.name)?;
                self.entry(entry)
            }
            Answer::MailboxStatus(status) => {
                name("status")?;
                self.put("name", &status.name)?;
                self.counts(status)
            }
            Answer::Search(found) => {
                name("search")?;
                self.put("numbers", &found.numbers.to_string())?;
                self.some("mod_seq", found.mod_seq)
            }
            Answer::ESearch(found) => {
                name("esearch")?;
                self.found(found)
            }
            Answer::Exists(count) => {
                name("exists")?;
                self.put("exists", count)
            }
            Answer::Recent(count) => {
                name("recent")?;
                self.put("recent", count)
            }
            Answer::Expunge { seq, uid } => {
                name("expunge")?;
                self.some("uid", *uid)?;
                self.put("seq", seq)
            }
            Answer::Vanished { earlier, uids } => {
                name("vanished")?;
                self.put("uids", uids)?;
                self.put("earlier", earlier)
            }
            Answer::Fetch(row) => {
                name("fetch")?;
                self.row(row)
            }
            Answer::Id(fields) => {
                name("id")?;
                let present = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
                self.put("fields", &present.collect::<std::collections::BTreeMap<_, _>>())
            }
            Answer::Other => name("other"),
            _ => self.extension(answer),
        }
    }

    fn found(&mut self, found: &ESearch) -> Result<(), M::Error> {
        self.put("numbers_are", if found.uid { "uids" } else { "seqs" })?;
        self.some("min", found.min)?;
        self.some("max", found.max)?;
        self.some("count", found.count)?;
        self.some("numbers", found.all.as_ref().map(ToString::to_string))?;
        self.some("sorted", found.sorted.as_ref())?;
        self.some("mod_seq", found.mod_seq)?;
        self.some("partial", found.partial.as_ref())?;
        self.list("changes", &found.changes)?;
        self.list("relevancy", &found.relevancy)?;
        self.some("mailbox", found.mailbox.as_ref())?;
        self.some("uid_validity", found.uid_validity)?;
        self.list("other", &found.other)
    }

    /// A summary of one message.
    fn row(&mut self, row: &Message) -> Result<(), M::Error> {
        self.some("uid", row.uid())?;
        self.some("seq", row.seq())?;
        self.some("flags", row.flags())?;
        self.some("internal_date", row.internal_date())?;
        self.some("size", row.size())?;
        self.some("mod_seq", row.mod_seq())?;
        if let Some(envelope) = row.envelope() {
            self.envelope(envelope)?;
        }
        if let Some(structure) = row.body_structure() {
            let types = structure.parts().map(|part| format!("{}/{}", part.media_type(), part.subtype()));
            self.put("parts", &types.map(|text| text.to_ascii_lowercase()).collect::<Vec<_>>())?;
        }
        self.list("sections", &row.sections().iter().map(SectionSize).collect::<Vec<_>>())?;
        self.extras(row)?;
        self.list("other", &row.other().map(|(name, _)| name).collect::<Vec<_>>())
    }

    fn envelope(&mut self, envelope: &Envelope) -> Result<(), M::Error> {
        let people = |list: Addresses<'_>| list.map(|one| one.to_string()).collect::<Vec<_>>();
        self.some("date", envelope.date())?;
        self.some("subject", envelope.subject())?;
        self.list("from", &people(envelope.from()))?;
        self.list("to", &people(envelope.to()))?;
        self.list("cc", &people(envelope.cc()))?;
        self.some("message_id", envelope.message_id())
    }
}

/// A section and its size; `octets` is left out where the message has no such part.
struct SectionSize<'a>(&'a super::message::BodyData);

impl Serialize for SectionSize<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.put("section", &self.0.section)?;
        fields.some("origin", self.0.origin)?;
        fields.some("octets", self.0.data.as_ref().map(bytes::Bytes::len))?;
        fields.0.end()
    }
}

mod extensions;
#[cfg(test)]
mod tests;
