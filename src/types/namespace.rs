//! Where a server keeps whose mailboxes: namespaces (RFC 2342, RFC 9051 section 6.3.10).

/// `* NAMESPACE`: what names of mailboxes begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Namespaces {
    /// The user's own mailboxes. The first one is where new ones should go.
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
    /// What the names in it begin with, decoded, the delimiter at its end included; may be empty.
    pub prefix: String,
    /// What stands between the levels of a name; `None` where there are no levels.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub delimiter: Option<char>,
    /// What extensions tell of it: name and values of each.
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
