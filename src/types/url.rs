//! The data behind URLs of messages (URLAUTH, RFC 4467).

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

impl UrlData {
    pub(crate) fn new(url: String, data: Option<Bytes>) -> Self {
        Self { url, data, other: Vec::new() }
    }
}
