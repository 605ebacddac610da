//! LIST: which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258, RFC 3501 section 6.3.9 for
//! LSUB).

use std::collections::HashSet;

use super::mailboxes::NameSet;
use super::{Claim, Class, Command, Flow, Line, ResponseKinds, Session, Streaming};
use crate::error::Result;
use crate::types::{Answer, Done, ListEntry, MailboxName, Untagged, composed};

/// Which mailboxes to list.
///
/// In a pattern `*` stands for anything, `%` for anything within one level of names.
///
/// ```
/// use imap_duplex::command::List;
/// let all = List::new("*");
/// let top = List::new("%").subscribed();
/// # let _ = (all, top);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct List {
    reference: String,
    pattern: String,
    subscribed: bool,
    /// The names received so far: a repetition answers another command.
    received: NameSet,
}

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
        Self {
            reference: String::new(),
            pattern: pattern.into(),
            subscribed: false,
            received: NameSet::default(),
        }
    }

    /// Only subscribed mailboxes.
    pub fn subscribed(mut self) -> Self {
        self.subscribed = true;
        self
    }

    /// The pattern is relative to this; how the server combines the two is up to it (RFC 9051
    /// section 6.3.9).
    pub fn under(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    /// Whether the pattern matches this mailbox, by its name or by the name under which the client
    /// asked for it.
    fn fits(&self, entry: &ListEntry) -> bool {
        names_of(entry).any(|name| self.fits_name(name, entry.delimiter))
    }

    /// The same, for servers that ignore case, or with a reference, whose meaning is up to the
    /// server.
    fn fits_loosely(&self, entry: &ListEntry) -> bool {
        let pattern = format!("{}{}", self.reference, self.pattern);
        let pattern = composed(&pattern).to_lowercase();
        !self.reference.is_empty() || names_of(entry).any(|n| fits(&pattern, &n.folded(), entry.delimiter))
    }

    fn fits_name(&self, name: &MailboxName, delimiter: Option<char>) -> bool {
        if self.pattern.is_empty() {
            // `LIST "" ""` asks for the delimiter (RFC 9051 section 6.3.9).
            return name.as_str().is_empty() || self.reference.starts_with(name.as_str());
        }
        let pattern = format!("{}{}", self.reference, self.pattern);
        let (pattern, text) = (composed(&pattern), composed(name.as_str()));
        fits(&pattern, &text, delimiter)
            // INBOX is INBOX in any case of letters.
            || name.is_inbox() && fits(&pattern.to_ascii_uppercase(), &text, delimiter)
    }
}

/// The names that a row gives its mailbox. What it was called before a renaming is none of them.
fn names_of(entry: &ListEntry) -> impl Iterator<Item = &MailboxName> {
    let also = entry.old_name.as_ref().filter(|_| entry.renamed_from().is_none());
    [Some(&entry.name), also].into_iter().flatten()
}

/// Whether a name fits a pattern with `*` and `%`. Time grows with the product of the lengths,
/// memory with the pattern alone: the name is the server's.
fn fits(pattern: &str, name: &str, delimiter: Option<char>) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // at[i]: what has been read of the name fits the first i letters of the pattern.
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    // A wildcard fits nothing, too.
    let pass_on = |at: &mut [bool]| {
        for (i, p) in pattern.iter().enumerate() {
            at[i + 1] |= at[i] && matches!(p, '*' | '%');
        }
    };
    pass_on(&mut at);
    for letter in name.chars() {
        for (i, p) in pattern.iter().enumerate().rev() {
            at[i + 1] = match p {
                '*' => at[i + 1] || at[i],
                '%' => (at[i + 1] || at[i]) && Some(letter) != delimiter,
                p => at[i] && *p == letter,
            };
        }
        at[0] = false;
        pass_on(&mut at);
    }
    at[pattern.len()]
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
        Class::query().answered_by_kinds(ResponseKinds::LIST.and(ResponseKinds::LSUB)).ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        match (self.subscribed, session.can("LIST-EXTENDED")) {
            (true, true) => line.word("LIST").open().word("SUBSCRIBED").close(),
            (true, false) => line.word("LSUB"),
            (false, _) => line.word("LIST"),
        };
        line.mailbox(&self.reference.as_str().into()).list_pattern(&self.pattern);
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let entry = match response.answer() {
            Answer::List(entry) => entry,
            Answer::Lsub(entry) if self.subscribed => entry,
            _ => return Claim::No,
        };
        if self.fits(entry) && !self.received.contains(&entry.name) {
            Claim::Whole
        } else if self.fits(entry) || self.fits_loosely(entry) {
            Claim::Part
        } else {
            Claim::No
        }
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::List(entry) | Answer::Lsub(entry) = response.answer() {
            self.received.insert(&entry.name);
        }
    }

    fn item(response: Untagged) -> Option<ListEntry> {
        match response.into_answer() {
            Answer::List(entry) | Answer::Lsub(entry) => Some(entry),
            _ => None,
        }
    }

    fn finish(self, _: Done, mut items: Vec<ListEntry>) -> Result<Vec<ListEntry>> {
        // A renaming that was reported meanwhile is no row of the list where that has the mailbox
        // under its new name.
        let is_listed = |entry: &ListEntry| entry.renamed_from().is_none();
        if !items.iter().all(is_listed) {
            let listed: HashSet<_> = items.iter().filter(|e| is_listed(e)).map(|e| e.name.clone()).collect();
            items.retain(|entry| is_listed(entry) || !listed.contains(&entry.name));
        }
        Ok(items)
    }
}

impl Streaming for List {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_servers_fit_them() {
        let cases = [
            ("*", "a/b/c", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("%/b*", "a/b/c", true),
            ("a%b", "ab", true),
            ("abc", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*%", "a/b", true),
            ("%%", "ab", true),
            ("%*c", "a/b/c", true),
            ("%a%", "bab", true),
            ("%a%", "b/a", false),
        ];
        for (pattern, name, fit) in cases {
            assert_eq!(fits(pattern, name, Some('/')), fit, "{pattern} {name}");
        }
        assert!(fits("%", "a/b", None), "no levels: % is *");
        assert!(List::new("archive").fits_loosely(&ListEntry::new("Archive")));
        assert!(!List::new("archive").fits_loosely(&ListEntry::new("Archives")));
        assert!(List::new("inbox").fits(&ListEntry::new("INBOX")));
    }

    #[test]
    fn another_spelling_of_a_name_is_the_same_name() {
        let (composed, apart) = ("Entw\u{fc}rfe", "Entwu\u{308}rfe");
        assert!(List::new(apart).fits(&ListEntry::new(composed)));
        assert!(List::new(composed).fits(&ListEntry::new(apart)));
        let mut entry = ListEntry::new(composed);
        entry.old_name = Some(apart.into());
        assert_eq!(entry.renamed_from(), None);
        entry.old_name = Some("Drafts".into());
        assert_eq!(entry.renamed_from(), Some(&"Drafts".into()));
        assert!(!List::new("Dra*").fits(&entry), "that is not its name any more");
    }
}
