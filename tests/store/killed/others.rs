//! The other client: mail arrives, is marked, moved, removed; mailboxes get other names, or go and
//! are made again; and what an administrator does to the server.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::time::sleep;

use super::{DOOMED, MAILBOXES, RENAMED};
use crate::support::dovecot::Dovecot;
use crate::support::other::Other;
use crate::world::{Dice, message};

/// Mailboxes in which the others work: all but those that go, or change their names.
const SAFE: usize = 4;

/// What the others have done: subjects that arrived, and those that were removed.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) arrived: Vec<String>,
    pub(super) removed: BTreeSet<String>,
    /// What was queued for these is lost, as they are gone from where they were.
    pub(super) moved: BTreeSet<String>,
}

impl Others {
    pub(super) async fn arrives(&mut self, session: &mut Other, mailbox: &str) {
        let subject = format!("theirs {}", self.arrived.len());
        session.append(mailbox, "", message(&subject).as_bytes()).await;
        self.arrived.push(subject);
    }

    /// Works until it is stopped by its turns.
    pub(super) async fn disturb(&mut self, server: &Dovecot, user: &str, dice: &mut Dice, turns: usize) {
        let mut session = server.session(user).await;
        for _ in 0..turns {
            let name = MAILBOXES[dice.roll(SAFE)];
            match dice.roll(16) {
                0..=3 => self.arrives(&mut session, name).await,
                4..=9 => self.change(&mut session, name, dice).await,
                10 => {
                    // It may be under the other name now, or gone for a moment.
                    let (from, to) = if dice.roll(2) == 0 { RENAMED } else { (RENAMED.1, RENAMED.0) };
                    session.attempt(&format!("RENAME {from} {to}")).await;
                }
                11 => {
                    session.attempt(&format!("DELETE {DOOMED}")).await;
                    if dice.roll(2) == 0 {
                        sleep(Duration::from_millis(5)).await;
                    }
                    session.attempt(&format!("CREATE {DOOMED}")).await;
                }
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
        session.logout().await;
    }

    /// A message is marked, and perhaps moved or removed.
    async fn change(&mut self, session: &mut Other, name: &str, dice: &mut Dice) {
        session.select(name).await;
        let rows = session.command("UID SEARCH ALL").await;
        let uids: Vec<String> = rows
            .iter()
            .filter_map(|row| row.strip_prefix("* SEARCH "))
            .flat_map(|uids| uids.split(' ').map(str::to_owned))
            .collect();
        let Some(uid) = dice.pick(&uids) else { return };
        let changes = ["+FLAGS (\\Answered)", "-FLAGS (\\Answered)", "+FLAGS ($Theirs)", "-FLAGS ($Theirs)"];
        session.store(uid, changes[dice.roll(4)]).await;
        let what = dice.roll(8);
        if what > 2 {
            return;
        }
        let command = format!("UID FETCH {uid} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
        let row = session.attempt(&command).await.lines().join("\n");
        let Some((_, rest)) = row.split_once("Subject: ") else { return };
        let subject = rest.lines().next().expect("a line").to_owned();
        if what == 2 {
            self.moved.insert(subject);
            // Unless the user was quicker.
            session.attempt(&format!("UID MOVE {uid} {}", MAILBOXES[dice.roll(SAFE)])).await;
        } else {
            self.removed.insert(subject);
            session.remove(uid).await;
        }
    }
}

/// The server is stopped at whatever it does, and started again.
pub(super) fn restart(server: &mut Dovecot) {
    server.stop();
    server.start_again();
}

/// The server loses the UIDs of a mailbox: it gets another UIDVALIDITY, and messages other UIDs.
pub(super) async fn renumber(server: &mut Dovecot, user: &str, dice: &mut Dice) {
    let name = MAILBOXES[dice.roll(3)];
    let mut session = server.session(user).await;
    // What is in its index alone goes into the names of files.
    session.select(name).await;
    session.command("CHECK").await;
    session.logout().await;
    server.stop();
    let home = server.folder().join("home").join(user).join("Maildir");
    let folder = if name == "INBOX" { home } else { home.join(format!(".{name}")) };
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file.starts_with("dovecot.index") || file == "dovecot-uidlist" {
            fs::remove_file(path).expect("it is there");
        }
    }
    // Another second, which is another UIDVALIDITY.
    assert!(Command::new("sleep").arg("1").status().expect("it runs").success());
    server.start_again();
}
