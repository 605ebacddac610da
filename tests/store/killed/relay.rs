//! A relay before the server: it breaks connections in the midst of what is said. With
//! `IMAP_DUPLEX_LOG`, which names a folder, it also writes down all that is said, and the journal beside
//! it: for the search of a fault.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::world::Dice;

/// The folder of the logs, if there are to be any.
pub(super) fn folder() -> Option<PathBuf> {
    std::env::var_os("IMAP_DUPLEX_LOG").map(PathBuf::from)
}

#[derive(Clone)]
struct Log(Option<Arc<Mutex<File>>>);

impl Log {
    fn open() -> Self {
        Self(folder().map(|folder| {
            let file = OpenOptions::new().append(true).create(true).open(folder.join("wire"));
            Arc::new(Mutex::new(file.expect("a file")))
        }))
    }

    fn write(&self, who: &str, bytes: &[u8]) {
        let Some(file) = &self.0 else { return };
        let (mut text, now) = (String::new(), super::program::since_1970());
        for line in String::from_utf8_lossy(bytes).lines() {
            text += &format!("{now:.3} {who} {line}\n");
        }
        file.lock().expect("no panic").write_all(text.as_bytes()).expect("written");
    }
}

/// A running relay.
pub(super) struct Relay {
    pub(super) port: u16,
    is_calm: Arc<AtomicBool>,
    broken: Arc<AtomicUsize>,
}

impl Relay {
    /// Passes on what is said to this server, and breaks some connections.
    pub(super) async fn start(server: SocketAddr, mut dice: Dice) -> Self {
        let log = Log::open();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (is_calm, broken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let relay = Self { port, is_calm: is_calm.clone(), broken: broken.clone() };
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { continue };
                number += 1;
                // After so many bytes of one side; most stay.
                let (mut up, mut down) = (None, None);
                if dice.roll(3) == 0 && !is_calm.load(Ordering::SeqCst) {
                    let bytes = [400, 4_000, 20_000, 200_000][dice.roll(4)];
                    let end = if dice.roll(2) == 0 { &mut up } else { &mut down };
                    *end = Some(dice.roll(bytes));
                }
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let mut both = JoinSet::new();
                both.spawn(pump(from_client, to_server, format!("{number} C:"), log.clone(), up));
                both.spawn(pump(from_server, to_client, format!("{number} S:"), log.clone(), down));
                let broken = broken.clone();
                tokio::spawn(async move {
                    while let Some(ended) = both.join_next().await {
                        if ended.unwrap_or(false) {
                            broken.fetch_add(1, Ordering::SeqCst);
                            both.abort_all();
                        }
                    }
                });
            }
        });
        relay
    }

    /// No connection that is made from now on breaks. How many did.
    pub(super) fn calm(&self) -> usize {
        self.is_calm.store(true, Ordering::SeqCst);
        self.broken.load(Ordering::SeqCst)
    }
}

/// Whether this was broken, after so many bytes, rather than ended.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    who: String,
    log: Log,
    mut left: Option<usize>,
) -> bool {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..count.min(left.unwrap_or(count))];
        log.write(&who, bytes);
        if to.write_all(bytes).await.is_err() {
            break;
        }
        left = left.map(|left| left - bytes.len());
        if left == Some(0) {
            log.write(&who, b"(broken)");
            return true;
        }
    }
    log.write(&who, b"(end)");
    false
}
