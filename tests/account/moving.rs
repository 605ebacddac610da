//! Commands that were not encoded when the connection of their lease ended.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::account::{Account, MailboxLease};
use imap_duplex::command::{Append, Expunge, Fetch, Items, Search, StatusItems, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Message, Seq, UidValidity};
use imap_duplex::{Error, ErrorKind, Result, Sent, Token};
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::watch::uid;
use crate::{LIMIT, World};

/// A source that is not to be read.
struct Never;

impl Stream for Never {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        panic!("it is read once, by the upload that it is for")
    }
}

/// A world with three messages in INBOX, a lease of it, and a command that holds up those behind
/// it: the server does not say the flags that they would change.
async fn held() -> (World, Account, MailboxLease, Token<Fetch>) {
    let world = World::new(Server::builder().without(["CONDSTORE", "QRESYNC", "IMAP4rev2"]).start());
    for number in 1..=3 {
        world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
    }
    world.server.create("Work");
    let account = world.account();
    let inbox = account.mailbox("INBOX").await.expect("it is there");
    // The library's own questions have been answered.
    sleep(Duration::from_secs(5)).await;
    world.server.on("UID FETCH").instead("");
    let holds_up = inbox.fetch(uid(1), Items::new().flags());
    sleep(Duration::from_secs(1)).await;
    (world, account, inbox, holds_up)
}

/// The connection ends, and this is what has become of the command that held up the others.
async fn cut(world: &World, holds_up: Token<Fetch>) -> Error {
    world.server.disconnect(true);
    let lost: Result<Vec<Message>> = holds_up.await;
    let error = lost.expect_err("it was sent, and not answered");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::Fully), "{error}");
    error
}

#[track_caller]
fn assert_unsent<T: std::fmt::Debug>(result: Result<T>, why: &str) {
    let error = result.expect_err(why);
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_by_uid_or_without_a_mailbox_goes_on_in_its_order() {
    within(LIMIT, async {
        let (world, _account, inbox, holds_up) = held().await;
        let imap = inbox.sender().clone();
        let stored = inbox.store(uid(1), Store::add([Flag::Flagged]));
        inbox.store(uid(2), Store::add([Flag::Answered])).detach();
        let found = inbox.search(Search::flagged());
        let rows = inbox.fetch(uid(1), Items::envelope());
        let copied = inbox.copy(uid(1), "Work");
        let created = imap.create("New");
        let appended = imap.append("New", Append::new("Subject: new\r\n\r\n"));
        let status = imap.status("New", StatusItems::counts());
        inbox.store(uid(3), Store::add([Flag::Deleted])).detach();
        let gone = inbox.expunge(uid(3));
        cut(&world, holds_up).await;
        stored.await.expect("it goes on");
        assert_eq!(found.await.expect("it goes on").uids().to_string(), "1");
        assert_eq!(rows.await.expect("it goes on").len(), 1);
        copied.await.expect("it goes on");
        created.await.expect("it goes on");
        appended.await.expect("it goes on");
        assert_eq!(status.await.expect("it goes on").messages, Some(1));
        gone.await.expect("it goes on");
        let there = world.server.mailbox("INBOX").expect("it is there");
        assert_eq!(there.uids().to_string(), "1:2");
        assert!(there.message(uid(2)).expect("it is there").flags.contains(&Flag::Answered));
        assert_eq!(world.server.mailbox("Work").expect("it is there").uids().len(), 1);
        assert_eq!((world.count("UID STORE"), world.dials().len()), (3, 2));
        // The lease itself has ended with its connection.
        assert_unsent(inbox.search(Search::all()).await, "");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_would_mean_something_else_fails_and_says_why() {
    within(LIMIT, async {
        let (world, _account, inbox, holds_up) = held().await;
        let imap = inbox.sender().clone();
        let first = inbox.store(uid(1), Store::add([Flag::Answered]));
        let by_number = inbox.fetch(Seq::MIN, Items::envelope());
        let reads = inbox.search(Search::all());
        let selected = imap.select("Work");
        let in_other = selected.mailbox().search(Search::all());
        let enabled = imap.enable(["CONDSTORE"]);
        let streamed = imap.append("Work", Append::stream(21, Never));
        let behind = inbox.store(uid(1), Store::add([Flag::Flagged]));
        cut(&world, holds_up).await;
        first.await.expect("it goes on");
        assert_unsent(by_number.await, "by number");
        assert_eq!(reads.await.expect("it goes on").uids().len(), 3);
        assert_unsent(selected.await, "about this connection");
        assert_unsent(in_other.await, "was not open");
        assert_unsent(enabled.await, "about this connection");
        assert_unsent(streamed.await, "stream");
        assert_unsent(behind.await, "went before it");
        sleep(Duration::from_secs(600)).await;
        let there = world.server.mailbox("INBOX").expect("it is there");
        assert!(!there.message(uid(1)).expect("it is there").flags.contains(&Flag::Flagged));
        assert!(world.server.mailbox("Work").expect("it is there").uids().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_what_is_not_named_fail() {
    within(LIMIT, async {
        for which in 0..3 {
            let (world, _account, inbox, holds_up) = held().await;
            let (unsent, why) = match which {
                0 => (inbox.submit(Expunge::all_deleted()), "no messages by UID"),
                1 => (inbox.submit(Expunge::messages(uid(1)..)), "up to the last"),
                _ => {
                    let saved = inbox.save(Search::all()).saved();
                    (inbox.submit(Expunge::messages(saved)), "saved result")
                }
            };
            cut(&world, holds_up).await;
            assert_unsent(unsent.await, why);
            assert_eq!(world.server.mailbox("INBOX").expect("it is there").uids().len(), 3);
        }
    })
    .await;
}

/// Two steps of one intention: without the first, the second may do harm.
#[tokio::test(start_paused = true)]
async fn no_change_goes_on_behind_one_that_was_lost() {
    within(LIMIT, async {
        let (world, _account, inbox, holds_up) = held().await;
        // It holds up what reads or changes flags of the same messages.
        world.server.on("UID STORE").instead("");
        let changed = inbox.store(uid(2), Store::add([Flag::Flagged]));
        sleep(Duration::from_secs(1)).await;
        let removed = inbox.store(uid(1), Store::add([Flag::Deleted]));
        let expunged = inbox.expunge(uid(1));
        let rows = inbox.fetch(uid(1), Items::new().flags());
        cut(&world, holds_up).await;
        let error = changed.await.expect_err("it was sent, and not answered");
        assert_ne!(error.sent(), Sent::No, "{error}");
        assert_unsent(removed.await, "went before it");
        assert_unsent(expunged.await, "went before it");
        assert_eq!(rows.await.expect("it goes on").len(), 1);
        let there = world.server.mailbox("INBOX").expect("it is there");
        assert_eq!(there.uids().len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn uids_of_another_uid_validity_are_not_those_that_were_meant() {
    within(LIMIT, async {
        let (world, _account, inbox, holds_up) = held().await;
        let stored = inbox.store(uid(1), Store::add([Flag::Deleted]));
        world.server.change_uid_validity("INBOX", UidValidity::new(77).expect("not zero"));
        cut(&world, holds_up).await;
        assert_unsent(stored.await, "another UIDVALIDITY");
        let there = world.server.mailbox("INBOX").expect("it is there");
        assert!(there.message(uid(1)).expect("it is there").flags.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_keeps_its_limit_and_can_be_dropped_on_the_way() {
    within(LIMIT, async {
        let (world, account, inbox, holds_up) = held().await;
        let cancelled = inbox.store(uid(1), Store::add([Flag::Deleted]));
        let limited = inbox.search(Search::all()).timeout(Duration::from_secs(10));
        let dropped = inbox.search(Search::subject("dropped"));
        let patient = inbox.store(uid(2), Store::add([Flag::Flagged]));
        world.be_away(3);
        let start = Instant::now();
        cut(&world, holds_up).await;
        drop(dropped);
        cancelled.cancel();
        let late = patient.timeout(Duration::from_secs(3600));
        let error = limited.await.expect_err("nothing answers");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, Sent::No), "{error}");
        assert!((9..=12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        late.await.expect("it goes on once the server is back");
        let there = world.server.mailbox("INBOX").expect("it is there");
        assert!(there.message(uid(1)).expect("it is there").flags.is_empty());
        let searches =
            world.server.received().iter().filter(|logged| logged.line.contains("dropped")).count();
        assert_eq!(searches, 0);
        drop(account);
    })
    .await;
}

/// Twice cut is moved twice; and at the account's end there is nowhere to go.
#[tokio::test(start_paused = true)]
async fn each_ends_at_last() {
    within(LIMIT, async {
        let (world, account, inbox, holds_up) = held().await;
        world.server.on("UID FETCH").instead("").times(2);
        let read = inbox.fetch(uid(1), Items::new().flags());
        let stored = inbox.store(uid(1), Store::add([Flag::Flagged]));
        let again = inbox.store(uid(1), Store::add([Flag::Answered]));
        cut(&world, holds_up).await;
        sleep(Duration::from_secs(10)).await;
        world.server.disconnect(true);
        let error = read.await.expect_err("it was sent, and not answered");
        assert_ne!(error.sent(), Sent::No, "{error}");
        stored.await.expect("it goes on");
        again.await.expect("it goes on");
        let flags = &world
            .server
            .mailbox("INBOX")
            .expect("it is there")
            .message(uid(1))
            .cloned()
            .expect("it is")
            .flags;
        assert!(flags.contains(&Flag::Flagged) && flags.contains(&Flag::Answered), "{flags}");

        let inbox = account.mailbox("INBOX").await.expect("it is there");
        let holds_up = inbox.fetch(uid(1), Items::new().flags());
        world.server.on("UID FETCH").instead("");
        sleep(Duration::from_secs(1)).await;
        let stored = inbox.store(uid(1), Store::remove([Flag::Flagged]));
        world.be_away(1000);
        world.server.disconnect(true);
        _ = holds_up.await;
        account.shutdown(Duration::from_secs(1)).await;
        if let Err(error) = stored.await {
            assert_eq!(error.sent(), Sent::No, "{error}");
        }
    })
    .await;
}
