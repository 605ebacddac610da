//! What our commands do to mailboxes is reported once: whenever the server reports it, and under
//! whatever name.

use super::poll_once;
use super::script::{Script, resolved};
use super::shown::shown;
use crate::command::{Notify, NotifyEvent};
use crate::types::{CloseReason, Event};

/// A session in which the server reports all changes of mailboxes.
fn watching() -> Script {
    let mut script = Script::new("NOTIFY", &[]);
    let notify = Notify::set().personal(NotifyEvent::MAILBOXES);
    let token = script.sender.notify(notify);
    let selected = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
    script.line(&format!("NOTIFY SET {selected} (personal (MailboxName SubscriptionChange))"), "TAG OK done");
    resolved(token);
    script.events();
    script
}

/// What is reported, and whether with a cause.
fn reported(script: &mut Script) -> Vec<(String, bool)> {
    let events: Vec<Event> = std::iter::from_fn(|| script.bench.event()).collect();
    events.iter().map(|event| (shown(event), event.cause.is_some())).collect()
}

fn ours(what: &str) -> (String, bool) {
    (what.to_owned(), true)
}

fn theirs(what: &str) -> (String, bool) {
    (what.to_owned(), false)
}

/// RFC 9051 sections 6.3.2 and 6.3.4 to 6.3.6.
#[test]
fn names_that_the_server_normalizes_are_no_renamings() {
    let mut script = Script::new("", &[]);
    let made = script.sender.create("Non");
    script.line("CREATE Non", "* LIST () \"/\" Norm (\"OLDNAME\" (\"Non\"))\nTAG OK done");
    resolved(made);
    let renamed = script.sender.rename("Non", "Other");
    script.line("RENAME Non Other", "* LIST () \"/\" Others (\"OLDNAME\" (\"Non\"))\nTAG OK done");
    resolved(renamed);
    let gone = script.sender.delete("Other");
    script.line("DELETE Other", "* LIST (\\NonExistent) \"/\" Others (\"OLDNAME\" (\"Other\"))\nTAG OK done");
    resolved(gone);
    let all: Vec<_> =
        reported(&mut script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect();
    assert_eq!(all, [ours("Norm: is there"), ours("Others: renamed from Non"), ours("Others: deleted")]);

    let select = script.sender.select("Non");
    script.line("SELECT Non", "* 0 EXISTS\n* LIST () \"/\" Norm (\"OLDNAME\" (\"Non\"))\nTAG OK done");
    resolved(select);
    let all: Vec<_> =
        reported(&mut script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect();
    assert_eq!(all, [ours("Non: opened with 0 messages"), ("Non: ready, with 0 messages".into(), false)]);
}

#[test]
fn what_notify_reports_before_the_ok_is_reported_once_and_as_ours() {
    let mut script = watching();
    let made = script.sender.create("a");
    script.line("CREATE a", "* LIST (\\Subscribed) \"/\" a\nTAG OK done");
    resolved(made);
    let left = script.sender.unsubscribe("a");
    script.line("UNSUBSCRIBE a", "* LIST () \"/\" a\nTAG OK done");
    resolved(left);
    let back = script.sender.subscribe("a");
    script.line("SUBSCRIBE a", "TAG OK done\n* LIST (\\Subscribed) \"/\" a");
    resolved(back);
    let renamed = script.sender.rename("a", "b");
    script.line("RENAME a b", "* LIST (\\Subscribed) \"/\" b (\"OLDNAME\" (\"a\"))\nTAG OK done");
    resolved(renamed);
    let gone = script.sender.delete("b");
    script.line("DELETE b", "* LIST (\\NonExistent) \"/\" b\nTAG OK done");
    resolved(gone);
    script.quiet();
    let all: Vec<_> =
        reported(&mut script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect();
    assert_eq!(
        all,
        [
            ours("a: is there (\\Subscribed)"),
            ours("a: subscribed to"),
            ours("a: unsubscribed from"),
            ours("a: subscribed to"),
            ours("b: renamed from a"),
            ours("b: subscribed to"),
            ours("b: deleted"),
        ]
    );
}

#[test]
fn what_others_did_before_ours_failed_is_reported_as_theirs() {
    let mut script = watching();
    let made = script.sender.create("a");
    script.line("CREATE a", "* LIST () \"/\" a\nTAG NO [ALREADYEXISTS] it is there");
    assert!(poll_once(&mut { made }).expect("ended").is_err());
    assert_eq!(reported(&mut script)[0], theirs("a: is there"));
    let gone = script.sender.delete("a");
    script.expect("DELETE a");
    script.say("* LIST (\\NonExistent) \"/\" a");
    assert!(reported(&mut script).is_empty());
    script.bench.close(CloseReason::Eof);
    assert!(poll_once(&mut { gone }).expect("ended").is_err());
    assert_eq!(reported(&mut script)[0], theirs("a: deleted"));
}

#[test]
fn a_mailbox_renamed_to_where_it_is_invisible_is_gone() {
    let mut script = watching();
    script.say("* LIST () \"/\" a\n* LIST (\\NonExistent) \"/\" hidden/a (\"OLDNAME\" (\"a\"))");
    assert_eq!(reported(&mut script), [theirs("a: is there"), theirs("a: deleted")]);
}

#[test]
fn a_select_is_not_said_again_behind_a_logout_and_its_ok_closes_nothing() {
    use crate::Select;
    use crate::types::{MailboxState, ModSeq, UidValidity};
    let mut state = MailboxState::new(UidValidity::new(7).unwrap());
    state.highest_mod_seq = ModSeq::new(90);
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let select = script.sender.select(Select::new("INBOX").resume(state));
    let logout = script.sender.logout();
    let tag = script.expect("SELECT INBOX (QRESYNC (7 90))");
    let bye = script.expect("LOGOUT");
    script.say(&format!("{tag} BAD what")).quiet();
    assert!(poll_once(&mut { select }).expect("ended").is_err());
    script.say(&format!("* BYE bye\n{bye} OK done"));
    resolved(logout);

    let mut script = Script::new("", &[]);
    let inbox = script.select("INBOX".into(), "SELECT INBOX", "* 3 EXISTS\nTAG OK [CLOSED] selected");
    assert_eq!(inbox.exists(), 3);
}

/// Contract, promise 5: reports keep their order, and the last one is what a mailbox finally is.
#[test]
fn what_was_kept_for_its_command_is_reported_before_what_contradicts_it() {
    let left = |script: &mut Script| {
        reported(script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect::<Vec<_>>()
    };
    let mut script = watching();
    let made = script.sender.create("a");
    let gone = "* LIST () \"/\" a\n* LIST (\\NonExistent) \"/\" a";
    script.line("CREATE a", &format!("{gone}\nTAG NO [INUSE] somebody is at it"));
    assert!(poll_once(&mut { made }).expect("ended").is_err());
    assert_eq!(left(&mut script), [theirs("a: is there"), theirs("a: deleted")]);

    // The change of another session, for the server need not report our own (RFC 5465 section 5).
    let made = script.sender.create("a");
    script.line("CREATE a", &format!("{gone}\nTAG OK done"));
    resolved(made);
    assert_eq!(left(&mut script), [theirs("a: is there"), theirs("a: deleted"), ours("a: is there")]);

    let made = script.sender.create("c");
    let renamed = "* LIST () \"/\" d (\"OLDNAME\" (\"c\"))";
    script.line("CREATE c", &format!("* LIST () \"/\" c\n{renamed}\nTAG OK done"));
    resolved(made);
    assert_eq!(left(&mut script), [theirs("c: is there"), theirs("d: renamed from c"), ours("c: is there")]);
}

/// Contract, promise 6: whatever became of a command, its end says of which mailbox and selection
/// it was.
#[test]
fn the_end_of_a_command_that_was_not_sent_names_its_selection() {
    use crate::command::{Items, Search};
    use crate::types::{SeqSet, UidSet};
    let mut script = Script::new("", &[]);
    let inbox =
        script.select("INBOX".into(), "SELECT INBOX", "* 1 EXISTS\n* OK [UIDVALIDITY 7] ok\nTAG OK done");
    script.line("UID SEARCH ALL", "* SEARCH 4\nTAG OK done").events();
    let ends = |script: &mut Script| -> Vec<Event> { std::iter::from_fn(|| script.bench.event()).collect() };
    let its =
        |event: &Event| event.place.as_ref().and_then(|place| place.selection) == Some(inbox.selection());

    // None of its messages exists when its turn comes.
    let listing = script.sender.noop();
    let noop = script.expect("NOOP");
    let seen = inbox.fetch("1".parse::<SeqSet>().unwrap(), Items::new().flags());
    script.say(&format!("* 1 EXPUNGE\n{noop} OK done"));
    resolved(listing);
    assert!(resolved(seen).is_empty());
    // It names none.
    let nothing = inbox.fetch(UidSet::new(), Items::new().flags());
    assert!(resolved(nothing).is_empty());
    let reported = ends(&mut script);
    let fetched: Vec<_> = reported.iter().filter(|event| shown(event).contains("FETCH")).collect();
    assert_eq!(fetched.len(), 2, "{reported:?}");
    assert!(fetched.into_iter().all(its), "{reported:?}");

    // The connection ends: one is in flight, one waits behind it.
    let tokens = [inbox.search(Search::all()), inbox.search(Search::unseen())];
    script.expect("UID SEARCH ALL");
    script.bench.close(CloseReason::Eof);
    let reported = ends(&mut script);
    let failed: Vec<_> = reported.iter().filter(|event| shown(event).contains("SEARCH")).collect();
    assert_eq!(failed.len(), 2, "{reported:?}");
    assert!(failed.into_iter().all(its), "{reported:?}");
    drop(tokens);
}

/// Contract, promise 13: as many may be in flight as wait in the queue, and each would keep what
/// the server likes.
#[test]
fn no_more_of_a_list_is_kept_than_a_mailbox_needs() {
    let mut script = watching();
    let made = script.sender.create("a");
    let tag = script.expect("CREATE a");
    script.say(&format!("* LIST (\\{}) \"/\" a", "x".repeat(20_000)));
    assert_eq!(reported(&mut script).len(), 1, "reported at once");
    script.say("* LIST () \"/\" a");
    assert!(reported(&mut script).is_empty());
    script.say(&format!("{tag} OK done"));
    resolved(made);
    assert_eq!(reported(&mut script)[0], ours("a: is there"));
}

/// Less the ends of commands.
fn left(script: &mut Script) -> Vec<(String, bool)> {
    reported(script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect()
}

/// Contract, promise 5: counts and annotations of a mailbox follow earlier reports of it.
#[test]
fn what_was_kept_for_its_command_is_reported_before_other_changes_of_the_mailbox() {
    let mut script = Script::new("NOTIFY METADATA", &[]);
    let all = [NotifyEvent::MESSAGES.as_slice(), &NotifyEvent::MAILBOXES].concat();
    let token = script.sender.notify(Notify::set().personal(all));
    let selected = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
    let events = "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))";
    script.line(&format!("NOTIFY SET {selected} {events}"), "TAG OK done");
    resolved(token);
    script.events();

    let made = script.sender.create("a");
    script.line("CREATE a", "* LIST (\\Subscribed) \"/\" a\n* STATUS a (MESSAGES 1)\nTAG OK done");
    resolved(made);
    let made =
        [theirs("a: is there (\\Subscribed)"), theirs("a: subscribed to"), theirs("a: status, messages 1")];
    assert_eq!(left(&mut script), made, "once");
    let renamed = script.sender.rename("a", "b");
    let said = "* LIST () \"/\" b (\"OLDNAME\" (\"a\"))\n* STATUS b (MESSAGES 2)\nTAG OK done";
    script.line("RENAME a b", said);
    resolved(renamed);
    assert_eq!(left(&mut script), [theirs("b: renamed from a"), theirs("b: status, messages 2")]);
    // Whether it is subscribed to is another matter.
    let back = script.sender.subscribe("b");
    script.line("SUBSCRIBE b", "* LIST (\\Subscribed) \"/\" b\n* STATUS b (MESSAGES 3)\nTAG OK done");
    resolved(back);
    assert_eq!(left(&mut script), [theirs("b: status, messages 3"), ours("b: subscribed to")]);
    let gone = script.sender.delete("b");
    script.line("DELETE b", "* LIST (\\NonExistent) \"/\" b\n* METADATA b /shared/x\nTAG OK done");
    resolved(gone);
    assert_eq!(left(&mut script), [theirs("b: deleted"), theirs("b: annotations changed: /shared/x")]);
    // It was deleted since, and ours has created it again.
    let made = script.sender.create("c");
    let said = "* LIST () \"/\" c\n* STATUS c (MESSAGES 1)\n* LIST (\\NonExistent) \"/\" c\nTAG OK done";
    script.line("CREATE c", said);
    resolved(made);
    let there =
        [theirs("c: is there"), theirs("c: status, messages 1"), theirs("c: deleted"), ours("c: is there")];
    assert_eq!(left(&mut script), there);
    // And if it fails, it is not reported again.
    let made = script.sender.create("d");
    script.line("CREATE d", "* LIST () \"/\" d\n* STATUS d (MESSAGES 1)\nTAG NO no");
    assert!(poll_once(&mut { made }).expect("ended").is_err());
    assert_eq!(left(&mut script), [theirs("d: is there"), theirs("d: status, messages 1")]);
}

#[test]
fn a_renaming_is_reported_before_what_became_of_the_new_name() {
    let mut script = watching();
    let renamed = script.sender.rename("a", "b");
    let said = "* LIST () \"/\" b (\"OLDNAME\" (\"a\"))\n* LIST (\\NonExistent) \"/\" b";
    script.line("RENAME a b", &format!("{said}\nTAG NO [INUSE] somebody is at it"));
    assert!(poll_once(&mut { renamed }).expect("ended").is_err());
    assert_eq!(left(&mut script), [theirs("b: renamed from a"), theirs("b: deleted")]);
}

/// RFC 9051 section 6.3.6: INBOX stays, and its messages are in a new mailbox.
#[test]
fn what_a_renaming_of_inbox_makes_is_reported_once() {
    let mut script = watching();
    let renamed = script.sender.rename("INBOX", "old");
    script.line("RENAME INBOX old", "* LIST () \"/\" old\nTAG OK done");
    resolved(renamed);
    assert_eq!(left(&mut script), [ours("old: is there")]);
}

/// RFC 9051 section 6.3.4: the name created is without the delimiter behind it.
#[test]
fn a_delimiter_behind_a_name_is_not_part_of_it() {
    let mut script = watching();
    let made = script.sender.create("a/");
    script.line("CREATE a/", "* LIST () \"/\" a\nTAG OK done");
    resolved(made);
    assert_eq!(left(&mut script), [ours("a: is there")]);
    let made = script.sender.create("b/");
    script.line("CREATE b/", "TAG OK done\n* LIST () \"/\" b");
    resolved(made);
    assert_eq!(left(&mut script), [ours("b: is there")]);
    let made = script.sender.create("c.");
    script.line("CREATE c.", "TAG OK done");
    resolved(made);
    assert_eq!(left(&mut script), [ours("c.: is there")]);
}

/// What the engine asks to see whether a mailbox is still subscribed to is answered by what is
/// subscribed to alone.
#[test]
fn changes_are_no_answer_to_the_look_up_of_a_subscription() {
    let mut script = watching();
    script.say("* LIST (\\Subscribed) \"/\" a\n* LIST () \"/\" a").events();
    let tag = script.expect("LSUB \"\" a");
    for _ in 0..1000 {
        script.say("* LIST () \"/\" a").quiet();
    }
    assert_eq!(script.events().len(), 1000);
    // Queried again for all of them: the answer may be from before.
    script.say(&format!("* LSUB () \"/\" a\n{tag} OK done")).line("LSUB \"\" a", "TAG OK done").quiet();
    assert_eq!(script.events(), ["a: unsubscribed from"]);
}

/// A program that asks for subscriptions alone gets each once, however much is reported of the
/// mailbox behind it.
#[test]
fn a_subscription_that_waits_for_an_ok_is_reported_once() {
    for answer in ["OK", "NO"] {
        let mut script = Script::new("NOTIFY", &[]);
        let token = script.sender.notify(Notify::set().personal([NotifyEvent::SubscriptionChange]));
        let selected = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
        script.line(&format!("NOTIFY SET {selected} (personal (SubscriptionChange))"), "TAG OK done");
        resolved(token);
        script.events();
        let _made = script.sender.create("x");
        let tag = script.expect("CREATE x");
        script.say("* LIST (\\Subscribed) \"/\" x\n* STATUS x (MESSAGES 1)\n* STATUS x (MESSAGES 2)");
        let status = |n| theirs(&format!("x: status, messages {n}"));
        assert_eq!(reported(&mut script), [theirs("x: subscribed to"), status(1), status(2)]);
        script.say(&format!("{tag} {answer} done"));
        let made: Vec<_> =
            reported(&mut script).into_iter().filter(|(what, _)| !what.contains(" ended: ")).collect();
        let expected = if answer == "OK" { vec![ours("x: is there (\\Subscribed)")] } else { Vec::new() };
        assert_eq!(made, expected);
    }
}

#[test]
fn a_subscription_that_another_ends_after_ours_began_is_reported() {
    let mut script = Script::new("NOTIFY", &[]);
    let token = script.sender.notify(Notify::set().personal([NotifyEvent::SubscriptionChange]));
    let selected = "(selected-delayed (MessageNew MessageExpunge FlagChange))";
    script.line(&format!("NOTIFY SET {selected} (personal (SubscriptionChange))"), "TAG OK done");
    resolved(token);
    script.events();
    let ours = script.sender.subscribe("a");
    script.line("SUBSCRIBE a", "TAG OK done\n* LIST () \"/\" a");
    resolved(ours);
    assert_eq!(script.events(), ["a: subscribed to", "a: unsubscribed from"]);
}
