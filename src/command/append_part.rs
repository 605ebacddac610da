//! A part of a message that is appended, and the forms in which bytes are sent: as a literal, as a
//! literal8, as UTF-8.

use std::io;

use bytes::Bytes;
use futures_core::Stream;

use super::source::Source;
use super::{Line, Session};
use crate::error::{Error, Result};

/// In what form bytes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a literal.
    Text,
    /// As a literal8, which may have a NUL (RFC 3516 section 4.4).
    Binary,
    /// As `utf8-literal` (RFC 6855 section 4), which may, too.
    Utf8,
}

impl Form {
    /// Whether the server takes it.
    pub(super) fn check(self, session: &Session) -> Result<()> {
        match self {
            Self::Binary if !session.can("BINARY") => {
                Err(Error::unsupported("the server takes no binary messages (BINARY)"))
            }
            Self::Utf8 if !session.is_enabled("UTF8=ACCEPT") && !session.is_enabled("UTF8=ONLY") => {
                Err(Error::unsupported("headers in UTF-8 are taken once UTF8=ACCEPT is enabled"))
            }
            _ => Ok(()),
        }
    }

    /// Bytes, as a literal or as a literal8.
    pub(super) fn write(self, bytes: &Data<'_>, line: &mut Line) {
        match self {
            Self::Text => bytes.write(line, false),
            Self::Binary => bytes.write(line, true),
            Self::Utf8 => {
                line.word("UTF8").open();
                bytes.write(line, true);
                line.close();
            }
        }
    }
}

/// Bytes at hand, or from a stream.
#[derive(Debug)]
pub(super) enum Data<'a> {
    Memory(&'a Bytes),
    Stream(&'a Source),
}

impl Data<'_> {
    fn write(&self, line: &mut Line, binary: bool) {
        match self {
            Self::Memory(bytes) if binary => line.literal8(Bytes::clone(bytes)),
            Self::Memory(bytes) => line.literal(Bytes::clone(bytes)),
            Self::Stream(source) => line.upload(source, binary),
        };
    }
}

/// A part of a message that the server puts together (CATENATE, RFC 4469).
#[derive(Clone, Debug)]
#[must_use]
pub struct AppendPart {
    part: Part,
    form: Form,
}

#[derive(Clone, Debug)]
enum Part {
    Memory(Bytes),
    Stream(Source),
    Url(String),
}

impl AppendPart {
    /// These bytes, as they are to be stored.
    ///
    /// ```
    /// # use imap_duplex::command::AppendPart;
    /// let end = AppendPart::text("\r\n--cut--\r\n");
    /// # let _ = end;
    /// ```
    pub fn text(bytes: impl Into<Bytes>) -> Self {
        Self { part: Part::Memory(bytes.into()), form: Form::Text }
    }

    /// These bytes, with a header that has UTF-8 (RFC 6855 section 4). Needs UTF8=ACCEPT, enabled.
    ///
    /// ```
    /// # use imap_duplex::command::AppendPart;
    /// let header = AppendPart::utf8("Subject: Grüße\r\n\r\n");
    /// # let _ = header;
    /// ```
    pub fn utf8(bytes: impl Into<Bytes>) -> Self {
        Self::text(bytes).with_utf8_header()
    }

    /// `size` bytes, in pieces of any length, that are read while they are sent: see [streamed
    /// uploads](crate::command::Append#streamed-uploads).
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Append, AppendPart};
    /// # async fn example(
    /// #     imap: &imap_duplex::Sender,
    /// #     photo: impl futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static,
    /// # ) -> imap_duplex::Result<()> {
    /// let start = AppendPart::url("/Drafts;UIDVALIDITY=385759045/;UID=20");
    /// let parts = [start, AppendPart::stream(52_428_800, photo), AppendPart::text("\r\n--cut--\r\n")];
    /// imap.append("Drafts", Append::parts(parts)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(size: u64, bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { part: Part::Stream(Source::new(size, bytes)), form: Form::Text }
    }

    /// A message, or a part of one, that the server has already, by its IMAP URL.
    ///
    /// ```
    /// # use imap_duplex::command::AppendPart;
    /// let attachment = AppendPart::url("/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=2");
    /// # let _ = attachment;
    /// ```
    pub fn url(url: impl Into<String>) -> Self {
        Self { part: Part::Url(url.into()), form: Form::Text }
    }

    /// These bytes may hold a NUL: they are sent as a literal8. Needs BINARY. RFC 4469 has no form
    /// for such a part, so that a server with BINARY may refuse it all the same; Dovecot takes it
    /// if the first part is binary, too.
    ///
    /// ```
    /// # use imap_duplex::command::AppendPart;
    /// let photo = AppendPart::text(&b"\xff\xd8\xff\xe0\x00\x10JFIF"[..]).binary();
    /// # let _ = photo;
    /// ```
    #[doc(alias = "BINARY")]
    pub fn binary(mut self) -> Self {
        self.form = Form::Binary;
        self
    }

    /// These bytes begin with a header that has UTF-8 (RFC 6855 section 4), as with
    /// [`utf8`](Self::utf8): for parts that are read while they are sent. Needs UTF8=ACCEPT,
    /// enabled.
    pub fn with_utf8_header(mut self) -> Self {
        self.form = Form::Utf8;
        self
    }

    /// Whether the server has it already.
    pub(super) fn is_url(&self) -> bool {
        matches!(self.part, Part::Url(_))
    }

    pub(super) fn streams(&self) -> bool {
        matches!(self.part, Part::Stream(_))
    }

    pub(super) fn size(&self) -> u64 {
        match &self.part {
            Part::Memory(bytes) => bytes.len() as u64,
            Part::Stream(source) => source.size(),
            Part::Url(_) => 0,
        }
    }

    pub(super) fn check(&self, session: &Session) -> Result<()> {
        match &self.part {
            Part::Url(_) => Ok(()),
            Part::Memory(bytes) if self.form == Form::Text && bytes.contains(&0) => {
                Err(Error::invalid("a part of the message holds a NUL, and is not said to be binary"))
            }
            Part::Memory(_) | Part::Stream(_) => self.form.check(session),
        }
    }

    pub(super) fn write(&self, line: &mut Line) {
        match &self.part {
            Part::Memory(bytes) => self.write_data(&Data::Memory(bytes), line),
            Part::Stream(source) => self.write_data(&Data::Stream(source), line),
            Part::Url(url) => {
                line.word("URL").string(url);
            }
        }
    }

    fn write_data(&self, data: &Data<'_>, line: &mut Line) {
        if self.form != Form::Utf8 {
            line.word("TEXT");
        }
        self.form.write(data, line);
    }
}
