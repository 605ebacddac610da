//! The events: unsolicited changes, data and ends of detached commands, and the connection's life.

use std::fmt;

use bytes::Bytes;

use super::answer::Answer;
use super::capability::Capabilities;
use super::close_reason::CloseReason;
use super::error_kind::{ErrorKind, Sent};
use super::flag::Flags;
use super::mailbox::{ListEntry, MailboxName, MailboxStatus};
use super::metadata::Metadata;
use super::number::{CommandId, ModSeq, SelectionId, Seq, Uid, UidValidity};
use super::status::StatusResponse;

/// Unsolicited data from the server, or the end of a command or of the connection.
///
/// `Display` gives one line for people; with the feature `serde` it serialises to one flat JSON
/// object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The mailbox that it is about, and the selection in which it was received; `None` if it is
    /// about no mailbox.
    pub place: Option<Place>,
    /// The command that certainly caused it, or whose data or end it is; `None` in doubt.
    pub cause: Option<CommandId>,
    /// The change happened while disconnected: after the [state](super::MailboxState) that
    /// [`Select::resume`](crate::Select::resume) was given, before the mailbox was selected.
    /// Removals then have no sequence number.
    pub while_disconnected: bool,
    /// What happened.
    pub kind: EventKind,
}

/// A mailbox, and the selection of it in which something happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Its selection; `None` for a mailbox that is not the selected one.
    pub selection: Option<SelectionId>,
}

/// The content of an [`Event`].
///
/// Later versions may add kinds and fields, so a `match` has a last arm for the rest, and patterns
/// with fields end in `..`:
///
/// ```
/// # use imap_duplex::types::EventKind;
/// fn is_worth_a_look(kind: &EventKind) -> bool {
///     match kind {
///         EventKind::Arrived { uid, .. } => uid.get() % 2 == 0,
///         EventKind::SelectionEnded | EventKind::MailboxDeleted => true,
///         _ => false,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The mailbox was selected.
    #[non_exhaustive]
    Opened {
        /// How many messages it has.
        exists: u32,
        /// Its UIDVALIDITY.
        uid_validity: Option<UidValidity>,
        /// New messages will have UIDs from this on.
        uid_next: Option<Uid>,
        /// Its newest mod-sequence.
        highest_mod_seq: Option<ModSeq>,
        /// Whether it was opened read-only.
        read_only: bool,
    },
    /// The count of messages changed. Reported at once, before the UIDs of new messages are known.
    #[non_exhaustive]
    Exists {
        /// How many messages the mailbox has now.
        count: u32,
    },
    /// A message arrived. Reported once its UID is known; its [`EventKind::Exists`] was reported at
    /// once.
    #[non_exhaustive]
    Arrived {
        /// Its sequence number at this point of the stream.
        seq: Option<Seq>,
        /// Its UID.
        uid: Uid,
        /// Its flags, where the server sent them with the UID.
        flags: Option<Flags>,
    },
    /// A message was expunged.
    #[non_exhaustive]
    Expunged {
        /// Its former sequence number; later messages moved up by one. `None` if it is unknown;
        /// such a removal moves no numbers. What was expunged while disconnected, or found missing
        /// by a comparison, is no longer in the count. For what was expunged just now an
        /// [`EventKind::Exists`] follows, and earlier knowledge of the other messages by number is
        /// invalid.
        seq: Option<Seq>,
        /// Its UID; `None` if it was expunged before its UID was known.
        uid: Option<Uid>,
    },
    /// The server reported flags of a message that differ from those known.
    #[non_exhaustive]
    FlagsChanged {
        /// Its sequence number at this point of the stream.
        seq: Option<Seq>,
        /// Its UID; `None` if it is not yet known. In a selection that goes on from a
        /// [state](super::MailboxState) the change is reported only once the UID is known.
        uid: Option<Uid>,
        /// Its flags now.
        flags: Flags,
        /// Its flags before, if they were known.
        before: Option<Flags>,
        /// The mod-sequence of the change.
        mod_seq: Option<ModSeq>,
    },
    /// The mailbox's UIDVALIDITY changed: all earlier UIDs are invalid.
    #[non_exhaustive]
    UidValidityChanged {
        /// The new UIDVALIDITY.
        uid_validity: Option<UidValidity>,
    },
    /// The selection ended: no more events of it follow.
    SelectionEnded,
    /// A selection that goes on from a [state](super::MailboxState) has caught up: all changes made
    /// while disconnected have been reported.
    #[non_exhaustive]
    Resumed {
        /// How many messages the mailbox has now.
        exists: u32,
    },
    /// The view of the selected mailbox is complete ([`ViewSync`](super::ViewSync)): the UIDs of
    /// its messages, and their flags if requested. Once for each selection;
    /// [`Mailbox::ready`](crate::Mailbox::ready) waits for it.
    #[non_exhaustive]
    Ready {
        /// How many messages the mailbox has now.
        exists: u32,
    },
    /// Counts of a mailbox that is not selected.
    Status(MailboxStatus),
    /// A mailbox was created, or changed its attributes.
    MailboxCreated(ListEntry),
    /// A mailbox was renamed; [`Place::mailbox`] is its new name.
    #[non_exhaustive]
    MailboxRenamed {
        /// The name it had.
        from: MailboxName,
    },
    /// A mailbox was deleted, or renamed to where the user can't see it. In doubt it is reported,
    /// too, for a name that never was a mailbox but only the parent of others, where a server with
    /// NOTIFY lists it as such (RFC 5465 section 5.4); not if the server does so right after the
    /// mailbox below it, and had never listed the parent before.
    MailboxDeleted,
    /// A mailbox was subscribed to or unsubscribed from.
    #[non_exhaustive]
    MailboxSubscribed {
        /// Whether it is subscribed to now.
        subscribed: bool,
    },
    /// The user may not read this mailbox, so the server can't report its changes (RFC 5465
    /// sections 3.1 and 5.9).
    MailboxNoAccess,
    /// Annotations of a mailbox changed, or those of the server, if [`Event::place`] is `None` (RFC
    /// 5464 section 4.4.2). As a rule only their names are reported.
    MetadataChanged(Metadata),
    /// The server had too many notifications and ended NOTIFY (RFC 5465 section 5.8). Changes of
    /// the other mailboxes were lost; the view of the selected one is compared with the server's.
    #[non_exhaustive]
    NotificationsLost {
        /// Whether the library requests everything again; the counts of all watched mailboxes
        /// follow as [`EventKind::Status`] then. If not, because the server overflows again and
        /// again or refuses, only the selected mailbox is compared; request the others yourself at
        /// a better time.
        asked_again: bool,
    },
    /// Data for a detached command, or solicited data that no command here requested.
    Data(Answer),
    /// A command ended by its tagged response: OK, NO or BAD. That is the server's verdict;
    /// unparsable rows, for one, make the token's result an error all the same. For a
    /// [detached](crate::Token::detach) command its data precedes this event, unless it was
    /// detached later.
    #[non_exhaustive]
    Completed {
        /// The command's name: `FETCH`.
        command: String,
        /// The tagged response.
        status: StatusResponse,
        /// Whether its token was detached: then only this event reports its end.
        detached: bool,
    },
    /// A command ended without a tagged response: it was refused or cancelled here, or the
    /// connection ended. It also replaces `Completed` for a detached command whose result exceeds
    /// its limit ([`Overrun`](crate::ErrorKind::Overrun)) or lacks rows
    /// ([`Incomplete`](crate::ErrorKind::Incomplete)), and for a command that used the result of a
    /// search that failed ([`SavedSearch`](crate::command::SavedSearch)).
    #[non_exhaustive]
    Failed {
        /// The command's name: `FETCH`.
        command: String,
        /// The kind of failure.
        kind: ErrorKind,
        /// How much of the command had been written: whether the server may have carried it out.
        sent: Sent,
        /// The reason, in words.
        reason: String,
    },
    /// A text that the server wants shown to the user (RFC 9051 section 7.1, `ALERT`).
    #[non_exhaustive]
    Alert {
        /// The text.
        text: String,
    },
    /// An untagged OK, NO or BAD that belongs to no command. Or, with a detached command as its
    /// cause: the server processed only some of its messages (`MESSAGELIMIT`, RFC 9738) without
    /// saying so in the tagged response.
    Notice(StatusResponse),
    /// The server's capabilities have changed.
    Capabilities(Capabilities),
    /// The reader was slow, and events were dropped at this point of the stream.
    Lagged(Lagged),
    /// A response contradicts the view of the mailbox; the library queries the server again.
    #[non_exhaustive]
    Contradiction {
        /// The contradiction, in words.
        what: String,
    },
    /// A well-formed response of a kind that this library has no type for.
    #[non_exhaustive]
    Unknown {
        /// Its keyword.
        name: String,
        /// Its bytes, without the line's end.
        bytes: Bytes,
    },
    /// A response that could not be read; the connection goes on.
    #[non_exhaustive]
    Unparsed {
        /// Its bytes, without the line's end.
        bytes: Bytes,
        /// What is wrong with them, and where.
        error: String,
    },
    /// The connection ended. Always the last event.
    #[non_exhaustive]
    Closed {
        /// The reason.
        reason: CloseReason,
    },
}

/// How many events were dropped, and for which mailboxes. The views of selected mailboxes are
/// complete all the same.
///
/// What to do depends on what the program keeps:
///
/// - It shows the mailbox: draw it again from [`Mailbox::snapshot`](crate::Mailbox::snapshot).
/// - It keeps a copy: [`diff`](crate::Snapshot::diff) between the last snapshot that it processed
///   and the current one returns what arrived, was expunged and changed. A new message whose UID is
///   still unknown is reported by [`Arrived`](EventKind::Arrived) later.
/// - It acts on new messages: those of the snapshot that it has not seen, as
///   [`Mailbox::state`](crate::Mailbox::state) shows.
/// - It follows mailboxes that are not selected: request the [`status`](crate::Sender::status) of
///   those named, or of all if there are [`others`](Self::others).
///
/// A [`Mailbox`](crate::Mailbox) is current at the time of the call. Events that were queued after
/// this one by then are still to be read and are older than that: they may repeat what the snapshot
/// has already. Where more was dropped after them, there is another `Lagged`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lagged {
    /// How many events were dropped.
    pub events: u64,
    /// The mailboxes that they were about, each once; at most 100.
    pub mailboxes: Vec<MailboxName>,
    /// Whether they were about other mailboxes, too, which are not named.
    pub others: bool,
}

impl Event {
    pub(crate) fn new(kind: EventKind) -> Self {
        Self { place: None, cause: None, while_disconnected: false, kind }
    }

    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    pub(crate) fn caused_by(mut self, cause: Option<CommandId>) -> Self {
        self.cause = cause;
        self
    }

    pub(crate) fn happened_while_disconnected(mut self, while_disconnected: bool) -> Self {
        self.while_disconnected = while_disconnected;
        self
    }

    /// The mailbox that it is about.
    #[must_use]
    pub fn mailbox(&self) -> Option<&MailboxName> {
        self.place.as_ref().map(|place| &place.mailbox)
    }

    /// The kind's name, as in its JSON form: `flags_changed`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.kind {
            EventKind::Opened { .. } => "opened",
            EventKind::Exists { .. } => "exists",
            EventKind::Arrived { .. } => "arrived",
            EventKind::Expunged { .. } => "removed",
            EventKind::FlagsChanged { .. } => "flags_changed",
            EventKind::UidValidityChanged { .. } => "uid_validity_changed",
            EventKind::SelectionEnded => "selection_ended",
            EventKind::Resumed { .. } => "resumed",
            EventKind::Ready { .. } => "ready",
            EventKind::Status(_) => "status",
            EventKind::MailboxCreated(_) => "mailbox_created",
            EventKind::MailboxRenamed { .. } => "mailbox_renamed",
            EventKind::MailboxDeleted => "mailbox_deleted",
            EventKind::MailboxSubscribed { .. } => "mailbox_subscribed",
            EventKind::MailboxNoAccess => "mailbox_no_access",
            EventKind::MetadataChanged(_) => "metadata_changed",
            EventKind::NotificationsLost { .. } => "notifications_lost",
            EventKind::Data(_) => "data",
            EventKind::Completed { .. } => "completed",
            EventKind::Failed { .. } => "failed",
            EventKind::Alert { .. } => "alert",
            EventKind::Notice(_) => "notice",
            EventKind::Capabilities(_) => "capabilities",
            EventKind::Lagged(_) => "lagged",
            EventKind::Contradiction { .. } => "contradiction",
            EventKind::Unknown { .. } => "unknown",
            EventKind::Unparsed { .. } => "unparsed",
            EventKind::Closed { .. } => "closed",
        }
    }
}

/// Names a message to people: by its UID if known.
struct Which(Option<Seq>, Option<Uid>);

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.1, self.0) {
            (Some(uid), _) => write!(f, "uid {uid}"),
            (None, Some(seq)) => write!(f, "message {seq} (uid not known)"),
            (None, None) => f.write_str("a message"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}: ", place.mailbox.shown())?;
        }
        self.fmt_kind(f)?;
        if self.while_disconnected { f.write_str(" (while away)") } else { Ok(()) }
    }
}

impl Event {
    fn fmt_kind(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::Opened { exists, uid_validity, read_only, .. } => {
                write!(f, "opened with {}", messages(*exists))?;
                if let Some(uid_validity) = uid_validity {
                    write!(f, ", UIDVALIDITY {uid_validity}")?;
                }
                if *read_only { f.write_str(", read-only") } else { Ok(()) }
            }
            EventKind::Exists { count } => write!(f, "{} now", messages(*count)),
            EventKind::Arrived { uid, flags, .. } => {
                write!(f, "uid {uid} arrived")?;
                flags.as_ref().filter(|flags| !flags.is_empty()).map_or(Ok(()), |flags| write!(f, " {flags}"))
            }
            EventKind::Expunged { seq, uid } => write!(f, "{} removed", Which(*seq, *uid)),
            EventKind::FlagsChanged { seq, uid, flags, .. } => {
                write!(f, "{} has flags {flags}", Which(*seq, *uid))
            }
            EventKind::UidValidityChanged { uid_validity } => match uid_validity {
                Some(value) => write!(f, "UIDVALIDITY is {value} now: all UIDs of before are void"),
                None => f.write_str("UIDVALIDITY changed: all UIDs of before are void"),
            },
            EventKind::SelectionEnded => f.write_str("no longer selected"),
            EventKind::Resumed { exists } => write!(f, "resumed, with {}", messages(*exists)),
            EventKind::Ready { exists } => write!(f, "ready, with {}", messages(*exists)),
            EventKind::Status(status) => {
                f.write_str("status")?;
                let counts = [
                    ("messages", status.messages.map(u64::from)),
                    ("unseen", status.unseen.map(u64::from)),
                    ("next uid", status.uid_next.map(|n| n.get().into())),
                    ("modseq", status.highest_mod_seq.map(ModSeq::get)),
                ];
                counts.iter().try_for_each(|(what, n)| n.map_or(Ok(()), |n| write!(f, ", {what} {n}")))
            }
            EventKind::MailboxCreated(entry) if entry.attributes.is_empty() => f.write_str("is there"),
            EventKind::MailboxCreated(entry) => write!(f, "is there ({})", entry.attributes.join(" ")),
            EventKind::MailboxRenamed { from } => {
                write!(f, "renamed from {}", from.shown())
            }
            EventKind::MailboxDeleted => f.write_str("deleted"),
            EventKind::MailboxSubscribed { subscribed: true } => f.write_str("subscribed to"),
            EventKind::MailboxSubscribed { subscribed: false } => f.write_str("unsubscribed from"),
            EventKind::MailboxNoAccess => f.write_str("can't be watched: no access"),
            EventKind::MetadataChanged(metadata) => {
                f.write_str("annotations changed:")?;
                metadata.entries.iter().try_for_each(|entry| write!(f, " {}", entry.name.escape_debug()))
            }
            EventKind::NotificationsLost { asked_again: true } => {
                f.write_str("the server lost notifications, and is asked for them again")
            }
            EventKind::NotificationsLost { asked_again: false } => {
                f.write_str("the server lost notifications")
            }
            EventKind::Data(answer) => self.fmt_data(f, answer),
            EventKind::Completed { command, status, .. } => {
                f.write_str(command)?;
                if let Some(id) = self.cause {
                    write!(f, " {id}")?;
                }
                write!(f, " ended: {}", printable(&status.to_string()))
            }
            EventKind::Failed { command, reason, .. } => {
                f.write_str(command)?;
                if let Some(id) = self.cause {
                    write!(f, " {id}")?;
                }
                write!(f, " failed: {}", printable(reason))
            }
            EventKind::Alert { text } => write!(f, "ALERT from the server: {}", printable(text)),
            EventKind::Notice(status) => write!(f, "the server says: {}", printable(&status.to_string())),
            EventKind::Capabilities(all) => write!(f, "the server can: {}", printable(&all.to_string())),
            EventKind::Lagged(lag) => write!(f, "{} events left out: the reader was slow", lag.events),
            EventKind::Contradiction { what } => {
                write!(f, "the server contradicts itself: {}", printable(what))
            }
            EventKind::Unknown { bytes, .. } => {
                write!(f, "a response of an unknown kind: \"{}\"", bytes.escape_ascii())
            }
            EventKind::Unparsed { bytes, error } => {
                write!(f, "not understood: \"{}\" ({error})", bytes.escape_ascii())
            }
            EventKind::Closed { reason } => write!(f, "closed: {}", printable(&reason.to_string())),
        }
    }

    /// Which data it is, and for which command.
    fn fmt_data(&self, f: &mut fmt::Formatter<'_>, answer: &Answer) -> fmt::Result {
        f.write_str("data")?;
        if let Some(id) = self.cause {
            write!(f, " for {id}")?;
        }
        match answer {
            Answer::Fetch(row) => write!(f, " of {}", Which(row.seq(), row.uid())),
            Answer::List(entry) | Answer::Lsub(entry) => {
                write!(f, ": {}", entry.name.shown())
            }
            Answer::MailboxStatus(status) => write!(f, " of {}", status.name.shown()),
            Answer::Search(found) => write!(f, ": found {}", found.numbers),
            Answer::ESearch(found) => match (&found.all, found.count) {
                (Some(all), _) => write!(f, ": found {all}"),
                (None, Some(count)) => write!(f, ": found {}", messages(count)),
                (None, None) => f.write_str(": found none"),
            },
            Answer::Flags(flags) => {
                write!(f, ": the mailbox knows the flags {}", printable(&flags.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn messages(count: u32) -> String {
    if count == 1 { "1 message".into() } else { format!("{count} messages") }
}

/// The server's text without control characters, safe for a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
