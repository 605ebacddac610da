//! A search that is joined with the server's own.

use imap_duplex::account::Policy;
use imap_duplex::store::{JoinedHits, LocalSearch, MessageSummary, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags};

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message};

/// Each message has words in its text that no header has.
async fn world() -> (World, Client) {
    let world = World::new(Server::new());
    for (mailbox, subject, text) in [
        ("INBOX", "first", "The zebra eats."),
        ("INBOX", "second", "The giraffe eats."),
        ("Work", "third", "A zebra crossing; straße."),
        ("Work", "zebra itself", "Nothing else."),
        ("Empty", "gone", "zebra"),
    ] {
        world.server.deliver(mailbox, format!("{}{text}\r\n", message(subject)));
    }
    world.server.expunge("Empty", crate::world::uid(1));
    let client = world.client_by(Policy::default(), SyncPolicy::new().follow_none()).await;
    client.in_step().await;
    (world, client)
}

fn subjects(messages: &[MessageSummary]) -> Vec<&str> {
    let mut subjects: Vec<&str> = messages.iter().filter_map(|message| message.subject.as_deref()).collect();
    subjects.sort_unstable();
    subjects
}

async fn joined(client: &Client, search: impl Into<LocalSearch>) -> JoinedHits {
    client.store.search_joined(search).await.expect("readable").joined().await.expect("readable")
}

#[tokio::test(start_paused = true)]
async fn the_server_finds_what_is_not_here() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let search = client.store.search_joined("zebra").await.expect("readable");
        assert_eq!(subjects(search.local()), ["zebra itself"], "at once, without the server");
        let hits = search.joined().await.expect("readable");
        assert_eq!(subjects(&hits.messages), ["first", "third", "zebra itself"]);
        assert_eq!((hits.from_servers, hits.unknown, hits.is_complete()), (2, 0, true), "{hits:?}");
        let places: Vec<_> = hits.messages.iter().map(MessageSummary::cursor).collect();
        assert!(places.is_sorted_by(|one, next| one > next), "the newest first");
        for (text, expected) in [
            ("text:zebra", &["first", "third", "zebra itself"][..]),
            ("text:eats", &["first", "second"]),
            ("subject:zebra", &["zebra itself"]),
            ("zebra eats", &["first"]),
            ("\"zebra crossing\"", &["third"]),
            ("zeb*", &["first", "third", "zebra itself"]),
            ("straße", &["third"]),
            ("zebra is:flagged", &[]),
            ("zebra from:ann", &["first", "third", "zebra itself"]),
            ("zebra from:carol", &[]),
            ("zebra before:1970-01-01", &[]),
            ("lion", &[]),
        ] {
            let hits = joined(&client, text).await;
            assert_eq!((subjects(&hits.messages), hits.is_complete()), (expected.to_vec(), true), "{text}");
        }
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        let hits = joined(&client, LocalSearch::new("zebra").in_mailbox(work)).await;
        assert_eq!(subjects(&hits.messages), ["third", "zebra itself"]);
        assert_eq!(joined(&client, LocalSearch::new("zebra").count(2)).await.messages.len(), 2);
        // Without words the rows say all: no server is asked.
        let asked =
            |world: &World| world.server.received().iter().filter(|one| one.name == "UID SEARCH").count();
        let before = asked(&world);
        assert!(joined(&client, "from:ann is:unread").await.is_complete());
        assert_eq!(asked(&world), before);
    })
    .await;
}

/// What is queued is on top of what the server finds: flags, and where a message is.
#[tokio::test(start_paused = true)]
async fn what_the_user_did_counts_in_what_the_server_finds() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let store = client.store.clone();
        let (first, second, third) =
            (id_of(&store, "first").await, id_of(&store, "second").await, id_of(&store, "third").await);
        let work = store.mailbox_named("Work").await.expect("there").id();
        // The server takes its time with what changes something.
        for command in ["UID STORE", "UID MOVE", "UID EXPUNGE", "SELECT"] {
            world.server.on(command).no("later").always();
        }
        store.flag([third], Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([first], work).await.expect("queued");
        store.expunge([second]).await.expect("queued");
        let hits = joined(&client, "zebra is:flagged").await;
        assert_eq!(subjects(&hits.messages), ["third"]);
        let hits = joined(&client, LocalSearch::new("zebra").in_mailbox(work)).await;
        assert_eq!(subjects(&hits.messages), ["first", "third", "zebra itself"]);
        assert_eq!(joined(&client, "giraffe").await.messages, [], "the user has deleted it");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_it_has_what_is_here_and_says_so() {
    within(LIMIT, async {
        let (world, client) = world().await;
        // Gone in the middle of a search.
        world.server.on("UID SEARCH").cut_after(0);
        let hits = joined(&client, "zebra").await;
        assert!(!hits.is_complete(), "{hits:?}");
        assert!(subjects(&hits.messages).contains(&"zebra itself"));
        let Client { store, attachment, account } = client;
        drop((attachment, account));
        crate::world::closed().await;
        let hits = store.search_joined("zebra").await.expect("readable").joined().await.expect("readable");
        assert_eq!(subjects(&hits.messages), ["zebra itself"]);
        assert_eq!((hits.is_offline(), hits.not_searched.len(), hits.from_servers), (true, 2, 0));
        assert!(hits.not_searched[0].reason.contains("no connection"), "{hits:?}");
        let read = serde_json::to_value(&hits).expect("JSON");
        assert_eq!(read["not_searched"][0]["is_offline"], true);
    })
    .await;
}

/// One mailbox is refused, another one has messages that the store does not have yet.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_found_is_said() {
    within(LIMIT, async {
        let (world, client) = world().await;
        world.server.deliver("INBOX", format!("{}zebra\r\n", message("late")));
        let hits = joined(&client, "zebra").await;
        assert_eq!((hits.unknown, hits.is_complete()), (1, true), "{hits:?}");
        world.server.on("UID SEARCH").no("too much to do");
        let hits = joined(&client, "zebra").await;
        assert_eq!((hits.not_searched.len(), hits.is_offline()), (1, false), "{hits:?}");
        assert!(hits.not_searched[0].reason.contains("too much to do"), "{hits:?}");
    })
    .await;
}
