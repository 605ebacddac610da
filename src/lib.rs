//! An async IMAP client in two halves.
#![forbid(unsafe_code)]

mod client;
pub mod command;
mod engine;
mod error;
mod net;
pub mod types;
mod view;
mod wire;

pub use client::{Driver, Mailbox, Receiver, Rows, Select, Sender, Token};
pub use command::Command;
pub use error::{Error, ErrorKind, Result, Sent};
pub use net::{Config, Timeouts};
