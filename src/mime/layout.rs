//! Which part of a message is its text, and which is attached.
//!
//! In: a MIME tree. Out: the parts of the text in either form, and the rest, by the algorithm of
//! RFC 8621 section 4.1.4. What servers and mail programs write in place of that is allowed for: a
//! `start` of `multipart/related`, empty texts before an attachment, parts without a type.

use crate::types::{BodyPart, BodyStructure, Disposition};

/// How deep a tree is looked into; the parser allows no more.
const MAX_DEPTH: usize = 100;
/// A text of so many bytes or less is an empty line.
const EMPTY: u64 = 2;

/// The parts of a message by what they are for.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    plain: Vec<BodyPart<'a>>,
    html: Vec<BodyPart<'a>>,
    pub(super) attachments: Vec<Found<'a>>,
}

/// A part that is not the text.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub(super) part: BodyPart<'a>,
    /// It belongs to a `multipart/related`.
    pub(super) is_related: bool,
}

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    is_related: bool,
    is_alternative: bool,
    in_alternative: bool,
    /// What stands here may be part of the plain text, or of the HTML.
    plain: bool,
    html: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn of(structure: &'a BodyStructure) -> Self {
        let mut layout = Self::default();
        let place = Place {
            depth: 0,
            is_related: false,
            is_alternative: false,
            in_alternative: false,
            plain: true,
            html: true,
        };
        layout.take(vec![structure.root()], 0, place);
        layout
    }

    /// The best text, plain if there is the choice.
    pub(super) fn plain(&self) -> Option<&BodyPart<'a>> {
        best(&self.plain)
    }

    /// The best text, HTML if there is the choice.
    pub(super) fn html(&self) -> Option<&BodyPart<'a>> {
        best(&self.html)
    }

    /// The parts of a multipart, of which the one at `root` comes first for the reader.
    fn take(&mut self, parts: Vec<BodyPart<'a>>, root: usize, mut place: Place) {
        let (plain, html) = (self.plain.len(), self.html.len());
        for (at, part) in parts.into_iter().enumerate() {
            if part.is_multipart() {
                self.take_multipart(&part, place);
                continue;
            }
            let is_first = at == root;
            let may_follow = !place.is_related && (is_media(&part) || part.file_name().is_none());
            let is_shown = is_plain(&part) || is_html(&part) || is_media(&part);
            if is_attachment(&part) || !is_shown || !(is_first || may_follow) {
                self.attach(part, place);
            } else if place.is_alternative {
                match (is_plain(&part), is_html(&part)) {
                    (true, _) => self.plain.push(part),
                    (_, true) => self.html.push(part),
                    _ => self.attach(part, place),
                }
            } else {
                if place.in_alternative {
                    // The rest of this branch goes with the form of this text.
                    place.html &= !is_plain(&part);
                    place.plain &= !is_html(&part);
                }
                if is_media(&part) {
                    self.attach(part.clone(), place);
                }
                if place.plain {
                    self.plain.push(part.clone());
                }
                if place.html {
                    self.html.push(part);
                }
            }
        }
        if place.is_alternative && place.plain && place.html {
            // There is one form alone: it stands for the other, too.
            match (self.plain.len() == plain, self.html.len() == html) {
                (true, false) => self.plain.extend(self.html.iter().skip(html).cloned()),
                (false, true) => self.html.extend(self.plain.iter().skip(plain).cloned()),
                _ => {}
            }
        }
    }

    fn take_multipart(&mut self, part: &BodyPart<'a>, place: Place) {
        if place.depth >= MAX_DEPTH {
            return;
        }
        let subtype = part.subtype().to_ascii_lowercase();
        let children: Vec<_> = part.children().collect();
        let is_alternative = subtype == "alternative";
        let is_related = subtype == "related";
        let start = part.param("start").filter(|_| is_related);
        let root =
            start.and_then(|start| children.iter().position(|child| child.id() == Some(start.clone())));
        let within = Place {
            depth: place.depth + 1,
            is_related,
            is_alternative,
            in_alternative: place.in_alternative || is_alternative,
            ..place
        };
        self.take(children, root.unwrap_or(0), within);
    }

    fn attach(&mut self, part: BodyPart<'a>, place: Place) {
        self.attachments.push(Found { part, is_related: place.is_related });
    }
}

/// The first text that has something in it, else the first. Between forms of one text the lists
/// have chosen already.
fn best<'p, 'a>(parts: &'p [BodyPart<'a>]) -> Option<&'p BodyPart<'a>> {
    let all = || parts.iter().filter(|part| !is_media(part));
    all().find(|part| part.size().is_none_or(|size| size > EMPTY)).or_else(|| all().next())
}

/// Plain text, or what can be read as such; what has no type is plain (RFC 2045 section 5.2).
fn is_plain(part: &BodyPart<'_>) -> bool {
    let kinds = ["plain", "", "enriched", "richtext", "markdown", "x-markdown"];
    part.media_type().is_empty() || kinds.iter().any(|kind| part.is("text", kind))
}

fn is_html(part: &BodyPart<'_>) -> bool {
    part.is("text", "html")
}

fn is_media(part: &BodyPart<'_>) -> bool {
    ["image", "audio", "video"].iter().any(|kind| part.media_type().eq_ignore_ascii_case(kind))
}

fn is_attachment(part: &BodyPart<'_>) -> bool {
    part.disposition().as_ref().is_some_and(Disposition::is_attachment)
}
