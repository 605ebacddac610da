//! What happens between a program and its server: dials that fail, throttling, passwords that
//! change, peers that say nothing any more. And where a program keeps what it has acknowledged.

use std::collections::BTreeMap;

use imap_duplex::account::{
    Account, Changes, FileStore, MailboxKey, MemoryStore, Policy, StateStore, StoreFuture, StoredMailbox,
    Watch,
};
use imap_duplex::command::Items;
use imap_duplex::types::Code;
use tempfile::TempDir;

use super::{Duration, Model, Random, World};
use crate::credentials::Provider;

/// In memory, or in a file.
#[derive(Clone)]
pub(super) enum Store {
    Memory(MemoryStore),
    File(std::sync::Arc<TempDir>),
}

impl Store {
    pub(super) fn one_of(random: &mut Random) -> Self {
        match random.below(3) {
            0 => Self::File(std::sync::Arc::new(tempfile::tempdir().expect("a temporary folder"))),
            _ => Self::Memory(MemoryStore::default()),
        }
    }

    /// As another run of the program opens it.
    fn open(&self) -> Box<dyn StateStore> {
        match self {
            Self::Memory(store) => Box::new(store.clone()),
            Self::File(folder) => Box::new(FileStore::new(folder.path().join("state.json"))),
        }
    }
}

struct Opened(Box<dyn StateStore>);

impl StateStore for Opened {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        self.0.load()
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        self.0.save(key, record)
    }

    fn save_all(&self, records: Vec<(MailboxKey, Option<StoredMailbox>)>) -> StoreFuture<'_, ()> {
        self.0.save_all(records)
    }
}

pub(super) async fn open(world: &World, provider: &Provider, store: &Store) -> (Account, Changes) {
    let account = world.account_by(provider.config(world), Policy::default());
    let watch = Watch::all().from_start(true).compare_flags(Duration::from_secs(100));
    let watch = watch.items(Items::envelope());
    let changes = account.watch(watch, Opened(store.open())).await.expect("a store that can be read");
    (account, changes)
}

impl Model {
    /// Something between program and server goes wrong. Whether the program may get errors, until
    /// there are other credentials.
    pub(super) fn fault(&mut self) -> bool {
        let server = self.world.server.clone();
        match self.random.below(6) {
            0 => {
                let dials = 1 + self.random.below(4);
                self.note(format!("the server is away for {dials} dials"));
                self.world.be_away(dials);
                server.disconnect(true);
            }
            kind @ (1 | 2) => {
                let (what, times) = match kind {
                    1 => ("Request is throttled. Suggested Backoff Time: 90000 milliseconds", 1),
                    _ => ("too many of you", 1 + self.random.below(3)),
                };
                self.note(format!("logins are refused {times} times: {what}"));
                for command in ["AUTHENTICATE", "LOGIN"] {
                    server.on(command).no_with(Code::Unavailable, what).times(times);
                }
                server.disconnect(false);
            }
            3 => {
                let number = self.number();
                self.note("the password is another one, and the provider knows it if it is asked again");
                self.password(number, "expired");
            }
            4 => {
                let number = self.number();
                self.note("the password is another one, and the provider does not know it");
                self.password(number, "expired");
                self.provider.has("expired", "wrong as well");
                return true;
            }
            _ => {
                let is_known = self.random.below(2) == 0;
                self.note(format!("all connections hang, and the network has changed: {is_known}"));
                self.world.hang();
                if is_known {
                    self.account().network_changed();
                }
            }
        }
        false
    }

    fn password(&mut self, number: u32, at_hand: &str) {
        self.current_password = format!("password {number}");
        self.world.server.set_password(self.current_password.as_str());
        self.provider.has(at_hand, &self.current_password);
        self.world.server.disconnect(true);
    }

    /// The user has logged in at the provider again.
    pub(super) fn log_in(&mut self) {
        self.note("the provider has the password");
        self.provider.has(&self.current_password, &self.current_password);
        self.account().credentials_changed();
    }
}
