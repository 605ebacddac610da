//! Commands about the selection itself: UNSELECT, CHECK. (CLOSE is among those of one keyword.)

use super::{Class, Command, Effect, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Done, Status, StatusResponse};

/// `UNSELECT`: ends the selection and leaves all messages (RFC 9051 section 6.4.2).
///
/// Where the server has no UNSELECT, it is done in another way, in one round trip as well, unless
/// it is to be [`strict`](Unselect::strict). A mailbox that was opened by EXAMINE is left by CLOSE,
/// which removes nothing from such a one (RFC 9051 section 6.4.1). Otherwise a mailbox that there
/// is not is opened for reading: that fails, and leaves none selected (RFC 9051 section 6.3.2, RFC
/// 3691 section 1). So is one that was opened by SELECT and of which the server said READ-ONLY: it
/// may become writable while CLOSE is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Unselect {
    /// By the opening of a mailbox that there is not.
    by_examine: bool,
    strict: bool,
}

/// A name that no mailbox has.
const NO_MAILBOX: &str = "imap-duplex-no-mailbox-5e0b29c4";

impl Unselect {
    /// Ends the selection.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Unselect;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(Unselect::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server has no
    /// UNSELECT and another command would be sent in its place.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Unselect;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(Unselect::new().strict()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }
}

impl Command for Unselect {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "UNSELECT"
    }

    fn class(&self) -> Class {
        Class::change().in_mailbox().with_effect(Effect::Deselect)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let has_it = session.can("UNSELECT");
        self.by_examine = !has_it && !session.examined;
        if !has_it && self.strict {
            return Err(Error::unsupported("the server has no UNSELECT (RFC 3691)"));
        }
        match (has_it, session.examined) {
            (true, _) => line.word("UNSELECT"),
            (false, true) => line.word("CLOSE"),
            (false, false) => line.word("EXAMINE").word(NO_MAILBOX),
        };
        Ok(Flow::Last)
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        self.by_examine && status.status == Status::No
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// `CHECK`: asks the server to put the mailbox in order, whatever that is (RFC 3501 section 6.4.1);
/// where IMAP4rev2 is in use, which has it no more, a NOOP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Checkpoint;

impl Command for Checkpoint {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "CHECK"
    }

    fn class(&self) -> Class {
        Class::change().in_mailbox().ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word(if session.is_rev2() { "NOOP" } else { "CHECK" });
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{lines, refused, server};

    /// RFC 3501 section 6.4.1, RFC 9051 section 6.4.2.
    #[test]
    fn each_is_one_word() {
        let all = server(&["UNSELECT"]);
        assert_eq!(lines(Checkpoint, &all), ["CHECK"]);
        assert_eq!(lines(Unselect::new(), &all), ["UNSELECT"]);
        let rev2 = Session { capabilities: ["IMAP4rev2"].iter().collect(), ..Session::default() };
        assert_eq!(lines(Checkpoint, &rev2), ["NOOP"]);
    }

    /// RFC 3691 section 1.
    #[test]
    fn without_unselect_a_mailbox_that_there_is_not_is_opened() {
        let mut unselect = Unselect::new();
        let no = StatusResponse::new(Status::No, None, "no such mailbox");
        let line = crate::command::testing::next_lines(&mut unselect, &server(&[]));
        assert_eq!(line, [format!("EXAMINE {NO_MAILBOX}")]);
        assert!(unselect.tolerates(&no));
        assert!(!unselect.tolerates(&StatusResponse::new(Status::Bad, None, "")));
        crate::command::testing::next_lines(&mut unselect, &server(&["UNSELECT"]));
        assert!(!unselect.tolerates(&no));
        // RFC 9051 section 6.4.1.
        let examined = Session { examined: true, ..server(&[]) };
        assert_eq!(crate::command::testing::next_lines(&mut unselect, &examined), ["CLOSE"]);
        assert!(!unselect.tolerates(&no));
    }

    #[test]
    fn strictly_it_is_unselect_or_nothing() {
        let strict = || Unselect::new().strict();
        assert_eq!(lines(strict(), &server(&["UNSELECT"])), ["UNSELECT"]);
        assert!(refused(strict(), &server(&[])).contains("UNSELECT"));
        let examined = Session { examined: true, ..server(&[]) };
        assert!(refused(strict(), &examined).contains("UNSELECT"));
    }
}
