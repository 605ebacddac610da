//! A look at the counts of all mailboxes that are watched.
//!
//! ```text
//!   LIST with STATUS ── the server lacks that ──> LIST, STATUS in turn
//!     └──> a name is new, another one gone ──> messages compared ──> renamed, or not
//! ```
//!
//! In: an account, or a connection of it that is idle otherwise; which mailboxes; what is known of
//! them. Out: their names, identifiers and counts, or an error; a listing that is not whole counts
//! as none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::arrivals::{sample_items, sample_of};
use super::counts::Counts;
use super::key::MailboxKey;
use super::ledger::Sample;
use super::outside::Listed;
use super::plan::{Before, Found};
use super::selection::Selection;
use super::shared::Shared;
use super::task::{Note, Notes};
use crate::account::Account;
use crate::client::{Select, Sender};
use crate::command::{List, StatusItems};
use crate::error::{ErrorKind, Result};
use crate::types::{ListEntry, MailboxName, MailboxStatus, Uid, UidSet, UidValidity};

/// How many STATUS are under way at the same time.
const AT_ONCE: usize = 16;
/// How many mailboxes are compared with those that are gone.
const MAX_COMPARED: usize = 20;

/// What a sweep has found.
pub(super) struct Swept {
    pub(super) found: Vec<Found>,
    /// Those that the last run did not watch.
    pub(super) added: HashSet<MailboxName>,
    /// Those that are not watched, if they were asked for.
    pub(super) outside: Option<Vec<Listed>>,
}

/// What a sweep needs.
pub(super) struct Sweep {
    pub(super) account: Account,
    /// The connection on which a mailbox is followed.
    pub(super) via: Option<Sender>,
    pub(super) selection: Selection,
    /// What the last run has watched, if that was otherwise.
    pub(super) before: Option<Selection>,
    /// The first one of this run.
    pub(super) is_first: bool,
    pub(super) shared: Arc<Shared>,
}

impl Sweep {
    pub(super) async fn run(self, notes: Notes) {
        let result = self.find().await;
        // Without the watch's task there is no use for it.
        _ = notes.send(Note::Swept(result)).await;
    }

    async fn find(&self) -> Result<Swept> {
        let result = match &self.via {
            Some(sender) => self.list(sender).await,
            None => self.list(&*self.account.session().await?).await,
        };
        let mut swept = match result {
            // The mailbox is not followed any more, or its connection has ended.
            Err(error)
                if self.via.is_some()
                    && matches!(error.kind(), ErrorKind::Closed | ErrorKind::SelectionEnded) =>
            {
                self.list(&*self.account.session().await?).await?
            }
            result => result?,
        };
        self.compare_new(&mut swept.found).await?;
        Ok(swept)
    }

    async fn list(&self, session: &Sender) -> Result<Swept> {
        // What is listed distinguishes the two.
        let mut listed = self.selection.clone();
        self.before.iter().for_each(|before| listed.or(before.clone()));
        let is_open = self.selection.is_open();
        // Before the others: one that is created between the two is new.
        let mut outside = if self.is_first && is_open { list_all(session).await? } else { None };
        let mut watched = list(session, &listed).await?;
        watched.retain(|entry| self.selection.takes(entry));
        let names: HashSet<&MailboxName> = watched.iter().map(|entry| &entry.name).collect();
        if !self.is_first && is_open && self.misses(&names) {
            outside = list_all(session).await?;
        }
        outside.iter_mut().for_each(|outside| outside.retain(|listed| !names.contains(&listed.name)));
        let is_added = |entry: &&ListEntry| self.before.as_ref().is_some_and(|before| !before.takes(entry));
        let added = watched.iter().filter(is_added).map(|entry| entry.name.clone()).collect();
        Ok(Swept { found: watched.into_iter().map(found).collect(), added, outside })
    }

    /// Whether a mailbox that was watched is not found: it may be there all the same.
    fn misses(&self, found: &HashSet<&MailboxName>) -> bool {
        self.shared.ledger().heads().any(|(_, head)| !found.contains(&head.name))
    }

    /// Which mailboxes with a new name are such that have lost theirs.
    async fn compare_new(&self, found: &mut [Found]) -> Result<()> {
        let (known, mut gone) = self.known(found);
        let is_new = |found: &&mut Found| found.mailbox_id.is_none() && !known.contains(&found.name);
        for found in found.iter_mut().filter(is_new).take(MAX_COMPARED) {
            let uid_validity = found.counts.as_ref().and_then(|counts| counts.uid_validity);
            let may_be_same = |gone: &&Gone| Some(gone.uid_validity) == uid_validity;
            let candidates: Vec<&Gone> = gone.iter().filter(may_be_same).collect();
            if candidates.is_empty() {
                continue;
            }
            found.before = Before::None;
            if let Some(key) = self.recognise(&found.name, &candidates).await? {
                gone.retain(|gone| gone.key != key);
                found.before = Before::Mailbox(key);
            }
        }
        Ok(())
    }

    /// The names of all mailboxes that are known, and those that have been found under no name.
    fn known(&self, found: &[Found]) -> (HashSet<MailboxName>, Vec<Gone>) {
        let found: HashSet<&MailboxName> = found.iter().map(|found| &found.name).collect();
        let ledger = self.shared.ledger();
        let known = ledger.heads().map(|(_, head)| head.name.clone()).collect();
        let gone = ledger
            .heads()
            .filter(|(key, head)| key.is_ours() && !head.sample.is_empty() && !found.contains(&head.name));
        let gone = gone.filter_map(|(key, head)| {
            let uid_validity = head.state.as_ref()?.uid_validity;
            Some(Gone { key: key.clone(), uid_validity, sample: head.sample.clone() })
        });
        (known, gone.collect())
    }

    /// The first of these whose messages are in this mailbox.
    async fn recognise(&self, name: &MailboxName, candidates: &[&Gone]) -> Result<Option<MailboxKey>> {
        let mailbox = match self.account.mailbox(Select::new(name.clone()).read_only()).await {
            Ok(mailbox) => mailbox,
            // It can't be read: nothing speaks for it.
            Err(error) if error.kind() == ErrorKind::No => return Ok(None),
            Err(error) => return Err(error),
        };
        // One command for all of them, however many have gone.
        let uids: UidSet =
            candidates.iter().flat_map(|gone| gone.sample.iter()).map(|(uid, _)| *uid).collect();
        let there: HashMap<Uid, String> =
            sample_of(&mailbox.fetch(uids, sample_items()).await?).into_iter().collect();
        let same = candidates.iter().find(|gone| is_same(&gone.sample, &there));
        Ok(same.map(|gone| gone.key.clone()))
    }
}

/// Whether the messages of this sample are there: some may have been expunged since; none may be
/// another one.
fn is_same(sample: &Sample, there: &HashMap<Uid, String>) -> bool {
    let mut found = sample.iter().filter_map(|(uid, text)| Some(there.get(uid)? == text)).peekable();
    found.peek().is_some() && found.all(|is_same| is_same)
}

/// A mailbox that has been found under no name, without MAILBOXID.
struct Gone {
    key: MailboxKey,
    uid_validity: UidValidity,
    sample: Sample,
}

async fn list(session: &Sender, selection: &Selection) -> Result<Vec<ListEntry>> {
    let capabilities = session.capabilities();
    let mut items = StatusItems::counts().uid_validity().uid_next();
    if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
        items = items.highest_mod_seq();
    }
    if capabilities.has("OBJECTID") {
        items = items.mailbox_id();
    }
    let list = selection.list(&capabilities);
    let has_status = capabilities.has("LIST-STATUS") || capabilities.has("IMAP4rev2");
    let list = if has_status { list.with_status(items.clone()) } else { list };
    let mut watched = session.list(list).await?;
    if let Some(list) = selection.list_subscribed(&capabilities) {
        let subscribed: HashSet<_> = session.list(list).await?.into_iter().map(|entry| entry.name).collect();
        for entry in watched.iter_mut().filter(|entry| subscribed.contains(&entry.name)) {
            entry.attributes.push("\\Subscribed".to_owned());
        }
    }
    if selection.lists_subscribed_alone(&capabilities) {
        for entry in watched.iter_mut().filter(|entry| !entry.has("\\Subscribed")) {
            entry.attributes.push("\\Subscribed".to_owned());
        }
    }
    watched.retain(|entry| selection.takes(entry));
    if !has_status {
        for entries in watched.chunks_mut(AT_ONCE) {
            count(session, entries, &items).await?;
        }
    }
    Ok(watched)
}

/// All mailboxes that are there, with their identifiers where that is one command; `None` if the
/// server does not list them.
async fn list_all(session: &Sender) -> Result<Option<Vec<Listed>>> {
    let capabilities = session.capabilities();
    let mut list = List::new("*");
    if capabilities.has("OBJECTID") && (capabilities.has("LIST-STATUS") || capabilities.has("IMAP4rev2")) {
        list = list.with_status(StatusItems::mailbox_id());
    }
    let all = match session.list(list).await {
        Ok(all) => all,
        Err(error) if matches!(error.kind(), ErrorKind::No | ErrorKind::Bad) => return Ok(None),
        Err(error) => return Err(error),
    };
    let listed = |entry: ListEntry| {
        let mailbox_id = entry.status.as_ref().and_then(|status| status.mailbox_id.clone());
        Listed { name: entry.name, mailbox_id }
    };
    Ok(Some(all.into_iter().filter(ListEntry::is_selectable).map(listed).collect()))
}

/// Asks for the counts of these mailboxes; a mailbox whose counts are refused has none.
async fn count(session: &Sender, entries: &mut [ListEntry], items: &StatusItems) -> Result<()> {
    let tokens: Vec<_> =
        entries.iter().map(|entry| session.status(entry.name.clone(), items.clone())).collect();
    for (entry, token) in entries.iter_mut().zip(tokens) {
        let status: Option<MailboxStatus> = match token.await {
            Ok(status) => Some(status),
            Err(error) if matches!(error.kind(), ErrorKind::No | ErrorKind::Bad) => None,
            Err(error) => return Err(error),
        };
        entry.status = status.map(Box::new);
    }
    Ok(())
}

/// Without counts it is listed all the same, so it is not gone: it may not be read, or not now.
fn found(entry: ListEntry) -> Found {
    let mailbox_id = entry.status.as_ref().and_then(|status| status.mailbox_id.clone());
    let counts = entry.status.as_deref().map(Counts::of);
    Found { name: entry.name, mailbox_id, counts, before: Before::NotCompared }
}
