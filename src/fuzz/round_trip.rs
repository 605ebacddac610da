//! What one side writes the other parses back equal: responses with the testing encoder and the
//! client's grammar, commands with the client and the testing grammar.

use bytes::{Bytes, BytesMut};

use super::answers::answer;
use super::chooser::Chooser;
use super::codes::status;
use super::{commands, rows};
use crate::types::{Answer, Limits, Untagged};
use crate::wire::frame::Framer;
use crate::wire::respond::{Strings, response};
use crate::wire::{Parser, Response};

/// Makes values from the bytes, writes each, parses it and compares.
pub fn round_trip(data: &[u8]) {
    let mut from = Chooser::new(data);
    while !from.is_empty() {
        match from.below(8) {
            0 => responses(&untagged("FETCH", Answer::Fetch(Box::new(rows::message(&mut from))))),
            1 => responses(&Response::Tagged {
                tag: format!("A{}", from.positive()),
                status: tagged(&mut from),
            }),
            2 => responses(&Response::Continuation { text: Bytes::from(from.line()) }),
            3 | 4 => commands::command(&mut from),
            _ => {
                let (name, answer) = answer(&mut from);
                responses(&untagged(name, answer));
            }
        }
    }
}

fn untagged(name: &'static str, answer: Answer) -> Response {
    let by_uid = matches!(&answer, Answer::Fetch(row) if row.seq().is_none());
    Response::Untagged(Untagged::new(if by_uid { "UIDFETCH" } else { name }, answer, None))
}

/// PREAUTH ends no command.
fn tagged(from: &mut Chooser<'_>) -> crate::types::StatusResponse {
    let mut status = status(from);
    if status.status == crate::types::Status::PreAuth {
        status.status = crate::types::Status::Bye;
    }
    status
}

fn responses(meant: &Response) {
    for strings in [Strings::Quoted, Strings::Literal] {
        let written = response(meant, strings);
        let shown = || written.escape_ascii();
        let limits = Limits { depth: 100, ..Limits::default() };
        let (mut framer, mut src) = (Framer::new(&limits), BytesMut::from(&*written));
        let Ok(Some(frame)) = framer.decode(&mut src) else { panic!("no frame: {}", shown()) };
        assert!(src.is_empty() && !framer.is_partial(&src), "more than one response: {}", shown());
        match (Parser::new(&limits).read(&frame), meant) {
            (Ok(Response::Continuation { text }), Response::Continuation { text: t }) => assert_eq!(&text, t),
            (Ok(Response::Tagged { tag, status }), Response::Tagged { tag: t, status: s }) => {
                assert_eq!((&tag, &status), (t, s), "{}", shown());
            }
            (Ok(Response::Untagged(read)), Response::Untagged(t)) => {
                assert_eq!((read.name(), read.answer()), (t.name(), t.answer()), "{}", shown());
            }
            (read, _) => panic!("{read:?}: {}", shown()),
        }
    }
}
