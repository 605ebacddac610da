//! The embedded server's languages and comparators (RFC 5255).

use std::time::Duration;

use imap_duplex::command::{Comparators, Language, Search, Sort, SortKey};
use imap_duplex::testing::Server;
use imap_duplex::types::Uid;
use imap_duplex::{Code, Config, ErrorKind, Sent};

use crate::raw::{inbox, session};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn server() -> Server {
    let server = Server::new();
    for subject in ["über", "Über", "uber", "Uber"] {
        server.deliver("INBOX", format!("Subject: {subject}\r\n\r\n{subject} text\r\n"));
    }
    server
}

#[tokio::test]
async fn a_language_is_chosen_by_its_range() {
    within(LIMIT, async {
        let server = server();
        let mut a = session(&server).await;
        assert_eq!(a.command("LANGUAGE").await, ["* LANGUAGE (\"en\" \"de\" \"i-default\")"]);
        assert_eq!(a.command("LANGUAGE DE").await, ["* LANGUAGE (\"de\")"]);
        assert!(a.attempt("LANGUAGE FR").await.tagged.starts_with("NO "));
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("a connection");
        assert_eq!(imap.language(Language::all()).await.expect("LANGUAGE"), ["en", "de", "i-default"]);
        let now = imap.language(Language::first_of(["fr-CA", "de-AT"])).await.expect("LANGUAGE");
        assert_eq!(now, ["de"]);
        let error = imap.language(Language::first_of(["fr"])).await.expect_err("it has none");
        assert_eq!(error.kind(), ErrorKind::No);
    })
    .await;
}

/// RFC 5255 sections 4.7 to 4.9.
#[tokio::test]
async fn a_comparator_changes_what_is_found() {
    within(LIMIT, async {
        let server = server();
        let mut a = inbox(&server, "").await;
        assert_eq!(a.command("COMPARATOR").await, ["* COMPARATOR \"i;unicode-casemap\""]);
        let several = a.command("COMPARATOR \"cz;*\" \"*;ascii*\" i;octet").await;
        assert_eq!(several, ["* COMPARATOR \"i;ascii-casemap\" (\"i;ascii-casemap\" \"i;octet\")"]);
        let refused = a.attempt("COMPARATOR \"cz;*\"").await.tagged;
        assert!(refused.starts_with("NO [BADCOMPARATOR]"), "{refused}");
        assert_eq!(a.command("COMPARATOR").await, ["* COMPARATOR \"i;ascii-casemap\""], "as it was");

        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("a connection");
        let active = imap.comparator(Comparators::active()).await.expect("COMPARATOR").expect("it is named");
        assert_eq!(active.active, "i;unicode-casemap");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        for (name, expected, sorted) in [
            ("default", &[1, 2][..], [3, 4, 1, 2]),
            ("i;ascii-casemap", &[1], [3, 4, 2, 1]),
            ("i;octet", &[1], [4, 3, 2, 1]),
        ] {
            let now = imap.comparator(Comparators::first_of([name])).await.expect("COMPARATOR");
            assert!(now.is_some_and(|now| name == "default" || now.active == name));
            for search in [Search::subject("über"), Search::body("über"), Search::text("über text")] {
                let found = inbox.search(search.clone()).await.expect("SEARCH");
                assert_eq!(found.iter().map(Uid::get).collect::<Vec<_>>(), expected, "{name} {search:?}");
            }
            let order = inbox.submit(Sort::new(Search::all(), SortKey::Subject)).await.expect("SORT");
            let order: Vec<u32> = order.numbers.uids().map(Uid::get).collect();
            assert_eq!(order, sorted, "{name}");
        }
        // By bytes case counts for ASCII, too.
        assert!(inbox.search(Search::subject("UBER")).await.expect("SEARCH").is_empty());
        imap.comparator(Comparators::first_of(["i;ascii-casemap"])).await.expect("COMPARATOR");
        assert_eq!(inbox.search(Search::subject("UBER")).await.expect("SEARCH").len(), 2);
        let error = imap.comparator(Comparators::first_of(["cz;*"])).await.expect_err("it has none");
        assert_eq!((error.code(), error.sent()), (Some(&Code::BadComparator), Sent::Fully));
    })
    .await;
}

/// It belongs to the login (RFC 8437 section 2).
#[tokio::test]
async fn another_login_begins_with_the_default() {
    within(LIMIT, async {
        let server = server();
        let mut a = session(&server).await;
        a.command("COMPARATOR i;octet").await;
        a.command("UNAUTHENTICATE").await;
        a.login(server.user()).await;
        assert_eq!(a.command("COMPARATOR").await, ["* COMPARATOR \"i;unicode-casemap\""]);
    })
    .await;
}
