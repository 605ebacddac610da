//! A message as a tree of parts: the position of each part's header and body in its bytes (RFC
//! 2046).
//!
//! Written here because mail-parser finds a boundary also in the middle of a line, and decodes
//! transfer encodings: IMAP numbers, measures and cuts parts by the exact bytes of the message.
//!
//! One pass over the lines. A line that begins with `--` and a boundary of any open multipart ends
//! all parts within that multipart, so that an unterminated part cannot swallow what follows (RFC
//! 2046 section 5.1.2).

use std::ops::Range;

use super::header::{self, is_blank, line};
use super::media::Media;

/// One part, or the whole message.
#[derive(Debug)]
pub(super) struct Node {
    /// Its header with the blank line. For a part of a multipart: its MIME header.
    pub(super) header: Range<usize>,
    /// Its content, still encoded.
    pub(super) body: Range<usize>,
    pub(super) media: Media,
    pub(super) kind: Kind,
}

/// The content of a part.
#[derive(Debug)]
pub(super) enum Kind {
    Leaf,
    /// At least one part.
    Multipart(Vec<Node>),
    /// A message; its header and body are within the part's body.
    Message(Box<Node>),
}

/// The maximum nesting of parts; deeper ones are taken as opaque bytes. Clients have such a limit
/// as well.
const DEPTH: usize = 30;
/// The maximum of parts in a message; further ones are taken as the last one's content.
const PARTS: usize = 10_000;

/// Any bytes are a message.
pub(super) fn tree(bytes: &[u8]) -> Node {
    let mut walk = Walk { bytes, at: 0, boundaries: Vec::new(), parts: 0 };
    walk.entity(Media::plain(), DEPTH).0
}

/// A boundary line that ended a part.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The open multipart that it belongs to.
    level: usize,
    /// Whether it is that multipart's closing boundary.
    closing: bool,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The boundaries of the open multiparts, the outermost first; `None` after the closing one.
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

    /// One part from here to the boundary that ends it; `media` is its default type.
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
        let value = header::value(self.text(&header), "Content-Type");
        let media = value.map_or(media, |value| Media::read(&value).unwrap_or_else(Media::plain));
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
            // The default type of RFC 2046 section 5.1.5.
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
            // The epilogue after the last boundary belongs to the body.
            *open = None;
            found = self.skip_to_boundary(node, start);
        }
        self.boundaries.truncate(level);
        // IMAP has no multipart without parts (RFC 9051 section 9, `body-type-mpart`): it gets an
        // empty one.
        if parts.is_empty() {
            let end = node.body.end;
            parts.push(Node { header: end..end, body: end..end, media: Media::plain(), kind: Kind::Leaf });
        }
        node.kind = Kind::Multipart(parts);
        found
    }

    /// Skips the next boundary, or to the end; the part's body ends before it.
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

    /// The end of the text before this line: the line end before a boundary belongs to the boundary
    /// (RFC 2046 section 5.1.1).
    fn before_line(&self, start: usize) -> usize {
        let before = self.text(&(start..self.at));
        let text = before.strip_suffix(b"\n").map_or(before, |text| text.strip_suffix(b"\r").unwrap_or(text));
        start + text.len()
    }

    /// Skips a boundary line, which is next.
    fn pass(&mut self, found: Option<Found>) {
        if found.is_some() {
            self.at += self.line().len();
            self.parts += 1;
        }
    }

    /// Whether this line is a boundary. "It is sufficient that the boundary appear in its entirety"
    /// at its beginning (RFC 2046 section 5.1.1); if several do, the longest one counts.
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
