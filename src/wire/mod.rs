//! Bytes to typed responses and back, without I/O: the framer cuts the stream into responses, the
//! grammar parses each, and the encoder writes commands. This layer knows neither the meaning of
//! commands nor time.

#[cfg(feature = "__bench")]
pub mod bench;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod input;
mod list_piece;
pub(crate) mod literals;
pub(crate) mod parse;
// The server's side, for tests, fuzzers and the embedded server; the latter two use only part of
// it.
#[cfg(any(test, fuzzing, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, unused_imports, reason = "tests use all of it"))]
pub(crate) mod request;
#[cfg(any(test, fuzzing, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, unused_imports, reason = "tests use all of it"))]
pub(crate) mod respond;
pub(crate) mod response;
pub(crate) mod utf7;

pub(crate) use frame::{Frame, LARGE_LITERAL};
pub(crate) use parse::{Parser, RowHead, Unparsable};
pub(crate) use response::Response;
