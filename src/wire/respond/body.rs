//! ENVELOPE and BODYSTRUCTURE (RFC 9051 section 9, `envelope` and `body`), from the packed form of
//! [`types`](crate::types), which keeps the raw bytes that the accessors decode. A part without
//! packed extension data is written without any: that is BODY.

use super::out::Out;
use crate::types::text_arena::Reader;
use crate::types::{LEAF, MULTIPART};

/// How many lists of addresses an envelope has: from, sender, reply-to, to, cc, bcc.
const LISTS: usize = 6;

/// `("date" "subject" ((…)) … "in-reply-to" "message-id")`; NIL for none.
pub(super) fn envelope(packed: &[u8], out: &mut Out) {
    if packed.is_empty() {
        out.raw("NIL");
        return;
    }
    let mut from = Reader::new(packed);
    out.raw("(").nstring(from.string()).space().nstring(from.string());
    for _ in 0..LISTS {
        out.space();
        addresses(&mut from, out);
    }
    out.space().nstring(from.string()).space().nstring(from.string()).raw(")");
}

/// `1*address` in parentheses, not separated; NIL for none.
fn addresses(from: &mut Reader<'_>, out: &mut Out) {
    let mut any = false;
    while from.mark() != 0 {
        if !std::mem::replace(&mut any, true) {
            out.raw("(");
        }
        // Name, the obsolete route, mailbox, host.
        out.raw("(").nstring(from.string()).raw(" NIL ").nstring(from.string()).space();
        out.nstring(from.string()).raw(")");
    }
    out.raw(if any { ")" } else { "NIL" });
}

/// Whether this has no extension data, so that it is the value of BODY and not of BODYSTRUCTURE.
pub(super) fn is_short(packed: &[u8]) -> bool {
    let mut from = Reader::new(Reader::new(packed).block());
    if from.mark() == MULTIPART {
        from.block();
        from.string();
    } else {
        // Type, subtype, parameters, id, description, encoding, size, message, lines.
        from.string();
        from.string();
        while from.mark() != 0 {
            from.string();
            from.string();
        }
        for _ in 0..3 {
            from.string();
        }
        from.number();
        if from.mark() != 0 {
            from.block();
        }
        from.number();
    }
    from.is_at_end()
}

/// `body`: one part with its contents. Parts nest no deeper than the limit with which they were
/// parsed or built.
pub(super) fn body(packed: &[u8], out: &mut Out) {
    node(&mut Reader::new(Reader::new(packed).block()), out);
}

fn node(from: &mut Reader<'_>, out: &mut Out) {
    out.raw("(");
    match from.mark() {
        MULTIPART => multipart(from, out),
        LEAF => leaf(from, out),
        _ => {}
    }
    out.raw(")");
}

/// `1*body SP media-subtype [SP body-ext-mpart]`.
fn multipart(from: &mut Reader<'_>, out: &mut Out) {
    let mut children = Reader::new(from.block());
    let any = !children.is_at_end();
    while !children.is_at_end() {
        node(&mut Reader::new(children.block()), out);
    }
    if any {
        out.space();
    }
    out.nstring(from.string());
    if !from.is_at_end() {
        params(from, out.space());
        extension(from, out);
    }
}

/// `body-type-basic`, `body-type-text` or `body-type-msg`, with its extension data.
fn leaf(from: &mut Reader<'_>, out: &mut Out) {
    out.nstring(from.string()).space().nstring(from.string()).space();
    params(from, out);
    // Id, description, encoding.
    for _ in 0..3 {
        out.space().nstring(from.string());
    }
    out.space().count(from.number());
    let is_message = from.mark() != 0;
    if is_message {
        let mut message = Reader::new(from.block());
        out.space();
        envelope(message.block(), out);
        out.space();
        match message.block() {
            [] => {
                out.raw("NIL");
            }
            inner => node(&mut Reader::new(inner), out),
        }
    }
    // Texts and messages have lines; the grammar has no place for them in other parts.
    match from.number() {
        Some(lines) => out.space().number(lines),
        None if is_message => out.raw(" NIL"),
        None => out,
    };
    if !from.is_at_end() {
        out.space().nstring(from.string());
        extension(from, out);
    }
}

/// `body-fld-param`.
fn params(from: &mut Reader<'_>, out: &mut Out) {
    let mut any = false;
    while from.mark() != 0 {
        out.raw(if std::mem::replace(&mut any, true) { " " } else { "(" });
        out.nstring(from.string()).space().nstring(from.string());
    }
    out.raw(if any { ")" } else { "NIL" });
}

/// Disposition, language, location and further fields, as far as there are any.
fn extension(from: &mut Reader<'_>, out: &mut Out) {
    out.space();
    if from.mark() != 0 {
        out.raw("(").nstring(from.string()).space();
        params(from, out);
        out.raw(")");
    } else {
        out.raw("NIL");
    }
    out.space();
    let mut any = false;
    while from.mark() != 0 {
        out.raw(if std::mem::replace(&mut any, true) { " " } else { "(" });
        out.nstring(from.string());
    }
    out.raw(if any { ")" } else { "NIL" });
    out.space().nstring(from.string());
    if let Some(more) = from.string() {
        out.space().bytes(more);
    }
}
