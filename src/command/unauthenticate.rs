//! UNAUTHENTICATE (RFC 8437): the connection goes back to where it was before the login.

use super::{Action, Class, Effect, Flow, Line, Session};
use crate::error::{Error, Result};

/// `UNAUTHENTICATE` (RFC 8437): logs out and keeps the connection, for another login. From
/// [`Sender::unauthenticate`](crate::Sender::unauthenticate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Unauthenticate;

impl Action for Unauthenticate {
    fn name(&self) -> &str {
        "UNAUTHENTICATE"
    }

    fn class(&self) -> Class {
        Class::barrier().with_effect(Effect::Unauthenticate)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("UNAUTHENTICATE") {
            return Err(Error::unsupported(
                "the server keeps no connection for another login (UNAUTHENTICATE)",
            ));
        }
        // It would end the compression in the middle of the stream (RFC 8437 section 4.1).
        if session.compressed {
            let why = "the connection is compressed, and another login would have to begin without that";
            return Err(Error::unsupported(why).advise("connect again, without compression"));
        }
        line.word("UNAUTHENTICATE");
        Ok(Flow::Last)
    }
}
