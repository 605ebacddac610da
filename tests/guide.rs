//! The code of docs/account.md: it runs here, and stands there in the same words.

#![allow(clippy::print_stdout, reason = "the guide's programs talk to their users")]

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
