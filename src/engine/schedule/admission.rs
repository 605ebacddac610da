//! Admission: which commands may be in flight together, as one table read by one function.
//!
//! In: the command that waits first, and those in flight. Out: go, wait, or fail. The rules are RFC
//! 9051 section 5.5 (what must not be pipelined), section 7.5.1 (when EXPUNGE may come) and section
//! 6.3.2 (what SELECT does to the selection).
//!
//! | what the command is        | waits while in flight there is                                   |
//! |----------------------------|------------------------------------------------------------------|
//! | alone                      | anything                                                         |
//! | anything                   | something that is alone                                          |
//! | names messages by number   | anything that may let EXPUNGE through                            |
//! | reads or writes flags      | a writer of flags of the same messages (not with IMAP4rev2)      |
//! | writes flags               | a reader of flags of the same messages (not with IMAP4rev2)      |
//! | removes by `\Deleted`      | a writer of flags: a case of the rows above                      |
//! | SELECT                     | anything, if a mailbox may be selected; else another SELECT, and |
//! |                            | message commands of a selection that the server has ended        |
//! | CLOSE, UNSELECT            | any message command, any SELECT                                  |
//! | SEARCH without ESEARCH     | another one: Dovecot says both answers before both tagged lines  |
//! | a user's own               | what may be answered by the same, unless mailbox, messages or    |
//! |                            | the tag in ESEARCH tell them apart; and such wait for it         |
//! | FETCH, LIST                | another one, once the server has answered such out of order      |
//! | IDLE                       | another IDLE, until its tagged line; the engine's, until its DONE |
//! | saves its result as `$`    | what uses `$`, another that saves                                |
//! | changes through `$`        | the search that saves it (`engine/selection/saved_search.rs`)                     |
//! | message command            | its own SELECT, if a mailbox may have been selected before it    |
//! | message command            | its own SELECT with parameters, until the server has taken such  |
//! | message command            | the SELECT of another mailbox; it has lost its own by the end    |
//! | names UIDs                 | its own SELECT, until that reports UIDVALIDITY (`resolve.rs`)    |
//! | changes messages           | nothing, but fails if the mailbox is read-only by the time it is |
//! |                            | to go (`engine/selection/access.rs`)                                       |

use crate::command::{Effect, FlagUse, Messages, ResponseKinds};
use crate::engine::inflight::{InFlightCounts, by_number};
use crate::engine::submit::{SelectionHandle, Submission};
use crate::error::Error;

/// Where the selections stand.
pub(crate) struct SelectionFacts<'a> {
    /// The selection that is open.
    pub(crate) open: Option<&'a SelectionHandle>,
    /// The selection whose SELECT has not been answered.
    pub(crate) opening: Option<&'a SelectionHandle>,
    /// A mailbox may be selected at the server.
    pub(crate) may_be_selected: bool,
    /// That SELECT may be refused for its parameters alone: the server has not taken such before.
    pub(crate) unsure: bool,
    /// The session obliges the server to execute ambiguous pairs in order (RFC 9051 section 5.5).
    pub(crate) rev2: bool,
    /// Answers of searches name their command (RFC 4731).
    pub(crate) esearch: bool,
    /// The server has answered a later command before an earlier one that had asked for the same.
    pub(crate) out_of_order: bool,
    /// IDLEs in flight whose DONE precedes it.
    pub(crate) idles_left: usize,
}

/// Whether a command that waits may go.
#[derive(Debug)]
pub(crate) enum Verdict {
    Go,
    Wait,
    /// It can never go: its selection has ended, its UIDs are of another UIDVALIDITY, the mailbox
    /// may only be read.
    Fail(Box<Error>),
}

impl Verdict {
    pub(crate) fn fail(error: Error) -> Self {
        Self::Fail(Box::new(error))
    }
}

/// Whether this command may go out beside those in flight. `flags_clash`: one of them uses flags of
/// the same messages. `is_ambiguous`: its answers could be taken for those of one of them.
pub(crate) fn admit(
    next: &Submission,
    messages: Option<&Messages>,
    selections: &SelectionFacts<'_>,
    load: &InFlightCounts,
    flags_clash: impl FnOnce() -> bool,
    is_ambiguous: impl FnOnce() -> bool,
) -> Verdict {
    if let Some(selection_handle) = &next.selection_handle {
        match selection_verdict(selection_handle, selections) {
            Verdict::Go => {}
            other => return other,
        }
    }
    let waits_for_effect = match &next.class.effect {
        Effect::Select { .. } if selections.may_be_selected => load.all > 0,
        // Those of a selection that the server has ended by itself may still be answered.
        Effect::Select { .. } => load.selects > 0 || load.in_mailbox > 0,
        Effect::Deselect => load.in_mailbox > 0 || load.selects > 0,
        Effect::Idle => load.idles > selections.idles_left,
        Effect::Save(_) => load.of_saved > 0,
        _ => false,
    };
    let waits = next.class.alone && load.all > 0
        || load.alone > 0
        || by_number(messages) && load.lets_expunge_through > 0
        || waits_for_effect
        || !selections.esearch && next.class.answered_by.overlaps(ResponseKinds::SEARCH) && load.searches > 0
        || selections.out_of_order
            && next.class.answered_by.overlaps(ResponseKinds::FETCH)
            && load.fetches > 0
        || selections.out_of_order && next.class.answered_by.overlaps(ResponseKinds::LIST) && load.lists > 0
        || load.deselects > 0 && next.selection_handle.is_some()
        || !selections.rev2 && next.class.flags != FlagUse::None && flags_clash()
        || is_ambiguous();
    if waits { Verdict::Wait } else { Verdict::Go }
}

fn selection_verdict(selection_handle: &SelectionHandle, selections: &SelectionFacts<'_>) -> Verdict {
    let is = |other: Option<&SelectionHandle>| other.is_some_and(|other| other.id() == selection_handle.id());
    if is(selections.open) {
        // Behind a SELECT it would hit the next mailbox; whatever that is answered, this one has
        // ended then.
        if selections.opening.is_some() { Verdict::Wait } else { Verdict::Go }
    } else if is(selections.opening) {
        // If the SELECT were refused, what follows would hit the mailbox selected before it; or
        // none, if it was for its parameters and is sent again without them.
        if selections.may_be_selected || selections.unsure { Verdict::Wait } else { Verdict::Go }
    } else {
        Verdict::fail(selection_handle.ended_error())
    }
}
