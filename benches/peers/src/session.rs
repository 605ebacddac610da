//! Whole clients at work over a real socket, each in a process of its own: what one costs from
//! SELECT to the last row.
//!
//! In: a workload and a client. Out: processor time and the peak memory of its process (as Linux
//! reports it in `/proc`). The server is a thread that writes bytes made in advance; `floor` only
//! counts them until the tagged line.
//!
//! To profile one client, let `serve WORK` print a port and run `client CLIENT WORK PORT` under the
//! tool.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Instant;

use futures_util::TryStreamExt;
use imap_duplex::Config;
use imap_duplex::command::{Items, Search};
use imap_duplex::types::{Seq, ViewSync};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::recorded;

/// How many rounds each client has at each work.
const ROUNDS: usize = 5;

/// The compared clients, ours first. Behind the crate's name stands what is unlike the plain case:
/// `view` with the view on, `multi` on a multi-thread runtime, read there by the main future or by
/// a `task`.
const CLIENTS: [&str; 8] = [
    "imap-duplex",
    "imap-duplex-view",
    "imap-duplex-view-multi",
    "imap-duplex-view-multi-task",
    "async-imap",
    "async-imap-multi",
    "async-imap-multi-task",
    "floor",
];

/// What is asked.
#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    /// How many messages there are.
    exists: u32,
    /// How many commands are sent.
    commands: usize,
}

const WORKS: [Work; 6] = [
    Work { name: "flags", exists: 100_000, commands: 1 },
    Work { name: "envelopes", exists: 20_000, commands: 1 },
    Work { name: "bodies", exists: 20_000, commands: 1 },
    Work { name: "search", exists: 100_000, commands: 1 },
    Work { name: "small", exists: 1, commands: 2000 },
    Work { name: "pipelined", exists: 1, commands: 2000 },
];

/// What answers each command, before the tagged line.
fn answer(Work { name, exists, .. }: Work) -> Vec<u8> {
    match name {
        "flags" => recorded::flags(exists),
        "envelopes" => recorded::envelopes(exists),
        "bodies" => recorded::bodies(exists),
        "search" => {
            let uids: Vec<String> = (1..=exists).map(|uid| (uid * 3).to_string()).collect();
            format!("* SEARCH {}\r\n", uids.join(" ")).into_bytes()
        }
        _ => Vec::new(),
    }
}

/// Prints a table of all works and clients.
pub fn compare() -> std::io::Result<()> {
    println!(
        "{:<10} {:<28} {:>8} {:>8} {:>8} {:>6}",
        "work", "client", "CPU ms", "wall ms", "peak MB", "ratio"
    );
    for work in WORKS {
        let answer = answer(work);
        let mut best = [[u64::MAX; 3]; CLIENTS.len()];
        for round in 0..ROUNDS {
            for turn in 0..CLIENTS.len() {
                let which = (round + turn) % CLIENTS.len();
                let figures = run(work, &answer, CLIENTS[which])?;
                best[which].iter_mut().zip(figures).for_each(|(best, figure)| *best = figure.min(*best));
            }
        }
        for (client, [cpu, wall, peak]) in CLIENTS.iter().zip(best) {
            let ratio = cpu as f64 / best[0][0].max(1) as f64;
            let (cpu, wall, peak) = (cpu as f64 / 1e6, wall as f64 / 1e6, peak as f64 / 1e3);
            println!("{:<10} {client:<28} {cpu:>8.1} {wall:>8.1} {peak:>8.1} {ratio:>6.2}", work.name);
        }
    }
    Ok(())
}

/// One client in a process of its own: its time on processors and by the clock, both in ns, and its
/// peak of memory in kB.
fn run(work: Work, answer: &[u8], client: &str) -> std::io::Result<[u64; 3]> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let output = thread::scope(|scope| {
        let server = scope.spawn(move || serve(listener.accept()?.0, work, answer));
        let arguments = ["client", client, work.name, &port.to_string()];
        let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
        // A client that has ended may have left something unread.
        match server.join().expect("the server ends") {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
            _ => Ok(output),
        }
    })?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<u64> = printed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match (output.status.success(), &figures[..]) {
        (true, &[cpu, wall, peak]) => Ok([cpu, wall, peak]),
        _ => panic!("{client} at {}: {printed}{}", work.name, String::from_utf8_lossy(&output.stderr)),
    }
}

/// Serves one client, for this work, and prints the port first.
pub fn serve_alone(work: &str) -> Option<()> {
    let work = *WORKS.iter().find(|known| known.name == work)?;
    let answer = answer(work);
    let listener = TcpListener::bind(("127.0.0.1", 0)).ok()?;
    println!("{}", listener.local_addr().ok()?.port());
    serve(listener.accept().ok()?.0, work, &answer).ok()
}

/// Answers each line, and the measured command with these bytes.
fn serve(stream: TcpStream, work: Work, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    out.write_all(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    let uids = uids(answer);
    while lines.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        let (tag, name) = (words.next().unwrap_or("*"), words.next().unwrap_or(""));
        let name = if name == "UID" { words.next().unwrap_or("") } else { name };
        match name {
            "CAPABILITY" => out.write_all(b"* CAPABILITY IMAP4rev1\r\n")?,
            "SELECT" | "EXAMINE" => {
                let exists = work.exists;
                let rows =
                    format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT 900000] is\r\n");
                out.write_all(rows.as_bytes())?;
            }
            "LOGOUT" => out.write_all(b"* BYE see you\r\n")?,
            "SEARCH" if work.name != "search" => {
                out.write_all(search(&uids, words.last().unwrap_or_default()).as_bytes())?;
            }
            "FETCH" | "SEARCH" => out.write_all(answer)?,
            _ => {}
        }
        out.write_all(format!("{tag} OK done\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}

/// The UIDs of these rows, which a client with a view asks for.
fn uids(rows: &[u8]) -> Vec<String> {
    let rows = rows.split(|b| *b == b'\n').filter(|line| line.starts_with(b"* "));
    let uid = |row: &[u8]| {
        let behind = memchr::memmem::find(row, b"(UID ")? + 5;
        let digits = row[behind..].iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b));
        Some(digits.collect())
    };
    rows.filter_map(uid).collect()
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

/// Does the work as this client, in this process, and prints what it took.
pub fn client(client: &str, work: &str, port: &str) -> Option<()> {
    let work = *WORKS.iter().find(|known| known.name == work)?;
    let (work, commands, exists) = (work.name, work.commands, work.exists as usize);
    let port = port.parse().ok()?;
    let is = |word: &str| client.split('-').any(|part| part == word);
    let mut runtime = match is("multi") {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().ok()?;
    let (is_view_on, is_task, client) = (is("view"), is("task"), client.to_owned());
    let whole = async move {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
        stream.set_nodelay(true).expect("a socket");
        let ((cpu, wall), read) = match client.split("-view").next().unwrap_or_default() {
            "imap-duplex" => ours(stream, work, commands, is_view_on).await,
            name if name.starts_with("async-imap") => async_imap(stream, work, commands).await,
            "floor" => floor(stream, work, commands).await,
            _ => panic!("no client {client}"),
        };
        let figures = (on_processor() - cpu, wall.elapsed().as_nanos());
        let wanted = if matches!(work, "small" | "pipelined") { commands } else { exists };
        assert!(read == wanted || client == "floor", "{client} read {read} of {wanted}");
        figures
    };
    let (cpu, wall) = runtime
        .block_on(async { if is_task { tokio::spawn(whole).await.expect("it ends") } else { whole.await } });
    println!("{cpu} {wall} {}", peak());
    Some(())
}

/// The time on processors and by the clock, from which on a work is measured.
fn begun() -> (u64, Instant) {
    (on_processor(), Instant::now())
}

/// How long this process has run on processors, in ns.
fn on_processor() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("it runs forwards")
}

/// The most that this process held, in kB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}

const FLAGS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE)";
const ENVELOPES: &str = "(UID FLAGS ENVELOPE BODYSTRUCTURE)";
const BODIES: &str = "(UID BODY.PEEK[])";

async fn ours(
    stream: tokio::net::TcpStream,
    work: &str,
    commands: usize,
    is_view_on: bool,
) -> ((u64, Instant), usize) {
    let config = Config::new("127.0.0.1").plaintext().login("user", "password").auto_idle(false);
    // With the view off only what is asked is fetched, as others do it.
    let config = if is_view_on { config } else { config.view_sync(ViewSync::Off) };
    let (imap, events) = config.connect_over(stream).await.expect("connected");
    drop(events);
    let begin = begun();
    let mailbox = imap.examine("INBOX").await.expect("selected");
    let items = match work {
        "flags" => Items::new().flags().internal_date().size(),
        "envelopes" => Items::envelope().flags().body_structure(),
        "bodies" => Items::body(),
        "search" => return (begin, mailbox.search(Search::all()).await.expect("found").len() as usize),
        "small" => {
            for _ in 0..commands {
                imap.noop().await.expect("done");
            }
            return (begin, commands);
        }
        _ => {
            let tokens: Vec<_> = (0..commands).map(|_| imap.noop()).collect();
            for token in tokens {
                token.await.expect("done");
            }
            return (begin, commands);
        }
    };
    let mut rows = mailbox.fetch(Seq::MIN.., items).stream();
    let mut read = 0;
    while let Some(row) = rows.next().await {
        drop(row.expect("a row"));
        read += 1;
    }
    (begin, read)
}

async fn async_imap(stream: tokio::net::TcpStream, work: &str, commands: usize) -> ((u64, Instant), usize) {
    let mut client = async_imap::Client::new(stream);
    client.read_response().await.expect("read").expect("a greeting");
    let Ok(mut session) = client.login("user", "password").await else { panic!("logged in") };
    let begin = begun();
    session.examine("INBOX").await.expect("selected");
    let items = match work {
        "flags" => FLAGS,
        "envelopes" => ENVELOPES,
        "bodies" => BODIES,
        "search" => return (begin, session.uid_search("ALL").await.expect("found").len()),
        // It has one command in flight at a time.
        _ => {
            for _ in 0..commands {
                session.noop().await.expect("done");
            }
            return (begin, commands);
        }
    };
    let rows = session.fetch("1:*", items).await.expect("sent");
    let read = rows.try_fold(0, async |read, _| Ok(read + 1)).await.expect("rows");
    (begin, read)
}

async fn floor(mut stream: tokio::net::TcpStream, work: &str, commands: usize) -> ((u64, Instant), usize) {
    let mut room = vec![0; 64 << 10];
    // Until this line has arrived, of which only the end is compared.
    async fn until(stream: &mut tokio::net::TcpStream, room: &mut [u8], end: &[u8]) -> usize {
        let (mut read, mut last) = (0, Vec::new());
        loop {
            let count = stream.read(room).await.expect("read");
            assert_ne!(count, 0, "more was to come");
            read += count;
            let from = count.saturating_sub(end.len());
            last.extend_from_slice(&room[from..count]);
            last.drain(..last.len().saturating_sub(end.len()));
            if last == end {
                return read;
            }
        }
    }
    until(&mut stream, &mut room, b"ready\r\n").await;
    let begin = begun();
    stream.write_all(b"A EXAMINE INBOX\r\n").await.expect("sent");
    until(&mut stream, &mut room, b"A OK done\r\n").await;
    let line = match work {
        "flags" => format!("B FETCH 1:* {FLAGS}\r\n"),
        "envelopes" => format!("B FETCH 1:* {ENVELOPES}\r\n"),
        "bodies" => format!("B FETCH 1:* {BODIES}\r\n"),
        "search" => "B UID SEARCH ALL\r\n".into(),
        _ => "B NOOP\r\n".into(),
    };
    if work == "pipelined" {
        stream.write_all(line.repeat(commands - 1).as_bytes()).await.expect("sent");
        stream.write_all(b"C NOOP\r\n").await.expect("sent");
        return (begin, until(&mut stream, &mut room, b"C OK done\r\n").await);
    }
    let mut read = 0;
    for _ in 0..commands {
        stream.write_all(line.as_bytes()).await.expect("sent");
        read += until(&mut stream, &mut room, b"B OK done\r\n").await;
    }
    (begin, read)
}
