//! Whose an untagged COPYUID is, of moves that go in several lines; and what is left of a copy in
//! several lines that fails.

use super::script::{Script, resolved};
use crate::command::{Copied, CopyMessages};
use crate::error::ErrorKind;
use crate::types::{Answer, Code, UidSet};

fn set(text: &str) -> UidSet {
    text.parse().unwrap()
}

/// From where to where, for each COPYUID.
fn brief(copied: &Copied) -> Vec<String> {
    copied.uids.iter().map(|reported| format!("{} {}", reported.from(), reported.to())).collect()
}

/// Each line has its own answer: the rest of the older move is no part of it.
#[test]
fn each_line_of_a_move_has_its_own() {
    let mut script = Script::new("UIDPLUS MOVE ESEARCH", &["IMAP4rev2"]);
    script.bench.engine.session.command_line = 8;
    let opened = "* 7 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT 22] next\nTAG OK done";
    let inbox = script.select("INBOX".into(), "SELECT INBOX", opened);
    let found = "* ESEARCH (TAG \"TAG\") UID ALL 3,6,9,12,15,18,21\nTAG OK done";
    script.line("UID SEARCH RETURN (ALL) ALL", found);
    let older = inbox.submit(CopyMessages::moving(set("3,6,9,12,15,18,21"), "a").in_pieces());
    let younger = inbox.move_to(set("3,12,15"), "b");
    let lines = ["3,6,9 a", "12,15 a", "18,21 a", "3,12,15 b"];
    let tags = lines.map(|line| script.expect(&format!("UID MOVE {line}")));
    for ((tag, from), to) in tags.iter().zip(["3,6,9", "12,15", "18,21"]).zip(["1:3", "4:5", "6:7"]) {
        script.say(&format!("* OK [COPYUID 8 {from} {to}] moved"));
        for _ in from.split(',') {
            script.say("* 1 EXPUNGE");
        }
        script.say(&format!("{tag} OK done"));
    }
    script.say(&format!("{} OK nothing is there", tags[3]));
    assert_eq!(brief(&resolved(older)), ["3,6,9 1:3", "12,15 4:5", "18,21 6:7"]);
    assert_eq!(brief(&resolved(younger)), [""; 0]);
}

/// Users need the UIDs of the copies that there are: what the earlier lines have done is not lost.
#[test]
fn a_copy_whose_last_line_fails_keeps_what_the_others_have_done() {
    let mut script = Script::new("UIDPLUS MOVE ESEARCH", &["IMAP4rev2"]);
    script.bench.engine.session.command_line = 8;
    let opened = "* 5 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT 16] next\nTAG OK done";
    let inbox = script.select("INBOX".into(), "SELECT INBOX", opened);
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 3,6,9,12,15\nTAG OK done");
    let mut token = inbox.submit(CopyMessages::copying(set("3,6,9,12,15"), "a").in_pieces());
    let tags = ["3,6,9 a", "12,15 a"].map(|line| script.expect(&format!("UID COPY {line}")));
    script.say(&format!("{} OK [COPYUID 8 3,6,9 1:3] done", tags[0]));
    script.say(&format!("{} NO [OVERQUOTA] it is full", tags[1]));
    let error = super::poll_once(&mut token).expect("resolved").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::No, Some(&Code::OverQuota)));
    let [Answer::Status(status)] = error.answers() else { panic!("{:?}", error.answers()) };
    let Some(Code::CopyUid(copied)) = &status.code else { panic!("{status:?}") };
    assert_eq!((copied.from().to_string(), copied.to().to_string()), ("3,6,9".into(), "1:3".into()));
}
