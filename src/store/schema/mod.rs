//! The schema: the tables of each subject in a file of its own.
//!
//! In: nothing. Out: the steps from each version to the next. A step that has been released is
//! never changed; what changes later is another step.
//!
//! Cleaning up is done by triggers, so that no path forgets it: what nothing refers to any more is
//! deleted with the last reference, and each change that a user can see is in the log of changes.

/// `STEPS[n]` leads from version n to n + 1.
pub(super) const STEPS: &[&str] = &[
    concat!(
        include_str!("mailboxes.sql"),
        include_str!("contents.sql"),
        include_str!("messages.sql"),
        include_str!("operations.sql"),
        include_str!("changes.sql"),
    ),
    include_str!("waiting.sql"),
    include_str!("resumed.sql"),
    include_str!("replaced.sql"),
    include_str!("ordered.sql"),
    include_str!("joined.sql"),
];
