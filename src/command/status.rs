//! STATUS: counts of a mailbox that need not be selected (RFC 9051 section 6.3.11).

use std::ops::Deref;

use super::{Claim, Class, Command, Flow, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, MailboxStatus, Untagged};

/// What to ask of a mailbox.
///
/// Each item both begins and continues a list: `StatusItems::messages()` and
/// `StatusItems::messages().unseen()`. (The second is a method of [`StatusChain`], to which this
/// type dereferences, because Rust has no function that is called in both ways.)
///
/// ```
/// use imap_duplex::command::StatusItems;
/// let usual = StatusItems::counts().size();
/// let few = StatusItems::unseen();
/// # let _ = (usual, few);
/// ```
///
/// An item of an extension that the server lacks is refused, unsent, with
/// [`Unsupported`](crate::ErrorKind::Unsupported).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct StatusItems(StatusChain);

impl Deref for StatusItems {
    type Target = StatusChain;

    fn deref(&self) -> &StatusChain {
        &self.0
    }
}

impl StatusItems {
    /// Nothing yet. STATUS of nothing is refused, unsent.
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

    /// And all that the other one names.
    pub fn and(mut self, other: &Self) -> Self {
        self.0.known |= other.0.known;
        other.0.other.iter().for_each(|name| self.0.add_other(name));
        self
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
        Self::messages().uid_next().uid_validity().unseen()
    }
}

/// The list that [`StatusItems`] holds, and its methods: each adds to a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StatusChain {
    /// Bit n: the item n of [`KNOWN`].
    known: u16,
    other: Vec<String>,
}

/// An item that the library has a type for.
struct Known {
    name: &'static str,
    /// One of these capabilities, or none is needed.
    needs: &'static [&'static str],
    is_in: fn(&MailboxStatus) -> bool,
    /// An answer to it may lack it: a limit (RFC 7889 section 3), or mod-sequences, which are 0
    /// then (RFC 7162 section 3.1.7).
    is_optional: bool,
}

/// Items: each as a constructor of [`StatusItems`] and as a method that adds it.
macro_rules! items {
    ($($(#[$doc:meta])* $method:ident: $name:literal, $needs:expr, $optional:literal;)*) => {
        const KNOWN: &[Known] = &[$(Known {
            name: $name,
            needs: &$needs,
            is_in: |status| status.$method.is_some(),
            is_optional: $optional,
        }),*];

        impl StatusItems {$(
            $(#[$doc])*
            ///
            /// ```no_run
            /// # use imap_duplex::command::StatusItems;
            /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
            #[doc = concat!("let status = imap.status(\"Archive\", StatusItems::", stringify!($method), "()).await?;")]
            #[doc = concat!("println!(\"{:?}\", status.", stringify!($method), ");")]
            /// # Ok(())
            /// # }
            /// ```
            #[doc(alias = $name)]
            pub fn $method() -> Self {
                StatusChain::default().$method()
            }
        )*}

        impl StatusChain {$(
            #[doc = concat!("These, and what [`StatusItems::", stringify!($method), "`] names.")]
            pub fn $method(&self) -> StatusItems {
                self.with($name)
            }
        )*}
    };
}

items! {
    /// How many messages there are.
    messages: "MESSAGES", [], false;
    /// UIDNEXT: no future message has a UID below it.
    uid_next: "UIDNEXT", [], false;
    /// UIDVALIDITY.
    uid_validity: "UIDVALIDITY", [], false;
    /// How many messages lack `\Seen`.
    unseen: "UNSEEN", [], false;
    /// How many messages have `\Deleted`; needs IMAP4rev2 or QUOTA=RES-MESSAGE (RFC 9208 section
    /// 4.1.4).
    deleted: "DELETED", ["IMAP4rev2", "QUOTA=RES-MESSAGE"], false;
    /// The sum of the sizes of messages with `\Deleted`; needs QUOTA=RES-STORAGE (RFC 9208 section
    /// 4.1.4).
    deleted_storage: "DELETED-STORAGE", ["QUOTA=RES-STORAGE"], false;
    /// The sum of the sizes of its messages; needs STATUS=SIZE (RFC 8438).
    size: "SIZE", ["STATUS=SIZE"], false;
    /// Its newest mod-sequence; needs CONDSTORE (RFC 7162).
    highest_mod_seq: "HIGHESTMODSEQ", ["CONDSTORE"], true;
    /// The largest message that it accepts; needs APPENDLIMIT (RFC 7889 section 3.1). The library
    /// then refuses a larger one itself, unsent, until a later status of the mailbox lacks the
    /// limit.
    ///
    /// [`MailboxStatus::append_limit`] is `None` where there is no limit.
    append_limit: "APPENDLIMIT", ["APPENDLIMIT"], true;
    /// An identifier that it keeps when it is renamed; needs OBJECTID (RFC 8474 section 4.3).
    mailbox_id: "MAILBOXID", ["OBJECTID"], false;
    /// How many messages no session was notified of before (RFC 3501 section 6.3.10); IMAP4rev2 has
    /// it no more.
    recent: "RECENT", ["IMAP4rev1"], false;
}

impl StatusItems {
    /// An item that the library has no method for, by its name: its value is in
    /// [`MailboxStatus::other`], as the server wrote it. What is no name of an item (letters,
    /// digits, `-`, `.`, `_`) is refused, unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StatusItems;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let status = imap.status("INBOX", StatusItems::other("X-GUID")).await?;
    /// println!("{:?}", status.other);
    /// # Ok(())
    /// # }
    /// ```
    pub fn other(name: impl AsRef<str>) -> Self {
        StatusChain::default().other(name)
    }
}

impl StatusChain {
    /// These, and what [`StatusItems::counts`] names.
    pub fn counts(&self) -> StatusItems {
        StatusItems(self.clone()).and(&StatusItems::counts())
    }

    /// These, and what [`StatusItems::other`] names.
    pub fn other(&self, name: impl AsRef<str>) -> StatusItems {
        self.with(name.as_ref())
    }

    fn with(&self, name: &str) -> StatusItems {
        let mut all = self.clone();
        match KNOWN.iter().position(|known| known.name.eq_ignore_ascii_case(name)) {
            Some(at) => all.known |= 1 << at,
            None => all.add_other(name),
        }
        StatusItems(all)
    }

    fn add_other(&mut self, name: &str) {
        if !self.other.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            self.other.push(name.to_owned());
        }
    }

    /// Those that the library has a type for.
    fn known(&self) -> impl Iterator<Item = &'static Known> {
        KNOWN.iter().enumerate().filter(|(at, _)| self.known & 1 << at != 0).map(|(_, known)| known)
    }

    /// Whether the server has them all, and they can be written.
    pub(super) fn check(&self, session: &Session) -> Result<()> {
        // A limit for all mailboxes is reported by its value, too (RFC 7889 section 2).
        let has = |needed: &&str| match *needed {
            "IMAP4rev1" => !session.is_rev2(),
            needed => session.can(needed) || session.capabilities().value(needed).is_some(),
        };
        if self.known == 0 && self.other.is_empty() {
            return Err(Error::invalid("nothing is asked for: name at least one item"));
        }
        for Known { name, needs, .. } in self.known() {
            if !needs.is_empty() && !needs.iter().any(has) {
                let needs = needs.join(" or ");
                return Err(Error::unsupported(format!("the server has no {needs}, which {name} needs")));
            }
        }
        let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        match self.other.iter().find(|name| name.is_empty() || !is_name(name)) {
            Some(name) => Err(Error::invalid(format!("{name:?} is no name of an item of STATUS"))),
            None => Ok(()),
        }
    }

    /// Writes them in parentheses.
    pub(super) fn encode(&self, line: &mut Line) {
        line.open();
        for known in self.known() {
            line.word(known.name);
        }
        for name in &self.other {
            line.atom(name);
        }
        line.close();
    }

    /// Whether this has less than was asked for.
    pub(super) fn lacks(&self, status: &MailboxStatus) -> bool {
        let lacks = |optional| self.known().any(|item| item.is_optional == optional && !(item.is_in)(status));
        let has_other =
            |name: &String| status.other.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let lacks_optional = lacks(true) || !self.other.iter().all(has_other);
        lacks(false) || lacks_optional && self.has_unrequested(status)
    }

    /// Whether this has items that were not asked for, of those that servers report unasked.
    fn has_unrequested(&self, status: &MailboxStatus) -> bool {
        let reported = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"];
        let is_asked = |name: &str| self.known().any(|known| known.name == name);
        KNOWN.iter().any(|item| reported.contains(&item.name) && (item.is_in)(status) && !is_asked(item.name))
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
        self.items.check(session)?;
        line.word("STATUS").mailbox(&self.mailbox);
        self.items.encode(line);
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
            Answer::MailboxStatus(status) => Some(*status),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::List;
    use crate::command::testing::{lines, refused, server};

    /// RFC 9051 section 6.3.11, RFC 8438 section 3, RFC 7162 section 3.1.7, RFC 8474 section 4.3,
    /// RFC 7889 section 3.1, RFC 9208 section 4.1.4.
    #[test]
    fn items_are_written_as_the_rfcs_have_them() {
        let all = server(&["CONDSTORE", "STATUS=SIZE", "OBJECTID", "APPENDLIMIT", "QUOTA=RES-MESSAGE"]);
        let status = |mailbox: &str, items: StatusItems| lines(StatusCommand::new(mailbox, items), &all);
        let cases = [
            ("blurdybloop", StatusItems::uid_next().messages(), "STATUS blurdybloop (MESSAGES UIDNEXT)"),
            ("blurdybloop", StatusItems::messages().size(), "STATUS blurdybloop (MESSAGES SIZE)"),
            ("foo", StatusItems::mailbox_id(), "STATUS foo (MAILBOXID)"),
            ("INBOX", StatusItems::new().append_limit(), "STATUS INBOX (APPENDLIMIT)"),
            (
                "blurdybloop",
                StatusItems::highest_mod_seq().counts(),
                "STATUS blurdybloop (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)",
            ),
            ("x", StatusItems::deleted().other("X-GUID").other("x-guid"), "STATUS x (DELETED X-GUID)"),
            ("x", StatusItems::counts(), "STATUS x (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
            ("x", StatusItems::other("unseen").and(&StatusItems::other("A")), "STATUS x (UNSEEN A)"),
        ];
        for (mailbox, items, line) in cases {
            assert_eq!(status(mailbox, items), [line]);
        }
        // RFC 7889 section 3.2.
        let list = List::new("%").with_status(StatusItems::append_limit());
        let has_it = server(&["LIST-EXTENDED", "LIST-STATUS", "APPENDLIMIT"]);
        assert_eq!(lines(list, &has_it), ["LIST \"\" % RETURN (STATUS (APPENDLIMIT))"]);
    }

    #[test]
    fn what_the_server_lacks_or_is_no_item_is_refused() {
        let old = server(&["QUOTA=RES-MESSAGE"]);
        let why = |items: StatusItems| refused(StatusCommand::new("x", items), &old);
        assert!(why(StatusItems::mailbox_id()).contains("OBJECTID"));
        assert!(why(StatusItems::deleted_storage()).contains("QUOTA=RES-STORAGE"));
        assert!(why(StatusItems::new()).contains("nothing"));
        for odd in ["", "A B", "A\r\nx LOGOUT", "(", "{5}", "Ä", "A)"] {
            assert!(why(StatusItems::other(odd)).contains("no name"), "{odd:?}");
        }
        let rev2 = Session { capabilities: ["IMAP4rev2"].iter().collect(), ..Session::default() };
        let why = refused(StatusCommand::new("x", StatusItems::recent()), &rev2);
        assert!(why.contains("RECENT"), "{why}");
        assert_eq!(lines(StatusCommand::new("x", StatusItems::deleted()), &rev2), ["STATUS x (DELETED)"]);
    }

    #[test]
    fn an_answer_lacks_what_was_asked_for() {
        let mut status = MailboxStatus::new("x");
        status.messages = Some(1);
        assert!(!StatusItems::messages().lacks(&status));
        assert!(StatusItems::deleted().lacks(&status));
        assert!(!StatusItems::messages().append_limit().lacks(&status), "there may be no limit");
        assert!(StatusItems::append_limit().lacks(&status), "that was not asked for");
        assert!(!StatusItems::messages().other("X").lacks(&status));
        status.other.push(("x".into(), "1".into()));
        assert!(!StatusItems::other("X").messages().lacks(&status));
    }
}
