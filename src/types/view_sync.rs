//! How much of a selected mailbox's view the library loads by itself.

/// How much the library queries by itself of the messages of a selected mailbox.
///
/// Changes that the server reports later are events in any case. The choice determines how much an
/// event, a [snapshot](crate::Mailbox::snapshot) or a result can say about a message that no
/// command has fetched yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ViewSync {
    /// Nothing: there is no view. Events and results carry what the server sends and no more: a
    /// removal has a sequence number or a UID, never both; for a new message only the count is
    /// reported; `before` of changed flags is unknown; the effect of a silent STORE is not
    /// reported. For a connection that opens large mailboxes for one command each.
    Off,
    /// The UID of each message, in the cheapest way that the server offers. The server sends about
    /// 7 bytes for each message of a mailbox, or next to nothing where it has ESEARCH (RFC 4731).
    #[default]
    Uids,
    /// The UID and the flags of each message: about 50 bytes a message, in batches, with lower
    /// priority than what you submit.
    Flags,
}
