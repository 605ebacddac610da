//! How much the view of a selected mailbox learns of its own accord.

/// What is asked, of the engine's own accord, of the messages of a mailbox that is opened.
///
/// Whatever it is, changes that the server tells later are events; what differs is how much an
/// event, a [snapshot](crate::Mailbox::snapshot) or a result can say about a message that nobody
/// has asked for yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViewSync {
    /// Nothing: there is no view. Events and results carry what the server says and no more: a
    /// removal has a number or a UID, never both; of a message that comes only the new count is
    /// told; `before` of flags that change is not known; a silent STORE's effect is not told. For a
    /// connection that opens large mailboxes for one command each.
    Off,
    /// The UID of each message, in the cheapest way that the server has. Costs the server about 7
    /// octets for each message of a mailbox, or next to nothing where it has ESEARCH (RFC 4731).
    #[default]
    Uids,
    /// The UID and the flags of each message: about 50 octets a message, in pieces, behind what you
    /// submit.
    Flags,
}
