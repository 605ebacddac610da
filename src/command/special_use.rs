//! The mailbox for a special use: drafts, sent mail and the like (RFC 6154), by a LIST.

use super::{Claim, Class, Command, Flow, Line, List, Session};
use crate::error::Result;
use crate::types::{Done, ListEntry, MailboxName, SpecialUse, StatusResponse, Untagged};

/// `LIST (SPECIAL-USE) "" *`, for the mailbox of one use; XLIST where the server has that in place
/// of SPECIAL-USE. `None` if there is no such mailbox; of several the first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct MailboxFor {
    usage: SpecialUse,
    list: List,
}

impl MailboxFor {
    /// The mailbox for this use.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::MailboxFor, types::SpecialUse};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let junk = imap.submit(MailboxFor::new(SpecialUse::Junk)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(usage: impl Into<SpecialUse>) -> Self {
        Self { usage: usage.into(), list: List::new("*").special_use() }
    }
}

impl Command for MailboxFor {
    type Item = ListEntry;
    type Output = Option<MailboxName>;

    fn name(&self) -> &str {
        "LIST"
    }

    fn class(&self) -> Class {
        self.list.class()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.list.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        self.list.claims(response)
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        self.list.trim(response)
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        self.list.tolerates(status)
    }

    fn received(&mut self, response: &Untagged) {
        self.list.received(response);
    }

    fn item(response: Untagged) -> Option<ListEntry> {
        List::item(response)
    }

    fn finish(self, done: Done, items: Vec<ListEntry>) -> Result<Option<MailboxName>> {
        let mut listed = self.list.finish(done, items)?.into_iter();
        Ok(listed.find(|entry| entry.is_for(&self.usage) && entry.is_selectable()).map(|entry| entry.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{lines, refused, server};
    use crate::types::Status;

    /// RFC 6154 section 5.1.
    #[test]
    fn the_first_that_is_for_it_and_can_be_selected() {
        let entry = |name: &str, attributes: &[&str]| {
            let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
            ListEntry { attributes, ..ListEntry::new(name) }
        };
        let listed = || {
            vec![
                entry("ToDo", &["\\Marked", "\\HasNoChildren"]),
                entry("Gone", &["\\Sent", "\\NonExistent"]),
                entry("SentMail", &["\\Sent", "\\HasNoChildren"]),
                entry("Other", &["\\Sent"]),
                entry("Spam", &["\\Spam"]),
                entry("MyDrafts", &["\\drafts"]),
            ]
        };
        let found = |usage: SpecialUse| {
            let done = Done::new(StatusResponse::new(Status::Ok, None, ""));
            MailboxFor::new(usage).finish(done, listed()).expect("it is whole")
        };
        assert_eq!(found(SpecialUse::Sent), Some("SentMail".into()));
        assert_eq!(found(SpecialUse::Junk), Some("Spam".into()));
        assert_eq!(found("\\Drafts".into()), Some("MyDrafts".into()));
        assert_eq!(found(SpecialUse::Trash), None);
    }

    #[test]
    fn it_is_asked_in_the_way_that_the_server_has() {
        let ask = |capabilities: &[&str]| lines(MailboxFor::new(SpecialUse::Sent), &server(capabilities));
        assert_eq!(ask(&["SPECIAL-USE", "LIST-EXTENDED"]), ["LIST (SPECIAL-USE) \"\" *"]);
        assert_eq!(ask(&["SPECIAL-USE"]), ["LIST \"\" *"]);
        assert_eq!(ask(&["XLIST"]), ["XLIST \"\" *"]);
        let why = refused(MailboxFor::new(SpecialUse::Sent), &server(&[]));
        assert!(why.contains("SPECIAL-USE"), "{why}");
    }
}
