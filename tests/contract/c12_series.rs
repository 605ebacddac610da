//! Promise 12 of commands that are done by steps: a step that was cut short (MESSAGELIMIT) is not
//! taken for done, since what follows it would remove what was not copied, or count what was not
//! searched.

use imap_duplex::ErrorKind;
use imap_duplex::command::{Fetch, Items, PartialRange};

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

/// A server that lacks MOVE and PARTIAL.
const LIMITED: &str = "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH UNSELECT IDLE";

/// RFC 9738 section 3.1: the limit is in the tagged OK, or apart where that has another code.
#[tokio::test(start_paused = true)]
async fn a_move_by_steps_ends_with_a_copy_that_was_cut_short() {
    within(LIMIT, async {
        for apart in [false, true] {
            let mut s = Session::with(&quiet(), LIMITED).await;
            let inbox = s.select(&[11, 12, 13]).await;
            let token = inbox.move_to(uid(11)..=uid(13), "Archive");
            let tag = s.server.expect("UID COPY 11:13 Archive").await;
            if apart {
                s.server.say("* NO [MESSAGELIMIT 2 12] 2 of them").await;
                s.server.say(&format!("{tag} OK [COPYUID 7 12:13 1:2] done")).await;
            } else {
                s.server.say(&format!("{tag} OK [MESSAGELIMIT 2 12] 2 of them")).await;
            }
            let error = token.await.expect_err("not all of it");
            // Those that were copied are still there: a move of the rest would not be all of it.
            assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, None));
            assert_eq!(error.answers().len(), 1, "{:?}", error.answers());
            // Nothing is marked nor expunged.
            s.answer("UID FETCH 11:13 (FLAGS)", &[]).await;
            s.noop(&[]).await;
            assert_eq!(inbox.exists(), 3);
        }
    })
    .await;
}

/// What a STORE has marked was copied: it is expunged, and the rest is still there.
#[tokio::test(start_paused = true)]
async fn a_move_by_steps_goes_on_with_a_store_that_was_cut_short() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), LIMITED).await;
        let inbox = s.select(&[11, 12, 13]).await;
        let token = inbox.move_to(uid(11)..=uid(13), "Archive");
        s.answer("UID COPY 11:13 Archive", &[]).await;
        let tag = s.server.expect("UID STORE 11:13 +FLAGS.SILENT (\\Deleted)").await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 2 12] 2 of them")).await;
        s.answer("UID EXPUNGE 11:13", &["* 3 EXPUNGE", "* 2 EXPUNGE"]).await;
        let error = token.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(12))));
        assert_eq!(inbox.exists(), 1);
    })
    .await;
}

/// The first messages of a part of what there is are not the first of all.
#[tokio::test(start_paused = true)]
async fn a_part_is_not_taken_of_a_search_that_was_cut_short() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), LIMITED).await;
        let inbox = s.select(&[11, 12, 13]).await;
        let token = inbox.submit(Fetch::new(.., Items::size()).partial(PartialRange::first(1)));
        let tag = s.server.expect("UID SEARCH RETURN (ALL) UID 1:*").await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 12:13")).await;
        s.server.say(&format!("{tag} OK [MESSAGELIMIT 2 12] 2 of them")).await;
        let error = token.await.expect_err("not all of it");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, None));
        s.noop(&[]).await;
    })
    .await;
}
