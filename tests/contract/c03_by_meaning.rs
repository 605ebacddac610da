//! Promise 3: whose answer it is follows from what an answer means, not from how the server spells
//! it.

use imap_duplex::command::{Items, StatusItems};
use imap_duplex::types::{ListEntry, MailboxName, Section};

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

const LIST: &str = r#"LIST "" *"#;

fn names(rows: &[ListEntry]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn names_of_header_fields_are_a_set_in_whatever_case() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let asked = Section::header_fields(["Subject", "From"]);
        let token = inbox.fetch(uid(11), Items::section(asked.clone()));
        let row = "* 1 FETCH (UID 11 BODY[HEADER.FIELDS (FROM SUBJECT)] {5}\r\nA: b\n)";
        s.answer("UID FETCH 11 (BODY.PEEK[HEADER.FIELDS (Subject From)])", &[row]).await;
        let rows = token.await.expect("fetched");
        assert_eq!(rows.len(), 1, "an empty result with OK would be a silent loss");
        assert_eq!(rows[0].section(&asked).map(|data| &data[..]), Some(&b"A: b\n"[..]));
        assert_eq!(rows[0].section(&Section::header_fields(["from"])), None);

        // And two pieces of one section in two rows are one section.
        let token = inbox.fetch(uid(11), Items::section(asked.clone()).size());
        let more = "* 1 FETCH (UID 11 RFC822.SIZE 5 BODY[HEADER.FIELDS (from subject)] {5}\r\nA: b\n)";
        s.answer("UID FETCH 11 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject From)])", &[row, more]).await;
        let rows = token.await.expect("fetched");
        assert_eq!((rows.len(), rows[0].sections().len(), rows[0].size()), (1, 1, Some(5)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_section_whose_origin_is_written_in_another_way_is_not_lost() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let whole = inbox.fetch(uid(11), Items::body());
        s.answer("UID FETCH 11 (BODY.PEEK[])", &["* 1 FETCH (UID 11 BODY[]<0> \"abc\")"]).await;
        assert_eq!(whole.await.expect("fetched")[0].sections()[0].data.as_deref(), Some(&b"abc"[..]));
        let piece = inbox.fetch(uid(11), Items::partial(Section::Full, 0, 100));
        s.answer("UID FETCH 11 (BODY.PEEK[]<0.100>)", &["* 1 FETCH (UID 11 BODY[] \"abc\")"]).await;
        assert_eq!(piece.await.expect("fetched")[0].body().map(|data| &data[..]), Some(&b"abc"[..]));

        // Each of two answers is routed to the command that asked for it, whichever is older.
        let (first, second) = (
            inbox.fetch(uid(11), Items::partial(Section::Full, 0, 3)),
            inbox.fetch(uid(11), Items::partial(Section::Full, 3, 3)),
        );
        let a = s.server.expect("UID FETCH 11 (BODY.PEEK[]<0.3>)").await;
        let b = s.server.expect("UID FETCH 11 (BODY.PEEK[]<3.3>)").await;
        s.server.say("* 1 FETCH (UID 11 BODY[]<3> \"def\")").await;
        s.server.say("* 1 FETCH (UID 11 BODY[]<0> \"abc\")").await;
        s.server.say(&format!("{a} OK done")).await;
        s.server.say(&format!("{b} OK done")).await;
        assert_eq!(first.await.expect("fetched")[0].sections()[0].data.as_deref(), Some(&b"abc"[..]));
        assert_eq!(second.await.expect("fetched")[0].sections()[0].data.as_deref(), Some(&b"def"[..]));
    })
    .await;
}

/// Stalwart under IMAP4rev2: each row of a mailbox whose name is not ASCII has OLDNAME.
#[tokio::test(start_paused = true)]
async fn a_row_with_the_name_in_another_spelling_is_the_answer_and_no_renaming() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev2").await;
        let all = s.imap.list("*");
        s.answer(
            LIST,
            &[
                r#"* LIST () "/" INBOX ("OLDNAME" ("inbox"))"#,
                r#"* LIST () "/" "Entwürfe" ("OLDNAME" ("Entw&APw-rfe"))"#,
                r#"* LIST () "/" "R&D" ("OLDNAME" ("R&-D"))"#,
                "* LIST () \"/\" \"Caf\u{e9}\" (\"OLDNAME\" (\"Cafe\u{301}\"))",
                r#"* LIST () "/" "plain""#,
            ],
        )
        .await;
        let rows = all.await.expect("listed");
        assert_eq!(names(&rows), ["INBOX", "Entwürfe", "R&D", "Caf\u{e9}", "plain"]);
        assert_eq!(s.events.ready_briefs(), ["LIST OK"]);

        // Asked in one form of Unicode, answered in the other.
        let one = s.imap.list("Cafe\u{301}");
        let status = s.imap.status(MailboxName::exact("Cafe\u{301}"), StatusItems::new().messages());
        s.answer("LIST \"\" \"Caf\u{e9}\"", &["* LIST () \"/\" \"Cafe\u{301}\""]).await;
        s.answer("STATUS \"Cafe\u{301}\" (MESSAGES)", &["* STATUS \"Caf\u{e9}\" (MESSAGES 3)"]).await;
        assert_eq!(names(&one.await.expect("listed")), ["Cafe\u{301}"]);
        assert_eq!(status.await.expect("reported").messages, Some(3));
        // Said unasked, it is nothing new.
        s.noop(&[r#"* LIST () "/" "Entwürfe" ("OLDNAME" ("Entw&APw-rfe"))"#]).await;
        assert_eq!(s.events.ready_briefs(), ["LIST OK", "STATUS OK", "NOOP OK"]);
    })
    .await;
}

/// RFC 9051 section 6.3.9.7: a renaming looks like a row of the LIST that runs; it is a change all
/// the same.
#[tokio::test(start_paused = true)]
async fn a_renaming_reported_while_a_list_runs_is_listed_once_and_an_event() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let all = s.imap.list("*");
        s.answer(
            LIST,
            &[
                r#"* LIST () "/" "New" ("OLDNAME" ("Old"))"#,
                r#"* LIST (\HasNoChildren) "/" "New""#,
                r#"* LIST () "/" "Moved" ("OLDNAME" ("Was"))"#,
            ],
        )
        .await;
        let rows = all.await.expect("listed");
        assert_eq!(names(&rows), ["New", "Moved"]);
        assert_eq!(s.events.ready_briefs(), ["renamed Old to New", "renamed Was to Moved", "LIST OK"]);

        // One that does not fit is no row of it.
        let some = s.imap.list("A*");
        s.answer(r#"LIST "" A*"#, &[r#"* LIST () "/" "B" ("OLDNAME" ("Ab"))"#]).await;
        assert_eq!(names(&some.await.expect("listed")), [""; 0]);
        assert_eq!(s.events.ready_briefs(), ["renamed Ab to B", "LIST OK"]);
    })
    .await;
}
