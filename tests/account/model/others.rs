//! What else makes use of the account: leases, and a store that is attached to it.

use std::time::Duration;

use imap_duplex::account::Account;
use imap_duplex::command::Items;
use imap_duplex::testing::Server;
use imap_duplex::types::MailboxName;

use super::{Model, Random};

impl Model {
    /// The program does something else with the account for a while.
    pub(super) fn lease(&mut self, mailbox: MailboxName) {
        let (account, seconds) = (self.account().clone(), self.random.below(100));
        self.note(format!("{mailbox} is leased for {seconds} s"));
        tokio::spawn(async move {
            // It may be gone, and the server away.
            if let Ok(lease) = account.mailbox(mailbox).await {
                _ = lease.fetch(.., Items::new().flags()).await;
                tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
            }
        });
    }
}

/// A store of the account, with some programs.
#[cfg(feature = "store")]
#[derive(Default)]
pub(super) struct Kept(Option<stored::Stored>);

#[cfg(feature = "store")]
mod stored {
    use imap_duplex::store::{Attachment, PageBy, Store};
    use imap_duplex::types::UidSet;
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;

    pub(super) struct Stored {
        store: Store,
        attachment: Option<Attachment>,
        _folder: TempDir,
    }

    impl Kept {
        pub(in super::super) async fn one_of(random: &mut Random) -> Self {
            if random.below(4) > 0 {
                return Self::default();
            }
            let folder = tempfile::tempdir().expect("a temporary folder");
            let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
            Self(Some(Stored { store, attachment: None, _folder: folder }))
        }

        pub(in super::super) async fn begin(&mut self, account: &Account) {
            if let Some(stored) = &mut self.0 {
                stored.attachment = Some(stored.store.attach(account).await.expect("it is free"));
            }
        }

        pub(in super::super) fn end(&mut self) {
            self.0.iter_mut().for_each(|stored| stored.attachment = None);
        }

        /// What it has is what there is, or comes to be: a message that the server did not send is
        /// asked for again after an hour.
        pub(in super::super) async fn check(&self, server: &Server) {
            let Some(Stored { store, attachment: Some(attachment), .. }) = &self.0 else { return };
            let mut left = differences(store, attachment, server).await;
            if !left.is_empty() {
                tokio::time::sleep(Duration::from_secs(3700)).await;
                left = differences(store, attachment, server).await;
            }
            assert_eq!(left, [""; 0]);
        }
    }

    async fn differences(store: &Store, attachment: &Attachment, server: &Server) -> Vec<String> {
        let waited = timeout(Duration::from_secs(3600), attachment.in_step()).await;
        waited.expect("within an hour").expect("the store is in step");
        let (all, mut found) = (store.mailboxes().await.expect("it can be read"), Vec::new());
        for name in server.mailboxes() {
            let there = server.mailbox(name.clone()).expect("it is there").uids();
            let here = all.iter().find(|mailbox| mailbox.name == name);
            let id = here.unwrap_or_else(|| panic!("the store has no {name}")).id;
            let page = store.mailbox(id).page(PageBy::oldest().count(1000), None).await;
            let messages = page.expect("it can be read").messages;
            let here: UidSet = messages.iter().filter_map(|message| message.uid).collect();
            if here != there {
                found.push(format!("{name}: {here} in the store, {there} at the server"));
            }
        }
        found
    }
}

/// Without that feature there is none.
#[cfg(not(feature = "store"))]
pub(super) struct Kept;

#[cfg(not(feature = "store"))]
impl Kept {
    #[allow(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn one_of(random: &mut Random) -> Self {
        random.below(4);
        Self
    }

    #[allow(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn begin(&mut self, _: &Account) {}

    pub(super) fn end(&mut self) {}

    #[allow(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn check(&self, _: &Server) {}
}
