//! TLS over any byte stream, by rustls or by the system's own library.
//!
//! In: a byte stream and the `Config`. Out: the encrypted stream with what binds a login to it, or
//! an error that says what was expected and what was seen.

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod alert;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod material;
#[cfg(feature = "native-tls")]
mod native;
#[cfg(feature = "native-tls")]
mod retry_buffer;
#[cfg(feature = "rustls")]
mod rustls;
#[cfg(test)]
#[cfg(all(feature = "rustls", feature = "native-tls"))]
mod tests;

#[cfg(any(feature = "rustls", feature = "native-tls"))]
pub(super) use alert::about_client_certificates;

use super::{Config, Io};
use crate::error::{Error, ErrorKind, Result};
use crate::net::config::TlsBackend;

/// The ALPN name of IMAP, so that a port may serve other protocols too (RFC 7301, IANA).
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const ALPN: &str = "imap";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NOT_TLS: &str = "TLS from the first byte is for port 993 as a rule; port 143 wants STARTTLS";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const PRIVATE: &str = "if it is self-signed or of a private authority, trust it explicitly";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const EXPIRED: &str = "the server needs a new one; is the clock of this machine right?";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const CLOCK: &str = "is the clock of this machine right?";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const OTHER_NAME: &str = "connect by a name that it is for, or have one made for this name";

/// A byte stream, and what is known of its encryption.
pub(super) struct Secured {
    pub(super) io: Box<dyn Io>,
    binding: Option<ChannelBinding>,
}

impl Secured {
    /// What binds a login to this very connection, where the encryption provides it.
    pub(super) fn channel_binding(&self) -> Option<&ChannelBinding> {
        self.binding.as_ref()
    }
}

/// Data that both ends of one TLS connection share, and no third party has (RFC 5056): a
/// login that includes it fails if someone decrypts on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    /// Keying material of the session, by TLS 1.3 (RFC 9266). Of rustls.
    #[cfg(feature = "rustls")]
    Exporter([u8; 32]),
    /// The hash of the server's certificate (RFC 5929 section 4). Of native TLS.
    #[cfg(feature = "native-tls")]
    ServerEndPoint(Vec<u8>),
}

impl ChannelBinding {
    /// Its registered name: `tls-exporter`.
    pub(super) fn name(&self) -> &'static str {
        match *self {
            #[cfg(feature = "rustls")]
            Self::Exporter(_) => "tls-exporter",
            #[cfg(feature = "native-tls")]
            Self::ServerEndPoint(_) => "tls-server-end-point",
        }
    }

    /// The bytes to include.
    pub(super) fn data(&self) -> &[u8] {
        match *self {
            #[cfg(feature = "rustls")]
            Self::Exporter(ref data) => data,
            #[cfg(feature = "native-tls")]
            Self::ServerEndPoint(ref data) => data,
        }
    }
}

/// Agrees on TLS over a byte stream.
pub(super) async fn wrap(config: &Config, io: Box<dyn Io>) -> Result<Secured> {
    match config.get_tls_backend() {
        #[cfg(feature = "rustls")]
        Some(TlsBackend::Rustls) => rustls::wrap(config, io).await,
        #[cfg(not(feature = "rustls"))]
        Some(TlsBackend::Rustls) => lacks(io, "no rustls: switch the feature `rustls` on"),
        #[cfg(feature = "native-tls")]
        Some(TlsBackend::Native) => native::wrap(config, io).await,
        #[cfg(not(feature = "native-tls"))]
        Some(TlsBackend::Native) => lacks(io, "no native TLS: switch the feature `native-tls` on"),
        None => lacks(io, "no TLS: switch the feature `rustls` or `native-tls` on, or ask for no encryption"),
    }
}

#[allow(dead_code, reason = "not where the build has both")]
fn lacks(_: Box<dyn Io>, what: &str) -> Result<Secured> {
    Err(tls_error(format!("this build has {what}")))
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn untrusted(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Certificate, message)
}

pub(super) fn tls_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Tls, message)
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn too_slow(config: &Config) -> Error {
    let (host, waited) = (config.host_name(), config.timeouts.tls);
    let message = format!("TLS with {host} was not agreed on within {waited:?}: no answer");
    Error::new(ErrorKind::Timeout, message).advise(NOT_TLS)
}

/// Of the client's certificate and its key.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn unfit() -> Error {
    tls_error("the client's certificate and private key can't be used").advise("do the two belong together?")
}

/// Refuses certificates beside a caller's own set-up: they would be without effect.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn check_own(config: &Config) -> Result<()> {
    let both = !config.tls.extra_roots.is_empty() || config.tls.client.is_some();
    if both {
        let message = "certificates were given beside a TLS set-up of the caller's own, which decides alone";
        return Err(Error::invalid(message).advise("put the certificates into that set-up"));
    }
    Ok(())
}
