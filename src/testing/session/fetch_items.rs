//! One row of a FETCH: the requested items of one message.

use bytes::Bytes;

use crate::testing::labels::Labels;
use crate::testing::search::number_of;
use crate::testing::world::World;
use crate::types::{BodyData, Section};
use crate::wire::request::{FetchItem, Part};
use crate::wire::respond::FetchRow;

use super::Session;
use super::annotations;
use super::fetch::unknown_encoding;
use super::reply::Reply;
use super::snapshot::Row;

impl Session {
    /// Whether this item exists, with the extensions that are on.
    pub(super) fn has_item(&self, world: &World, item: &FetchItem) -> bool {
        match item {
            FetchItem::Name(name) => match &**name {
                "FLAGS" | "UID" | "INTERNALDATE" | "RFC822.SIZE" | "ENVELOPE" | "BODY" | "BODYSTRUCTURE" => {
                    true
                }
                // RFC 9051 appendix E: removed in IMAP4rev2.
                "RFC822" | "RFC822.HEADER" | "RFC822.TEXT" => world.has("IMAP4rev1"),
                "MODSEQ" => world.has("CONDSTORE"),
                "EMAILID" | "THREADID" => world.has("OBJECTID"),
                "SAVEDATE" => world.has("SAVEDATE"),
                "PREVIEW" => world.has("PREVIEW"),
                "X-GM-LABELS" | "X-GM-MSGID" | "X-GM-THRID" => world.has("X-GM-EXT-1"),
                _ => false,
            },
            FetchItem::Section { name, .. } => !name.starts_with("BINARY") || world.has("BINARY"),
            FetchItem::List(name, values) if name == "ANNOTATION" => {
                world.has("ANNOTATE-EXPERIMENT-1") && annotations::asked(values).is_some()
            }
            FetchItem::List(name, _) => name == "PREVIEW" && world.has("PREVIEW"),
        }
    }

    /// `* 3 FETCH (…)` with these items, with `\Recent` if `with_recent`. `Err`: an item can't be
    /// produced.
    pub(super) fn row_of(
        &self,
        seq: u32,
        row: &Row,
        items: &[FetchItem],
        (with_recent, labels): (bool, &Labels),
    ) -> Result<Vec<u8>, Reply> {
        let mut out = self.row(seq, row.message.uid);
        for item in items {
            match item {
                FetchItem::Name(name) if name == "FLAGS" && with_recent => out.flags(&self.flags_of(row)),
                FetchItem::Name(name) if name == "X-GM-LABELS" => {
                    let flags = self.flags_of(row);
                    out.labels(labels.of(&row.message.email_id, &flags));
                }
                FetchItem::List(name, values) if name == "ANNOTATION" => {
                    if let Some((entries, attributes)) = annotations::asked(values) {
                        out.annotations(&row.message.notes.fetched(&entries, &attributes));
                    }
                }
                FetchItem::Name(name) | FetchItem::List(name, _) => named(&mut out, row, name),
                FetchItem::Section { name, section, part } => {
                    piece(&mut out, row, (name, section), *part, &self.quirks.answered(section))?
                }
            }
        }
        Ok(out.finish())
    }
}

fn named(out: &mut FetchRow, row: &Row, name: &str) {
    let message = &row.message;
    match name {
        "FLAGS" => out.flags(&message.flags),
        "UID" => out.uid(message.uid),
        "INTERNALDATE" => out.date("INTERNALDATE", Some(message.internal_date)),
        "RFC822.SIZE" => out.size(message.size()),
        "ENVELOPE" => out.envelope(&message.content.envelope()),
        "BODY" => out.body(&message.content.body(false), false),
        "BODYSTRUCTURE" => out.body(&message.content.body(true), true),
        "MODSEQ" => out.mod_seq(message.mod_seq),
        "EMAILID" => out.id("EMAILID", Some(&message.email_id)),
        "THREADID" => out.id("THREADID", Some(&message.thread_id)),
        "X-GM-MSGID" => out.number("X-GM-MSGID", number_of(&message.email_id)),
        "X-GM-THRID" => out.number("X-GM-THRID", number_of(&message.thread_id)),
        "SAVEDATE" => out.date("SAVEDATE", Some(message.saved)),
        // RFC 8970 section 3.1: LAZY may be answered like PREVIEW.
        "PREVIEW" => out.string("PREVIEW", Some(message.content.preview().as_bytes())),
        _ => {
            let section = match name {
                "RFC822" => Section::Full,
                "RFC822.HEADER" => Section::Header,
                _ => Section::Text,
            };
            let data = message.content.section(&section).map(without_nul);
            out.string(name, data.as_deref());
        }
    }
}

/// `BODY[…]`, `BINARY[…]` or `BINARY.SIZE[…]`.
fn piece(
    out: &mut FetchRow,
    row: &Row,
    (name, section): (&str, &Section),
    part: Option<Part>,
    answered: &Section,
) -> Result<(), Reply> {
    let name = name.strip_suffix(".PEEK").unwrap_or(name);
    let content = &row.message.content;
    if name == "BODY" {
        let data = content.section(section).map(without_nul);
        out.section(name, &cut(answered, data, part));
        return Ok(());
    }
    let data = content.binary(section).map_err(|_| unknown_encoding())?;
    if name == "BINARY.SIZE" {
        let size = data.map_or(0, |data| data.len());
        out.binary_size(section, u64::try_from(size).unwrap_or(u64::MAX));
    } else {
        out.section(name, &cut(section, data, part));
    }
    Ok(())
}

/// The requested range; beyond the end it is empty (RFC 9051 section 6.4.5).
fn cut(section: &Section, data: Option<Bytes>, part: Option<Part>) -> BodyData {
    let Some(Part { origin, length }) = part else { return BodyData::new(section.clone(), None, data) };
    let at = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let piece = |data: Bytes| {
        let from = at(origin).min(data.len());
        data.slice(from..at(origin.saturating_add(length.into())).min(data.len()))
    };
    BodyData::new(section.clone(), Some(origin), data.map(piece))
}

/// BODY[…] has no form for NUL (RFC 9051 section 9, `CHAR8`): 0x80 stands for it, as with other
/// servers. Only a `literal8`, or the test itself, can bring it in.
fn without_nul(data: Bytes) -> Bytes {
    if memchr::memchr(0, &data).is_none() {
        return data;
    }
    data.iter().map(|byte| if *byte == 0 { 0x80 } else { *byte }).collect()
}
