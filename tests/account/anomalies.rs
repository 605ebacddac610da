//! What servers do to counters and UIDs: restored from backups, counting backwards, contradicting
//! themselves. Whatever it is, the sum of the stream is the mailbox.

use std::time::Duration;

use imap_duplex::account::{Account, Change, ChangeKind, Changes, MemoryStore, Watch};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, ModSeq, UidSet, UidValidity};
use imap_duplex::{ErrorKind, types::MailboxName};
use tokio::time::{sleep, timeout};

use crate::support::within;
use crate::watch::{Mirror, QUIET, uid};
use crate::{LIMIT, World};

/// A watch whose stream is summed up.
pub(crate) struct Watched {
    pub(crate) world: World,
    store: MemoryStore,
    account: Account,
    pub(crate) changes: Changes,
    mirror: Mirror,
}

pub(crate) const MAILBOXES: [&str; 2] = ["INBOX", "Work"];

impl Watched {
    async fn start(server: Server) -> Self {
        Self::start_in(World::new(server)).await
    }

    /// Five messages in each of two mailboxes.
    pub(crate) async fn start_in(world: World) -> Self {
        world.server.create("Work");
        for number in 0..10 {
            world.server.deliver(MAILBOXES[number % 2], format!("Subject: {number}\r\n\r\n"));
        }
        let store = MemoryStore::new();
        let (account, changes) = open(&world, &store).await;
        let mut this = Self { world, store, account, changes, mirror: Mirror::default() };
        let arrived = this.settle().await;
        assert_eq!(arrived.iter().filter(|change| change.uid().is_some()).count(), 10);
        this
    }

    /// The program ends, and begins again later.
    pub(crate) async fn restart(&mut self, meanwhile: impl FnOnce(&World)) {
        let world = self.world.clone();
        self.account.shutdown(Duration::from_secs(10)).await;
        meanwhile(&world);
        (self.account, self.changes) = open(&world, &self.store).await;
    }

    /// All that comes until nothing comes for a while; the sum is the mailbox.
    pub(crate) async fn settle(&mut self) -> Vec<Change> {
        let mut found = Vec::new();
        while let Ok(Some(change)) = timeout(QUIET, self.changes.next()).await {
            let change = change.expect("no error");
            self.mirror.apply(&change);
            self.changes.ack(&change).await.expect("a store in memory");
            found.push(change);
        }
        for mailbox in self.world.server.mailboxes() {
            let there = self.world.server.mailbox(mailbox.clone()).expect("it is there");
            assert_eq!(self.mirror.uids(mailbox.as_str()), there.uids(), "{mailbox}");
            for message in &there.messages {
                let known = self.mirror.0.get(&mailbox).and_then(|all| all.get(&message.uid)).cloned();
                assert_eq!(known.flatten().unwrap_or_default(), message.flags, "{mailbox} {}", message.uid);
            }
        }
        found.retain(|change| change.kind != ChangeKind::InStep);
        found
    }
}

async fn open(world: &World, store: &MemoryStore) -> (Account, Changes) {
    let account = world.account();
    let watch = Watch::all().from_start(true).compare_flags(Duration::from_secs(100));
    let changes = account.watch(watch, store.clone()).await.expect("a store in memory");
    (account, changes)
}

/// Servers that differ in what they know of changes.
fn servers() -> [Server; 4] {
    [
        Server::new(),
        Server::builder().without(["NOTIFY", "OBJECTID"]).start(),
        Server::builder().without(["QRESYNC", "NOTIFY"]).start(),
        Server::builder().without(["CONDSTORE", "NOTIFY", "OBJECTID"]).start(),
    ]
}

pub(crate) fn kinds(changes: &[Change]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// UIDNEXT and HIGHESTMODSEQ are lower than before, under the same UIDVALIDITY; while the watch
/// goes on, and while it does not.
#[tokio::test(start_paused = true)]
async fn a_server_that_was_restored_from_a_backup() {
    within(LIMIT, async {
        for server in servers() {
            let mut watched = Watched::start(server).await;
            for mailbox in MAILBOXES {
                for at_rest in [false, true] {
                    let backup = watched.world.server.mailbox(mailbox).expect("it is there");
                    for number in 0..3 {
                        watched.world.server.deliver(mailbox, format!("Subject: lost {number}\r\n\r\n"));
                    }
                    watched.world.server.add_flags(mailbox, uid(1), Flag::Flagged);
                    watched.world.server.expunge(mailbox, uid(2));
                    assert_eq!(watched.settle().await.len(), 5);
                    if at_rest {
                        watched.restart(|world| world.server.restore(&backup)).await;
                    } else {
                        watched.world.server.restore(&backup);
                    }
                    // Three are gone, one is back, flags as well.
                    let changes = watched.settle().await;
                    assert_eq!(changes.len(), 5, "{:?}", kinds(&changes));
                    let new = watched.world.server.deliver(mailbox, "Subject: new\r\n\r\n");
                    let changes = watched.settle().await;
                    assert_eq!(changes.len(), 1, "{:?}", kinds(&changes));
                    watched.world.server.expunge(mailbox, new);
                    watched.settle().await;
                }
            }
        }
    })
    .await;
}

/// HIGHESTMODSEQ lower than before, and the same while messages have come and gone.
#[tokio::test(start_paused = true)]
async fn a_mod_sequence_that_goes_back_or_stands_still() {
    within(LIMIT, async {
        for without in [&["NOTIFY"][..], &["NOTIFY", "QRESYNC"]] {
            let mut watched =
                Watched::start(Server::builder().without(without.iter().copied()).start()).await;
            let server = watched.world.server.clone();
            for mailbox in MAILBOXES {
                for at_rest in [false, true] {
                    let before = server.mailbox(mailbox).expect("it is there").highest_mod_seq;
                    let change = |server: &Server| {
                        server.deliver(mailbox, "Subject: new\r\n\r\n");
                        let first = server.mailbox(mailbox).expect("it is there").messages[0].uid;
                        server.expunge(mailbox, first);
                        server.set_highest_mod_seq(mailbox, before);
                    };
                    if at_rest {
                        watched.restart(|world| change(&world.server)).await;
                    } else {
                        change(&server);
                    }
                    let changes = watched.settle().await;
                    assert_eq!(changes.len(), 2, "{:?}", kinds(&changes));
                    server.set_highest_mod_seq(mailbox, ModSeq::MIN);
                    assert_eq!(kinds(&watched.settle().await), [""; 0], "lower");
                    server.set_highest_mod_seq(mailbox, before);
                    watched.settle().await;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_without_mod_sequences_on_a_server_that_has_them() {
    within(LIMIT, async {
        let server = Server::builder().without(["NOTIFY"]).start();
        server.create("Virtual");
        server.keep_mod_seqs("Virtual", false);
        server.keep_mod_seqs("INBOX", false);
        let mut watched = Watched::start(server.clone()).await;
        for mailbox in ["INBOX", "Virtual"] {
            let new = server.deliver(mailbox, "Subject: new\r\n\r\n");
            assert_eq!(watched.settle().await.len(), 1, "{mailbox}");
            server.add_flags(mailbox, new, Flag::Flagged);
            // No count shows it in a mailbox that is not followed.
            let changes = watched.settle().await;
            assert!(
                matches!(&changes[..], [Change { kind: ChangeKind::FlagsChanged { .. }, .. }]),
                "{mailbox}"
            );
        }
        // They have some from now on, and again none.
        for keep in [true, false] {
            server.keep_mod_seqs("Virtual", keep);
            watched.restart(|world| _ = world.server.deliver("Virtual", "Subject: newer\r\n\r\n")).await;
            assert_eq!(watched.settle().await.len(), 1, "{keep}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn counters_that_are_missing() {
    within(LIMIT, async {
        let without = ["CONDSTORE", "NOTIFY"];
        let mut watched =
            Watched::start(Server::builder().quirk(Quirk::NoUidNext).without(without).start()).await;
        for mailbox in MAILBOXES {
            watched.world.server.deliver(mailbox, "Subject: new\r\n\r\n");
            watched.world.server.expunge(mailbox, uid(1));
            assert_eq!(watched.settle().await.len(), 2, "{mailbox}");
        }
        // Without UIDVALIDITY nothing can be resumed: the program gets an error, once.
        let world = World::new(Server::builder().quirk(Quirk::NoUidValidity).start());
        world.server.deliver("INBOX", "Subject: old\r\n\r\n");
        let account = world.account();
        let mut changes =
            account.watch(Watch::mailboxes(["INBOX"]), MemoryStore::new()).await.expect("a store");
        let error =
            timeout(QUIET, changes.next()).await.expect("in time").expect("an item").expect_err("an error");
        assert_eq!((error.kind(), error.mailbox()), (ErrorKind::Unsupported, Some(&MailboxName::INBOX)));
        assert!(timeout(Duration::from_secs(3600), changes.next()).await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_mailboxes_of_one_uidvalidity_are_two() {
    within(LIMIT, async {
        let mut watched = Watched::start(Server::builder().without(["OBJECTID", "NOTIFY"]).start()).await;
        let server = watched.world.server.clone();
        let same = UidValidity::new(4711).expect("not zero");
        for mailbox in MAILBOXES {
            server.change_uid_validity(mailbox, same);
        }
        watched.settle().await;
        // Another mailbox with as many messages and the same UIDVALIDITY, in place of the first.
        let swap = |world: &World| {
            world.server.delete("Work");
            world.server.create("Job");
            for number in 0..5 {
                world.server.deliver("Job", format!("Subject: other {number}, and longer\r\n\r\n"));
            }
            world.server.change_uid_validity("Job", same);
        };
        swap(&watched.world);
        let changes = watched.settle().await;
        assert!(
            !changes.iter().any(|change| matches!(change.kind, ChangeKind::Renamed { .. })),
            "{changes:?}"
        );
        assert_eq!(changes.iter().filter(|change| change.kind == ChangeKind::Deleted).count(), 1);
        // The same one under another name is recognised, though mail has arrived and some is gone.
        for at_rest in [false, true] {
            let (from, to) = if at_rest { ("Task", "Job") } else { ("Job", "Task") };
            let rename = |world: &World| {
                world.server.rename(from, to);
                world.server.deliver(to, "Subject: new\r\n\r\n");
                let first = world.server.mailbox(to).expect("it is there").messages[0].uid;
                world.server.expunge(to, first);
            };
            if at_rest {
                watched.restart(rename).await;
            } else {
                rename(&watched.world);
            }
            let changes = watched.settle().await;
            let texts = kinds(&changes);
            assert!(matches!(changes[0].kind, ChangeKind::Renamed { .. }), "{texts:?}");
            assert_eq!(changes.len(), 3, "{texts:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_was_deleted_and_made_again() {
    within(LIMIT, async {
        for server in servers() {
            let mut watched = Watched::start(server).await;
            for at_rest in [false, true] {
                let again = |world: &World| {
                    world.server.delete("Work");
                    world.server.create("Work");
                    world.server.deliver("Work", "Subject: another\r\n\r\n");
                };
                if at_rest {
                    watched.restart(again).await;
                } else {
                    again(&watched.world);
                }
                let changes = watched.settle().await;
                assert!(
                    changes
                        .iter()
                        .any(|change| matches!(change.kind, ChangeKind::Reset | ChangeKind::Created)),
                    "{changes:?}"
                );
            }
        }
    })
    .await;
}

/// A QRESYNC answer counts only if it adds up, and VANISHED beyond all that is there does no harm.
#[tokio::test(start_paused = true)]
async fn vanished_that_names_what_is_there() {
    within(LIMIT, async {
        let mut watched = Watched::start(Server::builder().without(["NOTIFY"]).start()).await;
        let server = watched.world.server.clone();
        for what in ["1:2", "1:4294967295", "4000000000:4294967295"] {
            for mailbox in MAILBOXES {
                let lie = format!("* VANISHED (EARLIER) {what}\r\n");
                let new = |world: &World| {
                    world.server.on("EXAMINE").within(lie.clone());
                    _ = world.server.deliver(mailbox, "Subject: new\r\n\r\n");
                };
                watched.restart(new).await;
                let changes = watched.settle().await;
                assert_eq!(changes.len(), 1, "{what}: {:?}", kinds(&changes));
            }
            // While it is followed: it is believed, and put right by what sweeps count.
            server.say(format!("* VANISHED {what}\r\n"));
            watched.settle().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_uidvalidity_while_the_program_is_away() {
    within(LIMIT, async {
        for server in servers() {
            let mut watched = Watched::start(server).await;
            for (number, mailbox) in (4711..).zip(MAILBOXES) {
                let renumber = |world: &World| {
                    world.server.change_uid_validity(mailbox, UidValidity::new(number).expect("not zero"));
                };
                watched.restart(renumber).await;
                let changes = watched.settle().await;
                assert_eq!(changes[0].kind, ChangeKind::Reset);
                let uids: UidSet = changes.iter().filter_map(Change::uid).collect();
                assert_eq!(uids.len(), 5, "{changes:?}");
            }
        }
    })
    .await;
}

/// A server that takes fewer connections than the policy allows: none is followed then, if there is
/// but one.
#[tokio::test(start_paused = true)]
async fn limits_of_a_server_are_kept_to() {
    within(LIMIT, async {
        for sessions in [1, 2] {
            let server = Server::builder().session_limit(sessions).login_limit(20, Duration::from_secs(600));
            let mut watched = Watched::start(server.start()).await;
            if sessions == 1 {
                assert_eq!(watched.account.status().now().max_connections, 1);
            }
            for round in 0..6 {
                if round % 2 == 0 {
                    watched.world.server.disconnect(true);
                }
                watched.world.server.deliver("Work", "Subject: new\r\n\r\n");
                watched.world.server.add_flags("INBOX", uid(1), Flag::from(&*format!("k{round}")));
                sleep(Duration::from_secs(300)).await;
                let changes = watched.settle().await;
                assert_eq!(changes.len(), 2, "{sessions}: {:?}", kinds(&changes));
            }
            let before = watched.world.dials().len();
            sleep(Duration::from_secs(6 * 3600)).await;
            let dials = watched.world.dials().len() - before;
            assert!(dials <= 40, "{dials} dials in six hours");
        }
    })
    .await;
}
