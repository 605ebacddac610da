//! SEARCH: every kind of key, with ESEARCH and without, in ASCII and beyond it.

use imap_duplex::command::{Append, Items, Search, StatusItems, Store};
use imap_duplex::types::{AnnotationScope, Date, Flag, Timestamp, Uid};
use imap_duplex::{ErrorKind, Sent};

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
        // RFC 7162 section 3.1.5. Both servers keep one mod-sequence a message.
        for query in [
            Search::flag_changed_since(Flag::Flagged, before),
            Search::unseen().flag_changed_since(Flag::Flagged, before),
            Search::flag_changed_in(AnnotationScope::Shared, Flag::Flagged, before),
        ] {
            let shown = format!("{query:?}");
            let found = inbox.search(query).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert_eq!(found.iter().collect::<Vec<_>>(), uids[..1], "{shown}");
        }
        let now = found.mod_seq().expect("it was there");
        let found = inbox.search(Search::flag_changed_since("$Work", now)).await.expect("SEARCH");
        assert!(found.is_empty(), "{found:?}");
        a.finish().await;
    })
    .await;
}

/// Three messages that differ in addresses, dates and flags: the fields, when they were sent, when
/// they were received (in seconds since 1970), and what they are marked with.
const DIFFERENT: [(&str, &str, i64, &[Flag]); 3] = [
    (
        "To: alice@example.org\r\nCc: carol@example.org",
        "Wed, 17 Jul 2024 12:00:00 +0000",
        1_721_304_000,
        &[Flag::Answered, Flag::Seen],
    ),
    (
        "To: bob@example.org\r\nBcc: dave@example.org",
        "Wed, 1 Jan 2025 12:00:00 +0000",
        1_735_819_200,
        &[Flag::Draft, Flag::Deleted],
    ),
    ("To: bob@example.org", "Wed, 31 Dec 2025 12:00:00 +0000", 1_767_268_800, &[]),
];

fn different(which: usize) -> Append {
    let (fields, sent, received, flags) = DIFFERENT[which];
    let message =
        format!("Date: {sent}\r\nFrom: zoe@example.org\r\n{fields}\r\nSubject: one\r\n\r\nHello\r\n");
    let received = Timestamp::new(received, 0).expect("a time");
    Append::new(message).flags(flags).internal_date(received)
}

/// RFC 3501 section 6.4.4: on messages of which each key finds some, and not all.
#[tokio::test]
async fn each_plain_key_finds_what_it_names() {
    within(LIMIT, async {
        // IMAP4rev2 knows of no \Recent.
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS UNSELECT".into()), ..Options::default() };
        let mut a = Account::with(&old, |config| config.auto_idle(false)).await;
        let mut uids = Vec::new();
        for which in 0..3 {
            if which == 2 {
                // The others are recent no more to whoever comes next.
                let first = a.imap.select("INBOX").await.expect("SELECT");
                assert_eq!(first.search(Search::recent()).await.expect("SEARCH").len(), 2);
                first.unselect().await.expect("UNSELECT");
            }
            let appended = a.imap.append("INBOX", different(which)).await.expect("APPEND");
            uids.push(appended.uid.expect("UIDPLUS"));
        }
        let inbox = a.inbox().await;
        let day = |year, month, day| Date::new(year, month, day).expect("a day");
        let cases: [(Search, &[Uid]); 20] = [
            (Search::to("bob"), &uids[1..]),
            (Search::cc("carol"), &uids[..1]),
            (Search::bcc("dave"), &uids[1..2]),
            (Search::answered(), &uids[..1]),
            (Search::seen(), &uids[..1]),
            (Search::draft(), &uids[1..2]),
            (Search::deleted(), &uids[1..2]),
            (Search::on(day(2024, 7, 18)), &uids[..1]),
            (Search::on(day(2025, 1, 2)), &uids[1..2]),
            (Search::on(day(2025, 1, 1)), &[]),
            (Search::before(day(2025, 1, 2)), &uids[..1]),
            (Search::since(day(2025, 1, 2)), &uids[1..]),
            (Search::sent_on(day(2025, 1, 1)), &uids[1..2]),
            (Search::sent_since(day(2025, 1, 1)), &uids[1..]),
            (Search::sent_before(day(2025, 12, 31)), &uids[..2]),
            (Search::recent(), &uids[2..]),
            (Search::not_recent(), &uids[..2]),
            (Search::recent_unseen(), &uids[2..]),
            (Search::undraft().raw("TO bob"), &uids[2..]),
            (!Search::seen().cc("carol"), &uids[1..]),
        ];
        for (query, expected) in cases {
            let shown = format!("{query:?}");
            let found: Vec<Uid> = inbox.search(query).await.expect("SEARCH").iter().collect();
            assert_eq!(found, expected, "{shown}");
        }
        a.finish().await;
    })
    .await;
}

/// RFC 3501 section 6.3.10, RFC 8438, RFC 9208 section 4.1.4.
#[tokio::test]
async fn status_counts_what_is_deleted_and_recent_and_how_large_all_is() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let a = Account::with(&options, |config| config.auto_idle(false)).await;
            a.imap.create("Counted").await.expect("CREATE");
            for which in 0..3 {
                a.imap.append("Counted", different(which)).await.expect("APPEND");
            }
            let capabilities = a.imap.capabilities();
            let has = |names: &[&str]| names.iter().any(|name| capabilities.has(name));
            let sizes = DIFFERENT.map(|(fields, sent, ..)| {
                let rest = "Date: \r\nFrom: zoe@example.org\r\n\r\nSubject: one\r\n\r\nHello\r\n";
                (fields.len() + sent.len() + rest.len()) as u64
            });
            let cases = [
                (StatusItems::size(), has(&["STATUS=SIZE"]), sizes.iter().sum::<u64>()),
                (StatusItems::deleted(), has(&["IMAP4rev2", "QUOTA=RES-MESSAGE"]), 1),
                (StatusItems::deleted_storage(), has(&["QUOTA=RES-STORAGE"]), sizes[1]),
                (StatusItems::recent(), !has(&["IMAP4rev2"]), 3),
                (StatusItems::unseen(), true, 2),
            ];
            for (items, has_it, expected) in cases {
                let shown = format!("{items:?}");
                match a.imap.status("Counted", items).await {
                    Ok(status) => {
                        assert!(has_it, "{shown}");
                        let numbers =
                            [status.deleted, status.recent, status.unseen].map(|n| n.map(u64::from));
                        let sizes = [status.size, status.deleted_storage];
                        let counted: Vec<u64> = numbers.into_iter().chain(sizes).flatten().collect();
                        assert_eq!(counted, [expected], "{shown}");
                    }
                    Err(error) => {
                        assert!(!has_it, "{shown}: {error}");
                        assert_eq!(
                            (error.kind(), error.sent()),
                            (ErrorKind::Unsupported, Sent::No),
                            "{error}"
                        );
                    }
                }
            }
            a.finish().await;
        }
    })
    .await;
}
