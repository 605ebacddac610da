//! Counters that are missing or nought, and answers that don't add up, as a client finds them on
//! the wire. Whatever it is, the sum of the stream is the mailbox.

use std::time::Duration;

use imap_duplex::ErrorKind;
use imap_duplex::account::{Change, ChangeKind, MemoryStore, Watch};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, MailboxName};
use tokio::time::{Instant, timeout};

use crate::anomalies::{MAILBOXES, Watched, kinds};
use crate::rewritten::{Line, Rule, as_it_is};
use crate::support::within;
use crate::watch::{QUIET, all, next, uid};
use crate::{LIMIT, World};

/// What happens to a mailbox between two looks, and how many changes that makes.
type Step = (&'static str, fn(&Server, &str), usize);

fn steps() -> [Step; 5] {
    let deliver = |server: &Server, mailbox: &str| _ = server.deliver(mailbox, "Subject: new\r\n\r\n");
    let expunge = |server: &Server, mailbox: &str| {
        let first = server.mailbox(mailbox).expect("it is there").messages[0].uid;
        server.expunge(mailbox, first);
    };
    let flag = |server: &Server, mailbox: &str| {
        let messages = server.mailbox(mailbox).expect("it is there").messages;
        let last = messages.last().expect("five messages at least");
        if last.flags.contains(&Flag::Flagged) {
            server.remove_flags(mailbox, last.uid, Flag::Flagged);
        } else {
            server.add_flags(mailbox, last.uid, Flag::Flagged);
        }
    };
    let both = |server: &Server, mailbox: &str| {
        server.deliver(mailbox, "Subject: new\r\n\r\n");
        let second = server.mailbox(mailbox).expect("it is there").messages[1].uid;
        server.expunge(mailbox, second);
    };
    [
        ("arrived", deliver, 1),
        ("flags", flag, 1),
        ("both", both, 2),
        ("expunged", expunge, 1),
        ("nothing", |_, _| (), 0),
    ]
}

/// All that can happen, while the program goes on and while it does not. `hidden`: nothing that the
/// server says tells of flags that have changed.
async fn goes_through(watched: &mut Watched, what: &str, hidden: bool) {
    for mailbox in MAILBOXES {
        for (step, change, expected) in steps().into_iter().filter(|(step, ..)| !hidden || *step != "flags") {
            for at_rest in [false, true] {
                if at_rest {
                    watched.restart(|world| change(&world.server, mailbox)).await;
                } else {
                    change(&watched.world.server, mailbox);
                }
                let changes = watched.settle().await;
                assert_eq!(
                    changes.len(),
                    expected,
                    "{what}, {step}, {mailbox}, {at_rest}: {:?}",
                    kinds(&changes)
                );
            }
        }
    }
}

/// With a rule from the start, and with one that comes and goes.
async fn whatever_it_says(rules: &[(&str, Rule)], without: &[&str]) {
    for (what, rule) in rules {
        let hidden = what.contains("rows");
        for from_start in [true, false] {
            let world = World::rewriting(Server::builder().without(without.iter().copied()).start());
            if from_start {
                world.rewrite(*rule);
            }
            let mut watched = Watched::start_in(world.clone()).await;
            goes_through(&mut watched, what, hidden).await;
            for (rule, again) in [(as_it_is as Rule, false), (*rule, true), (as_it_is, false)] {
                watched.restart(|world| world.rewrite(rule)).await;
                assert_eq!(kinds(&watched.settle().await), [""; 0], "{what}");
                if again {
                    goes_through(&mut watched, what, hidden).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_highest_mod_sequence_of_nought() {
    let everywhere = |line: Line<'_>| Some(line.with("HIGHESTMODSEQ", Some("0")));
    let selected = |line: Line<'_>| {
        Some(if line.opens { line.with("HIGHESTMODSEQ", Some("0")) } else { line.text.to_owned() })
    };
    let counted = |line: Line<'_>| {
        Some(if line.starts("* STATUS") {
            line.with("HIGHESTMODSEQ", Some("0"))
        } else {
            line.text.to_owned()
        })
    };
    let rules: [(&str, Rule); 3] = [("everywhere", everywhere), ("SELECT", selected), ("STATUS", counted)];
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY"])).await;
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY", "QRESYNC"])).await;
}

/// The number is the same for ever, whatever comes and goes: only EXISTS and UIDNEXT tell.
#[tokio::test(start_paused = true)]
async fn a_highest_mod_sequence_that_stands_still_while_other_counters_differ() {
    let still = |line: Line<'_>| Some(line.with("HIGHESTMODSEQ", Some("77")));
    within(LIMIT * 10, async {
        for without in [&["NOTIFY"][..], &["NOTIFY", "QRESYNC"]] {
            let world = World::rewriting(Server::builder().without(without.iter().copied()).start());
            world.rewrite(still);
            let mut watched = Watched::start_in(world).await;
            goes_through(&mut watched, "77", true).await;
        }
    })
    .await;
}

/// An answer to QRESYNC is believed if it adds up; else the UIDs are compared.
#[tokio::test(start_paused = true)]
async fn an_answer_to_qresync_from_which_something_is_missing() {
    let rules: [(&str, Rule); 3] = [
        ("without VANISHED", |line| (!line.starts("* VANISHED (EARLIER)")).then(|| line.text.to_owned())),
        ("without rows", |line| {
            (!line.opens || !line.text.contains(" FETCH (")).then(|| line.text.to_owned())
        }),
        ("without VANISHED and rows", |line| {
            let is_change = line.starts("* VANISHED") || line.text.contains(" FETCH (");
            (!line.opens || !is_change).then(|| line.text.to_owned())
        }),
    ];
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY"])).await;
}

/// A server that calls messages gone which are there: the counts show it, as often as it does so.
#[tokio::test(start_paused = true)]
async fn messages_that_are_said_to_be_gone_are_found_again() {
    within(LIMIT * 10, async {
        let server = Server::builder().without(["NOTIFY"]).start();
        let mut watched = Watched::start_in(World::new(server)).await;
        for turn in 0..3 {
            watched.world.server.say("* VANISHED 1:2\r\n");
            let changes = watched.settle().await;
            let found = changes.iter().filter(|change| matches!(change.kind, ChangeKind::Arrived { .. }));
            assert_eq!((turn, found.count(), changes.len()), (turn, 2, 4), "{:?}", kinds(&changes));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_uidnext_that_is_missing_everywhere() {
    let rules: [(&str, Rule); 2] = [
        ("everywhere", |line| (!line.text.contains("[UIDNEXT ")).then(|| line.with("UIDNEXT", None))),
        ("STATUS", |line| {
            Some(if line.starts("* STATUS") { line.with("UIDNEXT", None) } else { line.text.to_owned() })
        }),
    ];
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY"])).await;
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY", "CONDSTORE"])).await;
}

/// STATUS that does not say the UIDVALIDITY costs nothing: SELECT does.
#[tokio::test(start_paused = true)]
async fn a_uidvalidity_that_is_missing_among_the_counts() {
    let rules: [(&str, Rule); 1] = [("STATUS", |line| {
        Some(if line.starts("* STATUS") { line.with("UIDVALIDITY", None) } else { line.text.to_owned() })
    })];
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY"])).await;
    within(LIMIT * 10, whatever_it_says(&rules, &["NOTIFY", "OBJECTID", "CONDSTORE"])).await;
}

/// A UIDVALIDITY that is missing for a while does not make the watch forget the mailbox: the
/// program gets an error, and then what has changed meanwhile, not all again.
#[tokio::test(start_paused = true)]
async fn a_uidvalidity_that_is_missing_for_a_while() {
    within(LIMIT, async {
        for without in [&["NOTIFY"][..], &["NOTIFY", "CONDSTORE", "OBJECTID"]] {
            let world = World::rewriting(Server::builder().without(without.iter().copied()).start());
            let mut watched = Watched::start_in(world.clone()).await;
            let missing =
                |line: Line<'_>| (!line.text.contains("[UIDVALIDITY ")).then(|| line.text.to_owned());
            for mailbox in MAILBOXES {
                watched
                    .restart(|world| {
                        world.rewrite(missing);
                        _ = world.server.deliver(mailbox, "Subject: new\r\n\r\n");
                    })
                    .await;
                let mut errors = Vec::new();
                while let Ok(Some(item)) = timeout(QUIET, watched.changes.next()).await {
                    match item {
                        Ok(change) => assert_eq!(change.uid(), None, "{change}"),
                        Err(error) => errors.push((error.kind(), error.mailbox().cloned())),
                    }
                }
                assert!(
                    errors.contains(&(ErrorKind::Unsupported, Some(MailboxName::from(mailbox)))),
                    "{errors:?}"
                );
                world.rewrite(as_it_is);
                let changes = watched.settle().await;
                let uids = changes.iter().filter_map(Change::uid).count();
                assert!(uids == 1 && changes.len() == 1, "{:?}", kinds(&changes));
                assert!(matches!(changes[0].kind, ChangeKind::Arrived { .. }));
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        }
    })
    .await;
}

/// Nothing but a comparison shows flags then; and that one is needed shows as soon as anything else
/// changes without a mod-sequence.
#[tokio::test(start_paused = true)]
async fn flags_behind_a_mod_sequence_that_stands_still_are_found_in_time() {
    within(LIMIT, async {
        let world = World::rewriting(Server::builder().without(["NOTIFY"]).start());
        world.rewrite(|line| Some(line.with("HIGHESTMODSEQ", Some("77"))));
        for name in ["Work", "Lists"] {
            world.server.create(name);
            world.server.deliver(name, "Subject: old\r\n\r\n");
        }
        let (account, store) = (world.account(), MemoryStore::new());
        let watch = || Watch::all().compare_flags(Duration::from_secs(600));
        let mut changes = account.watch(watch(), store.clone()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        for _ in 0..2 {
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            all(&mut changes, QUIET).await;
        }
        for name in ["Work", "Lists"] {
            world.server.add_flags(name, uid(1), Flag::Flagged);
            let (start, change) = (Instant::now(), next(&mut changes).await);
            assert_eq!(change.mailbox, name.into());
            assert!(matches!(change.kind, ChangeKind::FlagsChanged { .. }), "{change}");
            assert!(start.elapsed() <= Duration::from_secs(700), "{:?}", start.elapsed());
        }
        // In a mailbox that is made later, too.
        world.server.create("Later");
        world.server.deliver("Later", "Subject: new\r\n\r\n");
        all(&mut changes, QUIET).await;
        world.server.add_flags("Later", uid(1), Flag::Flagged);
        assert_eq!(next(&mut changes).await.mailbox, "Later".into());
        // Nor is it believed in the next run: while that was not there, and later.
        let last = all(&mut changes, Duration::from_secs(1300)).await;
        changes.ack_all(&last).await.expect("a store in memory");
        drop((account, changes));
        world.server.add_flags("Work", uid(1), Flag::Answered);
        let account = world.account();
        let mut changes = account.watch(watch(), store).await.expect("a store in memory");
        for (number, name) in [(1, "Work"), (2, "Work"), (1, "Lists")] {
            let (start, change) = (Instant::now(), next(&mut changes).await);
            assert_eq!((change.mailbox.as_str(), change.uid()), (name, Some(uid(number))));
            assert!(start.elapsed() <= Duration::from_secs(700), "{:?}", start.elapsed());
            all(&mut changes, QUIET).await;
            match number {
                1 => world.server.add_flags("Work", uid(2), Flag::Answered),
                _ => world.server.add_flags("Lists", uid(1), Flag::Answered),
            }
        }
    })
    .await;
}
