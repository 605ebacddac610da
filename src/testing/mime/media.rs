//! Content-Type and Content-Disposition: a word followed by parameters (RFC 2045 section 5.1, RFC
//! 2183 section 2).
//!
//! Parameters stay as in the message, including pieces and percent-encoding of RFC 2231: joining
//! those is up to the client (RFC 9051 section 7.5.2 does not mention them).

/// Names and values, in their order.
pub(super) type Params = Vec<(Vec<u8>, Vec<u8>)>;

/// A Content-Type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Media {
    pub(super) kind: Vec<u8>,
    pub(super) subtype: Vec<u8>,
    pub(super) params: Params,
}

impl Media {
    pub(super) fn new(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.into(), subtype: subtype.into(), params: Vec::new() }
    }

    /// The default for a part without a valid Content-Type (RFC 2045 section 5.2).
    pub(super) fn plain() -> Self {
        Self { params: vec![(b"charset".into(), b"us-ascii".into())], ..Self::new("text", "plain") }
    }

    /// Parses a Content-Type; `None` if invalid.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (word, params) = word_and_params(value);
        let at = word.iter().position(|b| *b == b'/')?;
        let (kind, subtype) = (word.get(..at)?.trim_ascii(), word.get(at + 1..)?.trim_ascii());
        let media = Self { kind: kind.to_vec(), subtype: subtype.to_vec(), params };
        (is_token(kind) && is_token(subtype)).then_some(media)
    }

    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.is_kind(kind) && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
    }

    /// Whether it is a message of its own (RFC 2046 section 5.2.1, RFC 6532 section 3.7).
    pub(super) fn is_message(&self) -> bool {
        self.is("message", "rfc822") || self.is("message", "global")
    }

    /// The value of this parameter.
    pub(super) fn param(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.params.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| &**value)
    }
}

/// `token` of RFC 2045 section 5.1.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(b))
}

/// The word, and the parameters. An unquoted value that is no token extends to the next `;`,
/// because mail programs write such values.
pub(super) fn word_and_params(value: &[u8]) -> (Vec<u8>, Params) {
    let mut pieces = pieces(value).into_iter();
    let word = pieces.next().map(|piece| piece.text).unwrap_or_default();
    let pair = |piece: Piece| {
        let equals = piece.equals?;
        let (name, value) = (piece.text.get(..equals)?, piece.text.get(equals..)?);
        let name = name.trim_ascii();
        let value = if piece.quoted { value } else { value.trim_ascii() };
        (!name.is_empty()).then(|| (name.to_vec(), value.to_vec()))
    };
    (word.trim_ascii().to_vec(), pieces.filter_map(pair).collect())
}

/// The text between two `;`, without comments and quotes.
#[derive(Default)]
struct Piece {
    text: Vec<u8>,
    /// The position in `text` where the value begins.
    equals: Option<usize>,
    /// Whether the value was quoted: then its spaces count, and text after it does not.
    quoted: bool,
}

fn pieces(value: &[u8]) -> Vec<Piece> {
    let (mut all, mut piece) = (Vec::new(), Piece::default());
    let (mut depth, mut in_quotes) = (0u32, false);
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_quotes || depth > 0 => {
                let escaped = bytes.next();
                piece.text.extend(escaped.filter(|_| in_quotes));
            }
            b'"' if in_quotes => in_quotes = false,
            // Text after a quoted value does not count.
            b'"' if depth == 0 && !piece.quoted => {
                in_quotes = true;
                if let Some(equals) = piece.equals {
                    piece.text.truncate(equals);
                    piece.quoted = true;
                }
            }
            _ if in_quotes => piece.text.push(byte),
            b'(' => depth = depth.saturating_add(1),
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            b';' => all.push(std::mem::take(&mut piece)),
            b'=' if piece.equals.is_none() && !all.is_empty() => piece.equals = Some(piece.text.len()),
            _ if piece.quoted => {}
            _ => piece.text.push(byte),
        }
    }
    all.push(piece);
    all
}
