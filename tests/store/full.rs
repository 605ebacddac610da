//! A disk that is full: nothing is changed, the error says so, and it goes on once there is room.
//!
//! The limit is that of a process for the size of its files, so the tests run in processes of their
//! own: this test's own binary, started again.

use std::process::Command;
use std::time::Duration;

use imap_duplex::store::{NewMessage, StoreErrorKind};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{World, id_of, message};

const ALONE: &str = "IMAP_DUPLEX_STORE_ALONE";
/// The signal of a file that is too large; without a handler it ends the process.
const TOO_LARGE: i32 = 25;

/// Runs a test in a process of its own.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    if std::env::var_os(ALONE).is_none() {
        let name = std::thread::current().name().expect("that of the test").to_owned();
        let output = Command::new(std::env::current_exe().expect("our own file"))
            .args(["--exact", &name, "--nocapture", "--test-threads=1"])
            .env(ALONE, "1")
            .output()
            .expect("it runs");
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(within(Duration::from_secs(120), async {
        let _ignored = signal(SignalKind::from_raw(TOO_LARGE)).expect("a handler");
        test.await;
    }));
}

/// No file can be longer; `None`: as long as there is room.
fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).expect("lower than the maximum");
}

fn length(world: &World, suffix: &str) -> u64 {
    let path = format!("{}{suffix}", world.path().display());
    std::fs::metadata(path).map_or(0, |file| file.len())
}

async fn world() -> World {
    let server = Server::new();
    for number in 1..=20 {
        server.deliver("INBOX", message(&format!("message {number}")));
    }
    World::new(server)
}

#[test]
fn what_does_not_fit_into_the_log_is_not_done_and_can_be_tried_again() {
    alone(async {
        let world = world().await;
        let client = world.client().await;
        client.in_step().await;
        let drafts = client.store.mailbox_named("Drafts").await.expect("there").id();
        let one = id_of(&client.store, "message 1").await;
        // Not a byte more: a row.
        limit(Some(length(&world, "-wal")));
        let error = client.store.flag([one], Flag::Flagged, Flags::new()).await.expect_err("no room");
        assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.server.deliver("INBOX", message("late"));
        sleep(Duration::from_millis(300)).await;
        client.store.verify().await.expect("sound");
        // Some room, but not for a long message: its pieces.
        limit(Some(length(&world, "-wal") + 200_000));
        let text = format!("{}{}", message("draft"), "A long text.\r\n".repeat(50_000));
        let error = client.store.append(drafts, NewMessage::new(text.clone())).await.expect_err("no room");
        assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
        assert_eq!(client.store.search("subject:draft").await.expect("readable"), []);
        client.store.verify().await.expect("sound");
        world.check_rows();
        client.store.flag([one], Flag::Answered, Flags::new()).await.expect("there is room for this");
        limit(None);
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("room again");
        client.store.append(drafts, NewMessage::new(text)).await.expect("room again");
        client.in_step().await;
        assert_eq!(world.server.mailbox("Drafts").expect("there").messages.len(), 1);
        let flags = world.server.mailbox("INBOX").expect("there").messages[0].flags.clone();
        assert!(flags.contains(&Flag::Flagged) && flags.contains(&Flag::Answered));
        world.check(&client.store).await;
    });
}

/// A first sync, a body and the file itself meet the limit at each length.
#[test]
fn a_sync_without_room_goes_on_where_it_was() {
    alone(async {
        for more in [0, 20_000, 60_000, 150_000, 400_000] {
            let world = world().await;
            for number in 0..400 {
                world.server.deliver("Work", message(&format!("other {number}")));
            }
            let long = format!("{}{}", message("long"), "A long text.\r\n".repeat(40_000));
            world.server.deliver("INBOX", long.clone());
            drop(world.store().await);
            crate::world::closed().await;
            limit(Some(length(&world, "") + more));
            let opened = imap_duplex::store::Store::open(world.path()).await;
            let store = match opened {
                Ok(store) => store,
                Err(error) => {
                    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
                    limit(None);
                    world.store().await
                }
            };
            let account = world.account_by(imap_duplex::account::Policy::default());
            let attachment = match store.attach(&account).await {
                Ok(attachment) => attachment,
                Err(error) => {
                    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
                    limit(None);
                    store.attach(&account).await.expect("room")
                }
            };
            sleep(Duration::from_millis(400)).await;
            if let Some(long) = store.search("subject:long").await.expect("readable").first()
                && let Err(error) = store.body(long.id).await
            {
                assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
            }
            store.verify().await.expect("sound");
            world.check_rows();
            limit(None);
            // A look that had failed just before is made again by the next sweep.
            for _ in 0..2 {
                attachment.in_step().await.expect("in step");
            }
            let bytes = store.body(id_of(&store, "long").await).await.expect("room");
            assert_eq!(bytes.len(), long.len());
            world.check(&store).await;
        }
    });
}
