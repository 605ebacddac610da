//! Orders: by each address, by what is shown of one, by relevance; and hints that a search or a
//! sort will be made again.

use imap_duplex::command::{Append, PartialRange, Search, Sort, SortKey, SortOrder};
use imap_duplex::types::{Uid, UidSet};
use imap_duplex::{ErrorKind, Sent};

use crate::account::{Account, LIMIT};
use crate::support::within;

/// In four messages: From, To, Cc, so that each order is another one.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("Zoe <d@example.org>", "\"Ann, of the harbour\" <z@example.org>", "b@example.org"),
    ("Carla <c@example.org>", "Dora <a@example.org>", "c@example.org"),
    ("b@example.org", "Bea <b@example.org>", "d@example.org"),
    ("Ann <a@example.org>", "Carla <c@example.org>", "a@example.org"),
];

/// The UIDs of the messages.
async fn people(a: &Account) -> Vec<Uid> {
    let mut uids = Vec::new();
    for (from, to, cc) in PEOPLE {
        let message = format!("From: {from}\r\nTo: {to}\r\nCc: {cc}\r\nSubject: plan\r\n\r\nplan\r\n");
        let appended = a.imap.append("INBOX", Append::new(message)).await.expect("APPEND");
        uids.push(appended.uid.expect("UIDPLUS"));
    }
    uids
}

/// RFC 5256 section 3: by the address before the `@`; RFC 5957: by the name, if there is one.
#[tokio::test]
async fn orders_by_addresses_and_by_names() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = people(&a).await;
        let inbox = a.inbox().await;
        let capabilities = a.imap.capabilities();
        for (key, needs, expected) in [
            (SortKey::From, "SORT", [3, 2, 1, 0]),
            (SortKey::To, "SORT", [1, 2, 3, 0]),
            (SortKey::Cc, "SORT", [3, 0, 1, 2]),
            (SortKey::DisplayFrom, "SORT=DISPLAY", [3, 2, 1, 0]),
            (SortKey::DisplayTo, "SORT=DISPLAY", [0, 2, 3, 1]),
        ] {
            assert!(capabilities.has(needs), "{capabilities:?}");
            for order in [SortOrder::by(key), SortOrder::by(SortKey::Subject).then(key)] {
                let sorted = inbox.sort(Search::all(), order).await.expect("SORT").numbers;
                let expected: Vec<Uid> = expected.iter().map(|place| uids[*place]).collect();
                assert_eq!(sorted.uids().collect::<Vec<_>>(), expected, "{key:?}");
            }
        }
        a.finish().await;
    })
    .await;
}

/// RFC 6203 sections 4 and 5.
#[tokio::test]
async fn what_is_alike_is_found_by_its_relevance() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = people(&a).await;
        let inbox = a.inbox().await;
        let plan = || Search::text("plan").fuzzy();
        let scored = inbox.submit(plan().returning().all().relevancy()).await;
        let sorted = inbox.sort(plan(), SortOrder::descending(SortKey::Relevancy)).await;
        if a.imap.capabilities().has("SEARCH=FUZZY") {
            let scored = scored.expect("SEARCH");
            assert_eq!((scored.all, scored.relevancy.len()), (Some(UidSet::from(&uids)), uids.len()));
            assert!(scored.relevancy.iter().all(|score| (1..=100).contains(score)), "{:?}", scored.relevancy);
            assert_eq!(sorted.expect("SORT").numbers.uids().count(), uids.len());
        } else {
            for error in [scored.map(drop), sorted.map(drop)].map(|refused| refused.expect_err("it lacks it"))
            {
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
                assert!(error.to_string().contains("SEARCH=FUZZY"), "{error}");
            }
        }
        a.finish().await;
    })
    .await;
}

/// RFC 5267 section 4.2: the server may keep what it has found. Dovecot keeps searches, and has no
/// such hint for SORT.
#[tokio::test]
async fn a_hint_that_more_will_be_asked_changes_no_result() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = people(&a).await;
        let inbox = a.inbox().await;
        let search = Search::subject("plan").returning().context();
        let part = inbox.submit(search.clone().partial(PartialRange::first(2))).await.expect("SEARCH");
        assert_eq!(part.partial, Some(UidSet::from(&uids[..2])));
        let rest = search.count().partial(PartialRange::from_first(3..=9));
        let rest = inbox.submit(rest).await.expect("SEARCH");
        assert_eq!((rest.partial, rest.count), (Some(UidSet::from(&uids[2..])), Some(4)));
        let sort = || Sort::new(Search::all(), SortKey::From);
        let part = inbox.submit(sort().context().partial(1..=2)).await.expect("SORT").numbers;
        assert_eq!(part.uids().collect::<Vec<_>>(), [uids[3], uids[2]]);
        let counted = inbox.submit(sort().returning().context().count().max()).await.expect("SORT");
        assert_eq!((counted.count, counted.max), (Some(4), Some(uids[0])));
        a.finish().await;
    })
    .await;
}
