//! A watch against a real Dovecot: with fewer extensions, while clients change mailboxes and the
//! server is killed and started again, and through a proxy that cuts connections at random or lets
//! them hang. In the end the sum of the stream is the mailbox.
//!
//! `IMAP_DUPLEX_SECONDS` says how long each of them goes on; 4 by default. `IMAP_DUPLEX_SEED` chooses
//! other moments.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use imap_duplex::account::{Account, ChangeKind, Changes, MemoryStore, Policy, Watch};
use imap_duplex::command::{Append, Items, Store};
use imap_duplex::types::{Flag, Flags, Uid};
use imap_duplex::{Config, Receiver, Sender, Timeouts};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::support::dovecot::{Dovecot, Options};
use crate::support::{PASSWORD, fresh_user, within};
use crate::watch::Mirror;

const MAILBOXES: [&str; 3] = ["INBOX", "Work", "Lists"];

/// What Dovecot advertises, less these.
fn without(names: &[&str]) -> Options {
    const ALL: &str = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN CONDSTORE \
        QRESYNC ESEARCH SEARCHRES MOVE SPECIAL-USE LIST-EXTENDED LIST-STATUS STATUS=SIZE BINARY NOTIFY";
    let left: Vec<_> = ALL.split_whitespace().filter(|name| !names.contains(name)).collect();
    Options { capability: Some(left.join(" ")), ..Options::default() }
}

fn seconds() -> Duration {
    let given = std::env::var("IMAP_DUPLEX_SECONDS").ok().and_then(|given| given.parse().ok());
    Duration::from_secs(given.unwrap_or(4))
}

/// What goes on by chance.
fn random() -> Random {
    let given = std::env::var("IMAP_DUPLEX_SEED").ok().and_then(|given| given.parse().ok());
    Random(given.unwrap_or(7))
}

fn config(address: SocketAddr, user: &str) -> Config {
    let mut timeouts = Timeouts::default();
    // A peer that hangs is noticed soon.
    (timeouts.silence, timeouts.check) = (Duration::from_secs(2), Duration::from_secs(2));
    (timeouts.greeting, timeouts.login) = (Duration::from_secs(2), Duration::from_secs(2));
    timeouts.idle_renew = Duration::from_secs(2);
    Config::new(address.ip().to_string())
        .port(address.port())
        .plaintext()
        .allow_plaintext_login(true)
        .timeouts(timeouts)
        .login(user, PASSWORD)
}

/// Pauses of tests, in place of minutes.
fn hasty() -> Policy {
    let mut policy = Policy::default();
    (policy.min_backoff, policy.max_backoff) = (Duration::from_millis(20), Duration::from_millis(300));
    (policy.max_redials, policy.stable_after) = (100_000, Duration::from_secs(1));
    policy.host_spacing = Duration::from_millis(1);
    policy
}

/// Random numbers that repeat.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A client that changes mailboxes until it is stopped, over as many connections as that takes;
/// `done` counts what it does.
async fn client(config: Config, seed: u64, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    let mut random = Random(seed);
    while !stop.load(Ordering::Relaxed) {
        // What fails is no concern of the client: the server may be gone just now.
        _ = session(&config, &mut random, &stop, &done).await;
        sleep(Duration::from_millis(20)).await;
    }
}

async fn session(
    config: &Config,
    random: &mut Random,
    stop: &AtomicBool,
    done: &AtomicUsize,
) -> imap_duplex::Result<()> {
    let (imap, _events) = config.clone().connect().await?;
    while !stop.load(Ordering::Relaxed) && random.below(20) > 0 {
        let name = MAILBOXES[usize::try_from(random.below(3)).unwrap_or(0)];
        for _ in 0..random.below(4) {
            imap.append(name, Append::new(format!("Subject: {}\r\n\r\nText\r\n", random.below(1000))))
                .await?;
        }
        let mailbox = imap.select(name).await?;
        mailbox.ready().await?;
        let uids = mailbox.snapshot().uids();
        let at = usize::try_from(random.below(uids.len().max(1))).unwrap_or(0);
        if let Some(uid) = uids.iter().nth(at) {
            match random.below(4) {
                0 => _ = mailbox.store(uid, Store::add([Flag::Flagged])).await?,
                1 => _ = mailbox.store(uid, Store::remove([Flag::Flagged])).await?,
                2 => {
                    mailbox.store(uid, Store::add([Flag::Deleted])).await?;
                    mailbox.expunge(uid).await?;
                }
                _ => {}
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(random.below(60))).await;
    }
    imap.logout().await
}

/// A connection that bears a slow machine.
async fn connect(config: &Config) -> (Sender, Receiver) {
    config.clone().timeouts(Timeouts::default()).connect().await.expect("the server is there")
}

/// What the server has, less `\Recent`, which is no flag of a message: it is there until some
/// session selects the mailbox, which none may have done since the last message came.
async fn truth(config: &Config) -> BTreeMap<String, BTreeMap<Uid, Flags>> {
    let (imap, _events) = connect(config).await;
    let mut all = BTreeMap::new();
    for name in MAILBOXES {
        let mailbox = imap.examine(name).await.expect("it is there");
        let rows = mailbox.fetch(.., Items::new().flags()).await.expect("FETCH");
        let flags =
            |row: &imap_duplex::types::Message| without_recent(row.flags().cloned().unwrap_or_default());
        all.insert(name.to_owned(), rows.iter().filter_map(|row| Some((row.uid()?, flags(row)))).collect());
    }
    all
}

fn sum(mirror: &Mirror) -> BTreeMap<String, BTreeMap<Uid, Flags>> {
    let of = |name: &str| {
        let messages = mirror.0.get(&name.into()).into_iter().flatten();
        messages.map(|(uid, flags)| (*uid, without_recent(flags.clone().unwrap_or_default()))).collect()
    };
    MAILBOXES.into_iter().map(|name| (name.to_owned(), of(name))).collect()
}

fn difference(
    stream: &BTreeMap<String, BTreeMap<Uid, Flags>>,
    server: &BTreeMap<String, BTreeMap<Uid, Flags>>,
) -> String {
    let mut lines = vec!["not in step:".to_owned()];
    for name in MAILBOXES {
        let (stream, server) = (&stream[name], &server[name]);
        let uids: BTreeSet<_> = stream.keys().chain(server.keys()).collect();
        for uid in uids.into_iter().filter(|uid| stream.get(uid) != server.get(uid)) {
            let (stream, server) = (stream.get(uid), server.get(uid));
            lines.push(format!("{name} {uid}: in the stream {stream:?}, at the server {server:?}"));
        }
    }
    lines.join("\n")
}

fn without_recent(flags: Flags) -> Flags {
    flags.iter().filter(|flag| *flag != Flag::Recent).collect()
}

/// A program that believes the stream, ends now and then, and acknowledges as it goes.
struct Program {
    config: Config,
    store: MemoryStore,
    mirror: Mirror,
    open: Option<(Account, Changes)>,
    restarts: usize,
    /// What was delivered, for whoever looks into a failure.
    history: Vec<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "why a test failed may be in there")]
            {
                eprintln!("---- delivered\n{}\n----", self.history.join("\n"));
            }
        }
    }
}

impl Program {
    async fn read(&mut self, for_so_long: Duration) {
        let until = Instant::now() + for_so_long;
        while Instant::now() < until {
            if self.open.is_none() {
                let account = Account::builder(self.config.clone()).policy(hasty()).open();
                let interval = Duration::from_secs(1);
                let watch =
                    Watch::mailboxes(MAILBOXES).from_start(true).interval(interval).compare_flags(interval);
                let changes = account.watch(watch, self.store.clone()).await.expect("a store in memory");
                self.open = Some((account, changes));
            }
            let Some((_, changes)) = &mut self.open else { return };
            let left = until.saturating_duration_since(Instant::now());
            let Ok(batch) = timeout(left, changes.next_many(16)).await else { return };
            let batch = batch.expect("the account goes on").expect("no error but such that pass");
            for change in &batch {
                self.history.push(format!("{change}, {}", change.id()));
                self.mirror.apply(change);
            }
            changes.ack_all(&batch).await.expect("a store in memory");
        }
    }

    /// As `kill -9` does, between two acknowledgements.
    fn restart(&mut self) {
        self.open = None;
        self.restarts += 1;
        self.history.push("the program ends, and begins again".to_owned());
    }

    /// Reads until all is as the server has it.
    async fn catch_up(&mut self, server: &Config) -> Duration {
        let expected = truth(server).await;
        let start = Instant::now();
        while sum(&self.mirror) != expected {
            assert!(start.elapsed() < PATIENCE, "{}", difference(&sum(&self.mirror), &expected));
            self.read(Duration::from_millis(100)).await;
        }
        start.elapsed()
    }
}

/// Three clients change mailboxes as long as `meanwhile` goes on; then the sum has to be right.
async fn run(
    server: &mut Dovecot,
    through: Option<SocketAddr>,
    mut meanwhile: impl FnMut(&mut Dovecot, &mut Program),
) {
    let user = fresh_user();
    let direct = config(server.plain_addr(), &user);
    {
        let (imap, _events) = connect(&direct).await;
        for name in &MAILBOXES[1..] {
            imap.create(*name).await.expect("CREATE");
        }
    }
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> =
        (1..=3).map(|seed| tokio::spawn(client(direct.clone(), seed, stop.clone(), done.clone()))).collect();
    let watched = through.map_or_else(|| direct.clone(), |address| config(address, &user));
    let mirror = Mirror::default();
    let mut program = Program {
        config: watched,
        store: MemoryStore::new(),
        mirror,
        open: None,
        restarts: 0,
        history: Vec::new(),
    };
    let until = Instant::now() + seconds();
    while Instant::now() < until || done.load(Ordering::Relaxed) < 10 {
        program.read(Duration::from_millis(400)).await;
        meanwhile(server, &mut program);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("it does not panic");
    }
    let (behind, done) = (program.catch_up(&direct).await, done.load(Ordering::Relaxed));
    #[allow(clippy::print_stderr, reason = "figures of a long run")]
    {
        eprintln!("{done} steps, {} ends of the program, in step after {behind:?}", program.restarts);
    }
}

/// What a test may take that goes on so many times, on a busy machine.
fn limit(times: u32) -> Duration {
    Duration::from_secs(1200) + seconds() * times
}

/// How long the stream may take at the end: a second, and on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_and_without_what_makes_it_cheap() {
    within(limit(5), async {
        for names in [
            &[][..],
            &["NOTIFY"],
            &["NOTIFY", "QRESYNC"],
            &["NOTIFY", "QRESYNC", "CONDSTORE"],
            &["LIST-STATUS"],
        ] {
            let mut server = Dovecot::with(&without(names));
            let mut random = random();
            run(&mut server, None, |_, program| {
                if random.below(5) == 0 {
                    program.restart();
                }
            })
            .await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_killed_and_started_again() {
    within(limit(1), async {
        let mut server = Dovecot::with(&without(&[]));
        let (mut random, mut stops) = (random(), 0);
        run(&mut server, None, |server, program| match random.below(4) {
            // The first time in any case: all are at work by then.
            moment if moment == 0 || stops == 0 => {
                server.stop();
                server.start_again();
                stops += 1;
            }
            1 => program.restart(),
            _ => {}
        })
        .await;
        assert!(stops > 0, "the server went on all the time");
        #[allow(clippy::print_stderr, reason = "figures of a long run")]
        {
            eprintln!("the server was killed {stops} times");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_proxy_that_cuts_and_hangs() {
    within(limit(1), async {
        let mut server = Dovecot::with(&without(&[]));
        let (address, cuts) = proxy(server.plain_addr()).await;
        let mut random = random();
        run(&mut server, Some(address), |_, program| {
            if random.below(10) == 0 {
                program.restart();
            }
        })
        .await;
        let cuts = cuts.load(Ordering::Relaxed);
        assert!(cuts > 0, "no connection was cut");
        #[allow(clippy::print_stderr, reason = "figures of a long run")]
        {
            eprintln!("{cuts} connections were cut or hung");
        }
    })
    .await;
}

/// A proxy that cuts each connection after a while, or lets it hang: its peer is half open.
async fn proxy(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let cuts = Arc::new(AtomicUsize::new(0));
    let count = cuts.clone();
    tokio::spawn(async move {
        let mut random = random();
        while let Ok((mut stream, _)) = listener.accept().await {
            let (lives, hangs) = (Duration::from_millis(random.below(1500)), random.below(6) == 0);
            let count = count.clone();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                if timeout(lives, tokio::io::copy_bidirectional(&mut stream, &mut server)).await.is_err() {
                    count.fetch_add(1, Ordering::Relaxed);
                    drop(server);
                    if hangs {
                        sleep(Duration::from_secs(30)).await;
                    }
                }
            });
        }
    });
    (address, cuts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_acts_on_each_message_and_on_none_twice() {
    within(limit(0), async {
        let server = Dovecot::with(&without(&[]));
        let user = fresh_user();
        let direct = config(server.plain_addr(), &user);
        let (address, _) = proxy(server.plain_addr()).await;
        let sender = direct.clone();
        let delivery = tokio::spawn(async move {
            let (imap, _events) = connect(&sender).await;
            for number in 0..200 {
                imap.append("INBOX", Append::new(format!("Subject: {number}\r\n\r\n")))
                    .await
                    .expect("APPEND");
                sleep(Duration::from_millis(5)).await;
            }
        });
        let (store, mut acted, mut random) = (MemoryStore::new(), BTreeMap::<Uid, usize>::new(), random());
        while acted.len() < 200 {
            let account = Account::builder(config(address, &user)).policy(hasty()).open();
            let watch = Watch::mailboxes(["INBOX"]).from_start(true).interval(Duration::from_secs(1));
            let mut changes = account.watch(watch, store.clone()).await.expect("a store in memory");
            // It is killed after some messages, at once after an acknowledgement.
            let mut left = random.below(20);
            while left > 0
                && let Ok(Some(Ok(change))) = timeout(Duration::from_secs(10), changes.next()).await
            {
                if let ChangeKind::Arrived { uid, .. } = change.kind {
                    *acted.entry(uid).or_default() += 1;
                    left -= 1;
                }
                changes.ack(&change).await.expect("a store in memory");
            }
        }
        delivery.await.expect("it does not panic");
        assert!(acted.values().all(|times| *times == 1), "{acted:?}");
    })
    .await;
}
