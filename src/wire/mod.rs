//! Bytes to typed responses and back, without I/O: the framer cuts what comes into responses, the grammar
//! reads each, and the encoder writes commands. Nothing in here knows of commands' meaning or of time.

#[cfg(feature = "__bench")]
pub mod bench;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod input;
mod list_piece;
pub(crate) mod literals;
pub(crate) mod parse;
// What the fuzzers and the embedded server speak, tests aside; neither asks for all of it.
#[cfg(any(test, fuzzing, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, unused_imports, reason = "tests use all of it"))]
pub(crate) mod request;
#[cfg(any(test, fuzzing, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, unused_imports, reason = "tests use all of it"))]
pub(crate) mod respond;
pub(crate) mod response;
pub(crate) mod utf7;

pub(crate) use frame::{Frame, LARGE_LITERAL};
pub(crate) use parse::{Parser, Unreadable};
pub(crate) use response::Response;
