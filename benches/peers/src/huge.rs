//! One body of gigabytes, streamed to a file while other commands are answered. On Linux.
//!
//! In: how many GiB. Out: for each of the two ways, windows (`Mailbox::body`) and one literal read
//! while it comes (`Token::stream_literals`): the peak of the client's memory, how long it took,
//! and for windows the slowest NOOP meanwhile; while one literal comes, no server answers anything
//! else. The client is a process of its own, and checks each byte; the server makes the bytes as it
//! sends them.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use imap_duplex::command::Items;
use imap_duplex::types::{Section, Uid, ViewSync};
use imap_duplex::{Config, Mailbox, RowPart};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt};

use crate::whole::{of_files, peak};

/// What the body consists of, again and again.
const LINE: &[u8; 64] = b"A line of the body; together with its end it has sixty-four by\r\n";
/// How many of them are written at once.
const LINES: usize = 1024;

/// Prints the figures of both ways.
pub fn measure(gib: u64) -> std::io::Result<()> {
    let size = gib << 30;
    for way in ["windows", "literal"] {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that has ended may have left something unread.
                thread::spawn(move || serve(&stream, size));
            }
        });
        let arguments = ["huge-client", way, &size.to_string(), &port.to_string()];
        let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(std::io::Error::other(format!("{way}: {message}")));
        }
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream, size: u64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()? {
        let tag = line.split(' ').next().unwrap_or("*");
        if line.contains(" EXAMINE ") {
            stream.write_all(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT 2] is\r\n")?;
        } else if line.contains(" FETCH ") {
            let (from, length, place) = match window(&line) {
                Some((from, length)) => {
                    (from.min(size), length.min(size.saturating_sub(from)), format!("<{from}>"))
                }
                None => (0, size, String::new()),
            };
            stream.write_all(format!("* 1 FETCH (UID 1 BODY[]{place} {{{length}}}\r\n").as_bytes())?;
            send(stream, from, length)?;
            stream.write_all(b")\r\n")?;
        }
        stream.write_all(format!("{tag} OK done\r\n").as_bytes())?;
    }
    Ok(())
}

/// The window that is asked for: its beginning and length.
fn window(line: &str) -> Option<(u64, u64)> {
    let (at, length) = line.rsplit_once('<')?.1.trim_end_matches([')', '>']).split_once('.')?;
    Some((at.parse().ok()?, length.parse().ok()?))
}

/// Sends so many bytes of the body.
fn send(mut stream: &TcpStream, from: u64, length: u64) -> std::io::Result<()> {
    let block = LINE.repeat(LINES);
    let mut at = (from % LINE.len() as u64) as usize;
    let mut left = length;
    while left > 0 {
        let part = &block[at..];
        let part = &part[..part.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        stream.write_all(part)?;
        left -= part.len() as u64;
        at = (at + part.len()) % LINE.len();
    }
    Ok(())
}

/// Reads the body into a file in this process, and prints what it took. `None`: no such way.
pub fn client(way: &str, size: &str, port: &str) -> Option<()> {
    let (size, port) = (size.parse().ok()?, port.parse().ok()?);
    let is_literal = ["windows", "literal"].iter().position(|known| *known == way)? == 1;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (took, slowest, count) = runtime.block_on(read(port, size, is_literal));
    print!(
        "{:.1} GiB by {way}: a peak of {:.1} MB resident, of which {:.1} are the program itself with all crates, in {:.1} s",
        size as f64 / f64::from(1 << 30),
        peak() as f64 / 1000.0,
        of_files() as f64 / 1000.0,
        took.as_secs_f64(),
    );
    if count > 0 {
        print!("; slowest of {count} NOOPs meanwhile: {:.1} ms", slowest.as_secs_f64() * 1000.0);
    }
    println!();
    Some(())
}

async fn read(port: u16, size: u64, is_literal: bool) -> (Duration, Duration, u32) {
    let config = Config::new("127.0.0.1").port(port).plaintext().login("user", "password");
    let (imap, events) = config.view_sync(ViewSync::Off).connect().await.expect("connected");
    drop(events);
    let mailbox = imap.examine("INBOX").await.expect("selected");
    let begin = Instant::now();
    let other = tokio::spawn(async move {
        let (mut slowest, mut count) = (Duration::ZERO, 0);
        if is_literal {
            return (slowest, count);
        }
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let asked = Instant::now();
            if imap.noop().await.is_err() {
                return (slowest, count);
            }
            slowest = slowest.max(asked.elapsed());
            count += 1;
        }
    });
    let path = std::env::temp_dir().join(format!("imap-duplex-huge-{}", std::process::id()));
    let file = tokio::fs::File::create(&path).await.expect("a file");
    let read = if is_literal { by_literal(&mailbox, file).await } else { by_windows(&mailbox, file).await };
    std::fs::remove_file(&path).expect("it was there");
    assert_eq!(read, size);
    let took = begin.elapsed();
    mailbox.sender().logout().await.expect("LOGOUT");
    let (slowest, count) = other.await.expect("it ends");
    (took, slowest, count)
}

async fn by_windows(mailbox: &Mailbox, file: tokio::fs::File) -> u64 {
    copy(mailbox.body(Uid::MIN, Section::Full), file).await
}

async fn by_literal(mailbox: &Mailbox, file: tokio::fs::File) -> u64 {
    let mut parts = mailbox.fetch(Uid::MIN, Items::body()).stream_literals(0);
    match parts.next().await.expect("a part").expect("no error") {
        RowPart::Literal(literal) => copy(literal, file).await,
        other => panic!("{other:?}"),
    }
}

/// Copies and checks it.
async fn copy(mut from: impl AsyncBufRead + Unpin, mut file: tokio::fs::File) -> u64 {
    let mut read = 0_u64;
    loop {
        let bytes = from.fill_buf().await.expect("read");
        if bytes.is_empty() {
            break;
        }
        let at = (read % LINE.len() as u64) as usize;
        let expected = LINE[at..].iter().chain(LINE.iter().cycle());
        assert!(bytes.iter().zip(expected).all(|(a, b)| a == b), "other bytes at {read}");
        file.write_all(bytes).await.expect("written");
        let count = bytes.len();
        from.consume(count);
        read += count as u64;
    }
    file.flush().await.expect("written");
    read
}
