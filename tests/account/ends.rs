//! Connections that end as planned, and programs that read slowly.

use std::time::Duration;

use imap_duplex::Limits;
use imap_duplex::account::{AccountState, ChangeKind, MemoryStore, Policy, Watch};
use tokio::time::{sleep, timeout};

use crate::support::within;
use crate::watch::{Mirror, QUIET, server};
use crate::{LIMIT, World};

/// As Gmail does after a day, and after an hour where the login was by OAuth.
#[tokio::test(start_paused = true)]
async fn a_planned_end_is_no_error_and_leaves_no_gap() {
    within(LIMIT, async {
        for silently in [false, true] {
            let world = World::new(server());
            let account = world.account();
            let mut changes =
                account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
            let mut status = account.status();
            let states = tokio::spawn(async move {
                let mut states = Vec::new();
                while let Some(now) = status.changed().await {
                    states.push(now.state);
                }
                states
            });
            let server = world.server.clone();
            let delivered = tokio::spawn(async move {
                let mut delivered = Vec::new();
                let mut deliver =
                    |name: &str| delivered.push((name.into(), server.deliver(name, "Subject: a\r\n\r\n")));
                sleep(Duration::from_secs(60)).await;
                for _ in 0..5 {
                    sleep(Duration::from_secs(3599)).await;
                    deliver("INBOX");
                    deliver("Work");
                    sleep(Duration::from_secs(1)).await;
                    deliver("INBOX");
                    server.disconnect(silently);
                    deliver("INBOX");
                    deliver("Work");
                    sleep(Duration::from_secs(1)).await;
                    deliver("INBOX");
                }
                delivered
            });
            let mut arrived = Vec::new();
            while !delivered.is_finished() || arrived.len() < 30 {
                let change = changes.next().await.expect("it goes on").expect("no error");
                changes.ack(&change).await.expect("a store in memory");
                if let ChangeKind::Arrived { uid, .. } = change.kind {
                    arrived.push((change.mailbox, uid));
                }
            }
            let mut delivered = delivered.await.expect("no panic");
            delivered.sort();
            arrived.sort();
            assert_eq!(arrived, delivered, "each of them once");
            account.shutdown(Duration::from_secs(5)).await;
            let states = states.await.expect("no panic");
            let waits = |state: &&AccountState| matches!(state, AccountState::Waiting { .. });
            assert!(!states.iter().any(|state| waits(&state)), "{states:?}");
            assert!(world.dials().len() <= 2 + 5 * 3, "{:?}", world.dials());
        }
    })
    .await;
}

/// What is kept for it has a bound: beyond that its mailbox is compared.
#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_a_slow_reader_is_found_by_a_comparison() {
    within(LIMIT, async {
        let world = World::new(server());
        let mut limits = Limits::default();
        limits.events = 50;
        let account = world.account_by(world.config().limits(limits), Policy::default());
        let watch = Watch::all().from_start(true);
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        sleep(QUIET).await;
        let looks = world.count("EXAMINE") + world.count("SELECT");
        for number in 0..3000 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
            if number % 100 == 0 {
                sleep(Duration::from_secs(1)).await;
            }
        }
        sleep(Duration::from_secs(3000)).await;
        let mut mirror = Mirror::default();
        while let Ok(Some(change)) = timeout(QUIET, changes.next()).await {
            let change = change.expect("no error");
            mirror.apply(&change);
            changes.ack(&change).await.expect("a store in memory");
        }
        assert_eq!(mirror.uids("INBOX"), world.server.mailbox("INBOX").expect("it is there").uids());
        assert!(world.count("EXAMINE") + world.count("SELECT") > looks, "it was compared");
    })
    .await;
}
