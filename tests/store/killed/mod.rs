//! A program that keeps a store is killed again and again, at random moments of syncing and of work
//! offline, while another client changes the mailboxes of a real server. Afterwards somebody who
//! uses nothing of the library reads the file and the server: both are equal, and nothing that the
//! user did is lost or done twice. Connections break, too, the server is killed itself, and loses
//! UIDs.
//!
//! The program is this test's own binary, started again. `IMAP_DUPLEX_KILLS` says how often it is
//! killed, `IMAP_DUPLEX_SEED` at which moments. With `IMAP_DUPLEX_LOG=FOLDER` the journal and all
//! that is said to the server are kept there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::dovecot::{Dovecot, Options};
use crate::support::{fresh_user, within};
use crate::world::{Dice, check_rows};
use others::Others;
use relay::Relay;

mod others;
mod program;
mod relay;
mod truth;
mod work;

const TRASH: &str = "Trash";
/// A mailbox that others delete and make again, with all that is in it.
const DOOMED: &str = "Doomed";
/// The names of one that others rename.
const RENAMED: (&str, &str) = ("Theirs", "Moved");
const MAILBOXES: [&str; 8] = ["INBOX", "Work", "Archive", "work", TRASH, DOOMED, RENAMED.0, RENAMED.1];
/// Keywords that the user sets.
const KEYWORDS: [&str; 3] = ["$Mine", "todo", "NonJunk"];
/// What the names of mailboxes begin with that the user makes.
const BOX: &str = "box";
/// How long the whole may take for each kill on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(10);
/// What the program is to do: `{"store", "journal", "port", "user", "mode", "seed"}`.
const PROGRAM: &str = "IMAP_DUPLEX_STORE_PROGRAM";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What the program writes to.
pub(crate) trait Disk {
    /// The program that is about to be started is to write to it.
    fn prepare(&self, program: &mut Command, store: &Path);
    /// The program was killed.
    fn after_kill(&mut self, dice: &mut Dice);
    /// What has happened to it, for the figures.
    fn said(&self) -> String;
}

/// One that keeps all that was written.
struct Reliable;

impl Disk for Reliable {
    fn prepare(&self, _program: &mut Command, _store: &Path) {}
    fn after_kill(&mut self, _dice: &mut Dice) {}
    fn said(&self) -> String {
        String::new()
    }
}

fn start(orders: &Value, disk: &impl Disk) -> Child {
    let name = std::thread::current().name().expect("that of the test").to_owned();
    let mut program = Command::new(std::env::current_exe().expect("our own file"));
    program
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(PROGRAM, orders.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    disk.prepare(&mut program, Path::new(orders["store"].as_str().expect("a path")));
    program.spawn().expect("it is running now")
}

/// Its processes are gone before anybody looks, however a test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn amount(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn kill_again_and_again(mut disk: impl Disk) {
    let (kills, seed) = (amount("IMAP_DUPLEX_KILLS", 24), amount("IMAP_DUPLEX_SEED", 1));
    // Not SCRAM, which would take most of their lives.
    let extra = "auth_mechanisms = plain\n".to_owned();
    let mut server = Dovecot::with(&Options { no_tls: true, extra, ..Options::default() });
    let (user, folder) = (fresh_user(), tempfile::tempdir().expect("a folder"));
    let (path, journal) = (folder.path().join("mail.store"), folder.path().join("journal"));
    let (mut dice, mut others) = (Dice(seed), Others::default());
    let mut session = server.session(&user).await;
    for name in MAILBOXES.into_iter().skip(1).filter(|name| *name != RENAMED.1) {
        session.command(&format!("CREATE {name}")).await;
    }
    for number in 0..40 {
        others.arrives(&mut session, MAILBOXES[number % 3]).await;
    }
    session.logout().await;
    let relay = Relay::start(server.plain_addr(), Dice(seed ^ 0x5eed)).await;
    let orders = |mode: &str, seed: u64| {
        json!({
            "store": path, "journal": journal, "port": relay.port, "user": user,
            "mode": mode, "seed": seed,
        })
    };
    for number in 0..kills {
        let mode = ["on", "on", "on", "off"][dice.roll(4)];
        if dice.roll(24) == 0 {
            others::renumber(&mut server, &user, &mut dice).await;
        }
        let orders = orders(mode, seed.wrapping_mul(1_000_003).wrapping_add(number));
        let running = Running(start(&orders, &disk));
        let life = Duration::from_millis(10 + u64::try_from(dice.roll(300)).expect("small"));
        for half in 0..2 {
            let turns = dice.roll(8);
            tokio::join!(sleep(life), others.disturb(&server, &user, &mut dice, turns));
            if half == 0 && dice.roll(12) == 0 {
                others::restart(&mut server);
            }
        }
        drop(running);
        disk.after_kill(&mut dice);
    }
    let broken = relay.calm();
    let mut last = Running(start(&orders("end", 0), &disk));
    let status = loop {
        if let Some(status) = last.0.try_wait().expect("our own child") {
            break status;
        }
        sleep(Duration::from_millis(20)).await;
    };
    let journal = std::fs::read_to_string(&journal).unwrap_or_default();
    if let Some(folder) = relay::folder() {
        std::fs::write(folder.join("journal"), &journal).expect("written");
        std::fs::copy(&path, folder.join("mail.store")).expect("copied");
    }
    assert!(status.success(), "{status}: what it said is above; {:#?}", truth::of_boxes(&journal));
    compare(&server, &user, &path, (&journal, &others)).await;
    let done = journal.lines().filter(|line| line.contains("\"done\"")).count();
    let said = disk.said();
    println!("{kills} kills, {broken} connections broken, seed {seed}: {done} operations{said}");
    assert!(done > 0 || kills < 5, "the user has done something");
}

/// The file, the server, and what has to be by the journal.
async fn compare(server: &Dovecot, user: &str, path: &Path, (journal, others): (&str, &Others)) {
    let wrong: Vec<&str> = journal.lines().filter(|line| line.contains("\"wrong\"")).collect();
    assert!(wrong.is_empty(), "the user has seen what is not so: {wrong:#?}");
    let (names, mail) = truth::at_server(server, user).await;
    let (names_here, mail_here) = truth::in_file(path);
    let differences = truth::differences(&mail_here, &mail, journal);
    assert!(differences.is_empty(), "the file, and the server: {differences:#?}");
    let wrong = truth::wrong_boxes(&truth::boxes(journal), &names);
    assert!(wrong.is_empty(), "mailboxes: {wrong:?}, of {names:?}");
    assert_eq!(names_here, names, "mailboxes in the file, and at the server");
    check_rows(path);
    let wrong = truth::wrong_bodies(server, user, path).await;
    assert!(wrong.is_empty(), "bodies that are not those of the server: {wrong:#?}");
    let mut found: BTreeMap<&str, Vec<&BTreeSet<String>>> = BTreeMap::new();
    for (flags, subject) in mail.values() {
        found.entry(subject).or_default().push(flags);
    }
    let truths = truth::truths(journal, others);
    for (subject, truth) in &truths {
        let there = found.remove(subject.as_str()).unwrap_or_default();
        let right = (truth.least..=truth.most).contains(&there.len());
        let places = || mail.iter().filter(|(_, (_, of))| of == subject).map(|(place, _)| place);
        assert!(right, "{subject}: {:?}, {truth:#?}", places().collect::<Vec<_>>());
        let ([flags], false) = (there.as_slice(), truth.is_copied) else { continue };
        // Dovecot, killed while it wrote them down, has lost the names of keywords.
        let is_nameless = flags.iter().any(|flag| flag.starts_with("unknown-"));
        for (flag, has) in &truth.flags {
            let Some(has) = has.filter(|_| flag.starts_with('\\') || !is_nameless) else { continue };
            assert_eq!(flags.contains(flag), has, "{subject}, {flag} of {flags:?}: {truth:#?}");
        }
    }
    assert!(found.is_empty(), "these come from nowhere: {found:?}");
}

/// Whether this is the program that is to be killed, which has run then.
pub(crate) fn is_the_program() -> bool {
    let Ok(orders) = std::env::var(PROGRAM) else { return false };
    runtime().block_on(program::run(serde_json::from_str(&orders).expect("JSON")));
    true
}

/// Kills it again and again, and compares.
pub(crate) fn kill_and_compare(disk: impl Disk) {
    let kills = u32::try_from(amount("IMAP_DUPLEX_KILLS", 24)).expect("few");
    let limit = LIMIT.saturating_mul(kills) + Duration::from_secs(60);
    runtime().block_on(within(limit, kill_again_and_again(disk)));
}

#[test]
fn a_program_that_is_killed_loses_nothing_and_does_nothing_twice() {
    if !is_the_program() {
        kill_and_compare(Reliable);
    }
}
