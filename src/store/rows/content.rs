//! What never changes of a message: who, when, about what, of which parts.
//!
//! In: a row of FETCH. Out: what is stored of it.

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::thread::Belonging;
use crate::command::Items;
use crate::store::error::Fault;
use crate::store::ids::MessageId;
use crate::types::{Address, BodyPart, BodyStructure, Capabilities, Envelope, Message, Section};

/// Identifiers that a message may refer to: beyond that the middle is left out.
const MAX_REFERENCES: usize = 64;
/// Parts of a message that are noted.
const MAX_PARTS: usize = 500;
/// Addresses of each field that are noted.
const MAX_PEOPLE: usize = 500;

/// Someone who wrote or gets a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// The name, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address; empty if the message has a name alone.
    pub email: String,
}

/// The people of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct People {
    /// Who wrote it.
    pub from: Vec<Person>,
    /// Who gets it.
    pub to: Vec<Person>,
    /// Who gets a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Person>,
    /// Who gets a copy that the others don't know of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Person>,
    /// Who gets the answers, if others than the authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<Person>,
}

/// A part of a message that has content of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartSummary {
    /// Its number, such as `1.2`.
    pub number: String,
    /// Its type, such as `text/plain`; in small letters.
    pub media_type: String,
    /// Its size as it is sent, in bytes.
    pub size: u64,
    /// Its transfer encoding, such as `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Its charset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// The name of the file that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Whether it is an attachment.
    #[serde(default)]
    pub attachment: bool,
}

/// A message's content, before it is stored.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct NewContent {
    pub(in crate::store) global: Option<String>,
    pub(in crate::store) server_thread: Option<String>,
    pub(in crate::store) message_id: Option<String>,
    pub(in crate::store) in_reply_to: Option<String>,
    pub(in crate::store) references: Vec<String>,
    pub(in crate::store) sent: Option<i64>,
    pub(in crate::store) received: Option<i64>,
    pub(in crate::store) size: Option<u64>,
    pub(in crate::store) subject: Option<String>,
    pub(in crate::store) people: People,
    pub(in crate::store) parts: Vec<PartSummary>,
}

/// What to fetch of each message, of what this server has.
pub(in crate::store) fn items(capabilities: &Capabilities) -> Items {
    let mut items = Items::envelope().body_structure().internal_date().size().section(references());
    if capabilities.has("OBJECTID") {
        items = items.email_id().thread_id();
    }
    if capabilities.has("X-GM-EXT-1") {
        items = items.gmail_msg_id().gmail_thread_id();
    }
    items
}

/// What to fetch of a message that may be another one than is known.
pub(in crate::store) fn traits(capabilities: &Capabilities) -> Items {
    let items = few_traits();
    if capabilities.has("OBJECTID") { items.email_id() } else { items.envelope() }
}

/// The same without what servers read the text for.
pub(in crate::store) fn few_traits() -> Items {
    Items::size().internal_date()
}

fn references() -> Section {
    Section::header_fields(["References"])
}

impl NewContent {
    /// `None` if the row lacks what was asked for.
    pub(in crate::store) fn of(message: &Message) -> Option<Self> {
        let envelope = message.envelope()?;
        let gmail = message.gmail_msg_id().map(|id| format!("g:{id}"));
        let gmail_thread = message.gmail_thread_id().map(|id| format!("g:{id}"));
        let header = message.section(&references()).map(|header| String::from_utf8_lossy(header));
        Some(Self {
            global: message.email_id().map(|id| format!("e:{id}")).or(gmail),
            server_thread: message.thread_id().map(|id| format!("t:{id}")).or(gmail_thread),
            message_id: envelope.message_id().and_then(|text| ids(&text).into_iter().next()),
            in_reply_to: envelope.in_reply_to().and_then(|text| ids(&text).into_iter().next()),
            references: header.map(|text| ids(&text)).unwrap_or_default(),
            sent: envelope.sent().map(|sent| sent.seconds()),
            received: message.internal_date().map(|date| date.seconds()),
            size: message.size(),
            subject: envelope.subject().map(|subject| subject.into_owned()),
            people: people(envelope),
            parts: message.body_structure().map(parts).unwrap_or_default(),
        })
    }

    /// What a page is sorted by.
    pub(in crate::store) fn date(&self) -> i64 {
        self.received.or(self.sent).unwrap_or_default()
    }

    /// What it says of its conversation.
    pub(super) fn belonging(&self) -> Belonging<'_> {
        let answers = self.in_reply_to.iter().chain(self.references.iter().rev()).map(String::as_str);
        Belonging {
            name: self.server_thread.as_deref(),
            own: self.message_id.as_deref(),
            answers: answers.collect(),
        }
    }

    /// Stores it. The number of its row, which may have been there.
    pub(in crate::store) fn store(&self, file: &Transaction<'_>, account: i64) -> Result<i64, Fault> {
        let mut batch = Batch::new(file, account);
        let row = batch.add(self)?;
        batch.write()?;
        batch.index()?;
        Ok(row)
    }
}

/// What the server has made of a message that was written here: its date, and its size.
pub(in crate::store) fn confirm(
    file: &Transaction<'_>,
    message: MessageId,
    now: &Message,
) -> Result<(), Fault> {
    let received = now.internal_date().map(|date| date.seconds());
    let size = now.size().and_then(|size| i64::try_from(size).ok());
    file.prepare_cached(
        "UPDATE content SET received = ifnull(?2, received), size = ifnull(?3, size) \
         WHERE id = (SELECT content FROM message WHERE id = ?1)",
    )?
    .execute(params![message.0, received, size])?;
    file.prepare_cached("UPDATE message SET date = ifnull(?2, date) WHERE id = ?1")?
        .execute(params![message.0, received])?;
    Ok(())
}

/// What has no text as a key can be written.
pub(in crate::store) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl People {
    /// All names and addresses, for the search.
    pub(in crate::store) fn words(&self) -> String {
        let all = [&self.from, &self.to, &self.cc, &self.bcc, &self.reply_to].into_iter().flatten();
        let words: Vec<&str> = all
            .flat_map(|person| person.name.as_deref().into_iter().chain([person.email.as_str()]))
            .collect();
        words.join(" ")
    }
}

fn people(envelope: &Envelope) -> People {
    let from: Vec<Person> = persons(envelope.from());
    let reply_to = persons(envelope.reply_to());
    People {
        to: persons(envelope.to()),
        cc: persons(envelope.cc()),
        bcc: persons(envelope.bcc()),
        // Servers fill it in from the authors.
        reply_to: if reply_to == from { Vec::new() } else { reply_to },
        from,
    }
}

fn persons<'a>(addresses: impl Iterator<Item = Address<'a>>) -> Vec<Person> {
    let person = |address: Address<'a>| {
        let name = address.name().map(|name| name.into_owned()).filter(|name| !name.is_empty());
        let email = address.email().unwrap_or_default();
        (name.is_some() || !email.is_empty()).then_some(Person { name, email })
    };
    addresses.filter_map(person).take(MAX_PEOPLE).collect()
}

fn parts(structure: &BodyStructure) -> Vec<PartSummary> {
    let part = |part: BodyPart<'_>| {
        // A multipart has no content of its own.
        let number = part.number().filter(|_| !part.is_multipart())?;
        Some(PartSummary {
            number: number.to_string(),
            media_type: format!("{}/{}", part.media_type(), part.subtype()).to_ascii_lowercase(),
            size: part.size().unwrap_or_default(),
            encoding: part.encoding().map(|encoding| encoding.to_ascii_lowercase()),
            charset: part.param("charset").map(|charset| charset.into_owned()),
            file_name: part.file_name(),
            attachment: part.disposition().is_some_and(|disposition| disposition.is_attachment()),
        })
    };
    structure.parts().filter_map(part).take(MAX_PARTS).collect()
}

/// The Message-IDs in a header field: what stands in angle brackets, without them.
pub(in crate::store) fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let Some(end) = after.find('>') else { break };
        let id: String = after[..end].split_whitespace().collect();
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
        rest = &after[end + 1..];
        if ids.len() > MAX_REFERENCES {
            // The root and the nearest ones say the most.
            ids.remove(1);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_are_found_wherever_they_stand() {
        assert_eq!(ids("References: <a@x>\r\n\t<b@x> (was <c@ x>) <a@x> <"), ["a@x", "b@x", "c@x"]);
        assert_eq!(ids("none"), [""; 0]);
        let many: String = (0..500).map(|number| format!("<{number}@x> ")).collect();
        let found = ids(&many);
        assert_eq!(
            (found.len(), found[0].as_str(), found[MAX_REFERENCES - 1].as_str()),
            (64, "0@x", "499@x")
        );
    }
}
