//! The bot: killed again and again, its connections cut, while mail arrives. No message is missed,
//! and none is acted on after its acknowledgement.
//!
//! `IMAP_DUPLEX_KILLS`, `_CUTS` and `_MESSAGES` choose how many.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use imap_duplex::account::{FileStore, StateStore};
use imap_duplex::types::{Uid, UidSet};
use tokio::time::sleep;

use crate::support::cutter::Cutter;
use crate::support::program::Program;
use crate::support::within;
use crate::{LIMIT, POLICY, Random, World, amount};

/// The UIDs that the bot knows, by what it has acknowledged.
async fn acknowledged(state: &Path) -> Option<UidSet> {
    let records = FileStore::new(state).load().await.expect("the file is whole at any moment");
    records
        .into_values()
        .find(|record| record.name.as_str() == "INBOX")
        .and_then(|record| Some(record.state?.uids))
}

/// The UIDs that STOREs have named from this line on.
fn stored(lines: &[String]) -> BTreeSet<u32> {
    let mut uids = BTreeSet::new();
    for line in lines {
        if let Some((_, rest)) = line.split_once(" UID STORE ") {
            let set: UidSet = rest.split(' ').next().unwrap_or_default().parse().expect("a set");
            uids.extend(set.iter().map(Uid::get));
        }
    }
    uids
}

async fn survives(world: World, what: &str) {
    let (kills, cuts) = (amount("IMAP_DUPLEX_KILLS", 10), amount("IMAP_DUPLEX_CUTS", 5));
    let messages = amount("IMAP_DUPLEX_MESSAGES", 60);
    let mut random = Random::new(what);
    let cutter = Cutter::start(world.address()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (state, policy) = (folder.path().join("state.json"), folder.path().join("policy.json"));
    std::fs::write(&policy, POLICY).expect("a file");
    let url = world.url(cutter.port());
    let (state_text, policy) = (state.to_str().expect("UTF-8"), policy.to_str().expect("UTF-8"));
    let arguments =
        ["--state", state_text, "--policy", policy, "--from", "zoe", "--flag", "$Done", url.as_str()];
    let mut other = world.session().await;
    other.append("INBOX", "", b"From: zoe@example.org\r\nSubject: old\r\n\r\nold\r\n").await;

    // From the first look on: mail that comes before that is old mail, too.
    let mut bot = Program::start("bot", &arguments);
    while acknowledged(&state).await.is_none() {
        sleep(Duration::from_millis(20)).await;
    }
    let pace = Duration::from_millis(400 * kills as u64 / messages as u64);
    let mail = tokio::spawn(async move {
        for number in 0..messages {
            let message = format!("From: zoe@example.org\r\nSubject: {number}\r\n\r\nhello\r\n");
            other.append("INBOX", "", message.as_bytes()).await;
            // While all of the kills are under way.
            sleep(pace).await;
        }
        other
    });
    // Cuts and kills mixed: each cut in the life of one bot.
    let (mut killed, mut cut) = (0, 0);
    while killed < kills || cut < cuts {
        sleep(Duration::from_millis(30) + random.millis(400)).await;
        if cut * kills < killed * cuts || killed == kills {
            cut += usize::from(cutter.cut() > 0);
            continue;
        }
        bot.kill();
        killed += 1;
        // What its connections still had to say has arrived once they are gone.
        cutter.cut();
        let known = acknowledged(&state).await.expect("it was there");
        let before = cutter.lines().len();
        bot = Program::start("bot", &arguments);
        // Until the next kill is drawn nothing that was acknowledged is touched.
        sleep(random.millis(400)).await;
        let again: Vec<_> =
            stored(&cutter.lines()[before..]).into_iter().filter(|uid| has(&known, *uid)).collect();
        assert!(again.is_empty(), "acted on after its acknowledgement: {again:?}");
    }
    let mut other = mail.await.expect("no panic");
    let wanted = messages as u64 + 1;
    while acknowledged(&state).await.expect("it is there").len() < wanted {
        sleep(Duration::from_millis(50)).await;
    }
    let all = stored(&cutter.lines());
    assert_eq!(bot.interrupt().await.status.code(), Some(0));
    assert_eq!(all.len(), messages, "each of them, and not the old one");
    other.select("INBOX").await;
    let done = other.command("UID SEARCH KEYWORD $Done").await;
    let done = done.iter().find_map(|line| line.strip_prefix("* SEARCH")).expect("an answer");
    assert_eq!(done.split_whitespace().count(), messages);
    let often = cutter.lines().iter().filter(|line| line.contains(" UID STORE ")).count();
    println!("{what}: {messages} messages, {kills} kills, {cuts} cuts: {often} STOREs");
}

fn has(known: &UidSet, uid: u32) -> bool {
    Uid::new(uid).is_some_and(|uid| known.contains(uid))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_killed_and_cut_off_misses_nothing_and_does_nothing_twice() {
    within(LIMIT, survives(World::embedded().await, "embedded")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_dovecot() {
    within(LIMIT, survives(World::dovecot(), "dovecot")).await;
}
