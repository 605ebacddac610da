//! The structure of a message whose server can't say it, from the message itself.
//!
//! In: a mailbox and a UID. Out: its MIME tree, as mail-parser finds it; the parts are numbered as
//! the server numbers them, so that they can be fetched.

use mail_parser::{ContentType, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::client::Mailbox;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{BodyStructure, BodyStructureBuilder, EnvelopeBuilder, Section, Uid};

/// How long a message may be.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;
/// How deep its parts may be nested.
const MAX_DEPTH: usize = 50;

pub(super) async fn structure(mailbox: &Mailbox, uid: Uid) -> Result<BodyStructure> {
    let mut body = mailbox.body(uid, Section::Full);
    let mut bytes = Vec::new();
    while let Some(more) = body.next().await {
        bytes.extend_from_slice(&more?);
        if bytes.len() > MAX_MESSAGE {
            let what =
                "the server sends no structure of the message, which is too long to be taken apart here";
            return Err(Error::new(ErrorKind::Incomplete, what).about(Some(mailbox.name()), None));
        }
    }
    Ok(structure_of(&bytes))
}

pub(super) fn structure_of(bytes: &[u8]) -> BodyStructure {
    let parsed = MessageParser::new().parse(bytes);
    match parsed.as_ref().and_then(|message| part(message, 0, 0)) {
        Some(structure) => structure,
        // RFC 2045 section 5.2: a message without anything is plain text.
        None => BodyStructureBuilder::new("text", "plain").size(bytes.len() as u64).build(),
    }
}

fn part(message: &Message<'_>, index: usize, depth: usize) -> Option<BodyStructure> {
    let part = message.parts.get(index).filter(|_| depth < MAX_DEPTH)?;
    let content_type = part.content_type();
    let subtype = content_type.and_then(ContentType::subtype);
    let builder = match &part.body {
        PartType::Multipart(children) => {
            let children = children
                .iter()
                .filter_map(|index| self::part(message, usize::try_from(*index).ok()?, depth + 1));
            BodyStructureBuilder::multipart(subtype.unwrap_or("mixed"), children.collect::<Vec<_>>())
        }
        PartType::Message(inner) => {
            let within = self::part(inner, 0, depth + 1)?;
            BodyStructureBuilder::message(EnvelopeBuilder::new().build(), within)
        }
        PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) | PartType::InlineBinary(_) => {
            let kind = content_type.map_or("text", |found| &found.c_type);
            BodyStructureBuilder::new(kind, subtype.unwrap_or("plain"))
        }
    };
    Some(with_headers(builder, part).build())
}

fn with_headers(mut builder: BodyStructureBuilder, part: &MessagePart<'_>) -> BodyStructureBuilder {
    let params = |found: &ContentType<'_>| {
        let all = found.attributes.iter().flatten();
        all.map(|param| (param.name.to_string(), param.value.to_string())).collect::<Vec<_>>()
    };
    for (name, value) in part.content_type().map(params).unwrap_or_default() {
        builder = builder.param(name, value);
    }
    if let Some(disposition) = part.content_disposition() {
        let name = params(disposition).into_iter().find(|(name, _)| name.eq_ignore_ascii_case("filename"));
        builder = match name {
            Some((_, name)) if disposition.is_attachment() => builder.attachment(name),
            Some((_, name)) => builder.disposition(disposition.c_type.to_string()).param("name", name),
            None => builder.disposition(disposition.c_type.to_string()),
        };
    }
    if let Some(id) = part.content_id() {
        builder = builder.id(format!("<{id}>"));
    }
    if let Some(encoding) = part.content_transfer_encoding() {
        builder = builder.encoding(encoding);
    }
    builder.size(u64::from(part.offset_end.saturating_sub(part.offset_body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_that_of_the_message() {
        let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nabc\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
            Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c\r\n\
            Content-Type: text/html\r\n\r\n<p>\r\n--c--\r\n\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\n\
            Content-Disposition: attachment; filename*0*=utf-8''%E2%82%AC; filename*1=.png\r\n\r\nPNG\r\n--b--\r\n";
        let structure = structure_of(message.as_bytes());
        let parts: Vec<_> = structure
            .parts()
            .map(|part| {
                let number = part.number().map_or_else(|| "-".into(), ToString::to_string);
                format!("{number} {}/{}", part.media_type(), part.subtype())
            })
            .collect();
        let wanted = [
            "- multipart/mixed",
            "1 text/plain",
            "2 message/rfc822",
            "- multipart/alternative",
            "2.1 text/plain",
            "2.2 text/html",
            "3 image/png",
        ];
        assert_eq!(parts, wanted);
        let first = structure.part(&"1".parse().expect("a number")).expect("there");
        assert_eq!((first.size(), first.param("charset").as_deref()), (Some(3), Some("koi8-r")));
        assert_eq!(first.encoding().as_deref(), Some("quoted-printable"));
        let last = structure.part(&"3".parse().expect("a number")).expect("there");
        assert_eq!((last.file_name().as_deref(), last.id().as_deref()), (Some("€.png"), Some("<p@x>")));
        assert!(last.disposition().is_some_and(|it| it.is_attachment()));
    }

    #[test]
    fn any_bytes_have_a_structure() {
        for bytes in
            [&b""[..], b"\r\n", b"x", b"\xff\0", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"]
        {
            assert!(structure_of(bytes).parts().count() > 0);
        }
    }
}
