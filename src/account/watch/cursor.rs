//! Where a change stands among those of its mailbox: what is needed to acknowledge it.
//!
//! In: changes. Out: their places, which can be compared within a mailbox and a run, and be sent
//! elsewhere and back.

use std::cmp::Ordering;
use std::fmt;

use super::change::Change;
use super::key::MailboxKey;
use crate::types::MailboxName;

/// Where a change stands among all that a watch has delivered of its mailbox in this run: from
/// [`Change::cursor`]. It is all that [`Changes::ack_to`](super::Changes::ack_to) needs, so a
/// program can hand changes to workers and keep or send no more than this.
///
/// Two of one mailbox and run are ordered: to acknowledge one acknowledges all that are less.
/// Others are not, since changes that come again in another run may come as fewer; what says that
/// a change is the same then is [`Change::id`].
///
/// ```no_run
/// # async fn example(mut changes: imap_duplex::account::Changes) -> imap_duplex::Result<()> {
/// # fn work(_: imap_duplex::account::Change) {}
/// let change = changes.next().await.expect("a change")?;
/// let cursor = change.cursor();
/// work(change); // elsewhere
/// changes.ack_to(&cursor).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cursor {
    key: MailboxKey,
    /// The name of the mailbox at that time.
    mailbox: MailboxName,
    run: u64,
    number: u64,
}

impl Cursor {
    /// The identifier of the mailbox.
    #[must_use]
    pub fn mailbox_key(&self) -> &MailboxKey {
        &self.key
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place { key: &self.key, mailbox: &self.mailbox, run: self.run, number: self.number }
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let is_comparable = (&self.key, self.run) == (&other.key, other.run);
        is_comparable.then(|| self.number.cmp(&other.number))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:x}.{}", self.key, self.run, self.number)
    }
}

impl Change {
    /// Where it stands among the changes of its mailbox in this run.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let Self { key, mailbox, run, number, .. } = self;
        Cursor { key: key.clone(), mailbox: mailbox.clone(), run: *run, number: *number }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place { key: &self.key, mailbox: &self.mailbox, run: self.run, number: self.number }
    }
}

/// The same without what it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) key: &'a MailboxKey,
    pub(super) mailbox: &'a MailboxName,
    pub(super) run: u64,
    pub(super) number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_mailbox_and_run_are_ordered_and_no_others() {
        let key = |name: &str| MailboxKey::of_name(&name.into(), 0);
        let cursor = |name: &str, run, number| Cursor { key: key(name), mailbox: name.into(), run, number };
        assert!(cursor("a", 1, 2) < cursor("a", 1, 3) && cursor("a", 1, 3) <= cursor("a", 1, 3));
        assert_eq!(cursor("a", 1, 2).partial_cmp(&cursor("b", 1, 3)), None);
        assert_eq!(cursor("a", 1, 2).partial_cmp(&cursor("a", 2, 3)), None);
        assert_eq!(cursor("a", 255, 2).to_string(), "n:a ff.2");
        let renamed = Cursor { mailbox: "c".into(), ..cursor("a", 1, 3) };
        assert!(cursor("a", 1, 2) < renamed);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_survives_being_stored() {
        let key = MailboxKey::of_name(&"Entwürfe".into(), 1);
        let cursor = Cursor { key, mailbox: "Drafts".into(), run: u64::MAX, number: 7 };
        let text = serde_json::to_string(&cursor).expect("JSON");
        assert_eq!(serde_json::from_str::<Cursor>(&text).expect("a cursor"), cursor, "{text}");
    }
}
