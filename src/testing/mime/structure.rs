//! BODYSTRUCTURE and BODY (RFC 9051 section 7.5.2): a tree of parts, with the content of their
//! headers.

use super::envelope::envelope;
use super::header;
use super::media::word_and_params;
use super::tree::{Kind, Node};
use crate::types::text_arena::Writer;
use crate::types::{BodyStructure, LEAF, MULTIPART};

/// The body structure of a message; with the extension data of BODYSTRUCTURE if `extended`.
pub(super) fn structure(bytes: &[u8], root: &Node, extended: bool) -> BodyStructure {
    let mut out = Writer::default();
    node(bytes, root, extended, &mut out);
    BodyStructure::from_packed(out.finish())
}

fn node(bytes: &[u8], part: &Node, extended: bool, out: &mut Writer) {
    let of = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let own = of(&part.header);
    let text = |name: &str, out: &mut Writer| out.string(header::value(own, name).as_deref());
    let block = out.open();
    if let Kind::Multipart(parts) = &part.kind {
        out.mark(MULTIPART);
        let children = out.open();
        parts.iter().for_each(|child| node(bytes, child, extended, out));
        out.close(children);
        out.string(Some(&part.media.subtype));
        if extended {
            params(&part.media.params, out);
        }
    } else {
        out.mark(LEAF);
        out.string(Some(&part.media.kind));
        out.string(Some(&part.media.subtype));
        params(&part.media.params, out);
        text("Content-ID", out);
        text("Content-Description", out);
        // RFC 2045 section 6.1.
        out.string(Some(encoding(own).as_deref().unwrap_or(b"7bit")));
        out.number(Some(part.body.len() as u64));
        let lines = memchr::memchr_iter(b'\n', of(&part.body)).count() as u64;
        if let Kind::Message(inner) = &part.kind {
            out.mark(1);
            let message = out.open();
            let packed = out.open();
            out.append(envelope(of(&inner.header)).packed());
            out.close(packed);
            node(bytes, inner, extended, out);
            out.close(message);
            out.number(Some(lines));
        } else {
            out.mark(0);
            out.number(Some(lines).filter(|_| part.media.is_kind("text")));
        }
        if extended {
            text("Content-MD5", out);
        }
    }
    // Past the end of the packed data everything is NIL, and `respond` writes only what is there.
    if extended {
        extension(own, out);
        out.nil();
    }
    out.close(block);
}

/// The transfer encoding named in a part's header.
pub(super) fn encoding(own: &[u8]) -> Option<Vec<u8>> {
    let value = header::value(own, "Content-Transfer-Encoding")?;
    Some(word_and_params(&value).0).filter(|name| !name.is_empty())
}

/// Disposition, languages, location.
fn extension(own: &[u8], out: &mut Writer) {
    let disposition = header::value(own, "Content-Disposition").map(|value| word_and_params(&value));
    match disposition.filter(|(kind, _)| !kind.is_empty()) {
        Some((kind, value)) => {
            out.mark(1);
            out.string(Some(&kind));
            params(&value, out);
        }
        None => out.mark(0),
    }
    // RFC 3282 section 2: tags separated by commas; comments are ignored.
    let languages = header::value(own, "Content-Language").unwrap_or_default();
    for language in languages.split(|b| *b == b',').map(|tag| word_and_params(tag).0) {
        if !language.is_empty() {
            out.mark(1);
            out.string(Some(&language));
        }
    }
    out.mark(0);
    out.string(header::value(own, "Content-Location").as_deref());
}

fn params(params: &[(Vec<u8>, Vec<u8>)], out: &mut Writer) {
    for (name, value) in params {
        out.mark(1);
        out.string(Some(name));
        out.string(Some(value));
    }
    out.mark(0);
}
