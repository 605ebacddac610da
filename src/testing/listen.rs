//! The server on a TCP port of the loopback interface.

use std::io;
use std::net::SocketAddr;
use std::task::{Poll, Waker};

use tokio::net::TcpListener;

use super::io::{Security, serve};
use super::session::Session;
use super::world::Shared;

/// Accepts and serves clients on the current runtime, until the server is dropped.
pub(super) async fn listen(
    shared: Shared,
    address: SocketAddr,
    security: Security,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let local = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let accepted = std::future::poll_fn(|cx| {
                if is_over(&shared, cx.waker()) {
                    return Poll::Ready(None);
                }
                listener.poll_accept(cx).map(Some)
            });
            match accepted.await {
                None => return,
                Some(Ok((stream, _))) => {
                    // Responses are small and awaited.
                    let _ = stream.set_nodelay(true);
                    let session = if security.implicit {
                        Session::before_tls(shared.clone())
                    } else {
                        Session::new(shared.clone(), security.can_tls())
                    };
                    tokio::spawn(serve(session, Box::new(stream), security.clone()));
                }
                // For example too many open files: accepting may succeed later.
                Some(Err(_)) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    });
    Ok(local)
}

/// Whether the server was dropped; if not, it will wake this waker when it is.
fn is_over(shared: &Shared, waker: &Waker) -> bool {
    let mut world = shared.lock();
    let known = world.listeners.iter().any(|known| known.will_wake(waker));
    if !world.over && !known {
        world.listeners.push(waker.clone());
    }
    world.over
}
