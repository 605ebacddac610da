//! The state of the server: users, mailboxes, connected sessions. One lock protects it; nothing in
//! here waits.
//!
//! In: changes, from sessions and from the test. Out: [`Notification`]s in each session's queue,
//! whose task is woken.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::capability::Extensions;
use super::clock::Clock;
use super::log::LoggedCommand;
use super::mailbox::{Mailbox, MailboxId};
use super::notification::{Notification, Urgent};
use super::quirks::Quirks;
use super::sasl::Given;
use super::script::Script;
use super::watch::Watch;
use crate::types::{MailboxName, Timestamp};

/// The mailboxes of a new user, besides INBOX.
const FOLDERS: [(&str, &str); 3] = [("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash")];

/// The maximum of logged commands.
const LOGGED: usize = 100_000;

/// Identifies a connected session.
pub(crate) type SessionId = u64;

/// The configuration of the server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) extensions: Extensions,
    /// The capabilities to advertise, whatever the server supports.
    pub(crate) claimed: Option<Vec<String>>,
    /// The largest message (RFC 7889).
    pub(crate) append_limit: usize,
    /// The most messages of one command (RFC 9738); `None` for any.
    pub(crate) message_limit: Option<u32>,
    /// Plaintext passwords need TLS.
    pub(crate) require_tls: bool,
    /// STARTTLS is not offered.
    pub(crate) no_tls: bool,
    /// LOGIN is answered with NO.
    pub(crate) no_login: bool,
    /// The mechanisms that AUTHENTICATE takes; others are answered with NO.
    pub(crate) mechanisms: Vec<&'static str>,
    /// Those that a test has given, which come first.
    pub(crate) given: Vec<Given>,
    /// Whom EXTERNAL lets in.
    pub(crate) external: Option<String>,
    /// Who may act as any other user.
    pub(crate) masters: Vec<String>,
    /// What is said of a token that is refused.
    pub(crate) token_failure: Option<String>,
    /// Every user name is accepted, with this password.
    pub(crate) any_user: Option<String>,
    /// The user as whom the server that sends mail logs in (RFC 4467 section 3).
    pub(crate) submission_user: Option<String>,
    /// New users have INBOX only.
    pub(crate) inbox_only: bool,
    /// The greeting is PREAUTH, for this user.
    pub(crate) preauth: Option<String>,
    /// How many sessions a user may have.
    pub(crate) max_sessions: Option<usize>,
    /// How many logins a user may have within this time.
    pub(crate) max_logins: Option<(usize, Duration)>,
    /// Imitated behaviours of other servers.
    pub(crate) quirks: Quirks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extensions: Extensions::default(),
            claimed: None,
            append_limit: 64 * 1024 * 1024,
            message_limit: None,
            require_tls: false,
            no_tls: false,
            no_login: false,
            mechanisms: vec!["PLAIN"],
            given: Vec::new(),
            external: None,
            masters: Vec::new(),
            token_failure: None,
            any_user: None,
            submission_user: None,
            inbox_only: false,
            preauth: None,
            max_sessions: None,
            max_logins: None,
            quirks: Quirks::default(),
        }
    }
}

/// A user.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) password: String,
    pub(crate) token: Option<Token>,
    pub(crate) names: BTreeMap<MailboxName, MailboxId>,
    pub(crate) subscribed: BTreeSet<MailboxName>,
    pub(crate) quota: Limits,
    /// Annotations of the server, as this user sees them (RFC 5464).
    pub(crate) annotations: BTreeMap<String, Bytes>,
    /// When sessions were begun, by the server's clock, the latest last; as long as that counts.
    pub(crate) logins: VecDeque<Duration>,
    /// By Message-ID, the thread that a message belongs to (RFC 8474 section 5.2).
    pub(crate) threads: HashMap<String, Arc<str>>,
    /// The messages with Gmail's label `\Important`, by EMAILID.
    pub(crate) important: BTreeSet<Arc<str>>,
}

/// The access token of a user.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) is_expired: bool,
}

/// The limits of a user (RFC 9208).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) bytes: Option<u64>,
    pub(crate) messages: Option<u64>,
    pub(crate) mailboxes: Option<u64>,
    /// Bytes of all annotations of messages.
    pub(crate) annotations: Option<u64>,
}

/// A connected session, as the others see it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The logged-in user.
    pub(crate) user: Option<String>,
    pub(crate) selected: Option<MailboxId>,
    /// Whether it may get messages as recent: it has not only EXAMINEd the mailbox.
    pub(crate) takes_recent: bool,
    /// Whether it receives mod-sequences.
    pub(crate) condstore: bool,
    /// The connection uses TLS.
    pub(crate) secure: bool,
    /// The connection is compressed.
    pub(crate) compressed: bool,
    pub(crate) queue: VecDeque<Notification>,
    pub(crate) urgent: Vec<Urgent>,
    /// Something has happened since the session last checked.
    pub(crate) fresh: bool,
    /// What NOTIFY requests.
    pub(crate) watch: Option<Arc<Watch>>,
    /// The test has cut the connection: it ends without a BYE.
    pub(crate) cut: bool,
    pub(crate) waker: Option<Waker>,
}

impl Line {
    pub(crate) fn push(&mut self, notification: Notification) {
        self.queue.push_back(notification);
        self.wake();
    }

    pub(crate) fn push_urgent(&mut self, urgent: Urgent) {
        self.urgent.push(urgent);
        self.wake();
    }

    pub(crate) fn wake(&mut self) {
        self.fresh = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) mailboxes: HashMap<MailboxId, Mailbox>,
    pub(crate) lines: BTreeMap<SessionId, Line>,
    pub(crate) script: Script,
    /// The latest commands, [`LOGGED`] at most.
    pub(crate) commands: VecDeque<LoggedCommand>,
    /// The server was dropped: sessions say BYE, and none begins.
    pub(crate) over: bool,
    pub(crate) clock: Clock,
    /// Wakers of the listeners, for when the server is dropped.
    pub(crate) listeners: Vec<Waker>,
    last_id: u64,
    /// The highest UIDVALIDITY that any mailbox had.
    last_uid_validity: u32,
}

/// The state behind its lock.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// Locks the state. A panic elsewhere leaves it consistent: each change is complete before
    /// anything can panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            settings,
            users: BTreeMap::new(),
            mailboxes: HashMap::new(),
            lines: BTreeMap::new(),
            script: Script::default(),
            commands: VecDeque::new(),
            over: false,
            clock,
            listeners: Vec::new(),
            last_id: 0,
            last_uid_validity: 0,
        }
    }

    pub(crate) fn has(&self, extension: &str) -> bool {
        self.settings.extensions.has(extension)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A number never used before.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The UIDVALIDITY of a new mailbox: higher than any before, as its name may have been used
    /// before (RFC 9051 section 2.3.1.1).
    pub(crate) fn next_uid_validity(&mut self, id: MailboxId) -> u32 {
        let uid_validity = u32::try_from(id).unwrap_or(u32::MAX);
        self.last_uid_validity = uid_validity.max(self.last_uid_validity.saturating_add(1));
        self.last_uid_validity
    }

    /// Records that a mailbox was given this UIDVALIDITY.
    pub(crate) fn note_uid_validity(&mut self, uid_validity: u32) {
        self.last_uid_validity = self.last_uid_validity.max(uid_validity);
    }

    /// Adds a user, with an empty INBOX and the other mailboxes of new users.
    pub(crate) fn add_user(&mut self, name: &str, password: &str) {
        let user = User { password: password.to_owned(), ..User::default() };
        self.users.insert(name.to_owned(), user);
        self.add_mailbox(name, &MailboxName::INBOX);
        if self.settings.inbox_only {
            return;
        }
        for (folder, special_use) in FOLDERS {
            let folder = MailboxName::new(folder);
            // These names are valid and not taken.
            let _ = self.create(name, &folder, vec![special_use], None);
            let _ = self.subscribe(name, &folder, true, None);
        }
    }

    /// Adds a session.
    pub(crate) fn connect(&mut self, secure: bool) -> SessionId {
        let id = self.next_id();
        self.lines.insert(id, Line { secure, ..Line::default() });
        id
    }

    pub(crate) fn line(&mut self, id: SessionId) -> Option<&mut Line> {
        self.lines.get_mut(&id)
    }

    /// Ends the server: every session ends, and no further one begins.
    pub(crate) fn end(&mut self) {
        self.over = true;
        self.lines.values_mut().for_each(Line::wake);
        self.listeners.drain(..).for_each(Waker::wake);
    }

    /// Logs a client's command.
    pub(crate) fn log_command(&mut self, command: LoggedCommand) {
        if self.commands.len() >= LOGGED {
            self.commands.pop_front();
        }
        self.commands.push_back(command);
    }

    /// Queues what `make` returns in the sessions that have this mailbox selected.
    pub(crate) fn notify_selected(
        &mut self,
        mailbox: MailboxId,
        mut make: impl FnMut(SessionId) -> Option<Notification>,
    ) {
        for (id, line) in &mut self.lines {
            if line.selected == Some(mailbox)
                && let Some(notification) = make(*id)
            {
                line.push(notification);
            }
        }
    }

    /// Ends the sessions that have this mailbox selected, except for the one that caused it.
    pub(crate) fn end_selected(&mut self, mailbox: MailboxId, by: Option<SessionId>, text: &str) {
        for (id, line) in &mut self.lines {
            if line.selected == Some(mailbox) && by != Some(*id) {
                line.push_urgent(Urgent::Bye(text.to_owned()));
            }
        }
    }

    /// The owner and the name of this mailbox.
    pub(crate) fn place(&self, mailbox: MailboxId) -> Option<(&str, &MailboxName)> {
        self.users.iter().find_map(|(user, held)| {
            let (name, _) = held.names.iter().find(|(_, id)| **id == mailbox)?;
            Some((user.as_str(), name))
        })
    }

    pub(crate) fn find(&self, user: &str, name: &MailboxName) -> Option<MailboxId> {
        self.users.get(user)?.names.get(name).copied()
    }

    /// The usage of a user: bytes and messages.
    pub(crate) fn usage(&self, user: &str) -> (u64, u64) {
        let ids = self.users.get(user).into_iter().flat_map(|user| user.names.values());
        let held = ids.filter_map(|id| self.mailboxes.get(id));
        held.fold((0, 0), |(bytes, count), m| (bytes + m.size(), count + u64::from(m.count())))
    }

    /// How many mailboxes a user has.
    pub(crate) fn mailbox_count(&self, user: &str) -> u64 {
        self.users.get(user).map_or(0, |user| u64::try_from(user.names.len()).unwrap_or(u64::MAX))
    }

    /// How many bytes the annotations of a user's messages have.
    pub(crate) fn annotation_bytes(&self, user: &str) -> u64 {
        let ids = self.users.get(user).into_iter().flat_map(|user| user.names.values());
        let messages = ids.filter_map(|id| self.mailboxes.get(id)).flat_map(|held| held.messages.values());
        messages.map(|message| message.notes.size()).sum()
    }

    /// Whether a user may have one mailbox more.
    pub(crate) fn has_room_for_mailbox(&self, user: &str) -> bool {
        let limit = self.users.get(user).and_then(|user| user.quota.mailboxes);
        limit.is_none_or(|max| self.mailbox_count(user) < max)
    }

    /// Whether the annotations of a user's messages may have so many bytes more.
    pub(crate) fn has_room_for_notes(&self, user: &str, bytes: u64) -> bool {
        let limit = self.users.get(user).and_then(|user| user.quota.annotations);
        bytes == 0 || limit.is_none_or(|max| self.annotation_bytes(user) + bytes <= max)
    }

    /// Whether a user may store this much more.
    pub(crate) fn has_room(&self, user: &str, bytes: u64, messages: u64) -> bool {
        let Some(limits) = self.users.get(user).map(|user| user.quota) else { return true };
        if limits.bytes.is_none() && limits.messages.is_none() {
            return true;
        }
        let (used, count) = self.usage(user);
        limits.bytes.is_none_or(|max| used + bytes <= max)
            && limits.messages.is_none_or(|max| count + messages <= max)
    }
}
