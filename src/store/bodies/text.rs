//! What a message says: its fields and its words, read from its bytes.
//!
//! In: the bytes of a message. Out: a content as the server would describe it; its text for the
//! search.

use bytes::Bytes;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders as _, PartType};

use crate::store::database::blocking;
use crate::store::error::StoreResult;
use crate::store::rows::content::{NewContent, PartSummary, People, Person};

/// Bytes of text that go into the search.
const MAX_TEXT: usize = 1 << 20;

/// Reads a message off the runtime's threads.
pub(in crate::store) async fn read_message(bytes: Bytes) -> StoreResult<(NewContent, String)> {
    blocking(move || {
        let message = MessageParser::default().parse(&bytes[..]);
        let mut content = message.as_ref().map(content).unwrap_or_default();
        content.size = u64::try_from(bytes.len()).ok();
        Ok((content, message.as_ref().map(text).unwrap_or_default()))
    })
    .await
}

fn content(message: &Message<'_>) -> NewContent {
    let ids = |value: &HeaderValue<'_>| -> Vec<String> {
        value.as_text_list().unwrap_or_default().iter().map(ToString::to_string).collect()
    };
    NewContent {
        global: None,
        server_thread: None,
        message_id: message.message_id().map(str::to_owned),
        in_reply_to: ids(message.in_reply_to()).into_iter().next(),
        references: ids(message.references()),
        sent: message.date().map(mail_parser::DateTime::to_timestamp),
        received: None,
        size: None,
        subject: message.subject().map(str::to_owned),
        people: People {
            from: persons(message.from()),
            to: persons(message.to()),
            cc: persons(message.cc()),
            bcc: persons(message.bcc()),
            reply_to: persons(message.reply_to()),
        },
        parts: parts(message),
    }
}

fn persons(address: Option<&Address<'_>>) -> Vec<Person> {
    let all = address.into_iter().flat_map(|address| address.iter());
    let person = |one: &mail_parser::Addr<'_>| Person {
        name: one.name().map(str::to_owned),
        email: one.address().unwrap_or_default().to_owned(),
    };
    all.map(person).collect()
}

/// The parts with content, by the numbers that IMAP gives them; of nested messages none within.
fn parts(message: &Message<'_>) -> Vec<PartSummary> {
    let mut parts = Vec::new();
    // Number and index; depth first.
    let mut waiting = vec![(String::new(), 0usize)];
    while let Some((number, index)) = waiting.pop() {
        let Some(part) = message.parts.get(index) else { continue };
        if let PartType::Multipart(children) = &part.body {
            let child = |(at, index): (usize, &u32)| {
                let prefix = if number.is_empty() { String::new() } else { format!("{number}.") };
                (format!("{prefix}{}", at + 1), usize::try_from(*index).unwrap_or(usize::MAX))
            };
            waiting.extend(children.iter().enumerate().map(child).rev());
            continue;
        }
        let (kind, charset) = match part.content_type() {
            Some(kind) => {
                let subtype = kind.subtype().unwrap_or("plain");
                (format!("{}/{subtype}", kind.ctype()), kind.attribute("charset").map(str::to_owned))
            }
            None => ("text/plain".to_owned(), None),
        };
        parts.push(PartSummary {
            number: if number.is_empty() { "1".to_owned() } else { number },
            media_type: kind.to_ascii_lowercase(),
            size: u64::from(part.raw_end_offset().saturating_sub(part.raw_body_offset())),
            encoding: part.content_transfer_encoding().map(str::to_ascii_lowercase),
            charset,
            file_name: part.attachment_name().map(str::to_owned),
            attachment: part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment),
        });
    }
    parts
}

/// All text of a message, HTML without its tags.
fn text(message: &Message<'_>) -> String {
    let mut all = String::new();
    for at in 0..message.text_body_count() {
        let Some(text) = message.body_text(at) else { continue };
        let mut end = text.len().min(MAX_TEXT.saturating_sub(all.len()));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        all.push_str(&text[..end]);
        all.push(' ');
        if all.len() >= MAX_TEXT {
            break;
        }
    }
    all
}
