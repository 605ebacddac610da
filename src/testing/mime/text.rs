//! The readable text of a message: for SEARCH, which examines decoded headers and texts (RFC 9051
//! section 6.4.4), and for PREVIEW (RFC 8970).

use std::ops::Range;

use mail_parser::decoders::html::html_to_text;

use super::decode;
use super::header::{fields, value};
use super::structure::encoding;
use super::tree::{Kind, Node};
use crate::testing::search::Collation;
use crate::types::HeaderText;

/// A message's texts as they are compared.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// The value of each header field of the message and of its parts.
    pub(super) headers: Vec<String>,
    /// The text of each text part.
    pub(super) bodies: Vec<String>,
}

/// The maximum of characters in a preview (RFC 8970 section 3.3).
const PREVIEW: usize = 200;

fn of<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

/// All texts of a message.
pub(super) fn texts(bytes: &[u8], root: &Node, by: Collation) -> Texts {
    let mut texts = Texts::default();
    for part in parts(root) {
        for field in fields(of(bytes, &part.header)) {
            let text = format!("{}: {}", decode::text(None, field.name), decoded(field.value));
            texts.headers.push(by.folded(&text));
        }
        texts.bodies.extend(readable(bytes, part).map(|text| by.folded(&text)));
    }
    texts
}

/// A header field's decoded value.
pub(super) fn decoded(field: &[u8]) -> String {
    HeaderText::decode(field.trim_ascii()).into_text().into_owned()
}

/// A part and all parts within it, in order.
fn parts(root: &Node) -> Vec<&Node> {
    let (mut all, mut waiting) = (Vec::new(), vec![root]);
    while let Some(part) = waiting.pop() {
        all.push(part);
        match &part.kind {
            Kind::Leaf => {}
            Kind::Multipart(parts) => waiting.extend(parts.iter().rev()),
            Kind::Message(inner) => waiting.push(inner),
        }
    }
    all
}

/// The decoded text of a text part; undecodable text is used as it is.
fn readable(bytes: &[u8], part: &Node) -> Option<String> {
    let is_text = matches!(part.kind, Kind::Leaf) && part.media.is_kind("text");
    is_text.then(|| {
        let body = of(bytes, &part.body);
        let encoding = encoding(of(bytes, &part.header));
        let bytes = decode::transfer(encoding.as_deref(), body).unwrap_or(body.into());
        decode::text(part.media.param("charset"), &bytes)
    })
}

/// The beginning of its first text: plain text if there is any, else HTML without its markup;
/// spaces and line ends become one space each. Empty if it has no text.
pub(super) fn preview(bytes: &[u8], root: &Node) -> String {
    let all = parts(root);
    let is_attachment = |part: &Node| {
        let value = value(of(bytes, &part.header), "Content-Disposition").unwrap_or_default();
        value.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"attachment"))
    };
    let shown = |subtype| {
        let mut of_kind =
            all.iter().filter(move |part| part.media.is("text", subtype) && !is_attachment(part));
        of_kind.find_map(|part| readable(bytes, part).filter(|text| !text.trim().is_empty()))
    };
    let text = shown("plain").or_else(|| shown("html").map(|html| html_to_text(&html)));
    let text = text.unwrap_or_default();
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * PREVIEW {
            break;
        }
    }
    words.retain(|c| !c.is_control());
    words.chars().take(PREVIEW).collect::<String>().trim_end().to_owned()
}
