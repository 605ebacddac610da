//! The embedded server.

#[allow(dead_code, reason = "the sessions that use it come next")]
mod mime;
#[allow(dead_code, reason = "the sessions that use it come next")]
mod search;
