//! The replay server: answers each command with bytes made in advance.
//!
//! In: a work and its answer. Out: a port; for W6 the sum of the times at which changes were sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::measure::clock;
use super::work::Work;

/// The delay of W5p, there and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
/// How far the changes of W6 lie apart.
const APART: Duration = Duration::from_millis(3);
/// By which a connection in W5p comes with its delay.
const DELAYED: &str = "W5p";

/// A server for one client process, which may connect more than once.
pub struct Server {
    pub port: u16,
    sent: Arc<AtomicU64>,
}

impl Server {
    /// Listens; threads serve until the process ends or the client has gone.
    pub fn start(work: Work, answer: Arc<Vec<u8>>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let sent = Arc::new(AtomicU64::new(0));
        let sums = sent.clone();
        let connections = if work.name == "W7" { work.count } else { 1 };
        thread::spawn(move || {
            for stream in listener.incoming().take(connections).flatten() {
                let (answer, sums) = (answer.clone(), sums.clone());
                thread::spawn(move || {
                    // A client that has ended may have left something unread.
                    let _ = serve(&stream, work, &answer, &sums);
                });
            }
        });
        Ok(Self { port, sent })
    }

    /// The sum of the times at which the changes were sent, in ns.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

fn serve(stream: &TcpStream, work: Work, answer: &[u8], sent: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = writer(stream, work)?;
    let uids = uids(answer);
    out(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n".to_vec())?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        let (tag, name) = (words.next().unwrap_or("*").to_owned(), words.next().unwrap_or(""));
        let name = if name == "UID" { words.next().unwrap_or("") } else { name };
        match name {
            "CAPABILITY" => out(b"* CAPABILITY IMAP4rev1 IDLE\r\n".to_vec())?,
            "SELECT" | "EXAMINE" => {
                let exists = work.exists;
                let rows =
                    format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT 900000] is\r\n");
                out(rows.into_bytes())?;
            }
            "LOGOUT" => out(b"* BYE see you\r\n".to_vec())?,
            "SEARCH" if work.name != "W8" => {
                out(search(&uids, words.last().unwrap_or_default()).into_bytes())?;
            }
            "FETCH" if work.name == "W4" => {
                let (head, body) = piece(&line, answer);
                out(head.into_bytes())?;
                let mut stream = stream;
                stream.write_all(body)?;
                out(b")\r\n".to_vec())?;
            }
            "FETCH" | "SEARCH" => {
                let mut stream = stream;
                stream.write_all(answer)?;
            }
            "IDLE" => {
                out(b"+ idling\r\n".to_vec())?;
                if work.name == "W6" {
                    changes(stream, work, sent)?;
                }
                line.clear();
                lines.read_line(&mut line)?;
            }
            _ => {}
        }
        out(format!("{tag} OK done\r\n").into_bytes())?;
        line.clear();
    }
    Ok(())
}

/// Writes at once, or with the delay of a long line.
fn writer(
    stream: &TcpStream,
    work: Work,
) -> std::io::Result<Box<dyn FnMut(Vec<u8>) -> std::io::Result<()> + Send>> {
    let mut out = stream.try_clone()?;
    if work.name != DELAYED {
        return Ok(Box::new(move |bytes| out.write_all(&bytes)));
    }
    let (due, queue) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        while let Ok((at, mut bytes)) = queue.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            // What is due by now goes out together.
            let now = Instant::now();
            let mut last = None;
            while let Ok((at, more)) = queue.try_recv() {
                if at > now {
                    last = Some((at, more));
                    break;
                }
                bytes.extend_from_slice(&more);
            }
            if out.write_all(&bytes).is_err() {
                return;
            }
            if let Some((at, bytes)) = last {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                if out.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
    });
    Ok(Box::new(move |bytes| due.send((Instant::now() + ROUND_TRIP, bytes)).map_err(std::io::Error::other)))
}

/// Reports changes, each by itself.
fn changes(mut stream: &TcpStream, work: Work, sent: &AtomicU64) -> std::io::Result<()> {
    for change in 1..=work.count {
        thread::sleep(APART);
        let exists = work.exists as usize + change;
        sent.fetch_add(clock(), Ordering::SeqCst);
        stream.write_all(format!("* {exists} EXISTS\r\n").as_bytes())?;
    }
    Ok(())
}

/// The row's beginning and the bytes of the body, or of its window.
fn piece<'a>(line: &str, body: &'a [u8]) -> (String, &'a [u8]) {
    let window = line.rsplit_once('<').and_then(|(_, rest)| {
        let (at, length) = rest.trim_end().trim_end_matches([')', '>']).split_once('.')?;
        Some((at.parse::<usize>().ok()?, length.parse::<usize>().ok()?))
    });
    match window {
        Some((at, length)) => {
            let from = at.min(body.len());
            let bytes = &body[from..(from + length).min(body.len())];
            (format!("* 1 FETCH (UID 1 BODY[]<{at}> {{{}}}\r\n", bytes.len()), bytes)
        }
        None => (format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n", body.len()), body),
    }
}

/// The UIDs of these rows, which a client with a view asks for.
fn uids(rows: &[u8]) -> Vec<String> {
    let rows = rows.split(|b| *b == b'\n').filter(|line| line.starts_with(b"* "));
    let uid = |row: &[u8]| {
        let behind = row.windows(5).position(|window| window == b"(UID ")? + 5;
        let digits = row[behind..].iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b));
        Some(digits.collect())
    };
    let uids: Vec<String> = rows.filter_map(uid).collect();
    if uids.is_empty() { vec!["1".into()] } else { uids }
}

/// The answer to a search for the messages with these numbers, or for `ALL`.
fn search(uids: &[String], which: &str) -> String {
    let ends: Vec<usize> = which.split(':').filter_map(|end| end.parse().ok()).collect();
    let found = match ends[..] {
        [first, last] => uids.get(first - 1..last.min(uids.len())).unwrap_or_default(),
        [one] => uids.get(one - 1..one).unwrap_or_default(),
        _ => uids,
    };
    format!("* SEARCH {}\r\n", found.join(" "))
}
