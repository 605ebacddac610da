//! What an account is doing, for a user interface.
//!
//! In: what the account's task does. Out: the latest of it, to be read or awaited.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;

/// What an account is doing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AccountStatus {
    /// Whether it is connected, or why not.
    pub state: AccountState,
    /// How many connections it has.
    pub connections: usize,
    /// How many of them are leased.
    pub leased: usize,
    /// How many callers wait for one.
    pub waiting: usize,
    /// How many it has at most: [`Policy::max_connections`](super::Policy), or fewer as long as the
    /// server refuses more.
    pub max_connections: usize,
}

impl AccountStatus {
    /// Whether a user interface would show both alike.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let counts = |s: &Self| (s.connections, s.leased, s.waiting, s.max_connections, s.state.until());
        std::mem::discriminant(&self.state) == std::mem::discriminant(&other.state)
            && counts(self) == counts(other)
    }
}

/// Whether an account is connected, or why not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum AccountState {
    /// Nothing is wanted, and it has no connection.
    #[default]
    Idle,
    /// The first connection is being made.
    Connecting,
    /// It has connections.
    Connected,
    /// The last attempt has failed: the next one comes later.
    #[non_exhaustive]
    Waiting {
        /// When.
        until: Instant,
        /// Why the last attempt has failed.
        error: Error,
    },
    /// The server has refused the credentials again and again: nothing is tried until they change.
    #[non_exhaustive]
    Parked {
        /// How the server refused them.
        error: Error,
    },
    /// It is being shut down: nothing more is leased.
    Closing,
    /// It has ended.
    Closed,
}

impl AccountState {
    fn until(&self) -> Option<Instant> {
        if let Self::Waiting { until, .. } = self { Some(*until) } else { None }
    }

    /// How long the account waits from now on, if it does.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until, .. } => Some(until.saturating_duration_since(Instant::now())),
            _ => None,
        }
    }

    /// The failure that keeps the account from being connected.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Waiting { error, .. } | Self::Parked { error } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("not connected"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Waiting { error, .. } => {
                let seconds = self.pause().unwrap_or_default().as_secs();
                write!(f, "waiting {seconds} s: {error}")
            }
            Self::Parked { error } => write!(f, "parked until the credentials change: {error}"),
            Self::Closing => f.write_str("closing"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

/// The status of an account as it changes; from [`Account::status`](super::Account::status).
#[derive(Clone)]
pub struct StatusReceiver {
    latest: watch::Receiver<AccountStatus>,
}

impl StatusReceiver {
    pub(super) fn new(latest: watch::Receiver<AccountStatus>) -> Self {
        Self { latest }
    }

    /// What the account is doing now.
    #[must_use]
    pub fn now(&self) -> AccountStatus {
        self.latest.borrow().clone()
    }

    /// Waits until it does something else, and returns that; `None` once the account has ended.
    /// What changes quickly may be skipped. Cancel-safe.
    pub async fn changed(&mut self) -> Option<AccountStatus> {
        self.latest.changed().await.ok()?;
        Some(self.latest.borrow_and_update().clone())
    }
}

impl fmt::Debug for StatusReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusReceiver").field("now", &self.now()).finish()
    }
}
