//! The mailbox that everything is tried in, with some messages, and another one beside it; both are
//! removed at the end.

use std::future::IntoFuture;
use std::time::{SystemTime, UNIX_EPOCH};

use imap_duplex::command::{List, SetMetadata};
use imap_duplex::types::Uid;
use imap_duplex::{ErrorKind, Mailbox, Result, Sender};

use crate::support::failure::Failure;

/// What is in it: plain text, and one with an attachment.
const MESSAGES: [&str; 2] = [
    "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Plan\r\nMessage-ID: <1@probe.example>\r\n\
     Date: Wed, 17 Jul 2024 02:23:25 -0700\r\n\r\nShall we meet?\r\n",
    "From: Bob <bob@example.org>\r\nTo: ann@example.org\r\nSubject: Re: Plan\r\n\
     Message-ID: <2@probe.example>\r\nReferences: <1@probe.example>\r\n\
     Date: Wed, 17 Jul 2024 03:23:25 -0700\r\nMIME-Version: 1.0\r\n\
     Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\
     Content-Transfer-Encoding: base64\r\n\r\nWWVz\r\n--x--\r\n",
];

/// The mailboxes, the messages, and how often the server was waited for.
pub(crate) struct Scratch {
    pub(crate) imap: Sender,
    /// The mailbox, selected.
    pub(crate) inbox: Mailbox,
    pub(crate) name: String,
    /// Another one, which is not selected.
    pub(crate) other: String,
    pub(crate) uids: Vec<Uid>,
    /// What else has been made.
    made: Vec<String>,
    trips: u32,
}

impl Scratch {
    pub(crate) async fn make(imap: Sender) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let prefix = match imap.namespace().await {
            Ok(spaces) => spaces.personal.into_iter().next().map_or(String::new(), |space| space.prefix),
            Err(_) => String::new(),
        };
        let name = format!("{prefix}imap-duplex-probe-{}-{now}", std::process::id());
        let other = format!("{name}-other");
        imap.create(name.as_str()).await?;
        let filled = fill(&imap, &name, &other).await;
        let inbox = match filled {
            Ok(inbox) => inbox,
            Err(error) => {
                let _ = (imap.delete(other.as_str()).await, imap.delete(name.as_str()).await);
                return Err(error.into());
            }
        };
        let mut scratch = Self { imap, inbox, name, other, uids: Vec::new(), made: Vec::new(), trips: 0 };
        scratch.look().await?;
        Ok(scratch)
    }

    /// Which messages there are now.
    pub(crate) async fn look(&mut self) -> Result<()> {
        let found = self.inbox.search(imap_duplex::command::Search::all()).await?;
        self.uids = found.iter().collect();
        Ok(())
    }

    /// Waits for one answer, or several that are under way at once.
    pub(crate) async fn trip<T>(&mut self, token: impl IntoFuture<Output = Result<T>>) -> Result<T> {
        self.trips += 1;
        token.into_future().await
    }

    /// How often the server was waited for, since this was asked last.
    pub(crate) fn take_trips(&mut self) -> u32 {
        std::mem::take(&mut self.trips)
    }

    /// Puts another message into it, and gives its UID.
    pub(crate) async fn add(&mut self) -> Result<Option<Uid>> {
        let token = self.imap.append(self.name.as_str(), MESSAGES[0]);
        Ok(self.trip(token).await?.uid)
    }

    /// Its path in a URL, with its UIDVALIDITY.
    pub(crate) fn url_path(&self) -> String {
        let validity = self.inbox.uid_validity().map(|value| format!(";UIDVALIDITY={value}"));
        format!("/{}{}/", crate::trials::escaped(&self.name), validity.unwrap_or_default())
    }

    /// A name beside it that is removed with it.
    pub(crate) fn beside(&mut self, suffix: &str) -> String {
        let name = format!("{}-{suffix}", self.name);
        self.made.push(name.clone());
        name
    }

    /// Removes all that was made, and sees that nothing is left.
    pub(crate) async fn remove(&mut self) -> Result<(), Failure> {
        let _ = self.inbox.unselect().await;
        for name in self.made.iter().chain([&self.other, &self.name]) {
            let removed = self.imap.delete(name.as_str()).await;
            if removed.as_ref().is_err_and(|error| error.kind() == ErrorKind::No) {
                // It was not made after all; or some servers keep a mailbox as long as it is for a
                // special use, which is an annotation (RFC 6154 section 4).
                let for_nothing = SetMetadata::of(name.as_str()).unset("/private/specialuse");
                let _ = self.imap.set_metadata(for_nothing).await;
                let _ = self.imap.delete(name.as_str()).await;
            } else {
                removed?;
            }
        }
        let left = self.imap.list(List::new(format!("{}*", self.name))).await?;
        let left: Vec<_> =
            left.iter().filter(|entry| entry.is_selectable()).map(|e| e.name.as_str()).collect();
        if left.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("not removed: {}", left.join(", "))))
    }
}

/// Both mailboxes, the first with messages and selected.
async fn fill(imap: &Sender, name: &str, other: &str) -> Result<Mailbox> {
    imap.create(other).await?;
    for message in MESSAGES {
        imap.append(name, message).await?;
    }
    imap.select(name).await
}

/// A message to append.
pub(crate) fn message() -> &'static str {
    MESSAGES[0]
}
