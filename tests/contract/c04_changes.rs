//! Promise 4: a change is always an event, whatever caused it; with the command that surely did,
//! and with none in doubt. Data is routed to the token, or to the stream if that was detached; the
//! ends of users' commands are reported, and those of the library's own are not.

use std::time::Duration;

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::{CommandId, Event, EventKind, Flag, Flags};
use imap_duplex::{ErrorKind, Mailbox};

use crate::client::{brief, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

type Reported = (String, Option<CommandId>);

/// What is in the stream at this moment: each event with its cause.
fn reported(s: &mut Session) -> Vec<Reported> {
    s.events.ready().iter().map(|event| (brief(event), event.cause)).collect()
}

fn by(id: CommandId, what: &str) -> Reported {
    (what.to_owned(), Some(id))
}

fn unasked(what: &str) -> Reported {
    (what.to_owned(), None)
}

/// INBOX with 11, 12 and 13, whose flags are known: none, `\Seen`, `\Deleted`.
async fn with_flags(s: &mut Session) -> Mailbox {
    let inbox = s.select(&[11, 12, 13]).await;
    s.noop(&["* 1 FETCH (FLAGS ())", r"* 2 FETCH (FLAGS (\Seen))", r"* 3 FETCH (FLAGS (\Deleted))"]).await;
    s.events.ready();
    inbox
}

#[tokio::test(start_paused = true)]
async fn what_others_do_is_reported_without_a_cause() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let noop = s.imap.noop();
        let tag = s.server.expect("NOOP").await;
        s.server.say("* 4 EXISTS").await;
        s.server.say(r"* 1 FETCH (FLAGS (\Flagged))").await;
        s.server.say("* 2 EXPUNGE").await;
        s.server.say(&format!("{tag} OK done")).await;
        noop.await.expect("OK");
        let events = s.events.ready();
        assert!(events[..3].iter().all(|event| event.is_in(&inbox)));
        let causes: Vec<_> = events.iter().map(|event| (brief(event), event.cause.is_some())).collect();
        assert_eq!(
            causes,
            [
                ("exists 4".to_owned(), false),
                (r"flags 1 uid 11 (\Flagged)".to_owned(), false),
                ("removed 2 uid 12".to_owned(), false),
                ("NOOP OK".to_owned(), true),
            ]
        );
        s.answer("UID FETCH 14:* (FLAGS)", &[r"* 3 FETCH (UID 20 FLAGS (\Seen))"]).await;
        let event = s.events.until_brief("arrived 3 uid 20").await;
        let EventKind::Arrived { flags, .. } = &event.kind else { panic!("{event:?}") };
        assert_eq!((flags, event.cause), (&Some(Flags::from(Flag::Seen)), None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_our_own_commands_do_is_reported_with_its_cause() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;

        let read = inbox.fetch(uid(11), Items::body().marking_seen());
        let id = read.id();
        s.answer("UID FETCH 11 (BODY[])", &[r#"* 1 FETCH (UID 11 BODY[] "x" FLAGS (\Seen))"#]).await;
        read.await.expect("fetched");
        assert_eq!(reported(&mut s), [by(id, r"flags 1 uid 11 (\Seen)"), by(id, "FETCH OK")]);

        let expunge = inbox.expunge(uid(13));
        let id = expunge.id();
        s.answer("UID EXPUNGE 13", &["* 3 EXPUNGE"]).await;
        assert_eq!(expunge.await.expect("expunged").uids.to_string(), "13");
        assert_eq!(reported(&mut s), [by(id, "removed 3 uid 13"), by(id, "EXPUNGE OK")]);

        let moved = inbox.move_to(uid(12), "Archive");
        let id = moved.id();
        s.answer("UID MOVE 12 Archive", &["* OK [COPYUID 5 12 1] moved", "* 2 EXPUNGE"]).await;
        moved.await.expect("moved");
        assert_eq!(reported(&mut s), [by(id, "removed 2 uid 12"), by(id, "MOVE OK")]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_doubt_no_cause_is_named() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        // 12 was not `\Deleted` as far as we know: another session may have removed it just now.
        let all = inbox.expunge_deleted();
        let id = all.id();
        s.answer("EXPUNGE", &["* 2 EXPUNGE", "* 2 EXPUNGE"]).await;
        all.await.expect("expunged");
        assert_eq!(
            reported(&mut s),
            [unasked("removed 2 uid 12"), by(id, "removed 2 uid 13"), by(id, "EXPUNGE OK")]
        );
        // A message that the command did not name.
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let one = inbox.expunge(uid(13));
        let id = one.id();
        s.answer("UID EXPUNGE 13", &["* 1 EXPUNGE", "* 2 EXPUNGE"]).await;
        one.await.expect("expunged");
        let expected = [unasked("removed 1 uid 11"), by(id, "removed 2 uid 13"), by(id, "EXPUNGE OK")];
        assert_eq!(reported(&mut s), expected);
        // Flags that a STORE can't have made.
        let store = inbox.store(uid(12), Store::add([Flag::Flagged]));
        let id = store.id();
        let rows = [r"* 1 FETCH (FLAGS (\Draft))", r"* 1 FETCH (FLAGS (\Draft \Flagged))"];
        s.answer(r"UID STORE 12 +FLAGS (\Flagged)", &rows).await;
        store.await.expect("stored");
        assert_eq!(
            reported(&mut s),
            [
                unasked(r"flags 1 uid 12 (\Draft)"),
                by(id, r"flags 1 uid 12 (\Flagged \Draft)"),
                by(id, "STORE OK")
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_a_change_too_goes_to_the_token_and_is_reported_once() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let fetch = inbox.fetch(uid(11)..=uid(12), Items::new().flags());
        let id = fetch.id();
        // 11 is what it was; 12 was changed by somebody, of which this is the first word.
        let rows = ["* 1 FETCH (UID 11 FLAGS ())", r"* 2 FETCH (UID 12 FLAGS (\Seen \Flagged))"];
        s.answer("UID FETCH 11:12 (FLAGS)", &rows).await;
        let rows = fetch.await.expect("fetched");
        assert_eq!(rows[1].flags(), Some(&Flags::from([Flag::Seen, Flag::Flagged])));
        assert_eq!(reported(&mut s), [unasked(r"flags 2 uid 12 (\Seen \Flagged)"), by(id, "FETCH OK")]);
        // A repetition is no change.
        s.noop(&[r"* 2 FETCH (FLAGS (\Seen \Flagged))"]).await;
        assert_eq!(s.events.ready_briefs(), ["NOOP OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_changes_what_it_must_have_changed_less_what_the_server_left_alone() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let store = inbox.store(uid(11)..=uid(13), Store::remove([Flag::Seen, Flag::Deleted]).silent());
        let id = store.id();
        let tag = s.server.expect(r"UID STORE 11:13 -FLAGS.SILENT (\Seen \Deleted)").await;
        // RFC 7162 section 3.1.3: those that failed the test, by UID as in the command.
        s.server.say(&format!("{tag} OK [MODIFIED 13] conditional")).await;
        store.await.expect("stored");
        // 11 had neither flag, 13 was left alone.
        assert_eq!(reported(&mut s), [by(id, "flags 2 uid 12 ()"), by(id, "STORE OK")]);
        let snapshot = inbox.snapshot();
        let flags: Vec<_> = snapshot.iter().map(|m| m.flags().map(Flags::to_string)).collect();
        assert_eq!(flags, [Some("()".into()), Some("()".into()), Some(r"(\Deleted)".into())]);
        s.server.expect_silence(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_store_made_of_flags_that_are_not_known_is_asked() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        // What they are now is known without what they were.
        let replace = inbox.store(uid(11), Store::replace([Flag::Seen]).silent());
        let id = replace.id();
        s.answer(r"UID STORE 11 FLAGS.SILENT (\Seen)", &[]).await;
        replace.await.expect("stored");
        assert_eq!(reported(&mut s), [by(id, r"flags 1 uid 11 (\Seen)"), by(id, "STORE OK")]);
        // Here it is not.
        let add = inbox.store(uid(12), Store::add([Flag::Seen]).silent());
        let id = add.id();
        s.answer(r"UID STORE 12 +FLAGS.SILENT (\Seen)", &[]).await;
        add.await.expect("stored");
        assert_eq!(reported(&mut s), [by(id, "STORE OK")], "no guess");
        s.answer("UID FETCH 12 (FLAGS)", &[r"* 2 FETCH (UID 12 FLAGS (\Draft \Seen))"]).await;
        let event = s.events.next().await;
        assert_eq!((brief(&event), event.cause), (r"flags 2 uid 12 (\Seen \Draft)".to_owned(), Some(id)));
    })
    .await;
}

/// RFC 3501 section 6.4.6 lets a NO leave some of the messages changed; and flags received while a
/// silent STORE of their message runs may be from before it or from after it.
#[tokio::test(start_paused = true)]
async fn what_a_silent_store_did_is_asked_where_it_is_in_doubt() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let store = inbox.store(uid(11)..=uid(12), Store::add([Flag::Flagged]).silent());
        let id = store.id();
        let tag = s.server.expect(r"UID STORE 11:12 +FLAGS.SILENT (\Flagged)").await;
        s.server.say(&format!("{tag} NO over quota")).await;
        assert_eq!(store.await.expect_err("refused").kind(), ErrorKind::No);
        assert_eq!(reported(&mut s), [by(id, "STORE NO")]);
        let rows = [r"* 1 FETCH (UID 11 FLAGS (\Flagged))", r"* 2 FETCH (UID 12 FLAGS (\Seen))"];
        s.answer("UID FETCH 11:12 (FLAGS)", &rows).await;
        s.events.until_brief(r"flags 1 uid 11 (\Flagged)").await;
        s.noop(&[]).await;
        assert_eq!(s.events.ready_briefs(), ["NOOP OK"], "12 is what it was");

        let store = inbox.store(uid(12)..=uid(13), Store::add([Flag::Answered]).silent());
        let id = store.id();
        let rows = [r"* 2 FETCH (FLAGS (\Draft))"];
        s.answer(r"UID STORE 12:13 +FLAGS.SILENT (\Answered)", &rows).await;
        store.await.expect("stored");
        assert_eq!(
            reported(&mut s),
            [
                unasked(r"flags 2 uid 12 (\Draft)"),
                by(id, r"flags 3 uid 13 (\Answered \Deleted)"),
                by(id, "STORE OK")
            ]
        );
        s.answer("UID FETCH 12 (FLAGS)", &[r"* 2 FETCH (UID 12 FLAGS (\Draft \Answered))"]).await;
        let event = s.events.next().await;
        assert_eq!((brief(&event), event.cause), (r"flags 2 uid 12 (\Answered \Draft)".to_owned(), None));
    })
    .await;
}

/// While the flags that an earlier silent STORE has made are still being queried, the view has
/// those from before it: what a later one adds to them can't be known. What replaces them all can.
#[tokio::test(start_paused = true)]
async fn nothing_is_added_to_flags_that_are_being_asked() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = with_flags(&mut s).await;
        let first = inbox.store(uid(12)..=uid(12), Store::add([Flag::Flagged]).silent());
        let second = inbox.store(uid(12)..=uid(12), Store::add([Flag::Answered]).silent());
        // The row may be from before the first change: it is asked, behind what has been submitted.
        s.answer(r"UID STORE 12 +FLAGS.SILENT (\Flagged)", &[r"* 2 FETCH (FLAGS (\Draft))"]).await;
        first.await.expect("stored");
        s.answer(r"UID STORE 12 +FLAGS.SILENT (\Answered)", &[]).await;
        second.await.expect("stored");
        assert_eq!(
            s.events.ready_briefs(),
            [r"flags 2 uid 12 (\Draft)", "STORE OK", "STORE OK"],
            "not (\\Answered \\Draft), which it never had"
        );
        let rows = [r"* 2 FETCH (UID 12 FLAGS (\Draft \Answered \Flagged))"];
        s.answer("UID FETCH 12 (FLAGS)", &rows).await;
        s.events.until_brief(r"flags 2 uid 12 (\Answered \Flagged \Draft)").await;
        s.answer("UID FETCH 12 (FLAGS)", &rows).await;

        // Answered: from now on it can be reported again.
        let third = inbox.store(uid(12)..=uid(12), Store::remove([Flag::Draft]).silent());
        s.answer(r"UID STORE 12 -FLAGS.SILENT (\Draft)", &[]).await;
        third.await.expect("stored");
        assert_eq!(s.events.ready_briefs(), [r"flags 2 uid 12 (\Answered \Flagged)", "STORE OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_we_make_rename_remove_and_subscribe_to_are_reported() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let tokens = (
            s.imap.create("Work"),
            s.imap.rename("Work", "Arbeit"),
            s.imap.subscribe("Arbeit"),
            s.imap.unsubscribe("Arbeit"),
            s.imap.delete("Arbeit"),
            s.imap.rename("INBOX", "Old"),
            s.imap.create("Bad"),
        );
        let (create, rename, subscribe, unsubscribe) =
            (tokens.0.id(), tokens.1.id(), tokens.2.id(), tokens.3.id());
        let (delete, inbox, refused) = (tokens.4.id(), tokens.5.id(), tokens.6.id());
        s.answer("CREATE Work", &[]).await;
        s.answer("RENAME Work Arbeit", &[]).await;
        s.answer("SUBSCRIBE Arbeit", &[]).await;
        s.answer("UNSUBSCRIBE Arbeit", &[]).await;
        s.answer("DELETE Arbeit", &[]).await;
        s.answer("RENAME INBOX Old", &[]).await;
        let tag = s.server.expect("CREATE Bad").await;
        s.server.say(&format!("{tag} NO not here")).await;
        tokens.6.await.expect_err("refused");
        assert_eq!(
            reported(&mut s),
            [
                by(create, "created Work"),
                by(create, "CREATE OK"),
                by(rename, "renamed Work to Arbeit"),
                by(rename, "RENAME OK"),
                by(subscribe, "subscribed Arbeit"),
                by(subscribe, "SUBSCRIBE OK"),
                by(unsubscribe, "unsubscribed Arbeit"),
                by(unsubscribe, "UNSUBSCRIBE OK"),
                by(delete, "deleted Arbeit"),
                by(delete, "DELETE OK"),
                // INBOX stays (RFC 9051 section 6.3.6).
                by(inbox, "created Old"),
                by(inbox, "RENAME OK"),
                // A refusal changes nothing.
                by(refused, "CREATE NO"),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_others_make_rename_and_remove_are_reported() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        s.server.say(r#"* LIST () "/" Theirs"#).await;
        // RFC 9051 section 6.3.9.7.
        s.server.say(r#"* LIST () "/" Ours ("OLDNAME" ("Theirs"))"#).await;
        s.server.say(r#"* LIST (\NonExistent) "/" Ours"#).await;
        let reported: Vec<Event> = vec![s.events.next().await, s.events.next().await, s.events.next().await];
        let briefs: Vec<_> = reported.iter().map(brief).collect();
        assert_eq!(briefs, ["created Theirs", "renamed Theirs to Ours", "deleted Ours"]);
        assert!(reported.iter().all(|event| event.cause.is_none()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_data_of_detached_commands_is_reported_as_it_comes_with_its_command() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let list = s.imap.list("*").detach();
        let status = s.imap.status("Work", StatusItems::new().messages()).detach();
        let search = inbox.search(Search::seen()).detach();
        let failed = inbox.fetch(uid(11), Items::new().size()).detach();

        let tags = [
            s.server.expect("LIST \"\" *").await,
            s.server.expect("STATUS Work (MESSAGES)").await,
            s.server.expect("UID SEARCH RETURN (ALL) SEEN").await,
            s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
        ];
        s.server.say(&format!("* ESEARCH (TAG \"{}\") UID ALL 12", tags[2])).await;
        s.server.say("* STATUS Work (MESSAGES 3)").await;
        s.server.say(r#"* LIST () "/" Work"#).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        for tag in &tags[..3] {
            s.server.say(&format!("{tag} OK done")).await;
        }
        s.server.say(&format!("{} NO no more", tags[3])).await;
        s.server.expect_silence(Duration::from_millis(1)).await;
        let reported = reported(&mut s);
        assert!(reported[0].0.starts_with("data ESearch") && reported[0].1 == Some(search), "{reported:?}");
        assert_eq!(
            reported[1..],
            [
                by(status, "data status Work"),
                by(list, "data list Work"),
                by(failed, "data fetch 1 uid 11"),
                by(list, "detached LIST OK"),
                by(status, "detached STATUS OK"),
                by(search, "detached SEARCH OK"),
                by(failed, "detached FETCH NO"),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_the_librarys_own_commands_are_not_reported() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().auto_idle(true), CAPABILITIES).await;
        let inbox = s.select(&[11]).await;
        let idle = s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        s.server.say("* 2 EXISTS").await;
        s.server.expect_line("DONE").await;
        let ask = s.server.expect("UID FETCH 12:* (FLAGS)").await;
        s.server.say(&format!("{idle} OK idled")).await;
        s.server.say("* 2 FETCH (UID 12 FLAGS ())").await;
        s.server.say(&format!("{ask} OK done")).await;
        s.server.expect("IDLE").await;
        s.server.say("+ idling").await;
        // The IDLE was written before all of this was said.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(s.events.ready_briefs(), ["exists 2", "arrived 2 uid 12"]);
        assert_eq!(inbox.exists(), 2);
        s.server.expect_silence(Duration::from_secs(1)).await;
        assert_eq!(s.events.ready_briefs(), [""; 0]);
    })
    .await;
}
