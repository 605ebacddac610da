//! Annotations of mailboxes and of the server: GETMETADATA, SETMETADATA (RFC 5464).

use std::ops::Deref;

use bytes::Bytes;

use super::{Action, Claim, Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Code, Done, MailboxName, Metadata, MetadataCode, MetadataValue, Untagged};

/// Whether the server has annotations, of this mailbox or of itself.
fn check(session: &Session, mailbox: Option<&MailboxName>) -> Result<()> {
    if session.can("METADATA") || mailbox.is_none() && session.can("METADATA-SERVER") {
        return Ok(());
    }
    Err(Error::unsupported("the server has no METADATA (RFC 5464)"))
}

/// RFC 5464 section 3.2: the name of an entry.
fn check_entry(name: &str) -> Result<()> {
    let is_odd =
        |letter: char| !letter.is_ascii() || letter.is_ascii_control() || matches!(letter, '*' | '%');
    let is_path = name.starts_with('/') && !name.ends_with('/') && !name.contains("//");
    if is_path && !name.contains(is_odd) {
        return Ok(());
    }
    let why = "is no name of an annotation: such as `/private/comment`, in ASCII, without `*` and `%`";
    Err(Error::invalid(format!("{name:?} {why}")))
}

/// The server itself is named by the empty string.
fn write_mailbox(line: &mut Line, mailbox: Option<&MailboxName>) {
    match mailbox {
        Some(mailbox) => line.mailbox(mailbox),
        None => line.string(""),
    };
}

/// How much below the entries that are named is asked for as well (RFC 5464 section 4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetadataDepth {
    /// Nothing.
    #[default]
    Zero,
    /// The entries directly below.
    One,
    /// All entries below.
    Infinity,
}

/// `GETMETADATA`: annotations of a mailbox, or of the server (RFC 5464 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetMetadata {
    mailbox: Option<MailboxName>,
    entries: Vec<String>,
    max_size: Option<u32>,
    depth: MetadataDepth,
}

impl GetMetadata {
    /// These annotations of a mailbox: `/private/comment`, `/shared/comment` and the like.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{GetMetadata, MetadataDepth};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let all = GetMetadata::of("INBOX", ["/private", "/shared"]).depth(MetadataDepth::Infinity);
    /// for entry in &imap.submit(all.max_size(1024)).await?.entries {
    ///     println!("{}: {:?}", entry.name, entry.value);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(mailbox: impl Into<MailboxName>, entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let entries = entries.into_iter().map(Into::into).collect();
        Self { mailbox: Some(mailbox.into()), entries, max_size: None, depth: MetadataDepth::Zero }
    }

    /// These annotations of the server itself: `/shared/admin` and the like.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetMetadata;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let server = imap.submit(GetMetadata::of_server(["/shared/admin"])).await?;
    /// println!("{:?}", server.get("/shared/admin"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_server(entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { mailbox: None, ..Self::of("", entries) }
    }

    /// Without values of more bytes: see [`Annotations::longest_left_out`].
    #[doc(alias = "MAXSIZE")]
    pub fn max_size(mut self, bytes: u32) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// And so much of what is below these entries.
    #[doc(alias = "DEPTH")]
    pub fn depth(mut self, depth: MetadataDepth) -> Self {
        self.depth = depth;
        self
    }

    /// Whether this entry was asked for.
    fn asks(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.entries.iter().any(|asked| {
            let rest = name.strip_prefix(&asked.to_ascii_lowercase());
            rest.is_some_and(|rest| match (rest.strip_prefix('/'), self.depth) {
                _ if rest.is_empty() => true,
                (Some(below), MetadataDepth::One) => !below.contains('/'),
                (Some(_), MetadataDepth::Infinity) => true,
                _ => false,
            })
        })
    }
}

/// Annotations, as [`GetMetadata`] gets them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotations {
    /// Those that there are.
    pub metadata: Metadata,
    /// If values were longer than [`GetMetadata::max_size`], and so are not there: how many bytes
    /// the longest has.
    pub longest_left_out: Option<u64>,
}

impl Deref for Annotations {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.metadata
    }
}

impl Command for GetMetadata {
    type Item = Metadata;
    type Output = Annotations;

    fn name(&self) -> &str {
        "GETMETADATA"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        self.mailbox.as_ref()
    }

    fn class(&self) -> Class {
        let class = Class::query().answered_by(&["METADATA"]);
        match &self.mailbox {
            Some(mailbox) => class.about_mailbox(mailbox.clone()),
            None => class,
        }
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session, self.mailbox.as_ref())?;
        if self.entries.is_empty() {
            return Err(Error::invalid("nothing is asked for: name at least one annotation"));
        }
        self.entries.iter().try_for_each(|name| check_entry(name))?;
        line.atom("GETMETADATA");
        if self.max_size.is_some() || self.depth != MetadataDepth::Zero {
            line.open();
            if let Some(bytes) = self.max_size {
                line.word("MAXSIZE").number(bytes.into());
            }
            match self.depth {
                MetadataDepth::Zero => {}
                MetadataDepth::One => {
                    line.word("DEPTH").number(1);
                }
                MetadataDepth::Infinity => {
                    line.word("DEPTH").word("infinity");
                }
            }
            line.close();
        }
        write_mailbox(line, self.mailbox.as_ref());
        match &*self.entries {
            [one] => {
                line.astring(one);
            }
            several => {
                line.open();
                for name in several {
                    line.astring(name);
                }
                line.close();
            }
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let Answer::Metadata(metadata) = response.answer() else { return Claim::No };
        // A change that is reported has names alone (RFC 5464 section 4.4.2).
        let is_change = metadata.entries.iter().any(|entry| entry.value == MetadataValue::Changed);
        if is_change || metadata.mailbox.is_some() != self.mailbox.is_some() {
            return Claim::No;
        }
        let asked = |entry: &crate::types::MetadataEntry| self.asks(&entry.name);
        if metadata.entries.iter().all(asked) {
            Claim::Whole
        } else if metadata.entries.iter().any(asked) {
            Claim::Part
        } else {
            Claim::No
        }
    }

    fn item(response: Untagged) -> Option<Metadata> {
        match response.into_answer() {
            Answer::Metadata(metadata) => Some(*metadata),
            _ => None,
        }
    }

    fn finish(self, done: Done, items: Vec<Metadata>) -> Result<Annotations> {
        let mut metadata = Metadata::new(self.mailbox, Vec::new());
        // Some servers send one response an entry (RFC 5464 section 4.4.1 allows it).
        metadata.entries = items.into_iter().flat_map(|some| some.entries).collect();
        let longest_left_out = match done.status.code {
            Some(Code::Metadata(MetadataCode::LongEntries(bytes))) => Some(bytes),
            _ => None,
        };
        Ok(Annotations { metadata, longest_left_out })
    }
}

/// `SETMETADATA`: sets or removes annotations of a mailbox, or of the server (RFC 5464 section
/// 4.3).
///
/// A server that refuses says why in the error's code:
/// [`MetadataCode`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct SetMetadata {
    mailbox: Option<MailboxName>,
    entries: Vec<(String, Option<Bytes>)>,
}

impl SetMetadata {
    /// Of this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetMetadata;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let comment = SetMetadata::of("INBOX").set("/private/comment", "My own").unset("/private/old");
    /// imap.submit(comment).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: Some(mailbox.into()), entries: Vec::new() }
    }

    /// Of the server itself.
    ///
    /// ```no_run
    /// # use imap_duplex::command::SetMetadata;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(SetMetadata::of_server().set("/private/vendor/example/colour", "green")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_server() -> Self {
        Self { mailbox: None, entries: Vec::new() }
    }

    /// And gives this annotation that value: text in UTF-8, or any bytes.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.entries.push((name.into(), Some(value.into())));
        self
    }

    /// And removes this annotation.
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.entries.push((name.into(), None));
        self
    }
}

impl Action for SetMetadata {
    fn name(&self) -> &str {
        "SETMETADATA"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        self.mailbox.as_ref()
    }

    fn class(&self) -> Class {
        Class::change()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session, self.mailbox.as_ref())?;
        if self.entries.is_empty() {
            return Err(Error::invalid("nothing is set: name at least one annotation"));
        }
        self.entries.iter().try_for_each(|(name, _)| check_entry(name))?;
        line.atom("SETMETADATA");
        write_mailbox(line, self.mailbox.as_ref());
        line.open();
        for (name, value) in &self.entries {
            line.astring(name);
            match value {
                // RFC 5464 section 5, `value`.
                Some(bytes) if bytes.contains(&0) => line.literal8(bytes.clone()),
                value => line.nstring(value.as_ref()),
            };
        }
        line.close();
        Ok(Flow::Last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, claims, lines, refused, server};

    /// RFC 5464 sections 4.2 and 4.4.1. Options stand where the grammar of section 5 has them; the
    /// examples of 4.2.1 and 4.2.2 have them behind the mailbox.
    #[test]
    fn annotations_are_asked_for_as_the_rfc_has_it() {
        let session = server(&["METADATA"]);
        let line = |get: GetMetadata| lines(get, &session);
        let comment = || GetMetadata::of_server(["/shared/comment"]);
        assert_eq!(line(comment()), ["GETMETADATA \"\" /shared/comment"]);
        let answer = "* METADATA \"\" (/shared/comment \"Shared comment\")";
        let got = answered(comment(), &[answer], "OK GETMETADATA complete").expect("OK");
        assert_eq!(got.get("/shared/comment").map(|value| &value[..]), Some(&b"Shared comment"[..]));
        assert_eq!((got.mailbox.as_ref(), got.longest_left_out), (None, None));
        let both = || GetMetadata::of("INBOX", ["/shared/comment", "/private/comment"]);
        assert_eq!(line(both()), ["GETMETADATA INBOX (/shared/comment /private/comment)"]);
        let small = both().max_size(1024);
        let expected = "GETMETADATA (MAXSIZE 1024) INBOX (/shared/comment /private/comment)";
        assert_eq!(line(small.clone()), [expected]);
        let answer = "* METADATA \"INBOX\" (/private/comment \"My own comment\")";
        let ok = "OK [METADATA LONGENTRIES 2199] GETMETADATA complete";
        let got = answered(small, &[answer], ok).expect("OK");
        assert_eq!((got.entries.len(), got.longest_left_out), (1, Some(2199)));
        let values = || GetMetadata::of("INBOX", ["/private/filters/values"]);
        let one = values().depth(MetadataDepth::One);
        assert_eq!(line(one.clone()), ["GETMETADATA (DEPTH 1) INBOX /private/filters/values"]);
        let answer = "* METADATA \"INBOX\" (/private/filters/values/small \"SMALLER 5000\" \
            /private/filters/values/boss \"FROM \\\"boss@example.com\\\"\")";
        let got = answered(one, &[answer], "OK GETMETADATA complete").expect("OK");
        assert_eq!(
            got.get("/private/filters/values/boss").map(|value| &value[..]),
            Some(&b"FROM \"boss@example.com\""[..])
        );
        let all = values().depth(MetadataDepth::Infinity).max_size(1);
        assert_eq!(line(all), ["GETMETADATA (MAXSIZE 1 DEPTH infinity) INBOX /private/filters/values"]);
    }

    /// RFC 5464 section 4.3.
    #[test]
    fn annotations_are_set_as_the_rfc_has_it() {
        let session = server(&["METADATA"]);
        let line = |set: SetMetadata| lines(set, &session);
        let inbox = || SetMetadata::of("INBOX");
        let new = inbox().set("/private/comment", "My new comment across\r\ntwo lines.");
        let expected = "SETMETADATA INBOX (/private/comment {33+}\r\nMy new comment across\r\ntwo lines.)";
        assert_eq!(line(new), [expected]);
        assert_eq!(line(inbox().unset("/private/comment")), ["SETMETADATA INBOX (/private/comment NIL)"]);
        let two =
            inbox().set("/private/comment", "My new comment").set("/shared/comment", "This one is for you!");
        let expected = "SETMETADATA INBOX (/private/comment \"My new comment\" \
            /shared/comment \"This one is for you!\")";
        assert_eq!(line(two), [expected]);
        let bytes = SetMetadata::of_server().set("/shared/x", &b"a\0b"[..]);
        assert_eq!(line(bytes), ["SETMETADATA \"\" (/shared/x ~{3+}\r\na\0b)"]);
    }

    #[test]
    fn what_is_no_name_or_can_not_be_asked_is_refused() {
        let all = server(&["METADATA"]);
        for odd in ["", "comment", "/a/", "//a", "/a//b", "/a*", "/%", "/\u{e4}", "/a\r\nx"] {
            assert!(refused(GetMetadata::of("INBOX", [odd]), &all).contains("no name"), "{odd:?}");
            assert!(refused(SetMetadata::of("INBOX").unset(odd), &all).contains("no name"), "{odd:?}");
        }
        assert!(refused(GetMetadata::of("INBOX", [""; 0]), &all).contains("nothing"));
        assert!(refused(SetMetadata::of("INBOX"), &all).contains("nothing"));
        let of_server = server(&["METADATA-SERVER"]);
        assert!(refused(GetMetadata::of("INBOX", ["/a"]), &of_server).contains("METADATA"));
        assert_eq!(lines(GetMetadata::of_server(["/a"]), &of_server), ["GETMETADATA \"\" /a"]);
    }

    /// RFC 5464 sections 4.2.2 and 4.4.2.
    #[test]
    fn only_what_was_asked_for_is_an_answer() {
        let get = GetMetadata::of("INBOX", ["/private/a"]);
        assert_eq!(claims(&get, "* METADATA INBOX (/PRIVATE/A NIL)"), Claim::Whole);
        assert_eq!(claims(&get, "* METADATA INBOX /private/a"), Claim::No, "a change");
        assert_eq!(claims(&get, "* METADATA \"\" (/private/a x)"), Claim::No, "the server's");
        assert_eq!(claims(&get, "* METADATA INBOX (/private/a x /private/b y)"), Claim::Part);
        for below in ["/private/a/b", "/private/ab", "/private/a/b/c"] {
            assert_eq!(claims(&get, &format!("* METADATA INBOX ({below} x)")), Claim::No, "{below}");
        }
        let one = get.clone().depth(MetadataDepth::One);
        assert_eq!(claims(&one, "* METADATA INBOX (/private/a/b x)"), Claim::Whole);
        assert_eq!(claims(&one, "* METADATA INBOX (/private/a/b/c x)"), Claim::No);
        let all = get.depth(MetadataDepth::Infinity);
        assert_eq!(claims(&all, "* METADATA INBOX (/private/a/b/c x)"), Claim::Whole);
        assert_eq!(claims(&all, "* METADATA INBOX (/private/ab x)"), Claim::No);
    }
}
