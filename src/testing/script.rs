//! Scripted deviations that a test demands: at the next command of a kind, or in everything that is
//! written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::world::Shared;
use crate::types::{Code, Status, StatusResponse};

/// One deviation at a command.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Delays the answer.
    Delay(Duration),
    /// Answers so without executing the command.
    Answer(StatusResponse),
    /// Sends only these bytes, without executing the command.
    Instead(Bytes),
    /// Sends bytes before the answer.
    Before(Bytes),
    /// Sends bytes after the first response of the answer.
    Within(Bytes),
    /// Sends bytes after the answer.
    After(Bytes),
    /// Closes the connection after this many bytes of the answer.
    Cut(usize),
}

/// The deviations at a command.
#[derive(Clone, Debug)]
struct Rule {
    /// The command's name in capitals; empty for any.
    command: String,
    /// The remaining count of uses.
    times: usize,
    acts: Vec<Act>,
}

/// All deviations.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    /// The maximum of bytes in one write.
    pub(crate) split: Option<usize>,
    /// Synchronizing literals are refused.
    pub(crate) refuse_literals: bool,
}

impl Script {
    /// Takes the deviations for a command that has just arrived.
    pub(crate) fn take(&mut self, name: &str) -> Vec<Act> {
        let fits = |rule: &&mut Rule| rule.times > 0 && (rule.command.is_empty() || rule.command == name);
        let Some(rule) = self.rules.iter_mut().find(fits) else { return Vec::new() };
        rule.times -= 1;
        let acts = rule.acts.clone();
        self.rules.retain(|rule| rule.times > 0);
        acts
    }
}

/// The commands of IMAP and its extensions, whether the server supports them or not.
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
/// The commands that have a `UID ` form.
const BY_UID: &[&str] =
    &["CONVERT", "COPY", "EXPUNGE", "FETCH", "MOVE", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD"];

/// Whether a command may have this name, in capitals. Names that begin with `X` are experimental
/// and always valid (RFC 3501 section 6.5.1).
fn is_command(name: &str) -> bool {
    match name.strip_prefix("UID ") {
        Some(rest) => BY_UID.contains(&rest),
        None => COMMANDS.contains(&name) || name.starts_with('X') && !name.contains(' '),
    }
}

/// Changes the server's answer to the next command of a kind, from
/// [`Server::on`](super::Server::on).
///
/// The methods can be combined: `server.on("FETCH").delay(second).cut_after(100)` waits a second,
/// writes 100 bytes of the answer, and closes. A hook applies to one command, unless
/// [`times`](Self::times) or [`always`](Self::always) says otherwise. In given bytes `{tag}` stands
/// for the command's tag, and the line end (`\r\n`) must be included.
///
/// A hook takes effect as a whole when it is dropped, with its clones: at the end of the statement,
/// unless it is kept in a variable.
#[derive(Clone, Debug)]
pub struct Hook {
    draft: Arc<Draft>,
}

/// A rule under construction.
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

#[allow(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a hook is in force once its last method has been called"
)]
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

    /// Applies to this many commands in place of one.
    pub fn times(self, times: usize) -> Self {
        self.repeat(times)
    }

    /// Applies to each command from now on.
    pub fn always(self) -> Self {
        self.repeat(usize::MAX)
    }

    /// Delays the answer, and everything after it. The command is executed at once.
    pub fn delay(self, time: Duration) -> Self {
        self.act(Act::Delay(time))
    }

    /// Answers NO, without executing the command.
    pub fn no(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, None, text)))
    }

    /// Answers NO with this code, such as [`Code::InUse`], without executing the command.
    pub fn no_with(self, code: Code, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, Some(code), text)))
    }

    /// Answers BAD, without executing the command.
    pub fn bad(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::Bad, None, text)))
    }

    /// Sends only these bytes, without executing the command; none for silence.
    pub fn instead(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Instead(bytes.into()))
    }

    /// Sends these bytes before the answer.
    pub fn before(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Before(bytes.into()))
    }

    /// Sends these bytes after the first response of the answer, or before its tagged line if that
    /// is the only one.
    pub fn within(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::Within(bytes.into()))
    }

    /// Sends these bytes after the answer.
    pub fn after(self, bytes: impl Into<Bytes>) -> Self {
        self.act(Act::After(bytes.into()))
    }

    /// Closes the connection after this many bytes of the answer, without a BYE. If the answer is
    /// shorter, later output counts as well.
    pub fn cut_after(self, bytes: usize) -> Self {
        self.act(Act::Cut(bytes))
    }
}
