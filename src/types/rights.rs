//! Who may do what with a mailbox: access control lists (RFC 4314).

use std::fmt;

use super::heap_size::HeapSize;
use super::mailbox::MailboxName;

/// Rights on a mailbox, each a letter (RFC 4314 section 2.1).
///
/// `l` see it in lists, `r` read, `s` keep `\Seen`, `w` change other flags, `i` insert messages,
/// `p` post to its address, `k` create mailboxes below it, `x` delete or rename it, `t` set
/// `\Deleted`, `e` expunge, `a` administer these rights. Old servers use `c` and `d` for groups of
/// them; digits are specific to the server.
///
/// ```
/// use imap_duplex::types::Rights;
/// let rights = Rights::new("lrs");
/// assert!(rights.can('r') && !rights.can('i'));
/// assert_eq!(rights, Rights::to_read());
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Rights {
    letters: String,
}

impl Rights {
    /// The rights with these letters.
    #[must_use]
    pub fn new(letters: impl Into<String>) -> Self {
        Self { letters: letters.into() }
    }

    /// To find a mailbox and read it, and to mark messages as read: `lrs`.
    #[must_use]
    pub fn to_read() -> Self {
        Self::new("lrs")
    }

    /// To do all with its messages as well: change flags, put some there, remove some: `lrswite`.
    #[must_use]
    pub fn to_write() -> Self {
        Self::new("lrswite")
    }

    /// All that RFC 4314 knows: with the mailbox itself too, and with these rights.
    #[must_use]
    pub fn all() -> Self {
        Self::new("lrswipkxtea")
    }

    /// Whether the rights include this letter. Where a server uses only the old letters, those
    /// stand for the new ones that they were split into (RFC 4314 section 2.1.1).
    #[must_use]
    pub fn can(&self, letter: char) -> bool {
        let has = |letter| self.letters.contains(letter);
        let is_new = |letter: char| matches!(letter, 'k' | 'x' | 't' | 'e');
        has(letter)
            || match letter {
                'k' if has('c') => !self.letters.contains(is_new),
                'x' | 't' | 'e' if has('d') => !self.letters.contains(is_new),
                _ => false,
            }
    }

    /// The letters, as the server wrote them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.letters
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }
}

impl From<&str> for Rights {
    fn from(letters: &str) -> Self {
        Self::new(letters)
    }
}

impl From<String> for Rights {
    fn from(letters: String) -> Self {
        Self::new(letters)
    }
}

impl HeapSize for Rights {
    fn heap_size(&self) -> usize {
        self.letters.heap_size()
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.letters, f)
    }
}

/// `* ACL`: everyone with rights on a mailbox (RFC 4314 section 3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Acl {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Identifiers and their rights. An identifier that begins with `-` lists rights that are
    /// denied.
    pub entries: Vec<(String, Rights)>,
}

/// `* LISTRIGHTS`: the rights that can be granted to someone (RFC 4314 section 3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ListRights {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The identifier of a user or group.
    pub identifier: String,
    /// The rights that they always have.
    pub required: Rights,
    /// The rights that can be granted; the letters of one item only together.
    pub optional: Vec<Rights>,
}

/// `* MYRIGHTS`: the rights of this connection's user (RFC 4314 section 3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MyRights {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The user's rights.
    pub rights: Rights,
}

impl Acl {
    pub(crate) fn new(mailbox: MailboxName, entries: Vec<(String, Rights)>) -> Self {
        Self { mailbox, entries }
    }
}

impl ListRights {
    pub(crate) fn new(
        mailbox: MailboxName,
        identifier: String,
        required: Rights,
        optional: Vec<Rights>,
    ) -> Self {
        Self { mailbox, identifier, required, optional }
    }
}

impl MyRights {
    pub(crate) fn new(mailbox: MailboxName, rights: Rights) -> Self {
        Self { mailbox, rights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The substitution of RFC 4314 section 2.1.1.
    #[test]
    fn old_letters_stand_for_new_ones() {
        let old = Rights::new("lrswipcda");
        assert!(old.can('k') && old.can('x') && old.can('t') && old.can('e'));
        let new = Rights::new("lrswipcdt");
        assert!(new.can('t') && !new.can('e') && !new.can('k') && new.can('d'));
    }
}
