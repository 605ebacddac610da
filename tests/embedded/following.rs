//! The program that the documentation of `Mailbox::state` shows: it follows INBOX for weeks while
//! connections break and the program itself is killed, and misses no message.

use std::collections::BTreeSet;
use std::time::Duration;

use imap_duplex::command::{Items, Search};
use imap_duplex::testing::Server;
use imap_duplex::types::{CommandId, EventKind, Limits, MailboxState, Uid, UidSet};
use imap_duplex::{Config, Mailbox, Receiver, Result, Select, Sender};

use crate::support::within;

/// What outlives the program.
#[derive(Default)]
struct Disk {
    saved: Option<MailboxState>,
    seen: BTreeSet<Uid>,
    /// How often a message was seen.
    times: usize,
}

async fn see(inbox: &Mailbox, which: UidSet, disk: &mut Disk) -> Result<()> {
    let mut rows = inbox.fetch(which, Items::envelope()).stream();
    while let Some(row) = rows.next().await {
        disk.seen.extend(row?.uid());
        disk.times += 1;
    }
    Ok(())
}

async fn follow(imap: Sender, mut events: Receiver, disk: &mut Disk) -> Result<()> {
    let mut select = Select::new("INBOX");
    if let Some(state) = disk.saved.clone() {
        select = select.resume(state);
    }
    let inbox = imap.select(select).await?;
    let mut seen = match &disk.saved {
        Some(state) => state.uids.clone(),
        None => {
            let there = inbox.search(Search::all()).await?.into_uids();
            see(&inbox, there.clone(), disk).await?;
            there
        }
    };
    let mut mark: Option<(CommandId, MailboxState)> = None;
    let mut changed = true;
    loop {
        if changed
            && mark.is_none()
            && let Some(state) = inbox.state()
        {
            mark = Some((imap.noop().detach(), state));
            changed = false;
        }
        let Some(event) = events.next().await else { return Ok(()) };
        let new = match event.kind {
            EventKind::Arrived { uid, .. } => uid.into(),
            EventKind::Lagged(_) => inbox.snapshot().uids(),
            EventKind::Completed { .. } => {
                if let Some((_, state)) = mark.take_if(|(noop, _)| event.cause == Some(*noop)) {
                    disk.saved = Some(state);
                }
                continue;
            }
            EventKind::Expunged { .. } | EventKind::FlagsChanged { .. } | EventKind::Resumed { .. } => {
                changed = true;
                continue;
            }
            _ => continue,
        };
        let unseen = new.difference(&seen);
        see(&inbox, unseen.clone(), disk).await?;
        seen.union_with(&unseen);
        changed = true;
    }
}

async fn weeks(server: Server, limits: Limits) {
    let config = Config::new("localhost").plaintext().login(server.user(), server.password()).limits(limits);
    let mut expected = BTreeSet::from([1, 2, 3].map(|_| server.deliver("INBOX", "Subject: old\r\n\r\n")));
    let world = server.clone();
    let life = tokio::spawn(async move {
        for n in 0..150_u32 {
            tokio::time::sleep(Duration::from_secs(u64::from(n * 7919 % 5000))).await;
            let arrived = (0..1 + n % 3).map(|_| world.deliver("INBOX", "Subject: new\r\n\r\n"));
            expected.extend(arrived.collect::<Vec<_>>());
            match n % 11 {
                1 => world.add_flags(
                    "INBOX",
                    *expected.last().expect("mail"),
                    imap_duplex::types::Flag::Flagged,
                ),
                3 => world.disconnect(true),
                4 => drop(world.on("UID FETCH").cut_after(n as usize % 90)),
                5 => drop(world.on("SELECT").cut_after(n as usize)),
                6 => drop(world.on("LOGIN").no("not now")),
                7 => world.disconnect(false),
                8 => drop(world.on("NOOP").cut_after(n as usize % 20)),
                // One that everyone has had the time to see.
                9 => drop(world.expunge("INBOX", Uid::new(1 + n / 11).expect("not 0"))),
                _ => {}
            }
        }
        expected
    });
    let (mut disk, mut sessions) = (Disk::default(), 0_u64);
    while !life.is_finished() {
        sessions += 1;
        // Every so often the program is killed, wherever it stands.
        let alive = Duration::from_millis(sessions * 7_654_321 % 90_000_000);
        let session = async {
            let (imap, events) = config.connect_over(server.connect()).await?;
            follow(imap, events, &mut disk).await
        };
        let _ = tokio::time::timeout(alive, session).await;
        tokio::time::sleep(Duration::from_secs(sessions % 300)).await;
    }
    let expected = life.await.expect("no panic");
    let _ = tokio::time::timeout(Duration::from_secs(3600), async {
        let (imap, events) = config.connect_over(server.connect()).await?;
        follow(imap, events, &mut disk).await
    })
    .await;
    let gone: UidSet = expected.iter().copied().filter(|uid| !disk.seen.contains(uid)).collect();
    assert!(gone.is_empty(), "never seen: {gone}");
    assert!(sessions > 20, "{sessions} sessions");
    assert_eq!(
        disk.saved.expect("a state was saved").uids,
        server.mailbox("INBOX").expect("it is there").uids()
    );
    assert!(disk.times < 2 * expected.len(), "{} times for {} messages", disk.times, expected.len());
}

#[tokio::test(start_paused = true)]
async fn a_program_that_goes_on_from_its_state_misses_no_message() {
    for without in [&[][..], &["QRESYNC"], &["QRESYNC", "CONDSTORE"]] {
        let server = Server::builder().without(without.iter().copied()).start();
        within(Duration::from_secs(3600 * 24 * 365), weeks(server, Limits::default())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_if_it_reads_slowly() {
    let mut limits = Limits::default();
    limits.events = 2;
    within(Duration::from_secs(3600 * 24 * 365), weeks(Server::new(), limits)).await;
}
