//! Admission: which commands may be in flight together, as one table read by one function.
//!
//! In: the command that waits first, and those in flight. Out: go, wait, or fail. The rules are RFC 9051
//! section 5.5 (what must not be pipelined), section 7.5.1 (when EXPUNGE may come) and section 6.3.2 (what
//! SELECT does to the selection).
//!
//! | what the command is        | waits while in flight there is                                   |
//! |----------------------------|------------------------------------------------------------------|
//! | alone                      | anything                                                         |
//! | anything                   | something that is alone                                          |
//! | names messages by number   | anything that may let EXPUNGE through                            |
//! | reads or writes flags      | a writer of flags of the same messages (not with IMAP4rev2)      |
//! | writes flags               | a reader of flags of the same messages (not with IMAP4rev2)      |
//! | removes by `\Deleted`      | a writer of flags: a case of the rows above                      |
//! | SELECT                     | anything, if a mailbox may be selected; else another SELECT      |
//! | CLOSE, UNSELECT            | any message command, any SELECT                                  |
//! | message command            | its own SELECT, if a mailbox may have been selected before it    |
//! | message command            | the SELECT of another mailbox; it has lost its own by the end    |

use super::shared::{Seat, Submission};
use crate::command::{Class, Effect, FlagUse, Messages};

/// What admission knows of a command in flight.
pub(crate) struct Facts<'a> {
    pub(crate) class: &'a Class,
    pub(crate) messages: Option<&'a Messages>,
    pub(crate) in_mailbox: bool,
}

/// Where the selections stand.
pub(crate) struct Selections<'a> {
    /// The selection that is open.
    pub(crate) open: Option<&'a Seat>,
    /// The selection whose SELECT has not been answered.
    pub(crate) opening: Option<&'a Seat>,
    /// A mailbox may be selected at the server.
    pub(crate) may_be_selected: bool,
    /// The session obliges the server to execute ambiguous pairs in order (RFC 9051 section 5.5).
    pub(crate) rev2: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    Wait,
    /// Its selection has ended.
    Ended,
}

/// Whether this command may go out beside those in flight.
pub(crate) fn admit<'a>(
    next: &Submission,
    messages: Option<&Messages>,
    selections: &Selections<'_>,
    mut in_flight: impl Iterator<Item = Facts<'a>>,
) -> Verdict {
    if let Some(seat) = &next.seat {
        match stand(seat, selections) {
            Verdict::Go => {}
            other => return other,
        }
    }
    let waits = in_flight.any(|other| {
        next.class.alone
            || other.class.alone
            || by_number(messages) && lets_expunge_through(&other)
            || !selections.rev2 && flags_conflict(&next.class, messages, &other)
            || match &next.class.effect {
                Effect::Select { .. } => {
                    selections.may_be_selected || matches!(other.class.effect, Effect::Select { .. })
                }
                Effect::Deselect => other.in_mailbox || matches!(other.class.effect, Effect::Select { .. }),
                _ => false,
            }
            || matches!(other.class.effect, Effect::Deselect) && next.seat.is_some()
    });
    if waits { Verdict::Wait } else { Verdict::Go }
}

fn stand(seat: &Seat, selections: &Selections<'_>) -> Verdict {
    let is = |other: Option<&Seat>| other.is_some_and(|other| other.id == seat.id);
    if is(selections.open) {
        // Behind a SELECT it would hit the next mailbox; whatever that is answered, this one has ended then.
        if selections.opening.is_some() { Verdict::Wait } else { Verdict::Go }
    } else if is(selections.opening) {
        // If the SELECT were refused, what follows would hit the mailbox selected before it.
        if selections.may_be_selected { Verdict::Wait } else { Verdict::Go }
    } else {
        Verdict::Ended
    }
}

fn by_number(messages: Option<&Messages>) -> bool {
    matches!(messages, Some(Messages::Seqs(_)))
}

/// The server may send EXPUNGE while any command runs but FETCH, STORE and SEARCH by number (RFC 9051
/// section 7.5.1).
fn lets_expunge_through(other: &Facts<'_>) -> bool {
    other.class.may_expunge || !by_number(other.messages)
}

fn flags_conflict(next: &Class, messages: Option<&Messages>, other: &Facts<'_>) -> bool {
    let clash = match (next.flags, other.class.flags) {
        (FlagUse::None, _) | (_, FlagUse::None) | (FlagUse::Reads, FlagUse::Reads) => false,
        (FlagUse::Writes, _) | (_, FlagUse::Writes) => true,
    };
    clash
        && match (messages, other.messages) {
            (Some(mine), Some(theirs)) => mine.may_overlap(theirs),
            _ => true,
        }
}
