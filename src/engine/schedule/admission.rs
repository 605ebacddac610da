//! Admission: which commands may be in flight together, as one table. `admit` reads most of it;
//! `StartFacts::verdict` (`start.rs`) adds the rows of LOGOUT, of read-only mailboxes, `$` and
//! UIDVALIDITY.
//!
//! In: the command that waits first, and those in flight. Out: go, wait, or fail. The rules are RFC
//! 9051 section 5.5 (what must not be pipelined), section 7.5.1 (when EXPUNGE may come) and section
//! 6.3.2 (what SELECT does to the selection).
//!
//! | what the command is        | waits while in flight there is                                   |
//! |----------------------------|------------------------------------------------------------------|
//! | alone                      | anything                                                         |
//! | anything                   | something that is alone                                          |
//! | LOGOUT                     | commands that have further lines to send; nothing else           |
//! | names messages by number   | anything that may let EXPUNGE through                            |
//! | reads or writes flags      | a writer of flags of the same messages (not with IMAP4rev2)      |
//! | writes flags               | a reader of flags of the same messages (not with IMAP4rev2)      |
//! | removes by `\Deleted`      | a writer of flags: a case of the rows above                      |
//! | SELECT                     | anything, if a mailbox may be selected; else another SELECT, and |
//! |                            | message commands of a selection that the server has ended        |
//! | CLOSE, UNSELECT            | any message command, any SELECT                                  |
//! | SEARCH without ESEARCH     | another one: Dovecot says both answers before both tagged lines  |
//! | SORT without ESORT, THREAD | another one, for the same reason                                 |
//! | a user's own               | what may be answered by the same, unless mailbox, messages or    |
//! |                            | the tag in ESEARCH tell them apart; and such wait for it         |
//! | FETCH, LIST                | another one, once the server has answered such out of order      |
//! | ENABLE                     | anything; and it fails if a mailbox may be selected              |
//! | IDLE                       | another IDLE, until its tagged line; the engine's, until its DONE |
//! | saves its result as `$`    | what uses `$`, another that saves                                |
//! | changes through `$`        | the search that saves it (`selection/saved_search.rs`)           |
//! | message command            | its own SELECT, if a mailbox may have been selected before it    |
//! | message command            | its own SELECT with parameters, until the server has taken such  |
//! | message command            | the SELECT of another mailbox; it has lost its own by the end    |
//! | names UIDs                 | its own SELECT, until that reports UIDVALIDITY (`resolve.rs`)    |
//! | changes messages           | nothing, but fails if the mailbox is read-only by the time it is |
//! |                            | to go (`selection/read_only.rs`)                                 |

use crate::command::{Effect, FlagUse, Messages, ResponseKinds, SelectParams};
use crate::engine::inflight::by_number;
use crate::engine::schedule::start::StartFacts;
use crate::engine::submit::{SelectionHandle, Submission};
use crate::error::Error;

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

/// Whether this command may go out beside those in flight.
pub(super) fn admit(next: &Submission, messages: Option<&Messages>, facts: &StartFacts<'_>) -> Verdict {
    let StartFacts { selected, inflight, session, .. } = facts;
    if let Some(handle) = &next.selection_handle {
        match selection_verdict(handle, facts) {
            Verdict::Go => {}
            other => return other,
        }
    }
    let (class, load) = (&next.class, inflight.counts());
    // The engine's own may follow IDLEs whose DONE precedes them.
    let idles_left = if next.origin.internal().is_some() { facts.idles_left } else { 0 };
    let waits_for_effect = match &class.effect {
        Effect::Select { .. } if selected.may_be_selected() => load.all > 0,
        // Those of a selection that the server has ended by itself may still be answered.
        Effect::Select { .. } => load.selects > 0 || load.in_mailbox > 0,
        Effect::Deselect => load.in_mailbox > 0 || load.selects > 0,
        Effect::Idle => load.idles > idles_left,
        Effect::Save(_) => load.of_saved > 0,
        _ => false,
    };
    let asks = |kind| class.answered_by.overlaps(kind);
    let waits = class.alone && load.all > 0
        || load.alone > 0
        || by_number(messages) && load.lets_expunge_through > 0
        || waits_for_effect
        // With ESEARCH answers of searches name their command (RFC 4731).
        || asks(ResponseKinds::SEARCH) && load.searches > 0 && !session.can("ESEARCH")
        || asks(ResponseKinds::SORT) && load.has_sorts() && !session.can("ESORT")
        || asks(ResponseKinds::THREAD) && load.has_threads()
        || session.out_of_order && asks(ResponseKinds::FETCH) && load.fetches > 0
        || session.out_of_order && asks(ResponseKinds::LIST) && load.lists > 0
        || load.deselects > 0 && next.selection_handle.is_some()
        || class.flags != FlagUse::None && !session.is_rev2() && inflight.flags_conflict(class, messages)
        || inflight.is_ambiguous(class, messages);
    if waits {
        Verdict::Wait
    } else if matches!(class.effect, Effect::Enable) && selected.may_be_selected() {
        // RFC 9051 section 6.3.1: only in the authenticated state.
        let why = "extensions can't be enabled while a mailbox is selected";
        Verdict::fail(Error::invalid(why).advise("name them in `Config::enable`, or unselect first"))
    } else {
        Verdict::Go
    }
}

fn selection_verdict(handle: &SelectionHandle, facts: &StartFacts<'_>) -> Verdict {
    let StartFacts { selected, session, .. } = facts;
    let opening = selected.opening_handle();
    let waits = if selected.current().is_some_and(|open| open.id() == handle.id()) {
        // Behind a SELECT it would hit the next mailbox; whatever that is answered, this one has
        // ended then.
        opening.is_some()
    } else if opening.is_some_and(|opening| opening.id() == handle.id()) {
        // If the SELECT were refused, what follows would hit the mailbox selected before it; or
        // none, if it was for its parameters and is sent again without them.
        let may_be_refused = selected.opening_has_params() && session.select_params != SelectParams::Taken;
        selected.may_be_selected() || may_be_refused
    } else {
        return Verdict::fail(handle.ended_error());
    };
    if waits { Verdict::Wait } else { Verdict::Go }
}
