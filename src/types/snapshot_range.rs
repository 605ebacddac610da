//! Messages named by their numbers in a snapshot, for as long as they exist: by their slots.

/// The messages with certain sequence numbers in a [`Snapshot`](crate::Snapshot), for use in
/// commands: from [`Snapshot::seqs`](crate::Snapshot::seqs). Opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRange {
    /// Slots of different epochs can't be compared.
    pub(crate) epoch: u64,
    /// The length of the log of invalidated slots when this was made.
    pub(crate) invalidated_ranges: usize,
    /// The first and the last slot; `None` for no messages.
    pub(crate) ends: Option<(u32, u32)>,
}
