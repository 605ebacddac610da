//! Leases, against a real PostgreSQL: each account has one worker, whatever workers do at the same
//! time, and whoever was overtaken changes nothing.
#![allow(missing_docs)]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use imap_duplex_fleet::{Beat, Error, Lease, LeaseTable};
use support::{Database, TTL, within};
use tokio_postgres::NoTls;

async fn heart(database: &Database) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(&database.config.database, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_claimed_once_by_workers_that_claim_together() {
    within(60, async {
        let database = Database::new().await;
        database.add_accounts(100).await;
        let leases = database.leases();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..5 {
            let leases = leases.clone();
            tasks.spawn(async move {
                let worker = leases.register(&format!("w{number}"), 100).await.expect("registered");
                let mut claimed = Vec::new();
                for _ in 0..10 {
                    claimed.extend(leases.claim(worker, 7).await.expect("valid"));
                }
                claimed.into_iter().map(|claimed| claimed.lease).collect::<Vec<Lease>>()
            });
        }
        let all: Vec<Lease> = tasks.join_all().await.into_iter().flatten().collect();
        let accounts: HashSet<i64> = all.iter().map(|lease| lease.account).collect();
        assert_eq!((all.len(), accounts.len()), (100, 100));
        assert!(all.iter().all(|lease| lease.token == 1));
        let census = leases.census().await.expect("counted");
        assert_eq!((census.active, census.free), (100, 0));
    })
    .await;
}

#[tokio::test]
async fn all_accounts_are_counted_once_for_all_workers() {
    within(60, async {
        let database = Database::new().await;
        database.add_accounts(3).await;
        let active = async |ttl| {
            let leases = LeaseTable::new(database.pool.clone(), ttl);
            leases.census().await.expect("counted").active
        };
        let long = Duration::from_secs(600);
        assert_eq!(active(long).await, 3, "what is added is counted at once");
        // As a program of the version before adds one.
        let client = database.pool.get().await.expect("a connection");
        let copy = "insert into fleet.account (name, settings, credential)
            select 'more', settings, credential from fleet.account limit 1";
        assert_eq!(client.execute(copy, &[]).await.expect("added"), 1);
        assert_eq!(active(long).await, 3, "not counted again by each worker");
        assert_eq!(active(Duration::ZERO).await, 4, "a third of the time to live later");
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_was_not_renewed_in_time_has_lost_all_and_never_comes_back() {
    within(60, async {
        let database = Database::new().await;
        database.add_accounts(2).await;
        let leases = database.leases();
        let heart = heart(&database).await;
        let one = leases.register("one", 9).await.expect("registered");
        let two = leases.register("two", 9).await.expect("registered");
        let first = leases.claim(one, 9).await.expect("valid");
        assert_eq!(first.len(), 2);
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(TTL * 1000 / 6)).await;
            leases.renew(&heart, two, Beat::default()).await.expect("in time");
        }
        assert_eq!(leases.retire_expired().await.expect("counted"), 2, "two accounts are free");
        let late = leases.renew(&heart, one, Beat::default()).await;
        assert!(matches!(late, Err(Error::Retired)), "{late:?}");
        let late = leases.claim(one, 9).await;
        assert!(matches!(late, Err(Error::Retired)), "{late:?}");
        let second = leases.claim(two, 9).await.expect("valid");
        assert_eq!(second.iter().map(|claimed| claimed.lease.token).collect::<Vec<_>>(), [2, 2]);
        // What the first one does now changes nothing.
        let old: Vec<Lease> = first.iter().map(|claimed| claimed.lease).collect();
        assert_eq!(leases.release(&old).await.expect("asked"), 0);
        leases.park(old[0], "late").await.expect("asked");
        assert!(!leases.holds(old[0]).await.expect("asked"));
        assert!(leases.holds(second[0].lease).await.expect("asked"));
        assert_eq!(leases.held(two).await.expect("asked").len(), 2);
    })
    .await;
}

/// A claim and a retirement at the same time never leave an account with a worker that is retired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_account_stays_with_a_retired_worker() {
    within(60, async {
        let database = Database::new().await;
        database.add_accounts(20).await;
        let leases = database.leases();
        for round in 0..20 {
            let worker = leases.register(&format!("w{round}"), 100).await.expect("registered");
            let claims = leases.clone();
            let claim = tokio::spawn(async move {
                loop {
                    match claims.claim(worker, 3).await {
                        Ok(_) => {}
                        Err(Error::Retired) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
            tokio::time::sleep(Duration::from_millis(3 * (round % 5))).await;
            leases.retire(worker).await.expect("retired");
            claim.await.expect("no panic");
            let census = leases.census().await.expect("counted");
            assert_eq!((census.free, census.active), (20, 20), "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_done_by_hand_ends_the_lease() {
    within(60, async {
        let database = Database::new().await;
        database.add_accounts(3).await;
        let leases = database.leases();
        let worker = leases.register("w", 9).await.expect("registered");
        assert_eq!(leases.claim(worker, 9).await.expect("valid").len(), 3);
        let directory = database.directory();
        directory.park("user0", "by hand").await.expect("parked");
        directory.wake("user1").await.expect("woken");
        directory.remove("user2").await.expect("removed");
        let held = leases.held(worker).await.expect("asked");
        assert_eq!(held.iter().map(|(_, revision)| *revision).collect::<Vec<_>>(), [2], "one, and changed");
        assert!(directory.remove("user2").await.is_err(), "there is none");
        assert_eq!(leases.claim(worker, 9).await.expect("valid").len(), 0, "one is parked, one is held");
        directory.wake("user0").await.expect("woken");
        assert_eq!(leases.claim(worker, 9).await.expect("valid").len(), 1);
        tokio::time::sleep(Duration::from_millis(TTL * 1000 + 200)).await;
        assert!(matches!(leases.claim(worker, 9).await, Err(Error::Retired)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_made_once_however_often_they_are_asked_for() {
    within(60, async {
        let database = Database::new().await;
        let migrate = || async {
            let mut client = database.pool.get().await.expect("a connection");
            imap_duplex_fleet::migrate(&mut client).await
        };
        let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
        for before in [one, two, three] {
            assert_eq!(before.expect("nothing to do"), imap_duplex_fleet::SCHEMA_VERSION);
        }
        let client = database.pool.get().await.expect("a connection");
        client.execute("insert into fleet.migration (version) values (99)", &[]).await.expect("inserted");
        drop(client);
        let error = migrate().await.expect_err("it is newer").to_string();
        assert!(error.contains("99"), "{error}");
    })
    .await;
}
