//! Promise 7: results, removals and flag changes carry the UID beside the number wherever it can be
//! known; where it can't, it is `None`, and never a guess.

use std::time::Duration;

use imap_duplex::Mailbox;
use imap_duplex::command::{Items, Store};
use imap_duplex::types::{Flag, Message, ViewSync};

use crate::client::{seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

fn who(rows: &[Message]) -> Vec<(Option<u32>, Option<u32>)> {
    rows.iter().map(|row| (row.seq().map(|n| n.get()), row.uid().map(|n| n.get()))).collect()
}

/// INBOX with so many messages, whose UIDs the client has asked for (its query's tag) and not
/// received yet.
async fn not_filled(s: &mut Session, exists: usize) -> (Mailbox, String) {
    let token = s.imap.select("INBOX");
    let tag = s.server.expect("SELECT INBOX").await;
    s.tell_selected(&tag, exists).await;
    let inbox = token.await.expect("selected");
    let fill = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
    s.events.ready();
    (inbox, fill)
}

#[tokio::test(start_paused = true)]
async fn rows_of_the_server_that_lack_the_uid_or_the_number_are_given_it() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 15]).await;
        let by_number = inbox.store(seq(2)..=seq(3), Store::add([Flag::Seen]));
        // RFC 9051 section 6.4.9 obliges servers to name the UID; some don't.
        let rows = [r"* 2 FETCH (FLAGS (\Seen))", r"* 3 FETCH (FLAGS (\Seen))"];
        s.answer(r"UID STORE 12:15 +FLAGS (\Seen)", &rows).await;
        assert_eq!(who(&by_number.await.expect("stored")), [(Some(2), Some(12)), (Some(3), Some(15))]);
        let by_uid = inbox.fetch(uid(15), Items::new().size());
        s.answer("UID FETCH 15 (RFC822.SIZE)", &["* 3 FETCH (RFC822.SIZE 5)"]).await;
        assert_eq!(who(&by_uid.await.expect("fetched")), [(Some(3), Some(15))]);
        // RFC 9586 section 3.3: a row that has but the UID.
        let by_uid = inbox.fetch(uid(12), Items::new().size());
        s.answer("UID FETCH 12 (RFC822.SIZE)", &["* 12 UIDFETCH (RFC822.SIZE 5)"]).await;
        assert_eq!(who(&by_uid.await.expect("fetched")), [(Some(2), Some(12))]);
        assert_eq!(
            s.events.ready_briefs(),
            [r"flags 2 uid 12 (\Seen)", r"flags 3 uid 15 (\Seen)", "STORE OK", "FETCH OK", "FETCH OK"]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn removals_carry_the_uid_however_they_are_reported() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13, 15, 20]).await;
        // RFC 7162 section 3.2.10: what is not there is passed over.
        s.noop(&["* 2 EXPUNGE", "* 2 EXPUNGE", "* VANISHED 14:17"]).await;
        assert_eq!(
            s.events.ready_briefs(),
            ["removed 2 uid 12", "removed 2 uid 13", "removed 2 uid 15", "NOOP OK"]
        );
        let expunge = inbox.expunge([uid(11), uid(20)]);
        s.answer("UID EXPUNGE 11,20", &["* 2 EXPUNGE", "* 1 EXPUNGE"]).await;
        let expunged = expunge.await.expect("expunged");
        assert_eq!((expunged.count, expunged.uids.to_string()), (2, "11,20".to_owned()));
        assert_eq!(s.events.ready_briefs(), ["removed 2 uid 20", "removed 1 uid 11", "EXPUNGE OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_expunged_before_its_uid_was_reported_has_none() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        s.server.say("* 3 EXISTS").await;
        let ask = s.server.expect("UID FETCH 12:* (FLAGS)").await;
        // One of the two new messages is expunged, and flags of the other are reported by number.
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(r"* 2 FETCH (FLAGS (\Seen))").await;
        s.server.expect_silence(SHORT).await;
        assert_eq!(s.events.ready_briefs(), ["exists 3", "removed 2 uid ?", r"flags 2 uid ? (\Seen)"]);
        s.server.say(r"* 2 FETCH (UID 17 FLAGS (\Seen))").await;
        s.server.say(&format!("{ask} OK done")).await;
        s.events.until_brief("arrived 2 uid 17").await;
        // Now it is known.
        s.noop(&["* 2 FETCH (FLAGS ())", "* 2 EXPUNGE"]).await;
        assert_eq!(s.events.ready_briefs(), ["flags 2 uid 17 ()", "removed 2 uid 17", "NOOP OK"]);
        assert_eq!(inbox.exists(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn until_the_view_is_filled_only_rows_that_name_the_uid_have_one() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let (inbox, fill) = not_filled(&mut s, 4).await;
        s.server.say(r"* 1 FETCH (FLAGS (\Seen))").await;
        s.server.say(r"* 2 FETCH (UID 22 FLAGS (\Seen))").await;
        s.server.say(r"* 2 FETCH (FLAGS ())").await;
        s.server.say("* 4 EXPUNGE").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.expect_silence(SHORT).await;
        assert_eq!(
            s.events.ready_briefs(),
            [
                r"flags 1 uid ? (\Seen)",
                r"flags 2 uid 22 (\Seen)",
                "flags 2 uid 22 ()",
                "removed 4 uid ?",
                "removed 2 uid 22"
            ]
        );
        s.server.say(&format!("* ESEARCH (TAG \"{fill}\") UID ALL 21,23")).await;
        s.server.say(&format!("{fill} OK done")).await;
        // The answer may be of before or of after the removals: asked again in a way that names
        // each.
        s.answer("FETCH 1:2 (UID)", &["* 1 FETCH (UID 21)", "* 2 FETCH (UID 23)"]).await;
        s.noop(&["* 2 EXPUNGE", "* 1 EXPUNGE"]).await;
        assert_eq!(s.events.ready_briefs(), ["ready 2", "removed 2 uid 23", "removed 1 uid 21", "NOOP OK"]);
        assert_eq!(inbox.exists(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_may_be_out_of_date_is_not_guessed_from() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let (_inbox, fill) = not_filled(&mut s, 3).await;
        // Two are left of three that were found, and which one was expunged is not reported.
        s.server.say("* 1 EXPUNGE").await;
        s.server.say(&format!("* ESEARCH (TAG \"{fill}\") UID ALL 21:23")).await;
        s.server.say(&format!("{fill} OK done")).await;
        let again = s.server.expect("FETCH 1:2 (UID)").await;
        s.server.say(r"* 2 FETCH (FLAGS (\Seen))").await;
        s.server.say("* 2 FETCH (UID 23)").await;
        s.server.say(&format!("{again} NO not now")).await;
        s.noop(&["* 1 EXPUNGE", "* 1 EXPUNGE"]).await;
        assert_eq!(
            s.events.ready_briefs(),
            [
                "removed 1 uid ?",
                r"flags 2 uid ? (\Seen)",
                "removed 1 uid ?",
                "removed 1 uid 23",
                "NOOP OK",
                "ready 0"
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn uids_of_another_uid_validity_are_dropped() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        let inbox = s.select(&[11, 12]).await;
        s.server.say("* OK [UIDVALIDITY 8] other UIDs").await;
        let ask = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say(r"* 1 FETCH (FLAGS (\Seen))").await;
        s.server.expect_silence(SHORT).await;
        assert_eq!(
            s.events.ready_briefs(),
            [
                "uidvalidity 8",
                "contradiction UIDVALIDITY changed while the mailbox was selected",
                "exists 2",
                "removed 1 uid ?",
                r"flags 1 uid ? (\Seen)"
            ]
        );
        assert_eq!(inbox.uid_validity().map(|it| it.get()), Some(8));
        s.server.say(&format!("* ESEARCH (TAG \"{ask}\") UID ALL 3")).await;
        s.server.say(&format!("{ask} OK done")).await;
        s.answer("FETCH 1 (UID)", &["* 1 FETCH (UID 3)"]).await;
        s.noop(&["* 1 EXPUNGE"]).await;
        s.events.until_brief("removed 1 uid 3").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_contradiction_nothing_is_known_until_it_is_reported_again() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        s.select(&[11, 12, 13]).await;
        // Fewer messages, and no report of which were expunged.
        s.server.say("* 2 EXISTS").await;
        let ask = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.expect_silence(SHORT).await;
        let reported = s.events.ready_briefs();
        assert!(reported[0].starts_with("contradiction"), "{reported:?}");
        assert_eq!(reported.last().map(String::as_str), Some("removed 1 uid ?"), "{reported:?}");
        s.server.say(&format!("* ESEARCH (TAG \"{ask}\") UID ALL 13")).await;
        s.server.say(&format!("{ask} OK done")).await;
        s.answer("FETCH 1 (UID)", &["* 1 FETCH (UID 13)"]).await;
        // Which ones had gone is known now, though not when.
        s.events.until_brief("removed ? uid 12").await;
        s.noop(&["* 1 EXPUNGE"]).await;
        s.events.until_brief("removed 1 uid 13").await;
    })
    .await;
}

/// A comparison after a contradiction finds which messages are gone, when the count has been
/// reported already; after a removal without a number the count follows. So a program that follows
/// by number never counts a removal that has none.
#[tokio::test(start_paused = true)]
async fn a_removal_that_can_not_be_numbered_is_followed_by_the_count() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let (inbox, _fill) = not_filled(&mut s, 4).await;
        s.server.say("* VANISHED 22").await;
        s.server.expect_silence(SHORT).await;
        let reported = s.events.ready_briefs();
        assert_eq!(reported, ["removed ? uid 22", "exists 3"], "which of the four it was is not known");
        assert_eq!(inbox.exists(), 3);

        let mut s = Session::with(&quiet().view_sync(ViewSync::Off), CAPABILITIES).await;
        let token = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 3).await;
        let inbox = token.await.expect("selected");
        s.events.ready();
        s.noop(&["* VANISHED 11:12"]).await;
        assert_eq!(s.events.ready_briefs(), ["removed ? uid 12", "removed ? uid 11", "exists 1", "NOOP OK"]);
        assert_eq!(inbox.exists(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_the_view_off_only_what_the_server_says_is_known() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().view_sync(ViewSync::Off), CAPABILITIES).await;
        let token = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 3).await;
        let inbox = token.await.expect("selected");
        s.server.expect_silence(SHORT).await;
        s.events.ready();

        let fetch = inbox.fetch(seq(2), Items::new().size());
        s.answer("FETCH 2 (UID RFC822.SIZE)", &["* 2 FETCH (UID 12 RFC822.SIZE 5)"]).await;
        assert_eq!(who(&fetch.await.expect("fetched")), [(Some(2), Some(12))]);
        let store = inbox.store(seq(3), Store::add([Flag::Seen]));
        s.answer(r"STORE 3 +FLAGS (\Seen)", &[r"* 3 FETCH (FLAGS (\Seen))"]).await;
        assert_eq!(who(&store.await.expect("stored")), [(Some(3), None)]);
        s.noop(&["* 4 EXISTS", "* 1 EXPUNGE", r"* 1 FETCH (UID 12 FLAGS (\Seen))"]).await;
        s.server.expect_silence(SHORT).await;
        let reported = s.events.ready_briefs();
        assert_eq!(reported.last().map(String::as_str), Some("NOOP OK"));
        assert!(reported.contains(&"exists 4".to_owned()), "{reported:?}");
        assert!(reported.contains(&"removed 1 uid ?".to_owned()), "{reported:?}");
        assert!(reported.contains(&r"flags 1 uid 12 (\Seen)".to_owned()), "{reported:?}");
        assert_eq!(inbox.exists(), 3);
    })
    .await;
}
