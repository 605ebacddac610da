//! Commands of the connection that are about messages of any mailbox: several that are appended,
//! searches of several mailboxes, and URLs of messages.

use super::{Sender, Token};
use crate::command::{
    Append, AppendAll, GenUrlAuth, ResetKey, Search, SearchIn, SearchScope, Secret, UrlFetch,
};
use crate::types::MailboxName;

impl Sender {
    /// Puts several messages into a mailbox, all or none where the server has MULTIAPPEND (RFC
    /// 3502), else one after the other: then the first that fails ends it, and those before it
    /// stay. See [`AppendAll`].
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let two = ["Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n2\r\n"];
    /// for appended in imap.append_each("Archive", two).await? {
    ///     println!("stored as {:?}", appended.uid);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn append_each<A: Into<Append>>(
        &self,
        to: impl Into<MailboxName>,
        messages: impl IntoIterator<Item = A>,
    ) -> Token<AppendAll> {
        self.submit(AppendAll::new(to, messages).one_by_one())
    }

    /// Finds messages in several mailboxes: `ESEARCH IN (…)` (RFC 7377). Needs MULTISEARCH.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, SearchScope};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let scope = SearchScope::mailboxes(["INBOX"]).and(SearchScope::subtree(["Archive"]));
    /// for found in imap.search_in(scope, Search::from("alice")).await? {
    ///     println!("{} in {}", found.uids.len(), found.mailbox);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "MULTISEARCH")]
    #[doc(alias = "ESEARCH")]
    pub fn search_in(&self, scope: SearchScope, query: impl Into<Search>) -> Token<SearchIn> {
        self.submit(SearchIn::new(scope, query))
    }

    /// Makes URLs by which others can read messages: `GENURLAUTH` (RFC 4467 section 7). Needs
    /// URLAUTH.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let rump = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred";
    /// let urls = imap.url_auth([rump]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "GENURLAUTH")]
    pub fn url_auth<S: Into<String>>(&self, urls: impl IntoIterator<Item = S>) -> Token<GenUrlAuth> {
        self.submit(GenUrlAuth::new(urls))
    }

    /// Reads what is behind such URLs: `URLFETCH` (RFC 4467 section 7). Needs URLAUTH.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender, url: imap_duplex::command::Secret) -> imap_duplex::Result<()> {
    /// let found = imap.url_fetch([url]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "URLFETCH")]
    pub fn url_fetch<S: Into<Secret>>(&self, urls: impl IntoIterator<Item = S>) -> Token<UrlFetch> {
        self.submit(UrlFetch::new(urls))
    }

    /// Makes the URLs of a mailbox invalid, or those of all mailboxes: `RESETKEY` (RFC 4467 section
    /// 7). Needs URLAUTH.
    ///
    /// ```no_run
    /// # use imap_duplex::command::ResetKey;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.reset_url_keys(ResetKey::of("INBOX")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RESETKEY")]
    pub fn reset_url_keys(&self, which: ResetKey) -> Token<ResetKey> {
        self.submit(which)
    }
}
