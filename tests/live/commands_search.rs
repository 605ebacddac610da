//! SEARCH: every kind of key, with ESEARCH and without, in ASCII and beyond it.

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::types::{Date, Flag, Uid};

use crate::account::{Account, LIMIT};
use crate::server::Options;
use crate::support::within;

#[tokio::test]
async fn search_with_esearch_and_without() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for (options, esearch) in [(Options::default(), true), (old, false)] {
            let (mut a, log) = Account::recorded(&options, |config| config.auto_idle(false)).await;
            let uids = a.deliver(&["apple", "Grüße aus Köln", "apple pie"]).await;
            let inbox = a.inbox().await;
            inbox.store(uids[2], Store::add([Flag::Flagged, Flag::new("$Work")])).await.expect("STORE");
            log.take();
            let found = async |query: Search| -> Vec<Uid> {
                inbox.search(query).await.expect("SEARCH").iter().collect()
            };
            assert_eq!(found(Search::all()).await, uids);
            assert_eq!(found(Search::subject("apple")).await, [uids[0], uids[2]]);
            assert_eq!(found(Search::subject("grüße")).await, [uids[1]], "beyond ASCII, and in any case");
            assert_eq!(found(Search::subject("apple").and(Search::flagged())).await, [uids[2]]);
            assert_eq!(found(Search::flagged().or(Search::subject("Köln"))).await, uids[1..]);
            assert_eq!(found(Search::flagged().not()).await, uids[..2]);
            assert_eq!(found(Search::keyword("$Work")).await, [uids[2]]);
            assert_eq!(found(Search::unseen().and(Search::uids(uids[1]..))).await, uids[1..]);
            assert_eq!(found(Search::header("Message-ID", "<1@")).await.len(), 3);
            assert_eq!(found(Search::from("zoe@example.org").and(Search::body("open"))).await.len(), 3);
            assert_eq!(found(Search::text("no such words")).await, []);
            let day = Date::new(2024, 7, 17).expect("a day");
            assert_eq!(found(Search::sent_on(day)).await.len(), 3);
            assert_eq!(found(Search::before(day)).await.len(), 0);
            assert_eq!(found(Search::since(day).and(Search::smaller(100_000))).await.len(), 3);
            assert_eq!(found(Search::larger(100_000)).await.len(), 0);
            let written = log.written();
            assert_eq!(written.contains("RETURN (ALL)"), esearch, "{written}");
            // IMAP4rev2 has UTF-8 unless something else is said.
            let named = if a.imap.capabilities().has("IMAP4rev2") { 0 } else { 2 };
            assert_eq!(written.matches("CHARSET UTF-8").count(), named, "where it is needed: {written}");
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn search_by_mod_sequence() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let rows = inbox.fetch(uids[0].., Items::new().mod_seq()).await.expect("FETCH");
        let before = rows.iter().filter_map(|row| row.mod_seq()).max().expect("CONDSTORE");
        inbox.store(uids[0], Store::add([Flag::Flagged])).await.expect("STORE");
        let found = inbox.search(Search::changed_since(before)).await.expect("SEARCH");
        assert_eq!(found.iter().collect::<Vec<_>>(), uids[..1]);
        assert!(found.mod_seq() > Some(before), "{found:?}");
        a.finish().await;
    })
    .await;
}
