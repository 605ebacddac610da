//! Promise 13, the dialogues: literals, continuations and tags with a server that does what it
//! should not, or what it may and few do.

use std::time::Duration;

use imap_duplex::command::{Append, StatusItems};
use imap_duplex::types::Flag;
use imap_duplex::{ErrorKind, Sent};

use crate::session::{LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);

/// With a server that has neither LITERAL+ nor LITERAL-.
async fn waiting() -> Session {
    let mut s = Session::on(&quiet(), "IMAP4rev1 UIDPLUS", Peer::pair(), false).await;
    s.events.ready();
    s
}

#[tokio::test(start_paused = true)]
async fn a_literal_waits_for_its_continuation_and_holds_the_line() {
    within(LIMIT, async {
        let mut s = waiting().await;
        let append = s.imap.append("INBOX", Append::new("0123456789").flags([Flag::Seen]));
        let next = s.imap.create("Work");
        let tag = s.server.expect(r"APPEND INBOX (\Seen) {10}").await;
        s.server.expect_silence(SHORT).await;
        // Untagged data may come before the continuation.
        s.server.say("* 3 EXISTS").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"0123456789\r\n").await;
        let create = s.server.expect("CREATE Work").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 9] done")).await;
        s.server.say(&format!("{create} OK done")).await;
        assert_eq!(append.await.expect("appended").uid.map(|uid| uid.get()), Some(9));
        next.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tagged_refusal_in_place_of_the_continuation_frees_the_line() {
    within(LIMIT, async {
        for (word, kind) in [("NO [OVERQUOTA]", ErrorKind::No), ("BAD", ErrorKind::Bad)] {
            let mut s = waiting().await;
            let append = s.imap.append("INBOX", "0123456789");
            let next = s.imap.append("INBOX", "abc");
            let tag = s.server.expect("APPEND INBOX {10}").await;
            s.server.say(&format!("{tag} {word} too much")).await;
            let error = append.await.expect_err("refused");
            assert_eq!((error.kind(), error.sent()), (kind, Sent::Partly));
            // Of the first not a byte more.
            let tag = s.server.expect("APPEND INBOX {3}").await;
            s.server.say("+ go on").await;
            s.server.expect_bytes(b"abc\r\n").await;
            s.server.say(&format!("{tag} OK done")).await;
            next.await.expect("appended");
            s.server.expect_silence(SHORT).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tagged_ok_in_place_of_the_continuation_frees_the_line_too() {
    within(LIMIT, async {
        let mut s = waiting().await;
        let append = s.imap.append("INBOX", "0123456789");
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say(&format!("{tag} OK whatever")).await;
        // The server says so; the message has never left us.
        let error = append.await.expect_err("not appended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Protocol, Sent::Partly));
        s.noop(&[]).await;
        s.server.expect_silence(SHORT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_tags_refusal_leaves_the_literal_waiting() {
    within(LIMIT, async {
        let mut s = waiting().await;
        let first = s.imap.create("Work");
        let append = s.imap.append("INBOX", "0123456789");
        let other = s.server.expect("CREATE Work").await;
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say(&format!("{other} NO [ALREADYEXISTS] there")).await;
        assert_eq!(first.await.expect_err("refused").code().map(|c| c.name()), Some("ALREADYEXISTS"));
        s.server.expect_silence(SHORT).await;
        s.server.say("* NO [ALERT] nearly full").await;
        s.server.say("* BAD odd").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"0123456789\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        append.await.expect("appended");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_continuation_that_nothing_waits_for_is_an_event() {
    within(LIMIT, async {
        let mut s = waiting().await;
        s.server.say("+ what").await;
        s.server.say("+").await;
        s.noop(&[]).await;
        let reported = s.events.ready_briefs();
        assert_eq!(reported, ["unparsed + what", "unparsed + ", "NOOP OK"]);
        // It is not kept for later commands.
        let append = s.imap.append("INBOX", "abc");
        let tag = s.server.expect("APPEND INBOX {3}").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"abc\r\n").await;
        s.server.say("+ again").await;
        s.server.say(&format!("{tag} OK done")).await;
        append.await.expect("appended");
        assert_eq!(s.events.ready_briefs(), ["unparsed + again", "APPEND OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_continuation_is_never_for_a_command_that_is_fully_sent() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        let append = s.imap.append("INBOX", "abc");
        let tag = s.server.expect("APPEND INBOX {3+}").await;
        s.server.expect_bytes(b"abc\r\n").await;
        // Some servers answer non-synchronizing literals with a continuation all the same.
        s.server.say("+ OK").await;
        s.server.say(&format!("{tag} OK done")).await;
        append.await.expect("appended");
        s.server.expect_silence(SHORT).await;
        assert_eq!(s.events.ready_briefs(), ["unparsed + OK", "APPEND OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn text_for_people_is_no_literal_whatever_it_ends_in() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let token = s.imap.create("Work");
        let tag = s.server.expect("CREATE Work").await;
        s.server.say("* OK retry after {5}").await;
        s.server.say("* NO [X-ODD {7}] {6}").await;
        s.server.say("* BAD {4+}").await;
        s.server.say(&format!("{tag} OK done {{9}}")).await;
        token.await.expect("created");
        assert_eq!(
            s.events.ready_briefs(),
            [
                "notice OK retry after {5}",
                "notice NO [X-ODD {7}] {6}",
                "notice BAD {4+}",
                "created Work",
                "CREATE OK"
            ]
        );
        let append = s.imap.append("INBOX", "abc");
        let tag = s.server.expect("APPEND INBOX {3+}").await;
        s.server.expect_bytes(b"abc\r\n").await;
        s.server.say(&format!("{tag} NO wait {{100000}}")).await;
        assert_eq!(append.await.expect_err("refused").kind(), ErrorKind::No);
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_continuation_whose_text_looks_like_a_literal_is_none() {
    within(LIMIT, async {
        let mut s = waiting().await;
        let append = s.imap.append("INBOX", "abc");
        let tag = s.server.expect("APPEND INBOX {3}").await;
        s.server.say("+ ready for {3}").await;
        s.server.expect_bytes(b"abc\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        append.await.expect("appended");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tag_of_ours_ends_its_command_whatever_follows_it() {
    within(LIMIT, async {
        for rest in ["", " ", " HELLO", " OK", " OK [", " OK [CAPABILITY", " NO", " 5 EXISTS", " \u{1}\u{2}"]
        {
            let mut s = Session::hostile().await;
            let token = s.imap.create("Work");
            let tag = s.server.expect("CREATE Work").await;
            s.server.say(&format!("{tag}{rest}")).await;
            // How it ended may be known or not; that it ended is.
            let end = tokio::time::timeout(SHORT, token).await;
            let end = end.unwrap_or_else(|_| panic!("{rest:?} does not end the command"));
            if let Err(error) = &end {
                assert_ne!(error.kind(), ErrorKind::Closed, "{rest:?}");
                assert_eq!(error.sent(), Sent::Fully, "{rest:?}");
            }
            assert!(end.is_err() || rest.starts_with(" OK"), "{rest:?} is no success");
            s.noop(&[]).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tags_are_compared_without_regard_to_case_and_others_are_reported() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        let token = s.imap.create("Work");
        let tag = s.server.expect("CREATE Work").await;
        s.server.say("Z99 OK of no command").await;
        s.server.say("A99999 NO of no command yet").await;
        s.server.say(&format!("{} OK done", tag.to_lowercase())).await;
        token.await.expect("created");
        // Once more: no command claims it by now.
        s.server.say(&format!("{tag} OK done")).await;
        s.noop(&[]).await;
        let reported = s.events.ready_briefs();
        assert_eq!(reported.len(), 6, "{reported:?}");
        assert!(
            reported[0].starts_with("unparsed Z99 OK") && reported[1].starts_with("unparsed A99999 NO"),
            "{reported:?}"
        );
        assert_eq!(reported[2..4], ["created Work", "CREATE OK"]);
        assert!(reported[4].starts_with(&format!("unparsed {tag} OK")), "{reported:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_before_it_is_asked_changes_nothing() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        // As the tags go on from one, these will be ours.
        for n in 1..=3 {
            s.server.say(&format!("A{n} OK here you are")).await;
        }
        s.server.say("* SEARCH 1 2 3").await;
        s.server.say("* STATUS Drafts (MESSAGES 99)").await;
        tokio::time::sleep(SHORT).await;
        let token = s.imap.status("Drafts", StatusItems::new().messages());
        let tag = s.server.expect("STATUS Drafts (MESSAGES)").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("* STATUS Drafts (MESSAGES 1)").await;
        s.server.say(&format!("{tag} OK done")).await;
        assert_eq!(token.await.expect("answered").messages, Some(1));
        let reported = s.events.ready_briefs();
        assert_eq!(
            reported.iter().filter(|event| event.starts_with("unparsed A")).count(),
            3,
            "{reported:?}"
        );
        assert!(reported.contains(&"status Drafts".to_owned()), "{reported:?}");
    })
    .await;
}
