//! imap-duplex at work, as its variants have it: the view on or off; on a current-thread runtime,
//! or on a multi-thread one with the work in the main future or in a task.

use imap_duplex::command::{Items, Search};
use imap_duplex::types::{EventKind, Section, Seq, Uid, ViewSync};
use imap_duplex::{Config, Mailbox, Receiver, RowPart, Sender};
use tokio::io::AsyncBufReadExt;

use super::link::Address;
use super::measure::{Begin, Figures, clock, resident};
use super::work::{BODY, Work};

/// Does the work, in a runtime.
pub async fn run(work: Work, server: &Address, is_view_on: bool, in_parts: bool) -> Figures {
    let config = Config::new("127.0.0.1").port(server.port).login("user", "password");
    let config = match &server.tls {
        None => config.plaintext(),
        Some(tls) => config.rustls(tls.clone()),
    };
    let config = config.auto_idle(matches!(work.name, "W6" | "W7"));
    // With the view off only what is asked is fetched, as others do it.
    let config = if is_view_on { config } else { config.view_sync(ViewSync::Off) };
    if work.name == "W7" {
        return idle(&config, work.count).await;
    }
    let (imap, events) = config.connect().await.expect("connected");
    let begin = Begin::now();
    let mailbox = imap.examine("INBOX").await.expect("selected");
    if work.name == "W6" {
        return changes(begin, work, events).await;
    }
    drop(events);
    let read = match in_parts {
        true => literals(&mailbox).await,
        false => at_work(work, &imap, &mailbox).await,
    };
    let wanted = if matches!(work.name, "W5" | "W5p") { work.count } else { work.exists as usize };
    assert_eq!(read, wanted, "all of {}", work.name);
    begin.end()
}

async fn at_work(work: Work, imap: &Sender, mailbox: &Mailbox) -> usize {
    let items = match work.name {
        "W1" => Items::flags().internal_date().size(),
        "W2" => Items::envelope().flags().body_structure(),
        "W3" => Items::body(),
        "W4" => {
            let mut body = mailbox.body(Uid::MIN, Section::Full);
            let mut read = 0;
            loop {
                let count = body.fill_buf().await.expect("read").len();
                if count == 0 {
                    assert_eq!(read, BODY);
                    return 1;
                }
                body.consume(count);
                read += count;
            }
        }
        "W8" => return mailbox.search(Search::all()).await.expect("found").len() as usize,
        "W5" => {
            for _ in 0..work.count {
                imap.noop().await.expect("done");
            }
            return work.count;
        }
        _ => {
            let mut in_flight = std::collections::VecDeque::new();
            for done in 0..work.count {
                // As many as the server's other clients have in flight.
                if in_flight.len() == super::IN_FLIGHT {
                    let oldest: imap_duplex::Token<imap_duplex::command::Noop> =
                        in_flight.pop_front().expect("some");
                    oldest.await.expect("done");
                }
                in_flight.push_back(imap.noop());
                let _ = done;
            }
            for token in in_flight {
                token.await.expect("done");
            }
            return work.count;
        }
    };
    let mut rows = mailbox.fetch(Seq::MIN.., items).stream();
    let mut read = 0;
    while let Some(row) = rows.next().await {
        drop(row.expect("a row"));
        read += 1;
    }
    read
}

/// Bodies by one command, read while they come.
async fn literals(mailbox: &Mailbox) -> usize {
    let mut parts = mailbox.fetch(Seq::MIN.., Items::body()).stream_literals(0);
    let mut rows = 0;
    while let Some(part) = parts.next().await {
        match part.expect("a part") {
            RowPart::Literal(mut literal) => {
                let (size, mut read) = (literal.size(), 0);
                while let Some(piece) = literal.next().await {
                    read += piece.expect("whole").len() as u64;
                }
                assert_eq!(read, size);
            }
            _ => rows += 1,
        }
    }
    rows
}

async fn changes(begin: Begin, work: Work, mut events: Receiver) -> Figures {
    let (mut seen, mut received) = (0, 0);
    while seen < work.count {
        let event = events.next().await.expect("more changes");
        if matches!(event.kind, EventKind::Exists { .. }) {
            received += clock();
            seen += 1;
        }
    }
    Figures { wall: received, ..begin.end() }
}

async fn idle(config: &Config, count: usize) -> Figures {
    let before = resident();
    let begin = Begin::now();
    let mut all = Vec::new();
    for _ in 0..count {
        let (imap, events) = config.connect().await.expect("connected");
        let mailbox = imap.examine("INBOX").await.expect("selected");
        all.push((imap, mailbox, events));
    }
    // Each begins to idle.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let peak = (resident() - before) / count as u64;
    Figures { peak, ..begin.end() }
}
