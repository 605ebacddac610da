//! Bodies of any length: they come in pieces, are whole or do not count, and are read in pieces.

use std::time::Duration;

use futures_core::Stream;
use imap_duplex::account::Policy;
use imap_duplex::store::{BodyPolicy, Store, StoreErrorKind, StoredBody, SyncPolicy};
use imap_duplex::testing::Server;
use rusqlite::Connection;
use tokio::io::AsyncReadExt as _;
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message};

/// Of so many lines, which all differ.
fn long(subject: &str, lines: usize) -> String {
    let mut text = message(subject);
    for line in 0..lines {
        text += &format!("Line {line} of a long text that goes on.\r\n");
    }
    text
}

async fn world_of(messages: &[&str]) -> (World, Client) {
    let world = World::new(Server::new());
    for message in messages {
        world.server.deliver("INBOX", (*message).to_owned());
    }
    // Nothing is fetched but what is asked for.
    let client = world.client_by(Policy::default(), SyncPolicy::new().follow_none()).await;
    client.in_step().await;
    (world, client)
}

async fn all(body: &mut StoredBody) -> String {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.expect("read");
        assert!(!piece.is_empty() && piece.len() <= 256 << 10);
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).expect("text")
}

/// How many pieces there are of bodies that are not whole.
fn in_part(world: &World) -> i64 {
    let file = Connection::open(world.path()).expect("a store");
    let sql = "SELECT count(*) FROM piece JOIN body ON body.id = piece.body WHERE complete = 0";
    file.query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[tokio::test(start_paused = true)]
async fn a_long_body_is_read_in_pieces() {
    within(LIMIT, async {
        let text = long("long", 30_000);
        let (world, client) = world_of(&[&text]).await;
        let id = id_of(&client.store, "long").await;
        let mut body = client.store.read_body(id).await.expect("fetched");
        assert_eq!(body.size(), text.len() as u64);
        assert_eq!(all(&mut body).await, text);
        assert!(body.next().await.is_none(), "the end stays the end");
        let store = client.store.clone();
        let part = &text[text.find("\r\n\r\n").expect("a header") + 4..];
        let mut read = String::new();
        let mut body = store.read_part(id, "1").await.expect("fetched");
        body.read_to_string(&mut read).await.expect("read");
        assert_eq!(read, part);
        let wrong = store.read_part(id, "1.x").await.expect_err("no number");
        assert_eq!(wrong.kind(), StoreErrorKind::Invalid);
        client.crash().await;
        // All of it is here, also without a connection.
        let mut file = Vec::new();
        let mut body = store.read_body(id).await.expect("kept");
        tokio::io::copy_buf(&mut body, &mut file).await.expect("read");
        assert_eq!(file, text.as_bytes());
        assert_eq!(store.body(id).await.expect("kept"), text.as_bytes());
        world.check_rows();
    })
    .await;
}

/// Connections are lost at many points of the body: what has come is not asked for again, and is no
/// body before all of it is here.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_off_counts_only_once_it_is_whole() {
    within(LIMIT, async {
        let text = long("long", 50_000);
        let (world, client) = world_of(&[&text]).await;
        let (store, id) = (&client.store, id_of(&client.store, "long").await);
        let mut failures = 0;
        for bytes in [10, 100_000, 300_000, 400_000, 700_000] {
            world.server.on("UID FETCH").cut_after(bytes);
            match store.read_body(id).await {
                Ok(_) => panic!("the connection was lost"),
                // Or it is known by now that there is no connection.
                Err(error) => {
                    assert!(error.imap().is_some() || error.kind() == StoreErrorKind::Offline, "{error:?}");
                }
            }
            failures += 1;
            // The next connection is there.
            sleep(Duration::from_secs(20)).await;
            assert!(!store.has_body(id).await.expect("there"));
            assert_eq!(store.search("\"text of long\"").await.expect("readable"), []);
            world.check_rows();
        }
        assert_eq!((failures, in_part(&world) >= 3), (5, true), "{} pieces", in_part(&world));
        assert_eq!(store.body(id).await.expect("fetched"), text.as_bytes());
        let asked: Vec<String> = world.server.received().iter().map(|one| format!("{one:?}")).collect();
        let from_start = asked.iter().filter(|line| line.contains("BODY.PEEK[]<0.")).count();
        // Until a piece of it was here.
        assert_eq!(from_start, 3, "{asked:#?}");
        assert_eq!(store.search("\"text of long\"").await.expect("readable").len(), 1);
        assert_eq!(in_part(&world), 0);
        world.check_rows();
    })
    .await;
}

/// The program ends in the middle of a body, and it comes from elsewhere then: it is begun again.
#[tokio::test(start_paused = true)]
async fn a_part_from_elsewhere_is_not_gone_on_with() {
    within(LIMIT, async {
        let text = long("long", 50_000);
        let (world, client) = world_of(&[&text]).await;
        let id = id_of(&client.store, "long").await;
        world.server.on("UID FETCH").cut_after(700_000);
        client.store.read_body(id).await.expect_err("the connection was lost");
        client.crash().await;
        assert!(in_part(&world) > 0);
        // The message comes from another place, with other bytes under the same identifier.
        let file = Connection::open(world.path()).expect("a store");
        file.execute("UPDATE piece SET data = zeroblob(length(data))", []).expect("spoilt");
        file.execute("UPDATE body SET source = '1 1 4711'", []).expect("another place");
        drop(file);
        let client = world.client().await;
        client.in_step().await;
        assert_eq!(client.store.body(id).await.expect("fetched"), text.as_bytes());
        world.check_rows();
    })
    .await;
}

/// There is room for one of two bodies, and both are read at the same time, in turns.
#[tokio::test(start_paused = true)]
async fn a_body_that_has_to_go_while_it_is_read_comes_again() {
    within(LIMIT, async {
        let (one, two) = (long("one", 40_000), long("two", 40_000));
        let world = World::new(Server::new());
        world.server.deliver("INBOX", one.clone());
        world.server.deliver("INBOX", two.clone());
        let policy = SyncPolicy::new().bodies(BodyPolicy::on_demand().max_bytes(1_000));
        let client = world.client_by(Policy::default(), policy).await;
        client.in_step().await;
        let store: &Store = &client.store;
        let ids = (id_of(store, "one").await, id_of(store, "two").await);
        let mut first = store.read_body(ids.0).await.expect("longer than there is room for");
        let mut read = first.next().await.expect("a piece").expect("read").to_vec();
        let mut second = store.read_body(ids.1).await.expect("fetched");
        assert!(!store.has_body(ids.0).await.expect("there"), "it had to go");
        read.extend_from_slice(all(&mut first).await.as_bytes());
        assert_eq!(read, one.as_bytes());
        assert_eq!(all(&mut second).await, two);
        let bytes = store.status().await.expect("readable").body_bytes;
        assert_eq!(bytes, two.len() as u64, "the last one alone is kept");
        world.check_rows();
    })
    .await;
}

/// Two ask for the same body at the same time, and one of them gives up.
#[tokio::test(start_paused = true)]
async fn a_body_that_two_ask_for_is_whole_for_both() {
    within(LIMIT, async {
        let text = long("long", 30_000);
        let (world, client) = world_of(&[&text]).await;
        let id = id_of(&client.store, "long").await;
        for after in [1, 40, 90, 200] {
            let file = Connection::open(world.path()).expect("a store");
            file.execute("DELETE FROM body", []).expect("removed");
            drop(file);
            world.server.on("UID FETCH").delay(Duration::from_millis(30)).times(3);
            let given_up = async {
                let wait = Duration::from_millis(after);
                _ = tokio::time::timeout(wait, client.store.body(id)).await;
            };
            let (one, two, ()) = tokio::join!(client.store.body(id), client.store.body(id), given_up);
            assert_eq!(one.expect("fetched"), text.as_bytes());
            assert_eq!(two.expect("fetched"), text.as_bytes());
            world.check_rows();
        }
    })
    .await;
}

#[test]
fn a_stored_body_is_a_stream_and_a_reader() {
    fn is<T: Stream + tokio::io::AsyncBufRead + Send + Unpin>() {}
    is::<StoredBody>();
}

/// What a process has in memory, or has had at most, in bytes.
#[cfg(target_os = "linux")]
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("there");
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().expect("a number") * 1024
}

/// In a process of its own, whose memory is known: that of the test and of its server is in it.
#[cfg(target_os = "linux")]
#[test]
fn a_long_body_takes_little_memory() {
    crate::full::alone(async {
        const LENGTH: u64 = 50 << 20;
        let line = "A long text, of which each line is the same as any other.\r\n";
        let text = message("long") + &line.repeat(usize::try_from(LENGTH).expect("small") / line.len());
        let length = text.len() as u64;
        let (_world, client) = world_of(&[&text]).await;
        drop(text);
        let id = id_of(&client.store, "long").await;
        std::fs::write("/proc/self/clear_refs", "5").expect("the most is counted from now on");
        let before = memory("VmRSS:");
        let mut body = client.store.read_body(id).await.expect("fetched");
        let fetched = memory("VmHWM:") - before;
        let mut read = 0;
        while let Some(piece) = body.next().await {
            read += piece.expect("read").len() as u64;
        }
        let most = memory("VmHWM:") - before;
        println!("{length} bytes: {fetched} more in memory when it was fetched, {most} when it was read");
        assert_eq!((read, body.size()), (length, length));
        assert!(most < LENGTH / 2, "{most}");
    });
}
