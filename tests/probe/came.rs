//! What has to come back: an OK alone is no success, wherever the server sends one.

use std::time::Duration;

use imap_duplex::testing::{Builder, Server};
use serde_json::Value;

use crate::support::other::Other;
use crate::support::program::Program;
use crate::support::within;
use crate::{LIMIT, at_odd, row};

/// The commands that a server answers with OK only, and the rows that have to fail over that.
const SILENT: [(&[&str], &[&str]); 14] = [
    (
        &["UID FETCH"],
        &[
            "IMAP4rev1",
            "IMAP4rev2",
            "ANNOTATE-EXPERIMENT-1",
            "BINARY",
            "CONDSTORE",
            "OBJECTID",
            "PARTIAL",
            "PREVIEW",
            "SAVEDATE",
            "SEARCHRES",
            "UIDONLY",
            "X-GM-EXT-1",
        ],
    ),
    (&["UID SORT"], &["SORT", "SORT=DISPLAY", "ESORT", "CONTEXT=SORT"]),
    (&["UID THREAD"], &["THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "THREAD=REFS"]),
    (&["ESEARCH"], &["MULTISEARCH"]),
    (&["GETMETADATA"], &["METADATA"]),
    (&["UIDBATCHES"], &["UIDBATCHES"]),
    (&["COMPARATOR"], &["I18NLEVEL=2"]),
    (&["LANGUAGE"], &["LANGUAGE"]),
    (&["NOTIFY"], &["NOTIFY"]),
    (&["XLIST"], &["XLIST"]),
    (&["UID MOVE"], &["MOVE"]),
    (&["UID EXPUNGE"], &["UIDPLUS", "REPLACE"]),
    (
        &["GETQUOTAROOT"],
        &[
            "QUOTA",
            "QUOTA=RES-STORAGE",
            "QUOTA=RES-MESSAGE",
            "QUOTA=RES-MAILBOX",
            "QUOTA=RES-ANNOTATION-STORAGE",
        ],
    ),
    (&["NAMESPACE", "MYRIGHTS", "LISTRIGHTS"], &["NAMESPACE", "ACL", "RIGHTS=kxte"]),
];

/// All that there is; Gmail's labels only where they are what is asked for, since they are taken
/// off again by these commands.
fn all(rows: &[&str]) -> Builder {
    let server = Server::builder().with(["UIDONLY", "XLIST"]);
    if rows.contains(&"X-GM-EXT-1") { server.with(["X-GM-EXT-1"]) } else { server }
}

/// The capabilities whose rows failed.
fn failed(rows: &[Value]) -> Vec<&str> {
    let failed = rows.iter().filter(|row| row["worked"] == false);
    failed.filter_map(|row| row["capability"].as_str()).collect()
}

#[tokio::test]
async fn an_ok_alone_is_no_success() {
    within(LIMIT, async {
        for (commands, wanted) in SILENT {
            let (ended, rows) = at_odd(all(wanted), |server| {
                for command in commands {
                    server.on(command).always().instead("{tag} OK done\r\n");
                }
            })
            .await;
            assert_eq!(ended.status.code(), Some(1), "{commands:?}: {}", ended.errors);
            let mut failed = failed(&rows);
            let mut wanted = wanted.to_vec();
            failed.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(failed, wanted, "{commands:?}: {rows:?}");
        }
    })
    .await;
}

/// A value, not a row, is what shows that an item is there.
#[tokio::test]
async fn a_row_without_what_was_asked_for_is_no_success() {
    within(LIMIT, async {
        let items = ["BINARY", "CONDSTORE", "OBJECTID", "PREVIEW", "SAVEDATE"];
        let server = Server::builder().only(["IMAP4rev1", "UIDPLUS"].into_iter().chain(items));
        let (ended, rows) = at_odd(server, |server| {
            let rows = "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n{tag} OK done\r\n";
            server.on("UID FETCH").always().instead(rows);
        })
        .await;
        for (name, item) in [
            ("BINARY", "BINARY"),
            ("CONDSTORE", "MODSEQ"),
            ("OBJECTID", "EMAILID"),
            ("PREVIEW", "PREVIEW"),
            ("SAVEDATE", "SAVEDATE"),
        ] {
            let said = format!("the server says OK, and sends no {item}");
            assert_eq!(row(&rows, name)["answer"], said, "{rows:?}");
        }
        assert_eq!((ended.status.code(), failed(&rows).len()), (Some(1), 6), "{rows:?}");
    })
    .await;
}

/// A server may have none of a message, and says so.
#[tokio::test]
async fn nothing_that_is_said_is_an_answer() {
    within(LIMIT, async {
        let server = Server::builder().only(["IMAP4rev1", "UIDPLUS", "PREVIEW", "SAVEDATE"]);
        let (ended, rows) = at_odd(server, |server| {
            // Those of the row for IMAP4rev1.
            server.on("UID FETCH").delay(Duration::ZERO);
            let none = "* 1 FETCH (UID 1 PREVIEW NIL SAVEDATE NIL)\r\n{tag} OK done\r\n";
            server.on("UID FETCH").always().instead(none);
        })
        .await;
        for name in ["PREVIEW", "SAVEDATE"] {
            let row = row(&rows, name);
            assert_eq!((&row["worked"], &row["answer"]), (&true.into(), &"NIL".into()), "{row}");
        }
        assert_eq!(ended.status.code(), Some(0), "{rows:?}");
    })
    .await;
}

/// Where the result is not the messages that are there.
#[tokio::test]
async fn another_result_is_no_success() {
    within(LIMIT, async {
        let server = Server::builder().only(["IMAP4rev1", "UIDPLUS", "SORT", "THREAD=REFS", "SORT=DISPLAY"]);
        let (ended, rows) = at_odd(server, |server| {
            server.on("UID SORT").always().instead("* SORT 2 1\r\n{tag} OK done\r\n");
            server.on("UID THREAD").always().instead("* THREAD (2)\r\n{tag} OK done\r\n");
        })
        .await;
        for (name, said) in [
            ("SORT", "the UIDs come in the order 2, 1"),
            ("SORT=DISPLAY", "the UIDs come in the order 2, 1"),
            ("THREAD=REFS", "the server says OK, with 1 message, and UID 1 is not among them"),
        ] {
            assert_eq!(row(&rows, name)["answer"], said, "{rows:?}");
        }
        assert_eq!((ended.status.code(), failed(&rows).len()), (Some(1), 3), "{rows:?}");
    })
    .await;
}

/// The probe holds one already.
#[tokio::test]
async fn a_row_that_gets_no_connection_of_its_own_is_skipped() {
    within(LIMIT, async {
        let names = ["COMPRESS=DEFLATE", "UIDONLY", "UNAUTHENTICATE", "UTF8=ACCEPT"];
        let others = ["IMAP4rev1", "UIDPLUS", "ENABLE"];
        let server = Server::builder().only(others.into_iter().chain(names)).session_limit(1);
        let (ended, rows) = at_odd(server, |_| {}).await;
        for name in names {
            let row = row(&rows, name);
            let said = row["why"].as_str().is_some_and(|why| why.contains("[LIMIT]"));
            assert!(row["worked"] == "skipped" && said, "{row}");
        }
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
    })
    .await;
}

/// What a server need not have is no success where it sends nothing of it.
#[tokio::test]
async fn a_row_of_which_nothing_had_to_come_and_nothing_came_is_skipped() {
    within(LIMIT, async {
        let own = ["IMAP4rev1", "UIDPLUS", "QUOTA", "SPECIAL-USE"];
        let others = ["METADATA-SERVER", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"];
        let builder = Server::builder().only(own).claim(own.into_iter().chain(others)).inbox_only();
        let (ended, rows) = at_odd(builder, |server| {
            server.on("GETMETADATA").always().instead("{tag} OK done\r\n");
            server.set_quota_messages(Some(90));
        })
        .await;
        for name in ["METADATA-SERVER", "SPECIAL-USE", "QUOTA=RES-STORAGE"] {
            assert_eq!(row(&rows, name)["worked"], "skipped", "{rows:?}");
        }
        let of_messages = row(&rows, "QUOTA=RES-MESSAGE")["answer"].as_str().unwrap_or_default();
        assert!(of_messages.ends_with("used of 90 allowed"), "{rows:?}");
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
    })
    .await;
}

/// As Cyrus refuses it to an administrator: without a code.
#[tokio::test]
async fn a_special_use_that_no_mailbox_may_have_is_skipped() {
    within(LIMIT, async {
        let server = Server::builder().only(["IMAP4rev1", "UIDPLUS", "CREATE-SPECIAL-USE"]);
        let (ended, rows) = at_odd(server, |server| {
            // The scratch mailboxes, and one that is tried first.
            server.on("CREATE").times(3).delay(Duration::ZERO);
            server.on("CREATE").no("SPECIAL-USE flag conflict");
        })
        .await;
        let row = row(&rows, "CREATE-SPECIAL-USE");
        assert_eq!(row["worked"], "skipped", "{row}");
        assert!(row["why"].as_str().is_some_and(|why| why.contains("flag conflict")), "{row}");
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
    })
    .await;
}

/// As at Gmail, where the messages of a label outlive it, and those that are expunged within it.
#[tokio::test]
async fn no_message_of_a_label_is_left() {
    within(LIMIT, async {
        let server = Server::builder().with(["X-GM-EXT-1"]).no_tls().start();
        let listening = server.listen().await.expect("a port");
        for mailbox in ["INBOX", "Trash"] {
            server.deliver(mailbox, "Message-ID: <1@probe.example>\r\n\r\nStays\r\n");
        }
        let mut other = Other::connect(([127, 0, 0, 1], listening.port()).into()).await;
        other.command(&format!("LOGIN {} {}", server.user(), server.password())).await;
        // Its message is in All Mail from then on.
        other.command("CREATE label").await;
        server.deliver("label", "Subject: Stays\r\n\r\nas well\r\n");
        other.command("DELETE label").await;
        // That of a trash is gone.
        other.command("CREATE bin (USE (\\Trash))").await;
        server.deliver("bin", "Subject: Goes\r\n\r\nwith it\r\n");
        other.command("DELETE bin").await;
        let mail = || {
            let names = server.mailboxes();
            let held = names.iter().map(|name| server.mailbox(name.as_str()).expect("it is there").messages);
            (names.clone(), held.collect::<Vec<_>>())
        };
        let before = mail();
        let all_mail = server.mailbox("[Gmail]/All Mail").expect("it is there");
        assert_eq!(all_mail.messages.len(), 1, "{before:?}");
        // Until one of the probe's messages is where all mail is.
        server.on("UID FETCH").delay(Duration::from_secs(2));
        let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
        let program = Program::start("probe", &["--json", &url]);
        let scratch = loop {
            let names = server.mailboxes();
            let full = |name: &str| server.mailbox(name).is_some_and(|held| held.messages.len() == 2);
            if let Some(name) =
                names.iter().find(|name| name.as_str().contains("probe") && full(name.as_str()))
            {
                break name.to_string();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        other.select(&scratch).await;
        other.command("UID COPY 1 \"[Gmail]/All Mail\"").await;
        other.command("UNSELECT").await;
        let ended = program.end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{:?}", ended.rest);
        assert_eq!(mail(), before);
        other.logout().await;
    })
    .await;
}
