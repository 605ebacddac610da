//! The server of these tests: Dovecot.

pub(crate) use crate::support::dovecot::{Dovecot as Server, Literals, Options};

/// What it calls itself by ID.
pub(crate) const NAME: &str = "Dovecot";

/// What its BADEVENT names: the unsupported events, where RFC 5465 wants the supported ones.
pub(crate) const BAD_EVENT: &[&str] = &["AnnotationChange"];

/// Whether an APPEND to a mailbox that is not there is refused before its message is sent.
pub(crate) const REFUSES_FIRST: bool = true;
