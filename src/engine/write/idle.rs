//! IDLE, and NOOP where it is not to be had (RFC 2177, RFC 9051 section 6.3.13). The engine's own affair, unless a user
//! runs IDLE by hand.
//!
//! In: a connection that has logged in and has nothing to do, with a mailbox selected or without. Out: IDLE, or NOOP at
//! each `poll_every` where the server has refused IDLE.
//!
//! ```text
//!          quiet for idle_delay          `+`            work, or idle_renew
//!   Off ──────────────────────> Asked ────────> On ──────────────────────────> Off, and its tagged OK is awaited
//!    ^                            │              │
//!    └──────────── tagged OK ─────┴── tagged OK ─┘
//!                  NO, BAD: refused, NOOP from now on
//!
//!   Asked ── no `+` for long: DONE all the same ──> GivenUp ── tagged ──> Off, NOOP from now on
//! ```
//!
//! Where only the engine has something to ask (the UID of a new message, what changed in the gap), the next IDLE goes out in the
//! same write, right behind DONE and the questions. That is allowed: nothing may follow IDLE's line until DONE (RFC 2177 section
//! 3), but it may itself follow others, as its answers can't be mistaken for theirs (RFC 9051 section 5.5): no question of the
//! engine's waits for a `+`, and none that names messages by number is in flight then, since IDLE lets EXPUNGE through. So on a
//! server that works off commands in order there is no gap, and a program that answers `Arrived` with a command finds IDLE
//! established. A server that refuses such an IDLE is asked once more, apart.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::command::{self, Noop};
use crate::engine::Engine;
use crate::engine::submit::internal::InternalCommand;
use crate::engine::write::line::Dialogue;
use crate::engine::write::outbox::Outbox;
use crate::types::{CommandId, Status};

#[derive(Debug, Default)]
pub(in crate::engine) struct Idle {
    state: State,
    /// Since when its `+` has been waited for.
    asked_at: Option<Instant>,
    /// Since when there has been nothing to do.
    quiet_since: Option<Instant>,
    /// A login has succeeded: before it, IDLE is no valid command.
    logged_in: bool,
    /// A mailbox was selected when the IDLE that runs was asked for.
    selected: bool,
    /// Where the server does not IDLE.
    refused: IdleRefusal,
    /// How often in a row it ended before it began.
    early_end_count: u8,
    /// Our DONE may have met an IDLE that the server had ended: its BAD is ignored once.
    done_may_be_refused: bool,
    /// When the server was last asked what is new.
    last_asked: Option<Instant>,
    /// A user's IDLE is to end.
    end_soon: bool,
    /// Those whose DONE is queued or sent, and that have not been answered.
    leaving: Vec<CommandId>,
    /// Nothing but the engine's own has gone out since the last one.
    alone: bool,
    /// It went out behind commands that had not been answered.
    behind: bool,
    /// The server has refused one that did.
    apart: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    Requested {
        id: CommandId,
    },
    On {
        id: CommandId,
        since: Instant,
    },
    GivenUp {
        id: CommandId,
    },
}

/// Where the server does not IDLE. Some take it only while a mailbox is selected, so what is refused without one is still
/// asked for with one; what is refused with one is not asked for without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum IdleRefusal {
    #[default]
    Nowhere,
    Unselected,
    Everywhere,
}

/// How long an IDLE may wait for its `+`, and all else behind it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An IDLE that the server ends sooner than this was none.
const SHORT_LIVED: Duration = Duration::from_secs(1);
/// How often IDLE may end before it began, or at once, until it counts as refused.
const MAX_EARLY_ENDS: u8 = 3;

impl Idle {
    fn id(&self) -> Option<CommandId> {
        match self.state {
            State::Off => None,
            State::Requested { id } | State::On { id, .. } | State::GivenUp { id } => Some(id),
        }
    }

    /// A login has succeeded.
    pub(in crate::engine) fn logged_in(&mut self) {
        self.logged_in = true;
    }

    /// A user's command goes out.
    pub(in crate::engine) fn users_speak(&mut self) {
        self.alone = false;
    }

    /// How many have been left whose tagged response is still to come.
    pub(in crate::engine) fn left(&self) -> usize {
        self.leaving.len()
    }

    /// The IDLE line has been queued, with a mailbox selected or without, and behind others or not.
    pub(in crate::engine) fn sent(&mut self, id: CommandId, selected: bool, behind: bool) {
        self.state = State::Requested { id };
        self.behind = behind;
        (self.asked_at, self.end_soon, self.selected) = (None, false, selected);
    }

    /// The server does not IDLE as things are.
    fn refuse(&mut self, why: &str) {
        tracing::info!(target: "imap_duplex", selected = self.selected, "{why}; it is asked by NOOP instead");
        self.refused = match self.refused {
            IdleRefusal::Nowhere | IdleRefusal::Unselected if !self.selected => IdleRefusal::Unselected,
            _ => IdleRefusal::Everywhere,
        };
        self.early_end_count = 0;
    }

    /// Whether IDLE has been refused where a mailbox is selected, or none is.
    fn is_refused(&self, selected: bool) -> bool {
        match self.refused {
            IdleRefusal::Nowhere => false,
            IdleRefusal::Unselected => !selected,
            IdleRefusal::Everywhere => true,
        }
    }

    /// It was taken back before it went out.
    pub(in crate::engine) fn withdrawn(&mut self, id: CommandId) {
        if self.id() == Some(id) {
            self.state = State::Off;
        }
    }

    /// A `+` has come. Whether it was IDLE's.
    pub(in crate::engine) fn accepted(&mut self, id: CommandId, now: Instant) -> bool {
        let asked = self.state == State::Requested { id };
        if asked {
            Self::log_begun(id);
            self.state = State::On { id, since: now };
            self.alone = true;
        }
        // One that comes after all opens the way for nothing: our DONE has gone out, or will.
        asked || self.state == State::GivenUp { id }
    }

    /// Its `+` has not come for so long that DONE goes out without it.
    pub(in crate::engine) fn has_given_up(&self, id: CommandId) -> bool {
        self.state == State::GivenUp { id }
    }

    /// Its tagged response has come.
    pub(in crate::engine) fn ended(&mut self, id: CommandId, ok: bool, outbox: &mut Outbox, now: Instant) {
        if let Some(at) = self.leaving.iter().position(|left| *left == id) {
            self.leaving.remove(at);
            // If our DONE has not gone out yet it need not, and must not.
            let taken_back = outbox.holds(id) && outbox.withdraw(id);
            (self.done_may_be_refused, self.early_end_count) = (!taken_back, 0);
            if self.state == State::Off {
                (self.end_soon, self.quiet_since) = (false, None);
            }
            return;
        }
        match self.state {
            State::Requested { id: mine } if mine == id && !ok && self.behind => self.apart = true,
            State::Requested { id: mine } if mine == id => {
                self.early_end_count = self.early_end_count.saturating_add(1);
                if !ok || self.early_end_count >= MAX_EARLY_ENDS {
                    self.refuse("the server will not IDLE");
                }
            }
            // Our DONE may be no command to a server that never began to idle.
            State::GivenUp { id: mine } if mine == id => {
                self.done_may_be_refused &= !(outbox.holds(id) && outbox.withdraw(id));
            }
            State::On { since, .. } if now.duration_since(since) < SHORT_LIVED => {
                self.early_end_count = self.early_end_count.saturating_add(1);
                if self.early_end_count >= MAX_EARLY_ENDS {
                    self.refuse("the server ends each IDLE at once");
                }
            }
            _ => self.early_end_count = 0,
        }
        self.state = State::Off;
        self.end_soon = false;
        self.quiet_since = None;
    }

    /// Whether a BAD to `DONE` is to be passed over.
    pub(in crate::engine) fn forgive_done(&mut self) -> bool {
        std::mem::take(&mut self.done_may_be_refused)
    }

    /// A user's IDLE is to end.
    pub(in crate::engine) fn end_soon(&mut self, id: CommandId) {
        self.end_soon = self.id() == Some(id);
    }

    /// Whether the server may be silent for as long as it likes.
    pub(in crate::engine) fn is_established(&self, id: CommandId) -> bool {
        matches!(self.state, State::On { id: mine, .. } if mine == id)
    }
}

impl Engine {
    /// Whether there is nothing to wait for but what an IDLE brings.
    pub(in crate::engine) fn idle_is_quiet(&self) -> bool {
        matches!(self.idle.state, State::On { .. }) && self.outbox.is_empty() && self.inflight.len() == 1
    }

    /// Ends IDLE, because there is something to do: DONE at once if the server has answered `+`, else as
    /// soon as it does. The line is free as soon as DONE is queued.
    pub(in crate::engine) fn leave_idle(&mut self) {
        if let State::On { id, .. } = self.idle.state {
            self.idle.state = State::Off;
            self.idle.leaving.push(id);
            self.idle.quiet_since = None;
            self.outbox.push(id, Bytes::from_static(b"DONE\r\n"), true);
            if matches!(self.line, Some(Dialogue::Idle { .. })) {
                self.line = None;
            }
        }
    }

    /// Enters IDLE, renews it, or polls, if it is time to.
    pub(in crate::engine) fn idle_tick(&mut self, now: Instant) {
        match self.idle.state {
            State::On { id, since } => {
                let renews = self.renews(id) && now.duration_since(since) >= self.settings.idle_renew;
                if renews {
                    Idle::log_renewed(id, since, now);
                }
                if !self.idle.end_soon && !renews {
                    return;
                }
                self.leave_idle();
            }
            State::Off => {}
            State::Requested { id } => return self.wait_for_idle(id, now),
            State::GivenUp { .. } => return,
        }
        let free = !self.scheduler.has_work() && self.line.is_none() && self.lifecycle.may_idle();
        if !free || !self.settings.auto_idle {
            self.idle.quiet_since = None;
            return;
        }
        if !self.inflight.is_empty() || !self.outbox.is_empty() {
            self.idle.quiet_since = None;
            if self.can_idle() && self.may_idle_behind() {
                self.begin_idle(now);
            }
            return;
        }
        let since = *self.idle.quiet_since.get_or_insert(now);
        if self.can_idle() {
            if now.duration_since(since) >= self.idle_delay() {
                self.begin_idle(now);
            }
        } else if now.duration_since(self.idle.last_asked.unwrap_or(since).max(since))
            >= self.settings.poll_every
        {
            self.idle.last_asked = Some(now);
            self.queue_internal(InternalCommand::Poll, Noop, None);
            self.send();
        }
    }

    /// Begins IDLE, behind what the server may not tell by itself.
    fn begin_idle(&mut self, now: Instant) {
        if self.look_back(now) {
            self.queue_internal(InternalCommand::Idle, command::Idle, None);
        }
        self.send();
    }

    /// Where only the engine has spoken there is nobody who would send the next command at once.
    fn idle_delay(&self) -> Duration {
        if self.idle.alone { Duration::ZERO } else { self.settings.idle_delay }
    }

    /// Whether IDLE may go out behind what is in flight: questions of the engine's own, and an IDLE that was left for them.
    fn may_idle_behind(&self) -> bool {
        self.idle.alone
            && !self.idle.apart
            && self.idle.leaving.len() <= 1
            && self.idle.early_end_count == 0
            && !self.inflight.has_numbers()
            && self.inflight.may_be_idled_behind()
    }

    /// A server that never answers IDLE must not hold up all else. Nothing but DONE may go out now (RFC 2177 section 3), and
    /// nothing behind it before the tagged line: a `+` that came late would be taken for that of a literal.
    fn wait_for_idle(&mut self, id: CommandId, now: Instant) {
        if self.outbox.holds(id) || self.inflight.len() > 1 {
            // What went out before it is answered first.
            return;
        }
        let since = *self.idle.asked_at.get_or_insert(now);
        if now.duration_since(since) >= self.idle_patience() {
            self.idle.refuse("the server does not answer IDLE");
            self.idle.done_may_be_refused = true;
            self.idle.state = State::GivenUp { id };
            self.outbox.push(id, Bytes::from_static(b"DONE\r\n"), true);
        }
    }

    /// Shorter than the silence by which the connection is given up.
    fn idle_patience(&self) -> Duration {
        PATIENCE.min(self.settings.silence / 4)
    }

    /// Whether it is ours to renew: our own, or one by hand that nobody can end any more.
    fn renews(&self, id: CommandId) -> bool {
        let own = self.inflight.internal(id).is_some();
        own || self.settings.auto_idle && self.inflight.has(id) && !self.inflight.has_reader(id)
    }

    /// IDLE is valid as soon as the session is authenticated (RFC 2177 section 3, RFC 9051 section 6.3.13).
    fn can_idle(&self) -> bool {
        let preauth = || self.lifecycle.greeting().is_some_and(|greeting| greeting.status == Status::PreAuth);
        let selected = self.selected.current().is_some();
        (selected || self.idle.logged_in || preauth())
            && !self.idle.is_refused(selected)
            && self.session.can("IDLE")
    }

    pub(in crate::engine) fn idle_deadline(&self) -> Option<Instant> {
        match self.idle.state {
            State::On { id, since } => {
                since.checked_add(self.settings.idle_renew).filter(|_| self.renews(id))
            }
            State::Off => {
                let since = self.idle.quiet_since?;
                if self.can_idle() {
                    since.checked_add(self.idle_delay())
                } else {
                    self.idle.last_asked.unwrap_or(since).max(since).checked_add(self.settings.poll_every)
                }
            }
            State::Requested { .. } => self.idle.asked_at?.checked_add(self.idle_patience()),
            State::GivenUp { .. } => None,
        }
    }
}
