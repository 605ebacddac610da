//! A relay before the server that writes down all that is said, and the journal beside it: for the
//! search of a fault. `IMAP_DUPLEX_LOG` names its folder; without it nothing is relayed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The folder of the logs, if there are to be any.
pub(super) fn folder() -> Option<PathBuf> {
    std::env::var_os("IMAP_DUPLEX_LOG").map(PathBuf::from)
}

struct Log(Mutex<File>);

impl Log {
    fn write(&self, who: &str, bytes: &[u8]) {
        let (mut text, now) = (String::new(), super::program::since_1970());
        for line in String::from_utf8_lossy(bytes).lines() {
            text += &format!("{now:.3} {who} {line}\n");
        }
        self.0.lock().expect("no panic").write_all(text.as_bytes()).expect("written");
    }
}

/// The port by which the server is reached: its own, or that of a relay.
pub(super) async fn port(server: SocketAddr) -> u16 {
    let Some(folder) = folder() else { return server.port() };
    let file = OpenOptions::new().append(true).create(true).open(folder.join("wire")).expect("a file");
    let log = Arc::new(Log(Mutex::new(file)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(server).await else { continue };
            number += 1;
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(pump(from_client, to_server, format!("{number} C:"), log.clone()));
            tokio::spawn(pump(from_server, to_client, format!("{number} S:"), log.clone()));
        }
    });
    port
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, who: String, log: Arc<Log>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        log.write(&who, &buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    log.write(&who, b"(end)");
}
