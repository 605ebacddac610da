//! The numbers of IMAP: UIDs, sequence numbers, UIDVALIDITY, mod-sequences, and the library's own
//! identifiers of commands and selections.
//!
//! Each has a type of its own, so that a sequence number can't be passed where a UID is expected
//! (RFC 9051 section 2.3.1). None of the server's numbers is ever zero.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

mod sealed {
    pub trait Sealed {}
}

/// A number that names a message: [`Uid`] or [`Seq`]. Sealed: there are no others.
pub trait MessageNumber:
    sealed::Sealed + Copy + Ord + fmt::Debug + fmt::Display + Send + Sync + 'static
{
    /// The number itself, never 0.
    fn get(self) -> u32;
    /// The number with this value; `None` for 0.
    fn from_u32(value: u32) -> Option<Self>;
    /// The number with this value; 1 for 0.
    #[doc(hidden)]
    fn at_least_one(value: u32) -> Self;
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $nonzero:ty, $int:ty, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($nonzero);

        impl $name {
            /// The largest value there is.
            pub const MAX: Self = Self(<$nonzero>::MAX);
            /// The smallest value there is: 1.
            pub const MIN: Self = Self(<$nonzero>::MIN);

            #[doc = concat!("The ", $what, " with this value; `None` for 0, which IMAP never uses.")]
            #[must_use]
            pub const fn new(value: $int) -> Option<Self> {
                match <$nonzero>::new(value) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// The value, never 0.
            #[must_use]
            pub const fn get(self) -> $int {
                self.0.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl From<$nonzero> for $name {
            fn from(value: $nonzero) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $int {
            fn from(value: $name) -> Self {
                value.get()
            }
        }

        impl TryFrom<$int> for $name {
            type Error = std::num::TryFromIntError;
            fn try_from(value: $int) -> Result<Self, Self::Error> {
                <$nonzero>::try_from(value).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.get().serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <$int>::deserialize(deserializer)?;
                Self::new(value).ok_or_else(|| serde::de::Error::custom(concat!("a ", $what, " is never 0")))
            }
        }
    };
}

number!(
    /// A message's unique identifier: it never changes while the mailbox keeps its [`UidValidity`],
    /// and grows with each new message (RFC 9051 section 2.3.1.1).
    Uid, NonZeroU32, u32, "UID"
);
number!(
    /// A message's position in the mailbox at one moment, from 1 to the count of messages. It drops
    /// when earlier messages are expunged (RFC 9051 section 2.3.1.2); store [`Uid`]s instead.
    Seq, NonZeroU32, u32, "sequence number"
);
number!(
    /// The UIDVALIDITY of a mailbox: when it differs from the one you stored, all UIDs stored with
    /// it are invalid (RFC 9051 section 2.3.1.1).
    UidValidity, NonZeroU32, u32, "UIDVALIDITY"
);
number!(
    /// A mod-sequence: it grows with each change of a message's flags (RFC 7162 section 3.1.1).
    ModSeq, NonZeroU64, u64, "mod-sequence"
);

impl sealed::Sealed for Uid {}
impl sealed::Sealed for Seq {}

impl MessageNumber for Uid {
    fn at_least_one(value: u32) -> Self {
        Self::new(value).unwrap_or(Self::MIN)
    }

    fn get(self) -> u32 {
        Uid::get(self)
    }
    fn from_u32(value: u32) -> Option<Self> {
        Uid::new(value)
    }
}

impl MessageNumber for Seq {
    fn at_least_one(value: u32) -> Self {
        Self::new(value).unwrap_or(Self::MIN)
    }

    fn get(self) -> u32 {
        Seq::get(self)
    }
    fn from_u32(value: u32) -> Option<Self> {
        Seq::new(value)
    }
}

/// Names one submitted command of one connection. Events name their cause by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CommandId(pub(crate) u64);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Names one selection of a mailbox of one connection. Selecting the same mailbox again makes
/// another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SelectionId(pub(crate) u64);

impl fmt::Display for SelectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "selection {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_number() {
        assert_eq!(Uid::new(0), None);
        assert!("0".parse::<Seq>().is_err());
        assert_eq!("7".parse::<Uid>().ok(), Uid::new(7));
        assert_eq!(Uid::MAX.get(), u32::MAX);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn what_is_stored_can_be_read() {
        type Known = std::collections::BTreeMap<Uid, (super::super::MailboxName, super::super::Flags)>;
        let text = r#"{"7":["Entwürfe",["\\Seen","$Junk"]]}"#;
        let known: Known = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&known).unwrap(), text);
        let error = serde_json::from_str::<UidValidity>("0").unwrap_err().to_string();
        assert_eq!(error, "a UIDVALIDITY is never 0");
    }
}
