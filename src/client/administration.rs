//! Methods of `Sender`, continued: special-use mailboxes, namespaces, quotas, ACL, METADATA,
//! ENABLE, LANGUAGE and COMPARATOR.

use super::{Sender, Token};
use crate::command::{
    Comparators, DeleteAcl, Enable, GetAcl, GetListRights, GetMetadata, GetMyRights, GetNamespaces, GetQuota,
    GetQuotaRoot, Language, MailboxFor, SetAcl, SetMetadata, SetQuota,
};
use crate::types::{MailboxName, SpecialUse};

impl Sender {
    /// The mailbox for a special use, such as drafts or sent mail: by `LIST (SPECIAL-USE)` (RFC
    /// 6154), or XLIST where the server has that instead. `None` if there is no such mailbox; of
    /// several the first. All of them: [`List::special_use`](crate::command::List::special_use).
    ///
    /// A server that has neither, as many don't, is not asked: the error is
    /// [`Unsupported`](crate::ErrorKind::Unsupported), and what is left is a usual name. The module
    /// `account` knows those.
    ///
    /// ```no_run
    /// # use imap_duplex::{ErrorKind, types::SpecialUse};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let sent = match imap.mailbox_for(SpecialUse::Sent).await {
    ///     Err(error) if error.kind() == ErrorKind::Unsupported => None,
    ///     other => other?,
    /// };
    /// let sent = sent.unwrap_or_else(|| "Sent".into());
    /// imap.append(sent, "Subject: Lunch\r\n\r\nAt one?\r\n").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("SPECIAL-USE", "XLIST"))]
    pub fn mailbox_for(&self, usage: impl Into<SpecialUse>) -> Token<MailboxFor> {
        self.submit(MailboxFor::new(usage))
    }

    /// Where whose mailboxes are: the user's own, those of others, shared ones: `NAMESPACE` (RFC
    /// 9051 section 6.3.10). Needs NAMESPACE.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for space in imap.namespace().await?.personal {
    ///     println!("names begin with {:?}, levels are separated by {:?}", space.prefix, space.delimiter);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "NAMESPACE")]
    pub fn namespace(&self) -> Token<GetNamespaces> {
        self.submit(GetNamespaces::new())
    }

    /// Which quotas apply to a mailbox, what is used of them and what is allowed: `GETQUOTAROOT`
    /// (RFC 9208 section 4.1.2). Needs QUOTA.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for quota in imap.quota_of("INBOX").await?.quotas {
    ///     if let Some(storage) = quota.resource("STORAGE") {
    ///         println!("{:?} of {:?} KiB used", storage.usage, storage.limit);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "GETQUOTAROOT")]
    pub fn quota_of(&self, mailbox: impl Into<MailboxName>) -> Token<GetQuotaRoot> {
        self.submit(GetQuotaRoot::new(mailbox))
    }

    /// What is used of one quota root, by its name, and what is allowed: `GETQUOTA` (RFC 9208
    /// section 4.1.1). Needs QUOTA.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let quota = imap.quota("User quota").await?;
    /// println!("{:?}", quota.resource("MESSAGE"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "GETQUOTA")]
    pub fn quota(&self, root: impl Into<String>) -> Token<GetQuota> {
        self.submit(GetQuota::new(root))
    }

    /// Sets the limits of a quota root: `SETQUOTA` (RFC 9208 section 4.1.3), mostly for
    /// administrators. The result is the quota as it is then, if the server says it. Needs
    /// QUOTASET, or QUOTA of a server that does not say which resources it counts.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetQuota;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.set_quota(SetQuota::of("User quota").storage(2048)).await?; // 2 MiB
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SETQUOTA")]
    pub fn set_quota(&self, limits: SetQuota) -> Token<SetQuota> {
        self.submit(limits)
    }

    /// Who has which rights on a mailbox: `GETACL` (RFC 4314 section 3.3). Needs ACL.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for (who, rights) in imap.acl("Plans").await?.entries {
    ///     println!("{who}: {rights}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "GETACL")]
    pub fn acl(&self, mailbox: impl Into<MailboxName>) -> Token<GetAcl> {
        self.submit(GetAcl::new(mailbox))
    }

    /// Gives someone rights on a mailbox, or takes some away: `SETACL` (RFC 4314 section 3.1).
    /// Needs ACL, and the right `a` on that mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::SetAcl, types::Rights};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.set_acl(SetAcl::replace("Plans", "smith", Rights::to_read())).await?;
    /// imap.set_acl(SetAcl::add("Plans", "smith", "w")).await?; // each right is a letter: see `Rights`
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SETACL")]
    pub fn set_acl(&self, change: SetAcl) -> Token<SetAcl> {
        self.submit(change)
    }

    /// Takes all rights on a mailbox from someone: `DELETEACL` (RFC 4314 section 3.2). Needs ACL,
    /// and the right `a` on that mailbox.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.delete_acl("Plans", "smith").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "DELETEACL")]
    pub fn delete_acl(
        &self,
        mailbox: impl Into<MailboxName>,
        identifier: impl Into<String>,
    ) -> Token<DeleteAcl> {
        self.submit(DeleteAcl::new(mailbox, identifier))
    }

    /// Which rights someone can be given on a mailbox: `LISTRIGHTS` (RFC 4314 section 3.4). Needs
    /// ACL.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let rights = imap.list_rights("Plans", "smith").await?;
    /// println!("always {}, if you like {:?}", rights.required, rights.optional);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "LISTRIGHTS")]
    pub fn list_rights(
        &self,
        mailbox: impl Into<MailboxName>,
        identifier: impl Into<String>,
    ) -> Token<GetListRights> {
        self.submit(GetListRights::new(mailbox, identifier))
    }

    /// This user's rights on a mailbox: `MYRIGHTS` (RFC 4314 section 3.5). Needs ACL.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// if imap.my_rights("Plans").await?.rights.can('i') {
    ///     println!("messages may be put there");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "MYRIGHTS")]
    pub fn my_rights(&self, mailbox: impl Into<MailboxName>) -> Token<GetMyRights> {
        self.submit(GetMyRights::new(mailbox))
    }

    /// Annotations of a mailbox, or of the server: `GETMETADATA` (RFC 5464 section 4.2). Needs
    /// METADATA, or METADATA-SERVER for those of the server.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetMetadata;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let found = imap.metadata(GetMetadata::of("INBOX", ["/private/comment"])).await?;
    /// if let Some(comment) = found.get("/private/comment") {
    ///     println!("{}", String::from_utf8_lossy(comment));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "GETMETADATA")]
    pub fn metadata(&self, what: GetMetadata) -> Token<GetMetadata> {
        self.submit(what)
    }

    /// Sets or removes annotations of a mailbox, or of the server: `SETMETADATA` (RFC 5464 section
    /// 4.3). Needs METADATA, or METADATA-SERVER for those of the server.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetMetadata;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.set_metadata(SetMetadata::of("INBOX").set("/private/comment", "Mine")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SETMETADATA")]
    pub fn set_metadata(&self, what: SetMetadata) -> Token<SetMetadata> {
        self.submit(what)
    }

    /// Switches extensions on: `ENABLE` (RFC 9051 section 6.3.1). What
    /// [`Config::enable`](crate::Config::enable) names is on already. Only while no mailbox is
    /// selected.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let on = imap.enable(["CONDSTORE"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ENABLE")]
    pub fn enable(&self, names: impl IntoIterator<Item = impl Into<String>>) -> Token<Enable> {
        self.submit(Enable::new(names))
    }

    /// In which language the server writes its texts: `LANGUAGE` (RFC 5255). Needs LANGUAGE.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Language;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let now = imap.language(Language::first_of(["de", "en"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "LANGUAGE")]
    pub fn language(&self, which: Language) -> Token<Language> {
        self.submit(which)
    }

    /// By which rules the server orders and compares text in searches: `COMPARATOR` (RFC 5255
    /// section 4.7). Needs I18NLEVEL=2.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Comparators;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.comparator(Comparators::first_of(["cz;*", "i;basic"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "COMPARATOR")]
    pub fn comparator(&self, which: Comparators) -> Token<Comparators> {
        self.submit(which)
    }
}
