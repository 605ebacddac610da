//! The embedded server.

mod account;
mod builder;
mod capability;
mod changes;
mod clock;
mod connected;
mod io;
mod listen;
mod log;
mod mailbox;
mod mime;
mod names;
mod responder;
mod script;
mod search;
mod server;
mod session;
#[cfg(feature = "rustls")]
mod tls;
mod watch;
mod world;

pub use account::{Account, StoredMailbox, StoredMessage};
pub use builder::Builder;
pub use capability::EXTENSIONS;
pub use connected::SessionHandle;
pub use log::Heard;
pub use script::Hook;
pub use server::Server;
#[cfg(feature = "rustls")]
pub use tls::Certificate;
