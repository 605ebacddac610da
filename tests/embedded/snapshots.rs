//! Concurrent sessions on one mailbox: each has its numbers until others' changes are reported to
//! it, which is done only when RFC 9051 allows it (sections 5.5 and 7.5.1).

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Uid, UidSet, UidValidity};

use crate::raw::{ends, inbox, next, session, silent, without_recent};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

/// A server with five messages, `one` to `five`.
fn five() -> Server {
    let server = Server::new();
    for name in ["one", "two", "three", "four", "five"] {
        server.deliver("INBOX", format!("Subject: {name}\r\n\r\n{name}\r\n"));
    }
    server
}

fn uid(value: u32) -> Uid {
    Uid::new(value).expect("not 0")
}

fn uids(text: &str) -> UidSet {
    text.parse().expect("a set")
}

#[tokio::test]
async fn a_removal_is_reported_by_no_command_that_names_numbers() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        server.expunge("INBOX", uids("2"));
        silent(&mut a).await;
        // The numbers hold, that of the message that is gone included (RFC 2180 section 4.1.1).
        let rows = a.command("FETCH 1:5 (UID BODY.PEEK[TEXT])").await;
        assert_eq!(rows.len(), 5, "{rows:?}");
        assert_eq!(rows[1], "* 2 FETCH (UID 2 BODY[TEXT] {5}\r\ntwo\r\n)");
        assert_eq!(a.command("SEARCH SUBJECT three").await, ["* SEARCH 3"]);
        assert_eq!(a.command("SEARCH ALL").await, ["* SEARCH 1 3 4 5"]);
        assert_eq!(a.command("SORT (REVERSE ARRIVAL) UTF-8 3:4").await.len(), 1);
        assert_eq!(
            a.command("STORE 4 +FLAGS (\\Flagged)").await,
            ["* 4 FETCH (UID 4 FLAGS (\\Flagged \\Recent))"]
        );
        let refused = a.attempt("STORE 2 +FLAGS (\\Flagged)").await;
        assert!(refused.tagged.starts_with("NO [EXPUNGEISSUED]"), "{refused:?}");
        let refused = a.attempt("COPY 1:3 Drafts").await;
        assert!(refused.tagged.starts_with("NO [EXPUNGEISSUED]"), "{refused:?}");
        assert_eq!(server.mailbox("Drafts").expect("it is there").messages.len(), 0, "all or nothing");
        // COPY may report it, and does: it names numbers, but the RFC does not forbid it.
        assert_eq!(refused.lines(), ["* 2 EXPUNGE"]);
        assert_eq!(a.command("FETCH 2 (UID)").await, ["* 2 FETCH (UID 3)"]);
    })
    .await;
}

#[tokio::test]
async fn noop_and_commands_by_uid_tell_it() {
    within(LIMIT, async {
        let server = five();
        for (command, before) in [
            ("NOOP", 0),
            ("UID FETCH 1 (UID)", 1),
            ("UID SEARCH UID 1", 1),
            ("UID STORE 1 FLAGS ()", 1),
            ("CHECK", 0),
        ] {
            let mut a = inbox(&server, "").await;
            let gone = server.deliver("INBOX", "Subject: gone\r\n\r\n");
            let _ = a.command("NOOP").await;
            server.expunge("INBOX", gone);
            let lines = a.command(command).await;
            assert_eq!(lines.len(), before + 1, "{command}: {lines:?}");
            assert!(lines.contains(&"* 6 EXPUNGE".to_owned()), "{command}: {lines:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn removals_are_reported_one_by_one_each_by_the_number_it_has_then() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        let mut b = inbox(&server, "QRESYNC").await;
        server.expunge("INBOX", uids("2:3,5"));
        assert_eq!(a.command("NOOP").await, ["* 2 EXPUNGE", "* 2 EXPUNGE", "* 3 EXPUNGE"]);
        assert_eq!(b.command("NOOP").await, ["* VANISHED 2:3,5"]);
        assert_eq!(a.command("FETCH 1:2 (UID)").await, ["* 1 FETCH (UID 1)", "* 2 FETCH (UID 4)"]);
    })
    .await;
}

#[tokio::test]
async fn new_messages_and_flags_are_reported_while_removals_wait() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        server.expunge("INBOX", uids("1"));
        server.deliver("INBOX", "Subject: six\r\n\r\n");
        server.add_flags("INBOX", uid(3), [Flag::Seen]);
        // The count includes the expunged message, as its removal has not been reported.
        let lines = without_recent(a.command("FETCH 6 (UID)").await);
        assert_eq!(lines, ["* 6 EXISTS", "* 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))", "* 6 FETCH (UID 6)"]);
        assert_eq!(a.command("NOOP").await, ["* 1 EXPUNGE"]);
        server.deliver("INBOX", "Subject: seven\r\n\r\n");
        assert_eq!(without_recent(a.command("NOOP").await), ["* 6 EXISTS"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_arrived_and_was_expunged_unreported() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        let new = server.deliver("INBOX", "Subject: six\r\n\r\n");
        server.expunge("INBOX", new);
        assert_eq!(without_recent(a.command("NOOP").await), ["* 6 EXISTS", "* 6 EXPUNGE"]);
        // And the other way: gone at first, and then one more.
        server.expunge("INBOX", uids("5"));
        server.deliver("INBOX", "Subject: seven\r\n\r\n");
        assert_eq!(without_recent(a.command("NOOP").await), ["* 5 EXPUNGE", "* 5 EXISTS"]);
    })
    .await;
}

#[tokio::test]
async fn idle_tells_at_once_and_nothing_else_does() {
    within(LIMIT, async {
        let server = five();
        let (mut a, mut b) = (inbox(&server, "").await, inbox(&server, "").await);
        let tag = a.send("IDLE").await;
        assert!(next(&mut a).await.starts_with('+'));
        b.store("2", "+FLAGS.SILENT (\\Deleted $Work)").await;
        // A keyword that the mailbox had not seen.
        assert!(
            next(&mut a).await.starts_with("* FLAGS (") && next(&mut a).await.contains("[PERMANENTFLAGS")
        );
        assert_eq!(next(&mut a).await, "* 2 FETCH (UID 2 FLAGS (\\Deleted \\Recent $Work))");
        assert_eq!(b.command("EXPUNGE").await, ["* 2 EXPUNGE"]);
        assert_eq!(next(&mut a).await, "* 2 EXPUNGE");
        let new = b.append("INBOX", "", b"Subject: x\r\n\r\n").await;
        assert_eq!(next(&mut a).await, "* 5 EXISTS");
        assert!(next(&mut a).await.ends_with("RECENT"));
        a.write(b"done\r\n").await;
        assert!(a.reply(&tag).await.is_ok());
        server.expunge("INBOX", uid(new));
        silent(&mut a).await;
        silent(&mut b).await;
    })
    .await;
}

#[tokio::test]
async fn own_changes_are_reported_as_the_command_says() {
    within(LIMIT, async {
        let server = five();
        let (mut a, mut b) = (inbox(&server, "").await, inbox(&server, "QRESYNC").await);
        assert_eq!(a.command("STORE 1 +FLAGS.SILENT (\\Seen)").await, [""; 0]);
        // It stands in the answer, changed or not (RFC 9051 section 6.4.6).
        assert_eq!(a.command("STORE 1 +FLAGS (\\Seen)").await, ["* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))"]);
        let lines = b.command("NOOP").await;
        assert!(
            lines.len() == 1 && lines[0].starts_with("* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ ("),
            "{lines:?}"
        );
        // BODY[] marks it as read, and says so in the same row.
        let rows = a.command("FETCH 2 (BODY[TEXT])").await;
        assert_eq!(rows, ["* 2 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {5}\r\ntwo\r\n)"]);
        assert_eq!(a.command("FETCH 2 (BODY[TEXT])").await, ["* 2 FETCH (BODY[TEXT] {5}\r\ntwo\r\n)"]);
        // After EXAMINE nothing is marked.
        a.command("EXAMINE INBOX").await;
        assert_eq!(a.command("FETCH 3 (BODY[TEXT])").await.len(), 1);
        // Nor by STORE, though it is OK, as with Dovecot.
        assert_eq!(a.command("STORE 3 FLAGS (\\Seen)").await, [""; 0]);
        assert!(!server.mailbox("INBOX").expect("it").message(uid(3)).expect("it").flags.is_seen());
        // With mod-sequences, what .SILENT leaves is that (RFC 7162 section 3.1.3).
        let lines = b.command("UID STORE 5 +FLAGS.SILENT (\\Seen)").await;
        let lines: Vec<_> = lines.iter().filter(|line| line.starts_with("* 5")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("* 5 FETCH (UID 5 MODSEQ ("), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn a_conditional_store_leaves_alone_what_others_changed() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "CONDSTORE").await;
        let before = server.mailbox("INBOX").expect("it").highest_mod_seq;
        server.add_flags("INBOX", uid(2), [Flag::Flagged]);
        let reply = a.attempt(&format!("STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS.SILENT (\\Seen)")).await;
        assert!(reply.tagged.starts_with("OK [MODIFIED 2]"), "{reply:?}");
        let lines = reply.lines();
        assert!(lines[0].starts_with("* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent) MODSEQ"), "{lines:?}");
        assert!(lines[1].starts_with("* 1 FETCH (UID 1 MODSEQ ("), "{lines:?}");
        let seen = |n| server.mailbox("INBOX").expect("it").message(uid(n)).expect("it").flags.is_seen();
        assert_eq!([seen(1), seen(2), seen(3)], [true, false, true]);
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_goes_away_ends_the_session_and_one_that_is_renamed_does_not() {
    within(LIMIT, async {
        let server = five();
        server.create("Work");
        server.deliver("Work", "Subject: x\r\n\r\n");
        let (mut a, mut b) = (session(&server).await, session(&server).await);
        a.select("Work").await;
        b.select("Work").await;
        b.command("RENAME Work Play").await;
        server.deliver("Play", "Subject: y\r\n\r\n");
        assert_eq!(without_recent(a.command("NOOP").await), ["* 2 EXISTS"]);
        assert_eq!(a.command("FETCH 2 (UID)").await, ["* 2 FETCH (UID 2)"]);
        // Its own deletion does not end it.
        b.command("DELETE Play").await;
        assert!(b.attempt("FETCH 1 (UID)").await.tagged.starts_with("BAD "), "nothing is selected");
        assert!(next(&mut a).await.starts_with("* BYE "));
        ends(&mut a).await;

        let mut c = inbox(&server, "").await;
        server.change_uid_validity("INBOX", UidValidity::new(777_777).expect("not 0"));
        assert!(next(&mut c).await.starts_with("* BYE "));
        let mut c = session(&server).await;
        let lines = c.select("INBOX").await;
        assert!(lines.iter().any(|line| line.contains("[UIDVALIDITY 777777]")), "{lines:?}");
    })
    .await;
}

/// RFC 5465 section 3.1: NOTIFY NONE. The client's own changes are reported by numbers that it can
/// count up to.
#[tokio::test]
async fn numbers_hold_for_a_client_without_reports() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        a.command("NOTIFY NONE").await;
        server.deliver("INBOX", "Subject: six\r\n\r\n");
        assert_eq!(a.command("FETCH 5:* (UID)").await, ["* 5 FETCH (UID 5)"]);
        // Messages that others put there before precede its own.
        let tag = a.send("APPEND INBOX {1+}\r\nx").await;
        let lines = a.reply(&tag).await;
        assert_eq!(without_recent(lines.lines()), ["* 7 EXISTS"]);
        assert_eq!(
            a.command("FETCH 5:* (UID)").await,
            ["* 5 FETCH (UID 5)", "* 6 FETCH (UID 6)", "* 7 FETCH (UID 7)"]
        );
        // Flags of others are known at once, and do not come back over its own.
        server.add_flags("INBOX", uid(3), [Flag::Flagged]);
        let lines = a.command("STORE 3 +FLAGS (\\Seen)").await;
        assert_eq!(lines, ["* 3 FETCH (UID 3 FLAGS (\\Seen \\Flagged \\Recent))"]);
        // A removal keeps its number, and is known.
        server.expunge("INBOX", uids("2"));
        assert_eq!(a.command("NOOP").await, [""; 0]);
        let refused = a.attempt("COPY 1:3 Drafts").await;
        assert!(refused.tagged.starts_with("NO [EXPUNGEISSUED]"), "{refused:?}");
        assert_eq!(refused.lines(), [""; 0]);
        let refused = a.attempt("STORE 2 +FLAGS (\\Seen)").await;
        assert!(refused.tagged.starts_with("NO [EXPUNGEISSUED]"), "{refused:?}");
        a.remove("4").await;
        assert_eq!(a.command("FETCH 4:5 (UID)").await, ["* 4 FETCH (UID 5)", "* 5 FETCH (UID 6)"]);
        // Once it asks for reports again, it gets them, in order.
        server.deliver("INBOX", "Subject: eight\r\n\r\n");
        let lines = a.command("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))").await;
        assert_eq!(without_recent(lines), ["* 2 EXPUNGE", "* 6 EXISTS"]);
        assert_eq!(a.command("UID FETCH 1:* (UID)").await.len(), 6);
    })
    .await;
}

/// The time for it grows with what is waiting, not with its square.
#[tokio::test]
async fn a_silent_client_costs_no_more_the_longer_it_is_silent() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        for n in 0..20_000 {
            let flag = if n % 2 == 0 { Flag::Seen } else { Flag::Flagged };
            server.set_flags("INBOX", uid(1), [flag]);
            tokio::task::yield_now().await;
        }
        let lines = a.command("NOOP").await;
        assert_eq!(lines.last().map(String::as_str), Some("* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))"));
    })
    .await;
}

#[tokio::test]
async fn recent_is_reported_to_one_session_alone() {
    within(LIMIT, async {
        let server = five();
        let mut a = session(&server).await;
        assert!(a.command("EXAMINE INBOX").await.contains(&"* 5 RECENT".to_owned()));
        let (mut b, mut c) = (session(&server).await, session(&server).await);
        assert!(
            b.select("INBOX").await.contains(&"* 5 RECENT".to_owned()),
            "EXAMINE leaves \\Recent as it is"
        );
        assert!(c.select("INBOX").await.contains(&"* 0 RECENT".to_owned()));
        server.deliver("INBOX", "Subject: six\r\n\r\n");
        assert_eq!(b.command("NOOP").await, ["* 6 EXISTS", "* 6 RECENT"]);
        assert_eq!(c.command("NOOP").await, ["* 6 EXISTS", "* 0 RECENT"]);
        assert_eq!(c.command("SEARCH RECENT").await, ["* SEARCH"]);
        assert_eq!(b.command("SEARCH RECENT").await, ["* SEARCH 1 2 3 4 5 6"]);
    })
    .await;
}

#[tokio::test]
async fn numbers_beyond_the_last_are_bad_and_uids_are_not() {
    within(LIMIT, async {
        let server = five();
        let mut a = inbox(&server, "").await;
        assert!(a.attempt("FETCH 6 (UID)").await.tagged.starts_with("BAD "));
        assert!(a.attempt("FETCH 1:6 (UID)").await.tagged.starts_with("BAD "));
        assert_eq!(a.command("UID FETCH 9:12 (UID)").await, [""; 0]);
        // `*` is the last, also where that is the smaller end (RFC 9051 section 9, `seq-range`).
        assert_eq!(a.command("UID FETCH 9:* (UID)").await, ["* 5 FETCH (UID 5)"]);
        assert_eq!(a.command("FETCH *:4,4 (UID)").await, ["* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"]);
        a.select("Drafts").await;
        assert!(a.attempt("FETCH * (UID)").await.tagged.starts_with("BAD "));
        assert_eq!(a.command("UID FETCH 1:* (UID)").await, [""; 0]);
        assert_eq!(a.command("SEARCH ALL").await, ["* SEARCH"]);
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_sessions_on_one_mailbox() {
    within(Duration::from_secs(60), async {
        let server = five();
        let mut all = Vec::new();
        for _ in 0..300 {
            let mut one = inbox(&server, "").await;
            one.send("IDLE").await;
            assert!(next(&mut one).await.starts_with('+'));
            all.push(one);
        }
        assert_eq!(server.sessions().len(), 300);
        let mut busy = inbox(&server, "").await;
        busy.append("INBOX", "", b"Subject: x\r\n\r\n").await;
        busy.remove("2").await;
        for one in &mut all {
            assert_eq!(next(one).await, "* 6 EXISTS");
            assert!(next(one).await.ends_with("RECENT"));
            assert!(next(one).await.starts_with("* 2 FETCH (UID 2 FLAGS (\\Deleted"));
            assert_eq!(next(one).await, "* 2 EXPUNGE");
        }
        all.truncate(100);
        server.disconnect(false);
        for one in &mut all {
            assert!(next(one).await.starts_with("* BYE "));
        }
    })
    .await;
}
