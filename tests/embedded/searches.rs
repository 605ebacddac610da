//! Searches of the embedded server beyond one result of one mailbox, by raw lines: results that are
//! kept up to date, searches of several mailboxes, UIDBATCHES; and by the library, what is saved.

use std::time::Duration;

use imap_duplex::command::{Items, Search, SearchReturn, SearchScope};
use imap_duplex::testing::Server;
use imap_duplex::types::Uid;
use imap_duplex::{Config, ErrorKind, Sent};

use crate::raw::{inbox, next, session, silent, without_recent};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn message(subject: &str) -> String {
    format!("Subject: {subject}\r\n\r\n{subject}\r\n")
}

fn three() -> Server {
    let server = Server::new();
    for subject in ["c", "a", "b"] {
        server.deliver("INBOX", message(subject));
    }
    server
}

/// RFC 5267 section 4.3: with the FETCH, EXISTS or EXPUNGE that brings it about.
#[tokio::test]
async fn a_search_is_kept_up_to_date() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        let lines = a.command("UID SEARCH RETURN (UPDATE COUNT ALL) UNFLAGGED").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o3\") UID COUNT 3 ALL 1:3"]);
        assert_eq!(a.command("NOOP").await, [""; 0], "nothing has changed");
        let lines = a.command("STORE 2 +FLAGS (\\Flagged)").await;
        assert_eq!(lines[1..], ["* ESEARCH (TAG \"o3\") UID REMOVEFROM (0 2)"]);
        assert_eq!(a.command("STORE 2 +FLAGS (\\Seen)").await.len(), 1, "it does not matter");
        let lines = a.command("STORE 1:2 -FLAGS (\\Flagged)").await;
        assert_eq!(lines.last().map(String::as_str), Some("* ESEARCH (TAG \"o3\") UID ADDTO (0 2)"));
        // By others, reported while it idles: behind EXISTS, before EXPUNGE.
        let idle = a.send("IDLE").await;
        assert!(next(&mut a).await.starts_with('+'));
        server.deliver("INBOX", message("d"));
        assert_eq!(next(&mut a).await, "* 4 EXISTS");
        assert!(next(&mut a).await.ends_with("RECENT"));
        assert_eq!(next(&mut a).await, "* ESEARCH (TAG \"o3\") UID ADDTO (0 4)");
        let first = server.mailbox("INBOX").expect("it").messages[0].uid;
        server.expunge("INBOX", first);
        assert_eq!(next(&mut a).await, "* ESEARCH (TAG \"o3\") UID REMOVEFROM (0 1)");
        assert_eq!(next(&mut a).await, "* 1 EXPUNGE");
        a.write(b"DONE\r\n").await;
        assert!(a.reply(&idle).await.is_ok());
        // A removal that must wait leaves the result at once (RFC 5267 section 4.3.4).
        let second = server.mailbox("INBOX").expect("it").messages[0].uid;
        server.expunge("INBOX", second);
        assert_eq!(
            a.command("SEARCH ALL").await,
            ["* ESEARCH (TAG \"o3\") UID REMOVEFROM (0 2)", "* SEARCH 2 3"]
        );
        assert_eq!(a.command("NOOP").await, ["* 1 EXPUNGE"]);
        // Its tag stands for it until it is cancelled.
        let tag = a.attempt("CANCELUPDATE \"o9\"").await;
        assert!(tag.tagged.starts_with("BAD "), "{tag:?}");
        a.write(b"o3 UID SEARCH RETURN (UPDATE) SEEN\r\n").await;
        assert!(a.reply("o3").await.tagged.starts_with("BAD "));
        assert_eq!(a.command("CANCELUPDATE \"o3\"").await, [""; 0]);
        assert_eq!(a.command("STORE 1 +FLAGS (\\Flagged)").await.len(), 1);
        silent(&mut a).await;
    })
    .await;
}

/// RFC 5267 sections 4.3 and 4.3.2: by number, and numbers in the keys stay what they were.
#[tokio::test]
async fn numbers_in_a_kept_result_are_those_of_then() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        let lines = a.command("SEARCH RETURN (UPDATE CONTEXT ALL) 2:3 UNSEEN").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o3\") ALL 2:3"]);
        let first = server.mailbox("INBOX").expect("it").messages[0].uid;
        server.expunge("INBOX", first);
        assert_eq!(a.command("NOOP").await, ["* 1 EXPUNGE"], "it was not in the result");
        let lines = a.command("UID STORE 3 +FLAGS (\\Seen)").await;
        assert_eq!(lines[1..], ["* ESEARCH (TAG \"o3\") REMOVEFROM (0 2)"], "its number is 2 now");
        a.command("UID STORE 2 +FLAGS.SILENT (\\Deleted)").await;
        let lines = a.command("EXPUNGE").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o3\") REMOVEFROM (0 1)", "* 1 EXPUNGE"]);
        server.deliver("INBOX", message("d"));
        assert_eq!(without_recent(a.command("NOOP").await), ["* 2 EXISTS"], "it is not among them");
    })
    .await;
}

#[tokio::test]
async fn a_sorted_result_keeps_its_order() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        let lines = a.command("UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o3\") UID ALL 2:3,1"]);
        for subject in ["bb", "bbb", "0"] {
            server.deliver("INBOX", message(subject));
        }
        let lines = without_recent(a.command("NOOP").await);
        assert_eq!(lines, ["* 6 EXISTS", "* ESEARCH (TAG \"o3\") UID ADDTO (1 6 4 4:5)"]);
        // 6 2 3 4 5 1, without 3 and 6.
        let lines = a.command("UID STORE 3,6 +FLAGS (\\Deleted)").await;
        assert_eq!(lines[2..], ["* ESEARCH (TAG \"o3\") UID REMOVEFROM (3 3 1 6)"]);
        let lines = a.command("UID SORT RETURN (PARTIAL 2:3) (SUBJECT) UTF-8 UNDELETED").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o6\") UID PARTIAL (2:3 4:5)"]);
        let bad = a.attempt("UID SORT RETURN (PARTIAL -1:-2) (SUBJECT) UTF-8 ALL").await;
        assert!(bad.tagged.starts_with("BAD "), "{bad:?}");
    })
    .await;
}

#[tokio::test]
async fn too_many_results_are_not_kept_up_to_date() {
    within(LIMIT, async {
        let server = three();
        let mut a = inbox(&server, "").await;
        for n in 3..11 {
            let lines = a.command("SEARCH RETURN (UPDATE COUNT) ALL").await;
            assert_eq!(lines, [format!("* ESEARCH (TAG \"o{n}\") COUNT 3")]);
        }
        let lines = a.command("SEARCH RETURN (UPDATE COUNT) ALL").await;
        assert_eq!(lines[0], "* ESEARCH (TAG \"o11\") COUNT 3");
        assert!(lines[1].starts_with("* NO [NOUPDATE \"o11\"]"), "{lines:?}");
        a.command("CANCELUPDATE \"o3\" \"o4\"").await;
        assert_eq!(a.command("SEARCH RETURN (UPDATE COUNT) ALL").await.len(), 1);
        // With the selection they end all.
        a.select("INBOX").await;
        assert_eq!(a.command("STORE 1 +FLAGS (\\Deleted)").await.len(), 1);
        assert_eq!(a.command("EXPUNGE").await, ["* 1 EXPUNGE"]);
        for name in ["CONTEXT=SEARCH", "CONTEXT=SORT"] {
            let server = Server::builder().without([name]).start();
            let mut a = inbox(&server, "").await;
            let sort = "SORT RETURN (UPDATE) (SUBJECT) UTF-8 ALL";
            assert!(a.attempt(sort).await.tagged.starts_with("BAD "), "{name}");
            let search = a.attempt("SEARCH RETURN (UPDATE) ALL").await;
            assert_eq!(search.is_ok(), name == "CONTEXT=SORT", "{search:?}");
        }
    })
    .await;
}

/// RFC 7377.
#[tokio::test]
async fn several_mailboxes_are_searched() {
    within(LIMIT, async {
        let server = three();
        for name in ["a", "a/b", "a/b/c", "none"] {
            server.create(name);
        }
        for name in ["a", "a/b", "a/b/c"] {
            server.deliver(name, message("a"));
            server.deliver(name, message("x"));
        }
        server.subscribe("a/b", true);
        let validity = |name: &str| server.mailbox(name).expect("it").uid_validity;
        let mut a = session(&server).await;
        let of = |tag: u32, name: &str, rest: &str| {
            format!("* ESEARCH (TAG \"o{tag}\" MAILBOX {name} UIDVALIDITY {}) UID {rest}", validity(name))
        };
        for (tag, scope, names) in [
            (2, "mailboxes a", &["a"][..]),
            (3, "mailboxes (a a/b none missing)", &["a", "a/b"]),
            (4, "subtree-one a", &["a", "a/b"]),
            (5, "subtree a", &["a", "a/b", "a/b/c"]),
            (6, "subtree a/b subtree-one a", &["a", "a/b", "a/b/c"]),
            (7, "subscribed", &["a/b"]),
        ] {
            let lines = a.command(&format!("ESEARCH IN ({scope}) SUBJECT a")).await;
            let expected: Vec<_> = names.iter().map(|name| of(tag, name, "ALL 1")).collect();
            assert_eq!(lines, expected, "{scope}");
        }
        let lines = a.command("ESEARCH IN (personal) RETURN (COUNT MAX) OR SUBJECT a SUBJECT b").await;
        let others = ["a", "a/b", "a/b/c"].map(|name| of(8, name, "MAX 1 COUNT 1"));
        assert_eq!((&lines[0], &lines[1..]), (&of(8, "INBOX", "MAX 3 COUNT 2"), &others[..]));
        assert_eq!(a.command("ESEARCH IN (inboxes) SUBJECT zz").await, [""; 0]);
        // Of the selected mailbox alone: without a scope, with SAVE, with UPDATE.
        for command in ["ESEARCH ALL", "ESEARCH IN (selected) ALL", "ESEARCH IN (selected-delayed) ALL"] {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
        a.select("a").await;
        assert_eq!(a.command("ESEARCH UNSEEN").await, [of(14, "a", "ALL 1:2")]);
        assert_eq!(a.command("ESEARCH IN (selected) RETURN (SAVE) SUBJECT x").await, [""; 0]);
        assert_eq!(a.command("SEARCH $").await, ["* SEARCH 2"]);
        for command in ["ESEARCH IN (personal) RETURN (SAVE) ALL", "ESEARCH IN (personal) $"] {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
        assert!(a.attempt("ESEARCH IN (personal) CHARSET KOI8-R ALL").await.tagged.starts_with("NO [BADCH"));
        assert_eq!(server.mailbox("a/b").expect("it").messages[0].flags.len(), 0);
    })
    .await;
}

/// RFC 10022.
#[tokio::test]
async fn mailboxes_are_cut_into_batches() {
    within(LIMIT, async {
        let server = Server::new();
        for n in 1..=1207 {
            server.deliver("INBOX", message(&n.to_string()));
        }
        for uid in [1, 208, 709] {
            let uid = Uid::new(uid).expect("no UID is 0");
            server.expunge("INBOX", uid);
        }
        let mut a = inbox(&server, "").await;
        assert_eq!(a.command("UIDBATCHES 500").await, ["* UIDBATCHES (TAG \"o3\") 1207:707,706:206,205:1"]);
        assert_eq!(a.command("UIDBATCHES 500 2:5").await, ["* UIDBATCHES (TAG \"o4\") 706:206,205:1"]);
        assert_eq!(a.command("UIDBATCHES 1204 1:1").await, ["* UIDBATCHES (TAG \"o5\") 1207:1"]);
        assert_eq!(a.command("UIDBATCHES 500 4:5").await, ["* UIDBATCHES (TAG \"o6\")"]);
        for bad in ["UIDBATCHES", "UIDBATCHES 0", "UIDBATCHES 500 0:1", "UIDBATCHES 500 1:2 3"] {
            assert!(a.attempt(bad).await.tagged.starts_with("BAD "), "{bad}");
        }
        for (command, answer) in [
            ("UIDBATCHES 499", "NO [TOOFEW] "),
            ("UIDBATCHES 2000 1:100", "NO [TOOMANY] "),
            ("UIDBATCHES 2000 4:1", "BAD [CLIENTBUG] "),
            ("UIDBATCHES 500 -1:-2", "BAD [CLIENTBUG] "),
        ] {
            assert!(a.attempt(command).await.tagged.starts_with(answer), "{command}");
        }
        assert_eq!(a.select("Drafts").await.iter().filter(|line| line.contains("0 EXISTS")).count(), 1);
        assert_eq!(a.command("UIDBATCHES 500").await, ["* UIDBATCHES (TAG \"o16\")"]);
    })
    .await;
}

/// RFC 5182 section 2.4, RFC 9394 section 3.2: which messages `$` names.
#[tokio::test]
async fn what_is_saved_depends_on_what_is_returned() {
    within(LIMIT, async {
        let server = Server::new();
        for n in 1..=5 {
            server.deliver("INBOX", message(&n.to_string()));
        }
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("it takes this login");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let all = || Search::all().returning();
        let ways: [(SearchReturn, &[u32]); 8] = [
            (all(), &[1, 2, 3, 4, 5]),
            (all().min(), &[1]),
            (all().max(), &[5]),
            (all().min().max(), &[1, 5]),
            (all().min().count(), &[1, 2, 3, 4, 5]),
            (all().partial(2..=3), &[2, 3]),
            (all().partial(2..=3).max(), &[2, 3, 5]),
            (all().partial(2..=3).count(), &[1, 2, 3, 4, 5]),
        ];
        for (way, expected) in ways {
            let search = inbox.submit(way.clone().save());
            let rows = inbox.fetch(search.saved(), Items::flags());
            assert!(search.await.expect("saved").found().is_some());
            let rows = rows.await.expect("FETCH");
            let uids: Vec<u32> = rows.iter().filter_map(|row| Some(row.uid()?.get())).collect();
            assert_eq!(uids, expected, "{way:?}");
        }
        server.deliver("Sent", message("6"));
        let counted = || Search::all().returning().count().max();
        let scope = || SearchScope::selected().and(SearchScope::mailboxes(["Sent"]));
        let found = inbox.submit(counted().in_scope(scope())).await.expect("ESEARCH");
        let found: Vec<_> = found.iter().map(|one| (one.mailbox.as_str(), one.count, one.max)).collect();
        assert_eq!(found, [("INBOX", Some(5), Uid::new(5)), ("Sent", Some(1), Uid::new(1))]);
        // Which mailbox is meant is known by the handle alone.
        let error = imap.submit(counted().in_scope(scope())).await.expect_err("of no mailbox");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
    })
    .await;
}
