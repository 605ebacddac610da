//! What the view lacks, and how it is asked for: UIDs and flags, after SELECT, after new mail, after a
//! STORE, after a resumption, between two IDLEs.
//!
//! ```text
//!   SELECT's OK ──> fill: UIDs ──> fill: flags ──> ready
//!        └─ resume: changes since the saved state ──┘
//!   EXISTS  ──> arrivals          STORE's OK ──> after_store          IDLE ──> look_back
//! ```
//!
//! In: the view, the answers to internal commands. Out: the next internal commands, and events of
//! what has arrived, was expunged, or has changed.

pub(in crate::engine) mod after_store;
pub(in crate::engine) mod arrivals;
pub(in crate::engine) mod fill;
pub(in crate::engine) mod look_back;
pub(in crate::engine) mod ready;
pub(in crate::engine) mod resume;
pub(in crate::engine) mod windows;
