//! Promise 6: every event and every piece of data says which mailbox and which selection it belongs
//! to; a message command runs only in the selection through which it was submitted, and fails
//! unsent once that has ended.

use std::time::Duration;

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::types::{EventKind, Flag, MailboxName};
use imap_duplex::{Error, ErrorKind, Sent};

use crate::client::{Events, brief, seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, blind, quiet};
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

fn assert_ended_unsent(error: &Error) {
    assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No), "{error}");
}

/// An empty mailbox `name` is selected in place of the one before.
async fn select_other(s: &mut Session, name: &str) -> imap_duplex::Mailbox {
    let token = s.imap.select(name);
    let tag = s.server.expect(&format!("SELECT {name}")).await;
    s.tell_selected(&tag, 0).await;
    token.await.expect("selected")
}

#[tokio::test(start_paused = true)]
async fn events_say_their_mailbox_and_the_selection_of_it() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let first = s.select(&[11]).await;
        s.noop(&["* 0 RECENT", r"* 1 FETCH (FLAGS (\Seen))", "* 1 EXPUNGE"]).await;
        for event in
            s.events.ready().iter().filter(|event| !matches!(event.kind, EventKind::Completed { .. }))
        {
            assert!(event.is_in(&first), "{event:?}");
            assert_eq!(event.mailbox(), Some(&MailboxName::INBOX));
        }

        let second = select_other(&mut s, "INBOX").await;
        assert_ne!(first.selection(), second.selection(), "the same mailbox, another selection");
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(|e| (brief(e), e.is_in(&first), e.is_in(&second))).collect();
        assert_eq!(
            reported,
            [
                ("selection ended".to_owned(), true, false),
                ("opened 0".to_owned(), false, true),
                ("ready 0".to_owned(), false, true),
                ("SELECT OK".to_owned(), false, true)
            ]
        );
        assert!(first.has_ended() && !second.has_ended());

        s.server.say("* 1 EXISTS").await;
        s.answer("UID FETCH 1:* (FLAGS)", &["* 1 FETCH (UID 21 FLAGS ())"]).await;
        let event = s.events.until_brief("arrived 1 uid 21").await;
        assert!(event.is_in(&second) && !event.is_in(&first));
        assert_eq!((first.exists(), second.exists()), (0, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_of_other_mailboxes_belongs_to_no_selection() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        s.select(&[]).await;
        s.noop(&["* STATUS Work (MESSAGES 3)", "* LIST () \"/\" Work"]).await;
        for event in &s.events.ready()[..2] {
            let place = event.place.as_ref().expect("it is about a mailbox");
            assert_eq!((place.mailbox.as_str(), place.selection), ("Work", None));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_unselect_a_message_command_fails_unsent() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let gone = inbox.unselect();
        let behind = inbox.fetch(uid(11), Items::new().size());
        s.answer("UNSELECT", &[]).await;
        gone.await.expect("unselected");
        assert_ended_unsent(&behind.await.expect_err("submitted behind UNSELECT"));
        assert!(inbox.has_ended());

        assert_ended_unsent(&inbox.search(Search::all()).await.expect_err("ended"));
        assert_ended_unsent(&inbox.store(uid(11), Store::add([Flag::Seen])).await.expect_err("ended"));
        assert_ended_unsent(&inbox.move_to(uid(11), "Archive").await.expect_err("ended"));
        assert_ended_unsent(&inbox.close().await.expect_err("ended"));
        assert_ended_unsent(&inbox.clone().expunge_deleted().await.expect_err("a clone is no better"));
        s.server.expect_silence(SHORT).await;
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_close_too() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let close = inbox.close();
        s.answer("CLOSE", &[]).await;
        close.await.expect("closed");
        s.events.until_brief("selection ended").await;
        assert_ended_unsent(&inbox.fetch(seq(1), Items::new().size()).await.expect_err("ended"));
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_through_the_old_mailbox_behind_a_select_never_runs_in_the_new_one() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let running = inbox.fetch(uid(11), Items::new().size());
        let select = s.imap.select("Work");
        let late = inbox.store(uid(11), Store::add([Flag::Deleted]));
        let work = select.mailbox();
        let early = work.search(Search::all());

        let fetch = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        // Towards a server without [CLOSED] all ends before SELECT's first byte.
        s.server.expect_silence(SHORT).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        s.server.say(&format!("{fetch} OK done")).await;
        running.await.expect("it ran in INBOX");
        let tag = s.server.expect("SELECT Work").await;
        s.server.expect_silence(SHORT).await;
        s.tell_selected(&tag, 0).await;
        assert_ended_unsent(&late.await.expect_err("INBOX is no longer selected"));
        s.answer("UID SEARCH RETURN (ALL) ALL", &[]).await;
        assert!(early.await.expect("searched").is_empty());
        select.await.expect("selected");
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_a_fresh_session_message_commands_follow_the_select_at_once() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let select = s.imap.select("INBOX");
        let inbox = select.mailbox();
        assert_eq!((inbox.exists(), inbox.uid_validity()), (0, None), "nothing is known yet");
        let fetch = inbox.fetch(uid(11), Items::new().size());
        let tag = s.server.expect("SELECT INBOX").await;
        let second = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.tell_selected(&tag, 1).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        s.server.say(&format!("{second} OK done")).await;
        assert_eq!(select.await.expect("selected").selection(), inbox.selection());
        let rows = fetch.await.expect("fetched");
        assert_eq!((rows.len(), rows[0].size()), (1, Some(5)));
        assert_eq!(inbox.exists(), 1);
        assert_eq!(inbox.uid_validity().map(|it| it.get()), Some(7));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_select_that_is_refused_nothing_hits_the_mailbox_before() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let select = s.imap.select("Nowhere");
        let nowhere = select.mailbox();
        let store = nowhere.store(uid(11), Store::add([Flag::Deleted]));
        let tag = s.server.expect("SELECT Nowhere").await;
        s.server.expect_silence(SHORT).await;
        s.server.say(&format!("{tag} NO [NONEXISTENT] none")).await;
        let error = select.await.expect_err("refused");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::No, Sent::Fully));
        assert_ended_unsent(&store.await.expect_err("its SELECT was refused"));
        // NO to SELECT leaves nothing selected (RFC 9051 section 6.3.2).
        assert_ended_unsent(&inbox.search(Search::all()).await.expect_err("INBOX has ended too"));
        s.server.expect_silence(SHORT).await;
        let reported = s.events.ready_briefs();
        assert!(reported.contains(&"selection ended".to_owned()), "{reported:?}");
        assert!(nowhere.has_ended() && inbox.has_ended());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_bad_to_select_the_old_handles_are_dead_as_well() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let select = s.imap.select("Odd");
        let tag = s.server.expect("SELECT Odd").await;
        s.server.say(&format!("{tag} BAD what")).await;
        assert_eq!(select.await.expect_err("refused").kind(), ErrorKind::Bad);
        assert_ended_unsent(&inbox.fetch(uid(11), Items::new().size()).await.expect_err("ended"));
        // The server may still have INBOX selected: message commands wait for the next SELECT's OK.
        let select = s.imap.select("Work");
        let early = select.mailbox().search(Search::all());
        let tag = s.server.expect("SELECT Work").await;
        s.server.expect_silence(SHORT).await;
        s.tell_selected(&tag, 0).await;
        s.answer("UID SEARCH RETURN (ALL) ALL", &[]).await;
        early.await.expect("searched");
        select.await.expect("selected");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn closed_by_the_server_parts_the_old_mailbox_from_the_new() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let select = s.imap.select("Work");
        let work = select.mailbox();
        let tag = s.server.expect("SELECT Work").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* OK [CLOSED] INBOX is closed").await;
        s.tell_selected(&tag, 1).await;
        select.await.expect("selected");
        let reported: Vec<_> =
            s.events.ready().iter().map(|e| (brief(e), e.is_in(&inbox), e.is_in(&work))).collect();
        assert_eq!(
            reported,
            [
                ("removed 1 uid 11".to_owned(), true, false),
                ("selection ended".to_owned(), true, false),
                ("opened 1".to_owned(), false, true),
                ("SELECT OK".to_owned(), false, true)
            ]
        );
        assert_eq!(work.exists(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_the_mailbox_by_itself_ends_the_selection() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        s.server.say("* OK [CLOSED] it was deleted").await;
        let event = s.events.next().await;
        assert!(event.is_in(&inbox) && brief(&event) == "selection ended", "{event:?}");
        assert_ended_unsent(&inbox.search(Search::all()).await.expect_err("ended"));
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn numbers_mean_the_messages_that_they_meant_when_they_were_submitted() {
    within(LIMIT, async {
        let mut s = Session::with(&blind(), CAPABILITIES).await;
        let inbox = s.select_blind(4).await;
        // By number it must wait while something runs that may let EXPUNGE through.
        let noop = s.imap.noop();
        let store = inbox.store(seq(3)..=seq(4), Store::add([Flag::Flagged]));
        let tag = s.server.expect("NOOP").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(&format!("{tag} OK done")).await;
        noop.await.expect("OK");
        // They were the third and the fourth, of which the third has gone; the fourth is the second
        // now.
        let tag = s.server.expect(r"STORE 2 +FLAGS (\Flagged)").await;
        s.server.say(r"* 2 FETCH (UID 14 FLAGS (\Flagged))").await;
        s.server.say(&format!("{tag} OK done")).await;
        let rows = store.await.expect("stored");
        assert_eq!(rows.iter().map(|row| row.uid()).collect::<Vec<_>>(), [Some(uid(14))]);
        assert_eq!(
            s.events.ready_briefs(),
            ["removed 1 uid ?", "removed 2 uid ?", "NOOP OK", r"flags 2 uid 14 (\Flagged)", "STORE OK"]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn if_all_that_the_numbers_meant_has_gone_nothing_is_sent() {
    within(LIMIT, async {
        for known in [false, true] {
            let config = if known { quiet() } else { blind() };
            let mut s = Session::with(&config, CAPABILITIES).await;
            let inbox = if known { s.select(&[11, 12]).await } else { s.select_blind(2).await };
            // Neither numbers nor UIDs go out behind a command of the user's own.
            let raw = s.imap.raw("X-WAIT");
            let store = inbox.store(seq(1), Store::add([Flag::Flagged]));
            let tag = s.server.expect("X-WAIT").await;
            s.server.say("* 1 EXPUNGE").await;
            s.server.say(&format!("{tag} OK done")).await;
            raw.await.expect("OK");
            assert!(store.await.expect("nothing to do").is_empty());
            s.server.expect_silence(SHORT).await;
            let reported = s.events.ready_briefs();
            let removed = if known { "removed 1 uid 11" } else { "removed 1 uid ?" };
            assert_eq!(reported, [removed, "X-WAIT OK", "STORE OK"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_completes_at_once_unsent() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let none: [imap_duplex::types::Uid; 0] = [];
        assert!(inbox.fetch(none, Items::envelope()).await.expect("nothing to do").is_empty());
        assert!(inbox.move_to(none, "Archive").await.expect("nothing to do").uids.is_empty());
        s.server.expect_silence(SHORT).await;
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "MOVE OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_during_idle_name_the_mailbox_too() {
    within(LIMIT, async {
        let config = blind().auto_idle(true);
        let mut s = Session::with(&config, CAPABILITIES).await;
        let inbox = s.select_blind(1).await;
        let idle = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.say(r"* 1 FETCH (FLAGS (\Seen))").await;
        let event = s.events.next().await;
        assert_eq!((brief(&event), event.cause), (r"flags 1 uid ? (\Seen)".to_owned(), None));
        assert!(event.is_in(&inbox));
        let fetch = inbox.fetch(seq(1), Items::new().size());
        s.server.expect_line("DONE").await;
        // By number: not before IDLE's tagged line, until which messages may go.
        s.server.expect_silence(SHORT).await;
        s.server.say(&format!("{idle} OK done")).await;
        s.answer("FETCH 1 (UID RFC822.SIZE)", &["* 1 FETCH (UID 11 RFC822.SIZE 5)"]).await;
        assert_eq!(fetch.await.expect("fetched").len(), 1);
        assert_eq!(s.events.ready_briefs(), ["FETCH OK"]);
        s.server.expect("IDLE").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_strict_reader_sees_no_misunderstanding_in_any_of_this() {
    // The helper's own claim: an event of misunderstanding fails the test that reads it.
    within(LIMIT, async {
        let s = Session::open().await;
        let Session { imap, events, mut server } = s;
        server.say("* NONSENSE 1").await;
        let reading = tokio::spawn(async move {
            let mut events: Events = events;
            events.next().await
        });
        let why = reading.await.expect_err("it panics").into_panic();
        let why = why.downcast_ref::<String>().expect("a text");
        assert!(why.contains("was not understood"), "{why}");
        drop(imap);
    })
    .await;
}

/// RFC 9051 section 5.1: an IMAP4rev2 server sends names in UTF-8, in which `&` is an `&`; others
/// in modified UTF-7.
#[tokio::test(start_paused = true)]
async fn names_are_read_as_the_session_writes_them() {
    within(LIMIT, async {
        for (capabilities, read) in [("IMAP4rev1", "R&D"), ("IMAP4rev2", "R&-D")] {
            let mut s = Session::with(&quiet(), capabilities).await;
            // What the greeting says holds from the next response on.
            let token = s.imap.list("*");
            let tag = s.server.expect("LIST \"\" *").await;
            s.server.say("* LIST () \"/\" \"R&-D\"").await;
            s.server.say(&format!("{tag} OK listed")).await;
            let listed = token.await.expect("listed");
            assert_eq!(listed[0].name.as_str(), read, "{capabilities}");
        }
    })
    .await;
}
