//! Servers that go astray: what they refuse, contradict, cut short or say so that it can't be read
//! must not cost a change, nor keep the engine asking for ever.

use super::script::{Script, resolved};
use super::settings;
use crate::Select;
use crate::command::{Items, Store};
use crate::engine::Settings;
use crate::types::{Flag, Flags, MailboxState, ModSeq, Uid, UidSet, UidValidity, ViewSync};

fn set(text: &str) -> UidSet {
    text.parse().unwrap()
}

/// Messages 1 to 3 of UIDVALIDITY 7, without flags; all is known up to mod-sequence 90.
fn state() -> MailboxState {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.highest_mod_seq = ModSeq::new(90);
    state.uids = set("1:3");
    state.flags = vec![(Flags::new(), set("1:3"))];
    state
}

fn resuming() -> Select {
    Select::new("INBOX").resume(state())
}

fn opened(exists: u32, mod_seq: u64) -> String {
    format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ {mod_seq}] modseq\n")
}

const ALL: &str = "UID SEARCH RETURN (ALL) ALL";
const ALL_SINCE: &str = "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 90)";

#[test]
fn a_contradiction_does_not_cost_the_changes_that_were_still_to_be_asked() {
    let mut script = Script::new("CONDSTORE ESEARCH", &["CONDSTORE"]);
    script.select(resuming(), "SELECT INBOX", &(opened(4, 99) + "TAG OK done"));
    let search = script.expect(ALL);
    script.say("* 3 EXISTS").say(&format!("* ESEARCH (TAG \"{search}\") UID ALL 1:3\n{search} OK done"));
    script.line("FETCH 1:3 (UID)", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\nTAG OK done");
    script.line(ALL_SINCE, "* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (95))\nTAG OK done").quiet();
    let events = script.events();
    assert_eq!(
        events[events.len() - 2..],
        ["uid 2 has flags (\\Seen) (while away)", "resumed, with 3 messages"]
    );
}

#[test]
fn what_came_with_the_select_and_can_not_be_read_is_asked_for() {
    let full = "* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (95))";
    for odd in ["* 2 FETCH (UID 2 FLAGS (\\Seen MODSEQ (95))", "* 2 FETCH (FLAGS (\\Seen) MODSEQ (95))"] {
        let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
        let answer = opened(3, 99) + odd + "\nTAG OK done";
        script.select(resuming(), "SELECT INBOX (QRESYNC (7 90))", &answer);
        script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
        script.line(ALL_SINCE, &format!("{full}\nTAG OK done")).quiet();
        let events = script.events();
        assert!(events.iter().any(|e| e == "uid 2 has flags (\\Seen) (while away)"), "{events:?}");
    }
}

#[test]
fn what_can_not_be_read_is_not_known_up_to_any_mod_sequence() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(2, 90) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    let token = script.sender.noop();
    script.line("NOOP", "* 2 FETCH (UID 2 FLAGS (\\Seen MODSEQ (95))\nTAG OK [HIGHESTMODSEQ 95] done");
    resolved(token);
    assert_eq!(
        inbox.state().and_then(|s| s.highest_mod_seq),
        ModSeq::new(90),
        "the next time it is reported again"
    );
}

#[test]
fn numbers_that_may_have_shifted_are_asked_for_again() {
    let mut script = Script::new("ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    script.say("* VANISHED 2,x");
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1,3\nTAG OK done");
    let events = script.events();
    assert!(events.iter().any(|e| e.starts_with("the server contradicts itself")), "{events:?}");
    // Within reason, and the connection survives.
    for _ in 0..100 {
        script.say("* VANISHED 2,x");
    }
    let reported = script.events().iter().filter(|e| e.starts_with("the server contradicts itself")).count();
    assert!((1..100).contains(&reported) && script.bench.engine.lifecycle().closed().is_none(), "{reported}");
}

#[test]
fn another_uid_validity_has_mod_sequences_of_its_own() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(2, 90) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    script.events();
    // Something has changed that no event reports; it must not bring old UIDs under the new
    // UIDVALIDITY.
    script.say("* 1 FETCH (MODSEQ (91))\n* OK [UIDVALIDITY 8] new UIDs");
    while let Some(event) = script.bench.event() {
        let snapshot = inbox.snapshot();
        assert!(snapshot.uids().is_empty() || snapshot.uid_validity() == UidValidity::new(7), "{event}");
    }
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 5:6\nTAG OK done").quiet();
    let state = inbox.state().expect("in step");
    assert_eq!((state.uid_validity.get(), state.uids, state.highest_mod_seq), (8, set("5:6"), None));
}

#[test]
fn a_server_with_a_message_limit_is_asked_in_pieces() {
    // RFC 9738: it deals with so many at once, those with the highest UIDs, and says OK all the
    // same.
    let mut script = Script::new("CONDSTORE ESEARCH MESSAGELIMIT=2", &["CONDSTORE"]);
    script.select(resuming(), "SELECT INBOX", &(opened(3, 99) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) 2:3", "* ESEARCH (TAG \"TAG\") UID ALL 2:3\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) 1", "* ESEARCH (TAG \"TAG\") UID ALL 1\nTAG OK done");
    script.line(ALL_SINCE, "* 3 FETCH (UID 3 FLAGS ())\nTAG OK [MESSAGELIMIT 2 2] 2 of them");
    // What was cut short is asked as if there were no mod-sequences.
    script
        .line("UID FETCH 2:3 (FLAGS)", "* 2 FETCH (UID 2 FLAGS ())\n* 3 FETCH (UID 3 FLAGS ())\nTAG OK done");
    script.line("UID FETCH 1 (FLAGS)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\nTAG OK done").quiet();
    assert_eq!(
        script.events(),
        [
            "opened with 3 messages, UIDVALIDITY 7",
            "uid 1 has flags (\\Seen) (while away)",
            "resumed, with 3 messages"
        ]
    );
}

#[test]
fn flags_that_were_refused_are_not_in_step() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select(resuming(), "SELECT INBOX", &(opened(3, 99) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    script.line("UID FETCH 1:3 (FLAGS)", "TAG NO not now");
    script.line("UID FETCH 1:3 (FLAGS)", "TAG NO not now").quiet();
    assert_eq!(script.events(), ["opened with 3 messages, UIDVALIDITY 7"], "not resumed");
    assert_eq!(inbox.state(), Some(state()), "what was known is still what was known");
    script.say("* 4 EXISTS");
    script.line("UID FETCH 4:* (FLAGS)", "* 4 FETCH (UID 4 FLAGS ())\nTAG OK done");
    script.line("UID FETCH 1:3 (FLAGS)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\nTAG OK done").quiet();
    let events = script.events();
    assert_eq!(events[2..], ["uid 1 has flags (\\Seen) (while away)", "resumed, with 4 messages"]);
}

#[test]
fn without_numbers_what_does_not_add_up_is_not_asked_for_ever() {
    let mut script = Script::new("ESEARCH UIDONLY", &["UIDONLY"]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    for _ in 0..2 {
        script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    }
    script.quiet();
    script.say("* VANISHED 3");
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done").quiet();
}

#[test]
fn rows_make_no_mailbox_larger_than_the_limit() {
    let (mut bench, sender) = super::Bench::new(Settings {
        auto_idle: false,
        limits: crate::types::Limits { messages: 2000, ..Default::default() },
        ..settings()
    });
    bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n");
    let _token = sender.select("INBOX");
    bench.write_all();
    bench.feed(b"* 1 EXISTS\r\nA1 OK done\r\n");
    for n in 1..=3 {
        bench.feed(format!("* {} FETCH (FLAGS ())\r\n", n * 1000).as_bytes());
    }
    assert!(bench.engine.lifecycle().closed().is_some());
}

#[test]
fn many_unknown_behind_one_that_is_known_are_asked_in_windows() {
    let mut script = Script::windowed("ESEARCH", 4, 2);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(10, 1) + "TAG OK done"));
    let search = script.expect("UID SEARCH RETURN (ALL) 7:10");
    let first = inbox.fetch(Uid::new(1).unwrap(), Items::new().size());
    script.line("UID FETCH 1 (RFC822.SIZE)", "* 1 FETCH (UID 1 RFC822.SIZE 9)\nTAG OK done");
    resolved(first);
    script.say(&format!("{search} NO not now"));
    script.line(
        "FETCH 7:10 (UID)",
        "* 7 FETCH (UID 7)\n* 8 FETCH (UID 8)\n* 9 FETCH (UID 9)\n* 10 FETCH (UID 10)\nTAG OK done",
    );
    script.line("UID SEARCH RETURN (ALL) 3:6", "* ESEARCH (TAG \"TAG\") UID ALL 3:6\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) 2", "* ESEARCH (TAG \"TAG\") UID ALL 2\nTAG OK done").quiet();
}

#[test]
fn what_changes_later_did_not_change_while_disconnected() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let select = resuming().view_sync(ViewSync::Flags);
    script.select(select, "SELECT INBOX (QRESYNC (7 90))", &(opened(3, 90) + "TAG OK done"));
    script.events();
    script.say("* 4 EXISTS");
    // The row has the UID alone; its flags are queried, reported, and reported again.
    script.line("UID FETCH 4:* (FLAGS)", "* 4 FETCH (UID 4)\nTAG OK done");
    let tag = script.expect("UID FETCH 4 (FLAGS)");
    script.say("* 4 FETCH (UID 4 FLAGS ())\n* 4 FETCH (UID 4 FLAGS (\\Seen))").say(&format!("{tag} OK done"));
    let events = script.events();
    assert!(events.iter().any(|e| e.contains("\\Seen")), "{events:?}");
    assert!(events.iter().all(|e| !e.contains("while away")), "{events:?}");
    script.quiet();
}

#[test]
fn messages_whose_uids_were_being_asked_are_reported_after_a_contradiction_too() {
    let mut script = Script::new("ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done").quiet();
    script.say("* 4 EXISTS");
    let learn = script.expect("UID FETCH 4:* (FLAGS)");
    script.say("* 3 EXISTS").say(&format!("{learn} OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1,3:4\nTAG OK done").quiet();
    let events = script.events();
    assert_eq!(events[events.len() - 2..], ["uid 2 removed", "uid 4 arrived"]);
}

#[test]
fn what_is_known_of_the_mod_sequence_is_in_the_snapshot() {
    let mut script = Script::new("CONDSTORE ESEARCH", &["CONDSTORE"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(0, 90) + "TAG OK done"));
    script.quiet();
    script.say("* OK [HIGHESTMODSEQ 95] changed");
    assert_eq!(inbox.highest_mod_seq(), ModSeq::new(95));
    assert_eq!(inbox.snapshot().highest_mod_seq(), ModSeq::new(95));
}

#[test]
fn who_goes_while_the_mailbox_is_being_opened_is_not_counted() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let answer = opened(3, 99) + "* VANISHED 2\nTAG OK done";
    let inbox = script.select(resuming(), "SELECT INBOX (QRESYNC (7 90))", &answer);
    assert_eq!(inbox.exists(), 2);
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1,3\nTAG OK done");
    script.line(ALL_SINCE, "TAG OK done").quiet();
    let events = script.events();
    assert!(events.iter().any(|e| e == "uid 2 removed (while away)"), "{events:?}");
}

#[test]
fn a_silent_store_that_was_cut_short_is_not_taken_for_done() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    script.events();
    let _store = inbox.store(set("1:3"), Store::add([Flag::Seen]).silent());
    script.line("UID STORE 1:3 +FLAGS.SILENT (\\Seen)", "TAG OK [MESSAGELIMIT 2 2] 2 of them");
    assert_eq!(script.events(), [""; 0]);
    script.line("UID FETCH 1:3 (FLAGS)", "* 2 FETCH (UID 2 FLAGS (\\Seen))\nTAG OK done").quiet();
    assert_eq!(script.events(), ["uid 2 has flags (\\Seen)"]);
}

/// RFC 9738 section 3.1: the question for flags meets the limit, too.
#[test]
fn flags_after_a_silent_store_are_asked_until_all_are_known() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(5, 1) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:5\nTAG OK done");
    script.events();
    let store = inbox.store(set("1:5"), Store::add([Flag::Seen]).silent());
    let id = store.id();
    script.line("UID STORE 1:5 +FLAGS.SILENT (\\Seen)", "TAG OK done");
    resolved(store);
    let rows = "* 5 FETCH (UID 5 FLAGS (\\Seen))\n* 4 FETCH (UID 4 FLAGS (\\Seen))\nTAG OK [MESSAGELIMIT 2 4] 2 of them";
    script.line("UID FETCH 1:5 (FLAGS)", rows);
    assert!(inbox.state().is_none(), "the others are in doubt");
    let rows = "* 2 FETCH (UID 2 FLAGS (\\Seen))\n* 3 FETCH (UID 3 FLAGS (\\Seen))\nTAG OK [MESSAGELIMIT 2 2] 2 of them";
    script.line("UID FETCH 1:3 (FLAGS)", rows);
    let causes: Vec<_> =
        std::iter::from_fn(|| script.bench.event()).filter(|e| e.name() == "flags_changed").collect();
    assert_eq!(causes.len(), 4);
    assert!(causes.iter().all(|event| event.cause == Some(id)), "{causes:?}");
    // A server that gets no further is not asked for ever.
    script.line("UID FETCH 1 (FLAGS)", "TAG OK [MESSAGELIMIT 2 2] none of them").quiet();
    assert!(inbox.state().is_none());
}

/// What the limit left out is asked; what could not be read is not known, whatever the view had of
/// it.
#[test]
fn of_an_answer_cut_short_what_could_not_be_read_is_not_taken_for_reported() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    script.say("* 2 FETCH (UID 2 FLAGS (\\Flagged))");
    resolved_partly(&mut script, &inbox);
    let rows = "* 3 FETCH (UID 3 FLAGS (\\Seen))\n* 2 FETCH (UID 2 FLAGS (\\Seen) ENVELOPE nonsense)\n\
                TAG OK [MESSAGELIMIT 2 2] 2 of them";
    script.line("UID FETCH 1:3 (FLAGS)", rows);
    script.line("UID FETCH 1 (FLAGS)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\nTAG OK done").quiet();
    let flags: Vec<_> = inbox.snapshot().iter().map(|known| known.flags().map(ToString::to_string)).collect();
    assert_eq!(flags, [Some("(\\Seen)".to_owned()), None, Some("(\\Seen)".to_owned())]);
}

/// A silent STORE that has met the server's limit: what has become of its messages is in doubt.
fn resolved_partly(script: &mut Script, inbox: &crate::client::Mailbox) {
    let mut store = inbox.store(set("1:3"), Store::add([Flag::Seen]).silent());
    script.line("UID STORE 1:3 +FLAGS.SILENT (\\Seen)", "TAG OK [MESSAGELIMIT 2 2] 2 of them");
    let ended = super::poll_once(&mut store).expect("it has ended");
    assert_eq!(ended.expect_err("not all of it").kind(), crate::ErrorKind::Partial);
}

/// RFC 9738 section 3.1: EXPUNGEISSUED has the tagged OK, and the limit is in an untagged one.
/// Another command's own limit is not it.
#[test]
fn a_limit_in_an_untagged_ok_is_not_of_a_command_that_says_another() {
    let mut script = Script::new("", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3\nTAG OK done");
    let mut fetch = inbox.fetch(set("1:3"), Items::new().size());
    let mut found = inbox.search(crate::command::Search::unseen());
    let fetch_tag = script.expect("UID FETCH 1:3 (RFC822.SIZE)");
    let search_tag = script.expect("UID SEARCH UNSEEN");
    script.say("* 3 FETCH (UID 3 RFC822.SIZE 5)\n* NO [MESSAGELIMIT 1 3] one of them\n* SEARCH 2");
    script.say(&format!("{search_tag} OK [MESSAGELIMIT 1 2] one of them"));
    script.say(&format!("{fetch_tag} OK [EXPUNGEISSUED] some were expunged")).quiet();
    let below = |error: crate::Error| (error.kind(), error.resume_below());
    let fetched = super::poll_once(&mut fetch).expect("it has ended").expect_err("not all of it");
    assert_eq!(below(fetched), (crate::ErrorKind::Partial, Uid::new(3)));
    let found = super::poll_once(&mut found).expect("it has ended").expect_err("not all of it");
    assert_eq!(below(found), (crate::ErrorKind::Partial, Uid::new(2)));
}

/// A command that is refused for the same limit does not take the untagged limit of another.
#[test]
fn a_limit_in_an_untagged_ok_is_not_of_a_command_that_is_refused() {
    let mut script = Script::new("", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3\nTAG OK done");
    let mut fetch = inbox.fetch(set("1:3"), Items::new().size());
    let mut copy = inbox.copy(set("1:3"), "x");
    let (fetch_tag, copy_tag) =
        (script.expect("UID FETCH 1:3 (RFC822.SIZE)"), script.expect("UID COPY 1:3 x"));
    script.say("* 3 FETCH (UID 3 RFC822.SIZE 5)\n* NO [MESSAGELIMIT 1 3] one of them");
    script.say(&format!("{copy_tag} NO [MESSAGELIMIT 1 3] too many"));
    script.say(&format!("{fetch_tag} OK [EXPUNGEISSUED] some were expunged")).quiet();
    let refused = super::poll_once(&mut copy).expect("it has ended").expect_err("refused");
    assert_eq!(refused.kind(), crate::ErrorKind::No);
    let fetched = super::poll_once(&mut fetch).expect("it has ended").expect_err("not all of it");
    assert_eq!((fetched.kind(), fetched.resume_below()), (crate::ErrorKind::Partial, Uid::new(3)));
}

#[test]
fn numbers_wait_for_their_uids_also_behind_a_question_for_flags() {
    let mut script = Script::new("ESEARCH UIDPLUS", &[]);
    let inbox = script.select(
        Select::new("INBOX").view_sync(ViewSync::Flags),
        "SELECT INBOX",
        &(opened(2, 1) + "TAG OK done"),
    );
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    let flags = script.expect("UID FETCH 1:2 (FLAGS)");
    script.say("* 3 EXISTS");
    let expunge = inbox.expunge(inbox.newest(1));
    script.quiet().say(&format!("* 1 FETCH (UID 1 FLAGS ())\n* 2 FETCH (UID 2 FLAGS ())\n{flags} OK done"));
    script.line("UID FETCH 3:* (FLAGS)", "* 3 FETCH (UID 7 FLAGS (\\Deleted))\nTAG OK done");
    script.line("UID EXPUNGE 7", "* 3 EXPUNGE\nTAG OK done").quiet();
    resolved(expunge);
}
