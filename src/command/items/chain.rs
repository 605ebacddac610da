//! The names of items, each as the beginning of a list and as what continues one.

use super::Items;
use super::extension::Extension;
use crate::command::{AnnotationItems, Line};
use crate::error::{Error, Result};
use crate::types::{Part, Section};

/// The list that [`Items`] holds, and its methods: each adds to a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemChain {
    pub(in crate::command) flags: bool,
    pub(super) internal_date: bool,
    pub(super) size: bool,
    pub(in crate::command) mod_seq: bool,
    pub(super) envelope: bool,
    pub(super) body_structure: bool,
    pub(super) sections: Vec<Wanted>,
    pub(super) extensions: Vec<Extension>,
    pub(super) marks_seen: bool,
}

/// A section, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) section: Section,
    /// Where it begins, and how many bytes at most.
    part: Option<(u64, u32)>,
}

impl Wanted {
    fn whole(section: Section) -> Self {
        Self { section, part: None }
    }

    fn partial(section: Section, origin: u64, length: u32) -> Self {
        Self { section, part: Some((origin, length)) }
    }

    /// Not a part of its bytes.
    #[cfg(feature = "account")]
    pub(super) fn is_whole(&self) -> bool {
        self.part.is_none()
    }

    /// RFC 9051 section 9, `partial`: the length is not zero.
    pub(super) fn check(&self) -> Result<()> {
        match self.part {
            Some((_, 0)) => Err(Error::invalid("a part of a section has at least one byte")),
            _ => Ok(()),
        }
    }

    pub(super) fn encode(&self, line: &mut Line, name: &str) {
        line.word(name).section(&self.section);
        if let Some((origin, length)) = self.part {
            line.partial(origin, length);
        }
    }
}

/// The place of this section among those asked for; and whether it is the very piece of it.
pub(super) fn place_of<'a>(
    all: impl Iterator<Item = (usize, &'a Wanted)> + Clone,
    section: &Section,
    origin: Option<u64>,
) -> Option<(usize, bool)> {
    let is_it = |w: &Wanted| w.part.map(|(from, _)| from) == origin;
    let asked = || all.clone().filter(|(_, w)| w.section == *section);
    let very = asked().find(|(_, w)| is_it(w)).map(|(place, _)| (place, true));
    // Some servers omit the origin of a partial section, or send the origin of the whole.
    very.or_else(|| asked().next().map(|(place, _)| (place, false)))
}

impl ItemChain {
    pub(super) fn merge(&mut self, other: Self) {
        self.flags |= other.flags;
        self.internal_date |= other.internal_date;
        self.size |= other.size;
        self.mod_seq |= other.mod_seq;
        self.envelope |= other.envelope;
        self.body_structure |= other.body_structure;
        self.marks_seen |= other.marks_seen;
        other.sections.into_iter().for_each(|wanted| self.add_section(wanted));
        other.extensions.into_iter().for_each(|item| self.add_extension(item));
    }

    fn add_section(&mut self, wanted: Wanted) {
        if !self.sections.contains(&wanted) {
            self.sections.push(wanted);
        }
    }

    fn add_extension(&mut self, item: Extension) {
        if let Extension::Preview { lazy } = item {
            let known = self.extensions.iter_mut().find_map(|item| match item {
                Extension::Preview { lazy } => Some(lazy),
                _ => None,
            });
            // One that must be made is also one that is at hand.
            if let Some(known) = known {
                *known &= lazy;
                return;
            }
        }
        if let Extension::Annotations(other) = item {
            let known = self.extensions.iter_mut().find_map(|item| match item {
                Extension::Annotations(known) => Some(known),
                _ => None,
            });
            match known {
                Some(known) => known.merge(other),
                None => self.extensions.push(Extension::Annotations(other)),
            }
            return;
        }
        if !self.extensions.contains(&item) {
            self.extensions.push(item);
        }
    }
}

/// Items: each as a constructor of [`Items`] and as a method that adds it.
macro_rules! items {
    ($(
        $(#[$doc:meta])*
        $name:ident($($arg:ident: $type:ty),*) => |$list:ident| $add:expr, $example:literal;
    )*) => {
        impl Items {$(
            $(#[$doc])*
            ///
            /// ```no_run
            /// # use imap_duplex::command::Items;
            /// # use imap_duplex::types::{Part, Section};
            /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
            #[doc = concat!("let rows = inbox.fetch(inbox.newest(20), ", $example, ").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn $name($($arg: $type),*) -> Self {
                ItemChain::default().$name($($arg),*)
            }
        )*}

        impl ItemChain {$(
            #[doc = concat!("These, and what [`Items::", stringify!($name), "`] names.")]
            pub fn $name(&self, $($arg: $type),*) -> Items {
                let mut $list = self.clone();
                $add;
                Items($list)
            }
        )*}
    };
}

items! {
    /// The envelope: the main header fields, read by the server.
    envelope() => |list| list.envelope = true, "Items::envelope()";
    /// The flags.
    flags() => |list| list.flags = true, "Items::flags().size()";
    /// When the server received it.
    #[doc(alias = "INTERNALDATE")]
    internal_date() => |list| list.internal_date = true, "Items::internal_date()";
    /// Its size in bytes.
    #[doc(alias = "RFC822.SIZE")]
    size() => |list| list.size = true, "Items::size()";
    /// The mod-sequence of its last change (RFC 7162); needs CONDSTORE.
    #[doc(alias = "MODSEQ")]
    mod_seq() => |list| list.mod_seq = true, "Items::flags().mod_seq()";
    /// The tree of its MIME parts.
    #[doc(alias = "BODYSTRUCTURE")]
    body_structure() => |list| list.body_structure = true, "Items::body_structure()";
    /// Flags, internal date and size: the macro `FAST` (RFC 9051 section 6.4.5).
    #[doc(alias = "FAST")]
    fast() => |list| (list.flags, list.internal_date, list.size) = (true, true, true),
        "Items::fast()";
    /// [`fast`](Items::fast) and the envelope: the macro `ALL`.
    #[doc(alias = "ALL")]
    overview() => |list| list.merge(list.fast().envelope().0), "Items::overview()";
    /// [`overview`](Items::overview) and the tree of MIME parts: the macro `FULL`, with
    /// BODYSTRUCTURE, which has all that its BODY has.
    #[doc(alias = "FULL")]
    full() => |list| list.merge(list.overview().body_structure().0), "Items::full()";
    /// The whole message: [`Section::Full`], without setting `\Seen`.
    #[doc(alias = "BODY.PEEK[]")]
    body() => |list| list.add_section(Wanted::whole(Section::Full)), "Items::body()";
    /// The header: [`Section::Header`], without setting `\Seen`.
    #[doc(alias = "RFC822.HEADER")]
    header() => |list| list.add_section(Wanted::whole(Section::Header)), "Items::header()";
    /// These fields of the header (RFC 9051 section 6.4.5, `HEADER.FIELDS`), without setting
    /// `\Seen`: read them by [`Message::section`](crate::types::Message::section).
    #[doc(alias = "HEADER.FIELDS")]
    header_fields(names: impl IntoIterator<Item = impl Into<String>>) => |list|
        list.add_section(Wanted::whole(Section::header_fields(names))),
        r#"Items::header_fields(["List-Id", "References"])"#;
    /// All fields of the header but these.
    #[doc(alias = "HEADER.FIELDS.NOT")]
    header_fields_not(names: impl IntoIterator<Item = impl Into<String>>) => |list|
        list.add_section(Wanted::whole(Section::header_fields_not(names))),
        r#"Items::header_fields_not(["Received"])"#;
    /// What follows the header: [`Section::Text`], without setting `\Seen`.
    text() => |list| list.add_section(Wanted::whole(Section::Text)), "Items::text()";
    /// This part, as it is encoded, without setting `\Seen`.
    part(part: Part) => |list| list.add_section(Wanted::whole(Section::Part(part))),
        "Items::part(Part::new(1).child(2))";
    /// The MIME header of this part.
    mime(part: Part) => |list| list.add_section(Wanted::whole(Section::PartMime(part))),
        "Items::mime(Part::new(2))";
    /// This section of the message, whole, without setting `\Seen`.
    section(section: Section) => |list| list.add_section(Wanted::whole(section)),
        "Items::section(Section::Header.of(Part::new(2)))";
    /// At most `length` bytes of this section, from `origin` on (RFC 9051 section 6.4.5.1). A
    /// length of 0 is refused, unsent.
    partial(section: Section, origin: u64, length: u32) => |list|
        list.add_section(Wanted::partial(section, origin, length)),
        "Items::partial(Section::Text, 0, 2048)";
    /// This part's content, decoded by the server from its transfer encoding, without setting
    /// `\Seen` (RFC 3516); [`Section::Full`] for the message's. Needs BINARY. A server that can't
    /// decode it answers NO with `UNKNOWN-CTE`.
    #[doc(alias = "BINARY.PEEK")]
    binary(section: Section) => |list| list.add_extension(Extension::Binary(Wanted::whole(section))),
        "Items::binary(Section::Part(Part::new(2)))";
    /// At most `length` bytes of this part's decoded content, from `origin` on (RFC 3516). Needs
    /// BINARY.
    binary_partial(section: Section, origin: u64, length: u32) => |list|
        list.add_extension(Extension::Binary(Wanted::partial(section, origin, length))),
        "Items::binary_partial(Section::Part(Part::new(2)), 0, 4096)";
    /// The size in bytes of this part's decoded content (RFC 3516). Needs BINARY. A server may have
    /// to decode it for that.
    #[doc(alias = "BINARY.SIZE")]
    binary_size(section: Section) => |list| list.add_extension(Extension::BinarySize(section)),
        "Items::binary_size(Section::Part(Part::new(2)))";
    /// The beginning of its text, for lists (RFC 8970). Needs PREVIEW.
    preview() => |list| list.add_extension(Extension::Preview { lazy: false }), "Items::envelope().preview()";
    /// The beginning of its text where the server has it at hand (RFC 8970 section 3.1, LAZY).
    /// Needs PREVIEW.
    #[doc(alias = "LAZY")]
    lazy_preview() => |list| list.add_extension(Extension::Preview { lazy: true }), "Items::envelope().lazy_preview()";
    /// When it was saved in this mailbox (RFC 8514). Needs SAVEDATE.
    #[doc(alias = "SAVEDATE")]
    save_date() => |list| list.add_extension(Extension::SaveDate), "Items::save_date()";
    /// An identifier of its content, shared by its copies (RFC 8474 section 5.1). Needs OBJECTID.
    #[doc(alias = "EMAILID")]
    email_id() => |list| list.add_extension(Extension::EmailId), "Items::email_id()";
    /// An identifier of its thread (RFC 8474 section 5.2). Needs OBJECTID.
    #[doc(alias = "THREADID")]
    thread_id() => |list| list.add_extension(Extension::ThreadId), "Items::thread_id()";
    /// Gmail's identifier of the message. Needs X-GM-EXT-1.
    #[doc(alias = "X-GM-MSGID")]
    gmail_msg_id() => |list| list.add_extension(Extension::GmailMsgId), "Items::gmail_msg_id()";
    /// Gmail's identifier of its thread. Needs X-GM-EXT-1.
    #[doc(alias = "X-GM-THRID")]
    gmail_thread_id() => |list| list.add_extension(Extension::GmailThreadId),
        "Items::gmail_thread_id()";
    /// Gmail's labels. Needs X-GM-EXT-1.
    #[doc(alias = "X-GM-LABELS")]
    gmail_labels() => |list| list.add_extension(Extension::GmailLabels), "Items::gmail_labels()";
    /// These annotations (RFC 5257), by name or pattern: read them by
    /// [`Message::annotation`](crate::types::Message::annotation). Needs ANNOTATE-EXPERIMENT-1.
    #[doc(alias = "ANNOTATION")]
    annotations(which: impl Into<AnnotationItems>) => |list|
        list.add_extension(Extension::Annotations(which.into())),
        r#"Items::annotations(["/comment", "/altsubject"])"#;
    /// An item that the library has no type for, by its name: its value is among
    /// [`Message::other`](crate::types::Message::other), as the server wrote it. Refused, unsent,
    /// if it is no such name (letters, digits, `-`, `.`, `_`, `/` and `=`), or one that has a
    /// method of its own.
    other(name: impl AsRef<str>) => |list| list.add_extension(Extension::named(name.as_ref())),
        r#"Items::envelope().other("X-PRIORITY")"#;
}
