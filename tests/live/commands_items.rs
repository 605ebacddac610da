//! FETCH: items of extensions, macros, partial results, what has changed or gone, what is absent.

use imap_duplex::command::{Fetch, Items, PartialRange, Store};
use imap_duplex::types::{Flag, Message, Part, Section, Uid, UidSet};
use imap_duplex::{ErrorKind, Sent};

use crate::account::{Account, LIMIT};
use crate::server::Options;
use crate::support::within;

/// A part in base64, whose content is `%PDF`.
const ENCODED: &str = "Subject: plan\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n\
    --cut\r\nContent-Type: text/plain\r\n\r\nIt is open.\r\n\
    --cut\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--cut--\r\n";

fn uids_of(rows: &[Message]) -> Vec<Uid> {
    rows.iter().filter_map(Message::uid).collect()
}

#[tokio::test]
async fn items_of_extensions() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.imap.append("INBOX", ENCODED).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let plan = Section::Part(Part::new(2));
        let cases = [
            ("BINARY", Items::binary(plan.clone())),
            ("BINARY", Items::binary_size(plan.clone()).binary_partial(plan.clone(), 1, 2)),
            ("PREVIEW", Items::preview()),
            ("PREVIEW", Items::flags().lazy_preview()),
            ("SAVEDATE", Items::save_date().size()),
            ("OBJECTID", Items::email_id().thread_id()),
            ("X-GM-EXT-1", Items::gmail_labels()),
        ];
        let capabilities = a.imap.capabilities();
        let mut fetched = 0;
        for (needs, items) in cases {
            let result = inbox.fetch(uid, items.clone()).await;
            if !capabilities.has(needs) {
                let error = result.expect_err("the server lacks it");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
                assert!(error.to_string().contains(needs), "{error}");
                continue;
            }
            let rows = result.expect(needs);
            let [row] = &rows[..] else { panic!("{rows:?}") };
            fetched += 1;
            match needs {
                "BINARY" if items == Items::binary(plan.clone()) => {
                    assert_eq!(row.binary(&plan).expect("BINARY[2]"), &b"%PDF"[..]);
                }
                "BINARY" => {
                    assert_eq!(row.binary_size(&plan), Some(4));
                    assert_eq!(row.binaries()[0].data.as_deref(), Some(&b"PD"[..]));
                }
                "PREVIEW" if items == Items::preview() => {
                    assert_eq!(row.preview(), Some("It is open."));
                }
                "PREVIEW" => assert!(row.extra_items().any(|name| name == "PREVIEW"), "{row:?}"),
                "SAVEDATE" => assert!(row.save_date().is_some() && row.size().is_some(), "{row:?}"),
                _ => assert!(row.email_id().is_some() && row.extra_items().count() == 2, "{row:?}"),
            }
        }
        assert!(fetched >= 4, "{capabilities:?}");
        let rows = inbox.fetch(uid, Items::overview().header_fields(["Subject"])).await.expect("FETCH");
        let subject = rows[0].section(&Section::header_fields(["subject"])).expect("the field");
        assert_eq!(subject, &b"Subject: plan\r\n\r\n"[..]);
        assert!(rows[0].envelope().is_some() && rows[0].size().is_some() && rows[0].flags().is_some());
        let error = inbox.fetch(uid, Items::other("X-NO-SUCH-ITEM")).await.expect_err("not known");
        assert_eq!(error.kind(), ErrorKind::Bad);
        let error = inbox.fetch(uid, Items::other("X)\r\nA9 LOGOUT")).await.expect_err("no name");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        a.finish().await;
    })
    .await;
}

/// RFC 9051 section 6.4.5: what each macro stands for, and headers, whole or chosen.
#[tokio::test]
async fn macros_and_headers() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.imap.append("INBOX", ENCODED).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let fetched = async |items: Items| -> Message {
            let mut rows = inbox.fetch(uid, items).await.expect("FETCH");
            assert_eq!(rows.len(), 1, "{rows:?}");
            rows.remove(0)
        };
        for (items, envelope, structure) in [
            (Items::fast(), false, false),
            (Items::overview(), true, false),
            (Items::full(), true, true),
            (Items::envelope().fast(), true, false),
            (Items::flags().full(), true, true),
        ] {
            let row = fetched(items.clone()).await;
            assert!(row.flags().is_some() && row.internal_date().is_some(), "{items:?}: {row:?}");
            assert_eq!(row.size(), Some(ENCODED.len() as u64), "{items:?}");
            assert_eq!((row.envelope().is_some(), row.body_structure().is_some()), (envelope, structure));
        }
        let (header, _) = ENCODED.split_at(ENCODED.find("\r\n\r\n").expect("a body") + 4);
        let not = Section::header_fields_not(["MIME-Version", "Content-Type"]);
        let mime = Section::PartMime(Part::new(2));
        let row =
            fetched(Items::header().mime(Part::new(2)).header_fields_not(["MIME-Version", "Content-Type"]));
        let row = row.await;
        let text = |section: &Section| {
            String::from_utf8_lossy(row.section(section).expect("it was asked for")).into_owned()
        };
        assert_eq!((text(&Section::Header), text(&not)), (header.to_owned(), "Subject: plan\r\n\r\n".into()));
        let of_part = "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        assert_eq!(text(&mime), of_part);
        let row = fetched(Items::mime(Part::new(1)).header()).await;
        let first = row.section(&Section::PartMime(Part::new(1))).expect("it was asked for");
        assert_eq!(first, &b"Content-Type: text/plain\r\n\r\n"[..]);
        // None of this has marked it as read.
        assert!(!fetched(Items::flags()).await.flags().expect("FLAGS").is_seen());
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_part_of_what_there_is() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let uids = a.deliver(&["one", "two", "three", "four", "five"]).await;
            let inbox = a.inbox().await;
            let newest = Fetch::new(.., Items::flags()).partial(PartialRange::last(2));
            assert_eq!(uids_of(&inbox.submit(newest).await.expect("FETCH")), uids[3..]);
            let middle = Fetch::new(uids[1].., Items::flags()).partial(2..=3);
            assert_eq!(uids_of(&inbox.submit(middle).await.expect("FETCH")), uids[2..4]);
            let beyond = Fetch::new(uids[1].., Items::flags()).partial(50..=60);
            assert!(inbox.submit(beyond).await.expect("FETCH").is_empty());
            let strict = inbox.submit(Fetch::new(.., Items::flags()).partial(1..=1).strict()).await;
            if a.imap.capabilities().has("PARTIAL") {
                assert_eq!(uids_of(&strict.expect("FETCH")), uids[..1]);
            } else {
                assert_eq!(strict.expect_err("no PARTIAL").kind(), ErrorKind::Unsupported);
            }
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_has_changed_and_what_has_gone() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        let rows = inbox.fetch(.., Items::mod_seq()).await.expect("FETCH");
        let before = rows.iter().filter_map(Message::mod_seq).max().expect("CONDSTORE");
        inbox.store(uids[0], Store::add(["\\Flagged"])).await.expect("STORE");
        inbox.store(uids[1], Store::add([Flag::Deleted])).await.expect("STORE");
        inbox.expunge(uids[1]).await.expect("EXPUNGE");
        let changes = inbox.changes(.., Items::flags(), before).await.expect("QRESYNC");
        assert_eq!(uids_of(&changes.messages), uids[..1]);
        assert!(changes.messages[0].flags().expect("FLAGS").contains(&Flag::Flagged));
        assert_eq!(changes.vanished, UidSet::from(uids[1]));
        let changed = Fetch::new(.., Items::flags()).changed_since(before);
        assert_eq!(uids_of(&inbox.submit(changed.clone()).await.expect("FETCH")), uids[..1]);
        let report = inbox.submit(changed.report().vanished()).await.expect("QRESYNC");
        assert_eq!((uids_of(&report.messages), report.vanished), (vec![uids[0]], UidSet::from(uids[1])));
        let report = inbox.submit(Fetch::new(&uids, Items::size()).report()).await.expect("FETCH");
        assert_eq!((uids_of(&report.messages), report.absent), (vec![uids[0], uids[2]], uids[1].into()));
        a.finish().await;
    })
    .await;
}
