//! For the unit tests of commands: the lines that one writes, and why it is refused.

use bytes::Bytes;

use super::{Claim, Command, Flow, Line, Session};
use crate::types::{Capabilities, Done, Limits, Status, Untagged};
use crate::wire::{Frame, Parser, Response};

/// The session with an IMAP4rev1 server that has these capabilities, and waits for no literal.
pub(super) fn server(capabilities: &[&str]) -> Session {
    let all = ["IMAP4rev1", "LITERAL+"].iter().chain(capabilities);
    Session { capabilities: all.collect::<Capabilities>(), command_line: 8000, ..Session::default() }
}

/// The lines of a command, up to the one that waits for the server's OK or ends it.
pub(super) fn lines(mut command: impl Command, session: &Session) -> Vec<String> {
    next_lines(&mut command, session)
}

/// The same, and the command can go on from there.
pub(super) fn next_lines(command: &mut impl Command, session: &Session) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = Line::new(None, session);
        let flow = command.encode(&mut line, session).expect("it can be written");
        let fragments = line.finish().expect("each argument can be written");
        let bytes: Vec<u8> = fragments.iter().flat_map(|fragment| fragment.as_bytes().to_vec()).collect();
        let text = String::from_utf8(bytes).expect("UTF-8");
        lines.push(text.strip_suffix("\r\n").expect("a whole line").to_owned());
        if flow != Flow::More {
            return lines;
        }
    }
}

/// Why a command is refused, unsent.
pub(super) fn refused(mut command: impl Command, session: &Session) -> String {
    let mut line = Line::new(None, session);
    let error = command.encode(&mut line, session).and_then(|_| line.finish());
    error.expect_err("it is refused").to_string()
}

/// An untagged response, as the client reads it.
pub(super) fn response(line: &str) -> Untagged {
    let frame = Frame { text: Bytes::copy_from_slice(line.as_bytes()), literals: Default::default() };
    match Parser::new(&Limits::default()).read(&frame) {
        Ok(Response::Untagged(response)) => response,
        other => panic!("{line}: {other:?}"),
    }
}

/// What a command says of this response.
pub(super) fn claims(command: &impl Command, line: &str) -> Claim {
    command.claims(&response(line))
}

/// The result of a command that the server answers by these lines and then OK, with this code.
pub(super) fn answered<C: Command>(mut command: C, answers: &[&str], ok: &str) -> crate::Result<C::Output> {
    let mut items = Vec::new();
    for line in answers {
        let response = response(line);
        assert_eq!(command.claims(&response), Claim::Whole, "{line}");
        command.received(&response);
        items.extend(C::item(response));
    }
    let status = match response(&format!("* {ok}")).into_answer() {
        crate::types::Answer::Status(status) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status.status, Status::Ok, "{ok}");
    command.finish(Done::new(*status), items)
}
