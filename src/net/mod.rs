//! The network: from a `Config` to bytes that flow, and the one task that moves them.
//!
//! In: what the user configured, a byte stream. Out: an engine that is logged in, and its pump.
//! TCP, TLS, STARTTLS, login (`auth`), COMPRESS, ENABLE, ID and the check of a silent server are
//! here; the protocol itself is the engine's.

mod auth;
mod codec;
mod config;
#[cfg(feature = "compress")]
mod deflate;
mod dial;
#[cfg(feature = "discover")]
mod discover;
mod handshake;
mod liveness;
mod pump;
mod rows_ahead;
mod sleep_detection;
mod tls;

pub use auth::{
    CredentialReason, CredentialRequest, Credentials, Mechanism, OwnMechanism, SaslExchange, SaslMechanism,
    SaslPlace,
};
pub use config::{ClientCertificate, Config, ImapUrl, Timeouts, TlsBackend};
#[cfg(feature = "proxy")]
pub use config::{Proxy, ProxyKind};
#[cfg(feature = "discover")]
pub use discover::{Candidate, Discover};

#[cfg(feature = "account")]
pub(crate) use auth::Refresh;
#[cfg(any(test, fuzzing))]
pub(crate) use auth::login_messages;
pub(crate) use handshake::{Connected, connect, connect_through, handshake};
pub(crate) use liveness::CheckRequest;
pub(crate) use pump::Pump;
#[cfg(feature = "account")]
pub(crate) use sleep_detection::Suspend;
pub(crate) use sleep_detection::WallClock;

use tokio::io::{AsyncRead, AsyncWrite};

/// Any byte stream.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
