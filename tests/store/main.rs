//! The store: a mirror of accounts in a file. Against the embedded server, in virtual time.

mod files;
