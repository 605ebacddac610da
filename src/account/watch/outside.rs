//! Mailboxes that are there and are not watched. One that comes to be watched later, by a
//! subscription or under another name, is none that is new.
//!
//! In: listings of all mailboxes, at the first sweep and whenever one is not watched any more. Out:
//! whether a mailbox was among them. Of each no more is kept than a number: there may be many.

use std::hash::{BuildHasher as _, RandomState};

use super::key::MailboxKey;
use crate::types::MailboxName;

/// A mailbox that is there.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: MailboxName,
    /// Its identifier, where the server has said it.
    pub(super) mailbox_id: Option<String>,
}

impl Listed {
    fn key(&self) -> MailboxKey {
        match &self.mailbox_id {
            Some(id) => MailboxKey::of_id(id),
            None => MailboxKey::of_name(&self.name, 0),
        }
    }
}

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Outside {
    hashes: RandomState,
    /// In ascending order, so that many of them are found among many.
    numbers: Vec<u64>,
}

impl Outside {
    /// All of them, as a listing has them. Of a later listing those count that were there before,
    /// and those that were watched until now (`was_watched`): others have been created meanwhile.
    pub(super) fn learn(
        &mut self,
        listed: Vec<Listed>,
        is_first: bool,
        was_watched: impl Fn(&MailboxKey, &MailboxName) -> bool,
    ) {
        let keys = listed.iter().map(|listed| (listed.key(), &listed.name));
        let counts =
            |(key, name): &(MailboxKey, &MailboxName)| is_first || self.has(key) || was_watched(key, name);
        let mut numbers: Vec<u64> = keys.filter(counts).map(|(key, _)| self.number(&key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.numbers = numbers;
    }

    fn number(&self, key: &MailboxKey) -> u64 {
        self.hashes.hash_one(key)
    }

    fn has(&self, key: &MailboxKey) -> bool {
        self.numbers.binary_search(&self.number(key)).is_ok()
    }

    /// This mailbox is watched from now on. Whether it was there before, by its identifier, or by
    /// its name where that is not known.
    pub(super) fn take(&mut self, key: &MailboxKey, name: &MailboxName) -> bool {
        let numbers = [self.number(key), self.number(&MailboxKey::of_name(name, 0))];
        let before = self.numbers.len();
        for number in numbers {
            if let Ok(at) = self.numbers.binary_search(&number) {
                self.numbers.remove(at);
            }
        }
        self.numbers.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[(&str, Option<&str>)]) -> Vec<Listed> {
        let listed = |(name, id): &(&str, Option<&str>)| Listed {
            name: (*name).into(),
            mailbox_id: id.map(str::to_owned),
        };
        names.iter().map(listed).collect()
    }

    #[test]
    fn what_was_there_is_known_by_its_identifier_or_its_name() {
        let mut outside = Outside::default();
        outside.learn(listed(&[("a", Some("1")), ("b", None)]), true, |_, _| false);
        let (id, name) = (MailboxKey::of_id, |name: &str| MailboxKey::of_name(&name.into(), 0));
        assert!(!outside.take(&id("2"), &"a".into()), "another one of its name");
        assert!(outside.take(&id("1"), &"c".into()), "it has another name");
        assert!(!outside.take(&id("1"), &"c".into()), "it is watched, and may be made again");
        assert!(!outside.take(&name("c"), &"c".into()) && outside.take(&name("b"), &"b".into()));
        // What the server has no identifier for, once it has.
        outside.learn(listed(&[("b", None)]), true, |_, _| false);
        assert!(outside.take(&id("3"), &"b".into()));
    }

    #[test]
    fn of_a_later_listing_that_counts_which_is_not_new() {
        let mut outside = Outside::default();
        outside.learn(listed(&[("a", None), ("b", None)]), true, |_, _| false);
        let later = listed(&[("a", None), ("was watched", None), ("new", None)]);
        outside.learn(later, false, |_, name| *name == "was watched".into());
        let name = |name: &str| (MailboxKey::of_name(&name.into(), 0), MailboxName::from(name));
        for (text, expected) in [("a", true), ("b", false), ("was watched", true), ("new", false)] {
            let (key, name) = name(text);
            assert_eq!(outside.take(&key, &name), expected, "{text}");
        }
    }
}
