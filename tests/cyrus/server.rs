//! A private Cyrus on a free loopback port, everything of it in one temporary folder: unpacked by
//! `tests/support/cyrus/get`, never installed, started by `tests/support/cyrus/start`.
//!
//! It is ended when it is dropped; should this process be killed, a small shell sees the end of its
//! input and does the same.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use imap_duplex::{Config, Sender};
use tempfile::TempDir;

use crate::support::PASSWORD;
use crate::support::dovecot::watch;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
#[derive(Debug)]
pub(crate) struct Cyrus {
    folder: TempDir,
    master: Child,
    watcher: Child,
    address: SocketAddr,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/cyrus").join(name)
}

/// Where its programs are; fetched once.
fn root() -> &'static str {
    static ROOT: OnceLock<String> = OnceLock::new();
    ROOT.get_or_init(|| {
        let got = Command::new(script("get")).output().expect("bash");
        let why = String::from_utf8_lossy(&got.stderr);
        assert!(got.status.success(), "there is no Cyrus: {why}");
        String::from_utf8_lossy(&got.stdout).trim().to_owned()
    })
}

impl Cyrus {
    /// Blocks until it answers.
    pub(crate) fn start() -> Self {
        let mut last = String::new();
        // The port was free when we looked; somebody else may have been quicker.
        for _ in 0..5 {
            match Self::attempt() {
                Ok(server) => return server,
                Err(why) => last = why,
            }
        }
        panic!("Cyrus did not start: {last}");
    }

    fn attempt() -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?;
        let folder = tempfile::Builder::new().prefix("cyrus-").tempdir_in("/tmp").expect("a folder");
        let output = || fs::File::create(folder.path().join("output")).expect("a file");
        let file = output();
        let master = Command::new(script("start"))
            .arg(root())
            .arg(folder.path())
            .arg(address.port().to_string())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let watcher = watch(&master, folder.path());
        let mut server = Self { folder, master, watcher, address };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if greets(address).unwrap_or(false) {
                return Ok(server);
            }
            let ended = server.master.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(server.folder.path().join("output")).unwrap_or_default();
                return Err(format!("{ended:?}\n{log}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// A connection of this user: `alice`, `bob`, or `admin`.
    pub(crate) async fn connect(&self, user: &str) -> Sender {
        let config = Config::new("127.0.0.1").port(self.port()).plaintext().login(user, PASSWORD);
        let (imap, events) = config.auto_idle(false).connect().await.expect("it takes this login");
        drop(events);
        imap
    }
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        // The watcher ends it, and is ours to wait for.
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
        let _ = self.master.wait();
    }
}

/// Whether a Cyrus answers there.
fn greets(address: SocketAddr) -> io::Result<bool> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(stream), &mut line)?;
    Ok(line.contains("Cyrus"))
}
