//! Every bound that the library keeps, in one place.

use std::time::Duration;

/// The bounds of one connection: how much a server, or a caller, can make it hold.
///
/// Sizes are in bytes. What waits to be read ([`backlog`](Self::backlog), [`unread`](Self::unread),
/// [`result`](Self::result)) counts by what it takes in memory: each row or event by its place in a
/// queue, 300 to 400 bytes, and each of its texts and lists by its allocation, as common allocators
/// round it. That is exact but for a few percent, and for keywords, of which many messages share
/// the same: they may count several times. A row of flags counts about 500 bytes, one with an
/// envelope about 800.
///
/// Whatever passes a bound gets an error that names it. What one connection can come to hold is the
/// sum: one [`response`](Self::response), [`unread`](Self::unread) for each result that is read as
/// a stream and twice for the events, [`result`](Self::result) for each result that is awaited, and
/// the view of [`messages`](Self::messages). A LIST in flight remembers 100,000 names beside, at
/// about 12 bytes each. Where servers are not to be trusted, make `result` and `literal` smaller
/// first.
///
/// ```
/// use imap_duplex::types::Limits;
/// let mut limits = Limits::default();
/// limits.literal = 8 << 20;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest response outside its literals. It is held in memory while it is read; a SEARCH
    /// that finds 100,000 messages is one line of 600 kB. The numbers that a search found may be
    /// more: they are read as they come. 16 MiB.
    ///
    /// Texts such as names, subjects and addresses, which may take several times their length while
    /// they are decoded, may have no more in literals either: where the literals of a response are
    /// longer than this in all, they may be data of messages, values of annotations, and what the
    /// library does not know; else the response can't be read.
    pub line: usize,
    /// The longest literal that is held in memory. 64 MiB.
    pub literal: usize,
    /// The longest response in all, its literals among it. It takes about as much memory, and twice
    /// that for a moment where it, or an item of it, is of a kind that the library does not know.
    /// 256 MiB.
    pub response: usize,
    /// How deep parentheses may nest, as in BODYSTRUCTURE; 200 at the most, as each level takes
    /// stack. 50.
    pub depth: usize,
    /// How many flags, or words such as capabilities, one list may have: each is looked up among
    /// those before it. About 40 octets each. 4,096.
    pub words: usize,
    /// How many entries any other list may have, whose entries take more memory than their text:
    /// rights, quotas, annotations, namespaces, sections, threads open within each other. Up to 150
    /// octets each, beside its text. 65,536.
    ///
    /// Sets of messages are no such lists, as they are kept as ranges, nor are addresses and the
    /// parts of a body structure, as they are kept in about the octets in which they came.
    pub entries: usize,
    /// How many messages a mailbox may have; the view of each costs about 22 octets, twice that at
    /// the worst. 4,000,000.
    pub messages: u32,
    /// How many commands may wait or be in flight; past it a token fails with
    /// [`QueueFull`](crate::ErrorKind::QueueFull). About 500 octets each. 10,000.
    pub commands: usize,
    /// How many events may wait for a slow reader; past it news that can be asked again is left
    /// out, behind one [`Lagged`](crate::types::EventKind::Lagged). 65,536.
    pub events: usize,
    /// How much of a result read as a [stream](crate::Token::stream), or of the events, may wait
    /// unread before the server waits too: if no other command is queued or in flight, nothing is
    /// read from it then until the reader has taken half, or for [`hold`](Limits::hold). Half of
    /// [`unread`](Limits::unread) at the most. It can be passed by what one response holds. 1 MiB:
    /// more only makes memory go round.
    pub backlog: usize,
    /// How long the server is kept waiting for a slow reader that takes nothing; each row that is
    /// taken begins it anew. After it reading goes on, up to [`unread`](Limits::unread). Zero: it
    /// is never kept waiting. 5 seconds.
    pub hold: Duration,
    /// How much a slow reader may leave unread: of one result that is read as a
    /// [stream](crate::Token::stream), and of all events together. 64 MiB.
    ///
    /// Past it a result, streamed or detached, ends with [`Overrun`](crate::ErrorKind::Overrun),
    /// and that result alone; one row always fits. News is left out as past
    /// [`events`](Limits::events). Alerts, renames and ends of detached commands are counted apart,
    /// up to as much again; past that the connection ends.
    pub unread: usize,
    /// How much one awaited result may hold: it is collected whole before it is given, so no reader
    /// can keep pace with it. What it is made into when it is given counts, too. Past it the token
    /// fails with [`Overrun`](crate::ErrorKind::Overrun), which keeps 1 MiB of it at the most; what
    /// is more is for a [stream](crate::Token::stream). 1 GiB.
    pub result: usize,
    /// How long a command's line may get before its set of messages is split over several. 8,000;
    /// some servers refuse more.
    pub command_line: usize,
}

impl Limits {
    /// How many digits a number may have, zeros in front among them: those of the largest that the
    /// protocol has, which takes 64 bits.
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
