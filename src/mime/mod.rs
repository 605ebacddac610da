//! What a message says, and what is attached to it: the best text of its MIME tree as a string, and
//! its attachments, each read in pieces.
//!
//! ```text
//!   Mailbox::content ──> BODYSTRUCTURE ──> layout (which part is what) ──> Content
//!                          └─ unreadable: the whole message ──> whole ──┘    ├─ text, html: one part ──> charset ──> Text
//!                                                                            └─ attachments ──> Attachment::read ──> DecodedBody
//! ```
//!
//! In: a mailbox and a UID, or a row that has the structure. Out: [`Content`]. Of a message that is
//! here as a whole, from a store or a file, [`Text::of_message`] is the text.

mod attachment;
mod charset;
mod layout;
mod local;
mod text;
mod whole;

pub use self::attachment::Attachment;
use self::layout::Layout;
pub use self::text::Text;
use crate::client::Mailbox;
use crate::command::Items;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{BodyStructure, Message, Uid};

/// How long a text may be, decoded, unless [`Content::max_text`] says otherwise.
const MAX_TEXT: usize = 1024 * 1024;

/// What a message is made of: from [`Mailbox::content`], or from a row with
/// [`Content::of_row`]. It reads in the selection of its mailbox: as long as that lasts, and the
/// lease, if the mailbox is leased from an account.
///
/// ```no_run
/// # async fn example(inbox: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> imap_duplex::Result<()> {
/// let message = inbox.content(uid).await?;
/// if let Some(text) = message.text().await? {
///     println!("{text}");
/// }
/// for attachment in message.attachments() {
///     let name = attachment.name().unwrap_or("no name");
///     println!("{name}: {}, {:?} bytes", attachment.media_type(), attachment.size());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Content {
    mailbox: Mailbox,
    uid: Uid,
    structure: BodyStructure,
    max_text: usize,
}

impl Mailbox {
    /// What this message is made of: one FETCH of its structure (RFC 9051 section 7.5.2); the texts
    /// and attachments are fetched when they are asked for. None of it sets `\Seen`.
    ///
    /// Where the server's answer has no structure that can be read, the message is fetched as a
    /// whole, up to 32 MiB, and taken apart here. Cancel-safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// Those of a FETCH; [`Expunged`](ErrorKind::Expunged) if the message is not there.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> imap_duplex::Result<()> {
    /// let text = inbox.content(uid).await?.text().await?;
    /// # let _ = text;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "BODYSTRUCTURE")]
    pub async fn content(&self, uid: Uid) -> Result<Content> {
        let rows = match self.fetch(uid, Items::body_structure()).await {
            Ok(rows) => rows,
            Err(error) if is_unreadable(&error) => return Content::of_whole(self, uid).await,
            Err(error) => return Err(error),
        };
        match rows.into_iter().find(|row| row.uid() == Some(uid)) {
            Some(row) if row.body_structure().is_some_and(says_something) => Content::of_row(self, &row),
            // A row without a structure is no answer to this FETCH: the message may be there.
            _ => Content::of_whole(self, uid).await,
        }
    }
}

/// Whether the message may be fetched all the same: its structure could not be read, or not made.
fn is_unreadable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Protocol | ErrorKind::No | ErrorKind::Bad)
}

/// Whether a server that sends this knows the message: some send NIL for one that they can't parse.
fn says_something(structure: &BodyStructure) -> bool {
    let root = structure.root();
    root.is_multipart() || !root.media_type().is_empty() || root.size().is_some()
}

impl Content {
    /// What the message of this row is made of: for many messages, fetched with
    /// [`Items::body_structure`] and whatever else is wanted of them.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the row has no UID or no body structure.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Items, mime::Content};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// for row in inbox.fetch(inbox.newest(50), Items::envelope().body_structure()).await? {
    ///     let attached = Content::of_row(inbox, &row)?.attachments().len();
    ///     println!("{:?}: {attached} attachments", row.envelope().and_then(|e| e.subject()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_row(mailbox: &Mailbox, row: &Message) -> Result<Self> {
        match (row.uid(), row.body_structure()) {
            (Some(uid), Some(structure)) => Ok(Self::new(mailbox, uid, structure.clone())),
            _ => Err(Error::invalid("the row has no UID, or no body structure")),
        }
    }

    fn new(mailbox: &Mailbox, uid: Uid, structure: BodyStructure) -> Self {
        Self { mailbox: mailbox.clone(), uid, structure, max_text: MAX_TEXT }
    }

    async fn of_whole(mailbox: &Mailbox, uid: Uid) -> Result<Self> {
        Ok(Self::new(mailbox, uid, whole::structure(mailbox, uid).await?))
    }

    /// How many bytes of a text are read at most, decoded; a longer one [is cut](Text::is_cut). 1
    /// MiB.
    #[must_use]
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.max_text = bytes;
        self
    }

    /// The message's UID.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// Its MIME tree.
    #[must_use]
    pub fn structure(&self) -> &BodyStructure {
        &self.structure
    }

    /// The text that the message is about, as plain text where it has that, else as it is
    /// ([`Text::is_html`]); `None` if it has none, as an encrypted message or a bare attachment.
    ///
    /// It is found by the rules of RFC 8621 section 4.1.4: of alternatives the plain one, of a
    /// `multipart/related` its root, of other multiparts the first part that is meant to be shown.
    /// Cancel-safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// Those of [`Body`](crate::Body#errors).
    pub async fn text(&self) -> Result<Option<Text>> {
        let layout = Layout::of(&self.structure);
        text::read(&self.mailbox, self.uid, layout.plain(), self.max_text).await
    }

    /// The same, as HTML where the message has that, else as plain text.
    ///
    /// # Errors
    /// Those of [`Body`](crate::Body#errors).
    pub async fn html(&self) -> Result<Option<Text>> {
        let layout = Layout::of(&self.structure);
        text::read(&self.mailbox, self.uid, layout.html(), self.max_text).await
    }

    /// All that is not the text: attachments, pictures in the text, messages that were forwarded.
    /// In the order of the message; nothing is fetched.
    #[must_use]
    pub fn attachments(&self) -> Vec<Attachment> {
        let layout = Layout::of(&self.structure);
        layout.attachments.iter().map(|found| Attachment::new(&self.mailbox, self.uid, found)).collect()
    }

    /// The part that HTML refers to as `cid:` and this identifier, with or without that prefix and
    /// without angle brackets (RFC 2392).
    #[must_use]
    pub fn by_content_id(&self, id: &str) -> Option<Attachment> {
        let id = id.strip_prefix("cid:").unwrap_or(id);
        self.attachments().into_iter().find(|attachment| attachment.content_id() == Some(id))
    }
}
