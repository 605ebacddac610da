//! Annotations of messages (ANNOTATE, RFC 5257), and what prevents storing one.

use std::fmt;

use bytes::Bytes;

use super::message::Message;

/// Whose an annotation is (RFC 5257 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum AnnotationScope {
    /// The user's own: `.priv`.
    Private,
    /// Everyone's who can read the mailbox: `.shared`.
    Shared,
}

impl AnnotationScope {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Private => ".priv",
            Self::Shared => ".shared",
        }
    }
}

/// One annotation of a message: an item of [`Message::annotations`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// Its name: `/comment`, or `/2/comment` for one of part 2. Case matters.
    pub entry: String,
    /// Its attributes, by the names that the server gives them: `value.priv`, `size.shared`; `None`
    /// for NIL. There are none where the server only reports that it has changed.
    pub attributes: Vec<(String, Option<Bytes>)>,
}

impl Annotation {
    pub(crate) fn new(entry: String, attributes: Vec<(String, Option<Bytes>)>) -> Self {
        Self { entry, attributes }
    }

    fn attribute(&self, name: &str, scope: AnnotationScope) -> Option<&Bytes> {
        let is_it = |given: &str| given.strip_prefix(name).is_some_and(|rest| rest == scope.suffix());
        self.attributes.iter().find(|(given, _)| is_it(&given.to_ascii_lowercase()))?.1.as_ref()
    }

    /// Its value: UTF-8 as a rule, but any bytes are allowed. `None` if there is none, or it was
    /// not asked for.
    #[must_use]
    pub fn value(&self, scope: AnnotationScope) -> Option<&Bytes> {
        self.attribute("value", scope)
    }

    /// The size of its value in bytes, 0 without one. `None` if it was not asked for.
    #[must_use]
    pub fn size(&self, scope: AnnotationScope) -> Option<u64> {
        std::str::from_utf8(self.attribute("size", scope)?).ok()?.parse().ok()
    }
}

impl Message {
    /// Its annotations (RFC 5257), as far as they were asked for; names alone where the server
    /// reports that others have changed them.
    #[must_use]
    pub fn annotations(&self) -> &[Annotation] {
        let extras = self.extras.as_ref();
        extras.and_then(|extras| extras.annotations.as_deref()).unwrap_or_default()
    }

    /// The value of the annotation of this name: `/comment`.
    #[must_use]
    pub fn annotation(&self, entry: &str, scope: AnnotationScope) -> Option<&Bytes> {
        self.annotations().iter().filter(|one| one.entry == entry).find_map(|one| one.value(scope))
    }
}

/// What annotations a mailbox can have (RFC 5257 section 4.1): in the code `ANNOTATIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AnnotationSupport {
    /// The largest value, in bytes; `None` if they can only be read.
    pub max_size: Option<u64>,
    /// Whether there are private ones as well as shared ones.
    pub has_private: bool,
}

impl AnnotationSupport {
    pub(crate) fn new(max_size: Option<u64>, has_private: bool) -> Self {
        Self { max_size, has_private }
    }
}

impl fmt::Display for AnnotationSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max_size {
            Some(bytes) => write!(f, "{bytes}")?,
            None => f.write_str("READ-ONLY")?,
        }
        if self.has_private { Ok(()) } else { f.write_str(" NOPRIVATE") }
    }
}

/// `ANNOTATE` as a response code: why an annotation was not stored (RFC 5257 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum AnnotateCode {
    /// `TOOBIG`: its value is too large.
    TooBig,
    /// `TOOMANY`: the message can have no more.
    TooMany,
}

impl fmt::Display for AnnotateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooBig => "TOOBIG",
            Self::TooMany => "TOOMANY",
        })
    }
}
