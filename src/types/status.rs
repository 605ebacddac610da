//! Status responses: OK, NO, BAD, PREAUTH, BYE, with their code and text.

use std::fmt;

use super::code::Code;

/// The first word of a status response (RFC 9051 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Success, or information.
    Ok,
    /// The command failed; untagged: a warning.
    No,
    /// The server did not understand the command; untagged: a protocol error.
    Bad,
    /// A greeting that says that no login is needed.
    PreAuth,
    /// The server is about to close the connection.
    Bye,
}

impl Status {
    /// The word as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status response: `OK [READ-WRITE] SELECT completed` (RFC 9051 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusResponse {
    /// The first word.
    pub status: Status,
    /// The code in brackets, for programs.
    pub code: Option<Code>,
    /// The text, for people. Bytes that are not UTF-8 are shown as U+FFFD.
    pub text: String,
}

impl StatusResponse {
    /// A status response from these parts.
    #[must_use]
    pub fn new(status: Status, code: Option<Code>, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into() }
    }
}

impl fmt::Display for StatusResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " [{code}]")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}
