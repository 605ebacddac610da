//! Workers in this process, against real PostgreSQL and NATS and the embedded IMAP server.
#![allow(missing_docs)]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use imap_duplex::testing::{Account, Server};
use imap_duplex::types::{Flag, Uid};
use imap_duplex_fleet::{Event, EventStream, Kind, Overview, Tail};
use support::{Fleet, until, within};

/// An account of this name at a server, and in the fleet.
async fn account(fleet: &Fleet, name: &str, stored: &str) -> (Server, Account) {
    let server = Server::builder().user("user", "secret").start();
    let address = server.listen().await.expect("a port");
    fleet.add(name, format!("imap://user@{address}"), stored).await;
    let account = server.account("user", "secret");
    (server, account)
}

async fn tail(fleet: &Fleet) -> Tail {
    let stream = EventStream::open(&fleet.database.config).await.expect("NATS");
    stream.tail(true).await.expect("a consumer")
}

async fn next(tail: &mut Tail) -> Event {
    within(30, tail.next()).await.expect("an event").1
}

/// The next so many events, as kind and UID.
async fn kinds(tail: &mut Tail, count: usize) -> Vec<(Kind, Option<u32>)> {
    let mut kinds = Vec::new();
    for _ in 0..count {
        let event = next(tail).await;
        kinds.push((event.kind, event.uid));
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_becomes_an_event_under_its_subject() {
    within(60, async {
        let fleet = Fleet::new().await;
        let (_server, alice) = account(&fleet, "alice.x", "secret").await;
        let mut tail = tail(&fleet).await;
        let uid = alice.deliver("INBOX", "Subject: one\r\n\r\n");
        let worker = fleet.worker("w").await;
        let event = next(&mut tail).await;
        assert_eq!((event.kind, event.uid, event.account.as_str()), (Kind::Arrived, Some(1), "alice.x"));
        assert_eq!(event.subject("imap"), "imap.alice%2Ex.INBOX.arrived");
        alice.add_flags("INBOX", uid, Flag::Seen);
        let event = next(&mut tail).await;
        assert_eq!((event.kind, event.flags), (Kind::Flags, Some(vec!["\\Seen".to_owned()])));
        alice.expunge("INBOX", uid);
        assert_eq!(next(&mut tail).await.kind, Kind::Expunged);
        worker.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_worker_goes_on_where_the_last_one_ended() {
    within(90, async {
        let fleet = Fleet::new().await;
        let (_server, bob) = account(&fleet, "bob", "secret").await;
        let mut events = tail(&fleet).await;
        bob.deliver("INBOX", "Subject: one\r\n\r\n");
        let first = fleet.worker("first").await;
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Arrived, Some(1))]);
        first.end().await;
        bob.deliver("INBOX", "Subject: two\r\n\r\n");
        let second = fleet.worker("second").await;
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Arrived, Some(2))]);
        // It is aborted, as if killed: its leases run out.
        second.task.abort();
        bob.expunge("INBOX", Uid::MIN);
        bob.deliver("INBOX", "Subject: three\r\n\r\n");
        let third = fleet.worker("third").await;
        let mut rest = kinds(&mut events, 2).await;
        rest.sort();
        assert_eq!(rest, [(Kind::Arrived, Some(3)), (Kind::Expunged, Some(1))]);
        third.end().await;
        let mut all = tail(&fleet).await;
        assert_eq!(kinds(&mut all, 4).await.len(), 4);
        let more = tokio::time::timeout(Duration::from_secs(1), all.next()).await;
        assert!(more.is_err(), "{more:?}");
    })
    .await;
}

/// A message whose arrival was published, and which is gone before the next worker looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_by_a_worker_that_died_is_taken_back_by_the_next() {
    within(90, async {
        let fleet = Fleet::new().await;
        let (_server, kim) = account(&fleet, "kim", "secret").await;
        let mut events = tail(&fleet).await;
        let first = fleet.worker("first").await;
        kim.deliver("INBOX", "Subject: one\r\n\r\n");
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Arrived, Some(1))]);
        // Before its cursor moves: that comes 200 ms after the event.
        first.task.abort();
        kim.expunge("INBOX", Uid::MIN);
        let second = fleet.worker("second").await;
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Expunged, Some(1))]);
        second.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_park_an_account_and_new_ones_wake_it() {
    within(90, async {
        let fleet = Fleet::new().await;
        let (_server, eve) = account(&fleet, "eve", "wr0ng").await;
        let mut tail = tail(&fleet).await;
        eve.deliver("INBOX", "Subject: one\r\n\r\n");
        let worker = fleet.worker("w").await;
        until(30, "parked", || async {
            Overview::read(&fleet.database.pool).await.expect("read").parked == 1
        })
        .await;
        let overview = Overview::read(&fleet.database.pool).await.expect("read");
        let parked = &overview.parked_accounts[0];
        let reason = parked.reason.as_deref().unwrap_or_default();
        assert!(parked.name == "eve" && !reason.is_empty() && !reason.contains("wr0ng"), "{parked:?}");
        let credential = fleet.key.seal("eve", "secret").expect("sealed");
        fleet.database.directory().set_credential("eve", &credential).await.expect("set");
        assert_eq!(kinds(&mut tail, 1).await, [(Kind::Arrived, Some(1))]);
        worker.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_and_postgresql_are_killed_and_nothing_is_lost() {
    within(120, async {
        let mut fleet = Fleet::new().await;
        let (_server, ann) = account(&fleet, "ann", "secret").await;
        let worker = fleet.worker("w").await;
        let mut events = tail(&fleet).await;
        ann.deliver("INBOX", "Subject: one\r\n\r\n");
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Arrived, Some(1))]);
        fleet.nats.kill();
        ann.deliver("INBOX", "Subject: two\r\n\r\n");
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.nats.start_again().expect("started");
        let mut events = tail(&fleet).await;
        assert_eq!(kinds(&mut events, 2).await, [(Kind::Arrived, Some(1)), (Kind::Arrived, Some(2))]);
        fleet.database.postgres.kill();
        ann.deliver("INBOX", "Subject: three\r\n\r\n");
        // Longer than the leases last: the worker starts over.
        tokio::time::sleep(Duration::from_secs(support::TTL + 1)).await;
        fleet.database.postgres.start_again().expect("started");
        assert_eq!(kinds(&mut events, 1).await, [(Kind::Arrived, Some(3))]);
        worker.end().await;
    })
    .await;
}

/// A worker in a process of its own, which ends with this.
struct Process(Child);

impl Process {
    /// It stops itself before its publish of this number, when it has checked that it may.
    fn that_stops_before(publish: u32, fleet: &Fleet) -> Self {
        let config = fleet.write_config("stopped");
        let child = Command::new(env!("CARGO_BIN_EXE_fleet"))
            .args(["worker", "--config"])
            .arg(config)
            .env("FLEET_STOP_BEFORE_PUBLISH", publish.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        Self(child)
    }

    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    fn go_on(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).expect("it is there");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A worker whose lease runs out exactly between its check and its publish. Its successor has
/// published by the time that it goes on: then its event is refused. Or no one has: then its event
/// is stored, and the successor knows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_before_a_publish_doubles_nothing() {
    for is_overtaken in [true, false] {
        within(90, async {
            let fleet = Fleet::new().await;
            let (_server, sue) = account(&fleet, "sue", "secret").await;
            for _ in 0..5 {
                sue.deliver("INBOX", "Subject: one\r\n\r\n");
            }
            let mut events = tail(&fleet).await;
            let stopped = Process::that_stops_before(3, &fleet);
            let arrived = |uids: std::ops::RangeInclusive<u32>| {
                uids.map(|uid| (Kind::Arrived, Some(uid))).collect::<Vec<_>>()
            };
            assert_eq!(kinds(&mut events, 2).await, arrived(1..=2));
            until(30, "stopped", || async { stopped.state() == Some('T') }).await;
            if !is_overtaken {
                tokio::time::sleep(Duration::from_secs(support::TTL + 1)).await;
                stopped.go_on();
                // By a worker whose lease has run out, and that no one has overtaken.
                assert_eq!(kinds(&mut events, 1).await, arrived(3..=3));
                drop(stopped);
                let second = fleet.worker("second").await;
                assert_eq!(kinds(&mut events, 2).await, arrived(4..=5));
                second.end().await;
            } else {
                let second = fleet.worker("second").await;
                assert_eq!(kinds(&mut events, 3).await, arrived(3..=5));
                stopped.go_on();
                // It registers again once it knows that it was overtaken.
                until(30, "back", || async {
                    let overview = Overview::read(&fleet.database.pool).await.expect("read");
                    overview.workers.iter().filter(|worker| worker.name == "stopped").count() == 1
                })
                .await;
                sue.deliver("INBOX", "Subject: six\r\n\r\n");
                assert_eq!(kinds(&mut events, 1).await, arrived(6..=6));
                drop(stopped);
                second.end().await;
            }
            let more = tokio::time::timeout(Duration::from_secs(2), events.next()).await;
            assert!(more.is_err(), "{more:?}");
        })
        .await;
    }
}
