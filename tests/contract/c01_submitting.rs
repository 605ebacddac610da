//! Promise 1: submitting never waits for the network; commands go out in the order of the calls;
//! past the bound a token fails with `QueueFull`, unsent, and `ready` waits for room.

use std::time::Duration;

use imap_duplex::command::StatusItems;
use imap_duplex::types::{CloseReason, Event, EventKind, Limits};
use imap_duplex::{ErrorKind, Sent};

use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

fn bounded(commands: usize) -> imap_duplex::Config {
    let mut limits = Limits::default();
    limits.commands = commands;
    quiet().limits(limits)
}

#[tokio::test(start_paused = true)]
async fn commands_go_out_in_the_order_of_the_calls_however_slowly_the_server_reads() {
    within(LIMIT, async {
        // The server takes 64 bytes until it reads: most of this can't be written when it is
        // submitted.
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(64), true).await;
        let tokens: Vec<_> =
            (0..500).map(|n| s.imap.status(format!("box{n}"), StatusItems::new().messages())).collect();
        assert_eq!(s.imap.in_flight(), 500);

        let mut tags = Vec::new();
        for n in 0..500 {
            tags.push(s.server.expect(&format!("STATUS box{n} (MESSAGES)")).await);
        }
        for (n, tag) in tags.iter().enumerate() {
            s.server.say(&format!("* STATUS box{n} (MESSAGES {n})")).await;
            s.server.say(&format!("{tag} OK done")).await;
        }
        for (n, token) in tokens.into_iter().enumerate() {
            let status = token.await.expect("the server said OK");
            assert_eq!(status.messages, u32::try_from(n).ok());
        }
        assert_eq!(s.imap.in_flight(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn clones_of_the_sender_share_one_order() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let other = s.imap.clone();
        let first = s.imap.create("one");
        let second = other.create("two");
        let third = tokio::spawn({
            let imap = s.imap.clone();
            async move { imap.create("three").await }
        });
        s.answer("CREATE one", &[]).await;
        s.answer("CREATE two", &[]).await;
        s.answer("CREATE three", &[]).await;
        first.await.expect("created");
        second.await.expect("created");
        third.await.expect("no panic").expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn past_the_bound_a_token_fails_at_once_unsent_and_the_others_are_not_disturbed() {
    within(LIMIT, async {
        let mut s = Session::with(&bounded(3), CAPABILITIES).await;
        let tokens = [s.imap.create("a"), s.imap.create("b"), s.imap.create("c")];
        let error = s.imap.create("d").await.expect_err("three wait already");
        assert_eq!(error.kind(), ErrorKind::QueueFull);
        assert_eq!(error.sent(), Sent::No);
        assert_eq!(error.command(), Some("CREATE"));
        assert!(error.to_string().contains('3'), "it names the bound: {error}");

        for name in ["a", "b", "c"] {
            s.answer(&format!("CREATE {name}"), &[]).await;
        }
        for token in tokens {
            token.await.expect("created");
        }
        let again = s.imap.create("d");
        s.answer("CREATE d", &[]).await;
        again.await.expect("there is room again");
        s.server.expect_silence(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_at_once_is_reported_by_its_token_or_on_the_stream_if_that_is_detached() {
    within(LIMIT, async {
        let mut s = Session::with(&bounded(1), CAPABILITIES).await;
        let sent = s.imap.create("a");
        let tag = s.server.expect("CREATE a").await;
        s.imap.noop().await.expect_err("there is no room");
        let refused = s.imap.create("b").detach();
        s.server.say(&format!("{tag} OK made")).await;
        sent.await.expect("created");
        let reported = s.events.ready();
        let failed: Vec<_> = reported.iter().filter(|e| matches!(e.kind, EventKind::Failed { .. })).collect();
        let [Event { cause: Some(cause), kind: EventKind::Failed { command, kind, sent, reason, .. }, .. }] =
            &failed[..]
        else {
            panic!("{failed:?}")
        };
        assert_eq!((*cause, command.as_str()), (refused, "CREATE"));
        assert_eq!((*kind, *sent), (ErrorKind::QueueFull, Sent::No));
        assert!(!reason.contains("CREATE"), "{reason}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn commands_in_flight_count_too() {
    within(LIMIT, async {
        let mut s = Session::with(&bounded(1), CAPABILITIES).await;
        let sent = s.imap.create("a");
        let tag = s.server.expect("CREATE a").await;
        assert_eq!(s.imap.noop().await.expect_err("one is in flight").kind(), ErrorKind::QueueFull);
        s.server.say(&format!("{tag} OK made")).await;
        sent.await.expect("created");
        let next = s.imap.noop();
        s.answer("NOOP", &[]).await;
        next.await.expect("room again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ready_waits_for_room_and_no_longer() {
    within(LIMIT, async {
        let mut s = Session::with(&bounded(2), CAPABILITIES).await;
        s.imap.ready().await.expect("there is room");
        let (first, second) = (s.imap.create("a"), s.imap.create("b"));
        let tag = s.server.expect("CREATE a").await;
        let later = s.server.expect("CREATE b").await;
        let waited = tokio::time::timeout(Duration::from_secs(60), s.imap.ready()).await;
        assert!(waited.is_err(), "there is no room");

        let waiting = tokio::spawn({
            let imap = s.imap.clone();
            async move {
                imap.ready().await?;
                imap.noop().await
            }
        });
        s.server.expect_silence(Duration::from_secs(1)).await;
        s.server.say(&format!("{tag} OK made")).await;
        s.answer("NOOP", &[]).await;
        waiting.await.expect("no panic").expect("it had room");
        s.server.say(&format!("{later} OK made")).await;
        first.await.expect("created");
        second.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ready_ends_with_the_connection() {
    within(LIMIT, async {
        let s = Session::with(&bounded(1), CAPABILITIES).await;
        let token = s.imap.create("a");
        let waiting = tokio::spawn({
            let imap = s.imap.clone();
            async move { imap.ready().await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        drop(s.server);
        let error = waiting.await.expect("no panic").expect_err("there will never be room");
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(token.await.expect_err("no answer came").kind(), ErrorKind::Closed);
        assert_eq!(s.imap.ready().await.expect_err("nor later").kind(), ErrorKind::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn room_is_there_once_the_token_of_the_last_command_resolves() {
    within(LIMIT, async {
        let mut s = Session::with(&bounded(1), CAPABILITIES).await;
        for n in 0..20 {
            let token = s.imap.create(format!("a{n}"));
            s.answer(&format!("CREATE a{n}"), &[]).await;
            token.await.expect("each finds the room that the one before left");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn logout_keeps_its_place_and_waits_for_no_answer() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let before = s.imap.create("a");
        let logout = s.imap.logout();
        let after = s.imap.create("b");
        let create = s.server.expect("CREATE a").await;
        let bye = s.server.expect("LOGOUT").await;

        s.server.say(&format!("{create} OK made")).await;
        s.server.say("* BYE see you").await;
        s.server.say(&format!("{bye} OK done")).await;
        before.await.expect("it was answered");
        logout.await.expect("BYE and OK");
        s.server.expect_end().await;
        drop(s.server);
        let (reason, before) = s.events.end().await;
        assert_eq!(reason, CloseReason::Logout);
        assert_eq!(before, ["created a", "CREATE OK", "LOGOUT OK", "CREATE failed"]);
        let error = after.await.expect_err("it comes after LOGOUT");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No));
        assert_eq!(error.close_reason(), Some(&CloseReason::Logout));
        let error = s.imap.noop().await.expect_err("the connection has ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No));
    })
    .await;
}

/// Contract, promise 11: whatever is received between LOGOUT and its answer, what was submitted
/// after it ends with the same cause.
#[tokio::test(start_paused = true)]
async fn what_comes_after_logout_ends_as_the_connection_does() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let logout = s.imap.logout();
        let after = s.imap.create("b");
        s.server.expect("LOGOUT").await;
        drop(s.server);
        let (reason, _) = s.events.end().await;
        assert_ne!(reason, CloseReason::Logout, "there was no BYE");
        for error in [logout.await.expect_err("not answered"), after.await.expect_err("not sent")] {
            assert_eq!(error.close_reason(), Some(&reason), "{error}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn logout_keeps_its_place_behind_what_must_wait_too() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        // A barrier: what follows waits until it has ended, LOGOUT behind it too.
        let barrier = s.imap.raw("XSLOW");
        let waiting = s.imap.create("a");
        let logout = s.imap.logout();
        let tag = s.server.expect("XSLOW").await;
        s.server.expect_silence(Duration::from_secs(1)).await;
        s.server.say(&format!("{tag} OK done")).await;
        barrier.await.expect("OK");
        let create = s.server.expect("CREATE a").await;
        let bye = s.server.expect("LOGOUT").await;
        s.server.say(&format!("{create} OK made")).await;
        s.server.say("* BYE").await;
        s.server.say(&format!("{bye} OK done")).await;
        waiting.await.expect("created");
        logout.await.expect("logged out");
    })
    .await;
}
