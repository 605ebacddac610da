//! A header's envelope (RFC 9051 section 7.5.2, `ENVELOPE`): from the bytes of its fields, without
//! decoding them.

use super::address::{Entry, addresses};
use super::header::{unfolded, value};
use crate::types::Envelope;
use crate::types::text_arena::Writer;

/// The envelope of the message with this header.
pub(super) fn envelope(header: &[u8]) -> Envelope {
    let mut out = Writer::default();
    // A missing field is NIL, an empty one is empty.
    let text = |name: &str, out: &mut Writer| out.string(value(header, name).as_deref());
    let listed = |name: &str| value(header, name).map(|field| addresses(&field)).unwrap_or_default();
    text("Date", &mut out);
    text("Subject", &mut out);
    let from = listed("From");
    list(&from, &mut out);
    for name in ["Sender", "Reply-To"] {
        let addresses = listed(name);
        list(if addresses.is_empty() { &from } else { &addresses }, &mut out);
    }
    for name in ["To", "Cc", "Bcc"] {
        list(&listed(name), &mut out);
    }
    text("In-Reply-To", &mut out);
    text("Message-ID", &mut out);
    Envelope::from_packed(out.finish())
}

/// Packs a list in the format of [`Envelope`].
fn list(entries: &[Entry], out: &mut Writer) {
    for Entry { name, mailbox, host } in entries {
        out.mark(1);
        for text in [name, mailbox, host] {
            out.string(text.as_deref());
        }
    }
    out.mark(0);
}

/// The mailbox of the first address in this field, for SORT (RFC 5256 section 3).
pub(super) fn first_address(header: &[u8], name: &str) -> Option<Entry> {
    addresses(&unfolded(&value(header, name)?)).into_iter().next()
}
