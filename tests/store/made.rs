//! Mailboxes that the user makes, and renames or deletes before the server is known to have made
//! them: each is there once, under its last name, or not at all.

use std::collections::BTreeSet;
use std::time::Duration;

use imap_duplex::store::{AccountId, MailboxId, OperationState, Store};
use imap_duplex::testing::Server;
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, closed, message};

/// Those that the server has from the beginning.
const OWN: [&str; 4] = ["INBOX", "Drafts", "Sent", "Trash"];

/// A mailbox with a message, in step; on a server that does not say which mailbox is which.
async fn world() -> (World, Client) {
    let world = World::new(Server::builder().without(["OBJECTID"]).start());
    world.server.create("Work");
    world.server.deliver("Work", message("one"));
    let client = world.client().await;
    client.in_step().await;
    (world, client)
}

/// What is done in the store while no program syncs it.
async fn offline<T>(client: Client, work: impl AsyncFnOnce(&Store, AccountId) -> T) -> T {
    let (store, account) = (client.store.clone(), client.attachment.account());
    client.crash().await;
    let done = work(&store, account).await;
    drop(store);
    closed().await;
    done
}

/// A mailbox is made, and the program ends once the server has made it, and before that is in the
/// file.
async fn make_in_doubt(world: &World, client: Client, name: &str) -> MailboxId {
    let store = client.store.clone();
    world.server.on("CREATE").cut_after(0);
    let id = store.create_mailbox(client.attachment.account(), name).await.expect("queued");
    while world.server.mailbox(name).is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    drop(store);
    client.crash().await;
    id
}

/// All is in step, nothing is left, and the server has these mailboxes beside its own.
async fn check(world: &World, names: &[&str]) -> Client {
    let client = world.client().await;
    client.in_step().await;
    assert_eq!(client.store.operations().await.expect("readable"), []);
    let there = world.server.mailboxes().into_iter().map(|name| name.to_string());
    let there: BTreeSet<String> = there.filter(|name| !OWN.contains(&name.as_str())).collect();
    assert_eq!(there, names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    world.check(&client.store).await;
    client
}

#[tokio::test(start_paused = true)]
async fn one_below_another_that_is_renamed_goes_along() {
    within(LIMIT, async {
        let (world, client) = world().await;
        offline(client, async |store, account| {
            store.create_mailbox(account, "Work/Plans").await.expect("queued");
            let work = store.mailbox_named("Work").await.expect("there").id();
            store.rename_mailbox(work, "Job").await.expect("queued");
        })
        .await;
        check(&world, &["Job", "Job/Plans"]).await;
        assert_eq!(world.server.mailbox("Job").expect("there").messages.len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_may_have_been_made_is_renamed() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let made = make_in_doubt(&world, client, "Plans").await;
        let store = world.store().await;
        store.rename_mailbox(made, "Ideas").await.expect("queued");
        drop(store);
        closed().await;
        let client = check(&world, &["Work", "Ideas"]).await;
        assert_eq!(client.store.mailbox_named("Ideas").await.expect("there").id(), made);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_may_have_been_made_is_deleted() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let made = make_in_doubt(&world, client, "Plans").await;
        let store = world.store().await;
        store.delete_mailbox(made).await.expect("queued");
        drop(store);
        closed().await;
        check(&world, &["Work"]).await;
    })
    .await;
}

/// Others have made one of the second name: that is another one, and the rename is refused.
#[tokio::test(start_paused = true)]
async fn a_name_that_others_have_given_meanwhile_is_theirs() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let made = offline(client, async |store, account| {
            let made = store.create_mailbox(account, "Plans").await.expect("queued");
            store.rename_mailbox(made, "Ideas").await.expect("queued");
            made
        })
        .await;
        world.server.create("Ideas");
        let client = world.client().await;
        client.in_step().await;
        let left = client.store.operations().await.expect("readable");
        assert_eq!(left.iter().map(|one| one.state).collect::<Vec<_>>(), [OperationState::Parked]);
        client.store.drop_operation(left[0].id).await.expect("parked");
        client.in_step().await;
        assert_eq!(client.store.mailbox_named("Plans").await.expect("there").id(), made);
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_whose_last_rename_is_dropped_has_the_name_before() {
    within(LIMIT, async {
        let (world, client) = world().await;
        offline(client, async |store, account| {
            let made = store.create_mailbox(account, "Plans").await.expect("queued");
            for name in ["Ideas", "Dreams"] {
                store.rename_mailbox(made, name).await.expect("queued");
            }
            let left = store.operations().await.expect("readable");
            store.drop_operation(left[2].id).await.expect("queued");
            assert_eq!(store.mailbox_named("Ideas").await.expect("there").id(), made);
            store.drop_operation(left[1].id).await.expect("queued");
            assert_eq!(store.mailbox_named("Plans").await.expect("there").id(), made);
            store.rename_mailbox(made, "Notes").await.expect("queued");
        })
        .await;
        check(&world, &["Work", "Notes"]).await;
    })
    .await;
}
