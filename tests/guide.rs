//! The code of docs/account.md: it runs here, and stands there in the same words.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the guide's programs talk to their users")]

// From here on as in the guide.
use imap_duplex::account::{Account, ChangeKind, StateStore, Watch};
use imap_duplex::command::{Items, Store};
use imap_duplex::types::{Flag, Uid};

async fn bot(account: Account, state: impl StateStore) -> imap_duplex::Result<()> {
    let mut changes = account.watch(Watch::mailboxes(["INBOX"]).flags(false), state).await?;
    while let Some(change) = changes.next().await {
        let change = change?; // the credentials are refused, say
        if let ChangeKind::Arrived { uid, .. } = change.kind {
            while let Err(error) = see_to(&account, uid).await {
                if !error.is_transient() {
                    return Err(error);
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
        changes.ack(&change).await?; // from now on it is not delivered again
    }
    Ok(()) // the account has ended
}

async fn see_to(account: &Account, uid: Uid) -> imap_duplex::Result<()> {
    let inbox = account.mailbox("INBOX").await?; // waits while the server is away
    let rows = inbox.fetch(uid, Items::envelope()).await?;
    let from = rows.first().and_then(|row| row.envelope()?.from().next()?.email());
    if from.as_deref() == Some("boss@example.org") {
        inbox.store(uid, Store::add([Flag::Flagged])).await?;
    }
    Ok(())
}
// Next part.
use std::collections::BTreeMap;

use imap_duplex::account::Change;
use imap_duplex::types::MailboxName;

/// The messages of each mailbox, and whether they have been read.
type Folders = BTreeMap<MailboxName, BTreeMap<Uid, bool>>;

fn apply(folders: &mut Folders, change: &Change) {
    let messages = folders.entry(change.mailbox.clone()).or_default();
    match &change.kind {
        ChangeKind::Arrived { uid, flags, .. } => {
            messages.insert(*uid, flags.as_ref().is_some_and(|flags| flags.is_seen()));
        }
        ChangeKind::FlagsChanged { uid, flags, .. } => _ = messages.insert(*uid, flags.is_seen()),
        ChangeKind::Expunged { uid, .. } => _ = messages.remove(uid),
        ChangeKind::Reset => messages.clear(), // its UIDs mean nothing any more; all arrive once more
        ChangeKind::Deleted => _ = folders.remove(&change.mailbox),
        ChangeKind::Renamed { from, .. } => {
            let messages = folders.remove(from).unwrap_or_default();
            folders.insert(change.mailbox.clone(), messages);
        }
        _ => {} // created, in step
    }
}

// Next part.
use imap_duplex::types::Section;

/// Hands over what is new, to be made durable by `write`; ends when all is in step.
async fn mirror(
    account: &Account,
    state: impl StateStore,
    write: impl Fn(&Change) -> std::io::Result<()>,
) -> Result<(), Box<dyn std::error::Error>> {
    let whole = Items::section(Section::Full).flags();
    let mut changes = account.watch(Watch::all().from_start(true).items(whole), state).await?;
    let status = changes.status();
    loop {
        let batch = tokio::select! {
            batch = changes.next_many(100) => batch,
            _ = status.in_step() => return Ok(()), // without this it follows
        };
        let batch = match batch {
            Some(Err(error)) if error.mailbox().is_some() => {
                eprintln!("{error}"); // it may not be read, say; the others go on
                continue;
            }
            Some(batch) => batch?,
            None => return Ok(()),
        };
        batch.iter().try_for_each(&write)?;
        changes.ack_all(&batch).await?; // with one write of the state
    }
}
// Next part.
use imap_duplex::account::FoundBy;
use imap_duplex::types::SpecialUse;

/// Moves a message to the trash, whatever that is called here.
async fn discard(account: &Account, uid: Uid) -> imap_duplex::Result<()> {
    let trash = account.special_use(SpecialUse::Trash).await?;
    if let Some(trash) = trash.as_ref().filter(|trash| trash.found_by == FoundBy::Name) {
        println!("{} is taken for the trash, by its name", trash.name);
    }
    let name = trash.map_or_else(|| "Trash".into(), |trash| trash.name);
    let inbox = account.mailbox("INBOX").await?;
    inbox.move_creating(uid, name).await?; // created if it is missing
    Ok(())
}
// Next part.
use imap_duplex::account::AccountState;

async fn show(account: Account) {
    let mut status = account.status();
    while let Some(now) = status.changed().await {
        match &now.state {
            AccountState::Parked { .. } => println!("please log in again"), // then account.set_config(…)
            state => println!("{state}"), // waiting 12 s: could not connect to …
        }
    }
}
// Next part.
use imap_duplex::Config;
use imap_duplex::account::{MemoryStore, Policy};
use imap_duplex::testing::Server;

#[tokio::test(start_paused = true)]
async fn the_bot_flags_what_the_boss_writes_whatever_happens_to_its_connections() {
    let server = Server::new();
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let mut policy = Policy::default();
    policy.max_connections = 2;
    let dialled = server.clone();
    let account = Account::builder(config)
        .policy(policy)
        .connector(move |_| std::future::ready(Ok(dialled.connect())))
        .open();
    let running = tokio::spawn(bot(account.clone(), MemoryStore::new()));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;

    server.disconnect(true); // without a word
    let boss = server.deliver("INBOX", "From: boss@example.org\r\n\r\nNow!\r\n");
    let friend = server.deliver("INBOX", "From: zoe@example.org\r\n\r\nHello\r\n");
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;

    let inbox = server.mailbox("INBOX").unwrap();
    assert!(inbox.message(boss).unwrap().flags.contains(&Flag::Flagged));
    assert!(inbox.message(friend).unwrap().flags.is_empty());
    discard(&account, friend).await.unwrap();
    assert_eq!(server.mailbox("Trash").unwrap().uids().len(), 1);

    let seen = tokio::spawn(show(account.clone()));
    account.shutdown(std::time::Duration::from_secs(10)).await;
    running.await.unwrap().unwrap(); // the stream has ended, and so has the bot
    seen.await.unwrap();
}
// Up to here.

/// The folder list as the guide has it, on a server on which things happen.
#[tokio::test(start_paused = true)]
async fn the_sum_of_the_stream_is_what_is_there() {
    let server = Server::new();
    server.create("Work");
    for number in 0..6 {
        server.deliver(["INBOX", "Work"][number % 2], format!("Subject: {number}\r\n\r\n"));
    }
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let dialled = server.clone();
    let account =
        Account::builder(config).connector(move |_| std::future::ready(Ok(dialled.connect()))).open();
    let mut changes = account.watch(Watch::all().from_start(true), MemoryStore::new()).await.unwrap();
    let mut folders = Folders::new();
    for round in 0..3 {
        while let Ok(change) = tokio::time::timeout(std::time::Duration::from_secs(200), changes.next()).await
        {
            let change = change.unwrap().unwrap();
            apply(&mut folders, &change);
            changes.ack(&change).await.unwrap();
        }
        for name in server.mailboxes() {
            let there = server.mailbox(name.clone()).unwrap();
            let there = there.messages.iter().map(|message| (message.uid, message.flags.is_seen())).collect();
            assert_eq!(folders.get(&name).cloned().unwrap_or_default(), there, "{name}, {round}");
        }
        let first = server.mailbox("INBOX").unwrap().messages[0].uid;
        match round {
            0 => {
                server.add_flags("INBOX", first, Flag::Seen);
                server.rename("Work", "Job");
                server.deliver("Job", "Subject: new\r\n\r\n");
            }
            1 => {
                server.expunge("INBOX", first);
                server.delete("Job");
            }
            _ => {}
        }
    }
    assert!(!folders.contains_key(&"Job".into()));
}

/// The mirror as the guide has it: what was written once is not written again.
#[tokio::test(start_paused = true)]
async fn a_mirror_ends_when_all_is_there_and_goes_on_from_there() {
    let server = Server::new();
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let (dialled, state) = (server.clone(), MemoryStore::new());
    let account =
        Account::builder(config).connector(move |_| std::future::ready(Ok(dialled.connect()))).open();
    for (new, body) in [(250, "old"), (3, "new")] {
        for _ in 0..new {
            server.deliver("INBOX", format!("Subject: a\r\n\r\n{body}"));
        }
        let written = std::sync::Mutex::new(0);
        let write = |change: &Change| {
            if let ChangeKind::Arrived { message: Some(message), .. } = &change.kind {
                assert!(message.body().unwrap().ends_with(body.as_bytes()));
                *written.lock().unwrap() += 1;
            }
            Ok(())
        };
        mirror(&account, state.clone(), write).await.unwrap();
        assert_eq!(written.into_inner().unwrap(), new);
    }
}

#[test]
fn the_guide_has_it_in_the_same_words() {
    let own = include_str!("guide.rs").split_once("// From here on as in the guide.\n").expect("it begins").1;
    let own = own.split_once("// Up to here.\n").expect("it ends").0;
    let guide = include_str!("../docs/account.md");
    let parts: Vec<&str> = own.split("// Next part.\n").map(|part| part.trim_start_matches('\n')).collect();
    for part in &parts {
        let part = part.trim_end();
        assert!(guide.contains(&format!("```rust\n{part}\n```\n")), "not in the guide:\n{part}");
    }
    assert_eq!(guide.matches("```rust\n").count(), parts.len(), "all of its code is here");
}
