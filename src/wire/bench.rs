//! The door by which `benches/` reaches framer and grammar. In go bytes as a server sends them; out comes how many
//! responses they are.
//!
//! The wire layer is private, and a bench is a crate of its own. Of the ways in, a hidden module behind a feature
//! with a private name is the least bad: nothing of the layer's types becomes public, a user's build has nothing of
//! it, and one more `cfg` (as the fuzzers have one) would have to be handed to each call of cargo by hand.

use std::hint::black_box;

use bytes::BytesMut;

use super::frame::{Frame, Framer};
use super::parse::Parser;
use crate::types::Limits;

/// How much a read gives, as the connection's own do.
const READ: usize = 64 << 10;

/// Responses cut apart and not yet read.
#[derive(Debug)]
pub struct Frames(Vec<Frame>);

/// Feeds these bytes to the framer as reads give them, and each frame to `found`.
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

/// Cuts these bytes into responses, and drops them. Gives their count.
#[must_use]
pub fn frame(bytes: &[u8]) -> usize {
    each(bytes, |frame| drop(black_box(frame)))
}

/// Cuts these bytes into responses, to be read later.
#[must_use]
pub fn frames(bytes: &[u8]) -> Frames {
    let mut all = Vec::new();
    each(bytes, |frame| all.push(frame));
    Frames(all)
}

/// Cuts these bytes into responses, reads each and drops it. Gives the count of those that could be read.
#[must_use]
pub fn parse(bytes: &[u8]) -> usize {
    let (mut parser, mut read) = (Parser::new(&Limits::default()), 0);
    each(bytes, |frame| read += usize::from(black_box(parser.read(&frame)).is_ok()));
    read
}

impl Frames {
    /// Reads each response and drops it. Gives the count of those that could be read.
    #[must_use]
    pub fn parse(&self) -> usize {
        let mut parser = Parser::new(&Limits::default());
        self.0.iter().filter(|frame| black_box(parser.read(frame)).is_ok()).count()
    }
}
