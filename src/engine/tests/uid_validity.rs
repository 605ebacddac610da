//! UIDs from an earlier time mean nothing with another UIDVALIDITY of the mailbox (RFC 9051 section
//! 2.3.1.1): a command that names them waits until SELECT has reported it, and fails unsent if it
//! differs.

use super::poll_once;
use super::script::{Script, resolved};
use crate::command::{SaveSearch, Search};
use crate::types::{MailboxState, Uid, UidSet, UidValidity};
use crate::{ErrorKind, Mailbox, Select, Sent, Token};

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

/// A SELECT of INBOX, of which two messages of UIDVALIDITY 7 are known.
fn resuming(script: &Script) -> (Token<Select>, Mailbox) {
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.uids = [uid(10), uid(20)].into_iter().collect();
    let select = script.sender.select(Select::new("INBOX").resume(state));
    let inbox = select.mailbox();
    (select, inbox)
}

#[test]
fn a_search_among_uids_waits_for_uid_validity_and_fails_with_another() {
    for uid_validity in [7, 8] {
        let mut script = Script::new("SEARCHRES ESEARCH", &[]);
        let (select, inbox) = resuming(&script);
        let not_the_first = inbox.search(Search::unseen().and(Search::uids(uid(10)).not()));
        let either = Search::seen().or(Search::uids([uid(10), uid(20)].as_slice()));
        let saved = inbox.submit(SaveSearch::new(either));
        let all = inbox.search(Search::uids(uid(1)..).and(Search::uids(UidSet::new()).not()));
        let tag = script.expect("SELECT INBOX");
        script.quiet();
        script.say(&format!("* 2 EXISTS\n* OK [UIDVALIDITY {uid_validity}] ok\n{tag} OK done"));
        resolved(select);
        if uid_validity == 7 {
            script.expect("UID SEARCH RETURN (ALL) UNSEEN NOT UID 10");
            script.expect("UID SEARCH RETURN (SAVE COUNT) OR SEEN UID 10,20");
        } else {
            for error in
                [poll_once(&mut { not_the_first }).unwrap().err(), poll_once(&mut { saved }).unwrap().err()]
            {
                let error = error.expect("another UIDVALIDITY");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            }
        }
        // All messages are all messages, whatever UIDVALIDITY is.
        script.expect("UID SEARCH RETURN (ALL) UID 1:* NOT NOT ALL");
        drop(all);
    }
}

#[test]
fn an_open_set_is_all_messages_only_if_nothing_is_left_out() {
    let mut script = Script::new("", &[]);
    let (select, inbox) = resuming(&script);
    let some: UidSet = "1:5,8:*".parse().unwrap();
    let gone = inbox.copy(some, "x");
    let tag = script.expect("SELECT INBOX");
    script.say(&format!("* 2 EXISTS\n* OK [UIDVALIDITY 8] ok\n{tag} OK done"));
    resolved(select);
    assert_eq!(poll_once(&mut { gone }).unwrap().unwrap_err().sent(), Sent::No);
}

#[test]
fn a_move_that_began_before_select_was_answered_stops_at_a_new_uid_validity() {
    let mut script = Script::new("UIDPLUS", &[]);
    let (select, inbox) = resuming(&script);
    let moved = inbox.move_to(uid(10), "x");
    let tag = script.expect("SELECT INBOX");
    script.say("* 2 EXISTS\n* OK [UIDVALIDITY 7] ok");
    let copy = script.expect("UID COPY 10 x");
    script.say(&format!("{tag} OK done\n* OK [UIDVALIDITY 8] ok\n{copy} OK done"));
    resolved(select);
    let error = poll_once(&mut { moved }).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    // No STORE of the message that has that UID now: the messages are queried again.
    script.expect("UID SEARCH ALL");
    script.expect("UID FETCH 10 (FLAGS)");
    script.quiet();
}
