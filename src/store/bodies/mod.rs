//! Bodies: fetched when they are asked for, or in advance; kept once for each content; the least
//! recently used go first when there are too many.
//!
//! In: a message, or a policy. Out: bytes, from the file or from the server.

mod fetch;
mod keeper;
mod reader;
mod rows;
mod text;

pub use self::keeper::BodyPolicy;
pub(super) use self::keeper::Keeper;
pub use self::reader::StoredBody;
pub(super) use self::rows::{index, insert, whole};
pub(super) use self::text::read_message;
