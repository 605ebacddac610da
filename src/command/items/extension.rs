//! Items of extensions: how they are written, what the server must have for them, and which of a
//! row were asked for.

use super::ItemChain;
use super::chain::{Wanted, place_of};
use crate::command::annotations::CAPABILITY;
use crate::command::{AnnotationItems, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Message, Section};

/// An item that not every server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    EmailId,
    ThreadId,
    SaveDate,
    Preview {
        lazy: bool,
    },
    GmailMsgId,
    GmailThreadId,
    GmailLabels,
    Annotations(AnnotationItems),
    Binary(Wanted),
    BinarySize(Section),
    /// One that the library has no type for.
    Other(String),
}

/// Names of items that are in RFC 9051 or 3501, for which there are methods.
const KNOWN: [&str; 23] = [
    "ANNOTATION",
    "ALL",
    "FAST",
    "FULL",
    "UID",
    "FLAGS",
    "INTERNALDATE",
    "ENVELOPE",
    "BODY",
    "BODY.PEEK",
    "BODYSTRUCTURE",
    "RFC822",
    "RFC822.SIZE",
    "RFC822.HEADER",
    "RFC822.TEXT",
    "RFC822.PEEK",
    "RFC822.HEADER.PEEK",
    "RFC822.TEXT.PEEK",
    "MODSEQ",
    "BINARY",
    "BINARY.PEEK",
    "BINARY.SIZE",
    "NIL",
];

impl Extension {
    /// The item of this name, typed if it has a type.
    pub(super) fn named(name: &str) -> Self {
        let typed = [
            Self::EmailId,
            Self::ThreadId,
            Self::SaveDate,
            Self::Preview { lazy: false },
            Self::GmailMsgId,
            Self::GmailThreadId,
            Self::GmailLabels,
        ];
        let found = typed.into_iter().find(|item| item.name().eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    fn name(&self) -> &str {
        match self {
            Self::EmailId => "EMAILID",
            Self::ThreadId => "THREADID",
            Self::SaveDate => "SAVEDATE",
            Self::Preview { .. } => "PREVIEW",
            Self::GmailMsgId => "X-GM-MSGID",
            Self::GmailThreadId => "X-GM-THRID",
            Self::GmailLabels => "X-GM-LABELS",
            Self::Annotations(_) => "ANNOTATION",
            Self::Binary(_) => "BINARY",
            Self::BinarySize(_) => "BINARY.SIZE",
            Self::Other(name) => name,
        }
    }

    /// The capability that it needs.
    fn needs(&self) -> Option<&'static str> {
        Some(match self {
            Self::EmailId | Self::ThreadId => "OBJECTID",
            Self::SaveDate => "SAVEDATE",
            Self::Preview { .. } => "PREVIEW",
            Self::GmailMsgId | Self::GmailThreadId | Self::GmailLabels => "X-GM-EXT-1",
            Self::Annotations(_) => CAPABILITY,
            Self::Binary(_) | Self::BinarySize(_) => "BINARY",
            Self::Other(_) => return None,
        })
    }

    /// Whether reading it may set `\Seen`.
    pub(super) fn is_content(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// The section that it is about.
    pub(super) fn section(&self) -> Option<&Section> {
        match self {
            Self::Binary(Wanted { section, .. }) | Self::BinarySize(section) => Some(section),
            _ => None,
        }
    }

    pub(super) fn check(&self, session: &Session) -> Result<()> {
        // IMAP4rev2 has the part of BINARY that FETCH uses (RFC 9051 appendix B).
        let has = |needs: &str| session.can(needs) || needs == "BINARY" && session.is_rev2();
        if let Some(capability) = self.needs().filter(|needs| !has(needs)) {
            let why = format!("the server lacks {capability}, which fetching {} needs", self.name());
            return Err(Error::unsupported(why));
        }
        // RFC 3516 section 7, `section-binary`.
        if let Some(section) = self.section().filter(|s| !matches!(s, Section::Full | Section::Part(_))) {
            let why = format!("only a part or the whole message can be decoded, and not {section}");
            return Err(Error::invalid(why));
        }
        match self {
            Self::Binary(wanted) => wanted.check(),
            Self::Annotations(items) => items.check(),
            Self::Other(name) => check_name(name),
            _ => Ok(()),
        }
    }

    pub(super) fn encode(&self, line: &mut Line, marks_seen: bool) {
        match self {
            Self::Preview { lazy: true } => {
                line.word("PREVIEW").open().word("LAZY").close();
            }
            Self::Annotations(items) => items.write(line),
            Self::Binary(wanted) => wanted.encode(line, if marks_seen { "BINARY" } else { "BINARY.PEEK" }),
            Self::BinarySize(section) => {
                line.word("BINARY.SIZE").section(section);
            }
            Self::Other(name) => {
                line.atom(name);
            }
            typed => {
                line.word(typed.name());
            }
        }
    }
}

/// Whether a name can be written as an item of its own, and asks for nothing that the library
/// would not recognise in the answer.
fn check_name(name: &str) -> Result<()> {
    if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(Error::invalid(format!("{name} is asked for by a method of its own")));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b'=');
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(Error::invalid(format!("{name:?} can't be the name of an item")));
    }
    Ok(())
}

impl ItemChain {
    /// The extension items of a row: see [`each_place`](ItemChain::each_place). Their places begin
    /// at `behind`.
    #[cold]
    pub(super) fn each_extension(
        &self,
        row: &Message,
        behind: usize,
        mut each: impl FnMut(Option<(usize, bool)>),
    ) {
        let find = |is_it: &dyn Fn(&Extension) -> bool| self.extensions.iter().position(is_it);
        for name in row.extra_items().filter(|name| !matches!(*name, "BINARY" | "BINARY.SIZE")) {
            let place = find(&|item| item.name().eq_ignore_ascii_case(name));
            // A date that can't be parsed is kept as it was written, and still counts as an answer.
            let is_date = self.internal_date && name.eq_ignore_ascii_case("INTERNALDATE");
            each(if is_date { Some((0, true)) } else { place.map(|place| (behind + place, true)) });
        }
        let binaries = self.extensions.iter().enumerate().filter_map(|(place, item)| match item {
            Extension::Binary(wanted) => Some((place, wanted)),
            _ => None,
        });
        for data in row.binaries() {
            let place = place_of(binaries.clone(), &data.section, data.origin);
            each(place.map(|(place, very)| (behind + place, very)));
        }
        for section in row.binary_sizes() {
            let place = find(&|item| matches!(item, Extension::BinarySize(of) if of == section));
            each(place.map(|place| (behind + place, true)));
        }
    }
}
