//! What is reported to the crate `metrics`, with the feature of that name; nothing without it.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `imap_connections` | gauge | `state`: `connecting`, `ready` |
//! | `imap_connects_total` | counter | `result`: `ok`, or the kind of error |
//! | `imap_commands_total` | counter | `verb`, `result`: `ok`, or the kind of error |
//! | `imap_command_seconds` | histogram | `verb` |
//! | `imap_bytes_total` | counter | `dir`: `in`, `out` |
//! | `imap_responses_total` | counter | |
//!
//! In: what happens to connections and commands. Out: calls of the program's recorder. Labels are
//! from short lists, whatever a program or a server says: no names of accounts, hosts, mailboxes.

#[cfg(feature = "metrics")]
use self::reports::{connected, connections};
#[cfg(feature = "metrics")]
pub(crate) use self::reports::{ended, received, responded, sent};
#[cfg(not(feature = "metrics"))]
use self::silence::{connected, connections};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::silence::{ended, received, responded, sent};
use crate::error::Error;

/// A connection is counted as long as this lives.
#[derive(Debug)]
pub(crate) struct ConnectionCount(&'static str);

impl ConnectionCount {
    /// A connection is being made.
    pub(crate) fn connecting() -> Self {
        connections("connecting", 1.0);
        Self("connecting")
    }

    /// It is logged in, or is not.
    pub(crate) fn connected(&mut self, error: Option<&Error>) {
        connected(error);
        if error.is_none() {
            connections(std::mem::replace(&mut self.0, "ready"), -1.0);
            connections(self.0, 1.0);
        }
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        connections(self.0, -1.0);
    }
}

#[cfg(feature = "metrics")]
mod reports {
    use std::time::Duration;

    use metrics::{counter, gauge, histogram};

    use crate::error::{Error, ErrorKind};

    /// The commands that are named; any other is `other`.
    const VERBS: &[&str] = &[
        "APPEND",
        "AUTHENTICATE",
        "CANCELUPDATE",
        "CAPABILITY",
        "CHECK",
        "CLOSE",
        "COMPARATOR",
        "COMPRESS",
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
        "UNSELECT",
        "UNSUBSCRIBE",
        "URLFETCH",
    ];

    fn verb(name: &str) -> &'static str {
        VERBS.iter().find(|verb| verb.eq_ignore_ascii_case(name)).unwrap_or(&"other")
    }

    fn result(error: Option<&Error>) -> &'static str {
        let Some(error) = error else { return "ok" };
        match error.kind() {
            ErrorKind::No => "no",
            ErrorKind::Bad => "bad",
            ErrorKind::Partial => "partial",
            ErrorKind::Incomplete => "incomplete",
            ErrorKind::Overrun => "overrun",
            ErrorKind::Source => "source",
            ErrorKind::Closed => "closed",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Resolve => "resolve",
            ErrorKind::Connect => "connect",
            ErrorKind::Tls => "tls",
            ErrorKind::Certificate => "certificate",
            ErrorKind::Login => "login",
            ErrorKind::Insecure => "insecure",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::ReadOnly => "refused",
            ErrorKind::SelectionEnded => "selection_ended",
            ErrorKind::QueueFull => "queue_full",
            ErrorKind::Expunged => "expunged",
        }
    }

    /// So many connections more are in this state.
    pub(super) fn connections(state: &'static str, more: f64) {
        gauge!("imap_connections", "state" => state).increment(more);
    }

    /// A connection has been made, or not.
    pub(super) fn connected(error: Option<&Error>) {
        counter!("imap_connects_total", "result" => result(error)).increment(1);
    }

    /// A command has ended; `took`: if it was answered.
    pub(crate) fn ended(name: &str, error: Option<&Error>, took: Option<Duration>) {
        let verb = verb(name);
        counter!("imap_commands_total", "verb" => verb, "result" => result(error)).increment(1);
        if let Some(took) = took {
            histogram!("imap_command_seconds", "verb" => verb).record(took.as_secs_f64());
        }
    }

    fn bytes(dir: &'static str, count: usize) {
        counter!("imap_bytes_total", "dir" => dir).increment(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn received(count: usize) {
        bytes("in", count);
    }

    pub(crate) fn sent(count: usize) {
        bytes("out", count);
    }

    /// A response has come.
    pub(crate) fn responded() {
        counter!("imap_responses_total").increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod silence {
    use std::time::Duration;

    use crate::error::Error;

    pub(super) fn connections(_: &str, _: f64) {}

    pub(super) fn connected(_: Option<&Error>) {}

    pub(crate) fn ended(_: &str, _: Option<&Error>, _: Option<Duration>) {}

    pub(crate) fn received(_: usize) {}

    pub(crate) fn sent(_: usize) {}

    pub(crate) fn responded() {}
}
