//! How far each mailbox has been mirrored: one file, which is whole at any moment.
//!
//! In: states of mailboxes. Out: the same, in a later run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use imap_duplex::types::{MailboxName, MailboxState};

/// The states, and where they are kept.
#[derive(Debug)]
pub(crate) struct States {
    file: Option<PathBuf>,
    mailboxes: BTreeMap<MailboxName, MailboxState>,
}

impl States {
    /// Those of this file, if there is one.
    pub(crate) fn load(file: Option<PathBuf>) -> io::Result<Self> {
        let read = file.as_deref().map(fs::read);
        let mailboxes = match read {
            Some(Ok(text)) => serde_json::from_slice(&text)?,
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => BTreeMap::new(),
        };
        Ok(Self { file, mailboxes })
    }

    pub(crate) fn get(&self, name: &MailboxName) -> Option<&MailboxState> {
        self.mailboxes.get(name)
    }

    /// Keeps the state of a mailbox; it is on the disk then.
    pub(crate) fn set(&mut self, name: &MailboxName, state: MailboxState) -> io::Result<()> {
        if self.mailboxes.get(name) == Some(&state) {
            return Ok(());
        }
        self.mailboxes.insert(name.clone(), state);
        self.save()
    }

    pub(crate) fn renamed(&mut self, from: &MailboxName, to: &MailboxName) -> io::Result<()> {
        if let Some(state) = self.mailboxes.remove(from) {
            self.mailboxes.insert(to.clone(), state);
        }
        self.save()
    }

    /// Only these mailboxes are left.
    pub(crate) fn retain(&mut self, names: &[MailboxName]) -> io::Result<()> {
        let before = self.mailboxes.len();
        self.mailboxes.retain(|name, _| names.contains(name));
        if self.mailboxes.len() == before { Ok(()) } else { self.save() }
    }

    fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let beside = file.with_extension("new");
        let mut new = File::create(&beside)?;
        new.write_all(&serde_json::to_vec(&self.mailboxes)?)?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        #[cfg(unix)]
        if let Some(folder) = file.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}
