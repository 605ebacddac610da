//! The replay server: answers each command with bytes made in advance.
//!
//! In: a work and its answer. Out: a port; for W6 the sum of the times at which changes were sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::link::{Identity, Stream};
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
    pub fn start(
        work: Work,
        answer: Arc<Vec<u8>>,
        identity: Option<&'static Identity>,
    ) -> std::io::Result<Self> {
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
                    let _ = Connection::new(stream, work, identity)
                        .and_then(|connection| serve(connection, work, &answer, &sums));
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

/// One connection.
struct Connection {
    lines: BufReader<Box<dyn Stream>>,
    /// Writes with the delay of a long line.
    late: Option<mpsc::Sender<(Instant, Vec<u8>)>>,
}

impl Connection {
    fn new(socket: TcpStream, work: Work, identity: Option<&Identity>) -> std::io::Result<Self> {
        socket.set_nodelay(true)?;
        let late = (work.name == DELAYED).then(|| socket.try_clone().map(late)).transpose()?;
        let stream = identity
            .map_or_else(|| Ok(Box::new(socket.try_clone()?) as _), |it| it.over(socket.try_clone()?))?;
        Ok(Self { lines: BufReader::new(stream), late })
    }

    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &self.late {
            Some(late) => {
                late.send((Instant::now() + ROUND_TRIP, bytes.to_vec())).map_err(std::io::Error::other)
            }
            None => self.lines.get_mut().write_all(bytes),
        }
    }
}

fn serve(mut client: Connection, work: Work, answer: &[u8], sent: &AtomicU64) -> std::io::Result<()> {
    let uids = uids(answer);
    client.send(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")?;
    let mut line = String::new();
    while client.lines.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        let (tag, name) = (words.next().unwrap_or("*").to_owned(), words.next().unwrap_or(""));
        let name = if name == "UID" { words.next().unwrap_or("") } else { name };
        match name {
            "CAPABILITY" => client.send(b"* CAPABILITY IMAP4rev1 IDLE\r\n")?,
            "SELECT" | "EXAMINE" => {
                let exists = work.exists;
                let rows =
                    format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT 900000] is\r\n");
                client.send(rows.as_bytes())?;
            }
            "LOGOUT" => client.send(b"* BYE see you\r\n")?,
            "SEARCH" if work.name != "W8" => {
                client.send(search(&uids, words.last().unwrap_or_default()).as_bytes())?;
            }
            "FETCH" if work.name == "W4" => {
                let (head, body) = piece(&line, answer);
                client.send(head.as_bytes())?;
                client.send(body)?;
                client.send(b")\r\n")?;
            }
            "FETCH" | "SEARCH" => client.send(answer)?,
            "IDLE" => {
                client.send(b"+ idling\r\n")?;
                if work.name == "W6" {
                    changes(&mut client, work, sent)?;
                }
                line.clear();
                client.lines.read_line(&mut line)?;
            }
            _ => {}
        }
        client.send(format!("{tag} OK done\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}

/// Takes what is to be written, each with the time when it is due.
fn late(mut out: TcpStream) -> mpsc::Sender<(Instant, Vec<u8>)> {
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
    due
}

/// Reports changes, each by itself.
fn changes(client: &mut Connection, work: Work, sent: &AtomicU64) -> std::io::Result<()> {
    for change in 1..=work.count {
        thread::sleep(APART);
        let exists = work.exists as usize + change;
        sent.fetch_add(clock(), Ordering::SeqCst);
        client.send(format!("* {exists} EXISTS\r\n").as_bytes())?;
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
