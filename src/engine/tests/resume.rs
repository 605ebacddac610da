//! Resumption of a selection: what is queried, what is reported, and what is known afterwards (RFC
//! 7162).

use super::poll_once;
use super::resume_unsure::unchanged;
use super::script::{Script, resolved};
use super::shown::shown;
use crate::Select;
use crate::command::{Items, Store};
use crate::types::{Flag, Flags, MailboxState, ModSeq, Seq, Uid, UidSet, UidValidity, ViewSync};

/// Messages 1 to 5 of UIDVALIDITY 7; 1 and 2 were seen, the others had no flags; all is known up to
/// mod-sequence 90.
fn state() -> MailboxState {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.highest_mod_seq = ModSeq::new(90);
    state.uids = "1:5".parse().unwrap();
    state.flags = vec![(Flag::Seen.into(), set("1:2")), (Flags::new(), set("3:5"))];
    state
}

fn set(text: &str) -> UidSet {
    text.parse().unwrap()
}

pub(super) fn resuming() -> Select {
    Select::new("INBOX").resume(state())
}

/// What SELECT reports of a mailbox with so many messages, at this mod-sequence.
pub(super) fn opened(exists: u32, mod_seq: u64) -> String {
    format!(
        "* {exists} EXISTS\n* FLAGS (\\Seen)\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT 20] next\n* OK [HIGHESTMODSEQ {mod_seq}] \
         modseq\n"
    )
}

pub(super) const SELECT_QRESYNC: &str = "SELECT INBOX (QRESYNC (7 90))";
pub(super) const RESUMED: &str = "resumed, with 5 messages";
const ALL_SINCE: &str = "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 90)";

pub(super) fn uids(script: &Script) -> Vec<u32> {
    let view = script.bench.engine.selected.current().expect("a selection").view();
    view.uids().iter().map(Uid::get).collect()
}

#[test]
fn qresync_reports_all_with_the_select() {
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    let answer = opened(5, 99)
        + "* VANISHED (EARLIER) 2,700:4000000000\n* 2 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (95))\n\
           * 5 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (99))\nTAG OK [READ-WRITE] done";
    let inbox = script.select(resuming(), SELECT_QRESYNC, &answer);
    assert_eq!(
        script.events(),
        [
            "opened with 5 messages, UIDVALIDITY 7",
            "uid 2 removed (while away)",
            "uid 9 arrived (\\Seen) (while away)",
            "uid 3 has flags (\\Flagged) (while away)",
            RESUMED,
        ]
    );
    script.quiet();
    assert_eq!(uids(&script), [1, 3, 4, 5, 9]);
    assert_eq!(inbox.exists(), 5);
    let view = script.bench.engine.selected.current().unwrap().view();
    let flags = |uid| view.flags(view.seq(Uid::new(uid).unwrap()).unwrap()).map(|f| f.to_string());
    assert_eq!(flags(1).as_deref(), Some("(\\Seen)"), "recalled");
    assert_eq!(flags(3).as_deref(), Some("(\\Flagged)"), "changed");
    assert_eq!(flags(9).as_deref(), Some("(\\Seen)"), "new");
}

#[test]
fn what_qresync_reports_is_taken_only_if_it_adds_up() {
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    let answer = opened(6, 99) + "* VANISHED (EARLIER) 2\nTAG OK done";
    script.select(resuming(), SELECT_QRESYNC, &answer);
    assert_eq!(script.events(), ["opened with 6 messages, UIDVALIDITY 7"]);
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1,3:5,8:9\nTAG OK done");
    assert_eq!(
        script.events(),
        ["uid 2 removed (while away)", "uid 8 arrived (while away)", "uid 9 arrived (while away)"]
    );
    script.line(ALL_SINCE, "* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (97))\nTAG OK done");
    assert_eq!(script.events(), ["uid 3 has flags (\\Seen) (while away)", "resumed, with 6 messages"]);
    script.quiet();
}

#[test]
fn with_condstore_alone_uids_are_compared_and_changes_asked() {
    let mut script = Script::new("CONDSTORE ENABLE", &["CONDSTORE"]);
    script.select(resuming(), "SELECT INBOX", &(opened(4, 99) + "TAG OK done"));
    script.line("UID SEARCH ALL", "* SEARCH 1 3 5 6\nTAG OK done");
    assert_eq!(
        script.events(),
        [
            "opened with 4 messages, UIDVALIDITY 7",
            "uid 2 removed (while away)",
            "uid 4 removed (while away)",
            "uid 6 arrived (while away)"
        ]
    );
    let rows =
        "* 1 FETCH (UID 1 FLAGS () MODSEQ (91))\n* 4 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (99))\nTAG OK done";
    script.line(ALL_SINCE, rows);
    assert_eq!(
        script.events(),
        ["uid 1 has flags () (while away)", "resumed, with 4 messages"],
        "the new one has been reported, and its flags are no change"
    );
    script.quiet();
}

#[test]
fn mod_sequences_are_switched_on_where_enable_could_not() {
    let mut script = Script::new("CONDSTORE ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(0, 99) + "TAG OK done"));
    script.select(resuming(), "SELECT INBOX (CONDSTORE)", &(opened(0, 99) + "TAG OK done"));
    script.line(ALL_SINCE, "TAG OK done").quiet();
}

#[test]
fn an_equal_mod_sequence_means_equal_flags() {
    let mut script = Script::new("CONDSTORE ENABLE", &["CONDSTORE"]);
    script.select(resuming(), "SELECT INBOX", &(opened(5, 90) + "TAG OK done"));
    // CONDSTORE does not count removals (RFC 7162 section 3.2.1), so the UIDs are compared all the
    // same.
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3 4 5\nTAG OK done");
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7", RESUMED]);
    script.quiet();
}

#[test]
fn with_neither_uids_and_known_flags_are_compared() {
    for (capabilities, enabled, select) in [
        ("", &[][..], "SELECT INBOX"),
        // QRESYNC, and a mailbox without mod-sequences (RFC 7162 section 3.1.2.2).
        ("QRESYNC CONDSTORE", &["QRESYNC"], SELECT_QRESYNC),
    ] {
        let mut script = Script::new(capabilities, enabled);
        let answer = opened(4, 1).replace("HIGHESTMODSEQ 1", "NOMODSEQ") + "TAG OK done";
        script.select(resuming(), select, &answer);
        script.line("UID SEARCH ALL", "* SEARCH 1 2 4 8\nTAG OK done");
        let rows = "* 1 FETCH (UID 1 FLAGS (\\Seen))\n* 2 FETCH (UID 2 FLAGS ())\n* 3 FETCH (UID 4 FLAGS ())\nTAG OK done";
        script.line("UID FETCH 1:2,4 (FLAGS)", rows);
        assert_eq!(
            script.events(),
            [
                "opened with 4 messages, UIDVALIDITY 7",
                "uid 3 removed (while away)",
                "uid 5 removed (while away)",
                "uid 8 arrived (while away)",
                "uid 2 has flags () (while away)",
                "resumed, with 4 messages",
            ]
        );
        script.quiet();
    }
}

#[test]
fn mod_sequences_that_went_back_mean_nothing() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    script.select(resuming(), SELECT_QRESYNC, &(opened(5, 12) + "TAG OK done"));
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3 4 5\nTAG OK done");
    script.line("UID FETCH 1:5 (FLAGS)", "* 3 FETCH (UID 3 FLAGS (\\Seen))\nTAG OK done");
    assert_eq!(
        script.events(),
        ["opened with 5 messages, UIDVALIDITY 7", "uid 3 has flags (\\Seen) (while away)", RESUMED]
    );
}

#[test]
fn with_another_uid_validity_nothing_is_compared() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let answer = opened(2, 99).replace("UIDVALIDITY 7", "UIDVALIDITY 8") + "TAG OK done";
    script.select(resuming(), SELECT_QRESYNC, &answer);
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    assert_eq!(
        script.events(),
        [
            "opened with 2 messages, UIDVALIDITY 8",
            "UIDVALIDITY is 8 now (while away)",
            "resumed, with 2 messages"
        ]
    );
    script.quiet();
}

#[test]
fn what_happens_meanwhile_did_not_happen_while_disconnected() {
    let mut script = Script::new("", &[]);
    let answer = opened(5, 1).replace("HIGHESTMODSEQ 1", "NOMODSEQ") + "TAG OK done";
    script.select(resuming(), "SELECT INBOX", &answer);
    let search = script.expect("UID SEARCH ALL");
    script.say("* 6 EXISTS").say(&format!("* SEARCH 1 2 3 4 5 6\n{search} OK done"));
    // It was expunged in between: the answer is discarded, and rows name the UIDs.
    script.line(
        "FETCH 1:6 (UID)",
        "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 4)\n* 5 FETCH (UID 5)\n* 6 FETCH (UID 6)\nTAG \
         OK done",
    );
    assert_eq!(
        script.events(),
        ["opened with 5 messages, UIDVALIDITY 7", "6 messages now", "uid 6 arrived"],
        "reported once, and not as of before"
    );
    script.line("UID FETCH 1:5 (FLAGS)", "TAG OK done");
    script.quiet();
}

#[test]
fn a_server_that_does_not_understand_its_own_parameters_is_asked_without() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let token = script.sender.select(resuming());
    script.line(SELECT_QRESYNC, "TAG BAD what is that");
    script.line("SELECT INBOX", &(opened(5, 90) + "TAG OK done"));
    resolved(token);
    // Its mod-sequence is that of the state: nothing has changed but perhaps the messages that
    // there are.
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3 4 5\nTAG OK done").quiet();
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7", RESUMED]);
    // It is not tried again; another name may still be wrong by itself.
    let again = script.sender.select(resuming());
    script.line("SELECT INBOX", "* OK [CLOSED] bye\nTAG BAD not that one").quiet();
    assert!(poll_once(&mut { again }).expect("ended").is_err());
}

#[test]
fn the_mod_sequence_of_a_close_counts_what_was_never_reported() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let inbox = script.select(resuming(), SELECT_QRESYNC, &unchanged());
    let token = inbox.close();
    script.line("CLOSE", "TAG OK [HIGHESTMODSEQ 99] closed").quiet();
    resolved(token);
    let reported = (inbox.highest_mod_seq(), inbox.state().and_then(|state| state.highest_mod_seq));
    assert_eq!(reported, (ModSeq::new(90), ModSeq::new(90)));
}

#[test]
fn a_select_that_is_bad_anyway_does_not_end_resumption() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let token = script.sender.select(resuming());
    script.line(SELECT_QRESYNC, "TAG BAD busy");
    script.line("SELECT INBOX", "TAG BAD still busy").quiet();
    assert!(poll_once(&mut { token }).expect("ended").is_err());
    script.select(resuming(), SELECT_QRESYNC, &unchanged());
    script.quiet();
}

#[test]
fn what_went_before_the_comparison_is_reported_once() {
    let mut script = Script::new("", &[]);
    let token = script.sender.select(resuming());
    script.line("SELECT INBOX", &(opened(5, 1).replace("HIGHESTMODSEQ 1", "NOMODSEQ") + "TAG OK done"));
    let inbox = resolved(token);
    let search = script.expect("UID SEARCH ALL");
    // Its UID was in a row for another command, and its removal was reported by itself.
    script.say("* 2 FETCH (UID 2)\n* 2 EXPUNGE").say(&format!("* SEARCH 1 3 4 5\n{search} OK done"));
    script.line(
        "FETCH 1:4 (UID)",
        "* 1 FETCH (UID 1)\n* 2 FETCH (UID 3)\n* 3 FETCH (UID 4)\n* 4 FETCH (UID 5)\nTAG OK done",
    );
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7", "uid 2 removed"]);
    assert_eq!(inbox.exists(), 4);
}

#[test]
fn mod_sequences_of_a_mailbox_without_handle_are_no_change() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    script.select("INBOX".into(), "SELECT INBOX", &(opened(0, 90) + "TAG OK done"));
    let token = script.sender.select("Other");
    // Some servers keep the mailbox before selected.
    script.line("SELECT Other", "TAG BAD what?");
    script.events();
    script.say("* OK [HIGHESTMODSEQ 91] so far\n* OK [UIDVALIDITY 8] recreated\n* 1 EXISTS");
    assert_eq!(script.events(), [""; 0]);
    drop(token);
}

#[test]
fn flags_that_were_read_before_the_comparison_are_a_change_all_the_same() {
    let mut script = Script::new("", &[]);
    let token = script.sender.select(resuming());
    script.line("SELECT INBOX", &(opened(5, 1).replace("HIGHESTMODSEQ 1", "NOMODSEQ") + "TAG OK done"));
    let search = script.expect("UID SEARCH ALL");
    // A user's own question is answered first.
    let inbox = token.mailbox();
    let flags = inbox.fetch(Uid::new(3).unwrap(), Items::new().flags());
    script.line("UID FETCH 3 (FLAGS)", "* 3 FETCH (UID 3 FLAGS (\\Flagged))\nTAG OK done");
    // And a change of this moment is reported as one.
    script.say("* 4 FETCH (UID 4 FLAGS (\\Seen))");
    script.say(&format!("* SEARCH 1 2 3 4 5\n{search} OK done"));
    let rows = "* 3 FETCH (UID 3 FLAGS (\\Flagged))\n* 4 FETCH (UID 4 FLAGS (\\Seen))\nTAG OK done";
    script.line("UID FETCH 1:5 (FLAGS)", rows).quiet();
    assert_eq!(
        script.events(),
        [
            "opened with 5 messages, UIDVALIDITY 7",
            "uid 4 has flags (\\Seen)",
            "uid 3 has flags (\\Flagged) (while away)",
            RESUMED,
        ]
    );
    drop((token, flags));
}

/// Programs that keep messages by UID need that; and the flags before depend on it.
#[test]
fn flags_that_changed_before_their_uid_was_known_are_reported_when_it_is() {
    let mut script = Script::new("", &[]);
    let token = script.sender.select(resuming());
    let inbox = token.mailbox();
    let store = inbox.store(Seq::new(4).unwrap(), Store::replace([Flag::Flagged]).silent());
    script.line("SELECT INBOX", &(opened(6, 1).replace("HIGHESTMODSEQ 1", "NOMODSEQ") + "TAG OK done"));
    script.line("STORE 4 FLAGS.SILENT (\\Flagged)", "TAG OK done");
    let (id, _) = (store.id(), resolved(store));
    let search = script.expect("UID SEARCH ALL");
    // Others change messages that we had, that we lacked, and that arrived while disconnected.
    script.say("* 3 FETCH (FLAGS (\\Seen))\n* 1 FETCH (FLAGS (\\Seen))\n* 6 FETCH (FLAGS (\\Draft))");
    script.say("* 2 FETCH (FLAGS (\\Deleted))").say(&format!("* SEARCH 1 2 3 4 5 9\n{search} OK done"));
    let now =
        ["uid 9 arrived (\\Draft) (while away)", "uid 2 has flags (\\Deleted)", "uid 3 has flags (\\Seen)"];
    assert_eq!(script.events()[1..], now);
    let flags = script.expect("FETCH 4 (UID FLAGS)");
    script.say(&format!("* 4 FETCH (UID 4 FLAGS (\\Flagged))\n{flags} OK done"));
    let ours = script.bench.event().expect("an event");
    assert_eq!((shown(&ours), ours.cause), ("uid 4 has flags (\\Flagged)".into(), Some(id)));
    script.line("UID FETCH 1:5 (FLAGS)", "* 5 FETCH (UID 5 FLAGS (\\Draft))\nTAG OK done").quiet();
    assert_eq!(script.events(), ["uid 5 has flags (\\Draft) (while away)", "resumed, with 6 messages"]);
    drop(token);
}

#[test]
fn a_refused_question_for_changes_becomes_a_comparison() {
    let mut script = Script::new("CONDSTORE ENABLE", &["CONDSTORE"]);
    script.select(resuming(), "SELECT INBOX", &(opened(5, 99) + "TAG OK done"));
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3 4 5\nTAG OK done");
    script.line(ALL_SINCE, "TAG BAD what?");
    script.line(
        "UID FETCH 1:5 (FLAGS)",
        "* 1 FETCH (UID 1 FLAGS (\\Seen))\n* 5 FETCH (UID 5 FLAGS (a))\nTAG OK done",
    );
    assert_eq!(
        script.events(),
        ["opened with 5 messages, UIDVALIDITY 7", "uid 5 has flags (a) (while away)", RESUMED]
    );
    script.quiet();
}

#[test]
fn rows_before_closed_are_of_the_mailbox_before() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    script.select(Select::new("Other"), "SELECT Other", "* 0 EXISTS\n* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let answer = "* 1 EXISTS\n* OK [CLOSED] bye\n".to_owned()
        + &opened(5, 99)
        + "* 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (95))\nTAG OK done";
    script.select(resuming(), SELECT_QRESYNC, &answer);
    let events = script.events();
    assert!(events.iter().any(|e| e == "Other: no longer selected"), "{events:?}");
    assert_eq!(
        events[events.len() - 3..],
        ["opened with 5 messages, UIDVALIDITY 7", "uid 3 has flags (\\Flagged) (while away)", RESUMED]
    );
    script.quiet();
}

#[test]
fn a_state_beyond_the_limit_is_refused_unsent() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let mut state = state();
    state.uids = UidSet::all();
    let mut token = script.sender.select(Select::new("INBOX").resume(state));
    script.quiet();
    let error = super::poll_once(&mut token).expect("resolved").unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    assert_eq!(error.sent(), crate::Sent::No);
}

#[test]
fn a_state_is_what_the_next_select_goes_on_from() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let select = Select::new("INBOX").view_sync(ViewSync::Flags);
    let inbox = script.select(select, "SELECT INBOX", &(opened(3, 90) + "TAG OK done"));
    assert_eq!(inbox.state(), None, "nothing is known yet");
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:2,4\nTAG OK done");
    let rows = "* 1 FETCH (UID 1 FLAGS ())\n* 2 FETCH (UID 2 FLAGS (\\Seen a))\n* 3 FETCH (UID 4 FLAGS ())\nTAG OK done";
    script.line("UID FETCH 1:2,4 (FLAGS)", rows).quiet();
    let mut expected = MailboxState::new(UidValidity::new(7).unwrap());
    expected.highest_mod_seq = ModSeq::new(90);
    expected.uids = set("1:2,4");
    expected.flags = vec![(Flags::new(), set("1,4")), (Flags::from([Flag::Seen, Flag::new("a")]), set("2"))];
    assert_eq!(inbox.state(), Some(expected.clone()));
    script.say("* 2 EXPUNGE");
    (expected.uids, expected.flags) = (set("1,4"), vec![(Flags::new(), set("1,4"))]);
    assert_eq!(inbox.state(), Some(expected));
    assert_eq!(inbox.snapshot().uids(), set("1,4"));
}

#[test]
fn until_all_is_reported_the_state_stays_what_it_was() {
    let mut script = Script::new("CONDSTORE ENABLE", &["CONDSTORE"]);
    let token = script.sender.select(resuming());
    let inbox = token.mailbox();
    assert_eq!(inbox.state(), Some(state()), "before the answer");
    assert!(inbox.snapshot().is_empty());
    script.line("SELECT INBOX", &(opened(5, 99) + "TAG OK done"));
    assert_eq!(inbox.state(), Some(state()));
    script.line("UID SEARCH ALL", "* SEARCH 1 2 3 4 6\nTAG OK done");
    assert_eq!(inbox.state(), Some(state()), "flags may have changed, too");
    script.line(ALL_SINCE, "TAG OK done");
    let now = inbox.state().expect("a state");
    assert_eq!((now.highest_mod_seq, now.uids), (ModSeq::new(99), set("1:4,6")));
    drop(token);
}

#[test]
fn who_reads_an_event_finds_its_change_in_the_snapshot() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(3, 1) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    script.events();
    let before = inbox.snapshot();
    script.say("* 2 EXPUNGE");
    assert_eq!(script.bench.event().map(|e| shown(&e)).as_deref(), Some("uid 2 removed"));
    assert_eq!((inbox.snapshot().len(), inbox.snapshot().uids()), (2, set("1,3")));
    assert_eq!((before.len(), before.uids()), (3, set("1:3")), "untouched");
    script.say("* 1 FETCH (FLAGS (\\Seen))\n* 4 EXISTS");
    script
        .line("UID FETCH 4:* (FLAGS)", "* 4 FETCH (UID 5 FLAGS ())\n* 3 FETCH (UID 4 FLAGS ())\nTAG OK done");
    let diff = before.diff(&inbox.snapshot());
    let uids = |known: &[crate::SnapshotMessage]| {
        known.iter().filter_map(crate::SnapshotMessage::uid).map(Uid::get).collect::<Vec<_>>()
    };
    assert_eq!((uids(&diff.arrived), uids(&diff.expunged)), (vec![4, 5], vec![2]));
    assert_eq!(diff.changed.len(), 1);
    // After the end it stays what it was last.
    script.say("* BYE");
    script.bench.close(crate::types::CloseReason::Eof);
    assert!(inbox.has_ended());
    assert_eq!(inbox.snapshot().uids(), set("1,3:5"));
}

#[test]
fn while_flags_are_in_doubt_there_is_no_state() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &(opened(2, 90) + "TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done").quiet();
    assert!(inbox.state().is_some());
    // Whatever a refused STORE has done to some of them (RFC 3501 section 6.4.6), the state must
    // not pass over it.
    let store = inbox.store(set("1:2"), Store::add([Flag::Seen]).silent());
    script.line("UID STORE 1:2 +FLAGS.SILENT (\\Seen)", "TAG NO [HIGHESTMODSEQ 95] some");
    assert_eq!(inbox.state(), None);
    script.line(
        "UID FETCH 1:2 (FLAGS)",
        "* 1 FETCH (UID 1 FLAGS (\\Seen))\n* 2 FETCH (UID 2 FLAGS ())\nTAG OK done",
    );
    let state = inbox.state().expect("all is known again");
    assert_eq!(state.flags_of(Uid::new(1).unwrap()), Some(&Flags::from(Flag::Seen)));
    drop(store);
}
