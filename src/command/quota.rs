//! Quotas: GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208, RFC 2087).

use super::{Claim, Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, Quota, QuotaRoot, Untagged};

fn check(session: &Session) -> Result<()> {
    if session.can("QUOTA") { Ok(()) } else { Err(Error::unsupported("the server has no QUOTA (RFC 9208)")) }
}

fn quota(response: Untagged) -> Option<Quota> {
    match response.into_answer() {
        Answer::Quota(quota) => Some(quota),
        _ => None,
    }
}

/// `GETQUOTA`: the usage and limits of one quota root (RFC 9208 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetQuota {
    root: String,
    answered: bool,
}

impl GetQuota {
    /// Of the quota root with this name, as [`GetQuotaRoot`] reports it.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetQuota;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let quota = imap.submit(GetQuota::new("User quota")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(root: impl Into<String>) -> Self {
        Self { root: root.into(), answered: false }
    }
}

impl Command for GetQuota {
    type Item = Quota;
    type Output = Quota;

    fn name(&self) -> &str {
        "GETQUOTA"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["QUOTA"])
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        line.atom("GETQUOTA").string(&self.root);
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        claim_of(response, &self.root, self.answered)
    }

    fn received(&mut self, _: &Untagged) {
        self.answered = true;
    }

    fn item(response: Untagged) -> Option<Quota> {
        quota(response)
    }

    fn finish(self, _: Done, items: Vec<Quota>) -> Result<Quota> {
        let none = || Error::protocol("the server answered OK without any QUOTA");
        items.into_iter().next_back().ok_or_else(none)
    }
}

/// Whether this is the quota of one root, the first answer or a repetition.
fn claim_of(response: &Untagged, root: &str, answered: bool) -> Claim {
    match response.answer() {
        Answer::Quota(quota) if quota.root == root => {
            if answered {
                Claim::Part
            } else {
                Claim::Whole
            }
        }
        _ => Claim::No,
    }
}

/// The quotas that apply to one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxQuota {
    /// The names of its quota roots; none where it has no limits.
    pub roots: Vec<String>,
    /// What is used of each, and its limits.
    pub quotas: Vec<Quota>,
}

/// `GETQUOTAROOT`: which quotas apply to a mailbox, with their usage and limits (RFC 9208 section
/// 4.1.2). The mailbox need not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetQuotaRoot {
    mailbox: MailboxName,
    /// The roots of which the quota is due; `None` until they are known.
    due: Option<Vec<String>>,
}

impl GetQuotaRoot {
    /// Of this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetQuotaRoot;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let quotas = imap.submit(GetQuotaRoot::new("INBOX")).await?.quotas;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), due: None }
    }
}

/// A piece of the answer to GETQUOTAROOT.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaPiece {
    /// The names of the roots.
    Root(QuotaRoot),
    /// The quota of one.
    Quota(Quota),
}

impl Command for GetQuotaRoot {
    type Item = QuotaPiece;
    type Output = MailboxQuota;

    fn name(&self) -> &str {
        "GETQUOTAROOT"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["QUOTAROOT", "QUOTA"]).about_mailbox(self.mailbox.clone())
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        line.atom("GETQUOTAROOT").mailbox(&self.mailbox);
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match (response.answer(), &self.due) {
            (Answer::QuotaRoot(_), None) => Claim::Whole,
            // Some servers send the quotas first.
            (Answer::QuotaRoot(_), Some(_)) | (Answer::Quota(_), None) => Claim::Part,
            (Answer::Quota(quota), Some(due)) if due.contains(&quota.root) => Claim::Whole,
            _ => Claim::No,
        }
    }

    fn received(&mut self, response: &Untagged) {
        match (response.answer(), &mut self.due) {
            (Answer::QuotaRoot(known), _) => self.due = Some(known.roots.clone()),
            (Answer::Quota(quota), Some(due)) => due.retain(|root| *root != quota.root),
            _ => {}
        }
    }

    fn item(response: Untagged) -> Option<QuotaPiece> {
        match response.into_answer() {
            Answer::QuotaRoot(roots) => Some(QuotaPiece::Root(roots)),
            Answer::Quota(quota) => Some(QuotaPiece::Quota(quota)),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<QuotaPiece>) -> Result<MailboxQuota> {
        let (mut roots, mut quotas) = (None, Vec::new());
        for item in items {
            match item {
                QuotaPiece::Root(known) => roots = Some(known.roots),
                QuotaPiece::Quota(quota) => quotas.push(quota),
            }
        }
        let none = || Error::protocol("the server answered OK without any QUOTAROOT");
        Ok(MailboxQuota { roots: roots.ok_or_else(none)?, quotas })
    }
}

/// `SETQUOTA`: the limits of a quota root, all of them (RFC 9208 section 4.1.3). Usually for
/// administrators alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct SetQuota {
    root: String,
    limits: Vec<(String, u64)>,
    answered: bool,
}

impl SetQuota {
    /// Of this quota root. What is not named after this has no limit any more.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetQuota;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let limits = SetQuota::of("User quota").storage(1024 * 1024).messages(10_000); // 1 GiB
    /// imap.submit(limits).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(root: impl Into<String>) -> Self {
        Self { root: root.into(), limits: Vec::new(), answered: false }
    }

    /// And at most so many units of 1024 bytes of mail (RFC 9208 section 5.1).
    #[doc(alias = "STORAGE")]
    pub fn storage(self, kibibytes: u64) -> Self {
        self.limit("STORAGE", kibibytes)
    }

    /// And at most so many messages (RFC 9208 section 5.2).
    #[doc(alias = "MESSAGE")]
    pub fn messages(self, count: u64) -> Self {
        self.limit("MESSAGE", count)
    }

    /// And at most so many mailboxes (RFC 9208 section 5.3).
    #[doc(alias = "MAILBOX")]
    pub fn mailboxes(self, count: u64) -> Self {
        self.limit("MAILBOX", count)
    }

    /// And at most so much of this resource, by its name (RFC 9208 section 5): such as
    /// `ANNOTATION-STORAGE`, in units of 1024 bytes.
    pub fn limit(mut self, resource: impl Into<String>, limit: u64) -> Self {
        self.limits.push((resource.into(), limit));
        self
    }
}

impl Command for SetQuota {
    type Item = Quota;
    type Output = Option<Quota>;

    fn name(&self) -> &str {
        "SETQUOTA"
    }

    fn class(&self) -> Class {
        Class::change().answered_by(&["QUOTA"])
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        // Servers of RFC 2087 don't say; those of RFC 9208 name what they count (section 4.1.3).
        let is_new = session.capabilities().iter().any(|name| name.starts_with("QUOTA=RES-"));
        if is_new && !session.can("QUOTASET") {
            return Err(Error::unsupported("the server has no QUOTASET (RFC 9208): it sets no quotas"));
        }
        line.atom("SETQUOTA").string(&self.root).open();
        for (resource, limit) in &self.limits {
            // RFC 9208 section 7, `quota-resource-limit`.
            if i64::try_from(*limit).is_err() {
                return Err(Error::invalid(format!("the limit {limit} has more than 63 bits")));
            }
            line.atom(resource).number(*limit);
        }
        line.close();
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        claim_of(response, &self.root, self.answered)
    }

    fn received(&mut self, _: &Untagged) {
        self.answered = true;
    }

    fn item(response: Untagged) -> Option<Quota> {
        quota(response)
    }

    fn finish(self, _: Done, items: Vec<Quota>) -> Result<Option<Quota>> {
        Ok(items.into_iter().next_back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{claims, lines, refused, server};

    /// RFC 9208 sections 4.1.1 to 4.1.3.
    #[test]
    fn the_examples_of_the_rfc() {
        let old = server(&["QUOTA"]);
        assert_eq!(lines(GetQuota::new("!partition/sda4"), &old), ["GETQUOTA \"!partition/sda4\""]);
        assert_eq!(lines(GetQuotaRoot::new("INBOX"), &old), ["GETQUOTAROOT INBOX"]);
        let set = || SetQuota::of("#user/alice").storage(510);
        assert_eq!(lines(set(), &old), ["SETQUOTA \"#user/alice\" (STORAGE 510)"]);
        assert_eq!(lines(SetQuota::of(""), &old), ["SETQUOTA \"\" ()"]);
        let several = SetQuota::of("x").messages(1).mailboxes(2).limit("ANNOTATION-STORAGE", 3);
        assert_eq!(lines(several, &old), ["SETQUOTA \"x\" (MESSAGE 1 MAILBOX 2 ANNOTATION-STORAGE 3)"]);
        let new = server(&["QUOTA", "QUOTA=RES-STORAGE", "QUOTASET"]);
        assert_eq!(lines(set(), &new), ["SETQUOTA \"#user/alice\" (STORAGE 510)"]);
        let read_only = server(&["QUOTA", "QUOTA=RES-STORAGE"]);
        assert!(refused(set(), &read_only).contains("QUOTASET"));
        assert!(refused(SetQuota::of("x").limit("A B", 1), &old).contains("atom"));
        assert!(refused(SetQuota::of("x").storage(u64::MAX), &old).contains("63 bits"));
        for refused in [refused(GetQuota::new("x"), &server(&[])), refused(set(), &server(&[]))] {
            assert!(refused.contains("QUOTA"), "{refused}");
        }
    }

    #[test]
    fn each_gets_the_quota_of_its_roots() {
        let mut of_inbox = GetQuotaRoot::new("INBOX");
        let quota = |root| format!("* QUOTA {root} (STORAGE 10 512)");
        assert_eq!(claims(&of_inbox, &quota("\"\"")), Claim::Part, "its roots are not known yet");
        let roots = "* QUOTAROOT INBOX \"#user/alice\" \"!partition/sda4\"";
        assert_eq!(claims(&of_inbox, roots), Claim::Whole);
        of_inbox.received(&crate::command::testing::response(roots));
        assert_eq!(claims(&of_inbox, &quota("\"!partition/sda4\"")), Claim::Whole);
        assert_eq!(claims(&of_inbox, &quota("other")), Claim::No);
        of_inbox.received(&crate::command::testing::response(&quota("\"#user/alice\"")));
        assert_eq!(claims(&of_inbox, &quota("\"#user/alice\"")), Claim::No, "the next one's");
        assert_eq!(claims(&GetQuota::new("other"), &quota("other")), Claim::Whole);
        assert_eq!(claims(&SetQuota::of("other"), &quota("another")), Claim::No);
    }
}
