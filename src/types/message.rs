//! Data of one message, as a FETCH tells it.

use bytes::Bytes;

use super::body::BodyStructure;
use super::envelope::Envelope;
use super::extras::Extras;
use super::flag::Flags;
use super::number::{ModSeq, Seq, Uid};
use super::section::Section;
use super::timestamp::Timestamp;

/// What the server told of one message in a FETCH response (RFC 9051 section 7.5.2). `None` means "not
/// told", never "empty".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
    pub(crate) flags: Option<Flags>,
    pub(crate) internal_date: Option<Timestamp>,
    pub(crate) size: Option<u64>,
    pub(crate) mod_seq: Option<ModSeq>,
    pub(crate) envelope: Option<Envelope>,
    pub(crate) body_structure: Option<BodyStructure>,
    pub(crate) body: Vec<BodyData>,
    pub(crate) extras: Option<Box<Extras>>,
}

/// One `BODY[section]<origin>` of a FETCH response, or RFC822 and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyData {
    /// Which part of the message.
    pub section: Section,
    /// Where a partial answer begins, in octets; `None` for a whole one.
    pub origin: Option<u32>,
    /// The bytes; `None` for NIL: there is no such part.
    pub data: Option<Bytes>,
}

impl BodyData {
    /// These bytes of this section.
    pub(crate) fn new(section: Section, origin: Option<u32>, data: Option<Bytes>) -> Self {
        Self { section, origin, data }
    }
}

impl Message {
    /// The number it had when the server told this; `None` where the server speaks in UIDs only (RFC 9586).
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        self.seq
    }

    /// Its UID: as told, or as the view knew it.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.uid
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self) -> Option<&Flags> {
        self.flags.as_ref()
    }

    /// When the server received it.
    #[must_use]
    pub fn internal_date(&self) -> Option<Timestamp> {
        self.internal_date
    }

    /// Its size in octets.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The mod-sequence of its last change (RFC 7162).
    #[must_use]
    pub fn mod_seq(&self) -> Option<ModSeq> {
        self.mod_seq
    }

    /// Its main header fields.
    #[must_use]
    pub fn envelope(&self) -> Option<&Envelope> {
        self.envelope.as_ref()
    }

    /// The tree of its MIME parts.
    #[must_use]
    pub fn body_structure(&self) -> Option<&BodyStructure> {
        self.body_structure.as_ref()
    }

    /// The bytes of this section, as a whole; `None` if they were not told, or told in part, or are NIL.
    #[must_use]
    pub fn section(&self, section: &Section) -> Option<&Bytes> {
        self.body.iter().find(|b| b.section == *section && b.origin.is_none())?.data.as_ref()
    }

    /// The whole message, header and body: `BODY[]` or `RFC822`.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.section(&Section::Full)
    }

    /// All sections that were told, partial ones among them.
    #[must_use]
    pub fn sections(&self) -> &[BodyData] {
        &self.body
    }

    /// Whether it tells more than flags and numbers.
    pub(crate) fn has_data(&self) -> bool {
        self.internal_date.is_some()
            || self.size.is_some()
            || self.envelope.is_some()
            || self.body_structure.is_some()
            || !self.body.is_empty()
            || self.extra_items().next().is_some()
    }

    /// Takes over what another response told of the same message, where this one says nothing.
    pub(crate) fn merge(&mut self, later: Self) {
        self.seq = later.seq.or(self.seq);
        self.uid = self.uid.or(later.uid);
        self.flags = later.flags.or(self.flags.take());
        self.internal_date = self.internal_date.or(later.internal_date);
        self.size = self.size.or(later.size);
        self.mod_seq = later.mod_seq.max(self.mod_seq);
        self.envelope = self.envelope.take().or(later.envelope);
        self.body_structure = self.body_structure.take().or(later.body_structure);
        for part in later.body {
            if !self.body.iter().any(|b| b.section == part.section && b.origin == part.origin) {
                self.body.push(part);
            }
        }
        if let Some(extras) = later.extras {
            self.extras_mut().merge(*extras);
        }
    }
}
