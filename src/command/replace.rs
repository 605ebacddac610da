//! REPLACE: a message in the place of another one, at once (RFC 8508).

use super::append::Append;
use super::{Appended, Claim, Class, Command, FlagUse, Flow, Line, Messages, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Code, Done, Uid, Untagged};

/// `UID REPLACE` (RFC 8508): stores a message and removes another one, both or neither: for drafts
/// that are saved again and again. Needs REPLACE.
#[derive(Clone, Debug)]
#[must_use]
pub struct Replace {
    old: Messages,
    new: Append,
}

impl Replace {
    /// This message in the place of that one, and into the mailbox that
    /// [`Append::to`] names.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Append, Replace};
    /// # use imap_duplex::types::Uid;
    /// # async fn example(drafts: &imap_duplex::Mailbox, uid: Uid) -> imap_duplex::Result<()> {
    /// let again = Append::new("Subject: hello\r\n\r\nNearly done.\r\n").to("Drafts");
    /// let appended = drafts.submit(Replace::new(uid, again)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(old: Uid, new: impl Into<Append>) -> Self {
        Self { old: old.into(), new: new.into() }
    }
}

impl Command for Replace {
    type Item = Appended;
    type Output = Appended;

    fn name(&self) -> &str {
        "REPLACE"
    }

    fn mailbox(&self) -> Option<&crate::types::MailboxName> {
        Some(self.new.target())
    }

    fn class(&self) -> Class {
        let kinds = ResponseKinds::CODES.and(ResponseKinds::EXPUNGE);
        let class = Class::change().answered_by_kinds(kinds).with_flags(FlagUse::Writes).ours();
        let class = class.uid_only().changing_messages().about_messages();
        Class { streams: self.new.streams(), ..class }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.old)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("REPLACE") {
            return Err(Error::unsupported("the server can't replace a message (REPLACE)"));
        }
        line.command("REPLACE", &self.old).mailbox(self.new.target());
        self.new.write(self.new.target(), line, session)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            // RFC 8508 section 3.4: before the old message is expunged.
            Answer::Status(status) if matches!(status.code, Some(Code::AppendUid { .. })) => Claim::Whole,
            Answer::Expunge { uid: Some(uid), .. } => self.old.claims(&(*uid).into()),
            Answer::Vanished { uids, earlier: false } => self.old.claims(uids),
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<Appended> {
        match response.into_answer() {
            Answer::Status(status) => appended(status.code),
            _ => None,
        }
    }

    fn finish(self, done: Done, items: Vec<Appended>) -> Result<Appended> {
        let reported = items.into_iter().chain(appended(done.status.code)).next();
        Ok(reported.unwrap_or_default())
    }
}

fn appended(code: Option<Code>) -> Option<Appended> {
    match code {
        Some(Code::AppendUid { uid_validity, uids }) => Some(Appended { uid_validity, uid: uids.first() }),
        _ => None,
    }
}
