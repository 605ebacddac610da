//! Promise 12: nothing is silently partial. NO and BAD are errors with their code and text, and
//! what was received before them is not lost; OK with MESSAGELIMIT is `Partial`, with where to
//! resume; a lost connection is never an empty result.
//!
//! Rows that can't be read are in `c13_hostile`.

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::types::{Answer, Code, Flag};
use imap_duplex::{ErrorKind, Token};

use crate::client::{brief, seq, uid};
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

/// A server with a limit, and without ESEARCH where a plain SEARCH is to be seen.
const LIMITED: &str = "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH MOVE UNSELECT IDLE MESSAGELIMIT=2";

fn rows(answers: &[Answer]) -> Vec<u32> {
    let uid =
        |answer: &Answer| if let Answer::Fetch(row) = answer { row.uid().map(|uid| uid.get()) } else { None };
    answers.iter().filter_map(uid).collect()
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_no_or_bad_is_in_the_error_and_in_the_stream() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        for (end, kind) in
            [("NO [EXPUNGEISSUED] some are gone", ErrorKind::No), ("BAD enough", ErrorKind::Bad)]
        {
            let awaited = inbox.fetch(uid(11)..=uid(13), Items::new().size());
            let tag = s.server.expect("UID FETCH 11:13 (RFC822.SIZE)").await;
            s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
            s.server.say(&format!("{tag} {end}")).await;
            let error = awaited.await.expect_err("refused");
            assert_eq!((error.kind(), error.command()), (kind, Some("FETCH")));
            assert_eq!(rows(error.answers()), [11, 12]);
            assert_eq!(error.code(), (kind == ErrorKind::No).then_some(&Code::ExpungeIssued));
            let text = error.status().map(|status| status.text.clone()).unwrap_or_default();
            assert!(end.ends_with(&text) && !text.is_empty(), "{text:?}");

            let mut stream = inbox.fetch(uid(11)..=uid(13), Items::new().size()).stream();
            let tag = s.server.expect("UID FETCH 11:13 (RFC822.SIZE)").await;
            s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
            s.server.say(&format!("{tag} {end}")).await;
            assert_eq!(stream.next().await.expect("a row").expect("read").uid(), Some(uid(11)));
            let error = stream.next().await.expect("an end").expect_err("refused");
            assert_eq!((error.kind(), error.answers().len()), (kind, 0));
            assert!(stream.next().await.is_none());
        }
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ok_with_a_message_limit_is_partial_and_says_where_to_go_on() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), LIMITED).await;
        let inbox = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 2).await;
        let inbox = inbox.await.expect("selected");
        s.fill(&[11, 12]).await;
        s.events.ready();

        // RFC 9738 section 3.1: the newest come first.
        let token = inbox.fetch(uid(1)..=uid(12), Items::new().size());
        let tag = s.server.expect("UID FETCH 1:12 (RFC822.SIZE)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 1 12] FETCH completed with 1 partial results")).await;
        let error = token.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(12))));
        assert_eq!(error.code(), Some(&Code::MessageLimit { limit: 1, uid: Some(uid(12)) }));
        assert_eq!(rows(error.answers()), [12]);
        assert_eq!(s.events.ready_briefs(), ["ready 2", "FETCH OK"], "the server said OK");

        // As a stream: the rows, then what is lacking.
        let mut stream = inbox.fetch(uid(1)..=uid(12), Items::new().size()).stream();
        let tag = s.server.expect("UID FETCH 1:12 (RFC822.SIZE)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 1 12] partial")).await;
        assert_eq!(stream.next().await.expect("a row").expect("read").uid(), Some(uid(12)));
        let error = stream.next().await.expect("an end").expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(12))));

        // A search, whose result is in the error as well.
        let token = inbox.search(Search::unseen());
        let tag = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 12")).await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 1 12] partial")).await;
        let error = token.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.answers().len()), (ErrorKind::Partial, 1));

        // Without a UID it can't be decided.
        let token = inbox.move_to(uid(11)..=uid(12), "Archive");
        let tag = s.server.expect("UID MOVE 11:12 Archive").await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 1] MOVE completed for the last message")).await;
        let error = token.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, None));

        // NO means that nothing was done.
        let token = inbox.copy(uid(11)..=uid(12), "Archive");
        let tag = s.server.expect("UID COPY 11:12 Archive").await;
        s.server.say(&format!("{tag} NO [MESSAGELIMIT 1 12] Too many messages to copy")).await;
        assert_eq!(token.await.expect_err("refused").kind(), ErrorKind::No);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_in_an_untagged_ok_is_of_the_command_whose_ok_has_another_code() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let first = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let second = inbox.fetch(uid(13), Items::new().internal_date());
        let third = s.imap.noop();
        let tags = [
            s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await,
            s.server.expect("UID FETCH 13 (INTERNALDATE)").await,
            s.server.expect("NOOP").await,
        ];
        // RFC 9738 section 3.1: EXPUNGEISSUED has the tagged OK then.
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
        s.server.say("* NO [MESSAGELIMIT 1 12] FETCH completed with 1 partial results").await;
        s.server.say("* 3 FETCH (UID 13 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")").await;
        // This server puts tagged lines off.
        s.server.say(&format!("{} OK done", tags[1])).await;
        s.server.say(&format!("{} OK [EXPUNGEISSUED] Some messages were also expunged", tags[0])).await;
        s.server.say(&format!("{} OK done", tags[2])).await;
        assert_eq!(second.await.expect("whole").len(), 1);
        let error = first.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(12))));
        assert_eq!(rows(error.answers()), [12]);
        third.await.expect("no business of its");
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "FETCH OK", "NOOP OK"], "that is what it said");

        // Where no OK has it, it is of the one that was in flight.
        let token = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say("* NO [MESSAGELIMIT 1 12] partial").await;
        s.server.say(&format!("{tag} OK done")).await;
        assert_eq!(token.await.expect_err("not all of it").kind(), ErrorKind::Partial);
        // Where there is none, it is said to all.
        s.noop(&["* NO [MESSAGELIMIT 1 12] whatever"]).await;
        let reported: Vec<_> = s.events.ready().iter().map(brief).collect();
        assert_eq!(reported, ["FETCH OK", "notice NO [MESSAGELIMIT 1 12] whatever", "NOOP OK"]);

        // Where no token reports it, an event does.
        for at_once in [true, false] {
            let token = inbox.fetch(uid(11)..=uid(12), Items::new().size());
            let id = token.id();
            let mut token = Some(token);
            if at_once {
                token.take().expect("a token").detach();
            }
            let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
            s.server.say("* NO [MESSAGELIMIT 1 12] partial").await;
            s.server.say(&format!("{tag} OK done")).await;
            s.noop(&[]).await;
            token.map(Token::detach);
            let reported = s.events.ready();
            let of_it = |event: &&imap_duplex::types::Event| event.cause == Some(id);
            let reported: Vec<_> = reported.iter().filter(of_it).map(brief).collect();
            let limit = "notice NO [MESSAGELIMIT 1 12] partial";
            let expected = if at_once { [limit, "detached FETCH OK"] } else { ["FETCH OK", limit] };
            assert_eq!(reported, expected);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_flags_of_a_store_that_was_cut_short_are_asked() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let token = inbox.store(uid(11)..=uid(12), Store::replace([Flag::Seen]).silent());
        let tag = s.server.expect(r"UID STORE 11:12 FLAGS.SILENT (\Seen)").await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 1 12] STORE completed for the last message")).await;
        assert_eq!(token.await.expect_err("not all of it").resume_below(), Some(uid(12)));
        s.answer(
            "UID FETCH 11:12 (FLAGS)",
            &["* 1 FETCH (UID 11 FLAGS ())", r"* 2 FETCH (UID 12 FLAGS (\Seen))"],
        )
        .await;
        s.noop(&[]).await;
        assert_eq!(inbox.snapshot().flags(seq(2)).map(|flags| flags.to_string()), Some(r"(\Seen)".into()));
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_never_an_empty_result() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let found = inbox.search(Search::all());
        let rows_awaited = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let mut stream = inbox.fetch(uid(11)..=uid(12), Items::new().internal_date()).stream();
        let folders = s.imap.list("*");
        s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
        s.server.say("* BYE going down").await;
        let Session { server, mut events, .. } = s;
        drop(server);
        assert_eq!(found.await.expect_err("lost").kind(), ErrorKind::Closed);
        let error = rows_awaited.await.expect_err("lost");
        assert_eq!((error.kind(), rows(error.answers())), (ErrorKind::Closed, vec![11]));
        assert_eq!(stream.next().await.expect("an end").expect_err("lost").kind(), ErrorKind::Closed);
        assert!(stream.next().await.is_none());
        assert_eq!(folders.await.expect_err("lost").kind(), ErrorKind::Closed);
        events.end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_of_no_command_that_was_sent_after_it_and_repeated_it_counts_once() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let first = inbox.fetch(uid(11), Items::new().size());
        let second = inbox.fetch(uid(12), Items::new().size());
        let tags = [
            s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
            s.server.expect("UID FETCH 12 (RFC822.SIZE)").await,
        ];
        for _ in 0..100 {
            s.server.say("* NO [MESSAGELIMIT 1 12] partial").await;
        }
        s.server.say(&format!("{} OK [MESSAGELIMIT 1 12] partial", tags[0])).await;
        assert_eq!(first.await.expect_err("not all of it").kind(), ErrorKind::Partial);
        let late = inbox.fetch(uid(11), Items::new().size());
        let tag = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.server.say(&format!("{tag} OK done")).await;
        late.await.expect("it was sent after all that was said of limits");
        s.server.say(&format!("{} OK done", tags[1])).await;
        assert_eq!(second.await.expect_err("the server has said so often enough").kind(), ErrorKind::Partial);
        let third = inbox.fetch(uid(11), Items::new().size());
        s.answer("UID FETCH 11 (RFC822.SIZE)", &[]).await;
        third.await.expect("nothing is left of it");
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn more_limits_in_untagged_ok_than_are_tracked_leave_no_result_that_passes_for_whole() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let tokens: Vec<_> = (0..40).map(|_| inbox.fetch(uid(11)..=uid(12), Items::new().size())).collect();
        let mut tags = Vec::new();
        for _ in &tokens {
            tags.push(s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await);
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
            s.server.say("* NO [MESSAGELIMIT 1 12] partial").await;
        }
        for tag in tags {
            s.server.say(&format!("{tag} OK [EXPUNGEISSUED] done")).await;
        }
        for token in tokens {
            let error = token.await.expect_err("not all of it");
            assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(12))));
        }
    })
    .await;
}
