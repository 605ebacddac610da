//! The content of a message. In: any bytes. Out: envelope, body structure and sections for FETCH
//! (RFC 9051 section 6.4.5), and text for SEARCH.
//!
//! [`tree`] finds the parts; everything else is computed from their bytes on demand.

mod address;
mod decode;
mod envelope;
mod header;
mod media;
mod section;
mod structure;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::testing::search::Collation;
use crate::types::{BodyStructure, Envelope, Section};
use text::Texts;
use tree::{Kind, Node};

/// The content of a message. It never changes (RFC 9051 section 2.3.1.1), but may be unreadable.
#[derive(Debug)]
pub(crate) struct Content {
    bytes: Bytes,
    tree: OnceLock<Node>,
    texts: OnceLock<Texts>,
    /// The server can't read it now, as with a damaged file.
    unreadable: AtomicBool,
}

/// A part can't be decoded, because its Content-Transfer-Encoding is unknown (RFC 9051 section
/// 7.5.2): NO with UNKNOWN-CTE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownEncoding;

impl Content {
    /// Any bytes are a message.
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, tree: OnceLock::new(), texts: OnceLock::new(), unreadable: AtomicBool::new(false) }
    }

    /// Whether the server can't read it now.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_unreadable(&self, unreadable: bool) {
        self.unreadable.store(unreadable, Ordering::Relaxed);
    }

    /// The whole message.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its size in bytes (RFC 9051 section 2.3.4).
    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn tree(&self) -> &Node {
        self.tree.get_or_init(|| tree::tree(&self.bytes))
    }

    fn header(&self) -> &[u8] {
        self.bytes.get(self.tree().header.clone()).unwrap_or_default()
    }

    /// Its main header fields.
    pub(crate) fn envelope(&self) -> Envelope {
        envelope::envelope(self.header())
    }

    /// The tree of its parts: BODYSTRUCTURE if `extended`, else BODY.
    pub(crate) fn body(&self, extended: bool) -> BodyStructure {
        structure::structure(&self.bytes, self.tree(), extended)
    }

    /// The tree of a part, or of the whole message; `None` for other sections and missing parts.
    pub(crate) fn structure_of(&self, section: &Section) -> Option<BodyStructure> {
        match section {
            Section::Full => Some(self.body(true)),
            Section::Part(number) => {
                let node = section::part(self.tree(), number)?;
                Some(structure::structure(&self.bytes, node, true))
            }
            _ => None,
        }
    }

    /// A section; `None` if the message has no such part: NIL. NUL, which no string can contain
    /// (RFC 9051 section 4.3), becomes 0x80.
    pub(crate) fn section(&self, section: &Section) -> Option<Bytes> {
        self.piece(section).map(|piece| {
            if memchr::memchr(0, &piece).is_none() {
                return self.shared(piece);
            }
            piece.iter().map(|b| if *b == 0 { 0x80 } else { *b }).collect()
        })
    }

    /// A part, decoded from its transfer encoding (RFC 9051 section 6.4.5); `None` as for
    /// [`section`](Self::section). Multiparts and messages have no encoding and are returned as
    /// they are.
    pub(crate) fn binary(&self, section: &Section) -> Result<Option<Bytes>, UnknownEncoding> {
        let Some(piece) = self.piece(section) else { return Ok(None) };
        let leaf = section.part().and_then(|number| section::part(self.tree(), number));
        let Some(part) = leaf.filter(|part| matches!(part.kind, Kind::Leaf)) else {
            return Ok(Some(self.shared(piece)));
        };
        let header = self.bytes.get(part.header.clone()).unwrap_or_default();
        let decoded = decode::transfer(structure::encoding(header).as_deref(), &piece)?;
        Ok(Some(Bytes::copy_from_slice(&decoded)))
    }

    /// The beginning of its text, for lists of messages: 200 characters at most (RFC 8970).
    pub(crate) fn preview(&self) -> String {
        text::preview(&self.bytes, self.tree())
    }

    fn piece(&self, section: &Section) -> Option<Cow<'_, [u8]>> {
        section::section(&self.bytes, self.tree(), section)
    }

    fn shared(&self, piece: Cow<'_, [u8]>) -> Bytes {
        match piece {
            Cow::Borrowed(piece) => self.bytes.slice_ref(piece),
            Cow::Owned(piece) => piece.into(),
        }
    }
}

/// For SEARCH and SORT.
impl Content {
    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| text::texts(&self.bytes, self.tree(), Collation::default()))
    }

    /// Whether one of its texts contains this, or, with `headers`, a header field of it or of its
    /// parts.
    pub(crate) fn contains(&self, text: &str, headers: bool, by: Collation) -> bool {
        let text = &*by.folded(text);
        let made;
        let texts = if by == Collation::default() {
            self.texts()
        } else {
            made = text::texts(&self.bytes, self.tree(), by);
            &made
        };
        let mut headers = texts.headers.iter().filter(|_| headers);
        headers.any(|known| known.contains(text)) || texts.bodies.iter().any(|known| known.contains(text))
    }

    /// The values of the fields of this name in its header, decoded.
    pub(crate) fn fields(&self, name: &[u8]) -> impl Iterator<Item = String> {
        let named = header::fields(self.header()).filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| text::decoded(field.value))
    }

    /// Name and mailbox (decoded) and host of the first address in this header field.
    pub(crate) fn first_address(&self, name: &str) -> Option<[Option<String>; 3]> {
        let entry = envelope::first_address(self.header(), name)?;
        let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| text::decoded(&bytes));
        Some([text(entry.name), text(entry.mailbox), text(entry.host)])
    }
}
