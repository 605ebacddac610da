//! The data behind URLs of messages (URLAUTH, RFC 4467), and the collation in use (RFC 5255).

use bytes::Bytes;

/// One URL of `* URLFETCH`, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlData {
    /// The URL.
    pub url: String,
    /// The data; `None` if the URL is not valid, or no longer.
    pub data: Option<Bytes>,
    /// Items beside the data, where its structure was requested too (RFC 5524): name and value, as
    /// the server wrote them.
    pub other: Vec<(String, Bytes)>,
}

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

impl UrlData {
    pub(crate) fn new(url: String, data: Option<Bytes>) -> Self {
        Self { url, data, other: Vec::new() }
    }
}

impl Comparator {
    pub(crate) fn new(active: String, matching: Vec<String>) -> Self {
        Self { active, matching }
    }
}
