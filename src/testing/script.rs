//! What a test wants the server to do otherwise than rightly: at the next command of a kind, or to
//! all that is written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::world::Shared;
use crate::types::{Code, Status, StatusResponse};

/// One thing to do at a command.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The answer comes so much later.
    Delay(Duration),
    /// The command is not done, and answered so.
    Answer(StatusResponse),
    /// The command is not done, and these octets are all that is answered.
    Instead(Bytes),
    /// Octets before the answer.
    Before(Bytes),
    /// Octets behind the first response of the answer.
    Within(Bytes),
    /// Octets behind the answer.
    After(Bytes),
    /// The connection ends after so many octets of the answer.
    Cut(usize),
}

/// What to do at which command.
#[derive(Clone, Debug)]
struct Rule {
    /// Its name in capitals; empty for any.
    command: String,
    /// How often yet.
    times: usize,
    acts: Vec<Act>,
}

/// All that is to be done otherwise.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    /// The most octets that go out in one write.
    pub(crate) split: Option<usize>,
    /// No literal that asks is taken.
    pub(crate) refuse_literals: bool,
}

impl Script {
    /// What is to be done at this command, which has come now.
    pub(crate) fn take(&mut self, name: &str) -> Vec<Act> {
        let fits = |rule: &&mut Rule| rule.times > 0 && (rule.command.is_empty() || rule.command == name);
        let Some(rule) = self.rules.iter_mut().find(fits) else { return Vec::new() };
        rule.times -= 1;
        let acts = rule.acts.clone();
        self.rules.retain(|rule| rule.times > 0);
        acts
    }
}

/// The commands that there are, of IMAP and its extensions, whether the server knows them or not.
const COMMANDS: &[&str] = &[
    "APPEND",
    "AUTHENTICATE",
    "CANCELUPDATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPARATOR",
    "COMPRESS",
    "CONVERSIONS",
    "CONVERT",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "ESEARCH",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GENURLAUTH",
    "GETACL",
    "GETJMAPACCESS",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LANGUAGE",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "NOTIFY",
    "RENAME",
    "REPLACE",
    "RESETKEY",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UIDBATCHES",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
];
/// Those that have a form with `UID ` in front.
const BY_UID: &[&str] =
    &["CONVERT", "COPY", "EXPUNGE", "FETCH", "MOVE", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD"];

/// Whether a command may have this name, in capitals. Those that begin with `X` are anybody's (RFC
/// 3501 section 6.5.1).
fn is_command(name: &str) -> bool {
    match name.strip_prefix("UID ") {
        Some(rest) => BY_UID.contains(&rest),
        None => COMMANDS.contains(&name) || name.starts_with('X') && !name.contains(' '),
    }
}

/// What the server does at the next command of a kind, from [`Server::on`](super::Server::on).
///
/// The methods can be put together: `server.on("FETCH").delay(second).cut_after(100)` waits a
/// second, writes 100 octets of the answer, and closes. Each holds for one command, unless
/// [`times`](Self::times) or [`always`](Self::always) says otherwise. Where octets are given,
/// `{tag}` in them stands for the command's tag, and a line's end (`\r\n`) is theirs to have.
///
/// It begins to hold as a whole when it is dropped, with its clones: at the end of the statement,
/// unless it is kept in a variable.
#[derive(Clone, Debug)]
pub struct Hook {
    draft: Arc<Draft>,
}

/// A rule as far as it has been said.
#[derive(Debug)]
struct Draft {
    shared: Shared,
    rule: Mutex<Rule>,
}

impl Drop for Draft {
    fn drop(&mut self) {
        let rule = self.rule.get_mut().unwrap_or_else(PoisonError::into_inner).clone();
        self.shared.lock().script.rules.push(rule);
    }
}

impl Hook {
    #[track_caller]
    pub(crate) fn new(shared: Shared, command: &str) -> Self {
        let name = command.to_ascii_uppercase();
        assert!(
            name == "*" || is_command(&name),
            "no command has the name {command:?}: \"FETCH\", \"UID FETCH\" or \"*\" for any was expected"
        );
        let command = if name == "*" { String::new() } else { name };
        let rule = Mutex::new(Rule { command, times: 1, acts: Vec::new() });
        Self { draft: Arc::new(Draft { shared, rule }) }
    }

    fn rule(&self) -> MutexGuard<'_, Rule> {
        self.draft.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(self, act: Act) -> Self {
        self.rule().acts.push(act);
        self
    }

    fn repeat(self, times: usize) -> Self {
        self.rule().times = times;
        self
    }

    /// At so many commands, not at one alone.
    pub fn times(self, times: usize) -> Self {
        self.repeat(times)
    }

    /// At each command, from now on.
    pub fn always(self) -> Self {
        self.repeat(usize::MAX)
    }

    /// The answer comes so much later, and with it all that comes after it. The command is done at
    /// once.
    pub fn delay(self, time: Duration) -> Self {
        self.act(Act::Delay(time))
    }

    /// The command is not done, but answered with NO.
    pub fn no(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, None, text)))
    }

    /// The command is not done, but answered with NO and this code, such as [`Code::InUse`].
    pub fn no_with(self, code: Code, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, Some(code), text)))
    }

    /// The command is not done, but answered with BAD.
    pub fn bad(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::Bad, None, text)))
    }

    /// The command is not done, and all that is answered are these octets; none for silence.
    pub fn instead(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Instead(bytes.into()))
    }

    /// These octets come before the answer.
    pub fn before(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Before(bytes.into()))
    }

    /// These octets come behind the first response of the answer, or before its tagged line if that
    /// is all there is.
    pub fn within(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Within(bytes.into()))
    }

    /// These octets come behind the answer.
    pub fn after(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::After(bytes.into()))
    }

    /// The connection ends after so many octets of the answer, without a word. If the answer is
    /// shorter, what follows it counts as well.
    pub fn cut_after(self, bytes: usize) -> Self {
        self.act(Act::Cut(bytes))
    }
}
