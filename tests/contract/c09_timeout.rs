//! Promise 9, for a token whose time ends ([`Token::timeout`](imap_duplex::Token::timeout)): before
//! its first byte the command is withdrawn; once sent it runs to its end, its data is discarded,
//! and nothing after it is disturbed. The error says which.

use std::time::Duration;

use imap_duplex::command::{Idle, Items, Search, StatusItems};
use imap_duplex::types::Answer;
use imap_duplex::{Error, ErrorKind, Sent};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);
const FIVE: Duration = Duration::from_secs(5);

fn is_too_late(error: &Error, sent: Sent) {
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, sent), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_token_fails_at_its_limit_and_the_tag_is_drained() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let started = tokio::time::Instant::now();
        let search = inbox.search(Search::all()).timeout(FIVE);
        let (error, tag) = tokio::join!(search, s.server.expect("UID SEARCH RETURN (ALL) ALL"));
        let error = error.expect_err("no answer");
        assert_eq!(started.elapsed(), FIVE);
        is_too_late(&error, Sent::Fully);
        assert_eq!(error.to_string(), "SEARCH in INBOX: it took longer than 5s, the limit set for it");
        // The next one gets its own answer, and the late one goes nowhere.
        let next = inbox.search(Search::flagged());
        let second = s.server.expect("UID SEARCH RETURN (ALL) FLAGGED").await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 11:12")).await;
        s.server.say(&format!("{tag} OK done")).await;
        s.server.say(&format!("* ESEARCH (TAG \"{second}\") UID ALL 12")).await;
        s.server.say(&format!("{second} OK done")).await;
        assert_eq!(next.await.expect("found").uids().to_string(), "12");
        assert_eq!(s.events.ready_briefs(), ["SEARCH OK", "SEARCH OK"]);
        assert_eq!(s.imap.in_flight(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_time_a_limit_changes_nothing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let status = s.imap.status("Drafts", StatusItems::new().messages()).timeout(FIVE);
        tokio::time::sleep(SHORT).await;
        s.answer("STATUS Drafts (MESSAGES)", &["* STATUS Drafts (MESSAGES 1)"]).await;
        assert_eq!(status.await.expect("answered").messages, Some(1));
        // A later limit replaces an earlier one; one without end is none.
        let noop = s.imap.noop().timeout(SHORT).timeout(Duration::MAX);
        tokio::time::sleep(FIVE).await;
        s.answer("NOOP", &[]).await;
        noop.await.expect("answered");
        tokio::time::sleep(FIVE).await;
        assert_eq!(s.events.ready_briefs(), ["STATUS OK", "NOOP OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn unsent_by_then_a_command_is_withdrawn_whatever_it_does() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = s.imap.raw("XSLOW");
        let tag = s.server.expect("XSLOW").await;
        let (reads, changes) = (s.imap.list("*").timeout(FIVE), s.imap.create("Work").timeout(FIVE));
        let (selects, kept) = (s.imap.select("Work").timeout(FIVE), s.imap.create("Play"));
        let (reads, changes, selects) = tokio::join!(reads, changes, selects);
        is_too_late(&reads.expect_err("not sent"), Sent::No);
        is_too_late(&selects.map(drop).expect_err("not sent"), Sent::No);
        let changes = changes.expect_err("not sent");
        is_too_late(&changes, Sent::No);
        assert!(changes.to_string().ends_with("(not sent)"), "{changes}");
        s.server.say(&format!("{tag} OK done")).await;
        wall.await.expect("OK");
        s.answer("CREATE Play", &[]).await;
        kept.await.expect("created");
        s.server.expect_silence(SHORT).await;
        let failed = s.events.ready_briefs().into_iter().filter(|brief| brief.contains("failed"));
        assert_eq!(failed.count(), 3, "their ends are reported");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_select_that_others_rest_on_is_sent_all_the_same() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = s.imap.raw("XSLOW");
        let tag = s.server.expect("XSLOW").await;
        let select = s.imap.select("INBOX").timeout(FIVE);
        let inbox = select.mailbox();
        let search = inbox.search(Search::flagged());
        is_too_late(&select.await.map(drop).expect_err("late"), Sent::No);
        s.server.say(&format!("{tag} OK done")).await;
        wall.await.expect("OK");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 0).await;
        s.answer("UID SEARCH RETURN (ALL) FLAGGED", &[]).await;
        assert!(search.await.expect("searched").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_admitted_and_not_yet_written_is_withdrawn_and_what_was_begun_goes_on() {
    within(LIMIT, async {
        // The server takes 20 bytes: the first command is begun, those behind it are not.
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(20), true).await;
        let begun = s.imap.create("a-mailbox-with-a-long-name").timeout(FIVE);
        let unsent = s.imap.create("b").timeout(FIVE);
        let (begun, unsent) = tokio::join!(begun, unsent);
        let begun = begun.expect_err("late");
        is_too_late(&begun, Sent::Partly);
        assert!(begun.to_string().ends_with("(sent in part)"), "{begun}");
        is_too_late(&unsent.expect_err("late"), Sent::No);
        s.answer("CREATE a-mailbox-with-a-long-name", &[]).await;
        s.server.expect_silence(SHORT).await;
        let briefs = s.events.ready_briefs();
        assert!(briefs.contains(&"CREATE OK".to_owned()), "{briefs:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rows_until_then_are_given() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let sizes = || inbox.fetch(uid(11)..=uid(12), Items::new().size()).timeout(FIVE);
        // As a stream: the row, the error, the end.
        let mut rows = sizes().stream();
        let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        tokio::time::sleep(FIVE).await;
        assert_eq!(rows.next().await.expect("a row").expect("a row").size(), Some(1));
        is_too_late(&rows.next().await.expect("an error").expect_err("late"), Sent::Fully);
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        assert!(rows.next().await.is_none());
        s.server.say(&format!("{tag} OK done")).await;
        // Awaited: in the error.
        let (error, tag) = tokio::join!(sizes(), async {
            let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
            s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
            tag
        });
        let error = error.expect_err("late");
        is_too_late(&error, Sent::Fully);
        assert!(matches!(error.answers(), [Answer::Fetch(_)]), "{:?}", error.answers());
        s.server.say(&format!("{tag} OK done")).await;
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_cancel_safe_and_unread_it_fails_all_the_same() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let mut noop = s.imap.noop().timeout(FIVE);
        let tag = s.server.expect("NOOP").await;
        tokio::time::timeout(SHORT, &mut noop).await.expect_err("not yet");
        tokio::time::sleep(FIVE).await;
        // It ends after its time and before anyone looks: once is enough.
        s.server.say(&format!("{tag} OK late")).await;
        tokio::time::sleep(SHORT).await;
        is_too_late(&(&mut noop).await.expect_err("late"), Sent::Fully);
        assert_eq!((&mut noop).await.expect_err("taken").kind(), ErrorKind::Invalid);
        assert_eq!(s.events.ready_briefs(), ["NOOP OK"]);
        // Detached, it has no limit; dropped, it has no reader.
        s.imap.noop().timeout(SHORT).detach();
        drop(s.imap.create("Work").timeout(SHORT));
        tokio::time::sleep(FIVE).await;
        s.answer("NOOP", &[]).await;
        s.answer("CREATE Work", &[]).await;
        tokio::time::sleep(SHORT).await;
        assert_eq!(s.events.ready_briefs(), ["detached NOOP OK", "created Work", "CREATE OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_by_hand_is_ended() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        s.select(&[11]).await;
        let idle = s.imap.submit(Idle).timeout(FIVE);
        let (error, tag) = tokio::join!(idle, async {
            let tag = s.server.expect("IDLE").await;
            s.server.say("+ idling").await;
            tag
        });
        is_too_late(&error.expect_err("its time is over"), Sent::Fully);
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_at_once_leave_nothing_behind() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = s.imap.raw("XSLOW");
        let tag = s.server.expect("XSLOW").await;
        let noops: Vec<_> = (0..1000).map(|_| s.imap.noop().timeout(FIVE)).collect();
        for noop in noops {
            is_too_late(&noop.await.expect_err("not sent"), Sent::No);
        }
        s.server.say(&format!("{tag} OK done")).await;
        wall.await.expect("OK");
        assert_eq!(s.imap.in_flight(), 0);
        s.server.expect_silence(SHORT).await;
    })
    .await;
}
