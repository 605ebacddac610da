//! Responses are parsed back equal by the framer and the grammar: random values of all kinds; and
//! the RFCs' own examples, so that the form is theirs and not just one that the grammar accepts.

mod examples;
mod row;
mod values;

use bytes::BytesMut;
use proptest::prelude::*;

use super::{Strings, response};
use crate::types::{Answer, Limits, StatusResponse, Untagged};
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

/// The client's result for these bytes, which must be one response.
fn parsed(bytes: &[u8]) -> Result<Response, String> {
    let shown = bytes.escape_ascii();
    let limits = Limits { depth: 100, ..Limits::default() };
    let (mut framer, mut src) = (Framer::new(&limits), BytesMut::from(bytes));
    let frame = framer.decode(&mut src).map_err(|e| e.to_string())?.ok_or(format!("no frame: {shown}"))?;
    if !src.is_empty() || framer.is_partial(&src) {
        return Err(format!("more than one response: {shown}"));
    }
    Parser::new(&limits).read(&frame).map_err(|e| format!("{} at {}: {shown}", e.message, e.at))
}

/// Writes an answer with both kinds of strings, parses it, and compares.
fn round(name: &'static str, answer: Answer) -> Result<(), TestCaseError> {
    for strings in [Strings::Quoted, Strings::Literal] {
        let written = response(&Response::Untagged(Untagged::new(name, answer.clone(), None)), strings);
        match parsed(&written) {
            Ok(Response::Untagged(read)) => {
                prop_assert_eq!(read.name(), name);
                prop_assert_eq!(read.answer(), &answer, "{}", written.escape_ascii());
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
    Ok(())
}

proptest! {
    // A run must not write into the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers((name, answer) in values::answer()) {
        round(name, answer)?;
    }

    #[test]
    fn rows(message in values::message()) {
        let name = if message.seq().is_some() { "FETCH" } else { "UIDFETCH" };
        round(name, Answer::Fetch(Box::new(message)))?;
    }

    #[test]
    fn status_responses(status in values::status(), tag in "[A-Za-z0-9]{1,8}") {
        let name = status.status.as_str();
        round(name, Answer::Status(Box::new(status.clone())))?;
        if name == "PREAUTH" {
            return Ok(());
        }
        let written = response(&Response::Tagged { tag: tag.clone(), status: status.clone() }, Strings::Literal);
        match parsed(&written) {
            Ok(Response::Tagged { tag: t, status: s }) => prop_assert_eq!((t, s), (tag, status)),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn continuations(text in "[ -~]{0,40}") {
        let written = response(&Response::Continuation { text: text.clone().into() }, Strings::Quoted);
        match parsed(&written) {
            Ok(Response::Continuation { text: read }) => prop_assert_eq!(read, text),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn human_text_cannot_break_the_framing() {
    let status = StatusResponse::new(crate::types::Status::Ok, None, "a\r\n* BYE {5}");
    let written = response(&Response::Tagged { tag: "a\n1".into(), status }, Strings::Quoted);
    assert_eq!(written, b"a?1 OK a??* BYE {5}\r\n");
    assert!(matches!(parsed(&written), Ok(Response::Tagged { .. })));
}
