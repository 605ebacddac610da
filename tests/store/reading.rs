//! What a user interface reads: pages, bodies, searches, conversations, changes.

use imap_duplex::account::Policy;
use imap_duplex::store::{BodyPolicy, LocalSearch, NewMessage, PageBy, Store, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Timestamp, Uid};

use crate::support::within;
use crate::world::{LIMIT, World, by_subject, id_of, message};

fn dated(subject: &str, day: i64) -> (String, Option<Timestamp>) {
    (message(subject), Timestamp::new(day * 24 * 60 * 60, 0))
}

fn server() -> Server {
    let server = Server::new();
    for (subject, day) in [("apple pie", 1), ("banana bread", 2), ("apple juice", 3), ("Ärger im Büro", 4)]
    {
        let (message, date) = dated(subject, day);
        server.deliver_with("INBOX", message, Flags::new(), date);
    }
    server
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other() {
    within(LIMIT, async {
        let world = World::new(server());
        let client = world.client().await;
        client.in_step().await;
        let inbox = client.store.mailbox_named("INBOX").await.expect("there");
        let mut subjects = Vec::new();
        let mut cursor = None;
        loop {
            let page = inbox.page(PageBy::newest().count(2), cursor).await.expect("readable");
            subjects.extend(page.messages.into_iter().filter_map(|message| message.subject));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(subjects, ["Ärger im Büro", "apple juice", "banana bread", "apple pie"]);
        let info = inbox.info().await.expect("there");
        assert_eq!((info.messages, info.unseen, info.listed, info.failure), (4, 4, true, None));
        let one = by_subject(&client.store, "apple pie").await;
        assert_eq!(one.people.from[0].email, "ann@example.org");
        assert_eq!(one.parts[0].media_type, "text/plain");
        let json = serde_json::to_value(&one).expect("JSON");
        assert_eq!((&json["subject"], &json["to"][0]["name"]), (&"apple pie".into(), &"Bob".into()));
    })
    .await;
}

/// What was imported at once has one date: then the order is that of the UIDs, as servers have it.
#[tokio::test(start_paused = true)]
async fn messages_of_one_date_are_in_the_order_of_their_uids() {
    within(LIMIT, async {
        let server = Server::new();
        for number in 0..700 {
            let (message, date) = dated(&format!("number {number}"), 5);
            server.deliver_with("INBOX", message, Flags::new(), date);
        }
        let world = World::new(server);
        let client = world.client().await;
        client.in_step().await;
        let inbox = client.store.mailbox_named("INBOX").await.expect("there");
        let uids = async |by: PageBy| {
            let (mut uids, mut cursor) = (Vec::new(), None);
            loop {
                let page = inbox.page(by.count(60), cursor).await.expect("readable");
                uids.extend(page.messages.iter().filter_map(|one| one.uid).map(Uid::get));
                cursor = page.next;
                if cursor.is_none() {
                    return uids;
                }
            }
        };
        assert_eq!(uids(PageBy::oldest()).await, (1..=700).collect::<Vec<_>>());
        assert_eq!(uids(PageBy::newest()).await, (1..=700).rev().collect::<Vec<_>>());
        let hits = client.store.search(LocalSearch::new("number").count(700)).await.expect("readable");
        let hits: Vec<u32> = hits.iter().filter_map(|one| one.uid).map(Uid::get).collect();
        assert_eq!(hits, (1..=700).rev().collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bodies_come_once_and_are_searched() {
    within(LIMIT, async {
        let world = World::new(server());
        let client = world.client().await;
        client.in_step().await;
        let store = client.store.clone();
        let pie = id_of(&store, "apple pie").await;
        assert_eq!(store.search("\"text of apple\"").await.expect("readable"), []);
        assert!(!store.has_body(pie).await.expect("there"));
        assert_eq!(store.body(pie).await.expect("fetched"), message("apple pie").as_bytes());
        assert_eq!(store.part(pie, "1").await.expect("fetched"), "The text of apple pie.\r\n");
        assert_eq!(store.search("\"text of apple\"").await.expect("readable").len(), 1);
        assert_eq!(store.search("text:pie").await.expect("readable").len(), 1);
        let juice = id_of(&store, "apple juice").await;
        client.crash().await;
        // What was read can be read again; the rest can't.
        assert_eq!(store.body(pie).await.expect("kept"), message("apple pie").as_bytes());
        assert_eq!(store.body(juice).await.expect_err("not here").kind(), StoreErrorKind::Offline);
        world.check_rows();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bodies_come_in_advance_and_the_least_used_go() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 0..20 {
            world.server.deliver("INBOX", message(&format!("number {number:02}")));
        }
        let one = u64::try_from(message("number 00").len()).expect("small");
        let policy = SyncPolicy::new().bodies(BodyPolicy::all());
        let client = world.client_by(Policy::default(), policy).await;
        client.in_step().await;
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let status = client.store.status().await.expect("readable");
        assert_eq!(status.body_bytes, 20 * one);
        client.crash().await;
        // With less room those go that were not used.
        let policy = SyncPolicy::new().bodies(BodyPolicy::on_demand().max_bytes(5 * one));
        let client = world.client_by(Policy::default(), policy).await;
        client.in_step().await;
        let used = id_of(&client.store, "number 07").await;
        client.store.body(used).await.expect("kept");
        world.server.deliver("INBOX", message("number 20"));
        client.in_step().await;
        let new = id_of(&client.store, "number 20").await;
        client.store.body(new).await.expect("fetched");
        let status = client.store.status().await.expect("readable");
        assert_eq!(status.body_bytes, 5 * one);
        assert!(
            client.store.has_body(used).await.expect("there")
                && client.store.has_body(new).await.expect("there")
        );
        world.check_rows();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn searches_narrow() {
    within(LIMIT, async {
        let world = World::new(server());
        world.server.deliver("Work", message("apple tree"));
        let client = world.client().await;
        client.in_step().await;
        let store = &client.store;
        let flagged = id_of(store, "banana bread").await;
        store.flag([flagged], Flag::Flagged, Flags::new()).await.expect("queued");
        for (text, count) in [
            ("apple", 3),
            ("APPLE pie", 1),
            ("app*", 3),
            ("arger buro", 1),
            ("from:ann", 5),
            ("from:bob", 0),
            ("to:bob", 5),
            ("ann", 5),
            ("subject:bread", 1),
            ("since:1970-01-03 before:1970-01-05", 2),
            ("is:flagged", 1),
            ("is:unread", 5),
            ("is:read", 0),
            ("has:attachment", 0),
            ("from:100%", 0),
            ("nothing", 0),
            ("", 5),
            ("\"' OR 1=1 --", 0),
        ] {
            assert_eq!(store.search(text).await.expect("readable").len(), count, "{text}");
        }
        let work = store.mailbox_named("Work").await.expect("there").id();
        assert_eq!(
            store.search(LocalSearch::new("apple").in_mailbox(work)).await.expect("readable").len(),
            1
        );
        assert_eq!(store.search(LocalSearch::new("apple").count(2)).await.expect("readable").len(), 2);
    })
    .await;
}

fn answer(subject: &str, to: &str) -> String {
    message(subject).replace(
        "\r\n\r\n",
        &format!("\r\nReferences: <{to}@example.org>\r\nIn-Reply-To: <{to}@example.org>\r\n\r\n"),
    )
}

/// The conversation of the message with this subject: depths and subjects.
async fn conversation(store: &Store, subject: &str) -> Vec<(u32, String)> {
    let found = store.thread(id_of(store, subject).await).await.expect("there");
    let found = found.messages.into_iter();
    found.map(|one| (one.depth, one.message.subject.unwrap_or_default())).collect()
}

fn levels(expected: &[(u32, &str)]) -> Vec<(u32, String)> {
    expected.iter().map(|(depth, subject)| (*depth, (*subject).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_that_refer_to_each_other_are_a_conversation() {
    within(LIMIT, async {
        let world = World::new(Server::builder().without(["OBJECTID"]).start());
        // The answer comes before the question, and in another mailbox.
        world.server.deliver("INBOX", answer("second", "first"));
        world.server.deliver("INBOX", answer("third", "second"));
        world.server.deliver("Sent", message("first"));
        world.server.deliver("INBOX", message("other"));
        let client = world.client().await;
        client.in_step().await;
        let expected = levels(&[(0, "first"), (1, "second"), (2, "third")]);
        assert_eq!(conversation(&client.store, "second").await, expected);
    })
    .await;
}

/// Where the server says what belongs together, this counts; and what is written here joins it.
#[tokio::test(start_paused = true)]
async fn what_is_written_here_joins_the_conversation_that_the_server_knows() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        // The server has seen no question when the answers came, so that is none of theirs.
        world.server.deliver("INBOX", answer("second", "first"));
        world.server.deliver("INBOX", answer("third", "second"));
        world.server.deliver("INBOX", message("first"));
        let client = world.client().await;
        client.in_step().await;
        let store = client.store.clone();
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        assert_eq!(conversation(&store, "second").await, levels(&[(0, "second"), (1, "third")]));
        assert_eq!(conversation(&store, "first").await, levels(&[(0, "first")]));
        store.append(inbox, NewMessage::new(answer("fourth", "third"))).await.expect("queued");
        store.append(inbox, NewMessage::new(message("mine"))).await.expect("queued");
        let expected = levels(&[(0, "second"), (1, "third"), (2, "fourth")]);
        assert_eq!(conversation(&store, "third").await, expected, "before it is at the server");
        assert_eq!(conversation(&store, "first").await, levels(&[(0, "first")]));
        client.in_step().await;
        assert_eq!(conversation(&store, "third").await, expected, "and afterwards");
        // Answers to what was written here, and answers to these that are written here.
        world.server.deliver("INBOX", answer("fifth", "fourth"));
        world.server.deliver("INBOX", answer("yours", "mine"));
        client.in_step().await;
        store.append(inbox, NewMessage::new(answer("mine too", "yours"))).await.expect("queued");
        let expected = levels(&[(0, "second"), (1, "third"), (2, "fourth"), (3, "fifth")]);
        assert_eq!(conversation(&store, "second").await, expected);
        let expected = levels(&[(0, "mine"), (1, "yours"), (2, "mine too")]);
        assert_eq!(conversation(&store, "mine").await, expected);
        client.in_step().await;
        assert_eq!(conversation(&store, "yours").await, expected);
        world.check(&store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_are_seen_as_they_come() {
    within(LIMIT, async {
        let world = World::new(server());
        let client = world.client().await;
        client.in_step().await;
        let store = client.store.clone();
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        let mut changes = store.changes(None);
        let pie = id_of(&store, "apple pie").await;
        store.flag([pie], Flag::Seen, Flags::new()).await.expect("queued");
        let change = changes.next().await.expect("open").expect("readable");
        assert!(change.updated[&inbox].contains(&pie) && change.added.is_empty(), "{change:?}");
        let seq = change.seq;
        store.expunge([pie]).await.expect("queued");
        let change = changes.next().await.expect("open").expect("readable");
        assert!(change.removed[&inbox].contains(&pie), "{change:?}");
        // From an earlier point on, also in a later run.
        let again = store.changes(Some(seq)).next().await.expect("open").expect("readable");
        assert!(again.removed[&inbox].contains(&pie), "{again:?}");
        let lost = store.changes(Some(seq + 1_000_000)).next().await.expect("open").expect("readable");
        assert!(lost.everything);
    })
    .await;
}
