//! The text of a message that is here as a whole, and HTML as plain text.
//!
//! In: the bytes of a message. Out: [`Text`], found by the same rules as that of a message at the
//! server.

use std::borrow::Cow;

use bytes::Bytes;
use mail_parser::decoders::html::html_to_text;
use mail_parser::{Message, MessageParser, PartType};

use super::layout::Layout;
use super::text::Text;
use super::{charset, whole};
use crate::client::decode_whole;
use crate::types::Part;

impl Text {
    /// The text of a message from its bytes, header and body, as [`Content::text`] finds it at the
    /// server: plain where the message has that, else as it is; `None` if it has none.
    ///
    /// [`Content::text`]: super::Content::text
    ///
    /// ```
    /// use imap_duplex::mime::Text;
    /// let message = b"Content-Type: text/plain; charset=utf-8\r\n\r\nAt noon?\r\n";
    /// assert_eq!(Text::of_message(&message[..]).unwrap().as_str(), "At noon?\n");
    /// ```
    #[must_use]
    pub fn of_message(message: impl AsRef<[u8]>) -> Option<Self> {
        let bytes = message.as_ref();
        let structure = whole::structure_of(bytes);
        let layout = Layout::of(&structure);
        let part = layout.plain()?;
        let number = part.number()?.clone();
        let parsed = MessageParser::new().parse(bytes)?;
        let encoded = bytes_of(&parsed, bytes, &number)?;
        let decoded = decode_whole(Bytes::copy_from_slice(encoded), &part.encoding().unwrap_or_default());
        let is_html = part.is("text", "html");
        let declared = part.param("charset");
        let found = charset::decode(&decoded, declared.as_deref(), is_html, false);
        Some(Self {
            text: found.text.replace("\r\n", "\n"),
            part: number,
            is_html,
            charset: found.charset,
            is_damaged: found.is_damaged,
            is_cut: false,
        })
    }

    /// The text as plain text: HTML without its tags, scripts and styles.
    ///
    /// ```
    /// use imap_duplex::mime::Text;
    /// let message = b"Content-Type: text/html\r\n\r\n<p>At <b>noon</b>?</p>";
    /// assert_eq!(Text::of_message(&message[..]).unwrap().to_plain().trim(), "At noon?");
    /// ```
    #[must_use]
    pub fn to_plain(&self) -> Cow<'_, str> {
        if self.is_html { Cow::Owned(html_to_text(&self.text)) } else { Cow::Borrowed(&self.text) }
    }
}

/// The bytes of a part, still encoded.
fn bytes_of<'b>(message: &Message<'_>, bytes: &'b [u8], number: &Part) -> Option<&'b [u8]> {
    let mut index = 0;
    if matches!(message.parts.first()?.body, PartType::Multipart(_)) {
        for step in number.to_string().split('.') {
            let PartType::Multipart(children) = &message.parts.get(index)?.body else { return None };
            let step: usize = step.parse().ok()?;
            index = usize::try_from(*children.get(step.checked_sub(1)?)?).ok()?;
        }
    }
    let part = message.parts.get(index)?;
    let place = |offset: u32| usize::try_from(offset).ok();
    bytes.get(place(part.raw_body_offset())?..place(part.raw_end_offset())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> Option<String> {
        Text::of_message(message).map(|text| text.to_plain().trim().to_owned())
    }

    #[test]
    fn the_text_is_that_of_its_part() {
        let alternatives = "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\
            Content-Type: multipart/alternative; boundary=a\r\n\r\n\
            --a\r\nContent-Type: text/html\r\n\r\n<p>as HTML</p>\r\n\
            --a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            gr=FC=\r\nn\r\n--a--\r\n\
            --m\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n--m--\r\n";
        assert_eq!(text(alternatives).as_deref(), Some("grün"));
        let encoded = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nZ3LDvG4=\r\n";
        assert_eq!(text(encoded).as_deref(), Some("grün"));
        assert_eq!(text("Subject: bare\r\n\r\nline\r\n").as_deref(), Some("line"));
        let html = "Content-Type: text/html\r\n\r\n<style>p {}</style><p>a &amp; b</p>";
        assert_eq!(text(html).as_deref(), Some("a & b"));
    }

    #[test]
    fn what_is_no_text_is_none() {
        let picture = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n";
        assert_eq!(text(picture), None);
        // Whatever the bytes are, there is no panic.
        for cut in 0..picture.len() {
            _ = text(&picture[..cut]);
        }
    }
}
