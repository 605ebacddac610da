//! A message as a tree of parts: where each part's header and body lie in its octets (RFC 2046).
//!
//! Written here and not left to mail-parser, which finds a boundary also in the middle of a line,
//! and undoes transfer encodings: IMAP numbers, sizes and cuts parts by what the message has to the
//! octet.
//!
//! One pass over the lines. A line that begins with `--` and a boundary of any multipart that is
//! open ends all parts within that multipart, so that a part without its end cannot swallow what is
//! behind it (RFC 2046 section 5.1.2).

use std::ops::Range;

use super::header::{self, is_blank, line};
use super::media::Media;

/// One part, or the message as a whole.
#[derive(Debug)]
pub(super) struct Node {
    /// Its header, blank line included. Of a part of a multipart: its MIME header.
    pub(super) header: Range<usize>,
    /// Its content, encoded as it is.
    pub(super) body: Range<usize>,
    pub(super) media: Media,
    pub(super) kind: Kind,
}

/// What is within a part.
#[derive(Debug)]
pub(super) enum Kind {
    Leaf,
    /// At least one.
    Multipart(Vec<Node>),
    /// A message; its header and body lie in the part's body.
    Message(Box<Node>),
}

/// How deep parts may lie within each other; what is deeper is taken as octets. Clients have such a
/// bound as well.
const DEPTH: usize = 30;
/// How many parts a message may have; what follows is taken as the last one's content.
const PARTS: usize = 10_000;

/// Any octets are a message.
pub(super) fn tree(bytes: &[u8]) -> Node {
    let mut walk = Walk { bytes, at: 0, boundaries: Vec::new(), parts: 0 };
    walk.entity(Media::plain(), DEPTH).0
}

/// A boundary's line that ended a part.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// Which of the open multiparts it belongs to.
    level: usize,
    /// Whether it is that multipart's last.
    closing: bool,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Of the multiparts that are open, the outermost first; `None` for one that has seen its last.
    boundaries: Vec<Option<Vec<u8>>>,
    parts: usize,
}

impl<'a> Walk<'a> {
    fn text(&self, range: &Range<usize>) -> &'a [u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    fn line(&self) -> &'a [u8] {
        line(self.bytes.get(self.at..).unwrap_or_default())
    }

    /// One part from here to the boundary that ends it; `media` is what it is if it does not say.
    fn entity(&mut self, media: Media, depth: usize) -> (Node, Option<Found>) {
        let start = self.at;
        let mut found = None;
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            found = self.boundary(line);
            if found.is_some() {
                break;
            }
            self.at += line.len();
            if is_blank(line) {
                break;
            }
        }
        let header = start..if found.is_some() { self.before_line(start) } else { self.at };
        self.pass(found);
        let told = header::value(self.text(&header), "Content-Type");
        let media = told.map_or(media, |told| Media::read(&told).unwrap_or_else(Media::plain));
        // A part whose header was cut off by a boundary has no content.
        let body = if found.is_some() { header.end } else { self.at };
        let mut node = Node { header, body: body..body, media, kind: Kind::Leaf };
        if found.is_none() {
            found = self.content(&mut node, depth);
        }
        (node, found)
    }

    fn content(&mut self, node: &mut Node, depth: usize) -> Option<Found> {
        let start = node.body.start;
        let Some(depth) = depth.checked_sub(1) else {
            if node.media.is_kind("multipart") || node.media.is_message() {
                node.media = Media::new("application", "octet-stream");
            }
            return self.skip_to_boundary(node, start);
        };
        if node.media.is_message() {
            let (inner, found) = self.entity(Media::plain(), depth);
            node.body.end = inner.body.end;
            node.kind = Kind::Message(Box::new(inner));
            return found;
        }
        if node.media.is_kind("multipart") {
            return self.multipart(node, depth);
        }
        self.skip_to_boundary(node, start)
    }

    fn multipart(&mut self, node: &mut Node, depth: usize) -> Option<Found> {
        let start = node.body.start;
        let level = self.boundaries.len();
        let boundary = node.media.param("boundary").map(|text| text.trim_ascii_end().to_vec());
        self.boundaries.push(boundary.filter(|text| !text.is_empty()));
        let mut parts = Vec::new();
        let mut found = self.skip_to_boundary(node, start);
        while let Some(Found { level: own, closing: false }) = found
            && own == level
        {
            // RFC 2046 section 5.1.5.
            let media = if node.media.is("multipart", "digest") {
                Media::new("message", "rfc822")
            } else {
                Media::plain()
            };
            let (part, next) = self.entity(media, depth);
            node.body.end = part.body.end;
            parts.push(part);
            found = next;
        }
        if found.is_some_and(|found| found.level == level)
            && let Some(open) = self.boundaries.get_mut(level)
        {
            // What follows its last boundary is the epilogue, and belongs to its body.
            *open = None;
            found = self.skip_to_boundary(node, start);
        }
        self.boundaries.truncate(level);
        // IMAP has no multipart without parts (RFC 9051 section 9, `body-type-mpart`): it gets one
        // that is empty.
        if parts.is_empty() {
            let end = node.body.end;
            parts.push(Node { header: end..end, body: end..end, media: Media::plain(), kind: Kind::Leaf });
        }
        node.kind = Kind::Multipart(parts);
        found
    }

    /// Goes behind the next boundary, or to the end; what is before it ends the part's body.
    fn skip_to_boundary(&mut self, node: &mut Node, start: usize) -> Option<Found> {
        loop {
            let line = self.line();
            if line.is_empty() {
                node.body.end = self.at;
                return None;
            }
            let found = self.boundary(line);
            if found.is_some() {
                node.body.end = self.before_line(start);
                self.pass(found);
                return found;
            }
            self.at += line.len();
        }
    }

    /// Where the text before this line ends: the line's end before a boundary belongs to the
    /// boundary (RFC 2046 section 5.1.1).
    fn before_line(&self, start: usize) -> usize {
        let before = self.text(&(start..self.at));
        let text = before.strip_suffix(b"\n").map_or(before, |text| text.strip_suffix(b"\r").unwrap_or(text));
        start + text.len()
    }

    /// Goes past a boundary's line, which is next.
    fn pass(&mut self, found: Option<Found>) {
        if found.is_some() {
            self.at += self.line().len();
            self.parts += 1;
        }
    }

    /// Whether this line is a boundary. "It is sufficient that the boundary appear in its entirety"
    /// at its beginning (RFC 2046 section 5.1.1); where several do, the longest is meant.
    fn boundary(&self, line: &[u8]) -> Option<Found> {
        let text = line.strip_prefix(b"--")?;
        if self.parts >= PARTS {
            return None;
        }
        let open =
            self.boundaries.iter().enumerate().filter_map(|(level, open)| Some((level, open.as_ref()?)));
        let (level, longest) =
            open.filter(|(_, open)| text.starts_with(open)).max_by_key(|(_, open)| open.len())?;
        let behind = text.get(longest.len()..).unwrap_or_default();
        Some(Found { level, closing: behind.starts_with(b"--") })
    }
}
