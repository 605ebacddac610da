//! Promise 11, everything ends: a server that is gone is found out, in IDLE within a bound, and at
//! once where the program asks.

use std::time::Duration;

use imap_duplex::command::{Items, StatusItems};
use imap_duplex::types::CloseReason;
use imap_duplex::{ErrorKind, Timeouts};
use tokio::time::{Instant, sleep};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

const S: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_check_that_is_answered_leaves_no_trace() {
    within(3 * LIMIT, async {
        let mut s = Session::open().await;
        for _ in 0..3 {
            let check = s.imap.check();
            let tag = s.server.expect("NOOP").await;
            sleep(9 * S).await;
            s.server.say(&format!("{tag} OK here")).await;
            check.await.expect("it is there");
            // Silent for as long as it likes, and slow again.
            sleep(300 * S).await;
            let slow = s.imap.status("a", StatusItems::new().messages());
            let tag = s.server.expect("STATUS a (MESSAGES)").await;
            sleep(60 * S).await;
            s.server.say("* STATUS a (MESSAGES 1)").await;
            s.server.say(&format!("{tag} OK done")).await;
            slow.await.expect("the limit is that of silence again");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_not_answered_ends_the_connection_soon() {
    within(LIMIT, async {
        for (limit, awaited) in [(None, true), (None, false), (Some(3 * S), true)] {
            let mut timeouts = Timeouts::default();
            if let Some(limit) = limit {
                timeouts.check = limit;
            }
            let limit = timeouts.check;
            let mut s = Session::with(&quiet().timeouts(timeouts), CAPABILITIES).await;
            let before = s.imap.status("a", StatusItems::new().messages());
            s.server.expect("STATUS a (MESSAGES)").await;
            sleep(30 * S).await;
            let start = Instant::now();
            let check = s.imap.check();
            let error =
                if awaited { check.await.expect_err("gone") } else { before.await.expect_err("gone") };
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:#}");
            let Some(CloseReason::Timeout { waiting_for, .. }) = error.close_reason() else {
                panic!("{error:?}")
            };
            assert!(waiting_for.contains(&format!("nothing came for {limit:?}")), "{waiting_for}");
            assert!(start.elapsed() >= limit && start.elapsed() < limit + S, "{:?}", start.elapsed());
            assert!(matches!(s.events.end().await.0, CloseReason::Timeout { .. }));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_download_is_a_sign_of_life() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let rows = inbox.fetch(uid(11), Items::new().size());
        let tag = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        let check = s.imap.check();
        let noop = s.server.expect("NOOP").await;
        for byte in b"* 1 FETCH (UID 11 RFC822.SIZE 1)\r\n" {
            sleep(8 * S).await;
            s.server.send(&[*byte]).await;
        }
        s.server.send(format!("{tag} OK done\r\n{noop} OK here\r\n").as_bytes()).await;
        check.await.expect("it is there");
        assert_eq!(rows.await.expect("whole").len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_vanishes_in_idle_is_found_out_within_the_bound_or_when_asked() {
    within(3 * LIMIT, async {
        for checked in [false, true] {
            let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
            let inbox = s.select(&[11]).await;
            s.server.expect("IDLE").await;
            s.server.say("+ idling").await;
            sleep(20 * S).await;
            // From here on it is as if the cable were cut.
            let start = Instant::now();
            let check = checked.then(|| s.imap.check());
            let timeouts = Timeouts::default();
            let bound = if checked { 11 * S } else { timeouts.idle_renew + timeouts.silence };
            while !inbox.has_ended() {
                sleep(S).await;
            }
            assert!(start.elapsed() <= bound, "{:?}", start.elapsed());
            drop(check);
            assert!(matches!(s.events.end().await.0, CloseReason::Timeout { .. }));
        }
    })
    .await;
}
