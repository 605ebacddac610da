//! Many accounts in one process: a thousand of them at a server that refuses, throttles, drops and
//! goes away; accounts that come and go. In virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{
    Account, AccountChanges, ChangeKind, DialRequest, MemoryStore, Policy, Watch, Watcher,
};
use imap_duplex::testing::Server;
use imap_duplex::types::Code;
use tokio::time::{Instant, sleep, timeout};

use crate::LIMIT;
use crate::support::within;

/// One server, and how often it is dialled in each second.
struct Host {
    server: Server,
    start: Instant,
    away: AtomicBool,
    /// Of so many connections one is dropped at once.
    dropped: usize,
    dials: AtomicUsize,
    seconds: Mutex<BTreeMap<u64, usize>>,
}

impl Host {
    fn new(server: Server, dropped: usize) -> Arc<Self> {
        let (away, dials, seconds) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::default());
        Arc::new(Self { server, start: Instant::now(), away, dropped, dials, seconds })
    }

    fn account(self: &Arc<Self>, user: &str, policy: Policy) -> Account {
        // Each host has a gate of its own.
        let name = format!("{:p}.example.org", Arc::as_ptr(self));
        let config = Config::new(name).plaintext().allow_plaintext_login(true).login(user, "secret");
        let host = self.clone();
        let dial = move |_: DialRequest| {
            let number = host.dials.fetch_add(1, Ordering::Relaxed);
            *host.seconds.lock().expect("no panic").entry(host.start.elapsed().as_secs()).or_default() += 1;
            let is_away = host.away.load(Ordering::Relaxed);
            let stream = (!is_away).then(|| host.server.connect());
            let is_dropped = host.dropped > 0 && number.is_multiple_of(host.dropped);
            async move {
                match stream {
                    Some(_) if is_dropped => Ok(tokio::io::duplex(1).0),
                    Some(stream) => Ok(stream),
                    None => Err(io::ErrorKind::ConnectionRefused.into()),
                }
            }
        };
        Account::builder(config).policy(policy).connector(dial).open()
    }

    /// The most dials in any second from this one on, and all of them.
    fn dials_since(&self, second: u64) -> (usize, usize) {
        let seconds = self.seconds.lock().expect("no panic");
        let since = || seconds.range(second..).map(|(_, dials)| *dials);
        (since().max().unwrap_or_default(), since().sum())
    }

    fn second(&self) -> u64 {
        self.start.elapsed().as_secs()
    }
}

/// Reads until each of these has had a message, and acknowledges all. How long that took.
async fn until_all_have(
    watcher: &Watcher<usize>,
    changes: &mut AccountChanges<usize>,
    mut missing: BTreeSet<usize>,
) -> Duration {
    let start = Instant::now();
    while !missing.is_empty() {
        let (name, change) = changes.next().await.expect("the watcher goes on");
        let change = change.expect("no error but such that pass");
        if let ChangeKind::Arrived { .. } = change.kind {
            missing.remove(&name);
        }
        watcher.ack(&name, &change).await.expect("a store in memory");
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_accounts_at_a_server_that_is_full_throttles_drops_and_goes_away() {
    within(LIMIT, async {
        const ACCOUNTS: usize = 1000;
        let server = Server::builder().any_user("secret").inbox_only();
        let server = server.session_limit(4).login_limit(10, Duration::from_secs(600)).start();
        let host = Host::new(server, 100);
        host.server.on("AUTHENTICATE").no_with(Code::Unavailable, "try again").times(50);
        host.server.on("LOGIN").no_with(Code::Unavailable, "try again").times(50);
        let (watcher, mut changes) = Watcher::new();
        let names: BTreeSet<usize> = (0..ACCOUNTS).collect();
        for name in &names {
            let account = host.account(&format!("user{name}"), Policy::default());
            watcher.add(*name, account, Watch::all().from_start(true), MemoryStore::new()).await.expect("a store");
        }
        let deliver = |subject: &str| {
            for name in &names {
                let account = host.server.account(&format!("user{name}"), "secret");
                account.deliver("INBOX", format!("Subject: {subject}\r\n\r\n"));
            }
        };
        deliver("first");
        let begun = until_all_have(&watcher, &mut changes, names.clone()).await;
        let (most, all) = host.dials_since(0);
        assert!(most <= 51, "{most} dials in a second");
        assert!(begun <= Duration::from_secs(600), "{begun:?}");
        assert!(all <= 3 * ACCOUNTS, "{all} dials");

        // It goes away for ten minutes, in which mail arrives.
        host.away.store(true, Ordering::Relaxed);
        host.server.disconnect(true);
        let left = host.second();
        deliver("second");
        sleep(Duration::from_secs(600)).await;
        let (most_away, while_away) = host.dials_since(left);
        host.away.store(false, Ordering::Relaxed);
        let back = host.second();
        let in_step = until_all_have(&watcher, &mut changes, names.clone()).await;
        let (most_back, _) = host.dials_since(back);
        assert!(most_away <= 51 && most_back <= 51, "{most_away}, {most_back} dials in a second");
        // A host that is away is dialled about once a second, by all of them together.
        assert!(while_away <= 800, "{while_away} dials in ten minutes");
        assert!(in_step <= Duration::from_secs(420), "{in_step:?}");
        #[allow(clippy::print_stderr, reason = "figures")]
        {
            eprintln!(
                "{ACCOUNTS} accounts: {all} dials and {begun:?} to begin, at most {most} a second; away for 600 s: \
                 {while_away} dials; back: at most {most_back} a second, all in step after {in_step:?}"
            );
        }
        watcher.shutdown(Duration::from_secs(10)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn accounts_come_and_go() {
    within(LIMIT, async {
        let host = Host::new(Server::builder().any_user("secret").inbox_only().start(), 0);
        let (watcher, mut changes) = Watcher::new();
        let store = MemoryStore::new();
        let deliver = |user: &str| host.server.account(user, "secret").deliver("INBOX", "Subject: a\r\n\r\n");
        let add = |name: &'static str, store: &MemoryStore| {
            let (account, store, watcher) =
                (host.account(name, Policy::default()), store.clone(), watcher.clone());
            async move { watcher.add(name, account, Watch::all(), store).await.expect("a store in memory") }
        };
        add("zoe", &store).await;
        add("max", &MemoryStore::new()).await;
        // What is there already is no change.
        sleep(Duration::from_secs(60)).await;
        deliver("zoe");
        deliver("max");
        let mut seen = BTreeMap::new();
        while seen.len() < 2 {
            for (name, change) in changes.next_many(10).await.expect("it goes on") {
                let change = change.expect("no error");
                watcher.ack(&name, &change).await.expect("a store in memory");
                if change.uid().is_some() {
                    *seen.entry(name).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(seen, [("zoe", 1), ("max", 1)].into());
        // One is removed, and comes back to what it has missed.
        let account = watcher.remove(&"zoe").expect("it is there");
        assert!(watcher.remove(&"zoe").is_none() && watcher.len() == 1);
        deliver("zoe");
        let quiet = Duration::from_secs(600);
        while let Ok(Some((name, _))) = timeout(quiet, changes.next()).await {
            assert_eq!(name, "max");
        }
        account.shutdown(Duration::from_secs(5)).await;
        add("zoe", &store).await;
        let missed = loop {
            let (name, change) = changes.next().await.expect("it goes on");
            let change = change.expect("no error");
            watcher.ack(&name, &change).await.expect("a store in memory");
            if change.uid().is_some() {
                break (name, change.uid().map(imap_duplex::types::Uid::get));
            }
        };
        assert_eq!(missed, ("zoe", Some(2)));
        watcher.shutdown(Duration::from_secs(5)).await;
        drop(watcher);
        while changes.next().await.is_some() {}
        assert!(host.server.sessions().is_empty(), "all have logged out");
    })
    .await;
}
