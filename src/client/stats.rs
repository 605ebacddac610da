//! What a connection has done so far, and what waits in it.
//!
//! In: the numbers that the halves and the driver keep. Out: a copy of them.

use crate::engine::Shared;

/// What a connection has done so far, and what waits in it: from
/// [`Sender::stats`](super::Sender::stats). The numbers are read one after the other, while the
/// connection goes on.
///
/// ```no_run
/// # fn example(imap: &imap_duplex::Sender) {
/// let stats = imap.stats();
/// println!("{} kB received, {} commands in flight", stats.bytes_received / 1000, stats.in_flight);
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Bytes of IMAP received, as they are without compression and TLS.
    pub bytes_received: u64,
    /// Bytes of IMAP sent, as they are without compression and TLS.
    pub bytes_sent: u64,
    /// By how much COMPRESS makes the traffic smaller, both ways together: 4.0 if a quarter of the
    /// bytes are on the line. `None` while nothing has been compressed.
    pub compression: Option<f64>,
    /// Commands that have gone out, the library's own among them.
    pub commands: u64,
    /// Responses received: lines, each with its literals.
    pub responses: u64,
    /// Commands that wait to be sent, the library's own among them.
    pub waiting: usize,
    /// Commands that have been sent and have not ended, the library's own among them, such as IDLE.
    pub in_flight: usize,
    /// Bytes that wait to be written.
    pub unwritten: usize,
    /// Events that wait to be read.
    pub events: usize,
    /// How many bytes of memory they hold.
    pub event_bytes: usize,
}

impl Stats {
    pub(super) fn of(shared: &Shared) -> Self {
        let counters = shared.counters();
        let (bytes_received, bytes_sent) = counters.bytes();
        let (waiting, in_flight, unwritten) = counters.depths();
        let (events, event_bytes) = shared.events().waiting();
        Self {
            bytes_received,
            bytes_sent,
            compression: ratio(counters.compressed()),
            commands: counters.commands(),
            responses: counters.responses(),
            waiting: waiting + shared.not_taken(),
            in_flight,
            unwritten,
            events,
            event_bytes,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a ratio needs no more")]
fn ratio((plain, on_the_line): (u64, u64)) -> Option<f64> {
    (on_the_line > 0).then(|| plain as f64 / on_the_line as f64)
}
