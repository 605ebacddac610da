//! An account with very many mailboxes: what it costs the server is a listing, and a look at each.

use std::time::Duration;

use imap_duplex::account::{ChangeKind, MemoryStore, Watch};
use imap_duplex::testing::Server;
use tokio::time::sleep;

use crate::support::within;
use crate::{LIMIT, World};

const MAILBOXES: usize = 2_000;

#[tokio::test(start_paused = true)]
async fn thousands_of_mailboxes_are_listed_together_and_looked_into_once() {
    within(LIMIT, async {
        for names in [&[][..], &["NOTIFY", "OBJECTID"]] {
            let world = World::new(Server::builder().without(names.iter().copied()).start());
            for number in 1..MAILBOXES {
                world.server.create(format!("Lists/{number}"));
            }
            let last = format!("Lists/{}", MAILBOXES - 1);
            world.server.deliver(&last, "Subject: old\r\n\r\n");
            let there = world.server.mailboxes().len();
            let account = world.account();
            let watch = Watch::all().from_start(true);
            let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
            let status = changes.status();
            let mut arrived = Vec::new();
            let mut wanted = 1;
            while wanted <= 2 {
                tokio::select! {
                    biased;
                    change = changes.next() => {
                        let change = change.expect("it goes on").expect("no error");
                        changes.ack(&change).await.expect("a store in memory");
                        if let ChangeKind::Arrived { .. } = change.kind {
                            arrived.push(change.mailbox.to_string());
                        }
                    }
                    _ = status.in_step(), if arrived.len() >= wanted => {
                        assert_eq!((arrived.len(), status.now().mailboxes), (wanted, there));
                        wanted += 1;
                        sleep(Duration::from_secs(120)).await;
                        world.server.deliver(&last, "Subject: new\r\n\r\n");
                    }
                }
            }
            assert_eq!(arrived[..], [last.clone(), last]);
            let (looks, lists) = (world.count("EXAMINE"), world.count("LIST"));
            assert!(looks <= there + 5, "{looks} looks");
            assert!(lists <= 40 && world.count("STATUS") == 0, "{lists} listings");
        }
    })
    .await;
}
