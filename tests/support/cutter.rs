//! A proxy on a loopback port that cuts connections, is not there for a while, and keeps what
//! clients have sent.
//!
//! In: the address of a server. Out: a port that leads there.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The proxy; it ends with the test's runtime.
#[derive(Clone)]
pub struct Cutter {
    port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    server: SocketAddr,
    away: AtomicBool,
    connections: Mutex<Vec<AbortHandle>>,
    /// Lines of clients, whole ones alone, in the order of their arrival.
    lines: Mutex<Vec<String>>,
}

impl Cutter {
    /// A way to this server.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let inner = Arc::new(Inner {
            server,
            away: AtomicBool::new(false),
            connections: Mutex::default(),
            lines: Mutex::default(),
        });
        let accepting = inner.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if accepting.away.load(Ordering::SeqCst) {
                    continue;
                }
                let task = tokio::spawn(serve(accepting.clone(), client)).abort_handle();
                accepting.connections.lock().expect("no panic").push(task);
            }
        });
        Self { port, inner }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections. How many there were.
    pub fn cut(&self) -> usize {
        let all = std::mem::take(&mut *self.inner.connections.lock().expect("no panic"));
        let alive = all.iter().filter(|task| !task.is_finished()).count();
        all.iter().for_each(AbortHandle::abort);
        alive
    }

    /// Whether connections end as soon as they are made.
    pub fn set_away(&self, away: bool) {
        self.inner.away.store(away, Ordering::SeqCst);
    }

    /// What clients have sent so far, line by line.
    pub fn lines(&self) -> Vec<String> {
        self.inner.lines.lock().expect("no panic").clone()
    }
}

async fn serve(inner: Arc<Inner>, client: TcpStream) {
    let Ok(server) = TcpStream::connect(inner.server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    let commands = async {
        let (mut block, mut line) = (vec![0; 16 * 1024], Vec::new());
        loop {
            let length = match from_client.read(&mut block).await {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            };
            for byte in &block[..length] {
                line.push(*byte);
                if *byte == b'\n' {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    inner.lines.lock().expect("no panic").push(text);
                    line.clear();
                }
            }
            if to_server.write_all(&block[..length]).await.is_err() {
                return;
            }
        }
    };
    // When one side ends, so does the other.
    tokio::select! {
        () = answers => {}
        () = commands => {}
    }
}
