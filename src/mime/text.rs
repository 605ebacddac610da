//! The text of a message as a string.
//!
//! In: a part of it, which is fetched and decoded. Out: [`Text`], and what had to be guessed or
//! left out.

use std::fmt;

use super::charset;
use crate::client::Mailbox;
use crate::error::Result;
use crate::types::{BodyPart, Part, Section, Uid};

/// A text of a message: from [`Content::text`](super::Content::text).
///
/// Its lines end in `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub(super) text: String,
    pub(super) part: Part,
    pub(super) is_html: bool,
    pub(super) charset: &'static str,
    pub(super) is_damaged: bool,
    pub(super) is_cut: bool,
}

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// Whether it is HTML. What it says may be made to deceive, and to fetch from elsewhere: show
    /// it in a place of its own.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.is_html
    }

    /// The number of its part.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The charset that it was decoded from, by its name in the WHATWG's list; where the message
    /// names none, or an unknown one, the one that it was found to be in.
    #[must_use]
    pub fn charset(&self) -> &'static str {
        self.charset
    }

    /// Whether there were bytes that mean nothing in this charset, and became U+FFFD.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether it is longer than [`Content::max_text`](super::Content::max_text) and ends there.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Fetches a part and decodes it.
pub(super) async fn read(
    mailbox: &Mailbox,
    uid: Uid,
    part: Option<&BodyPart<'_>>,
    max: usize,
) -> Result<Option<Text>> {
    let Some((part, number)) = part.and_then(|part| Some((part, part.number()?.clone()))) else {
        return Ok(None);
    };
    let is_html = part.is("text", "html");
    let declared = part.param("charset").map(|name| name.into_owned());
    let mut body = mailbox.body(uid, Section::Part(number.clone()));
    if let Some(size) = part.size() {
        body = body.expecting(size);
    }
    let encoding = part.encoding().unwrap_or_default().into_owned();
    let (bytes, is_cut) = collect(body, &encoding, max).await?;
    let decoded = charset::decode(&bytes, declared.as_deref(), is_html, is_cut);
    let text = decoded.text.replace("\r\n", "\n");
    let (charset, is_damaged) = (decoded.charset, decoded.is_damaged);
    Ok(Some(Text { text, part: number, is_html, charset, is_damaged, is_cut }))
}

/// The first bytes of a part, and whether there are more. A transfer encoding that no one knows
/// leaves them as they are: it is more often a wrong name of none than another one.
async fn collect(body: crate::client::Body, encoding: &str, max: usize) -> Result<(Vec<u8>, bool)> {
    let known = ["base64", "quoted-printable"].iter().any(|name| encoding.trim().eq_ignore_ascii_case(name));
    let mut body = body.decoded(if known { encoding } else { "" })?;
    let mut bytes = Vec::new();
    while let Some(more) = body.next().await {
        bytes.extend_from_slice(&more?);
        if bytes.len() > max {
            bytes.truncate(max);
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}
