//! A wire that can be cut: a proxy on the loopback interface, one for each worker and server.
//!
//! In: where a server is. Out: another address for it; while the wire is cut, connections stay open
//! and nothing passes, as when a cable is pulled.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// A wire to a server. Dropping it ends its connections.
#[derive(Debug)]
pub(super) struct Wire {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Wire {
    /// A wire to the server at this address.
    pub(super) async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::io("a wire"))?;
        let address = listener.local_addr().map_err(Error::io("a wire"))?;
        let (is_cut, state) = watch::channel(false);
        tokio::spawn(async move {
            let mut ended = state.clone();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((client, _)) => _ = tokio::spawn(connect(client, target, state.clone())),
                        Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                    },
                    () = until_gone(&mut ended) => return,
                }
            }
        });
        Ok(Self { address, is_cut })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Nothing passes from now on, or all does again.
    pub(super) fn cut(&self, cut: bool) {
        self.is_cut.send_replace(cut);
    }
}

async fn until_gone(state: &mut watch::Receiver<bool>) {
    while state.changed().await.is_ok() {}
}

async fn connect(client: TcpStream, target: SocketAddr, state: watch::Receiver<bool>) {
    // The server may be away: then the client sees its connection end.
    let Ok(server) = TcpStream::connect(target).await else { return };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = carry(from_client, to_server, state.clone()) => {}
        () = carry(from_server, to_client, state.clone()) => {}
        () = async { until_gone(&mut state.clone()).await } => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        if state.wait_for(|is_cut| !is_cut).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
