//! Promise 3: data that answers a command is routed to exactly one command, found by its content,
//! or to none and is then an event. Never to two, never to a command that did not ask.

use imap_duplex::command::{Items, List, Search, StatusItems, Store};
use imap_duplex::types::{EventKind, Flag, Flags, Message, Section};

use crate::client::{brief, seq, uid};
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

fn envelope(subject: &str) -> String {
    let people = r#"((NIL NIL "a" "example.org"))"#;
    format!(
        r#"ENVELOPE ("Wed, 17 Jul 2024 02:23:25 -0700" "{subject}" {people} {people} {people} {people} NIL NIL NIL "<1@x>")"#
    )
}

fn subjects(rows: &[Message]) -> Vec<Option<String>> {
    rows.iter().map(|row| Some(row.envelope()?.subject()?.into_owned())).collect()
}

fn sizes(rows: &[Message]) -> Vec<Option<u64>> {
    rows.iter().map(Message::size).collect()
}

fn uids(rows: &[Message]) -> Vec<u32> {
    rows.iter().filter_map(Message::uid).map(|uid| uid.get()).collect()
}

#[tokio::test(start_paused = true)]
async fn two_fetches_of_different_items_and_an_unsolicited_row_between_their_rows_are_each_right() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let all = || uid(11)..=uid(13);
        let envelopes = inbox.fetch(all(), Items::envelope());
        let lengths = inbox.fetch(all(), Items::new().size());
        let first = s.server.expect("UID FETCH 11:13 (ENVELOPE)").await;
        let second = s.server.expect("UID FETCH 11:13 (RFC822.SIZE)").await;

        s.server.say(&format!("* 1 FETCH (UID 11 {})", envelope("one"))).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 100)").await;
        s.server.say(r"* 2 FETCH (FLAGS (\Flagged))").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 200)").await;
        s.server.say(&format!("* 2 FETCH (UID 12 {})", envelope("two"))).await;
        s.server.say(r"* 3 FETCH (UID 13 FLAGS (\Seen))").await;
        s.server.say(&format!("* 3 FETCH (UID 13 {})", envelope("three"))).await;
        s.server.say(&format!("{first} OK done")).await;
        s.server.say("* 3 FETCH (UID 13 RFC822.SIZE 300)").await;
        s.server.say(&format!("{second} OK done")).await;

        let rows = envelopes.await.expect("fetched");
        assert_eq!(uids(&rows), [11, 12, 13]);
        assert_eq!(subjects(&rows), [Some("one".into()), Some("two".into()), Some("three".into())]);
        assert_eq!(sizes(&rows), [None, None, None]);
        assert!(rows.iter().all(|row| row.flags().is_none()), "no command asked for flags");
        let rows = lengths.await.expect("fetched");
        assert_eq!(uids(&rows), [11, 12, 13]);
        assert_eq!(sizes(&rows), [Some(100), Some(200), Some(300)]);
        assert_eq!(subjects(&rows), [None, None, None]);

        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(brief).collect();
        assert_eq!(
            reported,
            [r"flags 2 uid 12 (\Flagged)", r"flags 3 uid 13 (\Seen)", "FETCH OK", "FETCH OK"]
        );
        assert!(events[..2].iter().all(|event| event.cause.is_none()), "no command of ours caused it");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn how_far_a_command_has_come_is_reported_to_its_token_alone() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let copied = inbox.copy(uid(11), "Archive");
        let found = inbox.search(Search::unseen());
        let tag = s.server.expect("UID COPY 11 Archive").await;
        let search = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
        assert_eq!(copied.progress(), None);
        s.server.say(&format!("* OK [INPROGRESS (\"{tag}\" 454 1000)] Processed 45% of the mailbox")).await;
        // One that does not say whose it is, is a notice.
        s.server.say("* OK [INPROGRESS] Hang in there").await;
        s.events.until_brief("notice OK [INPROGRESS (NIL NIL NIL)] Hang in there").await;
        let progress = copied.progress().expect("reported");
        assert_eq!((progress.done, progress.total), (Some(454), Some(1000)));
        assert_eq!(found.progress(), None);
        s.server.say(&format!("{tag} OK done")).await;
        s.server.say(&format!("* ESEARCH (TAG \"{search}\") UID")).await;
        s.server.say(&format!("{search} OK done")).await;
        copied.await.expect("copied");
        assert_eq!(found.await.expect("searched").len(), 0);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_row_with_items_of_both_goes_to_the_older_alone() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let envelopes = inbox.fetch(uid(11), Items::envelope());
        let lengths = inbox.fetch(uid(11), Items::new().size());
        let first = s.server.expect("UID FETCH 11 (ENVELOPE)").await;
        let second = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.server.say(&format!("* 1 FETCH (UID 11 RFC822.SIZE 100 {})", envelope("one"))).await;
        s.server.say(&format!("{first} OK done")).await;
        s.server.say(&format!("{second} OK done")).await;
        assert_eq!(subjects(&envelopes.await.expect("fetched")), [Some("one".into())]);
        assert!(lengths.await.expect("fetched").is_empty(), "never to two");
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "FETCH OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_for_all_of_a_row_comes_before_an_older_that_asked_for_some_of_it() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let some = inbox.fetch(uid(11), Items::envelope());
        let all = inbox.fetch(uid(11), Items::envelope().size());
        let first = s.server.expect("UID FETCH 11 (ENVELOPE)").await;
        let second = s.server.expect("UID FETCH 11 (RFC822.SIZE ENVELOPE)").await;
        s.server.say(&format!("* 1 FETCH (UID 11 {})", envelope("one"))).await;
        s.server.say(&format!("{first} OK done")).await;
        s.server.say(&format!("* 1 FETCH (UID 11 {} RFC822.SIZE 5)", envelope("one"))).await;
        s.server.say(&format!("{second} OK done")).await;
        assert_eq!(sizes(&some.await.expect("fetched")), [None]);
        let rows = all.await.expect("fetched");
        assert_eq!((sizes(&rows), subjects(&rows)), (vec![Some(5)], vec![Some("one".into())]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rows_of_messages_that_a_fetch_did_not_name_are_not_its_own() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13]).await;
        let odd = inbox.fetch([uid(11), uid(13)], Items::new().size());
        let even = inbox.fetch(uid(12), Items::new().size());
        let first = s.server.expect("UID FETCH 11,13 (RFC822.SIZE)").await;
        let second = s.server.expect("UID FETCH 12 (RFC822.SIZE)").await;
        for (number, size) in [(2, 20), (1, 10), (3, 30)] {
            s.server.say(&format!("* {number} FETCH (UID {} RFC822.SIZE {size})", number + 10)).await;
        }
        s.server.say(&format!("{second} OK done")).await;
        s.server.say(&format!("{first} OK done")).await;
        assert_eq!(sizes(&even.await.expect("fetched")), [Some(20)]);
        assert_eq!(sizes(&odd.await.expect("fetched")), [Some(10), Some(30)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sections_are_distinguished_in_whatever_way_the_server_writes_them() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let header = inbox.fetch(uid(11), Items::section(Section::header_fields(["Subject"])));
        let start = inbox.fetch(uid(11), Items::partial(Section::Text, 0, 3));
        let rest = inbox.fetch(uid(11), Items::partial(Section::Text, 3, 3));
        let one = s.server.expect("UID FETCH 11 (BODY.PEEK[HEADER.FIELDS (Subject)])").await;
        let two = s.server.expect("UID FETCH 11 (BODY.PEEK[TEXT]<0.3>)").await;
        let three = s.server.expect("UID FETCH 11 (BODY.PEEK[TEXT]<3.3>)").await;
        s.server.say("* 1 FETCH (UID 11 BODY[TEXT]<3> \"def\")").await;
        s.server.say("* 1 FETCH (UID 11 BODY[TEXT]<0> {3}\r\nabc)").await;
        s.server.say("* 1 FETCH (UID 11 BODY[HEADER.FIELDS (SUBJECT)] \"x\")").await;
        for tag in [three, two, one] {
            s.server.say(&format!("{tag} OK done")).await;
        }
        let data = |rows: Vec<Message>| -> Vec<Option<Vec<u8>>> {
            let parts = rows.iter().flat_map(|row| row.sections());
            parts.map(|part| part.data.as_ref().map(|data| data.to_vec())).collect()
        };
        assert_eq!(data(header.await.expect("fetched")), [Some(b"x".to_vec())]);
        assert_eq!(data(start.await.expect("fetched")), [Some(b"abc".to_vec())]);
        assert_eq!(data(rest.await.expect("fetched")), [Some(b"def".to_vec())]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn flags_go_to_the_fetch_that_lacks_them_and_are_changes_after_that() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let token = inbox.fetch(uid(11)..=uid(12), Items::new().flags());
        let tag = s.server.expect("UID FETCH 11:12 (FLAGS)").await;
        s.server.say(r"* 1 FETCH (UID 11 FLAGS ())").await;
        s.server.say(r"* 1 FETCH (UID 11 FLAGS (\Seen))").await;
        s.server.say(r"* 2 FETCH (UID 12 FLAGS (\Flagged))").await;
        s.server.say(&format!("{tag} OK done")).await;
        let rows = token.await.expect("fetched");
        let flags: Vec<_> = rows.iter().filter_map(Message::flags).cloned().collect();
        assert_eq!(flags, [Flags::new(), Flags::from(Flag::Flagged)]);
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(brief).collect();
        assert_eq!(reported, [r"flags 1 uid 11 (\Seen)", "FETCH OK"]);
        let EventKind::FlagsChanged { before, .. } = &events[0].kind else { panic!("{:?}", events[0]) };
        assert_eq!(before, &Some(Flags::new()), "what they were is known by then");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_gets_the_rows_of_its_messages_and_others_are_somebody_elses_doing() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let token = inbox.store(uid(11), Store::add([Flag::Seen]));
        let id = token.id();
        let tag = s.server.expect(r"UID STORE 11 +FLAGS (\Seen)").await;
        s.server.say(r"* 2 FETCH (UID 12 FLAGS (\Seen))").await;
        s.server.say(r"* 1 FETCH (UID 11 FLAGS (\Seen))").await;
        s.server.say(&format!("{tag} OK done")).await;
        let rows = token.await.expect("stored");
        assert_eq!(uids(&rows), [11]);
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(|event| (brief(event), event.cause)).collect();
        assert_eq!(
            reported,
            [
                (r"flags 2 uid 12 (\Seen)".to_owned(), None),
                (r"flags 1 uid 11 (\Seen)".to_owned(), Some(id)),
                ("STORE OK".to_owned(), Some(id)),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_arrives_and_is_expunged_while_a_fetch_runs_is_an_event_and_none_of_its_rows() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let token = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say("* 2 EXISTS").await;
        s.server.say("* 1 FETCH (UID 12 RFC822.SIZE 20)").await;
        s.server.say(&format!("{tag} OK done")).await;
        let rows = token.await.expect("fetched");
        assert_eq!((uids(&rows), rows[0].seq()), (vec![12], Some(seq(1))));
        assert_eq!(s.events.ready_briefs(), ["removed 1 uid 11", "exists 2", "FETCH OK"]);
        s.answer("UID FETCH 13:* (FLAGS)", &["* 2 FETCH (UID 13 FLAGS ())"]).await;
        s.events.until_brief("arrived 2 uid 13").await;
        assert_eq!(inbox.exists(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn unsolicited_data_is_an_event() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        s.noop(&["* 1 FETCH (UID 11 RFC822.SIZE 5)", "* STATUS Sent (MESSAGES 3)", "* SEARCH 1 2"]).await;
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(brief).collect();
        assert_eq!(reported[..2], ["data fetch 1 uid 11", "status Sent"]);
        assert!(reported[2].starts_with("data Search"), "{reported:?}");
        assert_eq!(reported[3..], ["NOOP OK"]);
        assert!(events[..3].iter().all(|event| event.cause.is_none()));
        assert!(events[0].is_in(&inbox));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_status_goes_to_who_asked_for_that_mailbox_compared_decoded() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let drafts = s.imap.status("Entwürfe", StatusItems::new().messages());
        let sent = s.imap.status("Sent", StatusItems::new().messages());
        let one = s.server.expect("STATUS Entw&APw-rfe (MESSAGES)").await;
        let two = s.server.expect("STATUS Sent (MESSAGES)").await;
        s.server.say("* STATUS Sent (MESSAGES 2)").await;
        s.server.say("* STATUS Trash (MESSAGES 3)").await;
        // As a literal, which is one more way to write the same name.
        s.server.say("* STATUS {12}\r\nEntw&APw-rfe (MESSAGES 1)").await;
        s.server.say(&format!("{one} OK done")).await;
        s.server.say(&format!("{two} OK done")).await;
        assert_eq!(drafts.await.expect("answered").messages, Some(1));
        assert_eq!(sent.await.expect("answered").messages, Some(2));
        assert_eq!(s.events.ready_briefs(), ["status Trash", "STATUS OK", "STATUS OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_list_gets_what_fits_its_pattern() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let lists = s.imap.list("lists/%");
        let work = s.imap.list(List::new("work/*"));
        let one = s.server.expect("LIST \"\" lists/%").await;
        let two = s.server.expect("LIST \"\" work/*").await;
        s.server.say("* LIST () \"/\" work/2024/may").await;
        s.server.say("* LIST () \"/\" lists/rust").await;
        s.server.say("* LIST () \"/\" elsewhere").await;
        s.server.say("* LIST () \"/\" work").await;
        s.server.say("* LIST () \"/\" work/2024").await;
        s.server.say(&format!("{one} OK done")).await;
        s.server.say(&format!("{two} OK done")).await;
        let names = |entries: Vec<imap_duplex::types::ListEntry>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.name.to_string()).collect()
        };
        assert_eq!(names(lists.await.expect("listed")), ["lists/rust"]);
        assert_eq!(names(work.await.expect("listed")), ["work/2024/may", "work/2024"]);
        assert_eq!(s.events.ready_briefs(), ["created elsewhere", "created work", "LIST OK", "LIST OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn esearch_is_routed_by_its_tag_in_whatever_order_it_comes() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let seen = inbox.search(Search::seen());
        let unseen = inbox.search(Search::unseen());
        let one = s.server.expect("UID SEARCH RETURN (ALL) SEEN").await;
        let two = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
        s.server.say(&format!("* ESEARCH (TAG \"{two}\") UID ALL 12")).await;
        s.server.say(&format!("* ESEARCH (TAG \"{one}\") UID ALL 11")).await;
        s.server.say(&format!("{two} OK done")).await;
        s.server.say(&format!("{one} OK done")).await;
        assert_eq!(seen.await.expect("searched").uids().to_string(), "11");
        assert_eq!(unseen.await.expect("searched").uids().to_string(), "12");
        assert_eq!(s.events.ready_briefs(), ["SEARCH OK", "SEARCH OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn searches_without_esearch_go_out_one_at_a_time() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1").await;
        let token = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 2).await;
        let inbox = token.await.expect("selected");
        // Servers may say both answers before both tagged lines (Dovecot does), in one `* SEARCH`
        // or in several.
        let seen = inbox.search(Search::seen());
        let large = inbox.search(Search::larger(5));
        let other = s.imap.status("Drafts", StatusItems::new().messages());
        let fill = s.server.expect("UID SEARCH ALL").await;
        s.server.expect_silence(std::time::Duration::from_secs(1)).await;
        s.server.say("* SEARCH 11 12").await;
        s.server.say(&format!("{fill} OK done")).await;
        s.answer("UID SEARCH SEEN", &["* SEARCH 11"]).await;
        s.answer("UID SEARCH LARGER 5", &["* SEARCH 12", "* SEARCH 11"]).await;
        s.answer("STATUS Drafts (MESSAGES)", &["* STATUS Drafts (MESSAGES 0)"]).await;
        assert_eq!(seen.await.expect("searched").uids().to_string(), "11");
        assert_eq!(large.await.expect("searched").uids().to_string(), "11:12");
        other.await.expect("answered");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn equal_questions_in_flight_are_each_answered_though_the_tagged_lines_come_late() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let all = || uid(11)..=uid(12);
        let fetches = [
            inbox.fetch(all(), Items::new().size()),
            inbox.fetch(uid(12), Items::envelope()),
            inbox.fetch(all(), Items::new().size()),
        ];
        let statuses = [
            s.imap.status("Sent", StatusItems::new().messages()),
            s.imap.status("Sent", StatusItems::new().unseen()),
        ];
        let mut tags = Vec::new();
        for _ in 0..5 {
            tags.push(s.server.expect_start("").await.0);
        }
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say(&format!("* 2 FETCH (UID 12 {})", envelope("two"))).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say("* STATUS Sent (MESSAGES 3)").await;
        s.server.say("* STATUS Sent (UNSEEN 4)").await;
        // Not even in order.
        for tag in tags.iter().rev() {
            s.server.say(&format!("{tag} OK done")).await;
        }
        let [first, second, third] = fetches;
        assert_eq!(sizes(&first.await.expect("fetched")), [Some(1), Some(2)]);
        assert_eq!(subjects(&second.await.expect("fetched")), [Some("two".into())]);
        assert_eq!(sizes(&third.await.expect("fetched")), [Some(1), Some(2)]);
        let [messages, unseen] = statuses;
        assert_eq!(messages.await.expect("answered").messages, Some(3));
        assert_eq!(unseen.await.expect("answered").unseen, Some(4));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_fetch_is_reported_on_the_stream_and_the_one_beside_it_is_not() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let detached = inbox.fetch(uid(11)..=uid(12), Items::envelope());
        let held = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let one = s.server.expect("UID FETCH 11:12 (ENVELOPE)").await;
        let two = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        s.server.say(&format!("* 1 FETCH (UID 11 {})", envelope("one"))).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 1)").await;
        // What it had collected by now is reported first.
        s.server.expect_silence(std::time::Duration::from_millis(1)).await;
        assert_eq!(s.events.ready_briefs(), [""; 0]);
        let id = detached.detach();
        let events = s.events.ready();
        assert_eq!(
            events.iter().map(|e| (brief(e), e.cause)).collect::<Vec<_>>(),
            [("data fetch 1 uid 11".to_owned(), Some(id))]
        );
        assert!(events[0].is_in(&inbox));

        s.server.say(&format!("* 2 FETCH (UID 12 {})", envelope("two"))).await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE 2)").await;
        s.server.say(&format!("{one} OK done")).await;
        s.server.say(&format!("{two} OK done")).await;
        assert_eq!(sizes(&held.await.expect("fetched")), [Some(1), Some(2)]);
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(|event| (brief(event), event.cause == Some(id))).collect();
        assert_eq!(
            reported,
            [
                ("data fetch 2 uid 12".to_owned(), true),
                ("detached FETCH OK".to_owned(), true),
                ("FETCH OK".to_owned(), false)
            ]
        );
    })
    .await;
}
