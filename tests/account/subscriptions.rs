//! Watches of the mailboxes that a user has subscribed to.

use std::collections::BTreeSet;

use imap_duplex::account::{ChangeKind, MemoryStore, Watch};
use imap_duplex::testing::Server;

use crate::support::within;
use crate::watch::{QUIET, all};
use crate::{LIMIT, World};

/// A server keeps the subscription of a mailbox that is deleted, and LSUB still has it.
#[tokio::test(start_paused = true)]
async fn a_subscription_to_a_mailbox_that_is_gone_is_none() {
    within(LIMIT, async {
        let without: [&[&str]; 2] = [&[], &["LIST-EXTENDED", "IMAP4rev2", "LIST-STATUS"]];
        for names in without {
            let world = World::new(Server::builder().without(names.iter().copied()).start());
            let account = world.account();
            let session = account.session().await.unwrap();
            for name in ["Gone", "There"] {
                world.server.create(name);
                session.subscribe(name).await.unwrap();
            }
            session.delete("Gone").await.unwrap();
            drop(session);
            let watch = Watch::subscribed().from_start(true);
            let mut changes = account.watch(watch, MemoryStore::new()).await.unwrap();
            let found = all(&mut changes, QUIET).await;
            assert!(found.iter().all(|change| change.mailbox != "Gone".into()), "{names:?}: {found:?}");
            let there = found.iter().filter(|change| change.mailbox == "There".into());
            assert!(there.clone().any(|change| change.kind == ChangeKind::InStep), "{names:?}: {found:?}");
            let watched: BTreeSet<_> = found.iter().map(|change| &change.mailbox).collect();
            assert_eq!(changes.status().now().mailboxes, watched.len(), "{names:?}");
        }
    })
    .await;
}
