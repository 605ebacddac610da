//! LIST: which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258, RFC 3501 section 6.3.9 for LSUB).

use super::mailboxes::Names;
use super::{Claim, Class, Command, Flow, Hears, Line, Session, Streaming};
use crate::error::Result;
use crate::types::{Answer, Done, ListEntry, Untagged};

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
    /// What has been told: the same once more is another command's.
    told: Names,
}

impl List {
    /// All mailboxes whose names fit this pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self { reference: String::new(), pattern: pattern.into(), subscribed: false, told: Names::default() }
    }

    /// Only those that the user has subscribed to.
    pub fn subscribed(mut self) -> Self {
        self.subscribed = true;
        self
    }

    /// The pattern counts from here on; how the two are put together is the server's affair (RFC 9051
    /// section 6.3.9).
    pub fn under(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    fn fits_loosely(&self, entry: &ListEntry) -> bool {
        let pattern = format!("{}{}", self.reference, self.pattern).to_lowercase();
        !self.reference.is_empty() || fits(&pattern, &entry.name.as_str().to_lowercase(), entry.delimiter)
    }

    fn fits(&self, entry: &ListEntry) -> bool {
        let pattern = format!("{}{}", self.reference, self.pattern);
        let name = entry.name.as_str();
        if self.pattern.is_empty() {
            // `LIST "" ""` asks for the delimiter (RFC 9051 section 6.3.9).
            return name.is_empty() || self.reference.starts_with(name);
        }
        fits(&pattern, name, entry.delimiter)
            // INBOX is INBOX in any case of letters.
            || entry.name.is_inbox() && fits(&pattern.to_ascii_uppercase(), name, entry.delimiter)
    }
}

/// Whether a name fits a pattern with `*` and `%`. Time grows with the product of the lengths.
fn fits(pattern: &str, name: &str, delimiter: Option<char>) -> bool {
    let name: Vec<char> = name.chars().collect();
    // at[i]: the pattern read so far fits the first i letters of the name.
    let mut at = vec![false; name.len() + 1];
    at[0] = true;
    for p in pattern.chars() {
        if p == '*' || p == '%' {
            for i in 1..=name.len() {
                at[i] |= at[i - 1] && (p == '*' || Some(name[i - 1]) != delimiter);
            }
        } else {
            for i in (1..=name.len()).rev() {
                at[i] = at[i - 1] && name[i - 1] == p;
            }
            at[0] = false;
        }
    }
    at[name.len()]
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
        Class::query().hearing(Hears::LIST.and(Hears::LSUB)).ours()
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

    fn claims(&self, heard: &Untagged) -> Claim {
        let entry = match heard.answer() {
            Answer::List(entry) => entry,
            Answer::Lsub(entry) if self.subscribed => entry,
            _ => return Claim::No,
        };
        match entry.old_name {
            // It tells of a renaming (RFC 5465 section 5.4).
            Some(_) => Claim::No,
            None if self.fits(entry) && !self.told.contains(&entry.name) => Claim::Whole,
            // What a reference means is the server's affair, and some take case of letters for nothing.
            None if self.fits(entry) || self.fits_loosely(entry) => Claim::Part,
            None => Claim::No,
        }
    }

    fn heard(&mut self, heard: &Untagged) {
        if let Answer::List(entry) | Answer::Lsub(entry) = heard.answer() {
            self.told.insert(&entry.name);
        }
    }

    fn item(heard: Untagged) -> Option<ListEntry> {
        match heard.into_answer() {
            Answer::List(entry) | Answer::Lsub(entry) => Some(entry),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<ListEntry>) -> Result<Vec<ListEntry>> {
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
        ];
        for (pattern, name, fit) in cases {
            assert_eq!(fits(pattern, name, Some('/')), fit, "{pattern} {name}");
        }
        assert!(fits("%", "a/b", None), "no levels: % is *");
        assert!(List::new("archive").fits_loosely(&ListEntry::new("Archive")));
        assert!(!List::new("archive").fits_loosely(&ListEntry::new("Archives")));
        assert!(List::new("inbox").fits(&ListEntry::new("INBOX")));
    }
}
