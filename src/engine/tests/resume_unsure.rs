//! An answer to QRESYNC that adds up by chance.

use super::resume::{RESUMED, SELECT_QRESYNC, opened, resuming, uids};
use super::script::Script;

/// What SELECT reports of a mailbox in which nothing has happened since the state.
pub(super) fn unchanged() -> String {
    opened(5, 90).replace("UIDNEXT 20", "UIDNEXT 6") + "TAG OK done"
}

/// Where nothing is reported and the counts are the same, one message may have come for another:
/// UIDNEXT says so.
#[test]
fn what_qresync_does_not_report_is_asked_for_if_there_may_be_something() {
    let fetch = "UID FETCH 6:* (FLAGS)";
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    script.select(resuming(), SELECT_QRESYNC, &(opened(5, 90) + "TAG OK done"));
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7"]);
    script.line(fetch, "* 5 FETCH (UID 5 FLAGS ())\nTAG OK done");
    assert_eq!(script.events(), [RESUMED]);
    script.quiet();
    // The last message is always in the answer; \Recent is of this session alone.
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    script.select(resuming(), SELECT_QRESYNC, &(opened(5, 90) + "TAG OK done"));
    script.line(fetch, "* 5 FETCH (UID 5 FLAGS (\\Recent))\nTAG OK done");
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7", RESUMED]);
    // Message 2 is gone, and 8 is there.
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    script.select(resuming(), SELECT_QRESYNC, &(opened(5, 90) + "TAG OK done"));
    script.line(fetch, "* 5 FETCH (UID 8 FLAGS ())\nTAG OK done");
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 1,3:5,8\nTAG OK done");
    assert!(script.events().iter().any(|event| event.starts_with("uid 8 arrived")));
    assert_eq!(uids(&script), [1, 3, 4, 5, 8]);
    // With all that there can be, nothing is asked.
    let mut script = Script::new("QRESYNC ENABLE ESEARCH", &["QRESYNC"]);
    script.select(resuming(), SELECT_QRESYNC, &unchanged());
    assert_eq!(script.events(), ["opened with 5 messages, UIDVALIDITY 7", RESUMED]);
    script.quiet();
}
