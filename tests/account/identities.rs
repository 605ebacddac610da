//! The identities of changes: the same when a change is delivered again, and never those of others;
//! and what a change acknowledges that is of another run.

use std::collections::BTreeMap;
use std::time::Duration;

use imap_duplex::account::{Change, ChangeKind, MemoryStore, Watch};
use imap_duplex::testing::Server;
use imap_duplex::types::Flag;
use tokio::time::sleep;

use crate::rewritten::Line;
use crate::support::within;
use crate::watch::{QUIET, all, server, start, uid};
use crate::{LIMIT, World};

/// Each of these has an identity of its own, with the account in it.
fn assert_distinct(world: &World, changes: &[Change]) {
    let account = format!("{}@{}", world.server.user(), world.config().get_host());
    let mut by_id: BTreeMap<String, &Change> = BTreeMap::new();
    for change in changes {
        assert!(change.id().starts_with(&account) && change.account() == account, "{}", change.id());
        let other = by_id.insert(change.id(), change);
        assert!(other.is_none(), "{change}, {other:?}: {}", change.id());
    }
}

/// With mod-sequences and without them; with MAILBOXID and without.
fn worlds() -> Vec<World> {
    let without: [&[&str]; 3] = [&[], &["CONDSTORE", "QRESYNC"], &["OBJECTID", "NOTIFY"]];
    let start = |names: &[&str]| World::new(Server::builder().without(names.iter().copied()).start());
    without.into_iter().map(start).collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_restored_has_other_changes_than_before() {
    within(LIMIT, async {
        for world in worlds() {
            world.server.create("Work");
            world.server.deliver("Work", "Subject: old\r\n\r\n");
            let (account, mut changes) = start(&world, &MemoryStore::new()).await;
            let mut found = all(&mut changes, QUIET).await;
            for _ in 0..3 {
                let backup = world.server.mailbox("Work").expect("it is there");
                // The same each time, with the same UID and mod-sequences.
                let new = world.server.deliver("Work", "Subject: new\r\n\r\n");
                world.server.add_flags("Work", uid(1), Flag::Flagged);
                found.extend(all(&mut changes, QUIET).await);
                world.server.add_flags("Work", new, Flag::Seen);
                found.extend(all(&mut changes, QUIET).await);
                world.server.restore(&backup);
                found.extend(all(&mut changes, QUIET * 10).await);
            }
            assert!(
                found.iter().filter(|change| change.kind != ChangeKind::InStep).count() >= 15,
                "{found:?}"
            );
            assert_distinct(&world, &found);
            account.shutdown(Duration::from_secs(5)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_comes_back_has_other_changes_than_before() {
    within(LIMIT, async {
        for world in worlds() {
            world.server.create("Work");
            world.server.deliver("Work", "Subject: old\r\n\r\n");
            let (store, mut found) = (MemoryStore::new(), Vec::new());
            for _ in 0..3 {
                // A run of its own each time.
                let account = world.account();
                let watch = Watch::subscribed().from_start(true);
                let mut changes = account.watch(watch, store.clone()).await.expect("a store in memory");
                for is_subscribed in [true, false] {
                    world.server.subscribe("Work", is_subscribed);
                    let batch = all(&mut changes, QUIET).await;
                    changes.ack_all(&batch).await.expect("a store in memory");
                    found.extend(batch);
                }
                account.shutdown(Duration::from_secs(5)).await;
            }
            found.retain(|change| change.mailbox == "Work".into());
            let of = |kind: ChangeKind| found.iter().filter(|change| change.kind == kind).count();
            assert!((of(ChangeKind::Created), of(ChangeKind::Deleted)) >= (2, 3), "{found:?}");
            assert_distinct(&world, &found);
        }
    })
    .await;
}

/// A server whose mod-sequences stand still.
fn stands_still(line: Line<'_>) -> Option<String> {
    let text = line.with("HIGHESTMODSEQ", Some("77"));
    let Some((before, rest)) = text.split_once("MODSEQ (") else { return Some(text) };
    Some(format!("{before}MODSEQ (77{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())))
}

#[tokio::test(start_paused = true)]
async fn each_change_of_flags_is_another_though_the_mod_sequence_is_the_same() {
    within(LIMIT, async {
        let world = World::rewriting(Server::new());
        world.rewrite(stands_still);
        let uid = world.server.deliver("INBOX", "Subject: old\r\n\r\n");
        let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
        let mut found = all(&mut changes, QUIET).await;
        for flag in [Flag::Seen, Flag::Flagged, Flag::Seen] {
            world.server.set_flags("INBOX", uid, [flag]);
            found.extend(all(&mut changes, QUIET).await);
        }
        let flags = found.iter().filter(|change| matches!(change.kind, ChangeKind::FlagsChanged { .. }));
        assert_eq!(flags.count(), 3, "{found:?}");
        assert_distinct(&world, &found);
    })
    .await;
}

/// Programs may store what they are to act on. Its number in that run says nothing about this one.
#[tokio::test(start_paused = true)]
async fn a_change_of_an_earlier_run_acknowledges_nothing() {
    within(LIMIT, async {
        let (world, store) = (World::new(server()), MemoryStore::new());
        let (account, mut changes) = start(&world, &store).await;
        for change in all(&mut changes, QUIET).await {
            changes.ack(&change).await.expect("a store in memory");
        }
        (0..5).for_each(|_| _ = world.server.deliver("INBOX", "Subject: new\r\n\r\n"));
        let before = all(&mut changes, QUIET).await;
        let last = before.last().expect("some").clone();
        drop((account, changes));
        sleep(Duration::from_secs(5)).await;
        let (_account, mut changes) = start(&world, &store).await;
        let again = all(&mut changes, QUIET).await;
        let stored = store.records();
        changes.ack(&last).await.expect("a store in memory");
        assert_eq!(store.records(), stored, "nothing of this run");
        let first = again.iter().find(|change| change.uid().is_some()).expect("it was not acknowledged");
        changes.ack_all(&[last, first.clone()]).await.expect("a store in memory");
        let uids = |store: &MemoryStore| {
            let records = store.records();
            let inbox = records.values().find(|record| record.name == "INBOX".into()).expect("it is known");
            inbox.state.as_ref().map(|state| state.uids.len())
        };
        assert_eq!(uids(&store), Some(4), "the first one of five, and three of before");
    })
    .await;
}
