//! Promise 8: the engine pipelines what RFC 9051 section 5.5 allows and holds back what it forbids.
//! Here the section's own examples, those of RFC 3501 section 5.5, and what else hangs on numbers
//! and flags, each by what is sent.
//!
//! What hangs on the selection is in `c08_selections`.

use std::time::Duration;

use imap_duplex::Mailbox;
use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::Flag;

use crate::client::{seq, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, blind, quiet};
use crate::support::within;

/// A server of IMAP4rev2, which must execute ambiguous pairs in order (RFC 9051 section 5.5).
const REV2: &str = "IMAP4rev2 LITERAL+ UIDPLUS ESEARCH MOVE UNSELECT";

/// Submits a command by the name that the examples give it, and gives what it looks like on the
/// wire.
fn submit(s: &Session, inbox: &Mailbox, name: &str) -> &'static str {
    let size = || Items::new().size();
    let flags = || Items::new().flags();
    let flag = |flag: Flag| Store::add([flag]);
    match name {
        "FETCH" => drop(inbox.fetch(seq(1), size()).detach()),
        "FETCH FLAGS" => drop(inbox.fetch(seq(1), flags()).detach()),
        "STORE" => drop(inbox.store(seq(1), flag(Flag::Flagged)).detach()),
        "STORE 2" => drop(inbox.store(seq(2), flag(Flag::Flagged)).detach()),
        "COPY" => drop(inbox.copy(seq(2), "Archive").detach()),
        "EXPUNGE" => drop(inbox.expunge_deleted().detach()),
        "NOOP" => drop(s.imap.noop().detach()),
        "CHECK" => drop(s.imap.raw("CHECK").detach()),
        "LIST" => drop(s.imap.list("*").detach()),
        "STATUS" => drop(s.imap.status("Work", StatusItems::new().messages()).detach()),
        "CREATE" => drop(s.imap.create("Work").detach()),
        "APPEND" => drop(s.imap.append("Work", "x").detach()),
        "UID SEARCH" => drop(inbox.search(Search::all()).detach()),
        "UID SEARCH UNSEEN" => drop(inbox.search(Search::unseen()).detach()),
        "UID FETCH" => drop(inbox.fetch(uid(11), size()).detach()),
        "UID FETCH FLAGS" => drop(inbox.fetch(uid(11), flags()).detach()),
        "UID FETCH FLAGS 12" => drop(inbox.fetch(uid(12), flags()).detach()),
        "UID FETCH BODY" => drop(inbox.fetch(uid(11), Items::body().marking_seen()).detach()),
        "UID STORE" => drop(inbox.store(uid(11), flag(Flag::Flagged)).detach()),
        "UID STORE 13" => drop(inbox.store(uid(13), flag(Flag::Flagged)).detach()),
        "UID COPY" => drop(inbox.copy(uid(12), "Archive").detach()),
        "UID EXPUNGE" => drop(inbox.expunge(uid(13)).detach()),
        "UID MOVE" => drop(inbox.move_to(uid(11), "Archive").detach()),
        other => panic!("no example has {other}"),
    }
    match name {
        "FETCH" => "FETCH 1 (UID RFC822.SIZE)",
        "FETCH FLAGS" => "FETCH 1 (UID FLAGS)",
        "STORE" => r"STORE 1 +FLAGS (\Flagged)",
        "STORE 2" => r"STORE 2 +FLAGS (\Flagged)",
        "COPY" => "COPY 2 Archive",
        "EXPUNGE" => "EXPUNGE",
        "NOOP" => "NOOP",
        "CHECK" => "CHECK",
        "LIST" => "LIST \"\" *",
        "STATUS" => "STATUS Work (MESSAGES)",
        "CREATE" => "CREATE Work",
        // The literal follows in the same breath.
        "APPEND" => "APPEND Work {1+}",
        "UID SEARCH" => "UID SEARCH RETURN (ALL) ALL",
        "UID SEARCH UNSEEN" => "UID SEARCH RETURN (ALL) UNSEEN",
        "UID FETCH" => "UID FETCH 11 (RFC822.SIZE)",
        "UID FETCH FLAGS" => "UID FETCH 11 (FLAGS)",
        "UID FETCH FLAGS 12" => "UID FETCH 12 (FLAGS)",
        "UID FETCH BODY" => "UID FETCH 11 (BODY[])",
        "UID STORE" => r"UID STORE 11 +FLAGS (\Flagged)",
        "UID STORE 13" => r"UID STORE 13 +FLAGS (\Flagged)",
        "UID COPY" => "UID COPY 12 Archive",
        "UID EXPUNGE" => "UID EXPUNGE 13",
        "UID MOVE" => "UID MOVE 11 Archive",
        other => panic!("no example has {other}"),
    }
}

/// Submits these all at once to a server that answers nothing before it has received all that is
/// sent without waiting; `|` says where the client has to wait for the answers to all that stands
/// before.
async fn goes_out(capabilities: &str, example: &str) {
    let mut s = Session::with(&blind(), capabilities).await;
    let inbox = s.select_blind(3).await;
    let mut waves: Vec<Vec<&str>> = Vec::new();
    for wave in example.split(" | ") {
        waves.push(wave.split(" + ").map(|name| submit(&s, &inbox, name)).collect());
    }
    for wave in &waves {
        let lines = s.server.lines_until_silence(Duration::from_secs(1)).await;
        let lines: Vec<_> = lines.iter().filter(|line| *line != "x").collect();
        let (tags, commands): (Vec<&str>, Vec<&str>) =
            lines.iter().filter_map(|line| line.split_once(' ')).unzip();
        assert_eq!(commands, *wave, "of {example:?} with {capabilities}");
        for tag in tags {
            s.server.say(&format!("{tag} OK done")).await;
        }
    }
    s.server.expect_silence(Duration::from_secs(1)).await;
}

async fn each_goes_out(capabilities: &[&str], examples: &[&str]) {
    for example in examples {
        for capabilities in capabilities {
            goes_out(capabilities, example).await;
        }
    }
}

/// RFC 9051 section 5.5: "the following non-waiting command sequences are invalid: FETCH + NOOP +
/// STORE, STORE + COPY + FETCH, COPY + COPY"; RFC 3501 section 5.5 says the same, and CHECK +
/// FETCH.
#[tokio::test(start_paused = true)]
async fn the_invalid_examples_of_the_rfcs_are_not_sent_without_waiting() {
    within(LIMIT, async {
        let invalid = ["FETCH + NOOP | STORE", "STORE + COPY | FETCH", "COPY | COPY", "CHECK | FETCH"];
        each_goes_out(&[CAPABILITIES, REV2], &invalid).await;
    })
    .await;
}

/// RFC 9051 section 5.5: "the following are examples of valid non-waiting command sequences:
/// FETCH + STORE + SEARCH + NOOP, STORE + COPY + EXPUNGE". RFC 3501 section 5.5 has CHECK in place
/// of NOOP, which is a user's own command here and waits.
#[tokio::test(start_paused = true)]
async fn the_valid_examples_of_the_rfcs_are_sent_at_once() {
    within(LIMIT, async {
        each_goes_out(&[CAPABILITIES, REV2], &["FETCH + STORE + UID SEARCH + NOOP", "STORE + COPY"]).await;
        goes_out(REV2, "STORE + COPY + EXPUNGE").await;
        // RFC 3501 section 5.5 has no obligation to execute in order what hangs on flags, and
        // EXPUNGE hangs on them.
        goes_out(CAPABILITIES, "STORE + COPY | EXPUNGE").await;
        goes_out(CAPABILITIES, "FETCH + STORE + UID SEARCH | CHECK").await;
    })
    .await;
}

/// RFC 9051 section 5.5: "UID SEARCH + UID SEARCH may be valid or invalid …, depending upon whether
/// or not the second UID SEARCH contains message sequence numbers": none that a user can make
/// contains any. "If the client sends a UID command, it MUST wait for a completion result response
/// before sending a command that uses message sequence numbers."
#[tokio::test(start_paused = true)]
async fn behind_uid_commands_numbers_wait_and_uids_do_not() {
    within(LIMIT, async {
        let both = [CAPABILITIES, REV2];
        let uids = ["UID SEARCH + UID SEARCH", "UID FETCH + UID COPY + UID SEARCH", "FETCH + UID FETCH"];
        each_goes_out(&both, &uids).await;
        let numbers = ["UID FETCH | FETCH", "UID SEARCH | FETCH", "UID STORE 13 | STORE", "UID COPY | COPY"];
        each_goes_out(&both, &numbers).await;
    })
    .await;
}

/// RFC 9051 section 7.5.1: EXPUNGE may come while any command runs but FETCH, STORE and SEARCH.
#[tokio::test(start_paused = true)]
async fn behind_whatever_may_let_expunge_through_numbers_wait() {
    within(LIMIT, async {
        for other in ["NOOP", "LIST", "STATUS", "CREATE", "APPEND", "EXPUNGE", "UID EXPUNGE", "UID MOVE"] {
            goes_out(REV2, &format!("{other} | FETCH")).await;
            goes_out(REV2, &format!("{other} + UID FETCH")).await;
            // Nothing is wrong behind a command with numbers.
            goes_out(REV2, &format!("FETCH + {other}")).await;
        }
        // No command overtakes one that waits.
        goes_out(REV2, "NOOP | FETCH + LIST + UID FETCH").await;
        goes_out(REV2, "FETCH + STORE 2 + FETCH FLAGS").await;
    })
    .await;
}

/// RFC 3501 section 5.5: "The most obvious example of ambiguity is when a command would affect the
/// results of another command, e.g., a FETCH of a message's flags and a STORE of that same
/// message's flags"; a client must not send such. RFC 9051 section 5.5 leaves it to the server,
/// which must execute them in order.
#[tokio::test(start_paused = true)]
async fn a_fetch_and_a_store_of_the_same_flags_wait_but_with_imap4rev2() {
    within(LIMIT, async {
        let pairs = [
            ("FETCH FLAGS", "STORE"),
            ("STORE", "FETCH FLAGS"),
            ("UID STORE", "UID FETCH FLAGS"),
            ("UID FETCH FLAGS", "UID STORE"),
            ("UID STORE", "UID STORE"),
            // Which messages are the same is not always known.
            ("FETCH FLAGS", "UID STORE 13"),
            ("UID EXPUNGE", "UID STORE 13"),
            ("UID STORE", "UID MOVE"),
        ];
        for (one, other) in pairs {
            goes_out(CAPABILITIES, &format!("{one} | {other}")).await;
            goes_out(REV2, &format!("{one} + {other}")).await;
        }
        // Other messages, or nothing of their flags.
        let apart = [
            "FETCH FLAGS + STORE 2",
            "STORE + STORE 2",
            "UID STORE + UID FETCH FLAGS 12",
            "UID STORE + UID STORE 13",
            "UID STORE + UID FETCH",
            "FETCH FLAGS + FETCH FLAGS",
        ];
        each_goes_out(&[CAPABILITIES, REV2], &apart).await;
    })
    .await;
}

/// RFC 9051 section 5.5: "One example is a FETCH that would cause \Seen flags to be set and a
/// SEARCH UNSEEN command."
#[tokio::test(start_paused = true)]
async fn a_fetch_that_marks_as_seen_and_a_search_for_the_unseen_too() {
    within(LIMIT, async {
        for (one, other) in [
            ("UID FETCH BODY", "UID SEARCH UNSEEN"),
            ("UID SEARCH UNSEEN", "UID FETCH BODY"),
            ("UID FETCH BODY", "UID FETCH FLAGS"),
            ("UID STORE", "UID FETCH BODY"),
            ("UID STORE", "UID SEARCH UNSEEN"),
        ] {
            goes_out(CAPABILITIES, &format!("{one} | {other}")).await;
            goes_out(REV2, &format!("{one} + {other}")).await;
        }
        each_goes_out(
            &[CAPABILITIES, REV2],
            &["UID FETCH BODY + UID SEARCH", "UID FETCH BODY + UID FETCH FLAGS 12 | FETCH"],
        )
        .await;
    })
    .await;
}

/// RFC 9051 section 5.5: "any command continuation request responses and command continuations MUST
/// be negotiated before any subsequent command is initiated."
#[tokio::test(start_paused = true)]
async fn nothing_is_begun_before_a_literal_has_been_asked_for_and_sent() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1").await;
        let upload = s.imap.append("Work", "hello");
        let noop = s.imap.noop();
        let before = s.imap.in_flight();
        let tag = s.server.expect("APPEND Work {5}").await;
        s.server.expect_silence(Duration::from_secs(5)).await;
        s.server.say("+ go ahead").await;
        s.server.expect_bytes(b"hello\r\n").await;
        // Now it need not wait for the answer.
        let second = s.server.expect("NOOP").await;
        s.server.say(&format!("{second} OK done")).await;
        noop.await.expect("OK");
        s.server.say(&format!("{tag} OK done")).await;
        upload.await.expect("appended");
        assert_eq!((before, s.imap.in_flight()), (2, 0));
    })
    .await;
}
