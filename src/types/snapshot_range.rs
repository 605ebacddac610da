//! Messages as a snapshot numbers them: by what stays with a message until it goes, whatever its
//! number is then.

/// The messages that had certain numbers in a [`Snapshot`](crate::Snapshot): from
/// [`Snapshot::seqs`](crate::Snapshot::seqs), for commands. Opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRange {
    /// Slots of different epochs can't be compared.
    pub(crate) epoch: u64,
    /// How many losses of slots had been logged.
    pub(crate) invalidated_ranges: usize,
    /// The first and the last slot; `None` for no messages.
    pub(crate) ends: Option<(u32, u32)>,
}
