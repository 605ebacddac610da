//! COMPRESS (RFC 4978). Sent while connecting, as `Config` says.

use super::{Action, Class, Flow, Line, Session};
use crate::error::{Error, Result};

/// `COMPRESS DEFLATE`: behind its OK both directions are compressed.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Compress;

impl Action for Compress {
    fn name(&self) -> &str {
        "COMPRESS"
    }

    fn class(&self) -> Class {
        Class::barrier().ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("COMPRESS=DEFLATE") {
            return Err(Error::unsupported("the server does not offer it"));
        }
        line.word("COMPRESS").atom("DEFLATE");
        Ok(Flow::Last)
    }
}
