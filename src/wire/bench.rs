//! Access to framer and grammar for `benches/`: bytes as a server sends them in, the number of
//! responses out.
//!
//! The wire layer is private, and a bench is a crate of its own. A hidden module behind a feature
//! with a private name makes none of the layer's types public and adds nothing to a user's build; a
//! `cfg` of our own would have to be passed to each call of cargo by hand.

use std::hint::black_box;

use bytes::BytesMut;

use super::frame::{Frame, Framer};
use super::parse::Parser;
use crate::types::Limits;

/// The size of one read, as on a connection.
const READ: usize = 64 << 10;

/// Framed responses, not yet parsed.
#[derive(Debug)]
pub struct Frames(Vec<Frame>);

/// Feeds these bytes to the framer in pieces of the size of a read, and each frame to `found`.
/// Returns the number of frames.
fn each(bytes: &[u8], mut found: impl FnMut(Frame)) -> usize {
    let mut framer = Framer::new(&Limits::default());
    let (mut buffer, mut count) = (BytesMut::with_capacity(READ), 0);
    for piece in bytes.chunks(READ) {
        buffer.extend_from_slice(piece);
        while let Ok(Some(frame)) = framer.decode(&mut buffer) {
            count += 1;
            found(frame);
        }
    }
    count
}

/// Frames these bytes, drops the frames and returns their number.
#[must_use]
pub fn frame(bytes: &[u8]) -> usize {
    each(bytes, |frame| drop(black_box(frame)))
}

/// Frames these bytes, to be parsed later.
#[must_use]
pub fn frames(bytes: &[u8]) -> Frames {
    let mut all = Vec::new();
    each(bytes, |frame| all.push(frame));
    Frames(all)
}

/// Frames these bytes and parses each response. Returns the number of those that parsed.
#[must_use]
pub fn parse(bytes: &[u8]) -> usize {
    let (mut parser, mut read) = (Parser::new(&Limits::default()), 0);
    each(bytes, |frame| read += usize::from(black_box(parser.read(&frame)).is_ok()));
    read
}

impl Frames {
    /// Parses each response. Returns the number of those that parsed.
    #[must_use]
    pub fn parse(&self) -> usize {
        let mut parser = Parser::new(&Limits::default());
        self.0.iter().filter(|frame| black_box(parser.read(frame)).is_ok()).count()
    }
}
