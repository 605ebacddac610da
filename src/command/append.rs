//! APPEND: putting a message into a mailbox (RFC 9051 section 6.3.12), from memory or from a
//! stream.

use std::io;

use bytes::Bytes;
use futures_core::Stream;

use super::annotations::AnnotationValues;
use super::append_part::{AppendPart, Data, Form};
use super::source::Source;
use super::{Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{AnnotationScope, Code, Done, Flags, MailboxName, Timestamp, Uid, UidValidity};

/// A message to be put into a mailbox.
///
/// ```
/// use imap_duplex::command::Append;
/// use imap_duplex::types::Flag;
/// let draft = Append::new("Subject: hello\r\n\r\nNot sent yet.\r\n").flags([Flag::Draft]).to("Drafts");
/// # let _ = draft;
/// ```
///
/// # Streamed uploads
///
/// A message that is too large for memory is read from a reader or a stream (`Append::reader`,
/// [`Append::stream`]). Its size has to be known first, since IMAP announces it (RFC 9051 section
/// 4.3). The source belongs to the connection's driver once the command has been submitted: it is
/// read as the server takes the bytes, and no more than 200 KiB of it are in memory (or one piece,
/// if a stream's pieces are larger). Meanwhile no other command can be sent, but everything the
/// server sends is received. So a source must not wait for the same connection, such as for the
/// rows of a FETCH on it that has not been sent yet: neither would proceed until the source times
/// out. A source that trickles occupies the connection for as long as it yields something now and
/// then; use another connection for what must not wait.
///
/// - The source is not read before the server asks for the bytes: a streamed message always waits
///   for that, which costs a round trip. If the server answers NO instead (`TRYCREATE`: there is no
///   such mailbox), the source is untouched, and a clone of the `Append` can be submitted again.
///   Some servers take all of the message before they answer NO. Clones share their source: one
///   that has been read from can't be sent again, and fails with
///   [`Invalid`](crate::ErrorKind::Invalid), unsent.
/// - If the source fails, ends too early, has more bytes than announced, has a NUL without being
///   [binary](Append::binary), or yields nothing for as long as
///   [`Timeouts::silence`](crate::Timeouts::silence), nothing is stored, and the token fails with
///   [`Source`](crate::ErrorKind::Source). With MULTIAPPEND the connection continues, if no more
///   than 16 MiB are left to fill; else it has to be closed, because the server waits for the bytes
///   that were announced. A thousand empty pieces in a row, none of which had to be waited for, are
///   a failure too.
/// - The source is polled in the connection's driver. If it panics, so does the driver, and the
///   connection ends with [`Dropped`](crate::types::CloseReason::Dropped).
/// - Dropping the token changes nothing, as with any command that has been sent: the upload
///   continues, and the message is stored. [`Token::cancel`](crate::Token::cancel) aborts it, as if
///   the source had failed; if all bytes have been given by then, it is stored.
/// - A server that refuses an upload midway still has to be given the announced number of bytes:
///   they are filled up, and the source is dropped. If more than 16 MiB are left, the connection is
///   closed instead; the token has the server's answer in both cases.
#[derive(Clone, Debug)]
#[must_use]
pub struct Append {
    to: MailboxName,
    message: Content,
    form: Form,
    flags: Flags,
    date: Option<Timestamp>,
    annotations: AnnotationValues,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Bytes),
    Stream(Source),
    Parts(Vec<AppendPart>),
}

/// Where an appended message was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Appended {
    /// The UIDVALIDITY of the mailbox.
    pub uid_validity: Option<UidValidity>,
    /// The UID of the new message; `None` if the server does not report it (it lacks UIDPLUS).
    pub uid: Option<Uid>,
}

impl Append {
    /// This message, as it is to be stored: header, empty line, body, with CRLF line ends. It is
    /// added to INBOX unless [`to`](Append::to) says otherwise.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Append;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let message = "From: alice@example.org\r\n\r\nHello\r\n";
    /// imap.submit(Append::new(message).to("Drafts")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(message: impl Into<Bytes>) -> Self {
        Self::of(Content::Memory(message.into()))
    }

    /// A message of `size` bytes, in pieces of any length. See [streamed
    /// uploads](Append#streamed-uploads).
    ///
    /// The stream has to end after `size` bytes; it is polled for its end before the message counts
    /// as sent.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Append;
    /// # async fn example(
    /// #     imap: &imap_duplex::Sender,
    /// #     body: impl futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static,
    /// # ) -> imap_duplex::Result<()> {
    /// // `body` is a response of an HTTP server, whose Content-Length is known.
    /// imap.append("Archive", Append::stream(52_428_800, body)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(size: u64, bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::of(Content::Stream(Source::new(size, bytes)))
    }

    /// A message that the server puts together of these parts, some of which it has already: so
    /// that an attachment goes over the wire once (RFC 4469). Needs CATENATE. A URL that can't be
    /// used fails it with [`Code::BadUrl`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Append, AppendPart};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let parts = [
    ///     AppendPart::url("/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=HEADER"),
    ///     AppendPart::text("It is open.\r\n"),
    /// ];
    /// imap.append("Sent", Append::parts(parts)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CATENATE")]
    pub fn parts(parts: impl IntoIterator<Item = AppendPart>) -> Self {
        Self::of(Content::Parts(parts.into_iter().collect()))
    }

    /// A message whose header has UTF-8 (RFC 6855 section 4). Needs UTF8=ACCEPT, enabled.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Append;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.append("Drafts", Append::utf8("Subject: Grüße\r\n\r\nHallo\r\n")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn utf8(message: impl Into<Bytes>) -> Self {
        Self::new(message).with_utf8_header()
    }

    fn of(message: Content) -> Self {
        let annotations = AnnotationValues::default();
        let (form, flags) = (Form::Text, Flags::new());
        Self { to: MailboxName::INBOX, message, form, flags, date: None, annotations }
    }

    /// The message may hold a NUL, in a part whose transfer encoding is `binary`, say: it is sent
    /// as a literal8 (RFC 3516 section 4.4). Needs BINARY. A message in memory that holds one is
    /// sent so by itself; of a streamed one that has to be said before it is read. Of a message in
    /// [parts](Self::parts) each part says it. A server whose mailbox can't store it answers NO
    /// with [`Code::UnknownCte`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Append;
    /// # async fn example(
    /// #     imap: &imap_duplex::Sender,
    /// #     scan: impl futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static,
    /// # ) -> imap_duplex::Result<()> {
    /// imap.append("Scans", Append::stream(52_428_800, scan).binary()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "BINARY")]
    pub fn binary(mut self) -> Self {
        self.form = Form::Binary;
        self
    }

    /// The message's header has UTF-8 (RFC 6855 section 4), as with [`utf8`](Self::utf8): for
    /// streamed messages. Needs UTF8=ACCEPT, enabled. Of a message in [parts](Self::parts) each
    /// part says it.
    pub fn with_utf8_header(mut self) -> Self {
        self.form = Form::Utf8;
        self
    }

    /// Into this mailbox. ([`Sender::append`](crate::Sender::append) sets it by itself.)
    pub fn to(mut self, mailbox: impl Into<MailboxName>) -> Self {
        self.to = mailbox.into();
        self
    }

    /// With these flags.
    pub fn flags(mut self, flags: impl Into<Flags>) -> Self {
        self.flags = flags.into();
        self
    }

    /// As if it had been received at this time.
    pub fn internal_date(mut self, date: Timestamp) -> Self {
        self.date = Some(date);
        self
    }

    /// With this annotation (RFC 5257 section 4.7). Needs ANNOTATE-EXPERIMENT-1.
    #[doc(alias = "ANNOTATION")]
    pub fn annotation(
        mut self,
        entry: impl Into<String>,
        scope: AnnotationScope,
        value: impl Into<Bytes>,
    ) -> Self {
        self.annotations.put(entry.into(), scope, Some(value.into()));
        self
    }

    /// The size of the message in bytes; of one in parts, of those that are sent.
    pub(super) fn size(&self) -> u64 {
        match &self.message {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Stream(source) => source.size(),
            Content::Parts(parts) => parts.iter().map(AppendPart::size).sum(),
        }
    }

    /// Whether nothing is to be stored: by that an APPEND is cancelled (RFC 3502 section 6.3.11).
    pub(super) fn is_empty(&self) -> bool {
        let has_url = |parts: &[AppendPart]| parts.iter().any(AppendPart::is_url);
        self.size() == 0 && !matches!(&self.message, Content::Parts(parts) if has_url(parts))
    }

    /// Whether bytes of it come from a stream.
    pub(super) fn streams(&self) -> bool {
        match &self.message {
            Content::Stream(_) => true,
            Content::Parts(parts) => parts.iter().any(AppendPart::streams),
            Content::Memory(_) => false,
        }
    }

    /// Where it is to be stored.
    pub(super) fn target(&self) -> &MailboxName {
        &self.to
    }

    /// Whether the server is known not to take it: messages of this size in this mailbox (RFC
    /// 7889), or with a NUL, which is allowed in a literal8 alone (RFC 3516 section 4.4).
    pub(super) fn check(&self, to: &MailboxName, session: &Session) -> Result<()> {
        let size = self.size();
        if let Some(most) = session.append_limit_of(to).filter(|most| size > *most) {
            let why = format!("the message has {size} bytes, and the server accepts at most {most}");
            return Err(Error::unsupported(why));
        }
        match &self.message {
            Content::Memory(bytes)
                if self.form == Form::Text && bytes.contains(&0) && !session.can("BINARY") =>
            {
                Err(Error::invalid("the message holds a NUL, which only servers with BINARY take"))
            }
            Content::Memory(_) | Content::Stream(_) => self.form.check(session),
            Content::Parts(_) if self.form != Form::Text => {
                Err(Error::invalid("of a message in parts each part says what it holds"))
            }
            Content::Parts(_) if !session.can("CATENATE") => {
                Err(Error::unsupported("the server can't put messages together (CATENATE)"))
            }
            Content::Parts(parts) if parts.is_empty() => {
                Err(Error::invalid("a message in parts has at least one"))
            }
            Content::Parts(parts) => parts.iter().try_for_each(|part| part.check(session)),
        }
    }

    /// Flags, date, annotations and the message, as they follow the mailbox (RFC 3502,
    /// `append-message`).
    pub(super) fn write(&self, to: &MailboxName, line: &mut Line, session: &Session) -> Result<()> {
        self.check(to, session)?;
        // `UTF8 (…)` right behind the mailbox is refused by Courier: no flags are a list as well.
        if !self.flags.is_empty() || self.form == Form::Utf8 && self.date.is_none() {
            line.flags(&self.flags);
        }
        if let Some(date) = self.date {
            line.quoted(&date.to_string());
        }
        if !self.annotations.is_empty() {
            self.annotations.check(session)?;
            self.annotations.write(line);
        }
        match &self.message {
            Content::Stream(source) => self.form.write(&Data::Stream(source), line),
            Content::Memory(bytes) if self.form == Form::Text && bytes.contains(&0) => {
                Form::Binary.write(&Data::Memory(bytes), line);
            }
            Content::Memory(bytes) => self.form.write(&Data::Memory(bytes), line),
            Content::Parts(parts) => {
                line.word("CATENATE").open();
                parts.iter().for_each(|part| part.write(line));
                line.close();
            }
        }
        Ok(())
    }
}

macro_rules! from {
    ($($from:ty),*) => {$(
        impl From<$from> for Append {
            fn from(message: $from) -> Self {
                Self::new(message)
            }
        }
    )*};
}

from!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

impl Command for Append {
    type Item = ();
    type Output = Appended;

    fn name(&self) -> &str {
        "APPEND"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.to)
    }

    fn class(&self) -> Class {
        Class { streams: self.streams(), ..Class::change().ours() }
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("APPEND").mailbox(&self.to);
        self.write(&self.to, line, session)?;
        Ok(Flow::Last)
    }

    fn finish(self, done: Done, _: Vec<()>) -> Result<Appended> {
        Ok(match done.status.code {
            Some(Code::AppendUid { uid_validity, uids }) => Appended { uid_validity, uid: uids.first() },
            _ => Appended::default(),
        })
    }
}
