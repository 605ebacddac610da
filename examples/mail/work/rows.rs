//! What the store has, as the client shows it.

use std::collections::BTreeSet;

use imap_duplex::store::{
    AccountId, Action as Operation, MailboxInfo, MessageSummary, OperationState, PendingOperation, Person,
    Store,
};
use imap_duplex::types::Flag;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::{Folder, Queued, Role, Row};

/// Each use, its attribute, and names that folders of this use have where the server knows no uses.
const ROLES: [(Role, &str, &[&str]); 5] = [
    (Role::Drafts, "\\Drafts", &["drafts", "draft", "entwürfe"]),
    (Role::Sent, "\\Sent", &["sent", "sent items", "sent messages", "gesendet"]),
    (Role::Archive, "\\Archive", &["archive", "archives", "archiv"]),
    (Role::Junk, "\\Junk", &["junk", "spam", "junk e-mail", "junk email"]),
    (Role::Trash, "\\Trash", &["trash", "deleted items", "deleted messages", "bin", "papierkorb"]),
];

/// The folders of an account. Each use has at most one: what the server says, else what the names
/// say.
pub(crate) fn folders(mailboxes: &[MailboxInfo], account: AccountId) -> Vec<Folder> {
    let own = || mailboxes.iter().filter(|mailbox| mailbox.account == account);
    let has = |mailbox: &MailboxInfo, attribute: &str| {
        mailbox.attributes.iter().any(|other| other.eq_ignore_ascii_case(attribute))
    };
    let mut folders: Vec<Folder> = own().map(folder).collect();
    for (role, attribute, names) in ROLES {
        let said = own().position(|mailbox| has(mailbox, attribute) && mailbox.is_selectable());
        let named = || {
            own().position(|mailbox| mailbox.is_selectable() && names.contains(&last_name(mailbox).as_str()))
        };
        if let Some(folder) = said.or_else(named).and_then(|at| folders.get_mut(at)) {
            folder.role.get_or_insert(role);
        }
    }
    folders
}

/// Without the names above it.
fn last_name(mailbox: &MailboxInfo) -> String {
    let name = mailbox.name.as_str().to_lowercase();
    match mailbox.delimiter.as_deref() {
        Some(delimiter) if !delimiter.is_empty() => {
            name.rsplit(delimiter).next().unwrap_or_default().to_owned()
        }
        _ => name,
    }
}

fn folder(mailbox: &MailboxInfo) -> Folder {
    let name = mailbox.name.as_str().to_owned();
    Folder {
        id: mailbox.id.get(),
        role: name.eq_ignore_ascii_case("INBOX").then_some(Role::Inbox),
        name,
        messages: mailbox.messages,
        unseen: mailbox.unseen,
        is_selectable: mailbox.is_selectable(),
        exists: mailbox.exists,
        failure: mailbox.failure.clone(),
    }
}

/// Seconds since 1970 by the clock on the wall.
pub(crate) fn local(seconds: i64) -> i64 {
    let Ok(time) = Timestamp::from_second(seconds) else { return seconds };
    seconds + i64::from(TimeZone::system().to_offset(time).seconds())
}

fn people(people: &[Person]) -> String {
    people.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn name(person: &Person) -> String {
    person.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| person.email.clone())
}

pub(crate) fn row(message: &MessageSummary, depth: u32) -> Row {
    let to_whom = message.people.reply_to.first().or(message.people.from.first());
    let reply_to = to_whom.map(|person| (person.name.clone().unwrap_or_default(), person.email.clone()));
    let attached = message.parts.iter().filter(|part| part.attachment);
    let to = [&message.people.to[..], &message.people.cc[..]].concat();
    Row {
        id: message.id.get(),
        folder: message.mailbox.get(),
        from: people(&message.people.from),
        to: people(&to),
        reply_to: reply_to.unwrap_or_default(),
        subject: message.subject.clone().unwrap_or_default(),
        date: local(message.date),
        is_seen: message.flags.contains(&Flag::Seen),
        is_flagged: message.flags.contains(&Flag::Flagged),
        is_answered: message.flags.contains(&Flag::Answered),
        is_draft: message.flags.contains(&Flag::Draft),
        is_pending: message.pending,
        attachments: attached
            .map(|part| part.file_name.clone().unwrap_or_else(|| part.media_type.clone()))
            .collect(),
        message_id: message.message_id.clone(),
        depth,
    }
}

/// The messages of a page by their conversations, that with the newest message first.
pub(crate) async fn by_thread(store: &Store, page: &[MessageSummary]) -> Vec<Row> {
    let (mut rows, mut seen) = (Vec::new(), BTreeSet::new());
    for message in page {
        if seen.contains(&message.id) {
            continue;
        }
        // It may have gone meanwhile: then the list is about to be loaded again.
        let conversation = store.thread(message.id).await.map(|thread| thread.messages).unwrap_or_default();
        let mut is_there = false;
        for entry in conversation {
            // Of copies in several folders this one.
            let is_copy =
                entry.message.message_id.is_some() && entry.message.message_id == message.message_id;
            let shown = if is_copy { message } else { &entry.message };
            is_there |= shown.id == message.id;
            if seen.insert(shown.id) {
                rows.push(row(shown, entry.depth));
            }
        }
        if !is_there {
            rows.push(row(message, 0));
            seen.insert(message.id);
        }
    }
    rows
}

/// What is queued, in words.
pub(crate) async fn queued(store: &Store, operation: &PendingOperation, folders: &[MailboxInfo]) -> Queued {
    let subject = match operation.message {
        Some(message) => store.message(message).await.ok().and_then(|message| message.subject),
        None => None,
    };
    let message = format!("\"{}\"", subject.as_deref().unwrap_or("(no subject)"));
    let name =
        |id| folders.iter().find(|folder| Some(folder.id) == id).map_or("?", |folder| folder.name.as_str());
    let target = name(operation.target);
    let what = match &operation.action {
        Operation::Flags { add, remove, .. } => {
            let words =
                add.iter().map(|flag| format!("+{flag}")).chain(remove.iter().map(|flag| format!("-{flag}")));
            format!("flags of {message}: {}", words.collect::<Vec<_>>().join(" "))
        }
        Operation::Move => format!("move {message} to {target}"),
        Operation::Copy { .. } => format!("copy {message} to {target}"),
        Operation::Expunge => format!("delete {message} for good"),
        Operation::Replaced { .. } => format!("delete {message}, which was written again"),
        Operation::Append { .. } => format!("put {message} into {target}"),
        Operation::Create { name, .. } => format!("make the folder {name}"),
        Operation::Rename { to, .. } => format!("rename a folder to {to}"),
        Operation::Delete => "delete a folder".to_owned(),
        other => format!("{other:?}"),
    };
    let is_parked = operation.state == OperationState::Parked;
    let parked = is_parked.then(|| operation.error.clone().unwrap_or_else(|| "refused".to_owned()));
    Queued { id: operation.id.get(), what, parked }
}
