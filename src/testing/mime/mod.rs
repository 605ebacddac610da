//! What a message says: any octets in, out come its envelope, its body structure and its sections, as FETCH asks
//! for them (RFC 9051 section 6.4.5), and its text, as SEARCH looks through it.

use bytes::Bytes;

use crate::types::{BodyStructure, BodyStructureBuilder, Envelope, EnvelopeBuilder, Section};

/// A message's octets, and what they say. It never changes (RFC 9051 section 2.3.1.1).
#[derive(Debug)]
pub(crate) struct Content {
    bytes: Bytes,
}

/// A part cannot be decoded, since nobody knows its Content-Transfer-Encoding (RFC 3516 section 4.3): NO with
/// UNKNOWN-CTE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownEncoding;

impl Content {
    /// Any octets are a message.
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its octets (RFC 9051 section 2.3.4).
    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Its main header fields.
    pub(crate) fn envelope(&self) -> Envelope {
        EnvelopeBuilder::new().build()
    }

    /// The tree of its parts: BODYSTRUCTURE if `extended`, else BODY.
    pub(crate) fn body(&self, extended: bool) -> BodyStructure {
        let _ = extended;
        BodyStructureBuilder::new("text", "plain").encoding("7bit").size(0).lines(0).build()
    }

    /// A piece of it; `None` if it has no such part: NIL.
    pub(crate) fn section(&self, section: &Section) -> Option<Bytes> {
        (*section == Section::Full).then(|| self.bytes.clone())
    }

    /// A part, its transfer encoding decoded (RFC 3516); `None` as for [`section`](Self::section).
    pub(crate) fn binary(&self, section: &Section) -> Result<Option<Bytes>, UnknownEncoding> {
        Ok(self.section(section))
    }

    /// The beginning of its text, for lists of messages: 200 characters at most (RFC 8970).
    pub(crate) fn preview(&self) -> String {
        String::new()
    }
}
