//! Annotations of messages (ANNOTATE, RFC 5257): all copies of a message's state share them, so
//! that a change is there at once for every session. Changes have no mod-sequence and are not
//! reported to other sessions, which RFC 5257 section 4.4 leaves to the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::types::{Annotation, AnnotationScope};

/// The largest value, in bytes.
pub(crate) const MAX_VALUE: usize = 64 * 1024;
/// How many values a message may have.
const MAX_VALUES: usize = 100;

type Values = BTreeMap<(String, AnnotationScope), Bytes>;

/// A change: what an entry's private or shared value becomes.
pub(crate) type Change = (String, AnnotationScope, Option<Bytes>);

/// The annotations of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Values>>);

/// Why a value can't be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooBig,
    TooMany,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for a message of its own.
    pub(crate) fn copied(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// Whether these changes can be made.
    pub(crate) fn check(&self, changes: &[Change]) -> Result<(), Refused> {
        if changes.iter().any(|(_, _, value)| value.as_ref().is_some_and(|value| value.len() > MAX_VALUE)) {
            return Err(Refused::TooBig);
        }
        let mut after = self.lock().clone();
        apply(&mut after, changes);
        if after.len() > MAX_VALUES { Err(Refused::TooMany) } else { Ok(()) }
    }

    /// How many bytes its values have.
    pub(crate) fn size(&self) -> u64 {
        size(&self.lock())
    }

    /// The same once these changes are made.
    pub(crate) fn size_after(&self, changes: &[Change]) -> u64 {
        let mut after = self.lock().clone();
        apply(&mut after, changes);
        size(&after)
    }

    pub(crate) fn change(&self, changes: &[Change]) {
        apply(&mut self.lock(), changes);
    }

    /// The value to sort by.
    pub(crate) fn value(&self, entry: &str, scope: AnnotationScope) -> Option<Bytes> {
        self.lock().get(&(entry.to_owned(), scope)).cloned()
    }

    /// Whether a value of an entry that fits is so.
    pub(crate) fn any(
        &self,
        pattern: &str,
        scope: Option<AnnotationScope>,
        fits: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let values = self.lock();
        let wanted = |(entry, of): &(String, AnnotationScope)| {
            scope.is_none_or(|scope| scope == *of) && matches(pattern, entry)
        };
        values.iter().any(|(key, value)| wanted(key) && fits(value))
    }

    /// These attributes of the entries that fit; one that is named is there in any case.
    pub(crate) fn fetched(&self, patterns: &[String], attributes: &[Attribute]) -> Vec<Annotation> {
        let values = self.lock();
        let is_pattern = |pattern: &String| pattern.contains(['*', '%']);
        let mut entries: Vec<String> =
            patterns.iter().filter(|pattern| !is_pattern(pattern)).cloned().collect();
        for (entry, _) in values.keys() {
            if !entries.contains(entry) && patterns.iter().any(|pattern| matches(pattern, entry)) {
                entries.push(entry.clone());
            }
        }
        let one = |entry: String| {
            let attribute = |attribute: &Attribute| {
                let value = values.get(&(entry.clone(), attribute.scope));
                let name = format!("{}{}", attribute.name, suffix(attribute.scope));
                let size = || Bytes::from(value.map_or(0, Bytes::len).to_string());
                (name, if attribute.name == "size" { Some(size()) } else { value.cloned() })
            };
            let attributes = attributes.iter().map(attribute).collect();
            Annotation::new(entry, attributes)
        };
        entries.into_iter().map(one).collect()
    }
}

fn size(values: &Values) -> u64 {
    values.values().map(|value| u64::try_from(value.len()).unwrap_or(u64::MAX)).sum()
}

fn apply(values: &mut Values, changes: &[Change]) {
    for (entry, scope, value) in changes {
        let key = (entry.clone(), *scope);
        match value {
            Some(value) => values.insert(key, value.clone()),
            None => values.remove(&key),
        };
    }
}

/// An attribute of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// `value` or `size`.
    name: &'static str,
    scope: AnnotationScope,
}

impl Attribute {
    /// Those that a name stands for: both without a suffix (RFC 5257 section 3.3). None if it is
    /// unknown.
    pub(crate) fn named(name: &str) -> Vec<Self> {
        let (base, scopes) = scopes_of(name);
        let name = ["value", "size"].into_iter().find(|known| *known == base);
        let all =
            name.into_iter().flat_map(|name| scopes.iter().map(move |scope| Self { name, scope: *scope }));
        all.collect()
    }
}

const BOTH: &[AnnotationScope] = &[AnnotationScope::Private, AnnotationScope::Shared];

fn scopes_of(name: &str) -> (&str, &'static [AnnotationScope]) {
    match (name.strip_suffix(".priv"), name.strip_suffix(".shared")) {
        (Some(base), _) => (base, &[AnnotationScope::Private]),
        (_, Some(base)) => (base, &[AnnotationScope::Shared]),
        _ => (name, BOTH),
    }
}

/// The scope of `value`, `value.priv` or `value.shared`; `None`: it is another attribute.
pub(crate) fn value_scope(name: &str) -> Option<Option<AnnotationScope>> {
    match scopes_of(name) {
        ("value", [one]) => Some(Some(*one)),
        ("value", _) => Some(None),
        _ => None,
    }
}

fn suffix(scope: AnnotationScope) -> &'static str {
    match scope {
        AnnotationScope::Private => ".priv",
        AnnotationScope::Shared => ".shared",
    }
}

/// Whether this is the name of an entry (RFC 5257 section 3.2), or a pattern of names.
pub(crate) fn is_entry(name: &str, takes_wildcards: bool) -> bool {
    let is_wild = |letter: char| matches!(letter, '*' | '%');
    let begins = name.starts_with('/') || takes_wildcards && name.starts_with(is_wild);
    let fits = |letter: char| letter.is_ascii() && !letter.is_ascii_control();
    begins
        && !name.ends_with('/')
        && !name.contains("//")
        && name.chars().all(fits)
        && (takes_wildcards || !name.contains(is_wild))
}

/// RFC 5257 section 4.3: `*` stands for anything, `%` for anything but `/`.
fn matches(pattern: &str, name: &str) -> bool {
    // The places in the pattern that the name read so far can have led to.
    let pattern: Vec<char> = pattern.chars().collect();
    let is_wild = |at: usize| matches!(pattern.get(at), Some('*' | '%'));
    let skip = |mut at: usize, to: &mut Vec<usize>| loop {
        if !to.contains(&at) {
            to.push(at);
        }
        if !is_wild(at) {
            return;
        }
        at += 1;
    };
    let mut places = Vec::new();
    skip(0, &mut places);
    for letter in name.chars() {
        let mut next = Vec::new();
        for at in places {
            match pattern.get(at) {
                Some('*') => skip(at, &mut next),
                Some('%') if letter != '/' => skip(at, &mut next),
                Some(wanted) if *wanted == letter => skip(at + 1, &mut next),
                _ => {}
            }
        }
        places = next;
    }
    places.contains(&pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_the_rfc_says() {
        for (pattern, name, fits) in [
            ("/%", "/comment", true),
            ("/%", "/altsubject", true),
            ("/%", "/1/comment", false),
            ("/*", "/1/comment", true),
            ("*", "/comment", true),
            ("/comment", "/comment", true),
            ("/comment", "/comments", false),
            ("/*/comment", "/1/comment", true),
            ("/*/comment", "/comment", false),
            ("/%%m%t", "/comment", true),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn an_entry_has_a_name() {
        for name in ["/comment", "/1.2/flags/seen", "/vendor/foobar/label"] {
            assert!(is_entry(name, false), "{name}");
        }
        for name in ["", "comment", "/", "/a/", "/a//b", "/%", "/*", "/ä", "/a\r"] {
            assert!(!is_entry(name, false), "{name}");
        }
        assert!(is_entry("/%", true) && is_entry("*", true) && !is_entry("a*", true));
    }
}
