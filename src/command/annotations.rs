//! Annotations of messages (ANNOTATE, RFC 5257): what is asked for and set, how that is written,
//! and STORE.

use bytes::Bytes;

use super::messages::MessageChunks;
use super::store_unchanged::condition;
use super::{Class, Command, Flow, Line, Messages, Session, StoreUnchanged};
use crate::error::{Error, Result};
use crate::types::{AnnotationScope, Done, ModSeq};

/// The capability; RFC 5257 is an experiment.
pub(super) const CAPABILITY: &str = "ANNOTATE-EXPERIMENT-1";

/// Whether the server has annotations of messages.
pub(super) fn check(session: &Session) -> Result<()> {
    if session.can(CAPABILITY) {
        return Ok(());
    }
    Err(Error::unsupported(format!("the server has no annotations of messages ({CAPABILITY}, RFC 5257)")))
}

/// RFC 5257 section 3.2: the name of an entry, or with `*` and `%` a pattern of such names.
fn check_entry(name: &str, takes_wildcards: bool) -> Result<()> {
    let is_wild = |letter: char| matches!(letter, '*' | '%');
    let fits = |letter: char| letter.is_ascii() && !letter.is_ascii_control();
    let is_path = name.starts_with('/') || takes_wildcards && name.starts_with(is_wild);
    let is_whole = is_path && !name.ends_with('/') && !name.contains("//");
    if is_whole && name.chars().all(fits) && (takes_wildcards || !name.contains(is_wild)) {
        return Ok(());
    }
    let why = "is no name of an annotation: such as `/comment`, in ASCII";
    Err(Error::invalid(format!("{name:?} {why}")))
}

/// `entry-match`: bare where it can be, since not every server reads it otherwise.
fn write_pattern(line: &mut Line, pattern: &str) {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'*' | b'%' | b'-' | b'_' | b'.');
    match pattern.bytes().all(is_plain) {
        true => line.word(pattern),
        false => line.string(pattern),
    };
}

/// Which annotations to fetch, for [`Items::annotations`](super::Items::annotations): by name, or
/// by a pattern in which `*` stands for anything and `%` for anything but `/`.
///
/// ```
/// use imap_duplex::command::{AnnotationItems, Items};
/// use imap_duplex::types::AnnotationScope;
/// let comments = Items::annotations("/comment");
/// let own = Items::annotations(AnnotationItems::of(["/comment", "/vendor/*"]).only(AnnotationScope::Private));
/// # let _ = (comments, own);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct AnnotationItems {
    entries: Vec<String>,
    scope: Option<AnnotationScope>,
    values: bool,
    sizes: bool,
}

impl AnnotationItems {
    /// The values of these, private and shared ones.
    ///
    /// ```
    /// # use imap_duplex::command::AnnotationItems;
    /// let top_level = AnnotationItems::of(["/%"]);
    /// # let _ = top_level;
    /// ```
    pub fn of(entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let entries = entries.into_iter().map(Into::into).collect();
        Self { entries, scope: None, values: true, sizes: false }
    }

    /// Private or shared ones alone.
    pub fn only(mut self, scope: AnnotationScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// And the sizes of the values.
    pub fn with_sizes(mut self) -> Self {
        self.sizes = true;
        self
    }

    /// The sizes of the values, and not the values.
    pub fn sizes(mut self) -> Self {
        (self.values, self.sizes) = (false, true);
        self
    }

    /// Both: one item of FETCH asks for all of them.
    pub(super) fn merge(&mut self, other: Self) {
        let new = other.entries.into_iter().filter(|name| !self.entries.contains(name));
        let new: Vec<_> = new.collect();
        self.entries.extend(new);
        self.scope = self.scope.filter(|scope| other.scope == Some(*scope));
        self.values |= other.values;
        self.sizes |= other.sizes;
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.entries.is_empty() {
            return Err(Error::invalid("no annotation is named"));
        }
        self.entries.iter().try_for_each(|name| check_entry(name, true))
    }

    /// `ANNOTATION (entries attributes)`.
    pub(super) fn write(&self, line: &mut Line) {
        line.word("ANNOTATION").open();
        match &*self.entries {
            [one] => write_pattern(line, one),
            several => {
                line.open();
                several.iter().for_each(|entry| write_pattern(line, entry));
                line.close();
            }
        }
        let suffix = self.scope.map_or("", AnnotationScope::suffix);
        let names = [(self.values, "value"), (self.sizes, "size")];
        if self.values && self.sizes {
            line.open();
        }
        for (_, name) in names.iter().filter(|(wanted, _)| *wanted) {
            line.word(&format!("{name}{suffix}"));
        }
        if self.values && self.sizes {
            line.close();
        }
        line.close();
    }
}

impl From<&str> for AnnotationItems {
    fn from(entry: &str) -> Self {
        Self::of([entry])
    }
}

impl From<String> for AnnotationItems {
    fn from(entry: String) -> Self {
        Self::of([entry])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for AnnotationItems {
    fn from(entries: [S; N]) -> Self {
        Self::of(entries)
    }
}

/// What a search looks for in annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnnotationKey {
    pub(super) entry: String,
    pub(super) scope: Option<AnnotationScope>,
    pub(super) text: String,
}

impl AnnotationKey {
    pub(super) fn check(&self) -> Result<()> {
        check_entry(&self.entry, true)
    }

    pub(super) fn write(&self, line: &mut Line) {
        line.word("ANNOTATION");
        write_pattern(line, &self.entry);
        line.word(&format!("value{}", self.scope.map_or("", AnnotationScope::suffix))).string(&self.text);
    }
}

/// `ANNOTATION /altsubject value.shared`: the key of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AnnotationOrder {
    pub(super) entry: String,
    pub(super) scope: AnnotationScope,
}

impl AnnotationOrder {
    pub(super) fn check(&self, session: &Session) -> Result<()> {
        check(session)?;
        check_entry(&self.entry, false)
    }

    pub(super) fn write(&self, line: &mut Line) {
        line.word("ANNOTATION").astring(&self.entry).word(&format!("value{}", self.scope.suffix()));
    }
}

/// Values that annotations get, or lose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AnnotationValues(Vec<(String, Values)>);

/// Those of one entry.
type Values = Vec<(AnnotationScope, Option<Bytes>)>;

impl AnnotationValues {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last value that is given counts.
    pub(super) fn put(&mut self, entry: String, scope: AnnotationScope, value: Option<Bytes>) {
        let place = self.0.iter().position(|(known, _)| *known == entry);
        let values = match place.and_then(|place| self.0.get_mut(place)) {
            Some((_, values)) => values,
            None => {
                self.0.push((entry, vec![(scope, value)]));
                return;
            }
        };
        values.retain(|(known, _)| *known != scope);
        values.push((scope, value));
    }

    pub(super) fn check(&self, session: &Session) -> Result<()> {
        check(session)?;
        self.0.iter().try_for_each(|(entry, _)| check_entry(entry, false))
    }

    /// `ANNOTATION (entry (value.priv "text" …) …)`: `att-annotate`.
    pub(super) fn write(&self, line: &mut Line) {
        line.word("ANNOTATION").open();
        for (entry, values) in &self.0 {
            line.astring(entry).open();
            for (scope, value) in values {
                line.word(&format!("value{}", scope.suffix()));
                match value {
                    Some(bytes) if bytes.contains(&0) => line.literal8(bytes.clone()),
                    value => line.nstring(value.as_ref()),
                };
            }
            line.close();
        }
        line.close();
    }
}

/// `STORE … ANNOTATION`: sets or removes annotations of messages (RFC 5257 section 4.5). Needs
/// ANNOTATE-EXPERIMENT-1.
///
/// The server answers with nothing but OK. It refuses what it can't keep with
/// [`Code::Annotate`](crate::types::Code::Annotate); of a mailbox
/// [`Code::Annotations`](crate::types::Code::Annotations) says what it can have.
///
/// ```
/// use imap_duplex::command::StoreAnnotations;
/// use imap_duplex::types::AnnotationScope::{Private, Shared};
/// let note = StoreAnnotations::set("/comment", Private, "Answer by Friday").and_unset("/comment", Shared);
/// # let _ = note;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StoreAnnotations {
    which: Messages,
    values: AnnotationValues,
    /// On the condition that the messages have not changed since then.
    unchanged_since: Option<ModSeq>,
    pieces: MessageChunks,
}

impl StoreAnnotations {
    fn new() -> Self {
        Self {
            which: Messages::default(),
            values: AnnotationValues::default(),
            unchanged_since: None,
            pieces: MessageChunks::default(),
        }
    }

    /// Gives this annotation that value: text in UTF-8, or any bytes.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::StoreAnnotations, types::AnnotationScope};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let note = StoreAnnotations::set("/comment", AnnotationScope::Private, "Answer by Friday");
    /// inbox.store_annotations(inbox.newest(1), note).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set(entry: impl Into<String>, scope: AnnotationScope, value: impl Into<Bytes>) -> Self {
        Self::new().and_set(entry, scope, value)
    }

    /// Removes this annotation.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::StoreAnnotations, types::AnnotationScope};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let done = StoreAnnotations::unset("/comment", AnnotationScope::Private);
    /// inbox.store_annotations(inbox.newest(1), done).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unset(entry: impl Into<String>, scope: AnnotationScope) -> Self {
        Self::new().and_unset(entry, scope)
    }

    /// And gives this one that value.
    pub fn and_set(
        mut self,
        entry: impl Into<String>,
        scope: AnnotationScope,
        value: impl Into<Bytes>,
    ) -> Self {
        self.values.put(entry.into(), scope, Some(value.into()));
        self
    }

    /// And removes this one.
    pub fn and_unset(mut self, entry: impl Into<String>, scope: AnnotationScope) -> Self {
        self.values.put(entry.into(), scope, None);
        self
    }

    /// Only of those messages that have not changed since this mod-sequence (RFC 7162 section
    /// 3.1.3); needs CONDSTORE. The others are named in the result. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::StoreAnnotations, types::{AnnotationScope, ModSeq, Uid}};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid, seen: ModSeq) -> imap_duplex::Result<()> {
    /// let note = StoreAnnotations::set("/comment", AnnotationScope::Shared, "Ann has it");
    /// let stored = inbox.submit(note.of(uid).unchanged_since(seen)).await?;
    /// println!("{} have changed meanwhile", stored.modified);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UNCHANGEDSINCE")]
    pub fn unchanged_since(mut self, mod_seq: ModSeq) -> StoreUnchanged<Self> {
        self.unchanged_since = Some(mod_seq);
        StoreUnchanged::new(self)
    }

    /// Of these messages.
    /// ([`Mailbox::store_annotations`](crate::Mailbox::store_annotations) sets them by itself.)
    pub fn of(mut self, which: impl Into<Messages>) -> Self {
        self.which = which.into();
        self
    }
}

impl Command for StoreAnnotations {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "STORE"
    }

    fn class(&self) -> Class {
        Class::change().about_messages().changing_messages().uid_form().ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.values.check(session)?;
        let (piece, flow) = self.pieces.next(&self.which, session);
        line.command("STORE", &piece);
        condition(line, self.unchanged_since);
        self.values.write(line);
        Ok(flow)
    }

    fn line_ended(&mut self, at: usize) {
        self.pieces.line_ended(at);
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}
