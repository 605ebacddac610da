//! A look at the counts of all mailboxes that are watched.
//!
//! In: an account, which mailboxes. Out: their names, identifiers and counts, or an error; a
//! listing that is not whole counts as none.

use tokio::sync::mpsc::Sender as ChannelSender;

use super::Watch;
use super::plan::{Counts, Found};
use super::task::Note;
use crate::account::Account;
use crate::command::{List, StatusItems};
use crate::error::Result;
use crate::types::ListEntry;

pub(super) async fn sweep(account: Account, watch: Watch, notes: ChannelSender<Note>) {
    let result = find(&account, &watch).await;
    // Without the watch's task there is no use for it.
    _ = notes.send(Note::Swept(result)).await;
}

async fn find(account: &Account, watch: &Watch) -> Result<Vec<Found>> {
    let session = account.session().await?;
    let capabilities = session.capabilities();
    let mut items = StatusItems::counts().uid_validity().uid_next();
    if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
        items = items.highest_mod_seq();
    }
    if capabilities.has("OBJECTID") {
        items = items.mailbox_id();
    }
    let listed = session.list(List::new("*").with_status(items)).await?;
    let watched = listed.into_iter().filter(|entry| entry.is_selectable() && watch.wants(&entry.name));
    Ok(watched.map(found).collect())
}

/// Without counts it is listed all the same, so it is not gone: it may not be read, or not now.
fn found(entry: ListEntry) -> Found {
    let mailbox_id = entry.status.as_ref().and_then(|status| status.mailbox_id.clone());
    Found { name: entry.name, mailbox_id, counts: entry.status.as_deref().map(Counts::of) }
}
