//! What is reported where a server refuses to list its UIDs.

use super::script::Script;
use crate::Select;
use crate::types::{MailboxState, UidValidity};

/// A change is always an event, if need be without its UID.
#[test]
fn flags_that_changed_before_a_uid_that_is_never_reported_are_reported_without() {
    let mut script = Script::new("", &[]);
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.uids = "1:5".parse().unwrap();
    let token = script.sender.select(Select::new("INBOX").resume(state));
    script.line("SELECT INBOX", "* 5 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    script.line("UID SEARCH ALL", "* 3 FETCH (FLAGS (\\Seen))\nTAG NO not now");
    assert_eq!(script.events()[1..], [""; 0], "its UID is asked in another way");
    script
        .line("FETCH 1:5 (UID)", "* 2 FETCH (UID 2)\n* 2 FETCH (FLAGS (\\Deleted))\nTAG NO not now")
        .quiet();
    let reported = ["uid 2 has flags (\\Deleted)", "message 3 (uid not known) has flags (\\Seen)"];
    assert_eq!(script.events(), reported);
    script.say("* 4 FETCH (FLAGS (\\Draft))");
    assert_eq!(script.events(), ["message 4 (uid not known) has flags (\\Draft)"], "at once");
    drop(token);
}
