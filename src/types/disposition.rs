//! Parameters of MIME parts, and their disposition.

use std::borrow::Cow;

use super::text_arena::{Reader, lossy};

/// How to present a part (RFC 2183).
#[derive(Clone, Debug)]
pub struct Disposition<'a> {
    kind: &'a [u8],
    params: Params<'a>,
}

impl<'a> Disposition<'a> {
    /// Reads the packed kind and parameters.
    pub(super) fn read(mut reader: Reader<'a>) -> Self {
        Self { kind: reader.string().unwrap_or_default(), params: Params { reader } }
    }

    /// `attachment` or `inline`, as the server spelt it.
    #[must_use]
    pub fn kind(&self) -> Cow<'a, str> {
        lossy(self.kind)
    }

    /// Whether the part is an attachment.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.kind.eq_ignore_ascii_case(b"attachment")
    }

    /// Its parameters, such as `filename` and `size`.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params.clone()
    }

    /// The value of this parameter; the name's case does not matter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.params().find_value(name)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Disposition<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Disposition", 2)?;
        out.serialize_field("kind", &self.kind())?;
        out.serialize_field("params", &self.params())?;
        out.end()
    }
}

/// The parameters of a part or of its disposition: name and value, in their order. A missing value
/// is empty.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    reader: Reader<'a>,
}

impl<'a> Params<'a> {
    /// Reads packed parameters: a 1, name and value each, then a 0.
    pub(super) fn read(reader: Reader<'a>) -> Self {
        Self { reader }
    }

    /// The first value of this name, regardless of case.
    pub(super) fn find_value(mut self, name: &str) -> Option<Cow<'a, str>> {
        self.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut next = self.reader;
        // The closing 0 is not consumed, so that the next call returns `None` again.
        (next.mark() != 0).then(|| {
            let mut text = || lossy(next.string().unwrap_or_default());
            let pair = (text(), text());
            self.reader = next;
            pair
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Params<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.clone())
    }
}

/// Skips packed parameters.
pub(super) fn skip_params(reader: &mut Reader<'_>) {
    while reader.mark() != 0 {
        reader.string();
        reader.string();
    }
}
