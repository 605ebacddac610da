//! Commands about messages: APPEND, FETCH of all items, STORE, COPY, MOVE, EXPUNGE, UID EXPUNGE.

use std::time::SystemTime;

use imap_duplex::command::{Append, Expunge, Items, Search, Store};
use imap_duplex::types::{Flag, Flags, Message, Part, Section, Timestamp, Uid};
use imap_duplex::{ErrorKind, Mailbox, Sent};

use crate::account::{Account, LIMIT, MESSAGE, flagged};
use crate::client::{brief, seq};
use crate::server::{Literals, Options};
use crate::support::within;

/// Parts, an attachment with a name, all kinds of addresses, and an enclosed message.
const MIXED: &str = "Date: Wed, 17 Jul 2024 02:23:25 -0700\r\n\
    From: \"Zoe\" <zoe@example.org>\r\n\
    Sender: desk@example.org\r\n\
    To: alice@example.org, \"Bob \\\"B\\\"\" <bob@example.net>\r\n\
    Cc: carol@example.com, dave@example.com\r\n\
    Subject: the \"north\" gate\r\n\
    Message-ID: <2@example.org>\r\n\
    In-Reply-To: <1@example.org>\r\n\
    X-Long: first\r\n second\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=cut\r\n\
    \r\n\
    preamble\r\n\
    --cut\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    \r\n\
    It is open {7}\r\n\
    --cut\r\n\
    Content-Type: application/pdf; name=plan.pdf\r\n\
    Content-Disposition: attachment; filename=plan.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    JVBERg==\r\n\
    --cut\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    Subject: inside\r\n\
    From: eve@example.org\r\n\
    \r\n\
    enclosed\r\n\
    --cut--\r\n";

async fn fetch_one(inbox: &Mailbox, uid: Uid, items: Items) -> Message {
    let rows = inbox.fetch(uid, items).await.expect("FETCH");
    let [row] = <[Message; 1]>::try_from(rows).expect("one message");
    assert_eq!(row.uid(), Some(uid));
    row
}

#[tokio::test]
async fn append_with_flags_and_date_and_what_comes_back() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let date: Timestamp = "17-Jul-1996 02:44:25 -0700".parse().expect("a date");
        let message = Append::new(MIXED).flags([Flag::Seen, Flag::new("$Work")]).internal_date(date);
        let first = a.imap.append("INBOX", message).await.expect("APPEND");
        let second = a.imap.append("INBOX", MESSAGE).await.expect("APPEND");
        let (first, second) = (first.uid.expect("UIDPLUS"), second.uid.expect("UIDPLUS"));
        assert!(first < second);
        let inbox = a.inbox().await;
        let row = fetch_one(&inbox, first, Items::body().flags().internal_date().size().mod_seq()).await;
        assert_eq!(row.body().expect("BODY[]"), MIXED.as_bytes());
        // The same moment; the server shows it in its own zone.
        assert_eq!(row.internal_date().map(SystemTime::from), Some(SystemTime::from(date)));
        assert_eq!(row.size(), u64::try_from(MIXED.len()).ok());
        let flags = row.flags().expect("FLAGS");
        assert!(flags.contains(&Flag::Seen) && flags.contains(&Flag::new("$Work")), "{flags}");
        assert!(row.mod_seq().is_some());
        assert!(row.envelope().is_none() && row.body_structure().is_none(), "not asked for");

        let error = a.imap.append("Nowhere", MESSAGE).await.expect_err("there is none");
        assert_eq!(error.code().map(|code| code.name()), Some("TRYCREATE"));
        let empty = a.imap.append("INBOX", "").await;
        assert!(empty.is_ok() || empty.is_err_and(|error| error.kind() != ErrorKind::Closed));
        a.imap.noop().await.expect("the session goes on");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn append_with_whatever_literals_the_server_has() {
    within(LIMIT, async {
        let large = format!("{MESSAGE}{}", "0123456789abcde\r\n".repeat(1000));
        for (literals, small_sign, large_sign) in
            [(Literals::Plus, "+", "+"), (Literals::Minus, "+", ""), (Literals::Wait, "", "")]
        {
            let options = Options { literals, ..Options::default() };
            let (mut a, log) = Account::recorded(&options, |config| config.auto_idle(false)).await;
            log.take();
            // In flight together: a literal that waits holds the others back.
            let tokens = [
                a.imap.append("INBOX", MESSAGE),
                a.imap.append("INBOX", large.clone()),
                a.imap.append("INBOX", flagged("three")),
            ];
            let mut uids = Vec::new();
            for token in tokens {
                uids.push(token.await.expect("APPEND").uid.expect("UIDPLUS"));
            }
            let written = log.written();
            for (size, sign) in [(MESSAGE.len(), small_sign), (large.len(), large_sign)] {
                assert!(written.contains(&format!("{{{size}{sign}}}\r\n")), "{literals:?}: {written}");
            }
            let inbox = a.inbox().await;
            assert_eq!(fetch_one(&inbox, uids[0], Items::body()).await.body().expect("BODY[]"), MESSAGE);
            let row = fetch_one(&inbox, uids[1], Items::body()).await;
            assert_eq!(row.body().expect("BODY[]"), large.as_bytes());
            let row = fetch_one(&inbox, uids[2], Items::new().flags()).await;
            assert!(row.flags().expect("FLAGS").contains(&Flag::Flagged));
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn envelopes_and_body_structures() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.imap.append("INBOX", MIXED).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let row = fetch_one(&inbox, uid, Items::envelope().body_structure()).await;
        let envelope = row.envelope().expect("ENVELOPE");
        assert_eq!(envelope.subject().as_deref(), Some("the \"north\" gate"));
        assert_eq!(envelope.message_id().as_deref(), Some("<2@example.org>"));
        assert_eq!(envelope.in_reply_to().as_deref(), Some("<1@example.org>"));
        let emails = |people: imap_duplex::types::Addresses<'_>| -> Vec<String> {
            people.filter_map(|person| person.email()).collect()
        };
        assert_eq!(emails(envelope.from()), ["zoe@example.org"]);
        assert_eq!(emails(envelope.sender()), ["desk@example.org"]);
        assert_eq!(emails(envelope.reply_to()), ["zoe@example.org"], "the server fills it in");
        assert_eq!(emails(envelope.to()), ["alice@example.org", "bob@example.net"]);
        let bob = envelope.to().nth(1).expect("two");
        assert_eq!(bob.name().as_deref(), Some("Bob \"B\""));
        assert_eq!(emails(envelope.cc()), ["carol@example.com", "dave@example.com"]);
        assert_eq!(envelope.bcc().count(), 0);

        let structure = row.body_structure().expect("BODYSTRUCTURE");
        let parts: Vec<_> = structure
            .parts()
            .map(|part| {
                let number = part.number().map(ToString::to_string).unwrap_or_default();
                format!("{number} {}/{}", part.media_type(), part.subtype()).to_lowercase()
            })
            .collect();
        for part in ["1 text/plain", "2 application/pdf", "3 message/rfc822"] {
            assert!(parts.contains(&part.to_owned()), "no {part}: {parts:?}");
        }
        assert!(structure.root().is("multipart", "mixed"), "{parts:?}");
        let pdf = structure.part(&Part::new(2)).expect("there is a second");
        assert_eq!(pdf.param("name").as_deref(), Some("plan.pdf"));
        assert_eq!(pdf.encoding().as_deref(), Some("base64"));
        assert_eq!(pdf.size(), Some(8));
        let disposition = pdf.disposition().expect("it has one");
        assert!(disposition.is_attachment());
        assert_eq!(disposition.param("filename").as_deref(), Some("plan.pdf"));
        let inside = structure.part(&Part::new(3)).expect("there is a third");
        let enclosed = inside.envelope().expect("a message has one");
        assert_eq!(enclosed.subject().as_deref(), Some("inside"));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn sections_whole_and_in_part() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.imap.append("INBOX", MIXED).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let (header, text) = MIXED.split_at(MIXED.find("\r\n\r\n").expect("a body") + 4);
        let fields = "Subject: the \"north\" gate\r\nX-Long: first\r\n second\r\n\r\n";
        let sections = [
            (Section::Full, MIXED),
            (Section::Header, header),
            (Section::Text, text),
            (Section::header_fields(["Subject", "X-Long"]), fields),
            (Section::Part(Part::new(1)), "It is open {7}"),
            (Section::PartMime(Part::new(1)), "Content-Type: text/plain; charset=utf-8\r\n\r\n"),
            (Section::Part(Part::new(2)), "JVBERg=="),
            (Section::PartHeader(Part::new(3)), "Subject: inside\r\nFrom: eve@example.org\r\n\r\n"),
            (Section::PartText(Part::new(3)), "enclosed"),
            (Section::header_fields(["subject"]).of(Part::new(3)), "Subject: inside\r\n\r\n"),
        ];
        let mut all = Items::new();
        for (section, _) in &sections {
            all = all.and(Items::section(section.clone()));
        }
        let row = fetch_one(&inbox, uid, all).await;
        for (section, wanted) in &sections {
            let data = row.section(section).unwrap_or_else(|| panic!("no {section}"));
            assert_eq!(String::from_utf8_lossy(data), *wanted, "{section}");
        }
        let not =
            Section::header_fields_not(["Date", "From", "Sender", "To", "Cc", "X-Long", "MIME-Version"]);
        let row = fetch_one(&inbox, uid, Items::section(not.clone())).await;
        let rest = String::from_utf8_lossy(row.section(&not).expect("the section")).into_owned();
        assert!(rest.starts_with("Subject: the") && !rest.contains("X-Long"), "{rest}");
        // There is no such part: no bytes, and no error.
        let none = Section::Part(Part::new(9));
        let row = fetch_one(&inbox, uid, Items::section(none.clone())).await;
        assert!(row.section(&none).is_none_or(|data| data.is_empty()));

        // In windows, two in flight.
        let middle = inbox.fetch(uid, Items::partial(Section::Full, 10, 20));
        let beyond = inbox.fetch(uid, Items::partial(Section::Full, 100_000, 20));
        let rows = middle.await.expect("FETCH");
        let [part] = rows[0].sections() else { panic!("{rows:?}") };
        assert_eq!((part.origin, part.data.as_deref()), (Some(10), Some(&MIXED.as_bytes()[10..30])));
        let rows = beyond.await.expect("FETCH");
        let [part] = rows[0].sections() else { panic!("{rows:?}") };
        assert!(part.data.as_ref().is_none_or(|data| data.is_empty()), "{part:?}");

        // None of this has marked it as read; asking for that does.
        let row = fetch_one(&inbox, uid, Items::new().flags()).await;
        assert!(!row.flags().expect("FLAGS").is_seen());
        let row = fetch_one(&inbox, uid, Items::section(Section::Text).marking_seen()).await;
        assert_eq!(row.section(&Section::Text).expect("the section"), text.as_bytes());
        let row = fetch_one(&inbox, uid, Items::new().flags()).await;
        assert!(row.flags().expect("FLAGS").is_seen());
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn fetch_by_range_by_number_and_of_what_is_not_there() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        let reported = |rows: &[Message]| -> Vec<(u32, u32)> {
            let pair = |row: &Message| Some((row.seq()?.get(), row.uid()?.get()));
            rows.iter().filter_map(pair).collect()
        };
        let all: Vec<_> = (1..).zip(uids.iter().map(|uid| uid.get())).collect();
        assert_eq!(reported(&inbox.fetch(uids[0].., Items::new()).await.expect("FETCH")), all);
        assert_eq!(
            reported(&inbox.fetch(uids[1]..=uids[2], Items::new().size()).await.expect("FETCH")),
            all[1..]
        );
        assert_eq!(reported(&inbox.fetch(seq(2).., Items::new().flags()).await.expect("FETCH")), all[1..]);
        assert_eq!(reported(&inbox.fetch(seq(1), Items::envelope()).await.expect("FETCH")), all[..1]);
        let far = Uid::new(uids[2].get() + 1000).expect("not 0");
        assert!(inbox.fetch(far, Items::envelope()).await.expect("FETCH").is_empty());
        let error = inbox.fetch(seq(99), Items::envelope()).await.expect_err("there are three");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn store_adds_removes_and_replaces_aloud_and_silently() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let both = || uids[0]..=uids[1];
        let work = Flag::new("$Work");
        inbox.fetch(both(), Items::new().flags()).await.expect("FETCH");
        a.events.ready();

        let rows = inbox.store(both(), Store::add([Flag::Seen, work.clone()])).await.expect("STORE");
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.flags().is_some_and(|flags| flags.contains(&work))), "{rows:?}");
        let reported = a.events.ready();
        let end = reported.last().expect("its end");
        assert_eq!(brief(end), "STORE OK");
        let changes: Vec<_> = reported.iter().filter(|event| brief(event).starts_with("flags ")).collect();
        assert_eq!(changes.len(), 2, "{reported:?}");
        assert!(changes.iter().all(|event| event.cause == end.cause && event.is_in(&inbox)), "{reported:?}");

        let rows = inbox.store(uids[0], Store::remove([Flag::Seen]).silent()).await.expect("STORE");
        assert!(rows.is_empty(), "it was silent: {rows:?}");
        let reported = a.events.ready();
        assert!(
            brief(&reported[0]).starts_with(&format!("flags 1 uid {} ", uids[0])),
            "reported all the same: {reported:?}"
        );
        assert_eq!(reported.len(), 2, "{reported:?}");

        let rows = inbox.store(uids[0], Store::replace([Flag::Draft])).await.expect("STORE");
        let flags = rows[0].flags().expect("FLAGS");
        assert!(flags.contains(&Flag::Draft) && !flags.contains(&work) && !flags.is_seen(), "{flags}");
        let rows = inbox.store(seq(2), Store::replace(Flags::new())).await.expect("STORE");
        assert_eq!(rows[0].uid(), Some(uids[1]));
        assert!(!rows[0].flags().expect("FLAGS").is_seen());

        let rows = inbox.fetch(both(), Items::new().flags()).await.expect("FETCH");
        let has = |row: &Message, flag: &Flag| row.flags().is_some_and(|flags| flags.contains(flag));
        assert!(has(&rows[0], &Flag::Draft) && !has(&rows[1], &work) && !has(&rows[1], &Flag::Seen));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn copy_tells_where_the_messages_went() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        a.imap.create("Ar&chiv/é").await.expect("CREATE");
        let inbox = a.inbox().await;
        let copied = inbox.copy([uids[0], uids[2]], "Ar&chiv/é").await.expect("COPY");
        let pairs: Vec<_> = copied
            .uids
            .iter()
            .flat_map(|reported| reported.pairs())
            .map(|(from, to)| (from, to.get()))
            .collect();
        assert_eq!(pairs, [(uids[0], 1), (uids[2], 2)]);
        let by_number = inbox.copy(seq(2), "Ar&chiv/é").await.expect("COPY");
        assert_eq!(by_number.uids[0].from().iter().collect::<Vec<_>>(), [uids[1]]);
        let error = inbox.copy(uids[0], "Nowhere").await.expect_err("there is none");
        assert_eq!(error.code().map(|code| code.name()), Some("TRYCREATE"));
        assert_eq!(inbox.exists(), 3);
        assert_eq!(a.imap.select("Ar&chiv/é").await.expect("SELECT").exists(), 3);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn move_with_move_and_without_it() {
    within(LIMIT, async {
        let with = Options::default();
        let without = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for (options, verbs) in [(with, &["MOVE"][..]), (without, &["COPY", "STORE", "EXPUNGE"])] {
            let (mut a, log) = Account::recorded(&options, |config| config.auto_idle(false)).await;
            let uids = a.deliver(&["one", "two", "three", "four"]).await;
            a.imap.create("Archive").await.expect("CREATE");
            let inbox = a.inbox().await;
            // Not ours to remove: it must stay.
            inbox.store(uids[3], Store::add([Flag::Deleted])).await.expect("STORE");
            a.imap.noop().await.expect("NOOP");
            a.events.ready();
            log.take();
            let token = inbox.move_to([uids[0], uids[2]], "Archive");
            let id = token.id();
            let moved = token.await.expect("MOVE");
            let written = log.written();
            let sent: Vec<_> = written.lines().filter_map(|line| line.split(' ').nth(2)).collect();
            assert_eq!(sent, verbs, "{written}");
            let pairs = moved.uids.iter().flat_map(|reported| reported.pairs()).map(|(from, _)| from);
            assert_eq!(pairs.collect::<Vec<_>>(), [uids[0], uids[2]]);
            assert_eq!(inbox.exists(), 2);
            let reported = a.events.ready();
            let mut gone: Vec<_> = reported
                .iter()
                .filter(|event| brief(event).starts_with("removed "))
                .map(|event| (brief(event).rsplit(' ').next().map(str::to_owned), event.cause))
                .collect();
            gone.sort();
            let expected = [uids[0], uids[2]].map(|uid| (Some(uid.to_string()), Some(id)));
            assert_eq!(gone, expected, "{reported:?}");
            assert_eq!(brief(reported.last().expect("its end")), "MOVE OK");
            let left = inbox.search(Search::all()).await.expect("SEARCH");
            assert_eq!(left.iter().collect::<Vec<_>>(), [uids[1], uids[3]]);
            // By number it is sent as UIDs, for the numbers could change under it.
            inbox.move_to(seq(1), "Archive").await.expect("MOVE");
            let left = inbox.search(Search::all()).await.expect("SEARCH");
            assert_eq!(left.iter().collect::<Vec<_>>(), [uids[3]]);
            assert_eq!(a.imap.select("Archive").await.expect("SELECT").exists(), 3);
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_move_that_could_take_others_along_is_refused() {
    within(LIMIT, async {
        let options = Options { capability: Some("IMAP4rev1".into()), ..Options::default() };
        let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
        let uids = a.deliver(&["one"]).await;
        let inbox = a.inbox().await;
        let error = inbox.move_to(uids[0], "Trash").await.expect_err("neither MOVE nor UIDPLUS");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        assert!(error.to_string().contains("UIDPLUS"), "{error}");
        let error = inbox.expunge(uids[0]).await.expect_err("no UIDPLUS");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        assert_eq!(inbox.exists(), 1);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_move_to_a_mailbox_that_is_not_there_moves_nothing() {
    within(LIMIT, async {
        let without = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        for options in [Options::default(), without] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let uids = a.deliver(&["one"]).await;
            let inbox = a.inbox().await;
            let error = inbox.move_to(uids[0], "Nowhere").await.expect_err("there is none");
            assert_eq!(error.code().map(|code| code.name()), Some("TRYCREATE"));
            let row = fetch_one(&inbox, uids[0], Items::new().flags()).await;
            assert!(!row.flags().expect("FLAGS").contains(&Flag::Deleted));
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn expunge_of_all_and_of_some() {
    within(LIMIT, async {
        // With QRESYNC removals are reported as VANISHED, without it as EXPUNGE.
        for enable in [&["QRESYNC"][..], &[]] {
            let mut a =
                Account::with(&Options::default(), |c| c.auto_idle(false).enable(enable.iter().copied()))
                    .await;
            let uids = a.deliver(&["one", "two", "three", "four"]).await;
            let inbox = a.inbox().await;
            inbox.store([uids[0], uids[1], uids[3]], Store::add([Flag::Deleted])).await.expect("STORE");
            a.imap.noop().await.expect("NOOP");
            a.events.ready();
            let token = inbox.expunge([uids[1], uids[2]]);
            let id = token.id();
            let gone = token.await.expect("UID EXPUNGE");
            assert_eq!((gone.count, gone.uids.iter().collect::<Vec<_>>()), (1, vec![uids[1]]));
            let reported = a.events.ready();
            assert_eq!(brief(&reported[0]), format!("removed 2 uid {}", uids[1]));
            assert_eq!(reported[0].cause, Some(id));
            assert_eq!(inbox.exists(), 3);
            let gone = inbox.expunge_deleted().await.expect("EXPUNGE");
            assert_eq!((gone.count, gone.uids.iter().collect::<Vec<_>>()), (2, vec![uids[0], uids[3]]));
            assert_eq!(inbox.exists(), 1);
            assert_eq!(inbox.expunge_deleted().await.expect("EXPUNGE").count, 0);
            a.finish().await;
        }
    })
    .await;
}

/// One whose flags were so already is there.
#[tokio::test]
async fn store_and_expunge_list_what_is_not_there() {
    within(LIMIT, async {
        for enable in [&["QRESYNC"][..], &[]] {
            let mut a =
                Account::with(&Options::default(), |c| c.auto_idle(false).enable(enable.iter().copied()))
                    .await;
            let uids = a.deliver(&["one", "two", "three"]).await;
            let inbox = a.inbox().await;
            let beyond = Uid::new(uids[2].get() + 5).expect("a UID");
            let all = [uids[0], uids[1], uids[2], beyond];
            inbox.store(uids[0], Store::add([Flag::Deleted])).await.expect("STORE");
            for store in [Store::add([Flag::Deleted]), Store::add([Flag::Deleted]).silent()] {
                let stored = inbox.submit(store.of([uids[0], uids[2], beyond]).report());
                let stored = stored.await.expect("STORE");
                assert_eq!(stored.absent, beyond.into(), "{stored:?}");
            }
            let gone = inbox.submit(Expunge::messages(all).report()).await.expect("UID EXPUNGE");
            assert_eq!((gone.result.count, gone.absent), (2, beyond.into()));
            let left = inbox.submit(Store::add([Flag::Seen]).of(all).report()).await.expect("STORE");
            assert_eq!(left.absent, [uids[0], uids[2], beyond].into());
            assert_eq!((left.result.len(), inbox.exists()), (1, 1));
            a.events.ready();
            a.finish().await;
        }
    })
    .await;
}
