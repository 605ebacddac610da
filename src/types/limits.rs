//! All limits of the library, in one place.

use std::time::Duration;

/// The limits of one connection: how much a server, or a caller, can make it hold.
///
/// Sizes are in bytes. What waits to be read ([`backlog`](Self::backlog), [`unread`](Self::unread),
/// [`result`](Self::result)) counts by the memory that it takes: each row or event by its queue
/// entry, 300 to 400 bytes, and each of its texts and lists by its allocation, as common allocators
/// round it. That is exact to a few percent, except for keywords that many messages share: they may
/// count several times. A row of flags counts about 500 bytes, one with an envelope about 800.
///
/// Whatever exceeds a limit gets an error that names it. The most that one connection can hold is
/// the sum: one [`response`](Self::response), [`unread`](Self::unread) for each result that is read
/// as a stream, once more for its literals that are read while they come, and twice for the events,
/// [`result`](Self::result) for each result that is awaited, and the view of
/// [`messages`](Self::messages). A LIST in flight also stores 100,000 names, at about 12 bytes
/// each. For untrusted servers, reduce `result` and `literal` first.
///
/// ```
/// use imap_duplex::types::Limits;
/// let mut limits = Limits::default();
/// limits.literal = 8 << 20;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Limits {
    /// The longest response without its literals. It is held in memory while it is read; a SEARCH
    /// that finds 100,000 messages is one line of 600 kB. The numbers of a search result may be
    /// longer: they are parsed as they arrive. 16 MiB.
    ///
    /// Texts such as names, subjects and addresses may take several times their length while they
    /// are decoded, so this limit applies to their literals, too. Where the literals of a response
    /// exceed it together, they may only be message data, annotation values, and items that the
    /// library does not parse; any other response of that size is unparsable.
    pub line: usize,
    /// The longest literal, which is held in memory. Those that are
    /// [read while they come](crate::Token::stream_literals) are not. 64 MiB.
    pub literal: usize,
    /// The longest response including its literals. It takes about as much memory, and twice that
    /// for a moment where it, or an item of it, is of a kind that the library does not parse. 256
    /// MiB.
    pub response: usize,
    /// The nesting depth of parentheses, as in BODYSTRUCTURE; at most 200, as each level takes
    /// stack. 50.
    pub depth: usize,
    /// The count of flags in one list, or of words such as capabilities: each is looked up among
    /// those before it. About 40 bytes each. 4,096.
    pub words: usize,
    /// The count of entries in any other list whose entries take more memory than their text:
    /// rights, quotas, annotations, namespaces, sections, threads open within each other. Up to 150
    /// bytes each, beside its text. 65,536.
    ///
    /// Sets of messages are exempt, since they are stored as ranges, and so are addresses and the
    /// parts of a body structure, which take about as many bytes as on the wire.
    pub entries: usize,
    /// The count of messages in a mailbox; its view takes about 22 bytes a message, twice that at
    /// worst. 4,000,000.
    pub messages: u32,
    /// The count of commands waiting or in flight; beyond it a token fails with
    /// [`QueueFull`](crate::ErrorKind::QueueFull). About 500 bytes each. 10,000.
    pub commands: usize,
    /// The count of events that wait for a slow reader; beyond it events whose content can be
    /// queried again are dropped and replaced by one [`Lagged`](crate::types::EventKind::Lagged).
    /// 65,536.
    pub events: usize,
    /// How much of a result read as a [stream](crate::Token::stream), or of the events, may wait
    /// unread before backpressure begins: if no other command is queued or in flight, nothing is
    /// read from the server until the reader has taken half, or for [`hold`](Limits::hold). At most
    /// half of [`unread`](Limits::unread). One response may exceed it by its own size. 1 MiB: more
    /// only takes memory.
    pub backlog: usize,
    /// How long backpressure lasts for a reader that takes nothing; each row taken restarts the
    /// time. Afterwards reading continues, up to [`unread`](Limits::unread). Zero: no backpressure.
    /// 5 seconds.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub hold: Duration,
    /// How much a slow reader may leave unread: of one result that is read as a
    /// [stream](crate::Token::stream), and of all events together. 64 MiB.
    ///
    /// Beyond it a result, streamed or detached, ends with [`Overrun`](crate::ErrorKind::Overrun),
    /// and that result alone; one row always fits. Other events are dropped as beyond
    /// [`events`](Limits::events). Alerts, renames and ends of detached commands are counted
    /// separately, up to the same size again; beyond that the connection ends.
    pub unread: usize,
    /// The size of one awaited result: it is collected whole before it is returned, so no reader
    /// can keep pace with it. What it is converted into on return counts, too. Beyond it the token
    /// fails with [`Overrun`](crate::ErrorKind::Overrun), which keeps 1 MiB of it at most; read
    /// larger results as a [stream](crate::Token::stream). 1 GiB.
    pub result: usize,
    /// The length of a line of FETCH, STORE and UID EXPUNGE beyond which its set of messages is
    /// split over several lines, whose results are one; of COPY and MOVE only [on
    /// request](crate::command::CopyMessages::in_pieces). 8,000; some servers refuse more.
    pub command_line: usize,
}

impl Limits {
    /// The digits of a number, leading zeros included: those of the protocol's largest numbers,
    /// which have 64 bits.
    pub const DIGITS: usize = 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 16 << 20,
            literal: 64 << 20,
            response: 256 << 20,
            depth: 50,
            words: 4_096,
            entries: 65_536,
            messages: 4_000_000,
            commands: 10_000,
            events: 65_536,
            backlog: 1 << 20,
            hold: Duration::from_secs(5),
            unread: 64 << 20,
            result: 1 << 30,
            command_line: 8_000,
        }
    }
}
