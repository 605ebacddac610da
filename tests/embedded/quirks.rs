//! The quirks of the embedded server, each a deviation of servers in use: by raw lines, that it
//! behaves so; and that the library works with it.

use std::time::Duration;

use imap_duplex::command::Items;
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{EventKind, Flag, Flags, ViewSync};
use imap_duplex::{Config, Receiver, Sender, Timeouts};

use crate::client::{Events, uid};
use crate::raw::{inbox, next, session, silent};
use crate::support::other::Other;
use crate::support::{PASSWORD, within};

const LIMIT: Duration = Duration::from_secs(20);

/// A server with this behaviour, and three messages in its INBOX.
fn three(quirk: Quirk) -> Server {
    let server = Server::builder().quirk(quirk).start();
    for n in 1..=3 {
        server.deliver("INBOX", format!("Subject: {n}\r\nDate: today\r\n\r\ntext {n}\r\n"));
    }
    server
}

fn config(server: &Server) -> Config {
    Config::new("localhost").plaintext().login(server.user(), server.password())
}

async fn connect(server: &Server) -> (Sender, Receiver) {
    config(server).connect_over(server.connect()).await.expect("it takes this login")
}

#[tokio::test]
async fn names_that_are_not_ascii_are_listed_in_both_forms() {
    within(LIMIT, async {
        let server = three(Quirk::OldNames);
        server.create("Entwürfe");
        let mut a = session(&server).await;
        assert!(a.command("LIST \"\" Ent*").await[0].ends_with("Entw&APw-rfe"), "as IMAP4rev1 has it");
        a.command("ENABLE IMAP4rev2").await;
        let lines = a.command("LIST \"\" Ent*").await;
        assert!(lines[0].ends_with("(\"OLDNAME\" (Entw&APw-rfe))"), "{lines:?}");
        assert!(lines[0].contains("Entwürfe"), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn names_of_fields_come_back_in_another_order() {
    within(LIMIT, async {
        let server = three(Quirk::SortedHeaderFields);
        let mut a = inbox(&server, "").await;
        let lines = a.command("UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject Date)])").await;
        assert!(lines[0].contains("BODY[HEADER.FIELDS (DATE SUBJECT)]"), "{lines:?}");
        let lines = a.command("UID FETCH 1 (BODY.PEEK[HEADER.FIELDS.NOT (Subject Date)])").await;
        assert!(lines[0].contains("BODY[HEADER.FIELDS.NOT (DATE SUBJECT)]"), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn the_highest_uid_is_refused_or_never_answered() {
    within(LIMIT, async {
        let server = three(Quirk::RefusesHighestUid);
        let mut a = inbox(&server, "").await;
        let refused = a.attempt("UID FETCH 2:4294967295 (UID)").await;
        assert!(refused.tagged.starts_with("BAD"), "{refused:?}");
        assert_eq!(a.command("UID FETCH 2:* (UID)").await.len(), 2);
        let server = three(Quirk::HangsOnHighestUid);
        let mut a = inbox(&server, "").await;
        a.send("UID SEARCH UID 2:4294967295").await;
        silent(&mut a).await;
        assert_eq!(a.command("UID FETCH 2:* (UID)").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn expunge_comes_while_numbers_are_in_use() {
    within(LIMIT, async {
        let server = three(Quirk::EarlyExpunge);
        let mut a = inbox(&server, "").await;
        server.expunge("INBOX", uid(1));
        assert_eq!(a.command("FETCH 2 (UID)").await, ["* 1 EXPUNGE", "* 2 FETCH (UID 3)"]);
        // The library knows which message was meant.
        let server = three(Quirk::EarlyExpunge);
        let (imap, receiver) = connect(&server).await;
        let mut events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        server.expunge("INBOX", uid(1));
        let rows = inbox.fetch(uid(2), Items::new().size()).await.expect("FETCH");
        assert_eq!(rows.iter().map(|row| row.uid()).collect::<Vec<_>>(), [Some(uid(2))]);
        events.until_brief("removed 1 uid 1").await;
        events.ready();
    })
    .await;
}

#[tokio::test]
async fn what_changed_before_idle_is_forgotten() {
    within(LIMIT, async {
        let server = three(Quirk::ForgetfulIdle);
        let mut a = inbox(&server, "").await;
        server.set_flags("INBOX", uid(2), [Flag::Seen]);
        server.deliver("INBOX", "Subject: 4\r\n\r\n");
        a.send("IDLE").await;
        assert!(next(&mut a).await.starts_with("+ "));
        assert_eq!(next(&mut a).await.trim_end(), "* 4 EXISTS");
        next(&mut a).await; // RECENT
        silent(&mut a).await;
        server.set_flags("INBOX", uid(3), [Flag::Seen]);
        assert_eq!(next(&mut a).await.trim_end(), "* 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))");
    })
    .await;
}

#[tokio::test]
async fn what_has_come_is_passed_over_until_a_command_has_ended() {
    within(LIMIT, async {
        let server = three(Quirk::LateSync);
        let mut a = inbox(&server, "").await;
        a.send("IDLE").await;
        assert!(next(&mut a).await.starts_with("+ "));
        server.deliver("INBOX", "Subject: 4\r\n\r\n");
        silent(&mut a).await;
        a.write(b"DONE\r\n").await;
        assert!(next(&mut a).await.contains(" OK "));
        let flagged = || server.mailbox("INBOX").expect("there").messages[3].flags.contains(&Flag::Flagged);
        // It is passed over, and reported with the answer.
        let lines = a.command("UID STORE 4 +FLAGS (\\Flagged)").await;
        assert_eq!(lines[0].trim_end(), "* 4 EXISTS");
        assert!(!flagged());
        a.command("UID STORE 4 +FLAGS (\\Flagged)").await;
        assert!(flagged());
    })
    .await;
}

#[tokio::test]
async fn what_changes_between_two_idles_is_reported_too() {
    within(LIMIT, async {
        for condstore in [true, false] {
            let builder = Server::builder().quirk(Quirk::ForgetfulIdle);
            let builder = if condstore { builder } else { builder.without(["CONDSTORE", "QRESYNC"]) };
            let server = builder.start();
            server.deliver("INBOX", "Subject: 1\r\n\r\n");
            let mut timeouts = Timeouts::default();
            if !condstore {
                timeouts.idle_renew = Duration::from_millis(500);
            }
            let config = config(&server).view_sync(ViewSync::Flags).timeouts(timeouts);
            let (imap, receiver) = config.connect_over(server.connect()).await.expect("logged in");
            let mut events = Events::strict(receiver);
            imap.select("INBOX").await.expect("SELECT");
            events.until("ready", |event| event.name() == "ready").await;
            for flags in [vec![Flag::Seen], vec![Flag::Flagged], vec![Flag::Seen, Flag::Flagged]] {
                // The connection is about to idle, and does not yet.
                imap.noop().await.expect("NOOP");
                let flags: Flags = flags.into_iter().collect();
                server.set_flags("INBOX", uid(1), flags.clone());
                let changed = events.until("new flags", |event| event.name() == "flags_changed").await;
                let EventKind::FlagsChanged { flags: lines, .. } = &changed.kind else {
                    panic!("{changed:?}")
                };
                assert!(flags.iter().all(|flag| lines.contains(&flag)), "{lines}");
                assert!(changed.cause.is_none(), "{changed:?}");
            }
            tokio::time::sleep(Duration::from_millis(1200)).await;
            let again = events.ready().into_iter().filter(|event| event.name() == "flags_changed").count();
            assert_eq!(again, 0, "reported once");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_hidden_by_a_fetch_is_not_claimed_and_found() {
    within(LIMIT, async {
        let server = three(Quirk::FetchHidesFlags);
        let mut a = inbox(&server, "QRESYNC").await;
        server.set_flags("INBOX", uid(2), [Flag::Seen]);
        let lines = a.command("UID FETCH 1 (UID)").await;
        assert!(lines.iter().any(|line| line.contains("[HIGHESTMODSEQ ")), "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains("UID 2")), "{lines:?}");
        assert_eq!(a.command("NOOP").await, [""; 0]);
        let lines = a.command("UID FETCH 2 (FLAGS)").await;
        assert!(lines[0].contains("\\Seen"), "{lines:?}");
        // The library finds it, and claims nothing before.
        let config = config(&server).view_sync(ViewSync::Flags);
        let (imap, receiver) = config.connect_over(server.connect()).await.expect("logged in");
        let mut events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        events.until("ready", |event| event.name() == "ready").await;
        let before = inbox.state().expect("it is complete").highest_mod_seq;
        // The connection is about to idle, and does not yet.
        imap.noop().await.expect("NOOP");
        server.set_flags("INBOX", uid(3), [Flag::Flagged]);
        inbox.fetch(uid(1), Items::size()).await.expect("FETCH");
        imap.noop().await.expect("NOOP");
        let state = inbox.state().expect("it is complete");
        assert_eq!(state.highest_mod_seq, before);
        assert!(!state.flags_of(uid(3)).expect("known").contains(&Flag::Flagged), "it is hidden");
        events.until("new flags", |event| event.name() == "flags_changed").await;
        while inbox.state().expect("it is complete").highest_mod_seq <= before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let state = inbox.state().expect("it is complete");
        assert!(state.flags_of(uid(3)).expect("known").contains(&Flag::Flagged));
    })
    .await;
}

#[tokio::test]
async fn idle_needs_a_mailbox() {
    within(LIMIT, async {
        let server = three(Quirk::IdleNeedsMailbox);
        let mut a = session(&server).await;
        assert!(a.attempt("IDLE").await.tagged.starts_with("BAD"));
        // The library works without a mailbox, and idles once one is selected.
        let (imap, receiver) = connect(&server).await;
        let mut events = Events::strict(receiver);
        tokio::time::sleep(Duration::from_millis(300)).await;
        imap.select("INBOX").await.expect("SELECT");
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.deliver("INBOX", "Subject: 4\r\n\r\n");
        events.until_brief("arrived 4 uid 4").await;
        events.ready();
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_for_reading_refuses_changes() {
    within(LIMIT, async {
        let server = three(Quirk::RefusesReadOnly);
        server.create("Archive");
        server.set_flags("INBOX", uid(2), [Flag::Deleted]);
        let mut a = session(&server).await;
        a.command("EXAMINE INBOX").await;
        for line in ["UID STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 2", "UID MOVE 3 Archive"] {
            assert!(a.attempt(line).await.tagged.starts_with("NO [NOPERM] "), "{line}");
        }
        let stored = server.mailbox("INBOX").expect("INBOX");
        assert_eq!(stored.messages.len(), 3);
        assert!(!stored.messages[0].flags.contains(&Flag::Seen));
        a.command("UID COPY 3 Archive").await;
        a.command("SELECT INBOX").await;
        a.command("UID MOVE 3 Archive").await;
        assert_eq!(server.mailbox("INBOX").expect("INBOX").messages.len(), 2, "not in one for changes");
    })
    .await;
}

#[tokio::test]
async fn capability_and_flags_are_odd() {
    within(LIMIT, async {
        let server = three(Quirk::NamelessProtocol);
        let mut a = session(&server).await;
        let lines = a.command("CAPABILITY").await;
        assert!(lines[0].contains("IDLE") && !lines[0].contains("IMAP4"), "{lines:?}");
        let server = three(Quirk::ControlInKeyword);
        let mut a = session(&server).await;
        let lines = a.select("INBOX").await;
        assert!(lines.iter().any(|line| line == "* FLAGS (\\Seen \\Deleted a\x02b)"), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn logins_are_refused_with_their_words_or_altogether() {
    within(LIMIT, async {
        let server = three(Quirk::EchoesLogin);
        let mut a = Other::over(server.connect()).await;
        let refused = a.attempt("LOGIN alice wrong-word").await;
        assert!(refused.tagged.ends_with("LOGIN alice wrong-word"), "{refused:?}");
        let server = three(Quirk::OnlyXoauth2);
        let mut a = Other::over(server.connect()).await;
        let lines = a.command("CAPABILITY").await;
        assert!(lines[0].contains(" AUTH=XOAUTH2") && !lines[0].contains("AUTH=PLAIN"), "{lines:?}");
        assert!(lines[0].contains(" LOGINDISABLED"), "{lines:?}");
        let login = a.attempt(&format!("LOGIN alice {PASSWORD}")).await;
        assert!(login.tagged.starts_with("NO"), "{login:?}");
        config(&server).connect_over(server.connect()).await.map(drop).expect_err("there is no way in");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_port_for_tls_is_silent_in_the_clear() {
    let server = three(Quirk::SilentInClear);
    let error = config(&server).connect_over(server.connect()).await.map(drop).expect_err("no greeting");
    assert_eq!(error.kind(), imap_duplex::ErrorKind::Timeout, "{error}");
}
