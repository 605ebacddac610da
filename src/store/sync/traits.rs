//! What tells a message from others, also of one whose text the server can't read.
//!
//! In: UIDs. Out: rows with size and date, and envelope or EMAILID where the server can say them.
//! One damaged message at the server may keep back neither its mailbox nor what is queued for it.

use std::future::Future;

use crate::client::Mailbox;
use crate::error::Result;
use crate::store::rows::content;
use crate::types::{Message, UidSet};

/// The traits of these messages.
pub(in crate::store) async fn traits(mailbox: &Mailbox, uids: impl Into<UidSet>) -> Result<Vec<Message>> {
    let uids: UidSet = uids.into();
    let asked = mailbox.fetch(uids.clone(), content::traits(&mailbox.sender().capabilities()));
    traits_of(mailbox, uids, asked).await
}

/// The same of messages that are asked for already.
pub(super) async fn traits_of(
    mailbox: &Mailbox,
    uids: impl Into<UidSet>,
    asked: impl Future<Output = Result<Vec<Message>>>,
) -> Result<Vec<Message>> {
    match asked.await {
        // Size and date are known without the text.
        Err(error) if error.refuses_messages() => mailbox.fetch(uids.into(), content::few_traits()).await,
        answered => answered,
    }
}

/// The rows that can be read: none of a message of which the server says nothing can be compared.
pub(super) fn readable(answered: Result<Vec<Message>>) -> Result<Vec<Message>> {
    match answered {
        Err(error) if error.refuses_messages() => Ok(Vec::new()),
        answered => answered,
    }
}
