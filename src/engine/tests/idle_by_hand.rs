//! IDLE by hand, beside what the engine does of its own accord.

use std::time::Duration;

use super::poll_once;
use super::script::Script;

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
