//! A draft from the store, to be written on.

use imap_duplex::store::{MessageId, MessageSummary, Person, Store, StoreErrorKind};

use super::body;
use crate::app::Draft;
use crate::support::failure::Failure;

/// The draft as it was written; refused if writing it again would lose something of it.
pub(crate) async fn load(store: &Store, id: MessageId) -> Result<Draft, Failure> {
    let message = store.message(id).await?;
    if let Some(what) = lost(&message) {
        return Err(Failure::new(format!("{what} would be lost: write on with the program that made it")));
    }
    let read = body::read(store, id).await.map_err(|error| match error.kind() {
        StoreErrorKind::Offline => {
            Failure::new("the draft is not on this machine, and there is no connection now")
        }
        _ => error.into(),
    })?;
    Ok(Draft {
        to: message.people.to.iter().map(written).collect::<Vec<_>>().join(", "),
        subject: message.subject.unwrap_or_default(),
        text: read.text,
        answers: None,
        references: read.references,
        replaces: Some(id.get()),
    })
}

/// What a draft has that is not written here.
fn lost(message: &MessageSummary) -> Option<&'static str> {
    let people = &message.people;
    if message.parts.iter().any(|part| part.attachment) {
        return Some("its attachments");
    }
    if message.parts.iter().any(|part| !part.media_type.eq_ignore_ascii_case("text/plain")) {
        return Some("its HTML, or other parts,");
    }
    (!people.cc.is_empty() || !people.bcc.is_empty()).then_some("those who get a copy")
}

/// An address as people type it.
fn written(person: &Person) -> String {
    match person.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) if name.contains([',', '<', '"']) => {
            format!("\"{}\" <{}>", name.replace('"', ""), person.email)
        }
        Some(name) => format!("{name} <{}>", person.email),
        None => person.email.clone(),
    }
}
