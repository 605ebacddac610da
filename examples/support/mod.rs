//! What examples share: the URL of a mailbox ([`url`]), the way from the command line to a `Config` ([`server`]), errors
//! in one line with a hint ([`failure`]), lines on the standard output ([`output`]) and tables ([`table`]).

pub(crate) mod failure;
pub(crate) mod output;
pub(crate) mod server;
pub(crate) mod table;
pub(crate) mod url;
