//! Promise 13, IDLE: entered, left and renewed by the engine, with a server that does what it
//! should not, or what it may and few do.

use std::time::Duration;

use imap_duplex::Mailbox;
use imap_duplex::command::{Append, Notify, NotifyEvent};

use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

/// A client that idles by itself, with INBOX selected and idling.
async fn idling() -> (Session, Mailbox, String) {
    let mut s = Session::on(&quiet().auto_idle(true), CAPABILITIES, Peer::pair(), true).await;
    let inbox = s.select(&[11]).await;
    let tag = s.server.expect("IDLE").await;
    s.server.say("+ idling").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    (s, inbox, tag)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_tired_of_idle_is_asked_again() {
    within(LIMIT, async {
        let (mut s, _inbox, tag) = idling().await;
        s.server.say(&format!("{tag} OK enough")).await;
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.say("* OK Still here").await;
        tokio::time::sleep(SHORT).await;
        let token = s.imap.create("Work");
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.answer("CREATE Work", &[]).await;
        token.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn done_that_crosses_the_servers_own_end_of_idle_is_forgiven() {
    within(LIMIT, async {
        let (mut s, _inbox, tag) = idling().await;
        let token = s.imap.create("Work");
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK enough")).await;
        s.server.say("DONE BAD no such command").await;
        s.answer("CREATE Work", &[]).await;
        token.await.expect("created");
        // The reader is strict: the BAD is no event.
        assert_eq!(s.events.ready_briefs(), ["created Work", "CREATE OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_idle_is_not_accepted_nothing_else_goes_out_and_done_follows_the_plus() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
        s.select(&[11]).await;
        let tag = s.server.expect("IDLE").await;
        let token = s.imap.create("Work");
        s.server.expect_silence(SHORT).await;
        s.server.say("* OK slow").await;
        s.server.say("+ idling").await;
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.answer("CREATE Work", &[]).await;
        token.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_idle_is_polled() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
        let inbox = s.select(&[11]).await;
        let tag = s.server.expect("IDLE").await;
        s.server.say(&format!("{tag} BAD what is that")).await;
        let start = tokio::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(55)).await;
        s.answer("NOOP", &["* 1 EXPUNGE"]).await;
        assert!(start.elapsed() >= Duration::from_secs(59), "{:?}", start.elapsed());
        s.events.until_brief("removed 1 uid 11").await;
        tokio::time::sleep(Duration::from_secs(55)).await;
        s.answer("NOOP", &[]).await;
        assert_eq!(inbox.exists(), 0);
        assert_eq!(s.events.count("NOOP OK"), 1, "completions of internal commands are no events");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_is_renewed_in_time() {
    within(Duration::from_secs(3000), async {
        let (mut s, _inbox, mut tag) = idling().await;
        for _ in 0..3 {
            let start = tokio::time::Instant::now();
            s.server.expect_silence(Duration::from_secs(595)).await;
            s.server.expect_line("DONE").await;
            assert!(start.elapsed() <= Duration::from_secs(605));
            s.server.say(&format!("{tag} OK done")).await;
            tag = s.server.expect("IDLE").await;
            s.server.say("+ idling").await;
        }
        assert_eq!(s.events.ready_briefs(), [""; 0], "no event");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_waits_for_a_short_quiet() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
        s.select(&[11]).await;
        // A caller that sends one command after the other is never in the way of an IDLE.
        for _ in 0..20 {
            s.noop(&[]).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let start = tokio::time::Instant::now();
        s.server.expect("IDLE").await;
        assert!(start.elapsed() <= Duration::from_millis(100));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_by_hand_ends_by_cancel_by_the_next_command_and_by_the_server() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;

        let idle = inbox.idle();
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.expect_silence(Duration::from_secs(60)).await;
        s.server.say("* 1 EXPUNGE").await;
        s.events.until_brief("removed 1 uid 11").await;
        let next = s.imap.create("Work");
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        idle.await.expect("ended by the next command");
        s.answer("CREATE Work", &[]).await;
        next.await.expect("created");

        let idle = inbox.idle();
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        tokio::time::sleep(SHORT).await;
        idle.cancel();
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;

        let idle = inbox.idle();
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.say(&format!("{tag} OK enough")).await;
        idle.await.expect("ended by the server");
        s.server.expect_silence(Duration::from_secs(60)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_idle_is_polled() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), "IMAP4rev1 ESEARCH IDLE").await;
        let _inbox = s.select(&[11]).await;
        let tag = s.server.expect("IDLE").await;
        let start = tokio::time::Instant::now();
        // With a literal, so that a late `+` could do harm.
        let token = s.imap.append("INBOX", Append::new("hello"));
        tokio::time::sleep(Duration::from_secs(25)).await;
        s.server.say("* 2 EXISTS").await;
        s.server.expect_line("DONE").await;
        assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
        s.server.say("+ idling at last").await;
        s.server.expect_silence(SHORT).await;
        s.server.say(&format!("{tag} OK done")).await;
        let tag = s.server.expect("APPEND INBOX {5}").await;
        s.server.say(&format!("{tag} NO [TRYCREATE] not here")).await;
        token.await.expect_err("refused, and not a byte of the message went out");
        s.answer("UID FETCH 12:* (FLAGS)", &["* 2 FETCH (UID 12 FLAGS ())"]).await;
        s.events.until_brief("arrived 2 uid 12").await;
        tokio::time::sleep(Duration::from_secs(55)).await;
        s.answer("NOOP", &[]).await;
        // It took DONE for a command.
        s.server.say("DONE BAD no such command").await;
        tokio::time::sleep(Duration::from_secs(55)).await;
        s.answer("NOOP", &[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_idles_with_nothing_selected_and_under_notify_too() {
    within(Duration::from_secs(3000), async {
        let can = "IMAP4rev1 ESEARCH IDLE NOTIFY";
        let mut s = Session::on(&quiet().auto_idle(true), can, Peer::pair(), true).await;
        let tag = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        tokio::time::sleep(SHORT).await;
        let token = s.imap.notify(Notify::set().personal(NotifyEvent::MESSAGES));
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        let selected = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
        let watched = "(personal (MessageNew MessageExpunge FlagChange))";
        s.answer(&format!("NOTIFY SET {selected} {watched}"), &[]).await;
        token.await.expect("watched");
        let start = tokio::time::Instant::now();
        let tag = s.server.expect("IDLE").await;
        assert!(start.elapsed() <= Duration::from_millis(100), "{:?}", start.elapsed());
        s.server.say("+ idling").await;
        s.server.say("* STATUS Work (MESSAGES 1)").await;
        s.events.until_brief("status Work").await;
        s.server.expect_silence(Duration::from_secs(595)).await;
        s.server.expect_line("DONE").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.server.expect("IDLE").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_refused_with_nothing_selected_is_polled_there_and_used_in_a_mailbox() {
    within(Duration::from_secs(3000), async {
        for answer in ["NO select a mailbox first", "BAD not in this state"] {
            let mut s = Session::on(&quiet().auto_idle(true), CAPABILITIES, Peer::pair(), true).await;
            let tag = s.server.expect("IDLE").await;
            s.server.say(&format!("{tag} {answer}")).await;
            for _ in 0..3 {
                s.server.expect_silence(Duration::from_secs(55)).await;
                s.answer("NOOP", &[]).await;
            }
            let inbox = s.select(&[11]).await;
            let tag = s.server.expect("IDLE").await;
            s.server.say("+ idling").await;
            tokio::time::sleep(SHORT).await;
            let unselected = inbox.unselect();
            s.server.expect_line("DONE").await;
            s.server.say(&format!("{tag} OK done")).await;
            s.answer("UNSELECT", &[]).await;
            unselected.await.expect("unselected");
            s.server.expect_silence(Duration::from_secs(55)).await;
            s.answer("NOOP", &[]).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_refused_in_a_mailbox_is_not_asked_for_without_one() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet().auto_idle(true), CAPABILITIES, Peer::pair(), true).await;
        let inbox = s.select(&[11]).await;
        let tag = s.server.expect("IDLE").await;
        s.server.say(&format!("{tag} BAD what is that")).await;
        let unselected = inbox.unselect();
        s.answer("UNSELECT", &[]).await;
        unselected.await.expect("unselected");
        s.server.expect_silence(Duration::from_secs(55)).await;
        s.answer("NOOP", &[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_login_there_is_no_idle() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = quiet().auto_idle(true);
        let greeting = format!("* OK [CAPABILITY {CAPABILITIES}] ready");
        let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(&greeting));
        let _session = connected.expect("connected");
        server.expect_silence(Duration::from_secs(55)).await;
        let tag = server.expect("NOOP").await;
        server.say(&format!("{tag} OK done")).await;
    })
    .await;
}
