//! The way to the server: an account that is attached to the store, or none while the user wants to
//! be offline.

use std::time::Duration;

use imap_duplex::account::{Account, AccountState, StatusReceiver};
use imap_duplex::store::{AccountId, Attachment, BodyPolicy, Store, StoreResult, SyncPolicy};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::{Connection, Event};
use crate::support::failure::Failure;

/// How long the end of a connection may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the counts of all mailboxes are compared.
const INTERVAL: Duration = Duration::from_secs(20);

/// Makes an account, which dials when it is attached.
pub(crate) type Accounts = Box<dyn Fn() -> Result<Account, Failure> + Send + Sync>;

pub(crate) struct Link {
    accounts: Accounts,
    /// Days of mail whose bodies are fetched in advance.
    days: u32,
    id: AccountId,
    account: Account,
    attachment: Option<Attachment>,
    status: Option<JoinHandle<()>>,
    events: UnboundedSender<Event>,
}

impl Link {
    /// Attaches an account to the store.
    pub(crate) async fn new(
        store: &Store,
        accounts: Accounts,
        days: u32,
        events: UnboundedSender<Event>,
    ) -> Result<Self, Failure> {
        let account = accounts()?;
        let attachment = attach(store, &account, days).await?;
        let status = tokio::spawn(report(account.status(), events.clone()));
        let id = attachment.account();
        Ok(Self { accounts, days, id, account, attachment: Some(attachment), status: Some(status), events })
    }

    pub(crate) fn account(&self) -> AccountId {
        self.id
    }

    pub(crate) fn sync_now(&self) {
        if let Some(attachment) = &self.attachment {
            self.account.network_changed();
            attachment.sync_now();
        }
    }

    /// Goes offline, or online again.
    pub(crate) async fn set_away(&mut self, store: &Store, away: bool) -> Result<(), Failure> {
        if away == self.attachment.is_none() {
            return Ok(());
        }
        if away {
            self.end().await;
            _ = self.events.send(Event::Connection(Connection::Away));
            return Ok(());
        }
        let account = (self.accounts)()?;
        self.attachment = Some(attach(store, &account, self.days).await?);
        self.status = Some(tokio::spawn(report(account.status(), self.events.clone())));
        self.account = account;
        Ok(())
    }

    /// Ends the connections.
    pub(crate) async fn end(&mut self) {
        if let Some(status) = self.status.take() {
            status.abort();
        }
        if let Some(attachment) = self.attachment.take() {
            _ = timeout(PATIENCE, attachment.stop()).await;
        }
        self.account.shutdown(PATIENCE).await;
    }
}

async fn attach(store: &Store, account: &Account, days: u32) -> StoreResult<Attachment> {
    let bodies = if days == 0 { BodyPolicy::on_demand() } else { BodyPolicy::newest_days(days) };
    store.attach_with(account, SyncPolicy::new().interval(INTERVAL).bodies(bodies)).await
}

/// Reports how the server can be reached.
async fn report(mut status: StatusReceiver, events: UnboundedSender<Event>) {
    let mut now = Some(status.now());
    while let Some(known) = now {
        let connection = connection(&known.state);
        let is_waiting = matches!(known.state, AccountState::Waiting { .. });
        if events.send(Event::Connection(connection)).is_err() {
            return;
        }
        now = tokio::select! {
            changed = status.changed() => changed,
            // The seconds until the next attempt are counted down.
            () = sleep(Duration::from_secs(1)), if is_waiting => Some(status.now()),
        };
    }
}

fn connection(state: &AccountState) -> Connection {
    match state {
        AccountState::Connected => Connection::Online,
        AccountState::Connecting | AccountState::Idle => Connection::Connecting,
        other => {
            let reason =
                other.error().map_or_else(|| other.to_string(), |error| Failure::from(error).to_string());
            let retry = other.pause().map(|pause| pause.as_secs() + 1);
            Connection::Offline { reason, retry }
        }
    }
}
