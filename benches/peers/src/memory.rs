//! What an idle connection costs in memory, as the counting allocator sees it; and what a row of
//! flags costs that is kept.
//!
//! In: how many connections. Out: bytes on the heap for each, once it idles, with an empty mailbox
//! selected and with 1,000 messages. The server is a process of its own, so that only the client is
//! counted; buffers of the system are not.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::command::Items;
use imap_duplex::types::Seq;

use crate::{count, recorded};

/// How many messages of flags are kept.
const ROWS: u32 = 100_000;

/// Prints a table.
pub fn measure(connections: usize) -> std::io::Result<()> {
    count::count_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for messages in [0, 1000] {
        let mut server = Server::start(messages)?;
        let bytes = runtime.block_on(idle(server.port, connections));
        println!("idle, {messages} messages: {bytes} bytes a connection, of {connections}");
        server.child.kill()?;
    }
    let mut server = Server::start(ROWS)?;
    let [kept, peak] = runtime.block_on(rows(server.port));
    println!("{ROWS} rows of flags awaited whole: {kept} bytes kept a row, {peak} at the peak");
    server.child.kill()
}

/// Bytes a connection that idles.
async fn idle(port: u16, connections: usize) -> usize {
    let mut open = Vec::with_capacity(connections);
    let mut before = 0;
    // The first ones pay for what all share.
    for n in 0..connections + 2 {
        if n == 2 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            before = count::live();
        }
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
        let config = Config::new("127.0.0.1").plaintext().login("user", "password");
        let (imap, mut events) = config.connect_over(stream).await.expect("connected");
        let inbox = imap.select("INBOX").await.expect("selected");
        inbox.ready().await.expect("known");
        // A program that reads its events, and has read them all.
        while tokio::time::timeout(Duration::ZERO, events.next()).await.is_ok_and(|event| event.is_some()) {}
        open.push((imap, events, inbox));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (_, events, _) in &mut open {
        while tokio::time::timeout(Duration::ZERO, events.next()).await.is_ok_and(|event| event.is_some()) {}
    }
    (count::live() - before) / connections
}

/// Bytes a row that is kept, and how many there were for each at the peak.
async fn rows(port: u16) -> [usize; 2] {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
    let config = Config::new("127.0.0.1").plaintext().login("user", "password").auto_idle(false);
    let config = config.view_sync(imap_duplex::types::ViewSync::Off);
    let (imap, events) = config.connect_over(stream).await.expect("connected");
    drop(events);
    let mailbox = imap.examine("INBOX").await.expect("selected");
    let before = count::live();
    count::begin_peak();
    let rows = mailbox.fetch(Seq::MIN.., Items::new().flags().internal_date().size()).await.expect("rows");
    let (kept, peak) = (count::live() - before, count::peak() - before);
    assert_eq!(rows.len(), ROWS as usize, "all rows");
    [kept / rows.len(), peak / rows.len()]
}

/// The other end, in a process of its own.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(messages: u32) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child =
            command.args(["idle-server", &messages.to_string()]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line)?;
        Ok(Self { child, port: line.trim().parse().expect("a port") })
    }
}

/// Serves any number of clients, each by a thread.
pub fn serve(messages: u32) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    let rows = recorded::flags(messages);
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let (stream, rows) = (stream?, &rows);
            scope.spawn(move || serve_one(stream, messages, rows));
        }
        Ok(())
    })
}

fn serve_one(stream: TcpStream, messages: u32, rows: &[u8]) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let can = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS ESEARCH SEARCHRES CONDSTORE \
               QRESYNC MOVE UNSELECT CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE WITHIN SORT THREAD=REFS";
    out.write_all(format!("* OK [CAPABILITY {can}] ready\r\n").as_bytes())?;
    let mut lines = BufReader::new(stream);
    let (mut line, mut idles) = (String::new(), String::new());
    while lines.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        let (tag, name) = (words.next().unwrap_or("*"), words.next().unwrap_or(""));
        let (tag, name) = if tag == "DONE" { (idles.as_str(), "DONE") } else { (tag, name) };
        let answer = match name {
            "CAPABILITY" => format!("* CAPABILITY {can}\r\n"),
            "SELECT" | "EXAMINE" => {
                let next = messages * 3 + 2000;
                format!(
                    "* {messages} EXISTS\r\n* OK [UIDVALIDITY 1] is\r\n* OK [UIDNEXT {next}] is\r\n\
                     * OK [HIGHESTMODSEQ 5] is\r\n"
                )
            }
            "IDLE" => {
                idles = tag.to_owned();
                out.write_all(b"+ idling\r\n")?;
                line.clear();
                continue;
            }
            "FETCH" => {
                out.write_all(rows)?;
                String::new()
            }
            // UIDs that are not one range, as those of an old mailbox.
            "UID" => {
                let uids: Vec<String> = (1..=messages).map(|n| (n * 3).to_string()).collect();
                let all = if uids.is_empty() { String::new() } else { format!(" ALL {}", uids.join(",")) };
                format!("* ESEARCH (TAG \"{tag}\") UID{all}\r\n")
            }
            _ => String::new(),
        };
        out.write_all(format!("{answer}{tag} OK done\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}
