//! Events as the tests write them: a line for each kind, in words of the tests' own, so that those
//! of `Display` can be bettered without them.

use crate::types::{Answer, Event, EventKind, ModSeq, Seq, Uid};

/// The event with its mailbox, unless that is INBOX.
pub(super) fn shown(event: &Event) -> String {
    let place = event.place.as_ref().filter(|place| !place.mailbox.is_inbox());
    let mailbox = place.map(|place| format!("{}: ", place.mailbox)).unwrap_or_default();
    let disconnected = if event.while_disconnected { " (while away)" } else { "" };
    format!("{mailbox}{}{disconnected}", kind(&event.kind))
}

fn messages(count: u32) -> String {
    if count == 1 { "1 message".into() } else { format!("{count} messages") }
}

fn which(seq: Option<Seq>, uid: Option<Uid>) -> String {
    match (uid, seq) {
        (Some(uid), _) => format!("uid {uid}"),
        (None, Some(seq)) => format!("message {seq} (uid not known)"),
        (None, None) => "a message".into(),
    }
}

fn kind(kind: &EventKind) -> String {
    match kind {
        EventKind::Opened { exists, uid_validity, read_only, .. } => {
            let uid_validity = uid_validity.map(|value| format!(", UIDVALIDITY {value}")).unwrap_or_default();
            let read_only = if *read_only { ", read-only" } else { "" };
            format!("opened with {}{uid_validity}{read_only}", messages(*exists))
        }
        EventKind::Exists { count } => format!("{} now", messages(*count)),
        EventKind::Arrived { uid, flags, .. } => match flags {
            Some(flags) if !flags.is_empty() => format!("uid {uid} arrived {flags}"),
            _ => format!("uid {uid} arrived"),
        },
        EventKind::Expunged { seq, uid } => format!("{} removed", which(*seq, *uid)),
        EventKind::FlagsChanged { seq, uid, flags, .. } => format!("{} has flags {flags}", which(*seq, *uid)),
        EventKind::UidValidityChanged { uid_validity: Some(value) } => format!("UIDVALIDITY is {value} now"),
        EventKind::UidValidityChanged { uid_validity: None } => "UIDVALIDITY changed".into(),
        EventKind::SelectionEnded => "no longer selected".into(),
        EventKind::Resumed { exists } => format!("resumed, with {}", messages(*exists)),
        EventKind::Ready { exists } => format!("ready, with {}", messages(*exists)),
        EventKind::Status(status) => {
            let counts = [
                ("messages", status.messages.map(u64::from)),
                ("unseen", status.unseen.map(u64::from)),
                ("next uid", status.uid_next.map(|uid| uid.get().into())),
                ("modseq", status.highest_mod_seq.map(ModSeq::get)),
            ];
            let counts = counts.iter().filter_map(|(what, count)| Some(format!(", {what} {}", (*count)?)));
            format!("status{}", counts.collect::<String>())
        }
        EventKind::MailboxCreated(entry) if entry.attributes.is_empty() => "is there".into(),
        EventKind::MailboxCreated(entry) => format!("is there ({})", entry.attributes.join(" ")),
        EventKind::MailboxRenamed { from } => format!("renamed from {from}"),
        EventKind::MailboxDeleted => "deleted".into(),
        EventKind::MailboxSubscribed { subscribed: true } => "subscribed to".into(),
        EventKind::MailboxSubscribed { subscribed: false } => "unsubscribed from".into(),
        EventKind::MailboxNoAccess => "can't be watched: no access".into(),
        EventKind::MetadataChanged(metadata) => {
            let names = metadata.entries.iter().map(|entry| format!(" {}", entry.name));
            format!("annotations changed:{}", names.collect::<String>())
        }
        EventKind::NotificationsLost { asked_again: true } => {
            "the server lost notifications, and is asked for them again".into()
        }
        EventKind::NotificationsLost { asked_again: false } => "the server lost notifications".into(),
        EventKind::Completed { command, status, .. } => format!("{command} ended: {status}"),
        EventKind::Failed { command, reason, .. } => format!("{command} failed: {reason}"),
        EventKind::Alert { text } => format!("ALERT from the server: {text}"),
        EventKind::Notice(status) => format!("the server says: {status}"),
        EventKind::Contradiction { what } => format!("the server contradicts itself: {what}"),
        EventKind::Data(Answer::Fetch(row)) => format!("data of {}", which(row.seq(), row.uid())),
        EventKind::Unparsed { error, .. } => format!("not understood: {error}"),
        other => format!("{other:?}"),
    }
}
