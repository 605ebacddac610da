//! The numbers by which a store knows its mailboxes and messages.
//!
//! In: a row's number. Out: types that can't be mixed up. They stay what they are when a message is
//! moved or a mailbox renamed, and are there before the server knows of either.

use std::fmt;

use rusqlite::Row;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub(super) i64);

        impl $name {
            /// The number, to be kept outside the store.
            #[must_use]
            pub fn get(self) -> i64 {
                self.0
            }

            /// The inverse of [`get`](Self::get).
            #[must_use]
            pub fn new(number: i64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl RowId for $name {
            fn of(number: i64) -> Self {
                Self(number)
            }
        }
    )*};
}

numbers! {
    /// An account in a store.
    AccountId;
    /// A mailbox in a store. It is no MAILBOXID (RFC 8474): that is the server's.
    MailboxId;
    /// A message in a mailbox of a store. It is neither a UID, which is the server's, nor a
    /// Message-ID, which is its author's. A copy has another one.
    MessageId;
    /// An operation of the user that is queued.
    OperationId;
}

/// A number as a row has it. Not `FromSql`, which would make rusqlite a part of the public
/// interface.
pub(super) trait RowId {
    /// The one with this number.
    fn of(number: i64) -> Self;
}

/// Reads numbers out of a row.
pub(super) trait RowIds {
    /// The number in a column.
    fn id<T: RowId>(&self, at: usize) -> rusqlite::Result<T>;

    /// The number in a column that may be NULL.
    fn optional_id<T: RowId>(&self, at: usize) -> rusqlite::Result<Option<T>>;
}

impl RowIds for Row<'_> {
    fn id<T: RowId>(&self, at: usize) -> rusqlite::Result<T> {
        self.get(at).map(T::of)
    }

    fn optional_id<T: RowId>(&self, at: usize) -> rusqlite::Result<Option<T>> {
        Ok(self.get::<_, Option<i64>>(at)?.map(T::of))
    }
}
