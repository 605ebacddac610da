//! Promise 3, where one command is answered in several pieces: two answers for one message are
//! merged, or both delivered, and never lost; and where answers look like unsolicited data.

use imap_duplex::command::{Items, List, Notify, NotifyEvent, StatusItems};
use imap_duplex::types::{EventKind, Flag, Flags, Message};

use crate::client::{brief, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

/// RFC 9051 section 7.5.2 has no rule that all items of a message come in one response.
const PIECES: [&str; 6] = [
    "* 2 FETCH (UID 12 RFC822.SIZE 20)",
    "* 1 FETCH (UID 11 RFC822.SIZE 10)",
    r"* 1 FETCH (UID 11 FLAGS (\Seen))",
    r#"* 1 FETCH (BODY[] "one")"#,
    r#"* 2 FETCH (BODY[] "two" UID 12)"#,
    r"* 2 FETCH (FLAGS ())",
];

type Whole = (Option<u32>, Option<u64>, Option<Vec<u8>>, Option<Flags>);

fn whole(row: &Message) -> Whole {
    (row.uid().map(|uid| uid.get()), row.size(), row.body().map(|body| body.to_vec()), row.flags().cloned())
}

#[tokio::test(start_paused = true)]
async fn the_pieces_of_a_message_are_merged_for_whoever_awaits_them() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let rows = inbox.fetch(uid(11)..=uid(12), Items::body().size().flags());
        s.answer("UID FETCH 11:12 (FLAGS RFC822.SIZE BODY.PEEK[])", &PIECES).await;
        let rows = rows.await.expect("fetched");
        assert_eq!(
            rows.iter().map(whole).collect::<Vec<_>>(),
            [
                (Some(12), Some(20), Some(b"two".to_vec()), Some(Flags::new())),
                (Some(11), Some(10), Some(b"one".to_vec()), Some(Flags::from(Flag::Seen))),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn they_are_each_delivered_by_a_stream_and_on_the_event_stream() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12]).await;
        let mut rows = inbox.fetch(uid(11)..=uid(12), Items::body().size().flags()).stream();
        s.answer("UID FETCH 11:12 (FLAGS RFC822.SIZE BODY.PEEK[])", &PIECES).await;
        let (mut pieces, mut bodies) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().await {
            let row = row.expect("a row");
            pieces.push(row.uid().map_or(0, |uid| uid.get()));
            bodies.extend(row.body().map(|body| body.to_vec()));
        }
        assert_eq!(pieces, [12, 11, 11, 11, 12, 12]);
        assert_eq!(bodies, [b"one".to_vec(), b"two".to_vec()]);
        s.events.until_brief("FETCH OK").await;

        inbox.fetch(uid(11)..=uid(12), Items::body().size().flags()).detach();
        s.answer("UID FETCH 11:12 (FLAGS RFC822.SIZE BODY.PEEK[])", &PIECES).await;
        s.events.until_brief("detached FETCH OK").await;
        for (piece, times) in [("data fetch 1 uid 11", 3), ("data fetch 2 uid 12", 3)] {
            assert_eq!(s.events.count(piece), times, "{piece}");
        }
    })
    .await;
}

/// Each of two commands gets one of two equal answers; a third is unsolicited.
#[tokio::test(start_paused = true)]
async fn what_was_answered_already_goes_to_the_next_that_asked() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let both = [inbox.fetch(uid(11), Items::new().size()), inbox.fetch(uid(11), Items::new().size())];
        let tags = [
            s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
            s.server.expect("UID FETCH 11 (RFC822.SIZE)").await,
        ];
        for size in [1, 2, 3] {
            s.server.say(&format!("* 1 FETCH (UID 11 RFC822.SIZE {size})")).await;
        }
        s.server.say(&format!("{} OK done", tags[0])).await;
        s.server.say(&format!("{} OK done", tags[1])).await;
        let [one, other] = both;
        let rows = [one.await.expect("fetched"), other.await.expect("fetched")];
        let sizes: Vec<_> =
            rows.iter().map(|rows| rows.iter().map(Message::size).collect::<Vec<_>>()).collect();
        // The third is received while both are in flight: merged with what is there, it changes
        // nothing.
        assert_eq!(sizes, [[Some(1)], [Some(2)]]);
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "FETCH OK"]);
    })
    .await;
}

/// NOTIFY reports by LIST and STATUS (RFC 5465 sections 5.4 and 4): answers are distinguished from
/// reports.
#[tokio::test(start_paused = true)]
async fn list_and_status_are_distinguished_from_those_of_notify() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), &format!("{CAPABILITIES} NOTIFY")).await;
        let watch = s.imap.notify(Notify::set().personal([NotifyEvent::MailboxName]));
        let (tag, _) = s.server.expect_start("NOTIFY SET").await;
        s.server.say(&format!("{tag} OK notified")).await;
        watch.await.expect("notified");
        s.events.ready();

        let list = s.imap.list(List::new("lists/%"));
        let status = s.imap.status("lists/rust", StatusItems::new().messages().unseen());
        let one = s.server.expect("LIST \"\" lists/%").await;
        let two = s.server.expect("STATUS lists/rust (MESSAGES UNSEEN)").await;
        s.server.say(r#"* LIST () "/" work/new"#).await;
        s.server.say(r#"* LIST (\NonExistent) "/" lists/old"#).await;
        s.server.say(r#"* LIST () "/" lists/rust"#).await;
        s.server.say("* STATUS work/new (MESSAGES 1 UNSEEN 1)").await;
        s.server.say("* STATUS lists/rust (MESSAGES 7 UNSEEN 2)").await;
        s.server.say(&format!("{two} OK done")).await;
        s.server.say(&format!("{one} OK done")).await;
        let entries = list.await.expect("listed");
        assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["lists/rust"]);
        assert_eq!(status.await.expect("answered").messages, Some(7));
        let events = s.events.ready();
        let reported: Vec<_> = events.iter().map(|event| (brief(event), event.cause.is_some())).collect();
        assert_eq!(
            reported,
            [
                ("created work/new".to_owned(), false),
                ("deleted lists/old".to_owned(), false),
                ("status work/new".to_owned(), false),
                ("STATUS OK".to_owned(), true),
                ("LIST OK".to_owned(), true),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_vanished_may_tell_what_several_commands_and_others_removed() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11, 12, 13, 14, 15]).await;
        s.events.ready();
        let expunge = inbox.expunge([uid(11), uid(12)]);
        let moved = inbox.move_to(uid(15), "Trash");
        let other = inbox.expunge(uid(14));
        let first = s.server.expect("UID EXPUNGE 11:12").await;
        let second = s.server.expect("UID MOVE 15 Trash").await;
        let third = s.server.expect("UID EXPUNGE 14").await;
        // Another session expunged 13.
        s.server.say("* VANISHED 11:15").await;
        s.server.say("* OK [COPYUID 3 15 900] moved").await;
        for tag in [first, second, third] {
            s.server.say(&format!("{tag} OK done")).await;
        }
        let (ids, events) = ([expunge.id(), moved.id(), other.id()], &mut s.events);
        let expunged = [expunge.await.expect("expunged"), other.await.expect("expunged")];
        assert_eq!(expunged.map(|e| (e.count, e.uids.to_string())), [(2, "11:12".into()), (1, "14".into())]);
        assert_eq!(moved.await.expect("moved").uids.len(), 1);
        let removed = events.ready().into_iter().filter_map(|event| match event.kind {
            EventKind::Expunged { uid, .. } => Some((uid.map_or(0, |uid| uid.get()), event.cause)),
            _ => None,
        });
        let mut removed: Vec<_> = removed.collect();
        removed.sort_unstable();
        let [expunge, moved, other] = ids.map(Some);
        assert_eq!(removed, [(11, expunge), (12, expunge), (13, None), (14, other), (15, moved)]);
    })
    .await;
}
