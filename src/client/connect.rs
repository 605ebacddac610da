//! Connecting: the methods of [`Config`] that users call.
//!
//! In: a `Config`, and a byte stream if the user has one. Out: the two halves of a connection that
//! is logged in, and its driver, spawned or handed to the user. How it is done is in `net`.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Driver, Handle, Receiver, Sender};
use crate::error::Result;
use crate::net::{self, Config, Connected};

impl Config {
    /// Connects, logs in as configured, and spawns the [`Driver`] on the tokio runtime of the
    /// caller.
    ///
    /// Cancel safe: dropping it closes the connection.
    ///
    /// ```no_run
    /// # async fn example() -> imap_duplex::Result<()> {
    /// let config = imap_duplex::Config::new("imap.example.org").login("alice", "correct horse");
    /// let (imap, events) = config.connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Each step's own: an unknown host, a refused connection, an untrusted certificate, a wrong
    /// password, a server that hangs up. See [`ErrorKind`](crate::ErrorKind).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(&self) -> Result<(Sender, Receiver)> {
        let (sender, receiver, driver) = halves(net::connect(self).await?);
        tokio::spawn(driver);
        Ok((sender, receiver))
    }

    /// As [`connect`](Config::connect), over an existing byte stream. If the `Config` asks for
    /// STARTTLS, the upgrade is done on this stream. Otherwise the stream is used as it is: if you
    /// want TLS, it must be established already.
    ///
    /// Cancel safe: dropping it closes the stream.
    ///
    /// ```no_run
    /// # async fn example(tunnel: tokio::net::TcpStream) -> imap_duplex::Result<()> {
    /// let config = imap_duplex::Config::new("localhost").plaintext();
    /// let (imap, events) = config.connect_over(tunnel).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Config::connect).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect_over<I>(&self, io: I) -> Result<(Sender, Receiver)>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, receiver, driver) = self.handshake(io).await?;
        tokio::spawn(driver);
        Ok((sender, receiver))
    }

    /// As [`connect`](Config::connect), over a byte stream that leads to the server's port, such as
    /// a tunnel's: TLS is agreed on over it, from the first byte or by STARTTLS, as the `Config`
    /// says. Nothing is dialled.
    ///
    /// Cancel safe: dropping it closes the stream.
    ///
    /// ```no_run
    /// # async fn example(tunnel: tokio::net::TcpStream) -> imap_duplex::Result<()> {
    /// let config = imap_duplex::Config::new("imap.example.org").login("alice", "correct horse");
    /// let (imap, events) = config.connect_through(tunnel).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Config::connect).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect_through<I>(&self, io: I) -> Result<(Sender, Receiver)>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, receiver, driver) = halves(net::connect_through(self, Box::new(io)).await?);
        tokio::spawn(driver);
        Ok((sender, receiver))
    }

    /// As [`connect_over`](Config::connect_over), and leaves it to the caller where the [`Driver`]
    /// runs.
    ///
    /// Cancel safe: dropping it closes the stream.
    ///
    /// ```no_run
    /// # async fn example(io: tokio::net::TcpStream) -> imap_duplex::Result<()> {
    /// let config = imap_duplex::Config::new("localhost").plaintext();
    /// let (imap, events, driver) = config.handshake(io).await?;
    /// let connection = tokio::spawn(driver);
    /// imap.logout().await?;
    /// connection.await.expect("it does not panic")?; // how the connection ended
    /// # drop(events);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Config::connect).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn handshake<I>(&self, io: I) -> Result<(Sender, Receiver, Driver)>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Ok(halves(net::handshake(self, Box::new(io)).await?))
    }
}

/// Connects, by this byte stream if there is one; the driver is the caller's.
#[cfg(feature = "account")]
pub(crate) async fn dial(
    config: &Config,
    through: Option<Box<dyn net::Io>>,
) -> Result<(Sender, Receiver, Driver)> {
    Ok(halves(match through {
        Some(io) => net::connect_through(config, io).await?,
        None => net::connect(config).await?,
    }))
}

fn halves(connected: Connected) -> (Sender, Receiver, Driver) {
    let Connected { pump, shared } = connected;
    let handle = Arc::new(Handle { shared, check: pump.check_request() });
    (Sender::new(handle.clone()), Receiver::new(handle), Driver { pump })
}
