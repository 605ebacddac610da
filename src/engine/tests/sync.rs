//! Filling the view in: what is asked, in which order, and what is taken of the answers.

use super::script::{Script, resolved};
use crate::command::{Items, Search, Store};
use crate::types::{Flag, Seq, Uid, UidSet, ViewSync};
use crate::{ErrorKind, Select, Sent};

fn opened(exists: u32) -> String {
    format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n")
}

/// UIDs by number, 0 for those that are not known.
fn uids(script: &Script) -> Vec<u32> {
    let view = script.bench.engine.selected.current().expect("a selection").view();
    (1..=view.len()).map(|n| Seq::new(n).and_then(|seq| view.uid(seq)).map_or(0, Uid::get)).collect()
}

#[test]
fn large_mailboxes_are_asked_for_in_windows_the_newest_first() {
    let mut script = Script::windowed("ESEARCH", 4, 100);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(10) + "TAG OK done"));
    script
        .line("UID SEARCH RETURN (ALL) 7:10", "* ESEARCH (TAG \"TAG\") UID ALL 70,80,90,100\nTAG OK done")
        // A message that arrives in between shifts no number.
        .line(
            "UID SEARCH RETURN (ALL) 3:6",
            "* 11 EXISTS\n* ESEARCH (TAG \"TAG\") UID ALL 30,40,50,60\nTAG OK done",
        );
    assert_eq!(uids(&script), [0, 0, 30, 40, 50, 60, 70, 80, 90, 100, 0]);
    // Who came is asked at once.
    script.line("UID FETCH 101:* (FLAGS)", "* 11 FETCH (UID 110 FLAGS (\\Seen))\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) 1:2", "* ESEARCH (TAG \"TAG\") UID ALL 10,20\nTAG OK done").quiet();
    assert_eq!(uids(&script), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
    assert_eq!(
        script.events(),
        ["opened with 10 messages, UIDVALIDITY 7", "11 messages now", "uid 110 arrived (\\Seen)"]
    );
}

#[test]
fn a_window_from_which_something_went_is_asked_again_by_rows() {
    let mut script = Script::windowed("ESEARCH", 2, 100);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(4) + "TAG OK done"));
    // The server counts as before the removal, or as after it: who knows.
    script.line(
        "UID SEARCH RETURN (ALL) 3:4",
        "* 1 EXPUNGE\n* ESEARCH (TAG \"TAG\") UID ALL 30,40\nTAG OK done",
    );
    assert_eq!(uids(&script), [0, 0, 0]);
    script.line("FETCH 2:3 (UID)", "* 2 FETCH (UID 30)\n* 3 FETCH (UID 40)\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) 1", "* ESEARCH (TAG \"TAG\") UID ALL 20\nTAG OK done").quiet();
    assert_eq!(uids(&script), [20, 30, 40]);
    assert_eq!(
        script.events(),
        ["opened with 4 messages, UIDVALIDITY 7", "message 1 (uid not known) removed"]
    );
}

#[test]
fn a_search_that_does_not_add_up_is_discarded() {
    for found in ["1,2", "1,2,3,4"] {
        let mut script = Script::new("ESEARCH", &[]);
        script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
        let answer = format!("* ESEARCH (TAG \"TAG\") UID ALL {found}\nTAG OK done");
        script.line("UID SEARCH RETURN (ALL) ALL", &answer);
        script
            .line("FETCH 1:3 (UID)", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 9)\nTAG OK done");
        script.quiet();
        assert_eq!(uids(&script), [1, 2, 9]);
    }
}

#[test]
fn users_commands_overtake_windows_within_reason() {
    let mut script = Script::windowed("ESEARCH IDLE", 1, 100);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(2) + "TAG OK done"));
    // A window by number has to wait while a command by UID may let EXPUNGE through; a user's
    // command has not.
    let first = script.expect("UID SEARCH RETURN (ALL) 2");
    let size_of = |uid| inbox.fetch(Uid::new(uid).unwrap(), Items::new().size());
    let mut tokens = vec![size_of(5)];
    let mut tags = vec![script.expect("UID FETCH 5 (RFC822.SIZE)")];
    script.say(&format!("* ESEARCH (TAG \"{first}\") UID ALL 20\n{first} OK done")).quiet();
    for _ in 0..32 {
        tokens.push(size_of(5));
        tags.push(script.expect("UID FETCH 5 (RFC822.SIZE)"));
    }
    // So many have overtaken it that the others wait for it now.
    tokens.push(size_of(6));
    script.quiet();
    for tag in &tags {
        script.say(&format!("{tag} OK done"));
    }
    let second = script.expect("UID SEARCH RETURN (ALL) 1");
    script.line("UID FETCH 6 (RFC822.SIZE)", "TAG OK done");
    script.say(&format!("* ESEARCH (TAG \"{second}\") UID ALL 10\n{second} OK done")).quiet();
    assert_eq!(uids(&script), [10, 20]);
    tokens.into_iter().for_each(|token| assert!(resolved(token).is_empty()));
}

#[test]
fn flags_are_asked_for_if_they_are_wanted() {
    let mut script = Script::windowed("ESEARCH", 100, 2);
    let select = Select::new("INBOX").view_sync(ViewSync::Flags);
    script.select(select, "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10,20,30\nTAG OK done");
    script.line(
        "UID FETCH 20,30 (FLAGS)",
        "* 2 FETCH (UID 20 FLAGS (\\Seen))\n* 3 FETCH (UID 30 FLAGS ())\nTAG OK done",
    );
    script.line("UID FETCH 10 (FLAGS)", "* 1 FETCH (UID 10 FLAGS (a))\nTAG OK done").quiet();
    assert_eq!(script.events(), ["opened with 3 messages, UIDVALIDITY 7"], "no change, so no event");
    script.say("* 1 FETCH (FLAGS (a \\Seen))");
    assert_eq!(script.events(), ["uid 10 has flags (\\Seen a)"]);
}

#[test]
fn with_the_view_off_nothing_is_asked_and_nothing_is_guessed() {
    let mut script = Script::new("ESEARCH", &[]);
    let select = Select::new("INBOX").view_sync(ViewSync::Off);
    let inbox = script.select(select, "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.quiet();
    script.say("* 4 EXISTS\n* 2 EXPUNGE\n* 1 FETCH (UID 10 FLAGS (\\Seen))\n* 3 FETCH (FLAGS ())").quiet();
    assert_eq!(inbox.exists(), 3);
    assert_eq!(
        script.events(),
        [
            "opened with 3 messages, UIDVALIDITY 7",
            "4 messages now",
            "message 2 (uid not known) removed",
            "uid 10 has flags (\\Seen)",
            "message 3 (uid not known) has flags ()",
        ]
    );
    // Nor after a silent STORE.
    let token = inbox.store(Uid::new(10).unwrap(), Store::add([Flag::Flagged]).silent());
    script.line("UID STORE 10 +FLAGS.SILENT (\\Flagged)", "TAG OK done").quiet();
    resolved(token);
    assert_eq!(script.events(), [""; 0]);
    script.say("* 9 EXPUNGE");
    assert!(script.events()[0].starts_with("the server contradicts itself"), "it still counts");
    script.quiet();
}

#[test]
fn until_the_next_select_is_written_changes_are_of_the_mailbox_that_is_selected() {
    let mut script = Script::new("ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(1) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done").quiet();
    let token = script.sender.select("Other");
    // It is taken up, and none of its bytes is written.
    script.bench.engine.poll(script.bench.now);
    script.say("* 2 EXISTS\n* OK [UIDVALIDITY 8] recreated");
    token.cancel();
    // New messages were to be queried by UIDs of the former UIDVALIDITY.
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done").quiet();
    assert_eq!(uids(&script), [1, 2]);
    assert_eq!(
        script.events(),
        [
            "opened with 1 message, UIDVALIDITY 7",
            "2 messages now",
            "UIDVALIDITY is 8 now",
            "the server contradicts itself: UIDVALIDITY changed while the mailbox was selected",
            "2 messages now",
        ]
    );
}

#[test]
fn what_vanished_and_was_not_there_is_no_result_either() {
    let mut script = Script::new("QRESYNC ESEARCH UIDPLUS", &["QRESYNC"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10,13,20\nTAG OK done");
    let token = inbox.expunge("10:13".parse::<UidSet>().unwrap());
    script.line("UID EXPUNGE 10:13", "* VANISHED 10:13\nTAG OK done").quiet();
    let expunged = resolved(token);
    assert_eq!((expunged.count, expunged.uids), (2, "10,13".parse().unwrap()));
    assert_eq!(
        script.events(),
        ["opened with 3 messages, UIDVALIDITY 7", "uid 13 removed", "uid 10 removed"]
    );
}

#[test]
fn a_contradiction_is_reported_and_what_had_changed_after_it() {
    let mut script = Script::new("ESEARCH", &[]);
    let select = Select::new("INBOX").view_sync(ViewSync::Flags);
    script.select(select, "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    let rows =
        "* 1 FETCH (UID 1 FLAGS ())\n* 2 FETCH (UID 2 FLAGS ())\n* 3 FETCH (UID 3 FLAGS ())\nTAG OK done";
    script.line("UID FETCH 1:3 (FLAGS)", rows).quiet();
    script.events();
    // Fewer than are known, and no EXPUNGE.
    script.say("* 2 EXISTS");
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 2,4\nTAG OK done");
    script.line(
        "UID FETCH 2,4 (FLAGS)",
        "* 1 FETCH (UID 2 FLAGS (\\Seen))\n* 2 FETCH (UID 4 FLAGS ())\nTAG OK done",
    );
    assert_eq!(
        script.events(),
        [
            "the server contradicts itself: 2 EXISTS, and 3 messages are known",
            "2 messages now",
            "uid 1 removed",
            "uid 3 removed",
            "uid 4 arrived",
            "uid 2 has flags (\\Seen)",
        ]
    );
    script.quiet();
}

#[test]
fn who_is_gone_and_may_not_be_reported_does_not_hold_up_the_others() {
    // The second message has been removed by another session; until EXPUNGE may be sent, no answer
    // shows it.
    let mut script = Script::windowed("ESEARCH", 1, 100);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) 3", "* ESEARCH (TAG \"TAG\") UID ALL 30\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) 2", "* ESEARCH (TAG \"TAG\") UID\nTAG OK done");
    script.line("FETCH 2 (UID)", "TAG OK done");
    script.line("UID SEARCH RETURN (ALL) 1", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done").quiet();
    assert_eq!(uids(&script), [10, 0, 30]);
    script.say("* 2 EXPUNGE").quiet();
    assert_eq!(uids(&script), [10, 30]);
}

#[test]
fn a_server_without_numbers_is_asked_by_uid() {
    // RFC 9586: no FETCH, no EXPUNGE, no numbers in SEARCH, no `*` anywhere.
    let mut script = Script::new("ESEARCH UIDONLY", &["UIDONLY"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script
        .line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10,20,30\nTAG OK done")
        .quiet();
    script.say("* 4 EXISTS");
    script
        .line("UID SEARCH RETURN (ALL) UID 31:4294967295", "* ESEARCH (TAG \"TAG\") UID ALL 40\nTAG OK done")
        .quiet();
    script.say("* VANISHED 20\n* 30 UIDFETCH (FLAGS (\\Seen))");
    assert_eq!(
        script.events(),
        [
            "opened with 3 messages, UIDVALIDITY 7",
            "4 messages now",
            "uid 40 arrived",
            "uid 20 removed",
            "uid 30 has flags (\\Seen)"
        ]
    );
    // Numbers of the user's go as UIDs.
    let token = inbox.fetch(Seq::new(2).unwrap()..=Seq::new(3).unwrap(), Items::new().size());
    script.line("UID FETCH 30:40 (RFC822.SIZE)", "* 40 UIDFETCH (RFC822.SIZE 4)\nTAG OK done").quiet();
    assert_eq!(resolved(token).len(), 1);
    let found = inbox.search(Search::unseen());
    script.line("UID SEARCH RETURN (ALL) UNSEEN", "* ESEARCH (TAG \"TAG\") UID ALL 40\nTAG OK done");
    assert_eq!(resolved(found).len(), 1);
}

/// RFC 9586 section 3: a row that has a UID alone can't be placed before the UIDs are known. Its
/// flags are a change all the same.
#[test]
fn without_numbers_flags_are_reported_of_messages_that_cannot_be_placed_yet() {
    let mut script = Script::new("ESEARCH UIDONLY", &["UIDONLY"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    let fill = script.expect("UID SEARCH RETURN (ALL) ALL");
    script.say("* 30 UIDFETCH (FLAGS (\\Seen))");
    let stored = inbox.store(Uid::new(20).unwrap(), Store::add([Flag::Flagged]));
    script.line("UID STORE 20 +FLAGS (\\Flagged)", "* 20 UIDFETCH (FLAGS (\\Flagged))\nTAG OK done");
    assert_eq!(resolved(stored).len(), 1);
    let silent = inbox.store(Uid::new(10).unwrap(), Store::add([Flag::Seen]).silent());
    script.line("UID STORE 10 +FLAGS.SILENT (\\Seen)", "TAG OK done");
    resolved(silent);
    script.line("UID FETCH 10 (FLAGS)", "* 10 UIDFETCH (FLAGS (\\Seen))\nTAG OK done");
    // What merely answers a question is none.
    let fetched = inbox.fetch(Uid::new(20).unwrap(), Items::new().flags());
    script.line("UID FETCH 20 (FLAGS)", "* 20 UIDFETCH (FLAGS (\\Flagged))\nTAG OK done");
    assert_eq!(resolved(fetched).len(), 1);
    script.say(&format!("* ESEARCH (TAG \"{fill}\") UID ALL 10,20,30\n{fill} OK done")).quiet();
    assert_eq!(
        script.events(),
        [
            "opened with 3 messages, UIDVALIDITY 7",
            "uid 30 has flags (\\Seen)",
            "uid 20 has flags (\\Flagged)",
            "uid 10 has flags (\\Seen)"
        ]
    );
    assert_eq!(uids(&script), [10, 20, 30]);
}

#[test]
fn without_numbers_a_message_limit_fills_piece_by_piece() {
    // RFC 9738 section 3.1: the newest first, and OK all the same.
    let mut script = Script::new("ESEARCH UIDONLY MESSAGELIMIT=2", &["UIDONLY"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(5) + "TAG OK done"));
    script
        .line(
            "UID SEARCH RETURN (ALL) ALL",
            "* ESEARCH (TAG \"TAG\") UID ALL 40,50\nTAG OK [MESSAGELIMIT 2 40] 2 of them",
        )
        .line(
            "UID SEARCH RETURN (ALL) UID 1:39",
            "* ESEARCH (TAG \"TAG\") UID ALL 20,30\nTAG OK [MESSAGELIMIT 2 20] 2 of them",
        )
        .line("UID SEARCH RETURN (ALL) UID 1:19", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done")
        .quiet();
    let uids: Vec<_> = inbox.snapshot().uids().iter().map(crate::types::Uid::get).collect();
    assert_eq!(uids, [10, 20, 30, 40, 50]);
}

#[test]
fn numbers_beyond_the_last_message_are_refused_unsent() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    let seqs = |first, last| Seq::new(first).unwrap()..=Seq::new(last).unwrap();
    let mut token = inbox.fetch(seqs(2, 4), Items::new().size());
    script.quiet();
    let error = super::poll_once(&mut token).expect("resolved").unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
    // It is the count of the moment of submission that counts.
    let token = inbox.fetch(seqs(2, 3), Items::new().size());
    let noop = script.sender.noop();
    script.say("* 1 EXPUNGE");
    script.line(
        "UID FETCH 2:3 (RFC822.SIZE)",
        "* 1 FETCH (UID 2 RFC822.SIZE 5)\n* 2 FETCH (UID 3 RFC822.SIZE 5)\nTAG OK done",
    );
    assert_eq!(resolved(token).len(), 2);
    script.line("NOOP", "TAG OK done").quiet();
    drop(noop);
}

#[test]
fn numbers_of_a_snapshot_name_the_messages_that_had_them() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(5) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:5\nTAG OK done");
    let snapshot = inbox.snapshot();
    // The second is expunged, long before the numbers are used.
    let noop = script.sender.noop();
    script.line("NOOP", "* 2 EXPUNGE\nTAG OK done").quiet();
    resolved(noop);
    let token = inbox.fetch(snapshot.seqs(1..=3), Items::new().size());
    script.line(
        "UID FETCH 1:3 (RFC822.SIZE)",
        "* 1 FETCH (UID 1 RFC822.SIZE 5)\n* 2 FETCH (UID 3 RFC822.SIZE 5)\nTAG OK done",
    );
    assert_eq!(resolved(token).len(), 2);
    // And another one between submission and sending.
    let first = script.sender.noop();
    let token = inbox.fetch(snapshot.seqs(4..), Items::new().size());
    script.line("NOOP", "* 1 EXPUNGE\nTAG OK done");
    script.line(
        "UID FETCH 4:5 (RFC822.SIZE)",
        "* 2 FETCH (UID 4 RFC822.SIZE 5)\n* 3 FETCH (UID 5 RFC822.SIZE 5)\nTAG OK done",
    );
    assert_eq!(resolved(token).len(), 2);
    resolved(first);
    // All of them gone: nothing is left to do.
    let mut token = inbox.fetch(snapshot.seqs(1..=2), Items::new().size());
    script.quiet();
    assert_eq!(super::poll_once(&mut token).expect("resolved").expect("OK").len(), 0);
    // Of another selection they mean nothing.
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 3:5\nTAG OK done");
    let mut token = inbox.fetch(snapshot.seqs(3..=3), Items::new().size());
    script.quiet();
    let error = super::poll_once(&mut token).expect("resolved").unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
}

/// Contract, promise 4: the effect of a silent STORE is reported, though it can't be queried in the
/// next selection.
#[test]
fn flags_that_a_silent_store_left_in_doubt_are_asked_before_the_selection_ends() {
    for by_select in [true, false] {
        let mut script = Script::new("ESEARCH UNSELECT", &[]);
        let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(1) + "TAG OK done"));
        script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done").quiet();
        let stored = inbox.store(Uid::new(10).unwrap(), Store::add([Flag::Seen]).silent());
        let tag = script.expect("UID STORE 10 +FLAGS.SILENT (\\Seen)");
        // Another session changes them meanwhile, before or after ours.
        script.say("* 1 FETCH (FLAGS ($Work) UID 10)");
        let (select, end) = if by_select {
            (Some(script.sender.select("Other")), "SELECT Other")
        } else {
            inbox.unselect().detach();
            (None, "UNSELECT")
        };
        script.say(&format!("{tag} OK done"));
        resolved(stored);
        script.line("UID FETCH 10 (FLAGS)", "* 1 FETCH (FLAGS (\\Seen $Work) UID 10)\nTAG OK done");
        assert_eq!(script.events().last().map(String::as_str), Some("uid 10 has flags (\\Seen $Work)"));
        script.expect(end);
        drop(select);
    }
}
