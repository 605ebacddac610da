//! Connections that break: the row at which one does has failed, the others are tried all the same,
//! and nothing is left behind.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use imap_duplex::testing::{Builder, Server};

use crate::support::program::Program;
use crate::support::within;
use crate::{LIMIT, at_odd, row};

#[tokio::test]
async fn a_row_over_which_the_server_ends_the_connection_fails_and_the_others_go_on() {
    within(LIMIT, async {
        let server = || Server::builder().only(["IMAP4rev1", "UIDPLUS", "QUOTA"]);
        for (command, capability) in
            [("GETQUOTAROOT", "QUOTA"), ("UID COPY", "IMAP4rev1"), ("UID EXPUNGE", "UIDPLUS")]
        {
            let (ended, rows) = at_odd(server(), |server| drop(server.on(command).cut_after(0))).await;
            assert_eq!(ended.status.code(), Some(1), "{command}: {rows:?}");
            assert!(ended.errors.contains("probe: 1 of "), "{command}: {}", ended.errors);
            for name in ["IMAP4rev1", "UIDPLUS", "QUOTA"] {
                assert_eq!(row(&rows, name)["worked"], name != capability, "{command}: {rows:?}");
            }
        }
        // Without a mailbox, or a message, there is nothing to try it on.
        for command in ["SELECT", "APPEND"] {
            let (ended, rows) = at_odd(server(), |server| drop(server.on(command).cut_after(0))).await;
            assert_eq!(ended.status.code(), Some(1), "{command}: {rows:?}");
            assert!(!ended.errors.is_empty() && rows.iter().all(|row| row["worked"] != false), "{rows:?}");
        }
    })
    .await;
}

/// Some rows have a connection of their own.
#[tokio::test]
async fn a_rows_own_connection_that_breaks_is_the_end_of_that_row_alone() {
    within(LIMIT, async {
        let names = ["IMAP4rev1", "COMPRESS=DEFLATE", "ENABLE", "UNAUTHENTICATE", "UTF8=ACCEPT", "UIDPLUS"];
        let cases = [
            ("COMPRESS", &["COMPRESS=DEFLATE"][..]),
            ("UNAUTHENTICATE", &["UNAUTHENTICATE"]),
            // That of another row as well.
            ("ENABLE", &["ENABLE", "UTF8=ACCEPT"]),
        ];
        for (command, failing) in cases {
            let (ended, rows) = at_odd(Server::builder().only(names), |server| {
                server.on(command).always().cut_after(0);
            })
            .await;
            assert_eq!(ended.status.code(), Some(1), "{command}: {rows:?}");
            for name in names {
                assert_eq!(row(&rows, name)["worked"], !failing.contains(&name), "{command}: {rows:?}");
            }
        }
    })
    .await;
}

/// By ctrl-c, at any of its steps.
#[tokio::test]
async fn wherever_it_is_asked_to_end_nothing_is_left() {
    within(LIMIT, async {
        for command in ["CREATE", "SELECT", "UID FETCH", "RENAME", "GETQUOTAROOT", "DELETE"] {
            let server = builder().start();
            let listening = server.listen().await.expect("a port");
            let names = server.mailboxes();
            server.on(command).delay(Duration::from_secs(2));
            let url =
                format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
            let program = Program::start("probe", &["--json", &url]);
            while !server.received().iter().any(|received| received.name == command) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let ended = program.interrupt().await;
            assert_eq!(ended.status.code(), Some(1), "{command}: {:?}", ended.rest);
            assert_eq!(server.mailboxes(), names, "{command}: {}", ended.errors);
        }
    })
    .await;
}

/// By its name a mailbox says when the probe began that has made it.
#[tokio::test]
async fn what_a_killed_probe_has_left_is_removed_by_one_that_comes_an_hour_later() {
    within(LIMIT, async {
        let server = builder().start();
        let listening = server.listen().await.expect("a port");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
        let others = [format!("imap-duplex-probe-7-{now}"), "imap-duplex-probe-notes".to_owned()];
        let left = format!("imap-duplex-probe-7-{}", now - 3_700_000_000_000);
        for name in &others {
            server.create(name.as_str());
        }
        let names = server.mailboxes();
        for suffix in ["", "-other", "-junk"] {
            server.create(format!("{left}{suffix}").as_str());
        }
        let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
        let ended = Program::start("probe", &["--json", &url]).end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{:?}", ended.rest);
        assert_eq!(server.mailboxes(), names);
    })
    .await;
}

fn builder() -> Builder {
    Server::builder().no_tls().only(["IMAP4rev1", "UIDPLUS", "QUOTA"])
}
