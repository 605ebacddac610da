//! Bytes to typed responses and back, without I/O: the framer cuts what comes into responses, the grammar
//! reads each, and the encoder writes commands. Nothing in here knows of commands' meaning or of time.

pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod input;
pub(crate) mod parse;
pub(crate) mod response;
pub(crate) mod utf7;

pub(crate) use frame::{Frame, LARGE_LITERAL};
pub(crate) use parse::{Parser, Unreadable};
pub(crate) use response::Response;
