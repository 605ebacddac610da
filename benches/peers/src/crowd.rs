//! Thousands of idle connections in one process, each with a mailbox selected: what they take in
//! all. On Linux.
//!
//! In: how many connections, how many messages each mailbox has. Out: the process's memory before
//! and after, by the system's count (`RssAnon`, which has the allocator's slack in it) and by the
//! counting allocator's. The server is a process of its own, and its other end costs nothing here;
//! buffers of sockets are the system's.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use imap_duplex::{Config, Mailbox, Receiver, Sender};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::count;
use crate::whole::resident;

/// How many connect at a time: a listener's queue is not longer.
const AT_A_TIME: usize = 64;
/// Files that a process has open besides.
const OTHER_FILES: u64 = 64;

type Connection = (Sender, Receiver, Mailbox);

/// Prints the figures.
pub fn measure(connections: usize, messages: u32, is_json: bool) -> std::io::Result<()> {
    raise_files(connections)?;
    count::count_bytes();
    let mut server = Server::start(messages, connections)?;
    let port = server.port;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    let result = runtime.block_on(async {
        // The first one pays for what all share.
        let first = connect(port).await?;
        let (rss, heap) = (resident(), count::live());
        let mut all = Vec::with_capacity(connections);
        while all.len() < connections {
            let mut joining = JoinSet::new();
            for _ in 0..AT_A_TIME.min(connections - all.len()) {
                joining.spawn(connect(port));
            }
            while let Some(connected) = joining.join_next().await {
                all.push(connected.map_err(std::io::Error::other)??);
            }
        }
        let took = begin.elapsed();
        // Each begins to idle.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (_, events, _) in &mut all {
            read_all(events).await;
        }
        let figures = (took, resident().saturating_sub(rss), count::live().saturating_sub(heap));
        drop(first);
        Ok::<_, std::io::Error>(figures)
    });
    server.child.kill()?;
    let (took, rss_kb, heap) = result?;
    let each = (rss_kb as f64 / connections as f64, heap as f64 / connections as f64 / 1000.0);
    if is_json {
        println!(
            "{{\"work\":\"crowd\",\"crate\":\"imap-duplex\",\"connections\":{connections},\"messages\":{messages},\
             \"rss_kb\":{rss_kb},\"heap_bytes\":{heap},\"connect_ms\":{}}}",
            took.as_millis()
        );
    } else {
        println!(
            "{connections} idle connections, {messages} messages each: {:.1} MB resident ({:.2} kB each), {:.1} MB \
             on the heap ({:.2} kB each); connected in {took:.1?}",
            rss_kb as f64 / 1000.0,
            each.0,
            heap as f64 / 1e6,
            each.1,
        );
    }
    Ok(())
}

async fn connect(port: u16) -> std::io::Result<Connection> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let config = Config::new("127.0.0.1").plaintext().login("user", "password");
    let (imap, mut events) = config.connect_over(stream).await.map_err(std::io::Error::other)?;
    let mailbox = imap.select("INBOX").await.map_err(std::io::Error::other)?;
    mailbox.ready().await.map_err(std::io::Error::other)?;
    read_all(&mut events).await;
    Ok((imap, events, mailbox))
}

/// A program that reads its events, and has read them all.
async fn read_all(events: &mut Receiver) {
    while tokio::time::timeout(Duration::ZERO, events.next()).await.is_ok_and(|event| event.is_some()) {}
}

/// Lets this process have so many sockets open.
fn raise_files(connections: usize) -> std::io::Result<()> {
    let (wanted, now) = (connections as u64 + OTHER_FILES, getrlimit(Resource::Nofile));
    if now.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum })?;
    }
    Ok(())
}

/// The other end, in a process of its own.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(messages: u32, connections: usize) -> std::io::Result<Self> {
        let arguments = ["crowd-server".to_owned(), messages.to_string(), connections.to_string()];
        let mut child =
            Command::new(std::env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| std::io::Error::other("the server does not listen"))?;
        Ok(Self { child, port })
    }
}

/// Serves so many clients, each by a task.
pub fn serve(messages: u32, connections: usize) -> std::io::Result<()> {
    raise_files(connections + 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve_one(stream, messages));
        }
    })
}

async fn serve_one(mut stream: TcpStream, messages: u32) -> std::io::Result<()> {
    let (read, mut out) = stream.split();
    let can = "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS ESEARCH CONDSTORE MOVE UNSELECT";
    out.write_all(format!("* OK [CAPABILITY {can}] ready\r\n").as_bytes()).await?;
    let mut lines = tokio::io::BufReader::with_capacity(512, read).lines();
    let mut idles = String::new();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split_whitespace();
        let (tag, name) = (words.next().unwrap_or("*"), words.next().unwrap_or(""));
        let answer = match name {
            "" if tag == "DONE" => {
                out.write_all(format!("{idles} OK done\r\n").as_bytes()).await?;
                continue;
            }
            "IDLE" => {
                idles = tag.to_owned();
                out.write_all(b"+ idling\r\n").await?;
                continue;
            }
            "CAPABILITY" => format!("* CAPABILITY {can}\r\n"),
            "SELECT" => format!(
                "* {messages} EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT {}] is\r\n* OK \
                 [HIGHESTMODSEQ 5] is\r\n",
                messages * 3 + 1
            ),
            // UIDs that are not one range, as those of an old mailbox.
            "UID" => {
                let uids: Vec<String> = (1..=messages).map(|n| (n * 3).to_string()).collect();
                let all = if uids.is_empty() { String::new() } else { format!(" ALL {}", uids.join(",")) };
                format!("* ESEARCH (TAG \"{tag}\") UID{all}\r\n")
            }
            _ => String::new(),
        };
        out.write_all(format!("{answer}{tag} OK done\r\n").as_bytes()).await?;
    }
    Ok(())
}
