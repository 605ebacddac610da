//! Promise 12: what an older command took before it was refused may have been the younger one's,
//! whose result is not silently smaller for it.

use imap_duplex::command::{Items, Search, StatusItems};
use imap_duplex::types::EventKind;
use imap_duplex::{ErrorKind, Sent};

use crate::client::{seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, blind};
use crate::support::within;

const NO: &str = "NO not now";

#[tokio::test(start_paused = true)]
async fn a_row_that_went_to_a_fetch_that_is_refused_is_lacking_in_the_younger_one() {
    within(LIMIT, async {
        for (again, whole) in [(false, false), (true, true)] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11, 12, 13]).await;
            let older = inbox.fetch(uid(11)..=uid(12), Items::new().size());
            let younger = inbox.fetch(uid(12)..=uid(13), Items::new().size());
            let a = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
            let b = s.server.expect("UID FETCH 12:13 (RFC822.SIZE)").await;
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
            s.server.say(&format!("{a} {NO}")).await;
            if again {
                s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
            }
            s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 30)").await;
            s.server.say(&format!("{b} OK done")).await;
            let error = older.await.expect_err("refused");
            assert_eq!((error.kind(), error.answers().len()), (ErrorKind::No, 1));
            match younger.await {
                Ok(rows) => assert!(whole && rows.len() == 2),
                Err(error) => {
                    assert!(!whole, "{error}");
                    assert_eq!((error.kind(), error.answers().len()), (ErrorKind::Incomplete, 1), "{error}");
                }
            }
            s.events.ready();
            // And the server is given several at a time, as before.
            let (one, other) =
                (inbox.fetch(uid(11), Items::new().size()), inbox.fetch(uid(11), Items::new().size()));
            let tags = [
                s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
                s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
            ];
            for tag in tags {
                s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 10)").await;
                s.server.say(&format!("{tag} OK done")).await;
            }
            assert_eq!((one.await.expect("all").len(), other.await.expect("all").len()), (1, 1));
            s.events.ready();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_fetch_that_lacks_a_row_does_not_complete() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let older = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let younger = inbox.fetch(uid(12)..=uid(13), Items::new().size()).detach();
        let a = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        let b = s.server.expect("UID FETCH 12:13 (RFC822.SIZE)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{a} {NO}")).await;
        s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 30)").await;
        s.server.say(&format!("{b} OK done")).await;
        older.await.expect_err("refused");
        let end = s.events.until("its end", |event| {
            event.cause == Some(younger) && matches!(event.name(), "completed" | "failed")
        });
        let EventKind::Failed { kind, sent, .. } = end.await.kind else { panic!("completed") };
        assert_eq!((kind, sent), (ErrorKind::Incomplete, Sent::Fully));
    })
    .await;
}

/// The server answers the younger one first, and both of its rows fit the older one.
#[tokio::test(start_paused = true)]
async fn of_a_message_whose_rows_went_to_the_older_fetch_twice_one_is_lacking() {
    within(LIMIT, async {
        for (third, gone) in [(false, false), (true, false), (false, true)] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11, 12]).await;
            let older = inbox.fetch(uid(12), Items::body().size());
            let younger = inbox.fetch(uid(12), Items::body());
            let a = s.server.expect("UID FETCH 12 (RFC822.SIZE BODY.PEEK[])").await;
            let b = s.server.expect("UID FETCH 12 (BODY.PEEK[])").await;
            s.server.say("* 2 FETCH (UID 12 BODY[] \"text\")").await;
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 4 BODY[] \"text\")").await;
            s.server.say(&format!("{a} OK done")).await;
            if third {
                s.server.say("* 2 FETCH (UID 12 BODY[] \"text\")").await;
            }
            if gone {
                s.server.say("* 2 EXPUNGE").await;
            }
            s.server.say(&format!("{b} OK done")).await;
            assert_eq!(older.await.expect("all").len(), 1);
            match younger.await {
                Ok(rows) => assert_eq!((third || gone, rows.len()), (true, usize::from(third))),
                Err(error) => assert!(
                    !third && !gone && error.kind() == ErrorKind::Incomplete,
                    "third {third}, gone {gone}: {error}"
                ),
            }
            s.events.ready();
        }
    })
    .await;
}

/// The row of the second goes to the first, that of the third to the second, and the server has
/// nothing more of the message.
#[tokio::test(start_paused = true)]
async fn of_a_message_of_which_a_fetch_has_some_items_alone_the_others_are_lacking() {
    within(LIMIT, async {
        for third in [false, true] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11, 12]).await;
            let both = || inbox.fetch(uid(12), Items::body().size());
            let (first, second) = (both(), both());
            let last = inbox.fetch(uid(12), Items::new().size());
            let a = s.server.expect("UID FETCH 12 (RFC822.SIZE BODY.PEEK[])").await;
            let b = s.server.expect("UID FETCH 12 (RFC822.SIZE BODY.PEEK[])").await;
            let c = s.server.expect("UID FETCH 12 (RFC822.SIZE)").await;
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 4 BODY[] \"text\")").await;
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 4)").await;
            s.server.say(&format!("{a} OK done")).await;
            if third {
                s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 4 BODY[] \"text\")").await;
            }
            s.server.say(&format!("{b} OK done")).await;
            s.server.say(&format!("{c} OK done")).await;
            assert_eq!(first.await.expect("all").len(), 1);
            match second.await {
                Ok(rows) => assert!(third && rows[0].body().is_some()),
                Err(error) => assert!(!third && error.kind() == ErrorKind::Incomplete, "{error}"),
            }
            match last.await {
                Ok(rows) => assert!(!third && rows.is_empty(), "it may be gone"),
                // Of the two rows that the second got, one may have been this one's.
                Err(error) => assert!(third && error.kind() == ErrorKind::Incomplete, "{error}"),
            }
            s.events.ready();
        }
    })
    .await;
}

/// The older one asked for flags, too: they are in its own row, which comes second.
#[tokio::test(start_paused = true)]
async fn a_row_goes_to_who_lacks_its_flags() {
    within(LIMIT, async {
        for size in [false, true] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11, 12]).await;
            let items = || if size { Items::new().size() } else { Items::new() };
            let older = inbox.fetch(uid(12), Items::body().and(items()).flags());
            let younger = inbox.fetch(uid(12), Items::body().and(items()));
            let size = if size { "RFC822.SIZE 4 " } else { "" };
            let asked = size.replace(" 4", "");
            let a = s.server.expect(&format!("UID FETCH 12 (FLAGS {asked}BODY.PEEK[])")).await;
            let b = s.server.expect(&format!("UID FETCH 12 ({asked}BODY.PEEK[])")).await;
            s.server.say(&format!("* 2 FETCH (UID 12 {size}BODY[] \"text\")")).await;
            s.server.say(&format!("* 2 FETCH (UID 12 FLAGS (\\Seen) {size}BODY[] \"text\")")).await;
            s.server.say(&format!("{a} OK done")).await;
            s.server.say(&format!("{b} OK done")).await;
            let rows = older.await.expect("all");
            assert!(rows.len() == 1 && rows[0].flags().is_some(), "{rows:?}");
            let error = younger.await.expect_err("one of the two was its own");
            assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
        }
    })
    .await;
}

/// No token says that the younger one was answered before the older one, which got its row.
#[tokio::test(start_paused = true)]
async fn a_detached_fetch_that_is_answered_out_of_order_does_not_complete() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let _older = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let younger = inbox.fetch(uid(12), Items::new().size()).detach();
        s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        let b = s.server.expect("UID FETCH 12 (RFC822.SIZE)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{b} OK done")).await;
        let end = s.events.until("its end", |event| {
            event.cause == Some(younger) && matches!(event.name(), "completed" | "failed")
        });
        let EventKind::Failed { kind, sent, .. } = end.await.kind else { panic!("completed") };
        assert_eq!((kind, sent), (ErrorKind::Protocol, Sent::Fully));
    })
    .await;
}

/// What was in doubt had no UID, and the answer has.
#[tokio::test(start_paused = true)]
async fn a_row_that_comes_after_all_is_not_lacking_for_having_a_uid() {
    within(LIMIT, async {
        let mut s = Session::with(&blind(), CAPABILITIES).await;
        let inbox = s.select_blind(3).await;
        let older = inbox.fetch(seq(2)..=seq(3), Items::new().flags());
        let younger = inbox.fetch(seq(2)..=seq(3), Items::new().flags());
        let a = s.server.expect("FETCH 2:3 (UID FLAGS)").await;
        let b = s.server.expect("FETCH 2:3 (UID FLAGS)").await;
        s.server.say("* 3 FETCH (FLAGS (\\Seen))").await;
        s.server.say(&format!("{a} {NO}")).await;
        s.server.say("* 2 FETCH (UID 12 FLAGS ())").await;
        s.server.say("* 3 FETCH (UID 13 FLAGS (\\Seen))").await;
        s.server.say(&format!("{b} OK done")).await;
        older.await.expect_err("refused");
        assert_eq!(younger.await.expect("both rows").len(), 2);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_has_gone_meanwhile_is_not_lacking() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let older = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let younger = inbox.fetch(uid(12)..=uid(13), Items::new().size());
        let a = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        let b = s.server.expect("UID FETCH 12:13 (RFC822.SIZE)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{a} BAD what?")).await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say("* 2 FETCH (UID 13 RFC822.SIZE 30)").await;
        s.server.say(&format!("{b} OK done")).await;
        assert_eq!(older.await.expect_err("refused").kind(), ErrorKind::Bad);
        assert_eq!(younger.await.expect("all that is there").len(), 1);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_third_in_line_is_not_silently_smaller_either() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let mut tokens = Vec::new();
        let mut tags = Vec::new();
        for _ in 0..3 {
            tokens.push(inbox.fetch(uid(11), Items::new().size()));
            tags.push(s.server.expect("UID FETCH 11 (RFC822.SIZE)").await);
        }
        // Two rows, of which the first is routed to the command that is refused.
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 10)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 10)").await;
        s.server.say(&format!("{} {NO}", tags[0])).await;
        s.server.say(&format!("{} OK done", tags[1])).await;
        s.server.say(&format!("{} OK done", tags[2])).await;
        let mut ends = Vec::new();
        for token in tokens {
            ends.push(token.await.map(|rows| rows.len()).map_err(|error| error.kind()));
        }
        assert_eq!(ends, [Err(ErrorKind::No), Ok(1), Err(ErrorKind::Incomplete)]);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_counts_and_searches_alike() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let (older, younger) = (s.imap.list("*"), s.imap.list("A*"));
        let a = s.server.expect(r#"LIST "" *"#).await;
        let b = s.server.expect(r#"LIST "" A*"#).await;
        s.server.say(r#"* LIST () "/" "Archive""#).await;
        s.server.say(&format!("{a} {NO}")).await;
        s.server.say(&format!("{b} OK done")).await;
        assert_eq!(older.await.expect_err("refused").kind(), ErrorKind::No);
        assert_eq!(younger.await.expect_err("its row went to the older").kind(), ErrorKind::Incomplete);

        let status = || s.imap.status("Work", StatusItems::new().messages());
        let (older, younger) = (status(), status());
        let a = s.server.expect("STATUS Work (MESSAGES)").await;
        let b = s.server.expect("STATUS Work (MESSAGES)").await;
        s.server.say("* STATUS Work (MESSAGES 3)").await;
        s.server.say(&format!("{a} {NO}")).await;
        s.server.say(&format!("{b} OK done")).await;
        assert_eq!(older.await.expect_err("refused").kind(), ErrorKind::No);
        assert_eq!(younger.await.expect_err("its counts went to the older").kind(), ErrorKind::Incomplete);
        s.events.ready();

        let inbox = s.select(&[11]).await;
        let (older, younger) = (inbox.search(Search::unseen()), inbox.search(Search::unseen()));
        let a = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
        let b = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
        // Without the tag that would say whose it is.
        s.server.say("* ESEARCH UID ALL 11").await;
        s.server.say(&format!("{a} {NO}")).await;
        s.server.say(&format!("{b} OK done")).await;
        assert_eq!(older.await.expect_err("refused").kind(), ErrorKind::No);
        assert_eq!(younger.await.expect_err("its answer went to the older").kind(), ErrorKind::Incomplete);
        s.events.ready();
    })
    .await;
}
