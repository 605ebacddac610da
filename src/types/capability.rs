//! The capabilities of a server.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::heap_size::{HeapSize, shared};
use super::iter::CapabilitiesIter;

/// The capabilities of a server (RFC 9051 section 7.2.2).
///
/// ```
/// use imap_duplex::types::Capabilities;
/// let can = Capabilities::from_iter(["IMAP4rev1", "AUTH=PLAIN", "Idle"]);
/// assert!(can.has("IDLE") && can.has("auth=plain") && !can.has("MOVE"));
/// assert_eq!(can.auth_mechanisms().collect::<Vec<_>>(), ["PLAIN"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Shared: session, senders and events each have them.
    names: Arc<[Box<str>]>,
    /// It speaks IMAP4rev2, and IMAP4rev1 not at all: asked for each line.
    is_rev2_alone: bool,
}

impl Capabilities {
    /// Whether the server has this capability; case does not matter.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The value of a capability of the form `NAME=value`, such as `APPENDLIMIT=35651584`; the
    /// first one if there are several.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The SASL mechanisms that the server offers: the values of `AUTH=`.
    pub fn auth_mechanisms(&self) -> impl Iterator<Item = &str> {
        self.values("AUTH")
    }

    /// All of them, as the server wrote them.
    #[must_use]
    pub fn iter(&self) -> CapabilitiesIter<'_> {
        self.into_iter()
    }

    pub(super) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the list names the protocol, `IMAP4rev1` or another, as it must (RFC 9051 section
    /// 7.2.2).
    pub(crate) fn is_whole(&self) -> bool {
        let is_protocol = |name: &str| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("IMAP4"));
        self.iter().any(is_protocol)
    }

    /// Whether there are none: the server named none, or was not asked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether the server speaks IMAP4rev2 and not IMAP4rev1.
    pub(crate) fn is_rev2_alone(&self) -> bool {
        self.is_rev2_alone
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter_map(move |known| {
            let (key, value) = known.split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl HeapSize for Capabilities {
    fn heap_size(&self) -> usize {
        // That others share it is not considered.
        let names: usize = self.names.iter().map(HeapSize::heap_size).sum();
        shared(self.names.len() * size_of::<Box<str>>()) + names
    }
}

impl<S: AsRef<str>> FromIterator<S> for Capabilities {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all: Vec<Box<str>> = Vec::new();
        // A hash set, because the server decides how many there are.
        let mut known = HashSet::new();
        for name in names {
            if known.insert(name.as_ref().to_ascii_lowercase()) {
                all.push(name.as_ref().into());
            }
        }
        let is_rev2_alone = known.contains("imap4rev2") && !known.contains("imap4rev1");
        Self { names: all.into(), is_rev2_alone }
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join(" "))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.names).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Capabilities {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
