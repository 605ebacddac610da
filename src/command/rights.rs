//! Access control: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314).

use super::{Action, Claim, Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Acl, Answer, Done, ListRights, MailboxName, MyRights, Rights, Untagged};

fn check(session: &Session) -> Result<()> {
    if session.can("ACL") { Ok(()) } else { Err(Error::unsupported("the server has no ACL (RFC 4314)")) }
}

/// Queries about one mailbox with one answer.
macro_rules! queries {
    ($($name:ident, $word:literal, $keyword:literal, $answer:ident, $output:ty;)*) => {$(
        impl Command for $name {
            type Item = $output;
            type Output = $output;

            fn name(&self) -> &str {
                $word
            }

            fn mailbox(&self) -> Option<&MailboxName> {
                Some(&self.mailbox)
            }

            fn class(&self) -> Class {
                Class::query().answered_by(&[$keyword]).about_mailbox(self.mailbox.clone())
            }

            fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
                check(session)?;
                line.atom($word).mailbox(&self.mailbox);
                self.arguments(line);
                Ok(Flow::Last)
            }

            fn claims(&self, response: &Untagged) -> Claim {
                match response.answer() {
                    Answer::$answer(answer) if self.is_asked(answer) => {
                        if self.answered { Claim::Part } else { Claim::Whole }
                    }
                    _ => Claim::No,
                }
            }

            fn received(&mut self, _: &Untagged) {
                self.answered = true;
            }

            fn item(response: Untagged) -> Option<$output> {
                match response.into_answer() {
                    Answer::$answer(answer) => Some(*answer),
                    _ => None,
                }
            }

            fn finish(self, _: Done, items: Vec<$output>) -> Result<$output> {
                let none = || Error::protocol(concat!("the server answered OK without any ", $keyword));
                items.into_iter().next_back().ok_or_else(none)
            }
        }
    )*};
}

queries! {
    GetAcl, "GETACL", "ACL", Acl, Acl;
    GetListRights, "LISTRIGHTS", "LISTRIGHTS", ListRights, ListRights;
    GetMyRights, "MYRIGHTS", "MYRIGHTS", MyRights, MyRights;
}

/// `GETACL`: who has which rights on a mailbox (RFC 4314 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetAcl {
    mailbox: MailboxName,
    answered: bool,
}

impl GetAcl {
    /// On this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetAcl;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let acl = imap.submit(GetAcl::new("Shared/Plans")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), answered: false }
    }

    fn arguments(&self, _: &mut Line) {}

    fn is_asked(&self, _: &Acl) -> bool {
        true
    }
}

/// `LISTRIGHTS`: which rights someone can be given on a mailbox (RFC 4314 section 3.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetListRights {
    mailbox: MailboxName,
    identifier: String,
    answered: bool,
}

impl GetListRights {
    /// On this mailbox, of this user or group.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetListRights;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let rights = imap.submit(GetListRights::new("Plans", "smith")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>, identifier: impl Into<String>) -> Self {
        Self { mailbox: mailbox.into(), identifier: identifier.into(), answered: false }
    }

    fn arguments(&self, line: &mut Line) {
        line.astring(&self.identifier);
    }

    fn is_asked(&self, answer: &ListRights) -> bool {
        answer.identifier == self.identifier
    }
}

/// `MYRIGHTS`: this user's rights on a mailbox (RFC 4314 section 3.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetMyRights {
    mailbox: MailboxName,
    answered: bool,
}

impl GetMyRights {
    /// On this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetMyRights;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let may_delete = imap.submit(GetMyRights::new("Plans")).await?.rights.can('x');
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), answered: false }
    }

    fn arguments(&self, _: &mut Line) {}

    fn is_asked(&self, _: &MyRights) -> bool {
        true
    }
}

/// `SETACL`: gives someone rights on a mailbox, or takes some away (RFC 4314 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct SetAcl {
    mailbox: MailboxName,
    identifier: String,
    /// `+`, `-`, or nothing.
    change: &'static str,
    rights: Rights,
}

impl SetAcl {
    /// These are all the rights that this user or group has on that mailbox.
    ///
    /// An identifier that begins with `-` denies the rights, where the server has that.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetAcl;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(SetAcl::replace("Plans", "smith", "lrs")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace(
        mailbox: impl Into<MailboxName>,
        identifier: impl Into<String>,
        rights: impl Into<Rights>,
    ) -> Self {
        Self::new(mailbox.into(), identifier.into(), "", rights.into())
    }

    /// These are added to the rights that this user or group has on that mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetAcl;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(SetAcl::add("Plans", "smith", "ie")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add(
        mailbox: impl Into<MailboxName>,
        identifier: impl Into<String>,
        rights: impl Into<Rights>,
    ) -> Self {
        Self::new(mailbox.into(), identifier.into(), "+", rights.into())
    }

    /// These are taken from the rights that this user or group has on that mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetAcl;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(SetAcl::remove("Plans", "smith", "x")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(
        mailbox: impl Into<MailboxName>,
        identifier: impl Into<String>,
        rights: impl Into<Rights>,
    ) -> Self {
        Self::new(mailbox.into(), identifier.into(), "-", rights.into())
    }

    fn new(mailbox: MailboxName, identifier: String, change: &'static str, rights: Rights) -> Self {
        Self { mailbox, identifier, change, rights }
    }
}

impl Action for SetAcl {
    fn name(&self) -> &str {
        "SETACL"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::change()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        // RFC 4314 section 3.1: servers must refuse upper case. Among the letters there is no sign.
        let is_right = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if !self.rights.as_str().chars().all(is_right) {
            let why = format!("{:?} are no rights: each is a small letter or a digit", self.rights.as_str());
            return Err(Error::invalid(why));
        }
        line.atom("SETACL").mailbox(&self.mailbox).astring(&self.identifier);
        line.astring(format!("{}{}", self.change, self.rights));
        Ok(Flow::Last)
    }
}

/// `DELETEACL`: takes all rights on a mailbox from someone (RFC 4314 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct DeleteAcl {
    mailbox: MailboxName,
    identifier: String,
}

impl DeleteAcl {
    /// On this mailbox, from this user or group.
    ///
    /// ```no_run
    /// # use imap_duplex::command::DeleteAcl;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(DeleteAcl::new("Plans", "smith")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>, identifier: impl Into<String>) -> Self {
        Self { mailbox: mailbox.into(), identifier: identifier.into() }
    }
}

impl Action for DeleteAcl {
    fn name(&self) -> &str {
        "DELETEACL"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::change()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        line.atom("DELETEACL").mailbox(&self.mailbox).astring(&self.identifier);
        Ok(Flow::Last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, claims, lines, refused, server};

    /// RFC 4314 sections 3.1 to 3.5, and the answers of sections 3.6 to 3.8.
    #[test]
    fn the_examples_of_the_rfc() {
        let acl = server(&["ACL"]);
        let ok = "OK done";
        assert_eq!(lines(GetAcl::new("INBOX/Drafts"), &acl), ["GETACL INBOX/Drafts"]);
        let answer = "* ACL INBOX/Drafts Fred rwipslxetad Chris lrswi";
        let entries = answered(GetAcl::new("INBOX/Drafts"), &[answer], ok).expect("OK").entries;
        assert_eq!(entries[1], ("Chris".to_owned(), Rights::new("lrswi")));
        let line = lines(SetAcl::add("INBOX/Drafts", "Chris", "cda"), &acl);
        assert_eq!(line, ["SETACL INBOX/Drafts Chris +cda"]);
        let line = lines(SetAcl::replace("INBOX/Drafts", "John", "lrqswicda"), &acl);
        assert_eq!(line, ["SETACL INBOX/Drafts John lrqswicda"]);
        let line = lines(SetAcl::remove("INBOX", "a b", ""), &acl);
        assert_eq!(line, ["SETACL INBOX \"a b\" -"]);
        assert_eq!(lines(DeleteAcl::new("INBOX", "Fred"), &acl), ["DELETEACL INBOX Fred"]);
        let ask = || GetListRights::new("~/Mail/saved", "smith");
        assert_eq!(lines(ask(), &acl), ["LISTRIGHTS ~/Mail/saved smith"]);
        let answer = "* LISTRIGHTS ~/Mail/saved smith la r swicdkxte";
        let rights = answered(ask(), &[answer], ok).expect("OK");
        assert_eq!((rights.required.as_str(), rights.optional.len()), ("la", 2));
        assert_eq!(claims(&GetListRights::new("~/Mail/saved", "jones"), answer), Claim::No);
        assert_eq!(lines(GetMyRights::new("INBOX"), &acl), ["MYRIGHTS INBOX"]);
        let mine = answered(GetMyRights::new("INBOX"), &["* MYRIGHTS INBOX rwiptsldaex"], ok).expect("OK");
        assert!(mine.rights.can('x') && !mine.rights.can('k'));
        let none = answered(GetMyRights::new("INBOX"), &[], ok).expect_err("no answer");
        assert!(none.to_string().contains("MYRIGHTS"));
    }

    #[test]
    fn what_are_no_rights_is_refused() {
        let acl = server(&["ACL"]);
        // The RFC's own example of a BAD.
        for odd in ["lrQswicda", "+l", "l r", "ü", "l\r\nx"] {
            assert!(refused(SetAcl::replace("a", "b", odd), &acl).contains("no rights"), "{odd:?}");
        }
        assert!(refused(GetAcl::new("INBOX"), &server(&[])).contains("ACL"));
        assert!(refused(DeleteAcl::new("INBOX", "x"), &server(&[])).contains("ACL"));
    }
}
