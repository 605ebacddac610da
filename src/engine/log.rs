//! What the log says of the engine (crate `tracing`, target `imap_duplex`): each command and its
//! end, IDLE, selections, and the connection's end; and a span for each command.
//!
//! Levels: `info` for the connection, `debug` for commands and selections. Names of commands and
//! mailboxes, tags, codes and durations alone: no arguments, no text of a server's answer to a
//! command (it may repeat what it was sent), no data. With the level off a line costs one
//! comparison.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tracing::field::{DisplayValue, Empty, display};
use tracing::{Span, debug, debug_span, info};

use crate::engine::metrics;
use crate::engine::submit::{EndCause, Submission};
use crate::error::{Error, Result};
use crate::types::{CloseReason, CommandId, Done, MailboxName};

/// The target of all lines, so that `RUST_LOG=imap_duplex=debug` finds them wherever the code
/// stands.
macro_rules! target {
    () => {
        "imap_duplex"
    };
}

macro_rules! command {
    ($of:ident, $text:literal $(, $($field:tt)*)?) => {
        debug!(
            target: target!(),
            id = %$of.id,
            command = $of.job.name(),
            mailbox = mailbox($of),
            own = (!$of.origin.is_user()).then_some(true),
            $($($field)*,)?
            $text
        )
    };
}

/// The span of a command; what is known only later is empty at first.
macro_rules! span {
    ($of:ident, $name:literal) => {
        debug_span!(
            target: target!(),
            $name,
            id = %$of.id,
            command = $of.job.name(),
            mailbox = mailbox($of),
            tag = Empty,
            bytes = Empty,
            took = Empty,
            result = Empty,
        )
    };
}

/// The mailbox that a command names, else the one in which it works.
fn mailbox(of: &Submission) -> Option<DisplayValue<impl Display + '_>> {
    let selected = of.selection_handle.as_ref().map(|handle| &handle.place().mailbox);
    of.job.mailbox().or(selected).map(|name| display(name.shown()))
}

/// A line of a command is on its way. With the first its span begins, which lasts to its end.
pub(crate) fn sending(of: &Submission, tag: &str, span: &mut Span) {
    if span.is_none() {
        *span = match of.job.name() {
            "IDLE" => span!(of, "idle"),
            _ => span!(of, "command"),
        };
    }
    span.record("tag", tag);
    command!(of, "sending", tag);
}

/// The mailbox in which a command works that names none.
pub(crate) fn in_mailbox(span: &Span, mailbox: &MailboxName) {
    if !span.is_disabled() {
        span.record("mailbox", display(mailbox.shown()));
    }
}

/// A command that was sent has ended. `bytes`: how many of it were written.
pub(crate) fn ended(
    of: &Submission,
    result: &Result<Done>,
    took: Option<Duration>,
    bytes: usize,
    span: &Span,
) {
    let error = result.as_ref().err();
    if !span.is_disabled() {
        span.record("bytes", bytes).record("result", outcome(error));
        if let Some(took) = took {
            span.record("took", tracing::field::debug(took));
        }
    }
    metrics::ended(of.job.name(), error, took);
    command!(of, "ended", result = %outcome(error), bytes, took = took.map(tracing::field::debug));
}

/// A command ended without having been sent.
pub(crate) fn not_sent(of: &Submission, error: &Error) {
    metrics::ended(of.job.name(), Some(error), None);
    command!(of, "not sent", result = %outcome(Some(error)));
}

/// How it ended, without the server's words.
fn outcome(error: Option<&Error>) -> String {
    let Some(error) = error else { return "OK".into() };
    let kind = match error.status() {
        Some(status) if error.close_reason().is_none() => format!("{:?}", status.status).to_uppercase(),
        _ => format!("{:?}", error.kind()),
    };
    match error.code() {
        Some(code) => format!("{kind} [{}]", code.name()),
        None => kind,
    }
}

pub(crate) fn selected(mailbox: &MailboxName, exists: u32) {
    debug!(target: target!(), mailbox = %mailbox.shown(), messages = exists, "selected");
}

pub(crate) fn deselected(mailbox: &MailboxName, by: EndCause) {
    debug!(target: target!(), mailbox = %mailbox.shown(), ?by, "no longer selected");
}

/// The server has answered IDLE with `+`.
pub(crate) fn idling(id: CommandId) {
    debug!(target: target!(), %id, "idling");
}

/// An IDLE has lasted as long as one may.
pub(crate) fn idle_renewed(id: CommandId, since: Instant, now: Instant) {
    debug!(target: target!(), %id, after = ?now.duration_since(since), "IDLE is renewed");
}

/// The connection has ended; `ready` if it had been logged in.
pub(crate) fn closed(reason: &CloseReason, ready: bool) {
    // One that was never logged in has an error of its own.
    if ready {
        info!(target: target!(), %reason, "closed");
    } else {
        debug!(target: target!(), %reason, "closed before it was ready");
    }
}
