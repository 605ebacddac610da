//! The tree of a message's MIME parts: the content of BODYSTRUCTURE.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::disposition::{Disposition, Params, skip_params};
use super::envelope::Envelope;
use super::header_text::{self, HeaderText};
use super::section::Part;
use super::text_arena::{Reader, lossy};

/// The MIME parts of a message, without their contents (RFC 9051 section 7.5.2, `BODYSTRUCTURE`, or
/// its short form `BODY`, which lacks disposition, language and location).
///
/// ```
/// use imap_duplex::types::{BodyStructureBuilder, Part};
/// let text = BodyStructureBuilder::new("text", "plain").param("charset", "utf-8").size(42).build();
/// let picture = BodyStructureBuilder::new("image", "png").encoding("base64").size(9000).build();
/// let message = BodyStructureBuilder::multipart("mixed", [text, picture]).build();
///
/// for part in message.parts().filter(|part| part.is("text", "plain")) {
///     assert_eq!(part.number(), Some(&Part::new(1)));
///     assert_eq!(part.param("charset").as_deref(), Some("utf-8"));
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BodyStructure {
    /// One packed node. A node is a block: the mark of its kind, then
    /// - [`LEAF`]: type, subtype, parameters, id, description, encoding, size, then 0, or 1 and a
    ///   block that is the message within: a block with its envelope (empty for none), and its
    ///   node, if any; lines, MD5;
    /// - [`MULTIPART`]: a block that holds its children's nodes; subtype, parameters;
    ///
    /// and in either case disposition, languages, location, and extension data. Parameters are a 1,
    /// name and value each, then a 0; languages the same with one text each; a disposition is 0, or
    /// 1, its kind and its parameters.
    packed: Bytes,
}

pub(crate) const LEAF: u8 = 0;
pub(crate) const MULTIPART: u8 = 1;

impl BodyStructure {
    /// A tree packed in the format described at the field.
    pub(crate) fn from_packed(packed: Bytes) -> Self {
        Self { packed }
    }

    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// The part that holds all others: the message's content as a whole.
    #[must_use]
    pub fn root(&self) -> BodyPart<'_> {
        let node = Reader::new(&self.packed).block();
        BodyPart::within(&self.packed, node, None)
    }

    /// All parts in the order of the message, each before the parts within it.
    #[must_use]
    pub fn parts(&self) -> BodyParts<'_> {
        BodyParts { waiting: vec![self.root()] }
    }

    /// The part with this number.
    #[must_use]
    pub fn part(&self, number: &Part) -> Option<BodyPart<'_>> {
        self.parts().find(|part| part.number() == Some(number))
    }
}

impl fmt::Debug for BodyStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BodyStructure {
    /// A flat list of the parts, as [`BodyStructure::parts`] returns them.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.parts())
    }
}

/// Iterator over the parts of a [`BodyStructure`], each before the parts within it.
#[derive(Clone, Debug)]
pub struct BodyParts<'a> {
    /// A stack: the next part is the last.
    waiting: Vec<BodyPart<'a>>,
}

impl<'a> Iterator for BodyParts<'a> {
    type Item = BodyPart<'a>;

    fn next(&mut self) -> Option<BodyPart<'a>> {
        let part = self.waiting.pop()?;
        let first = self.waiting.len();
        self.waiting.extend(part.children());
        self.waiting.extend(part.body());
        if let Some(added) = self.waiting.get_mut(first..) {
            added.reverse();
        }
        Some(part)
    }
}

/// One MIME part of a [`BodyStructure`].
#[derive(Clone)]
pub struct BodyPart<'a> {
    /// The whole tree's bytes, which an [`Envelope`] within it shares.
    all: &'a Bytes,
    node: &'a [u8],
    number: Option<Part>,
    /// The first numbers of its children's part numbers.
    prefix: Option<Part>,
}

impl<'a> BodyPart<'a> {
    /// The outermost part of a message (with no `number`), or of the message in the part `number`.
    /// A multipart in that place has no number of its own, any other part is 1 (RFC 9051 section
    /// 6.4.5.1).
    fn within(all: &'a Bytes, node: &'a [u8], number: Option<&Part>) -> Self {
        let mut part = Self { all, node, number: None, prefix: number.cloned() };
        if !part.is_nested() {
            part.number = Some(number.map_or_else(|| Part::new(1), |number| number.child(1)));
        }
        part
    }

    /// Its number, for fetching it: `Section::Part(number)`. `None` for a multipart that is the
    /// content of a whole message: only the parts within it have numbers.
    #[must_use]
    pub fn number(&self) -> Option<&Part> {
        self.number.as_ref()
    }

    /// Whether it has parts of its own (`multipart/…`).
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.is_nested() || self.read().media_type.eq_ignore_ascii_case(b"multipart")
    }

    /// Its media type, the part before the slash, as the server spelt it: `text`; empty if the
    /// server did not say.
    #[must_use]
    pub fn media_type(&self) -> Cow<'a, str> {
        lossy(self.read().media_type)
    }

    /// Its media subtype, the part after the slash: `plain`; empty if the server did not say.
    #[must_use]
    pub fn subtype(&self) -> Cow<'a, str> {
        lossy(self.read().subtype)
    }

    /// Whether it has this media type and subtype, regardless of case.
    #[must_use]
    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        let mine = self.read();
        mine.media_type.eq_ignore_ascii_case(media_type.as_bytes())
            && mine.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// The parameters of its Content-Type, such as `charset` and `name`.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::read(self.read().params)
    }

    /// The value of this parameter; the name's case does not matter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.params().find_value(name)
    }

    /// Its Content-ID, with its angle brackets.
    #[must_use]
    pub fn id(&self) -> Option<Cow<'a, str>> {
        self.read().id.map(lossy)
    }

    /// Its Content-Description, RFC 2047 words decoded.
    #[must_use]
    pub fn description(&self) -> Option<Cow<'a, str>> {
        self.read().description.map(|text| HeaderText::decode(text).into_text())
    }

    /// Its file name, decoded (RFC 2231, RFC 2047): that of its disposition, else the `name` of its
    /// Content-Type. The author of the message chose it: never follow a path in it.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        let disposition = self.disposition();
        let params = disposition.iter().flat_map(Disposition::params);
        header_text::parameter(params, "filename").or_else(|| header_text::parameter(self.params(), "name"))
    }

    /// Its content transfer encoding: `7BIT`, `BASE64`, `QUOTED-PRINTABLE`.
    #[must_use]
    pub fn encoding(&self) -> Option<Cow<'a, str>> {
        self.read().encoding.map(lossy)
    }

    /// The size of its content in bytes, as encoded.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.read().size
    }

    /// The number of lines of its content, if it is a text or a message.
    #[must_use]
    pub fn lines(&self) -> Option<u64> {
        self.read().lines
    }

    /// Its Content-MD5.
    #[must_use]
    pub fn md5(&self) -> Option<Cow<'a, str>> {
        self.read().md5.map(lossy)
    }

    /// How to present it: as an attachment or inline.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition<'a>> {
        let mut reader = self.read().rest;
        (reader.mark() != 0).then(|| Disposition::read(reader))
    }

    /// Its languages, as RFC 5646 names them: `en`, `de-AT`.
    pub fn languages(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let mut reader = self.read().rest;
        skip_disposition(&mut reader);
        std::iter::from_fn(move || {
            let more = reader.mark() != 0;
            more.then(|| lossy(reader.string().unwrap_or_default()))
        })
        .fuse()
    }

    /// Its Content-Location.
    #[must_use]
    pub fn location(&self) -> Option<Cow<'a, str>> {
        self.after_languages().string().map(lossy)
    }

    /// Further extension data, as the server wrote it.
    #[must_use]
    pub fn extension(&self) -> Option<Cow<'a, str>> {
        let mut reader = self.after_languages();
        reader.string();
        reader.string().map(lossy)
    }

    /// The parts within it, if it is a multipart.
    pub fn children(&self) -> impl Iterator<Item = BodyPart<'a>> + use<'a> {
        let (all, prefix) = (self.all, self.prefix.clone());
        let mut reader = Reader::new(self.read().children);
        (1..).map_while(move |i| {
            let number = prefix.as_ref().map_or_else(|| Part::new(i), |prefix| prefix.child(i));
            let at_end = reader.is_at_end();
            let node = reader.block();
            (!at_end).then(|| BodyPart { all, node, prefix: Some(number.clone()), number: Some(number) })
        })
    }

    /// The envelope of the message that this part is (`message/rfc822`).
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        let packed = Reader::new(self.read().message?).block();
        (!packed.is_empty()).then(|| Envelope::from_packed(self.all.slice_ref(packed)))
    }

    /// The content of the message that this part is (`message/rfc822`).
    #[must_use]
    pub fn body(&self) -> Option<BodyPart<'a>> {
        let mut reader = Reader::new(self.read().message?);
        reader.block();
        let node = reader.block();
        (!node.is_empty()).then(|| BodyPart::within(self.all, node, self.number.as_ref()))
    }

    fn is_nested(&self) -> bool {
        Reader::new(self.node).mark() == MULTIPART
    }

    fn after_languages(&self) -> Reader<'a> {
        let mut reader = self.read().rest;
        skip_disposition(&mut reader);
        while reader.mark() != 0 {
            reader.string();
        }
        reader
    }

    fn read(&self) -> Fields<'a> {
        let mut reader = Reader::new(self.node);
        let mut fields = Fields {
            media_type: b"multipart",
            subtype: b"",
            params: Reader::new(b""),
            id: None,
            description: None,
            encoding: None,
            size: None,
            message: None,
            lines: None,
            md5: None,
            children: b"",
            rest: Reader::new(b""),
        };
        if reader.mark() == MULTIPART {
            fields.children = reader.block();
            fields.subtype = reader.string().unwrap_or_default();
            fields.params = reader;
            skip_params(&mut reader);
        } else {
            fields.media_type = reader.string().unwrap_or_default();
            fields.subtype = reader.string().unwrap_or_default();
            fields.params = reader;
            skip_params(&mut reader);
            fields.id = reader.string();
            fields.description = reader.string();
            fields.encoding = reader.string();
            fields.size = reader.number();
            fields.message = (reader.mark() != 0).then(|| reader.block());
            fields.lines = reader.number();
            fields.md5 = reader.string();
        }
        fields.rest = reader;
        fields
    }
}

/// The fields of a node, each unread.
struct Fields<'a> {
    media_type: &'a [u8],
    subtype: &'a [u8],
    params: Reader<'a>,
    id: Option<&'a [u8]>,
    description: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    size: Option<u64>,
    /// Envelope and node.
    message: Option<&'a [u8]>,
    lines: Option<u64>,
    md5: Option<&'a [u8]>,
    children: &'a [u8],
    /// Disposition, languages, location, extension.
    rest: Reader<'a>,
}

fn skip_disposition(reader: &mut Reader<'_>) {
    if reader.mark() != 0 {
        reader.string();
        skip_params(reader);
    }
}

impl fmt::Debug for BodyPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.as_ref().map_or_else(|| "-".to_owned(), Part::to_string);
        write!(f, "{number} {}/{} {:?}", self.media_type(), self.subtype(), self.size())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BodyPart<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("BodyPart", 13)?;
        out.serialize_field("number", &self.number())?;
        out.serialize_field("type", &self.media_type())?;
        out.serialize_field("subtype", &self.subtype())?;
        out.serialize_field("params", &self.params())?;
        out.serialize_field("id", &self.id())?;
        out.serialize_field("description", &self.description())?;
        out.serialize_field("encoding", &self.encoding())?;
        out.serialize_field("size", &self.size())?;
        out.serialize_field("lines", &self.lines())?;
        out.serialize_field("envelope", &self.envelope())?;
        out.serialize_field("disposition", &self.disposition())?;
        out.serialize_field("languages", &self.languages().collect::<Vec<_>>())?;
        out.serialize_field("location", &self.location())?;
        out.end()
    }
}
