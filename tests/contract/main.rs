//! The contract (`ARCHITECTURE.md`, section 2), promise by promise, against a server whose every
//! byte the test writes. No sockets, and time is tokio's paused clock, so that nothing waits and
//! nothing depends on the machine.
//!
//! What needs a real server is in `tests/live`.

#[path = "../client/mod.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod robot;
mod session;

mod c01_submitting;
mod c02_registered;
mod c03_by_meaning;
mod c03_copied;
mod c03_one_owner;
mod c03_pieces;
mod c03_same_questions;
mod c04_changes;
mod c05_wire_order;
mod c06_read_only;
mod c06_right_mailbox;
mod c06_unauthenticate;
mod c07_open_ranges;
mod c07_uids;
mod c08_many_in_flight;
mod c08_no_ambiguity;
mod c08_saved;
mod c08_selections;
mod c09_dropping;
mod c09_each_poll;
mod c09_given_up;
mod c09_timeout;
mod c09_uploads;
mod c09_uploads_given_up;
mod c10_bodies;
mod c10_both_ways;
mod c10_literals;
mod c10_slow_readers;
mod c10_wakes;
mod c11_checks;
mod c11_ends;
mod c11_late;
mod c11_prefixes;
mod c11_sent;
mod c12_all_data;
mod c12_append_all;
mod c12_nothing_partial;
mod c12_refused;
mod c12_series;
mod c13_capabilities;
mod c13_dialogue;
mod c13_greeting;
mod c13_hostile;
mod c13_idle;
mod c13_long_lists;
mod c14_moods;
mod c14_smuggling;
mod c14_ways;
mod c15_secrets;
