//! STATUS: counts of a mailbox that need not be selected (RFC 9051 section 6.3.11).

use super::{Claim, Class, Command, Flow, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, MailboxStatus, Untagged};

/// What to ask of a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct StatusItems {
    messages: bool,
    uid_next: bool,
    uid_validity: bool,
    unseen: bool,
    size: bool,
    highest_mod_seq: bool,
    append_limit: bool,
}

impl StatusItems {
    /// Nothing yet.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StatusItems;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let size = imap.status("Archive", StatusItems::new().size()).await?.size;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts that each server has: messages, unseen ones, UIDNEXT and UIDVALIDITY.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StatusItems;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let status = imap.status("INBOX", StatusItems::counts()).await?;
    /// println!("{:?} of {:?} unseen", status.unseen, status.messages);
    /// # Ok(())
    /// # }
    /// ```
    pub fn counts() -> Self {
        Self::new().messages().uid_next().uid_validity().unseen()
    }

    /// And how many messages there are.
    pub fn messages(mut self) -> Self {
        self.messages = true;
        self
    }

    /// And UIDNEXT: no future message has a UID below it.
    pub fn uid_next(mut self) -> Self {
        self.uid_next = true;
        self
    }

    /// And UIDVALIDITY.
    pub fn uid_validity(mut self) -> Self {
        self.uid_validity = true;
        self
    }

    /// And how many messages lack `\Seen`.
    pub fn unseen(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// And the sum of their sizes; needs STATUS=SIZE (RFC 8438).
    pub fn size(mut self) -> Self {
        self.size = true;
        self
    }

    /// And its newest mod-sequence; needs CONDSTORE (RFC 7162).
    pub fn highest_mod_seq(mut self) -> Self {
        self.highest_mod_seq = true;
        self
    }

    /// And the largest message that it accepts; needs APPENDLIMIT (RFC 7889 section 3.1). The
    /// library then refuses a larger one itself, unsent, until a later status of the mailbox lacks
    /// the limit.
    ///
    /// [`MailboxStatus::append_limit`] is `None` where there is no limit.
    pub fn append_limit(mut self) -> Self {
        self.append_limit = true;
        self
    }
}

impl StatusItems {
    /// Whether this has less than was asked for.
    fn lacks(self, status: &MailboxStatus) -> bool {
        self.messages && status.messages.is_none()
            || self.uid_next && status.uid_next.is_none()
            || self.uid_validity && status.uid_validity.is_none()
            || self.unseen && status.unseen.is_none()
            || self.size && status.size.is_none()
            || self.lacks_only_optional(status) && self.has_unrequested(status)
    }
}

impl StatusItems {
    /// Whether this lacks only optional items: a limit (RFC 7889 section 3), or mod-sequences,
    /// which are 0 then (RFC 7162 section 3.1.7).
    fn lacks_only_optional(self, status: &MailboxStatus) -> bool {
        self.highest_mod_seq && status.highest_mod_seq.is_none()
            || self.append_limit && status.append_limit.is_none()
    }

    /// Whether this has items that were not asked for.
    fn has_unrequested(self, status: &MailboxStatus) -> bool {
        status.messages.is_some() && !self.messages
            || status.uid_next.is_some() && !self.uid_next
            || status.uid_validity.is_some() && !self.uid_validity
            || status.unseen.is_some() && !self.unseen
    }
}

/// `STATUS` of one mailbox.
#[derive(Clone, Debug)]
#[must_use]
pub struct StatusCommand {
    mailbox: MailboxName,
    items: StatusItems,
    /// A second answer is likely another command's.
    answered: bool,
}

impl StatusCommand {
    /// Asks this of that mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{StatusCommand, StatusItems};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let status = imap.submit(StatusCommand::new("Archive", StatusItems::counts())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>, items: StatusItems) -> Self {
        Self { mailbox: mailbox.into(), items, answered: false }
    }
}

impl Command for StatusCommand {
    type Item = MailboxStatus;
    type Output = MailboxStatus;

    fn name(&self) -> &str {
        "STATUS"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::STATUS).about_mailbox(self.mailbox.clone()).ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let items = self.items;
        let needs = [
            (items.size, "STATUS=SIZE"),
            (items.highest_mod_seq, "CONDSTORE"),
            (items.append_limit, "APPENDLIMIT"),
        ];
        // A limit for all mailboxes is reported by its value, too (RFC 7889 section 2).
        let has = |needed: &str| session.can(needed) || session.capabilities().value(needed).is_some();
        if let Some((_, needed)) = needs.iter().find(|(asked, needed)| *asked && !has(needed)) {
            return Err(Error::unsupported(format!("the server has no {needed}")));
        }
        let names = [
            (items.messages, "MESSAGES"),
            (items.uid_next, "UIDNEXT"),
            (items.uid_validity, "UIDVALIDITY"),
            (items.unseen, "UNSEEN"),
            (items.size, "SIZE"),
            (items.highest_mod_seq, "HIGHESTMODSEQ"),
            (items.append_limit, "APPENDLIMIT"),
        ];
        if names.iter().all(|(asked, _)| !asked) {
            return Err(Error::invalid("nothing is asked for: name at least one item"));
        }
        line.word("STATUS").mailbox(&self.mailbox).open();
        for (_, name) in names.iter().filter(|(asked, _)| *asked) {
            line.word(name);
        }
        line.close();
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::MailboxStatus(status) if status.name == self.mailbox => {
                // A STATUS that lacks items which were asked for is likely unsolicited (RFC 5465
                // section 5.2).
                if self.answered || self.items.lacks(status) { Claim::Part } else { Claim::Whole }
            }
            // Some servers write names in their own case of letters, or their own spelling.
            Answer::MailboxStatus(status) if status.name.folded() == self.mailbox.folded() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn received(&mut self, _: &Untagged) {
        self.answered = true;
    }

    fn item(response: Untagged) -> Option<MailboxStatus> {
        match response.into_answer() {
            Answer::MailboxStatus(status) => Some(status),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<MailboxStatus>) -> Result<MailboxStatus> {
        items
            .into_iter()
            .next_back()
            .ok_or_else(|| Error::protocol("the server answered OK without any STATUS"))
    }
}
