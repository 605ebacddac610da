//! Promise 12: several messages into one mailbox are all stored or none where the server can do
//! that (RFC 3502); else the error says which of them were.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::command::{Append, StatusItems};
use imap_duplex::types::{Answer, CloseReason, Code, Flag};
use imap_duplex::{Error, ErrorKind, Sent};

use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);
const MESSAGES: [&str; 3] = ["first", "second", "third"];

async fn session(capabilities: &str) -> Session {
    Session::with(&quiet(), capabilities).await
}

/// The UIDs of the messages that an error says were stored.
fn stored(error: &Error) -> Vec<u32> {
    let uid = |answer: &Answer| match answer {
        Answer::Status(status) => match &status.code {
            Some(Code::AppendUid { uids, .. }) => uids.first().map(|uid| uid.get()),
            _ => None,
        },
        _ => None,
    };
    error.answers().iter().filter_map(uid).collect()
}

/// One piece, then the end.
struct Once(Option<io::Result<Bytes>>);

impl Stream for Once {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take())
    }
}

#[tokio::test(start_paused = true)]
async fn with_multiappend_they_are_one_command() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 UIDPLUS MULTIAPPEND").await;
        let messages = [
            Append::new("first").flags([Flag::Seen]).to("Elsewhere"),
            Append::stream(6, Once(Some(Ok("second".into())))),
            Append::new("third"),
        ];
        let token = s.imap.append_each("Archive", messages);
        let tag = s.server.expect(r"APPEND Archive (\Seen) {5}").await;
        s.server.expect_silence(SHORT).await;
        s.server.say("+").await;
        s.server.expect_bytes(b"first {6}\r\n").await;
        s.server.say("+").await;
        s.server.expect_bytes(b"second {5}\r\n").await;
        s.server.say("+").await;
        s.server.expect_bytes(b"third\r\n").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 11:12,20] done")).await;
        let appended = token.await.expect("appended");
        let uids: Vec<_> = appended.iter().map(|one| one.uid.map(|uid| uid.get())).collect();
        assert_eq!(uids, [Some(11), Some(12), Some(20)]);
        assert!(appended.iter().all(|one| one.uid_validity.is_some_and(|it| it.get() == 7)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_literal_plus_they_are_one_write() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 MULTIAPPEND LITERAL+").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let tag = s.server.expect("APPEND Archive {5+}").await;
        s.server.expect_bytes(b"first {6+}\r\nsecond {5+}\r\nthird\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        let appended = token.await.expect("appended");
        assert_eq!(appended.iter().map(|one| one.uid).collect::<Vec<_>>(), [None; 3], "not reported");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn uids_that_do_not_match_the_messages_are_not_guessed_at() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 MULTIAPPEND LITERAL+").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let tag = s.server.expect("APPEND Archive {5+}").await;
        s.server.expect_bytes(b"first {6+}\r\nsecond {5+}\r\nthird\r\n").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 11:12] done")).await;
        let appended = token.await.expect("appended");
        assert_eq!(appended.iter().map(|one| one.uid).collect::<Vec<_>>(), [None; 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_multiappend_a_refused_one_means_that_none_is_stored() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 MULTIAPPEND").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let tag = s.server.expect("APPEND Archive {5}").await;
        s.server.say("+").await;
        s.server.expect_bytes(b"first {6}\r\n").await;
        s.server.say(&format!("{tag} NO [OVERQUOTA] full")).await;
        let error = token.await.expect_err("refused");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::No, Sent::Partly));
        assert!(stored(&error).is_empty());
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_multiappend_a_source_that_fails_cancels_them_all() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 MULTIAPPEND LITERAL+").await;
        let messages = [
            Append::new("first"),
            Append::stream(6, Once(Some(Err(io::Error::other("gone"))))),
            Append::new("third"),
        ];
        let token = s.imap.append_each("Archive", messages);
        let tag = s.server.expect("APPEND Archive {5+}").await;
        s.server.expect_bytes(b"first {6}\r\n").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"       {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        let error = token.await.expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(format!("{error:#}"), "APPEND Archive: the message's source failed: gone");
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_multiappend_they_go_one_by_one() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 UIDPLUS").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let next = s.imap.create("Work");
        let mut made = None;
        for (uid, message) in (11..).zip(MESSAGES) {
            // A literal in each line of the series, for each of which the server is asked.
            let tag = s.server.expect(&format!("APPEND Archive {{{}}}", message.len())).await;
            s.server.expect_silence(SHORT).await;
            s.server.say("+ go on").await;
            s.server.expect_bytes(format!("{message}\r\n").as_bytes()).await;
            if made.is_none() {
                // What does not hang on it need not wait for its end.
                made = Some(s.server.expect("CREATE Work").await);
            }
            s.server.say(&format!("{tag} OK [APPENDUID 7 {uid}] done")).await;
        }
        let uids: Vec<_> =
            token.await.expect("appended").iter().map(|one| one.uid.map(|uid| uid.get())).collect();
        assert_eq!(uids, [Some(11), Some(12), Some(13)]);
        s.server.say(&format!("{} OK made", made.expect("a tag"))).await;
        next.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn multiappend_that_comes_too_late_changes_nothing() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 UIDPLUS LITERAL+").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let tag = s.server.expect("APPEND Archive {5+}").await;
        s.server.expect_bytes(b"first\r\n").await;
        s.server.say("* CAPABILITY IMAP4rev1 UIDPLUS LITERAL+ MULTIAPPEND").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 11] done")).await;
        for (uid, message) in [(12, "second"), (13, "third")] {
            let tag = s.server.expect(&format!("APPEND Archive {{{}+}}", message.len())).await;
            s.server.expect_bytes(format!("{message}\r\n").as_bytes()).await;
            s.server.say(&format!("{tag} OK [APPENDUID 7 {uid}] done")).await;
        }
        let appended = token.await.expect("appended");
        let uids: Vec<_> = appended.iter().map(|one| one.uid.map(|uid| uid.get())).collect();
        assert_eq!(uids, [Some(11), Some(12), Some(13)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_multiappend_the_error_tells_which_were_stored() {
    within(LIMIT, async {
        for refusal in ["NO [OVERQUOTA] full", "gone"] {
            let mut s = session("IMAP4rev1 UIDPLUS LITERAL+").await;
            let token = s.imap.append_each("Archive", MESSAGES);
            for (uid, message) in (11..).zip(&MESSAGES[..2]) {
                let tag = s.server.expect(&format!("APPEND Archive {{{}+}}", message.len())).await;
                s.server.expect_bytes(format!("{message}\r\n").as_bytes()).await;
                s.server.say(&format!("{tag} OK [APPENDUID 7 {uid}] done")).await;
            }
            let tag = s.server.expect("APPEND Archive {5+}").await;
            s.server.expect_bytes(b"third\r\n").await;
            if refusal == "gone" {
                drop(s.server);
                let error = token.await.expect_err("the connection has gone");
                assert_eq!(error.close_reason(), Some(&CloseReason::Eof));
                assert_eq!(stored(&error), [11, 12]);
                continue;
            }
            s.server.say(&format!("{tag} {refusal}")).await;
            let error = token.await.expect_err("refused");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::No, Sent::Fully));
            assert_eq!(stored(&error), [11, 12]);
            s.noop(&[]).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_in_place_of_the_plus_the_lines_before_it_still_count() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 UIDPLUS").await;
        let token = s.imap.append_each("Archive", MESSAGES);
        let next = s.imap.create("Work");
        let tag = s.server.expect("APPEND Archive {5}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"first\r\n").await;
        let create = s.server.expect("CREATE Work").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 11] done")).await;
        // The literal of the second line is not wanted.
        let tag = s.server.expect("APPEND Archive {6}").await;
        s.server.say(&format!("{tag} NO [OVERQUOTA] full")).await;
        let error = token.await.expect_err("refused");
        assert_eq!((error.kind(), error.code()), (ErrorKind::No, Some(&Code::OverQuota)));
        assert_eq!(stored(&error), [11]);
        s.server.say(&format!("{create} OK made")).await;
        next.await.expect("created");
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_stored_is_refused_before_the_first_is() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 APPENDLIMIT=5").await;
        let none: [&str; 0] = [];
        for (token, kind) in [
            (s.imap.append_each("Archive", MESSAGES), ErrorKind::Unsupported),
            (s.imap.append_each("Archive", ["a", "b\0", "c"]), ErrorKind::Invalid),
            (s.imap.append_each("Archive", ["a", "", "c"]), ErrorKind::Invalid),
            (s.imap.append_each("Archive", none), ErrorKind::Invalid),
        ] {
            let error = token.await.expect_err("refused");
            assert_eq!((error.kind(), error.sent()), (kind, Sent::No), "{error}");
        }
        s.noop(&[]).await;
    })
    .await;
}

/// RFC 7889 section 3: a limit of one mailbox, as STATUS reports it.
#[tokio::test(start_paused = true)]
async fn what_is_larger_than_this_mailbox_takes_is_not_sent() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 LITERAL+ APPENDLIMIT").await;
        let limit_of = |s: &Session| s.imap.status("Small", StatusItems::new().append_limit());
        let status = limit_of(&s);
        s.answer("STATUS Small (APPENDLIMIT)", &["* STATUS Small (APPENDLIMIT 9)"]).await;
        assert_eq!(status.await.expect("reported").append_limit, Some(9));
        let error = s.imap.append("Small", "0123456789").await.expect_err("too large");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        let error = s.imap.append_each("Small", ["1", "0123456789"]).await.expect_err("too large");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        let fits = s.imap.append("Small", "012345678");
        let other = s.imap.append("Large", "0123456789");
        for (name, size) in [("Small", 9), ("Large", 10)] {
            let tag = s.server.expect(&format!("APPEND {name} {{{size}+}}")).await;
            s.server.expect_line(&"0123456789"[..size]).await;
            s.server.say(&format!("{tag} OK done")).await;
        }
        fits.await.expect("stored");
        other.await.expect("stored");

        // There is no limit any more; and one that is reported for all mailboxes counts for those
        // without their own.
        let status = limit_of(&s);
        s.answer("STATUS Small (APPENDLIMIT)", &["* STATUS Small (APPENDLIMIT NIL)"]).await;
        assert_eq!(status.await.expect("reported").append_limit, None);
        let now = s.imap.append("Small", "0123456789");
        let tag = s.server.expect("APPEND Small {10+}").await;
        s.server.expect_line("0123456789").await;
        s.server.say(&format!("{tag} NO [TOOBIG] no")).await;
        assert_eq!(now.await.expect_err("too large after all").kind(), ErrorKind::No);
        s.noop(&[]).await;
    })
    .await;
}
