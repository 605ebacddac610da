//! Copies and moves into a mailbox that may be missing.
//!
//! In: messages by UID, a mailbox. Out: what COPY or MOVE gave, after a CREATE where the server
//! asked for that.

use super::Mailbox;
use crate::command::{Copied, CopyMessages};
use crate::error::{ErrorKind, Result};
use crate::types::{Code, MailboxName, UidSet};

impl Mailbox {
    /// Moves messages to another mailbox, as [`move_to`](Self::move_to), and creates that first if
    /// the server answers that it is missing and could be (`[TRYCREATE]`, RFC 9051 section 7.1).
    ///
    /// Messages are named by UID: numbers might mean others by the time of the second attempt. When
    /// the future is dropped, what it has submitted is still carried out, and nothing follows.
    ///
    /// # Errors
    /// Those of MOVE and of CREATE; that somebody else has created it meanwhile is none.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> imap_duplex::Result<()> {
    /// inbox.move_creating(uid, "Newsletters").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TRYCREATE")]
    pub async fn move_creating(
        &self,
        which: impl Into<UidSet>,
        to: impl Into<MailboxName>,
    ) -> Result<Copied> {
        let (which, to) = (which.into(), to.into());
        self.creating(CopyMessages::moving(&which, to.clone()), to).await
    }

    /// Copies messages to another mailbox, as [`copy`](Self::copy), and creates that first if it is
    /// missing. Otherwise as [`move_creating`](Self::move_creating).
    ///
    /// # Errors
    /// Those of COPY and of CREATE; that somebody else has created it meanwhile is none.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> imap_duplex::Result<()> {
    /// inbox.copy_creating(uid, "Archive/2026").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TRYCREATE")]
    pub async fn copy_creating(
        &self,
        which: impl Into<UidSet>,
        to: impl Into<MailboxName>,
    ) -> Result<Copied> {
        let (which, to) = (which.into(), to.into());
        self.creating(CopyMessages::copying(&which, to.clone()), to).await
    }

    async fn creating(&self, command: CopyMessages, to: MailboxName) -> Result<Copied> {
        let again = command.clone();
        match self.submit(command).await {
            Err(error) if error.kind() == ErrorKind::No && error.code() == Some(&Code::TryCreate) => {}
            result => return result,
        }
        match self.sender.create(to).await {
            Err(error) if error.code() != Some(&Code::AlreadyExists) => return Err(error),
            _ => {}
        }
        self.submit(again).await
    }
}
