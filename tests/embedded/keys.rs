//! Keys of searches of the embedded server that are more than a condition, by raw lines: stored
//! filters (RFC 5466) and FUZZY (RFC 6203).

use std::time::Duration;

use imap_duplex::testing::Server;

use crate::raw::{Raw, inbox};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

async fn three() -> (Server, Raw) {
    let server = Server::new();
    for subject in ["the red house", "a house that is red", "green"] {
        server.deliver("INBOX", format!("From: {subject} <x@y>\r\nSubject: {subject}\r\n\r\ntext\r\n"));
    }
    let session = inbox(&server, "").await;
    (server, session)
}

async fn store(session: &mut Raw, name: &str, filter: &str) {
    let filter = filter.replace('"', "\\\"");
    session.command(&format!("SETMETADATA \"\" (\"{name}\" \"{filter}\")")).await;
}

#[tokio::test]
async fn filters_stand_for_their_keys() {
    within(LIMIT, async {
        let (_server, mut a) = three().await;
        store(&mut a, "/private/filters/values/house", "OR SUBJECT house SUBJECT \"x\"").await;
        assert_eq!(a.command("SEARCH FILTER house").await, ["* SEARCH 1 2"]);
        assert_eq!(a.command("SEARCH NOT FILTER House").await, ["* SEARCH 3"]);
        assert_eq!(a.command("SEARCH 2:3 FILTER house").await, ["* SEARCH 2"]);
        // One in another, up to a loop; the private one is used if there are two.
        store(&mut a, "/shared/filters/values/house", "ALL").await;
        store(&mut a, "/shared/filters/values/b", "FILTER house 1").await;
        store(&mut a, "/shared/filters/values/c", "FILTER b").await;
        store(&mut a, "/shared/filters/values/d", "NOT (FILTER c)").await;
        assert_eq!(a.command("SEARCH FILTER d").await, ["* SEARCH 2 3"]);
        store(&mut a, "/shared/filters/values/b", "FILTER d").await;
        for (name, filter) in [("d", ""), ("none", ""), ("bad", "OR SMALLER 1"), ("bad", "SUBJECT a\n")] {
            if !filter.is_empty() {
                let line = format!(
                    "SETMETADATA \"\" (/private/filters/values/{name} {{{}+}}\r\n{filter})",
                    filter.len()
                );
                a.command(&line).await;
            }
            let reply = a.attempt(&format!("SEARCH FILTER {name}")).await;
            let end = format!("NO [UNDEFINED-FILTER {name}]");
            let innermost = reply.tagged.starts_with("NO [UNDEFINED-FILTER ") && name == "d";
            assert!(reply.tagged.starts_with(&end) || innermost, "{name}: {reply:?}");
        }
        let reply = a.attempt("SEARCH CHARSET KOI8-R FILTER house").await;
        assert!(reply.tagged.starts_with("BAD [BADCHARSET "), "{reply:?}");
        let server = Server::builder().without(["FILTERS"]).start();
        assert!(inbox(&server, "").await.attempt("SEARCH FILTER house").await.tagged.starts_with("BAD "));
    })
    .await;
}

#[tokio::test]
async fn fuzzy_finds_words_in_any_order() {
    within(LIMIT, async {
        let (_server, mut a) = three().await;
        assert_eq!(a.command("SEARCH SUBJECT \"red house\"").await, ["* SEARCH 1"]);
        assert_eq!(a.command("SEARCH FUZZY SUBJECT \"red house\"").await, ["* SEARCH 1 2"]);
        assert_eq!(a.command("SEARCH NOT FUZZY (SUBJECT \"house red\" UNSEEN)").await, ["* SEARCH 3"]);
        assert_eq!(a.command("SEARCH FUZZY HEADER From \"house red\" 2:3").await, ["* SEARCH 2"]);
        let lines = a.command("SEARCH RETURN (ALL RELEVANCY) FUZZY SUBJECT \"house that is\"").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o7\") ALL 2 RELEVANCY (100)"]);
        let lines = a.command("SEARCH RETURN (COUNT RELEVANCY) FUZZY SUBJECT \"red house\"").await;
        assert_eq!(lines, ["* ESEARCH (TAG \"o8\") COUNT 2 RELEVANCY (100 50)"]);
        let lines = a.command("SORT (REVERSE RELEVANCY) UTF-8 FUZZY SUBJECT \"red house\"").await;
        assert_eq!(lines, ["* SORT 2 1"]);
        let lines = a.command("SORT (RELEVANCY REVERSE SUBJECT) UTF-8 FUZZY SUBJECT \"e\"").await;
        assert_eq!(lines, ["* SORT 1 3 2"]);
        for command in
            ["SEARCH RETURN (RELEVANCY) SUBJECT a", "SORT (RELEVANCY) UTF-8 SUBJECT a", "SEARCH FUZZY"]
        {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
        let server = Server::builder().without(["SEARCH=FUZZY", "SORT=DISPLAY"]).start();
        let mut a = inbox(&server, "").await;
        for command in ["SEARCH FUZZY ALL", "SORT (DISPLAYFROM) UTF-8 ALL"] {
            assert!(a.attempt(command).await.tagged.starts_with("BAD "), "{command}");
        }
    })
    .await;
}
