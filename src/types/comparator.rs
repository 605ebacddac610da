//! How the server orders and compares text (RFC 5255).

/// `* COMPARATOR`: how the server orders and compares text (RFC 5255 section 4.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Comparator {
    /// The collation in use: `i;unicode-casemap`.
    pub active: String,
    /// All requested collations that exist, if more than one.
    pub matching: Vec<String>,
}

impl Comparator {
    pub(crate) fn new(active: String, matching: Vec<String>) -> Self {
        Self { active, matching }
    }
}
