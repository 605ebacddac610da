//! The embedded server, from the outside: by raw lines, and by the library as a user's test has it.

#[path = "../client/mod.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod usual;
