//! Namespaces: where a server keeps whose mailboxes (RFC 2342, RFC 9051 section 6.3.10).

use super::mailbox::MailboxName;

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
    /// The mailbox of these names in this namespace, each below the one before: with the prefix and
    /// the delimiter that the server demands. `None` if there are none, or if one of them can't be:
    /// it is empty or has the delimiter in it, or there is no hierarchy and there are several.
    ///
    /// ```no_run
    /// # use imap_duplex::Sender;
    /// # async fn example(imap: &Sender) -> imap_duplex::Result<()> {
    /// let namespaces = imap.namespace().await?;
    /// let own = namespaces.personal.first();
    /// if let Some(plans) = own.and_then(|own| own.mailbox(["Plans", "2027"])) {
    ///     imap.create(plans).await?; // `Plans/2027` on one server, `INBOX.Plans.2027` on another
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mailbox<S: AsRef<str>>(&self, levels: impl IntoIterator<Item = S>) -> Option<MailboxName> {
        let (mut name, mut gap) = (self.prefix.clone(), false);
        for level in levels {
            let level = level.as_ref();
            if level.is_empty() || self.delimiter.is_some_and(|delimiter| level.contains(delimiter)) {
                return None;
            }
            if std::mem::replace(&mut gap, true) {
                name.push(self.delimiter?);
            }
            name.push_str(level);
        }
        gap.then(|| MailboxName::new(name))
    }

    pub(crate) fn new(prefix: String, delimiter: Option<char>) -> Self {
        Self { prefix, delimiter, extensions: Vec::new(), translation: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_put_together_as_the_server_wants_it() {
        let courier = Namespace::new("INBOX.".into(), Some('.'));
        let usual = Namespace::new(String::new(), Some('/'));
        let flat = Namespace::new("#news.".into(), None);
        let name = |of: &Namespace, levels: &[&str]| of.mailbox(levels).map(|name| name.as_str().to_owned());
        assert_eq!(name(&courier, &["Plans", "2027"]).as_deref(), Some("INBOX.Plans.2027"));
        assert_eq!(name(&usual, &["Plans", "20.27"]).as_deref(), Some("Plans/20.27"));
        assert_eq!(name(&usual, &["Entwu\u{308}rfe"]).as_deref(), Some("Entwürfe"));
        assert_eq!(name(&usual, &["inbox"]).as_deref(), Some("INBOX"));
        assert_eq!(name(&flat, &["comp"]).as_deref(), Some("#news.comp"));
        for (of, levels) in [
            (&courier, &["Plans", "20.27"][..]),
            (&usual, &["Plans", ""]),
            (&usual, &[]),
            (&flat, &["comp", "mail"]),
        ] {
            assert_eq!(name(of, levels), None, "{levels:?}");
        }
    }
}
