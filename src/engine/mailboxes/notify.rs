//! NOTIFY (RFC 5465): what the server was asked to report of its own accord, and asking again after
//! an overflow.
//!
//! ```text
//!                 OK to a user's NOTIFY               [NOTIFICATIONOVERFLOW]
//!   nothing asked ─────────────────────> in force ──────────────────────────> lost ── asked again ── OK ──> in force,
//!                                            ^                                 │                            compared
//!                                            └── the selected mailbox alone <──┘ NO, or again and again
//! ```
//!
//! SELECTED is whichever mailbox is selected (section 3.1), so nothing need be asked again after a
//! SELECT.

use std::time::{Duration, Instant};

use crate::command::{Notify, NotifyEvent};
use crate::engine::mailboxes::Mailboxes;
use crate::engine::submit::{InternalCommand, InternalRequest};
use crate::types::{Event, EventKind, ListEntry, MailboxName};

/// What the server was asked to report.
#[derive(Debug, Default)]
pub(super) struct NotifyState {
    /// What it said OK to last; what is asked again after an overflow.
    asked: Option<Box<Notify>>,
    overflow: Overflow,
    /// How many overflows there were in a row, and when the last one was received.
    overflows: u8,
    last_overflow: Option<Instant>,
    /// A NOTIFY ended in a way that leaves open whether it holds, and it would let numbers move at
    /// any time.
    may_move_numbers: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Overflow {
    #[default]
    No,
    /// NOTIFY is being sent again.
    AskedAgain,
    /// It was received while a NOTIFY was in flight: which of the two was first can't be known.
    Unclear,
}

/// What the server reports by LIST of its own accord.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    /// Mailboxes that are created, renamed or deleted.
    pub(super) names: bool,
    /// Whether they are subscribed to; LIST then says so of each.
    pub(super) subscriptions: bool,
}

/// How many times in a row NOTIFY is sent again in full; after that for the selected mailbox alone.
const MAX_FULL_RETRIES: u8 = 3;
/// How many times in a row it is sent again at all.
const MAX_RETRIES: u8 = 20;
/// Overflows further apart than this are not in a row.
const RETRY_WINDOW: Duration = Duration::from_secs(60);

impl NotifyState {
    /// Whether messages of this mailbox may be watched; and if so, whether their flags are, too.
    pub(super) fn watches_messages_of(&self, mailbox: &MailboxName) -> Option<bool> {
        self.asked.as_ref()?.watches_messages_of(mailbox)
    }

    pub(super) fn watched(&self) -> Watched {
        let asks = |event| self.asked.as_ref().is_some_and(|asked| asked.asks(event));
        Watched {
            names: asks(NotifyEvent::MailboxName),
            subscriptions: asks(NotifyEvent::SubscriptionChange),
        }
    }
}

impl Mailboxes {
    /// Whether sequence numbers may move at any time (RFC 5465 section 5.3).
    pub(crate) fn moves_numbers(&self) -> bool {
        let NotifyState { asked, may_move_numbers, .. } = &self.notify;
        *may_move_numbers || asked.as_ref().is_some_and(|asked| asked.moves_numbers())
    }

    /// Whether a NOTIFY says when the server reports changes of the selected mailbox.
    pub(crate) fn is_notify_in_force(&self) -> bool {
        self.notify.asked.is_some()
    }

    /// Whether NOTIFY watches other mailboxes.
    pub(crate) fn watches_others(&self) -> bool {
        self.notify.asked.as_ref().is_some_and(|asked| asked.watches())
    }

    /// Whether a LIST is surely NOTIFY's report that a mailbox has been deleted: an answer has no
    /// name below which nothing is, unless the user has subscribed to it or it is one that could be
    /// created for a special use (RFC 9051 section 6.3.10).
    pub(crate) fn reports_deletion(&self, entry: &ListEntry) -> bool {
        let nothing_else = |attribute: &String| {
            let plain = ["\\NonExistent", "\\HasNoChildren", "\\Noselect", "\\NoInferiors"];
            plain.iter().any(|plain| attribute.eq_ignore_ascii_case(plain))
        };
        self.notify.watched().names
            && entry.has("\\NonExistent")
            && entry.attributes.iter().all(nothing_else)
            && entry.child_info.is_empty()
    }

    /// The name as events have it. Under NOTIFY Dovecot writes names in another spelling than it
    /// wants them in.
    pub(crate) fn as_named(&self, name: &MailboxName) -> MailboxName {
        if self.is_notify_in_force() { MailboxName::exact(name.as_str()) } else { name.clone() }
    }

    /// The server has said OK to NOTIFY. Whether this ends an overflow, or a silence: then the
    /// selected mailbox must be compared with what the server has. (Dovecot does not report what
    /// has changed in a silent one, as RFC 5465 section 3.1 wants it to.)
    pub(crate) fn notify_accepted(&mut self, asked: Box<Notify>, own: bool) -> bool {
        self.notify.may_move_numbers = false;
        let was_silent = self.notify.asked.as_ref().is_some_and(|before| before.silences_selected());
        let ends_silence = was_silent && !asked.silences_selected();
        self.notify.asked = Some(asked);
        if !own {
            self.notify.overflows = 0;
        }
        match self.notify.overflow {
            Overflow::No => ends_silence,
            Overflow::Unclear => {
                self.ask_again();
                false
            }
            Overflow::AskedAgain => {
                self.notify.overflow = Overflow::No;
                true
            }
        }
    }

    /// NOTIFY has failed; `refused` if the server said so: then the one before still holds.
    pub(crate) fn notify_failed(&mut self, asked: &Notify, own: bool, refused: bool) {
        self.notify.may_move_numbers |= !refused && asked.moves_numbers();
        match self.notify.overflow {
            Overflow::Unclear => self.ask_again(),
            Overflow::AskedAgain if own => {
                self.events.push(Event::new(EventKind::NotificationsLost { asked_again: false }));
                if asked.watches() {
                    self.request_notify(asked.selected_alone());
                } else {
                    tracing::warn!(
                        target: "imap_duplex",
                        "the server will not report changes of the selected mailbox any more"
                    );
                    self.notify.asked = None;
                    self.notify.overflow = Overflow::No;
                }
            }
            Overflow::No | Overflow::AskedAgain => {}
        }
    }

    /// `[NOTIFICATIONOVERFLOW]`, `in_flight` if a NOTIFY is: from now on the server reports
    /// nothing, not even of the selected mailbox (RFC 5465 section 5.8). Whether there was anything
    /// to lose.
    pub(crate) fn notify_overflowed(&mut self, now: Instant, in_flight: bool) -> bool {
        let had = self.notify.asked.as_ref().is_some_and(|asked| !asked.is_silent());
        if !had && !in_flight {
            return false;
        }
        if self.notify.overflow != Overflow::No && !in_flight {
            // It waits to be sent again.
            return true;
        }
        let in_a_row = self.notify.last_overflow.is_some_and(|last| now.duration_since(last) < RETRY_WINDOW);
        self.notify.overflows = if in_a_row { self.notify.overflows.saturating_add(1) } else { 1 };
        self.notify.last_overflow = Some(now);
        let asked_again = self.notify.overflows <= MAX_FULL_RETRIES;
        self.events.push(Event::new(EventKind::NotificationsLost { asked_again }));
        if self.notify.overflows > MAX_RETRIES {
            (self.notify.asked, self.notify.overflow) = (None, Overflow::No);
        } else if in_flight {
            self.notify.overflow = Overflow::Unclear;
        } else {
            self.ask_again();
        }
        true
    }

    fn ask_again(&mut self) {
        let Some(asked) = &self.notify.asked else {
            self.notify.overflow = Overflow::No;
            return;
        };
        let again =
            if self.notify.overflows <= MAX_FULL_RETRIES { asked.again() } else { asked.selected_alone() };
        self.notify.overflow = Overflow::AskedAgain;
        self.request_notify(again);
    }

    fn request_notify(&mut self, notify: Notify) {
        self.requests.push(InternalRequest::new(InternalCommand::Notify, notify, None));
    }
}
