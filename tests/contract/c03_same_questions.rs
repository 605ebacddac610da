//! Promise 3, where several commands in flight ask the same: the first answer is the oldest one's,
//! the next the next one's; and a server that ends the younger one first costs it its result,
//! loudly, and what else is asked twice is sent one by one.

use std::time::Duration;

use imap_duplex::ErrorKind;
use imap_duplex::command::Items;

use crate::client::uid;
use crate::session::{LIMIT, Session};
use crate::support::within;

const FETCH: &str = "UID FETCH 11:12 (RFC822.SIZE)";
const ROWS: [&str; 2] = ["* 1 FETCH (UID 11 RFC822.SIZE 10)", "* 2 FETCH (UID 12 RFC822.SIZE 20)"];
const LIST: &str = r#"LIST "" *"#;
const NAMES: [&str; 2] = [r#"* LIST () "/" INBOX"#, r#"* LIST () "/" Work"#];

#[tokio::test(start_paused = true)]
async fn each_gets_its_own_however_the_rows_are_mixed() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let fetch = || inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let (first, second) = (fetch(), fetch());
        let tags = [s.server.expect(FETCH).await, s.server.expect(FETCH).await];
        for row in [ROWS[0], ROWS[0], ROWS[1], ROWS[1]] {
            s.server.say(row).await;
        }
        for tag in tags {
            s.server.say(&format!("{tag} OK done")).await;
        }
        assert_eq!((first.await.expect("all").len(), second.await.expect("all").len()), (2, 2));

        let (first, second) = (s.imap.list("*"), s.imap.list("*"));
        let tags = [s.server.expect(LIST).await, s.server.expect(LIST).await];
        for name in [NAMES[0], NAMES[0], NAMES[1], NAMES[1]] {
            s.server.say(name).await;
        }
        for tag in tags {
            s.server.say(&format!("{tag} OK done")).await;
        }
        for list in [first, second] {
            let names: Vec<_> = list.await.expect("all").into_iter().map(|e| e.name.to_string()).collect();
            assert_eq!(names, ["INBOX", "Work"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_answered_before_an_older_one_is_no_empty_result() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let fetch = || inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let (first, second) = (fetch(), fetch());
        // What only one command asked for is complete, whichever answer is first.
        let other = inbox.fetch(uid(13), Items::new().size());
        let tags = [s.server.expect(FETCH).await, s.server.expect(FETCH).await];
        s.answer("UID FETCH 13 (RFC822.SIZE)", &["* 3 FETCH (UID 13 RFC822.SIZE 30)"]).await;
        for tag in [&tags[1], &tags[0]] {
            for row in ROWS {
                s.server.say(row).await;
            }
            s.server.say(&format!("{tag} OK done")).await;
        }
        assert_eq!(other.await.expect("all").len(), 1);
        let error = second.await.expect_err("its rows went to the first");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert_eq!(first.await.expect("all").len(), 2);
        s.events.ready();

        // From now on one at a time.
        let (first, second) = (fetch(), fetch());
        for token in [first, second] {
            let tag = s.server.expect(FETCH).await;
            s.server.expect_silence(Duration::from_secs(1)).await;
            for row in ROWS {
                s.server.say(row).await;
            }
            s.server.say(&format!("{tag} OK done")).await;
            assert_eq!(token.await.expect("all").len(), 2);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_answered_before_an_older_one_is_no_empty_result() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let (first, second) = (s.imap.list("*"), s.imap.list("*"));
        let tags = [s.server.expect(LIST).await, s.server.expect(LIST).await];
        for tag in [&tags[1], &tags[0]] {
            for name in NAMES {
                s.server.say(name).await;
            }
            s.server.say(&format!("{tag} OK done")).await;
        }
        assert_eq!(second.await.expect_err("its names went to the first").kind(), ErrorKind::Protocol);
        // The same twice, as the server said it.
        assert!(first.await.expect("all").len() >= 2);
    })
    .await;
}
