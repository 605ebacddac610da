//! From commands to bytes: lines, dialogues that own the line (literal, SASL, upload, IDLE), the outbox.
//!
//! In: commands that admission lets go, `+`, chunks of uploads. Out: bytes, each with its command.

pub(in crate::engine) mod idle;
pub(in crate::engine) mod line;
pub(in crate::engine) mod outbox;
pub(in crate::engine) mod reserved;
pub(in crate::engine) mod secret_pieces;
pub(in crate::engine) mod secrets;
pub(in crate::engine) mod upload;
