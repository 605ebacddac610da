//! Promise 8, as far as it hangs on the selection: nothing is sent that would hit another mailbox
//! than the one that was meant, whatever the server makes of a SELECT; and responses are assigned
//! to the right mailbox and selection.

use std::time::Duration;

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::{Flag, Message};
use imap_duplex::{ErrorKind, Mailbox, Sent};

use crate::client::{brief, seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

fn sizes(rows: &[Message]) -> Vec<(Option<u32>, Option<u64>)> {
    rows.iter().map(|row| (row.uid().map(|uid| uid.get()), row.size())).collect()
}

/// What is in the stream: each event, and the mailbox by whose selection it came.
fn reported(s: &mut Session, mailboxes: &[&Mailbox]) -> Vec<(String, Option<String>)> {
    let events = s.events.ready();
    let of = |event: &imap_duplex::types::Event| {
        mailboxes.iter().find(|m| event.is_in(m)).map(|m| m.name().to_string())
    };
    events.iter().map(|event| (brief(event), of(event))).collect()
}

fn in_a(what: &str) -> (String, Option<String>) {
    (what.to_owned(), Some("A".to_owned()))
}

fn in_b(what: &str) -> (String, Option<String>) {
    (what.to_owned(), Some("B".to_owned()))
}

fn nowhere(what: &str) -> (String, Option<String>) {
    (what.to_owned(), None)
}

#[tokio::test(start_paused = true)]
async fn two_selects_and_their_commands_submitted_at_once_are_each_under_the_right_mailbox() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        // The same UIDs in both, so that only the selection distinguishes them.
        let select_a = s.imap.select("A");
        let a = select_a.mailbox();
        let rows_a = a.fetch(uid(11)..=uid(12), Items::new().size());
        let found_a = a.search(Search::larger(5));
        let status = s.imap.status("C", StatusItems::new().messages());
        let select_b = s.imap.select("B");
        let b = select_b.mailbox();
        let rows_b = b.fetch(uid(11)..=uid(12), Items::new().size());
        let flagged_b = b.store(seq(1), Store::add([Flag::Flagged]));
        let late_a = a.store(uid(11), Store::add([Flag::Deleted]));

        let tag = s.server.expect("SELECT A").await;
        let tags = [
            s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await,
            s.server.expect("UID SEARCH RETURN (ALL) LARGER 5").await,
            s.server.expect("STATUS C (MESSAGES)").await,
        ];
        s.server.expect_silence(SHORT).await;
        s.tell_selected(&tag, 2).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        s.server.say("* 1 FETCH (UID 11 FLAGS (\\Seen))").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say(&format!("{} OK done", tags[0])).await;
        s.server.say(&format!("* ESEARCH (TAG \"{}\") UID ALL 12", tags[1])).await;
        s.server.say("* STATUS C (MESSAGES 3)").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say(&format!("{} OK done", tags[2])).await;
        // Towards a server that says no [CLOSED] all ends before SELECT's first byte.
        s.server.expect_silence(SHORT).await;
        s.server.say(&format!("{} OK done", tags[1])).await;
        let tag = s.server.expect("SELECT B").await;
        s.server.expect_silence(SHORT).await;
        s.tell_selected(&tag, 2).await;
        let (fetch, _) = s.server.expect_start("UID FETCH 11:12").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 10)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{fetch} OK done")).await;
        s.answer(r"UID STORE 11 +FLAGS (\Flagged)", &[r"* 1 FETCH (FLAGS (\Flagged))"]).await;

        assert_eq!(sizes(&rows_a.await.expect("fetched")), [(Some(11), Some(1)), (Some(12), Some(2))]);
        assert_eq!(found_a.await.expect("searched").uids().to_string(), "12");
        assert_eq!(status.await.expect("answered").messages, Some(3));
        assert_eq!(sizes(&rows_b.await.expect("fetched")), [(Some(11), Some(10)), (Some(12), Some(20))]);
        assert_eq!(flagged_b.await.expect("stored")[0].uid(), Some(uid(11)));
        let error = late_a.await.expect_err("A had ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));
        select_a.await.expect("selected");
        select_b.await.expect("selected");
        let mut reported = reported(&mut s, &[&a, &b]);
        reported.retain(|(what, _)| !what.starts_with("STORE failed"));
        assert_eq!(
            reported,
            [
                in_a("opened 2"),
                in_a("SELECT OK"),
                in_a(r"flags 1 uid 11 (\Seen)"),
                in_a("FETCH OK"),
                in_a("removed 1 uid 11"),
                nowhere("STATUS OK"),
                in_a("SEARCH OK"),
                in_a("selection ended"),
                in_b("opened 2"),
                in_b("SELECT OK"),
                in_b("FETCH OK"),
                in_b(r"flags 1 uid 11 (\Flagged)"),
                in_b("STORE OK"),
            ]
        );
    })
    .await;
}

/// After BAD to SELECT Cyrus keeps the old mailbox selected, without `[CLOSED]`; what is pipelined
/// behind that SELECT hits it. RFC 9051 section 6.3.2 leaves no mailbox selected by a SELECT that
/// fails; BAD is no failure but a line that was not understood.
#[tokio::test(start_paused = true)]
async fn a_store_behind_a_select_that_is_bad_never_reaches_the_mailbox_that_stays_selected() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let old = s.select(&[11, 12, 13]).await;
        s.events.ready();
        let select = s.imap.select("B");
        let b = select.mailbox();
        let store = b.store(uid(11), Store::add([Flag::Deleted]));
        let expunge = b.expunge_deleted();
        let list = s.imap.list("*");
        let tag = s.server.expect("SELECT B").await;
        // Neither the STORE nor what stands behind it in the queue.
        s.server.expect_silence(SHORT).await;
        s.server.say(&format!("{tag} BAD what")).await;
        // Commands that name no messages are still sent.
        s.answer("LIST \"\" *", &["* LIST () \"/\" B"]).await;
        assert_eq!(select.await.expect_err("refused").kind(), ErrorKind::Bad);
        for error in [store.await.expect_err("unsent"), expunge.await.expect_err("unsent")] {
            assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));
        }
        assert_eq!(list.await.expect("listed").len(), 1);
        s.events.ready();
        assert!(old.has_ended() && b.has_ended());

        // Later responses about the old mailbox are dropped.
        s.noop(&[
            "* 4 EXISTS",
            "* 1 EXPUNGE",
            r"* 1 FETCH (UID 12 FLAGS (\Seen))",
            "* VANISHED 13",
            "* OK [UIDNEXT 99] next",
            "* FLAGS (\\Seen)",
        ])
        .await;
        let reported = reported(&mut s, &[&old, &b]);
        let of_no_command = |what: &str| {
            ["opened", "exists", "removed", "arrived", "flags "].iter().any(|k| what.starts_with(k))
        };
        assert!(!reported.iter().any(|(what, _)| of_no_command(what)), "{reported:?}");
        assert!(reported.iter().all(|(_, place)| place.is_none()), "{reported:?}");

        // The next SELECT that succeeds ends the doubt.
        let select = s.imap.select("B");
        let b = select.mailbox();
        let store = b.store(uid(11), Store::add([Flag::Seen]).silent());
        let tag = s.server.expect("SELECT B").await;
        s.server.expect_silence(SHORT).await;
        s.tell_selected(&tag, 0).await;
        s.answer(r"UID STORE 11 +FLAGS.SILENT (\Seen)", &[]).await;
        store.await.expect("stored");
    })
    .await;
}

/// After UNSELECT nothing is selected (RFC 9051 section 6.4.2): whatever becomes of the SELECT,
/// what follows it can't hit another mailbox, and is sent with it.
#[tokio::test(start_paused = true)]
async fn after_unselect_commands_follow_the_select_at_once_even_if_that_fails() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let old = s.select(&[11]).await;
        let gone = old.unselect();
        s.answer("UNSELECT", &[]).await;
        gone.await.expect("unselected");
        let select = s.imap.select("B");
        let store = select.mailbox().store(uid(11), Store::add([Flag::Deleted]));
        let tag = s.server.expect("SELECT B").await;
        let behind = s.server.expect(r"UID STORE 11 +FLAGS (\Deleted)").await;
        s.server.say(&format!("{tag} NO not there")).await;
        s.server.say(&format!("{behind} BAD no mailbox is selected")).await;
        assert_eq!(select.await.expect_err("refused").kind(), ErrorKind::No);
        let error = store.await.expect_err("nothing is selected");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Bad, Sent::Fully));
    })
    .await;
}

/// RFC 9051 section 7.1, CLOSED: responses before it are of the old mailbox, those after it of
/// the new.
#[tokio::test(start_paused = true)]
async fn with_closed_the_answers_of_both_are_distinguished() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), &format!("{CAPABILITIES} QRESYNC ENABLE")).await;
        let select = s.imap.select("A");
        let tag = s.server.expect("SELECT A").await;
        s.tell_selected(&tag, 1).await;
        let a = select.await.expect("selected");
        s.fill(&[11]).await;
        s.noop(&[]).await;
        s.events.ready();
        let select = s.imap.select("B");
        let b = select.mailbox();
        let tag = s.server.expect("SELECT B").await;
        s.server.say("* 2 EXISTS").await;
        s.server.say(r"* 1 FETCH (FLAGS (\Seen))").await;
        s.server.say("* OK [CLOSED] A").await;
        s.tell_selected(&tag, 5).await;
        select.await.expect("selected");
        let reported = reported(&mut s, &[&a, &b]);
        // Whether A grew is of no use to anybody any more; B it is not.
        assert!(!reported.contains(&in_b("exists 2")), "{reported:?}");
        assert!(
            reported.ends_with(&[in_a("selection ended"), in_b("opened 5"), in_b("SELECT OK")]),
            "{reported:?}"
        );
        assert_eq!((b.exists(), b.has_ended(), a.has_ended()), (5, false, true));
    })
    .await;
}
