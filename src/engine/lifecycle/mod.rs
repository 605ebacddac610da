//! The phases of a connection, from the greeting to the end.
//!
//! ```text
//!              greeting             set_ready              LOGOUT is sent
//!   Greeting ───────────> LoggingIn ─────────> Ready ──────────────────────> LoggingOut
//!                          │     ^               ^                                │
//!             OK, STARTTLS │     │ TLS           └──────── LOGOUT is withdrawn ───┘
//!                          v     │
//!                          TlsDue             any of them ── BYE, a write fails ──> Draining
//!
//!   any of them, Draining too ── EOF, what ends the connection ──> Closed
//! ```
//!
//! While draining nothing more is written, and what the server still sends is received: it may say
//! why. BYE in place of the greeting sets no deadline for that: the handshake fails at once.
//!
//! In: greeting, BYE, failed writes, STARTTLS, LOGOUT. Out: the phase; whether to write, idle or
//! drain; the cause of the end.

mod silence;

pub(crate) use self::silence::{Due, Waiting};

use std::time::{Duration, Instant};

use crate::types::{CloseReason, Status, StatusResponse};

/// How long responses are received after BYE, or after a write has failed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    phase: Phase,
    greeting: Option<StatusResponse>,
    /// What the server sent in place of a greeting is no IMAP.
    is_foreign: bool,
    /// Logging in is over. It stays so to the end.
    is_ready: bool,
    /// When a byte was last received or written while a response was due, or when it became due.
    last_activity: Option<Instant>,
}

#[derive(Debug, Default)]
enum Phase {
    /// Nothing has been received.
    #[default]
    Greeting,
    LoggingIn,
    /// OK to STARTTLS: not a byte more may be read or written in clear text. With what has happened
    /// before TLS begins and ends the connection.
    TlsDue(Option<Box<Draining>>),
    Ready,
    LoggingOut,
    Draining(Box<Draining>),
    Closed(CloseReason),
}

#[derive(Debug, Default)]
struct Draining {
    bye: Option<StatusResponse>,
    write_error: Option<CloseReason>,
    until: Option<Instant>,
    /// LOGOUT has been sent, or is about to be.
    logging_out: bool,
}

impl Lifecycle {
    /// What the server said first, once it has.
    pub(crate) fn greeting(&self) -> Option<&StatusResponse> {
        self.greeting.as_ref()
    }

    /// Whether what the server sent in place of a greeting is no IMAP.
    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        match &self.phase {
            Phase::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether no byte may be read or written before TLS has been agreed on.
    pub(crate) fn is_tls_due(&self) -> bool {
        matches!(self.phase, Phase::TlsDue(_))
    }

    pub(crate) fn has_write_failed(&self) -> bool {
        self.draining().is_some_and(|draining| draining.write_error.is_some())
    }

    /// Whether logging in is over.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether the connection is in use, so that IDLE makes sense.
    pub(crate) fn may_idle(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Whether anything may still be written.
    pub(crate) fn may_write(&self) -> bool {
        !matches!(self.phase, Phase::Draining(_) | Phase::TlsDue(Some(_)) | Phase::Closed(_))
    }

    pub(crate) fn is_logging_out(&self) -> bool {
        let draining = self.draining().is_some_and(|draining| draining.logging_out);
        matches!(self.phase, Phase::LoggingOut) || draining
    }

    /// When responses are no longer received, if that has been set.
    pub(crate) fn drain_deadline(&self) -> Option<Instant> {
        self.draining()?.until
    }

    pub(crate) fn bye(&self) -> Option<&StatusResponse> {
        self.draining()?.bye.as_ref()
    }

    /// Why the connection ends, if `fallback` is the last that has happened to it. BYE is the cause
    /// even if a write failed before or after it.
    pub(crate) fn final_cause(&self, logout_sent: bool, fallback: CloseReason) -> CloseReason {
        match (self.draining(), self.bye()) {
            // A LOGOUT that has not been sent is no cause of the BYE.
            (_, Some(_)) if logout_sent => CloseReason::Logout,
            (_, Some(bye)) => CloseReason::Bye(bye.clone()),
            (Some(draining), None) => draining.write_error.clone().unwrap_or(fallback),
            _ => fallback,
        }
    }

    pub(crate) fn on_greeting(&mut self, greeting: StatusResponse) {
        if greeting.status == Status::Bye
            && let Some(draining) = self.drain()
        {
            draining.bye = Some(greeting.clone());
        }
        self.greeting = Some(greeting);
        if matches!(self.phase, Phase::Greeting) {
            self.phase = self.working();
        }
    }

    /// The first line is no greeting: it is kept as a BYE, for the user to read.
    pub(crate) fn on_non_imap(&mut self, text: String) {
        self.is_foreign = !text.starts_with('*');
        self.on_greeting(StatusResponse::new(Status::Bye, None, text));
    }

    pub(crate) fn on_bye(&mut self, bye: &StatusResponse, now: Instant) {
        if let Some(draining) = self.drain() {
            draining.bye.get_or_insert_with(|| bye.clone());
            draining.until.get_or_insert(now + DRAIN_TIMEOUT);
        }
    }

    pub(crate) fn on_write_error(&mut self, reason: CloseReason, now: Instant) {
        if let Some(draining) = self.drain() {
            draining.write_error.get_or_insert(reason);
            draining.until.get_or_insert(now + DRAIN_TIMEOUT);
        }
    }

    pub(crate) fn on_logout_sent(&mut self) {
        match &mut self.phase {
            Phase::Draining(draining) => draining.logging_out = true,
            Phase::Closed(_) | Phase::TlsDue(_) => {}
            phase => *phase = Phase::LoggingOut,
        }
    }

    /// LOGOUT has been taken out of the outbox.
    pub(crate) fn on_logout_withdrawn(&mut self) {
        match &mut self.phase {
            Phase::Draining(draining) => draining.logging_out = false,
            Phase::LoggingOut => self.phase = self.working(),
            _ => {}
        }
    }

    /// STARTTLS has been answered OK.
    pub(crate) fn on_starttls(&mut self) {
        self.phase = match std::mem::take(&mut self.phase) {
            Phase::Draining(draining) => Phase::TlsDue(Some(draining)),
            closed @ Phase::Closed(_) => closed,
            _ => Phase::TlsDue(None),
        };
    }

    pub(crate) fn on_tls_established(&mut self) {
        if let Phase::TlsDue(draining) = &mut self.phase {
            self.phase = draining.take().map_or_else(|| self.working(), Phase::Draining);
        }
    }

    pub(crate) fn on_ready(&mut self) {
        self.is_ready = true;
        // The capabilities that it may name have been learnt.
        self.greeting.iter_mut().for_each(|greeting| greeting.code = None);
        if matches!(self.phase, Phase::LoggingIn) {
            self.phase = Phase::Ready;
        }
    }

    pub(crate) fn on_closed(&mut self, reason: CloseReason) {
        self.phase = Phase::Closed(reason);
    }

    fn draining(&self) -> Option<&Draining> {
        match &self.phase {
            Phase::Draining(draining) | Phase::TlsDue(Some(draining)) => Some(draining),
            _ => None,
        }
    }

    /// From here on nothing more is written. `None` once it is closed.
    fn drain(&mut self) -> Option<&mut Draining> {
        let logging_out = self.is_logging_out();
        if !matches!(self.phase, Phase::Draining(_) | Phase::TlsDue(_) | Phase::Closed(_)) {
            self.phase = Phase::Draining(Box::new(Draining { logging_out, ..Draining::default() }));
        }
        match &mut self.phase {
            Phase::Draining(draining) => Some(draining),
            Phase::TlsDue(draining) => Some(draining.get_or_insert_default()),
            _ => None,
        }
    }

    /// The phase of a connection on which nothing has ended or begins.
    fn working(&self) -> Phase {
        match (&self.greeting, self.is_ready) {
            (None, _) => Phase::Greeting,
            (Some(_), false) => Phase::LoggingIn,
            (Some(_), true) => Phase::Ready,
        }
    }
}

#[cfg(test)]
mod tests;
