//! The README's test of a small bot, as a user writes one: it runs here, and stands there in the
//! same words.

// From here on as in the README.
use std::time::Duration;

use imap_duplex::command::{Items, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{EventKind, Flag};
use imap_duplex::{Config, Receiver, Sender};

/// The program that is tested: flags what the boss writes.
async fn bot(imap: Sender, mut events: Receiver) -> imap_duplex::Result<()> {
    let inbox = imap.select("INBOX").await?;
    while let Some(event) = events.next().await {
        let EventKind::Arrived { uid, .. } = event.kind else { continue };
        let rows = inbox.fetch(uid, Items::envelope()).await?;
        let from = rows.first().and_then(|row| row.envelope()?.from().next()?.email());
        if from.as_deref() == Some("boss@example.org") {
            inbox.store(uid, Store::add([Flag::Flagged])).await?;
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)] // an hour passes in an instant
async fn what_the_boss_writes_is_flagged() {
    let server = Server::new();
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let (imap, events) = config.connect_over(server.connect()).await.unwrap();
    tokio::spawn(bot(imap, events));

    tokio::time::sleep(Duration::from_secs(3600)).await;
    server.on("UID FETCH").delay(Duration::from_secs(5)); // a slow server
    let friend = server.deliver("INBOX", "From: zoe@example.org\r\n\r\nHello\r\n");
    let boss = server.deliver("INBOX", "From: boss@example.org\r\n\r\nNow!\r\n");
    tokio::time::sleep(Duration::from_secs(60)).await;

    let inbox = server.mailbox("INBOX").unwrap(); // as it truly is
    assert!(inbox.message(boss).unwrap().flags.contains(&Flag::Flagged));
    assert!(inbox.message(friend).unwrap().flags.is_empty());
}
// Up to here.

#[test]
fn the_readme_has_it_in_the_same_words() {
    let own = include_str!("readme.rs").split_once("// From here on as in the README.\n").unwrap().1;
    let own = own.split_once("// Up to here.\n").unwrap().0;
    assert!(
        include_str!("../README.md").contains(&format!("```rust\n{own}```\n")),
        "not in the README:\n{own}"
    );
}
