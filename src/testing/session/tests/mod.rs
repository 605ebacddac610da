//! Sessions without I/O: a client's bytes in, the server's responses out.

mod bytes;
mod model;

use ::bytes::BytesMut;

use super::{Session, Step};
use crate::testing::clock::Clock;
use crate::testing::world::{Settings, Shared, World};

/// A server's state with one user, alice.
pub(super) fn world(settings: Settings) -> Shared {
    let mut world = World::new(settings, Clock::now_on());
    world.add_user("alice", "secret");
    Shared::new(world)
}

/// A linear congruential generator: random enough here, and reproducible.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1)
    }

    /// A number below this.
    pub(super) fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

/// One session, with its unread input.
pub(super) struct Line {
    pub(super) session: Session,
    input: BytesMut,
}

impl Line {
    pub(super) fn new(shared: &Shared) -> Self {
        let mut line = Self { session: Session::new(shared.clone(), false), input: BytesMut::new() };
        line.exchange(b"");
        line
    }

    /// Sends these bytes, and returns all output.
    pub(super) fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        let mut answer = Vec::new();
        loop {
            self.session.run(&mut self.input);
            let Some(step) = self.session.next() else { return answer };
            if let Step::Write(bytes) = step {
                answer.extend_from_slice(&bytes);
            }
        }
    }
}
