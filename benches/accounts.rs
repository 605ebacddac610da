//! The memory of idle accounts beside that of their connections, by hand:
//!
//! ```sh
//! cargo bench --features account,testing --bench accounts -- 10000
//! ```
//!
//! In: how many accounts. Out: a line with the memory of so many bare connections with INBOX
//! selected and NOTIFY in force, of as many accounts that watch their INBOX, and the difference for
//! each; the time that passes until all are in step, and the dials in each second until then. Each
//! part in a process of its own, the embedded server within it, in virtual time; only Linux says
//! how much memory a process has.
#![allow(clippy::print_stdout, reason = "what it measures")]

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, ChangeKind, MemoryStore, Watch, Watcher};
use imap_duplex::command::{List, Notify, NotifyEvent, StatusItems};
use imap_duplex::testing::Server;
use imap_duplex::types::ViewSync;
use imap_duplex::{Receiver, Select};
use tokio::time::{Instant, sleep};

/// Until all is still, and no longer: the server logs each command, and accounts send some.
const AT_REST: Duration = Duration::from_secs(45);
/// How many commands the server keeps.
const LOGGED: usize = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let count: usize = arguments.next().and_then(|argument| argument.parse().ok()).unwrap_or(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    match arguments.next().as_deref() {
        Some("connections") => println!("{}", runtime.block_on(connections(count))),
        Some("accounts") => {
            let (bytes, figures) = runtime.block_on(accounts(count));
            println!("{bytes} {figures}");
        }
        _ => {
            let (connections, _) = part(count, "connections");
            let (accounts, figures) = part(count, "accounts");
            let each = |bytes: usize| bytes as f64 / 1024.0 / count as f64;
            println!(
                "{count} connections: {:.1} kB each, with the server's side; {count} accounts: {:.1} kB each; \
                 {:.1} kB beside the connection; {figures}",
                each(connections),
                each(accounts),
                each(accounts) - each(connections),
            );
        }
    }
}

/// Measures in a process of its own: bytes, and what else is said.
fn part(count: usize, what: &str) -> (usize, String) {
    let own = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(own).args([&count.to_string(), what]).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (bytes, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    (bytes.parse().expect("bytes"), rest.to_owned())
}

fn server() -> Server {
    Server::builder().any_user("secret").inbox_only().start()
}

fn config(number: usize) -> Config {
    let user = format!("user{number}");
    Config::new("mail.example.org").plaintext().allow_plaintext_login(true).login(user, "secret")
}

/// What the process has in memory, in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}

/// The server keeps its latest commands, of which accounts send more than bare connections do: the
/// log is full from the start, so that neither adds to it.
async fn fill_log(server: &Server) {
    let config = Config::new("mail.example.org").plaintext().allow_plaintext_login(true);
    let config = config.login("first", "secret").auto_idle(false);
    let (imap, events) = config.connect_over(server.connect()).await.expect("it answers");
    tokio::spawn(drain(events));
    let name = "as long as what an account asks for in most cases, more or less, with what it returns";
    for _ in 0..LOGGED / 100 {
        let tokens: Vec<_> = (0..100).map(|_| imap.list(List::new(name))).collect();
        for token in tokens {
            token.await.expect("LIST");
        }
    }
    imap.logout().await.expect("it ends");
}

async fn drain(mut events: Receiver) {
    while events.next().await.is_some() {}
}

async fn connections(count: usize) -> usize {
    let server = server();
    fill_log(&server).await;
    let before = memory();
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let (imap, events) = config(number).connect_over(server.connect()).await.expect("it answers");
        tokio::spawn(drain(events));
        let inbox = imap.select(Select::new("INBOX").read_only().view_sync(ViewSync::Flags)).await;
        // What an account asks for on its connection: what the server, and the connection, keep of
        // it is not the account's.
        let list = || List::new("*").with_status(StatusItems::counts().uid_validity().uid_next());
        imap.list(list()).await.expect("LIST");
        let notify =
            Notify::set().personal(NotifyEvent::MESSAGES.into_iter().chain([NotifyEvent::MailboxName]));
        imap.notify(notify).await.expect("NOTIFY");
        imap.list(list()).await.expect("LIST");
        all.push((imap, inbox.expect("it is there")));
    }
    sleep(AT_REST).await;
    memory() - before
}

async fn accounts(count: usize) -> (usize, String) {
    let server = server();
    fill_log(&server).await;
    let (before, start) = (memory(), Instant::now());
    let dials = Arc::new(Mutex::new(Vec::new()));
    let (watcher, mut changes) = Watcher::new();
    for number in 0..count {
        let (server, dials) = (server.clone(), dials.clone());
        let dial = move |_| {
            dials.lock().expect("no panic").push(start.elapsed().as_secs());
            std::future::ready(Ok(server.connect()))
        };
        let account = Account::builder(config(number)).connector(dial).open();
        watcher.add(number, account, Watch::all(), MemoryStore::new()).await.expect("a store in memory");
    }
    let mut missing = count;
    while missing > 0 {
        let (name, change) = changes.next().await.expect("it goes on");
        let change = change.expect("no error");
        missing -= usize::from(change.kind == ChangeKind::InStep);
        watcher.ack(&name, &change).await.expect("a store in memory");
    }
    let in_step = start.elapsed();
    sleep(AT_REST).await;
    let bytes = memory() - before;
    let open: usize = (0..count)
        .filter_map(|number| watcher.account(&number))
        .map(|account| account.status().now().connections)
        .sum();
    let dials = dials.lock().expect("no panic");
    let most = dials.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or_default();
    let figures = format!(
        "all in step after {in_step:?}; {} dials, at most {most} in a second; {open} connections at rest",
        dials.len()
    );
    (bytes, figures)
}
