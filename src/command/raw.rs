//! A line of your own, as it is: for what the library has no command for.

use super::{Claim, Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Done, StatusResponse, Untagged};

/// A line of your own, without its tag: `GETQUOTAROOT INBOX`.
///
/// It waits until nothing else is in flight, and gets all untagged responses received until its end
/// that don't report changes of the mailbox.
///
/// Refused, unsent, is more than one line, and a line that would change session, selection or
/// notifications without the library's knowledge. Each of these has a method of its own, which the
/// error names: AUTHENTICATE, CANCELUPDATE, CLOSE, COMPARATOR, COMPRESS, DONE, ENABLE, EXAMINE,
/// IDLE, LANGUAGE, LOGIN, LOGOUT, NOTIFY, SELECT, STARTTLS, UNAUTHENTICATE, UNSELECT. What a
/// command changes that the library does not know can't be known either: it is sent. The same holds
/// for the lines of [commands of your own](Command).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Raw {
    line: String,
    name: String,
}

/// What the server answered to a [`Raw`] line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawResult {
    /// The tagged OK.
    pub status: StatusResponse,
    /// The untagged responses, with their bytes.
    pub responses: Vec<Untagged>,
}

impl Raw {
    /// This line.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Raw;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let lines = imap.submit(Raw::new("GETQUOTAROOT INBOX")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(line: impl Into<String>) -> Self {
        let line = line.into();
        let mut words = line.split(' ');
        let name = match (words.next().unwrap_or_default().to_ascii_uppercase(), words.next()) {
            (first, _) if first.is_empty() => "a line of your own".to_owned(),
            // Otherwise an error would name no command.
            (first, Some(second)) if first == "UID" => format!("UID {}", second.to_ascii_uppercase()),
            (first, _) => first,
        };
        Self { line, name }
    }
}

impl Command for Raw {
    type Item = Untagged;
    type Output = RawResult;

    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        Class::barrier().with_raw()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        if self.line.is_empty() || self.line.starts_with(' ') {
            return Err(Error::invalid("the line does not begin with the name of a command"));
        }
        line.verbatim(&self.line);
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::Part
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn finish(self, done: Done, responses: Vec<Untagged>) -> Result<RawResult> {
        Ok(RawResult { status: done.status, responses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_called_by_its_command() {
        for (line, name) in [
            ("getquotaroot INBOX", "GETQUOTAROOT"),
            ("uid sort (UID) UTF-8 ALL", "UID SORT"),
            ("UID", "UID"),
            ("", "a line of your own"),
        ] {
            assert_eq!(Raw::new(line).name(), name);
        }
    }
}
