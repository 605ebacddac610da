//! FETCH and UIDFETCH (RFC 9051 section 9, `msg-att`; RFC 9586).

use super::body::{body, envelope, is_short};
use super::out::{Out, utf7};
use crate::types::{Annotation, BodyData, HeaderFields, Message, Part, Section, Seq, Timestamp, Uid};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `12 FETCH (…)`; a response named UIDFETCH begins with its UID.
pub(super) fn fetch(name: &str, message: &Message, out: &mut Out) {
    let by_uid = name == "UIDFETCH";
    let number = if by_uid { message.uid().map(Uid::get) } else { message.seq().map(Seq::get) };
    out.number(number.unwrap_or(0)).space().raw(if by_uid { "UIDFETCH (" } else { "FETCH (" });
    let mut items = Items { out, any: false };
    if let Some(uid) = message.uid().filter(|_| !by_uid) {
        items.next("UID ").number(uid.get());
    }
    if let Some(flags) = message.flags() {
        items.next("FLAGS ").flags(flags);
    }
    if let Some(date) = message.internal_date() {
        date_time(date, items.next("INTERNALDATE "));
    }
    if let Some(size) = message.size() {
        items.next("RFC822.SIZE ").number(size);
    }
    if let Some(value) = message.mod_seq() {
        items.next("MODSEQ (").number(value.get()).raw(")");
    }
    if let Some(value) = message.envelope() {
        envelope(value.packed(), items.next("ENVELOPE "));
    }
    if let Some(value) = message.body_structure() {
        let name = if is_short(value.packed()) { "BODY " } else { "BODYSTRUCTURE " };
        body(value.packed(), items.next(name));
    }
    for value in message.sections() {
        data("BODY", value, items.next(""));
    }
    extras(message, &mut items);
    out.raw(")");
}

/// The list of items while it is being written.
struct Items<'a> {
    out: &'a mut Out,
    any: bool,
}

impl Items<'_> {
    /// Begins the next item with this text.
    fn next(&mut self, name: &str) -> &mut Out {
        if std::mem::replace(&mut self.any, true) {
            self.out.space();
        }
        self.out.raw(name)
    }
}

/// Items of extensions.
fn extras(message: &Message, items: &mut Items<'_>) {
    let Some(extras) = message.extras.as_deref() else { return };
    // RFC 8474 section 7.
    for (name, id) in [("EMAILID ", &extras.email_id), ("THREADID ", &extras.thread_id)] {
        if let Some(id) = id {
            let out = items.next(name);
            match id {
                Some(id) => out.raw("(").word(id).raw(")"),
                None => out.raw("NIL"),
            };
        }
    }
    // RFC 8514 section 4.4.
    if let Some(date) = extras.save_date {
        let out = items.next("SAVEDATE ");
        match date {
            Some(date) => date_time(date, out),
            None => {
                out.raw("NIL");
            }
        }
    }
    // RFC 8970 section 6.
    if let Some(text) = &extras.preview {
        items.next("PREVIEW ").nstring(text.as_deref().map(str::as_bytes));
    }
    // Gmail's items, as its documentation of IMAP extensions shows them.
    if let Some(id) = extras.gmail_msg_id {
        items.next("X-GM-MSGID ").number(id);
    }
    if let Some(id) = extras.gmail_thread_id {
        items.next("X-GM-THRID ").number(id);
    }
    if let Some(labels) = &extras.gmail_labels {
        items.next("X-GM-LABELS ").list(labels, |label, out| out.astring(&utf7(label)));
    }
    if let Some(all) = &extras.annotations {
        annotations(all, items.next("ANNOTATION "));
    }
    // RFC 3516 section 7.
    for value in &extras.binary {
        data("BINARY", value, items.next(""));
    }
    for (of, size) in &extras.binary_size {
        let out = items.next("BINARY.SIZE");
        section(of, out);
        out.space().count(*size);
    }
    for (name, value) in &extras.other {
        items.next("").word(name).space().bytes(value);
    }
}

/// `ANNOTATION (/comment (value.priv "text"))` (RFC 5257 section 4.4).
pub(super) fn annotations(all: &[Annotation], out: &mut Out) {
    out.list(all, |one, out| {
        out.astring(one.entry.as_bytes());
        if !one.attributes.is_empty() {
            out.space().list(&one.attributes, |(name, value), out| {
                out.astring(name.as_bytes()).space().nstring(value.as_deref())
            });
        }
        out
    });
}

/// `BODY[…]<0> "…"`.
pub(super) fn data(name: &str, value: &BodyData, out: &mut Out) {
    out.raw(name);
    section(&value.section, out);
    if let Some(origin) = value.origin {
        out.raw("<").number(origin).raw(">");
    }
    out.space().nstring(value.data.as_deref());
}

/// `section`, in its brackets.
pub(super) fn section(of: &Section, out: &mut Out) {
    out.raw("[");
    match of {
        Section::Full => {}
        Section::Header => {
            out.raw("HEADER");
        }
        Section::HeaderFields(names) => fields(names, out),
        Section::Text => {
            out.raw("TEXT");
        }
        Section::Part(of) => part(of, "", out),
        Section::PartMime(of) => part(of, ".MIME", out),
        Section::PartHeader(of) => part(of, ".HEADER", out),
        Section::PartHeaderFields(of, names) => {
            part(of, ".", out);
            fields(names, out);
        }
        Section::PartText(of) => part(of, ".TEXT", out),
    }
    out.raw("]");
}

fn part(of: &Part, behind: &str, out: &mut Out) {
    for (i, number) in of.numbers().iter().enumerate() {
        out.raw(if i == 0 { "" } else { "." }).number(*number);
    }
    out.raw(behind);
}

fn fields(names: &HeaderFields, out: &mut Out) {
    out.raw(if names.is_not() { "HEADER.FIELDS.NOT " } else { "HEADER.FIELDS " });
    out.list(names.names(), |name, out| out.astring(name.as_bytes()));
}

/// `date-time`: `" 5-Nov-2020 14:19:28 +0000"`.
pub(super) fn date_time(time: Timestamp, out: &mut Out) {
    let (date, (hour, minute, second)) = (time.date(), time.time());
    let month = MONTHS.get(usize::from(date.month()).saturating_sub(1)).copied().unwrap_or("Jan");
    let (day, year) = (date.day(), date.year());
    let (sign, zone) =
        (if time.offset_minutes() < 0 { '-' } else { '+' }, time.offset_minutes().unsigned_abs());
    out.raw(&format!(
        "\"{day:>2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}\"",
        zone / 60,
        zone % 60
    ));
}
