//! What changed between two IDLEs, with a server that does not look back when one begins.

use std::time::Duration;

use super::script::{Script, resolved};
use super::settings;
use crate::engine::{BatchSizes, Settings};
use crate::types::ViewSync;

const RENEW: Duration = Duration::from_secs(600);

/// INBOX is selected with messages of UIDs 10, 20, … whose flags are known; all is quiet, and the
/// connection about to idle.
fn selected(
    capabilities: &str,
    messages: u32,
    window: u32,
    mod_seq: Option<u32>,
) -> (Script, crate::Mailbox) {
    let windows = BatchSizes { uids: 50_000, flags: window };
    let mut script =
        Script::with(&format!("IDLE ESEARCH {capabilities}"), &[], Settings { windows, ..settings() });
    let code = mod_seq.map_or("NOMODSEQ".to_owned(), |n| format!("HIGHESTMODSEQ {n}"));
    let opened = format!(
        "* {messages} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT {}] next\n* OK [{code}] ok\nTAG OK done",
        messages * 10 + 1
    );
    let inbox =
        script.select(crate::Select::new("INBOX").view_sync(ViewSync::Flags), "SELECT INBOX", &opened);
    let uids: Vec<String> = (1..=messages).map(|n| (n * 10).to_string()).collect();
    let found = format!("* ESEARCH (TAG \"TAG\") UID ALL {}\nTAG OK done", uids.join(","));
    script.line("UID SEARCH RETURN (ALL) ALL", &found);
    for uids in uids.rchunks(window as usize) {
        let row = |uid: &String| {
            let seq = uid.parse::<u32>().unwrap() / 10;
            format!("* {seq} FETCH (UID {uid} FLAGS ())\n")
        };
        let rows: String = uids.iter().map(row).collect();
        script.line(&format!("UID FETCH {} (FLAGS)", uids.join(",")), &(rows + "TAG OK done"));
    }
    script.quiet().events();
    script.bench.wait(Duration::from_millis(100));
    (script, inbox)
}

/// The connection idles.
fn idling(script: &mut Script) -> String {
    let tag = script.expect("IDLE");
    script.say("+ idling");
    script.quiet();
    tag
}

/// What was written, less the tags.
fn written(script: &mut Script) -> Vec<(String, String)> {
    let written = String::from_utf8(script.bench.write_all()).unwrap();
    let split = |line: &str| {
        let (tag, rest) = line.split_once(' ').unwrap_or(("", line));
        (tag.to_owned(), rest.to_owned())
    };
    written.lines().map(split).collect()
}

fn commands(lines: &[(String, String)]) -> Vec<&str> {
    lines.iter().map(|(_, line)| line.as_str()).collect()
}

#[test]
fn the_next_idle_goes_out_with_the_question_for_new_mail() {
    let (mut script, inbox) = selected("", 2, 5000, None);
    let tag = idling(&mut script);
    script.say("* 3 EXISTS");
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 21:* (FLAGS)", "IDLE"], "in one write");
    script.say(&format!("{tag} OK done"));
    script.say(&format!("* 3 FETCH (UID 30 FLAGS ())\n{} OK done\n+ idling", lines[1].0));
    assert_eq!(script.events(), ["3 messages now", "uid 30 arrived"]);
    // Who answers the arrival does not wait for a `+`.
    let token = inbox.fetch(crate::types::Uid::new(30).unwrap(), crate::command::Items::new().size());
    script.expect_done();
    script.say(&format!("{} OK done", lines[2].0));
    script.line("UID FETCH 30 (RFC822.SIZE)", "* 3 FETCH (UID 30 RFC822.SIZE 5)\nTAG OK done");
    assert_eq!(resolved(token).len(), 1);
    // A user has spoken: the next may follow.
    script.quiet();
    script.bench.wait(Duration::from_millis(100));
    idling(&mut script);
}

#[test]
fn an_idle_refused_behind_a_question_is_asked_for_apart() {
    let (mut script, _inbox) = selected("", 2, 5000, None);
    let tag = idling(&mut script);
    script.say("* 3 EXISTS");
    let lines = written(&mut script);
    script.say(&format!("{tag} OK done\n* 3 FETCH (UID 30 FLAGS ())\n{} OK done", lines[1].0));
    script.say(&format!("{} BAD one at a time", lines[2].0));
    let tag = idling(&mut script);
    script.say("* 4 EXISTS");
    script.bench.wait(Duration::from_millis(1));
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 31:* (FLAGS)"]);
    script.say(&format!("{tag} OK done\n* 4 FETCH (UID 40 FLAGS ())\n{} OK done", lines[1].0));
    idling(&mut script);
}

#[test]
fn a_server_that_is_slow_with_the_question_has_not_refused_idle() {
    let (mut script, _inbox) = selected("", 2, 5000, None);
    let tag = idling(&mut script);
    script.say("* 3 EXISTS");
    let lines = written(&mut script);
    script.say(&format!("{tag} OK done"));
    script.bench.wait(Duration::from_secs(100));
    script.quiet();
    script.say(&format!("* 3 FETCH (UID 30 FLAGS ())\n{} OK done\n+ idling", lines[1].0));
    script.bench.wait(Duration::from_secs(100));
    script.quiet();
}

#[test]
fn with_condstore_what_changed_in_the_gap_is_asked_before_each_idle() {
    let (mut script, _inbox) = selected("CONDSTORE", 2, 5000, Some(50));
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["UID FETCH 1:* (FLAGS) (CHANGEDSINCE 50)", "IDLE"]);
    script.say(&format!("{} OK done\n+ idling", lines[0].0));
    let idle = &lines[1].0;
    script.say("* 3 EXISTS");
    let lines = written(&mut script);
    let expected = ["DONE", "UID FETCH 21:* (FLAGS)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 50)", "IDLE"];
    assert_eq!(commands(&lines), expected);
    script.say(&format!("{idle} OK done\n* 3 FETCH (UID 30 FLAGS ())\n{} OK done", lines[1].0));
    script.say("* 1 FETCH (UID 10 FLAGS (\\Flagged) MODSEQ (52))\n* 3 FETCH (UID 30 FLAGS () MODSEQ (51))");
    script.say(&format!("{} OK done\n+ idling", lines[2].0));
    assert_eq!(
        script.events(),
        ["3 messages now", "uid 30 arrived", "uid 10 has flags (\\Flagged)"],
        "reported once, and new mail is no change"
    );
    // What is reported in IDLE is reported once; and flags that were queried are not queried again.
    script.say("* 2 FETCH (UID 20 FLAGS (\\Seen) MODSEQ (60))");
    assert_eq!(script.events().len(), 1);
    let idle = lines[3].0.clone();
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 52)", "IDLE"]);
    script.say(&format!("{idle} OK done\n* 2 FETCH (UID 20 FLAGS (\\Seen) MODSEQ (60))"));
    script.say(&format!("{} OK done\n+ idling", lines[1].0));
    assert_eq!(script.events(), [""; 0]);
}

#[test]
fn bad_to_the_question_is_for_good_and_leads_to_a_comparison() {
    let (mut script, _inbox) = selected("CONDSTORE", 2, 5000, Some(50));
    let lines = written(&mut script);
    script.say(&format!("{} BAD no such parameter\n+ idling", lines[0].0));
    let idle = lines[1].0.clone();
    script.bench.wait(RENEW);
    assert_eq!(commands(&written(&mut script)), ["DONE", "UID FETCH 10,20 (FLAGS)", "IDLE"]);
    script.say(&format!("{idle} OK done"));
}

/// NO says nothing of the next time; if the answer is NO again when IDLE is renewed, flags are
/// compared.
#[test]
fn after_no_the_question_is_asked_again() {
    let (mut script, _inbox) = selected("CONDSTORE", 2, 5000, Some(50));
    let question = "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 50)";
    let lines = written(&mut script);
    script.say(&format!("{} NO [INUSE] not now\n+ idling", lines[0].0));
    let mut idle = lines[1].0.clone();
    for _ in 0..2 {
        script.bench.wait(RENEW);
        let lines = written(&mut script);
        assert_eq!(commands(&lines), ["DONE", question]);
        script.say(&format!("{idle} OK done\n{} NO [INUSE] not now", lines[1].0));
        let lines = written(&mut script);
        assert_eq!(commands(&lines), ["UID FETCH 10,20 (FLAGS)", "IDLE"]);
        let rows = "* 1 FETCH (UID 10 FLAGS ())\n* 2 FETCH (UID 20 FLAGS ())";
        script.say(&format!("{rows}\n{} OK done\n+ idling", lines[0].0));
        idle.clone_from(&lines[1].0);
    }
    // Answered, there is nothing left to compare.
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", question]);
    let row = "* 1 FETCH (UID 10 FLAGS (\\Seen) MODSEQ (52))";
    script.say(&format!("{idle} OK done\n{row}\n{} OK done", lines[1].0));
    assert_eq!(script.events(), ["uid 10 has flags (\\Seen)"]);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["UID FETCH 1:* (FLAGS) (CHANGEDSINCE 52)", "IDLE"]);
    script.say(&format!("{} OK done\n+ idling", lines[0].0));
    idle.clone_from(&lines[1].0);
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 52)", "IDLE"]);
    script.say(&format!("{idle} OK done"));
}

#[test]
fn what_was_refused_is_compared_at_the_next_renewal() {
    let (mut script, _inbox) = selected("", 3, 2, None);
    let mut idle = idling(&mut script);
    let (newest, oldest) = ("UID FETCH 20,30 (FLAGS)", "UID FETCH 10 (FLAGS)");
    // Nothing is compared, so nothing is known to be lost or not.
    for _ in 0..2 {
        script.bench.wait(RENEW);
        let lines = written(&mut script);
        assert_eq!(commands(&lines), ["DONE", newest]);
        script.say(&format!("{idle} OK done\n{} NO [INUSE] not now", lines[1].0));
        let lines = written(&mut script);
        assert_eq!(commands(&lines), [oldest, "IDLE"]);
        script.say(&format!("{} NO [INUSE] not now\n+ idling", lines[0].0));
        idle.clone_from(&lines[1].0);
    }
    // One window is compared: the other is asked for again, alone.
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    let rows = "* 2 FETCH (UID 20 FLAGS ())\n* 3 FETCH (UID 30 FLAGS ())";
    script.say(&format!("{idle} OK done\n{rows}\n{} OK done", lines[1].0));
    let lines = written(&mut script);
    script.say(&format!("{} NO [INUSE] not now\n+ idling", lines[0].0));
    idle.clone_from(&lines[1].0);
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", oldest, "IDLE"]);
    script.say(&format!("{idle} OK done\n* 1 FETCH (UID 10 FLAGS (\\Seen))\n{} OK done", lines[1].0));
    script.say("+ idling");
    assert_eq!(script.events(), ["uid 10 has flags (\\Seen)"]);
    idle.clone_from(&lines[2].0);
    script.bench.wait(RENEW);
    assert_eq!(commands(&written(&mut script)), ["DONE", newest], "it has lost a change");
    script.say(&format!("{idle} OK done"));
}

/// RFC 9738: a window is no larger than the server's limit, and what a limit cut off is asked for.
#[test]
fn what_a_limit_leaves_out_is_compared_as_well() {
    for (capability, first) in [("", "10,20,30"), ("MESSAGELIMIT=2", "20,30")] {
        let (mut script, _inbox) = selected("", 3, 5000, None);
        script.say(&format!("* CAPABILITY IMAP4rev1 IDLE ESEARCH {capability}"));
        script.events();
        let mut idle = idling(&mut script);
        script.bench.wait(RENEW);
        let lines = written(&mut script);
        assert_eq!(commands(&lines)[..2], ["DONE".to_owned(), format!("UID FETCH {first} (FLAGS)")]);
        let rows = "* 2 FETCH (UID 20 FLAGS ())\n* 3 FETCH (UID 30 FLAGS ())";
        let code = if capability.is_empty() { "[MESSAGELIMIT 2 20] " } else { "" };
        script.say(&format!("{idle} OK done\n{rows}\n{} OK {code}done", lines[1].0));
        let mut rest = lines[2..].to_vec();
        if let Some((tag, _)) = rest.first() {
            idle.clone_from(tag);
            script.say("+ idling");
            script.bench.wait(RENEW);
            rest = written(&mut script);
            assert_eq!(rest.remove(0).1, "DONE");
            script.say(&format!("{idle} OK done"));
        } else {
            rest = written(&mut script);
        }
        assert_eq!(commands(&rest), ["UID FETCH 10 (FLAGS)", "IDLE"]);
        script.say(&format!("* 1 FETCH (UID 10 FLAGS (\\Seen))\n{} OK done", rest[0].0));
        assert_eq!(script.events(), ["uid 10 has flags (\\Seen)"]);
    }
}

/// The table in the head of `engine/selection/sync/look_back.rs`: after 1, 2, 4, 4, … times
/// `idle_renew`.
#[test]
fn a_large_mailbox_is_compared_at_each_fourth_renewal_at_least() {
    let (mut script, _inbox) = selected("", 3, 2, None);
    let mut idle = idling(&mut script);
    let mut compared = Vec::new();
    for renewal in 1..=16 {
        script.bench.wait(RENEW);
        let mut lines = written(&mut script);
        script.say(&format!("{idle} OK done"));
        if lines[1].1 != "IDLE" {
            compared.push(renewal);
            let rows = "* 2 FETCH (UID 20 FLAGS ())\n* 3 FETCH (UID 30 FLAGS ())";
            script.say(&format!("{rows}\n{} OK done", lines[1].0));
            lines = written(&mut script);
            assert_eq!(commands(&lines), ["UID FETCH 10 (FLAGS)", "IDLE"]);
            script.say(&format!("* 1 FETCH (UID 10 FLAGS ())\n{} OK done", lines[0].0));
        }
        script.say("+ idling");
        idle.clone_from(&lines[1].0);
    }
    assert_eq!(compared, [1, 3, 7, 11, 15]);
}

#[test]
fn without_condstore_flags_are_compared_when_idle_is_renewed() {
    let (mut script, _inbox) = selected("", 3, 2, None);
    let mut idle = idling(&mut script);
    script.bench.wait(RENEW);
    // In windows, the newest first; IDLE is sent with the last.
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 20,30 (FLAGS)"]);
    let rows = "* 2 FETCH (UID 20 FLAGS ())\n* 3 FETCH (UID 30 FLAGS ())";
    script.say(&format!("{idle} OK done\n{rows}\n{} OK done", lines[1].0));
    assert_eq!(script.events(), [""; 0]);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["UID FETCH 10 (FLAGS)", "IDLE"]);
    script.say(&format!("* 1 FETCH (UID 10 FLAGS ())\n{} OK done\n+ idling", lines[0].0));
    idle.clone_from(&lines[1].0);
    // Of more than a window, and nothing was lost: not so soon again.
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "IDLE"]);
    script.say(&format!("{idle} OK done\n+ idling"));
    idle.clone_from(&lines[1].0);
    script.bench.wait(RENEW);
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 20,30 (FLAGS)"]);
    let rows = "* 2 FETCH (UID 20 FLAGS (\\Seen))\n* 3 FETCH (UID 30 FLAGS ())";
    script.say(&format!("{idle} OK done\n{rows}\n{} OK done", lines[1].0));
    assert_eq!(script.events(), ["uid 20 has flags (\\Seen)"]);
    let lines = written(&mut script);
    script.say(&format!("* 1 FETCH (UID 10 FLAGS ())\n{} OK done\n+ idling", lines[0].0));
    idle.clone_from(&lines[1].0);
    // It has lost a change: each time from now on, and NOOP where there is a gap.
    script.say("* 4 EXISTS");
    let lines = written(&mut script);
    assert_eq!(commands(&lines), ["DONE", "UID FETCH 31:* (FLAGS)", "NOOP", "IDLE"]);
    script.say(&format!("{idle} OK done\n* 4 FETCH (UID 40 FLAGS ())\n{} OK done", lines[1].0));
    script.say(&format!("{} OK done\n+ idling", lines[2].0));
    script.bench.wait(RENEW);
    assert_eq!(commands(&written(&mut script)), ["DONE", "UID FETCH 30,40 (FLAGS)"]);
}

/// What the head of `engine/selection/sync/look_back.rs` says.
#[test]
fn a_comparison_of_a_hundred_thousand_messages_costs_what_is_said() {
    let row = |n: u32| format!("* {n} FETCH (UID {} FLAGS (\\Seen))\r\n", n + 100_000).len();
    let bytes: usize = (1..=100_000).map(row).sum();
    assert!((4_100_000..4_300_000).contains(&bytes), "{bytes}");
}
