//! All that the server knows: users, mailboxes, connected sessions. One lock holds it; nothing in
//! here waits.
//!
//! In go changes, from sessions and from the test's hands; out, into each session's queue, go
//! [`Responder`]s, and its task is woken.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::capability::Extensions;
use super::clock::Clock;
use super::log::LoggedCommand;
use super::mailbox::{Mailbox, MailboxId};
use super::quirks::Quirks;
use super::responder::{Responder, Urgent};
use super::script::Script;
use super::watch::Watch;
use crate::types::{MailboxName, Timestamp};

/// The mailboxes of a new user, INBOX apart.
const FOLDERS: [(&str, &str); 3] = [("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash")];

/// How many commands are kept.
const LOGGED: usize = 100_000;

/// Names a connected session.
pub(crate) type SessionId = u64;

/// What the server was told to be when it was made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) extensions: Extensions,
    /// The list that is claimed, whatever the server can do.
    pub(crate) claimed: Option<Vec<String>>,
    /// The largest message (RFC 7889).
    pub(crate) append_limit: usize,
    /// No password without TLS.
    pub(crate) require_tls: bool,
    /// STARTTLS is not offered.
    pub(crate) no_tls: bool,
    /// LOGIN is answered with NO.
    pub(crate) no_login: bool,
    /// AUTHENTICATE PLAIN is answered with NO.
    pub(crate) no_plain: bool,
    /// Every user name is known, with this password.
    pub(crate) any_user: Option<String>,
    /// New users have no mailbox but INBOX.
    pub(crate) inbox_only: bool,
    /// The greeting is PREAUTH, for this user.
    pub(crate) preauth: Option<String>,
    /// What it does as other servers do.
    pub(crate) quirks: Quirks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extensions: Extensions::default(),
            claimed: None,
            append_limit: 64 * 1024 * 1024,
            require_tls: false,
            no_tls: false,
            no_login: false,
            no_plain: false,
            any_user: None,
            inbox_only: false,
            preauth: None,
            quirks: Quirks::default(),
        }
    }
}

/// A user.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) password: String,
    pub(crate) names: BTreeMap<MailboxName, MailboxId>,
    pub(crate) subscribed: BTreeSet<MailboxName>,
    pub(crate) quota: Limits,
    /// By Message-ID, the conversation that a message belongs to (RFC 8474 section 5.2).
    pub(crate) threads: HashMap<String, Arc<str>>,
}

/// How much a user may keep (RFC 9208).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) bytes: Option<u64>,
    pub(crate) messages: Option<u64>,
}

/// A connected session, as the others see it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Who has logged in.
    pub(crate) user: Option<String>,
    pub(crate) selected: Option<MailboxId>,
    /// Whether it may have messages as recent: it has not only EXAMINEd.
    pub(crate) takes_recent: bool,
    /// Whether mod-sequences are told to it.
    pub(crate) condstore: bool,
    /// Under TLS.
    pub(crate) secure: bool,
    pub(crate) queue: VecDeque<Responder>,
    pub(crate) urgent: Vec<Urgent>,
    /// Something has happened since the session last looked.
    pub(crate) fresh: bool,
    /// What NOTIFY has asked for.
    pub(crate) watch: Option<Arc<Watch>>,
    /// Ends without a word: the test has cut it.
    pub(crate) cut: bool,
    pub(crate) waker: Option<Waker>,
}

impl Line {
    pub(crate) fn push(&mut self, responder: Responder) {
        self.queue.push_back(responder);
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

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) mailboxes: HashMap<MailboxId, Mailbox>,
    pub(crate) lines: BTreeMap<SessionId, Line>,
    pub(crate) script: Script,
    /// The latest commands, [`LOGGED`] at most.
    pub(crate) response: VecDeque<LoggedCommand>,
    /// The server is gone: sessions say BYE, and none begins.
    pub(crate) over: bool,
    pub(crate) clock: Clock,
    /// Who waits for clients, to be woken when the server goes.
    pub(crate) listeners: Vec<Waker>,
    last_id: u64,
    /// The highest UIDVALIDITY that any mailbox had.
    last_era: u32,
}

/// The world behind its lock.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world. A panic elsewhere leaves it as it was: each change is whole before anything can
    /// panic.
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
            response: VecDeque::new(),
            over: false,
            clock,
            listeners: Vec::new(),
            last_id: 0,
            last_era: 0,
        }
    }

    pub(crate) fn has(&self, extension: &str) -> bool {
        self.settings.extensions.has(extension)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A number that nothing else has had.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The UIDVALIDITY of a new mailbox: higher than any before, as its name may have been
    /// another's (RFC 9051 section 2.3.1.1).
    pub(crate) fn next_era(&mut self, id: MailboxId) -> u32 {
        let era = u32::try_from(id).unwrap_or(u32::MAX);
        self.last_era = era.max(self.last_era.saturating_add(1));
        self.last_era
    }

    /// A mailbox has been given this UIDVALIDITY.
    pub(crate) fn has_era(&mut self, uid_validity: u32) {
        self.last_era = self.last_era.max(uid_validity);
    }

    /// One more user, with an empty INBOX and what else new users have.
    pub(crate) fn add_user(&mut self, name: &str, password: &str) {
        let user = User { password: password.to_owned(), ..User::default() };
        self.users.insert(name.to_owned(), user);
        self.add_mailbox(name, &MailboxName::INBOX);
        if self.settings.inbox_only {
            return;
        }
        for (folder, special_use) in FOLDERS {
            let folder = MailboxName::new(folder);
            // These names are fit, and nobody has them yet.
            let _ = self.create(name, &folder, vec![special_use], None);
            let _ = self.subscribe(name, &folder, true, None);
        }
    }

    /// One more session.
    pub(crate) fn connect(&mut self, secure: bool) -> SessionId {
        let id = self.next_id();
        self.lines.insert(id, Line { secure, ..Line::default() });
        id
    }

    pub(crate) fn line(&mut self, id: SessionId) -> Option<&mut Line> {
        self.lines.get_mut(&id)
    }

    /// The server goes: every session ends, and nobody is let in any more.
    pub(crate) fn end(&mut self) {
        self.over = true;
        self.lines.values_mut().for_each(Line::wake);
        self.listeners.drain(..).for_each(Waker::wake);
    }

    /// Keeps what a client has said.
    pub(crate) fn hear(&mut self, response: LoggedCommand) {
        if self.response.len() >= LOGGED {
            self.response.pop_front();
        }
        self.response.push_back(response);
    }

    /// Puts what `make` makes into the queues of the sessions that have this mailbox selected.
    pub(crate) fn tell_selected(
        &mut self,
        mailbox: MailboxId,
        mut make: impl FnMut(SessionId) -> Option<Responder>,
    ) {
        for (id, line) in &mut self.lines {
            if line.selected == Some(mailbox)
                && let Some(responder) = make(*id)
            {
                line.push(responder);
            }
        }
    }

    /// Ends the sessions that have this mailbox selected, but for one that did it itself.
    pub(crate) fn end_selected(&mut self, mailbox: MailboxId, by: Option<SessionId>, text: &str) {
        for (id, line) in &mut self.lines {
            if line.selected == Some(mailbox) && by != Some(*id) {
                line.push_urgent(Urgent::Bye(text.to_owned()));
            }
        }
    }

    /// Whose mailbox this is, and what it is called.
    pub(crate) fn place(&self, mailbox: MailboxId) -> Option<(&str, &MailboxName)> {
        self.users.iter().find_map(|(user, held)| {
            let (name, _) = held.names.iter().find(|(_, id)| **id == mailbox)?;
            Some((user.as_str(), name))
        })
    }

    pub(crate) fn find(&self, user: &str, name: &MailboxName) -> Option<MailboxId> {
        self.users.get(user)?.names.get(name).copied()
    }

    /// What a user keeps: octets and messages.
    pub(crate) fn usage(&self, user: &str) -> (u64, u64) {
        let ids = self.users.get(user).into_iter().flat_map(|user| user.names.values());
        let held = ids.filter_map(|id| self.mailboxes.get(id));
        held.fold((0, 0), |(bytes, count), m| (bytes + m.size(), count + u64::from(m.count())))
    }

    /// Whether a user may keep so much more.
    pub(crate) fn has_room(&self, user: &str, bytes: u64, messages: u64) -> bool {
        let Some(limits) = self.users.get(user).map(|user| user.quota) else { return true };
        if limits.bytes.is_none() && limits.messages.is_none() {
            return true;
        }
        let (used, count) = self.usage(user);
        limits.bytes.is_none_or(|most| used + bytes <= most)
            && limits.messages.is_none_or(|most| count + messages <= most)
    }
}
