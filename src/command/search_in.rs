//! ESEARCH: a search of several mailboxes at once (MULTISEARCH, RFC 7377).

use super::{Claim, Class, Command, Flow, Line, ResponseKinds, Search, SearchReturn, Session, Streaming};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, ModSeq, Uid, UidSet, UidValidity, Untagged};

/// Which mailboxes to search (RFC 7377 section 2.2).
///
/// ```
/// use imap_duplex::command::SearchScope;
/// let scope = SearchScope::mailboxes(["folder1"]).and(SearchScope::subtree(["folder2"]));
/// # let _ = scope;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SearchScope(Vec<(&'static str, Vec<MailboxName>)>);

impl SearchScope {
    /// All of the user's own.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::personal();
    /// # let _ = scope;
    /// ```
    pub fn personal() -> Self {
        Self(vec![("personal", Vec::new())])
    }

    /// The one that is selected: for searches that are submitted through a
    /// [`Mailbox`](crate::Mailbox), beside others.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::selected().and(SearchScope::subtree(["Archive"]));
    /// # let _ = scope;
    /// ```
    pub fn selected() -> Self {
        Self(vec![("selected", Vec::new())])
    }

    /// Those into which mail may be delivered.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::inboxes();
    /// # let _ = scope;
    /// ```
    pub fn inboxes() -> Self {
        Self(vec![("inboxes", Vec::new())])
    }

    /// Those that the user has subscribed to.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::subscribed();
    /// # let _ = scope;
    /// ```
    pub fn subscribed() -> Self {
        Self(vec![("subscribed", Vec::new())])
    }

    /// Those with these names.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::mailboxes(["INBOX", "Archive"]);
    /// # let _ = scope;
    /// ```
    pub fn mailboxes<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::named("mailboxes", names)
    }

    /// Those with these names, and all below them.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::subtree(["Archive"]);
    /// # let _ = scope;
    /// ```
    pub fn subtree<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::named("subtree", names)
    }

    /// Those with these names, and those right below them.
    ///
    /// ```
    /// # use imap_duplex::command::SearchScope;
    /// let scope = SearchScope::subtree_one(["Archive"]);
    /// # let _ = scope;
    /// ```
    pub fn subtree_one<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::named("subtree-one", names)
    }

    fn named<N: Into<MailboxName>>(filter: &'static str, names: impl IntoIterator<Item = N>) -> Self {
        Self(vec![(filter, names.into_iter().map(Into::into).collect())])
    }

    /// These, and those of the other.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// `ESEARCH IN (…)` (RFC 7377): finds messages in several mailboxes, selected or not. Needs
/// MULTISEARCH.
#[derive(Clone, Debug)]
#[must_use]
pub struct SearchIn {
    scope: SearchScope,
    search: SearchReturn,
}

/// What a [`SearchIn`] found in one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundIn {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Its UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The UIDs of the messages that fit; none if only others of these were asked for.
    pub uids: UidSet,
    /// The highest mod-sequence among them, where it was searched by.
    pub mod_seq: Option<ModSeq>,
    /// The lowest UID, where it was asked for.
    pub min: Option<Uid>,
    /// The highest UID, where it was asked for.
    pub max: Option<Uid>,
    /// How many fit, where it was asked for.
    pub count: Option<u64>,
    /// Those in the part that was asked for.
    pub partial: Option<UidSet>,
    /// How relevant each of them is, from 1 to 100, in their order (RFC 6203 section 4).
    pub relevancy: Vec<u8>,
    /// What else the server returned of it: name and value, as it wrote them.
    pub other: Vec<(String, String)>,
}

impl SearchIn {
    /// Finds these messages in those mailboxes. The query can't name UIDs, or build on a saved
    /// result. To have other things returned than the UIDs of all: [`SearchReturn::in_scope`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, SearchIn, SearchScope};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let search = SearchIn::new(SearchScope::personal(), Search::unseen().from("alice"));
    /// for found in imap.submit(search).await? {
    ///     println!("{} in {}", found.uids.len(), found.mailbox);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(scope: SearchScope, query: impl Into<Search>) -> Self {
        Self::of(scope, query.into().returning())
    }

    pub(super) fn of(scope: SearchScope, search: SearchReturn) -> Self {
        Self { scope, search }
    }
}

impl Command for SearchIn {
    type Item = FoundIn;
    type Output = Vec<FoundIn>;

    fn name(&self) -> &str {
        "ESEARCH"
    }

    fn class(&self) -> Class {
        let class = Class::query().answered_by_kinds(ResponseKinds::SEARCH).ours();
        let needs_selection = self.scope.0.iter().any(|(filter, _)| *filter == "selected");
        if needs_selection { class.in_mailbox() } else { class }
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("MULTISEARCH") {
            return Err(Error::unsupported("the server can't search several mailboxes (MULTISEARCH)"));
        }
        let query = &mut self.search.query;
        if query.within().is_some() || query.names_uids() {
            return Err(Error::invalid("UIDs and numbers mean something in one mailbox alone"));
        }
        self.search.check_several(session)?;
        line.word("ESEARCH").word("IN").open();
        for (filter, names) in &self.scope.0 {
            line.word(filter);
            match &names[..] {
                [] if matches!(*filter, "mailboxes" | "subtree" | "subtree-one") => {
                    return Err(Error::invalid("no mailbox is named to search"));
                }
                [] => {}
                names => {
                    let several = names.len() > 1;
                    if several {
                        line.open();
                    }
                    for name in names {
                        line.mailbox(name);
                    }
                    if several {
                        line.close();
                    }
                }
            }
        }
        line.close();
        if !self.search.is_default() {
            self.search.encode_return(line, session, false);
        }
        self.search.query.encode_criteria(line, session, false)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            // One with a tag has found its owner already.
            Answer::ESearch(found) if found.tag.is_none() && found.mailbox.is_some() => Claim::Whole,
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<FoundIn> {
        match response.into_answer() {
            Answer::ESearch(found) => Some(FoundIn {
                mailbox: found.mailbox?,
                uid_validity: found.uid_validity,
                uids: found.all.unwrap_or_default().into_uids(),
                mod_seq: found.mod_seq,
                min: found.min.and_then(Uid::new),
                max: found.max.and_then(Uid::new),
                count: found.count.map(u64::from),
                partial: found.partial.map(|part| part.numbers.to_set().into_uids()),
                relevancy: found.relevancy,
                other: found.other,
            }),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<FoundIn>) -> Result<Vec<FoundIn>> {
        Ok(items)
    }
}

impl Streaming for SearchIn {}
