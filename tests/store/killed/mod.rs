//! A program that keeps a store is killed again and again, at random moments of syncing and of work
//! offline, while another client changes the mailboxes of a real server. Afterwards somebody who
//! uses nothing of the library reads the file and the server: both are equal, and nothing that the
//! user did is lost or done twice.
//!
//! The program is this test's own binary, started again. `IMAP_DUPLEX_KILLS` says how often it is
//! killed, `IMAP_DUPLEX_SEED` at which moments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{MailboxId, MessageSummary, NewMessage, Store, StoreResult};
use imap_duplex::types::{Flag, Flags};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::dovecot::{Dovecot, Options};
use crate::support::other::Other;
use crate::support::{PASSWORD, fresh_user, within};
use crate::world::{Dice, check_rows, message};

const MAILBOXES: [&str; 3] = ["INBOX", "Work", "Archive"];
/// How long the whole may take for each kill on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(10);
/// What the program is to do: `{"store", "journal", "port", "user", "mode", "seed"}`.
const PROGRAM: &str = "IMAP_DUPLEX_STORE_PROGRAM";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The program: opens the store, works on it, online or off, until it is killed. `mode` is `off`,
/// `on`, or `end`: then it brings all in step, and ends.
async fn program(orders: Value) {
    let text = |name: &str| orders[name].as_str().expect("a text").to_owned();
    let store = Store::open(text("store")).await.expect("a store, whole at any moment");
    let account = account(&orders);
    let attachment = match orders["mode"].as_str() {
        Some("off") => None,
        _ => Some(store.attach(&account).await.expect("attached")),
    };
    if let (Some("end"), Some(attachment)) = (orders["mode"].as_str(), &attachment) {
        attachment.in_step().await.expect("in step");
        let left = store.operations().await.expect("readable");
        assert!(left.is_empty(), "{left:#?}");
        return;
    }
    let mut journal = OpenOptions::new().append(true).create(true).open(text("journal")).expect("a file");
    let mut dice = Dice(orders["seed"].as_u64().expect("a number"));
    loop {
        if let Err(error) = work(&store, &mut dice, &mut journal).await {
            note(&mut journal, &json!({"end": "failed", "why": error.to_string()}));
        }
        sleep(Duration::from_millis([0, 0, 1, 5, 20, 60][dice.roll(6)])).await;
    }
}

fn account(orders: &Value) -> Account {
    let port = u16::try_from(orders["port"].as_u64().expect("a number")).expect("a port");
    let config = Config::new("127.0.0.1")
        .port(port)
        .plaintext()
        .allow_plaintext_login(true)
        .login(orders["user"].as_str().expect("a text"), PASSWORD);
    let mut policy = Policy::default();
    (policy.max_redials, policy.max_backoff) = (1000, Duration::from_millis(200));
    policy.host_spacing = Duration::from_millis(1);
    Account::builder(config).policy(policy).open()
}

/// One line, in the hands of the system before what follows is done.
fn note(journal: &mut File, line: &Value) {
    journal.write_all(format!("{line}\n").as_bytes()).expect("written");
}

/// One thing that a user does.
async fn work(store: &Store, dice: &mut Dice, journal: &mut File) -> StoreResult<()> {
    let mailboxes: Vec<(MailboxId, String)> = store
        .mailboxes()
        .await?
        .into_iter()
        .map(|mailbox| (mailbox.id, mailbox.name.to_string()))
        .filter(|(_, name)| MAILBOXES.contains(&name.as_str()))
        .collect();
    let Some((target, target_name)) = dice.pick(&mailboxes).cloned() else { return Ok(()) };
    let all = store.search("").await?;
    let what = dice.roll(10);
    let one: Option<MessageSummary> = dice.pick(&all).cloned();
    let subject = match (&one, what) {
        (_, 0..=2) => format!("own {:x}{:x}", dice.roll(1 << 30), dice.roll(1 << 30)),
        (Some(one), _) => one.subject.clone().unwrap_or_default(),
        (None, _) => return Ok(()),
    };
    let Some(id) = one.map(|one| one.id).or_else(|| all.first().map(|one| one.id)) else {
        if what > 2 {
            return Ok(());
        }
        note(journal, &json!({"do": "append", "subject": subject, "target": target_name}));
        store.append(target, NewMessage::new(message(&subject))).await?;
        note(journal, &json!({"end": "done"}));
        return Ok(());
    };
    let name = match what {
        0..=2 => "append",
        3 | 4 => "flag",
        5 => "unflag",
        6 | 7 => "move",
        8 => "copy",
        _ => "expunge",
    };
    note(journal, &json!({"do": name, "subject": subject, "target": target_name}));
    match name {
        "append" => _ = store.append(target, NewMessage::new(message(&subject))).await?,
        "flag" => store.flag([id], Flag::Flagged, Flags::new()).await?,
        "unflag" => store.flag([id], Flags::new(), Flag::Flagged).await?,
        "move" => store.move_to([id], target).await?,
        "copy" => _ = store.copy_to(id, target).await?,
        _ => store.expunge([id]).await?,
    }
    note(journal, &json!({"end": "done"}));
    Ok(())
}

/// What has to be of the messages with one subject.
#[derive(Debug, Default)]
struct Truth {
    /// How many there are, at least and at most.
    least: usize,
    most: usize,
    is_copied: bool,
    /// `None`: either, since the program was killed at it.
    flagged: Option<bool>,
    history: Vec<String>,
}

/// What the others have done: subjects that arrived, and those that were removed.
#[derive(Debug, Default)]
struct Others {
    arrived: Vec<String>,
    removed: BTreeSet<String>,
}

/// What has to be, by the journal of the user and by what the others did.
fn truths(journal: &str, others: &Others) -> BTreeMap<String, Truth> {
    let mut truths: BTreeMap<String, Truth> = BTreeMap::new();
    for subject in &others.arrived {
        let truth = Truth { least: 1, most: 1, flagged: Some(false), ..Truth::default() };
        truths.insert(subject.clone(), truth);
    }
    let lines: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(what) = line["do"].as_str() else { continue };
        let next = lines.get(at + 1).and_then(|next| next["end"].as_str());
        if next == Some("failed") {
            continue;
        }
        let is_done = next == Some("done");
        let truth = truths.entry(line["subject"].as_str().expect("a text").to_owned()).or_default();
        truth.history.push(format!("{what} to {} ({is_done})", line["target"]));
        match what {
            "append" | "copy" => {
                truth.least += usize::from(is_done);
                truth.most += 1;
                truth.is_copied |= what == "copy";
                if what == "append" {
                    truth.flagged = Some(false);
                }
            }
            "flag" | "unflag" if is_done => truth.flagged = Some(what == "flag"),
            "flag" | "unflag" => truth.flagged = None,
            "expunge" => {
                truth.least = truth.least.saturating_sub(1);
                truth.most -= usize::from(is_done && truth.most > 0);
            }
            _ => {}
        }
    }
    for subject in &others.removed {
        truths.entry(subject.clone()).or_default().least = 0;
    }
    truths
}

/// Mailbox and UID, with flags and subject.
type Mail = BTreeMap<(String, u32), (BTreeSet<String>, String)>;

/// What is at the server, by a plain client.
async fn at_server(server: &Dovecot, user: &str) -> Mail {
    let mut mail = Mail::new();
    let mut session = server.session(user).await;
    for name in MAILBOXES {
        session.select(name).await;
        let rows = session.attempt("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").await;
        for row in rows.lines() {
            if !row.contains(" FETCH (") {
                continue;
            }
            let after = |what: &str| row.split_once(what).expect("it was asked for").1;
            let uid = after("UID ").split([' ', ')']).next().expect("a number").parse().expect("a number");
            let flags = after("FLAGS (").split(')').next().expect("a list");
            let subject = after("Subject: ").lines().next().expect("a line").to_owned();
            mail.insert((name.to_owned(), uid), (flags_of(flags), subject));
        }
    }
    session.logout().await;
    mail
}

/// What is not the same, with what the user did to it.
fn differences(file: &Mail, server: &Mail, journal: &str) -> Vec<String> {
    let places: BTreeSet<_> = file.keys().chain(server.keys()).collect();
    let differ = places.into_iter().filter(|place| file.get(*place) != server.get(*place));
    let described = differ.map(|place| {
        let (here, there) = (file.get(place), server.get(place));
        let subject = here.or(there).map_or("", |(_, subject)| subject);
        let about = |line: &&str| line.contains(&format!("\"{subject}\""));
        let history: Vec<&str> = journal.lines().filter(about).collect();
        format!("{place:?}: {here:?} here, {there:?} there; {history:?}")
    });
    described.collect()
}

fn flags_of(text: &str) -> BTreeSet<String> {
    text.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect()
}

/// What is in the file, by SQL.
fn in_file(path: &Path) -> Mail {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("readable");
    assert_eq!(sound, "ok");
    let left = "SELECT ifnull(group_concat(id || ' ' || args || ' ' || state, ', '), '') FROM operation";
    let left: String = file.query_row(left, [], |row| row.get(0)).expect("readable");
    assert_eq!(left, "", "operations that are left");
    let mut find = file
        .prepare(
            "SELECT b.name, m.uid, m.shown, c.subject, m.place = m.mailbox, m.shown = m.flags FROM message m \
             JOIN mailbox b ON b.id = m.mailbox JOIN content c ON c.id = m.content",
        )
        .expect("SQL");
    let rows = find.query_map([], |row| {
        assert!(row.get::<_, bool>(4)? && row.get::<_, bool>(5)?, "it is seen as it is");
        let (flags, subject): (String, String) = (row.get(2)?, row.get(3)?);
        Ok(((row.get(0)?, row.get(1)?), (flags_of(&flags), subject)))
    });
    rows.expect("SQL").map(|row| row.expect("a row")).collect()
}

/// The other client: mail arrives, is marked, is removed, until it is stopped.
async fn disturb(server: &Dovecot, user: &str, others: &mut Others, dice: &mut Dice, mut turns: usize) {
    let mut session = server.session(user).await;
    while turns > 0 {
        turns -= 1;
        let name = MAILBOXES[dice.roll(3)];
        match dice.roll(6) {
            0 | 1 => arrives(&mut session, name, others).await,
            2..=4 => {
                session.select(name).await;
                let rows = session.command("UID SEARCH ALL").await;
                let uids: Vec<String> = rows
                    .iter()
                    .filter_map(|row| row.strip_prefix("* SEARCH "))
                    .flat_map(|uids| uids.split(' ').map(str::to_owned))
                    .collect();
                let Some(uid) = dice.pick(&uids) else { continue };
                let change = ["+FLAGS (\\Answered)", "-FLAGS (\\Answered)", "+FLAGS ($Theirs)"];
                session.store(uid, change[dice.roll(3)]).await;
                if dice.roll(4) == 0 {
                    let command = format!("UID FETCH {uid} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
                    let row = session.attempt(&command).await.lines().join("\n");
                    let Some((_, rest)) = row.split_once("Subject: ") else { continue };
                    others.removed.insert(rest.lines().next().expect("a line").to_owned());
                    session.remove(uid).await;
                }
            }
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
    session.logout().await;
}

async fn arrives(session: &mut Other, mailbox: &str, others: &mut Others) {
    let subject = format!("theirs {}", others.arrived.len());
    session.append(mailbox, "", message(&subject).as_bytes()).await;
    others.arrived.push(subject);
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
    let server = Dovecot::with(&Options { no_tls: true, extra, ..Options::default() });
    let (user, folder) = (fresh_user(), tempfile::tempdir().expect("a folder"));
    let (path, journal) = (folder.path().join("mail.store"), folder.path().join("journal"));
    let (mut dice, mut others) = (Dice(seed), Others::default());
    let mut session = server.session(&user).await;
    for name in &MAILBOXES[1..] {
        session.command(&format!("CREATE {name}")).await;
    }
    for number in 0..40 {
        arrives(&mut session, MAILBOXES[number % 3], &mut others).await;
    }
    session.logout().await;
    let orders = |mode: &str, seed: u64| {
        json!({
            "store": path, "journal": journal, "port": server.plain_addr().port(), "user": user,
            "mode": mode, "seed": seed,
        })
    };
    for number in 0..kills {
        let mode = ["on", "on", "on", "off"][dice.roll(4)];
        let orders = orders(mode, seed.wrapping_mul(1_000_003).wrapping_add(number));
        let running = Running(start(&orders, &disk));
        let turns = dice.roll(12);
        let life = Duration::from_millis(20 + u64::try_from(dice.roll(600)).expect("small"));
        let (_, ()) = tokio::join!(sleep(life), disturb(&server, &user, &mut others, &mut dice, turns));
        drop(running);
        disk.after_kill(&mut dice);
    }
    let mut last = Running(start(&orders("end", 0), &disk));
    let status = loop {
        if let Some(status) = last.0.try_wait().expect("our own child") {
            break status;
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}: what it said is above");
    let mail = at_server(&server, &user).await;
    let journal = std::fs::read_to_string(&journal).unwrap_or_default();
    let differences = differences(&in_file(&path), &mail, &journal);
    assert!(differences.is_empty(), "the file, and the server: {differences:#?}");
    check_rows(&path);
    let mut found: BTreeMap<&str, Vec<&BTreeSet<String>>> = BTreeMap::new();
    for (flags, subject) in mail.values() {
        found.entry(subject).or_default().push(flags);
    }
    let truths = truths(&journal, &others);
    for (subject, truth) in &truths {
        let there = found.remove(subject.as_str()).unwrap_or_default();
        let right = (truth.least..=truth.most).contains(&there.len());
        assert!(right, "{subject}: {} of it, {truth:#?}", there.len());
        if let ([flags], false, Some(flagged)) = (there.as_slice(), truth.is_copied, truth.flagged) {
            assert_eq!(flags.contains("\\Flagged"), flagged, "{subject}: {truth:#?}");
        }
    }
    assert!(found.is_empty(), "these come from nowhere: {found:?}");
    let done = journal.lines().filter(|line| line.contains("\"done\"")).count();
    let said = disk.said();
    println!("{kills} kills, seed {seed}: {done} operations, {} messages at the end{said}", mail.len());
    assert!(done > 0 || kills < 5, "the user has done something");
}

/// Whether this is the program that is to be killed, which has run then.
pub(crate) fn is_the_program() -> bool {
    let Ok(orders) = std::env::var(PROGRAM) else { return false };
    runtime().block_on(program(serde_json::from_str(&orders).expect("JSON")));
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
