//! Which mailboxes a watch is of: by name, pattern, special use, subscription, or all of them.
//!
//! In: what a user names. Out: the LIST that finds them, which of its entries count, and the NOTIFY
//! that reports what changes in them.

use std::collections::BTreeSet;

use crate::command::{List, Notify, NotifyEvent};
use crate::types::{Capabilities, ListEntry, MailboxName, SpecialUse, composed};

/// More patterns than this are asked for as one: all.
const MAX_PATTERNS: usize = 50;

/// One way to name mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Names(BTreeSet<MailboxName>),
    Patterns(Vec<String>),
    Uses(Vec<SpecialUse>),
    Subscribed,
}

/// Mailboxes that any of these names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection(Vec<Which>);

impl Selection {
    pub(super) fn new(which: Which) -> Self {
        Self(vec![which])
    }

    /// As a store keeps it: a line for each name, pattern and use.
    pub(super) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        let mut line = |kind: &str, what: &str| {
            lines.push(format!("{kind} {}", what.replace('\\', "\\\\").replace('\n', "\\n")));
        };
        for which in &self.0 {
            match which {
                Which::All => line("all", ""),
                Which::Names(names) => names.iter().for_each(|name| line("name", name.as_str())),
                Which::Patterns(patterns) => patterns.iter().for_each(|pattern| line("pattern", pattern)),
                Which::Uses(uses) => uses.iter().for_each(|usage| line("use", usage.as_str())),
                Which::Subscribed => line("subscribed", ""),
            }
        }
        lines.join("\n")
    }

    /// The inverse; what a later version has written and this one does not know may be of any.
    pub(super) fn from_text(text: &str) -> Self {
        let which = text.lines().map(|line| {
            let (kind, what) = line.split_once(' ').unwrap_or((line, ""));
            let what = unescaped(what);
            match kind {
                "name" => Which::Names([MailboxName::exact(what)].into()),
                "pattern" => Which::Patterns(vec![what]),
                "use" => Which::Uses(vec![SpecialUse::new(&what)]),
                "subscribed" => Which::Subscribed,
                _ => Which::All,
            }
        });
        Self(which.collect())
    }

    pub(super) fn or(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether a mailbox that is there may come to be watched later: by a subscription, a use,
    /// another name. Where names are given, one that gets such a name is as good as new.
    pub(super) fn is_open(&self) -> bool {
        !self.0.contains(&Which::All) && !self.0.iter().all(|which| matches!(which, Which::Names(_)))
    }

    /// Whether subscriptions count, beside other things.
    fn reads_subscriptions(&self) -> bool {
        self.0.contains(&Which::Subscribed)
    }

    /// The command that finds the subscribed ones, where that which finds all does not tell them.
    /// Alone it is not enough: it finds mailboxes that are gone, too, whose subscriptions a server
    /// keeps.
    pub(super) fn list_subscribed(&self, capabilities: &Capabilities) -> Option<List> {
        let is_apart = self.reads_subscriptions() && !tells_subscriptions(capabilities);
        is_apart.then(|| List::new("*").subscribed())
    }

    /// Whether all that [`list`](Self::list) finds is subscribed: nothing else is asked for then,
    /// and some servers do not mark it.
    pub(super) fn lists_subscribed_alone(&self, capabilities: &Capabilities) -> bool {
        *self.0 == [Which::Subscribed] && tells_subscriptions(capabilities)
    }

    /// The command that finds them, perhaps among others.
    pub(super) fn list(&self, capabilities: &Capabilities) -> List {
        if self.lists_subscribed_alone(capabilities) {
            return List::new("*").subscribed();
        }
        let mut patterns: Vec<&str> = Vec::new();
        let mut is_named = true;
        for which in &self.0 {
            match which {
                Which::Names(names) => patterns.extend(names.iter().map(MailboxName::as_str)),
                Which::Patterns(all) => patterns.extend(all.iter().map(String::as_str)),
                Which::All | Which::Uses(_) | Which::Subscribed => is_named = false,
            }
        }
        if !is_named || patterns.len() > MAX_PATTERNS {
            patterns.clear();
        }
        let mut patterns = patterns.into_iter().map(str::to_owned);
        let list = List::exact(patterns.next().unwrap_or_else(|| "*".to_owned()));
        let mut list = patterns.fold(list, List::or_exact);
        if self.reads_subscriptions() && tells_subscriptions(capabilities) {
            list = list.with_subscriptions();
        }
        let has_uses = capabilities.has("SPECIAL-USE") || capabilities.has("XLIST");
        if has_uses && self.0.iter().any(|which| matches!(which, Which::Uses(_))) {
            list = list.with_special_use();
        }
        list
    }

    /// Whether this mailbox is one of them.
    pub(super) fn takes(&self, entry: &ListEntry) -> bool {
        entry.is_selectable()
            && self.0.iter().any(|which| match which {
                Which::All => true,
                Which::Names(names) => names.contains(&entry.name),
                Which::Patterns(patterns) => patterns.iter().any(|pattern| fits(pattern, entry)),
                Which::Uses(uses) => uses.iter().any(|usage| entry.is_for(usage)),
                Which::Subscribed => entry.has("\\Subscribed"),
            })
    }

    /// Those of these, which are there now, that NOTIFY is to name, since nothing else says which
    /// they are; none if it is to be asked for more.
    pub(super) fn to_name<'a>(&self, there: impl Iterator<Item = &'a MailboxName>) -> Vec<MailboxName> {
        let says_which = |which: &Which| match which {
            Which::All => true,
            Which::Names(names) => !names.is_empty() && names.len() <= MAX_PATTERNS,
            Which::Subscribed => true,
            Which::Patterns(_) | Which::Uses(_) => false,
        };
        if self.0.contains(&Which::All) || self.0.iter().all(says_which) {
            return Vec::new();
        }
        let names: Vec<MailboxName> = there.take(MAX_PATTERNS + 1).cloned().collect();
        if names.len() > MAX_PATTERNS { Vec::new() } else { names }
    }

    /// The NOTIFY that reports what changes in them, by these [names](Self::to_name): of more
    /// mailboxes where the server can't be asked more exactly.
    pub(super) fn notify(&self, names: &[MailboxName]) -> Notify {
        let events = || NotifyEvent::MESSAGES.into_iter().chain([NotifyEvent::MailboxName]);
        let subscriptions = self.reads_subscriptions().then_some(NotifyEvent::SubscriptionChange);
        if !names.is_empty() {
            // Of the first set that names a mailbox; of all others, which of them come and go.
            let others = [NotifyEvent::MailboxName].into_iter().chain(subscriptions);
            return Notify::set().mailboxes(names.iter().cloned(), events()).personal(others);
        }
        let exact = self.0.iter().try_fold(Notify::set(), |notify, which| match which {
            Which::Names(names) if !names.is_empty() && names.len() <= MAX_PATTERNS => {
                Some(notify.mailboxes(names.iter().cloned(), events()))
            }
            Which::Subscribed => Some(notify.subscribed(events().chain([NotifyEvent::SubscriptionChange]))),
            _ => None,
        });
        exact.unwrap_or_else(|| Notify::set().personal(events().chain(subscriptions)))
    }

    /// Whether a mailbox of this name may be one of them though none is known: the server has
    /// reported something of it. One that is new is reported as such, and so are subscriptions.
    pub(super) fn may_take(&self, name: &MailboxName) -> bool {
        self.0.iter().any(|which| match which {
            Which::All => true,
            Which::Names(names) => names.contains(name),
            Which::Patterns(patterns) => {
                // Without a delimiter `%` stands for as much as `*`.
                let name = composed(name.as_str());
                patterns.iter().any(|pattern| crate::command::fits(pattern, &name, None))
            }
            Which::Uses(_) | Which::Subscribed => false,
        })
    }
}

fn unescaped(text: &str) -> String {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(next) = chars.next() {
        match if next == '\\' { chars.next() } else { Some(next) } {
            Some('n') if next == '\\' => plain.push('\n'),
            other => plain.extend(other),
        }
    }
    plain
}

/// Whether LIST tells which mailboxes the user has subscribed to.
fn tells_subscriptions(capabilities: &Capabilities) -> bool {
    capabilities.has("LIST-EXTENDED") || capabilities.has("IMAP4rev2")
}

fn fits(pattern: &str, entry: &ListEntry) -> bool {
    crate::command::fits(pattern, &composed(entry.name.as_str()), entry.delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, attributes: &[&str]) -> ListEntry {
        let mut entry = ListEntry::new(name);
        entry.delimiter = Some('/');
        entry.attributes = attributes.iter().map(ToString::to_string).collect();
        entry
    }

    #[test]
    fn a_mailbox_is_watched_if_anything_names_it() {
        let mut both = Selection::new(Which::Names(["INBOX".into()].into()));
        both.or(Selection::new(Which::Uses(vec![SpecialUse::Sent])));
        let rows = [
            (Selection::new(Which::All), "a", &[][..], true),
            (Selection::new(Which::All), "a", &["\\Noselect"], false),
            (Selection::new(Which::Patterns(vec!["Work/%".into()])), "Work/a", &[], true),
            (Selection::new(Which::Patterns(vec!["Work/%".into()])), "Work/a/b", &[], false),
            (Selection::new(Which::Subscribed), "a", &["\\Subscribed"], true),
            (Selection::new(Which::Subscribed), "a", &[], false),
            (both.clone(), "Inbox", &[], true),
            (both.clone(), "Gesendet", &["\\Sent"], true),
            (both, "a", &["\\Subscribed"], false),
        ];
        for (selection, name, attributes, expected) in rows {
            let taken = selection.takes(&entry(name, attributes));
            assert_eq!(taken, expected, "{selection:?} {name} {attributes:?}");
        }
        let able = ["LIST-EXTENDED"].into_iter().collect();
        assert!(Selection::new(Which::Subscribed).lists_subscribed_alone(&able));
        assert!(!Selection::new(Which::Subscribed).lists_subscribed_alone(&Capabilities::default()));
    }

    #[test]
    fn what_a_store_keeps_takes_the_same_mailboxes() {
        let names = ["INBOX", "a b", "c\\nd\\", "e\nf", ""].map(MailboxName::exact);
        let mut all = Selection::new(Which::Names(names.clone().into()));
        all.or(Selection::new(Which::Patterns(vec!["Work/%".into(), "x y*".into()])));
        all.or(Selection::new(Which::Uses(vec![SpecialUse::Sent, SpecialUse::new("\\Memos")])));
        all.or(Selection::new(Which::Subscribed));
        let text = all.to_text();
        let read = Selection::from_text(&text);
        assert_eq!(read.to_text(), text);
        for name in names {
            assert!(read.takes(&entry(name.as_str(), &[])), "{name:?}");
        }
        for (name, attributes) in
            [("Work/a", &[][..]), ("x y", &[]), ("b", &["\\Memos"]), ("b", &["\\Subscribed"])]
        {
            assert!(read.takes(&entry(name, attributes)), "{name} {attributes:?}");
        }
        assert!(!read.takes(&entry("b", &[])) && !read.takes(&entry("Work/a/b", &[])));
        let everything = Selection::new(Which::All);
        assert_eq!(Selection::from_text(&everything.to_text()), everything);
        assert_eq!(Selection::from_text("of a later version"), everything);
    }

    #[test]
    fn what_is_watched_may_become_more() {
        let names = || Selection::new(Which::Names(["INBOX".into()].into()));
        let rows = [
            (names(), false),
            (Selection::new(Which::All), false),
            (Selection::new(Which::Subscribed), true),
            (Selection::new(Which::Uses(vec![SpecialUse::Sent])), true),
            (Selection::new(Which::Patterns(vec!["Work/%".into()])), true),
        ];
        for (selection, expected) in rows {
            let mut both = names();
            both.or(selection.clone());
            assert_eq!((selection.is_open(), both.is_open()), (expected, expected), "{selection:?}");
        }
    }

    #[test]
    fn no_more_is_listed_than_is_named() {
        let none = Capabilities::default();
        let names = Selection::new(Which::Names(["INBOX".into(), "Work".into()].into()));
        assert_eq!(names.list(&none), List::new("INBOX").or("Work"));
        let mut wide = names.clone();
        wide.or(Selection::new(Which::Subscribed));
        assert_eq!(wide.list(&none), List::new("*"));
        assert_eq!(wide.list_subscribed(&none), Some(List::new("*").subscribed()));
        let able = ["LIST-EXTENDED"].into_iter().collect();
        assert_eq!(wide.list(&able), List::new("*").with_subscriptions());
        assert_eq!((wide.list_subscribed(&able), names.list_subscribed(&none)), (None, None));
        let subscribed = Selection::new(Which::Subscribed);
        assert_eq!(
            (subscribed.list(&able), subscribed.list_subscribed(&able)),
            (List::new("*").subscribed(), None)
        );
        assert_eq!(subscribed.list(&none), List::new("*"));
        assert_eq!(subscribed.list_subscribed(&none), Some(List::new("*").subscribed()));
        let uses = Selection::new(Which::Uses(vec![SpecialUse::Trash]));
        assert_eq!(uses.list(&none), List::new("*"));
        let able = ["SPECIAL-USE"].into_iter().collect();
        assert_eq!(uses.list(&able), List::new("*").with_special_use());
        let many = Selection::new(Which::Names((0..60).map(|n| format!("m{n}").into()).collect()));
        assert_eq!(many.list(&none), List::new("*"));
        let events = NotifyEvent::MESSAGES.into_iter().chain([NotifyEvent::MailboxName]);
        assert_eq!(format!("{:?}", many.notify(&[])), format!("{:?}", Notify::set().personal(events)));
    }

    #[test]
    fn notify_names_what_is_there() {
        let events = || NotifyEvent::MESSAGES.into_iter().chain([NotifyEvent::MailboxName]);
        let lists = || Selection::new(Which::Patterns(vec!["Lists/%".into()]));
        let there =
            |count: u32| (0..count).map(|n| MailboxName::from(format!("Lists/{n}"))).collect::<Vec<_>>();
        let two = there(2);
        let text = |notify: Notify| format!("{notify:?}");
        let expected = Notify::set().mailboxes(two.clone(), events()).personal([NotifyEvent::MailboxName]);
        assert_eq!(lists().to_name(two.iter()), two);
        assert_eq!(text(lists().notify(&two)), text(expected));
        assert_eq!(lists().to_name(there(51).iter()), []);
        assert_eq!(text(lists().notify(&[])), text(Notify::set().personal(events())));
        let mut uses = Selection::new(Which::Uses(vec![SpecialUse::Sent]));
        uses.or(Selection::new(Which::Subscribed));
        let others = [NotifyEvent::MailboxName, NotifyEvent::SubscriptionChange];
        let expected = Notify::set().mailboxes(two.clone(), events()).personal(others);
        assert_eq!(text(uses.notify(&uses.to_name(two.iter()))), text(expected));
        for which in [Which::All, Which::Subscribed, Which::Names(["a".into()].into())] {
            assert_eq!(Selection::new(which).to_name(two.iter()), []);
        }
        let rows = [("Lists/a", true), ("Lists/a/b", true), ("INBOX", false)];
        for (name, expected) in rows {
            assert_eq!(lists().may_take(&name.into()), expected, "{name}");
            assert!(!uses.may_take(&name.into()) && Selection::new(Which::All).may_take(&name.into()));
        }
    }
}
