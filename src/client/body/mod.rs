//! A body read in pieces: a reader on top of ordinary FETCHes of windows.
//!
//! In: a mailbox handle, a UID, a section. Out: its bytes, as `AsyncRead`, as `AsyncBufRead` and as
//! a stream; or decoded from their transfer encoding (`decoded.rs`). Which windows are asked for is
//! decided in `windows.rs`.

mod decoded;
mod literal;
mod reading;
mod transfer;
mod windows;

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

pub use decoded::DecodedBody;
pub use literal::RowLiteral;
#[cfg(feature = "mime")]
pub(crate) use transfer::decode_whole;

use self::reading::{Chunks, Unread, readers};
use self::windows::{Piece, Then, Window, Windows};
use super::{Mailbox, Token};
use crate::command::{Fetch, Items};
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{Code, Message, Section, Uid};

/// The bytes of one section of one message, read in pieces: of a message of any size a few hundred
/// kilobytes are in memory.
///
/// It is a reader of tokio's ([`AsyncRead`](tokio::io::AsyncRead),
/// [`AsyncBufRead`](tokio::io::AsyncBufRead)) and a stream of [`Bytes`]. From
/// [`Mailbox::body`](crate::Mailbox::body).
///
/// It asks for windows of the section, `BODY.PEEK[section]<offset.length>` (RFC 9051 section
/// 6.4.5), each by a FETCH of its own, two of them in flight and three once the body is known to be
/// longer than one. A window has 64 KiB at first. It grows while windows come back as quickly as
/// the first did, up to 256 KiB, and up to 1 MiB where the server is 5 ms away or farther; it is
/// never longer than [`Limits::literal`](crate::types::Limits::literal) allows. At most three are
/// held, read or not. They are commands as others are: what you submit meanwhile is answered
/// between two of them, however slowly the body is read.
///
/// Nothing is asked for until it is first read, or [begun](Self::begin). Dropping it withdraws what
/// has not been sent, and what has been sent is answered into the void.
///
/// The body ends where a window comes back short (RFC 9051 section 6.4.5.1). A size need not be
/// known; if it is, [`expecting`](Self::expecting) saves a window, and is a check: where the body
/// ends before that, it is asked once more. Where more lies behind a short window, because the
/// server sends less at once than it is asked for, it is read from there on. A server that takes no
/// notice of windows sends the whole section as its answer, which is held in memory, within the
/// [limits](crate::types::Limits) of a response. Bytes from another place than the one asked for
/// are an error of kind [`Protocol`](ErrorKind::Protocol).
///
/// # Errors
///
/// Those of a FETCH; each names the mailbox, the UID and the offset. A message that is not there,
/// or is expunged before all of it has been read, is [`Expunged`](ErrorKind::Expunged). As a stream
/// it ends after the error. Reads fail again and again, with the [`Error`] inside the
/// `std::io::Error`: what has been cut off is never taken for the end.
///
/// ```no_run
/// # use imap_duplex::types::{Section, Uid};
/// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid) -> std::io::Result<()> {
/// let mut body = inbox.body(uid, Section::Full);
/// let mut file = tokio::fs::File::create("message.eml").await?;
/// tokio::io::copy_buf(&mut body, &mut file).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is asked for until it is read"]
pub struct Body {
    mailbox: Mailbox,
    uid: Uid,
    section: Section,
    from: u64,
    expected: Option<u64>,
    /// The server decodes it.
    is_binary: bool,
    /// `None` until something is asked for.
    windows: Option<Windows>,
    in_flight: VecDeque<InFlight>,
    /// How far has been read from the server.
    received: u64,
    is_over: bool,
    unread: Unread,
}

/// A window that is asked for.
struct InFlight {
    window: Window,
    token: Token<Fetch>,
    since: Instant,
    /// The reader has waited for it, so that the moment of its answer is known.
    is_awaited: bool,
}

impl Body {
    pub(super) fn new(mailbox: Mailbox, uid: Uid, section: Section) -> Self {
        Self {
            mailbox,
            uid,
            section,
            from: 0,
            expected: None,
            is_binary: false,
            windows: None,
            in_flight: VecDeque::new(),
            received: 0,
            is_over: false,
            unread: Unread::default(),
        }
    }

    /// From this byte on: where an earlier reader came to its [`offset`](Self::offset). To be
    /// called before it is read.
    pub fn starting_at(mut self, offset: u64) -> Self {
        if self.windows.is_none() {
            (self.from, self.received) = (offset, offset);
        }
        self
    }

    /// How many bytes the whole section has, by RFC822.SIZE or the body structure. Only a hint:
    /// servers are known to be wrong about it, and what is there is read in any case. To be called
    /// before it is read.
    pub fn expecting(mut self, size: u64) -> Self {
        if self.windows.is_none() {
            self.expected = Some(size);
        }
        self
    }

    /// Decoded by the server from the part's transfer encoding: `BINARY.PEEK[part]<offset.length>`
    /// (RFC 3516). Offsets and sizes are then those of the decoded bytes, of which a quarter less
    /// comes over the line than of base64. The section must be a part, or the whole message. To be
    /// called before it is read.
    ///
    /// Where the server lacks BINARY, reading fails with [`Unsupported`](ErrorKind::Unsupported),
    /// and where it does not know the encoding, with [`No`](ErrorKind::No) and the code
    /// `UNKNOWN-CTE`; [`decoded`](Self::decoded) needs neither.
    ///
    /// ```no_run
    /// # use imap_duplex::types::{Part, Section, Uid};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid) -> std::io::Result<()> {
    /// let mut picture = inbox.body(uid, Section::Part(Part::new(2))).binary();
    /// let mut file = tokio::fs::File::create("picture.png").await?;
    /// tokio::io::copy_buf(&mut picture, &mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "BINARY")]
    pub fn binary(mut self) -> Self {
        if self.windows.is_none() {
            self.is_binary = true;
        }
        self
    }

    /// Asks for the first windows now, not when it is first read: for several bodies that are read
    /// one after the other.
    ///
    /// ```no_run
    /// # use imap_duplex::types::{Section, Uid};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: [Uid; 2]) -> imap_duplex::Result<()> {
    /// // Both in one round trip.
    /// let [mut one, mut two] = uids.map(|uid| inbox.body(uid, Section::Text).begin());
    /// while let Some(bytes) = one.next().await {
    ///     println!("{} bytes", bytes?.len());
    /// }
    /// # let _ = two.next().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin(mut self) -> Self {
        self.ask();
        self
    }

    /// The next bytes, as many as there are; `None` at the end.
    ///
    /// Cancel safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// See [`Body`](Self#errors).
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| reading::poll_next(self, cx)).await
    }

    /// How many bytes of the section lie before what will be read next.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.received.saturating_sub(self.unread.len() as u64)
    }

    /// The message's UID.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// Which section of it is read.
    #[must_use]
    pub fn section(&self) -> &Section {
        &self.section
    }

    /// Its bytes, decoded while they are read from this content transfer encoding (RFC 2045 section
    /// 6), in any case: `base64`, `quoted-printable`; `7bit`, `8bit`, `binary` and the empty string
    /// mean the bytes as they are. [`BodyStructure::parts`](crate::types::BodyStructure) has the
    /// encoding of each part.
    ///
    /// Decoding is lenient: in base64 other characters are skipped, and what follows padding is
    /// decoded, too; in quoted-printable an `=` that begins nothing stands for itself.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for any other encoding.
    ///
    /// ```no_run
    /// # use imap_duplex::types::{Part, Section, Uid};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut picture = inbox.body(uid, Section::Part(Part::new(2))).decoded("BASE64")?;
    /// let mut file = tokio::fs::File::create("picture.png").await?;
    /// tokio::io::copy_buf(&mut picture, &mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decoded(self, encoding: &str) -> Result<DecodedBody> {
        DecodedBody::new(self, encoding)
    }

    /// Asks for as many windows as are due.
    fn ask(&mut self) {
        if self.is_over {
            return;
        }
        let windows = self
            .windows
            .get_or_insert_with(|| Windows::new(self.from, self.expected, self.mailbox.largest_literal()));
        while let Some(window) = windows.ask(self.in_flight.len()) {
            let section = self.section.clone();
            let items = if self.is_binary {
                Items::binary_partial(section, window.at, window.length)
            } else {
                Items::partial(section, window.at, window.length)
            };
            let token = self.mailbox.fetch(self.uid, items);
            self.in_flight.push_back(InFlight { window, token, since: Instant::now(), is_awaited: false });
        }
    }

    /// What the server answered to this window.
    fn answered(&mut self, window: Window, rows: Vec<Message>) -> Result<Bytes> {
        let piece = self.piece(window, rows)?;
        let Some(windows) = &mut self.windows else { return Ok(Bytes::new()) };
        let step = windows.answered(window, piece, self.in_flight.len())?;
        match step.then {
            Then::GoOn => {}
            Then::AskAgain => self.in_flight.clear(),
            Then::End => {
                self.is_over = true;
                self.in_flight.clear();
            }
        }
        self.received = self.received.saturating_add(step.bytes.len() as u64);
        self.ask();
        Ok(step.bytes)
    }

    /// The row's data of the section.
    fn piece(&self, window: Window, rows: Vec<Message>) -> Result<Piece> {
        let Some(row) = rows.into_iter().find(|row| row.uid().is_none_or(|uid| uid == self.uid)) else {
            return Err(Error::new(ErrorKind::Expunged, "the message is not there, or no longer"));
        };
        let all = if self.is_binary { row.binaries() } else { row.sections() };
        let of_section = || all.iter().filter(|data| data.section == self.section);
        let very = of_section().find(|data| data.origin == Some(window.at));
        match very.or_else(|| of_section().next()) {
            Some(data) => Ok(Piece { origin: data.origin, data: data.data.clone() }),
            None => Err(Error::protocol("the server's answer lacks the section")),
        }
    }

    /// The error, with where it happened.
    fn blame(&self, error: Error) -> Error {
        let error = if error.code() == Some(&Code::ExpungeIssued) { error.of_expunged() } else { error };
        error
            .in_command("FETCH")
            .about(Some(self.mailbox.name()), None)
            .moreover(&format!("uid {}, at byte {} of its body", self.uid, self.received))
    }
}

impl Chunks for Body {
    fn unread(&mut self) -> &mut Unread {
        &mut self.unread
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            self.ask();
            let Some(oldest) = self.in_flight.front_mut() else { return Poll::Ready(None) };
            let Poll::Ready(rows) = Pin::new(&mut oldest.token).poll(cx) else {
                oldest.is_awaited = true;
                return Poll::Pending;
            };
            let Some(InFlight { window, since, is_awaited, .. }) = self.in_flight.pop_front() else {
                continue;
            };
            if let Some(windows) = self.windows.as_mut().filter(|_| is_awaited) {
                windows.took(since.elapsed());
            }
            let read = rows
                .and_then(|rows| self.answered(window, rows).map_err(|error| error.with_sent(Sent::Fully)));
            match read {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Err(error) => {
                    self.is_over = true;
                    self.in_flight.clear();
                    return Poll::Ready(Some(Err(self.blame(error))));
                }
            }
        }
    }
}

readers!(Body);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("mailbox", self.mailbox.name())
            .field("uid", &self.uid)
            .field("section", &self.section)
            .field("offset", &self.offset())
            .finish_non_exhaustive()
    }
}
