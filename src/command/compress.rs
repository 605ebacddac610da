//! COMPRESS (RFC 4978): sent while connecting, as `Config` says, or by hand.

use super::{Action, Class, Effect, Flow, Line, Session};
use crate::error::{Error, Result};

/// `COMPRESS DEFLATE` (RFC 4978): behind its OK both directions are compressed. From
/// [`Sender::compress`](crate::Sender::compress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Compress;

impl Action for Compress {
    fn name(&self) -> &str {
        "COMPRESS"
    }

    fn class(&self) -> Class {
        Class::barrier().with_effect(Effect::Compress)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if session.compressed {
            return Err(Error::invalid("the connection is compressed already"));
        }
        if !session.can("COMPRESS=DEFLATE") {
            return Err(Error::unsupported("the server does not offer it (COMPRESS=DEFLATE)"));
        }
        line.word("COMPRESS").atom("DEFLATE");
        Ok(Flow::Last)
    }
}
