//! Streams that tests look into.
//!
//! [`Recorder`] goes around a stream and keeps what was written and read, write by write. [`Peer`]
//! is the other end of a stream in memory: a server whose every word is the test's. In: a stream,
//! or nothing. Out: a stream to hand to the code under test, and a handle that stays with the test.

use std::fmt::Write as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::sync::watch;

/// How long [`Peer`] and [`Log::until`] wait; in paused time that is at once, if nothing else can
/// happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// One write or one read that came through.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// What one `poll_write` took.
    Wrote(Vec<u8>),
    /// What one `poll_read` gave.
    Read(Vec<u8>),
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, bytes) = match self {
            Self::Wrote(bytes) => ("Wrote", bytes),
            Self::Read(bytes) => ("Read", bytes),
        };
        write!(f, "{name}({:?})", String::from_utf8_lossy(bytes))
    }
}

/// What a [`Recorder`] has kept; a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Log {
    entries: Arc<Mutex<Vec<Entry>>>,
    changed: watch::Sender<()>,
}

impl Log {
    fn new() -> Self {
        Self { entries: Arc::default(), changed: watch::Sender::new(()) }
    }

    /// All so far, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The writes so far, one text for each.
    pub fn writes(&self) -> Vec<String> {
        let text = |entry: &Entry| match entry {
            Entry::Wrote(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Entry::Read(_) => None,
        };
        self.lock().iter().filter_map(text).collect()
    }

    /// All that was written so far, as one text.
    pub fn written(&self) -> String {
        self.writes().concat()
    }

    /// Forgets what it has, to see only what follows; gives what it had.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.lock())
    }

    /// Waits until `found` is true of the writes, asking again after each write; panics with them
    /// if it takes ten seconds.
    pub async fn until(&self, what: &str, found: impl Fn(&[String]) -> bool) {
        let mut changes = self.changed.subscribe();
        let waiting = async {
            while !found(&self.writes()) {
                changes.changed().await.expect("we hold a sender ourselves");
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("not written within {PATIENCE:?}: {what}; the writes: {:#?}", self.writes());
        }
    }

    fn push(&self, entry: Entry) {
        self.lock().push(entry);
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().expect("nothing panics under this lock")
    }
}

/// A stream that records its traffic.
#[derive(Debug)]
pub struct Recorder<S> {
    inner: S,
    log: Log,
}

impl<S> Recorder<S> {
    /// Goes around `inner`; the log stays with the test.
    pub fn new(inner: S) -> (Self, Log) {
        let log = Log::new();
        (Self { inner, log: log.clone() }, log)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorder<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        if !read.is_empty() {
            self.log.push(Entry::Read(read.to_vec()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorder<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.log.push(Entry::Wrote(buf[..written].to_vec()));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, bufs))?;
        let bytes = bufs.iter().flat_map(|buf| buf.iter().copied()).take(written).collect();
        self.log.push(Entry::Wrote(bytes));
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A server that the test scripts. Every wait is bounded; every panic shows the traffic.
///
/// ```ignore
/// let (stream, mut server) = Peer::pair();
/// // hand `stream` to the code under test, then, perhaps in the other arm of a `tokio::join!`:
/// server.say("* PREAUTH ready").await;
/// let tag = server.expect("NOOP").await;
/// server.say(&format!("{tag} OK done")).await;
/// ```
#[derive(Debug)]
pub struct Peer {
    stream: DuplexStream,
    /// Read, not yet looked at.
    buffer: Vec<u8>,
    said: String,
}

impl Peer {
    /// A stream for the code under test, with the other end of it; 64 KiB each way before a writer
    /// waits.
    pub fn pair() -> (DuplexStream, Self) {
        Self::pair_of(65_536)
    }

    /// The same with so many bytes each way: a peer that takes only `capacity` bytes until it
    /// reads.
    pub fn pair_of(capacity: usize) -> (DuplexStream, Self) {
        let (ours, theirs) = duplex(capacity);
        (theirs, Self { stream: ours, buffer: Vec::new(), said: String::new() })
    }

    /// Sends `line` and CRLF.
    pub async fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.note("S", bytes);
        match tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => self.fail(&format!("the client does not take {:?}: {e}", text(bytes))),
            Err(_) => self.fail(&format!("the client did not read {:?}", text(bytes))),
        }
    }

    /// Sends as many of these bytes as the client takes until it has taken none for so long; gives
    /// how many.
    pub async fn send_what_it_takes(&mut self, bytes: &[u8], patience: Duration) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            match tokio::time::timeout(patience, self.stream.write(&bytes[sent..])).await {
                Ok(Ok(count)) => sent += count,
                Ok(Err(e)) => self.fail(&format!("the client does not take what it is sent: {e}")),
                Err(_) => break,
            }
        }
        self.note("S", &bytes[..sent]);
        sent
    }

    /// Reads one line, which has to be a tag and `command`; gives the tag.
    pub async fn expect(&mut self, command: &str) -> String {
        let line = self.line(command).await;
        match line.split_once(' ') {
            Some((tag, rest)) if rest == command => tag.to_owned(),
            _ => self.fail(&format!("expected: TAG {command}\n     got: {line}")),
        }
    }

    /// Reads one line, which has to be a tag and something that begins with `start`; gives the tag
    /// and what follows the start.
    pub async fn expect_start(&mut self, start: &str) -> (String, String) {
        let line = self.line(start).await;
        match line.split_once(' ').map(|(tag, rest)| (tag, rest.strip_prefix(start))) {
            Some((tag, Some(rest))) => (tag.to_owned(), rest.to_owned()),
            _ => self.fail(&format!("expected: TAG {start}…\n     got: {line}")),
        }
    }

    /// Reads one line, which has to be `line` and nothing else: `DONE`.
    pub async fn expect_line(&mut self, line: &str) {
        let got = self.line(line).await;
        if got != line {
            self.fail(&format!("expected: {line}\n     got: {got}"));
        }
    }

    /// Reads exactly these bytes: a literal.
    pub async fn expect_bytes(&mut self, bytes: &[u8]) {
        while self.buffer.len() < bytes.len() {
            self.read(&text(bytes)).await;
        }
        let rest = self.buffer.split_off(bytes.len());
        let got = std::mem::replace(&mut self.buffer, rest);
        self.note("C", &got);
        if got != bytes {
            self.fail(&format!("expected: {:?}\n     got: {:?}", text(bytes), text(&got)));
        }
    }

    /// Expects that the client sends nothing for so long.
    pub async fn expect_silence(&mut self, duration: Duration) {
        if self.buffer.is_empty() {
            match tokio::time::timeout(duration, self.stream.read_buf(&mut self.buffer)).await {
                Err(_) => return,
                Ok(Ok(0)) => self.fail("expected silence; the client closed"),
                Ok(_) => {}
            }
        }
        self.fail(&format!("expected silence, got {:?}", text(&self.buffer)));
    }

    /// Expects that the client closes its side, having sent nothing more.
    pub async fn expect_end(&mut self) {
        if self.buffer.is_empty() {
            match tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) => self.fail("expected the end; the client keeps the connection"),
            }
        }
        self.fail(&format!("expected the end, got {:?}", text(&self.buffer)));
    }

    /// Reads one line, whatever it is, without its CRLF.
    pub async fn next_line(&mut self) -> String {
        self.line("a line").await
    }

    /// Reads lines until none comes for so long: what the client sends without waiting for an
    /// answer.
    pub async fn lines_until_silence(&mut self, patience: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            while self.buffer.contains(&b'\n') {
                lines.push(self.next_line().await);
            }
            match tokio::time::timeout(patience, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(n)) if n > 0 => {}
                _ => return lines,
            }
        }
    }

    /// Reads one line, whatever it is, without its CRLF; `wanted` is for the message if none comes.
    async fn line(&mut self, wanted: &str) -> String {
        let end = loop {
            match self.buffer.windows(2).position(|window| window == b"\r\n") {
                Some(at) => break at,
                None => self.read(wanted).await,
            }
        };
        let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
        self.note("C", &line);
        text(&line)
    }

    async fn read(&mut self, wanted: &str) {
        let why = match tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(n)) if n > 0 => return,
            Ok(_) => "the client closed",
            Err(_) => "nothing more came",
        };
        self.fail(&format!("expected: {wanted}\n     got: {:?}, then {why}", text(&self.buffer)));
    }

    fn note(&mut self, who: &str, bytes: &[u8]) {
        let _ = writeln!(self.said, "  {who}: {}", text(bytes).trim_end());
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{what}\nall that was said:\n{}", self.said);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
