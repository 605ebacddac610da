//! UNAUTHENTICATE (RFC 8437): the connection goes back to where it was before the login.

use super::{Action, Class, Effect, Flow, Line, Session};
use crate::error::{Error, Result};

/// `UNAUTHENTICATE` (RFC 8437): logs out and keeps the connection, for another login. Compression ends
/// with it. From [`Sender::unauthenticate`](crate::Sender::unauthenticate).
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
        line.word("UNAUTHENTICATE");
        Ok(Flow::Last)
    }
}
