//! Builds a [`BodyStructure`].

use super::body::{BodyStructure, LEAF, MULTIPART};
use super::envelope::Envelope;
use super::text_arena::Writer;

/// Builds a [`BodyStructure`], for tests and for servers.
///
/// Build from the inside out: first the inner parts, then the part that holds them.
#[derive(Clone, Debug)]
pub struct BodyStructureBuilder {
    kind: Kind,
    subtype: String,
    params: Vec<(String, String)>,
    id: Option<String>,
    description: Option<String>,
    encoding: Option<String>,
    size: Option<u64>,
    lines: Option<u64>,
    md5: Option<String>,
    disposition: Option<(String, Vec<(String, String)>)>,
    languages: Vec<String>,
    location: Option<String>,
}

#[derive(Clone, Debug)]
enum Kind {
    Leaf(String),
    Message(Box<(Envelope, BodyStructure)>),
    Multipart(Vec<BodyStructure>),
}

impl BodyStructureBuilder {
    /// A part without parts of its own: `new("text", "plain")`.
    #[must_use]
    pub fn new(media_type: impl Into<String>, subtype: impl Into<String>) -> Self {
        Self::of_kind(Kind::Leaf(media_type.into()), subtype.into())
    }

    /// A multipart of these parts: `multipart("mixed", [text, picture])`.
    #[must_use]
    pub fn multipart(subtype: impl Into<String>, children: impl IntoIterator<Item = BodyStructure>) -> Self {
        Self::of_kind(Kind::Multipart(children.into_iter().collect()), subtype.into())
    }

    /// A message within a message: `message/rfc822`.
    #[must_use]
    pub fn message(envelope: Envelope, body: BodyStructure) -> Self {
        Self::of_kind(Kind::Message(Box::new((envelope, body))), "rfc822".into())
    }

    fn of_kind(kind: Kind, subtype: String) -> Self {
        Self {
            kind,
            subtype,
            params: Vec::new(),
            id: None,
            description: None,
            encoding: None,
            size: None,
            lines: None,
            md5: None,
            disposition: None,
            languages: Vec::new(),
            location: None,
        }
    }

    /// Adds a parameter of its Content-Type.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Sets its Content-ID. Ignored for multiparts, which have none.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets its Content-Description. Ignored for multiparts, which have none.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets its content transfer encoding. Ignored for multiparts, which have none.
    #[must_use]
    pub fn encoding(mut self, encoding: impl Into<String>) -> Self {
        self.encoding = Some(encoding.into());
        self
    }

    /// Sets its size in bytes. Ignored for multiparts, which have none.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Sets its number of lines, for a text or a message. Ignored for multiparts.
    #[must_use]
    pub fn lines(mut self, lines: u64) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Sets its Content-MD5. Ignored for multiparts, which have none.
    #[must_use]
    pub fn md5(mut self, md5: impl Into<String>) -> Self {
        self.md5 = Some(md5.into());
        self
    }

    /// Sets its disposition, `attachment` or `inline`, in place of an earlier one.
    #[must_use]
    pub fn disposition(mut self, kind: impl Into<String>) -> Self {
        self.disposition = Some((kind.into(), Vec::new()));
        self
    }

    /// An `attachment` with this file name.
    #[must_use]
    pub fn attachment(mut self, file_name: impl Into<String>) -> Self {
        self.disposition = Some(("attachment".into(), vec![("filename".into(), file_name.into())]));
        self
    }

    /// Adds a language.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.languages.push(language.into());
        self
    }

    /// Sets its Content-Location.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// The tree.
    #[must_use]
    pub fn build(self) -> BodyStructure {
        let mut out = Writer::default();
        let node = out.open();
        match &self.kind {
            Kind::Multipart(children) => {
                out.mark(MULTIPART);
                let block = out.open();
                children.iter().for_each(|child| out.append(child.packed()));
                out.close(block);
                text(&mut out, Some(&self.subtype));
                params(&mut out, &self.params);
            }
            Kind::Leaf(_) | Kind::Message(_) => {
                out.mark(LEAF);
                text(
                    &mut out,
                    Some(if let Kind::Leaf(media_type) = &self.kind { media_type } else { "message" }),
                );
                text(&mut out, Some(&self.subtype));
                params(&mut out, &self.params);
                text(&mut out, self.id.as_deref());
                text(&mut out, self.description.as_deref());
                text(&mut out, self.encoding.as_deref());
                out.number(self.size);
                if let Kind::Message(message) = &self.kind {
                    out.mark(1);
                    let block = out.open();
                    let envelope = out.open();
                    out.append(message.0.packed());
                    out.close(envelope);
                    out.append(message.1.packed());
                    out.close(block);
                } else {
                    out.mark(0);
                }
                out.number(self.lines);
                text(&mut out, self.md5.as_deref());
            }
        }
        if let Some((kind, of_kind)) = &self.disposition {
            out.mark(1);
            text(&mut out, Some(kind));
            params(&mut out, of_kind);
        } else {
            out.mark(0);
        }
        for language in &self.languages {
            out.mark(1);
            text(&mut out, Some(language));
        }
        out.mark(0);
        text(&mut out, self.location.as_deref());
        out.nil();
        out.close(node);
        BodyStructure::from_packed(out.finish())
    }
}

fn text(out: &mut Writer, text: Option<&str>) {
    out.string(text.map(str::as_bytes));
}

fn params(out: &mut Writer, params: &[(String, String)]) {
    for (name, value) in params {
        out.mark(1);
        text(out, Some(name));
        text(out, Some(value));
    }
    out.mark(0);
}

#[cfg(test)]
mod tests {
    use super::super::{EnvelopeBuilder, Part};
    use super::*;

    fn text_part() -> BodyStructure {
        BodyStructureBuilder::new("TEXT", "PLAIN")
            .param("CHARSET", "utf-8")
            .id("<1@example.org>")
            .description("words")
            .encoding("7BIT")
            .size(100)
            .lines(4)
            .md5("Q2hlY2s=")
            .disposition("inline")
            .language("en")
            .language("de")
            .location("http://example.org/1")
            .build()
    }

    #[test]
    fn each_field_is_found_behind_the_others() {
        let body = text_part();
        let part = body.root();
        assert!(part.is("text", "plain") && !part.is_multipart());
        assert_eq!(part.number(), Some(&Part::new(1)));
        assert_eq!(part.params().collect::<Vec<_>>(), [("CHARSET".into(), "utf-8".into())]);
        assert_eq!(part.param("charset").as_deref(), Some("utf-8"));
        assert_eq!(part.id().as_deref(), Some("<1@example.org>"));
        assert_eq!(part.description().as_deref(), Some("words"));
        assert_eq!(part.encoding().as_deref(), Some("7BIT"));
        assert_eq!((part.size(), part.lines()), (Some(100), Some(4)));
        assert_eq!(part.md5().as_deref(), Some("Q2hlY2s="));
        let disposition = part.disposition().unwrap();
        assert!(disposition.kind() == "inline" && !disposition.is_attachment());
        assert_eq!(disposition.params().count(), 0);
        assert_eq!(part.languages().collect::<Vec<_>>(), ["en", "de"]);
        assert_eq!(part.location().as_deref(), Some("http://example.org/1"));
        assert_eq!(part.extension(), None);
        assert!(part.envelope().is_none() && part.body().is_none() && part.children().next().is_none());
    }

    /// The tree and the numbers of RFC 9051 section 6.4.5.1.
    #[test]
    fn numbers_are_those_of_the_rfc() {
        let leaf = |media_type: &str, subtype: &str| BodyStructureBuilder::new(media_type, subtype).build();
        let multipart =
            |subtype, children: Vec<_>| BodyStructureBuilder::multipart(subtype, children).build();
        let message = |subject: &str, body| {
            BodyStructureBuilder::message(EnvelopeBuilder::new().subject(subject).build(), body).build()
        };
        let inner = multipart("mixed", vec![leaf("text", "plain"), leaf("application", "octet-stream")]);
        let alternative = multipart("alternative", vec![leaf("text", "plain"), leaf("text", "richtext")]);
        let second = multipart("mixed", vec![leaf("image", "gif"), message("deep", alternative)]);
        let whole = multipart(
            "mixed",
            vec![leaf("text", "plain"), leaf("application", "octet-stream"), message("inner", inner), second],
        );
        let walk: Vec<_> = whole
            .parts()
            .map(|p| format!("{} {}", p.number().map(Part::to_string).unwrap_or_default(), p.subtype()))
            .collect();
        assert_eq!(
            walk,
            [
                " mixed",
                "1 plain",
                "2 octet-stream",
                "3 rfc822",
                " mixed",
                "3.1 plain",
                "3.2 octet-stream",
                "4 mixed",
                "4.1 gif",
                "4.2 rfc822",
                " alternative",
                "4.2.1 plain",
                "4.2.2 richtext",
            ]
        );
        let deep = whole.part(&Part::new(4).child(2)).unwrap();
        assert_eq!(deep.envelope().unwrap().subject().as_deref(), Some("deep"));
        assert!(deep.body().unwrap().is_multipart());
    }

    #[test]
    fn a_message_of_one_part_numbers_it_one() {
        let message = BodyStructureBuilder::message(EnvelopeBuilder::new().build(), text_part()).build();
        let numbers: Vec<_> = message.parts().map(|p| p.number().unwrap().to_string()).collect();
        assert_eq!(numbers, ["1", "1.1"]);
        let attachment = BodyStructureBuilder::new("image", "png").attachment("a.png").build();
        let disposition = attachment.root().disposition().unwrap();
        assert!(disposition.is_attachment());
        assert_eq!(disposition.param("FileName").as_deref(), Some("a.png"));
    }
}
