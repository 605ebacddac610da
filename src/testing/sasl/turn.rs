//! Mechanisms that a test gives the server.
//!
//! In: the client's answers so far. Out: what the server says to them.

use std::fmt;
use std::sync::Arc;

/// What the server says in a mechanism that a test gives it, for
/// [`Builder::sasl`](super::super::Builder::sasl).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslTurn {
    /// A challenge. An empty one, to no answers so far, has the client speak first.
    Challenge(Vec<u8>),
    /// This user is in; one that the server does not have is added.
    Accept(String),
    /// NO with AUTHENTICATIONFAILED.
    Refuse,
}

type Turns = dyn Fn(&[Vec<u8>]) -> SaslTurn + Send + Sync;

/// A mechanism that a test has given.
#[derive(Clone)]
pub(crate) struct Given {
    /// In capitals.
    pub(crate) name: String,
    turns: Arc<Turns>,
}

impl Given {
    pub(crate) fn new(name: &str, turns: impl Fn(&[Vec<u8>]) -> SaslTurn + Send + Sync + 'static) -> Self {
        Self { name: name.to_ascii_uppercase(), turns: Arc::new(turns) }
    }

    /// What follows these answers.
    pub(crate) fn turn(&self, answers: &[Vec<u8>]) -> SaslTurn {
        (self.turns)(answers)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Given").field(&self.name).finish()
    }
}
