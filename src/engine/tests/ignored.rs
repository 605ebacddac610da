//! Capabilities that the user has the library take for missing.

use super::script::{Script, resolved};
use super::settings;
use crate::command::Search;
use crate::engine::Settings;
use crate::types::ViewSync;
use crate::{ErrorKind, Select};

fn ignoring(capabilities: &str, enabled: &[&str], ignored: &[&str]) -> Script {
    let ignored = ignored.iter().map(|name| (*name).to_owned()).collect();
    Script::with(capabilities, enabled, Settings { auto_idle: false, ignored, ..settings() })
}

#[test]
fn what_is_ignored_is_not_used_and_not_shown() {
    for (capabilities, enabled) in [("ESEARCH UIDPLUS", &[][..]), ("IMAP4rev2", &["IMAP4rev2"][..])] {
        for (ignored, search) in
            [(&[][..], "UID SEARCH RETURN (ALL) UNSEEN"), (&["esearch"][..], "UID SEARCH UNSEEN")]
        {
            let mut script = ignoring(capabilities, enabled, ignored);
            let select = Select::new("INBOX").view_sync(ViewSync::Off);
            let inbox = script.select(select, "SELECT INBOX", "* OK [UIDVALIDITY 7] ok\nTAG OK done");
            let token = inbox.search(Search::unseen());
            script.line(search, "* SEARCH 3\nTAG OK done");
            assert_eq!(resolved(token).len(), 1);
        }
    }
    let script =
        ignoring("APPENDLIMIT=5 THREAD=REFS QUOTA=RES-MESSAGE", &[], &["APPENDLIMIT", "THREAD=REFS"]);
    let all = script.sender.capabilities();
    let all: Vec<_> = all.iter().collect();
    assert_eq!(all, ["IMAP4rev1", "QUOTA=RES-MESSAGE"]);
}

#[test]
fn a_later_list_is_as_incomplete_and_a_ban_on_passwords_stands() {
    let mut script = ignoring("NOTIFY LOGINDISABLED", &[], &["NOTIFY", "LOGINDISABLED"]);
    script.say("* CAPABILITY IMAP4rev1 NOTIFY MOVE LOGINDISABLED");
    let now = script.sender.capabilities();
    assert!(!now.has("NOTIFY") && now.has("MOVE") && now.has("LOGINDISABLED"));
    let notify = script.sender.notify(crate::command::Notify::set());
    script.quiet();
    let error = super::poll_once(&mut { notify }).expect("ended").expect_err("it is taken for missing");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // Who asks the server has its answer.
    let token = script.sender.capability();
    script.line("CAPABILITY", "* CAPABILITY IMAP4rev1 NOTIFY\nTAG OK done");
    assert!(resolved(token).has("NOTIFY"));
}
