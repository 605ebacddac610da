//! The driver: the one task that owns the connection.
//!
//! In: the pump of a connection that is logged in. Out: a future to be spawned or polled, which
//! ends with the connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::net::Pump;
use crate::types::CloseReason;

/// The one task that owns the connection and moves its bytes. A future: it must be polled for
/// anything to happen, and is done when the connection has ended; `Ok` if that was by logout.
///
/// [`Config::connect`](crate::Config::connect) spawns it for you. Dropping it ends the connection:
/// every token resolves and the event stream ends with [`Closed`](crate::types::EventKind::Closed).
#[must_use = "nothing happens on the connection unless the driver is polled, as by `tokio::spawn`"]
pub struct Driver {
    pub(super) pump: Pump,
}

impl Future for Driver {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.pump.poll_to_end(cx).map(|reason| match reason {
            CloseReason::Logout => Ok(()),
            reason => Err(Error::closed(&reason)),
        })
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
