//! LIST: which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258, RFC 3501 section 6.3.9 for
//! LSUB), with what is known of each.
//!
//! In: patterns, what to select by and what to return. Out: one line of LIST where the server takes
//! all of it; else the lines that come to the same (`plan`); and the entries, each with what
//! arrived beside it.

mod join;
mod pattern;
mod plan;
#[cfg(test)]
mod tests;

use self::join::joined;
#[cfg(not(feature = "account"))]
use self::pattern::fits;
#[cfg(feature = "account")]
pub(crate) use self::pattern::fits;
use self::plan::Plan;
use super::mailboxes::NameSet;
use super::{Claim, Class, Command, Flow, Line, ResponseKinds, Session, StatusItems, Streaming};
use crate::error::Result;
use crate::types::{
    Answer, Done, ListEntry, MailboxName, MetadataValue, Status, StatusResponse, Untagged, composed,
};

/// Which mailboxes to list, and what to tell of each.
///
/// In a pattern `*` stands for anything, `%` for anything within one level of names.
///
/// ```
/// use imap_duplex::command::{List, StatusItems};
/// let all = List::new("*");
/// let top = List::new("%").subscribed();
/// let counted = List::new("INBOX").or("Work/*").with_status(StatusItems::unseen());
/// # let _ = (all, top, counted);
/// ```
///
/// What the server lacks is replaced where that comes to the same: `LSUB` for the subscribed ones,
/// a line for each pattern, XLIST for special uses; and counts, rights and annotations are asked
/// for mailbox by mailbox, in one further round trip. [`strict`](List::strict) forbids that. Where
/// nothing comes to the same the command fails, unsent, with
/// [`Unsupported`](crate::ErrorKind::Unsupported), which names the capability. So it does, after
/// LIST, if more than 100,000 mailboxes would have to be asked one by one.
///
/// Read as a [stream](crate::Token::stream), counts, rights and annotations are entries of their
/// own that have only the name and these, as they arrive; and a mailbox that fits several patterns
/// may be there twice, if the server does not take them together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct List {
    reference: String,
    patterns: Vec<String>,
    by: Selection,
    with: Returned,
    /// No replacements.
    strict: bool,
    plan: Option<Plan>,
    /// The names received so far: a repetition answers another command.
    received: NameSet,
    /// The same, of STATUS, MYRIGHTS and METADATA.
    received_data: [NameSet; 3],
    /// The mailboxes that are to be asked one by one.
    found: Vec<MailboxName>,
}

/// What mailboxes are selected by (RFC 5258 section 3.1, RFC 6154 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Selection {
    subscribed: bool,
    remote: bool,
    recursive: bool,
    special_use: bool,
    /// By the command LSUB.
    lsub: bool,
}

/// What is returned of them (RFC 5258 section 3.2, RFC 5819, RFC 6154, RFC 8440, RFC 9590).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Returned {
    subscribed: bool,
    children: bool,
    special_use: bool,
    status: Option<StatusItems>,
    my_rights: bool,
    metadata: Vec<String>,
}

impl Returned {
    /// Whether there are answers other than LIST.
    fn has_data(&self) -> bool {
        self.status.is_some() || self.my_rights || !self.metadata.is_empty()
    }
}

/// How many mailboxes are asked one by one at most; one more is kept to notice.
const MAX_FOUND: usize = 100_000;

impl List {
    /// All mailboxes whose names fit this pattern.
    ///
    /// ```no_run
    /// # use imap_duplex::command::List;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let subscribed = imap.list(List::new("*").subscribed()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(pattern: impl Into<String>) -> Self {
        Self::exact(composed(&pattern.into()).into_owned())
    }

    /// The pattern is sent as it is: it is, or holds, a name that a server gave. (`*` and `%` in a
    /// name are wildcards all the same.)
    pub(crate) fn exact(pattern: String) -> Self {
        Self {
            reference: String::new(),
            patterns: vec![pattern],
            by: Selection::default(),
            with: Returned::default(),
            strict: false,
            plan: None,
            received: NameSet::default(),
            received_data: Default::default(),
            found: Vec::new(),
        }
    }

    /// And those that fit this pattern.
    ///
    /// ```
    /// # use imap_duplex::command::List;
    /// let both = List::new("INBOX").or("Drafts").or("Sent/%");
    /// # let _ = both;
    /// ```
    pub fn or(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(composed(&pattern.into()).into_owned());
        self
    }

    /// And those that fit this pattern, which is sent as it is.
    #[cfg(feature = "account")]
    pub(crate) fn or_exact(mut self, pattern: String) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// Only subscribed mailboxes.
    #[doc(alias = "SUBSCRIBED")]
    pub fn subscribed(mut self) -> Self {
        self.by.subscribed = true;
        self
    }

    /// Only subscribed mailboxes, by the command `LSUB` of IMAP4rev1 (RFC 3501 section 6.3.9), even
    /// where the server has LIST-EXTENDED (one of IMAP4rev2 alone has no LSUB): with `%`, names
    /// above subscribed ones are there as `\Noselect`.
    #[doc(alias = "LSUB")]
    pub fn lsub(mut self) -> Self {
        (self.by.subscribed, self.by.lsub) = (true, true);
        self
    }

    /// Mailboxes on other servers too, of which this one knows (`REMOTE`, RFC 5258 section 3.1).
    /// Needs LIST-EXTENDED.
    #[doc(alias = "REMOTE")]
    pub fn remote(mut self) -> Self {
        self.by.remote = true;
        self
    }

    /// And those above one that is selected, if their names fit: they have
    /// [`child_info`](ListEntry::child_info) (`RECURSIVEMATCH`, RFC 5258 section 3.1). Needs
    /// LIST-EXTENDED, and [`subscribed`](List::subscribed) or [`special_use`](List::special_use)
    /// beside it.
    ///
    /// ```no_run
    /// # use imap_duplex::command::List;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// // The top level, with what has subscribed mailboxes below it.
    /// for mailbox in imap.list(List::new("%").subscribed().recursive_match()).await? {
    ///     println!("{}: {}", mailbox.name, mailbox.child_info.join(" "));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RECURSIVEMATCH")]
    pub fn recursive_match(mut self) -> Self {
        self.by.recursive = true;
        self
    }

    /// Only mailboxes for a special use, such as drafts:
    /// [`ListEntry::special_uses`](ListEntry::special_uses) has which. Needs SPECIAL-USE (RFC 6154)
    /// or XLIST, by which Gmail and others had the same before. For one use:
    /// [`Sender::mailbox_for`](crate::Sender::mailbox_for).
    ///
    /// ```no_run
    /// # use imap_duplex::command::List;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for mailbox in imap.list(List::new("*").special_use()).await? {
    ///     println!("{} is for {:?}", mailbox.name, mailbox.special_uses().collect::<Vec<_>>());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("SPECIAL-USE", "XLIST"))]
    pub fn special_use(mut self) -> Self {
        self.by.special_use = true;
        self
    }

    /// With `\Subscribed` at each that is subscribed to. Needs LIST-EXTENDED.
    pub fn with_subscriptions(mut self) -> Self {
        self.with.subscribed = true;
        self
    }

    /// With `\HasChildren` or `\HasNoChildren` at each. Needs LIST-EXTENDED or CHILDREN (RFC 3348).
    #[doc(alias = "CHILDREN")]
    pub fn with_children(mut self) -> Self {
        self.with.children = true;
        self
    }

    /// With what each is for, such as `\Sent`: see [`special_use`](List::special_use).
    pub fn with_special_use(mut self) -> Self {
        self.with.special_use = true;
        self
    }

    /// With counts of each, in [`ListEntry::status`]; `None` where the server can't count, as of a
    /// name that can't be selected. Without LIST-STATUS (RFC 5819) each mailbox is asked.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{List, StatusItems};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// for mailbox in imap.list(List::new("*").with_status(StatusItems::unseen())).await? {
    ///     let unseen = mailbox.status.and_then(|status| status.unseen);
    ///     println!("{}: {unseen:?}", mailbox.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "LIST-STATUS")]
    pub fn with_status(mut self, items: StatusItems) -> Self {
        self.with.status = Some(items);
        self
    }

    /// With this user's rights on each, in [`ListEntry::my_rights`]. Without LIST-MYRIGHTS (RFC
    /// 8440) each mailbox is asked; that needs ACL.
    #[doc(alias = "LIST-MYRIGHTS")]
    pub fn with_my_rights(mut self) -> Self {
        self.with.my_rights = true;
        self
    }

    /// With these annotations of each, in [`ListEntry::metadata`]. Without LIST-METADATA (RFC 9590)
    /// each mailbox is asked; that needs METADATA.
    #[doc(alias = "LIST-METADATA")]
    pub fn with_metadata(mut self, entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with.metadata.extend(entries.into_iter().map(Into::into));
        self
    }

    /// The patterns are relative to this; how the server combines the two is up to it (RFC 9051
    /// section 6.3.9).
    pub fn under(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    /// Nothing else in place of what the server lacks: one line, as asked for, or an error that
    /// names the capability.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Whether a pattern matches this mailbox, by its name or by the name under which the client
    /// asked for it.
    fn fits(&self, entry: &ListEntry) -> bool {
        names_of(entry).any(|name| self.patterns.iter().any(|p| self.fits_name(p, name, entry.delimiter)))
    }

    /// The same, for servers that ignore case, or with a reference, whose meaning is up to the
    /// server.
    fn fits_loosely(&self, entry: &ListEntry) -> bool {
        let fits = |pattern: &String| {
            let pattern = format!("{}{pattern}", self.reference);
            let pattern = composed(&pattern).to_lowercase();
            names_of(entry).any(|n| fits(&pattern, &n.folded(), entry.delimiter))
        };
        !self.reference.is_empty() || self.patterns.iter().any(fits)
    }

    fn fits_name(&self, pattern: &str, name: &MailboxName, delimiter: Option<char>) -> bool {
        if pattern.is_empty() {
            // `LIST "" ""` asks for the delimiter (RFC 9051 section 6.3.9).
            return name.as_str().is_empty() || self.reference.starts_with(name.as_str());
        }
        let pattern = format!("{}{pattern}", self.reference);
        let (pattern, text) = (composed(&pattern), composed(name.as_str()));
        fits(&pattern, &text, delimiter)
            // INBOX is INBOX in any case of letters.
            || name.is_inbox() && fits(&pattern.to_ascii_uppercase(), &text, delimiter)
    }

    /// Which of the answers beside LIST this is, if it was asked for.
    fn place_of_data(&self, response: &Untagged) -> Option<usize> {
        match response.answer() {
            Answer::MailboxStatus(_) if self.with.status.is_some() => Some(0),
            Answer::MyRights(_) if self.with.my_rights => Some(1),
            // A change that is reported has names alone (RFC 5464 section 4.4.2).
            Answer::Metadata(annotations) if !self.with.metadata.is_empty() => {
                let is_change = |value: &MetadataValue| matches!(value, MetadataValue::Changed);
                (!annotations.entries.iter().any(|entry| is_change(&entry.value))).then_some(2)
            }
            _ => None,
        }
    }

    fn claims_data(&self, response: &Untagged) -> Claim {
        let (Some(place), Some(name)) = (self.place_of_data(response), response.answer().mailbox()) else {
            return Claim::No;
        };
        let lacks = |response: &Untagged| match (response.answer(), &self.with.status) {
            (Answer::MailboxStatus(status), Some(items)) => items.lacks(status),
            _ => false,
        };
        let is_new = !self.received_data.get(place).is_some_and(|names| names.contains(name));
        if self.received.contains(name) && is_new && !lacks(response) {
            Claim::Whole
        } else if self.fits_loosely(&ListEntry::new(name.clone())) {
            Claim::Part
        } else {
            Claim::No
        }
    }
}

/// The names that a row gives its mailbox. What it was called before a renaming is none of them.
fn names_of(entry: &ListEntry) -> impl Iterator<Item = &MailboxName> {
    let also = entry.old_name.as_ref().filter(|_| entry.renamed_from().is_none());
    [Some(&entry.name), also].into_iter().flatten()
}

impl<S: Into<String>> From<S> for List {
    fn from(pattern: S) -> Self {
        Self::new(pattern)
    }
}

impl Command for List {
    type Item = ListEntry;
    type Output = Vec<ListEntry>;

    fn name(&self) -> &str {
        "LIST"
    }

    fn class(&self) -> Class {
        if self.with.has_data() {
            // Held apart from what else is answered so: by the engine's rule for commands of which
            // it does not know what they ask for.
            return Class::query().answered_by(&["LIST", "LSUB", "STATUS", "MYRIGHTS", "METADATA"]);
        }
        Class::query().answered_by_kinds(ResponseKinds::LIST.and(ResponseKinds::LSUB)).ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let mut plan = match self.plan.take() {
            Some(plan) => plan,
            None => Plan::of(self, session)?,
        };
        let flow = plan.write_next(self, line)?;
        self.plan = Some(plan);
        Ok(flow)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let entry = match response.answer() {
            Answer::List(entry) => entry,
            Answer::Lsub(entry) if self.by.subscribed => entry,
            _ => return self.claims_data(response),
        };
        if self.fits(entry) && !self.received.contains(&entry.name) {
            Claim::Whole
        } else if self.fits(entry) || self.fits_loosely(entry) {
            Claim::Part
        } else {
            Claim::No
        }
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        match response.answer() {
            Answer::List(entry) if self.plan.as_ref().is_some_and(Plan::keeps_special_alone) => {
                entry.special_uses().next().is_some()
            }
            _ => true,
        }
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        // A mailbox that refuses one of these questions is listed without the answer (RFC 5819
        // section 2).
        status.status == Status::No && self.plan.as_ref().is_some_and(Plan::asks_one_by_one)
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::List(entry) | Answer::Lsub(entry) = response.answer() {
            let is_new = !self.received.contains(&entry.name);
            self.received.insert(&entry.name);
            let asks_apart = self.plan.as_ref().is_some_and(Plan::asks_apart);
            if asks_apart && is_new && entry.is_selectable() && self.found.len() <= MAX_FOUND {
                self.found.push(entry.name.clone());
            }
        } else if let (Some(place), Some(name)) = (self.place_of_data(response), response.answer().mailbox())
            && let Some(names) = self.received_data.get_mut(place)
        {
            names.insert(name);
        }
    }

    fn item(response: Untagged) -> Option<ListEntry> {
        match response.into_answer() {
            Answer::List(entry) => Some(*entry),
            Answer::Lsub(mut entry) => {
                // As LIST has it; a name above a subscribed one has \Noselect (RFC 3501 section
                // 6.3.9).
                if entry.is_selectable() && !entry.has("\\Subscribed") {
                    entry.attributes.push("\\Subscribed".to_owned());
                }
                Some(*entry)
            }
            Answer::MailboxStatus(status) => {
                let name = status.name.clone();
                Some(ListEntry { status: Some(status), ..ListEntry::new(name) })
            }
            Answer::MyRights(rights) => {
                let my_rights = Some(Box::new(rights.rights));
                Some(ListEntry { my_rights, ..ListEntry::new(rights.mailbox) })
            }
            Answer::Metadata(metadata) => {
                let name = metadata.mailbox.clone()?;
                Some(ListEntry { metadata: Some(metadata), ..ListEntry::new(name) })
            }
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<ListEntry>) -> Result<Vec<ListEntry>> {
        Ok(joined(items))
    }
}

impl Streaming for List {}
