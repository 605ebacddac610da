//! IDLE by hand, beside what the engine does of its own accord.

use std::time::Duration;

use super::poll_once;
use super::script::{Script, resolved};
use crate::Select;
use crate::command::Items;
use crate::types::{Seq, ViewSync};

#[test]
fn idle_can_be_refused_any_number_of_times() {
    for answer in ["BAD what is that", "OK no more"] {
        let mut script = Script::new("IDLE", &[]);
        let inbox = script.select("INBOX".into(), "SELECT INBOX", "TAG OK done");
        for _ in 0..300 {
            let idle = inbox.idle();
            script.line("IDLE", &format!("TAG {answer}"));
            assert_eq!(poll_once(&mut { idle }).expect("ended").is_err(), answer.starts_with("BAD"));
        }
    }
}

/// RFC 2177 section 3: a server may hang up after 30 minutes. Only the user could end this IDLE.
#[test]
fn idle_by_hand_whose_token_is_gone_is_renewed_where_idle_is_automatic() {
    let mut script = Script::new("IDLE", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", "TAG OK done");
    let idle = inbox.idle();
    let tag = script.expect("IDLE");
    script.bench.engine.settings.auto_idle = true;
    script.say("+ idling");
    script.bench.wait(Duration::from_secs(601));
    script.quiet();
    drop(idle);
    script.bench.wait(Duration::from_secs(1));
    assert_eq!(script.bench.write_all(), b"DONE\r\n");
    script.say(&format!("{tag} OK done"));
    script.bench.wait(Duration::from_secs(1));
    script.expect("IDLE");
}

/// RFC 9051 section 6.3.13, with what each FETCH asks for written out.
#[test]
fn a_mailbox_is_followed_as_the_rfc_has_it() {
    let mut script = Script::new("IDLE", &[]);
    let inbox = script.select(
        Select::new("INBOX").view_sync(ViewSync::Off),
        "SELECT INBOX",
        "* FLAGS (\\Deleted \\Seen \\Flagged)
         * OK [PERMANENTFLAGS (\\Deleted \\Seen \\Flagged)] Limited
         * 3 EXISTS
         * OK [UIDVALIDITY 1]
         * OK [UIDNEXT 1]
         * LIST () \"/\" INBOX
         TAG OK [READ-WRITE] SELECT completed",
    );
    script.events();
    for (before, after, number, shown) in [
        ("+ idling", "* 4 EXISTS", 4, &["4 messages now"][..]),
        (
            "* 2 EXPUNGE\n* 3 EXISTS\n+ idling",
            "* 3 EXPUNGE\n* 2 EXISTS\n* 3 EXISTS",
            3,
            &["message 2 (uid not known) removed", "message 3 (uid not known) removed", "3 messages now"],
        ),
    ] {
        let idle = inbox.idle();
        let tag = script.expect("IDLE");
        script.say(before).say(after);
        idle.cancel();
        script.expect_done();
        script.say(&format!("{tag} OK IDLE terminated"));
        assert_eq!(script.events(), shown);
        let all = inbox.fetch(Seq::new(number).unwrap(), Items::overview());
        let fetch = format!("FETCH {number} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)");
        script.line(&fetch, "TAG OK FETCH completed");
        assert!(resolved(all).is_empty());
    }
}
