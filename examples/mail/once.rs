//! Without a screen: one sync, or one page of a mailbox.

use std::collections::BTreeMap;
use std::path::Path;

use imap_duplex::account::{Account, AccountState};
use imap_duplex::store::{Attachment, MessageId, PageBy, Store, StoreChange, StoreChanges, SyncPolicy};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

use crate::support::failure::Failure;
use crate::support::output::Output;
use crate::support::server::Server;
use crate::support::{account, program};

/// What a sync has done to the messages. A message in two mailboxes counts twice.
#[derive(Default)]
struct Counts {
    /// What has become of each, taken together.
    messages: BTreeMap<MessageId, Fate>,
    /// Whether so much has changed that not all was seen.
    is_partial: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    New,
    Changed,
    Removed,
}

impl Counts {
    fn add(&mut self, change: &StoreChange) {
        self.is_partial |= change.everything;
        for message in change.removed.values().flatten() {
            // What has come and gone was never there.
            if self.messages.get(message) == Some(&Fate::New) {
                self.messages.remove(message);
            } else {
                self.messages.insert(*message, Fate::Removed);
            }
        }
        for message in change.added.values().flatten() {
            let is_back = self.messages.get(message) == Some(&Fate::Removed);
            self.messages.insert(*message, if is_back { Fate::Changed } else { Fate::New });
        }
        for message in change.updated.values().flatten() {
            self.messages.entry(*message).or_insert(Fate::Changed);
        }
    }

    /// `None`: not known, since not all was seen.
    fn count(&self, fate: Fate) -> Option<usize> {
        let known = self.messages.values().filter(|other| **other == fate).count();
        (!self.is_partial).then_some(known)
    }
}

/// Brings the store in step with the server once, and prints what that has changed.
pub(crate) async fn sync(file: &Path, account: &Account, server: &Server, json: bool) -> Result<(), Failure> {
    let store = Store::open(file).await?;
    let mut changes = store.changes(None);
    let policy = SyncPolicy::new().follow_none();
    let attachment = store.attach_with(account, policy).await?;
    let mut counts = Counts::default();
    let done = tokio::select! {
        done = until_in_step(&attachment, &mut changes, &mut counts) => done,
        failure = unreachable(account, server) => Err(failure),
        () = program::end(None) => Err(Failure::new("interrupted; the next sync goes on from here")),
    };
    let id = attachment.account();
    attachment.stop().await;
    let traffic = account.traffic().await;
    account::end(account).await;
    done?;
    // What was written last.
    while !changes.is_current() {
        if let Ok(Some(change)) = timeout(Duration::from_millis(20), changes.next()).await {
            counts.add(&change?);
        }
    }
    let mailboxes = store.mailboxes().await?;
    let own = || mailboxes.iter().filter(|mailbox| mailbox.account == id && mailbox.is_selectable());
    let status = store.status().await?;
    let parked = status.accounts.iter().find(|account| account.id == id).map_or(0, |account| account.parked);
    let object = json!({
        "mailboxes": own().count(),
        "messages": own().map(|mailbox| mailbox.messages).sum::<u64>(),
        // null: more has changed at once than the store keeps a log of.
        "new": counts.count(Fate::New),
        "changed": counts.count(Fate::Changed),
        "removed": counts.count(Fate::Removed),
        "bytes_in": traffic.bytes_received,
        "bytes_out": traffic.bytes_sent,
        "parked": parked,
    });
    let text = if json { object.to_string() } else { for_people(&object) };
    Ok(Output::new(false).lines(&text).await?)
}

fn for_people(object: &Value) -> String {
    let number = |name: &str| match &object[name] {
        Value::Null => "an unknown number of".to_owned(),
        number => number.to_string(),
    };
    let mut text = format!(
        "{} mailboxes, {} messages: {} new, {} changed, {} removed; {} bytes received, {} sent",
        number("mailboxes"),
        number("messages"),
        number("new"),
        number("changed"),
        number("removed"),
        number("bytes_in"),
        number("bytes_out"),
    );
    if object["parked"] != json!(0) {
        text += &format!("; {} operations were refused", number("parked"));
    }
    text
}

/// Counts what changes until all is in step.
async fn until_in_step(
    attachment: &Attachment,
    changes: &mut StoreChanges,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let mut in_step = std::pin::pin!(attachment.in_step());
    loop {
        tokio::select! {
            done = &mut in_step => return Ok(done?),
            change = changes.next() => match change {
                Some(Ok(change)) => counts.add(&change),
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}

/// Resolves if the server can't be reached: at first, or for good.
async fn unreachable(account: &Account, server: &Server) -> Failure {
    let mut status = account.status();
    let mut was_connected = false;
    let mut now = Some(status.now());
    while let Some(known) = now {
        match &known.state {
            AccountState::Connected => was_connected = true,
            AccountState::Parked { error, .. } => return server.explain(error),
            AccountState::Waiting { error, .. } if !was_connected => return server.explain(error),
            _ => {}
        }
        now = status.changed().await;
    }
    std::future::pending().await
}

/// Prints the newest messages of a mailbox, from the store alone.
pub(crate) async fn list(file: &Path, mailbox: &str, count: u32, json: bool) -> Result<(), Failure> {
    let store = Store::read(file).await?;
    let found = store.mailbox_named(mailbox).await?;
    let page = found.page(PageBy::newest().count(count), None).await?;
    let mut output = Output::new(false);
    if json {
        let mut object = serde_json::to_value(&page).map_err(|e| Failure::new(e.to_string()))?;
        object["mailbox"] = json!(mailbox);
        return Ok(output.lines(&object.to_string()).await?);
    }
    for message in &page.messages {
        output.lines(&crate::work::line(message)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_not_counted() {
        let mut counts = Counts::default();
        let mut change = StoreChange::default();
        assert_eq!(counts.count(Fate::New), Some(0));
        change.everything = true;
        counts.add(&change);
        assert_eq!(counts.count(Fate::New), None);
        let object = json!({"new": counts.count(Fate::New), "messages": 3});
        assert!(
            for_people(&object).contains("3 messages: an unknown number of new"),
            "{}",
            for_people(&object)
        );
    }
}
