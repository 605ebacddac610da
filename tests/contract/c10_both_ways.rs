//! Promise 10, and ARCHITECTURE.md, section 4: both directions always move, so that neither side
//! can lock the other up by not reading.

use imap_duplex::command::{Append, Items};
use imap_duplex::types::ViewSync;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

/// Bytes sent in each direction.
const BYTES: usize = 10 << 20;
/// Bytes in each direction where each is a turn of both tasks: fewer, because of the time it
/// takes.
const BY_BYTES: usize = 1 << 16;

/// Rows are received while a message is uploaded, through a pipe that takes so few bytes at a time.
/// A streamed one waits for its `+`.
async fn both_ways(pipe: usize, bytes: usize, message: Append, streamed: bool) {
    let (ours, theirs) = duplex(pipe);
    let (mut read, mut write) = split(theirs);
    let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready\r\n");
    let config = quiet().view_sync(ViewSync::Off);
    let (connected, _) = tokio::join!(config.connect_over(ours), write.write_all(greeting.as_bytes()));
    let (imap, _events) = connected.expect("a greeting by PREAUTH is a login");
    let inbox = imap.select("INBOX");
    read.read_exact(&mut [0; "A1 SELECT INBOX\r\n".len()]).await.expect("a line");
    write.write_all(b"* 0 EXISTS\r\nA1 OK [READ-WRITE] selected\r\n").await.expect("taken");
    let inbox = inbox.await.expect("selected");

    let fetched = inbox.fetch(uid(1), Items::body());
    let appended = imap.append("INBOX", message);
    let fetch = "A2 UID FETCH 1 (BODY.PEEK[])\r\n";
    read.read_exact(&mut vec![0; fetch.len()]).await.expect("a line");
    let append = format!("A3 APPEND INBOX {{{bytes}{}}}\r\n", if streamed { "" } else { "+" });
    let mut line = vec![0; append.len()];
    read.read_exact(&mut line).await.expect("a line");
    assert_eq!(line, append.as_bytes());
    if streamed {
        write.write_all(b"+ go on\r\n").await.expect("taken");
    }
    let down = async {
        let start = format!("* 1 EXISTS\r\n* 1 FETCH (UID 1 BODY[] {{{bytes}}}\r\n");
        write.write_all(start.as_bytes()).await.expect("taken");
        write.write_all(&vec![b'y'; bytes]).await.expect("taken");
        write.write_all(b")\r\nA2 OK fetched\r\n").await.expect("taken");
    };
    let up = async {
        let mut all = vec![0; bytes + 2];
        read.read_exact(&mut all).await.expect("all of it");
        assert!(all.starts_with(b"x") && all.ends_with(b"x\r\n"));
    };
    tokio::join!(up, down);
    write.write_all(b"A3 OK appended\r\n").await.expect("taken");
    let rows = fetched.await.expect("fetched");
    assert_eq!(rows[0].body().map(|body| body.len()), Some(bytes));
    appended.await.expect("appended");
}

#[tokio::test(start_paused = true)]
async fn both_ways_at_once_through_a_pipe_of_one_byte() {
    within(LIMIT, both_ways(1, BY_BYTES, Append::new(vec![b'x'; BY_BYTES]), false)).await;
}

#[tokio::test(start_paused = true)]
async fn ten_megabytes_each_way_at_once_through_a_narrow_pipe() {
    within(LIMIT, both_ways(4096, BYTES, Append::new(vec![b'x'; BYTES]), false)).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_read_while_it_is_sent_locks_nothing_up_either() {
    let read = |bytes: usize| {
        let bytes = bytes as u64;
        Append::reader(bytes, tokio::io::repeat(b'x').take(bytes))
    };
    within(LIMIT, both_ways(1, BY_BYTES / 4, read(BY_BYTES / 4), true)).await;
    within(LIMIT, both_ways(4096, BYTES, read(BYTES), true)).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_writes_all_before_it_reads_meets_a_client_that_uploads() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[1]).await;
        // The rows are unread meanwhile, and far more arrives than a backlog.
        let mut rows = inbox.fetch(uid(1).., Items::body()).stream();
        let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
        let appended = imap_duplex::Sender::append(&s.imap, "INBOX", Append::new(vec![b'x'; BYTES]));
        let row = format!("* 1 FETCH (UID 1 BODY[] {{{0}}}\r\n{1})\r\n", 1 << 20, "y".repeat(1 << 20));
        for _ in 0..10 {
            s.server.send(row.as_bytes()).await;
        }
        s.server.say(&format!("{tag} OK fetched")).await;
        let tag = s.server.expect(&format!("APPEND INBOX {{{BYTES}+}}")).await;
        s.server.expect_bytes(&vec![b'x'; BYTES]).await;
        s.server.expect_bytes(b"\r\n").await;
        s.server.say(&format!("{tag} OK appended")).await;
        appended.await.expect("appended");
        let mut count = 0;
        while let Some(row) = rows.next().await {
            count += 1;
            row.expect("no error");
        }
        assert_eq!(count, 10);
    })
    .await;
}
