//! What examples share: how a program begins and ends ([`program`]), the way from the command line
//! to a server ([`server`]) and to an account that stays connected ([`account`]), how to log in
//! ([`auth`]), the embedded server with mail in it ([`demo`]), a slow link ([`link`]), errors in
//! one line with a hint ([`failure`]), lines on the standard output ([`output`]) and tables
//! ([`table`]).
#![allow(dead_code, reason = "each example uses a part of it")]

pub(crate) mod account;
pub(crate) mod auth;
pub(crate) mod demo;
pub(crate) mod failure;
pub(crate) mod link;
pub(crate) mod output;
pub(crate) mod program;
pub(crate) mod server;
pub(crate) mod table;
