//! Power that is lost: the file and its log as a crash of the machine may leave them. Of what was
//! written since the last time that the disk was waited for, the end is missing or is rubbish. What
//! the user did is there, and is done once.
//!
//! The files are copied while nothing is written, and the log is cut; `lost` loses and reorders
//! single writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{NewMessage, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags};
use rusqlite::{Connection, TransactionBehavior};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, Dice, LIMIT, World, closed, id_of, message};

fn log_of(path: &Path) -> PathBuf {
    format!("{}-wal", path.display()).into()
}

/// What is on the disk. No one writes meanwhile: we have SQLite's lock.
fn on_disk(path: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut file = Connection::open(path).expect("a store");
    file.busy_timeout(Duration::from_secs(10)).expect("a number");
    let lock = file.transaction_with_behavior(TransactionBehavior::Immediate).expect("the lock");
    let read = |path: &Path| fs::read(path).unwrap_or_default();
    let bytes = (read(path), read(&log_of(path)));
    drop(lock);
    bytes
}

/// What the disk was waited for: operations and their marks; and flags, unless they have been set.
type Waited = (BTreeSet<(i64, Option<String>)>, BTreeSet<i64>);

fn waited_for(file: &[u8], log: &[u8]) -> Option<Waited> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("copy");
    fs::write(&path, file).expect("written");
    fs::write(log_of(&path), log).expect("written");
    let file = Connection::open(&path).ok()?;
    let is_flag = "kind IN ('flags', 'expunge')";
    let sql = format!("SELECT id, mark FROM operation WHERE NOT {is_flag}");
    let mut find = file.prepare(&sql).ok()?;
    let others = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).ok()?;
    let others = others.collect::<Result<_, _>>().ok()?;
    let sql = format!("SELECT id FROM operation WHERE {is_flag}");
    let mut find = file.prepare(&sql).ok()?;
    let flags = find.query_map([], |row| row.get(0)).ok()?.collect::<Result<_, _>>().ok()?;
    Some((others, flags))
}

/// How a crash leaves them: of the log what was waited for, and a part of the rest.
fn lose(dice: &mut Dice, path: &Path, sure: usize, (file, mut log): (Vec<u8>, Vec<u8>)) {
    let sure = sure.min(log.len());
    let mut kept = sure + dice.roll(log.len() - sure + 1);
    let all = waited_for(&file, &log).expect("a store");
    let is_possible = |kept: usize| {
        let some = waited_for(&file, &log[..kept]);
        some.is_some_and(|(others, flags)| others == all.0 && flags.is_superset(&all.1))
    };
    while !is_possible(kept) {
        // The disk was waited for once more.
        kept += (log.len() - kept).div_ceil(4).max(1);
    }
    match dice.roll(3) {
        0 => log.truncate(kept),
        // The file was made longer before its pages were written.
        1 => log[kept..].fill(0),
        _ => log[kept..].iter_mut().for_each(|byte| *byte ^= 0x5a),
    }
    fs::write(path, file).expect("written");
    fs::write(log_of(path), log).expect("written");
    _ = fs::remove_file(format!("{}-shm", path.display()));
}

async fn attach(world: &World, store: Store) -> Client {
    let account = world.account_by(Policy::default());
    let attachment = store.attach(&account).await.expect("attached");
    Client { store, attachment, account }
}

#[tokio::test(start_paused = true)]
async fn what_the_user_did_survives_a_loss_of_power() {
    for seed in 0..6 {
        within(LIMIT, async {
            let mut dice = Dice(seed);
            let lacks: &[&str] = if seed % 2 == 0 { &[] } else { &["UIDPLUS", "IMAP4rev2"] };
            let server = Server::builder().without(lacks.iter().copied());
            let world = World::new(server.start());
            world.server.create("Work");
            for number in 0..10 {
                world.server.deliver("INBOX", message(&format!("theirs {number}")));
            }
            let client = world.client().await;
            client.in_step().await;
            let (mut client, mut written) = (Some(client), 0);
            for _ in 0..10 {
                let Some(now) = client.take() else { panic!("it was there") };
                let work = now.store.mailbox_named("Work").await.expect("there").id();
                for _ in 0..=dice.roll(3) {
                    now.store
                        .append(work, NewMessage::new(message(&format!("own {written}"))))
                        .await
                        .expect("queued");
                    written += 1;
                }
                let moved = id_of(&now.store, &format!("theirs {}", dice.roll(10))).await;
                now.store.move_to([moved], work).await.expect("queued");
                now.store.flag([moved], Flag::Flagged, Flags::new()).await.expect("queued");
                let sure = on_disk(&world.path()).1.len();
                // Any step of sending it.
                for _ in 0..dice.roll(200) {
                    tokio::task::yield_now().await;
                }
                sleep(Duration::from_millis([0, 1, 20, 300][dice.roll(4)])).await;
                let left = on_disk(&world.path());
                now.crash().await;
                closed().await;
                lose(&mut dice, &world.path(), sure, left);
                let store = world.store().await;
                store.verify().await.expect("sound");
                world.check_rows();
                client = Some(attach(&world, store).await);
            }
            let client = client.expect("it is there");
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{seed}");
            let all = world.server.mailbox("Work").expect("there").messages;
            for number in 0..written {
                let subject = format!("Subject: own {number}\r\n");
                let count =
                    all.iter().filter(|it| String::from_utf8_lossy(&it.bytes).contains(&subject)).count();
                assert_eq!(count, 1, "{seed}: {subject}");
            }
            world.check(&client.store).await;
        })
        .await;
    }
}
