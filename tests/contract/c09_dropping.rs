//! Promise 9: dropping is safe. Before its first byte a command that only reads is withdrawn, one
//! that changes something is sent all the same unless it was cancelled; once sent, a command runs
//! to its end and its data is discarded; when all handles are gone the connection logs out; every
//! future is cancel-safe.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use imap_duplex::command::{Append, Items, Raw, Search, StatusItems, Store};
use imap_duplex::types::{CloseReason, Flag};
use imap_duplex::{ErrorKind, Sent, Token};

use crate::client::{Events, brief, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

/// A command that is in flight and lets nothing else go out until its tag is answered.
async fn barrier(s: &mut Session) -> (Token<Raw>, String) {
    let token = s.imap.raw("XSLOW");
    let tag = s.server.expect("XSLOW").await;
    (token, tag)
}

async fn lift(s: &mut Session, barrier: (Token<Raw>, String)) {
    s.server.say(&format!("{} OK done", barrier.1)).await;
    barrier.0.await.expect("OK");
}

/// The server is asked to log out, and does; then the connection ends.
async fn logged_out(mut server: Peer) {
    let tag = server.expect("LOGOUT").await;
    server.say("* BYE").await;
    server.say(&format!("{tag} OK done")).await;
    server.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn dropped_before_it_is_sent_a_command_that_reads_is_withdrawn() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let wall = barrier(&mut s).await;
        drop(s.imap.status("Drafts", StatusItems::new().messages()));
        drop(s.imap.list("*"));
        drop(inbox.fetch(uid(11), Items::envelope()));
        drop(inbox.search(Search::all()));
        drop(s.imap.noop());
        drop(s.imap.select("Work"));
        let kept = s.imap.status("Sent", StatusItems::new().messages());
        lift(&mut s, wall).await;
        s.answer("STATUS Sent (MESSAGES)", &["* STATUS Sent (MESSAGES 1)"]).await;
        assert_eq!(kept.await.expect("answered").messages, Some(1));
        s.server.expect_silence(SHORT).await;
        assert_eq!(s.events.ready_briefs(), ["XSLOW OK", "STATUS OK"]);
        assert_eq!(s.imap.in_flight(), 0, "they hold no room");
        assert!(!inbox.has_ended());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropped_before_it_is_sent_a_command_that_changes_goes_out_all_the_same() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let wall = barrier(&mut s).await;
        drop(s.imap.create("Work"));
        drop(inbox.store(uid(11), Store::add([Flag::Flagged])));
        drop(inbox.fetch(uid(11), Items::body().marking_seen()));
        lift(&mut s, wall).await;
        s.answer("CREATE Work", &[]).await;
        s.answer(r"UID STORE 11 +FLAGS (\Flagged)", &[r"* 1 FETCH (UID 11 FLAGS (\Flagged))"]).await;
        s.answer("UID FETCH 11 (BODY[])", &["* 1 FETCH (UID 11 BODY[] \"x\")"]).await;
        let next = s.imap.noop();
        s.answer("NOOP", &[]).await;
        next.await.expect("OK");
        assert_eq!(
            s.events.ready_briefs(),
            [
                "XSLOW OK",
                "created Work",
                "CREATE OK",
                r"flags 1 uid 11 (\Flagged)",
                "STORE OK",
                "FETCH OK",
                "NOOP OK"
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_time_a_command_that_changes_is_taken_back() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = barrier(&mut s).await;
        s.imap.create("Work").cancel();
        s.imap.append("INBOX", "Subject: no\r\n\r\n").cancel();
        let kept = s.imap.create("Play");
        lift(&mut s, wall).await;
        s.answer("CREATE Play", &[]).await;
        kept.await.expect("created");
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_admitted_and_not_yet_written_can_still_be_withdrawn() {
    within(LIMIT, async {
        // The server takes 20 bytes: the first command is begun, those behind it are not.
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(20), true).await;
        let first = s.imap.create("a-mailbox-with-a-long-name");
        let reads = s.imap.status("Drafts", StatusItems::new().messages());
        let select = s.imap.select("Work");
        let changes = s.imap.create("b");
        let cancelled = s.imap.create("c");
        tokio::time::sleep(SHORT).await;
        drop(reads);
        drop(select);
        cancelled.cancel();
        drop(changes);
        tokio::time::sleep(SHORT).await;
        s.answer("CREATE a-mailbox-with-a-long-name", &[]).await;
        first.await.expect("created");
        s.answer("CREATE b", &[]).await;
        s.server.expect_silence(SHORT).await;
        // The SELECT that was never sent has left nothing behind.
        s.server.say("* OK hello").await;
        let hello = s.events.until_brief("notice OK hello").await;
        assert_eq!(hello.place, None, "no mailbox is being opened");
        assert_eq!(s.events.count("CREATE failed") + s.events.count("STATUS failed"), 0, "nothing was done");
        let inbox = s.select(&[11]).await;
        assert_eq!(inbox.exists(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn begun_and_dropped_a_command_is_written_to_its_end() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(10), true).await;
        let begun = s.imap.status("a-mailbox-with-a-long-name", StatusItems::new().messages());
        tokio::time::sleep(SHORT).await;
        drop(begun);
        let next = s.imap.status("b", StatusItems::new().messages());
        s.answer(
            "STATUS a-mailbox-with-a-long-name (MESSAGES)",
            &["* STATUS a-mailbox-with-a-long-name (MESSAGES 1)"],
        )
        .await;
        s.answer("STATUS b (MESSAGES)", &["* STATUS b (MESSAGES 2)"]).await;
        assert_eq!(next.await.expect("answered").messages, Some(2));
        assert_eq!(
            s.events.ready_briefs(),
            ["STATUS OK", "STATUS OK"],
            "its data is discarded, not reported"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropped_while_it_runs_its_rows_are_discarded_and_the_next_result_is_right() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let all = || uid(11)..=uid(12);
        let first = inbox.fetch(all(), Items::new().size());
        let second = inbox.fetch(all(), Items::new().size());
        let one = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        let two = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        tokio::time::sleep(SHORT).await;
        drop(first);
        let third = inbox.search(Search::all());
        // Behind the tag of the first, so that it is the second's.
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say(r"* 2 FETCH (FLAGS (\Seen))").await;
        s.server.say(&format!("{one} OK done")).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 10)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{two} OK done")).await;
        let sizes: Vec<_> = second.await.expect("fetched").iter().map(|row| row.size()).collect();
        assert_eq!(sizes, [Some(10), Some(20)]);
        s.answer("UID SEARCH RETURN (ALL) ALL", &["* SEARCH 11"]).await;
        assert_eq!(third.await.expect("searched").len(), 1);
        assert_eq!(
            s.events.ready_briefs(),
            [r"flags 2 uid 12 (\Seen)", "FETCH OK", "FETCH OK", "SEARCH OK"],
            "a change is reported even where the rows have no reader"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropped_after_its_end_a_token_means_nothing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let token = s.imap.create("Work");
        let rows = s.imap.list("*").stream();
        s.answer("CREATE Work", &[]).await;
        s.answer("LIST \"\" *", &["* LIST () \"/\" INBOX"]).await;
        s.events.until_brief("LIST OK").await;
        drop((token, rows));
        s.noop(&[]).await;
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_goes_to_its_end_though_its_token_is_gone() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1 UIDPLUS").await;
        let upload = s.imap.append("INBOX", "Subject: x\r\n\r\nbody\r\n");
        let next = s.imap.create("Work");
        let tag = s.server.expect("APPEND INBOX {20}").await;
        drop(upload);
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"Subject: x\r\n\r\nbody\r\n\r\n").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 9] done")).await;
        s.answer("CREATE Work", &[]).await;
        next.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_the_midst_of_its_dialogue_an_upload_goes_to_its_end_too() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1").await;
        let upload = s.imap.append("INBOX", Append::new("0123456789").flags([Flag::Seen]));
        let tag = s.server.expect(r"APPEND INBOX (\Seen) {10}").await;
        upload.cancel();
        tokio::time::sleep(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"0123456789\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_handle_keeps_its_select_from_being_withdrawn_and_dropping_it_unselects_nothing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = barrier(&mut s).await;
        let token = s.imap.select("INBOX");
        let inbox = token.mailbox();
        drop(token);
        lift(&mut s, wall).await;
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 1).await;
        s.fill(&[11]).await;
        let clone = inbox.clone();
        drop(inbox);
        let search = clone.search(Search::seen());
        drop(clone);
        s.answer("UID SEARCH RETURN (ALL) SEEN", &["* SEARCH 11"]).await;
        assert_eq!(search.await.expect("searched").len(), 1);
        s.server.expect_silence(SHORT).await;
        s.noop(&["* 1 EXPUNGE"]).await;
        s.events.until_brief("removed 1 uid 11").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_through_a_mailbox_keeps_its_select_too() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = barrier(&mut s).await;
        let search = {
            let token = s.imap.select("INBOX");
            token.mailbox().search(Search::seen())
        };
        lift(&mut s, wall).await;
        let select = s.server.expect("SELECT INBOX").await;
        let tag = s.server.expect("UID SEARCH RETURN (ALL) SEEN").await;
        s.tell_selected(&select, 0).await;
        s.server.say(&format!("{tag} OK done")).await;
        assert!(search.await.expect("searched").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_all_handles_are_gone_what_was_submitted_is_done_and_the_connection_logs_out() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let clone = s.imap.clone();
        let token = s.imap.create("Work");
        drop(s.imap.create("Play"));
        let Session { imap, events, mut server } = s;
        drop(imap);
        drop(events);
        drop(clone);
        let work = server.expect("CREATE Work").await;
        let play = server.expect("CREATE Play").await;
        server.expect_silence(SHORT).await;
        server.say(&format!("{work} OK made")).await;
        server.say(&format!("{play} OK made")).await;
        token.await.expect("created");
        server.expect_silence(SHORT).await;
        // The mailbox was the last.
        drop(inbox);
        logged_out(server).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_receiver_alone_keeps_the_connection() {
    within(LIMIT, async {
        let s = Session::open().await;
        let Session { imap, mut events, mut server } = s;
        drop(imap);
        server.expect_silence(SHORT).await;
        server.say("* OK still here").await;
        assert_eq!(events.brief().await, "notice OK still here");
        drop(events);
        server.expect("LOGOUT").await;
        // A server that just hangs up is left at that.
        drop(server);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_whose_handles_are_gone_leaves_idle_and_logs_out() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
        let inbox = s.select(&[]).await;
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.expect_silence(SHORT).await;
        let Session { imap, events, mut server } = s;
        drop((imap, events, inbox));
        server.expect_line("DONE").await;
        server.say(&format!("{tag} OK done")).await;
        logged_out(server).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_commands_work_on() {
    within(LIMIT, async {
        let s = Session::open().await;
        let Session { imap, events, mut server } = s;
        drop(events);
        let token = imap.status("Drafts", StatusItems::new().messages());
        let tag = server.expect("STATUS Drafts (MESSAGES)").await;
        server.say("* OK [ALERT] unread").await;
        server.say("* STATUS Drafts (MESSAGES 4)").await;
        server.say(&format!("{tag} OK done")).await;
        assert_eq!(token.await.expect("answered").messages, Some(4));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_future_given_up_loses_nothing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let mut token = inbox.search(Search::all());
        let mut rows = inbox.fetch(uid(11)..=uid(12), Items::new().size()).stream();
        let search = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        let fetch = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        // Each is polled, given up, and polled again.
        assert!(tokio::time::timeout(SHORT, &mut token).await.is_err());
        assert!(tokio::time::timeout(SHORT, rows.next()).await.is_err());
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say(&format!("* ESEARCH (TAG \"{search}\") UID ALL 11:12")).await;
        s.server.say(&format!("{search} OK done")).await;
        tokio::time::sleep(SHORT).await;
        // Polled once each, the result of which is looked at: nothing is taken that is not given.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(s.imap.ready()).poll(&mut cx).is_ready());
        assert_eq!(rows.next().await.expect("a row").expect("no error").size(), Some(1));
        assert_eq!(token.await.expect("searched").len(), 2);
        assert_eq!(rows.next().await.expect("a row").expect("no error").size(), Some(2));
        assert!(tokio::time::timeout(SHORT, rows.next()).await.is_err(), "the tagged line is still withheld");
        s.server.say(&format!("{fetch} OK done")).await;
        assert!(rows.next().await.is_none());
        assert!(rows.next().await.is_none(), "an ended stream stays so");
        assert_eq!(s.events.ready_briefs(), ["SEARCH OK", "FETCH OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_half_read_disturbs_nothing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let mut rows = inbox.fetch(uid(11)..=uid(13), Items::new().size()).stream();
        let tag = s.server.expect("UID FETCH 11:13 (RFC822.SIZE)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        assert_eq!(rows.next().await.expect("a row").expect("no error").uid(), Some(uid(11)));
        drop(rows);
        let next = inbox.fetch(uid(12), Items::envelope());
        s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 3)").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.answer("UID FETCH 12 (ENVELOPE)", &[]).await;
        assert!(next.await.expect("fetched").is_empty());
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "FETCH OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_driver_ends_everything_with_that_cause() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = quiet();
        let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready");
        let (connected, ()) = tokio::join!(config.handshake(stream), server.say(&greeting));
        let (imap, receiver, driver) = connected.expect("a greeting");
        let mut events = Events::strict(receiver);
        let running = tokio::spawn(driver);
        let sent = imap.create("a");
        server.expect("CREATE a").await;
        running.abort();
        assert!(running.await.expect_err("aborted").is_cancelled());
        let error = sent.await.expect_err("no answer will come");
        assert_eq!(error.close_reason(), Some(&CloseReason::Dropped));
        assert_eq!(error.sent(), Sent::Fully);
        let error = imap.noop().await.expect_err("it will not be sent");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No));
        assert_eq!(events.end().await, (CloseReason::Dropped, vec!["CREATE failed".to_owned()]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connecting_can_be_given_up() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = quiet();
        assert!(tokio::time::timeout(SHORT, config.connect_over(stream)).await.is_err());
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_command_is_reported_and_not_withdrawn() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let wall = barrier(&mut s).await;
        let id = s.imap.status("Drafts", StatusItems::new().messages()).detach();
        lift(&mut s, wall).await;
        s.answer("STATUS Drafts (MESSAGES)", &["* STATUS Drafts (MESSAGES 4)"]).await;
        s.events.until_brief("XSLOW OK").await;
        for wanted in ["data status Drafts", "detached STATUS OK"] {
            let event = s.events.next().await;
            assert_eq!((brief(&event), event.cause), (wanted.to_owned(), Some(id)));
        }
    })
    .await;
}
