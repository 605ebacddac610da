//! One FETCH or URLFETCH response, item by item in the order in which the client named them (RFC
//! 9051 section 7.5.2).
//!
//! [`super::response`] writes the items of a [`Message`](crate::types::Message) in an order of its
//! own, and BODY[] for any item named RFC822; a server answers in the order and with the names of
//! the request. Items in, the response's bytes out.

use super::body::{body, envelope};
use super::fetch::{annotations, data, date_time, section};
use super::out::{Out, Strings};
use crate::types::{Annotation, BodyData, BodyStructure, Envelope, Flags, MailboxName, Section, Timestamp};

/// `* URLFETCH`, URL by URL (RFC 4467 section 7), with what was asked for of each (RFC 5524 section
/// 4).
#[derive(Debug)]
pub(crate) struct UrlRow(Out);

impl UrlRow {
    pub(crate) fn new(strings: Strings) -> Self {
        let mut out = Out::new(strings);
        out.raw("* URLFETCH");
        Self(out)
    }

    /// A URL with what is behind it, or NIL.
    pub(crate) fn simple(&mut self, url: &str, data: Option<&[u8]>) {
        self.begin(url);
        self.0.space().nstring(data);
    }

    /// A URL that is followed by items.
    pub(crate) fn begin(&mut self, url: &str) {
        self.0.space().string(url.as_bytes());
    }

    /// `(BODY {28}…)` or `(BINARY ~{28}…)`.
    pub(crate) fn data(&mut self, name: &str, data: Option<&[u8]>) {
        self.0.raw(" (").word(name).space().nstring(data).raw(")");
    }

    /// `(BODYPARTSTRUCTURE (…))`.
    pub(crate) fn structure(&mut self, value: Option<&BodyStructure>) {
        self.0.raw(" (BODYPARTSTRUCTURE ");
        match value {
            Some(value) => body(value.packed(), &mut self.0),
            None => drop(self.0.raw("NIL")),
        }
        self.0.raw(")");
    }

    /// Its bytes, including the line end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.raw("\r\n").finish()
    }
}

/// A FETCH response while it is being written.
#[derive(Debug)]
pub(crate) struct FetchRow {
    out: Out,
    any: bool,
}

impl FetchRow {
    /// `* seq FETCH (`.
    pub(crate) fn new(seq: u32, strings: Strings) -> Self {
        let mut out = Out::new(strings);
        out.raw("* ").number(seq).raw(" FETCH (");
        Self { out, any: false }
    }

    /// `* uid UIDFETCH (` (RFC 9586 section 3.3).
    pub(crate) fn by_uid(uid: u32, strings: Strings) -> Self {
        let mut out = Out::new(strings);
        out.raw("* ").number(uid).raw(" UIDFETCH (");
        Self { out, any: false }
    }

    /// Its bytes, including the line end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.raw(")\r\n").finish()
    }

    fn next(&mut self, name: &str) -> &mut Out {
        if std::mem::replace(&mut self.any, true) {
            self.out.space();
        }
        self.out.raw(name)
    }

    pub(crate) fn uid(&mut self, uid: u32) {
        self.next("UID ").number(uid);
    }

    pub(crate) fn flags(&mut self, flags: &Flags) {
        self.next("FLAGS ").flags(flags);
    }

    pub(crate) fn mod_seq(&mut self, value: u64) {
        self.next("MODSEQ (").number(value).raw(")");
    }

    /// INTERNALDATE, or SAVEDATE, which may be NIL (RFC 8514 section 4.4).
    pub(crate) fn date(&mut self, name: &str, date: Option<Timestamp>) {
        let out = self.next(name).space();
        match date {
            Some(date) => date_time(date, out),
            None => {
                out.raw("NIL");
            }
        }
    }

    /// RFC822.SIZE.
    pub(crate) fn size(&mut self, size: u64) {
        self.next("RFC822.SIZE ").number(size);
    }

    pub(crate) fn envelope(&mut self, value: &Envelope) {
        envelope(value.packed(), self.next("ENVELOPE "));
    }

    /// BODYSTRUCTURE, or BODY, whose value has no extension data.
    pub(crate) fn body(&mut self, value: &BodyStructure, extended: bool) {
        body(value.packed(), self.next(if extended { "BODYSTRUCTURE " } else { "BODY " }));
    }

    /// `BODY[…]<0>` or `BINARY[…]<0>`, by the name without `.PEEK`.
    pub(crate) fn section(&mut self, name: &str, value: &BodyData) {
        data(name, value, self.next(""));
    }

    /// An item whose value is a string or NIL: RFC822 and the like, PREVIEW.
    pub(crate) fn string(&mut self, name: &str, value: Option<&[u8]>) {
        self.next(name).space().nstring(value);
    }

    /// X-GM-MSGID or X-GM-THRID.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.next(name).space().number(value);
    }

    /// X-GM-LABELS, written as mailbox names are.
    pub(crate) fn labels<'a>(&mut self, labels: impl IntoIterator<Item = &'a str>) {
        self.next("X-GM-LABELS ").list(labels, |label, out| out.mailbox(&MailboxName::exact(label)));
    }

    /// `ANNOTATION (/comment (value.priv "text"))` (RFC 5257 section 4.4).
    pub(crate) fn annotations(&mut self, all: &[Annotation]) {
        annotations(all, self.next("ANNOTATION "));
    }

    /// `BINARY.SIZE[…] 100` (RFC 3516 section 4.3).
    pub(crate) fn binary_size(&mut self, of: &Section, size: u64) {
        let out = self.next("BINARY.SIZE");
        section(of, out);
        out.space().number(size);
    }

    /// `EMAILID (id)`, `THREADID (id)` or NIL (RFC 8474 section 7).
    pub(crate) fn id(&mut self, name: &str, id: Option<&str>) {
        let out = self.next(name).space();
        match id {
            Some(id) => out.raw("(").word(id).raw(")"),
            None => out.raw("NIL"),
        };
    }
}
