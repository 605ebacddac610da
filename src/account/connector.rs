//! Where the bytes come from: the user's own way to the server, dialled each time.
//!
//! In: a function that yields a byte stream. Out: the same behind one type.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, ErrorKind, Result};
use crate::net::Io;

/// Why an account dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialReason {
    /// A connection is wanted, and there is none to spare.
    Wanted,
    /// The last attempt has failed, or the last connection ended too early.
    Retry,
}

/// A connection that a connector is to make.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialRequest {
    /// Whose account it is, by user and host, as [`Change::account`](super::Change::account) says.
    pub account: String,
    /// The server's host name, of the account's [`Config`](crate::Config). With TLS its certificate
    /// is checked for that name, whatever the bytes go through.
    pub host: String,
    /// The server's port, of the `Config` or the usual one.
    pub port: u16,
    /// Why it is dialled.
    pub reason: DialReason,
}

type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

/// A user's own way to the server.
#[derive(Clone)]
pub(super) struct Connector(Arc<dyn Fn(DialRequest) -> Dialled + Send + Sync>);

impl Connector {
    pub(super) fn new<F, Fut, I>(dial: F) -> Self
    where
        F: Fn(DialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<I>> + Send + 'static,
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Arc::new(move |request| {
            let dialled = dial(request);
            Box::pin(async move { Ok(Box::new(dialled.await?) as Box<dyn Io>) })
        }))
    }

    pub(super) async fn dial(&self, request: DialRequest) -> Result<Box<dyn Io>> {
        (self.0)(request).await.map_err(|error| {
            Error::new(ErrorKind::Connect, "the account's connector has failed").because(error)
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
