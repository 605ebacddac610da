//! What a mailbox is for: drafts, sent mail and the like (RFC 6154, RFC 8457).

use std::fmt;

use super::mailbox::ListEntry;

/// What a mailbox is for (RFC 6154 section 2, RFC 8457).
///
/// ```
/// use imap_duplex::types::SpecialUse;
/// assert_eq!(SpecialUse::new("\\sent"), SpecialUse::Sent);
/// assert_eq!(SpecialUse::Sent.as_str(), "\\Sent");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// All messages: usually a view of the other mailboxes.
    All,
    /// Archived messages.
    Archive,
    /// Drafts.
    Drafts,
    /// Messages with `\Flagged`: usually a view of the other mailboxes.
    Flagged,
    /// Messages that matter to the user (RFC 8457): usually a view of the other mailboxes.
    Important,
    /// Unwanted mail.
    Junk,
    /// Copies of what was sent.
    Sent,
    /// Deleted messages.
    Trash,
    /// Another use, such as `\Memos`.
    #[non_exhaustive]
    Other {
        /// Its attribute, with the backslash.
        attribute: String,
    },
}

/// Each with the attributes that stand for it: that of RFC 6154, and what XLIST calls it.
const KNOWN: [(SpecialUse, &str, &str); 8] = [
    (SpecialUse::All, "\\All", "\\AllMail"),
    (SpecialUse::Archive, "\\Archive", "\\Archive"),
    (SpecialUse::Drafts, "\\Drafts", "\\Drafts"),
    (SpecialUse::Flagged, "\\Flagged", "\\Starred"),
    (SpecialUse::Important, "\\Important", "\\Important"),
    (SpecialUse::Junk, "\\Junk", "\\Spam"),
    (SpecialUse::Sent, "\\Sent", "\\Sent"),
    (SpecialUse::Trash, "\\Trash", "\\Trash"),
];

impl SpecialUse {
    /// The use with this attribute, such as `\Sent`; case does not matter.
    #[must_use]
    pub fn new(attribute: impl Into<String>) -> Self {
        let attribute = attribute.into();
        Self::of(&attribute).unwrap_or(Self::Other { attribute })
    }

    /// The use that an attribute in LIST or XLIST stands for, if it is a known one.
    fn of(attribute: &str) -> Option<Self> {
        let is = |name: &str| attribute.eq_ignore_ascii_case(name);
        KNOWN.iter().find(|(_, name, old)| is(name) || is(old)).map(|(usage, ..)| usage.clone())
    }

    /// Its attribute: `\Sent`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other { attribute } => attribute,
            known => KNOWN.iter().find(|(usage, ..)| usage == known).map_or("", |(_, name, _)| name),
        }
    }
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for SpecialUse {
    fn from(attribute: &str) -> Self {
        Self::new(attribute)
    }
}

impl From<String> for SpecialUse {
    fn from(attribute: String) -> Self {
        Self::new(attribute)
    }
}

impl ListEntry {
    /// What it is for, as far as the server says so and the library knows the use; also by the
    /// names of XLIST, such as `\Spam`. Servers report it if
    /// [asked](crate::command::List::with_special_use), many always.
    ///
    /// ```
    /// # use imap_duplex::types::{ListEntry, SpecialUse};
    /// let mut entry = ListEntry::new("Sent Items");
    /// entry.attributes = vec!["\\HasNoChildren".into(), "\\Sent".into()];
    /// assert!(entry.special_uses().eq([SpecialUse::Sent]));
    /// ```
    pub fn special_uses(&self) -> impl Iterator<Item = SpecialUse> + '_ {
        self.attributes.iter().filter_map(|attribute| SpecialUse::of(attribute))
    }

    /// Whether it is for this.
    #[must_use]
    pub fn is_for(&self, usage: &SpecialUse) -> bool {
        self.has(usage.as_str()) || self.special_uses().any(|of| of == *usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of RFC 6154 and those of XLIST, in any case.
    #[test]
    fn both_names_of_a_use_are_one() {
        for (usage, name, old) in KNOWN {
            assert_eq!((usage.as_str(), usage.to_string()), (name, name.to_owned()));
            for spelt in [name.to_owned(), name.to_lowercase(), old.to_uppercase()] {
                assert_eq!(SpecialUse::from(&*spelt), usage);
            }
        }
        assert_eq!(SpecialUse::new("\\Memos").as_str(), "\\Memos");
        let mut entry = ListEntry::new("x");
        entry.attributes = vec!["\\Noselect".into(), "\\Memos".into(), "\\Spam".into()];
        assert!(entry.special_uses().eq([SpecialUse::Junk]));
        assert!(entry.is_for(&SpecialUse::new("\\memos")) && !entry.is_for(&SpecialUse::Sent));
    }
}
