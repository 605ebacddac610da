//! The text of a message from the store, or from the server through it.

use imap_duplex::mime::Text;
use imap_duplex::store::{MessageId, MessageSummary, PartSummary, Store, StoreError, StoreErrorKind};

use crate::app::Body;

/// Bytes up to which a message is fetched as a whole, so that it can be searched; of a longer one
/// the text alone.
const WHOLE: u64 = 512 * 1024;

pub(crate) async fn load(store: &Store, id: MessageId) -> Result<Body, String> {
    read(store, id).await.map_err(|error| match error.kind() {
        StoreErrorKind::Offline => {
            "The text is not on this machine, and there is no connection now.".to_owned()
        }
        _ => error.to_string(),
    })
}

pub(super) async fn read(store: &Store, id: MessageId) -> Result<Body, StoreError> {
    let message = store.message(id).await?;
    let is_short = message.size.is_none_or(|size| size <= WHOLE);
    let part = text_part(&message);
    let bytes = match part {
        Some(part) if !is_short && !store.has_body(id).await? => {
            let text = store.part(id, &part.number).await?;
            [header(part).as_bytes(), &text].concat()
        }
        _ => store.body(id).await?.to_vec(),
    };
    let read = tokio::task::spawn_blocking(move || {
        let text = Text::of_message(&bytes);
        let was_html = text.as_ref().is_some_and(Text::is_html);
        let text = text.map_or_else(|| "(no text)".to_owned(), |text| text.to_plain().into_owned());
        Body { text, was_html, references: references(&bytes) }
    });
    Ok(read.await.unwrap_or_default())
}

fn text_part(message: &MessageSummary) -> Option<&PartSummary> {
    let shown = || message.parts.iter().filter(|part| !part.attachment);
    let of = |kind: &str| shown().find(|part| part.media_type.eq_ignore_ascii_case(kind));
    of("text/plain").or_else(|| of("text/html"))
}

/// A header by which a part is a message of its own.
fn header(part: &PartSummary) -> String {
    let word =
        |text: &str| -> String { text.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect() };
    let charset =
        part.charset.as_deref().map(|name| format!("; charset=\"{}\"", word(name))).unwrap_or_default();
    let encoding = part.encoding.as_deref().map_or_else(|| "7bit".to_owned(), word);
    format!(
        "Content-Type: {}{charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n",
        word(&part.media_type)
    )
}

/// The Message-IDs of the field References, without brackets.
fn references(message: &[u8]) -> Vec<String> {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(message.len());
    let header = String::from_utf8_lossy(&message[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
    let is_field = |line: &&str| line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("references:"));
    let line = header.lines().find(is_field).unwrap_or_default();
    let ids = line.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    ids.map(|(id, _)| id.to_owned()).collect()
}
