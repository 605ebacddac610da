//! Promise 8, the result of a search that the server remembers (RFC 5182): what reads through it
//! follows the search at once, what changes something waits for its OK, and no handle ever names
//! what another search has found.

use imap_duplex::command::{Items, SaveSearch, SavedSearch, Search, Store};
use imap_duplex::types::Flag;
use imap_duplex::{ErrorKind, Mailbox, Sent, Token};

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

const UNSEEN: &str = "UID SEARCH RETURN (SAVE COUNT) UNSEEN";
const SEEN: &str = "UID SEARCH RETURN (SAVE COUNT) SEEN";
const SIZES: &str = "UID FETCH $ (RFC822.SIZE)";

async fn open() -> (Session, Mailbox) {
    let mut s = Session::with(&quiet(), "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH SEARCHRES MOVE").await;
    let inbox = s.select(&[11, 12, 13]).await;
    (s, inbox)
}

/// Saves the unseen ones, of which the server finds so many.
async fn save(s: &mut Session, inbox: &Mailbox, count: u32) -> SavedSearch {
    let token: Token<SaveSearch> = inbox.save(Search::unseen());
    let tag = s.server.expect(UNSEEN).await;
    s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID COUNT {count}")).await;
    s.server.say(&format!("{tag} OK saved")).await;
    let saved = token.await.expect("saved");
    assert_eq!(saved.count(), Some(count));
    s.events.until_brief("SEARCH OK").await;
    saved
}

#[tokio::test(start_paused = true)]
async fn what_reads_goes_out_with_the_search_and_what_changes_waits_for_its_ok() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let search = inbox.save(Search::unseen());
        assert_eq!(search.saved().count(), None);
        let sizes = inbox.fetch(search.saved(), Items::new().size());
        let stored = inbox.store(search.saved(), Store::add([Flag::Seen]).silent());
        let tag = s.server.expect(UNSEEN).await;
        let fetch = s.server.expect(SIZES).await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID COUNT 2")).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
        s.server.say("* 2 FETCH (FLAGS (\\Flagged))").await;
        s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 300)").await;
        s.server.expect_silence(std::time::Duration::from_secs(5)).await;
        s.server.say(&format!("{tag} OK saved")).await;
        // Not silent: the client can't know whose flags change.
        let store = s.server.expect(r"UID STORE $ +FLAGS (\Seen)").await;
        s.server.say(&format!("{fetch} OK done")).await;
        s.server.say(r"* 1 FETCH (UID 11 FLAGS (\Seen))").await;
        s.server.say(r"* 3 FETCH (UID 13 FLAGS (\Seen))").await;
        s.server.say(&format!("{store} OK done")).await;
        assert_eq!(search.await.expect("saved").count(), Some(2));
        let uids = |rows: Vec<imap_duplex::types::Message>| rows.iter().map(|r| r.uid()).collect::<Vec<_>>();
        assert_eq!(uids(sizes.await.expect("fetched")), [Some(uid(11)), Some(uid(13))]);
        assert_eq!(uids(stored.await.expect("stored")), [Some(uid(11)), Some(uid(13))]);
        let reported = s.events.ready_briefs();
        let expected = ["flags 2 uid 12 (\\Flagged)", "flags 1 uid 11 (\\Seen)", "flags 3 uid 13 (\\Seen)"];
        assert!(
            expected.iter().all(|expected| reported.iter().any(|reported| reported == expected)),
            "{reported:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rows_of_the_saved_result_are_not_those_of_a_later_fetch_that_names_the_messages() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let saved = save(&mut s, &inbox, 2).await;
        let through = inbox.fetch(saved, Items::new().size());
        let named = inbox.fetch(uid(11), Items::new().size());
        let first = s.server.expect(SIZES).await;
        let second = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
        s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 300)").await;
        s.server.say(&format!("{first} OK done")).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
        s.server.say(&format!("{second} OK done")).await;
        let uids = |rows: Vec<imap_duplex::types::Message>| rows.iter().map(|r| r.uid()).collect::<Vec<_>>();
        assert_eq!(uids(through.await.expect("fetched")), [Some(uid(11)), Some(uid(13))]);
        assert_eq!(uids(named.await.expect("fetched")), [Some(uid(11))]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_takes_along_what_was_to_use_its_result() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        for (end, kind) in [("NO not now", ErrorKind::No), ("BAD what", ErrorKind::Bad)] {
            let search = inbox.save(Search::unseen());
            let sizes = inbox.fetch(search.saved(), Items::new().size());
            let moved = inbox.move_to(search.saved(), "Archive");
            let saved = search.saved();
            let tag = s.server.expect(UNSEEN).await;
            let fetch = s.server.expect(SIZES).await;
            s.server.say(&format!("{tag} {end}")).await;
            // What the server remembered before, if anything.
            s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
            s.server.say(&format!("{fetch} OK done")).await;
            assert_eq!(search.await.expect_err("refused").kind(), kind);
            let error = sizes.await.expect_err("of other messages");
            assert_eq!((error.kind(), error.sent()), (kind, Sent::Fully));
            let error = moved.await.expect_err("not sent");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
            let error = inbox.fetch(saved, Items::new().size()).await.expect_err("not sent");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        }
        s.noop(&[]).await;
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_search_waits_for_the_users_of_the_one_before_and_takes_its_place() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let first = save(&mut s, &inbox, 2).await;
        let sizes = inbox.fetch(&first, Items::new().size());
        let second = inbox.save(Search::seen());
        let late = inbox.fetch(&first, Items::new().size());
        let fetch = s.server.expect(SIZES).await;
        s.server.expect_silence(std::time::Duration::from_secs(5)).await;
        s.server.say(&format!("{fetch} OK done")).await;
        sizes.await.expect("fetched");
        let tag = s.server.expect(SEEN).await;
        let error = late.await.expect_err("the server has forgotten it");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID COUNT 1")).await;
        s.server.say(&format!("{tag} OK saved")).await;
        let second = second.await.expect("saved");

        // After BAD the one before is still there (RFC 9051 section 6.4.4.1); after NO there is
        // none.
        for (end, still) in [("BAD what", true), ("NO not now", false)] {
            let failed = inbox.save(Search::unseen());
            let tag = s.server.expect(UNSEEN).await;
            s.server.say(&format!("{tag} {end}")).await;
            failed.await.expect_err("refused");
            let token = inbox.fetch(&second, Items::new().size());
            if still {
                s.answer(SIZES, &[]).await;
            }
            assert_eq!(token.await.is_ok(), still, "after {end}");
        }
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_selection_is_the_end_of_the_result() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let saved = save(&mut s, &inbox, 2).await;
        let again = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 0).await;
        let again = again.await.expect("selected");
        let error = again.fetch(&saved, Items::new().size()).await.expect_err("of another selection");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        let error = inbox.fetch(&saved, Items::new().size()).await.expect_err("of another selection");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));
        s.noop(&[]).await;
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_result_is_none_to_build_on() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let search = inbox.save(Search::unseen());
        let sizes = inbox.fetch(search.saved(), Items::new().size());
        let tag = s.server.expect(UNSEEN).await;
        let fetch = s.server.expect(SIZES).await;
        // RFC 9738 section 3.4.
        s.server
            .say(&format!("{tag} OK [MESSAGELIMIT 1 13] SEARCH completed with 1 partial result saved"))
            .await;
        s.server.say(&format!("{fetch} OK done")).await;
        assert_eq!(search.await.expect_err("not all").kind(), ErrorKind::Partial);
        assert_eq!(sizes.await.expect_err("of not all").kind(), ErrorKind::Partial);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_searchres_nothing_is_sent() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let search = inbox.save(Search::unseen());
        let sizes = inbox.fetch(search.saved(), Items::new().size());
        assert_eq!(search.await.expect_err("unsupported").kind(), ErrorKind::Unsupported);
        let error = sizes.await.expect_err("nothing to fetch");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        s.noop(&[]).await;
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_search_by_hand_may_have_taken_its_place() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let saved = save(&mut s, &inbox, 2).await;
        let raw = s.imap.raw("UID SEARCH RETURN (SAVE) ALL");
        s.answer("UID SEARCH RETURN (SAVE) ALL", &[]).await;
        raw.await.expect("the server said OK");
        let error = inbox.move_to(&saved, "Trash").await.expect_err("it would move all messages");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        s.events.ready();
    })
    .await;
}

/// RFC 5182 section 2.2, example 3, and section 2.3.
#[tokio::test(start_paused = true)]
async fn a_search_among_what_was_found_goes_out_with_the_search_and_one_that_is_saved_waits_for_it() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let unseen = inbox.save(Search::unseen());
        let large = inbox.search(Search::among(unseen.saved()).and(Search::larger(4096)));
        let seen_large = inbox.save(Search::among(unseen.saved()).not().or(Search::larger(9)));
        let tag = s.server.expect(UNSEEN).await;
        let search = s.server.expect("UID SEARCH RETURN (ALL) $ LARGER 4096").await;
        // Neither may take the other's place while the first is used, nor build on what may fail.
        s.server.expect_silence(std::time::Duration::from_secs(5)).await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID COUNT 2")).await;
        s.server.say(&format!("{tag} OK saved")).await;
        s.server.expect_silence(std::time::Duration::from_secs(5)).await;
        s.server.say(&format!("* ESEARCH (TAG \"{search}\") UID ALL 12")).await;
        s.server.say(&format!("{search} OK searched")).await;
        let unseen = unseen.await.expect("saved");
        assert_eq!(large.await.expect("found").uids().to_string(), "12");
        s.answer("UID SEARCH RETURN (SAVE COUNT) OR NOT $ LARGER 9", &[]).await;
        let second = seen_large.await.expect("saved");

        // The server has forgotten the first; and it remembers but one.
        let error = inbox.search(Search::among(&unseen)).await.expect_err("forgotten");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        let both = Search::among(&unseen).and(Search::among(&second));
        let error = inbox.search(both).await.expect_err("two of them");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        let again = inbox.search(Search::among(&second));
        s.answer("UID SEARCH RETURN (ALL) $", &[]).await;
        assert!(again.await.expect("searched").is_empty());
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_search_among_what_a_failed_one_was_to_find_fails_with_it() {
    within(LIMIT, async {
        let (mut s, inbox) = open().await;
        let unseen = inbox.save(Search::unseen());
        let large = inbox.search(Search::among(unseen.saved()).and(Search::larger(4096)));
        let tag = s.server.expect(UNSEEN).await;
        let search = s.server.expect("UID SEARCH RETURN (ALL) $ LARGER 4096").await;
        s.server.say(&format!("{tag} BAD what")).await;
        s.server.say(&format!("* ESEARCH (TAG \"{search}\") UID ALL 12")).await;
        s.server.say(&format!("{search} OK searched")).await;
        assert_eq!(unseen.await.expect_err("refused").kind(), ErrorKind::Bad);
        let error = large.await.expect_err("among whatever was remembered before");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Bad, Sent::Fully));
        // Its own OK would be taken for a success.
        assert_eq!(s.events.ready_briefs(), ["SEARCH BAD", "SEARCH failed"]);
    })
    .await;
}
