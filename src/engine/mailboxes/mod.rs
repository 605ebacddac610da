//! Mailboxes other than the selected one: NOTIFY, what our own commands change, what was deselected.
//!
//! In: LIST, STATUS and METADATA that no command claims; CREATE, DELETE, RENAME, SUBSCRIBE of ours.
//! Out: one event a change, with its cause; NOTIFY and STATUS commands of the engine.

pub(in crate::engine) mod deselected;
pub(in crate::engine) mod notify;
pub(in crate::engine) mod own_changes;
