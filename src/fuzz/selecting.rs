//! SELECT and EXAMINE with their parameters, and what ends a selection or an update of a search,
//! with arguments from a fuzzer's bytes: the server parses what was meant, or the client refuses to
//! write it.

use std::sync::Arc;

use super::answers::uids;
use super::arguments::assert_text;
use super::chooser::Chooser;
use crate::client::{Handle, Select, Sender};
use crate::command::{self, Session};
use crate::engine::Shared;
use crate::types::{CommandId, Limits, MailboxName, MailboxState, ModSeq, UidValidity};
use crate::wire::request::{Command, Value};

/// What the parameters need, and UNSELECT.
const NEEDED: [&str; 3] = ["CONDSTORE", "ANNOTATE-EXPERIMENT-1", "UNSELECT"];

/// Makes such commands, writes them and parses the output.
pub(super) fn about_selections(from: &mut Chooser<'_>, known: &Session) {
    let choice = from.byte();
    let has = |bit: u8| choice & 1 << bit != 0;
    let more = NEEDED.into_iter().zip([has(0), has(1), has(2)]).filter(|(_, has)| *has);
    let mut session = Session {
        capabilities: known.capabilities().iter().chain(more.map(|(name, _)| name)).collect(),
        ..known.clone()
    };
    if has(3) {
        session.enabled.push("QRESYNC".to_owned());
    }
    select(from, &session);
    unselect(from, &session);
    cancel_updates(from, session);
}

/// A connection that nothing is sent on, for the selection's handle.
fn sender() -> Sender {
    let shared = Shared::new(&Limits::default());
    Sender::new(Arc::new(Handle { shared, check: Default::default() }))
}

fn state(from: &mut Chooser<'_>) -> Option<MailboxState> {
    let mut state = MailboxState::new(UidValidity::new(from.positive())?);
    (state.highest_mod_seq, state.uids) = (ModSeq::new(from.large() >> 1), uids(from));
    Some(state)
}

/// Any mailbox; with each parameter that the session takes and that was asked for.
fn select(from: &mut Chooser<'_>, session: &Session) {
    let (name, choice) = (MailboxName::new(from.text()), from.byte());
    let has = |bit: u8| choice & 1 << bit != 0;
    let state = if has(3) { state(from) } else { None };
    let mut select = Select::new(name.clone());
    let keeps_mod_seqs = session.is_enabled("QRESYNC");
    let (mut params, mut refused) = (Vec::new(), false);
    let word = |text: &str| Value::Word(text.to_owned());
    if has(0) {
        select = select.read_only();
    }
    if has(1) {
        select = select.condstore();
        refused |= !session.can("CONDSTORE") && !session.can("QRESYNC");
    }
    match &state {
        Some(state) => {
            refused |= state.uids.len() > u64::from(session.messages);
            match state.highest_mod_seq {
                Some(mod_seq) if keeps_mod_seqs => {
                    let numbers = [word(&state.uid_validity.to_string()), word(&mod_seq.to_string())];
                    params.extend([word("QRESYNC"), Value::List(numbers.into())]);
                }
                _ if session.can("CONDSTORE") && !keeps_mod_seqs => params.push(word("CONDSTORE")),
                _ => {}
            }
        }
        None if has(1) && !keeps_mod_seqs => params.push(word("CONDSTORE")),
        None => {}
    }
    if has(2) {
        select = select.annotations();
        refused |= !session.can("ANNOTATE-EXPERIMENT-1");
        params.push(word("ANNOTATE"));
    }
    let select = state.into_iter().fold(select, Select::resume);
    let Some(read) = from.read(select.into_command(&sender()), session) else {
        assert!(refused || name.as_str().contains(['\0', '\r', '\n']), "{name:?} can be selected");
        return;
    };
    assert!(!refused, "{read:?}");
    let Command::Select(read) = read else { panic!("{read:?}") };
    assert_eq!((read.mailbox, read.read_only, read.params), (name, has(0), params));
}

/// By its name, or by a mailbox that there is not.
fn unselect(from: &mut Chooser<'_>, session: &Session) {
    let has_it = session.can("UNSELECT");
    match from.read(command::Unselect::new(), session) {
        Some(Command::Plain("UNSELECT")) => assert!(has_it),
        Some(Command::Select(read)) => {
            assert!(!has_it && read.read_only && read.params.is_empty(), "{read:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(from.read(command::Unselect::new().strict(), session).is_some(), has_it);
}

/// By the tag of the search, if its result is kept up to date.
fn cancel_updates(from: &mut Chooser<'_>, mut session: Session) {
    let (tag, search) = (from.text(), CommandId(from.small().into()));
    let cancel = command::CancelUpdates::new(search);
    assert_eq!(from.read(cancel, &session), None, "there is no such search");
    session.updated.push((search, tag.clone()));
    if let Some((name, arguments)) = from.other(cancel, &session) {
        assert_eq!((name.as_str(), arguments.len()), ("CANCELUPDATE", 1));
        assert_text(&arguments[0], tag.as_bytes());
    }
}
