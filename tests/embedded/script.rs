//! What a test can make the embedded server do: refuse, delay, cut off or repeat an answer, for
//! which commands and which users.

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::{Code, EventKind};
use imap_duplex::{Config, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::raw::{ends, inbox, next, session, silent};
use crate::support::other::Other;
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_next_command_of_a_kind_is_answered_otherwise() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = session(&server).await;
        server.on("NOOP").no("not now");
        server.on("noop").no_with(Code::InUse, "nor now");
        server.on("STATUS").bad("what?").times(2);
        assert!(a.attempt("STATUS INBOX (MESSAGES)").await.tagged.starts_with("BAD what?"));
        assert!(a.attempt("NOOP").await.tagged.starts_with("NO not now"));
        assert!(a.attempt("NOOP").await.tagged.starts_with("NO [INUSE] nor now"));
        assert!(a.attempt("NOOP").await.is_ok());
        assert!(a.attempt("STATUS INBOX (MESSAGES)").await.tagged.starts_with("BAD what?"));
        assert!(a.attempt("STATUS INBOX (MESSAGES)").await.is_ok());
        // What was refused was not done.
        server.on("CREATE").no("no");
        assert!(!a.attempt("CREATE Work").await.is_ok());
        assert_eq!(server.mailbox("Work"), None);
        server.on("*").no("nothing").always();
        assert!(!a.attempt("NOOP").await.is_ok() && !a.attempt("LIST \"\" *").await.is_ok());
    })
    .await;
}

/// A hook holds as a whole or not at all, so that no command meets half of one.
#[tokio::test]
async fn a_hook_holds_once_it_is_said() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = session(&server).await;
        let hook = server.on("NOOP");
        assert!(a.attempt("NOOP").await.is_ok());
        let hook = hook.no("not now");
        assert!(a.attempt("NOOP").await.is_ok());
        let twice = hook.clone().times(2);
        drop(hook);
        assert!(a.attempt("NOOP").await.is_ok());
        drop(twice);
        assert!(a.attempt("NOOP").await.tagged.starts_with("NO not now"));
        assert!(a.attempt("NOOP").await.tagged.starts_with("NO not now"));
        assert!(a.attempt("NOOP").await.is_ok());
        server.on("XYZZY").instead("{tag} OK nothing happens\r\n");
        assert!(a.attempt("XYZZY").await.is_ok());
    })
    .await;
}

#[test]
fn a_hook_is_for_a_command_that_there_is() {
    for name in ["", "FECTH", "UID", "UID NOOP", "DONE", "FETCH 1", "NOOP "] {
        let panic = std::panic::catch_unwind(|| drop(Server::new().on(name))).expect_err(name);
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains("no command has the name"), "{name}: {text}");
    }
}

#[tokio::test]
async fn bytes_are_sent_at_a_moment() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: one\r\n\r\n");
        server.deliver("INBOX", "Subject: two\r\n\r\n");
        let mut a = inbox(&server, "").await;
        server.on("FETCH").before("* OK before\r\n").within("* OK within {tag}\r\n").after("* OK after\r\n");
        let lines = a.command("FETCH 1:2 (UID)").await;
        assert_eq!(lines, ["* OK before", "* 1 FETCH (UID 1)", "* OK within o3", "* 2 FETCH (UID 2)"]);
        assert_eq!(next(&mut a).await, "* OK after");
        server.on("NOOP").instead("* gar{bage\r\n{tag} OK so be it\r\n");
        let reply = a.attempt("NOOP").await;
        assert_eq!((reply.lines(), &*reply.tagged), (vec!["* gar{bage".to_owned()], "OK so be it"));
        // To all, at once.
        server.say("* OK [ALERT] read me\r\n");
        assert_eq!(next(&mut a).await, "* OK [ALERT] read me");
        server.sessions()[0].say("* 7 EXISTS\r\n");
        assert_eq!(next(&mut a).await, "* 7 EXISTS");
    })
    .await;
}

#[tokio::test]
async fn connections_are_cut() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: one\r\n\r\n");
        let mut a = inbox(&server, "").await;
        server.on("FETCH").cut_after(10);
        a.write(b"x FETCH 1 (UID)\r\n").await;
        let mut rest = Vec::new();
        a.into_stream().read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"* 1 FETCH ");
        let mut a = session(&server).await;
        let mut b = session(&server).await;
        let sessions = server.sessions();
        sessions[0].cut();
        ends(&mut a).await;
        sessions[1].bye("Go home");
        assert_eq!(next(&mut b).await, "* BYE Go home");
        ends(&mut b).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(server.sessions().is_empty() && !sessions[0].is_connected());
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_can_be_cut() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", vec![b'x'; 1_000_000]);
        let mut a = inbox(&server, "").await;
        a.send("FETCH 1 (BODY.PEEK[])").await;
        silent_while_writing(&server).await;
        server.disconnect(true);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(server.sessions().is_empty());
    })
    .await;
}

/// Until the answer has filled the pipe.
async fn silent_while_writing(server: &Server) {
    while server.received().last().is_none_or(|response| response.name != "FETCH") {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn every_byte_by_itself_is_understood_as_well() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: one\r\n\r\nHello\r\n");
        server.split_writes(Some(1));
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("a login");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let rows =
            inbox.fetch(crate::client::uid(1), imap_duplex::command::Items::body()).await.expect("FETCH");
        assert_eq!(rows[0].body().map(|b| b.len()), Some(23));
    })
    .await;
}

#[tokio::test]
async fn literals_are_refused_and_capabilities_claimed() {
    within(LIMIT, async {
        let server = Server::builder().claim(["IMAP4rev1", "X-ODD"]).start();
        let mut a = session(&server).await;
        assert_eq!(a.command("CAPABILITY").await, ["* CAPABILITY IMAP4rev1 X-ODD"]);
        server.claim(None::<Vec<String>>);
        assert!(a.command("CAPABILITY").await[0].contains(" QRESYNC "));
        server.refuse_literals(true);
        let reply = a.attempt("APPEND INBOX {5}").await;
        assert!(reply.tagged.starts_with("NO "), "{reply:?}");
        assert!(a.attempt("NOOP").await.is_ok(), "and it goes on");
    })
    .await;
}

#[tokio::test]
async fn the_server_knows_who_is_there_and_what_was_said() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = Other::over(server.connect()).await;
        assert_eq!(server.sessions()[0].user(), None);
        a.login("alice").await;
        a.select("Drafts").await;
        let session = &server.sessions()[0];
        assert_eq!((session.user().as_deref(), session.is_secure()), (Some("alice"), false));
        assert_eq!(session.mailbox().map(|name| name.to_string()).as_deref(), Some("Drafts"));
        a.command("uid fetch 1:* (FLAGS)").await;
        let response = server.received();
        let names: Vec<_> = response.iter().map(|response| (&*response.name, &*response.line)).collect();
        let expected =
            [("LOGIN", "LOGIN …"), ("SELECT", "SELECT Drafts"), ("UID FETCH", "uid fetch 1:* (FLAGS)")];
        assert_eq!(names, expected);
        assert!(response.iter().all(|response| response.session == session.id()) && response[1].tag == "o2");
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_is_what_the_library_says() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, mut events) = config.connect_over(server.connect()).await.expect("a login");
        server.on("LIST").no_with(Code::Unavailable, "try later");
        let error = imap.list("*").await.expect_err("so it was said");
        assert_eq!((error.kind(), error.code()), (ErrorKind::No, Some(&Code::Unavailable)));
        server.on("LIST").cut_after(0);
        let error = imap.list("*").await.expect_err("it is cut");
        assert_eq!(error.kind(), ErrorKind::Closed);
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event.kind);
        }
        assert!(matches!(last, Some(EventKind::Closed { .. })), "{last:?}");
    })
    .await;
}

#[tokio::test]
async fn quotas_hold_for_clients() {
    within(LIMIT, async {
        let server = Server::new();
        server.set_quota_bytes(Some(1024));
        server.set_quota_messages(Some(3));
        let mut a = session(&server).await;
        a.append("INBOX", "", &[b'x'; 600]).await;
        assert_eq!(
            a.command("GETQUOTAROOT INBOX").await,
            ["* QUOTAROOT INBOX \"User quota\"", "* QUOTA \"User quota\" (STORAGE 1 1 MESSAGE 1 3)"]
        );
        a.write(b"x APPEND INBOX {600+}\r\n").await;
        a.write(&[b'x'; 600]).await;
        a.write(b"\r\n").await;
        assert!(a.reply("x").await.tagged.starts_with("NO [OVERQUOTA]"));
        a.select("INBOX").await;
        assert!(a.attempt("COPY 1 Drafts").await.tagged.starts_with("NO [OVERQUOTA]"));
        assert!(a.attempt("MOVE 1 Drafts").await.is_ok(), "which takes no more room");
        // To the byte.
        server.set_quota_bytes(Some(1199));
        a.write(b"y APPEND INBOX {600+}\r\n").await;
        a.write(&[b'x'; 600]).await;
        a.write(b"\r\n").await;
        assert!(a.reply("y").await.tagged.starts_with("NO [OVERQUOTA]"));
        let reported = a.command("GETQUOTA \"User quota\"").await;
        assert_eq!(reported, ["* QUOTA \"User quota\" (STORAGE 1 2 MESSAGE 1 3)"]);
        server.set_quota_bytes(Some(1200));
        a.append("INBOX", "", &[b'x'; 600]).await;
        server.set_quota_bytes(None);
        server.set_quota_messages(None);
        assert_eq!(a.command("GETQUOTA \"User quota\"").await, ["* QUOTA \"User quota\" ()"]);
    })
    .await;
}

/// RFC 9208 sections 5.3 and 5.4.
#[tokio::test]
async fn mailboxes_and_annotations_are_counted_too() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = session(&server).await;
        let offered = a.command("CAPABILITY").await;
        for resource in ["STORAGE", "MESSAGE", "MAILBOX", "ANNOTATION-STORAGE"] {
            let name = format!("QUOTA=RES-{resource}");
            assert!(offered[0].split(' ').any(|one| one == name), "{name}: {offered:?}");
        }
        let root = "\"User quota\"";
        let set = a.command(&format!("SETQUOTA {root} (MAILBOX 5 ANNOTATION-STORAGE 1 MESSAGE 2)")).await;
        assert_eq!(set, [format!("* QUOTA {root} (MESSAGE 0 2 MAILBOX 4 5 ANNOTATION-STORAGE 0 1)")]);
        assert!(a.attempt("CREATE one").await.is_ok());
        assert!(a.attempt("CREATE two").await.tagged.starts_with("NO [OVERQUOTA]"));
        assert!(a.attempt("RENAME INBOX two").await.tagged.starts_with("NO [OVERQUOTA]"));
        assert!(a.attempt("RENAME one two").await.is_ok(), "there are no more than before");
        assert!(a.attempt("DELETE two").await.is_ok() && a.attempt("CREATE one").await.is_ok());
        a.append("INBOX", "", b"Subject: x\r\n\r\n").await;
        a.select("INBOX").await;
        let note =
            |bytes: usize| format!("STORE 1 ANNOTATION (/comment (value.priv \"{}\"))", "x".repeat(bytes));
        assert!(a.attempt(&note(1025)).await.tagged.starts_with("NO [OVERQUOTA]"));
        assert!(a.attempt(&note(1000)).await.is_ok() && a.attempt(&note(1024)).await.is_ok());
        assert!(a.attempt("COPY 1 Drafts").await.tagged.starts_with("NO [OVERQUOTA]"));
        let append = "APPEND Drafts ANNOTATION (/comment (value.priv \"y\")) {1+}\r\nx";
        assert!(a.attempt(append).await.tagged.starts_with("NO [OVERQUOTA]"));
        let reported = a.command(&format!("GETQUOTA {root}")).await;
        assert_eq!(reported, [format!("* QUOTA {root} (MESSAGE 1 2 MAILBOX 5 5 ANNOTATION-STORAGE 1 1)")]);
        assert!(a.attempt(&note(0)).await.is_ok() && a.attempt("COPY 1 Drafts").await.is_ok());
        // The test itself may do what it likes.
        server.create("three");
        server.set_quota_mailboxes(Some(7));
        server.set_quota_annotations(None);
        let reported = a.command(&format!("GETQUOTA {root}")).await;
        assert_eq!(reported, [format!("* QUOTA {root} (MESSAGE 2 2 MAILBOX 6 7)")]);
        assert!(a.attempt(&format!("SETQUOTA {root} (COLOURS 5)")).await.tagged.starts_with("NO "));
        // Without annotations they are not counted.
        let server = Server::builder().without(["ANNOTATE-EXPERIMENT-1"]).start();
        let mut a = session(&server).await;
        assert!(!a.command("CAPABILITY").await[0].contains("ANNOTATION-STORAGE"));
        let refused = a.attempt(&format!("SETQUOTA {root} (ANNOTATION-STORAGE 5)")).await;
        assert!(refused.tagged.starts_with("NO "));
    })
    .await;
}

#[tokio::test]
async fn any_bytes_are_answered_and_none_of_them_hurts() {
    within(Duration::from_secs(60), async {
        let server = Server::builder().append_limit(10_000).start();
        // A small linear congruence is random enough here, and the same each time.
        let mut state = 7u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits")
        };
        let words = [
            "a ",
            "b UID FETCH ",
            "c STORE ",
            "1:* ",
            "(FLAGS)",
            "{3}\r\n",
            "{3+}\r\n",
            "\r\n",
            "\"",
            "\\",
            "(",
            ")",
            "NIL ",
            "LOGIN alice secret\r\n",
            "d SELECT INBOX\r\n",
            "e IDLE\r\n",
            "DONE\r\n",
            "\0",
            "é",
            "f APPEND INBOX ",
            "* ",
            "g SEARCH ",
            "OR ",
            "NOT ",
            "BODY[1.2.MIME]<0.5>",
            "h LIST \"\" ",
            "RETURN (STATUS (",
            "i NOTIFY SET (",
            "$ ",
            "4294967295",
            "99999999999999999999",
            "j AUTHENTICATE PLAIN\r\n",
            "AGE=\r\n",
            "k ENABLE QRESYNC\r\n",
            "l NOOP\r\n",
            "m SORT (SUBJECT) UTF-8 ALL\r\n",
            "n FETCH 1 (BODY[HEADER.FIELDS (X)])\r\n",
            "o COPY 1 ",
            "p MOVE 1:2 Trash\r\n",
        ];
        for round in 0..150 {
            server.deliver("INBOX", format!("Subject: {round}\r\n\r\n"));
            let mut stream = server.connect();
            let login = round % 3 != 0;
            let mut text =
                if login { b"z LOGIN alice secret\r\nz SELECT INBOX\r\n".to_vec() } else { Vec::new() };
            for _ in 0..random() % 60 {
                match random() % 10 {
                    0 => text.extend(u8::try_from(random() % 256)),
                    _ => text.extend_from_slice(words[random() % words.len()].as_bytes()),
                }
            }
            text.extend_from_slice(b"\r\n\"\r\n");
            let (mut read, mut write) = tokio::io::split(&mut stream);
            let reading = async {
                let mut said = Vec::new();
                let _ = tokio::time::timeout(Duration::from_millis(20), read.read_to_end(&mut said)).await;
                assert!(said.starts_with(b"* OK "));
            };
            let writing = async {
                let _ = write.write_all(&text).await;
            };
            tokio::join!(reading, writing);
        }
        // It is still there.
        assert!(session(&server).await.attempt("NOOP").await.is_ok());
        let mut a = session(&server).await;
        let long = vec![b'x'; 2_000_000];
        a.write(b"x ").await;
        let (mut read, mut write) = tokio::io::split(a.into_stream());
        let reading = async {
            let mut said = Vec::new();
            read.read_to_end(&mut said).await.expect("an end");
            String::from_utf8_lossy(&said).into_owned()
        };
        let (said, _) = tokio::join!(reading, write.write_all(&long));
        assert!(said.starts_with("* BAD ") && said.contains("* BYE "), "{said}");
    })
    .await;
}

#[test]
fn a_server_speaks_some_revision() {
    let panics = |build: fn()| {
        let panic = std::panic::catch_unwind(build).expect_err("no revision");
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        assert!(text.is_some_and(|text| text.contains("neither IMAP4rev1 nor IMAP4rev2")));
    };
    panics(|| drop(Server::builder().only(["IDLE"])));
    panics(|| drop(Server::builder().without(["IMAP4rev1", "MOVE"])));
    drop(Server::builder().only(["IMAP4rev1"]));
}

#[tokio::test]
async fn ways_to_log_in_are_switched_off() {
    within(LIMIT, async {
        let plain = "AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==";
        for (off, login, sasl) in [("LOGIN", false, true), ("auth=plain", true, false)] {
            let server = Server::builder().without([off]).start();
            let mut a = Other::over(server.connect()).await;
            let reported = a.command("CAPABILITY").await;
            assert_eq!(reported[0].contains(" LOGINDISABLED"), !login, "{reported:?}");
            assert_eq!(reported[0].contains(" AUTH=PLAIN"), sasl, "{reported:?}");
            let (refused, taken) =
                if login { (plain, "LOGIN alice secret") } else { ("LOGIN alice secret", plain) };
            assert!(a.attempt(refused).await.tagged.starts_with("NO "), "{off}");
            assert!(a.attempt(taken).await.is_ok(), "{off}");
        }
        let server = Server::builder().without(["STARTTLS"]).start();
        let mut a = Other::over(server.connect()).await;
        assert!(!a.command("CAPABILITY").await[0].contains("STARTTLS"));
        assert!(a.attempt("STARTTLS").await.tagged.starts_with("BAD "));
    })
    .await;
}

#[tokio::test]
async fn messages_have_a_limit() {
    within(LIMIT, async {
        let server = Server::builder().append_limit(100).start();
        let mut a = session(&server).await;
        assert!(a.command("CAPABILITY").await[0].contains("APPENDLIMIT=100"));
        let reply = a.attempt("APPEND INBOX {101}").await;
        assert!(reply.tagged.starts_with("NO [TOOBIG]"), "{reply:?}");
        a.write(&[b"x APPEND INBOX {101+}\r\n".to_vec(), vec![b'x'; 101], b"\r\n".to_vec()].concat()).await;
        assert!(a.reply("x").await.tagged.starts_with("NO [TOOBIG]"));
        a.append("INBOX", "", &[b'x'; 100]).await;
        // Without either extension no literal is sent unasked.
        let server = Server::builder().without(["LITERAL+", "LITERAL-"]).start();
        let mut a = Other::over(server.connect()).await;
        a.write(b"x LOGIN {5+}\r\nalice secret\r\n").await;
        assert!(next(&mut a).await.starts_with("* BAD ") && next(&mut a).await.starts_with("* BYE "));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_said_where_nothing_is_asked() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = inbox(&server, "").await;
        server.deliver("INBOX", "Subject: x\r\n\r\n");
        silent(&mut a).await;
    })
    .await;
}
