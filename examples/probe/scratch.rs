//! The mailbox that everything is tried in, with some messages, and another one beside it; both are
//! removed at the end.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use imap_duplex::command::{List, SetAcl, SetMetadata};
use imap_duplex::types::{ListEntry, MyRights, Uid};
use imap_duplex::{ErrorKind, Mailbox, Result, Sender};

use crate::gmail;
use crate::support::failure::Failure;
use crate::support::server::Server;

/// What no other probe says: by it the messages of this one are known.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{}-{now}", std::process::id())
});

/// What is in it: plain text, and one with an attachment.
static MESSAGES: LazyLock<[String; 2]> = LazyLock::new(|| {
    let [first, second, ..] = message_ids();
    [
        format!(
            "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Plan\r\n\
             Message-ID: {first}\r\nDate: Wed, 17 Jul 2024 02:23:25 -0700\r\n\r\nShall we meet?\r\n"
        ),
        format!(
            "From: Bob <bob@example.org>\r\nTo: ann@example.org\r\nSubject: Re: Plan\r\n\
             Message-ID: {second}\r\nReferences: {first}\r\n\
             Date: Wed, 17 Jul 2024 03:23:25 -0700\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nWWVz\r\n--x--\r\n"
        ),
    ]
});

/// The Message-IDs of all that is put anywhere.
pub(crate) fn message_ids() -> [String; 4] {
    [1, 2, 3, 4].map(|number| format!("<{number}.{}@probe.example>", *MARK))
}

/// The mailboxes, the messages, and what is to be said.
pub(crate) struct Scratch {
    pub(crate) imap: Sender,
    user: String,
    /// The mailbox, selected.
    pub(crate) inbox: Mailbox,
    pub(crate) name: String,
    /// Another one, which is not selected.
    pub(crate) other: String,
    pub(crate) uids: Vec<Uid>,
    /// Why the messages are not all there, if they are not.
    lacking: Option<String>,
    /// Why what the server accepted did not show that the capability works.
    verdict: Option<Verdict>,
}

/// What is said of a row whose commands came to an end.
pub(crate) enum Verdict {
    /// Nothing was tried after all, or the server may say no.
    Skipped(String),
    Failed(String),
}

/// What the names of all probes begin with, behind the prefix of the user's mailboxes.
const NAMED: &str = "imap-duplex-probe-";

/// How old the mailboxes of another probe are that surely does not run any more.
const STALE: Duration = Duration::from_secs(3600);

/// A name that no other mailbox has, nor begins with.
pub(crate) async fn name(imap: &Sender) -> String {
    let prefix = match imap.namespace().await {
        Ok(spaces) => spaces.personal.into_iter().next().map_or(String::new(), |space| space.prefix),
        Err(_) => String::new(),
    };
    format!("{prefix}{NAMED}{}", *MARK)
}

/// Removes what probes have left that were killed: no program can do that by itself. Their names
/// say when they began.
pub(crate) async fn remove_stale(imap: &Sender, user: &str, own: &str) -> Result<(), Failure> {
    let Some((prefix, _)) = own.rsplit_once(NAMED) else { return Ok(()) };
    let before = |name: &str| -> Option<String> {
        let mut pieces = name.strip_prefix(prefix)?.strip_prefix(NAMED)?.split('-');
        let (process, began) = (pieces.next()?, pieces.next()?);
        let age = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_nanos(began.parse().ok()?));
        (age.ok()? > STALE).then(|| format!("{prefix}{NAMED}{process}-{began}"))
    };
    let listed = imap.list(format!("{prefix}{NAMED}*").as_str()).await?;
    let mut names: Vec<_> = listed.iter().filter_map(|entry| before(entry.name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        remove(imap, user, &name).await?;
    }
    Ok(())
}

impl Scratch {
    /// Makes both. What of it there is when this ends early is for [`remove`]. A server that takes
    /// no message can still be asked for what needs none.
    pub(crate) async fn make(imap: Sender, user: &str, name: &str) -> Result<Self> {
        let (name, other) = (name.to_owned(), format!("{name}-other"));
        for name in [&name, &other] {
            imap.create(name.as_str()).await?;
            take_rights(&imap, user, name).await?;
        }
        let mut lacking = None;
        for message in MESSAGES.iter() {
            let appended = imap.append(name.as_str(), message.as_str()).await.map(drop);
            lacking = lacking.or(refusal(appended)?);
        }
        let inbox = imap.select(name.as_str()).await?;
        let user = user.to_owned();
        let mut scratch = Self { imap, user, inbox, name, other, uids: Vec::new(), lacking, verdict: None };
        let looked = scratch.look().await;
        scratch.lacking = scratch.lacking.or(refusal(looked)?);
        if scratch.uids.len() < MESSAGES.len() {
            scratch
                .lacking
                .get_or_insert_with(|| "the server took it, and SEARCH does not find it".to_owned());
        }
        Ok(scratch)
    }

    /// Goes on over another connection.
    pub(crate) async fn connect_again(&mut self, server: &Server) -> Result<(), Failure> {
        let (imap, events) = server.connect().await?;
        drop(events);
        self.imap = imap;
        self.inbox = self.imap.select(self.name.as_str()).await?;
        Ok(())
    }

    /// The plain text, or the one with an attachment.
    pub(crate) fn message(&self, which: usize) -> Option<Uid> {
        self.uids.get(which).copied()
    }

    /// The row is to say that there is no message to try it on, and why. Gives a text for where one
    /// is needed.
    pub(crate) fn no_message(&mut self) -> String {
        let why = self.lacking.clone().unwrap_or_else(|| "it is gone".to_owned());
        self.skip(format!("the scratch message could not be made: {why}"))
    }

    /// The row is to say that nothing was tried, and why. Gives a text for where one is needed.
    pub(crate) fn skip(&mut self, why: impl Into<String>) -> String {
        self.verdict = Some(Verdict::Skipped(why.into()));
        String::new()
    }

    /// What was to be said of a row that was skipped is what has failed.
    pub(crate) fn fails_instead(&mut self) {
        if let Some(Verdict::Skipped(why)) = self.verdict.take() {
            self.verdict = Some(Verdict::Failed(why));
        }
    }

    /// The row is to say that it did not work, and why.
    pub(crate) fn fail(&mut self, why: impl Into<String>) -> String {
        self.verdict = Some(Verdict::Failed(why.into()));
        String::new()
    }

    /// What was said since this was asked last.
    pub(crate) fn take_verdict(&mut self) -> Option<Verdict> {
        self.verdict.take()
    }

    /// So that a mailbox that was just made can be used, whoever makes it.
    pub(crate) async fn take_rights(&self, name: &str) -> Result<()> {
        take_rights(&self.imap, &self.user, name).await
    }

    /// Which messages there are now.
    pub(crate) async fn look(&mut self) -> Result<()> {
        let found = self.inbox.search(imap_duplex::command::Search::all()).await?;
        self.uids = found.iter().collect();
        Ok(())
    }

    /// Puts another message into it, and gives its UID.
    pub(crate) async fn add(&mut self) -> Result<Option<Uid>> {
        let token = self.imap.append(self.name.as_str(), message());
        Ok(token.await?.uid)
    }

    /// Its path in a URL, with its UIDVALIDITY.
    pub(crate) fn url_path(&self) -> String {
        let validity = self.inbox.uid_validity().map(|value| format!(";UIDVALIDITY={value}"));
        format!("/{}{}/", crate::urls::escaped(&self.name), validity.unwrap_or_default())
    }

    /// A name beside it that is removed with it.
    pub(crate) fn beside(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }
}

/// An administrator may make mailboxes in which they may do nothing yet, but give rights.
pub(crate) async fn take_rights(imap: &Sender, user: &str, name: &str) -> Result<()> {
    const ALL: &str = "lrswipkxtecda";
    if user.is_empty() || !imap.capabilities().has("ACL") {
        return Ok(());
    }
    let has_all = |mine: &MyRights| "ix".chars().all(|right| mine.rights.can(right));
    let asked = match imap.my_rights(name).await {
        Ok(mine) if has_all(&mine) => return Ok(()),
        Ok(_) => imap.set_acl(SetAcl::add(name, user, ALL)).await,
        Err(error) => Err(error),
    };
    // What is lacking shows at whatever needs it.
    refusal(asked).map(drop)
}

fn is_no(done: &Result<()>) -> bool {
    done.as_ref().is_err_and(|error| error.kind() == ErrorKind::No)
}

/// Removes all that was made under this name, and sees that nothing is left.
pub(crate) async fn remove(imap: &Sender, user: &str, name: &str) -> Result<(), Failure> {
    let all = format!("{name}*");
    let emptied = match imap.capabilities().has("X-GM-EXT-1") {
        true => gmail::empty(imap, &all).await,
        false => Ok(()),
    };
    if let Ok(subscribed) = imap.list(List::new(&*all).lsub()).await {
        for entry in subscribed {
            let _ = imap.unsubscribe(entry.name).await;
        }
    }
    for entry in imap.list(&*all).await?.into_iter().filter(ListEntry::is_selectable) {
        let mut removed = imap.delete(entry.name.clone()).await;
        if is_no(&removed) {
            take_rights(imap, user, entry.name.as_str()).await?;
            removed = imap.delete(entry.name.clone()).await;
        }
        if is_no(&removed) && entry.special_uses().next().is_some() {
            // Some servers keep a mailbox as long as it is for a special use, which is an
            // annotation (RFC 6154 section 4).
            let for_nothing = SetMetadata::of(entry.name.clone()).unset("/private/specialuse");
            let _ = imap.set_metadata(for_nothing).await;
            removed = imap.delete(entry.name).await;
        }
        if !is_no(&removed) {
            removed?;
        }
    }
    let left = imap.list(&*all).await?;
    let left: Vec<_> = left.iter().filter(|entry| entry.is_selectable()).map(|e| e.name.as_str()).collect();
    if left.is_empty() {
        return emptied;
    }
    Err(Failure::new(format!("not removed: {}", left.join(", "))))
}

/// What the server says against it; a failure of the connection is none.
fn refusal(done: Result<()>) -> Result<Option<String>> {
    match done {
        Ok(()) => Ok(None),
        Err(error) if error.close_reason().is_some() => Err(error),
        Err(error) => Ok(Some(format!("{error:#}"))),
    }
}

/// A message to append: plain text.
pub(crate) fn message() -> &'static str {
    &MESSAGES[0]
}

/// Another one, whose first part is in base64.
pub(crate) fn encoded_message() -> &'static str {
    &MESSAGES[1]
}

/// One whose header is in UTF-8 (RFC 6532).
pub(crate) fn message_in_utf8() -> String {
    let [_, _, third, _] = message_ids();
    format!("Subject: Grüße\r\nMessage-ID: {third}\r\n\r\nHallo\r\n")
}

/// A header, without a text.
pub(crate) fn header() -> String {
    let [.., fourth] = message_ids();
    format!("Subject: Part\r\nMessage-ID: {fourth}\r\n\r\n")
}
