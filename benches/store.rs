//! How fast the store is with 100,000 messages of the embedded server.
//!
//! ```text
//! cargo bench --bench store                    all, and before it the first sync and what it leaves room for
//! cargo bench --bench store -- store/page      one
//! ```
//!
//! Before the benches one first sync is run by itself. Printed are its time, the processor time
//! that was not the server's, the times of pages and bodies asked for meanwhile, and the length of
//! the file. `IMAP_DUPLEX_MESSAGES` says how many messages there are.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::print_stdout, reason = "figures that criterion has no place for")]

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{Attachment, LocalSearch, MessageId, PageBy, Store, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Uid};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::runtime::Runtime;

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

/// A server on a thread of its own, of which the processor time is known.
struct Mail {
    server: Server,
    address: std::net::SocketAddr,
    spent: std::sync::mpsc::Sender<std::sync::mpsc::Sender<Duration>>,
}

fn serve() -> Mail {
    let server = Server::builder().no_tls().start();
    for number in 0..messages() {
        server.deliver("INBOX", message(number));
    }
    let (tell, address) = std::sync::mpsc::channel();
    let (spent, asked) = std::sync::mpsc::channel::<std::sync::mpsc::Sender<Duration>>();
    let listening = server.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            tell.send(listening.listen().await.expect("a port")).expect("it waits");
            loop {
                match asked.try_recv() {
                    Ok(reply) => _ = reply.send(cpu(ClockId::ThreadCPUTime)),
                    Err(std::sync::mpsc::TryRecvError::Empty) => {}
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    });
    Mail { server, address: address.recv().expect("an address"), spent }
}

impl Mail {
    /// The processor time that the server has taken.
    fn spent(&self) -> Duration {
        let (reply, answer) = std::sync::mpsc::channel();
        self.spent.send(reply).expect("it runs");
        answer.recv().expect("it runs")
    }

    fn account(&self) -> Account {
        let config = Config::new("127.0.0.1")
            .port(self.address.port())
            .plaintext()
            .allow_plaintext_login(true)
            .login(self.server.user(), self.server.password());
        Account::builder(config).policy(Policy::default()).open()
    }

    async fn attach(&self, store: &Store) -> (Account, Attachment) {
        let account = self.account();
        // Each sync has its own connection: nothing is followed as it changes.
        let attached = store.attach_with(&account, SyncPolicy::new().follow_none()).await;
        (account, attached.expect("attached"))
    }
}

/// A first sync, and what a user interface sees of it.
async fn first_sync(mail: &Mail, folder: &TempDir) -> Store {
    let path = folder.path().join("mail.store");
    let store = Store::open(&path).await.expect("a store");
    let (begun, all, theirs) = (Instant::now(), cpu(ClockId::ProcessCPUTime), mail.spent());
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
    let (all, theirs) = (cpu(ClockId::ProcessCPUTime) - all, mail.spent() - theirs);
    let (first, mut pages, mut bodies, mut nothing) = looks.await.expect("no panic");
    [&mut pages, &mut bodies, &mut nothing].into_iter().for_each(|times| times.sort_unstable());
    attachment.stop().await;
    let ours = all.saturating_sub(theirs);
    println!("first sync of {} messages: {took:?}, processor {all:?}, of it ours {ours:?}", messages());
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

fn store(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (mail, folder) = (serve(), TempDir::new().expect("a folder"));
    let store = runtime.block_on(first_sync(&mail, &folder));
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
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
    let mut next = 1;
    group.bench_function("resync_with_10_changes", |b| {
        b.iter(|| {
            for _ in 0..5 {
                next += 1;
                mail.server.add_flags("INBOX", Uid::new(next).expect("not zero"), Flag::Answered);
                mail.server.deliver("INBOX", message(next));
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
