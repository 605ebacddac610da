//! NOTIFY: what is sent, what the server's words of other mailboxes become, numbers while they may
//! move, and what happens when the server gives up (RFC 5465).

use super::poll_once;
use super::script::{Script, resolved};
use crate::ErrorKind;
use crate::command::{Items, Notify, NotifyEvent, SelectedNotify, StatusItems, Store};
use crate::types::{Code, Flag, Seq, SeqSet, Uid, UidSet, ViewSync};

const SELECTED: &str = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
const PERSONAL: &str = "(personal (MessageNew MessageExpunge FlagChange))";

fn seq(value: u32) -> Seq {
    Seq::new(value).unwrap()
}

/// A session in which INBOX is selected, with messages of UIDs 10, 20, …; these flags are known.
fn selected(messages: u32, view_sync: ViewSync) -> (Script, crate::Mailbox) {
    let mut script = Script::new("NOTIFY ESEARCH METADATA", &[]);
    let select = crate::Select::new("INBOX").view_sync(view_sync);
    let answer = format!("* {messages} EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let inbox = script.select(select, "SELECT INBOX", &answer);
    let uids: Vec<_> = (1..=messages).map(|n| (n * 10).to_string()).collect();
    let found = format!("* ESEARCH (TAG \"TAG\") UID ALL {}\nTAG OK done", uids.join(","));
    script.line("UID SEARCH RETURN (ALL) ALL", &found);
    if view_sync == ViewSync::Flags {
        let rows: String = (1..=messages).map(|n| format!("* {n} FETCH (UID {n}0 FLAGS ())\n")).collect();
        let set: UidSet = (1..=messages).filter_map(|n| Uid::new(n * 10)).collect();
        script.line(&format!("UID FETCH {set} (FLAGS)"), &(rows + "TAG OK done"));
    }
    script.quiet().events();
    (script, inbox)
}

/// NOTIFY is sent so, and the server says OK.
fn notified(script: &mut Script, notify: Notify, expected: &str) {
    let token = script.sender.notify(notify);
    script.line(&format!("NOTIFY SET {expected}"), "TAG OK done");
    assert_eq!(resolved(token), []);
}

fn messages() -> Notify {
    Notify::set().personal(NotifyEvent::MESSAGES)
}

#[test]
fn counts_up_to_the_ok_are_the_result_and_changes_after_it() {
    let mut script = Script::new("NOTIFY", &[]);
    let token = script.sender.notify(messages().status());
    let listing = script.sender.list("*");
    let tag = script.expect(&format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"));
    script.quiet();
    script
        .say("* STATUS a (MESSAGES 1 UIDNEXT 2)\n* STATUS b (MESSAGES 5)\n* STATUS a (MESSAGES 2 UIDNEXT 3)");
    script.say(&format!("{tag} OK done"));
    let reported: Vec<_> = resolved(token).into_iter().map(|s| (s.name.to_string(), s.messages)).collect();
    assert_eq!(reported, [("a".into(), Some(1)), ("b".into(), Some(5))]);
    assert_eq!(script.events(), ["a: status, messages 2, next uid 3"]);
    script.line("LIST \"\" *", "* LIST () \"/\" a\nTAG OK done");
    assert_eq!(resolved(listing).len(), 1);
    script.say("* STATUS b (MESSAGES 6)");
    assert_eq!(script.events(), ["b: status, messages 6"]);
}

#[test]
fn a_count_that_lacks_what_was_asked_for_is_a_change() {
    let mut script = Script::new("NOTIFY", &[]);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    let token = script.sender.status("a", StatusItems::new().messages().unseen());
    script.line(
        "STATUS a (MESSAGES UNSEEN)",
        "* STATUS a (MESSAGES 7 UIDNEXT 9)\n* STATUS a (MESSAGES 8 UNSEEN 1)\nTAG OK done",
    );
    assert_eq!(resolved(token).messages, Some(8));
    assert_eq!(script.events(), ["a: status, messages 7, next uid 9"]);
    // A mailbox without mod-sequences has 0 (RFC 7162 section 3.1.7): it is reported.
    let mut script = Script::new("NOTIFY CONDSTORE", &[]);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    let token = script.sender.status("a", StatusItems::new().messages().highest_mod_seq());
    let status = "* STATUS a (MESSAGES 7 UIDNEXT 9)";
    let answer = "* STATUS a (MESSAGES 8 HIGHESTMODSEQ 0)";
    script.line("STATUS a (MESSAGES HIGHESTMODSEQ)", &format!("{status}\n{answer}\nTAG OK done"));
    assert_eq!(resolved(token).messages, Some(8));
    assert_eq!(script.events(), ["a: status, messages 7, next uid 9"]);
    // Without NOTIFY it is but an answer that lacks something.
    let mut script = Script::new("NOTIFY", &[]);
    let token = script.sender.status("a", StatusItems::new().messages().unseen());
    script.line("STATUS a (MESSAGES UNSEEN)", "* STATUS a (MESSAGES 7)\nTAG OK done");
    assert_eq!(resolved(token).messages, Some(7));
}

#[test]
fn mailboxes_that_are_created_deleted_and_changed_are_reported() {
    let mut script = Script::new("NOTIFY", &[]);
    let names = [NotifyEvent::MailboxName];
    notified(&mut script, Notify::set().personal(names), &format!("{SELECTED} (personal (MailboxName))"));
    script.say(
        "* LIST () \"/\" New\n* LIST (\\Subscribed) \"/\" Auto\n* LIST () \"/\" \"b&c\" (\"OLDNAME\" (\"b&a\"))\n\
         * LIST (\\NonExistent) \"/\" New\n* LIST (\\NoAccess) \"/\" theirs\n* METADATA INBOX /shared/comment\n\
         * METADATA \"\" /shared/motd /shared/admin",
    );
    assert_eq!(
        script.events(),
        [
            "New: is there",
            "Auto: is there (\\Subscribed)",
            "b&c: renamed from b&a",
            "New: deleted",
            "theirs: can't be watched: no access",
            "annotations changed: /shared/comment",
            "annotations changed: /shared/motd /shared/admin",
        ]
    );
    // A deletion while a LIST runs is no answer to it.
    let listing = script.sender.list("*");
    script.line("LIST \"\" *", "* LIST (\\NonExistent) \"/\" Auto\n* LIST () \"/\" INBOX\nTAG OK done");
    assert_eq!(resolved(listing).len(), 1);
    assert_eq!(script.events(), ["Auto: deleted"]);
}

#[test]
fn names_that_are_sent_raw_are_written_as_they_must_be() {
    let mut script = Script::new("NOTIFY", &[]);
    let all = [NotifyEvent::MESSAGES.as_slice(), &NotifyEvent::MAILBOXES].concat();
    let expected = "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))";
    notified(&mut script, Notify::set().personal(all), &format!("{SELECTED} {expected}"));
    script.events();
    for line in ["* LIST () \"/\" \"é&c\"\n", "* STATUS \"é&c\" (MESSAGES 1)\n"] {
        script.say(line);
        let event = script.bench.event().expect("an event");
        let name = event.mailbox().expect("a name").clone();
        assert_eq!(name.as_str(), "é&c");
        let token = script.sender.status(name, StatusItems::new().messages());
        script.line("STATUS &AOk-&-c (MESSAGES)", "* STATUS &AOk-&-c (MESSAGES 1)\nTAG OK done");
        assert_eq!(resolved(token).messages, Some(1));
        script.events();
    }
}

#[test]
fn subscriptions_are_reported() {
    let alone = Notify::set().personal([NotifyEvent::SubscriptionChange]);
    let mut script = Script::new("NOTIFY", &[]);
    notified(&mut script, alone, &format!("{SELECTED} (personal (SubscriptionChange))"));
    script.say("* LIST (\\Subscribed) \"/\" a\n* LIST () \"/\" b");
    assert_eq!(script.events(), ["a: subscribed to", "b: unsubscribed from"]);

    let both = Notify::set().personal(NotifyEvent::MAILBOXES);
    let mut script = Script::new("NOTIFY", &[]);
    notified(&mut script, both, &format!("{SELECTED} (personal (MailboxName SubscriptionChange))"));
    script.say("* LIST () \"/\" a\n* LIST (\\Subscribed) \"/\" a\n* LIST () \"/\" a");
    script.line("LSUB \"\" a", "TAG OK done").say("* LIST () \"/\" a").quiet();
    assert_eq!(
        script.events(),
        [
            "a: is there",
            "a: is there (\\Subscribed)",
            "a: subscribed to",
            "a: is there",
            "a: unsubscribed from",
            "a: is there",
        ]
    );
    // The effect of our own commands counts too; and where a server reports a mailbox without
    // subscriptions, they are queried.
    let token = script.sender.subscribe("b");
    script.line("SUBSCRIBE b", "TAG OK done");
    resolved(token);
    script.say("* LIST () \"/\" b").line("LSUB \"\" b", "* LSUB () \"/\" b\nTAG OK done").quiet();
    script.say("* LIST () \"/\" b").line("LSUB \"\" b", "TAG OK done").quiet();
    assert_eq!(script.events(), ["b: subscribed to", "b: is there", "b: is there", "b: unsubscribed from"]);
}

#[test]
fn what_we_do_ourselves_is_reported_once() {
    let mut script = Script::new("NOTIFY", &[]);
    let names = [NotifyEvent::MailboxName];
    notified(&mut script, Notify::set().personal(names), &format!("{SELECTED} (personal (MailboxName))"));
    script.events();
    let made = script.sender.create("a");
    script.line("CREATE a", "TAG OK done\n* LIST () \"/\" a");
    resolved(made);
    let renamed = script.sender.rename("a", "b");
    script.line("RENAME a b", "TAG OK done\n* LIST () \"/\" b (\"OLDNAME\" (\"a\"))");
    resolved(renamed);
    let deleted = script.sender.delete("b");
    script.line("DELETE b", "TAG OK done\n* LIST (\\NonExistent) \"/\" b");
    resolved(deleted);
    assert_eq!(script.events(), ["a: is there", "b: renamed from a", "b: deleted"]);
    // Changes of other sessions are reported, whatever we did before.
    let made = script.sender.create("c");
    script.line("CREATE c", "TAG OK done\n* LIST (\\NonExistent) \"/\" c\n* LIST () \"/\" c");
    resolved(made);
    assert_eq!(script.events(), ["c: is there", "c: deleted", "c: is there"]);
}

#[test]
fn while_numbers_may_move_messages_are_named_by_uid() {
    let (mut script, inbox) = selected(4, ViewSync::Uids);
    let at_once = "(selected (MessageNew MessageExpunge FlagChange))";
    notified(&mut script, Notify::set().selected(SelectedNotify::immediate()), at_once);
    script.say("* 1 EXPUNGE");
    let by_number = inbox.fetch(seq(2), Items::new().size());
    let tag = script.expect("UID FETCH 30 (RFC822.SIZE)");
    // A removal in the middle of it moves the row's number, and not the message.
    script.say("* 1 EXPUNGE\n* 1 FETCH (UID 30 RFC822.SIZE 300)").say(&format!("{tag} OK done"));
    assert_eq!(
        resolved(by_number).iter().map(|row| (row.uid(), row.size())).collect::<Vec<_>>(),
        [(Uid::new(30), Some(300))]
    );
    let last = inbox.store("*".parse::<SeqSet>().unwrap(), Store::add([Flag::Seen]).silent());
    script.line("UID STORE 40 +FLAGS.SILENT (\\Seen)", "TAG OK done");
    resolved(last);
    script.line("UID FETCH 40 (FLAGS)", "TAG OK done");
    let last = inbox.fetch("*".parse::<UidSet>().unwrap(), Items::new().size());
    script.line("UID FETCH 40 (RFC822.SIZE)", "TAG OK done");
    resolved(last);
    // Those that come are asked for by UID too, and who names them by number waits for that.
    script.say("* 4 EXISTS");
    let new = inbox.fetch(seq(4), Items::new().size());
    script.line(
        "UID FETCH 41:* (FLAGS)",
        "* 3 FETCH (UID 50 FLAGS ())\n* 4 FETCH (UID 60 FLAGS ())\nTAG OK done",
    );
    script.line("UID FETCH 60 (RFC822.SIZE)", "TAG OK done").quiet();
    resolved(new);
    // By the next NOTIFY `*` is the last message again.
    notified(&mut script, Notify::set(), SELECTED);
    let last = inbox.fetch("*".parse::<UidSet>().unwrap(), Items::new().size());
    script.line("UID FETCH * (RFC822.SIZE)", "TAG OK done").quiet();
    resolved(last);
}

#[test]
fn a_large_mailbox_is_filled_in_by_uid_while_numbers_may_move() {
    let mut script = Script::windowed("NOTIFY ESEARCH", 2, 100);
    let at_once = "(selected (MessageNew MessageExpunge FlagChange))";
    notified(&mut script, Notify::set().selected(SelectedNotify::immediate()), at_once);
    script.select("INBOX".into(), "SELECT INBOX", "* 5 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    // An expunge meanwhile invalidates it; then rows have their numbers.
    script.line(
        "UID SEARCH RETURN (ALL) ALL",
        "* 2 EXPUNGE\n* ESEARCH (TAG \"TAG\") UID ALL 10,20,30,40,50\nTAG OK done",
    );
    let rows = "* 1 FETCH (UID 10)\n* 2 FETCH (UID 30)\n* 3 FETCH (UID 40)\n* 4 FETCH (UID 50)\nTAG OK done";
    script.line("UID FETCH 1:* (UID)", rows).quiet();
    let view = script.bench.engine.selected.current().unwrap().view();
    assert_eq!(view.uids().to_string(), "10,30,40,50");
}

#[test]
fn rows_that_a_limit_cuts_short_are_no_refusal() {
    let mut script = Script::new("NOTIFY ESEARCH MESSAGELIMIT=2", &[]);
    let at_once = "(selected (MessageNew MessageExpunge FlagChange))";
    notified(&mut script, Notify::set().selected(SelectedNotify::immediate()), at_once);
    script.select("INBOX".into(), "SELECT INBOX", "* 6 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    // RFC 9738 section 3.1: it is OK all the same, and where that has another code, the limit is in
    // an untagged OK.
    script
        .line(
            "UID SEARCH RETURN (ALL) ALL",
            "* 2 EXPUNGE\n* ESEARCH (TAG \"TAG\") UID ALL 40,50\nTAG OK [MESSAGELIMIT 2 40] 2 of them",
        )
        .line(
            "UID FETCH 1:* (UID)",
            "* 4 FETCH (UID 40)\n* 5 FETCH (UID 50)\n* NO [MESSAGELIMIT 2 40] 2 of them\nTAG OK [EXPUNGEISSUED] done",
        )
        .line(
            "UID SEARCH RETURN (ALL) UID 1:39",
            "* ESEARCH (TAG \"TAG\") UID ALL 20,30\nTAG OK [MESSAGELIMIT 2 20] 2 of them",
        )
        .line("UID SEARCH RETURN (ALL) UID 1:19", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done")
        .quiet();
    let view = script.bench.engine.selected.current().unwrap().view();
    assert_eq!(view.uids().to_string(), "10,20,30,40,50");
}

#[test]
fn a_limit_that_brings_nothing_is_not_asked_for_ever() {
    let mut script = Script::new("NOTIFY ESEARCH MESSAGELIMIT=2", &[]);
    let at_once = "(selected (MessageNew MessageExpunge FlagChange))";
    notified(&mut script, Notify::set().selected(SelectedNotify::immediate()), at_once);
    script.select("INBOX".into(), "SELECT INBOX", "* 3 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    script
        .line("UID SEARCH RETURN (ALL) ALL", "TAG OK [MESSAGELIMIT 2 20] none of them")
        .line("UID FETCH 1:* (UID)", "TAG OK [MESSAGELIMIT 2 20] none of them")
        .quiet();
}

#[test]
fn without_a_view_numbers_are_refused_while_they_may_move() {
    let mut script = Script::new("NOTIFY", &[]);
    let select = crate::Select::new("INBOX").view_sync(ViewSync::Off);
    let inbox = script.select(select, "SELECT INBOX", "* 3 EXISTS\nTAG OK done");
    let at_once = "(selected (MessageNew MessageExpunge FlagChange))";
    notified(&mut script, Notify::set().selected(SelectedNotify::immediate()), at_once);
    let mut refused = inbox.fetch(seq(1), Items::new().size());
    script.quiet();
    let error = poll_once(&mut refused).expect("it has ended").expect_err("no UID is known");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, crate::Sent::No));
}

#[test]
fn what_a_refused_notify_asked_for_changes_nothing() {
    let (mut script, inbox) = selected(2, ViewSync::Uids);
    let annotations = [NotifyEvent::MessageNew, NotifyEvent::MessageExpunge, NotifyEvent::AnnotationChange];
    let mut token =
        script.sender.notify(Notify::set().inboxes(annotations).selected(SelectedNotify::immediate()));
    script.line(
        "NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (inboxes (MessageNew MessageExpunge AnnotationChange))",
        "TAG NO [BADEVENT (MessageNew MessageExpunge FlagChange)] no annotations here",
    );
    let error = poll_once(&mut token).expect("it has ended").expect_err("NO");
    let known = ["MessageNew", "MessageExpunge", "FlagChange"].map(String::from).to_vec();
    assert_eq!(error.code(), Some(&Code::BadEvent(known)));
    let last = inbox.fetch("*".parse::<UidSet>().unwrap(), Items::new().size());
    script.line("UID FETCH * (RFC822.SIZE)", "TAG OK done").quiet();
    resolved(last);
}

#[test]
fn what_was_lost_is_asked_for_again_and_the_selected_mailbox_compared() {
    let (mut script, _inbox) = selected(3, ViewSync::Flags);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    script.say("* OK [NOTIFICATIONOVERFLOW] too much\n* OK [NOTIFICATIONOVERFLOW] indeed");
    assert_eq!(script.events(), ["the server lost notifications, and is asked for them again"]);
    // The counts received now are a change.
    script.line(
        &format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"),
        "* STATUS Lists (MESSAGES 9)\n* 2 EXPUNGE\nTAG OK done",
    );
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10,30\nTAG OK done");
    script.line(
        "UID FETCH 10,30 (FLAGS)",
        "* 1 FETCH (UID 10 FLAGS ())\n* 2 FETCH (UID 30 FLAGS (\\Seen))\nTAG OK done",
    );
    script.quiet();
    assert_eq!(script.events(), ["Lists: status, messages 9", "uid 20 removed", "uid 30 has flags (\\Seen)"]);
}

#[test]
fn a_server_that_gives_up_again_and_again_is_asked_for_the_selected_mailbox_alone() {
    let mut script = Script::new("NOTIFY", &[]);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    for _ in 0..3 {
        script.say("* OK [NOTIFICATIONOVERFLOW] too much");
        script.line(&format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"), "TAG OK done").quiet();
    }
    script.events();
    script.say("* OK [NOTIFICATIONOVERFLOW] too much");
    script.line(&format!("NOTIFY SET {SELECTED}"), "TAG OK done").quiet();
    assert_eq!(script.events(), ["the server lost notifications"]);
    // It does not go on for ever.
    let mut asked = 0;
    for _ in 0..100 {
        script.say("* OK [NOTIFICATIONOVERFLOW] too much");
        let written = String::from_utf8(script.bench.write_all()).unwrap();
        if let Some((tag, _)) = written.split_once(' ') {
            asked += 1;
            script.say(&format!("{tag} OK done"));
        }
    }
    assert!(asked < 30, "{asked}");
    // Until it is queried again.
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    script.events();
    script.say("* OK [NOTIFICATIONOVERFLOW] too much");
    script.line(&format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"), "TAG OK done");
    assert_eq!(script.events(), ["the server lost notifications, and is asked for them again"]);
}

#[test]
fn a_server_that_refuses_to_begin_again_is_asked_for_the_selected_mailbox_alone() {
    let (mut script, _inbox) = selected(1, ViewSync::Uids);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    script.say("* OK [NOTIFICATIONOVERFLOW] too much");
    script.line(&format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"), "TAG NO [NOTIFICATIONOVERFLOW] no");
    script.line(&format!("NOTIFY SET {SELECTED}"), "TAG OK done");
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 10\nTAG OK done").quiet();
    assert_eq!(
        script.events(),
        ["the server lost notifications, and is asked for them again", "the server lost notifications"]
    );
}

#[test]
fn a_users_notify_takes_the_place_of_what_was_to_be_said_again() {
    let mut script = Script::new("NOTIFY", &[]);
    notified(&mut script, messages(), &format!("{SELECTED} {PERSONAL}"));
    // The loss is received while a user's NOTIFY waits to be sent: the user's is the last.
    let none = script.sender.notify(Notify::set());
    script.say("* OK [NOTIFICATIONOVERFLOW] too much");
    script.line(&format!("NOTIFY SET {SELECTED}"), "TAG OK done").quiet();
    resolved(none);
    // While it is in flight, which of the two the server meant first can't be known.
    let again = script.sender.notify(messages());
    let tag = script.expect(&format!("NOTIFY SET {SELECTED} {PERSONAL}"));
    script.say("* OK [NOTIFICATIONOVERFLOW] too much").say(&format!("{tag} OK done"));
    resolved(again);
    script.line(&format!("NOTIFY SET STATUS {SELECTED} {PERSONAL}"), "TAG OK done").quiet();
}

/// RFC 5465 section 3.1: the server reports what has changed by itself, but not Dovecot.
#[test]
fn what_has_changed_in_silence_is_found_when_the_silence_ends() {
    let mut script = Script::new("NOTIFY ESEARCH", &[]);
    script.select("INBOX".into(), "SELECT INBOX", "* 1 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    let all = "UID SEARCH RETURN (ALL) ALL";
    script.line(all, "* ESEARCH (TAG \"TAG\") UID ALL 4\nTAG OK done");
    let none = script.sender.notify(Notify::none());
    script.line("NOTIFY NONE", "TAG OK done").quiet();
    resolved(none);
    script.events();
    let set = script.sender.notify(Notify::set());
    script.line(&format!("NOTIFY SET {SELECTED}"), "TAG OK done");
    resolved(set);
    // More than there are by its own account: so all is asked by number.
    script.line(all, "* ESEARCH (TAG \"TAG\") UID ALL 4,6\nTAG OK done");
    script.line("FETCH 1 (UID)", "* 2 EXISTS\n* 1 FETCH (UID 4)\nTAG OK done");
    script.line("UID FETCH 5:* (FLAGS)", "* 2 FETCH (UID 6 FLAGS ())\nTAG OK done").quiet();
    let events = script.events();
    assert!(events.iter().any(|event| event.contains("uid 6")), "{events:?}");
    // And no more of that.
    let again = script.sender.notify(Notify::set());
    script.line(&format!("NOTIFY SET {SELECTED}"), "TAG OK done").quiet();
    resolved(again);
}

#[test]
fn a_loss_is_a_notice_where_nothing_was_asked_for() {
    let mut script = Script::new("NOTIFY", &[]);
    script.say("* OK [NOTIFICATIONOVERFLOW] what").quiet();
    assert_eq!(script.events(), ["the server says: OK [NOTIFICATIONOVERFLOW] what"]);
}

#[test]
fn a_parent_that_never_was_a_mailbox_is_not_reported_as_deleted() {
    let names = [NotifyEvent::MailboxName];
    let watching = || {
        let mut script = Script::new("NOTIFY", &[]);
        notified(&mut script, Notify::set().personal(names), &format!("{SELECTED} (personal (MailboxName))"));
        script
    };
    // RFC 5465 section 5.4: the direct parent is reported, too, whether it exists or not.
    let mut script = watching();
    script.say("* LIST () \"/\" a/b\n* LIST (\\NonExistent \\HasChildren) \"/\" a");
    assert_eq!(script.events(), ["a/b: is there"]);
    // One that has been there has been deleted, and one that may have been.
    script.say("* LIST () \"/\" c\n* LIST () \"/\" c/d\n* LIST (\\NonExistent \\HasChildren) \"/\" c");
    assert_eq!(script.events(), ["c: is there", "c/d: is there", "c: deleted"]);
    script.say("* LIST (\\NonExistent \\HasChildren) \"/\" e\n* LIST () \"/\" f/g/h");
    script.say("* LIST (\\NonExistent \\HasChildren) \"/\" f\n* LIST (\\NonExistent) \"/\" f/g");
    assert_eq!(script.events(), ["e: deleted", "f/g/h: is there", "f: deleted", "f/g: deleted"]);
    // It was there when the user asked.
    let mut script = watching();
    let listing = script.sender.list("*");
    script.line("LIST \"\" *", "* LIST () \"/\" a\nTAG OK done");
    assert_eq!(resolved(listing).len(), 1);
    script.say("* LIST () \"/\" a/b\n* LIST (\\NonExistent \\HasChildren) \"/\" a");
    assert_eq!(script.events(), ["a/b: is there", "a: deleted"]);
}

#[test]
fn names_that_are_no_mailboxes_are_answers_to_a_list() {
    let mut script = Script::new("NOTIFY", &[]);
    let names = [NotifyEvent::MailboxName];
    notified(&mut script, Notify::set().personal(names), &format!("{SELECTED} (personal (MailboxName))"));
    let listing = script.sender.list("*");
    // RFC 9051 section 6.3.9.8, example 9, and section 6.3.10, example 6.
    script.line(
        "LIST \"\" *",
        "* LIST (\\NonExistent) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\n\
         * LIST (\\NonExistent \\Archive) \"/\" Archives\nTAG OK done",
    );
    assert_eq!(resolved(listing).len(), 2);
    assert!(script.events().is_empty());
}
