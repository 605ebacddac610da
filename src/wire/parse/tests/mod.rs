//! The grammar as a whole: one line in, one typed response out.

mod garbled;
mod kinds;
mod limits;
mod names;
mod quirks;
mod rfc;
mod rfc_extensions;
mod rfc_fetch;
mod shapes;

use bytes::Bytes;

use super::{Parser, Unparsable};
use crate::types::{Answer, Limits, Message, Status, StatusResponse, Untagged};
use crate::wire::{Frame, Response};

/// One response without its line break. Large literals are not for this.
fn read(text: impl AsRef<[u8]>) -> Result<Response, Unparsable> {
    let frame = Frame { text: Bytes::copy_from_slice(text.as_ref()), literals: Default::default() };
    Parser::new(&Limits::default()).read(&frame)
}

fn untagged(text: impl AsRef<[u8]>) -> Untagged {
    let text = text.as_ref();
    match read(text) {
        Ok(Response::Untagged(untagged)) => untagged,
        other => panic!("{}: {other:?}", text.escape_ascii()),
    }
}

fn answer(text: impl AsRef<[u8]>) -> Answer {
    untagged(text).into_answer()
}

fn status(text: impl AsRef<[u8]>) -> StatusResponse {
    match answer(text) {
        Answer::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn tagged(text: &str) -> (String, StatusResponse) {
    match read(text) {
        Ok(Response::Tagged { tag, status }) => (tag, status),
        other => panic!("{other:?}"),
    }
}

fn fetch(text: impl AsRef<[u8]>) -> Message {
    match answer(text) {
        Answer::Fetch(message) => *message,
        other => panic!("{other:?}"),
    }
}

/// The row of a message with this list of items.
fn items(items: &str) -> Message {
    fetch(format!("* 1 FETCH ({items})"))
}

fn ok(code: Option<crate::types::Code>, text: &str) -> StatusResponse {
    StatusResponse::new(Status::Ok, code, text)
}
