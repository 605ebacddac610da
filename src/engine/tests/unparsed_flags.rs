//! A server whose flags can't be parsed: all else works, and what is known says what is missing.

use super::script::{Script, resolved};
use crate::command::Store;
use crate::types::{Flag, Flags, MailboxState, ModSeq, Uid, UidValidity, ViewSync};
use crate::{Mailbox, Select};

/// INBOX with messages of UIDs 10, 20, …, of which the flags are to be known.
fn open(mut script: Script, select: Select, exists: u32) -> (Script, Mailbox) {
    let opened =
        format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 90] modseq\nTAG OK done");
    let inbox = script.select(select.view_sync(ViewSync::Flags), "SELECT INBOX", &opened);
    let uids: Vec<_> = (1..=exists).map(|n| (n * 10).to_string()).collect();
    let found = format!("* ESEARCH (TAG \"TAG\") UID ALL {}\nTAG OK done", uids.join(","));
    script.line("UID SEARCH RETURN (ALL) ALL", &found);
    (script, inbox)
}

const BAD_ROW: &str = "* 2 FETCH (UID 20 FLAGS (\\Seen \u{7f})\n";

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

#[test]
fn a_message_whose_flags_can_never_be_read_does_not_hold_up_the_others() {
    let (mut script, inbox) = open(Script::windowed("ESEARCH", 100, 2), Select::new("INBOX"), 4);
    script.line(
        "UID FETCH 30,40 (FLAGS)",
        "* 3 FETCH (UID 30 FLAGS ())\n* 4 FETCH (UID 40 FLAGS ())\nTAG OK done",
    );
    let bad = format!("* 1 FETCH (UID 10 FLAGS (\\Seen))\n{BAD_ROW}TAG OK done");
    script.line("UID FETCH 10,20 (FLAGS)", &bad);
    for _ in 0..2 {
        assert_eq!(inbox.state(), None);
        script.line("UID FETCH 20 (FLAGS)", &format!("{BAD_ROW}TAG OK done"));
    }
    script.quiet();
    let reported = script.events();
    assert_eq!(reported.iter().filter(|line| line.starts_with("not understood")).count(), 3, "{reported:?}");
    // All but these flags is known, and is in the state.
    let state = inbox.state().expect("all that can be known is");
    assert_eq!((state.uids.to_string(), state.highest_mod_seq), ("10,20,30,40".into(), ModSeq::new(90)));
    let known: Vec<_> = state.flags.iter().map(|(flags, uids)| format!("{flags} {uids}")).collect();
    assert_eq!(known, ["() 30,40", "(\\Seen) 10"]);
    // New flags are queried, and that message is not queried again.
    script
        .say("* 5 EXISTS")
        .line("UID FETCH 41:* (FLAGS)", "* 5 FETCH (UID 50 FLAGS ())\nTAG OK done")
        .quiet();
    script.say("* 2 FETCH (FLAGS (\\Draft))").quiet();
    let changed = ["5 messages now", "uid 50 arrived", "uid 20 has flags (\\Draft)"];
    assert_eq!(script.events(), changed);
    assert!(inbox.state().is_some_and(|state| state.flags.len() == 3));
}

#[test]
fn of_flags_that_can_not_be_read_the_old_ones_are_not_believed_either() {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.highest_mod_seq = ModSeq::new(95);
    state.uids = "10,20".parse().unwrap();
    state.flags = vec![(Flag::Flagged.into(), "10,20".parse().unwrap())];
    let script = Script::new("ESEARCH", &[]);
    let (mut script, inbox) = open(script, Select::new("INBOX").resume(state), 2);
    let bad = format!("* 1 FETCH (UID 10 FLAGS (\\Flagged))\n{BAD_ROW}TAG OK done");
    script.line("UID FETCH 10,20 (FLAGS)", &bad);
    for _ in 0..2 {
        script.line("UID FETCH 20 (FLAGS)", &format!("{BAD_ROW}TAG OK done"));
    }
    script.quiet();
    assert_eq!(script.events().last().map(String::as_str), Some("resumed, with 2 messages"));
    assert_eq!(inbox.state().expect("resumed").flags, [(Flag::Flagged.into(), uid(10).into())]);
}

#[test]
fn after_a_store_whose_effect_can_not_be_read_the_flags_are_not_known() {
    let (mut script, inbox) = open(Script::new("ESEARCH", &[]), Select::new("INBOX"), 2);
    let rows = "* 1 FETCH (UID 10 FLAGS ())\n* 2 FETCH (UID 20 FLAGS ())\nTAG OK done";
    script.line("UID FETCH 10,20 (FLAGS)", rows);
    let token = inbox.store(uid(20), Store::add([Flag::Seen]).silent());
    // What it says here may be from before the change or from after it, so that they are asked for.
    script.line("UID STORE 20 +FLAGS.SILENT (\\Seen)", "* 2 FETCH (FLAGS (\\Draft))\nTAG OK done");
    resolved(token);
    assert_eq!(inbox.state(), None);
    for _ in 0..4 {
        script.line("UID FETCH 20 (FLAGS)", &format!("{BAD_ROW}TAG OK done"));
    }
    script.quiet();
    assert_eq!(inbox.state().expect("as far as it can be known").flags, [(Flags::new(), uid(10).into())]);
}

#[test]
fn uids_of_new_messages_whose_rows_can_not_be_read_are_searched_for() {
    let (mut script, inbox) = open(Script::new("ESEARCH", &[]), Select::new("INBOX"), 1);
    script.line("UID FETCH 10 (FLAGS)", "* 1 FETCH (UID 10 FLAGS ())\nTAG OK done").say("* 2 EXISTS");
    script.line("UID FETCH 11:* (FLAGS)", &format!("{BAD_ROW}TAG OK done"));
    script.line("UID SEARCH RETURN (ALL) 2", "* ESEARCH (TAG \"TAG\") UID ALL 20\nTAG OK done");
    for _ in 0..3 {
        script.line("UID FETCH 20 (FLAGS)", &format!("{BAD_ROW}TAG OK done"));
    }
    script.quiet();
    assert_eq!(script.events().iter().filter(|line| *line == "uid 20 arrived").count(), 1);
    assert_eq!(inbox.state().expect("all that can be known is").uids.to_string(), "10,20");
}

#[test]
fn rows_and_searches_that_are_both_invalid_are_not_repeated_for_ever() {
    let mut script = Script::new("ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", "* 2 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    for _ in 0..2 {
        script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done");
        script.line("FETCH 1:2 (UID)", "* 2 FETCH (UID 20 oops\nTAG OK done");
    }
    script.quiet();
}
