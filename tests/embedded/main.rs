//! The embedded server, from the outside: by raw lines, by the library as a user's test has it, and
//! by all the tests that the library has to pass against Dovecot.

#[path = "../client/mod.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;

// The tests of `tests/live`, with another `server`.
#[path = "../live/account.rs"]
mod account;
#[path = "../live/bodies.rs"]
mod bodies;
#[path = "../live/commands_administration.rs"]
mod commands_administration;
#[path = "../live/commands_find.rs"]
mod commands_find;
#[path = "../live/commands_items.rs"]
mod commands_items;
#[path = "../live/commands_mailboxes.rs"]
mod commands_mailboxes;
#[path = "../live/commands_messages.rs"]
mod commands_messages;
#[path = "../live/commands_own.rs"]
mod commands_own;
#[path = "../live/commands_search.rs"]
mod commands_search;
#[path = "../live/commands_sort.rs"]
mod commands_sort;
#[path = "../live/commands_urls.rs"]
mod commands_urls;
#[path = "../live/connecting.rs"]
mod connecting;
#[path = "../live/contents.rs"]
mod contents;
#[path = "../live/crowd.rs"]
mod crowd;
#[path = "../live/dropping.rs"]
mod dropping;
#[path = "../live/notify.rs"]
mod notify;
#[path = "../live/pipelining.rs"]
mod pipelining;
#[path = "../live/resuming.rs"]
mod resuming;
#[cfg(feature = "rustls")]
#[path = "../live/tls.rs"]
mod tls;
#[path = "../live/unsolicited.rs"]
mod unsolicited;
#[path = "../live/uploading.rs"]
mod uploading;
#[path = "../live/variants.rs"]
mod variants;

mod annotations;
mod bounds;
mod ending;
mod extensions;
mod following;
mod gmail;
mod keys;
mod languages;
mod limits;
mod load;
mod notifications;
mod quirks;
mod quirks_met;
mod raw;
mod script;
mod searches;
mod server;
mod snapshots;
mod uid_only;
mod unstructured;
mod urls;
mod usual;
mod utf8;
