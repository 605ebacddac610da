//! When a view is complete: reported once, awaited by any task, and followed by a state.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::script::Script;
use crate::command::Store;
use crate::types::{CloseReason, Code, EventKind, Flag, MailboxState, ModSeq, UidSet, UidValidity, ViewSync};
use crate::{ErrorKind, Mailbox, Result, Select};

const ALL: &str = "UID SEARCH RETURN (ALL) ALL";

fn opened(exists: u32) -> String {
    format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 90] modseq\nTAG OK done")
}

fn ready(inbox: &Mailbox) -> Option<Result<()>> {
    match pin!(inbox.ready()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

fn is_ready(inbox: &Mailbox) -> bool {
    ready(inbox).is_some_and(|outcome| outcome.is_ok())
}

/// How often it was reported since the last call, and with how many messages last.
fn reported(script: &mut Script) -> (usize, u32) {
    let events = std::iter::from_fn(|| script.bench.event());
    let reported: Vec<u32> = events
        .filter_map(|event| match event.kind {
            EventKind::Ready { exists } => Some(exists),
            _ => None,
        })
        .collect();
    (reported.len(), reported.last().copied().unwrap_or_default())
}

#[test]
fn it_is_reported_once_when_all_that_is_wanted_is_known() {
    for fill in [ViewSync::Uids, ViewSync::Flags] {
        let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
        let inbox = script.select(Select::new("INBOX").view_sync(fill), "SELECT INBOX", &opened(2));
        assert!(ready(&inbox).is_none() && reported(&mut script).0 == 0);
        script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
        if fill == ViewSync::Flags {
            assert!(ready(&inbox).is_none() && reported(&mut script).0 == 0);
            script.line(
                "UID FETCH 1:2 (FLAGS)",
                "* 1 FETCH (UID 1 FLAGS ())\n* 2 FETCH (UID 2 FLAGS ())\nTAG OK done",
            );
        }
        script.quiet();
        assert!(is_ready(&inbox));
        assert_eq!(reported(&mut script), (1, 2));
        assert_eq!(
            inbox.state().expect("a state").highest_mod_seq,
            ModSeq::new(90),
            "and no NOOP was needed"
        );
        // Later changes don't make it complete again.
        script.say("* 1 EXPUNGE\n* 1 FETCH (FLAGS (\\Seen))").quiet();
        assert!(is_ready(&inbox));
        assert_eq!(reported(&mut script).0, 0);
    }
}

#[test]
fn an_empty_mailbox_and_a_view_that_is_off_are_ready_at_once() {
    for (fill, exists) in [(ViewSync::Uids, 0), (ViewSync::Flags, 0), (ViewSync::Off, 9)] {
        let mut script = Script::new("ESEARCH", &[]);
        let token = script.sender.select(Select::new("INBOX").view_sync(fill));
        let inbox = token.mailbox();
        assert!(ready(&inbox).is_none(), "before the answer");
        script.line("SELECT INBOX", &opened(exists)).quiet();
        assert!(is_ready(&inbox));
        assert_eq!(reported(&mut script), (1, exists));
        assert_eq!(inbox.state().is_some(), fill != ViewSync::Off);
        drop(token);
    }
}

#[test]
fn a_resumed_selection_is_ready_when_it_is_resumed() {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    (state.highest_mod_seq, state.uids) = (ModSeq::new(90), "1:2".parse().unwrap());
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let answer = opened(2);
    let inbox = script.select(Select::new("INBOX").resume(state), "SELECT INBOX (QRESYNC (7 90))", &answer);
    let names: Vec<_> = std::iter::from_fn(|| script.bench.event()).map(|event| event.name()).collect();
    assert_eq!(names, ["opened", "resumed", "ready", "completed"]);
    assert!(is_ready(&inbox));
}

#[test]
fn a_view_that_begins_again_is_ready_when_it_is_complete_and_not_reported_again() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &opened(2));
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:2\nTAG OK done");
    assert_eq!(reported(&mut script).0, 1);
    script.say("* 1 EXISTS");
    assert!(ready(&inbox).is_none());
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 2\nTAG OK done");
    assert!(is_ready(&inbox));
    assert_eq!(reported(&mut script).0, 0);
}

#[test]
fn flags_in_doubt_are_waited_for() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &opened(1));
    let _store = inbox.store("1".parse::<UidSet>().unwrap(), Store::add([Flag::Seen]).silent());
    let search = script.expect(ALL);
    let store = script.expect("UID STORE 1 +FLAGS.SILENT (\\Seen)");
    script.say(&format!("{store} OK done\n* ESEARCH (TAG \"{search}\") UID ALL 1\n{search} OK done"));
    assert!(ready(&inbox).is_none() && inbox.state().is_none());
    script.line("UID FETCH 1 (FLAGS)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\nTAG OK done").quiet();
    assert!(is_ready(&inbox) && inbox.state().is_some());
    assert_eq!(reported(&mut script), (1, 1));
}

#[test]
fn it_ends_with_what_it_waits_for_and_says_why() {
    // The mailbox can't be selected.
    let mut script = Script::new("ESEARCH", &[]);
    let token = script.sender.select("Nowhere");
    let inbox = token.mailbox();
    script.line("SELECT Nowhere", "TAG NO [NONEXISTENT] no such mailbox");
    let error = ready(&inbox).expect("an end").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::No, Some(&Code::NonExistent)));
    // The connection ends before all is known, or before SELECT has been answered.
    let first = script.select("INBOX".into(), "SELECT INBOX", &opened(2));
    let token = script.sender.select("Other");
    let other = token.mailbox();
    assert!(ready(&first).is_none() && ready(&other).is_none());
    script.bench.close(CloseReason::Eof);
    for inbox in [&first, &other] {
        let error = ready(inbox).expect("an end").unwrap_err();
        assert_eq!((error.kind(), error.close_reason()), (ErrorKind::Closed, Some(&CloseReason::Eof)));
    }
}

#[test]
fn a_selection_that_is_left_says_so() {
    let mut script = Script::new("ESEARCH UNSELECT", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &opened(0));
    let _unselect = inbox.unselect();
    assert!(is_ready(&inbox));
    script.line("UNSELECT", "TAG OK done");
    let error = ready(&inbox).expect("an end").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SelectionEnded);
    // Whatever its words, it names the mailbox.
    assert!(error.to_string().contains("INBOX"), "{error}");
}

#[test]
fn a_server_that_refuses_to_answer_ends_the_wait_until_a_change() {
    let mut script = Script::new("ESEARCH", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &opened(2));
    script.line(ALL, "TAG NO not today");
    assert!(ready(&inbox).is_none());
    script.line("FETCH 1:2 (UID)", "TAG NO not today").quiet();
    assert_eq!(ready(&inbox).expect("an end").unwrap_err().kind(), ErrorKind::Incomplete);
    script.say("* 3 EXISTS");
    assert!(ready(&inbox).is_none(), "it is asked again");
    script.line(ALL, "* ESEARCH (TAG \"TAG\") UID ALL 1:3\nTAG OK done");
    assert!(is_ready(&inbox));
    assert_eq!(reported(&mut script), (1, 3));
}
