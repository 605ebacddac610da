//! How much an account has sent and received, over all its connections.
//!
//! In: the numbers of each connection. Out: their sum.

use crate::client::Stats;

/// How much an account has sent and received, over all its connections, those that have ended too:
/// from [`Account::traffic`](super::Account::traffic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Bytes of IMAP received, as they are without compression and TLS.
    pub bytes_received: u64,
    /// Bytes of IMAP sent, as they are without compression and TLS.
    pub bytes_sent: u64,
}

impl Traffic {
    /// With what one more connection has done.
    pub(super) fn and(self, stats: &Stats) -> Self {
        Self {
            bytes_received: self.bytes_received.saturating_add(stats.bytes_received),
            bytes_sent: self.bytes_sent.saturating_add(stats.bytes_sent),
        }
    }
}
