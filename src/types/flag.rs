//! Message flags: the system flags as bits, keywords as shared text.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::iter::FlagsIter;

/// One flag of a message (RFC 9051 section 2.3.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Flag {
    /// `\Seen`: the message has been read.
    Seen,
    /// `\Answered`: the message has been replied to.
    Answered,
    /// `\Flagged`: the message is marked for attention.
    Flagged,
    /// `\Deleted`: the next EXPUNGE removes the message.
    Deleted,
    /// `\Draft`: the message is not finished.
    Draft,
    /// `\Recent`: this session was the first to be notified of the message (IMAP4rev1 only).
    Recent,
    /// `\*` in PERMANENTFLAGS: new keywords can be made (RFC 9051 section 7.1).
    Wildcard,
    /// A keyword such as `$Forwarded`, or a flag with a backslash that has no variant here.
    /// Compared without regard to ASCII case.
    Keyword(Arc<str>),
}

const SYSTEM: [(Flag, &str); 7] = [
    (Flag::Seen, "\\Seen"),
    (Flag::Answered, "\\Answered"),
    (Flag::Flagged, "\\Flagged"),
    (Flag::Deleted, "\\Deleted"),
    (Flag::Draft, "\\Draft"),
    (Flag::Recent, "\\Recent"),
    (Flag::Wildcard, "\\*"),
];

impl Flag {
    /// The flag with this name, as written on the wire: `\Seen`, `$Forwarded`. Case does not
    /// matter.
    #[must_use]
    pub fn new(name: &str) -> Self {
        SYSTEM
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map_or_else(|| Self::Keyword(name.into()), |(flag, _)| flag.clone())
    }

    /// The name as written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Keyword(name) => name,
            _ => self.bit().map_or("", |bit| SYSTEM[bit].1),
        }
    }

    fn bit(&self) -> Option<usize> {
        Some(match self {
            Self::Seen => 0,
            Self::Answered => 1,
            Self::Flagged => 2,
            Self::Deleted => 3,
            Self::Draft => 4,
            Self::Recent => 5,
            Self::Wildcard => 6,
            Self::Keyword(_) => return None,
        })
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for Flag {}

impl Hash for Flag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_without_case(self.as_str(), state);
    }
}

fn hash_without_case<H: Hasher>(name: &str, state: &mut H) {
    name.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
    state.write_u8(0xff);
}

/// Compares a keyword without regard to ASCII case.
struct Keyword<'a>(&'a str);

impl PartialEq for Keyword<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Keyword<'_> {}

impl Hash for Keyword<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_without_case(self.0, state);
    }
}

/// Longest list that is searched linearly; a longer one gets an index. The server decides how many
/// keywords a list has, and a linear search for each takes quadratic time.
const FEW: usize = 16;

/// Whether the second list contains each keyword of the first.
fn all_among(these: &[Arc<str>], others: &[Arc<str>]) -> bool {
    if others.len() <= FEW {
        return these.iter().all(|k| others.iter().any(|o| o.eq_ignore_ascii_case(k)));
    }
    let index: HashSet<_> = others.iter().map(|k| Keyword(k)).collect();
    these.iter().all(|k| index.contains(&Keyword(k)))
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Flag {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Flag {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<&Flag> for Flag {
    fn from(flag: &Flag) -> Self {
        flag.clone()
    }
}

/// The flags of a message, or those defined in a mailbox. Order and repetition don't count.
///
/// ```
/// use imap_duplex::types::{Flag, Flags};
/// let flags = Flags::from_iter([Flag::Seen, Flag::new("$Forwarded")]);
/// assert!(flags.contains(&Flag::Seen) && flags.contains(&Flag::new("$forwarded")));
/// assert_eq!(flags.to_string(), r"(\Seen $Forwarded)");
/// ```
#[derive(Clone, Default)]
pub struct Flags {
    system: u8,
    /// In the server's order. Shared by all messages that have the same keywords: a mailbox has few
    /// combinations.
    keywords: Option<Arc<[Arc<str>]>>,
}

impl Flags {
    /// No flags.
    #[must_use]
    pub const fn new() -> Self {
        Self { system: 0, keywords: None }
    }

    /// Whether the set contains this flag.
    #[must_use]
    pub fn contains(&self, flag: &Flag) -> bool {
        match flag {
            Flag::Keyword(name) => self.keywords().iter().any(|k| k.eq_ignore_ascii_case(name)),
            _ => flag.bit().is_some_and(|bit| self.system & (1 << bit) != 0),
        }
    }

    /// Whether the set contains `\Seen`.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.contains(&Flag::Seen)
    }

    /// Whether the two are the same, or differ by `\Recent` alone, which is about sessions and not
    /// about the message (RFC 3501 section 2.3.2).
    pub(crate) fn is_same_but_recent(&self, other: &Self) -> bool {
        let (mut mine, mut others) = (self.clone(), other.clone());
        mine.remove(&Flag::Recent);
        others.remove(&Flag::Recent);
        mine == others
    }

    /// Adds a flag; `false` if it was present already.
    pub fn insert(&mut self, flag: Flag) -> bool {
        if self.contains(&flag) {
            return false;
        }
        self.extend([flag]);
        true
    }

    /// Removes a flag; `false` if it was absent.
    pub fn remove(&mut self, flag: &Flag) -> bool {
        if !self.contains(flag) {
            return false;
        }
        match flag {
            Flag::Keyword(name) => {
                let left = self.keywords().iter().filter(|k| !k.eq_ignore_ascii_case(name)).cloned();
                self.keywords = Some(left.collect()).filter(|left: &Arc<[_]>| !left.is_empty());
            }
            _ => self.system &= !flag.bit().map_or(0, |bit| 1u8 << bit),
        }
        true
    }

    /// The count of flags.
    #[must_use]
    pub fn len(&self) -> usize {
        self.system.count_ones() as usize + self.keywords().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords().is_empty()
    }

    /// The keywords, in the server's order.
    pub(crate) fn keywords(&self) -> &[Arc<str>] {
        self.keywords.as_deref().unwrap_or_default()
    }

    /// The keywords as a shared list.
    pub(crate) fn shared_keywords(&self) -> Option<&Arc<[Arc<str>]>> {
        self.keywords.as_ref()
    }

    /// The system flags as bits of a byte, the highest unused: `\Seen` is the lowest.
    pub(crate) fn bits(&self) -> u8 {
        self.system
    }

    /// The inverse of [`bits`](Self::bits) and [`shared_keywords`](Self::shared_keywords).
    pub(crate) fn from_bits(system: u8, keywords: Option<Arc<[Arc<str>]>>) -> Self {
        Self { system, keywords }
    }

    /// The flag of a place: one for each system flag, then one for each keyword. A system flag that
    /// is not set has `Some(None)`.
    pub(super) fn at_place(&self, place: usize) -> Option<Option<Flag>> {
        match SYSTEM.get(place) {
            Some((flag, _)) => Some((self.system & (1 << place) != 0).then(|| flag.clone())),
            None => self.keywords().get(place - SYSTEM.len()).cloned().map(Flag::Keyword).map(Some),
        }
    }

    /// Each flag: the system flags first, then keywords in the server's order.
    #[must_use]
    pub fn iter(&self) -> FlagsIter {
        self.into_iter()
    }
}

impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        let (these, others) = (self.keywords(), other.keywords());
        self.system == other.system
            && these.len() == others.len()
            // Messages with the same keywords usually share one list.
            && (std::ptr::eq(these, others) || all_among(these, others))
    }
}

impl Eq for Flags {}

impl Hash for Flags {
    /// Neither the order nor the case of keywords counts, as they don't for equality: the hashes of
    /// the keywords are added up.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let of = |name: &Arc<str>| {
            let mut hasher = DefaultHasher::new();
            hash_without_case(name, &mut hasher);
            hasher.finish()
        };
        state.write_u8(self.system);
        state.write_u64(self.keywords().iter().map(of).fold(0, u64::wrapping_add));
    }
}

impl fmt::Display for Flags {
    /// As on the wire: `(\Seen $Forwarded)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, flag) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(flag.as_str())?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        let mut all = Self::new();
        all.extend(flags);
        all
    }
}

impl Extend<Flag> for Flags {
    fn extend<I: IntoIterator<Item = Flag>>(&mut self, flags: I) {
        let mut more: Option<Vec<Arc<str>>> = None;
        let mut flags = flags.into_iter();
        while let Some(flag) = flags.next() {
            match (flag.bit(), flag) {
                (Some(bit), _) => self.system |= 1 << bit,
                (None, Flag::Keyword(name)) => {
                    let known = more.as_deref().unwrap_or(self.keywords());
                    if known.len() > FEW {
                        let rest = std::iter::once(Flag::Keyword(name)).chain(flags);
                        return self.extend_many(more, rest);
                    }
                    if !known.iter().any(|k| k.eq_ignore_ascii_case(&name)) {
                        more.get_or_insert_with(|| self.keywords().to_vec()).push(name);
                    }
                }
                (None, _) => {}
            }
        }
        if let Some(more) = more {
            self.keywords = Some(more.into());
        }
    }
}

impl Flags {
    /// Adds the rest of many flags; `more` has the keywords so far, if they are no longer its own.
    #[cold]
    fn extend_many(&mut self, mut more: Option<Vec<Arc<str>>>, flags: impl Iterator<Item = Flag>) {
        let known = more.as_deref().unwrap_or(self.keywords());
        let mut index: HashSet<Flag> = known.iter().cloned().map(Flag::Keyword).collect();
        for flag in flags {
            match (flag.bit(), &flag) {
                (Some(bit), _) => self.system |= 1 << bit,
                (None, Flag::Keyword(name)) if !index.contains(&flag) => {
                    more.get_or_insert_with(|| self.keywords().to_vec()).push(name.clone());
                    index.insert(flag);
                }
                (None, _) => {}
            }
        }
        if let Some(more) = more {
            self.keywords = Some(more.into());
        }
    }
}

impl From<Flag> for Flags {
    fn from(flag: Flag) -> Self {
        Self::from_iter([flag])
    }
}

impl<const N: usize> From<[Flag; N]> for Flags {
    fn from(flags: [Flag; N]) -> Self {
        Self::from_iter(flags)
    }
}

/// By their names, as [`Flag::new`] reads them: `["\\Seen", "$Forwarded"]`.
impl<const N: usize> From<[&str; N]> for Flags {
    fn from(names: [&str; N]) -> Self {
        names.into_iter().map(Flag::new).collect()
    }
}

impl From<Vec<Flag>> for Flags {
    fn from(flags: Vec<Flag>) -> Self {
        Self::from_iter(flags)
    }
}

impl From<&[Flag]> for Flags {
    fn from(flags: &[Flag]) -> Self {
        flags.iter().cloned().collect()
    }
}

impl From<&Flags> for Flags {
    fn from(flags: &Flags) -> Self {
        flags.clone()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Flag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::new(&name))
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Flags {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Flag>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Flags {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!(Flag::new("\\SEEN"), Flag::Seen);
        assert_eq!(Flag::new("$junk"), Flag::new("$Junk"));
        assert_ne!(Flag::new("Seen"), Flag::Seen);
    }

    #[test]
    fn sets_compare_by_content() {
        let a = Flags::from_iter([Flag::Seen, Flag::new("a"), Flag::new("b")]);
        let mut b = Flags::from_iter([Flag::new("B"), Flag::new("A"), Flag::Seen]);
        assert_eq!(a, b);
        assert!(!b.insert(Flag::Seen));
        assert!(b.remove(&Flag::new("a")) && !b.remove(&Flag::new("a")));
        assert_ne!(a, b);
        assert_eq!(b.len(), 2);
    }

    #[test]
    fn many_keywords_are_a_set_as_few_are() {
        let names = |count: usize, first: char| (0..count).map(move |n| Flag::new(&format!("{first}{n}")));
        for count in [1, FEW - 1, FEW, FEW + 1, FEW + 2, 100] {
            let once: Flags = names(count, 'k').collect();
            let mut twice: Flags = names(count, 'K').chain([Flag::Seen]).chain(names(count, 'k')).collect();
            assert_eq!((once.len(), twice.len()), (count, count + 1));
            assert!(once != twice && twice.remove(&Flag::Seen) && once == twice);
            let shared = twice.shared_keywords().cloned();
            twice.extend(names(count, 'k').chain([Flag::Draft]));
            assert_eq!((twice.len(), twice.contains(&Flag::Draft)), (count + 1, true));
            assert_eq!(twice.shared_keywords().map(Arc::as_ptr), shared.as_ref().map(Arc::as_ptr));
            twice.extend(names(2, 'x'));
            assert_eq!(twice.len(), count + 3);
            let other: Flags = names(count - 1, 'k').chain(names(1, 'z')).collect();
            assert_ne!(once, other);
        }
    }

    #[test]
    fn equal_flags_have_the_same_hash() {
        let all: std::collections::HashSet<Flag> =
            [Flag::new("$Junk"), Flag::new("$junk"), Flag::Seen, Flag::new("\\SEEN")].into();
        assert_eq!(all.len(), 2);
    }
}
