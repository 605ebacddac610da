//! Promise 8: what may be pipelined is. What that is worth over a link that takes its time, and
//! what it costs when there is much of it.

use std::time::Duration;

use imap_duplex::command::{Items, StatusItems};
use imap_duplex::types::ViewSync;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client::uid;
use crate::session::{LIMIT, quiet};
use crate::support::within;

const CAN: &str = "IMAP4rev1 ESEARCH UIDPLUS";

/// Both ends of a link on which everything takes half of a round trip.
fn link(round_trip: Duration) -> (DuplexStream, DuplexStream) {
    let ((ours, left), (theirs, right)) = (duplex(1 << 20), duplex(1 << 20));
    let (left, right) = (tokio::io::split(left), tokio::io::split(right));
    for (mut from, mut to) in [(left.0, right.1), (right.0, left.1)] {
        let (sender, mut arriving) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut block = vec![0; 64 << 10];
            while let Ok(count @ 1..) = from.read(&mut block).await {
                let _ = sender.send((Instant::now() + round_trip / 2, block[..count].to_vec()));
            }
        });
        tokio::spawn(async move {
            while let Some((when, bytes)) = arriving.recv().await {
                tokio::time::sleep_until(when).await;
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        });
    }
    (ours, theirs)
}

/// A server of one large mailbox, which answers each command at once.
async fn serve(stream: DuplexStream, messages: u32) {
    let mut stream = BufReader::new(stream);
    let greeting = format!("* PREAUTH [CAPABILITY {CAN}] ready\r\n");
    stream.write_all(greeting.as_bytes()).await.expect("the client is there");
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|count| count > 0) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let untagged = match words[1..] {
            ["SELECT", ..] => format!("* {messages} EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"),
            ["UID", "SEARCH", ..] => format!("* ESEARCH (TAG \"{}\") UID ALL 1:{messages}\r\n", words[0]),
            ["UID", "FETCH", n, ..] => format!("* {n} FETCH (UID {n} FLAGS () RFC822.SIZE {n})\r\n"),
            ["STATUS", name, ..] => format!("* STATUS {name} (MESSAGES {})\r\n", &name[1..]),
            _ => String::new(),
        };
        let answer = format!("{untagged}{} OK done\r\n", words[0]);
        stream.write_all(answer.as_bytes()).await.expect("the client is there");
        line.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn two_thousand_fetches_of_one_message_each_over_a_link_of_20_ms() {
    const MESSAGES: u32 = 2000;
    within(LIMIT, async {
        let (ours, theirs) = link(Duration::from_millis(20));
        tokio::spawn(serve(theirs, MESSAGES));
        let (imap, _events) = quiet().connect_over(ours).await.expect("greeted");
        let inbox = imap.select("INBOX").await.expect("selected");
        let started = Instant::now();
        let items = Items::new().size().flags();
        let tokens: Vec<_> = (1..=MESSAGES).map(|n| inbox.fetch(uid(n), items.clone())).collect();
        for (n, token) in (1..).zip(tokens) {
            let rows = token.await.expect("fetched");
            assert_eq!((rows.len(), rows[0].size()), (1, Some(n)));
        }
        let took = started.elapsed();
        // Who waits for each answer takes 2,000 round trips: 40 s.
        assert!(took < Duration::from_millis(200), "{took:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_commands_in_flight() {
    const COMMANDS: u32 = 10_000;
    within(LIMIT, async {
        let (ours, theirs) = duplex(1 << 20);
        let (gate, closed) = tokio::sync::oneshot::channel::<()>();
        // The server takes all before it answers any.
        tokio::spawn(async move {
            let (inner, outer) = duplex(8 << 20);
            tokio::spawn(serve(inner, COMMANDS));
            let ((mut read, mut write), (mut down, mut up)) =
                (tokio::io::split(theirs), tokio::io::split(outer));
            tokio::spawn(async move {
                let mut greeting =
                    vec![0; "* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH UIDPLUS] ready\r\n".len()];
                down.read_exact(&mut greeting).await.expect("a greeting");
                write.write_all(&greeting).await.expect("the client is there");
                closed.await.expect("it is opened");
                let _ = tokio::io::copy(&mut down, &mut write).await;
            });
            let _ = tokio::io::copy(&mut read, &mut up).await;
        });
        let config = quiet().view_sync(ViewSync::Off);
        let (imap, mut events) = config.connect_over(ours).await.expect("greeted");
        let select = imap.select("INBOX");
        let inbox = select.mailbox();
        let items = Items::new().size().flags();
        let fetches: Vec<_> = (1..COMMANDS / 2).map(|n| (n, inbox.fetch(uid(n), items.clone()))).collect();
        let count = StatusItems::new().messages();
        let counts: Vec<_> =
            (0..COMMANDS / 2).map(|n| (n, imap.status(format!("m{n}"), count.clone()))).collect();
        assert_eq!(imap.in_flight(), 10_000);
        let refused = imap.noop().await.expect_err("there is no room for more");
        assert_eq!(refused.kind(), imap_duplex::ErrorKind::QueueFull);
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.send(()).expect("the server waits");
        for (n, token) in fetches {
            let rows = token.await.expect("fetched");
            assert_eq!((rows.len(), rows[0].size()), (1, Some(n.into())));
        }
        for (n, token) in counts {
            assert_eq!(token.await.expect("counted").messages, Some(n));
        }
        select.await.expect("selected");
        assert_eq!(imap.in_flight(), 0);
        drop((imap, inbox));
        while let Some(event) = events.next().await {
            if let imap_duplex::types::EventKind::Completed { command, .. } = &event.kind
                && command == "STATUS"
            {
                break;
            }
        }
    })
    .await;
}
