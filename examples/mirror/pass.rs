//! One pass over a mailbox: its Maildir is made equal to it.
//!
//! ```text
//!   lease, with the state of the last pass ──> NOOP ──> snapshot ──> against the files ──> remove, rename, fetch ──> state kept
//! ```
//!
//! In: an account, a mailbox. Out: what was new, changed, removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use imap_duplex::account::{Account, MailboxLease};
use imap_duplex::command::Items;
use imap_duplex::types::{Flags, MailboxName, Section, Timestamp, Uid, UidSet, ViewSync};
use imap_duplex::{ErrorKind, Select};
use serde_json::{Value, json};

use super::maildir::{self, Maildir};
use super::state::States;
use super::support::failure::Failure;

/// How much one FETCH asks for, in bytes; a larger message is read in pieces.
const BATCH: u64 = 512 * 1024;

/// What a pass has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) new: u64,
    pub(crate) changed: u64,
    pub(crate) removed: u64,
}

/// Why a pass could not be done: the server, or the disk.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    Server(imap_duplex::Error),
    Disk(Arc<io::Error>),
}

impl Error {
    /// Whether the same may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Server(error) if error.is_transient())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => write!(f, "{}", Failure::from(error)),
            Self::Disk(error) => error.fmt(f),
        }
    }
}

impl From<imap_duplex::Error> for Error {
    fn from(error: imap_duplex::Error) -> Self {
        Self::Server(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(error) => error.into(),
            Error::Disk(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                io::Error::from(error.kind()).into()
            }
            Error::Disk(error) => Self::new(error.to_string()),
        }
    }
}

/// The mirror of an account.
pub(crate) struct Mirror {
    account: Account,
    folder: PathBuf,
    states: States,
    delimiters: BTreeMap<MailboxName, Option<char>>,
    sum: Outcome,
    done: BTreeSet<MailboxName>,
}

impl Mirror {
    pub(crate) fn open(account: Account, folder: PathBuf, state: Option<PathBuf>) -> Result<Self, Failure> {
        let cannot = |what: &Path, e: io::Error| Failure::new(format!("{}: {e}", what.display()));
        std::fs::create_dir_all(&folder).map_err(|e| cannot(&folder, e))?;
        let states = States::load(state.clone()).map_err(|e| cannot(&state.unwrap_or_default(), e))?;
        Ok(Self {
            account,
            folder,
            states,
            delimiters: BTreeMap::new(),
            sum: Outcome::default(),
            done: BTreeSet::new(),
        })
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The mailboxes that there are. The Maildirs of those that are gone are cleared.
    pub(crate) async fn list(&mut self) -> Result<Vec<MailboxName>, Error> {
        let session = self.account.session().await?;
        let listed = session.list("*").await?;
        drop(session);
        let listed: Vec<_> = listed.into_iter().filter(|entry| entry.is_selectable()).collect();
        self.delimiters = listed.iter().map(|entry| (entry.name.clone(), entry.delimiter)).collect();
        let names: Vec<_> = listed.into_iter().map(|entry| entry.name).collect();
        let kept: Vec<_> = names.iter().map(|name| self.path(name)).collect();
        for folder in maildir::all(&self.folder)? {
            if !kept.contains(&folder) {
                self.sum.removed += maildir::clear(&folder)?;
            }
        }
        self.states.retain(&names)?;
        Ok(names)
    }

    fn path(&self, name: &MailboxName) -> PathBuf {
        maildir::path(&self.folder, name, self.delimiters.get(name).copied().flatten())
    }

    /// A mailbox has another name: its Maildir moves along, those below it too.
    pub(crate) fn renamed(&mut self, from: &MailboxName, to: &MailboxName) -> Result<(), Failure> {
        let delimiter = self.delimiters.get(from).copied().flatten();
        self.delimiters.insert(to.clone(), delimiter);
        let (old, new) = (self.path(from), self.path(to));
        let moved = (|| {
            if old.is_dir() && !new.exists() {
                new.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                std::fs::rename(&old, &new)?;
            }
            self.states.renamed(from, to)
        })();
        moved.map_err(|e| Failure::new(format!("{}: {e}", new.display())))
    }

    /// Makes the Maildir of this mailbox equal to it.
    pub(crate) async fn pass(&mut self, name: &MailboxName) -> Result<Outcome, Error> {
        let mut select = Select::new(name.clone()).read_only().view_sync(ViewSync::Flags);
        if let Some(state) = self.states.get(name) {
            select = select.resume(state.clone());
        }
        let mailbox = self.account.mailbox(select).await?;
        // It may have been selected for a while.
        mailbox.sender().noop().await?;
        mailbox.ready().await?;
        let snapshot = mailbox.snapshot();
        let Some(uid_validity) = snapshot.uid_validity() else {
            let what = format!("{name} has no UIDVALIDITY, so that nothing says which messages are which");
            return Err(imap_duplex::Error::protocol(what).into());
        };
        let (mut maildir, gone) = Maildir::open(self.path(name), uid_validity)?;
        let mut outcome = Outcome { removed: gone, ..Outcome::default() };
        let there = snapshot.uids();
        for uid in maildir.uids().filter(|uid| !there.contains(*uid)).collect::<Vec<_>>() {
            maildir.remove(uid)?;
            outcome.removed += 1;
        }
        let mut missing = BTreeMap::new();
        let local: UidSet = maildir.uids().collect();
        for message in snapshot.iter() {
            let (Some(uid), Some(flags)) = (message.uid(), message.flags()) else { continue };
            if !local.contains(uid) {
                missing.insert(uid, flags.clone());
            } else if maildir.set_flags(uid, flags)? {
                outcome.changed += 1;
            }
        }
        outcome.new = fetch(&mailbox, &mut maildir, &missing).await?;
        maildir.sync()?;
        if let Some(state) = mailbox.state() {
            self.states.set(name, state)?;
        }
        self.done.insert(name.clone());
        self.sum.new += outcome.new;
        self.sum.changed += outcome.changed;
        self.sum.removed += outcome.removed;
        Ok(outcome)
    }

    /// What all passes have come to.
    pub(crate) async fn sums(&self) -> Value {
        let traffic = self.account.traffic().await;
        json!({
            "mailboxes": self.done.len(),
            "new": self.sum.new,
            "changed": self.sum.changed,
            "removed": self.sum.removed,
            "bytes_in": traffic.bytes_received,
            "bytes_out": traffic.bytes_sent,
        })
    }
}

/// Fetches these messages into the Maildir. How many there were.
async fn fetch(
    mailbox: &MailboxLease,
    maildir: &mut Maildir,
    missing: &BTreeMap<Uid, Flags>,
) -> Result<u64, Error> {
    let uids: UidSet = missing.keys().copied().collect();
    if uids.is_empty() {
        return Ok(0);
    }
    let (mut batch, mut bytes, mut fetched) = (UidSet::new(), 0, 0);
    let mut large: Vec<(Uid, u64, Option<Timestamp>)> = Vec::new();
    let mut batches = Vec::new();
    for row in mailbox.fetch(uids, Items::new().size().internal_date()).await? {
        let (Some(uid), size) = (row.uid(), row.size().unwrap_or(0)) else { continue };
        if size > BATCH {
            large.push((uid, size, row.internal_date()));
            continue;
        }
        if bytes + size > BATCH {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        batch.insert(uid);
        bytes += size;
    }
    batches.push(batch);
    let ask = |uids: UidSet| mailbox.fetch(uids, Items::body().internal_date()).stream();
    // The next batch is on its way while one is written.
    let mut batches = batches.into_iter().filter(|batch| !batch.is_empty()).map(ask);
    let mut next = batches.next();
    while let Some(mut rows) = next {
        next = batches.next();
        while let Some(row) = rows.next().await {
            let row = row?;
            let (Some(uid), Some(body)) = (row.uid(), row.body()) else { continue };
            let Some(flags) = missing.get(&uid) else { continue };
            let mut file = maildir.begin(uid, row.internal_date())?;
            file.1.write_all(body)?;
            maildir.deliver(uid, file, flags, row.internal_date())?;
            fetched += 1;
        }
    }
    for (uid, size, received) in large {
        let Some(flags) = missing.get(&uid) else { continue };
        let mut file = maildir.begin(uid, received)?;
        let mut body = mailbox.body(uid, Section::Full).expecting(size);
        loop {
            match body.next().await {
                Some(Ok(bytes)) => file.1.write_all(&bytes)?,
                // The next pass does not miss it; what is left in tmp goes then.
                Some(Err(error)) if error.kind() == ErrorKind::Expunged => break,
                Some(Err(error)) => return Err(error.into()),
                None => {
                    maildir.deliver(uid, file, flags, received)?;
                    fetched += 1;
                    break;
                }
            }
        }
    }
    Ok(fetched)
}
