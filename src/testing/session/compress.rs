//! COMPRESS (RFC 4978).

use crate::testing::world::World;
use crate::types::Code;
use crate::wire::request::Value;

use super::reply::{Allows, Done, Reply};
use super::{Mode, Session};

impl Session {
    /// COMPRESS DEFLATE: behind its OK both directions are compressed.
    pub(super) fn compress(&mut self, world: &mut World, tag: &str, arguments: &[Value]) -> Option<Done> {
        let [Value::Word(mechanism)] = arguments else {
            return Some(Err(Reply::bad("A mechanism was expected")));
        };
        if !mechanism.eq_ignore_ascii_case("DEFLATE") {
            return Some(Err(Reply::no(None, "There is only DEFLATE")));
        }
        if self.compressed {
            return Some(Err(Reply::no(Some(Code::CompressionActive), "DEFLATE is active")));
        }
        self.end(world, tag, Allows::All, Reply::ok("DEFLATE active"));
        self.out.compress();
        self.mode = Mode::Compress;
        None
    }

    /// Called when compression is active.
    pub(crate) fn compressed(&mut self) {
        self.compressed = true;
        self.mode = Mode::Commands;
        if let Some(line) = self.shared.lock().line(self.id) {
            line.compressed = true;
        }
    }
}
