//! The list of mailboxes changes: by the user, by others, by both; while the server can't be
//! reached, or can't say which is which.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{Store, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flag, Flags, UidValidity};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::world::{Client, LIMIT, World, all, id_of, message};

/// Mailboxes with three messages each, on a server that does not say which mailbox is which.
fn world(names: &[&str]) -> World {
    let world = World::new(Server::builder().without(["OBJECTID"]).start());
    for name in names {
        world.server.create(*name);
        for number in ["one", "two", "three"] {
            world.server.deliver(*name, message(&format!("{name} {number}")));
        }
    }
    world
}

async fn in_step(world: &World) -> Client {
    let client = world.client_by(Policy::default(), SyncPolicy::new().follow_none()).await;
    client.in_step().await;
    client
}

/// An account that can be without a network.
async fn client(world: &World, online: &Arc<AtomicBool>) -> Client {
    let config = Config::new("structure.example.org").plaintext().allow_plaintext_login(true);
    let config = config.login(world.server.user(), world.server.password());
    let mut policy = Policy::default();
    (policy.max_redials, policy.max_backoff) = (100_000, Duration::from_secs(5));
    let (server, online) = (world.server.clone(), online.clone());
    let connector = move |_| {
        let stream = online.load(Ordering::SeqCst).then(|| server.connect());
        async move { stream.ok_or_else(|| std::io::Error::other("offline")) }
    };
    let account = Account::builder(config).policy(policy).connector(connector).open();
    let store = world.store().await;
    let attachment = store.attach(&account).await.expect("attached");
    attachment.in_step().await.expect("in step");
    Client { store, attachment, account }
}

async fn go_offline(world: &World, online: &AtomicBool) {
    online.store(false, Ordering::SeqCst);
    world.server.disconnect(false);
    sleep(Duration::from_secs(120)).await;
}

fn flagged(world: &World, mailbox: &str) -> usize {
    let messages = world.server.mailbox(mailbox).expect("there").messages;
    messages.iter().filter(|message| message.flags.contains(&Flag::Flagged)).count()
}

/// What the user did is queued, and the program ends.
async fn flag_offline(world: &World, client: Client, subject: &str) {
    let (store, id) = (client.store.clone(), id_of(&client.store, subject).await);
    client.crash().await;
    store.flag([id], Flag::Flagged, Flags::new()).await.expect("queued");
    drop(store);
    crate::world::closed().await;
    world.check_rows();
}

#[tokio::test(start_paused = true)]
async fn a_search_without_a_network_does_not_wait_for_a_rename() {
    within(LIMIT, async {
        let (online, world) = (Arc::new(AtomicBool::new(true)), world(&["Work"]));
        let client = client(&world, &online).await;
        go_offline(&world, &online).await;
        let id = client.store.mailbox_named("Work").await.expect("there").id();
        client.store.rename_mailbox(id, "Job").await.expect("queued");
        sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        let search = client.store.search_joined("zebra").await.expect("readable");
        assert!(search.joined().await.expect("readable").is_offline());
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    })
    .await;
}

/// However long there was no network, no session of ours opens a mailbox while one is renamed.
#[tokio::test(start_paused = true)]
async fn a_rename_that_was_queued_for_long_is_alone() {
    within(LIMIT, async {
        for offline in [5, 200] {
            let (online, world) = (Arc::new(AtomicBool::new(true)), world(&["Work", "Other"]));
            let client = client(&world, &online).await;
            go_offline(&world, &online).await;
            let id = client.store.mailbox_named("Work").await.expect("there").id();
            client.store.rename_mailbox(id, "Job").await.expect("queued");
            world.server.deliver("Work", message("more"));
            world.server.deliver("Other", message("other more"));
            sleep(Duration::from_secs(offline)).await;
            world.server.on("RENAME").delay(Duration::from_secs(8));
            online.store(true, Ordering::SeqCst);
            let renamed = loop {
                let position = world.server.received().iter().position(|one| one.name == "RENAME");
                match position {
                    Some(position) => break position,
                    None => sleep(Duration::from_millis(1)).await,
                }
            };
            // It is under way yet.
            sleep(Duration::from_secs(5)).await;
            let received = world.server.received();
            let opened = received[renamed..].iter().find(|one| ["EXAMINE", "SELECT"].contains(&&*one.name));
            assert!(opened.is_none(), "{offline} s: {opened:?}");
            client.attachment.in_step().await.expect("in step");
            world.check(&client.store).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_that_others_exchange_take_what_is_queued_along() {
    within(LIMIT, async {
        for is_swap in [true, false] {
            let world = world(&["A", "B"]);
            flag_offline(&world, in_step(&world).await, "B one").await;
            if is_swap {
                world.server.rename("A", "T");
                world.server.rename("B", "A");
                world.server.rename("T", "B");
            } else {
                world.server.delete("A");
                world.server.rename("B", "A");
            }
            let client = in_step(&world).await;
            assert_eq!(flagged(&world, "A"), 1, "swap: {is_swap}");
            world.check(&client.store).await;
        }
    })
    .await;
}

/// A mailbox that can't be looked into just now is no other one for that.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_compared_now_is_not_taken_for_another() {
    within(LIMIT, async {
        for command in ["EXAMINE", "UID FETCH"] {
            let world = world(&["Work"]);
            flag_offline(&world, in_step(&world).await, "Work one").await;
            world.server.rename("Work", "Job");
            let code = if command == "EXAMINE" { Code::Unavailable } else { Code::ServerBug };
            world.server.on(command).times(2).no_with(code, "later");
            let client = in_step(&world).await;
            assert_eq!(flagged(&world, "Job"), 1, "{command}");
            world.check(&client.store).await;
        }
    })
    .await;
}

/// The listing may be taken before or after either of both.
#[tokio::test(start_paused = true)]
async fn what_the_user_deletes_and_makes_again_is_synced() {
    for milliseconds in [0, 1, 3, 10, 100, 1000] {
        within(LIMIT, async {
            let world = world(&["Work"]);
            let client = in_step(&world).await;
            let (store, account) = (client.store.clone(), client.attachment.account());
            let id = store.mailbox_named("Work").await.expect("there").id();
            world.server.on("LIST").always().delay(Duration::from_millis(milliseconds));
            store.delete_mailbox(id).await.expect("queued");
            store.create_mailbox(account, "Work").await.expect("queued");
            client.in_step().await;
            world.server.deliver("Work", message("new one"));
            client.in_step().await;
            let found = store.search("subject:\"new one\"").await.expect("readable");
            assert_eq!(found.len(), 1, "{milliseconds} ms");
            world.check(&store).await;
        })
        .await;
    }
}

/// What the user makes is there already: others have called a known mailbox so.
#[tokio::test(start_paused = true)]
async fn a_name_that_both_give_is_one_mailbox() {
    within(LIMIT, async {
        let world = world(&["Work"]);
        let client = in_step(&world).await;
        let (store, account) = (client.store.clone(), client.attachment.account());
        client.crash().await;
        store.create_mailbox(account, "Job").await.expect("queued");
        drop(store);
        crate::world::closed().await;
        world.server.rename("Work", "Job");
        let client = in_step(&world).await;
        let named = |store: Store| async move {
            let mailboxes = store.mailboxes().await.expect("readable");
            mailboxes.iter().filter(|one| one.name.as_str() == "Job").count()
        };
        assert_eq!(named(client.store.clone()).await, 1);
        world.check(&client.store).await;
    })
    .await;
}

/// A server whose LIST has another UIDVALIDITY than SELECT, for good: SELECT counts.
#[tokio::test(start_paused = true)]
async fn counts_that_stay_behind_hold_up_nothing() {
    within(LIMIT, async {
        let world = world(&["Work"]);
        let client = in_step(&world).await;
        let of = |name: &str| world.server.mailbox(name).expect("there").uid_validity;
        let (old, inbox) = (of("Work"), of("INBOX"));
        world.server.change_uid_validity("Work", UidValidity::new(4_000_000_000).expect("not zero"));
        world.server.deliver("Work", message("late"));
        let entry =
            |name: &str, counts: &str| format!("* LIST () \"/\" {name}\r\n* STATUS {name} ({counts})\r\n");
        let stale =
            entry("INBOX", &format!("MESSAGES 0 UIDNEXT 1 UIDVALIDITY {inbox} UNSEEN 0 HIGHESTMODSEQ 1"))
                + &entry("Work", &format!("MESSAGES 4 UIDNEXT 5 UIDVALIDITY {old} UNSEEN 4 HIGHESTMODSEQ 5"))
                + "{tag} OK done\r\n";
        world.server.on("LIST").always().instead(stale);
        let before = world.server.received().len();
        let waited = timeout(Duration::from_secs(600), client.attachment.in_step()).await;
        waited.expect("not for ever").expect("in step");
        let commands = world.server.received().len() - before;
        assert!(commands < 200, "{commands} commands");
        assert_eq!(client.store.search("subject:late").await.expect("readable").len(), 1);
    })
    .await;
}

/// The server can't read anything for ten minutes: what came then is there some time later.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_for_a_while_comes_later() {
    within(Duration::from_secs(3 * 60 * 60), async {
        let world = world(&["Work"]);
        let client = in_step(&world).await;
        let late = (0..5).map(|number| world.server.deliver("Work", message(&format!("late {number}"))));
        let late: Vec<_> = late.collect();
        for uid in &late {
            world.server.set_unreadable("Work", *uid, true);
        }
        sleep(Duration::from_secs(10 * 60)).await;
        for uid in &late {
            world.server.set_unreadable("Work", *uid, false);
        }
        sleep(Duration::from_secs(70 * 60)).await;
        client.in_step().await;
        assert_eq!(all(&client.store.mailbox_named("Work").await.expect("there")).await.len(), 8);
        world.check(&client.store).await;
    })
    .await;
}
