//! The mail of the demonstration: it arrives, is read, is removed, in all accounts.
//!
//! In: a rate. Out: changes at the embedded servers, whose state is the truth.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use imap_duplex::testing::{Account, Server};
use imap_duplex::types::{Flag, Flags, Uid};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::error::{Error, Result};

/// The mailboxes of each account.
const MAILBOXES: [&str; 3] = ["INBOX", "Work", "Lists/Rust"];

/// The accounts, and what is in them.
#[derive(Debug)]
pub(super) struct Mail {
    // Dropping it ends its connections.
    _server: Server,
    accounts: Vec<Account>,
    address: SocketAddr,
    random: Random,
}

/// A mailbox as it is at the server: its UIDVALIDITY, and the flags of each message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TrueMailbox {
    pub(super) uid_validity: u32,
    pub(super) messages: BTreeMap<u32, Vec<String>>,
}

/// All mailboxes, by account and name.
pub(super) type Truth = BTreeMap<(String, String), TrueMailbox>;

/// The password of this account.
pub(super) fn password(account: &str) -> String {
    format!("secret of {account}")
}

/// The name of an account.
pub(super) fn account_name(number: usize) -> String {
    format!("user{number:04}")
}

impl Mail {
    /// This many accounts on a server of their own, and where it listens.
    pub(super) async fn start(accounts: usize) -> Result<Self> {
        let mut builder = Server::builder();
        for number in 0..accounts {
            let name = account_name(number);
            builder = builder.user(name.as_str(), password(&name));
        }
        let server = builder.start();
        let accounts: Vec<Account> = (0..accounts)
            .map(|number| {
                let name = account_name(number);
                let account = server.account(&name, &password(&name));
                for mailbox in &MAILBOXES[1..] {
                    account.create(*mailbox);
                }
                account
            })
            .collect();
        let address = server.listen().await.map_err(Error::io("the IMAP server"))?;
        Ok(Self { _server: server, accounts, address, random: Random(SystemRandom::new()) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes something in one account: as a rule mail arrives, and of what is there some is read
    /// and some removed.
    pub(super) fn change(&mut self) {
        let account = &self.accounts[self.random.below(self.accounts.len())];
        let mailbox = MAILBOXES[self.random.below(MAILBOXES.len())];
        let message =
            |uids: Vec<Uid>, random: &Random| (!uids.is_empty()).then(|| uids[random.below(uids.len())]);
        let uids =
            || account.mailbox(mailbox).map(|stored| stored.uids().iter().collect()).unwrap_or_default();
        match self.random.below(10) {
            0..6 => {
                let text = format!("Subject: {}\r\n\r\nHello\r\n", self.random.below(1_000_000));
                account.deliver(mailbox, text);
            }
            6 | 7 => {
                if let Some(uid) = message(uids(), &self.random) {
                    account.add_flags(mailbox, uid, Flag::Seen);
                }
            }
            8 => {
                if let Some(uid) = message(uids(), &self.random) {
                    account.remove_flags(mailbox, uid, Flag::Seen);
                }
            }
            _ => {
                if let Some(uid) = message(uids(), &self.random) {
                    account.expunge(mailbox, uid);
                }
            }
        }
    }

    /// Makes changes at this rate, until the future is dropped.
    pub(super) async fn run(&mut self, a_second: u32) {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let mut due = 0.0;
        loop {
            ticks.tick().await;
            due += f64::from(a_second) / 100.0;
            while due >= 1.0 {
                due -= 1.0;
                self.change();
            }
        }
    }

    /// What is there now.
    pub(super) fn truth(&self) -> Truth {
        let mut truth = Truth::new();
        for account in &self.accounts {
            for name in account.mailboxes() {
                let Some(stored) = account.mailbox(name.clone()) else { continue };
                let messages = stored
                    .messages
                    .iter()
                    .map(|message| (message.uid.get(), names(&message.flags)))
                    .collect();
                let mailbox = TrueMailbox { uid_validity: stored.uid_validity.get(), messages };
                truth.insert((account.name().to_owned(), name.to_string()), mailbox);
            }
        }
        truth
    }
}

/// Flags in one order.
fn names(flags: &Flags) -> Vec<String> {
    let mut names: Vec<String> = flags.iter().map(|flag| flag.to_string()).collect();
    names.sort();
    names
}

/// Numbers that no one can foresee.
#[derive(Debug)]
pub(super) struct Random(pub(super) SystemRandom);

impl Random {
    /// A number below this one, which is at least 1.
    pub(super) fn below(&self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        // Without random bytes the mail is dull, and nothing else.
        _ = self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % limit.max(1) as u64).unwrap_or(0)
    }
}
