//! APPEND in each of its forms: of bytes, of a stream, of a reader, of parts; plain, with a NUL,
//! with a header in UTF-8. With arguments from a fuzzer's bytes: the server parses what was meant,
//! or the client refuses to write it.

use bytes::Bytes;

use super::arguments::STREAMED;
use super::chooser::Chooser;
use super::rows::flags;
use crate::command::{Append, AppendPart, Session};
use crate::types::{MailboxName, Timestamp};
use crate::wire::request::{CatenatePiece, Command};

/// In what form a message, or a part, is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Text,
    Binary,
    Utf8,
}

const FORMS: [Form; 3] = [Form::Text, Form::Binary, Form::Utf8];

/// The source of an upload, which is not read here.
struct Nothing;

impl futures_core::Stream for Nothing {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(None)
    }
}

/// As many bytes as an upload announces.
fn streamed(data: &Bytes) -> Bytes {
    vec![STREAMED; data.len()].into()
}

/// A message, whole.
pub(super) fn append(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, flags, data) = (MailboxName::new(from.text()), flags(from), from.bytes());
    let (form, size) = (from.one_of(&FORMS), data.len() as u64);
    let (append, meant) = match from.below(3) {
        0 => (Append::stream(size, Nothing), streamed(&data)),
        1 => (Append::reader(size, tokio::io::empty()), streamed(&data)),
        _ if form == Form::Utf8 => (Append::utf8(data.clone()), data.clone()),
        _ => (Append::new(data.clone()), data.clone()),
    };
    let append = match form {
        Form::Text => append,
        Form::Binary => append.binary(),
        Form::Utf8 => append.with_utf8_header(),
    };
    let append = match Timestamp::new(from.small().into(), -90) {
        Some(date) => append.internal_date(date),
        None => append,
    };
    let Some(read) = from.read(append.to(mailbox.clone()).flags(flags.clone()), session) else { return };
    let Command::Append { mailbox: to, messages } = read else { panic!("{read:?}") };
    let [message] = &*messages else { panic!("{messages:?}") };
    let is_binary = form == Form::Binary || form == Form::Text && meant.contains(&0);
    assert_eq!((to, &message.flags, &message.data), (mailbox, &flags, &meant));
    assert_eq!((message.binary, message.utf8), (is_binary, form == Form::Utf8));
}

/// A message of parts.
pub(super) fn catenate(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, flags) = (MailboxName::new(from.text()), flags(from));
    let (mut parts, mut meant, mut is_binary) = (Vec::new(), Vec::new(), false);
    for _ in 0..=from.below(3) {
        if from.yes() {
            let url = from.text();
            parts.push(AppendPart::url(&*url));
            meant.push(CatenatePiece::Url(url));
            continue;
        }
        let (form, data) = (from.one_of(&FORMS), from.bytes());
        let size = data.len() as u64;
        let (part, bytes) = match from.below(3) {
            0 => (AppendPart::stream(size, Nothing), streamed(&data)),
            1 => (AppendPart::reader(size, tokio::io::empty()), streamed(&data)),
            _ if form == Form::Utf8 => (AppendPart::utf8(data.clone()), data),
            _ => (AppendPart::text(data.clone()), data),
        };
        let has_nul = bytes.contains(&0);
        let (part, piece) = match form {
            Form::Text => (part, CatenatePiece::Text(bytes)),
            Form::Binary => (part.binary(), CatenatePiece::Text(bytes)),
            Form::Utf8 => (part.with_utf8_header(), CatenatePiece::Utf8(bytes)),
        };
        is_binary |= form == Form::Binary || form == Form::Text && has_nul;
        parts.push(part);
        meant.push(piece);
    }
    let append = Append::parts(parts).to(mailbox.clone()).flags(flags.clone());
    let Some(read) = from.read(append, session) else { return };
    let Command::Append { mailbox: to, messages } = read else { panic!("{read:?}") };
    let [message] = &*messages else { panic!("{messages:?}") };
    assert_eq!((to, &message.flags, &message.pieces), (mailbox, &flags, &meant));
    assert_eq!(message.binary, is_binary);
}
