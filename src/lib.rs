//! An async IMAP client in two halves.
#![forbid(unsafe_code)]

pub mod types;
mod wire;
