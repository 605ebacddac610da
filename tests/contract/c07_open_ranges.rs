//! Promises 6 and 7: `n:*` names the last message even where its UID is below n (RFC 9051 section
//! 9, seq-range). What only reads says so and leaves that message out; what changes messages names
//! a last UID that is known. And numbers of a snapshot name the messages that had them, by UID.

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::types::{Answer, EventKind, Flag, ModSeq, UidSet, ViewSync};
use imap_duplex::{ErrorKind, Sent};

use crate::client::{seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, blind, quiet};
use crate::support::wire::Peer;
use crate::support::within;

#[tokio::test(start_paused = true)]
async fn the_last_message_below_the_range_is_no_part_of_what_was_fetched() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let row = r"* 2 FETCH (UID 12 FLAGS (\Seen) RFC822.SIZE 5)";
        let rows = inbox.fetch(uid(20).., Items::new().size());
        s.answer("UID FETCH 20:* (RFC822.SIZE)", &[row]).await;
        assert!(rows.await.expect("fetched").is_empty());
        // It has passed through the view.
        assert_eq!(s.events.ready_briefs(), [r"flags 2 uid 12 (\Seen)", "FETCH OK"]);
        assert!(inbox.snapshot().iter().nth(1).and_then(|m| m.flags().cloned()).is_some());

        let mut rows = inbox.fetch(uid(12).., Items::new().size()).stream();
        s.answer("UID FETCH 12:* (RFC822.SIZE)", &[row, "* 1 FETCH (UID 11 RFC822.SIZE 4)"]).await;
        let mut streamed = Vec::new();
        while let Some(row) = rows.next().await {
            streamed.push(row.expect("a row").uid());
        }
        assert_eq!(streamed, [Some(uid(12))]);
        s.events.ready();

        inbox.fetch(uid(20).., Items::new().size()).detach();
        s.answer("UID FETCH 20:* (RFC822.SIZE)", &[row]).await;
        s.noop(&[]).await;
        let reported = s.events.ready();
        assert!(
            !reported.iter().any(|event| matches!(event.kind, EventKind::Data(Answer::Fetch(_)))),
            "{reported:?}"
        );
    })
    .await;
}

/// Of the messages below an open range only the last can be its extra row: flags of another are a
/// change.
#[tokio::test(start_paused = true)]
async fn flags_of_a_message_below_an_open_range_are_a_change() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[10, 20]).await;
        let rows = inbox.fetch(uid(20).., Items::new().flags());
        let changed = r"* 1 FETCH (UID 10 FLAGS (\Flagged))";
        s.answer("UID FETCH 20:* (FLAGS)", &[changed, "* 2 FETCH (UID 20 FLAGS ())"]).await;
        assert_eq!(rows.await.expect("fetched").len(), 1);
        assert_eq!(s.events.ready_briefs(), [r"flags 1 uid 10 (\Flagged)", "FETCH OK"]);

        // The question of the client itself for the UID of a new message.
        let mut s = Session::open().await;
        let _inbox = s.select(&[10, 20]).await;
        s.server.say("* 3 EXISTS").await;
        s.answer("UID FETCH 21:* (FLAGS)", &[changed, "* 3 FETCH (UID 30 FLAGS ())"]).await;
        s.events.until_brief(r"flags 1 uid 10 (\Flagged)").await;
        s.events.until_brief("arrived 3 uid 30").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whose_row_it_is_gets_it_beside_an_open_range() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let (open, last) =
            (inbox.fetch(uid(20).., Items::new().size()), inbox.fetch(uid(12), Items::new().size()));
        let a = s.server.expect("UID FETCH 20:* (RFC822.SIZE)").await;
        let b = s.server.expect("UID FETCH 12 (RFC822.SIZE)").await;
        // Some servers send the last message, others don't.
        s.server.say(&format!("{a} OK done")).await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 5)").await;
        s.server.say(&format!("{b} OK done")).await;
        assert!(open.await.expect("fetched").is_empty());
        assert_eq!(last.await.expect("fetched").len(), 1);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_search_means_what_it_says_wherever_the_range_stands() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), &format!("{CAPABILITIES} SEARCHRES")).await;
        let inbox = s.select(&[11, 12]).await;
        let open = || Search::uids(uid(12)..);
        for (query, line) in [
            (Search::uids(uid(20)..), "UID SEARCH RETURN (ALL) UID 20:*"),
            (Search::uids(uid(20)..).and(Search::unseen()), "UID SEARCH RETURN (ALL) UID 20:* UNSEEN"),
        ] {
            let token = inbox.search(query);
            let tag = s.server.expect(line).await;
            s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 12")).await;
            s.server.say(&format!("{tag} OK done")).await;
            assert!(token.await.expect("searched").is_empty(), "{line}");
        }
        for (query, line) in [
            (open().or(Search::seen()), "UID SEARCH RETURN (ALL) OR NOT UID 1:11 SEEN"),
            (open().not(), "UID SEARCH RETURN (ALL) UID 1:11"),
            (open().and(Search::seen()).not(), "UID SEARCH RETURN (ALL) NOT (NOT UID 1:11 SEEN)"),
            (Search::uids(uid(1)..).not(), "UID SEARCH RETURN (ALL) NOT ALL"),
            (Search::uids(uid(1)..).or(Search::seen()), "UID SEARCH RETURN (ALL) OR ALL SEEN"),
        ] {
            let token = inbox.search(query);
            let tag = s.server.expect(line).await;
            s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 11:12")).await;
            s.server.say(&format!("{tag} OK done")).await;
            assert_eq!(token.await.expect("searched").len(), 2, "{line}");
        }
        // What the server remembers would hold the last message, for a STORE to change.
        let saved = inbox.save(Search::uids(uid(20)..));
        s.answer("UID SEARCH RETURN (SAVE COUNT) NOT UID 1:19", &[]).await;
        saved.await.expect("saved");
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_changes_messages_names_the_last_one() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 17]).await;
        let store = inbox.store(uid(12).., Store::add([Flag::Flagged]));
        s.answer(r"UID STORE 12:17 +FLAGS (\Flagged)", &[]).await;
        store.await.expect("stored");
        let copy = inbox.copy(uid(12).., "a");
        s.answer("UID COPY 12:17 a", &[]).await;
        copy.await.expect("copied");
        let read = inbox.fetch(uid(12).., Items::body().marking_seen());
        s.answer("UID FETCH 12:17 (BODY[])", &[]).await;
        read.await.expect("fetched");
        // It would hit the last message: none is meant, and nothing is sent.
        assert!(inbox.store(uid(20).., Store::add([Flag::Deleted])).await.expect("none").is_empty());
        assert_eq!(inbox.expunge(uid(20)..).await.expect("none").count, 0);
        assert!(inbox.move_to(uid(20).., "a").await.expect("none").uids.is_empty());
        s.noop(&[]).await;
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_message_that_is_named_alone_is_changed() {
    within(LIMIT, async {
        let last = || "*".parse::<UidSet>().expect("a set");
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 17]).await;
        let store = inbox.store(last(), Store::add([Flag::Flagged]));
        s.answer(r"UID STORE 17 +FLAGS (\Flagged)", &[]).await;
        store.await.expect("stored");
        let mut s = Session::with(&blind(), CAPABILITIES).await;
        let inbox = s.select_blind(3).await;
        let store = inbox.store(last(), Store::add([Flag::Flagged]));
        s.answer(r"UID STORE * +FLAGS (\Flagged)", &[]).await;
        store.await.expect("stored");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_the_uids_of_new_messages() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        s.server.say("* 3 EXISTS").await;
        s.events.until_brief("exists 3").await;
        let store = inbox.store(uid(12).., Store::add([Flag::Flagged]));
        s.answer("UID FETCH 13:* (FLAGS)", &["* 3 FETCH (UID 20 FLAGS ())"]).await;
        s.answer(r"UID STORE 12:20 +FLAGS (\Flagged)", &[]).await;
        store.await.expect("stored");
    })
    .await;
}

/// UIDNEXT of a time when there were fewer messages says nothing of the last one.
#[tokio::test(start_paused = true)]
async fn without_a_view_new_messages_are_not_left_out_silently() {
    within(LIMIT, async {
        let mut s = Session::with(&blind(), CAPABILITIES).await;
        let inbox = s.select_blind(3).await;
        let flagged = || Store::add([Flag::Flagged]);
        s.noop(&["* 4 EXISTS"]).await;
        let error = inbox.store(uid(12).., flagged()).await.expect_err("where does it end?");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        // Expunged messages make no difference, and a new UIDNEXT settles it.
        s.noop(&["* 1 EXPUNGE"]).await;
        inbox.store(uid(12).., flagged()).await.expect_err("where does it end?");
        s.noop(&["* OK [UIDNEXT 31] next"]).await;
        let store = inbox.store(uid(12).., flagged());
        s.answer(r"UID STORE 12:30 +FLAGS (\Flagged)", &[]).await;
        store.await.expect("stored");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_view_it_ends_where_the_server_says_or_is_refused() {
    within(LIMIT, async {
        for reported in [true, false] {
            let mut s = Session::with(&quiet().view_sync(ViewSync::Off), CAPABILITIES).await;
            let token = s.imap.select("INBOX");
            let tag = s.server.expect("SELECT INBOX").await;
            s.server.say("* 3 EXISTS").await;
            s.server.say("* OK [UIDVALIDITY 7] valid").await;
            if reported {
                s.server.say("* OK [UIDNEXT 31] next").await;
            }
            s.server.say(&format!("{tag} OK [READ-WRITE] selected")).await;
            let inbox = token.await.expect("selected");
            let store = inbox.store(uid(12).., Store::add([Flag::Flagged]));
            if reported {
                s.answer(r"UID STORE 12:30 +FLAGS (\Flagged)", &[]).await;
                store.await.expect("stored");
            } else {
                let error = store.await.expect_err("where does it end?");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            }
            s.noop(&[]).await;
            s.events.ready();
        }
    })
    .await;
}

/// 10 messages and UIDNEXT 31, then 8 EXISTS: three may have gone unreported while UID 31 came.
#[tokio::test(start_paused = true)]
async fn without_a_view_uidnext_from_before_a_contradiction_ends_no_range() {
    within(LIMIT, async {
        let mut s = Session::on(&blind(), CAPABILITIES, Peer::pair(), false).await;
        let inbox = s.select_blind(10).await;
        let flagged = || Store::add([Flag::Flagged]);
        for (line, uid_next) in [("* 8 EXISTS", Some(uid(1010))), ("* OK [UIDVALIDITY 8] new", None)] {
            s.noop(&[line]).await;
            assert_eq!(inbox.uid_next(), uid_next, "UIDs of another UIDVALIDITY are other messages");
            let error = inbox.store(uid(1).., flagged()).await.expect_err(line);
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            s.noop(&["* OK [UIDNEXT 1010] next"]).await;
            let store = inbox.store(uid(1).., flagged());
            s.answer(r"UID STORE 1:1009 +FLAGS (\Flagged)", &[]).await;
            store.await.expect("stored");
        }
    })
    .await;
}

/// A message that arrives or is expunged between UIDNEXT and the OK of SELECT makes UIDNEXT
/// outdated.
#[tokio::test(start_paused = true)]
async fn without_a_view_uidnext_is_as_old_as_the_count_it_was_sent_with() {
    within(LIMIT, async {
        for (before, after, known) in [
            (Some(0), &["* 1 EXISTS"][..], false),
            (Some(3), &["* 4 EXISTS"], false),
            (Some(10), &["* 8 EXISTS"], false),
            (Some(10), &["* 8 EXISTS", "* 10 EXISTS"], false),
            (None, &["* 3 EXISTS"], true),
            (Some(3), &["* 3 EXISTS"], true),
            (Some(3), &["* 4 EXISTS", "* OK [UIDNEXT 31] next"], true),
            (Some(10), &["* 8 EXISTS", "* OK [UIDNEXT 31] next"], true),
        ] {
            let mut s = Session::with(&blind(), CAPABILITIES).await;
            let token = s.imap.select("INBOX");
            let tag = s.server.expect("SELECT INBOX").await;
            if let Some(exists) = before {
                s.server.say(&format!("* {exists} EXISTS")).await;
            }
            s.server.say("* OK [UIDVALIDITY 7] valid").await;
            s.server.say("* OK [UIDNEXT 31] next").await;
            for line in after {
                s.server.say(line).await;
            }
            s.server.say(&format!("{tag} OK [READ-WRITE] selected")).await;
            let inbox = token.await.expect("selected");
            let store = inbox.store(uid(1).., Store::add([Flag::Flagged]));
            if known {
                s.answer(r"UID STORE 1:30 +FLAGS (\Flagged)", &[]).await;
                store.await.expect("stored");
            } else {
                let error = store.await.expect_err("where does it end?");
                assert_eq!(
                    (error.kind(), error.sent()),
                    (ErrorKind::Invalid, Sent::No),
                    "{before:?} {after:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_that_reading_would_mark_as_seen() {
    within(LIMIT, async {
        let mut s = Session::with(&blind(), CAPABILITIES).await;
        let inbox = s.select_blind(3).await;
        s.noop(&["* 4 EXISTS"]).await;
        let error = inbox.fetch(uid(12).., Items::body().marking_seen()).await.expect_err("it changes flags");
        let text = format!("{error:#}");
        for part in [r"sets \Seen", "marking_seen", "PEEK"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let error = inbox.store(uid(12).., Store::add([Flag::Flagged])).await.expect_err("so does this");
        assert!(!error.to_string().contains("Seen"), "{error}");
        // Without it, it is sent.
        let rows = inbox.fetch(uid(12).., Items::body());
        s.answer("UID FETCH 12:* (BODY.PEEK[])", &[]).await;
        rows.await.expect("fetched");
    })
    .await;
}

/// The highest mod-sequence may be that of the message that is left out.
#[tokio::test(start_paused = true)]
async fn a_mod_sequence_goes_with_what_is_left_out() {
    within(LIMIT, async {
        let since = ModSeq::new(800).expect("a mod-sequence");
        for (set, pieces, expected) in [
            ("1:2,10:*", &["UID ALL 1:2,7 MODSEQ 900"][..], None),
            ("1:2,10:*", &["UID ALL 1:2,10 MODSEQ 900"], ModSeq::new(900)),
            ("10:*", &["UID ALL 7 MODSEQ 900"], None),
            ("1:2,10:*", &["UID ALL 1:2", "UID ALL 7 MODSEQ 900"], None),
            ("1:2,10:*", &["UID ALL 1:2 MODSEQ 900", "UID ALL 7 MODSEQ 900"], None),
            ("1:2,10:*", &["UID ALL 1:2 MODSEQ 801", "UID ALL 10 MODSEQ 900"], ModSeq::new(900)),
            ("1:10", &["UID ALL 1:2", "UID ALL 7 MODSEQ 900"], ModSeq::new(900)),
        ] {
            let mut s = Session::with(&quiet(), &format!("{CAPABILITIES} CONDSTORE")).await;
            let inbox = s.select(&[1, 2, 7]).await;
            let which: UidSet = set.parse().expect("a set");
            let token = inbox.search(Search::uids(which).and(Search::changed_since(since)));
            let tag = s.server.expect(&format!("UID SEARCH RETURN (ALL) UID {set} MODSEQ 801")).await;
            for piece in pieces {
                s.server.say(&format!("* ESEARCH (TAG \"{tag}\") {piece}")).await;
            }
            s.server.say(&format!("{tag} OK done")).await;
            assert_eq!(token.await.expect("searched").mod_seq(), expected, "{set}: {pieces:?}");
        }
    })
    .await;
}

/// Where the UIDs are known, numbers are only another way to say which messages are meant: they
/// wait for nothing.
#[tokio::test(start_paused = true)]
async fn numbers_go_out_as_uids_where_these_are_known() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 13, 17, 18]).await;
        let noop = s.imap.noop();
        let newest = inbox.fetch(inbox.newest(2), Items::new().size());
        let store = inbox.store(seq(1)..=seq(3), Store::add([Flag::Flagged]));
        let last = inbox.copy(seq(4).., "a");
        let waits = s.server.expect("NOOP").await;
        let a = s.server.expect("UID FETCH 17:18 (RFC822.SIZE)").await;
        let b = s.server.expect(r"UID STORE 11:17 +FLAGS (\Flagged)").await;
        let c = s.server.expect("UID COPY 18 a").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* 2 FETCH (UID 17 RFC822.SIZE 5)").await;
        s.server.say("* 3 FETCH (UID 18 RFC822.SIZE 5)").await;
        for tag in [waits, a, b, c] {
            s.server.say(&format!("{tag} OK done")).await;
        }
        noop.await.expect("OK");
        let uids: Vec<_> = newest.await.expect("fetched").iter().filter_map(|row| row.uid()).collect();
        assert_eq!(uids, [uid(17), uid(18)]);
        store.await.expect("stored");
        last.await.expect("copied");
        s.events.ready();
    })
    .await;
}

/// Forty thousand messages in a row are one range, however sparse their UIDs are.
#[tokio::test(start_paused = true)]
async fn a_row_of_messages_is_one_range_by_uid_too() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let uids: Vec<u32> = (1..=40_000).map(|n| n * 3).collect();
        let inbox = s.select(&uids).await;
        let snapshot = inbox.snapshot();
        let rows = inbox.fetch(snapshot.seqs(2..), Items::new().size());
        s.answer("UID FETCH 6:120000 (RFC822.SIZE)", &[]).await;
        rows.await.expect("fetched");
    })
    .await;
}

/// hoodiecrow, asimap: messages are renumbered while a command by number runs.
#[tokio::test(start_paused = true)]
async fn numbers_of_a_snapshot_go_out_as_the_uids_that_they_stand_for() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 13, 17, 18]).await;
        let snapshot = inbox.snapshot();
        let rows = inbox.fetch(snapshot.seqs(2..=3), Items::new().size());
        let store = inbox.store(snapshot.seqs(2..=3), Store::add([Flag::Flagged]));
        let copy = inbox.copy(snapshot.seqs(1..=1), "a");
        let a = s.server.expect("UID FETCH 13:17 (RFC822.SIZE)").await;
        let b = s.server.expect(r"UID STORE 13:17 +FLAGS (\Flagged)").await;
        let c = s.server.expect("UID COPY 11 a").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* 1 FETCH (UID 13 RFC822.SIZE 5)").await;
        s.server.say("* 2 FETCH (UID 17 RFC822.SIZE 5)").await;
        for tag in [a, b, c] {
            s.server.say(&format!("{tag} OK done")).await;
        }
        let uids: Vec<_> = rows.await.expect("fetched").iter().filter_map(|row| row.uid()).collect();
        assert_eq!(uids, [uid(13), uid(17)]);
        store.await.expect("stored");
        copy.await.expect("copied");
        s.events.ready();
    })
    .await;
}
