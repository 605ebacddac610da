//! Namespaces: where a server keeps whose mailboxes (RFC 2342, RFC 9051 section 6.3.10).

/// `* NAMESPACE`: the prefixes of mailbox names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Namespaces {
    /// The user's own mailboxes. New mailboxes belong in the first one.
    pub personal: Vec<Namespace>,
    /// Those of other users.
    pub other_users: Vec<Namespace>,
    /// Those that are shared.
    pub shared: Vec<Namespace>,
}

/// One of the [`Namespaces`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Namespace {
    /// The prefix of its names, decoded, with the trailing delimiter; may be empty.
    pub prefix: String,
    /// The hierarchy delimiter; `None` where there is no hierarchy.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub delimiter: Option<char>,
    /// Extension data: a name and its values.
    pub extensions: Vec<(String, Vec<String>)>,
    /// The prefix in the language that was chosen with LANGUAGE, decoded (RFC 5255 section 3.4).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub translation: Option<String>,
}

impl Namespace {
    pub(crate) fn new(prefix: String, delimiter: Option<char>) -> Self {
        Self { prefix, delimiter, extensions: Vec::new(), translation: None }
    }
}
