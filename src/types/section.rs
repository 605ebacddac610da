//! A section of a message: `BODY[…]` in requests and in answers.

use std::fmt;
use std::str::FromStr;

use super::heap_size::{HeapSize, room};

/// The number of a MIME part: `1.2` is the second part within the first (RFC 9051 section 6.4.5.1).
/// [`BodyStructure::parts`](super::BodyStructure::parts) returns each part with its number.
///
/// ```
/// use imap_duplex::types::Part;
/// let part: Part = "1.2".parse().unwrap();
/// assert_eq!(part, Part::new(1).child(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// At least one number, none of them 0.
    numbers: Vec<u32>,
}

impl Part {
    /// The part with this number at the top; the first is 1, and 0 counts as 1.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { numbers: vec![number.max(1)] }
    }

    /// The part with this number within this one; the first is 1, and 0 counts as 1.
    #[must_use]
    pub fn child(&self, number: u32) -> Self {
        let mut numbers = Vec::with_capacity(self.numbers.len() + 1);
        numbers.extend_from_slice(&self.numbers);
        numbers.push(number.max(1));
        Self { numbers }
    }

    /// The numbers, outermost first; at least one.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    pub(crate) fn from_numbers(numbers: Vec<u32>) -> Option<Self> {
        (!numbers.is_empty() && numbers.iter().all(|&n| n != 0)).then_some(Self { numbers })
    }
}

impl HeapSize for Part {
    fn heap_size(&self) -> usize {
        room::<u32>(self.numbers.capacity())
    }
}

impl fmt::Display for Part {
    /// As on the wire: `1.2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.numbers.iter().enumerate() {
            write!(f, "{}{number}", if i == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

/// A text is not a valid part number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no number of a MIME part, such as 1.2")]
pub struct ParsePartError {
    text: String,
}

impl FromStr for Part {
    type Err = ParsePartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
            true => part.parse().ok(),
            false => None,
        };
        let numbers = text.split('.').map(number).collect::<Option<Vec<_>>>();
        numbers.and_then(Self::from_numbers).ok_or_else(|| ParsePartError { text: text.into() })
    }
}

/// A section of a message (RFC 9051 section 6.4.5, `section`).
///
/// Two sections are equal if they name the same data. Names of header fields are compared as a set,
/// without regard to case: servers sort them, change their case and omit repeated names.
///
/// ```
/// use imap_duplex::types::{Part, Section};
/// assert_eq!(Section::PartMime(Part::new(1).child(2)).to_string(), "1.2.MIME");
/// assert_eq!(Section::header_fields(["Subject", "List-Id"]).to_string(), "HEADER.FIELDS (Subject List-Id)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Section {
    /// The whole message, header and body: `BODY[]`, or `RFC822`.
    Full,
    /// The header: `BODY[HEADER]`, or `RFC822.HEADER`.
    Header,
    /// Some fields of the header: `BODY[HEADER.FIELDS (…)]`.
    HeaderFields(HeaderFields),
    /// The body, without the header: `BODY[TEXT]`, or `RFC822.TEXT`.
    Text,
    /// A MIME part's content, as it is encoded in the message: `BODY[1.2]`.
    Part(Part),
    /// A MIME part's own header: `BODY[1.2.MIME]`.
    PartMime(Part),
    /// The header of the message in this part: `BODY[1.2.HEADER]`.
    PartHeader(Part),
    /// Some fields of the header of the message in this part: `BODY[1.2.HEADER.FIELDS (…)]`.
    PartHeaderFields(Part, HeaderFields),
    /// The body of the message in this part: `BODY[1.2.TEXT]`.
    PartText(Part),
}

/// Names of header fields to include, or to exclude.
#[derive(Clone, Debug)]
pub struct HeaderFields {
    names: Vec<String>,
    not: bool,
}

impl HeaderFields {
    /// These fields, or with `not` all but these.
    pub(crate) fn new(names: Vec<String>, not: bool) -> Self {
        Self { names, not }
    }

    /// The names, as they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether all fields but these are meant (`HEADER.FIELDS.NOT`).
    #[must_use]
    pub fn is_not(&self) -> bool {
        self.not
    }
}

impl HeapSize for HeaderFields {
    fn heap_size(&self) -> usize {
        self.names.heap_size()
    }
}

impl PartialEq for HeaderFields {
    fn eq(&self, other: &Self) -> bool {
        if self.not != other.not {
            return false;
        }
        let as_written = self.names.len() == other.names.len()
            && self.names.iter().zip(&other.names).all(|(a, b)| a.eq_ignore_ascii_case(b));
        as_written || self.names_the_same(other)
    }
}

impl Eq for HeaderFields {}

impl std::hash::Hash for HeaderFields {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.not.hash(state);
        self.sorted().hash(state);
    }
}

impl HeaderFields {
    /// The names in lower case, each once.
    fn sorted(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether both list the same names. Only the shorter list is sorted: the server decides the
    /// length of the longer one.
    fn names_the_same(&self, other: &Self) -> bool {
        let self_is_shorter = self.names.len() < other.names.len();
        let (short, long) = if self_is_shorter { (self, other) } else { (other, self) };
        let short = short.sorted();
        let mut found = vec![false; short.len()];
        let all_known = long.names.iter().all(|name| {
            let place = short.binary_search(&name.to_ascii_lowercase());
            place.is_ok_and(|at| std::mem::replace(&mut found[at], true) || found[at])
        });
        all_known && found.iter().all(|found| *found)
    }
}

impl Section {
    /// These fields of the message's header.
    #[must_use]
    pub fn header_fields<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::HeaderFields(HeaderFields::new(names.into_iter().map(Into::into).collect(), false))
    }

    /// All fields of the message's header but these.
    #[must_use]
    pub fn header_fields_not<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::HeaderFields(HeaderFields::new(names.into_iter().map(Into::into).collect(), true))
    }

    /// The same section of the message in this part: `Section::Text.of(part)` is `BODY[1.2.TEXT]`.
    /// A section that has a part stays as it is.
    #[must_use]
    pub fn of(self, part: Part) -> Self {
        match self {
            Self::Full => Self::Part(part),
            Self::Header => Self::PartHeader(part),
            Self::HeaderFields(fields) => Self::PartHeaderFields(part, fields),
            Self::Text => Self::PartText(part),
            named => named,
        }
    }

    /// The part that it names; `None` for the whole message.
    #[must_use]
    pub fn part(&self) -> Option<&Part> {
        match self {
            Self::Full | Self::Header | Self::HeaderFields(_) | Self::Text => None,
            Self::Part(part)
            | Self::PartMime(part)
            | Self::PartHeader(part)
            | Self::PartHeaderFields(part, _)
            | Self::PartText(part) => Some(part),
        }
    }

    /// The header fields that it lists.
    #[must_use]
    pub fn fields(&self) -> Option<&HeaderFields> {
        match self {
            Self::HeaderFields(fields) | Self::PartHeaderFields(_, fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether `Display` can express it: if it lists names, at least one, and none with a character
    /// that is invalid in header field names (RFC 5322 section 3.6.8: printable ASCII but `:`).
    /// Requests for any other must be refused.
    pub(crate) fn is_writable(&self) -> bool {
        let fits = |name: &String| !name.is_empty() && name.bytes().all(is_field_char);
        self.fields().is_none_or(|fields| !fields.names.is_empty() && fields.names.iter().all(fits))
    }
}

fn is_field_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b':'
}

impl fmt::Display for Section {
    /// The text between the brackets of `BODY[…]`. A character that is invalid in field names is
    /// written as `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Ok(()),
            Self::Header => f.write_str("HEADER"),
            Self::HeaderFields(fields) => fields.fmt(f),
            Self::Text => f.write_str("TEXT"),
            Self::Part(part) => part.fmt(f),
            Self::PartMime(part) => write!(f, "{part}.MIME"),
            Self::PartHeader(part) => write!(f, "{part}.HEADER"),
            Self::PartHeaderFields(part, fields) => write!(f, "{part}.{fields}"),
            Self::PartText(part) => write!(f, "{part}.TEXT"),
        }
    }
}

impl fmt::Display for HeaderFields {
    /// As on the wire: `HEADER.FIELDS (Subject Date)`. Names are atoms where possible: some servers
    /// require that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_str(if self.not { "HEADER.FIELDS.NOT (" } else { "HEADER.FIELDS (" })?;
        for (i, name) in self.names.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            // The characters of an unquoted astring, except `]`, which a sloppy parser takes for
            // the end of the section (RFC 9051 section 9).
            let is_atom = |b: u8| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b);
            let quoted = name.is_empty() || !name.bytes().all(is_atom);
            if quoted {
                f.write_str("\"")?;
            }
            for c in name.chars() {
                let c = if u8::try_from(c).is_ok_and(is_field_char) { c } else { '?' };
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                f.write_char(c)?;
            }
            if quoted {
                f.write_str("\"")?;
            }
        }
        f.write_str(")")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Section {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_are_read_and_written() {
        assert_eq!("4.2.1".parse::<Part>().unwrap().to_string(), "4.2.1");
        for text in ["", "0", "1.", ".1", "1.0", "+1", "a", "4294967296"] {
            assert!(text.parse::<Part>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_of_fields_are_compared_without_case() {
        assert_eq!(Section::header_fields(["Subject", "DATE"]), Section::header_fields(["SUBJECT", "Date"]));
        assert_ne!(Section::header_fields(["Date"]), Section::header_fields_not(["Date"]));
    }

    #[test]
    fn names_of_fields_are_compared_as_a_set() {
        use std::hash::{BuildHasher, RandomState};
        let hasher = RandomState::new();
        let requested = Section::header_fields(["Subject", "From", "to"]);
        for same in [
            &["FROM", "SUBJECT", "TO"][..],
            &["to", "from", "TO", "subject", "From"],
            &["To", "Subject", "From"],
        ] {
            let same = Section::header_fields(same.iter().copied());
            assert_eq!(requested, same);
            assert_eq!(same, requested);
            assert_eq!(hasher.hash_one(&requested), hasher.hash_one(&same));
        }
        for other in [&["From", "Subject"][..], &["From", "Subject", "Subject"], &["From", "To", "Cc"], &[]] {
            assert_ne!(requested, Section::header_fields(other.iter().copied()));
            assert_ne!(Section::header_fields(other.iter().copied()), requested);
        }
    }

    #[test]
    fn is_written_as_the_wire_has_it() {
        let part = Part::new(3).child(1);
        let cases = [
            (Section::Full, ""),
            (Section::Header, "HEADER"),
            (Section::Text.of(part.clone()), "3.1.TEXT"),
            (Section::Full.of(part.clone()), "3.1"),
            (Section::Header.of(part.clone()), "3.1.HEADER"),
            (Section::header_fields_not(["A", "b[]"]).of(part), "3.1.HEADER.FIELDS.NOT (A \"b[]\")"),
        ];
        for (section, text) in cases {
            assert_eq!(section.to_string(), text);
            assert!(section.is_writable());
        }
    }

    #[test]
    fn a_name_cannot_smuggle_a_command() {
        let section = Section::header_fields(["X)\r\nA1 DELETE INBOX", "a\"b\\c"]);
        assert!(!section.is_writable());
        assert_eq!(section.to_string(), r#"HEADER.FIELDS ("X)??A1?DELETE?INBOX" "a\"b\\c")"#);
        assert!(!Section::header_fields(Vec::<String>::new()).is_writable());
    }
}
