//! An attachment: what is known of it, and how to read it.
//!
//! In: a part of a message's structure. Out: [`Attachment`], which can be kept and read later.

use super::layout::Found;
use crate::client::{DecodedBody, Mailbox};
use crate::error::Result;
use crate::types::{Part, Section, Uid};

/// What is attached to a message: from [`Content::attachments`](super::Content::attachments).
///
/// ```no_run
/// # async fn example(inbox: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> Result<(), Box<dyn std::error::Error>> {
/// for attachment in inbox.content(uid).await?.attachments() {
///     // Its name is the author's: it may be a path.
///     let mut file = tokio::fs::File::create(format!("{uid}-{}", attachment.part())).await?;
///     tokio::io::copy_buf(&mut attachment.read()?, &mut file).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Attachment {
    mailbox: Mailbox,
    uid: Uid,
    part: Part,
    media_type: String,
    name: Option<String>,
    content_id: Option<String>,
    is_inline: bool,
    encoding: String,
    encoded_size: Option<u64>,
}

impl Attachment {
    pub(super) fn new(mailbox: &Mailbox, uid: Uid, found: &Found<'_>) -> Self {
        let part = &found.part;
        let (kind, subtype) = (part.media_type(), part.subtype());
        let id = part.id().map(|id| id.trim().trim_start_matches('<').trim_end_matches('>').to_owned());
        let disposition = part.disposition();
        let is_attachment = disposition.as_ref().is_some_and(|it| it.is_attachment());
        let says_inline = disposition.as_ref().is_some_and(|it| it.kind().eq_ignore_ascii_case("inline"));
        let is_referred_to = found.is_related && id.is_some();
        Self {
            mailbox: mailbox.clone(),
            uid,
            part: part.number().cloned().unwrap_or_else(|| Part::new(1)),
            media_type: format!("{kind}/{subtype}").to_ascii_lowercase(),
            name: part.file_name().filter(|name| !name.is_empty()),
            content_id: id.filter(|id| !id.is_empty()),
            is_inline: !is_attachment && (says_inline || is_referred_to),
            encoding: part.encoding().unwrap_or_default().into_owned(),
            encoded_size: part.size(),
        }
    }

    /// Its bytes, decoded while they are read; nothing is asked for before that.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a transfer encoding other than those of
    /// RFC 2045, such as `x-uuencode`: [`Mailbox::body`] reads it as it is.
    pub fn read(&self) -> Result<DecodedBody> {
        let mut body = self.mailbox.body(self.uid, Section::Part(self.part.clone()));
        if let Some(size) = self.encoded_size {
            body = body.expecting(size);
        }
        body.decoded(&self.encoding)
    }

    /// The number of its part.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Its media type in lower case: `image/png`; `message/rfc822` for a message that was
    /// forwarded.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its name, decoded (RFC 2231, RFC 2047). The author of the message chose it: never follow a
    /// path in it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its Content-ID without angle brackets, by which HTML refers to it.
    #[must_use]
    pub fn content_id(&self) -> Option<&str> {
        self.content_id.as_deref()
    }

    /// Whether it is shown within the text: it says so, or it has a Content-ID beside the text that
    /// refers to it.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        self.is_inline
    }

    /// Its content transfer encoding, as the server wrote it.
    #[must_use]
    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// Its size in bytes as it is sent.
    #[must_use]
    pub fn encoded_size(&self) -> Option<u64> {
        self.encoded_size
    }

    /// Its size in bytes once decoded, about: exact where it is not encoded; of base64 within some
    /// bytes, if its lines have the usual 76 characters; of quoted-printable at most so many.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let size = self.encoded_size?;
        if !self.encoding.trim().eq_ignore_ascii_case("base64") {
            return Some(size);
        }
        // 57 bytes make a line of 76 characters, CR and LF.
        let (lines, rest) = (size / 78, size % 78);
        Some(lines * 57 + rest.min(76) * 3 / 4)
    }
}
