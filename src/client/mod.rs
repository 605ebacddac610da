//! The two halves as a user holds them: [`Sender`], [`Receiver`], [`Token`], [`Mailbox`],
//! [`Driver`].
//!
//! In: a user's calls. Out: submissions, through the state that the halves share with the driver,
//! and the engine's results and events as futures and streams. Of the protocol only SELECT is here,
//! since its result is a handle of this layer.

mod administration;
mod body;
mod connect;
mod driver;
mod mailbox;
mod receiver;
mod row_parts;
mod select;
mod sender;
mod sender_messages;
mod sender_session;
mod stats;
mod submit;
mod token;
mod upload;

#[cfg(feature = "mime")]
pub(crate) use body::decode_whole;
pub use body::{Body, DecodedBody, RowLiteral};
#[cfg(feature = "account")]
pub(crate) use connect::dial;
pub use driver::Driver;
pub use mailbox::{LatestSearch, Mailbox};
pub use receiver::Receiver;
pub use row_parts::{RowPart, RowParts};
pub use select::Select;
pub use sender::Sender;
pub use stats::Stats;
pub use submit::Submit;
pub use token::{Rows, Token};

use std::sync::Arc;

use crate::engine::Shared;
use crate::net::CheckRequest;

/// Held by every `Sender`, `Mailbox` and `Receiver`: when the last one is dropped, the connection
/// logs out.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) check: CheckRequest,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
