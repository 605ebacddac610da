//! Uploads from a reader.
//!
//! In: a reader of tokio's. Out: an [`Append`] that streams what it reads.

use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::command::{Append, AppendPart};

/// How many bytes are read at once.
const BLOCK: usize = 32 << 10;

impl Append {
    /// A message of `size` bytes that is read while it is sent. See [streamed
    /// uploads](Append#streamed-uploads).
    ///
    /// The reader has to end after `size` bytes; `reader.take(size)` cuts off one that is longer.
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender) -> Result<(), Box<dyn std::error::Error>> {
    /// use imap_duplex::command::Append;
    /// let file = tokio::fs::File::open("message.eml").await?;
    /// let size = file.metadata().await?.len();
    /// let uploaded = imap.append("Archive", Append::reader(size, file)).await?;
    /// println!("stored as {:?}", uploaded.uid);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reader(size: u64, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::stream(size, ReaderStream::with_capacity(reader, BLOCK))
    }
}

impl AppendPart {
    /// `size` bytes of a message in parts that are read while they are sent: see
    /// [`Append::reader`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use imap_duplex::command::AppendPart;
    /// let file = tokio::fs::File::open("photo.base64").await?;
    /// let attachment = AppendPart::reader(file.metadata().await?.len(), file);
    /// # let _ = attachment;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reader(size: u64, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::stream(size, ReaderStream::with_capacity(reader, BLOCK))
    }
}
