//! The cause of a change: named only where it is sure. And changes of our own that no server
//! reports.

use super::poll_once;
use super::script::{Script, resolved};
use super::shown::shown;
use crate::command::{Items, Store};
use crate::types::{Event, Flag, Uid, ViewSync};
use crate::{Mailbox, Select};

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

/// INBOX with a message of UID 10, which has these flags.
fn selected(capabilities: &str, flags: &str) -> (Script, Mailbox) {
    let mut script = Script::new(capabilities, &[]);
    let select = Select::new("INBOX").view_sync(ViewSync::Flags);
    let answer = "* 1 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done";
    let inbox = script.select(select, "SELECT INBOX", answer);
    script.line("UID SEARCH ALL", "* SEARCH 10\nTAG OK done");
    script.line("UID FETCH 10 (FLAGS)", &format!("* 1 FETCH (UID 10 FLAGS ({flags}))\nTAG OK done"));
    script.quiet().events();
    (script, inbox)
}

/// What is reported, and whether with a cause; completions aside.
fn reported(script: &mut Script) -> Vec<(String, bool)> {
    let events: Vec<Event> = std::iter::from_fn(|| script.bench.event()).collect();
    let all = events.iter().map(|event| (shown(event), event.cause.is_some()));
    all.filter(|(what, _)| !what.contains(" ended: ")).collect()
}

fn flags(flags: &str, ours: bool) -> (String, bool) {
    (format!("uid 10 has flags ({flags})"), ours)
}

#[test]
fn what_a_command_does_not_change_is_not_caused_by_it() {
    for (before, now, ours) in [
        ("", "\\Seen", true),
        ("\\Recent", "\\Seen", true),
        ("", "\\Seen \\Flagged", false),
        ("\\Seen", "\\Seen \\Flagged", false),
    ] {
        let row = |more: &str| format!("* 1 FETCH (UID 10 {more}FLAGS ({now}))\nTAG OK done");
        let (mut script, inbox) = selected("", before);
        let stored = inbox.store(uid(10), Store::add([Flag::Seen]));
        script.line("UID STORE 10 +FLAGS (\\Seen)", &row(""));
        assert_eq!(resolved(stored).len(), 1);
        assert_eq!(reported(&mut script), [flags(now, ours)]);

        let (mut script, inbox) = selected("", before);
        let read = inbox.fetch(uid(10), Items::body().marking_seen());
        script.line("UID FETCH 10 (BODY[])", &row("BODY[] \"x\" "));
        assert_eq!(resolved(read).len(), 1);
        assert_eq!(reported(&mut script), [flags(now, ours)]);

        // Refused, it may have done it to some all the same.
        let (mut script, inbox) = selected("", before);
        let stored = inbox.store(uid(10), Store::add([Flag::Seen]).silent());
        script.line("UID STORE 10 +FLAGS.SILENT (\\Seen)", "TAG NO no");
        assert!(poll_once(&mut { stored }).unwrap().is_err());
        script.line("UID FETCH 10 (FLAGS)", &row(""));
        assert_eq!(reported(&mut script), [flags(now, ours)]);
    }
}

/// Contract, promise 4: no server reports a silent STORE.
#[test]
fn flags_that_a_move_by_steps_has_left_behind_are_reported() {
    let (mut script, inbox) = selected("UIDPLUS", "");
    let moved = inbox.move_to(uid(10), "x");
    script.line("UID COPY 10 x", "TAG OK done");
    script.line("UID STORE 10 +FLAGS.SILENT (\\Deleted)", "TAG OK done");
    script.line("UID EXPUNGE 10", "TAG NO you may not");
    assert!(poll_once(&mut { moved }).unwrap().is_err());
    script.line("UID FETCH 10 (FLAGS)", "* 1 FETCH (UID 10 FLAGS (\\Deleted))\nTAG OK done").quiet();
    assert_eq!(reported(&mut script), [flags("\\Deleted", true)]);
    // With MOVE no flags are set.
    let (mut script, inbox) = selected("MOVE", "");
    let moved = inbox.move_to(uid(10), "x");
    script.line("UID MOVE 10 x", "TAG NO you may not").quiet();
    assert!(poll_once(&mut { moved }).unwrap().is_err());
}

/// Contract, promise 3: unsolicited data is an event, even in a row that contradicts what is known.
#[test]
fn data_in_a_row_that_cannot_be_true_is_reported() {
    let (mut script, _inbox) = selected("", "");
    script.say("* 1 FETCH (UID 15 BODY[] \"x\")");
    let reported = reported(&mut script);
    assert_eq!(reported[0], ("data of uid 15".into(), false), "{reported:?}");
    assert!(reported[1].0.starts_with("the server contradicts itself"), "{reported:?}");
}
