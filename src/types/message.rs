//! The content of a FETCH response: data of one message.

use std::collections::HashSet;

use bytes::Bytes;

use super::body::BodyStructure;
use super::envelope::Envelope;
use super::extras::Extras;
use super::flag::Flags;
use super::number::{ModSeq, Seq, Uid};
use super::section::Section;
use super::timestamp::Timestamp;

/// One message's data in a FETCH response (RFC 9051 section 7.5.2). `None` means "not in the
/// response", never "empty".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
    pub(crate) flags: Option<Flags>,
    pub(crate) internal_date: Option<Timestamp>,
    pub(crate) size: Option<u64>,
    pub(crate) mod_seq: Option<ModSeq>,
    // Apart, so that a row of flags and numbers is small: of those there are the most, and an
    // allocator gives small blocks at a lower cost.
    pub(crate) contents: Option<Box<Contents>>,
    pub(crate) extras: Option<Box<Extras>>,
}

/// What a message consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) envelope: Option<Envelope>,
    pub(crate) body_structure: Option<BodyStructure>,
    pub(crate) body: Vec<BodyData>,
}

/// One `BODY[section]<origin>` of a FETCH response, or its RFC822 equivalent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyData {
    /// The section of the message.
    pub section: Section,
    /// The offset of a partial answer, in bytes; `None` for a whole section.
    pub origin: Option<u64>,
    /// The bytes; `None` for NIL: the message has no such part.
    pub data: Option<Bytes>,
}

impl BodyData {
    /// These bytes of this section.
    pub(crate) fn new(section: Section, origin: Option<u64>, data: Option<Bytes>) -> Self {
        Self { section, origin, data }
    }
}

impl Message {
    pub(crate) fn contents_mut(&mut self) -> &mut Contents {
        self.contents.get_or_insert_default()
    }

    pub(crate) fn set_contents(&mut self, contents: Contents) {
        self.contents = (contents != Contents::default()).then(|| Box::new(contents));
    }

    /// Its sequence number when the server sent this; `None` where the server uses UIDs only (RFC
    /// 9586).
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        self.seq
    }

    /// Its UID: from the response, or from the view.
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

    /// Its size in bytes.
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
        self.contents.as_ref()?.envelope.as_ref()
    }

    /// The tree of its MIME parts.
    #[must_use]
    pub fn body_structure(&self) -> Option<&BodyStructure> {
        self.contents.as_ref()?.body_structure.as_ref()
    }

    /// The bytes of this section, as a whole; `None` if the response lacks it, has only a part of
    /// it, or says NIL.
    #[must_use]
    pub fn section(&self, section: &Section) -> Option<&Bytes> {
        self.sections().iter().find(|b| b.section == *section && b.origin.is_none())?.data.as_ref()
    }

    /// The whole message, header and body: `BODY[]` or `RFC822`.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.section(&Section::Full)
    }

    /// All sections in the response, partial ones included.
    #[must_use]
    pub fn sections(&self) -> &[BodyData] {
        self.contents.as_ref().map_or(&[], |contents| &contents.body)
    }

    /// Whether it has more than flags and numbers.
    pub(crate) fn has_data(&self) -> bool {
        self.internal_date.is_some()
            || self.size.is_some()
            || self.contents.is_some()
            || self.extra_items().next().is_some()
    }

    /// Takes from later responses about the same message the items that this one lacks. All at
    /// once, so that each section is looked up once, however many responses there are.
    pub(crate) fn merge(&mut self, later: Vec<Self>) {
        let mut contents = self.contents.take().map_or_else(Contents::default, |contents| *contents);
        let (mut body, mut extras) = (Vec::new(), Vec::new());
        for later in later {
            self.seq = later.seq.or(self.seq);
            self.uid = self.uid.or(later.uid);
            self.flags = later.flags.or(self.flags.take());
            self.internal_date = self.internal_date.or(later.internal_date);
            self.size = self.size.or(later.size);
            self.mod_seq = later.mod_seq.max(self.mod_seq);
            if let Some(later) = later.contents {
                contents.envelope = contents.envelope.take().or(later.envelope);
                contents.body_structure = contents.body_structure.take().or(later.body_structure);
                body.extend(later.body);
            }
            extras.extend(later.extras.map(|extras| *extras));
        }
        add_missing(&mut contents.body, body);
        self.set_contents(contents);
        if !extras.is_empty() {
            self.extras_mut().merge(extras);
        }
    }
}

/// Data of one section or part of it.
pub(crate) trait Piece {
    /// Its section and offset.
    fn piece(&self) -> (&Section, Option<u64>);
}

impl Piece for BodyData {
    fn piece(&self) -> (&Section, Option<u64>) {
        (&self.section, self.origin)
    }
}

/// Longest list whose entries are compared with each other.
const FEW: usize = 16;

/// Adds the entries of `later` for sections and offsets that `all` lacks.
pub(crate) fn add_missing<T: Piece>(all: &mut Vec<T>, later: Vec<T>) {
    if all.len() + later.len() <= FEW {
        for piece in later {
            if !all.iter().any(|known| known.piece() == piece.piece()) {
                all.push(piece);
            }
        }
        return;
    }
    let mut known: HashSet<_> = all.iter().map(T::piece).collect();
    let new: Vec<bool> = later.iter().map(|piece| known.insert(piece.piece())).collect();
    all.extend(later.into_iter().zip(new).filter_map(|(piece, new)| new.then_some(piece)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Part;

    #[test]
    fn rows_of_one_message_are_joined_whether_they_are_few_or_many() {
        for count in [1, 16, 200] {
            let data = |n: u32, text: &'static str| {
                BodyData::new(
                    Section::Part(Part::new(n)),
                    Some((n % 3).into()),
                    Some(Bytes::from_static(text.as_bytes())),
                )
            };
            let row = |from: u32, text| {
                let mut row = Message::default();
                row.contents_mut().body = (from..from + count).map(|n| data(n, text)).collect();
                row
            };
            let mut message = row(1, "first");
            message.merge(vec![row(count, "second"), row(2 * count - 1, "third"), row(2, "fourth")]);
            let first = (1..=count).map(|n| data(n, "first"));
            let second = (count + 1..2 * count).map(|n| data(n, "second"));
            let third = (2 * count.max(1)..3 * count - 1).map(|n| data(n, "third"));
            let expected: Vec<_> = first.chain(second).chain(third).collect();
            let lacking = (count == 1).then(|| data(2, "fourth"));
            assert_eq!(
                message.sections(),
                expected.into_iter().chain(lacking).collect::<Vec<_>>(),
                "{count}"
            );
        }
    }
}
