//! Promise 6, where a mailbox is open for reading alone: what changes messages is refused, unsent.
//! Servers differ: Dovecot says OK to STORE and EXPUNGE and does nothing, and does MOVE; Cyrus says
//! NO to all three.

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::types::{EventKind, Flag};
use imap_duplex::{Error, ErrorKind, Mailbox, Select, Sent};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

fn seen() -> Store {
    Store::add([Flag::Seen])
}

fn assert_read_only(error: &Error, command: &str, reason: &str) {
    assert_eq!((error.kind(), error.sent()), (ErrorKind::ReadOnly, Sent::No), "{error:?}");
    assert_eq!(error.command(), Some(command));
    let text = format!("{error:#}");
    for word in
        [" in INBOX", ": not sent: ", reason, if reason == "EXAMINE" { "with SELECT" } else { "again" }]
    {
        assert!(text.contains(word), "no {word}: {text}");
    }
}

/// No command that changes messages is sent through it.
async fn assert_refused(s: &mut Session, inbox: &Mailbox, reason: &str) {
    let one = uid(11);
    assert!(inbox.is_read_only());
    assert_read_only(&inbox.store(one, seen()).await.expect_err("STORE"), "STORE", reason);
    assert_read_only(&inbox.store(one, seen().silent()).await.expect_err("STORE"), "STORE", reason);
    assert_read_only(&inbox.expunge(one).await.expect_err("EXPUNGE"), "EXPUNGE", reason);
    assert_read_only(&inbox.expunge_deleted().await.expect_err("EXPUNGE"), "EXPUNGE", reason);
    assert_read_only(&inbox.move_to(one, "Work").await.expect_err("MOVE"), "MOVE", reason);
    for line in ["UID STORE 11 +FLAGS (\\Seen)", "expunge", "UID MOVE 11 Work", "UID REPLACE 11 INBOX \"x\""]
    {
        let error = s.imap.raw(line).await.expect_err("a line of the user's own");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::ReadOnly, Sent::No), "{line}: {error}");
    }
    let reported = s.events.ready_briefs();
    assert_eq!(reported.iter().filter(|event| event.ends_with(" failed")).count(), 9, "{reported:?}");
    // What reads stays.
    let copy = inbox.copy(one, "Work");
    s.answer("UID COPY 11 Work", &[]).await;
    copy.await.expect("COPY changes nothing here");
    let fetch = inbox.fetch(one, Items::body());
    s.answer("UID FETCH 11 (BODY.PEEK[])", &["* 1 FETCH (UID 11 BODY[] {2}\r\nhi)"]).await;
    assert_eq!(fetch.await.expect("FETCH").len(), 1);
    let search = inbox.search(Search::all());
    let tag = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
    s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 11")).await;
    s.server.say(&format!("{tag} OK done")).await;
    search.await.expect("SEARCH");
}

async fn open(s: &mut Session, select: Select, line: &str, code: &str) -> Mailbox {
    let token = s.imap.select(select);
    let tag = s.server.expect(line).await;
    s.server.say("* 1 EXISTS").await;
    s.server.say("* OK [UIDVALIDITY 7] valid").await;
    s.server.say(&format!("{tag} OK {code}opened")).await;
    let inbox = token.await.expect("opened");
    s.fill(&[11]).await;
    s.noop(&[]).await;
    s.events.ready();
    inbox
}

#[tokio::test(start_paused = true)]
async fn what_changes_messages_is_not_sent_to_a_mailbox_that_is_read_only() {
    within(LIMIT, async {
        let examine = || Select::new("INBOX").read_only();
        for (select, line, code, reason) in [
            (examine(), "EXAMINE INBOX", "[READ-ONLY] ", "EXAMINE"),
            (examine(), "EXAMINE INBOX", "", "EXAMINE"),
            (Select::new("INBOX"), "SELECT INBOX", "[READ-ONLY] ", "READ-ONLY"),
        ] {
            let mut s = Session::open().await;
            let inbox = open(&mut s, select, line, code).await;
            assert_refused(&mut s, &inbox, reason).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_last_counts() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = open(&mut s, Select::new("INBOX"), "SELECT INBOX", "[READ-WRITE] ").await;
        for round in 0..2 {
            assert!(!inbox.is_read_only(), "{round}");
            let token = inbox.store(uid(11), seen());
            s.answer("UID STORE 11 +FLAGS (\\Seen)", &["* 1 FETCH (UID 11 FLAGS (\\Seen))"]).await;
            token.await.expect("it may be changed");
            s.noop(&["* OK [READ-ONLY] you have lost the right"]).await;
            s.events.until("the notice", |event| matches!(event.kind, EventKind::Notice(_))).await;
            assert!(inbox.is_read_only());
            s.events.ready();
            assert_refused(&mut s, &inbox, "READ-ONLY").await;
            // A NO with this code is about another mailbox.
            let copy = inbox.copy(uid(11), "Shared");
            let tag = s.server.expect("UID COPY 11 Shared").await;
            s.server.say(&format!("{tag} NO [READ-WRITE] odd")).await;
            copy.await.expect_err("refused");
            assert!(inbox.is_read_only());
            s.noop(&["* OK [READ-WRITE] you have it again"]).await;
            s.events.ready();
        }
        // In a tagged OK, too.
        let noop = s.imap.noop();
        let tag = s.server.expect("NOOP").await;
        s.server.say(&format!("{tag} OK [READ-ONLY] done")).await;
        noop.await.expect("NOOP");
        assert_read_only(&inbox.store(uid(11), seen()).await.expect_err("STORE"), "STORE", "READ-ONLY");
        s.events.ready();
    })
    .await;
}

/// It is decided when a command is about to be sent, not when it is submitted.
#[tokio::test(start_paused = true)]
async fn what_is_submitted_before_the_answer_is_decided_when_it_is_due() {
    within(LIMIT, async {
        // Our own EXAMINE is known before it is answered.
        let mut s = Session::open().await;
        let token = s.imap.examine("INBOX");
        let error = token.mailbox().store(uid(11), seen());
        let tag = s.server.expect("EXAMINE INBOX").await;
        assert_read_only(&error.await.expect_err("STORE"), "STORE", "EXAMINE");
        s.tell_selected(&tag, 0).await;
        token.await.expect("opened");
        s.events.ready();
        // The server says so with the OK, for which commands behind the second SELECT wait.
        let second = s.imap.select("INBOX");
        let store = second.mailbox().store(uid(11), seen());
        let tag = s.server.expect("SELECT INBOX").await;
        s.server.say("* 1 EXISTS").await;
        s.server.say(&format!("{tag} OK [READ-ONLY] opened")).await;
        second.await.expect("opened");
        assert_read_only(&store.await.expect_err("STORE"), "STORE", "READ-ONLY");
        s.fill(&[11]).await;
        s.noop(&[]).await;
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_move_by_steps_is_refused_whole_or_ends_between_two_of_them() {
    within(LIMIT, async {
        let without_move = CAPABILITIES.replace(" MOVE", "");
        let mut s = Session::with(&quiet(), &without_move).await;
        let inbox = open(&mut s, Select::new("INBOX"), "SELECT INBOX", "[READ-WRITE] ").await;
        let token = inbox.move_to(uid(11), "Work");
        let tag = s.server.expect("UID COPY 11 Work").await;
        s.server.say("* OK [READ-ONLY] you have lost the right").await;
        s.server.say(&format!("{tag} OK [COPYUID 8 11 1] copied")).await;
        let error = token.await.expect_err("no STORE goes out");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::ReadOnly, Sent::Partly), "{error}");
        assert_eq!(error.answers().len(), 1, "that the copy is there is not lost");
        // As after any move that failed on its way.
        s.answer("UID FETCH 11 (FLAGS)", &["* 1 FETCH (UID 11 FLAGS ())"]).await;
        let error = inbox.move_to(uid(11), "Work").await.expect_err("no COPY goes out");
        assert_read_only(&error, "MOVE", "READ-ONLY");
        s.events.ready();
    })
    .await;
}
