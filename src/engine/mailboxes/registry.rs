//! What is known of each mailbox, as far as the server has said, so that a LIST or a STATUS is an
//! event only where it says something new (RFC 5465 sections 5.4, 5.5 and 5.9).
//!
//! In: LIST and STATUS, solicited or not; what our own commands changed. Out: the changes.
//!
//! ```text
//!   known state × LIST × what NOTIFY asks for ── changes_of ──> changes ──> events, new state
//!   a command of ours, OK ──> new state, unconfirmed: the same change in the next LIST is no event
//! ```

use std::collections::HashMap;

use crate::engine::mailboxes::notify::Watched;
use crate::types::{Event, EventKind, HeapSize, ListEntry, MailboxName, MailboxStatus, Place};

#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Of mailboxes that are not named here nothing is known.
    known: HashMap<MailboxName, Known>,
    /// There are more mailboxes than are kept.
    has_others: bool,
    /// What stands between the levels of names, by the last LIST.
    delimiter: Option<char>,
    /// The mailbox of the last unsolicited LIST, if it exists, and the delimiter of its name.
    last_reported: Option<(MailboxName, char)>,
}

/// What is known of a mailbox.
#[derive(Debug, Default, PartialEq)]
struct Known {
    exists: bool,
    /// It was subscribed to: then a LIST without `\Subscribed` may say that it no longer is.
    subscribed: bool,
    /// What our own command did to it last, as long as the server may still report it.
    unconfirmed: Option<Change>,
    lookup: Lookup,
    /// The counts that were reported as the answer to our STATUS, as long as NOTIFY may repeat
    /// them.
    counts: Option<Box<MailboxStatus>>,
}

/// Whether LIST (SUBSCRIBED) of a mailbox is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lookup {
    #[default]
    No,
    InFlight,
    /// And has to be sent again: a LIST was received meanwhile, and which was first can't be known.
    Repeat,
}

/// What has become of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Renamed,
    Deleted,
    NoAccess,
    Subscribed(bool),
}

impl Change {
    /// The event, of the mailbox that LIST names so.
    pub(super) fn event(self, entry: &ListEntry) -> Event {
        let mut mailbox = &entry.name;
        let kind = match self {
            Self::Created => EventKind::MailboxCreated(entry.clone()),
            Self::Renamed => {
                let from = entry.old_name.as_ref().unwrap_or(mailbox).clone();
                EventKind::MailboxRenamed { from }
            }
            Self::Deleted => {
                // Renamed to what can't be seen here, it is gone (RFC 5465 section 5.4).
                mailbox = entry.renamed_from().unwrap_or(mailbox);
                EventKind::MailboxDeleted
            }
            Self::NoAccess => EventKind::MailboxNoAccess,
            Self::Subscribed(subscribed) => EventKind::MailboxSubscribed { subscribed },
        };
        Event::new(kind).at(Some(Place { mailbox: mailbox.clone(), selection: None }))
    }
}

/// What an unsolicited LIST leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What has become of the mailbox itself.
    pub(super) change: Option<Change>,
    /// Whether it is subscribed to now.
    pub(super) subscribed: Option<bool>,
    /// Whether it is still subscribed to must be asked.
    pub(super) look_up: bool,
}

/// What an unsolicited LIST of a mailbox says that is new; `exists`: it may have existed before.
fn changes_of(known: &Known, exists: bool, entry: &ListEntry, lsub: bool, watched: Watched) -> Changes {
    let subscriptions_alone = watched.subscriptions && !watched.names;
    let change = if entry.has("\\NonExistent") {
        Some(Change::Deleted)
    } else if entry.renamed_from().is_some() {
        Some(Change::Renamed)
    } else if entry.has("\\NoAccess") {
        Some(Change::NoAccess)
    } else if lsub || subscriptions_alone || entry.old_name.is_some() && !watched.names {
        // Another spelling of the same mailbox is no change, unless that is what was asked.
        None
    } else {
        Some(Change::Created)
    };
    let is_there = !matches!(change, Some(Change::Deleted | Change::NoAccess));
    let is_echo = |change: &Change| match known.unconfirmed {
        // A mailbox that existed before is not created when we subscribe to it.
        Some(Change::Subscribed(_)) => exists && *change == Change::Created,
        unconfirmed => unconfirmed == Some(*change),
    };
    let change = change.filter(|change| !is_echo(change));
    // LIST surely says whether it is subscribed to only where that was asked. Dovecot leaves it out
    // of a mailbox that was created, so a known subscription is looked up.
    if !is_there || !lsub && !watched.subscriptions {
        return Changes { change, ..Changes::default() };
    }
    let subscribed = lsub || entry.has("\\Subscribed");
    let is_sure = subscribed || subscriptions_alone;
    let is_new = known.unconfirmed != Some(Change::Subscribed(subscribed));
    Changes {
        change,
        subscribed: Some(subscribed).filter(|_| is_sure && is_new),
        look_up: !is_sure && known.subscribed,
    }
}

/// How many mailboxes are kept, and how long their names may be.
const MAX_MAILBOXES: usize = 10_000;
const MAX_NAME: usize = 1000;

/// How many bytes of memory the counts of one may hold.
const MAX_COUNTS: usize = 2 * MAX_NAME;

impl Registry {
    /// Changes what is known of a mailbox. `false` if there is no room to keep it.
    fn update(&mut self, mailbox: &MailboxName, change: impl FnOnce(&mut Known)) -> bool {
        if let Some(known) = self.known.get_mut(mailbox) {
            change(known);
            if *known == Known::default() {
                self.known.remove(mailbox);
            }
            return true;
        }
        let mut known = Known::default();
        change(&mut known);
        let is_kept = mailbox.as_str().len() <= MAX_NAME && self.known.len() < MAX_MAILBOXES;
        if known != Known::default() && is_kept {
            self.known.insert(mailbox.clone(), known);
            return true;
        }
        known == Known::default()
    }

    fn set_exists(&mut self, mailbox: &MailboxName, exists: bool) {
        self.has_others |= !self.update(mailbox, |known| known.exists = exists);
    }

    pub(super) fn exists(&self, mailbox: &MailboxName) -> bool {
        self.known.get(mailbox).is_some_and(|known| known.exists)
    }

    /// LIST or LSUB has answered a command.
    pub(super) fn answered(&mut self, entry: &ListEntry, lsub: bool) {
        if !lsub {
            self.note(entry);
        }
        if lsub || entry.has("\\Subscribed") {
            self.update(&entry.name, |known| known.subscribed = true);
        }
    }

    /// Which mailboxes exist by this LIST.
    fn note(&mut self, entry: &ListEntry) {
        self.set_exists(&entry.name, !entry.has("\\NonExistent"));
        if let Some(from) = entry.renamed_from() {
            self.set_exists(from, false);
        }
        self.delimiter = entry.delimiter.or(self.delimiter);
    }

    /// Which mailboxes exist by this unsolicited LIST.
    pub(super) fn note_unsolicited(&mut self, entry: &ListEntry) {
        self.note(entry);
        let delimiter = entry.delimiter.filter(|_| !entry.has("\\NonExistent"));
        self.last_reported = delimiter.map(|delimiter| (entry.name.clone(), delimiter));
    }

    /// An unsolicited LIST that no command of ours explains.
    pub(super) fn listed(&mut self, entry: &ListEntry, lsub: bool, watched: Watched) -> Changes {
        let gone = entry.has("\\NonExistent");
        let exists = self.has_others || self.exists(&entry.name);
        let never_existed = gone && !exists && self.is_parent_of_last(entry);
        let unknown = Known::default();
        let known = self.known.get(&entry.name).unwrap_or(&unknown);
        let changes = changes_of(known, exists, entry, lsub, watched);
        if !lsub {
            self.note_unsolicited(entry);
        }
        if never_existed {
            return Changes::default();
        }
        if let Some(before) = entry.renamed_from().or(Some(&entry.name).filter(|_| gone)) {
            self.update(before, |known| known.subscribed = false);
        }
        self.update(&entry.name, |known| {
            // A later LIST is not about what we did.
            known.unconfirmed = None;
            known.subscribed = changes.subscribed.unwrap_or(known.subscribed);
        });
        changes
    }

    /// Whether LIST names the parent of the mailbox that it named last: RFC 5465 section 5.4 wants
    /// it reported with a mailbox that has just been created, even if it is none.
    fn is_parent_of_last(&self, entry: &ListEntry) -> bool {
        let Some((child, delimiter)) = &self.last_reported else { return false };
        let below = child.as_str().strip_prefix(entry.name.as_str());
        let name = below.and_then(|below| below.strip_prefix(*delimiter));
        (entry.has("\\HasChildren") || !entry.child_info.is_empty())
            && name.is_some_and(|name| !name.is_empty() && !name.contains(*delimiter))
    }

    /// A command of ours has changed a mailbox, which LIST names so; `is_echo_due`: the server will
    /// report it as well, and has not done so yet (RFC 5465 section 5).
    pub(super) fn changed(&mut self, change: Change, entry: &ListEntry, is_echo_due: bool) {
        match change {
            Change::Subscribed(subscribed) => {
                self.update(&entry.name, |known| known.subscribed = subscribed);
            }
            change => self.set_exists(&entry.name, change != Change::Deleted),
        }
        if let Some(from) = entry.old_name.as_ref().filter(|_| change == Change::Renamed) {
            self.set_exists(from, false);
        }
        if is_echo_due {
            self.update(&entry.name, |known| known.unconfirmed = Some(change));
        }
    }

    /// The name of the mailbox that CREATE makes: without the delimiter behind it (RFC 9051 section
    /// 6.3.4).
    pub(super) fn created_name(&self, mailbox: &MailboxName) -> MailboxName {
        without_delimiter(mailbox, self.delimiter).unwrap_or_else(|| mailbox.clone())
    }

    /// It must be asked whether this mailbox is still subscribed to. Whether that is to be sent
    /// now.
    pub(super) fn look_up(&mut self, mailbox: &MailboxName) -> bool {
        let mut before = Lookup::No;
        self.update(mailbox, |known| {
            before = known.lookup;
            known.lookup = if before == Lookup::No { Lookup::InFlight } else { Lookup::Repeat };
        });
        before == Lookup::No
    }

    /// That question has been answered; `found`: the mailbox is subscribed to.
    pub(super) fn looked_up(&mut self, mailbox: &MailboxName, found: bool) -> Changes {
        let mut changes = Changes::default();
        self.update(mailbox, |known| match std::mem::take(&mut known.lookup) {
            Lookup::Repeat => changes.look_up = true,
            _ if !found && std::mem::take(&mut known.subscribed) => changes.subscribed = Some(false),
            _ => {}
        });
        changes
    }

    /// The answer to our STATUS is reported.
    pub(super) fn counted(&mut self, status: &MailboxStatus) {
        let counts = Some(Box::new(status.clone())).filter(|status| status.heap_size() <= MAX_COUNTS);
        self.update(&status.name, |known| known.counts = counts);
    }

    /// Whether an unsolicited STATUS says nothing but what was reported as the answer to ours: the
    /// server may have had it in flight, once.
    pub(super) fn repeats_counts(&mut self, status: &MailboxStatus) -> bool {
        let mut counts = None;
        self.update(&status.name, |known| counts = known.counts.take());
        counts.is_some_and(|counts| {
            let mut status = status.clone();
            status.add_missing((*counts).clone());
            status == *counts
        })
    }
}

/// The name that LIST uses for what CREATE with this name has made, if it is another: less the
/// delimiter.
pub(super) fn without_delimiter(mailbox: &MailboxName, delimiter: Option<char>) -> Option<MailboxName> {
    let name = mailbox.as_str().strip_suffix(delimiter?)?;
    Some(MailboxName::exact(name)).filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Change::{Created, Deleted, NoAccess, Renamed, Subscribed};
    use super::*;

    const NAMES: Watched = Watched { names: true, subscriptions: false };
    const SUBSCRIPTIONS: Watched = Watched { names: false, subscriptions: true };
    const BOTH: Watched = Watched { names: true, subscriptions: true };
    const NOTHING: Watched = Watched { names: false, subscriptions: false };

    fn entry(attributes: &str, old_name: Option<&str>) -> ListEntry {
        let attributes = attributes.split_whitespace().map(str::to_owned).collect();
        ListEntry { attributes, old_name: old_name.map(MailboxName::new), ..ListEntry::new("a") }
    }

    /// Known state × unsolicited LIST of the mailbox × what NOTIFY asks for → changes.
    #[test]
    fn a_list_is_what_is_new_in_it() {
        let nothing = Known::default;
        let exists = || Known { exists: true, ..nothing() };
        let subscribed = || Known { subscribed: true, ..nothing() };
        let ours = |change| Known { unconfirmed: Some(change), ..exists() };
        let none = Changes::default();
        let change = |change| Changes { change: Some(change), ..none };
        let is = |subscribed| Changes { subscribed: Some(subscribed), ..none };
        let both =
            |change, subscribed| Changes { change: Some(change), subscribed: Some(subscribed), ..none };
        let (gone, sub) = ("\\NonExistent", "\\Subscribed");
        for (known, list, old_name, watched, expected) in [
            // Every LIST of a mailbox that is there is a change of it: of its attributes, if it
            // existed.
            (nothing(), "", None, NAMES, change(Created)),
            (exists(), "", None, NAMES, change(Created)),
            (nothing(), "", None, NOTHING, change(Created)),
            (nothing(), "\\NoAccess", None, NAMES, change(NoAccess)),
            (exists(), gone, None, NAMES, change(Deleted)),
            (nothing(), gone, None, SUBSCRIPTIONS, change(Deleted)),
            (exists(), "", Some("b"), NAMES, change(Renamed)),
            (exists(), gone, Some("b"), NAMES, change(Deleted)),
            // The same name in another spelling.
            (exists(), "", Some("a"), NAMES, change(Created)),
            (exists(), "", Some("a"), NOTHING, none),
            // Whether it is subscribed to is in LIST only where that was asked.
            (nothing(), sub, None, NAMES, change(Created)),
            (nothing(), sub, None, SUBSCRIPTIONS, is(true)),
            (subscribed(), "", None, SUBSCRIPTIONS, is(false)),
            (nothing(), sub, None, BOTH, both(Created, true)),
            (nothing(), "", None, BOTH, change(Created)),
            (subscribed(), "", None, BOTH, Changes { look_up: true, ..change(Created) }),
            (subscribed(), gone, None, BOTH, change(Deleted)),
            // What we did ourselves is confirmed by it, and nothing else is.
            (ours(Created), "", None, NAMES, none),
            (ours(Created), gone, None, NAMES, change(Deleted)),
            (ours(Created), sub, None, BOTH, is(true)),
            (ours(Renamed), "", Some("b"), NAMES, none),
            (Known { unconfirmed: Some(Deleted), ..nothing() }, gone, None, NAMES, none),
            (Known { unconfirmed: Some(Deleted), ..nothing() }, "", None, NAMES, change(Created)),
            (ours(Subscribed(true)), sub, None, BOTH, none),
            (ours(Subscribed(true)), sub, None, SUBSCRIPTIONS, none),
            (ours(Subscribed(true)), "", None, SUBSCRIPTIONS, is(false)),
            (ours(Subscribed(false)), "", None, BOTH, none),
            (Known { exists: false, ..ours(Subscribed(true)) }, sub, None, BOTH, change(Created)),
        ] {
            let changes = changes_of(&known, known.exists, &entry(list, old_name), false, watched);
            assert_eq!(changes, expected, "{known:?}, LIST ({list}), old name {old_name:?}, {watched:?}");
        }
        // LSUB says that one is subscribed to, and nothing else.
        let lsub = |known| changes_of(&known, false, &entry("", None), true, NOTHING);
        assert_eq!((lsub(nothing()), lsub(ours(Subscribed(true)))), (is(true), none));
    }

    #[test]
    fn no_more_is_kept_than_the_bounds_allow() {
        let mut registry = Registry::default();
        let list = |registry: &mut Registry, name: &str, attributes: &str| {
            registry.listed(&ListEntry { name: name.into(), ..entry(attributes, None) }, false, BOTH)
        };
        list(&mut registry, &"x".repeat(MAX_NAME + 1), "");
        assert!(registry.known.is_empty() && registry.has_others);
        for n in 0..=MAX_MAILBOXES {
            list(&mut registry, &n.to_string(), "\\Subscribed");
        }
        assert_eq!(registry.known.len(), MAX_MAILBOXES);
        // Of what is gone nothing is known.
        list(&mut registry, "0", "\\NonExistent");
        assert_eq!(registry.known.len(), MAX_MAILBOXES - 1);
    }

    #[test]
    fn counts_are_repeated_once_and_only_if_they_say_nothing_new() {
        let counts = |messages, unseen| {
            let mut status = MailboxStatus::new("a");
            (status.messages, status.unseen) = (messages, unseen);
            status
        };
        for (said, repeats) in [(counts(Some(3), None), true), (counts(Some(4), Some(1)), false)] {
            let mut registry = Registry::default();
            registry.counted(&counts(Some(3), Some(1)));
            assert_eq!(registry.repeats_counts(&said), repeats);
            assert!(!registry.repeats_counts(&said), "once");
        }
    }
}
