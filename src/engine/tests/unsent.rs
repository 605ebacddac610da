//! Commands that have reached the outbox, and end before their first byte is written.

use super::poll_once;
use super::script::{Script, resolved};
use crate::command::{Items, Raw, Search, Store};
use crate::types::{CloseReason, Flag, Seq, SeqSet, Uid, UidSet, ViewSync};
use crate::{ErrorKind, Mailbox, Sent};

const CAN: &str = "SEARCHRES ESEARCH";
const SAVE_UNSEEN: &str = "UID SEARCH RETURN (SAVE COUNT) UNSEEN";

fn inbox(script: &mut Script) -> Mailbox {
    script.select("INBOX".into(), "SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done")
}

/// RFC 5182: `$` would be the result of an earlier search.
#[test]
fn what_uses_a_search_that_is_taken_back_is_not_sent() {
    let mut script = Script::new(CAN, &[]);
    let inbox = inbox(&mut script);
    let earlier = inbox.save(Search::unseen());
    let tag = script.expect(SAVE_UNSEEN);
    script.say(&format!("* ESEARCH (TAG \"{tag}\") UID COUNT 1\n{tag} OK done"));
    let earlier = resolved(earlier);
    let search = inbox.save(Search::all());
    let rows = inbox.fetch(search.saved(), Items::new().flags());
    script.bench.engine.poll(script.bench.now);
    search.cancel();
    script.quiet();
    let error = poll_once(&mut { rows }).expect("ended").expect_err("of other messages");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
    // The server knows nothing of it: what it remembered it still does.
    let rows = inbox.fetch(earlier, Items::new().flags());
    script.line("UID FETCH $ (FLAGS)", "TAG OK done").quiet();
    assert_eq!(resolved(rows).len(), 0);
}

#[test]
fn a_users_line_that_saves_its_result_invalidates_ours() {
    for line in ["ESEARCH IN (selected) RETURN (SAVE) ALL", "UID SEARCH RETURN (SAVE) ALL"] {
        let mut script = Script::new(CAN, &[]);
        let inbox = inbox(&mut script);
        let search = inbox.save(Search::unseen());
        script.line(SAVE_UNSEEN, "TAG OK done");
        let saved = resolved(search);
        let raw = inbox.submit(Raw::new(line));
        script.line(line, "TAG OK done");
        resolved(raw);
        let store = inbox.store(saved, Store::add([Flag::Deleted]));
        script.quiet();
        let error = poll_once(&mut { store }).expect("ended").expect_err("of other messages");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
    }
}

/// Such a server answers at random: nothing ends, and what is submitted behind it counts on
/// nothing.
#[test]
fn what_is_answered_before_it_was_sent_goes_out_all_the_same() {
    for answer in ["OK", "NO", "BAD", "("] {
        let mut script = Script::new("", &[]);
        let create = script.sender.create("X");
        let select = script.sender.select("X");
        let search = select.mailbox().search(Search::all());
        script.bench.engine.poll(script.bench.now);
        script.say(&format!("A1 {answer}\nA2 {answer}\nA3 {answer}"));
        assert_eq!(script.events().len(), 3, "each is reported as unparsed");
        script.line("CREATE X", "TAG OK done");
        let opens = script.expect("SELECT X");
        script.line("UID SEARCH ALL", &format!("{opens} OK done\n* SEARCH 4\nTAG OK done")).quiet();
        resolved(create);
        assert!(!resolved(select).has_ended());
        assert_eq!(resolved(search).len(), 1);
        let logout = script.sender.logout();
        script.bench.engine.poll(script.bench.now);
        script.say(&format!("A4 {answer}")).line("LOGOUT", "* BYE\nTAG OK done");
        resolved(logout);
    }
}

/// Contract, promise 11: the server's own words are the cause.
#[test]
fn a_server_that_hangs_up_before_it_receives_logout_has_not_logged_out() {
    let mut script = Script::new("", &[]);
    let (noop, logout) = (script.sender.noop(), script.sender.logout());
    script.bench.engine.poll(script.bench.now);
    script.say("* BYE too many of you");
    script.bench.close(CloseReason::Eof);
    for error in [poll_once(&mut { noop }), poll_once(&mut { logout })] {
        let error = error.expect("ended").expect_err("the connection has ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No));
        assert!(matches!(error.close_reason(), Some(CloseReason::Bye(bye)) if bye.text == "too many of you"));
    }
    // A line that the server may have received counts as received.
    let mut script = Script::new("", &[]);
    let logout = script.sender.logout();
    script.expect("LOGOUT");
    script.say("* BYE");
    script.bench.close(CloseReason::Eof);
    resolved(logout);
}

/// RFC 9051 section 7.5.1: no server may report removals then. With one that does, no other
/// messages than those meant are hit.
#[test]
fn numbers_and_uids_that_mean_others_by_now_are_not_sent() {
    for line in ["* 2 EXPUNGE", "* VANISHED 2", "* 3 EXISTS", "* OK [UIDVALIDITY 8] new UIDs"] {
        let mut script = Script::new("", &[]);
        let inbox = script.select(
            crate::Select::new("INBOX").view_sync(ViewSync::Off),
            "SELECT INBOX",
            "* 9 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done",
        );
        let (seq, uid) = (Seq::new(5).unwrap(), Uid::new(5).unwrap());
        let by_number = inbox.store(SeqSet::from(seq..=seq), Store::add([Flag::Deleted]));
        let by_uid = inbox.fetch(uid, Items::new().size());
        let all = inbox.search(Search::all());
        script.bench.engine.poll(script.bench.now);
        script.say(line);
        if line.contains("UIDVALIDITY") {
            let error = poll_once(&mut { by_uid }).expect("ended").expect_err("another message");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            // The numbers have not moved.
            script.line("STORE 5 +FLAGS (\\Deleted)", "TAG OK done");
            resolved(by_number);
        } else {
            let error = poll_once(&mut { by_number }).expect("ended").expect_err("another message");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{line}: {error}");
            script.line("UID FETCH 5 (RFC822.SIZE)", "TAG OK done");
            resolved(by_uid);
        }
        let tag = script.expect("UID SEARCH ALL");
        script.say(&format!("* SEARCH\n{tag} OK done"));
        assert_eq!(resolved(all).len(), 0);
    }
}

/// RFC 9051 section 2.3.1.1: it would find what has that UID now, and what is done to `$` would hit
/// it.
#[test]
fn a_search_among_uids_of_the_former_uid_validity_is_not_sent_either() {
    let mut script = Script::new(CAN, &[]);
    let inbox = inbox(&mut script);
    let uid = Uid::new(5).unwrap();
    let search = inbox.search(Search::uids(uid));
    let saved = inbox.save(Search::unseen().and(Search::uids(uid).not()));
    let rows = inbox.fetch(saved.saved(), Items::new().flags());
    let last = inbox.fetch("*".parse::<UidSet>().unwrap(), Items::new().size());
    script.bench.engine.poll(script.bench.now);
    script.say("* OK [UIDVALIDITY 8] new UIDs");
    for error in [
        poll_once(&mut { search }).expect("ended").err(),
        poll_once(&mut { saved }).expect("ended").err(),
        poll_once(&mut { rows }).expect("ended").err(),
    ] {
        let error = error.expect("other messages");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
    }
    // The last message is the last one with any UIDVALIDITY.
    script.line("UID FETCH * (RFC822.SIZE)", "TAG OK done");
    assert_eq!(resolved(last).len(), 0);
}
