//! How commands are written: the RFCs' own examples, word for word where the grammar leaves no
//! choice, and refusals.

mod annotations;
mod append;
mod fetch;
mod lines;
mod mailboxes;
mod messages;
mod notify;
mod others;
mod search;
mod searches;
mod session;
mod sort;
mod store;
mod transcript;

use bytes::Bytes;

use super::{Command, Flow, Line, Session};
use crate::error::Result;
use crate::types::{Done, Limits, Untagged};
use crate::wire::parse::Parser;
use crate::wire::{Frame, Response};

/// A session whose server has these capabilities; those behind `ENABLED` are enabled.
pub(super) fn session(capabilities: &str) -> Session {
    let (offered, enabled) = capabilities.split_once(" ENABLED ").unwrap_or((capabilities, ""));
    Session {
        capabilities: offered.split_whitespace().collect(),
        enabled: enabled.split_whitespace().map(str::to_owned).collect(),
        command_line: 8000,
        messages: 1000,
        ..Session::default()
    }
}

/// The next line of a command, and what follows it.
pub(super) fn next_line(command: &mut impl Command, session: &Session) -> Result<(String, Flow)> {
    let mut line = Line::new(Some("A1"), session);
    let flow = command.encode(&mut line, session)?;
    let bytes: Vec<u8> = line.finish()?.iter().flat_map(|piece| piece.as_bytes().to_vec()).collect();
    let text = String::from_utf8_lossy(&bytes);
    Ok((text.strip_prefix("A1 ").expect("the tag").trim_end_matches("\r\n").to_owned(), flow))
}

/// The one line of a command.
pub(super) fn line(mut command: impl Command, capabilities: &str) -> String {
    let (line, flow) = next_line(&mut command, &session(capabilities)).expect("can be written");
    assert_eq!(flow, Flow::Last, "{line}");
    line
}

/// Why a command is refused.
pub(super) fn refusal(mut command: impl Command, capabilities: &str) -> String {
    next_line(&mut command, &session(capabilities)).expect_err("must be refused").to_string()
}

/// The response of a server, as a command gets it.
pub(super) fn response(text: &str) -> Untagged {
    let frame = Frame { text: Bytes::copy_from_slice(text.as_bytes()), literals: Default::default() };
    match Parser::new(&Limits::default()).read(&frame) {
        Ok(Response::Untagged(untagged)) => untagged,
        other => panic!("{text}: {other:?}"),
    }
}

/// The end of a command, with this text behind its tag.
pub(super) fn done(text: &str) -> Done {
    let frame = Frame { text: Bytes::from(format!("A1 {text}")), literals: Default::default() };
    match Parser::new(&Limits::default()).read(&frame) {
        Ok(Response::Tagged { status, .. }) => Done::new(status),
        other => panic!("{text}: {other:?}"),
    }
}
