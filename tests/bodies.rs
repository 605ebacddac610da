//! Large bodies in little memory: streamed to a file while other commands are answered. A process
//! of its own, with one test, so that its memory is that of this alone.
//!
//! `IMAP_DUPLEX_BODY_MB` is the size of the scripted server's body, 200 by default: its bytes are
//! made as they are asked for.

#[path = "support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use imap_duplex::command::Append;
use imap_duplex::types::{Section, Uid};
use imap_duplex::{Config, Mailbox};
use support::dovecot::Dovecot;
use support::{PASSWORD, fresh_user, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How much more memory a body may take, whatever its size, in kB.
const ROOM: u64 = 8 << 10;
/// The period of the scripted body: a prime, so that no two windows are alike.
const PERIOD: usize = 65_521;

/// The body, over and over.
fn pattern() -> Vec<u8> {
    (0..PERIOD).map(|at| b'!' + u8::try_from((at * 31 + at / 251) % 90).expect("small")).collect()
}

/// Writes the bytes of the body from `at` on.
fn write_piece(out: &mut impl Write, pattern: &[u8], mut at: u64, mut left: u64) -> std::io::Result<()> {
    while left > 0 {
        let from = usize::try_from(at % PERIOD as u64).expect("small");
        let piece = &pattern[from..];
        let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        out.write_all(piece)?;
        (at, left) = (at + piece.len() as u64, left - piece.len() as u64);
    }
    Ok(())
}

/// A server of one message of this size.
fn serve(stream: TcpStream, size: u64) -> std::io::Result<()> {
    let pattern = pattern();
    let mut out = stream.try_clone()?;
    out.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 UNSELECT ESEARCH IDLE] ready\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        if let Some(window) = command.strip_prefix("UID FETCH 1 (BODY.PEEK[]<") {
            let (at, length) = window.trim_end_matches(">)").split_once('.').expect("a window");
            let at: u64 = at.parse().expect("a number");
            let length = length.parse().unwrap_or(u64::MAX).min(size.saturating_sub(at));
            write!(out, "* 1 FETCH (UID 1 BODY[]<{at}> {{{length}}}\r\n")?;
            write_piece(&mut out, &pattern, at, length)?;
            out.write_all(b")\r\n")?;
        } else if command.starts_with("EXAMINE") {
            out.write_all(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT 2] next\r\n")?;
        } else if command.starts_with("UID SEARCH") {
            write!(out, "* ESEARCH (TAG \"{tag}\") UID ALL 1\r\n")?;
        } else if command == "LOGOUT" {
            out.write_all(b"* BYE see you\r\n")?;
        }
        write!(out, "{tag} OK done\r\n")?;
    }
    Ok(())
}

/// What this process holds in memory now, and the most since the last call, in kB: Linux alone
/// knows.
fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let both = (of("VmRSS:")?, of("VmHWM:")?);
    // The peak begins again (proc(5), clear_refs).
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(both)
}

/// Streams the body to a file, while other commands run: its size, and how many were answered
/// meanwhile.
async fn download(inbox: &Mailbox, uid: Uid, file: &Path) -> (u64, usize) {
    let imap = inbox.sender();
    let mut body = inbox.body(uid, Section::Full);
    let mut out = tokio::fs::File::create(file).await.expect("a file");
    let before = memory();
    let mut answered = 0;
    let copying = async {
        let copied = tokio::io::copy_buf(&mut body, &mut out).await.expect("streamed");
        out.flush().await.expect("written");
        copied
    };
    let others = async {
        loop {
            imap.noop().await.expect("it is answered");
            answered += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let copied = tokio::select! {
        copied = copying => copied,
        () = others => 0,
    };
    if let (Some((now, _)), Some((_, peak))) = (before, memory()) {
        let more = peak.saturating_sub(now);
        assert!(more <= ROOM, "{copied} bytes took {more} kB of memory");
        #[allow(clippy::print_stderr, reason = "a figure for whoever runs it by hand")]
        {
            eprintln!(
                "{copied} bytes in {more} kB more than the {now} kB before; {answered} NOOPs meanwhile"
            );
        }
    }
    (copied, answered)
}

/// Whether the file has these bytes, of which `expected` gives one piece after the other.
fn compare(file: &Path, mut expected: impl FnMut(&mut Vec<u8>)) {
    let mut file = std::fs::File::open(file).expect("it was written");
    let (mut one, mut other) = (Vec::new(), Vec::new());
    loop {
        other.clear();
        expected(&mut other);
        one.resize(other.len(), 0);
        if other.is_empty() {
            assert_eq!(file.read(&mut [0]).expect("read"), 0, "nothing follows");
            return;
        }
        file.read_exact(&mut one).expect("as long as it should be");
        assert!(one == other, "the same bytes");
    }
}

async fn of_a_scripted_server(folder: &Path) {
    let megabytes =
        std::env::var("IMAP_DUPLEX_BODY_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let size: u64 = megabytes * 1_000_000 + 4711;
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let server = std::thread::spawn(move || serve(listener.accept().expect("a client").0, size));
    let (imap, events) =
        Config::new("127.0.0.1").port(port).plaintext().auto_idle(false).connect().await.expect("connected");
    drop(events);
    let inbox = imap.examine("INBOX").await.expect("selected");
    let file = folder.join("scripted");
    let (copied, answered) = download(&inbox, Uid::MIN, &file).await;
    assert_eq!(copied, size);
    assert!(answered > 3, "{answered} commands were answered meanwhile");
    let (pattern, mut at) = (pattern(), 0);
    compare(&file, |out| {
        let piece = (size - at).min(1 << 20);
        write_piece(out, &pattern, at, piece).expect("memory");
        at += piece;
    });
    imap.logout().await.expect("goodbye");
    server.join().expect("it ends").expect("served");
}

async fn of_dovecot(folder: &Path) {
    const SIZE: u64 = 50_000_000;
    const LINE: &[u8] = b"A line as long as lines of base64 are, which is seventy-six characters now.\r\n";
    let dovecot = Dovecot::start();
    let address = dovecot.plain_addr();
    let config = Config::new(address.ip().to_string()).port(address.port()).plaintext();
    let (imap, events) = config.login(fresh_user(), PASSWORD).connect().await.expect("logged in");
    drop(events);
    let source = std::iter::repeat_n(LINE, 1000).collect::<Vec<_>>().concat();
    let block = source.len() as u64;
    let mut whole = b"Subject: large\r\n\r\n".to_vec();
    whole.resize(usize::try_from(SIZE % block).expect("small"), b' ');
    let upload = std::io::Cursor::new(whole.clone());
    let upload = AsyncReadExt::chain(upload, repeated(source.clone(), SIZE / block));
    let uid = imap.append("INBOX", Append::reader(SIZE, upload)).await.expect("stored").uid.expect("UIDPLUS");
    let inbox = imap.examine("INBOX").await.expect("selected");
    let file = folder.join("dovecot");
    let (copied, answered) = download(&inbox, uid, &file).await;
    assert_eq!(copied, SIZE);
    assert!(answered > 3, "{answered} commands were answered meanwhile");
    let mut left = SIZE / block;
    compare(&file, |out| {
        if !whole.is_empty() {
            out.append(&mut whole);
        } else if left > 0 {
            out.extend_from_slice(&source);
            left -= 1;
        }
    });
    imap.logout().await.expect("goodbye");
}

/// These bytes, so many times.
fn repeated(bytes: Vec<u8>, times: u64) -> impl tokio::io::AsyncRead + Send + Unpin + 'static {
    let (reader, mut end) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move {
        for _ in 0..times {
            if end.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    reader
}

#[tokio::test]
async fn a_large_body_is_streamed_to_a_file_while_other_commands_are_answered() {
    within(Duration::from_secs(600), async {
        let folder = tempfile::tempdir().expect("a folder");
        of_dovecot(folder.path()).await;
        of_a_scripted_server(folder.path()).await;
    })
    .await;
}
