//! Damaged files: what was queued is taken over into a new one.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use imap_duplex::store::{NewMessage, OperationState, Store, StoreErrorKind};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, UidValidity};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::within;
use crate::world::{Dice, LIMIT, World, id_of, message};

const PAGE: u64 = 4096;
const LENGTH: usize = 4096;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

/// The number of the first page of a table or index.
fn root(path: &Path, name: &str) -> u64 {
    let file = Connection::open(path).expect("a store");
    let root: i64 = file
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name], |row| row.get(0))
        .expect(name);
    u64::try_from(root).expect("a number")
}

fn spoil(path: &Path, page: u64) {
    let mut file = OpenOptions::new().write(true).open(path).expect("a file");
    file.seek(SeekFrom::Start((page - 1) * PAGE)).expect("seekable");
    file.write_all(&[0x5a; LENGTH]).expect("written");
}

/// A page of rows in the middle of a table whose first page has none.
fn leaf(path: &Path, root: u64) -> u64 {
    let mut file = File::open(path).expect("a file");
    let mut page = [0; LENGTH];
    file.seek(SeekFrom::Start((root - 1) * PAGE)).expect("seekable");
    file.read_exact(&mut page).expect("readable");
    assert_eq!(page[0], 5, "the table has several pages");
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let cell = number(12 + 2 * (number(3) / 2));
    u32::from_be_bytes([page[cell], page[cell + 1], page[cell + 2], page[cell + 3]]).into()
}

/// A store with all that can be queued; its connection is gone.
async fn queued(world: &World) -> Store {
    for number in 1..=40 {
        world.server.deliver("INBOX", message(&format!("message {number}")));
    }
    world.server.create("Work");
    let client = world.client().await;
    client.in_step().await;
    client.crash().await;
    let store = world.store().await;
    let work = store.mailbox_named("Work").await.expect("there").id();
    let account = store.status().await.expect("readable").accounts[0].id;
    let ids = async |number: u32| id_of(&store, &format!("message {number}")).await;
    store.flag([ids(1).await], Flag::Flagged, Flags::new()).await.expect("queued");
    store.move_to([ids(2).await], work).await.expect("queued");
    let copy = store.copy_to(ids(3).await, work).await.expect("queued");
    store.flag([copy], Flag::Answered, Flags::new()).await.expect("queued");
    let long = format!("{}{}", message("draft"), "A long text.\r\n".repeat(20_000));
    let draft = store.append(work, NewMessage::new(long)).await.expect("queued");
    store.flag([draft], Flag::Draft, Flags::new()).await.expect("queued");
    let made = store.create_mailbox(account, "Made").await.expect("queued");
    store.move_to([ids(4).await], made).await.expect("queued");
    store.expunge([ids(5).await]).await.expect("queued");
    store
}

async fn is_done(world: &World) {
    let client = world.client().await;
    client.in_step().await;
    assert_eq!(client.store.operations().await.expect("readable"), []);
    let size = |mailbox: &str| world.server.mailbox(mailbox).expect("there").messages.len();
    assert_eq!((size("INBOX"), size("Work"), size("Made")), (37, 3, 1));
    let work = world.server.mailbox("Work").expect("there");
    let has = |flag: Flag| work.messages.iter().filter(|message| message.flags.contains(&flag)).count();
    assert_eq!((has(Flag::Answered), has(Flag::Draft)), (1, 1));
    assert!(work.messages.iter().any(|message| message.bytes.len() > 280_000), "the whole draft");
    world.check(&client.store).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_store_is_rebuilt_with_what_was_queued() {
    for name in ["message_page", "change", "content_message_id", "search_data", "reference", "mailbox_name"] {
        within(LIMIT, async {
            let world = World::new(Server::new());
            let store = queued(&world).await;
            let count = store.operations().await.expect("readable").len();
            drop(store);
            crate::world::closed().await;
            let path = world.path();
            spoil(&path, root(&path, name));
            let found = match Store::open(&path).await {
                Ok(store) => store.verify().await,
                Err(error) => Err(error),
            };
            assert_eq!(found.expect_err("damaged").kind(), StoreErrorKind::Corrupt, "{name}");
            crate::world::closed().await;
            let damaged = fs::read(&path).expect("a file");
            let rebuilt = Store::rebuild(&path).await.expect("rebuilt");
            assert_eq!((rebuilt.operations, rebuilt.is_whole), (count, true), "{name}");
            let away = rebuilt.damaged.expect("put away");
            assert_eq!(fs::read(&away).expect("a file"), damaged);
            let store = world.store().await;
            store.verify().await.expect("sound");
            assert_eq!(store.operations().await.expect("readable").len(), count);
            drop(store);
            crate::world::closed().await;
            is_done(&world).await;
        })
        .await;
    }
}

/// The file and its log as they are at this moment, elsewhere; the log alone has what was queued.
#[tokio::test(start_paused = true)]
async fn what_is_in_the_log_alone_is_kept() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let store = queued(&world).await;
        let count = store.operations().await.expect("readable").len();
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("mail.store");
        fs::copy(world.path(), &path).expect("copied");
        fs::copy(beside(&world.path(), "-wal"), beside(&path, "-wal")).expect("it has a log");
        drop(store);
        let rebuilt = Store::rebuild(&path).await.expect("rebuilt");
        assert_eq!((rebuilt.operations, rebuilt.is_whole), (count, true));
        assert!(!beside(&path, "-wal").exists(), "the log is not that of the new file");
        let store = Store::open(&path).await.expect("sound");
        store.verify().await.expect("sound");
        assert_eq!(store.operations().await.expect("readable").len(), count);
        assert_eq!(store.search("").await.expect("readable").len(), 6, "what the operations name");
    })
    .await;
}

/// The table of operations itself has a hole.
#[tokio::test(start_paused = true)]
async fn operations_on_both_sides_of_the_damage_are_kept() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 1..=300 {
            world.server.deliver("INBOX", message(&format!("message {number}")));
        }
        let client = world.client().await;
        client.in_step().await;
        client.crash().await;
        let store = world.store().await;
        let all = store.search(imap_duplex::store::LocalSearch::new("").count(300)).await.expect("readable");
        for message in all {
            store
                .flag([message.id], Flag::new("$a_keyword_of_some_length"), Flags::new())
                .await
                .expect("queued");
        }
        drop(store);
        crate::world::closed().await;
        let path = world.path();
        spoil(&path, leaf(&path, root(&path, "operation")));
        let rebuilt = Store::rebuild(&path).await.expect("rebuilt");
        assert!(!rebuilt.is_whole);
        assert!((200..300).contains(&rebuilt.operations), "{rebuilt:?}");
        let client = world.client().await;
        client.in_step().await;
        let inbox = world.server.mailbox("INBOX").expect("there");
        let flagged = inbox.messages.iter().filter(|message| message.flags.len() == 1).count();
        assert_eq!(flagged, rebuilt.operations);
        world.check(&client.store).await;
    })
    .await;
}

/// Any page may be bad: what is rebuilt is sound, and in the end as the server.
#[tokio::test(start_paused = true)]
async fn whatever_is_damaged_the_new_store_is_sound() {
    let mut dice = Dice(7);
    for _ in 0..12 {
        within(LIMIT, async {
            let world = World::new(Server::new());
            drop(queued(&world).await);
            crate::world::closed().await;
            let path = world.path();
            let pages = fs::metadata(&path).expect("a file").len() / PAGE;
            for _ in 0..=dice.roll(3) {
                let page = 1 + u64::try_from(dice.roll(usize::try_from(pages).expect("few"))).expect("few");
                spoil(&path, page);
            }
            let rebuilt = Store::rebuild(&path).await.expect("rebuilt");
            let store = world.store().await;
            store.verify().await.expect("sound");
            let operations = store.operations().await.expect("readable");
            assert!(operations.len() <= rebuilt.operations);
            drop(store);
            crate::world::closed().await;
            let client = world.client().await;
            client.in_step().await;
            let left = client.store.operations().await.expect("readable");
            assert!(left.iter().all(|left| left.state != OperationState::Sending), "{left:?}");
            for left in left {
                // What it named could not be read.
                _ = client.store.drop_operation(left.id).await;
            }
            client.in_step().await;
            world.check(&client.store).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_that_was_cut_off_is_finished_by_the_next_start() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let store = queued(&world).await;
        let count = store.operations().await.expect("readable").len();
        drop(store);
        crate::world::closed().await;
        let path = world.path();
        spoil(&path, root(&path, "message_page"));
        let damaged = fs::read(&path).expect("a file");
        // At the last moment: the new file is whole, and has not its name yet.
        Store::rebuild(&path).await.expect("rebuilt");
        fs::rename(&path, beside(&path, ".rebuilt")).expect("renamed");
        fs::write(&path, &damaged).expect("written");
        fs::write(beside(&path, "-wal"), "the log of the damaged file").expect("written");
        let store = Store::open(&path).await.expect("finished");
        store.verify().await.expect("sound");
        assert_eq!(store.operations().await.expect("readable").len(), count);
        drop(store);
        crate::world::closed().await;
        // Earlier: the new one is not whole. The damaged file is still there.
        fs::write(&path, &damaged).expect("written");
        fs::write(beside(&path, ".rebuilding"), "half").expect("written");
        let rebuilt = Store::rebuild(&path).await.expect("again");
        assert_eq!((rebuilt.operations, rebuilt.is_whole), (count, true));
        is_done(&world).await;
    })
    .await;
}

#[tokio::test]
async fn only_what_is_ours_is_rebuilt() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("theirs.db");
    assert_eq!(Store::rebuild(&path).await.expect_err("none").kind(), StoreErrorKind::NotFound);
    Connection::open(&path).and_then(|file| file.execute_batch("CREATE TABLE t (x)")).expect("SQLite");
    let before = fs::read(&path).expect("a file");
    assert_eq!(Store::rebuild(&path).await.expect_err("foreign").kind(), StoreErrorKind::Corrupt);
    assert_eq!(fs::read(&path).expect("a file"), before);
    let path = folder.path().join("newer.store");
    drop(Store::open(&path).await.expect("new"));
    Connection::open(&path).and_then(|file| file.pragma_update(None, "user_version", 99)).expect("SQLite");
    assert_eq!(Store::rebuild(&path).await.expect_err("newer").kind(), StoreErrorKind::Newer);
    let path = folder.path().join("open.store");
    let store = Store::open(&path).await.expect("new");
    assert_eq!(Store::rebuild(&path).await.expect_err("open").kind(), StoreErrorKind::Owned);
    drop(store);
    // Without a header nothing can be read.
    spoil(&path, 1);
    let rebuilt = Store::rebuild(&path).await.expect("a new one");
    assert_eq!((rebuilt.operations, rebuilt.is_whole), (0, false));
    Store::open(&path).await.expect("sound").verify().await.expect("sound");
}

#[tokio::test(start_paused = true)]
async fn an_older_store_is_upgraded_with_all_that_is_in_it() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let store = queued(&world).await;
        let operations = store.operations().await.expect("readable");
        drop(store);
        crate::world::closed().await;
        let file = Connection::open(world.path()).expect("SQLite");
        let before = "DROP INDEX message_waiting; DROP INDEX operation_replaced; \
             ALTER TABLE body DROP COLUMN source; DROP INDEX message_page; ALTER TABLE message DROP COLUMN rank; \
             CREATE INDEX message_page ON message (place, date, id) WHERE content IS NOT NULL; \
             DROP INDEX message_content; CREATE INDEX message_content ON message (content); \
             PRAGMA user_version = 1";
        file.execute_batch(before).expect("as it was before");
        drop(file);
        let store = world.store().await;
        assert_eq!(store.operations().await.expect("readable"), operations);
        drop(store);
        crate::world::closed().await;
        root(&world.path(), "message_waiting");
        world.server.change_uid_validity("INBOX", UidValidity::new(4_000_000_000).expect("not zero"));
        is_done(&world).await;
    })
    .await;
}
