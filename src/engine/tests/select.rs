//! SELECT with parameters, and what follows it.

use super::poll_once;
use super::script::{Script, resolved};
use crate::command::{Items, Search, StatusItems, Store};
use crate::types::{Flag, MailboxState, ModSeq, Uid, UidValidity};
use crate::{ErrorKind, Select, Sent};

const SELECT_QRESYNC: &str = "SELECT INBOX (QRESYNC (7 90))";

/// INBOX as it was at mod-sequence 90, with one message.
fn resuming() -> Select {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.highest_mod_seq = ModSeq::new(90);
    state.uids = "1".parse().unwrap();
    Select::new("INBOX").resume(state)
}

/// What SELECT reports of a mailbox with one message, in which nothing has changed.
fn opened() -> String {
    "* 1 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 90] modseq\n".to_owned()
}

#[test]
fn message_commands_wait_for_a_select_whose_parameters_the_server_may_refuse() {
    let unseen = |inbox: &crate::Mailbox| inbox.search(Search::unseen());
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let token = script.sender.select(resuming());
    let search = unseen(&token.mailbox());
    let listing = script.sender.list("*");
    let select = script.expect(SELECT_QRESYNC);
    // All is sent in the order of the calls.
    script.quiet();
    script.say(&format!("{select} BAD what is that"));
    // Nothing was selected before, so they go out behind the repeated one.
    let select = script.expect("SELECT INBOX");
    let found = script.expect("UID SEARCH UNSEEN");
    script.line("LIST \"\" *", "TAG OK done");
    script.say(&opened()).say(&format!("{select} OK done"));
    script.say(&format!("* SEARCH 1\n{found} OK done"));
    resolved(token);
    assert_eq!((resolved(search).len(), resolved(listing).len()), (1, 0));

    // A server that has taken them once will not refuse them: one round trip for both.
    let mut script = Script::new("QRESYNC UNSELECT", &["QRESYNC"]);
    let inbox = script.select(resuming(), SELECT_QRESYNC, &(opened() + "TAG OK done"));
    let token = inbox.unselect();
    script.line("UNSELECT", "TAG OK [CLOSED] done");
    resolved(token);
    let token = script.sender.select(resuming());
    let search = unseen(&token.mailbox());
    let select = script.expect(SELECT_QRESYNC);
    let found = script.expect("UID SEARCH UNSEEN");
    script.say(&opened()).say(&format!("{select} OK done\n* SEARCH\n{found} OK done"));
    resolved(token);
    assert!(resolved(search).is_empty());

    // [CLOSED] says that nothing is selected, and not that the parameters are understood.
    let mut script = Script::new("CONDSTORE", &[]);
    script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let token = script.sender.select(resuming());
    let search = unseen(&token.mailbox());
    let select = script.expect("SELECT INBOX (CONDSTORE)");
    script.say("* OK [CLOSED] A").quiet();
    script.say(&format!("{select} NO not there"));
    assert!(poll_once(&mut { token }).expect("ended").is_err());
    let error = poll_once(&mut { search }).expect("ended").expect_err("nothing is selected");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));
    script.quiet();
}

#[test]
fn a_move_in_steps_ends_with_its_selection_and_marks_nothing_in_the_next() {
    let mut script = Script::new("UIDPLUS", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let moved = inbox.move_to(Uid::new(1).unwrap(), "Archive");
    let copy = script.expect("UID COPY 1 Archive");
    // The server ends the selection by itself (RFC 9051 section 7.1, CLOSED).
    script.say("* OK [CLOSED] it is gone");
    let select = script.sender.select("Work");
    script.quiet();
    script.say(&format!("{copy} OK [COPYUID 9 1 5] done"));
    let error = poll_once(&mut { moved }).expect("ended").expect_err("half of it");
    assert_eq!((error.kind(), error.answers().len()), (ErrorKind::SelectionEnded, 1), "{error}");
    assert_ne!(error.sent(), Sent::No);
    script.line("SELECT Work", "TAG OK done").quiet();
    resolved(select);
}

/// RFC 9051 section 2.3.1.1: a UID means nothing without its UIDVALIDITY.
#[test]
fn uids_kept_from_an_earlier_time_wait_for_their_uid_validity() {
    for (uid_validity, same) in [(7, true), (8, false)] {
        let mut script = Script::new("", &[]);
        let token = script.sender.select(resuming());
        let inbox = token.mailbox();
        let select = script.expect("SELECT INBOX");
        let store = inbox.store(Uid::new(1).unwrap(), Store::add([Flag::Deleted]));
        script.say("* 0 EXISTS").quiet();
        script.say(&format!("* OK [UIDVALIDITY {uid_validity}] ok"));
        if same {
            script.line("UID STORE 1 +FLAGS (\\Deleted)", "TAG OK done");
        }
        script.quiet().say(&format!("{select} OK done"));
        resolved(token);
        match poll_once(&mut { store }).expect("ended") {
            Ok(_) => assert!(same),
            Err(error) => {
                assert_eq!((error.kind(), error.sent(), same), (ErrorKind::Invalid, Sent::No, false));
            }
        }
        // A command submitted now has the new UIDVALIDITY; and one that names all messages need not
        // wait.
        let now = inbox.store(Uid::new(1).unwrap(), Store::add([Flag::Seen]));
        script.line("UID STORE 1 +FLAGS (\\Seen)", "TAG OK done");
        resolved(now);
        let mut script = Script::new("", &[]);
        let token = script.sender.select(resuming());
        let _all = token.mailbox().fetch(Uid::new(1).unwrap().., Items::new().flags());
        script.expect("SELECT INBOX");
        script.expect("UID FETCH 1:* (FLAGS)");
    }
}

#[test]
fn uids_whose_uid_validity_changes_while_they_wait_are_not_sent() {
    let mut script = Script::new("UIDPLUS", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let moved = inbox.move_to(Uid::new(1).unwrap(), "Archive");
    let raw = script.sender.raw("X-WAIT");
    let store = inbox.store(Uid::new(1).unwrap(), Store::add([Flag::Deleted]));
    let copy = script.expect("UID COPY 1 Archive");
    script.say("* OK [UIDVALIDITY 8] new UIDs").say(&format!("{copy} OK done"));
    let error = poll_once(&mut { moved }).expect("ended").expect_err("half of it");
    assert_eq!((error.kind(), error.answers().len()), (ErrorKind::Invalid, 1), "{error}");
    script.line("X-WAIT", "TAG OK done").quiet();
    resolved(raw);
    let error = poll_once(&mut { store }).expect("ended").expect_err("another message by now");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
}

/// RFC 9051 section 6.3.2: after BAD the mailbox before is still selected, until another SELECT is
/// said.
#[test]
fn until_a_select_is_said_again_the_server_speaks_of_the_mailbox_before() {
    let mut script = Script::new("CONDSTORE QRESYNC", &["QRESYNC"]);
    script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let token = script.sender.select(resuming());
    let listing = script.sender.list("*");
    let (select, list) = (script.expect(SELECT_QRESYNC), script.expect("LIST \"\" *"));
    script.say(&format!("{select} BAD what is that")).quiet();
    // Behind it nothing may overtake it.
    let later = script.sender.status("B", StatusItems::new().messages());
    script.quiet();
    assert_eq!(script.events().last().expect("an event"), "A: no longer selected");
    script.say("* 9 EXISTS\n* 2 EXPUNGE\n* 1 FETCH (UID 5 FLAGS (\\Seen))\n* VANISHED 7");
    script.say("* OK [HIGHESTMODSEQ 99] of A\n* OK [UIDNEXT 50] of A\n* OK [UIDVALIDITY 3] of A");
    assert_eq!(script.events(), [""; 0]);
    script.say(&format!("{list} OK done"));
    let select = script.expect("SELECT INBOX");
    script.line("STATUS B (MESSAGES)", "* STATUS B (MESSAGES 1)\nTAG OK done");
    script.say(&format!("* OK [CLOSED] A\n* FLAGS ()\n* OK [UIDVALIDITY 7] ok\n{select} OK done"));
    let inbox = resolved(token);
    assert_eq!((inbox.exists(), inbox.uid_next(), inbox.highest_mod_seq()), (0, None, None));
    assert_eq!((resolved(listing).len(), resolved(later).messages), (0, Some(1)));
}

/// The old mailbox's SELECT, and one that is refused for its parameters while it has been written
/// in part.
#[test]
fn a_select_refused_midway_is_retried_behind_all_that_is_on_its_way() {
    let mut script = Script::new("CONDSTORE QRESYNC", &["QRESYNC"]);
    script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let token = script.sender.select(resuming());
    let listing = script.sender.list("*");
    let begun = String::from_utf8(script.bench.write(10)).expect("text");
    assert_eq!(begun, "A2 SELECT ");
    script.say("A2 BAD it is too much");
    let rest = String::from_utf8(script.bench.write_all()).expect("text");
    assert_eq!(rest, "INBOX (QRESYNC (7 90))\r\nA3 LIST \"\" *\r\n", "the other one waits for the LIST");
    script.say("* 9 EXISTS\n* OK [UIDNEXT 50] of A\nA3 OK done");
    script.line("SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let inbox = resolved(token);
    assert_eq!((inbox.exists(), inbox.uid_next(), resolved(listing).len()), (0, None, 0));
}

/// Until its first byte has been written nothing can be its answer.
#[test]
fn a_select_that_is_about_to_be_said_again_takes_nobodys_answer() {
    let mut script = Script::new("CONDSTORE QRESYNC", &["QRESYNC"]);
    let token = script.sender.select(resuming());
    let listing = script.sender.list("*");
    let (select, list) = (script.expect(SELECT_QRESYNC), script.expect("LIST \"\" *"));
    script.say(&format!("{select} BAD what is that\n* LIST () \"/\" INBOX\n{list} OK done"));
    assert_eq!(resolved(listing).len(), 1);
    script.line("SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    resolved(token);

    let mut script = Script::new("CONDSTORE QRESYNC", &["QRESYNC"]);
    script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let token = script.sender.select(resuming());
    let select = script.expect(SELECT_QRESYNC);
    script.say(&format!("{select} BAD what is that\n* OK [UIDNEXT 50] of A\n* OK [HIGHESTMODSEQ 99] of A"));
    script.line("SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let inbox = resolved(token);
    assert_eq!((inbox.uid_next(), inbox.highest_mod_seq()), (None, None));
}

#[test]
fn a_select_that_waits_to_be_said_again_waits_for_an_upload_and_ends_as_all_does() {
    let begun = || {
        let mut script = Script::new("CONDSTORE QRESYNC", &["QRESYNC"]);
        script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
        let token = script.sender.select(resuming());
        let append = script.sender.append("X", "hello");
        let (select, upload) = (script.expect(SELECT_QRESYNC), script.expect("APPEND X {5}"));
        script.say(&format!("{select} BAD what is that")).quiet();
        (script, token, append, upload)
    };
    let (mut script, token, append, upload) = begun();
    let behind = script.sender.select("B");
    script.say("+ go on");
    assert_eq!(script.bench.write_all(), b"hello\r\n");
    script.quiet().say(&format!("{upload} OK done"));
    script.line("SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    script.line("SELECT B", "TAG OK done");
    assert!(resolved(token).has_ended());
    resolved(append);
    resolved(behind);
    // Refused in place of its `+`.
    let (mut script, token, append, upload) = begun();
    script.say(&format!("{upload} NO not there"));
    script.line("SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
    resolved(token);
    assert!(poll_once(&mut { append }).expect("ended").is_err());
    // The connection ends; and LOGOUT keeps its place.
    let (mut script, token, _append, upload) = begun();
    let _logout = script.sender.logout();
    script.quiet().say(&format!("{upload} NO not there"));
    script.expect("SELECT INBOX");
    script.expect("LOGOUT");
    script.say("* BYE");
    script.bench.close(crate::types::CloseReason::Eof);
    let error = poll_once(&mut { token }).expect("ended").expect_err("closed");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::Fully));
}

/// A server that refuses the literal has not looked at the command.
#[test]
fn no_in_place_of_a_plus_leaves_the_mailbox_before_selected() {
    let mut script = Script::new("", &["UTF8=ACCEPT"]);
    script.select("A".into(), "SELECT A", "* OK [UIDVALIDITY 3] ok\nTAG OK done");
    let token = script.sender.select("x\ny");
    script.line("SELECT {3}", "TAG NO not so long");
    assert!(poll_once(&mut { token }).expect("ended").is_err());
    // If this were refused as well, what follows would reach A.
    let token = script.sender.select("B");
    let store = token.mailbox().store(Uid::new(1).unwrap(), Store::add([Flag::Deleted]));
    let select = script.expect("SELECT B");
    script.quiet().say(&format!("{select} BAD no"));
    script.quiet();
    let error = poll_once(&mut { store }).expect("ended").expect_err("there is no such mailbox");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));
}

/// RFC 9051 sections 6.4.1 and 7.1 (READ-ONLY, READ-WRITE): without UNSELECT, CLOSE is sent where
/// it surely removes nothing.
#[test]
fn without_unselect_a_mailbox_is_left_so_that_nothing_is_removed() {
    const NOTHING: &str = "EXAMINE imap-duplex-no-mailbox-5e0b29c4";
    let (no, ok) = ("TAG NO there is none", "TAG OK closed");
    for (verb, said, left, answer) in [
        ("EXAMINE", "TAG OK [READ-ONLY] done", "CLOSE", ok),
        ("EXAMINE", "TAG OK done", "CLOSE", ok),
        ("EXAMINE", "TAG OK [READ-WRITE] done", NOTHING, no),
        ("EXAMINE", "TAG OK done\n* OK [READ-WRITE] now", NOTHING, no),
        ("SELECT", "TAG OK [READ-WRITE] done", NOTHING, no),
        ("SELECT", "TAG OK [READ-ONLY] done", NOTHING, no),
    ] {
        let mut script = Script::new("", &[]);
        let select = Select::new("INBOX");
        let select = if verb == "EXAMINE" { select.read_only() } else { select };
        let answer_to_it = format!("* OK [UIDVALIDITY 7] ok\n{said}");
        let inbox = script.select(select, &format!("{verb} INBOX"), &answer_to_it);
        let token = inbox.unselect();
        script.line(left, answer);
        resolved(token);
        let late = poll_once(&mut inbox.search(Search::unseen())).expect("ended");
        assert_eq!(late.expect_err("the selection has ended").kind(), ErrorKind::SelectionEnded);
        script.quiet();
    }
    // One EXAMINE behind another: what counts is the mailbox that is left.
    let mut script = Script::new("", &[]);
    let first = script.select(Select::new("a").read_only(), "EXAMINE a", "* OK [UIDVALIDITY 7] ok\nTAG OK x");
    let second = script.select("b".into(), "SELECT b", "* OK [CLOSED] a\n* OK [UIDVALIDITY 7] ok\nTAG OK x");
    let (early, late) = (first.unselect(), second.unselect());
    script.line(NOTHING, no);
    resolved(late);
    assert!(poll_once(&mut { early }).expect("ended").is_err());
}
