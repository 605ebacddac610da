//! The store: a mirror of accounts in a file. Against the embedded server, in virtual time; and, in
//! processes that are killed, against Dovecot.

#![allow(clippy::print_stdout, reason = "figures of longer runs, by hand")]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod cases;
mod copies;
mod damaged;
mod files;
#[cfg(unix)]
mod full;
#[cfg(unix)]
mod killed;
mod late;
#[cfg(target_os = "linux")]
mod lost;
mod made;
mod merged;
mod model;
mod moods;
mod operations;
mod policies;
mod power;
mod reading;
#[cfg(unix)]
mod real;
mod refused;
mod renaming;
mod replaced;
mod searching;
mod structure;
mod swapped;
mod syncing;
mod taken_back;
mod waiting;
mod world;
