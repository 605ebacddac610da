//! A mailbox that was left under NOTIFY: its unreported changes are queried, and reported once.

use super::poll_once;
use super::script::{Script, resolved};
use crate::command::{Notify, NotifyEvent, StatusItems};
use crate::types::ViewSync;

const SELECTED: &str = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
const ASKED: &str = "STATUS A (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)";
/// A, as [`watching`] has it.
const AS_LEFT: &str = "* STATUS A (MESSAGES 2 UIDNEXT 21 UIDVALIDITY 7 UNSEEN 1)";

/// A session under this NOTIFY, with A selected: two messages, one of them seen.
fn under(notify: Notify, encoded: &str, capabilities: &str) -> (Script, crate::Mailbox) {
    let mut script = Script::new(&format!("NOTIFY ESEARCH UNSELECT {capabilities}"), &[]);
    let token = script.sender.notify(notify);
    script.line(&format!("NOTIFY SET {encoded}"), "TAG OK done");
    assert_eq!(resolved(token), []);
    let a = select_a(&mut script);
    (script, a)
}

fn watching() -> (Script, crate::Mailbox) {
    let personal = "(personal (MessageNew MessageExpunge FlagChange))";
    under(Notify::set().personal(NotifyEvent::MESSAGES), &format!("{SELECTED} {personal}"), "")
}

fn select_a(script: &mut Script) -> crate::Mailbox {
    let opened = "* 2 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT 21] next\nTAG OK done";
    let a = script.select(crate::Select::new("A").view_sync(ViewSync::Flags), "SELECT A", opened);
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10,20\nTAG OK done");
    let rows = "* 1 FETCH (UID 10 FLAGS (\\Seen))\n* 2 FETCH (UID 20 FLAGS ())\nTAG OK done";
    script.line("UID FETCH 10,20 (FLAGS)", rows);
    script.quiet().events();
    a
}

/// Another mailbox is selected, which is empty.
fn select_b(script: &mut Script) {
    let opened = "* OK [CLOSED] gone\n* 0 EXISTS\n* OK [UIDVALIDITY 8] ok\nTAG OK done";
    script.select("B".into(), "SELECT B", opened);
}

fn statuses(script: &mut Script) -> Vec<String> {
    script.events().into_iter().filter(|event| event.contains("status")).collect()
}

#[test]
fn what_came_as_the_mailbox_was_left_is_reported() {
    for (answer, reported) in [
        ("* STATUS A (MESSAGES 3 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 2)", true),
        ("* STATUS A (MESSAGES 2 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 1)", true),
        ("* STATUS A (MESSAGES 1 UIDNEXT 21 UIDVALIDITY 7 UNSEEN 1)", true),
        ("* STATUS A (MESSAGES 2 UIDNEXT 21 UIDVALIDITY 9 UNSEEN 1)", true),
        ("* STATUS A (MESSAGES 2 UIDNEXT 21 UIDVALIDITY 7 UNSEEN 0)", true),
        (AS_LEFT, false),
    ] {
        let (mut script, _a) = watching();
        select_b(&mut script);
        script.line(ASKED, &format!("{answer}\nTAG OK done"));
        let events = statuses(&mut script);
        assert_eq!(events.len(), usize::from(reported), "{answer}: {events:?}");
        assert!(events.iter().all(|event| event.starts_with("A: status, messages")), "{events:?}");
        script.quiet();
    }
}

#[test]
fn however_it_is_left() {
    let more = "* STATUS A (MESSAGES 3 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 2)\nTAG OK done";
    let (mut script, a) = watching();
    let token = a.unselect();
    script.line("UNSELECT", "TAG OK done");
    resolved(token);
    script.line(ASKED, more);
    assert_eq!(statuses(&mut script).len(), 1);

    let (mut script, a) = watching();
    let token = a.close();
    script.line("CLOSE", "TAG OK done");
    resolved(token);
    script.line(ASKED, more);
    assert_eq!(statuses(&mut script).len(), 1);

    let (mut script, _a) = watching();
    let mut token = script.sender.select("none");
    script.line("SELECT none", "TAG NO there is none");
    assert!(poll_once(&mut token).expect("answered").is_err());
    script.line(ASKED, more);
    assert_eq!(statuses(&mut script).len(), 1);

    // After BAD it may be selected still: it is asked now, and once more as soon as it is not.
    let (mut script, _a) = watching();
    let mut token = script.sender.select("none");
    script.line("SELECT none", "TAG BAD what is that");
    assert!(poll_once(&mut token).expect("answered").is_err());
    script.line(ASKED, more);
    assert_eq!(statuses(&mut script).len(), 1);
    script.quiet();
    select_b(&mut script);
    script.line(ASKED, &more.replace("MESSAGES 3", "MESSAGES 4").replace("31", "32"));
    assert_eq!(statuses(&mut script).len(), 1);
    script.quiet();
}

#[test]
fn only_of_what_notify_watches() {
    let mut script = Script::new("NOTIFY ESEARCH UNSELECT", &[]);
    let _a = select_a(&mut script);
    select_b(&mut script);
    script.quiet();

    let messages = [NotifyEvent::MessageNew, NotifyEvent::MessageExpunge];
    let encoded = format!("{SELECTED} (mailboxes C (MessageNew MessageExpunge))");
    let (mut script, _a) = under(Notify::set().mailboxes(["C"], messages), &encoded, "");
    select_b(&mut script);
    script.quiet();

    let encoded = format!("{SELECTED} (personal (MailboxName SubscriptionChange))");
    let (mut script, _a) = under(Notify::set().personal(NotifyEvent::MAILBOXES), &encoded, "");
    select_b(&mut script);
    script.quiet();

    // And of the flags only where these are watched.
    let encoded = format!("{SELECTED} (mailboxes A (MessageNew MessageExpunge))");
    let (mut script, _a) = under(Notify::set().mailboxes(["A"], messages), &encoded, "CONDSTORE");
    select_b(&mut script);
    let same = "* STATUS A (MESSAGES 2 UIDNEXT 21 UIDVALIDITY 7 HIGHESTMODSEQ 9)\nTAG OK done";
    script.line("STATUS A (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)", same);
    assert_eq!(statuses(&mut script), [""; 0]);
}

#[test]
fn a_mod_sequence_reports_flags_that_are_not_known() {
    for (now, reported) in [(50, 0), (51, 1)] {
        let mut script = Script::new("NOTIFY ESEARCH CONDSTORE", &[]);
        let token = script.sender.notify(Notify::set().personal(NotifyEvent::MESSAGES));
        let personal = "(personal (MessageNew MessageExpunge FlagChange))";
        script.line(&format!("NOTIFY SET {SELECTED} {personal}"), "TAG OK done");
        resolved(token);
        let opened = "* 1 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 50] ok\nTAG OK done";
        script.select("A".into(), "SELECT A", opened);
        script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done");
        select_b(&mut script);
        let asked = "STATUS A (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)";
        let answer = format!(
            "* STATUS A (MESSAGES 1 UIDNEXT 11 UIDVALIDITY 7 UNSEEN 1 HIGHESTMODSEQ {now})\nTAG OK done"
        );
        script.line(asked, &answer);
        assert_eq!(statuses(&mut script).len(), reported);
    }
}

#[test]
fn what_notify_says_of_it_meanwhile_is_not_reported_twice() {
    let more = "* STATUS A (MESSAGES 3 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 2)";
    // Before the question is answered, and less than was asked for.
    let (mut script, _a) = watching();
    select_b(&mut script);
    let tag = script.expect(ASKED);
    script.say("* STATUS A (MESSAGES 3 UIDNEXT 31)");
    assert_eq!(statuses(&mut script).len(), 1);
    script.say(&format!("* STATUS A (MESSAGES 3 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 1)\n{tag} OK done"));
    assert_eq!(statuses(&mut script), [""; 0]);
    // And after it.
    let (mut script, _a) = watching();
    select_b(&mut script);
    script.line(ASKED, &format!("{more}\nTAG OK done"));
    assert_eq!(statuses(&mut script).len(), 1);
    script.say("* STATUS A (MESSAGES 3 UIDNEXT 31)");
    assert_eq!(statuses(&mut script), [""; 0]);
    script.say("* STATUS A (MESSAGES 3 UIDNEXT 32)");
    assert_eq!(statuses(&mut script).len(), 1);
    // The counts are equal: it is taken for the answer, and the answer is reported.
    let (mut script, _a) = watching();
    select_b(&mut script);
    let tag = script.expect(ASKED);
    script.say(&format!("{AS_LEFT}\n{more}"));
    script.say(&format!("{tag} OK done"));
    assert_eq!(statuses(&mut script).len(), 1);
}

#[test]
fn it_is_not_asked_of_a_mailbox_that_is_selected_nor_beside_a_users_status() {
    let (mut script, _a) = watching();
    let b = script.sender.select("B");
    let again = script.sender.select("A");
    script.line("SELECT B", "* OK [CLOSED] gone\n* 0 EXISTS\nTAG OK done");
    resolved(b);
    script.line("SELECT A", "* OK [CLOSED] gone\n* 0 EXISTS\nTAG OK done");
    resolved(again);
    // Of B it is.
    script.line("STATUS B (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)", "* STATUS B (MESSAGES 0)\nTAG OK done");
    script.quiet();

    let (mut script, a) = watching();
    let closed = a.unselect();
    let status = script.sender.status("A", StatusItems::counts());
    script.line("UNSELECT", "TAG OK done");
    resolved(closed);
    let tag = script.expect("STATUS A (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)");
    script.quiet();
    script.say(&format!("{AS_LEFT}\n{tag} OK done"));
    assert_eq!(resolved(status).messages, Some(2));
    script.line(ASKED, "* STATUS A (MESSAGES 3 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 2)\nTAG OK done");
    assert_eq!(statuses(&mut script).len(), 1);
}
