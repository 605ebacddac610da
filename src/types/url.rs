//! What URLs of messages hold (URLAUTH, RFC 4467), and which collation is in use (RFC 5255).

use bytes::Bytes;

/// One URL of `* URLFETCH`, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlData {
    /// The URL.
    pub url: String,
    /// The octets that it stands for; `None` if it is not valid, or no longer.
    pub data: Option<Bytes>,
    /// What was told beside them, where the structure of the data was asked for too (RFC 5524):
    /// name and value, as the server wrote them.
    pub other: Vec<(String, Bytes)>,
}

/// `* COMPARATOR`: how the server orders and compares text (RFC 5255 section 4.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Comparator {
    /// The collation in use: `i;unicode-casemap`.
    pub active: String,
    /// All that were asked for and are there, if more than one.
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
