//! TCP: from a host's name to a connected socket.

use std::io;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};

use super::Config;
use crate::error::{Error, ErrorKind, Result};

/// Connects to the host's addresses, one after the other, until one answers.
pub(super) async fn dial(config: &Config) -> Result<TcpStream> {
    let (host, port) = (config.host.trim_start_matches('[').trim_end_matches(']'), config.port_number());
    let dialing = async {
        let addresses = lookup_host((host, port)).await.map_err(|e| {
            Error::new(ErrorKind::Resolve, format!("the host {host} can't be found: {e}")).because(e)
        })?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(e) => last = Some((address, e)),
            }
        }
        Err(match last {
            Some((address, e)) => {
                let message = format!("no connection to {host} port {port} ({address}): {e}");
                Error::new(ErrorKind::Connect, message).because(e)
            }
            None => Error::new(ErrorKind::Resolve, format!("the host {host} has no address")),
        })
    };
    let stream = tokio::time::timeout(config.timeouts.dial, dialing).await.map_err(|_| {
        let waited = config.timeouts.dial;
        Error::new(ErrorKind::Timeout, format!("no connection to {host} port {port} within {waited:?}"))
    })??;
    tune(&stream, config).map_err(|e| {
        Error::new(ErrorKind::Connect, format!("the socket to {host} can't be set up: {e}")).because(e)
    })?;
    Ok(stream)
}

fn tune(stream: &TcpStream, config: &Config) -> io::Result<()> {
    // Commands are small and go out whole: waiting for more would only delay them.
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(config.timeouts.keep_alive))
}
