//! Promise 11: when the connection ends, every token resolves with the same cause (the server's BYE
//! if there was one) and says whether its command had been sent; the last event is `Closed` with
//! that cause.

use std::time::Duration;

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::{CloseReason, Flag, Status, UidSet};
use imap_duplex::{Error, ErrorKind, Sent, Timeouts};
use tokio::io::AsyncWriteExt;

use crate::client::{Events, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

/// The cause of an error that the end of the connection brought.
fn cause(error: &Error) -> &CloseReason {
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    error.close_reason().expect("a connection's end has a reason")
}

#[tokio::test(start_paused = true)]
async fn all_tokens_end_with_one_cause_and_say_how_much_was_sent() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1").await;
        let whole = s.imap.create("a");
        let part = s.imap.append("INBOX", "Subject: x\r\n\r\n");
        let none = s.imap.create("b");
        s.server.expect("CREATE a").await;
        s.server.expect("APPEND INBOX {14}").await;
        drop(s.server);
        let errors = [
            whole.await.expect_err("no answer"),
            part.await.expect_err("no answer"),
            none.await.expect_err("not sent"),
            s.imap.ready().await.expect_err("ended"),
        ];
        assert!(errors.iter().all(|error| cause(error) == &CloseReason::Eof), "{errors:?}");
        let sent: Vec<_> = errors.iter().map(Error::sent).collect();
        assert_eq!(sent, [Sent::Fully, Sent::Partly, Sent::No, Sent::No]);
        let names: Vec<_> = errors[..3].iter().map(Error::command).collect();
        assert_eq!(names, [Some("CREATE"), Some("APPEND"), Some("CREATE")]);
        let (reason, before) = s.events.end().await;
        assert_eq!(reason, CloseReason::Eof);
        assert_eq!(before, ["CREATE failed", "APPEND failed", "CREATE failed"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_bye_is_the_cause() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let token = s.imap.create("a");
        s.server.expect("CREATE a").await;
        s.server.say("* BYE [UNAVAILABLE] back at noon").await;
        drop(s.server);
        let error = token.await.expect_err("no answer");
        let CloseReason::Bye(bye) = cause(&error) else { panic!("{error:?}") };
        assert_eq!((bye.status, bye.text.as_str()), (Status::Bye, "back at noon"));
        assert_eq!(error.code().map(|code| code.name()), Some("UNAVAILABLE"));
        assert!(error.to_string().contains("back at noon"), "{error}");
        let (reason, _) = s.events.end().await;
        assert_eq!(&reason, cause(&error));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_between_bye_and_the_end_still_counts() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let token = inbox.fetch(uid(11), Items::new().size());
        let late = s.imap.create("a");
        let tag = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.server.expect("CREATE a").await;
        s.server.say("* BYE shutting down").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        s.server.say(&format!("{tag} OK done")).await;
        drop(s.server);
        assert_eq!(token.await.expect("it was answered").len(), 1);
        assert!(matches!(cause(&late.await.expect_err("not answered")), CloseReason::Bye(_)));
        let (reason, before) = s.events.end().await;
        assert!(matches!(reason, CloseReason::Bye(_)));
        assert_eq!(before, ["FETCH OK", "CREATE failed"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_bye_and_does_not_close_is_not_waited_for_long() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let token = s.imap.create("a");
        s.server.expect("CREATE a").await;
        s.server.say("* BYE shutting down").await;
        let start = tokio::time::Instant::now();
        let error = token.await.expect_err("no answer");
        assert!(matches!(cause(&error), CloseReason::Bye(_)));
        assert!(start.elapsed() < Duration::from_secs(10));
        s.server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_bye() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        s.server.say("* BYE shutting down").await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let token = s.imap.create("a");
        s.server.expect_silence(Duration::from_millis(500)).await;
        drop(s.server);
        let error = token.await.expect_err("not sent");
        assert_eq!(error.sent(), Sent::No);
        assert!(matches!(cause(&error), CloseReason::Bye(_)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_writing_fails_what_the_server_still_said_is_read_first() {
    within(LIMIT, async {
        // The server says goodbye and closes while we are not looking; writing fails then, reading
        // does not.
        let (theirs, mut server) = tokio::io::duplex(65_536);
        let config = quiet();
        let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready\r\n");
        let (connected, written) =
            tokio::join!(config.handshake(theirs), server.write_all(greeting.as_bytes()));
        written.expect("there is room");
        let (imap, receiver, driver) = connected.expect("a greeting");
        let mut events = Events::strict(receiver);
        let token = imap.create("a");
        server.write_all(b"* OK [ALERT] power\r\n* BYE power cut\r\n").await.expect("there is room");
        drop(server);
        let end = driver.await.expect_err("no logout");
        assert!(matches!(cause(&end), CloseReason::Bye(_)), "{end:?}");
        let error = token.await.expect_err("not answered");
        assert_eq!((cause(&error), error.sent()), (cause(&end), Sent::No));
        let (reason, before) = events.end().await;
        assert_eq!(&reason, cause(&end));
        assert_eq!(before, ["alert power", "CREATE failed"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cut_off_in_the_midst_of_a_response_nothing_of_it_is_believed() {
    within(LIMIT, async {
        for (cut, rows) in [
            (&b"* 2 FETCH (UID 12 RFC822.SIZE 2"[..], 1),
            (b"* 2 FETCH (UID 12 BODY[] {100}\r\nhalf of it", 1),
            (b"* 2 FETCH (UID 12 RFC822.SIZE 2)\r", 1),
            (b"* 2 FETCH (UID 12 RFC822.SIZE 2)\r\nA", 2),
        ] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11, 12]).await;
            let token = inbox.fetch(uid(11)..=uid(12), Items::new().size());
            s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
            s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
            s.server.send(cut).await;
            drop(s.server);
            let error = token.await.expect_err("a lost connection is never a result");
            let reason = cause(&error).clone();
            assert!(matches!(reason, CloseReason::Eof | CloseReason::Protocol(_)), "{reason:?}");
            assert_eq!(error.answers().len(), rows, "what had come whole is not lost");
            assert_eq!(s.events.end().await.0, reason);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_what_came_and_then_the_cause() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let mut rows = inbox.fetch(uid(11)..=uid(12), Items::new().size()).stream();
        s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        drop(s.server);
        assert_eq!(rows.next().await.expect("a row").expect("whole").size(), Some(1));
        let error = rows.next().await.expect("an end").expect_err("as an error");
        assert_eq!(cause(&error), &CloseReason::Eof);
        assert!(rows.next().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_with_a_command_in_flight_is_given_up() {
    within(LIMIT, async {
        let mut timeouts = Timeouts::default();
        timeouts.silence = Duration::from_secs(20);
        let mut s = Session::with(&quiet().timeouts(timeouts), CAPABILITIES).await;
        let start = tokio::time::Instant::now();
        let slow = s.imap.status("a", StatusItems::new().messages());
        let tag = s.server.expect("STATUS a (MESSAGES)").await;
        // A sign of life, whatever it says, is enough.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(15)).await;
            s.server.say("* OK working").await;
        }
        s.server.say("* STATUS a (MESSAGES 1)").await;
        s.server.say(&format!("{tag} OK done")).await;
        slow.await.expect("answered");

        // Nothing is in flight: it may be silent for as long as it likes.
        tokio::time::sleep(Duration::from_secs(300)).await;
        let start_of_silence = tokio::time::Instant::now();
        let token = s.imap.create("a");
        s.server.expect("CREATE a").await;
        let error = token.await.expect_err("nothing came");
        let CloseReason::Timeout { waiting_for, .. } = cause(&error) else { panic!("{error:?}") };
        assert!(waiting_for.contains("CREATE"), "{waiting_for}");
        let waited = start_of_silence.elapsed();
        assert!(waited >= Duration::from_secs(20) && waited < Duration::from_secs(22), "{waited:?}");
        assert!(start.elapsed() > Duration::from_secs(300));
        assert!(matches!(s.events.end().await.0, CloseReason::Timeout { .. }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn logging_out_is_no_failure_however_the_server_ends_it() {
    within(LIMIT, async {
        // Some close right behind BYE, some say BYE after the tagged line, or not at all.
        for said in [
            &["* BYE see you", "{} OK done"][..],
            &["{} OK done"],
            &["* BYE see you"],
            &["{} OK done", "* BYE see you"],
        ] {
            let mut s = Session::open().await;
            let token = s.imap.logout();
            let tag = s.server.expect("LOGOUT").await;
            let said: Vec<_> = said.iter().map(|line| format!("{}\r\n", line.replace("{}", &tag))).collect();
            s.server.send(said.concat().as_bytes()).await;
            drop(s.server);
            token.await.unwrap_or_else(|error| panic!("{said:?}: {error}"));
            let (reason, before) = s.events.end().await;
            assert_eq!((reason, before), (CloseReason::Logout, vec!["LOGOUT OK".to_owned()]), "{said:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn handles_of_an_ended_connection_know_it() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        drop(s.server);
        s.events.end().await;
        assert!(inbox.has_ended());
        let error = inbox.search(Search::all()).await.expect_err("ended");
        assert_eq!((cause(&error), error.sent()), (&CloseReason::Eof, Sent::No));
        // A command on no messages has nothing to do, but a new selection can't be had.
        let token = s.imap.select("INBOX");
        let late = token.mailbox();
        assert_eq!(cause(&token.await.expect_err("ended")), &CloseReason::Eof);
        assert!(late.has_ended());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_ok_after_logout_alone() {
    within(LIMIT, async {
        for logout in [true, false] {
            let (stream, mut server) = Peer::pair();
            let config = quiet();
            let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready");
            let (connected, ()) = tokio::join!(config.handshake(stream), server.say(&greeting));
            let (imap, _events, driver) = connected.expect("a greeting");
            let driver = tokio::spawn(driver);
            if logout {
                let token = imap.logout();
                let tag = server.expect("LOGOUT").await;
                server.say("* BYE").await;
                server.say(&format!("{tag} OK done")).await;
                token.await.expect("logged out");
            }
            drop(server);
            let end = driver.await.expect("no panic");
            assert_eq!(end.is_ok(), logout, "{end:?}");
        }
    })
    .await;
}

/// What names no messages is done without the server, but not where a command that named some would
/// be refused.
#[tokio::test(start_paused = true)]
async fn what_names_no_messages_ends_as_what_names_some() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let nothing = || inbox.store(UidSet::new(), Store::add([Flag::Seen]));
        nothing().await.expect("there was nothing to do");
        assert_eq!(s.events.ready_briefs(), ["STORE OK"]);
        let unselect = inbox.unselect();
        s.answer("UNSELECT", &[]).await;
        unselect.await.expect("unselected");
        assert_eq!(nothing().await.expect_err("ended").kind(), ErrorKind::SelectionEnded);
        drop(s.server);
        let (_, before) = s.events.end().await;
        assert_eq!(before, ["selection ended", "UNSELECT OK"], "their tokens alone report them");
        assert_eq!(cause(&nothing().await.expect_err("closed")), &CloseReason::Eof);
    })
    .await;
}
