//! The store: a mirror of accounts in a file. Against the embedded server, in virtual time.

#[path = "../support/mod.rs"]
mod support;

mod files;
mod model;
mod operations;
mod reading;
mod refused;
mod syncing;
mod taken_back;
mod world;
