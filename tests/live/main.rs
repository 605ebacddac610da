//! The library against a real server: the tests' own Dovecot, one for each test, on ports of its
//! own.
//!
//! The same tests run against the embedded server in `tests/embedded`, which has a `server` module
//! of its own.
//!
//! Each test fails if the library says of anything that it did not understand it: the event stream
//! is read by [`client::Events`], strictly.

#[path = "../client/mod.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod account;
mod bodies;
#[cfg(all(feature = "native-tls", feature = "rustls"))]
mod certificates;

mod commands_administration;
mod commands_find;
mod commands_items;
mod commands_mailboxes;
mod commands_messages;
mod commands_own;
mod commands_search;
mod commands_sort;
mod commands_urls;
mod connecting;
mod contents;
mod crowd;
mod dropping;
mod mechanisms;
mod notify;
mod odd_states;
mod pipelining;
mod resuming;
mod server;
#[cfg(feature = "rustls")]
mod tls;
mod unsolicited;
mod uploading;
mod variants;
