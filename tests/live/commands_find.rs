//! What finds messages: every key that a server has, chosen results, results that are kept up to
//! date, SORT and THREAD; and STORE on condition.

use std::time::Duration;

use imap_duplex::command::{
    Append, AppendAll, AppendPart, CopyMessages, CopyOutcome, PartialRange, Search, SearchReturn,
    SearchScope, SetMetadata, Sort, SortKey, SortOrder, Store, StoreLabels, ThreadBy,
};
use imap_duplex::types::{
    Answer, CommandId, Date, Event, EventKind, Flag, Message, ModSeq, NumberList, Uid, UidSet,
};
use imap_duplex::{ErrorKind, Sent};

use crate::account::{Account, LIMIT};
use crate::server::Options;
use crate::support::within;

#[tokio::test]
async fn keys_of_extensions() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        inbox.store(uids[2], Store::add(["\\Flagged", "$Work"])).await.expect("STORE");
        let rows = inbox.fetch(.., imap_duplex::command::Items::email_id()).await;
        let id = rows.ok().and_then(|rows| rows[0].email_id().map(str::to_owned)).unwrap_or("M1".into());
        let tomorrow = Date::new(2100, 1, 1).expect("a day");
        if a.imap.capabilities().has("FILTERS") {
            let entry = "/private/filters/values/on-the-road";
            let filter = SetMetadata::of_server().set(entry, "OR SUBJECT one SUBJECT two");
            a.imap.set_metadata(filter).await.expect("SETMETADATA");
        }
        let all = &uids[..];
        let cases: Vec<(&str, Search, &[Uid])> = vec![
            ("WITHIN", Search::younger(Duration::from_secs(3600)), all),
            ("WITHIN", Search::older(Duration::from_secs(3600)), &[]),
            ("CONDSTORE", Search::changed_since(ModSeq::MIN), all),
            ("SAVEDATE", Search::saved_before(tomorrow), all),
            ("SAVEDATE", Search::saved_since(tomorrow), &[]),
            ("SAVEDATE", Search::saved_on(tomorrow), &[]),
            ("SAVEDATE", Search::save_date_supported(), all),
            ("SAVEDATE", Search::flagged().save_date_supported(), &uids[2..]),
            ("OBJECTID", Search::email_id(id), &uids[..1]),
            ("X-GM-EXT-1", Search::gmail("has:attachment"), &[]),
            ("FILTERS", Search::filter("on-the-road"), &uids[..2]),
            ("SEARCH=FUZZY", Search::subject("two").fuzzy(), &uids[1..2]),
            ("IMAP4rev1", Search::unflagged().unanswered().undraft().undeleted(), &uids[..2]),
            ("IMAP4rev1", Search::without_keyword("$Work"), &uids[..2]),
            ("IMAP4rev1", Search::raw("OR SUBJECT one SUBJECT two"), &uids[..2]),
            ("IMAP4rev1", !(Search::subject("one") | Search::flagged()), &uids[1..2]),
            ("IMAP4rev1", Search::unflagged().subject("two"), &uids[1..2]),
            ("IMAP4rev1", Search::messages(inbox.newest(2)).unflagged(), &uids[1..2]),
            ("IMAP4rev1", Search::messages(&uids[1..]).flagged(), &uids[2..]),
            ("IMAP4rev1", Search::unflagged().messages(inbox.newest(2)), &uids[1..2]),
            ("IMAP4rev1", Search::flagged().messages(&uids[1..]), &uids[2..]),
        ];
        let capabilities = a.imap.capabilities();
        let mut tried = 0;
        for (needs, query, expected) in cases {
            let shown = format!("{query:?}");
            let result = inbox.search(query).await;
            if capabilities.has(needs) {
                let found: Vec<Uid> = result.unwrap_or_else(|e| panic!("{shown}: {e}")).iter().collect();
                assert_eq!(found, expected, "{shown}");
                tried += 1;
            } else {
                let error = result.expect_err("the server lacks it");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No), "{shown}");
                assert!(error.to_string().contains(needs), "{error}");
            }
        }
        assert!(tried >= 10, "{capabilities:?}");
        let error = inbox.store_labels(uids[0], StoreLabels::add(["x"])).await.expect_err("no Gmail");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn chosen_results_with_esearch_and_without() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let uids = a.deliver(&["one", "two", "three", "four"]).await;
            let inbox = a.inbox().await;
            inbox.store(uids[1], Store::add([Flag::Seen])).await.expect("STORE");
            let search =
                |adjust: fn(SearchReturn) -> SearchReturn| inbox.submit(adjust(Search::unseen().returning()));
            let found = search(|search| search.min().max().count()).await.expect("SEARCH");
            assert_eq!((found.min, found.max, found.count), (Some(uids[0]), Some(uids[3]), Some(3)));
            assert_eq!((found.all, found.partial), (None, None));
            assert_eq!(inbox.count(Search::unseen()).await.expect("SEARCH").count, Some(3));
            let unseen = [uids[0], uids[2], uids[3]];
            let found = search(|search| search.all().partial(PartialRange::last(2))).await.expect("SEARCH");
            assert_eq!(found.all, Some(UidSet::from(unseen)));
            assert_eq!(found.partial, Some(UidSet::from(&unseen[1..])));
            let found = search(|search| search.partial(1..=2)).await.expect("SEARCH");
            assert_eq!(found.partial, Some(UidSet::from(&unseen[..2])));
            let found =
                search(|search| search.partial(PartialRange::from_last(9..=12))).await.expect("SEARCH");
            assert_eq!(found.partial, Some(UidSet::new()));
            let open = Search::uids(Uid::new(uids[3].get() + 100).expect("a UID")..).returning().count();
            assert_eq!(inbox.submit(open).await.expect("SEARCH").count, Some(0), "not the last message");
            let strict = search(|search| search.count().strict()).await;
            assert_eq!(strict.is_ok(), a.imap.capabilities().has("ESEARCH"));
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_result_that_is_kept_up_to_date() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        let search = inbox.submit(Search::flagged().returning().count().all().update());
        let id = search.id();
        if !a.imap.capabilities().has("CONTEXT=SEARCH") {
            let error = search.await.expect_err("the server lacks it");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
            return a.finish().await;
        }
        let found = search.await.expect("SEARCH");
        assert_eq!((found.count, found.is_updated), (Some(0), true));
        inbox.store(uids[1], Store::add([Flag::Flagged])).await.expect("STORE");
        a.imap.noop().await.expect("NOOP");
        let changes = |events| -> Vec<(bool, String)> {
            changes_of(id, events).into_iter().map(|(added, _, numbers)| (added, numbers)).collect()
        };
        assert_eq!(changes(a.events.ready()), [(true, uids[1].to_string())]);
        inbox.store(uids[1], Store::remove([Flag::Flagged])).await.expect("STORE");
        a.imap.noop().await.expect("NOOP");
        assert_eq!(changes(a.events.ready()), [(false, uids[1].to_string())]);
        inbox.cancel_updates(id).await.expect("CANCELUPDATE");
        inbox.store(uids[0], Store::add([Flag::Flagged])).await.expect("STORE");
        a.imap.noop().await.expect("NOOP");
        assert_eq!(changes(a.events.ready()), []);
        let error = inbox.cancel_updates(id).await.expect_err("it has ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        a.finish().await;
    })
    .await;
}

/// A message with these header fields.
fn message(subject: &str, id: &str, references: &str, day: u8) -> String {
    let references =
        if references.is_empty() { String::new() } else { format!("References: {references}\r\n") };
    format!(
        "Date: Wed, {day} Jul 2024 02:23:25 -0700\r\nFrom: zoe@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{id}@example.org>\r\n{references}\r\nIt is open {}\r\n",
        "x".repeat(day.into())
    )
}

#[tokio::test]
async fn sort_keeps_the_order() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS SORT".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let mut uids = Vec::new();
            for (subject, day) in [("b", 12), ("Re: a", 17), ("a", 10), ("c", 15)] {
                let appended =
                    a.imap.append("INBOX", message(subject, subject, "", day)).await.expect("APPEND");
                uids.push(appended.uid.expect("UIDPLUS"));
            }
            let inbox = a.inbox().await;
            let sorted = async |query: Search, order: SortOrder| -> Vec<usize> {
                let found = inbox.sort(query, order).await.expect("SORT");
                found.numbers.uids().filter_map(|uid| uids.iter().position(|known| *known == uid)).collect()
            };
            let by_subject = SortOrder::by(SortKey::Subject).then_descending(SortKey::Date);
            assert_eq!(sorted(Search::all(), by_subject).await, [1, 2, 0, 3]);
            assert_eq!(sorted(Search::all(), SortKey::Date.into()).await, [2, 0, 3, 1]);
            assert_eq!(sorted(Search::all(), SortOrder::descending(SortKey::Arrival)).await.len(), 4);
            assert_eq!(sorted(Search::subject("a"), SortOrder::descending(SortKey::Size)).await, [1, 2]);
            assert_eq!(sorted(Search::subject("grün"), SortKey::To.into()).await, [0; 0]);
            let page = Sort::new(Search::all(), SortKey::Date).partial(PartialRange::last(2));
            let page: Vec<Uid> = inbox.submit(page).await.expect("SORT").numbers.uids().collect();
            assert_eq!(page, [uids[3], uids[1]]);
            a.finish().await;
        }
        let none = Options { capability: Some("IMAP4rev1".into()), ..Options::default() };
        let mut a = Account::with(&none, |config| config.auto_idle(false)).await;
        let inbox = a.inbox().await;
        let error = inbox.sort(Search::all(), SortKey::Date).await.expect_err("no SORT");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        a.finish().await;
    })
    .await;
}

/// RFC 5267: what a SORT returns, with ESORT and without; and kept up to date where the server can.
#[tokio::test]
async fn chosen_results_of_a_sort() {
    within(LIMIT, async {
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS SORT".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let mut uids = Vec::new();
            for day in [12, 17, 10, 15] {
                let appended = a.imap.append("INBOX", message("x", "x", "", day)).await.expect("APPEND");
                uids.push(appended.uid.expect("UIDPLUS"));
            }
            let inbox = a.inbox().await;
            let by_date = || Sort::new(Search::all(), SortKey::Date).returning();
            let in_order = |places: &[usize]| -> Option<Vec<Uid>> {
                Some(places.iter().map(|place| uids[*place]).collect())
            };
            let listed = |list: Option<NumberList>| list.map(|list| list.uids().collect::<Vec<_>>());
            let found = inbox.submit(by_date().min().max().count()).await.expect("SORT");
            assert_eq!((found.min, found.max, found.count), (Some(uids[2]), Some(uids[1]), Some(4)));
            assert_eq!((found.all, found.partial), (None, None));
            let found = inbox.submit(by_date().count().partial(2..=3)).await.expect("SORT");
            assert_eq!((found.count, listed(found.partial)), (Some(4), in_order(&[0, 3])));
            let found = inbox.submit(by_date().partial(PartialRange::last(1)).all()).await.expect("SORT");
            assert_eq!((listed(found.partial), listed(found.all)), (in_order(&[1]), in_order(&[2, 0, 3, 1])));
            let none = Sort::new(Search::flagged(), SortKey::Date).returning().min().count().partial(1..=2);
            let none = inbox.submit(none).await.expect("SORT");
            assert_eq!((none.min, none.count, listed(none.partial)), (None, Some(0), Some(vec![])));
            let strict = inbox.submit(by_date().count().strict()).await;
            assert_eq!(strict.is_ok(), a.imap.capabilities().has("ESORT"));
            let update = inbox.submit(by_date().count().update());
            let id = update.id();
            if a.imap.capabilities().has("CONTEXT=SORT") {
                assert!(update.await.expect("SORT").is_updated);
                let between = a.imap.append("INBOX", message("x", "x", "", 13)).await.expect("APPEND");
                a.imap.noop().await.expect("NOOP");
                let changes = changes_of(id, a.events.ready());
                assert_eq!(changes, [(true, 3, between.uid.expect("UIDPLUS").to_string())]);
                inbox.store(uids[2], Store::add([Flag::Deleted])).await.expect("STORE");
                inbox.expunge(uids[2]).await.expect("EXPUNGE");
                assert_eq!(changes_of(id, a.events.ready()), [(false, 1, uids[2].to_string())]);
                inbox.cancel_updates(id).await.expect("CANCELUPDATE");
            } else {
                let error = update.await.expect_err("the server lacks it");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
            }
            a.finish().await;
        }
    })
    .await;
}

/// How this search's result has changed: added or removed, where, and which.
fn changes_of(search: CommandId, events: Vec<Event>) -> Vec<(bool, u32, String)> {
    let of_it = events.into_iter().filter(|event| event.cause == Some(search));
    let found = of_it.filter_map(|event| match event.kind {
        EventKind::Data(Answer::ESearch(found)) => Some(found.changes),
        _ => None,
    });
    found.flatten().map(|change| (change.added, change.position, change.numbers.to_string())).collect()
}

#[tokio::test]
async fn threads_are_trees() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let mut uids = Vec::new();
        for (subject, id, references, day) in [
            ("plan", "1", "", 10),
            ("Re: plan", "2", "<1@example.org>", 11),
            ("Re: plan", "3", "<1@example.org> <2@example.org>", 12),
            ("other", "4", "", 13),
            ("Re: plan", "5", "<1@example.org>", 14),
        ] {
            let appended =
                a.imap.append("INBOX", message(subject, id, references, day)).await.expect("APPEND");
            uids.push(appended.uid.expect("UIDPLUS"));
        }
        let inbox = a.inbox().await;
        let threads = async |query: Search, by: ThreadBy| -> Vec<(u32, usize)> {
            let threads = inbox.thread(query, by).await.expect("THREAD");
            let place = |uid: Uid| uids.iter().position(|known| *known == uid).expect("known");
            threads.iter().map(|node| (node.depth, place(node.uid().expect("is there")))).collect()
        };
        let by_references = threads(Search::all(), ThreadBy::References).await;
        assert_eq!(by_references, [(0, 0), (1, 1), (2, 2), (1, 4), (0, 3)]);
        // Servers differ in whether what is below the first is a chain or a list.
        let by_subject = threads(Search::subject("plan"), ThreadBy::OrderedSubject).await;
        let places: Vec<usize> = by_subject.iter().map(|(_, place)| *place).collect();
        assert_eq!((places, by_subject[1].0), (vec![0, 1, 2, 4], 1));
        assert_eq!(
            inbox.thread(Search::subject("none"), ThreadBy::References).await.expect("THREAD").len(),
            0
        );
        // By references alone: what has but the subject in common is a thread of its own, and the
        // one with the newest message comes last.
        let mut others = Vec::new();
        for (subject, id, references, day) in [
            ("Re: other", "6", "", 1),
            ("Re: plan", "7", "<3@example.org>", 2),
            ("x", "8", "<4@example.org>", 3),
        ] {
            let appended =
                a.imap.append("INBOX", message(subject, id, references, day)).await.expect("APPEND");
            others.push(appended.uid.expect("UIDPLUS"));
        }
        let all: Vec<Uid> = uids.iter().chain(&others).copied().collect();
        let by_refs = inbox.thread(Search::all(), ThreadBy::Refs).await.expect("THREAD=REFS");
        let place = |uid: Uid| all.iter().position(|known| *known == uid).expect("known");
        let by_refs: Vec<_> =
            by_refs.iter().map(|node| (node.depth, place(node.uid().expect("is there")))).collect();
        let plan = [(0, 0), (1, 1), (2, 2), (3, 6), (1, 4)];
        let expected: Vec<_> = [(0, 5), (0, 3), (1, 7)].into_iter().chain(plan).collect();
        assert_eq!(by_refs, expected);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn store_on_condition() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        let rows = inbox.fetch(.., imap_duplex::command::Items::mod_seq()).await.expect("FETCH");
        let seen = rows.iter().filter_map(Message::mod_seq).max().expect("CONDSTORE");
        let mut other = a.other().await;
        other.command(&format!("UID STORE {} +FLAGS (\\Answered)", uids[1])).await;
        for change in [Store::add(["$Claimed"]), Store::add(["$Quietly"]).silent()] {
            let stored = inbox.store_unchanged(&uids, change, seen).await.expect("no failure");
            assert!(stored.modified.contains(uids[1]), "{stored:?}");
            assert!(!stored.messages.iter().any(|row| row.uid() == Some(uids[1])), "{stored:?}");
        }
        let rows = inbox.fetch(.., imap_duplex::command::Items::flags()).await.expect("FETCH");
        let claimed: Vec<bool> =
            rows.iter().map(|row| row.flags().expect("FLAGS").contains(&Flag::new("$Claimed"))).collect();
        assert_eq!(claimed, [true, false, true]);
        let late = Store::remove(["$Claimed"]).of(&uids).unchanged_since(seen);
        assert_eq!(inbox.submit(late).await.expect("no failure").modified, UidSet::from(&uids));
        other.logout().await;
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn several_at_once_or_one_by_one() {
    within(LIMIT, async {
        let two = ["Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n2\r\n"];
        let old = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for (options, at_once) in [(Options::default(), true), (old, false)] {
            let a = Account::with(&options, |config| config.auto_idle(false)).await;
            let all = a.imap.append_all("INBOX", two).await;
            match all {
                Ok(appended) => assert!(at_once && appended.len() == 2),
                Err(error) => {
                    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
                    assert!(!at_once && error.to_string().contains("MULTIAPPEND"), "{error}");
                }
            }
            assert_eq!(a.imap.append_each("INBOX", two).await.expect("APPEND").len(), 2);
            let one_by_one = AppendAll::new("INBOX", two).one_by_one();
            assert_eq!(a.imap.submit(one_by_one).await.expect("APPEND").len(), 2);
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_of_parts_that_the_server_has() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid =
            a.imap.append("INBOX", message("plan", "1", "", 10)).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let validity = inbox.uid_validity().expect("UIDVALIDITY");
        let url = format!("/INBOX;UIDVALIDITY={validity}/;UID={uid}/;SECTION=HEADER");
        let parts = [AppendPart::url(url), AppendPart::text("It is closed.\r\n")];
        let result = a.imap.append("INBOX", Append::parts(parts)).await;
        if a.imap.capabilities().has("CATENATE") {
            let new = result.expect("CATENATE").uid.expect("UIDPLUS");
            let rows = inbox.fetch(new, imap_duplex::command::Items::envelope().text()).await.expect("FETCH");
            let text = rows[0].section(&imap_duplex::types::Section::Text).expect("the text");
            assert_eq!(text, &b"It is closed.\r\n"[..]);
            assert!(rows[0].envelope().and_then(|e| e.subject()).is_some_and(|subject| subject == "plan"));
            let none = format!("/INBOX;UIDVALIDITY={validity}/;UID=4000000000");
            let error = a.imap.append("INBOX", Append::parts([AppendPart::url(none)])).await;
            assert_eq!(error.expect_err("no such message").kind(), ErrorKind::No);
        } else {
            let error = result.expect_err("the server lacks it");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        }
        let before = inbox.count(Search::all()).await.expect("SEARCH").count;
        let replaced = inbox.replace(uid, message("again", "2", "", 11)).await;
        if a.imap.capabilities().has("REPLACE") {
            let new = replaced.expect("REPLACE").uid.expect("UIDPLUS");
            assert!(inbox.search(Search::uids(uid)).await.expect("SEARCH").is_empty());
            let found = inbox.search(Search::subject("again")).await.expect("SEARCH");
            assert_eq!(found.iter().collect::<Vec<_>>(), [new]);
            let error = inbox.replace(uid, "gone").await.expect_err("no such message");
            assert_eq!(error.kind(), ErrorKind::No);
        } else {
            assert_eq!(replaced.expect_err("the server lacks it").kind(), ErrorKind::Unsupported);
        }
        assert_eq!(inbox.count(Search::all()).await.expect("SEARCH").count, before);
        a.finish().await;
    })
    .await;
}

/// It is not sent, and says what is missing.
fn refused(error: imap_duplex::Error, needs: &str) {
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
    assert!(error.to_string().contains(needs), "{error}");
}

#[tokio::test]
async fn what_is_known_of_a_copy() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one"]).await;
        a.imap.create("Archive").await.expect("CREATE");
        let inbox = a.inbox().await;
        let copied = inbox.copy(uids[0], "Archive").await.expect("COPY");
        assert_eq!(copied.outcome, CopyOutcome::Reported);
        let absent = Uid::new(4_000_000_000).expect("a UID");
        let copied = inbox.copy(absent, "Archive").await.expect("COPY");
        assert_eq!((copied.outcome, copied.uids), (CopyOutcome::NothingMatched, Vec::new()));
        let in_pieces = CopyMessages::copying(&uids, "Archive").in_pieces();
        assert_eq!(inbox.submit(in_pieces).await.expect("COPY").uids.len(), 1);
        let strict = CopyMessages::moving(&uids, "Archive").strict();
        let moved = inbox.submit(strict).await.expect("MOVE");
        assert_eq!((moved.uids.len(), inbox.exists()), (1, 0));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn several_mailboxes_at_once_and_one_in_pieces() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        a.imap.create("Archive/2024").await.expect("CREATE");
        a.imap.append("Archive/2024", message("two", "1", "", 10)).await.expect("APPEND");
        let inbox = a.inbox().await;
        let scope = SearchScope::inboxes().and(SearchScope::subtree(["Archive"]));
        let found = a.imap.search_in(scope, Search::subject("two")).await;
        if a.imap.capabilities().has("MULTISEARCH") {
            let mut found = found.expect("ESEARCH");
            found.sort_by_key(|found| found.mailbox.is_inbox());
            let names: Vec<_> = found.iter().map(|found| found.mailbox.as_str()).collect();
            assert_eq!(names, ["Archive/2024", "INBOX"]);
            assert_eq!(found[1].uids, UidSet::from(&uids[1..2]));
            assert_eq!(found[1].uid_validity, inbox.uid_validity());
        } else {
            refused(found.expect_err("the server lacks it"), "MULTISEARCH");
        }
        a.imap.subscribe("Archive/2024").await.expect("SUBSCRIBE");
        for scope in
            [SearchScope::personal(), SearchScope::subscribed(), SearchScope::subtree_one(["Archive"])]
        {
            let in_scope = Search::subject("two").returning().count().in_scope(scope.clone());
            let found = a.imap.submit(in_scope).await;
            if a.imap.capabilities().has("MULTISEARCH") {
                let found = found.expect("ESEARCH");
                let archived = found.iter().find(|found| found.mailbox.as_str() == "Archive/2024");
                assert_eq!(archived.and_then(|found| found.count), Some(1), "{scope:?}: {found:?}");
                let others = found.len() - 1;
                assert_eq!(others, usize::from(scope == SearchScope::personal()), "{scope:?}: {found:?}");
            } else {
                refused(found.expect_err("the server lacks it"), "MULTISEARCH");
            }
        }
        let batches = inbox.uid_batches(500).await;
        if a.imap.capabilities().has("UIDBATCHES") {
            let batches = batches.expect("UIDBATCHES").batches;
            assert_eq!(batches.to_string(), format!("{}:1", uids[2]));
        } else {
            refused(batches.expect_err("the server lacks it"), "UIDBATCHES");
        }
        a.finish().await;
    })
    .await;
}
