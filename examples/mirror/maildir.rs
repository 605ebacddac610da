//! A Maildir that mirrors one mailbox.
//!
//! ```text
//!   tmp/NAME ──> new/NAME (no flags)  or  cur/NAME:2,FS (flags)
//!   NAME = RECEIVED.V(UIDVALIDITY)U(UID).imap-duplex
//! ```
//!
//! A message is written into `tmp`, made durable, and renamed; so it is there whole or not at all.
//! Its name says which message of the mailbox it is, so that nothing else has to be remembered.
//! Files with other names are left alone.
//!
//! In: messages, flags. Out: files; which messages there are.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use imap_duplex::types::{Flag, Flags, MailboxName, Timestamp, Uid, UidValidity};

/// The end of the names of our files.
const OURS: &str = ".imap-duplex";
/// What separates a name from the flags; a colon can't be in a name on Windows.
const INFO: &str = if cfg!(windows) { ";2," } else { ":2," };
const FOLDERS: [&str; 3] = ["cur", "new", "tmp"];

/// A message's file.
#[derive(Debug)]
struct Local {
    path: PathBuf,
    /// The letters of its flags.
    letters: String,
}

/// The Maildir of a mailbox.
#[derive(Debug)]
pub(crate) struct Maildir {
    folder: PathBuf,
    uid_validity: UidValidity,
    messages: BTreeMap<Uid, Local>,
}

impl Maildir {
    /// Opens it, or makes it. Messages of another UIDVALIDITY are removed: how many.
    pub(crate) fn open(folder: PathBuf, uid_validity: UidValidity) -> io::Result<(Self, u64)> {
        for name in FOLDERS {
            fs::create_dir_all(folder.join(name))?;
        }
        let mut maildir = Self { folder, uid_validity, messages: BTreeMap::new() };
        let mut removed = 0;
        for (place, path) in maildir.files()? {
            let Some((validity, uid, letters)) = parsed(&path) else { continue };
            if place == "tmp" {
                // What an earlier run was killed over.
                fs::remove_file(&path)?;
            } else if validity != uid_validity || maildir.messages.contains_key(&uid) {
                fs::remove_file(&path)?;
                removed += u64::from(validity != uid_validity);
            } else {
                maildir.messages.insert(uid, Local { path, letters });
            }
        }
        Ok((maildir, removed))
    }

    fn files(&self) -> io::Result<Vec<(&'static str, PathBuf)>> {
        let mut files = Vec::new();
        for name in FOLDERS {
            for entry in fs::read_dir(self.folder.join(name))? {
                files.push((name, entry?.path()));
            }
        }
        Ok(files)
    }

    /// The messages that there are.
    pub(crate) fn uids(&self) -> impl Iterator<Item = Uid> + '_ {
        self.messages.keys().copied()
    }

    /// A new file for a message, and where it is.
    pub(crate) fn begin(&self, uid: Uid, received: Option<Timestamp>) -> io::Result<(PathBuf, File)> {
        let seconds = received.map_or(0, |time| time.seconds().max(0));
        let name = format!("{seconds}.V{}U{uid}{OURS}", self.uid_validity);
        let path = self.folder.join("tmp").join(name);
        let file = File::create(&path)?;
        Ok((path, file))
    }

    /// The message is complete: it is made durable and put in its place.
    pub(crate) fn deliver(
        &mut self,
        uid: Uid,
        (path, mut file): (PathBuf, File),
        flags: &Flags,
        received: Option<Timestamp>,
    ) -> io::Result<()> {
        file.flush()?;
        if let Some(seconds) = received.and_then(|time| u64::try_from(time.seconds()).ok()) {
            file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(seconds)))?;
        }
        file.sync_all()?;
        let letters = letters(flags);
        let to = self.place(&path, &letters);
        fs::rename(&path, &to)?;
        self.messages.insert(uid, Local { path: to, letters });
        Ok(())
    }

    /// Where a message with these flags is: without any it is new.
    fn place(&self, path: &Path, letters: &str) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let base = name.split(INFO).next().unwrap_or_default();
        match letters {
            "" => self.folder.join("new").join(base),
            _ => self.folder.join("cur").join(format!("{base}{INFO}{letters}")),
        }
    }

    /// Gives a message these flags. Whether they are others than before.
    pub(crate) fn set_flags(&mut self, uid: Uid, flags: &Flags) -> io::Result<bool> {
        let wanted = letters(flags);
        let Some(path) = self.messages.get(&uid).filter(|local| local.letters != wanted) else {
            return Ok(false);
        };
        let to = self.place(&path.path, &wanted);
        fs::rename(&path.path, &to)?;
        self.messages.insert(uid, Local { path: to, letters: wanted });
        Ok(true)
    }

    pub(crate) fn remove(&mut self, uid: Uid) -> io::Result<()> {
        let Some(local) = self.messages.remove(&uid) else { return Ok(()) };
        fs::remove_file(local.path)
    }

    /// The renames are on the disk once their folders are.
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        for name in ["cur", "new"] {
            File::open(self.folder.join(name))?.sync_all()?;
        }
        Ok(())
    }
}

/// UIDVALIDITY, UID and letters in the name of a file of ours.
fn parsed(path: &Path) -> Option<(UidValidity, Uid, String)> {
    let name = path.file_name()?.to_str()?;
    let (base, letters) = name.split_once(INFO).unwrap_or((name, ""));
    let (_, key) = base.strip_suffix(OURS)?.split_once(".V")?;
    let (validity, uid) = key.split_once('U')?;
    Some((UidValidity::new(validity.parse().ok()?)?, Uid::new(uid.parse().ok()?)?, letters.to_owned()))
}

/// Flags as letters, in the order of the alphabet.
fn letters(flags: &Flags) -> String {
    let all = [
        (Flag::Draft, 'D'),
        (Flag::Flagged, 'F'),
        (Flag::new("$Forwarded"), 'P'),
        (Flag::Answered, 'R'),
        (Flag::Seen, 'S'),
        (Flag::Deleted, 'T'),
    ];
    all.into_iter().filter(|(flag, _)| flags.contains(flag)).map(|(_, letter)| letter).collect()
}

/// Where the Maildir of a mailbox is: a folder for each level of its name. What a name of a folder
/// can't be is written as in a URL.
pub(crate) fn path(root: &Path, name: &MailboxName, delimiter: Option<char>) -> PathBuf {
    let levels: Vec<&str> = match delimiter {
        Some(delimiter) => name.as_str().split(delimiter).collect(),
        None => vec![name.as_str()],
    };
    levels.into_iter().map(escaped).fold(root.to_owned(), |path, level| path.join(level))
}

fn escaped(level: &str) -> String {
    let is_folder_of_maildir = FOLDERS.contains(&level);
    let mut out = String::new();
    for (at, c) in level.chars().enumerate() {
        let is_odd =
            c.is_control() || matches!(c, '/' | '\\' | '%') || at == 0 && (c == '.' || is_folder_of_maildir);
        if is_odd {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out += &format!("%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    if out.is_empty() { "%".into() } else { out }
}

/// The Maildirs below a folder.
pub(crate) fn all(root: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut waiting) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() && !FOLDERS.iter().any(|own| name == *own) {
                waiting.push(entry.path());
            }
        }
        if FOLDERS.iter().all(|name| folder.join(name).is_dir()) {
            found.push(folder);
        }
    }
    Ok(found)
}

/// Removes the messages of a Maildir whose mailbox is gone, and its folders if nothing else is in
/// them. How many.
pub(crate) fn clear(folder: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for name in FOLDERS {
        for entry in fs::read_dir(folder.join(name))? {
            let path = entry?.path();
            if parsed(&path).is_some() {
                fs::remove_file(path)?;
                removed += u64::from(name != "tmp");
            }
        }
        // Somebody else's files keep it.
        _ = fs::remove_dir(folder.join(name));
    }
    _ = fs::remove_dir(folder);
    Ok(removed)
}
