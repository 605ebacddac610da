//! Promise 5: events have the order in which the server sent them; when a token
//! resolves, all that came before its tagged line is already in the stream and in the view.

use std::time::Duration;

use imap_duplex::command::{Items, Store};
use imap_duplex::types::Flag;

use crate::client::{brief, uid};
use crate::session::{LIMIT, Session};
use crate::support::within;

#[tokio::test(start_paused = true)]
async fn when_a_token_resolves_all_before_its_tagged_line_is_in_the_stream_and_in_the_view() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let token = s.imap.noop();
        let tag = s.server.expect("NOOP").await;
        // In one piece, with more behind the tagged line.
        let said = format!(
            "* 1 FETCH (FLAGS (\\Seen))\r\n* 2 EXPUNGE\r\n* OK [ALERT] fire\r\n* 1 FETCH (FLAGS ())\r\n{tag} OK done\r\n\
             * 2 EXPUNGE\r\n"
        );
        s.server.send(said.as_bytes()).await;
        token.await.expect("the server said OK");
        let before = s.events.ready_briefs();
        let expected =
            [r"flags 1 uid 11 (\Seen)", "removed 2 uid 12", "alert fire", "flags 1 uid 11 ()", "NOOP OK"];
        assert_eq!(before[..5], expected);
        assert!(inbox.exists() <= 2);
        if before.len() == 5 {
            s.events.until_brief("removed 2 uid 13").await;
        } else {
            assert_eq!(before[5..], ["removed 2 uid 13"]);
        }
        assert_eq!(inbox.exists(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_token_finds_what_came_before_its_own_tagged_line() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13, 14]).await;
        let tokens: Vec<_> = (0..3).map(|_| s.imap.noop()).collect();
        let mut tags = Vec::new();
        for _ in 0..3 {
            tags.push(s.server.expect("NOOP").await);
        }
        for (gone, token) in (1..).zip(tokens) {
            s.server.say("* 1 EXPUNGE").await;
            s.server.say(&format!("{} OK done", tags.remove(0))).await;
            token.await.expect("OK");
            assert_eq!(inbox.exists(), 4 - gone);
            assert_eq!(s.events.ready_briefs(), [format!("removed 1 uid {}", 10 + gone), "NOOP OK".into()]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn completions_and_changes_stand_where_the_server_said_them() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let fetch = inbox.fetch(uid(11), Items::new().size());
        let create = s.imap.create("Archive");
        let one = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        let two = s.server.expect("CREATE Archive").await;
        let said = format!(
            "* 2 FETCH (FLAGS (\\Seen))\r\n{two} OK made\r\n* 1 FETCH (UID 11 RFC822.SIZE 5)\r\n\
             * 2 FETCH (FLAGS (\\Draft))\r\n{one} OK done\r\n"
        );
        s.server.send(said.as_bytes()).await;
        fetch.await.expect("fetched");
        create.await.expect("created");
        assert_eq!(
            s.events.ready_briefs(),
            [
                r"flags 2 uid 12 (\Seen)",
                "created Archive",
                "CREATE OK",
                r"flags 2 uid 12 (\Draft)",
                "FETCH OK"
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_effect_of_a_silent_store_is_reported_before_its_token_resolves() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        s.noop(&["* 1 FETCH (FLAGS ())", r"* 2 FETCH (FLAGS (\Seen))"]).await;
        s.events.ready();
        let token = inbox.store(uid(11)..=uid(12), Store::add([Flag::Seen]).silent());
        let id = token.id();
        s.answer(r"UID STORE 11:12 +FLAGS.SILENT (\Seen)", &[]).await;
        assert!(token.await.expect("stored").is_empty(), "it was silent");
        let reported: Vec<_> = s.events.ready().iter().map(|event| (brief(event), event.cause)).collect();
        // The second had the flag already: no change, no event.
        assert_eq!(
            reported,
            [(r"flags 1 uid 11 (\Seen)".to_owned(), Some(id)), ("STORE OK".to_owned(), Some(id))]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_message_is_reported_at_once_and_its_uid_when_it_is_known() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        s.server.say("* 2 EXISTS").await;
        assert_eq!(s.events.brief().await, "exists 2");
        assert_eq!(inbox.exists(), 2);
        let tag = s.server.expect("UID FETCH 12:* (FLAGS)").await;
        assert_eq!(s.events.ready_briefs(), [""; 0], "no guess");
        s.server.say(r"* 2 FETCH (UID 17 FLAGS (\Recent))").await;
        assert_eq!(s.events.brief().await, "arrived 2 uid 17");
        s.server.say(&format!("{tag} OK done")).await;
        s.server.expect_silence(Duration::from_secs(1)).await;
        assert_eq!(s.events.ready_briefs(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time_tells_the_same() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let token = inbox.fetch(uid(11)..=uid(13), Items::body().flags());
        let tag = s.server.expect("UID FETCH 11:13 (FLAGS BODY.PEEK[])").await;
        let said = format!(
            "* 1 FETCH (UID 11 BODY[] {{10}}\r\na {{3}}\r\n)\r\n FLAGS (\\Seen))\r\n* OK wait {{5}}\r\n* 2 EXPUNGE\r\n\
             * 2 FETCH (BODY[] \"x\" FLAGS () UID 13)\r\n{tag} OK done {{5}}\r\n"
        );
        for byte in said.as_bytes() {
            s.server.send(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rows = token.await.expect("fetched");
        let bodies: Vec<_> = rows.iter().map(|row| row.body().map(|body| body.to_vec())).collect();
        assert_eq!(bodies, [Some(b"a {3}\r\n)\r\n".to_vec()), Some(b"x".to_vec())]);
        assert_eq!(s.events.ready_briefs(), ["notice OK wait {5}", "removed 2 uid 12", "FETCH OK"]);
    })
    .await;
}
