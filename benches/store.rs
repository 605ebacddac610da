//! How fast the store is with 100,000 messages of the embedded server, and of a Dovecot if there is
//! one.
//!
//! ```text
//! cargo bench --bench store                        all, and before it a first sync and what it leaves room for
//! cargo bench --bench store -- store/page          one
//! cargo bench --bench store -- store/first_sync    from each server, again and again
//! ```
//!
//! Before the benches one first sync from each server is run by itself. Printed are its time, the
//! processor time that was ours and the server's, the times of pages and bodies asked for
//! meanwhile, and the length of the file. `IMAP_DUPLEX_MESSAGES` says how many messages there are.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::print_stdout, reason = "figures that criterion has no place for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{Attachment, LocalSearch, MessageId, PageBy, Store, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Uid};
use rustix::time::{ClockId, clock_gettime};
use support::dovecot::{Dovecot, Options, lacking};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Who has the messages at Dovecot.
const USER: &str = "ann";

const WORDS: [&str; 8] = ["invoice", "lunch", "meeting", "holiday", "report", "release", "garden", "music"];

fn messages() -> u32 {
    std::env::var("IMAP_DUPLEX_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).expect("positive"), u32::try_from(time.tv_nsec).expect("small"))
}

fn message(number: u32) -> String {
    let word = |at: u32| WORDS[usize::try_from((number / (at + 1) + at) % 8).expect("small")];
    format!(
        "From: Person {} <person{}@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: {} {} {number}\r\n\
         Message-ID: <{number}@example.org>\r\nDate: Mon, 30 Nov 2026 08:00:00 +0000\r\n\r\n{}\r\n",
        number % 500,
        number % 500,
        word(0),
        word(1),
        "Some text of a message here. ".repeat(10)
    )
}

/// A server with mail, of which the processor time is known.
enum Mail {
    /// On a thread of its own in this process.
    Embedded {
        server: Server,
        address: SocketAddr,
        spent: Sender<Sender<Duration>>,
    },
    Dovecot(Dovecot),
}

fn embedded() -> Mail {
    let server = Server::builder().no_tls().start();
    for number in 0..messages() {
        server.deliver("INBOX", message(number));
    }
    let (tell, address) = channel();
    let (spent, asked) = channel::<Sender<Duration>>();
    let listening = server.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            tell.send(listening.listen().await.expect("a port")).expect("it waits");
            loop {
                match asked.try_recv() {
                    Ok(reply) => _ = reply.send(cpu(ClockId::ThreadCPUTime)),
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return,
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    });
    Mail::Embedded { server, address: address.recv().expect("an address"), spent }
}

/// A private Dovecot whose user has the messages in a Maildir; `None`, with a word why: there is
/// none on this machine.
fn dovecot() -> Option<Mail> {
    if let Some(why) = lacking() {
        println!("nothing is measured with Dovecot: {why}");
        return None;
    }
    let server = Dovecot::with(&Options { no_tls: true, ..Options::default() });
    let home = server.folder().join("home");
    let owner = fs::metadata(&home).expect("its folder");
    let own = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid())).expect("ours to give away");
    let (home, maildir) = (home.join(USER), home.join(USER).join("Maildir"));
    for path in [&home, &maildir, &maildir.join("cur"), &maildir.join("new"), &maildir.join("tmp")] {
        fs::create_dir(path).expect("its folder");
        own(path);
    }
    for number in 0..messages() {
        let path = maildir.join("cur").join(format!("{}.M{number}.host:2,", 1_700_000_000 + number));
        fs::write(&path, message(number)).expect("room");
        own(&path);
    }
    Some(Mail::Dovecot(server))
}

impl Mail {
    fn name(&self) -> &'static str {
        match self {
            Self::Embedded { .. } => "the embedded server",
            Self::Dovecot(_) => "Dovecot",
        }
    }

    /// The processor time that the server has taken.
    fn spent(&self) -> Duration {
        match self {
            Self::Embedded { spent, .. } => {
                let (reply, answer) = channel();
                spent.send(reply).expect("it runs");
                answer.recv().expect("it runs")
            }
            Self::Dovecot(server) => cpu_of_group(server.process()),
        }
    }

    /// The same, as far as it is part of this process's.
    fn spent_within(&self) -> Duration {
        match self {
            Self::Embedded { .. } => self.spent(),
            Self::Dovecot(_) => Duration::ZERO,
        }
    }

    /// What the server has noted of messages when it was asked for them is forgotten.
    fn forget(&self) {
        let Self::Dovecot(server) = self else { return };
        let maildir = server.folder().join("home").join(USER).join("Maildir");
        for entry in fs::read_dir(maildir).expect("its folder") {
            let path = entry.expect("readable").path();
            if path.to_string_lossy().contains("dovecot.index.cache") {
                fs::remove_file(path).expect("ours");
            }
        }
    }

    fn account(&self) -> Account {
        let (port, user, password) = match self {
            Self::Embedded { server, address, .. } => (address.port(), server.user(), server.password()),
            Self::Dovecot(server) => (server.plain_addr().port(), USER, support::PASSWORD),
        };
        let config = Config::new("127.0.0.1").port(port).plaintext();
        Account::builder(config.allow_plaintext_login(true).login(user, password))
            .policy(Policy::default())
            .open()
    }

    async fn attach(&self, store: &Store) -> (Account, Attachment) {
        let account = self.account();
        // Each sync has its own connection: nothing is followed as it changes.
        let attached = store.attach_with(&account, SyncPolicy::new().follow_none()).await;
        (account, attached.expect("attached"))
    }
}

/// The processor time of a group of processes, those included that have ended. Linux says it, in
/// hundredths of a second; elsewhere it is not known, and zero.
fn cpu_of_group(group: u32) -> Duration {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // Behind the name, which may have any letters: the state, the parent, the group.
        let Some((_, rest)) = text.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        if fields.get(2) == Some(&group.to_string().as_str()) {
            ticks += fields[11..=14].iter().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        }
    }
    Duration::from_millis(ticks * 10)
}

/// A first sync, and what a user interface sees of it.
async fn first_sync(mail: &Mail, folder: &TempDir) -> Store {
    let path = folder.path().join("mail.store");
    let store = Store::open(&path).await.expect("a store");
    mail.forget();
    let (begun, all) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
    let (theirs, within) = (mail.spent(), mail.spent_within());
    let (_account, attachment) = mail.attach(&store).await;
    let reader = store.clone();
    let looks = tokio::spawn(async move {
        let (mut first, mut pages, mut bodies, mut nothing) = (None, Vec::new(), Vec::new(), Vec::new());
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let Ok(inbox) = reader.mailbox_named("INBOX").await else { continue };
            // What the machine alone makes such a call wait, busy as it is.
            let at = Instant::now();
            tokio::task::spawn_blocking(|| ()).await.expect("no panic");
            nothing.push(at.elapsed());
            let at = Instant::now();
            let page = inbox.page(PageBy::newest(), None).await.expect("readable");
            pages.push(at.elapsed());
            let Some(newest) = page.messages.get(bodies.len() % 50) else { continue };
            first.get_or_insert_with(|| begun.elapsed());
            let at = Instant::now();
            if reader.body(newest.id).await.is_ok() {
                bodies.push(at.elapsed());
            }
            let known = reader.status().await.expect("readable").accounts[0].messages_stored;
            if known >= u64::from(messages()) {
                return (first, pages, bodies, nothing);
            }
        }
    });
    attachment.in_step().await.expect("in step");
    let took = begun.elapsed();
    let (all, within) = (cpu(ClockId::ProcessCPUTime) - all, mail.spent_within() - within);
    let (ours, theirs) = (all.saturating_sub(within), mail.spent() - theirs);
    let (first, mut pages, mut bodies, mut nothing) = looks.await.expect("no panic");
    [&mut pages, &mut bodies, &mut nothing].into_iter().for_each(|times| times.sort_unstable());
    attachment.stop().await;
    let share = 100.0 * ours.as_secs_f64() / (ours + theirs).as_secs_f64();
    println!(
        "first sync of {} messages from {}: {took:?}; processor: ours {ours:?} ({share:.0} %, with the looks below), \
         the server's {theirs:?}",
        messages(),
        mail.name()
    );
    println!("  the first page after {first:?}; meanwhile:");
    for (what, times) in [
        ("nothing, on a thread that may wait", &nothing),
        ("a page", &pages),
        ("a body from the server", &bodies),
    ] {
        let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
        println!(
            "  {what}: {} times, median {:?}, 99 % {:?}, longest {:?}",
            times.len(),
            at(50),
            at(99),
            times.last()
        );
    }
    let size = std::fs::metadata(&path).expect("a file").len();
    println!("  the file: {size} bytes, {} a message", size / u64::from(messages()));
    store
}

/// First syncs by themselves, each into a new file.
fn first_syncs(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, name: &str, mail: &Mail) {
    let (ours, theirs, count) = (Cell::new(Duration::ZERO), Cell::new(Duration::ZERO), Cell::new(0));
    group.bench_function(name, |b| {
        b.iter_custom(|turns| {
            let mut wall = Duration::ZERO;
            for _ in 0..turns {
                let folder = TempDir::new().expect("a folder");
                mail.forget();
                runtime.block_on(async {
                    let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
                    let (begun, all) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
                    let (before, within) = (mail.spent(), mail.spent_within());
                    let (_account, attachment) = mail.attach(&store).await;
                    attachment.in_step().await.expect("in step");
                    wall += begun.elapsed();
                    let (all, within) = (cpu(ClockId::ProcessCPUTime) - all, mail.spent_within() - within);
                    ours.set(ours.get() + all.saturating_sub(within));
                    theirs.set(theirs.get() + mail.spent().saturating_sub(before));
                    count.set(count.get() + 1);
                    attachment.stop().await;
                });
            }
            wall
        });
    });
    // None, if it was not asked for.
    if count.get() > 0 {
        let (ours, theirs) = (ours.get() / count.get(), theirs.get() / count.get());
        let share = 100.0 * ours.as_secs_f64() / (ours + theirs).as_secs_f64();
        println!(
            "  processor of one from {}: ours {ours:?} ({share:.0} %), the server's {theirs:?}",
            mail.name()
        );
    }
}

fn store(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (mail, folder) = (embedded(), TempDir::new().expect("a folder"));
    let store = runtime.block_on(first_sync(&mail, &folder));
    let dovecot = dovecot();
    if let Some(dovecot) = &dovecot {
        runtime.block_on(first_sync(dovecot, &TempDir::new().expect("a folder")));
    }
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    first_syncs(&mut group, &runtime, "first_sync_embedded", &mail);
    if let Some(dovecot) = &dovecot {
        first_syncs(&mut group, &runtime, "first_sync_dovecot", dovecot);
    }
    drop(dovecot);
    let inbox = runtime.block_on(store.mailbox_named("INBOX")).expect("there");
    group.bench_function("page_of_50", |b| {
        b.iter(|| runtime.block_on(inbox.page(PageBy::newest(), None)).expect("readable"));
    });
    let middle = |count: usize| {
        runtime.block_on(async {
            let mut cursor = None;
            for _ in 0..count {
                cursor = inbox.page(PageBy::newest(), cursor).await.expect("readable").next;
            }
            cursor
        })
    };
    let cursor = middle(1_000);
    group.bench_function("page_of_50_in_the_middle", |b| {
        b.iter(|| runtime.block_on(inbox.page(PageBy::newest(), cursor)).expect("readable"));
    });
    for (name, text) in [("search_one_word", "garden"), ("search_two_words", "from:person77 subject:music")] {
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(store.search(LocalSearch::new(text).count(50))).expect("readable"));
        });
    }
    let some = runtime.block_on(store.search(LocalSearch::new("").count(10_000))).expect("readable");
    let ids: Vec<MessageId> = some.iter().map(|message| message.id).collect();
    group.bench_function("flag_and_unflag_10k", |b| {
        b.iter(|| {
            runtime.block_on(async {
                store.flag(ids.clone(), Flag::Flagged, Flags::new()).await.expect("queued");
                store.flag(ids.clone(), Flags::new(), Flag::Flagged).await.expect("queued");
            });
        });
    });
    let Mail::Embedded { server, .. } = &mail else { unreachable!("it is the embedded one") };
    let mut next = 1;
    group.bench_function("resync_with_10_changes", |b| {
        b.iter(|| {
            for _ in 0..5 {
                next += 1;
                server.add_flags("INBOX", Uid::new(next).expect("not zero"), Flag::Answered);
                server.deliver("INBOX", message(next));
            }
            runtime.block_on(async {
                let (_account, attachment) = mail.attach(&store).await;
                attachment.in_step().await.expect("in step");
                attachment.stop().await;
            });
        });
    });
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
