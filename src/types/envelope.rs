//! The envelope: a message's main header fields, as the server parsed them.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::header_date;
use super::header_text::HeaderText;
use super::text_arena::{Reader, lossy};
use super::timestamp::Timestamp;

/// The main header fields of a message (RFC 9051 section 7.5.2, `ENVELOPE`): what a list of
/// messages shows.
///
/// A field is `None` where the message has none. In texts for people (subject and names) RFC 2047
/// words (`=?utf-8?q?caf=C3=A9?=`) are decoded; bytes that are not UTF-8 become U+FFFD.
///
/// ```
/// use imap_duplex::types::{Envelope, EnvelopeBuilder};
/// let envelope: Envelope = EnvelopeBuilder::new().subject("Lunch?").from("Ann", "ann", "example.org").build();
/// assert_eq!(envelope.subject().as_deref(), Some("Lunch?"));
/// assert_eq!(envelope.from().next().unwrap().email().as_deref(), Some("ann@example.org"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Packed, in this order: date, subject, the six lists of addresses, In-Reply-To, Message-ID.
    /// A list is a 1 and name, mailbox, host for each address, then a 0.
    packed: Bytes,
}

/// The lists of addresses, in their order in the envelope.
pub(super) const FROM: usize = 0;
pub(super) const SENDER: usize = 1;
pub(super) const REPLY_TO: usize = 2;
pub(super) const TO: usize = 3;
pub(super) const CC: usize = 4;
pub(super) const BCC: usize = 5;
pub(super) const LISTS: usize = 6;

impl Envelope {
    /// An envelope packed in the order described at the field.
    pub(crate) fn from_packed(packed: Bytes) -> Self {
        Self { packed }
    }

    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// When it was written, with its author's time zone; `None` also if its date can't be parsed.
    #[must_use]
    pub fn sent(&self) -> Option<Timestamp> {
        header_date::read(Reader::new(&self.packed).string()?)
    }

    /// The text of its `Date:` field.
    #[must_use]
    pub fn date(&self) -> Option<Cow<'_, str>> {
        Reader::new(&self.packed).string().map(lossy)
    }

    /// Its subject. Words in an unknown charset stay encoded: [`subject_text`](Self::subject_text)
    /// has them.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        self.subject_text().map(HeaderText::into_text)
    }

    /// Its subject, and which charsets could not be decoded.
    #[must_use]
    pub fn subject_text(&self) -> Option<HeaderText<'_>> {
        self.subject_raw().map(HeaderText::decode)
    }

    /// Its subject, in the server's bytes.
    #[must_use]
    pub fn subject_raw(&self) -> Option<&[u8]> {
        let mut reader = Reader::new(&self.packed);
        reader.string();
        reader.string()
    }

    /// The authors.
    #[must_use]
    pub fn from(&self) -> Addresses<'_> {
        self.list(FROM)
    }

    /// Who sent it, where that is not the author: a secretary, a mailing list. Servers repeat
    /// [`from`](Self::from) here if the message does not say.
    #[must_use]
    pub fn sender(&self) -> Addresses<'_> {
        self.list(SENDER)
    }

    /// Where replies are to be sent. Servers repeat [`from`](Self::from) here if the message does
    /// not say.
    #[must_use]
    pub fn reply_to(&self) -> Addresses<'_> {
        self.list(REPLY_TO)
    }

    /// The recipients.
    #[must_use]
    pub fn to(&self) -> Addresses<'_> {
        self.list(TO)
    }

    /// The recipients of a copy.
    #[must_use]
    pub fn cc(&self) -> Addresses<'_> {
        self.list(CC)
    }

    /// The recipients of a blind copy.
    #[must_use]
    pub fn bcc(&self) -> Addresses<'_> {
        self.list(BCC)
    }

    /// The Message-ID of the message that it replies to, with its angle brackets.
    #[must_use]
    pub fn in_reply_to(&self) -> Option<Cow<'_, str>> {
        self.after_lists().string().map(lossy)
    }

    /// Its own Message-ID, with its angle brackets.
    #[must_use]
    pub fn message_id(&self) -> Option<Cow<'_, str>> {
        let mut reader = self.after_lists();
        reader.string();
        reader.string().map(lossy)
    }

    fn list(&self, which: usize) -> Addresses<'_> {
        let mut reader = Reader::new(&self.packed);
        reader.string();
        reader.string();
        for _ in 0..which {
            skip_list(&mut reader);
        }
        Addresses { reader, group: None, done: false }
    }

    fn after_lists(&self) -> Reader<'_> {
        let mut reader = self.list(0).reader;
        for _ in 0..LISTS {
            skip_list(&mut reader);
        }
        reader
    }
}

fn skip_list(reader: &mut Reader<'_>) {
    while reader.mark() != 0 {
        for _ in 0..3 {
            reader.string();
        }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |which| self.list(which).collect::<Vec<_>>();
        f.debug_struct("Envelope")
            .field("date", &self.date())
            .field("subject", &self.subject())
            .field("from", &list(FROM))
            .field("sender", &list(SENDER))
            .field("reply_to", &list(REPLY_TO))
            .field("to", &list(TO))
            .field("cc", &list(CC))
            .field("bcc", &list(BCC))
            .field("in_reply_to", &self.in_reply_to())
            .field("message_id", &self.message_id())
            .finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Envelope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Envelope", 10)?;
        out.serialize_field("date", &self.date())?;
        out.serialize_field("subject", &self.subject())?;
        let names = ["from", "sender", "reply_to", "to", "cc", "bcc"];
        for (which, name) in names.into_iter().enumerate() {
            out.serialize_field(name, &self.list(which).collect::<Vec<_>>())?;
        }
        out.serialize_field("in_reply_to", &self.in_reply_to())?;
        out.serialize_field("message_id", &self.message_id())?;
        out.end()
    }
}

/// The addresses of one field of an [`Envelope`], in their order.
///
/// A group (`friends: a@example.org, b@example.org;`) is an entry of its own
/// ([`Address::is_group`]), followed by its members, which name it in [`Address::group`].
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    reader: Reader<'a>,
    group: Option<&'a [u8]>,
    done: bool,
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Address<'a>;

    fn next(&mut self) -> Option<Address<'a>> {
        loop {
            if self.done || self.reader.mark() == 0 {
                self.done = true;
                return None;
            }
            let (name, mailbox, host) = (self.reader.string(), self.reader.string(), self.reader.string());
            // RFC 9051 section 7.5.2: a group begins with its name as the mailbox and no host, and
            // ends with neither.
            match (name, mailbox, host) {
                (None, None, None) => self.group = None,
                (_, Some(group), None) => {
                    self.group = Some(group);
                    return Some(Address { name, mailbox: None, host, group: self.group });
                }
                _ => return Some(Address { name, mailbox, host, group: self.group }),
            }
        }
    }
}

/// One address of an [`Envelope`], or the head of a group of addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    name: Option<&'a [u8]>,
    mailbox: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    group: Option<&'a [u8]>,
}

impl<'a> Address<'a> {
    /// The person's name, `Ann Example`. Words in an unknown charset stay encoded:
    /// [`name_text`](Self::name_text) has them.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        self.name_text().map(HeaderText::into_text)
    }

    /// The name, and which charsets could not be decoded.
    #[must_use]
    pub fn name_text(&self) -> Option<HeaderText<'a>> {
        self.name.map(HeaderText::decode)
    }

    /// The name, in the server's bytes.
    #[must_use]
    pub fn name_raw(&self) -> Option<&'a [u8]> {
        self.name
    }

    /// The part before the `@`.
    #[must_use]
    pub fn mailbox(&self) -> Option<Cow<'a, str>> {
        self.mailbox.map(lossy)
    }

    /// The part after the `@`. Some servers write a placeholder such as `.MISSING-HOST-NAME.` where
    /// the message has none.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'a, str>> {
        self.host.map(lossy)
    }

    /// `mailbox@host`, if both are present.
    #[must_use]
    pub fn email(&self) -> Option<String> {
        Some(format!("{}@{}", self.mailbox()?, self.host()?))
    }

    /// The name of the group that this is the head or a member of.
    #[must_use]
    pub fn group(&self) -> Option<Cow<'a, str>> {
        self.group.map(|name| HeaderText::decode(name).into_text())
    }

    /// Whether this is the head of a group and no address: `undisclosed-recipients:;` is a head
    /// without members.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.group.is_some() && self.mailbox.is_none() && self.host.is_none()
    }
}

impl fmt::Display for Address<'_> {
    /// For people: `Ann Example <ann@example.org>`, `friends:` for the head of a group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_group() {
            return write!(f, "{}:", self.group().unwrap_or_default());
        }
        match (self.name(), self.email().map(Cow::Owned).or(self.mailbox())) {
            (Some(name), Some(email)) => write!(f, "{name} <{email}>"),
            (Some(text), None) | (None, Some(text)) => f.write_str(&text),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Address<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Address", 4)?;
        out.serialize_field("name", &self.name())?;
        out.serialize_field("mailbox", &self.mailbox())?;
        out.serialize_field("host", &self.host())?;
        out.serialize_field("group", &self.group())?;
        out.end()
    }
}
