//! Which bodies come in advance, which stay, and messages that the server can't read.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{BodyPolicy, LocalSearch, NewMessage, Store, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flags, Timestamp, Uid};
use rusqlite::Connection;
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message};

const DAY: i64 = 24 * 60 * 60;
/// Bodies in advance are fetched within this, if the server can send them.
const WHILE: Duration = Duration::from_secs(120);

async fn client(world: &World, bodies: BodyPolicy) -> Client {
    let client = world.client_by(Policy::default(), SyncPolicy::new().bodies(bodies)).await;
    client.in_step().await;
    client
}

/// The subjects of all messages whose body is here.
async fn with_body(store: &Store) -> Vec<String> {
    let mut subjects = Vec::new();
    for message in store.search("").await.expect("readable") {
        if store.has_body(message.id).await.expect("there") {
            subjects.extend(message.subject);
        }
    }
    subjects.sort_unstable();
    subjects
}

#[tokio::test(start_paused = true)]
async fn a_policy_chooses_mailboxes_or_days() {
    within(LIMIT, async {
        let server = Server::new();
        for (mailbox, subject, day) in [
            ("INBOX", "today", 100),
            ("INBOX", "last week", 93),
            ("Work", "yesterday", 99),
            ("Work", "long ago", 1),
            ("Archive", "older", 95),
        ] {
            if mailbox == "Archive" {
                server.create(mailbox);
            }
            server.deliver_with(mailbox, message(subject), Flags::new(), Timestamp::new(day * DAY, 0));
        }
        for (policy, expected) in [
            (BodyPolicy::on_demand(), &[][..]),
            (BodyPolicy::mailboxes(["Work", "Archive"]), &["long ago", "older", "yesterday"]),
            (BodyPolicy::mailboxes(["No such mailbox"]), &[]),
            // Before the newest message, whatever the clock says.
            (BodyPolicy::newest_days(2), &["today", "yesterday"]),
            (BodyPolicy::newest_days(0), &["today"]),
            (BodyPolicy::all(), &["last week", "long ago", "older", "today", "yesterday"]),
        ] {
            let world = World::new(server.clone());
            let client = client(&world, policy.clone()).await;
            sleep(WHILE).await;
            assert_eq!(with_body(&client.store).await, expected, "{policy:?}");
            world.check_rows();
        }
    })
    .await;
}

/// What has not been sent yet stays, however little room there is.
#[tokio::test(start_paused = true)]
async fn no_draft_makes_room_before_it_is_at_the_server() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let others: Vec<String> = (0..6).map(|number| format!("other {number}")).collect();
        for subject in &others {
            world.server.deliver("INBOX", message(subject));
        }
        let client = client(&world, BodyPolicy::on_demand().max_bytes(1)).await;
        let store = client.store.clone();
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        world.server.on("APPEND").times(3).no("not now");
        world.server.disconnect(true);
        for number in 0..3 {
            let draft = NewMessage::new(message(&format!("draft {number}")));
            store.append(inbox, draft).await.expect("queued");
        }
        for subject in &others {
            // Each of them is longer than there is room for, and makes all others go.
            while store.body(id_of(&store, subject).await).await.is_err() {
                sleep(Duration::from_secs(1)).await;
            }
        }
        assert_eq!(with_body(&store).await, ["draft 0", "draft 1", "draft 2", "other 5"]);
        client.in_step().await;
        for operation in store.operations().await.expect("readable") {
            store.retry(operation.id).await.expect("parked");
        }
        client.in_step().await;
        assert_eq!(world.server.mailbox("INBOX").expect("there").messages.len(), 9);
        store.body(id_of(&store, "other 0").await).await.expect("fetched");
        assert_eq!(with_body(&store).await, ["other 0"], "they are at the server: they can come again");
        world.check(&store).await;
    })
    .await;
}

/// How often the server was asked for the beginning of a text.
fn fetched(server: &Server) -> usize {
    server.received().iter().filter(|line| format!("{line:?}").contains("BODY.PEEK[]<0.")).count()
}

/// One message in two mailboxes has one content: EMAILID says so, or Gmail's identifier.
#[tokio::test(start_paused = true)]
async fn a_body_is_kept_once_for_all_copies() {
    for server in [Server::builder(), Server::builder().without(["OBJECTID"]).with(["X-GM-EXT-1"])] {
        within(LIMIT, async {
            let world = World::new(server.start());
            world.server.create("Work");
            world.server.deliver("INBOX", message("shared"));
            world.server.deliver("INBOX", message("single"));
            let client = client(&world, BodyPolicy::on_demand()).await;
            let store = client.store.clone();
            let work = store.mailbox_named("Work").await.expect("there").id();
            let original = id_of(&store, "shared").await;
            store.copy_to(original, work).await.expect("queued");
            client.in_step().await;
            // Of a store that has not made the copy itself.
            let other = World::new(world.server.clone());
            let reader = self::client(&other, BodyPolicy::on_demand()).await;
            let copies: Vec<_> = reader.store.search("shared").await.expect("readable");
            assert_eq!(copies.len(), 2);
            let before = fetched(&world.server);
            let text = reader.store.body(copies[0].id).await.expect("fetched");
            assert_eq!(text, message("shared").as_bytes());
            assert!(reader.store.has_body(copies[1].id).await.expect("there"));
            assert_eq!(reader.store.body(copies[1].id).await.expect("here"), text);
            assert_eq!(fetched(&world.server) - before, 1);
            let status = reader.store.status().await.expect("readable");
            assert_eq!(status.body_bytes, u64::try_from(text.len()).expect("small"));
            let file = Connection::open(other.path()).expect("a store");
            let contents: i64 =
                file.query_row("SELECT count(*) FROM content", [], |row| row.get(0)).expect("a number");
            assert_eq!(contents, 2);
            // It goes with the last copy.
            reader.store.expunge([copies[0].id]).await.expect("queued");
            reader.in_step().await;
            assert_eq!(reader.store.body(copies[1].id).await.expect("here"), text);
            reader.store.expunge([copies[1].id]).await.expect("queued");
            reader.in_step().await;
            assert_eq!(reader.store.status().await.expect("readable").body_bytes, 0);
            other.check(&reader.store).await;
        })
        .await;
    }
}

fn unreadable(server: &Server, uids: &[u32], unreadable: bool) {
    for uid in uids {
        server.set_unreadable("INBOX", Uid::new(*uid).expect("not zero"), unreadable);
    }
}

/// A server can't read some messages, as Dovecot with damaged files: all others come, in whatever
/// window they are, and these once they can be read.
#[tokio::test(start_paused = true)]
async fn messages_that_the_server_can_not_read_keep_back_no_others() {
    for lacks in [&[][..], &["OBJECTID"]] {
        within(LIMIT, async {
            let world = World::new(Server::builder().without(lacks.iter().copied()).start());
            for number in 1..=700 {
                world.server.deliver("INBOX", message(&format!("number {number}")));
            }
            let damaged = [1, 2, 300, 301, 555, 700];
            unreadable(&world.server, &damaged, true);
            let bodies = BodyPolicy::all();
            let client = client(&world, bodies.clone()).await;
            let all = LocalSearch::new("").count(1000);
            let here =
                async |client: &Client| client.store.search(all.clone()).await.expect("readable").len();
            assert_eq!(here(&client).await, 694);
            for uid in damaged {
                assert_eq!(
                    client.store.search(format!("subject:\"number {uid}\"")).await.expect("readable"),
                    []
                );
            }
            // What comes later comes all the same.
            world.server.deliver("INBOX", message("number 701"));
            client.in_step().await;
            sleep(WHILE).await;
            let last = id_of(&client.store, "number 701").await;
            assert!(client.store.has_body(last).await.expect("there"), "bodies come, too");
            client.crash().await;
            unreadable(&world.server, &damaged, false);
            let client = self::client(&world, bodies).await;
            assert_eq!(here(&client).await, 701);
            world.check(&client.store).await;
        })
        .await;
    }
}

/// The newest message can't be read: then its mailbox is in step all the same, and what is queued
/// for it is done.
#[tokio::test(start_paused = true)]
async fn a_message_that_became_unreadable_stays_as_it_is() {
    within(LIMIT, async {
        let world = World::new(Server::builder().without(["OBJECTID"]).start());
        world.server.create("Work");
        for subject in ["first", "second", "third"] {
            world.server.deliver("INBOX", message(subject));
        }
        let client = client(&world, BodyPolicy::on_demand()).await;
        unreadable(&world.server, &[3], true);
        client.crash().await;
        world.server.deliver("INBOX", message("fourth"));
        unreadable(&world.server, &[4], true);
        let client = self::client(&world, BodyPolicy::on_demand()).await;
        let (store, third) = (client.store.clone(), id_of(&client.store, "third").await);
        let error = store.body(third).await.expect_err("it can't be read");
        assert_eq!(error.kind(), StoreErrorKind::Server, "{error:?}");
        let work = store.mailbox_named("Work").await.expect("there").id();
        store.flag([third], imap_duplex::types::Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([third], work).await.expect("queued");
        client.in_step().await;
        assert_eq!(store.operations().await.expect("readable"), []);
        assert_eq!(world.server.mailbox("Work").expect("there").messages.len(), 1);
        drop(store);
        client.crash().await;
        unreadable(&world.server, &[4], false);
        let client = self::client(&world, BodyPolicy::on_demand()).await;
        world.check(&client.store).await;
    })
    .await;
}

/// One that can't be read keeps back no others, and is asked for again as long as the store is
/// attached.
#[tokio::test(start_paused = true)]
async fn a_body_that_was_refused_comes_once_it_can_be_read() {
    within(LIMIT * 3, async {
        let world = World::new(Server::new());
        for subject in ["first", "second", "third"] {
            world.server.deliver("INBOX", message(subject));
        }
        client(&world, BodyPolicy::on_demand()).await.crash().await;
        unreadable(&world.server, &[2], true);
        let client = client(&world, BodyPolicy::all()).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(with_body(&client.store).await, ["first", "third"]);
        let asked = || {
            let received = world.server.received();
            received
                .iter()
                .filter(|one| one.line.contains("UID FETCH 2 ") && one.line.contains("BODY.PEEK[]<0."))
                .count()
        };
        let before = asked();
        sleep(Duration::from_secs(50 * 60)).await;
        assert_eq!((before, asked() - before), (1, 0), "it is asked for once an hour");
        unreadable(&world.server, &[2], false);
        sleep(Duration::from_secs(2 * 60 * 60)).await;
        assert_eq!(with_body(&client.store).await, ["first", "second", "third"]);
    })
    .await;
}

/// A server that is busy is not asked for one after the other, and sends all of them later.
#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_for_few_bodies_at_a_time() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 1..=12 {
            world.server.deliver("INBOX", message(&format!("number {number}")));
        }
        client(&world, BodyPolicy::on_demand()).await.crash().await;
        let before = fetched(&world.server);
        world.server.on("UID FETCH").times(100).no_with(Code::Unavailable, "busy");
        let policy = SyncPolicy::new().bodies(BodyPolicy::all());
        let client = world.client_by(Policy::default(), policy).await;
        sleep(Duration::from_secs(20)).await;
        assert_eq!(fetched(&world.server) - before, 5);
        // Neither these nor the next ones wait for an hour.
        sleep(Duration::from_secs(10 * 60)).await;
        assert_eq!(with_body(&client.store).await.len(), 12);
    })
    .await;
}
