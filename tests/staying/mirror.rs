//! The mirror: killed at random moments and started again until its Maildirs are equal to the
//! mailboxes. Python's own modules say whether they are.
//!
//! `IMAP_DUPLEX_KILLS` chooses how often, `IMAP_DUPLEX_MESSAGES` how many messages there are.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::support::cutter::Cutter;
use crate::support::other::Other;
use crate::support::program::{Program, wait};
use crate::support::within;
use crate::{LIMIT, POLICY, Random, World, amount};

/// Mailboxes with names that are no usual names of folders.
const MAILBOXES: [&str; 5] = ["INBOX", "Work", "Work/new", "Work/tmp", "R&AOQ-der &- 100"];
const FLAGS: [&str; 6] =
    ["", "\\Seen", "\\Seen \\Flagged", "\\Answered \\Draft", "\\Deleted $Forwarded", "$Other"];

/// What is different between the mailboxes and the Maildirs; nothing if they are equal.
async fn difference(world: &World, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/staying/equal.py");
    let mut child = Command::new("python3")
        .arg(script)
        .args([&world.address().port().to_string(), world.user(), crate::support::PASSWORD])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python 3, which tests/run installs");
    let (status, errors) = wait(&mut child).await;
    assert!(status.success() != errors.contains("differ"), "{errors}");
    errors
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn message(number: u64, random: &mut Random) -> Vec<u8> {
    // One in forty is read in pieces.
    let lines = if number % 40 == 39 { 12_000 } else { random.below(60) };
    let text = "From the west, fair; 8 bits: \u{e4}\r\n".repeat(usize::try_from(lines).expect("small"));
    format!("From: zoe@example.org\r\nSubject: {number}\r\n\r\n{text}").into_bytes()
}

async fn fill(other: &mut Other, random: &mut Random, messages: u64) {
    for number in 0..messages {
        let name = MAILBOXES[usize::try_from(random.below(5)).expect("small")];
        let flags = FLAGS[usize::try_from(random.below(6)).expect("small")];
        other.append(&quoted(name), flags, &message(number, random)).await;
    }
}

/// Another client changes a mailbox: mail arrives, flags change, messages go.
async fn change(other: &mut Other, random: &mut Random) {
    let name = MAILBOXES[usize::try_from(random.below(5)).expect("small")];
    other.append(&quoted(name), "", &message(random.below(30), random)).await;
    other.select(&quoted(name)).await;
    let uid = (1 + random.below(20)).to_string();
    match random.below(4) {
        0 => other.remove(&uid).await,
        1 => _ = other.store(&uid, "+FLAGS (\\Seen)").await,
        2 => _ = other.store(&uid, "FLAGS ()").await,
        _ => _ = other.store(&uid, "+FLAGS (\\Flagged)").await,
    }
}

fn sums(lines: &[String]) -> Value {
    let last = lines.last().expect("it has a last line");
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {last}"))
}

async fn killed_and_started_again(world: World, what: &str) {
    let kills = amount("IMAP_DUPLEX_KILLS", 10);
    let mut random = Random::new(what);
    let cutter = Cutter::start(world.address()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("policy.json"), POLICY).expect("a file");
    let (policy, state, mail) = (path("policy.json"), path("state.json"), path("mail"));
    let url = world.url(cutter.port());
    let usual = ["--json", "--policy", &policy, "--state", &state, &url, &mail];
    let mut other = world.session().await;
    for name in &MAILBOXES[1..] {
        other.command(&format!("CREATE {}", quoted(name))).await;
    }
    fill(&mut other, &mut random, amount("IMAP_DUPLEX_MESSAGES", 200) as u64).await;
    let (mut cuts, mut unfinished) = (0, 0);
    for kill in 0..kills {
        let mut mirror = Program::start("mirror", &usual);
        // The first ones soon: while there is much to fetch.
        sleep(Duration::from_millis(20) + random.millis(if kill < kills / 2 { 120 } else { 400 })).await;
        if kill % 3 == 2 {
            cuts += cutter.cut();
        }
        change(&mut other, &mut random).await;
        sleep(random.millis(60)).await;
        mirror.kill();
        let had_ended = mirror.end().await.rest.iter().any(|line| line.contains("bytes_in"));
        unfinished += usize::from(!had_ended);
    }
    assert!(unfinished > 0, "no kill came in time");
    let ended = Program::start("mirror", &usual).end().await;
    assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{:?}", ended.rest);
    assert_eq!(difference(&world, Path::new(&mail)).await, "");
    // There is nothing left to be done, and little is asked for.
    let ended = Program::start("mirror", &usual).end().await;
    let nothing = sums(&ended.rest);
    assert_eq!(
        (&nothing["new"], &nothing["changed"], &nothing["removed"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert!(nothing["mailboxes"].as_u64().is_some_and(|all| all >= 5), "{nothing}");
    assert!(nothing["bytes_in"].as_u64().is_some_and(|bytes| bytes > 0 && bytes < 20_000), "{nothing}");
    println!(
        "{what}: {kills} kills, {unfinished} before the end, {cuts} connections cut; nothing to do: {nothing}"
    );

    follows(&world, &mut other, &mut random, &mail, &[&["--follow", "--interval", "1"], &usual[..]].concat())
        .await;
}

/// With `--follow` it keeps up with other clients, over a kill in between.
async fn follows(world: &World, other: &mut Other, random: &mut Random, mail: &str, arguments: &[&str]) {
    let mut mirror = Program::start("mirror", arguments);
    mirror.until("\"in_step\"").await;
    for at in 0..12 {
        change(other, random).await;
        if at == 6 {
            mirror.kill();
            mirror = Program::start("mirror", arguments);
        }
    }
    other.command("RENAME \"Work/new\" \"Old &- done\"").await;
    other.command("DELETE \"Work/tmp\"").await;
    let mut last = "not looked at".to_owned();
    for _ in 0..300 {
        sleep(Duration::from_millis(200)).await;
        last = difference(world, Path::new(mail)).await;
        if last.is_empty() {
            break;
        }
    }
    assert_eq!(last, "");
    assert!(!Path::new(mail).join("Work/%74mp/cur").exists(), "its mailbox is gone");
    assert_eq!(mirror.interrupt().await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_killed_goes_on_until_all_is_there() {
    within(LIMIT, killed_and_started_again(World::embedded().await, "embedded")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_dovecot() {
    within(LIMIT, killed_and_started_again(World::dovecot(), "dovecot")).await;
}

#[tokio::test]
async fn a_mirror_by_itself_ends_with_its_sums() {
    within(LIMIT, async {
        let ended = Program::start("mirror", &[]).end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        let folder = ended.rest[0].strip_prefix("into ").expect("where to").to_owned();
        let sums = sums(&ended.rest);
        assert_eq!((&sums["new"], &sums["removed"]), (&11.into(), &0.into()), "{sums}");
        assert!(Path::new(&folder).join("Projects/cur").is_dir());
        std::fs::remove_dir_all(folder).expect("ours");

        // Somebody else's files are left alone, and a mailbox that comes again is another.
        let world = World::dovecot();
        let mut other = world.session().await;
        other.command("CREATE Work").await;
        other.append("Work", "", &message(1, &mut Random::new("x"))).await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("UTF-8");
        let url = world.url(world.address().port());
        let mirror = async || Program::start("mirror", &["--json", &url, path]).end().await;
        assert_eq!(crate::mirror::sums(&mirror().await.rest)["new"], 1);
        std::fs::write(folder.path().join("Work/cur/1.mine:2,S"), "mine").expect("a file");
        other.command("DELETE Work").await;
        other.command("CREATE Work").await;
        other.append("Work", "", &message(2, &mut Random::new("x"))).await;
        let again = crate::mirror::sums(&mirror().await.rest);
        assert_eq!((&again["new"], &again["removed"]), (&1.into(), &1.into()), "{again}");
        other.command("DELETE Work").await;
        assert_eq!(crate::mirror::sums(&mirror().await.rest)["removed"], 1);
        let left = std::fs::read_dir(folder.path().join("Work/cur")).expect("there").count();
        assert_eq!(left, 1, "what is not ours");
    })
    .await;
}
