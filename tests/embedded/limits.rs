//! MESSAGELIMIT (RFC 9738) and UNAUTHENTICATE (RFC 8437) of the embedded server, by raw lines and
//! by the library.

use std::time::Duration;

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flag};
use imap_duplex::{Config, ErrorKind};

use crate::client::uid;
use crate::raw::{Raw, inbox, session, without_recent};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

/// Five messages, and a limit of two.
fn limited() -> Server {
    let server = Server::builder().message_limit(2).start();
    for n in 1..=5 {
        server.deliver("INBOX", format!("Subject: {n}\r\n\r\ntext {n}\r\n"));
    }
    server
}

async fn ends(session: &mut Raw, command: &str, untagged: &[&str], end: &str) {
    let reply = session.attempt(command).await;
    assert_eq!(without_recent(reply.lines()), untagged, "{command}");
    assert!(reply.tagged.starts_with(end), "{command}: {reply:?}");
}

#[tokio::test]
async fn commands_deal_with_the_newest_messages() {
    within(LIMIT, async {
        let server = limited();
        let mut a = session(&server).await;
        assert!(a.command("CAPABILITY").await[0].contains(" MESSAGELIMIT=2"));
        a.select("INBOX").await;
        let newest = ["* 5 FETCH (UID 5)", "* 4 FETCH (UID 4)"];
        ends(&mut a, "FETCH 1:* (UID)", &newest, "OK [MESSAGELIMIT 2 4] ").await;
        ends(&mut a, "UID FETCH 4:5 (UID)", &["* 4 FETCH (UID 4)", "* 5 FETCH (UID 5)"], "OK Fetched").await;
        ends(&mut a, "UID FETCH 1:* (UID) (PARTIAL 1:3)", &[], "NO [MESSAGELIMIT 2] ").await;
        let one = ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"];
        ends(&mut a, "UID FETCH 1:* (UID) (PARTIAL 2:3)", &one, "OK Fetched").await;
        // What is searched counts, not what is found.
        ends(&mut a, "UID SEARCH 1:4 ALL", &["* SEARCH 3 4"], "OK [MESSAGELIMIT 2 3] ").await;
        ends(&mut a, "UID SEARCH ALL SUBJECT 1", &["* SEARCH"], "OK [MESSAGELIMIT 2 4] ").await;
        ends(&mut a, "UID SEARCH UID 1:2 SUBJECT 1", &["* SEARCH 1"], "OK Searched").await;
        ends(&mut a, "UID SEARCH UIDAFTER 4", &["* SEARCH 5"], "OK [MESSAGELIMIT 2 4] ").await;
        ends(&mut a, "UID SEARCH UID 1:2 UIDBEFORE 2", &["* SEARCH 1"], "OK Searched").await;
        ends(&mut a, "SEARCH RETURN (SAVE) ALL", &[], "OK [MESSAGELIMIT 2 4] ").await;
        ends(&mut a, "SEARCH $", &["* SEARCH 4 5"], "OK Searched").await;
        let changed =
            ["* 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))", "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))"];
        ends(&mut a, "UID STORE 1:3 +FLAGS (\\Seen)", &changed, "OK [MESSAGELIMIT 2 2] ").await;
        // All or nothing.
        ends(&mut a, "UID COPY 1:3 Drafts", &[], "NO [MESSAGELIMIT 2 2] ").await;
        ends(&mut a, "SORT (SUBJECT) UTF-8 ALL", &[], "NO [MESSAGELIMIT 2] ").await;
        ends(&mut a, "THREAD REFERENCES UTF-8 ALL", &[], "NO [MESSAGELIMIT 2] ").await;
        let three = "APPEND Drafts {1+}\r\na {1+}\r\nb {1+}\r\nc";
        ends(&mut a, three, &[], "NO [MESSAGELIMIT 2] ").await;
        assert_eq!(server.mailbox("Drafts").expect("it").messages.len(), 0);
        let moved = a.attempt("UID MOVE 1:3 Drafts").await;
        assert!(moved.lines()[0].starts_with("* OK [COPYUID ") && moved.lines()[0].contains(" 2:3 1:2]"));
        assert_eq!(moved.lines()[1..], ["* 2 EXPUNGE", "* 2 EXPUNGE"]);
        assert!(moved.tagged.starts_with("OK [MESSAGELIMIT 2 2] "), "{moved:?}");
        // EXPUNGE has no limit, UID EXPUNGE has.
        a.command("UID STORE 4:5 +FLAGS.SILENT (\\Deleted)").await;
        a.command("UID STORE 1 +FLAGS.SILENT (\\Deleted)").await;
        ends(&mut a, "UID EXPUNGE 1:*", &["* 2 EXPUNGE", "* 2 EXPUNGE"], "OK [MESSAGELIMIT 2 4] ").await;
        ends(&mut a, "EXPUNGE", &["* 1 EXPUNGE"], "OK Expunged").await;
        assert!(
            inbox(&Server::new(), "").await.attempt("SEARCH UIDAFTER 4").await.tagged.starts_with("BAD ")
        );
    })
    .await;
}

#[tokio::test]
async fn the_library_says_how_far_a_limited_command_came() {
    within(LIMIT, async {
        let server = limited();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("it takes this login");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        // The view asks in pieces that fit.
        inbox.ready().await.expect("all UIDs and flags");
        assert_eq!(inbox.snapshot().iter().filter_map(|row| row.uid()).count(), 5);
        // So does whoever goes on where the command before has come to.
        let mut seen = Vec::new();
        let mut below = uid(6);
        let error = loop {
            let last = uid(below.get() - 1);
            match inbox.fetch(uid(1)..=last, Items::size()).await {
                Ok(rows) => {
                    seen.extend(rows.iter().filter_map(|row| row.uid()).rev());
                    break None;
                }
                Err(error) if error.kind() == ErrorKind::Partial => {
                    let rows = error.answers().iter().filter_map(|answer| match answer {
                        imap_duplex::types::Answer::Fetch(row) => row.uid(),
                        _ => None,
                    });
                    seen.extend(rows);
                    below = error.resume_below().expect("where to go on");
                }
                Err(error) => break Some(error),
            }
        };
        assert!(error.is_none(), "{error:?}");
        assert_eq!(seen, [5, 4, 3, 2, 1].map(uid));
        let error = inbox.copy(uid(1)..=uid(3), "Drafts").await.expect_err("too many");
        assert_eq!(error.code(), Some(&Code::MessageLimit { limit: 2, uid: Some(uid(2)) }));
        let error = inbox.store(uid(1)..=uid(3), Store::add([Flag::Seen])).await.expect_err("not all");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(2))));
        let error = inbox.search(Search::unseen()).await.expect_err("not all of them");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(4))));
        let error = inbox.move_to(uid(1)..=uid(3), "Drafts").await.expect_err("not all of them");
        assert_eq!((error.kind(), error.resume_below()), (ErrorKind::Partial, Some(uid(2))));
        assert_eq!(server.mailbox("Drafts").expect("it").messages.len(), 2);
        inbox.move_to(uid(1), "Drafts").await.expect("the rest");
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

#[tokio::test]
async fn a_session_begins_again_as_another_user() {
    within(LIMIT, async {
        let server = Server::builder().user("alice", "secret").user("bob", "secret").start();
        server.deliver("INBOX", "Subject: one\r\n\r\n");
        let mut a = inbox(&server, "QRESYNC UTF8=ACCEPT").await;
        a.command("NOTIFY SET (personal (MessageNew MessageExpunge))").await;
        let reply = a.attempt("UNAUTHENTICATE").await;
        assert!(reply.tagged.starts_with("OK [CAPABILITY ") && reply.untagged.is_empty(), "{reply:?}");
        assert!(!reply.tagged.contains(" IDLE ") && reply.tagged.contains(" AUTH=PLAIN"), "{reply:?}");
        for command in ["UNAUTHENTICATE", "SEARCH ALL", "STATUS INBOX (MESSAGES)"] {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
        server.deliver("INBOX", "Subject: two\r\n\r\n");
        a.login("bob").await;
        let lines = a.select("INBOX").await;
        assert!(lines.contains(&"* 0 EXISTS".to_owned()) && !lines[0].contains("CLOSED"), "{lines:?}");
        // What was enabled is not.
        assert!(a.attempt("UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)").await.tagged.starts_with("BAD "));
        let enabled = a.command("ENABLE QRESYNC").await;
        assert!(enabled.contains(&"* ENABLED QRESYNC".to_owned()), "{enabled:?}");
    })
    .await;
}
