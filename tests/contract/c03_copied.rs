//! Promise 3: an untagged COPYUID belongs to the MOVE of these very messages (RFC 6851 section
//! 4.3); of a COPY it stands in the tagged OK (RFC 4315 section 3).

use imap_duplex::command::Copied;
use imap_duplex::types::UidSet;

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

/// Under IMAP4rev2 a COPY and a MOVE of the same messages may be in flight together.
const REV2: &str = "IMAP4rev2 LITERAL+ UIDPLUS ESEARCH MOVE UNSELECT";

fn uids(text: &str) -> UidSet {
    text.parse().expect("a set")
}

/// From where to where, for each COPYUID.
fn brief(copied: &Copied) -> Vec<String> {
    copied.uids.iter().map(|reported| format!("{} {}", reported.from(), reported.to())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_copy_leaves_a_moves_copyuid_alone() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), REV2).await;
        let inbox = s.select(&[5, 13, 18]).await;
        let (copy, moved) = (inbox.copy(uids("5,18"), "a"), inbox.move_to(uids("13,18"), "b"));
        let c = s.server.expect("UID COPY 5,18 a").await;
        let m = s.server.expect("UID MOVE 13,18 b").await;
        s.server.say("* OK [COPYUID 7 13,18 113,118] moved").await;
        s.server.say(&format!("{c} OK [COPYUID 6 5,18 1:2] copied")).await;
        s.server.say("* 3 EXPUNGE").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(&format!("{m} OK moved")).await;
        assert_eq!(brief(&copy.await.expect("copied")), ["5,18 1:2"]);
        assert_eq!(brief(&moved.await.expect("moved")), ["13,18 113,118"]);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_moves_each_gets_the_copyuid_of_what_it_names_of_what_is_there() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), REV2).await;
        let inbox = s.select(&[1, 2, 3, 20]).await;
        // Of 1:10 there are three. The younger one names the same three, and the server deals with
        // them in order.
        let (older, younger) = (inbox.move_to(uid(1)..=uid(10), "a"), inbox.move_to(uids("1:3,20"), "b"));
        let a = s.server.expect("UID MOVE 1:10 a").await;
        let b = s.server.expect("UID MOVE 1:3,20 b").await;
        s.server.say("* OK [COPYUID 7 1:3 101:103] moved").await;
        s.server.say("* OK [COPYUID 8 20 220] moved").await;
        for _ in 0..4 {
            s.server.say("* 1 EXPUNGE").await;
        }
        s.server.say(&format!("{a} OK moved")).await;
        s.server.say(&format!("{b} OK moved")).await;
        assert_eq!(brief(&older.await.expect("moved")), ["1:3 101:103"]);
        assert_eq!(brief(&younger.await.expect("moved")), ["20 220"]);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_names_all_of_these_and_no_more_comes_before_an_older_one_that_does() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), REV2).await;
        let inbox = s.select(&[1, 2, 3]).await;
        let (older, younger) = (inbox.move_to(uids("1:3"), "a"), inbox.move_to(uids("2"), "b"));
        let a = s.server.expect("UID MOVE 1:3 a").await;
        let b = s.server.expect("UID MOVE 2 b").await;
        s.server.say("* OK [COPYUID 8 2 202] moved").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(&format!("{b} OK moved")).await;
        s.server.say("* OK [COPYUID 7 1,3 101,103] moved").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say(&format!("{a} OK moved")).await;
        assert_eq!(brief(&older.await.expect("moved")), ["1,3 101,103"]);
        assert_eq!(brief(&younger.await.expect("moved")), ["2 202"]);
        s.events.ready();
    })
    .await;
}

/// Exchange says COPYUID untagged, of a COPY as well.
#[tokio::test(start_paused = true)]
async fn where_no_move_fits_it_is_the_copys() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), REV2).await;
        let inbox = s.select(&[5, 13, 18]).await;
        let (first, second) = (inbox.copy(uids("5,18"), "a"), inbox.copy(uids("13,18"), "b"));
        let moved = inbox.move_to(uids("13"), "c");
        let a = s.server.expect("UID COPY 5,18 a").await;
        let b = s.server.expect("UID COPY 13,18 b").await;
        let c = s.server.expect("UID MOVE 13 c").await;
        s.server.say("* OK [COPYUID 6 5,18 1:2] copied").await;
        s.server.say(&format!("{a} OK copied")).await;
        s.server.say("* OK [COPYUID 7 13,18 1:2] copied").await;
        s.server.say(&format!("{b} OK copied")).await;
        s.server.say("* OK [COPYUID 8 13 1] moved").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(&format!("{c} OK moved")).await;
        assert_eq!(brief(&first.await.expect("copied")), ["5,18 1:2"]);
        assert_eq!(brief(&second.await.expect("copied")), ["13,18 1:2"]);
        assert_eq!(brief(&moved.await.expect("moved")), ["13 1"]);
        s.events.ready();
    })
    .await;
}
