//! FETCH items of extensions. A struct of its own, so that a row without them stays small.

use bytes::Bytes;

use super::annotation::Annotation;
use super::message::{BodyData, Message, Piece, add_missing};
use super::section::Section;
use super::timestamp::Timestamp;

/// The items of extensions. An item is `None` if the response lacks it; where the server may say
/// NIL, that is the inner `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    pub(crate) email_id: Option<Option<String>>,
    pub(crate) thread_id: Option<Option<String>>,
    pub(crate) save_date: Option<Option<Timestamp>>,
    pub(crate) preview: Option<Option<String>>,
    pub(crate) gmail_msg_id: Option<u64>,
    pub(crate) gmail_thread_id: Option<u64>,
    pub(crate) gmail_labels: Option<Vec<String>>,
    /// Annotations (RFC 5257).
    pub(crate) annotations: Option<Vec<Annotation>>,
    /// `BINARY[…]`: decoded contents of parts.
    pub(crate) binary: Vec<BodyData>,
    /// `BINARY.SIZE[…]`.
    pub(crate) binary_size: Vec<(Section, Option<u64>)>,
    /// Items that this library has no type for: name and value, as the server wrote them.
    pub(crate) other: Vec<(String, Bytes)>,
}

impl Message {
    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// An identifier of its content, shared by all copies of the message on this server (OBJECTID,
    /// RFC 8474 section 5.1).
    #[must_use]
    pub fn email_id(&self) -> Option<&str> {
        self.extras.as_ref()?.email_id.as_ref()?.as_deref()
    }

    /// An identifier of its thread, shared by the messages in it (OBJECTID, RFC 8474 section 5.2);
    /// `None` also where the server has none.
    #[must_use]
    pub fn thread_id(&self) -> Option<&str> {
        self.extras.as_ref()?.thread_id.as_ref()?.as_deref()
    }

    /// When it was saved in this mailbox (RFC 8514); `None` also where the mailbox does not record
    /// that.
    #[must_use]
    pub fn save_date(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.save_date?
    }

    /// The beginning of its text, in UTF-8 and at most 256 characters, for lists (RFC 8970); empty
    /// if there is none to show; `None` also if the server could not make one.
    #[must_use]
    pub fn preview(&self) -> Option<&str> {
        self.extras.as_ref()?.preview.as_ref()?.as_deref()
    }

    /// Gmail's identifier of the message (`X-GM-MSGID`).
    #[must_use]
    pub fn gmail_msg_id(&self) -> Option<u64> {
        self.extras.as_ref()?.gmail_msg_id
    }

    /// Gmail's identifier of its thread (`X-GM-THRID`).
    #[must_use]
    pub fn gmail_thread_id(&self) -> Option<u64> {
        self.extras.as_ref()?.gmail_thread_id
    }

    /// Gmail's labels of the message, decoded (`X-GM-LABELS`); system labels begin with a
    /// backslash, `\Important`.
    #[must_use]
    pub fn gmail_labels(&self) -> Option<&[String]> {
        self.extras.as_ref()?.gmail_labels.as_deref()
    }

    /// The content of this part, decoded by the server from its transfer encoding (`BINARY[1.2]`,
    /// RFC 3516), as a whole; [`Section::Full`] for that of the message.
    #[must_use]
    pub fn binary(&self, section: &Section) -> Option<&Bytes> {
        let found = |b: &&BodyData| b.section == *section && b.origin.is_none();
        self.binaries().iter().find(found)?.data.as_ref()
    }

    /// All `BINARY[…]` items, partial ones included.
    #[must_use]
    pub fn binaries(&self) -> &[BodyData] {
        self.extras.as_ref().map(|extras| &*extras.binary).unwrap_or_default()
    }

    /// The size in bytes of this part's decoded content (`BINARY.SIZE[1.2]`, RFC 3516).
    #[must_use]
    pub fn binary_size(&self, section: &Section) -> Option<u64> {
        self.extras.as_ref()?.binary_size.iter().find(|(of, _)| of == section)?.1
    }

    /// The sections of all `BINARY.SIZE[…]` items.
    pub(crate) fn binary_sizes(&self) -> impl Iterator<Item = &Section> {
        self.extras.iter().flat_map(|extras| &extras.binary_size).map(|(section, _)| section)
    }

    /// Whether it has items of extensions, and no other data.
    pub(crate) fn is_extension_alone(&self) -> bool {
        let Self { internal_date, size, contents, .. } = self;
        internal_date.is_none() && size.is_none() && contents.is_none() && self.has_extensions()
    }

    /// Whether it has items of extensions.
    pub(crate) fn has_extensions(&self) -> bool {
        self.extras.is_some()
    }

    /// Items that this library has no type for: name and value, as the server wrote them.
    pub fn other(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.extras.iter().flat_map(|extras| &extras.other).map(|(name, value)| (&**name, value))
    }

    /// The names of all extension items in the response, `NIL` or not, untyped ones included:
    /// whether a row answers a command is decided by the items in it.
    pub fn extra_items(&self) -> impl Iterator<Item = &str> {
        let typed = |extras: &Extras| {
            [
                (extras.email_id.is_some(), "EMAILID"),
                (extras.thread_id.is_some(), "THREADID"),
                (extras.save_date.is_some(), "SAVEDATE"),
                (extras.preview.is_some(), "PREVIEW"),
                (extras.gmail_msg_id.is_some(), "X-GM-MSGID"),
                (extras.gmail_thread_id.is_some(), "X-GM-THRID"),
                (extras.gmail_labels.is_some(), "X-GM-LABELS"),
                (extras.annotations.is_some(), "ANNOTATION"),
                (!extras.binary.is_empty(), "BINARY"),
                (!extras.binary_size.is_empty(), "BINARY.SIZE"),
            ]
        };
        let typed = self.extras.as_deref().map(typed).into_iter().flatten();
        let present = typed.filter_map(|(present, name)| present.then_some(name));
        present.chain(self.other().map(|(name, _)| name))
    }
}

impl Extras {
    /// Takes from later responses about the same message the items that this one lacks.
    pub(crate) fn merge(&mut self, later: Vec<Self>) {
        let (mut binary, mut binary_size) = (Vec::new(), Vec::new());
        for later in later {
            self.email_id = self.email_id.take().or(later.email_id);
            self.thread_id = self.thread_id.take().or(later.thread_id);
            self.save_date = self.save_date.or(later.save_date);
            self.preview = self.preview.take().or(later.preview);
            self.gmail_msg_id = self.gmail_msg_id.or(later.gmail_msg_id);
            self.gmail_thread_id = self.gmail_thread_id.or(later.gmail_thread_id);
            self.gmail_labels = later.gmail_labels.or(self.gmail_labels.take());
            self.annotations = later.annotations.or(self.annotations.take());
            binary.extend(later.binary);
            binary_size.extend(later.binary_size);
            self.other.extend(later.other);
        }
        add_missing(&mut self.binary, binary);
        add_missing(&mut self.binary_size, binary_size);
    }
}

impl Piece for (Section, Option<u64>) {
    fn piece(&self) -> (&Section, Option<u64>) {
        (&self.0, None)
    }
}
