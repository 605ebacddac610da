//! IDLE, and NOOP where IDLE is not available (RFC 2177, RFC 9051 section 6.3.13). The engine runs
//! it by itself, unless a user runs IDLE by hand.
//!
//! In: a connection that has logged in and has nothing to do, with a mailbox selected or without.
//! Out: IDLE, or NOOP at each `poll_every` where the server lacks IDLE or has refused it.
//!
//! ```text
//!          quiet for idle_delay          `+`            work, or idle_renew
//!   Off ────────────────────> Requested ──────> On ──────────────────────────> Off, and its tagged OK is awaited
//!    ^                            │              │
//!    └──────────── tagged OK ─────┴── tagged OK ─┘
//!                  NO, BAD, or ended at once three times: refused, NOOP from now on
//!                  (until a mailbox is selected, if none was)
//!
//!   Requested ── no `+` for long: DONE all the same ──> GivenUp ── tagged ──> Off, NOOP from now on
//! ```
//!
//! Where only internal commands wait (for the UID of a new message, for changes in the gap), the
//! next IDLE is sent in the same write, right behind DONE and those commands. That is allowed:
//! nothing may follow IDLE's line until DONE (RFC 2177 section 3), but it may itself follow others,
//! as its answers can't be mistaken for theirs (RFC 9051 section 5.5): no internal command waits
//! for a `+`, and none that names messages by number is in flight then, since IDLE lets EXPUNGE
//! through. So on a server that executes commands in order there is no gap, and a program that
//! answers `Arrived` with a command finds IDLE established. A server that refuses such an IDLE is
//! sent one more, apart.

use std::time::{Duration, Instant};

use crate::command::{LoginState, Session};
use crate::engine::inflight::InFlight;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::log;
use crate::engine::schedule::Scheduler;
use crate::engine::settings::Settings;
use crate::engine::write::Writer;
use crate::types::CommandId;

#[derive(Debug, Default)]
pub(crate) struct Idle {
    state: IdleState,
    /// Since when its `+` has been waited for.
    asked_at: Option<Instant>,
    /// Since when there has been nothing to do.
    quiet_since: Option<Instant>,
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
    /// No user's command has been sent since the last IDLE got its `+`.
    alone: bool,
    /// This IDLE was sent behind commands that had not been answered.
    behind: bool,
    /// The server refused an IDLE sent behind unanswered commands: from now on IDLE waits for their
    /// answers.
    apart: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum IdleState {
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

/// Where the server does not IDLE. Some take it only while a mailbox is selected, so what is
/// refused without one is still asked for with one; what is refused with one is not asked for
/// without.
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
            IdleState::Off => None,
            IdleState::Requested { id } | IdleState::On { id, .. } | IdleState::GivenUp { id } => Some(id),
        }
    }

    /// A user's command is sent.
    pub(crate) fn users_speak(&mut self) {
        self.alone = false;
    }

    /// How many have been left whose tagged response is still to come.
    pub(crate) fn left(&self) -> usize {
        self.leaving.len()
    }

    /// The IDLE line has been queued, with a mailbox selected or without, and behind others or not.
    pub(crate) fn sent(&mut self, id: CommandId, selected: bool, behind: bool) {
        self.state = IdleState::Requested { id };
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

    /// It was withdrawn before it was sent.
    pub(crate) fn withdrawn(&mut self, id: CommandId) {
        if self.id() == Some(id) {
            self.state = IdleState::Off;
        }
    }

    /// A `+` has come. Whether it was IDLE's.
    pub(crate) fn accepted(&mut self, id: CommandId, now: Instant) -> bool {
        let asked = self.state == IdleState::Requested { id };
        if asked {
            log::idling(id);
            self.state = IdleState::On { id, since: now };
            self.alone = true;
        }
        // An end reported later changes nothing: our DONE has been sent, or will be.
        asked || self.state == IdleState::GivenUp { id }
    }

    /// Its `+` is so late that DONE is sent without it.
    pub(crate) fn has_given_up(&self, id: CommandId) -> bool {
        self.state == IdleState::GivenUp { id }
    }

    /// Its tagged response has come.
    pub(crate) fn ended(&mut self, id: CommandId, ok: bool, writer: &mut Writer, now: Instant) {
        if let Some(at) = self.leaving.iter().position(|left| *left == id) {
            self.leaving.remove(at);
            // If our DONE has not gone out yet it need not, and must not.
            let taken_back = writer.holds(id) && writer.withdraw(id);
            (self.done_may_be_refused, self.early_end_count) = (!taken_back, 0);
            if self.state == IdleState::Off {
                (self.end_soon, self.quiet_since) = (false, None);
            }
            return;
        }
        match self.state {
            IdleState::Requested { id: mine } if mine == id && !ok && self.behind => self.apart = true,
            IdleState::Requested { id: mine } if mine == id => {
                self.early_end_count = self.early_end_count.saturating_add(1);
                if !ok || self.early_end_count >= MAX_EARLY_ENDS {
                    self.refuse("the server will not IDLE");
                }
            }
            // Our DONE may be no command to a server that never began to idle.
            IdleState::GivenUp { id: mine } if mine == id => {
                self.done_may_be_refused &= !(writer.holds(id) && writer.withdraw(id));
            }
            IdleState::On { since, .. } if now.duration_since(since) < SHORT_LIVED => {
                self.early_end_count = self.early_end_count.saturating_add(1);
                if self.early_end_count >= MAX_EARLY_ENDS {
                    self.refuse("the server ends each IDLE at once");
                }
            }
            _ => self.early_end_count = 0,
        }
        self.state = IdleState::Off;
        self.end_soon = false;
        self.quiet_since = None;
    }

    /// Whether a BAD to `DONE` is to be passed over.
    pub(crate) fn forgive_done(&mut self) -> bool {
        std::mem::take(&mut self.done_may_be_refused)
    }

    /// A user's IDLE is to end.
    pub(crate) fn end_soon(&mut self, id: CommandId) {
        self.end_soon = self.id() == Some(id);
    }

    /// Whether the server may be silent for as long as it likes.
    pub(crate) fn is_established(&self, id: CommandId) -> bool {
        matches!(self.state, IdleState::On { id: mine, .. } if mine == id)
    }

    /// Whether there is nothing to wait for but what an IDLE brings.
    pub(crate) fn is_quiet(&self, around: &Surroundings<'_>) -> bool {
        matches!(self.state, IdleState::On { .. }) && around.writer.is_empty() && around.inflight.len() == 1
    }

    /// Ends IDLE, because there is something to do: DONE at once if the server has answered `+`,
    /// else as soon as it does. The line is free as soon as DONE is queued.
    pub(crate) fn leave(&mut self, writer: &mut Writer) {
        if let IdleState::On { id, .. } = self.state {
            self.state = IdleState::Off;
            self.leaving.push(id);
            self.quiet_since = None;
            writer.leave_idle(id);
        }
    }

    /// What it is time to do.
    pub(crate) fn step(&mut self, now: Instant, around: &Surroundings<'_>) -> IdleStep {
        let settings = around.settings;
        match self.state {
            IdleState::On { id, since } => {
                let renews = around.renews(id) && now.duration_since(since) >= settings.idle_renew;
                if renews {
                    log::idle_renewed(id, since, now);
                }
                return if self.end_soon || renews { IdleStep::Leave } else { IdleStep::Wait };
            }
            IdleState::Off => {}
            IdleState::Requested { id } => return self.await_continuation(id, now, around),
            IdleState::GivenUp { .. } => return IdleStep::Wait,
        }
        if !around.is_free() || !settings.auto_idle {
            self.quiet_since = None;
            return IdleStep::Wait;
        }
        if !around.inflight.is_empty() || !around.writer.is_empty() {
            self.quiet_since = None;
            let may_begin = self.is_possible(around) && self.may_go_behind(around);
            return if may_begin { IdleStep::Begin } else { IdleStep::Wait };
        }
        let since = *self.quiet_since.get_or_insert(now);
        if self.is_possible(around) {
            let is_due = now.duration_since(since) >= self.delay(settings);
            return if is_due { IdleStep::Begin } else { IdleStep::Wait };
        }
        if now.duration_since(self.last_asked.unwrap_or(since).max(since)) < settings.poll_every {
            return IdleStep::Wait;
        }
        self.last_asked = Some(now);
        IdleStep::Poll
    }

    /// Where only the engine has sent commands, no program is about to send the next one at once.
    fn delay(&self, settings: &Settings) -> Duration {
        if self.alone { Duration::ZERO } else { settings.idle_delay }
    }

    /// Whether IDLE may go out behind what is in flight: questions of the engine's own, and an IDLE
    /// that was left for them.
    fn may_go_behind(&self, around: &Surroundings<'_>) -> bool {
        self.alone
            && !self.apart
            && self.leaving.len() <= 1
            && self.early_end_count == 0
            && !around.inflight.has_numbers()
            && around.inflight.may_be_idled_behind()
    }

    /// A server that never answers IDLE must not hold up all else. Nothing but DONE may go out now
    /// (RFC 2177 section 3), and nothing behind it before the tagged line: a `+` that came late
    /// would be taken for that of a literal.
    fn await_continuation(&mut self, id: CommandId, now: Instant, around: &Surroundings<'_>) -> IdleStep {
        if around.writer.holds(id) || around.inflight.len() > 1 {
            // What was sent before it is answered first.
            return IdleStep::Wait;
        }
        let since = *self.asked_at.get_or_insert(now);
        if now.duration_since(since) < patience(around.settings) {
            return IdleStep::Wait;
        }
        self.refuse("the server does not answer IDLE");
        self.done_may_be_refused = true;
        self.state = IdleState::GivenUp { id };
        IdleStep::GiveUp(id)
    }

    /// IDLE is valid as soon as the session is authenticated (RFC 2177 section 3, RFC 9051 section
    /// 6.3.13).
    fn is_possible(&self, around: &Surroundings<'_>) -> bool {
        (around.is_selected || around.session.login == LoginState::LoggedIn)
            && !self.is_refused(around.is_selected)
            && around.session.can("IDLE")
    }

    /// When [`step`](Self::step) has something to do next.
    pub(crate) fn deadline(&self, around: &Surroundings<'_>) -> Option<Instant> {
        let settings = around.settings;
        match self.state {
            IdleState::On { id, since } => {
                since.checked_add(settings.idle_renew).filter(|_| around.renews(id))
            }
            IdleState::Off => {
                let since = self.quiet_since?;
                if self.is_possible(around) {
                    since.checked_add(self.delay(settings))
                } else {
                    self.last_asked.unwrap_or(since).max(since).checked_add(settings.poll_every)
                }
            }
            IdleState::Requested { .. } => self.asked_at?.checked_add(patience(settings)),
            IdleState::GivenUp { .. } => None,
        }
    }
}

/// What the conductor is to do for IDLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleStep {
    Wait,
    /// [Leave](Idle::leave) IDLE, then ask again.
    Leave,
    Begin,
    /// NOOP.
    Poll,
    /// DONE to a server that has not answered `+`.
    GiveUp(CommandId),
}

/// What IDLE depends on.
pub(crate) struct Surroundings<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) session: &'a Session,
    pub(crate) lifecycle: &'a Lifecycle,
    pub(crate) scheduler: &'a Scheduler,
    pub(crate) inflight: &'a InFlight,
    pub(crate) writer: &'a Writer,
    pub(crate) is_selected: bool,
}

impl Surroundings<'_> {
    /// Whether nothing waits to be sent, and something could be.
    fn is_free(&self) -> bool {
        !self.scheduler.has_work() && self.writer.is_line_free() && self.lifecycle.may_idle()
    }

    /// Whether it is ours to renew: our own, or one by hand that no token can end any more.
    fn renews(&self, id: CommandId) -> bool {
        let (inflight, auto) = (self.inflight, self.settings.auto_idle);
        inflight.internal(id).is_some() || auto && inflight.has(id) && !inflight.has_reader(id)
    }
}

/// How long an IDLE may wait for its `+`: shorter than the silence by which the connection is given
/// up.
fn patience(settings: &Settings) -> Duration {
    PATIENCE.min(settings.silence / 4)
}
