//! The embedded server's extensions, by raw lines: what each adds, and that nothing of it is left
//! when it is switched off.

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::Flag;

use crate::raw::{inbox, next, session, silent, without_recent};
use crate::support::other::Other;
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn three() -> Server {
    let server = Server::new();
    for n in 1..=3 {
        server.deliver(
            "INBOX",
            format!("Subject: {n}\r\nMessage-ID: <{n}@x>\r\nIn-Reply-To: <1@x>\r\n\r\ntext {n}\r\n"),
        );
    }
    server
}

#[tokio::test]
async fn what_is_switched_off_is_not_spoken() {
    within(LIMIT, async {
        let cases = [
            ("IDLE", "IDLE"),
            ("NAMESPACE", "NAMESPACE"),
            ("UNSELECT", "UNSELECT"),
            ("ENABLE", "ENABLE CONDSTORE"),
            ("ID", "ID NIL"),
            ("UIDPLUS", "UID EXPUNGE 1"),
            ("SORT", "SORT (SUBJECT) UTF-8 ALL"),
            ("MOVE", "MOVE 1 Drafts"),
            ("NOTIFY", "NOTIFY NONE"),
            ("QUOTA", "GETQUOTA \"User quota\""),
            ("ESEARCH", "SEARCH RETURN () ALL"),
            ("SEARCHRES", "SEARCH RETURN (SAVE) ALL"),
            ("SEARCHRES", "FETCH $ (UID)"),
            ("PARTIAL", "SEARCH RETURN (PARTIAL -1:-5) ALL"),
            ("PARTIAL", "UID FETCH 1 (UID) (PARTIAL 1:5)"),
            ("WITHIN", "SEARCH YOUNGER 5"),
            ("OBJECTID", "SEARCH EMAILID M1"),
            ("OBJECTID", "FETCH 1 (EMAILID)"),
            ("OBJECTID", "STATUS INBOX (MAILBOXID)"),
            ("SAVEDATE", "FETCH 1 (SAVEDATE)"),
            ("SAVEDATE", "SEARCH SAVEDATESUPPORTED"),
            ("PREVIEW", "FETCH 1 (PREVIEW)"),
            ("BINARY", "FETCH 1 (BINARY[1])"),
            ("CONDSTORE", "FETCH 1 (MODSEQ)"),
            ("CONDSTORE", "STORE 1 (UNCHANGEDSINCE 5) FLAGS ()"),
            ("CONDSTORE", "SEARCH MODSEQ 1"),
            ("CONDSTORE", "SELECT INBOX (CONDSTORE)"),
            ("QRESYNC", "SELECT INBOX (QRESYNC (1 1))"),
            ("LIST-EXTENDED", "LIST (SUBSCRIBED) \"\" *"),
            ("LIST-EXTENDED", "LIST \"\" * RETURN (CHILDREN)"),
            ("LIST-STATUS", "LIST \"\" * RETURN (STATUS (MESSAGES))"),
            ("STATUS=SIZE", "STATUS INBOX (SIZE)"),
            ("APPENDLIMIT", "STATUS INBOX (APPENDLIMIT)"),
            ("CREATE-SPECIAL-USE", "CREATE x (USE (\\Junk))"),
            ("CONTEXT=SEARCH", "SEARCH RETURN (CONTEXT) ALL"),
            ("CONTEXT=SORT", "SORT RETURN (CONTEXT) (SUBJECT) UTF-8 ALL"),
            ("MULTISEARCH", "ESEARCH ALL"),
            ("UIDBATCHES", "UIDBATCHES 500"),
            ("THREAD=REFS", "THREAD REFS UTF-8 ALL"),
            ("FILTERS", "SEARCH FILTER none"),
            ("SEARCH=FUZZY", "SEARCH FUZZY ALL"),
            ("SORT=DISPLAY", "SORT (DISPLAYTO) UTF-8 ALL"),
            ("UNAUTHENTICATE", "UNAUTHENTICATE"),
            ("CATENATE", "APPEND INBOX CATENATE (TEXT {1+}\r\nx)"),
            ("URLAUTH", "RESETKEY"),
            ("URLAUTH=BINARY", "URLFETCH (imap://alice@h/INBOX/;UID=1 BINARY)"),
            ("MULTIAPPEND", "APPEND INBOX {1+}\r\nx {1+}\r\ny"),
        ];
        for (name, command) in cases {
            for on in [false, true] {
                let mut builder = Server::builder();
                if !on {
                    builder = builder.without([name]);
                }
                let server = builder.start();
                server.deliver("INBOX", "Subject: x\r\n\r\n");
                let mut a = session(&server).await;
                let lines = a.command("CAPABILITY").await;
                assert_eq!(
                    lines[0].split(' ').any(|lines| lines.split('=').next() == Some(name) || lines == name),
                    on,
                    "{lines:?}"
                );
                let selected = a.select("INBOX").await;
                let code = match name {
                    "CONDSTORE" => "[HIGHESTMODSEQ",
                    "OBJECTID" => "[MAILBOXID",
                    _ => "",
                };
                assert!(
                    code.is_empty() || selected.iter().any(|line| line.contains(code)) == on,
                    "{selected:?}"
                );
                if on && matches!(name, "IDLE" | "QRESYNC") {
                    continue;
                }
                let reply = a.attempt(command).await;
                assert_eq!(reply.tagged.starts_with("BAD "), !on, "{name} {on}: {command}: {reply:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn esearch_saves_and_gives_pieces() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        let lines = a.command("SEARCH RETURN (MIN MAX COUNT) ALL").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o3\") MIN 1 MAX 3 COUNT 3"]);
        assert_eq!(a.command("UID SEARCH RETURN () SUBJECT 4").await, ["* ESEARCH (TAG \"o4\") UID"]);
        assert_eq!(a.command("SEARCH RETURN (SAVE) 2:3").await, [""; 0]);
        assert_eq!(a.command("FETCH $ (UID)").await, ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]);
        assert_eq!(a.command("UID SEARCH RETURN (SAVE MIN) $").await, ["* ESEARCH (TAG \"o7\") UID MIN 2"]);
        assert_eq!(a.command("SEARCH $").await, ["* SEARCH 2"]);
        let lines = a.command("UID SEARCH RETURN (PARTIAL -1:-2) ALL").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o9\") UID PARTIAL (-1:-2 2:3)"]);
        let lines = a.command("UID FETCH 1:* (UID) (PARTIAL -1:-2)").await;
        assert_eq!(lines, ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]);
        // Expunged messages are not in it, reported or not.
        a.command("SEARCH RETURN (SAVE) 2:3").await;
        let second = server.mailbox("INBOX").expect("it").messages[1].uid;
        server.expunge("INBOX", second);
        assert_eq!(a.command("STORE $ +FLAGS.SILENT (\\Seen)").await, [""; 0]);
        assert_eq!(a.command("FETCH $ (FLAGS)").await, ["* 3 FETCH (FLAGS (\\Seen \\Recent))"]);
        server.deliver("INBOX", "Subject: 4\r\nMessage-ID: <4@x>\r\nIn-Reply-To: <1@x>\r\n\r\n");
        assert_eq!(without_recent(a.command("NOOP").await), ["* 2 EXPUNGE", "* 3 EXISTS"]);
        let bad = a.attempt("SEARCH CHARSET KOI8-R ALL").await;
        assert!(bad.tagged.starts_with("NO [BADCHARSET (US-ASCII UTF-8)]"), "{bad:?}");
        let lines = a.command("SORT (REVERSE SUBJECT) UTF-8 ALL").await;
        assert_eq!(lines, ["* SORT 3 2 1"]);
        let lines = a.command("FETCH 1:3 (EMAILID THREADID)").await;
        let thread = |line: &str| line.rsplit_once("THREADID ").map(|(_, id)| id.to_owned());
        assert!(lines.iter().all(|line| thread(line) == thread(&lines[0])), "{lines:?}");
    })
    .await;
}

/// RFC 4731 section 3.2: with MIN and MAX alone, the mod-sequence is that of the messages that are
/// returned.
#[tokio::test]
async fn esearch_tells_the_mod_sequence_of_what_it_returns() {
    within(LIMIT, async {
        let server = three();
        let all = server.mailbox("INBOX").expect("it").messages;
        server.add_flags("INBOX", all[2].uid, [Flag::Seen]);
        server.add_flags("INBOX", all[0].uid, [Flag::Seen]);
        server.add_flags("INBOX", all[1].uid, [Flag::Seen]);
        let of = |n: usize| server.mailbox("INBOX").expect("it").messages[n - 1].mod_seq.get();
        assert!(of(3) < of(1) && of(1) < of(2));
        let mut a = inbox(&server, "CONDSTORE").await;
        for (options, highest) in [
            ("MIN", of(1)),
            ("MAX", of(3)),
            ("MIN MAX", of(1)),
            ("MIN SAVE", of(1)),
            ("MIN COUNT", of(2)),
            ("MAX ALL", of(2)),
            ("ALL", of(2)),
        ] {
            let lines = a.command(&format!("SEARCH RETURN ({options}) MODSEQ 1")).await;
            assert!(lines[0].ends_with(&format!(" MODSEQ {highest}")), "{options}: {lines:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn imap4rev2_speaks_otherwise() {
    within(LIMIT, async {
        let server = three();
        server.create("Grüße");
        let mut a = session(&server).await;
        assert!(a.command("LIST \"\" Gr*").await[0].ends_with("Gr&APwA3w-e"));
        assert_eq!(a.command("ENABLE IMAP4rev2").await, ["* ENABLED IMAP4rev2"]);
        assert!(a.command("LIST \"\" \"Gr*\"").await[0].ends_with("\"Grüße\""));
        let lines = a.select("INBOX").await;
        assert!(!lines.iter().any(|line| line.ends_with("RECENT") || line.contains("[UNSEEN")), "{lines:?}");
        assert!(lines.iter().any(|line| line == "* LIST () \"/\" INBOX"), "{lines:?}");
        assert_eq!(a.command("SEARCH ALL").await, ["* ESEARCH (TAG \"o6\") ALL 1:3"]);
        assert_eq!(a.command("FETCH 1 (FLAGS)").await, ["* 1 FETCH (FLAGS ())"]);
        let lines = a.command("SELECT \"Grüße\"").await;
        assert!(lines[0].starts_with("* OK [CLOSED]"), "{lines:?}");
        assert!(a.attempt("STATUS INBOX (RECENT)").await.tagged.starts_with("BAD "));
        // Without IMAP4rev1 nothing has to be enabled for it.
        let server = Server::builder().without(["IMAP4rev1"]).start();
        let mut a = session(&server).await;
        a.select("INBOX").await;
        assert_eq!(a.command("UID SEARCH ALL").await, ["* ESEARCH (TAG \"o3\") UID"]);
        assert!(a.attempt("LSUB \"\" *").await.tagged.starts_with("BAD "));
    })
    .await;
}

#[tokio::test]
async fn going_on_with_qresync() {
    within(LIMIT, async {
        let server = three();
        let before = server.mailbox("INBOX").expect("it");
        let (uid_validity, since) = (before.uid_validity, before.highest_mod_seq);
        server.expunge("INBOX", before.messages[1].uid);
        server.add_flags("INBOX", before.messages[2].uid, [Flag::Flagged]);
        server.deliver("INBOX", "Subject: 4\r\n\r\n");
        let mut a = session(&server).await;
        a.command("ENABLE QRESYNC").await;
        let lines = a.command(&format!("SELECT INBOX (QRESYNC ({uid_validity} {since} 1:3))")).await;
        let lines: Vec<_> =
            lines.iter().filter(|line| line.contains("VANISHED") || line.contains("FETCH")).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], "* VANISHED (EARLIER) 2");
        assert!(lines[1].starts_with("* 2 FETCH (UID 3 FLAGS (\\Flagged"), "{lines:?}");
        let lines = a.command(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)")).await;
        assert!(lines.len() == 3 && lines[0] == "* VANISHED (EARLIER) 2", "{lines:?}");
        a.command("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
        let reply = a.attempt("EXPUNGE").await;
        assert_eq!(reply.lines(), ["* VANISHED 1"]);
        assert!(reply.tagged.starts_with("OK [HIGHESTMODSEQ "), "{reply:?}");
        // SELECT switches mod-sequences on by itself (RFC 7162 section 3.1.8), and says nothing of
        // the one before.
        let mut b = inbox(&server, "").await;
        let lines = b.command("SELECT INBOX (CONDSTORE)").await;
        assert!(lines[0].starts_with("* OK [CLOSED]"), "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains("[HIGHESTMODSEQ ")).count(), 1, "{lines:?}");
        assert!(b.command("STORE 1 +FLAGS (\\Seen)").await[0].contains(" MODSEQ ("));
        // UIDVALIDITY differs: nothing of it is reported.
        let lines = a.command("SELECT INBOX (QRESYNC (12345 1))").await;
        assert!(!lines.iter().any(|line| line.contains("VANISHED") || line.contains("FETCH")), "{lines:?}");
        assert!(a.attempt("SELECT INBOX (QRESYNC (0 1))").await.tagged.starts_with("BAD "));
        // RFC 7162 section 3.2.8: CLOSE does not report what was expunged, so it has no
        // mod-sequence.
        let mut a = inbox(&server, "QRESYNC").await;
        a.command("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
        let before = server.mailbox("INBOX").expect("it").messages.len();
        assert_eq!(a.attempt("CLOSE").await.tagged, "OK Closed");
        assert_eq!(server.mailbox("INBOX").expect("it").messages.len(), before - 1);
    })
    .await;
}

#[tokio::test]
async fn notify_tells_with_no_command_running() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        let lines = a.command(
            "NOTIFY SET STATUS (selected-delayed (MessageNew (UID) MessageExpunge FlagChange)) \
             (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))",
        );
        let lines = lines.await;
        assert_eq!(lines.len(), 3, "Drafts, Sent, Trash, not the selected one: {lines:?}");
        server.deliver("INBOX", "Subject: 4\r\n\r\n");
        assert_eq!(next(&mut a).await, "* 4 EXISTS");
        assert!(next(&mut a).await.ends_with("RECENT"));
        assert_eq!(next(&mut a).await, "* 4 FETCH (UID 4)");
        let first = server.mailbox("INBOX").expect("it").messages[0].uid;
        server.add_flags("INBOX", first, [Flag::Seen]);
        assert_eq!(next(&mut a).await, "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))");
        server.expunge("INBOX", first);
        silent(&mut a).await;
        assert_eq!(a.command("NOOP").await, ["* 1 EXPUNGE"]);
        let new = server.deliver("Drafts", "Subject: x\r\n\r\n");
        let status = next(&mut a).await;
        assert!(status.starts_with("* STATUS Drafts (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "), "{status}");
        server.add_flags("Drafts", new, [Flag::Seen]);
        assert!(next(&mut a).await.ends_with("UNSEEN 0)"));
        server.create("Work");
        assert_eq!(next(&mut a).await, "* LIST (\\HasNoChildren) \"/\" Work");
        server.subscribe("Work", true);
        assert_eq!(next(&mut a).await, "* LIST (\\HasNoChildren \\Subscribed) \"/\" Work");
        server.rename("Work", "Play");
        assert_eq!(next(&mut a).await, "* LIST (\\HasNoChildren) \"/\" Play (\"OLDNAME\" (Work))");
        server.delete("Play");
        assert_eq!(next(&mut a).await, "* LIST (\\NonExistent \\HasNoChildren) \"/\" Play");
        server.create("a/b");
        assert_eq!(next(&mut a).await, "* LIST (\\HasNoChildren) \"/\" a/b");
        assert_eq!(
            next(&mut a).await,
            "* LIST (\\NonExistent \\HasChildren) \"/\" a",
            "it is affected as well"
        );
        // Its own changes are not reported (RFC 5465 section 5).
        assert_eq!(a.command("CREATE mine").await, [""; 0]);
        a.append("Drafts", "", b"Subject: y\r\n\r\n").await;
        silent(&mut a).await;
        // SELECTED, not delayed: removals as they come.
        a.command("NOTIFY SET (selected (MessageNew MessageExpunge))").await;
        let second = server.mailbox("INBOX").expect("it").messages[0].uid;
        server.add_flags("INBOX", second, [Flag::Seen]);
        server.expunge("INBOX", second);
        assert_eq!(next(&mut a).await, "* 1 EXPUNGE");
        // Without SELECTED nothing is reported of the selected mailbox, but for the client's own
        // changes.
        a.command("NOTIFY NONE").await;
        server.deliver("INBOX", "Subject: 5\r\n\r\n");
        assert_eq!(without_recent(a.command("NOOP").await), [""; 0]);
        assert_eq!(a.command("STORE 1 FLAGS ()").await.len(), 1);
        let bad = a.attempt("NOTIFY SET (personal (MessageNew MessageExpunge Moonrise))").await;
        assert!(bad.tagged.starts_with("NO [BADEVENT (MessageNew "), "{bad:?}");
    })
    .await;
}

#[tokio::test]
async fn lists_of_all_kinds() {
    within(LIMIT, async {
        let server = Server::new();
        server.create("a/b/c");
        server.create("a/d");
        server.subscribe("a/b/c", true);
        let mut a = session(&server).await;
        assert_eq!(a.command("LIST \"\" \"\"").await, ["* LIST (\\Noselect) \"/\" \"\""]);
        assert_eq!(
            a.command("LIST \"\" %").await,
            [
                "* LIST (\\HasNoChildren \\Drafts) \"/\" Drafts",
                "* LIST (\\HasNoChildren) \"/\" INBOX",
                "* LIST (\\HasNoChildren \\Sent) \"/\" Sent",
                "* LIST (\\HasNoChildren \\Trash) \"/\" Trash",
                "* LIST (\\NonExistent \\HasChildren) \"/\" a",
            ]
        );
        assert_eq!(
            a.command("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" a").await,
            ["* LIST (\\NonExistent \\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))"]
        );
        assert_eq!(
            a.command("LIST (SPECIAL-USE) \"\" (S* T*) RETURN (STATUS (MESSAGES))").await,
            [
                "* LIST (\\HasNoChildren \\Sent) \"/\" Sent",
                "* STATUS Sent (MESSAGES 0)",
                "* LIST (\\HasNoChildren \\Trash) \"/\" Trash",
                "* STATUS Trash (MESSAGES 0)"
            ]
        );
        let lsub = a.command("LSUB \"\" %").await;
        assert!(lsub.contains(&"* LSUB (\\Noselect) \"/\" a".to_owned()) && lsub.len() == 4, "{lsub:?}");
        a.command("CREATE Spam (USE (\\Junk))").await;
        assert!(a.command("LIST \"\" Spam").await[0].contains("\\Junk"));
        assert!(a.attempt("CREATE x (USE (\\Nonsense))").await.tagged.starts_with("NO [USEATTR]"));
        assert!(a.attempt("CREATE a//b").await.tagged.starts_with("NO [CANNOT]"));
        assert!(a.attempt("DELETE INBOX").await.tagged.starts_with("NO INBOX"));
        // Its children are renamed too, and never onto an existing mailbox.
        server.create("b/d");
        assert!(a.attempt("RENAME a b").await.tagged.starts_with("NO [ALREADYEXISTS]"));
        assert!(a.attempt("RENAME a a/e").await.tagged.starts_with("NO A mailbox"));
        a.command("RENAME a e").await;
        let names: Vec<_> = server.mailboxes().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["Drafts", "INBOX", "Sent", "Spam", "Trash", "b/d", "e/b/c", "e/d"]);
        // Renaming INBOX moves its messages out, and INBOX stays.
        server.deliver("INBOX", "Subject: x\r\n\r\n");
        a.command("RENAME INBOX Old").await;
        let count = |name: &str| server.mailbox(name).expect("it").messages.len();
        assert_eq!((count("INBOX"), count("Old")), (0, 1));
    })
    .await;
}

/// RFC 6855 section 3, RFC 5819 section 2, RFC 9051 section 9 (`seq-number`).
#[tokio::test]
async fn what_may_not_be_asked_is_bad() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        for command in ["SEARCH 4", "SEARCH NOT 2:4", "SEARCH OR SEEN 4", "UID SEARCH (4)"] {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
        assert_eq!(a.command("SEARCH 3:*").await, ["* SEARCH 3"]);
        assert_eq!(a.command("SEARCH UID 4").await, ["* SEARCH"]);
        let reply = a.attempt("LIST \"\" * RETURN (STATUS (MESSAGES FOO))").await;
        assert!(reply.tagged.starts_with("BAD ") && reply.untagged.is_empty(), "{reply:?}");
        assert!(a.attempt("SEARCH CHARSET UTF-8 ALL").await.is_ok());
        let mut a = inbox(&server, "IMAP4rev2").await;
        assert!(a.attempt("SEARCH CHARSET UTF-8 ALL").await.is_ok());
        let mut a = inbox(&server, "UTF8=ACCEPT").await;
        assert!(a.attempt("SEARCH CHARSET UTF-8 ALL").await.tagged.starts_with("BAD "));
        assert!(a.attempt("SEARCH ALL").await.is_ok());
    })
    .await;
}

/// RFC 9051 section 6.3.4: a name may be made with the delimiter behind it. Section 2.3.1.1: a name
/// that is used again has a higher UIDVALIDITY.
#[tokio::test]
async fn a_mailbox_made_again_is_another_one() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = session(&server).await;
        a.command("CREATE Zee/").await;
        a.command("SUBSCRIBE Zee").await;
        assert_eq!(a.command("LSUB \"\" Z*").await, ["* LSUB () \"/\" Zee"]);
        a.command("RENAME Zee Zoo").await;
        // Nowhere else is that its name: Dovecot refuses it.
        for line in [
            "SELECT Zoo/",
            "STATUS Zoo/ (MESSAGES)",
            "RENAME Zoo/ Zee",
            "RENAME Zoo Zee/",
            "DELETE Zoo/",
            "UNSUBSCRIBE Zoo/",
        ] {
            assert!(a.attempt(line).await.tagged.starts_with("NO [CANNOT]"), "{line}");
        }
        a.command("DELETE Zoo").await;
        assert_eq!(server.mailbox("Zoo"), None);
        server.create("Zoo");
        server.change_uid_validity("Zoo", imap_duplex::types::UidValidity::new(70_000).expect("not 0"));
        server.delete("Zoo");
        server.create("Zoo");
        assert!(server.mailbox("Zoo").expect("it").uid_validity.get() > 70_000);
    })
    .await;
}

#[tokio::test]
async fn logins_of_all_kinds() {
    within(LIMIT, async {
        let server = Server::builder().user("alice", "secret").user("bob", "b\"ob").start();
        let mut a = Other::over(server.connect()).await;
        assert!(a.attempt("SELECT INBOX").await.tagged.starts_with("BAD "));
        assert!(a.attempt("LOGIN alice wrong").await.tagged.starts_with("NO [AUTHENTICATIONFAILED]"));
        assert!(a.attempt("AUTHENTICATE CRAM-MD5").await.tagged.starts_with("NO "));
        // bob, as bob; then as somebody else.
        let tag = a.send("AUTHENTICATE PLAIN").await;
        assert_eq!(next(&mut a).await, "+ ");
        a.write(b"*\r\n").await;
        assert!(a.reply(&tag).await.tagged.starts_with("BAD "));
        assert!(
            a.attempt("AUTHENTICATE PLAIN YWxpY2UAYm9iAGIib2I=")
                .await
                .tagged
                .starts_with("NO [AUTHORIZATIONFAILED]")
        );
        assert!(a.attempt("AUTHENTICATE PLAIN AGJvYgBiIm9i").await.tagged.starts_with("OK [CAPABILITY "));
        assert!(a.attempt("LOGIN alice secret").await.tagged.starts_with("BAD "), "there already");
        assert_eq!(server.sessions()[0].user().as_deref(), Some("bob"));
        // Each has a mailbox of its own.
        a.append("INBOX", "", b"Subject: x\r\n\r\n").await;
        assert_eq!(server.mailbox("INBOX").expect("alice's").messages.len(), 0);
        assert_eq!(server.account("bob", "").mailbox("INBOX").expect("bob's").messages.len(), 1);
        let server = Server::builder().require_tls().start();
        let mut a = Other::over(server.connect()).await;
        assert!(a.command("CAPABILITY").await[0].contains(" LOGINDISABLED"));
        assert!(a.attempt("LOGIN alice secret").await.tagged.starts_with("NO [PRIVACYREQUIRED]"));
        let server = Server::builder().preauth().start();
        let mut stream = server.connect();
        let mut greeting = [0; 11];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut greeting).await.expect("a greeting");
        assert_eq!(&greeting, b"* PREAUTH [");
    })
    .await;
}
