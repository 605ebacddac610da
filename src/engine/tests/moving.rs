//! Whose an untagged COPYUID is, of moves that go in several lines.

use super::script::{Script, resolved};
use crate::command::{Copied, CopyMessages};
use crate::types::UidSet;

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
