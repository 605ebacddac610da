//! What can be submitted, and what its token offers before there is a result (its companion): for a
//! SELECT the selection that it will open, for a saved search its handle, nothing for all others.
//!
//! In: a [`Command`], a [`Select`](crate::Select) or a [`SaveSearch`]. Out: the command that the
//! engine gets, and the companion. The commands themselves are in `src/command`.

use std::sync::Arc;

use super::{Sender, Token};
use crate::command::{Command, SaveSearch, SaveSearchCommand, SavedSearch};
#[cfg(feature = "account")]
use crate::engine::Moving;
use crate::engine::{Origin, Scope, SelectionHandle, Submitted};
use crate::error::{Error, ErrorKind};
use crate::types::{Done, Status, StatusResponse};

/// What [`Sender::submit`](crate::Sender::submit) and [`Mailbox::submit`](crate::Mailbox::submit)
/// take: every [`Command`], one of the library's or one of your own; and [`Select`](crate::Select)
/// and [`SaveSearch`], whose tokens give a handle before the server has answered
/// ([`Token::mailbox`], [`Token::saved`]).
///
/// It is implemented for every [`Command`] and can't be implemented otherwise:
///
/// ```compile_fail
/// struct Mine;
/// impl imap_duplex::Submit for Mine {
///     type Output = ();
/// }
/// ```
///
/// ```
/// use imap_duplex::{Sender, Submit, Token};
///
/// /// Submits whatever can be submitted, and counts it.
/// fn counted<S: Submit>(imap: &Sender, what: S, count: &mut u64) -> Token<S> {
///     *count += 1;
///     imap.submit(what)
/// }
/// # let _ = counted::<imap_duplex::Select>;
/// # let _ = counted::<imap_duplex::command::Noop>;
/// ```
pub trait Submit: Prepare<Command: Command<Output = <Self as Submit>::Output>> {
    /// The whole result, as awaiting the token gives it.
    type Output: Send + 'static;
}

/// How a submission becomes a command. Not nameable outside, so that [`Submit`] is sealed.
pub trait Prepare: Send + 'static {
    /// What the engine gets.
    type Command: Command;
    /// What the token knows before there is a result.
    type Companion: Send + Sync + Unpin + 'static;

    fn prepare(self, sender: &Sender) -> Prepared<Self::Command, Self::Companion>;
}

/// A command that is ready to be submitted.
#[derive(Debug)]
pub struct Prepared<C, X> {
    pub(super) command: C,
    pub(super) companion: X,
    /// The selection that it opens.
    pub(super) opens: Option<Arc<SelectionHandle>>,
}

impl<C: Command> Submit for C {
    type Output = C::Output;
}

impl<C: Command> Prepare for C {
    type Command = C;
    type Companion = ();

    fn prepare(self, _: &Sender) -> Prepared<C, ()> {
        Prepared { command: self, companion: (), opens: None }
    }
}

impl Submit for SaveSearch {
    type Output = SavedSearch;
}

impl Prepare for SaveSearch {
    type Command = SaveSearchCommand;
    type Companion = SavedSearch;

    fn prepare(self, _: &Sender) -> Prepared<SaveSearchCommand, SavedSearch> {
        Prepared { companion: self.saved(), command: self.into(), opens: None }
    }
}

/// Submits a command, through a selection or none.
pub(super) fn submit<S: Submit>(
    sender: &Sender,
    what: S,
    selection_handle: Option<&Arc<SelectionHandle>>,
) -> Token<S> {
    let shared = sender.shared();
    let Prepared { mut command, companion, opens } = what.prepare(sender);
    let class = command.class();
    let nothing_to_do = command.messages().is_some_and(|which| which.is_empty());
    let scope = sender.scope().map(Scope::enter);
    let beyond = matches!(scope, Some(None)).then(|| lease_ended(command.name(), selection_handle));
    let (submitted, slot) = Submitted::new(command);
    let job = Box::new(submitted.in_scope(scope.flatten()));
    let (id, refused) = if beyond.is_some() {
        (shared.number(), beyond)
    } else if nothing_to_do {
        let done = Done::new(StatusResponse::new(Status::Ok, None, "no messages were named"));
        shared.submit_nothing(job, done, selection_handle.map(|selection_handle| &**selection_handle))
    } else {
        shared.submit(job, class, selection_handle.cloned(), opens.clone(), Origin::User)
    };
    if let Some(error) = refused {
        if let Some(selection_handle) = &opens {
            selection_handle.refuse(&error);
        }
        slot.refuse(error);
    }
    Token::new(shared, slot, id, companion)
}

/// Submits a command that another connection of the account has left.
#[cfg(feature = "account")]
pub(super) fn take_over(sender: &Sender, moving: Moving, selection_handle: Option<&Arc<SelectionHandle>>) {
    // Dropped, it fails.
    if let Some(scope) = sender.scope() {
        moving.submit(sender.shared(), scope, selection_handle);
    }
}

/// The error of what is submitted through a handle that was kept beyond its lease.
fn lease_ended(command: &str, selection_handle: Option<&Arc<SelectionHandle>>) -> Error {
    let why = "the lease of the connection has ended: its guard was dropped";
    let place = selection_handle.map(|handle| &handle.place().mailbox);
    Error::new(ErrorKind::SelectionEnded, why).in_command(command).about(place, None)
}
