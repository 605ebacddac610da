//! How changes in mailboxes that are not selected are found: by NOTIFY, by sweeps, by looks in
//! turn; and what a server that promises more than it does costs.

use std::time::Duration;

use imap_duplex::account::{Change, ChangeKind, Changes, MemoryStore, Policy, Watch};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Flags};
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::watch::{QUIET, all, next, uid};
use crate::{LIMIT, World};

/// Seconds until the next change, which is in Work.
async fn seconds(changes: &mut Changes) -> u64 {
    let start = Instant::now();
    let change = next(changes).await;
    assert_eq!(change.mailbox, "Work".into(), "{change}");
    start.elapsed().as_secs()
}

fn with_work(server: Server) -> World {
    server.create("Work");
    server.deliver("Work", "Subject: old\r\n\r\n");
    World::new(server)
}

/// How many sweeps there were.
fn sweeps(world: &World) -> usize {
    world.server.received().iter().filter(|logged| logged.name == "LIST").count()
}

#[tokio::test(start_paused = true)]
async fn notify_tells_at_once_and_makes_sweeps_rare() {
    within(LIMIT, async {
        let world = with_work(Server::new());
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        sleep(Duration::from_secs(17)).await;
        world.server.deliver("Work", "Subject: new\r\n\r\n");
        assert!(seconds(&mut changes).await <= 2);
        world.server.add_flags("Work", uid(1), Flag::Flagged);
        assert!(seconds(&mut changes).await <= 2);
        world.server.create("New");
        let (start, change) = (Instant::now(), next(&mut changes).await);
        assert_eq!((change.mailbox.to_string().as_str(), &change.kind), ("New", &ChangeKind::Created));
        assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
        let before = sweeps(&world);
        sleep(Duration::from_secs(3600)).await;
        let hour = sweeps(&world) - before;
        assert!((10..=14).contains(&hour), "{hour} sweeps in an hour");
        // An account at rest needs the connection on which it follows, and no other.
        assert_eq!(account.status().now().connections, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_notifies_is_swept() {
    within(LIMIT, async {
        let world = with_work(Server::new());
        // It takes NOTIFY and reports nothing.
        world.server.on("NOTIFY").instead("{tag} OK done\r\n").always();
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        for _ in 0..5 {
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            let seconds = seconds(&mut changes).await;
            assert!(seconds <= 62, "{seconds}");
            sleep(Duration::from_secs(700)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_lessee_is_not_notified() {
    within(LIMIT, async {
        let world = with_work(Server::new());
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        // The mailbox contradicts itself: it is left, with the connection as it was.
        world.server.on("NOOP").before("* 3 EXPUNGE\r\n").times(1);
        world.server.deliver("INBOX", "Subject: one\r\n\r\n");
        all(&mut changes, QUIET).await;
        let last = world.server.received().iter().rev().find(|logged| logged.name == "NOTIFY").cloned();
        assert!(last.is_some_and(|logged| logged.line.contains("personal")), "it is followed again");
        let silent = world.server.received().into_iter().filter(|logged| logged.name == "NOTIFY");
        assert!(silent.filter(|logged| !logged.line.contains("personal")).count() >= 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_followed_is_compared_if_the_server_keeps_silent() {
    within(LIMIT, async {
        // Flags that change before IDLE begins are never reported, and messages by no means.
        let world = with_work(Server::builder().quirk(Quirk::ForgetfulIdle).start());
        world.server.deliver("INBOX", "Subject: old\r\n\r\n");
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        for _ in 0..3 {
            // The flags change while a sweep holds IDLE up.
            world.server.on("LIST").delay(Duration::from_secs(5));
            let before = sweeps(&world);
            while sweeps(&world) == before {
                sleep(Duration::from_millis(500)).await;
            }
            sleep(Duration::from_secs(1)).await;
            let flagged = world.server.mailbox("INBOX").expect("it is there").messages[0].flags.clone();
            if flagged.contains(&Flag::Flagged) {
                world.server.remove_flags("INBOX", uid(1), Flag::Flagged);
            } else {
                world.server.add_flags("INBOX", uid(1), Flag::Flagged);
            }
            let (start, change) = (Instant::now(), next(&mut changes).await);
            assert!(matches!(change.kind, ChangeKind::FlagsChanged { .. }), "{change}");
            assert!(start.elapsed() <= Duration::from_secs(200), "{:?}", start.elapsed());
        }
        let selected = world.count("EXAMINE");
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(world.count("EXAMINE"), selected, "all is in step");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn removals_do_not_cost_a_selection_each() {
    within(LIMIT, async {
        let world = with_work(Server::new());
        for _ in 0..20 {
            world.server.deliver("INBOX", "Subject: old\r\n\r\n");
        }
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        let selected = world.count("EXAMINE");
        for number in 1..=10 {
            world.server.expunge("INBOX", uid(number));
            sleep(Duration::from_secs(200)).await;
        }
        let selected = world.count("EXAMINE") - selected;
        assert!(selected <= 1, "{selected}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn servers_without_list_status_or_status_are_asked_in_turn() {
    within(LIMIT, async {
        for refuses_status in [false, true] {
            let only = ["IMAP4rev1", "IDLE", "UIDPLUS"];
            let world = with_work(Server::builder().only(only).start());
            if refuses_status {
                world.server.on("STATUS").no("not here").always();
            }
            let account = world.account();
            let mut changes =
                account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
            all(&mut changes, QUIET).await;
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            let seconds = seconds(&mut changes).await;
            assert!(seconds <= 130, "{seconds}");
            world.server.delete("Work");
            let change = next(&mut changes).await;
            assert_eq!((change.mailbox, change.kind), ("Work".into(), ChangeKind::Deleted));
        }
    })
    .await;
}

/// Without mod-sequences no count shows that a message is flagged.
#[tokio::test(start_paused = true)]
async fn flags_are_compared_now_and_then_where_nothing_shows_them() {
    within(LIMIT, async {
        let world = with_work(Server::builder().without(["CONDSTORE", "NOTIFY"]).start());
        let account = world.account();
        let watch = Watch::all().compare_flags(Duration::from_secs(300));
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        world.server.add_flags("Work", uid(1), Flag::Flagged);
        let change = next(&mut changes).await;
        let flagged = |flags: &Flags| flags.contains(&Flag::Flagged);
        assert!(matches!(&change.kind, ChangeKind::FlagsChanged { flags, .. } if flagged(flags)), "{change}");
        let looks = world.count("EXAMINE");
        sleep(Duration::from_secs(3000)).await;
        let looks = world.count("EXAMINE") - looks;
        // Work, Drafts, Sent and Trash, ten times each.
        assert!((36..=44).contains(&looks), "{looks}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_mailboxes_are_followed_where_connections_allow() {
    within(LIMIT, async {
        let world = with_work(Server::builder().without(["NOTIFY"]).start());
        let account = world.account();
        let watch = Watch::all().follow("Work");
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        world.server.deliver("Work", "Subject: new\r\n\r\n");
        assert!(seconds(&mut changes).await <= 1);
        // One connection is always left.
        account.mailbox("Drafts").await.expect("a connection is left");
        drop((account, changes));
        let mut policy = Policy::default();
        policy.max_connections = 1;
        let account = world.account_by(world.config(), policy);
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        world.server.deliver("Work", "Subject: new\r\n\r\n");
        assert!(seconds(&mut changes).await <= 62);
    })
    .await;
}

/// However far the next sweep is: NOTIFY is trusted, and a machine that sleeps misses its reports.
#[tokio::test(start_paused = true)]
async fn another_network_makes_all_be_looked_at_again() {
    within(LIMIT, async {
        let world = with_work(Server::builder().without(["NOTIFY"]).start());
        let account = world.account();
        let watch = Watch::all().interval(Duration::from_secs(3600));
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        for _ in 0..3 {
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            account.network_changed();
            let seconds = seconds(&mut changes).await;
            assert!(seconds <= 2, "{seconds}");
            all(&mut changes, QUIET).await;
        }
        // One that is called all the time costs a sweep a second at most.
        let before = sweeps(&world);
        for _ in 0..1000 {
            account.network_changed();
            sleep(Duration::from_millis(10)).await;
        }
        let sweeps = sweeps(&world) - before;
        assert!(sweeps <= 11, "{sweeps}");
    })
    .await;
}

/// They are on the same rung as names and all: reported at once, those too that come later; and
/// what is not watched costs no sweep.
#[tokio::test(start_paused = true)]
async fn what_is_named_by_pattern_use_or_subscription_is_reported_at_once() {
    use imap_duplex::types::SpecialUse;
    within(LIMIT, async {
        let rows = [
            (Watch::matching(["Lists/*", "Archive"]), "Lists/b", Some("Lists/c")),
            (Watch::matching(["INBOX", "Lists/*"]), "Lists/b", Some("Lists/c")),
            (Watch::special_use([SpecialUse::Drafts, SpecialUse::Sent]), "Sent", None),
            (Watch::subscribed(), "Sent", None),
            (Watch::subscribed().or(Watch::matching(["Lists/*"])), "Lists/b", Some("Lists/c")),
        ];
        for (watch, name, later) in rows {
            let world = with_work(Server::new());
            world.server.create("Lists/a");
            world.server.create("Lists/b");
            let (text, account) = (format!("{watch:?}"), world.account());
            let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
            all(&mut changes, QUIET).await;
            for name in [Some(name), later].into_iter().flatten() {
                if later == Some(name) {
                    world.server.create(name);
                    let change = next(&mut changes).await;
                    assert_eq!((change.mailbox, change.kind), (name.into(), ChangeKind::Created), "{text}");
                    all(&mut changes, QUIET).await;
                }
                world.server.deliver(name, "Subject: new\r\n\r\n");
                let (start, change) = (Instant::now(), next(&mut changes).await);
                assert_eq!(change.mailbox, name.into(), "{text}");
                assert!(start.elapsed() <= Duration::from_secs(2), "{text}: {:?}", start.elapsed());
            }
            sleep(Duration::from_secs(600)).await;
            let before = sweeps(&world);
            for _ in 0..100 {
                world.server.deliver("Work", "Subject: not watched\r\n\r\n");
                sleep(Duration::from_secs(3)).await;
            }
            let sweeps = sweeps(&world) - before;
            assert!(sweeps <= 6, "{text}: {sweeps}");
            assert_eq!(account.status().now().connections, 1, "{text}");
        }
    })
    .await;
}

/// The first NOTIFY is under way when its connection is cut, and fails by that: this says nothing
/// about the one that is asked for on the next connection.
#[tokio::test(start_paused = true)]
async fn what_becomes_of_an_earlier_notify_says_nothing_about_that_of_now() {
    within(LIMIT, async {
        for is_silent in [true, false] {
            let world = with_work(Server::new());
            world.server.on("NOTIFY").delay(Duration::from_secs(60));
            let account = world.account();
            let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store");
            all(&mut changes, Duration::from_secs(30)).await;
            assert_eq!(world.count("NOTIFY"), 1);
            world.server.disconnect(is_silent);
            all(&mut changes, QUIET).await;
            assert_eq!(world.count("NOTIFY"), 2);
            for name in ["Work", "INBOX", "Work"] {
                world.server.deliver(name, "Subject: new\r\n\r\n");
                let (start, change) = (Instant::now(), next(&mut changes).await);
                assert_eq!(change.mailbox, name.into());
                assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
                sleep(Duration::from_secs(400)).await;
            }
            let before = sweeps(&world);
            sleep(Duration::from_secs(3000)).await;
            assert!(sweeps(&world) - before <= 11, "it is trusted");
        }
    })
    .await;
}

/// Without NOTIFY one of them is followed: INBOX, if it is watched.
#[tokio::test(start_paused = true)]
async fn of_what_is_named_by_pattern_one_is_followed() {
    within(LIMIT, async {
        for (pattern, followed) in [("*", "INBOX"), ("Wor%", "Work")] {
            let world = with_work(Server::builder().without(["NOTIFY"]).start());
            let account = world.account();
            let watch = Watch::matching([pattern]);
            let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
            all(&mut changes, QUIET).await;
            for _ in 0..3 {
                world.server.deliver(followed, "Subject: new\r\n\r\n");
                let (start, change) = (Instant::now(), next(&mut changes).await);
                assert_eq!(change.mailbox, followed.into());
                assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
                sleep(Duration::from_secs(500)).await;
            }
        }
    })
    .await;
}

/// An account with one connection, which is watched by it.
async fn with_one(world: &World, watch: Watch) -> (imap_duplex::account::Account, Changes) {
    let mut policy = Policy::default();
    policy.max_connections = 1;
    let account = world.account_by(world.config(), policy);
    let changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
    (account, changes)
}

/// The only connection follows, sweeps and looks in turn, and is lent to whoever wants it.
#[tokio::test(start_paused = true)]
async fn the_only_connection_idles_between_its_other_work() {
    within(LIMIT, async {
        for without in [&["NOTIFY"][..], &[], &["NOTIFY", "QRESYNC", "CONDSTORE"]] {
            let world = with_work(Server::builder().without(without.iter().copied()).start());
            let (account, mut changes) = with_one(&world, Watch::all()).await;
            all(&mut changes, QUIET).await;
            for _ in 0..3 {
                world.server.deliver("INBOX", "Subject: new\r\n\r\n");
                let (start, change) = (Instant::now(), next(&mut changes).await);
                assert_eq!(change.mailbox, "INBOX".into());
                assert!(start.elapsed() <= Duration::from_secs(1), "{without:?}: {:?}", start.elapsed());
                all(&mut changes, QUIET).await;
                let start = Instant::now();
                let work = account.mailbox("Work").await.expect("it is lent");
                assert!(start.elapsed() <= Duration::from_secs(1), "{without:?}: {:?}", start.elapsed());
                // What comes meanwhile comes afterwards.
                world.server.deliver("INBOX", "Subject: meanwhile\r\n\r\n");
                sleep(Duration::from_secs(30)).await;
                drop(work);
                let (start, change) = (Instant::now(), next(&mut changes).await);
                assert_eq!(change.mailbox, "INBOX".into());
                assert!(start.elapsed() <= Duration::from_secs(1), "{without:?}: {:?}", start.elapsed());
                all(&mut changes, QUIET).await;
                world.server.deliver("Work", "Subject: new\r\n\r\n");
                let seconds = seconds(&mut changes).await;
                assert!(seconds <= 62, "{without:?}: {seconds}");
                all(&mut changes, QUIET).await;
            }
            let selected = world.count("EXAMINE");
            sleep(Duration::from_secs(3600)).await;
            let selected = world.count("EXAMINE") - selected;
            // Without mod-sequences four mailboxes are looked into each quarter of an hour.
            let looks = if without.contains(&"CONDSTORE") { 4 * 4 * 2 + 4 } else { 1 };
            assert!(selected <= looks, "{without:?}: {selected}");
            assert_eq!((world.dials().len(), account.status().now().connections), (1, 1), "{without:?}");
        }
    })
    .await;
}

/// A program that wants a lease before it reads on gets it, however much there is to read.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_the_only_connection() {
    within(LIMIT, async {
        let world = with_work(Server::new());
        for number in 0..4000 {
            let mailbox = if number % 2 == 0 { "INBOX" } else { "Work" };
            world.server.deliver(mailbox, "Subject: one of many\r\n\r\n");
        }
        let (account, mut changes) = with_one(&world, Watch::all().from_start(true)).await;
        let mut arrived = 0;
        while arrived < 4001 {
            let change = changes.next().await.expect("the account goes on").expect("no error");
            arrived += usize::from(matches!(change.kind, ChangeKind::Arrived { .. }));
            if arrived % 500 == 1 {
                let start = Instant::now();
                account.mailbox(change.mailbox.clone()).await.expect("it is lent");
                assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
            }
            changes.ack(&change).await.expect("a store in memory");
        }
        let found = all(&mut changes, QUIET).await;
        let again = found.iter().filter(|change| change.kind != ChangeKind::InStep).count();
        assert_eq!(again, 0, "{found:?}");
    })
    .await;
}

/// The mailboxes of all changes.
fn mailboxes(changes: &[Change]) -> Vec<String> {
    let mut names: Vec<_> = changes.iter().map(|change| change.mailbox.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_chosen_by_name_pattern_use_and_subscription() {
    use imap_duplex::types::SpecialUse;
    within(LIMIT, async {
        for extensions in [&["LIST-EXTENDED"][..], &[]] {
            let server = if extensions.is_empty() {
                Server::builder().only(["IMAP4rev1", "SPECIAL-USE", "IDLE"]).start()
            } else {
                Server::new()
            };
            let world = with_work(server);
            world.server.create("Lists/a");
            world.server.create("Lists/a/b");
            world.server.subscribe("Lists/a", true);
            let rows = [
                (Watch::mailboxes(["Work", "Nowhere"]), &["Work"][..]),
                (Watch::matching(["Lists/%"]), &["Lists/a"]),
                (
                    Watch::matching(["Lists/*"]).or(Watch::mailboxes(["INBOX"])),
                    &["INBOX", "Lists/a", "Lists/a/b"],
                ),
                (Watch::special_use([SpecialUse::Sent, SpecialUse::Trash]), &["Sent", "Trash"]),
                (Watch::subscribed(), &["Drafts", "Lists/a", "Sent", "Trash"]),
                (
                    Watch::subscribed().or(Watch::mailboxes(["Work"])),
                    &["Drafts", "Lists/a", "Sent", "Trash", "Work"],
                ),
            ];
            for (watch, expected) in rows {
                let account = world.account();
                let text = format!("{watch:?}");
                let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
                let found = all(&mut changes, QUIET).await;
                assert_eq!(mailboxes(&found), expected, "{text} {extensions:?}");
            }
        }
    })
    .await;
}
