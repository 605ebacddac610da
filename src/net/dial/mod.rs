//! From a `Config` to a byte stream that leads to the server: by TCP, through a proxy, or by a Unix
//! socket. TLS is not begun here.
//!
//! In: a `Config`. Out: the stream, and whether the other end is this machine.

#[cfg(feature = "proxy")]
mod proxy;
mod tcp;

use super::config::Way;
use super::{Config, Io};
use crate::error::Result;
#[cfg(unix)]
use crate::error::{Error, ErrorKind};

/// A byte stream that leads to the server.
pub(super) struct Reached {
    pub(super) io: Box<dyn Io>,
    /// The other end is this very machine.
    pub(super) local: bool,
}

/// Reaches the server.
pub(super) async fn reach(config: &Config) -> Result<Reached> {
    config.check_host()?;
    match &config.way {
        Way::Tcp => {
            let target = tcp::Target::server(config);
            let stream = tcp::connect(&target, config, config.timeouts.dial).await?;
            let local = stream.peer_addr().is_ok_and(|address| address.ip().is_loopback());
            Ok(Reached { io: Box::new(stream), local })
        }
        #[cfg(unix)]
        Way::Unix(path) => unix(config, path).await,
        // Whatever the name means to the proxy, it is not this machine.
        #[cfg(feature = "proxy")]
        Way::Proxy(proxy) => {
            let io = Box::new(proxy::connect(config, proxy).await?);
            Ok(Reached { io, local: false })
        }
    }
}

#[cfg(unix)]
async fn unix(config: &Config, path: &std::path::Path) -> Result<Reached> {
    use std::io::ErrorKind as Io;
    let (shown, waited) = (path.display(), config.timeouts.dial);
    let connecting = tokio::net::UnixStream::connect(path);
    let stream = tokio::time::timeout(waited, connecting).await.map_err(|_| {
        Error::new(ErrorKind::Timeout, format!("no connection to the socket {shown} within {waited:?}"))
    })?;
    let stream = stream.map_err(|e| {
        let (why, hint) = match e.kind() {
            Io::NotFound => (": there is none", "is the path right, and does the server run?"),
            Io::ConnectionRefused => (": no server listens there", "does the server run?"),
            Io::PermissionDenied => {
                (": it may not be used", "which users and groups may, its file's mode says")
            }
            _ => ("", "is it the socket of an IMAP server?"),
        };
        let message = format!("no connection to the socket {shown}{why}");
        Error::new(ErrorKind::Connect, message).advise(hint).because(e)
    })?;
    tracing::info!(target: "imap_duplex", path = %shown, "connected");
    Ok(Reached { io: Box::new(stream), local: true })
}
